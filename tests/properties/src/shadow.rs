//! A second receiver, as short as it can be: it has the whole stream in one piece, takes it apart by hand, and copies as it
//! likes. It shares nothing with the real one but the words for what happened, so that a mistake does not agree with itself.

use crate::heard::Happened;
use socklab::websocket::protocol::{CloseCode, CloseReason, Role};

const FRAME: &str = "RFC 6455 section 5.2";

/// What a receiver in this role, with this limit on a message, must make of the stream.
pub fn shadow(role: Role, limit: usize, stream: &[u8]) -> Vec<Happened> {
    let (mut happened, mut rest) = (vec![], stream);
    // The message that has begun: whether it is text, and its bytes so far.
    let mut begun: Option<(bool, Vec<u8>)> = None;
    loop {
        match frame(role, limit, &mut rest, &mut begun) {
            Ok(Step::More(event)) => happened.extend(event),
            Ok(Step::Last(event)) => {
                happened.push(event);
                return happened;
            }
            Ok(Step::CutOff) => return happened,
            Err((code, section)) => {
                happened.push(Happened::Broken(code, section));
                return happened;
            }
        }
    }
}

enum Step {
    More(Option<Happened>),
    Last(Happened),
    CutOff,
}

fn frame(
    role: Role,
    limit: usize,
    rest: &mut &[u8],
    begun: &mut Option<(bool, Vec<u8>)>,
) -> Result<Step, (u16, &'static str)> {
    let [first, second, ..] = **rest else { return Ok(Step::CutOff) };
    let (size, shortest) = match second & 127 {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let Some(bytes) = rest.get(2..2 + size) else { return Ok(Step::CutOff) };
    let length = match size {
        0 => u64::from(second & 127),
        _ => bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    if length < shortest || length >> 63 == 1 {
        return Err((1002, FRAME));
    }
    let masked = second >= 128;
    let header = 2 + size + if masked { 4 } else { 0 };
    let Some(behind) = rest.get(header..) else { return Ok(Step::CutOff) };
    let key = if masked { &rest[header - 4..header] } else { &[0; 4] };

    let (fin, opcode) = (first >= 128, first & 15);
    if first & 0x70 != 0 || matches!(opcode, 3..=7 | 11..) {
        return Err((1002, FRAME));
    }
    if masked != (role == Role::Server) {
        return Err((1002, "RFC 6455 section 5.1"));
    }
    let is_control = opcode >= 8;
    if is_control && (!fin || length > 125) {
        return Err((1002, "RFC 6455 section 5.5"));
    }
    if !is_control && (opcode == 0) != begun.is_some() {
        return Err((1002, "RFC 6455 section 5.4"));
    }
    let before = begun.as_ref().map_or(0, |(_, bytes)| bytes.len());
    if !is_control && before as u128 + u128::from(length) > limit as u128 {
        return Err((1009, "RFC 6455 section 10.4"));
    }

    let is_whole = behind.len() as u64 >= length;
    let arrived = if is_whole { &behind[..length as usize] } else { behind };
    let payload: Vec<u8> = arrived.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
    if is_whole {
        *rest = &behind[length as usize..];
    }
    match opcode {
        _ if is_control && !is_whole => Ok(Step::CutOff),
        8 => Ok(Step::Last(Happened::Close(close(&payload)?))),
        9 => Ok(Step::More(Some(Happened::Ping(payload)))),
        10 => Ok(Step::More(Some(Happened::Pong(payload)))),
        _ => {
            let (is_text, mut message) = begun.take().unwrap_or((opcode == 1, vec![]));
            message.extend(payload);
            let is_complete = is_whole && fin;
            if is_text {
                match std::str::from_utf8(&message) {
                    // The end of the message, or what has come can no longer become text.
                    Err(error) if is_complete || error.error_len().is_some() => {
                        return Err((1007, "RFC 6455 section 8.1"));
                    }
                    _ => {}
                }
            }
            Ok(match (is_whole, fin, is_text) {
                (false, ..) => Step::CutOff,
                (true, false, _) => {
                    *begun = Some((is_text, message));
                    Step::More(None)
                }
                (true, true, false) => Step::More(Some(Happened::Binary(message))),
                (true, true, true) => Step::More(String::from_utf8(message).ok().map(Happened::Text)),
            })
        }
    }
}

fn close(payload: &[u8]) -> Result<Option<CloseReason>, (u16, &'static str)> {
    let Some((code, reason)) = payload.split_at_checked(2) else {
        return if payload.is_empty() { Ok(None) } else { Err((1002, "RFC 6455 section 5.5.1")) };
    };
    let code = u16::from_be_bytes([code[0], code[1]]);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err((1002, "RFC 6455 section 7.4"));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Some(CloseReason::new(CloseCode(code), reason))),
        Err(_) => Err((1007, "RFC 6455 section 8.1")),
    }
}
