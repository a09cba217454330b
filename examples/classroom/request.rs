//! What may a page ask for?
//!
//! A line of JSON says it, and whoever can open a WebSocket can send what they like. So a request is first understood, in
//! full and within limits, and only then obeyed; what cannot be understood is answered with a sentence.
//!
//! # In production
//!
//! `serde` makes the same from a type that derives `Deserialize`; the limits stay work by hand.

use serde_json::{Value, json};
use socklab::websocket::MessageRef;
use socklab::websocket::protocol::MAX_CONTROL_PAYLOAD;

/// What is large enough to have a length in 64 bits, and a little more.
const MAX_LARGE: u64 = 100_000;
const MAX_TEXT: usize = 16 * 1024;

/// A sentence for whoever looks at the page.
pub fn problem(text: &str) -> String {
    json!({"type": "problem", "text": text}).to_string()
}

#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Ping the exhibit.
    Ping(String),
    /// Send the exhibit this text, in so many frames.
    Fragments { count: usize, text: String },
    /// Send the exhibit a text of so many bytes.
    Large(usize),
    /// Have the second client do this.
    Experiment(String),
    /// The lecturer's: this visitor shall go.
    Disconnect { visitor: u64, key: String },
}

impl Request {
    /// The error is for whoever wrote the page.
    pub fn parse(message: MessageRef<'_>) -> Result<Request, String> {
        let MessageRef::Text(line) = message else { return Err("a request is a text".to_owned()) };
        let value: Value = serde_json::from_str(line).map_err(|error| format!("this is not JSON: {error}"))?;
        let text = |name: &str| {
            let text = value[name].as_str().filter(|text| text.len() <= MAX_TEXT);
            text.map(str::to_owned).ok_or(format!("\"{name}\" must be a text of at most {MAX_TEXT} bytes"))
        };
        let number = |name: &str, least: u64, most: u64| {
            let number = value[name].as_u64().filter(|number| (least..=most).contains(number));
            number.ok_or(format!("\"{name}\" must be a whole number from {least} to {most}"))
        };
        match value["do"].as_str() {
            Some("ping") => match text("text")? {
                long if long.len() > MAX_CONTROL_PAYLOAD => {
                    Err(format!("a ping carries at most {MAX_CONTROL_PAYLOAD} bytes, and this has {}", long.len()))
                }
                fits => Ok(Request::Ping(fits)),
            },
            Some("fragments") => {
                Ok(Request::Fragments { count: number("count", 2, 20)? as usize, text: text("text")? })
            }
            Some("large") => Ok(Request::Large(number("count", 1, MAX_LARGE)? as usize)),
            Some("experiment") => Ok(Request::Experiment(text("name")?)),
            Some("disconnect") => {
                Ok(Request::Disconnect { visitor: number("visitor", 0, u64::MAX)?, key: text("key")? })
            }
            _ => Err("\"do\" must be one of ping, fragments, large, experiment, disconnect".to_owned()),
        }
    }
}
