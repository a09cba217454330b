//! Whatever a program sends, in whatever order, arrives as the list that a much simpler program keeps.
//!
//! The simpler program, the model, knows no bytes: it knows which message has begun, and whether a Close was sent. The
//! real one encodes, leaves in batches, crosses a network that cuts anywhere, and is decoded. If the two ever
//! disagree, on a refusal or on what arrives, one of them is wrong, and proptest finds the shortest list of actions
//! that shows it.

use crate::cuts::{Cut, payload};
use crate::frames::{Happened, hear, role};
use proptest::collection::vec;
use proptest::prelude::*;
use socklab::websocket::protocol::{CloseCode, CloseReason, MaskKeys, MessageKind, Outgoing, Role, SendError};

#[derive(Debug, Clone)]
enum Action {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    First(MessageKind, Vec<u8>),
    Next(Vec<u8>),
    Last(Vec<u8>),
    Close(Option<CloseReason>),
    /// The writer takes all that waits.
    Write,
}

fn action() -> impl Strategy<Value = Action> {
    let text = || prop_oneof![4 => ".{0,10}", 1 => Just("x\u{20ac}".repeat(20_000))];
    // Pieces of text: characters, halves of them, and now and then what is none.
    let piece = || {
        prop_oneof![
            4 => ".{0,6}".prop_map(String::into_bytes),
            2 => prop::sample::select(vec![b"\xe2\x82".to_vec(), b"\xac".to_vec(), b"\xf0\x9f".to_vec(), b"\x98\x80".to_vec()]),
            2 => payload(70_000),
        ]
    };
    let kind = prop::sample::select(vec![MessageKind::Text, MessageKind::Binary]);
    let code = prop::sample::select(vec![1000, 1001, 1005, 1006, 3000, 4999]).prop_map(CloseCode);
    let reason = (code, "[a-z\u{e4}]{0,10}|x{120,126}").prop_map(|(code, reason)| CloseReason::new(code, reason));
    prop_oneof![
        4 => text().prop_map(Action::Text),
        4 => payload(70_000).prop_map(Action::Binary),
        3 => payload(130).prop_map(Action::Ping),
        2 => payload(130).prop_map(Action::Pong),
        4 => (kind, piece()).prop_map(|(kind, piece)| Action::First(kind, piece)),
        6 => piece().prop_map(Action::Next),
        4 => piece().prop_map(Action::Last),
        1 => proptest::option::of(reason).prop_map(Action::Close),
        4 => Just(Action::Write),
    ]
}

/// What has been said so far.
#[derive(Debug, Default)]
struct Model {
    begun: Option<(MessageKind, Vec<u8>)>,
    closed: bool,
    said: Vec<Happened>,
}

/// How the model names a refusal.
#[derive(Debug, PartialEq)]
enum No {
    AfterClose,
    TooLong,
    BadClose,
    InsideFragments,
    NothingBegun,
    NotUtf8,
}

impl From<SendError> for No {
    fn from(error: SendError) -> No {
        match error {
            SendError::AfterClose => No::AfterClose,
            SendError::ControlTooLong(_) => No::TooLong,
            SendError::Close(_) => No::BadClose,
            SendError::InsideFragments(_) => No::InsideFragments,
            SendError::NothingBegun => No::NothingBegun,
            SendError::NotUtf8(_) => No::NotUtf8,
            SendError::NoRandomness(_) => unreachable!("the keys of this test do not run out"),
        }
    }
}

impl Model {
    fn act(&mut self, action: &Action) -> Result<(), No> {
        match action {
            Action::Write => return Ok(()),
            Action::Close(Some(reason)) if !reason.code.may_be_sent() || reason.reason.len() > 123 => {
                return Err(No::BadClose);
            }
            Action::Ping(payload) | Action::Pong(payload) if payload.len() > 125 => return Err(No::TooLong),
            _ if self.closed => return Err(No::AfterClose),
            Action::Text(_) | Action::Binary(_) | Action::First(..) if self.begun.is_some() => {
                return Err(No::InsideFragments);
            }
            Action::Next(_) | Action::Last(_) if self.begun.is_none() => return Err(No::NothingBegun),
            Action::Text(text) => self.said.push(Happened::Text(text.clone())),
            Action::Binary(bytes) => self.said.push(Happened::Binary(bytes.clone())),
            Action::Ping(payload) => self.said.push(Happened::Ping(payload.clone())),
            Action::Pong(payload) => self.said.push(Happened::Pong(payload.clone())),
            Action::First(kind, piece) => {
                could_be(*kind, piece)?;
                self.begun = Some((*kind, piece.clone()));
            }
            Action::Next(piece) | Action::Last(piece) => {
                let is_last = matches!(action, Action::Last(_));
                let (kind, before) = self.begun.clone().unwrap();
                let bytes = [before, piece.clone()].concat();
                could_be(kind, &bytes)?;
                if !is_last {
                    self.begun = Some((kind, bytes));
                    return Ok(());
                }
                self.said.push(match kind {
                    MessageKind::Binary => Happened::Binary(bytes),
                    MessageKind::Text => Happened::Text(String::from_utf8(bytes).map_err(|_| No::NotUtf8)?),
                });
                self.begun = None;
            }
            Action::Close(reason) => {
                self.said.push(Happened::Close(reason.clone()));
                self.closed = true;
            }
        }
        Ok(())
    }
}

/// Could these bytes be the beginning of such a message?
fn could_be(kind: MessageKind, bytes: &[u8]) -> Result<(), No> {
    match std::str::from_utf8(bytes) {
        Err(error) if kind == MessageKind::Text && error.error_len().is_some() => Err(No::NotUtf8),
        _ => Ok(()),
    }
}

fn act(outgoing: &mut Outgoing, wire: &mut Vec<u8>, action: &Action) -> Result<(), No> {
    match action {
        Action::Text(text) => outgoing.text(text),
        Action::Binary(bytes) => outgoing.binary(bytes),
        Action::Ping(payload) => outgoing.ping(payload),
        Action::Pong(payload) => outgoing.pong(payload),
        Action::First(kind, piece) => outgoing.first_fragment(*kind, piece),
        Action::Next(piece) => outgoing.next_fragment(piece),
        Action::Last(piece) => outgoing.last_fragment(piece),
        Action::Close(reason) => outgoing.close(reason.as_ref()),
        Action::Write => {
            wire.extend(outgoing.take());
            Ok(())
        }
    }
    .map_err(No::from)
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn what_arrives_is_what_was_said(receiver in role(), actions in vec(action(), 0..25), cut in Cut::any()) {
        let mut next = 0_u8;
        let keys = MaskKeys::new(move |block| {
            block.iter_mut().for_each(|byte| { next = next.wrapping_mul(5).wrapping_add(91); *byte = next; });
            Ok(())
        });
        let mut outgoing = if receiver == Role::Server { Outgoing::client(keys) } else { Outgoing::server() };
        let (mut model, mut wire) = (Model::default(), vec![]);
        for action in &actions {
            let waiting = outgoing.pending().len();
            let said = act(&mut outgoing, &mut wire, action);
            prop_assert_eq!(said.is_err() && outgoing.pending().len() != waiting, false, "a refusal leaves bytes");
            match model.act(action) {
                // Which of two mistakes is named is no promise.
                Err(No::AfterClose) => prop_assert!(said.is_err(), "{:?}", action),
                expected => prop_assert_eq!(said, expected, "{:?}", action),
            }
            prop_assert_eq!(outgoing.is_closed(), model.closed);
        }
        wire.extend(outgoing.take());
        let (events, _) = hear(receiver, 1 << 24, &cut.pieces(&wire, 2_000));
        prop_assert_eq!(events, model.said);
    }
}
