//! What did a receiver make of a stream? In a form that can be kept and compared.

use socklab::websocket::protocol::{CloseReason, Event, FrameHeader, Incoming, Role, Violation};

/// An event of our own, for the protocol's borrows from its buffer.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<CloseReason>),
    /// The close code and the section: at which byte a text was seen to be wrong depends on how it was cut.
    Broken(u16, &'static str),
}

/// What a receiver made of a stream. Each frame is shown to the observer as well.
pub fn hear(role: Role, limit: usize, pieces: &[&[u8]]) -> (Vec<Happened>, Vec<(FrameHeader, Vec<u8>)>) {
    let mut incoming = Incoming::new(role, limit);
    let (mut events, mut frames) = (vec![], vec![]);
    for piece in pieces {
        incoming.push(piece);
        loop {
            let mut see = |header: &FrameHeader, payload: &[u8]| frames.push((*header, payload.to_vec()));
            let event = match incoming.next(&mut see) {
                Ok(None) => break,
                Ok(Some(Event::Text(text))) => Happened::Text(text.to_owned()),
                Ok(Some(Event::Binary(bytes))) => Happened::Binary(bytes.to_vec()),
                Ok(Some(Event::Ping(bytes))) => Happened::Ping(bytes.to_vec()),
                Ok(Some(Event::Pong(bytes))) => Happened::Pong(bytes.to_vec()),
                Ok(Some(Event::Close(reason))) => Happened::Close(reason),
                Err(Violation { code, section, .. }) => {
                    events.push(Happened::Broken(code.0, section));
                    return (events, frames);
                }
            };
            events.push(event);
        }
    }
    (events, frames)
}
