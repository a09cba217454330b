//! How does a program begin a conversation?
//!
//! The active side, in the order of the system calls:
//!
//! ```text
//!   resolve    the name becomes addresses                          (no system call: the C library's own affair)
//!   socket()   a descriptor, still alone                           \
//!   connect()  SYN, SYN+ACK, ACK: it leads to one peer             /  TcpStream::connect_timeout
//!   write(), read()                                                   Client::send, Client::receive
//!   shutdown(), read() to the end                                     Client::close
//!   close()    the descriptor goes back                               drop
//! ```
//!
//! # In production
//!
//! We try one address after another, IPv6 and IPv4 in turn, as RFC 8305 section 4 orders them. "Happy Eyeballs", the rest
//! of that RFC, does more: it asks for both families' addresses at once and begins with the first that come (section 3),
//! it begins the next attempt when one has had no answer for 250 ms, and lets both go on (section 5), and it closes
//! whatever loses against the first that connects. So a blackhole costs it a quarter of a second, and us its share of
//! the limit. Browsers do that, and keep connections for the next request instead of beginning anew.

use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::resolve::alternate;
use crate::settings::Settings;
use crate::tls::Tls;
use crate::trace::{Call, Outcome, Side, Tracer};
use crate::transport::{Transport, descriptor};
use std::net::{SocketAddr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The active side of a conversation. WLanguage: `SocketConnect` (in French `SocketConnecte`).
///
/// It is a [`Connection`] that we began: send, receive and close are there.
///
/// ```
/// use socklab::{Client, Framing, Received, Settings, StandardServer};
/// # let server = StandardServer::bind("127.0.0.1:0")?;
/// # let address = server.local_address().to_string();
/// # let stop = server.stop_handle();
/// # let running = std::thread::spawn(move || server.serve(|mut connection| {
/// #     while let Received::Message(bytes) = connection.receive()? { connection.send(bytes)?; }
/// #     Ok(())
/// # }));
///
/// let settings = Settings { framing: Framing::lines(), ..Settings::default() };
/// let mut client = Client::connect_with(&address, &settings)?;
/// client.send("Is anybody there?")?;
/// assert_eq!(client.receive()?, Received::Message(b"Is anybody there?".to_vec()));
/// client.close();
/// # stop.stop();
/// # running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    connection: Connection,
}

impl Client {
    /// Connects to `HOST:PORT` with the default [`Settings`]. WLanguage: `SocketConnect` (in French `SocketConnecte`). Blocks for at most [`Settings::connect_limit`].
    ///
    /// Errors: [`Error::Address`], [`Error::Resolve`], [`Error::Connect`] with every address that was tried,
    /// [`Error::TimedOut`].
    pub fn connect(target: &str) -> Result<Client, Error> {
        Client::connect_with(target, &Settings::default())
    }

    /// Connects to `HOST:PORT`. A name, which [`Settings::resolver`] resolves, may stand for several addresses, IPv6 and
    /// IPv4: each is tried in turn, the families alternating, with an equal share of the time that is left. Blocks and
    /// fails as [`Client::connect`] does.
    pub fn connect_with(target: &str, settings: &Settings) -> Result<Client, Error> {
        let deadline = Deadline::after(settings.connect_limit);
        let tracer = Tracer::new(&settings.trace, Side::Client);
        let tls = settings.tls_towards(host(target))?;
        let addresses = alternate(settings.resolver.addresses(target, deadline, &tracer)?);
        let mut attempts = Vec::new();
        for (tried, &address) in addresses.iter().enumerate() {
            let share = deadline.remaining() / (addresses.len() - tried) as u32;
            if share.is_zero() {
                break;
            }
            match connect_to(address, Deadline::after(share), tracer.clone()) {
                Ok((stream, tracer)) => return Client::begin(stream, tracer, tls, settings),
                Err(error) => attempts.push((address, error)),
            }
        }
        if attempts.is_empty() {
            return Err(Error::TimedOut { doing: "connecting", limit: settings.connect_limit });
        }
        Err(Error::Connect { target: target.to_owned(), attempts })
    }

    /// There is a connection. With TLS it is of use only when we know who is at its other end.
    fn begin(stream: TcpStream, tracer: Tracer, tls: Option<Tls>, settings: &Settings) -> Result<Client, Error> {
        let transport = Transport::new(stream, tracer, settings.no_delay, tls)
            .map_err(|source| Error::from_system("connecting", source))?;
        let mut connection = Connection::new(Arc::new(transport), Arc::new(settings.clone()));
        connection.secure()?;
        Ok(Client { connection })
    }

    /// The conversation, without the memory of who began it.
    pub fn into_connection(self) -> Connection {
        self.connection
    }
}

/// The host in `HOST:PORT`: the name that a certificate must be for. An IPv6 address stands in brackets.
fn host(target: &str) -> &str {
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

fn connect_to(address: SocketAddr, deadline: Deadline, mut tracer: Tracer) -> std::io::Result<(TcpStream, Tracer)> {
    tracer.peer = Some(address);
    let started = tracer.start_waiting(Call::Connect, None);
    let result = TcpStream::connect_timeout(&address, deadline.remaining());
    if let Ok(stream) = &result {
        tracer.descriptor = descriptor(stream);
        tracer.local = stream.local_addr().ok();
    }
    tracer.finish(started, || match &result {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::Failed(error),
    });
    Ok((result?, tracer))
}

impl Deref for Client {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
