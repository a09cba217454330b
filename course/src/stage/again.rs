//! What is asked of a server beside its connections: has it done what it had to do, does it still listen, does it start again?
//!
//! # In production
//!
//! A supervisor asks the same: it waits for the port of a service to answer, sends the order to stop, waits with a limit, and
//! starts the successor (systemd's `Type=notify`, `TimeoutStopSec=`, `Restart=`).

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};

use super::Stage;
use crate::peer::Failure;
use crate::vigil::PATIENCE;

impl Stage {
    /// Nobody listens at the port any more, or very soon nobody will: a connection is refused. A program that has ended
    /// refuses too. It is asked again when the program has come to rest, ten times in all: each asking may wake it.
    pub fn expect_refused(&mut self) -> Result<(), Failure> {
        for _ in 0..10 {
            self.until_at_rest();
            match TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, self.port).into(), PATIENCE) {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    self.ground.transcript.did("a new connection is refused: nobody listens");
                    return Ok(());
                }
                Ok(stream) => self.ground.keep(stream),
                Err(_) => {}
            }
        }
        self.ground.transcript.did("a new connection is not refused");
        Err(Failure::new("The program still listens.", "that a new connection is refused", "a connection, ten times"))
    }

    /// Starts a program that has ended once more, at the same port. What comes of it shows the next [`Stage::connect`].
    pub fn start_again(&mut self) -> Result<(), Failure> {
        self.start()
    }
}
