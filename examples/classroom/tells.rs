//! How does the second client's own trace reach its visitor?
//!
//! Each step that the library takes for it comes here as to any observer. The heads and frames that it puts together by
//! hand are unknown to the library, so the client tells of them itself, in the same words and under the same number, once
//! it knows that number from the first step.
//!
//! # In production
//!
//! A program that makes its own frames has a trace of its own, or none.

use crate::Classroom;
use crate::door::tell;
use crate::experiments::Frame;
use crate::watch::{Budget, Kind, message};
use socklab::trace::{Action, Direction, FrameStep, Observer, Side, Step, from_environment, json};
use socklab::websocket::SessionHandle;
use socklab::websocket::protocol::FrameHeader;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub struct Tells {
    page: SessionHandle<Classroom>,
    state: Mutex<State>,
}

struct State {
    budget: Budget,
    who: Option<Who>,
}

/// Which socket it is that we speak of.
#[derive(Clone, Copy)]
struct Who {
    connection: u64,
    descriptor: Option<i32>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
}

impl Tells {
    pub fn new(page: SessionHandle<Classroom>) -> Tells {
        Tells { page, state: Mutex::new(State { budget: Budget::new(), who: None }) }
    }

    /// Something that happened now, on this thread.
    pub fn tell(&self, action: Action<'_>) {
        let Some(who) = self.state.lock().unwrap_or_else(PoisonError::into_inner).who else { return };
        let thread = std::thread::current();
        self.observe(&Step {
            at: SystemTime::now(),
            took: Duration::ZERO,
            side: Side::Client,
            connection: who.connection,
            descriptor: who.descriptor,
            local: who.local,
            peer: who.peer,
            thread: thread.name().unwrap_or("unnamed"),
            action,
        });
    }

    /// A frame that goes out, legal or not.
    pub fn frame_out(&self, frame: &Frame, key: Option<[u8; 4]>) {
        // `FrameHeader::decode` would refuse what must not be sent, and that is what is to be shown.
        let (first, second) = (frame.header.first().unwrap_or(&0), frame.header.get(1).unwrap_or(&0));
        debug_assert_eq!(key.is_some(), second & 0x80 != 0);
        let frame = FrameStep {
            fin: first & 0x80 != 0,
            rsv: first >> 4 & 7,
            opcode: first & 0x0f,
            key,
            length: frame.payload.len() as u64,
            header: &frame.header,
            payload: &frame.payload,
        };
        self.tell(Action::Frame { direction: Direction::Out, frame });
    }

    /// A frame that came in, as the library understood it.
    pub fn frame_in(&self, header: &FrameHeader, payload: &[u8]) {
        let mut bytes = Vec::new();
        FrameHeader { mask: None, ..*header }.encode(&mut bytes);
        let FrameHeader { fin, rsv, opcode, mask: key, length } = *header;
        let frame = FrameStep { fin, rsv, opcode: opcode.bits(), key, length, header: &bytes, payload };
        self.tell(Action::Frame { direction: Direction::In, frame });
    }
}

impl Observer for Tells {
    fn observe(&self, step: &Step<'_>) {
        from_environment().observe(step);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.who =
            Some(Who { connection: step.connection, descriptor: step.descriptor, local: step.local, peer: step.peer });
        let line = json(step);
        if state.budget.spend(&line) {
            tell(&self.page, &message(Kind::SecondClient, &line));
        }
    }
}
