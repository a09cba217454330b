//! Who writes, for how long, and who goes on when they have enough of it?
//!
//! Three kinds of threads become the writer, and differ in their patience: one that waits for its own message writes until
//! that has left, up to the limit; one that posts to somebody else's client has a millisecond; and one that was started
//! for a slow client has all the time that the client needs, as long as it takes one piece after the other.

use super::half::Half;
use super::{Error, Outbox};
use crate::deadline::{Deadline, Patience};
use crate::sender::why_unwritten;
use crate::transport::{Unwritten, enter};
use std::mem;
use std::net::Shutdown;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a thread writes what is not its own to wait for, before it leaves the rest to another thread: a broadcast to a
/// thousand clients must not wait for one of them.
const MOMENT: Duration = Duration::from_millis(1);
/// So much at a time is handed to the system. After each such piece it is known that the peer takes something, how much is
/// still waiting, and whose bytes have left.
pub(super) const PIECE: usize = 1024 * 1024;
/// What the batch keeps of its memory: a message of 64 KiB with its header.
const KEPT: usize = 65 * 1024;

/// The millisecond of somebody who does not write for himself. It begins with the first piece.
#[derive(Default)]
struct Moment(Option<Deadline>);

impl Moment {
    fn next(&mut self) -> Option<Patience> {
        match self.0 {
            Some(deadline) => (!deadline.has_passed()).then_some(deadline.into()),
            // One clock reading less for each client of a broadcast.
            None => Some((*self.0.insert(Deadline::after(MOMENT))).into()),
        }
    }
}

/// Whether everything left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    All,
    /// The deadline passed first; the calling thread is still the writer.
    Some,
}

impl Outbox {
    /// The peer took not even a piece within the limit. It has the beginning of a frame whose rest will never come, so there
    /// is nothing left to say to it. A server's session is over then: its thread sits in a read, and is woken by the end. A
    /// WebSocket of its own may still hear what the peer says.
    pub(super) fn give_up(&self) {
        self.transport.shutdown(if self.errands.is_some() { Shutdown::Both } else { Shutdown::Write });
        let mut half = enter(&self.half);
        half.forget();
        self.stop_writing(half);
    }

    pub(super) fn stop_writing(&self, mut half: MutexGuard<'_, Half>) {
        half.writing = false;
        // To wake nobody is a system call all the same, and each message would pay for it.
        let somebody_waits = half.sleepers > 0;
        drop(half);
        if somebody_waits {
            self.went_on.notify_all();
        }
    }

    /// Writes what others wait for, and not we, if nobody does already: for a millisecond, and the rest is left to another
    /// thread.
    pub(super) fn write_for_a_moment(self: &Arc<Outbox>, half: MutexGuard<'_, Half>) -> Result<(), Error> {
        if half.writing || half.is_empty() {
            return Ok(()); // The writer takes it along.
        }
        let mut moment = Moment::default();
        if self.write(half, |_| moment.next())? == Left::Some {
            self.leave_to_another_thread();
        }
        Ok(())
    }

    /// Waits until the session's own replies are written.
    pub(super) fn write_own<'a>(self: &'a Arc<Outbox>, half: MutexGuard<'a, Half>) -> Result<(), Error> {
        let own = half.own;
        self.write_up_to(half, own, self.limit_of_a_send())
    }

    /// Waits until all up to `mark` is written, by us or by whoever writes already: before the deadline of the whole, or
    /// without one for as long as the peer takes each piece in time.
    pub(super) fn write_up_to<'a>(
        self: &'a Arc<Outbox>,
        mut half: MutexGuard<'a, Half>,
        mark: u64,
        whole: Option<Deadline>,
    ) -> Result<(), Error> {
        let next = || self.patience(whole);
        let too_slow = || why_unwritten(Unwritten::TooLate, whole.map_or(self.send_limit, |whole| whole.limit)).into();
        let (mut wait, mut seen) = (next(), half.written);
        while half.writing && half.written < mark {
            if mem::replace(&mut seen, half.written) < half.written {
                wait = next();
            }
            let deadline = wait.begin();
            if deadline.has_passed() {
                return Err(too_slow());
            }
            half.sleepers += 1;
            let waited = self.went_on.wait_timeout(half, deadline.remaining().min(Duration::from_secs(3600)));
            half = waited.unwrap_or_else(PoisonError::into_inner).0;
            half.sleepers -= 1;
        }
        if half.written >= mark {
            return Ok(());
        }
        if half.is_empty() {
            // Whoever wrote it failed, and it is lost.
            return Err(crate::Error::Closed.into());
        }
        // Ours comes first. What others queue meanwhile is for us to write as well, but not to wait for.
        let mut moment = Moment::default();
        let willing = |half: &Half| if half.written < mark { Some(next()) } else { moment.next() };
        if self.write(half, willing)? == Left::Some {
            if enter(&self.half).written < mark {
                self.give_up();
                return Err(too_slow());
            }
            self.leave_to_another_thread();
        }
        Ok(())
    }

    /// Where only this side's own messages leave, the limit is that of the whole send. A server's client may have much
    /// before it that others sent, and reads as long as it takes one piece after the other.
    pub(super) fn limit_of_a_send(&self) -> Option<Deadline> {
        self.errands.is_none().then(|| Deadline::after(self.send_limit))
    }

    /// How long one piece may take.
    pub(super) fn patience(&self, whole: Option<Deadline>) -> Patience {
        whole.map_or(Patience::For(self.send_limit), Patience::Until)
    }

    // ANCHOR: write
    /// Becomes the writer, or goes on being it, and writes until nothing is queued, or for as long as it is willing: that
    /// is asked before each piece, and the answer is how long the piece may take.
    pub(super) fn write<'a>(
        &'a self,
        mut half: MutexGuard<'a, Half>,
        mut willing: impl FnMut(&Half) -> Option<Patience>,
    ) -> Result<Left, Error> {
        half.writing = true;
        while !half.is_empty() {
            let Some(wait) = willing(&half) else { return Ok(Left::Some) };
            let mut batch = mem::take(&mut half.batch);
            if batch.bytes.is_empty() {
                batch.bytes = half.outgoing.exchange(batch.bytes);
                half.taken += batch.bytes.len() as u64;
            }
            let piece = (batch.bytes.len() - batch.written).min(PIECE);
            drop(half);
            let result = self.transport.write(&batch.bytes[batch.written..batch.written + piece], wait);
            half = enter(&self.half);
            let count = match result {
                Ok(count) => count,
                Err(unwritten) => {
                    half.forget();
                    self.stop_writing(half);
                    return Err(why_unwritten(unwritten, self.send_limit).into());
                }
            };
            half.written += count as u64;
            if half.sleepers > 0 {
                // What somebody waits for may have left, however much there is behind it.
                self.went_on.notify_all();
            }
            batch.written += count;
            if batch.written == batch.bytes.len() {
                batch.bytes.clear();
                batch.bytes.shrink_to(KEPT);
                batch.written = 0;
                if half.outgoing.pending().is_empty() {
                    // Nobody has queued meanwhile, so this memory is free for the next message, and the client needs no
                    // second piece of it.
                    batch.bytes = half.outgoing.exchange(batch.bytes);
                }
            }
            half.batch = batch;
            if count < piece {
                return Ok(Left::Some);
            }
        }
        self.stop_writing(half);
        Ok(Left::All)
    }
    // ANCHOR_END: write

    /// We are the writer and have no time for it. We hand that over to a thread that waits for the peer, and gives up only
    /// when one piece is not taken within the whole limit.
    pub(super) fn leave_to_another_thread(self: &Arc<Outbox>) {
        let outbox = Arc::clone(self);
        let goes_on = move || {
            let half = enter(&outbox.half);
            if matches!(outbox.write(half, |_| Some(Patience::For(outbox.send_limit))), Ok(Left::Some)) {
                outbox.give_up();
            }
        };
        let started = self.errands.as_ref().is_some_and(|errands| errands.start("slow client", goes_on).is_ok());
        if !started {
            // No thread is left, or none is needed where everybody who sends waits: whoever does wakes up and goes on. Else
            // the rest waits for the next one that sends.
            self.stop_writing(enter(&self.half));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Side, Trace, Tracer};
    use crate::transport::Transport;
    use crate::websocket::protocol::Outgoing;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    const LIMIT: Duration = Duration::from_secs(10);

    fn outbox_and_peer() -> (Arc<Outbox>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.set_read_timeout(Some(LIMIT)).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let tracer = Tracer::new(&Trace::off(), Side::Server);
        let transport = Arc::new(Transport::new(stream, tracer, true, None).unwrap());
        (Outbox::new(transport, Outgoing::server(), LIMIT), peer)
    }

    #[test]
    fn one_piece_of_memory_is_enough_while_nobody_else_queues() {
        let (outbox, mut peer) = outbox_and_peer();
        let places = [(); 3].map(|()| {
            outbox.send(|outgoing| outgoing.text("Hello")).unwrap();
            peer.read_exact(&mut [0; 7]).unwrap();
            let half = enter(&outbox.half);
            assert_eq!(half.batch.bytes.capacity(), 0);
            half.outgoing.pending().as_ptr()
        });
        assert_eq!(places, [places[0]; 3]);
    }

    #[test]
    fn the_memory_of_a_large_message_goes() {
        let (outbox, mut peer) = outbox_and_peer();
        let reads = thread::spawn(move || peer.read_exact(&mut vec![0; 10 + 1_000_000]).map(|()| peer));
        outbox.send(|outgoing| outgoing.binary(&[0; 1_000_000])).unwrap();
        let _peer = reads.join().unwrap().unwrap();
        let kept = enter(&outbox.half).outgoing.exchange(Vec::new());
        assert!((1..=KEPT).contains(&kept.capacity()), "{}", kept.capacity());
    }
}
