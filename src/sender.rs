//! How does a message leave, whichever thread sends it?
//!
//! It is marked by the framing into bytes of its own, and these bytes are written under the transport's writing lock, all
//! of them, before the next message may begin. So two threads may send at once, and neither message is torn.

use crate::deadline::Deadline;
use crate::error::Error;
use crate::framing::Framing;
use crate::settings::Settings;
use crate::transport::{Transport, Unwritten};
use std::sync::Arc;
use std::time::Duration;

/// The sending direction of a connection, for any thread. Cheap to clone. It keeps the framing that the connection had
/// when it was made. The descriptor stays open until the connection and all its senders are gone.
#[derive(Debug, Clone)]
pub struct Sender {
    pub(crate) transport: Arc<Transport>,
    pub(crate) framing: Framing,
    pub(crate) settings: Arc<Settings>,
}

impl Sender {
    /// Like [`Connection::send`](crate::Connection::send). WLanguage: `SocketWrite` (in French `SocketEcrit`). A message
    /// is never torn apart by another thread's.
    pub fn send(&self, message: impl AsRef<[u8]>) -> Result<(), Error> {
        send(&self.transport, &self.framing, &self.settings, message.as_ref())
    }

    /// Like [`Connection::finish_sending`](crate::Connection::finish_sending): it ends the direction, for every sender.
    pub fn finish_sending(&self) {
        self.transport.finish_sending(Deadline::after(self.settings.close_limit));
    }
}

/// Marks one message and writes it.
pub(crate) fn send(transport: &Transport, framing: &Framing, settings: &Settings, message: &[u8]) -> Result<(), Error> {
    let mut wire = Vec::with_capacity(message.len() + 16);
    framing.encode(message, settings.max_message, &mut wire)?;
    write(transport, &wire, settings.send_limit)
}

/// Writes all of it within the limit, and says in our words how it failed.
pub(crate) fn write(transport: &Transport, bytes: &[u8], limit: Duration) -> Result<(), Error> {
    if transport.has_finished_sending() {
        let broken = transport.tls().and_then(|tls| tls.failure());
        return Err(broken.cloned().map_or(Error::Closed, Error::Tls));
    }
    transport.write_all(bytes, Deadline::after(limit)).map_err(|unwritten| why_unwritten(unwritten, limit))
}

/// What failed, in our words.
pub(crate) fn why_unwritten(unwritten: Unwritten, limit: Duration) -> Error {
    match unwritten {
        Unwritten::TooLate => Error::TimedOut { doing: "sending to a peer that does not read", limit },
        Unwritten::Ended => Error::Closed,
        Unwritten::Failed(source) => Error::from_system("sending", source),
    }
}
