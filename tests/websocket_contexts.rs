//! Procedures in the contexts of sessions and of the service: promptly, one at a time, with a result and without; what
//! waits for what; and what a panic costs, and whom.

mod websocket;

use socklab::websocket::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use websocket::*;

/// Something to wait for on the server, in code of its own, until the test says go on.
fn gate() -> (Sender<()>, impl Fn() + Clone + Send + Sync + 'static) {
    let (go, waits) = channel::<()>();
    let waits = Arc::new(Mutex::new(waits));
    (go, move || assert_eq!(waits.lock().unwrap().recv_timeout(SOON), Ok(())))
}

fn next<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(SOON).expect("it did not run")
}

#[test]
fn a_procedure_runs_in_a_session_whose_client_says_nothing() {
    let server = start(App::on_message(|log, _, session| session.text(&log.join(" "))), limits());
    let (mut client, handle) = (server.client(), server.session());
    let (done, runs) = channel();
    for word in ["one", "two", "three"] {
        let done = done.clone();
        handle
            .execute(move |log| {
                log.push(word.to_owned());
                done.send(thread::current().id()).unwrap();
            })
            .unwrap();
    }
    let ours = thread::current().id();
    assert!((0..3).all(|_| next(&runs) != ours), "the caller's own thread never runs it");
    client.send_text("what do you know?").unwrap();
    assert_eq!(text(&mut client), format!("{} one two three", handle.number()), "in the order of the calls");
    assert_eq!(handle.execute_and_wait(SOON, |log| log.len()), Ok(4));
    server.stop();
}

#[test]
fn execute_takes_less_than_a_millisecond() {
    let server = start(App::echo(), limits());
    let (mut client, handle) = (server.client(), server.session());
    let mut took: Vec<Duration> = (0..300)
        .map(|_| {
            // When the echo is here, the procedure before has left the context, and the session is back in its read.
            client.send_text("idle").unwrap();
            assert_eq!(text(&mut client), "idle");
            let (done, runs) = channel();
            let begun = Instant::now();
            handle.execute(move |_| done.send(begun.elapsed()).unwrap()).unwrap();
            next(&runs)
        })
        .collect();
    took.sort();
    println!("# execute: median {:?}, 99 of 100 under {:?}, longest {:?}", took[150], took[297], took[299]);
    assert!(took[150] < Duration::from_millis(1), "the median is {:?}", took[150]);
    server.stop();
}

#[test]
fn the_services_context_is_entered_at_once_and_not_at_the_next_tick() {
    let limits = Limits { interval: Duration::MAX, ..limits() };
    let app = App::on_message(|_, text, session| {
        let text = text.to_owned();
        let server = session.server();
        let all = server.execute_in_service_and_wait(SOON, move |log| {
            log.push(text);
            log.join(" ")
        });
        session.text(&all.unwrap());
    });
    let server = start(app, limits);
    let (mut first, mut second) = (server.client(), server.client());
    first.send_text("one").unwrap();
    assert_eq!(text(&mut first), "one");
    second.send_text("two").unwrap();
    assert_eq!(text(&mut second), "one two");
    let (done, runs) = channel();
    server.handle.execute_in_service(move |log| done.send(log.len()).unwrap()).unwrap();
    assert_eq!(next(&runs), 2);
    server.stop();
    assert!(matches!(server.rest().pop(), Some(Event::Stopped(log)) if log == ["one", "two"]));
}

#[test]
fn never_two_at_once_in_one_context() {
    static INSIDE: AtomicBool = AtomicBool::new(false);
    let enter = || assert!(!INSIDE.swap(true, Ordering::SeqCst), "somebody else is inside");
    let leave = || INSIDE.store(false, Ordering::SeqCst);
    let app = App::on_message(move |log, text, session| {
        enter();
        log.push(text.to_owned());
        session.text(text);
        leave();
    });
    let server = start(app, limits());
    let (mut client, handle) = (server.client(), server.session());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let handle = handle.clone();
            thread::spawn(move || {
                for _ in 0..200 {
                    let run = move |log: &mut Log| {
                        enter();
                        log.push("procedure".into());
                        leave();
                    };
                    handle.execute(run).unwrap();
                }
            })
        })
        .collect();
    for number in 0..200 {
        client.send_text(&number.to_string()).unwrap();
        assert_eq!(text(&mut client), number.to_string());
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let log = handle.execute_and_wait(SOON, |log| log.clone()).unwrap();
    assert_eq!(log.len(), 1 + 800 + 200);
    assert!(server.troubles.try_recv().is_err());
    server.stop();
}

#[test]
fn a_result_is_waited_for_up_to_the_limit_and_no_longer() {
    let (go, wait) = gate();
    let server = start(App::echo(), limits());
    let (mut client, handle) = (server.client(), server.session());
    let limit = Duration::from_millis(50);
    let begun = Instant::now();
    let stays = wait.clone();
    assert_eq!(handle.execute_and_wait(limit, move |_| stays()), Err(NotDone::TimedOut));
    assert!(begun.elapsed() >= limit && begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    // It still runs, and whoever comes next waits for it; the client does not.
    assert_eq!(handle.execute_and_wait(limit, |_| ()), Err(NotDone::TimedOut));
    handle.text("not held up").unwrap();
    assert_eq!(text(&mut client), "not held up");
    go.send(()).unwrap();
    assert_eq!(handle.execute_and_wait(SOON, |_| 7), Ok(7));

    // A session that ends takes what is queued for it along.
    let stays = wait.clone();
    handle.execute(move |_| stays()).unwrap();
    let (asks, waits) = channel();
    let other = handle.clone();
    let asking = thread::spawn(move || {
        asks.send(()).unwrap();
        other.execute_and_wait(SOON, |_| ())
    });
    next(&waits);
    client.close();
    let early = asking.join().unwrap();
    assert!(matches!(early, Err(NotDone::Abandoned | NotDone::Gone)), "{early:?}");
    go.send(()).unwrap();
    server.stop();
}

#[test]
fn waiting_inside_the_same_context_is_an_error() {
    let app = App {
        tick: Box::new(|log, server| {
            log.push(format!("{:?}", server.execute_in_service_and_wait(SOON, |_| ())));
        }),
        ..App::on_message(|_, _, session| {
            let result = session.handle().execute_and_wait(SOON, |_| ());
            session.text(&format!("{result:?}"));
        })
    };
    let server = start(app, Limits { interval: Duration::from_millis(10), ..limits() });
    let (mut client, handle) = (server.client(), server.session());
    client.send_text("wait for yourself").unwrap();
    assert_eq!(text(&mut client), "Err(InsideTheSameContext)");
    let inner = handle.clone();
    let result = handle.execute_and_wait(SOON, move |_| inner.execute_and_wait(SOON, |_| ()));
    assert_eq!(result, Ok(Err(NotDone::InsideTheSameContext)));
    eventually("it ticks", || server.handle.execute_in_service_and_wait(SOON, |log| !log.is_empty()).unwrap());
    let line = server.handle.execute_in_service_and_wait(SOON, |log| log[0].clone());
    assert_eq!(line.unwrap(), "Err(InsideTheSameContext)");
    server.stop();
}

#[test]
fn two_contexts_that_wait_for_each_other_wait_until_the_limit() {
    let server = start(App::echo(), limits());
    let (mut a, one) = (server.client(), server.session());
    let (_b, two) = (server.client(), server.session());
    let limit = Duration::from_millis(200);
    // Both are inside before either asks.
    let (meet, met) = (Arc::new(std::sync::Barrier::new(2)), channel());
    for (own, other) in [(one.clone(), two.clone()), (two.clone(), one.clone())] {
        let (meet, told) = (meet.clone(), met.0.clone());
        own.execute(move |_| {
            meet.wait();
            let begun = Instant::now();
            told.send((other.execute_and_wait(limit, |_| ()), begun.elapsed())).unwrap();
        })
        .unwrap();
    }
    let results = [next(&met.1), next(&met.1)];
    assert!(results.iter().any(|(result, _)| *result == Err(NotDone::TimedOut)), "{results:?}");
    assert!(results.iter().all(|(_, took)| *took < SOON / 3), "{results:?}");
    a.send_text("still here").unwrap();
    assert_eq!(text(&mut a), "still here");
    assert_eq!((one.execute_and_wait(SOON, |_| 1), two.execute_and_wait(SOON, |_| 2)), (Ok(1), Ok(2)));
    server.stop();
}

/// A procedure takes along what is dropped with it, and that may well ask something of the session that just ends.
#[test]
fn what_a_dropped_procedure_drops_may_use_its_handle() {
    struct AsksOnce(SessionHandle<App>, Sender<Result<(), NotDone>>);
    impl Drop for AsksOnce {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.execute(|_| ()));
        }
    }
    let (go, wait) = gate();
    let server = start(App::echo(), limits());
    let (mut client, handle) = (server.client(), server.session());
    let ((dropped, drops), (comes, came)) = (channel(), channel());
    let stays = move |_: &mut Log| {
        comes.send(()).unwrap();
        wait();
    };
    handle.execute(stays).unwrap();
    next(&came);
    let asks = AsksOnce(handle.clone(), dropped);
    handle.execute(move |_| drop(asks)).unwrap();
    client.close();
    assert!(next(&drops).is_err());
    go.send(()).unwrap();
    server.ending();
    server.stop();
}
