//! What runs beside the clients?
//!
//! One thread with a context of its own, which ticks. Procedures for that context do not wait for the next tick: they go
//! the same way as a session's, and the loop finds their work done.

use super::application::Application;
use super::context::{Context, panic_text};
use super::house::House;
use super::registry::Order;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::websocket::errands::Errands;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// The service's thread.
pub(super) struct Service {
    thread: JoinHandle<()>,
    /// Loses its sender when the thread ends.
    ends: Receiver<()>,
}

impl Service {
    pub(super) fn context<T: Send + 'static>(data: T, errands: &Arc<Errands>, address: SocketAddr) -> Arc<Context<T>> {
        let tell = move |name: &str, panic| {
            eprintln!("server {address}: the service: {name} panicked: {}", panic_text(&panic));
        };
        Context::new(data, errands.clone(), tell)
    }

    /// Starts the loop.
    pub(super) fn start<A: Application>(house: &Arc<House<A>>) -> Result<Service, Error> {
        let (alive, ends) = bounded(0);
        let house = Arc::clone(house);
        let run = move || {
            tick(&house);
            drop(alive);
        };
        let builder = thread::Builder::new().name("service".into());
        let thread = builder.spawn(run).map_err(|source| Error::System { doing: "starting the service", source })?;
        Ok(Service { thread, ends })
    }

    /// Ends the loop and runs the stop callback. Returns the names of those who are still in code of their own.
    pub(super) fn stop<A: Application>(house: &House<A>, service: Service, deadline: Deadline) -> Option<String> {
        house.handle.registry.order(Order::Stop);
        if service.ends.recv_timeout(deadline.remaining()) != Err(RecvTimeoutError::Disconnected) {
            return Some("service".to_owned());
        }
        // It has ended, so this waits for its last few instructions only.
        let _ = service.thread.join();
        // The last sessions' goodbyes may have left something to do here.
        let Some(data) = house.handle.service.finish(deadline) else {
            return Some("a procedure of the service".to_owned());
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| house.application.stopped(data))) {
            eprintln!("the service's stop panicked: {}", panic_text(&panic));
        }
        None
    }
}

fn tick<A: Application>(house: &House<A>) {
    let mut interval = house.limits.interval;
    // Counted from tick to tick, so that a slow tick does not make the next one later still.
    let mut next = Instant::now().checked_add(interval);
    loop {
        let order = match next {
            Some(next) => house.handle.registry.ordered.recv_deadline(next),
            None => house.handle.registry.ordered.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(Order::Interval(new)) => {
                interval = new;
                next = Instant::now().checked_add(interval);
            }
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                house.handle.service.enter("tick", |data| house.application.tick(data, &house.handle));
                let now = Instant::now();
                next = next.and_then(|next| next.checked_add(interval)).map(|next| next.max(now));
            }
        }
    }
}
