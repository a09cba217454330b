//! What is queued, and how far has it come?
//!
//! All that was ever queued is one stream of bytes. So a place in it is a number, "have my bytes left?" is a comparison,
//! and how much is waiting is a difference.
//!
//! ```text
//!   0             written                taken          end
//!   |  has left   |  the writer has it   |   queued     |
//! ```

use crate::trace::{Direction, FrameStep, Tracer};
use crate::websocket::protocol::{FrameHeader, Outgoing, SendError, State, see_frames};

/// The sending direction, behind the outbox's lock.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) outgoing: Outgoing,
    pub(super) batch: Batch,
    pub(super) writing: bool,
    /// How many threads wait for the writer.
    pub(super) sleepers: usize,
    /// How many bytes a writer has taken in hand, from the queue or past it.
    pub(super) taken: u64,
    /// How many bytes have left.
    pub(super) written: u64,
    /// Where the last of the session's own replies ends.
    pub(super) own: u64,
    /// How many bytes such replies are, counted from the last time when all of them had left.
    own_bytes: u64,
    /// The peer's direction has ended: kept here as well, for the state is made of both.
    incoming_ended: bool,
}

/// What was taken from the queue to be written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) written: usize,
}

impl Half {
    pub(super) fn new(outgoing: Outgoing) -> Half {
        let batch = Batch::default();
        Half {
            outgoing,
            batch,
            writing: false,
            sleepers: 0,
            taken: 0,
            written: 0,
            own: 0,
            own_bytes: 0,
            incoming_ended: false,
        }
    }

    /// How many bytes the peer has not taken.
    pub(super) fn waiting(&self) -> usize {
        (self.end() - self.written) as usize
    }

    /// How much of that others sent, and not the session itself: a long reply takes no room from them.
    pub(super) fn waiting_from_others(&self) -> usize {
        let own = self.own_bytes.min(self.own.saturating_sub(self.written));
        self.waiting().saturating_sub(own as usize)
    }

    /// The last so many bytes of the queue are the session's own.
    pub(super) fn note_own(&mut self, bytes: u64) {
        let before = if self.written < self.own { self.own_bytes } else { 0 };
        (self.own, self.own_bytes) = (self.end(), before + bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Where the last byte stands that is queued now.
    pub(super) fn end(&self) -> u64 {
        self.taken + self.outgoing.pending().len() as u64
    }

    /// Nothing of what is queued can leave any more: the peer may have a part of a frame, and nothing can follow that. Were it
    /// kept, a receive would try to send it in the place of reading what the peer still says.
    pub(super) fn forget(&mut self) {
        self.batch = Batch::default();
        self.outgoing.take();
        (self.taken, self.own) = (self.written, self.written);
    }

    pub(super) fn state(&self) -> State {
        State::of(self.incoming_ended, self.outgoing.is_closed())
    }

    /// With an observer, each frame is told as it stands in the queue: what is told is what will be written.
    pub(super) fn queue<T>(
        &mut self,
        queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>,
        tracer: &Tracer,
    ) -> Result<T, SendError> {
        if !tracer.is_on() {
            return queue(&mut self.outgoing);
        }
        let (before, mark) = (self.state(), self.outgoing.pending().len());
        let result = queue(&mut self.outgoing)?;
        see_frames(&self.outgoing.pending()[mark..], &mut |header, payload| {
            tell_frame(tracer, Direction::Out, header, payload);
        });
        self.tell_state(before, "our Close frame", tracer);
        Ok(result)
    }

    pub(super) fn incoming_ended(&mut self, why: &str, tracer: &Tracer) {
        let before = self.state();
        self.incoming_ended = true;
        self.tell_state(before, why, tracer);
    }

    fn tell_state(&self, before: State, why: &str, tracer: &Tracer) {
        let now = self.state();
        if now != before {
            tracer.state(before.name(), now.name(), why);
        }
    }
}

/// Tells of one frame, header and unmasked payload.
#[inline]
pub(in crate::websocket) fn tell_frame(tracer: &Tracer, direction: Direction, header: &FrameHeader, payload: &[u8]) {
    if tracer.is_on() {
        tell(tracer, direction, *header, payload);
    }
}

/// Seldom does anybody watch. The header comes by value: if it were borrowed here it could not stay in registers anywhere.
#[cold]
fn tell(tracer: &Tracer, direction: Direction, header: FrameHeader, payload: &[u8]) {
    let mut bytes = Vec::with_capacity(14);
    header.encode(&mut bytes);
    // On the wire the masking key ends the header; the trace shows it by itself.
    bytes.truncate(bytes.len() - header.mask.map_or(0, |key| key.len()));
    let frame = FrameStep {
        fin: header.fin,
        rsv: header.rsv,
        opcode: header.opcode.bits(),
        key: header.mask,
        length: header.length,
        header: &bytes,
        payload,
    };
    tracer.frame(direction, frame);
}
