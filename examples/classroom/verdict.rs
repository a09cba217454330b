//! Did the server do what RFC 6455 asks of it?
//!
//! What came back is collected, whatever it is, and compared with what was expected. As long as it is not that, the verdict
//! stays open: the right answer may still follow.
//!
//! # In production
//!
//! A test suite gives a third verdict between right and wrong: allowed, but not asked for.

use crate::experiments::Expected;
use socklab::websocket::protocol::Event;

/// What came back.
#[derive(Default)]
pub struct Answers {
    pub text: Option<String>,
    pub pong: Option<Vec<u8>>,
    pub close: Option<(u16, String)>,
    /// The server has ended the connection.
    pub ended: bool,
}

impl Answers {
    pub fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) => self.text = Some(text.to_owned()),
            Event::Pong(payload) => self.pong = Some(payload.to_vec()),
            Event::Close(Some(reason)) => self.close = Some((reason.code.0, reason.reason)),
            Event::Close(None) => self.close = Some((1005, String::new())),
            Event::Binary(_) | Event::Ping(_) => {}
        }
    }

    /// A sentence, and whether it is as it should be. None while that is open.
    pub fn judge(&self, expected: &Expected) -> Option<(String, bool)> {
        let pong = |payload: &[u8]| self.pong.as_ref().is_some_and(|pong| pong == payload);
        let echo = |text: &str| self.text.as_ref().is_some_and(|echo| echo == text);
        let shown = String::from_utf8_lossy;
        let well = |sentence: String| Some((sentence, true));
        match expected {
            Expected::Echo(text) if echo(text) => {
                well(format!("The server read the head to its end, agreed, and sent “{text}” back."))
            }
            Expected::Pong(payload) if pong(payload) => {
                well(format!("The server answered with a Pong of the same payload, “{}”.", shown(payload)))
            }
            Expected::PongThenEcho(payload, text) if pong(payload) && echo(text) => well(format!(
                "The server answered the ping between the fragments with a Pong (“{}”), put the three frames together, \
                 and sent them back as one message: “{text}”.",
                shown(payload)
            )),
            // The Close frame alone is not enough: the server has to end the connection as well (section 7.1.7).
            Expected::Close(wanted) if self.ended => self.close.as_ref().map(|(code, reason)| {
                (format!("The server answered Close {code}, “{reason}”, and ended the connection."), code == wanted)
            }),
            _ => None,
        }
    }

    /// The sentence for an answer that is not the expected one.
    pub fn surprise(&self) -> (String, bool) {
        let sentence = match &self.close {
            Some((code, reason)) => format!("The server answered Close {code}, “{reason}”, which was not expected."),
            None => "The server ended the connection without the answer that was expected.".to_owned(),
        };
        (sentence, false)
    }
}
