//! Who is connected?
//!
//! The list of sessions, and what it takes to reach one of them: its outbox and its context. A session's thread enters it
//! after the 101 and takes it off the list when it ends, so whoever finds a session here may find it gone a moment later.
//! That is the nature of such a list, not a mistake of it.

use super::application::{Application, Ending};
use super::context::Context;
use super::handle::{NotDone, ServerHandle, SessionHandle};
use super::limits::Limits;
use crate::transport::enter;
use crate::websocket::errands::Errands;
use crate::websocket::error::Error;
use crate::websocket::message::MessageRef;
use crate::websocket::outbox::Outbox;
use crate::websocket::protocol::{CloseCode, CloseReason, Outgoing, SendError};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// One session, as other threads see it.
pub(super) struct Member<A: Application> {
    pub(super) number: u64,
    pub(super) peer: SocketAddr,
    pub(super) outbox: Arc<Outbox>,
    pub(super) server: ServerHandle<A>,
    /// Made by the connected callback, so it comes a little later than the rest.
    context: OnceLock<Arc<Context<A::Session>>>,
    /// Why we closed it, once we did. The first reason is the one that counts.
    closed_by_us: Mutex<Option<CloseReason>>,
    bound: usize,
    close_limit: Duration,
    errands: Arc<Errands>,
    /// Says that the session is over by having lost its sender.
    gone: Receiver<()>,
}

/// When does it leave?
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Now,
    /// Together with what follows, at [`Registry::write_posted`].
    Later,
}

/// Held by the session's thread as long as the session lives.
pub(super) struct Alive(#[allow(dead_code)] Sender<()>);

impl<A: Application> Member<A> {
    pub(super) fn new(
        number: u64,
        peer: SocketAddr,
        outbox: Arc<Outbox>,
        limits: &Limits,
        errands: Arc<Errands>,
        server: ServerHandle<A>,
    ) -> (Arc<Member<A>>, Alive) {
        let (alive, gone) = bounded(0);
        let member = Member {
            number,
            peer,
            outbox,
            server,
            context: OnceLock::new(),
            closed_by_us: Mutex::new(None),
            // The limit is for memory, and a queue costs more than its bytes: the message that goes over it, and the thread
            // that waits for this client.
            bound: limits.outbox - limits.outbox / 16,
            close_limit: limits.settings.close_limit,
            errands,
            gone,
        };
        (Arc::new(member), Alive(alive))
    }

    /// The number of its connection.
    pub(super) fn connection(&self) -> u64 {
        self.outbox.transport.tracer().connection()
    }

    pub(super) fn handle(self: &Arc<Member<A>>) -> SessionHandle<A> {
        SessionHandle { number: self.number, peer: self.peer, member: Arc::downgrade(self) }
    }

    pub(super) fn set_context(&self, context: Arc<Context<A::Session>>) {
        // It is set once, by the session's own thread.
        let _ = self.context.set(context);
    }

    pub(super) fn context(&self) -> Result<Arc<Context<A::Session>>, NotDone> {
        self.context.get().cloned().ok_or(NotDone::Gone)
    }

    /// Queues, and says whether the client is there and takes what it is sent.
    pub(super) fn post(
        &self,
        when: When,
        queue: impl FnOnce(&mut Outgoing) -> Result<(), SendError>,
    ) -> Result<(), NotDone> {
        let accepted = match when {
            When::Now => self.outbox.post(self.bound, queue),
            When::Later => self.outbox.post_later(self.bound, queue),
        };
        match accepted {
            Ok(true) => Ok(()),
            Ok(false) => {
                let reason = format!("it has not taken {} bytes", self.bound);
                self.cut_off(CloseReason::new(CloseCode::POLICY, reason));
                Err(NotDone::TooSlow)
            }
            Err(Error::Send(SendError::AfterClose)) | Err(Error::Socket(_)) => Err(NotDone::Gone),
            Err(_) => Err(NotDone::Unsendable),
        }
    }

    /// Says goodbye, and returns at once: the session's thread hears the peer's answer.
    pub(super) fn say_goodbye(&self, reason: &CloseReason) -> Result<(), NotDone> {
        let says = |outgoing: &mut Outgoing| {
            outgoing.close(Some(reason))?;
            // Noted before it leaves: the answer may be here before we are back from the write.
            enter(&self.closed_by_us).get_or_insert_with(|| reason.clone());
            Ok(())
        };
        match self.outbox.post(usize::MAX, says) {
            Ok(_) => Ok(()),
            Err(Error::Send(SendError::Close(_))) => Err(NotDone::Unsendable),
            Err(_) => Err(NotDone::Gone),
        }
    }

    /// Says goodbye and sees to it that the session ends: its thread may sit in a read that has no end, and a peer that does
    /// not answer gets no more than the limit.
    pub(super) fn close(self: &Arc<Member<A>>, reason: &CloseReason) -> Result<(), NotDone> {
        self.say_goodbye(reason)?;
        let (gone, limit, member) = (self.gone.clone(), self.close_limit, Arc::downgrade(self));
        let watch = move || {
            if gone.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                if let Some(member) = member.upgrade() {
                    member.outbox.transport.shutdown(Shutdown::Both);
                }
            }
        };
        if self.errands.start("goodbye", watch).is_err() {
            self.outbox.transport.shutdown(Shutdown::Both);
        }
        Ok(())
    }

    /// Ends without a goodbye: there is no way to say one to a peer that does not read.
    pub(super) fn cut_off(&self, reason: CloseReason) {
        enter(&self.closed_by_us).get_or_insert(reason);
        self.outbox.transport.shutdown(Shutdown::Both);
    }

    /// How the session ended, seen from both sides: what its thread met, and what others did to it.
    pub(super) fn ending(&self, met: Ending) -> Ending {
        match (enter(&self.closed_by_us).take(), met) {
            (_, broken @ Ending::RuleBroken(_)) => broken,
            (Some(reason), _) => Ending::WeClosed(reason),
            (None, met) => met,
        }
    }
}

/// All sessions.
pub(super) struct Registry<A: Application> {
    /// By number, so in the order in which they came.
    members: Mutex<BTreeMap<u64, Arc<Member<A>>>>,
    orders: Sender<Order>,
    /// For the service's thread, which waits here between two ticks.
    pub(super) ordered: Receiver<Order>,
}

/// What the service's thread is told.
pub(super) enum Order {
    /// Another interval, from now on.
    Interval(Duration),
    Stop,
}

impl<A: Application> Registry<A> {
    pub(super) fn new() -> Arc<Registry<A>> {
        let (orders, ordered) = unbounded();
        Arc::new(Registry { members: Mutex::new(BTreeMap::new()), orders, ordered })
    }

    pub(super) fn enter(&self, member: &Arc<Member<A>>) {
        enter(&self.members).insert(member.number, member.clone());
    }

    pub(super) fn leave(&self, number: u64) {
        enter(&self.members).remove(&number);
    }

    /// A snapshot, in the order in which they came. The lock is free again before anybody is sent anything.
    pub(super) fn members(&self) -> Vec<Arc<Member<A>>> {
        enter(&self.members).values().cloned().collect()
    }

    /// Encodes a message once and hands the frames to every session. Returns how many accepted them.
    pub(super) fn broadcast(&self, message: MessageRef<'_>, when: When) -> usize {
        let mut encoded = Outgoing::server();
        if encoded.message(message.kind(), message.bytes()).is_err() {
            return 0;
        }
        let frames = encoded.take();
        let accepts = |member: &&Arc<Member<A>>| member.post(when, |outgoing| outgoing.encoded(&frames)).is_ok();
        self.members().iter().filter(accepts).count()
    }

    /// Writes what was broadcast for [`When::Later`].
    pub(super) fn write_posted(&self) {
        self.members().iter().for_each(|member| member.outbox.write_posted());
    }

    pub(super) fn order(&self, order: Order) {
        // The receiving end is in this very struct.
        let _ = self.orders.send(order);
    }
}
