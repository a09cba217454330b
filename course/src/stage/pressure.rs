//! How is a program brought to the places that it never comes to at home?
//!
//! A `write` that takes less than it was given, a port that is still remembered, an end that a loop does not see: each
//! needs its moment, and none is waited for by a clock alone.
//!
//! # In production
//!
//! Fault injection does this from below: a file system that fails each tenth write, a proxy that cuts connections.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitStatus;
use std::time::Duration;

use super::{Stage, ours};
use crate::peer::Failure;
use crate::system;
use crate::vigil::{Idle, Vigil};

/// Asked of the system for each direction of a narrow connection; Linux makes twice as much of it.
const NARROW: usize = 16 * 1024;

/// An Ethernet's. Over loopback a segment is 64 KiB, and the program's system makes its send buffer a multiple of that.
#[cfg(unix)]
const SEGMENT: u32 = 1400;

impl Stage {
    /// [`Stage::start_client`], with a listener whose connections hold little in each direction: a program that writes
    /// [`Stage::more_than_fits`] is stopped in its `write`, as by a slow network.
    pub fn start_narrow_client(&mut self) -> Result<(), Failure> {
        let listener = narrow_listener().map_err(ours)?;
        self.port = listener.local_addr().map_err(ours)?.port();
        self.listener = Some(listener);
        self.start()
    }

    /// A narrow connection and the program's system hold fewer bytes than this, both directions together, while the program
    /// does not read. In Linux its send buffer begins as it usually is and grows with what has been acknowledged: 0.2 MB
    /// fitted into one direction, and 1.1 MB into both. Elsewhere it may be megabytes.
    pub fn more_than_fits(&self) -> usize {
        const MIB: usize = 1 << 20;
        system::usual_send_buffer().map_or(8 * MIB, |usual| usual + 2 * MIB)
    }

    /// Ends the server with its connections open, and starts it again at the same port.
    pub fn restart_server(&mut self) -> Result<(), Failure> {
        self.ground.transcript.did("the program is ended from outside");
        self.start()
    }

    /// [`Stage::expect_exit`], for a program that ought to end because what it waited for cannot come any more: one that
    /// uses a fifth of a second of processor time meanwhile asks for it again and again.
    pub fn expect_exit_without_spinning(&mut self, spinning: &'static str) -> Result<ExitStatus, Failure> {
        let (idle, mut vigil) = (Idle::begin(self.activity()), Vigil::begin());
        while !self.has_ended() {
            if let Some(used) = idle.spun(self.activity()) {
                let what = "The program does not notice the end of the stream, and spins.";
                let got = format!("{used}, though nothing comes any more");
                return Err(Failure::new(what, "its end", got).is(spinning));
            }
            if vigil.silent(|| self.ground.processes()).is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.expect_exit()
    }
}

/// What a listener's socket is given, its connections inherit (tcp(7)); given to a connection it would come too late.
fn narrow_listener() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(NARROW)?;
    socket.set_send_buffer_size(NARROW)?;
    // Where it may not be set, more fits.
    #[cfg(unix)]
    let _ = socket.set_tcp_mss(SEGMENT);
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(8)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
