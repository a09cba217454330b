//! What does a panic cost? Its own client at most: everybody else goes on, and the stop joins all. One test for each
//! callback and each kind of procedure.

mod websocket;

use socklab::trace::{Observer, Step, Trace};
use socklab::websocket::*;
use socklab::{Client, Settings, SimpleServer};
use std::sync::mpsc::channel;
use std::time::Duration;
use websocket::*;

/// Somebody who must notice nothing, and the stop that must join all.
fn others_go_on(server: Running, mut healthy: WebSocket, code: &str) {
    healthy.send_text("I noticed nothing").unwrap();
    assert_eq!(text(&mut healthy), "I noticed nothing", "{code}");
    drop(healthy);
    let report = server.stop();
    assert_eq!((report.panicked, report.still_running.len()), (0, 0), "{code}: {report:?}");
}

fn is_1011(ending: &Ending) -> bool {
    matches!(ending, Ending::WeClosed(reason) if reason.code.0 == 1011)
}

fn ended(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Disconnected(..))).count()
}

/// A trace that cannot be written, say.
struct Fails;

impl Observer for Fails {
    fn observe(&self, _: &Step<'_>) {
        panic!("the observer panics");
    }
}

#[test]
fn a_panic_of_the_observer_harms_nobody_whom_it_observes() {
    let settings = Settings { trace: Trace::to(Fails), ..Settings::default() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let mut client = Client::connect_with(&server.local_address().to_string(), &settings).unwrap();
    let mut connection = server.accept().unwrap();
    client.send("Hello").unwrap();
    assert_eq!(connection.receive().unwrap(), socklab::Received::Message(b"Hello".to_vec()));
    client.close();
}

#[test]
fn in_message_the_session_closes_with_1011_and_gets_no_further_message() {
    let app = App::on_message(|log, text, session| match text {
        "panic" => panic!("on request"),
        _ => {
            log.push(text.to_owned());
            session.text(text);
        }
    });
    let server = start(app, limits());
    let healthy = server.client();
    server.session();
    let mut unlucky = server.peer();
    // All in one read: the one behind the panic would meet a context that nobody finished.
    unlucky.write(&[frame(TEXT, b"before"), frame(TEXT, b"panic"), frame(TEXT, b"after")].concat());
    unlucky.expect(TEXT, b"before");
    assert_eq!(unlucky.close_code(), 1011);
    assert!(server.trouble().contains("message panicked: on request"));
    unlucky.leave(1011);
    let (log, ending) = server.ending();
    assert!(is_1011(&ending), "{ending}");
    assert_eq!(log[1..], ["before"]);
    assert_eq!(ended(&server.rest()), 0);
    others_go_on(server, healthy, "message");
}

#[test]
fn in_a_procedure_the_session_closes_with_1011() {
    let app = App::on_message(|log, text, session| {
        log.push(text.to_owned());
        session.text(text);
    });
    let server = start(app, limits());
    let healthy = server.client();
    server.session();
    for waits in [false, true] {
        let (mut unlucky, handle) = (server.peer(), server.session());
        if waits {
            assert_eq!(handle.execute_and_wait(SOON, |_| panic!("on request")), Err::<(), _>(NotDone::Abandoned));
        } else {
            handle.execute(|_| panic!("on request")).unwrap();
        }
        assert_eq!(unlucky.close_code(), 1011);
        assert!(server.trouble().contains("a procedure panicked: on request"));
        // The context is as the panic left it: only the last callback sees it again.
        assert_eq!(handle.execute(|log| log.push("later".into())), Err(NotDone::Gone));
        unlucky.say("later");
        unlucky.leave(1011);
        let (log, ending) = server.ending();
        assert!(is_1011(&ending) && log.len() == 1, "{ending}, {log:?}");
    }
    assert_eq!(ended(&server.rest()), 0);
    others_go_on(server, healthy, "procedure");
}

#[test]
fn in_connected_the_client_gets_500_and_there_is_no_session() {
    let app = App {
        connected: Box::new(|request, _| match request.head.path() {
            "/panic" => panic!("on request"),
            _ => Ok(vec![]),
        }),
        ..App::echo()
    };
    let server = start(app, limits());
    let healthy = server.client();
    server.session();
    let (status, answer) = Peer::ask(server.address, &upgrade("/panic", ""));
    assert!(status == 500 && !answer.contains("on request"), "the world is not told our secrets: {answer}");
    assert!(server.trouble().contains("connected panicked: on request"));
    eventually("only one is there", || server.handle.sessions().len() == 1);
    assert_eq!(ended(&server.rest()), 0);
    others_go_on(server, healthy, "connected");
}

#[test]
fn in_disconnected_it_is_reported() {
    let app = App {
        disconnected: Box::new(|_, ending, _| {
            if matches!(ending, Ending::PeerClosed(Some(reason)) if reason.code.0 == 4000) {
                panic!("on request");
            }
        }),
        ..App::echo()
    };
    let server = start(app, limits());
    let healthy = server.client();
    server.session();
    server.peer().leave(4000);
    assert!(server.trouble().contains("disconnected panicked: on request"));
    eventually("it is off the list", || server.handle.sessions().len() == 1);
    others_go_on(server, healthy, "disconnected");
}

#[test]
fn in_the_tick_and_in_the_services_procedures_life_goes_on() {
    let limits = Limits { interval: Duration::from_millis(10), ..limits() };
    let app = App {
        tick: Box::new(|log, _| {
            log.push("tick".into());
            if log.len() % 2 == 1 {
                panic!("in every other tick");
            }
        }),
        ..App::echo()
    };
    let server = start(app, limits);
    let healthy = server.client();
    let ticks = || server.handle.execute_in_service_and_wait(SOON, |log| log.len());
    eventually("it ticks on", || ticks().unwrap() >= 4);
    let failed = server.handle.execute_in_service_and_wait(SOON, |_| panic!("in a procedure of the service"));
    assert_eq!(failed, Err::<(), _>(NotDone::Abandoned));
    let before = ticks().unwrap();
    eventually("it ticks on", || ticks().unwrap() >= before + 2);
    others_go_on(server, healthy, "tick");
}

#[test]
fn in_the_stop_it_is_reported_and_the_stop_completes() {
    let app = App { stopped: Box::new(|_| panic!("on request")), ..App::echo() };
    let server = start(app, limits());
    let healthy = server.client();
    others_go_on(server, healthy, "stopped");
}

#[test]
fn in_who_is_told_of_trouble_nobody_is_hurt() {
    let (told, tells) = channel();
    let app = App {
        connected: Box::new(|request, handle| match request.head.path() {
            "/" => Ok(vec![handle.number().to_string()]),
            _ => Err(Refusal::new(404, "not here")),
        }),
        ..App::on_message(|_, text, session| match text {
            "panic" => panic!("on request"),
            _ => session.text(text),
        })
    };
    let server = start_with(app, limits(), |server| {
        server.on_trouble(move |trouble| {
            let _ = told.send(trouble.what);
            panic!("in the report of a trouble");
        })
    });
    let healthy = server.client();
    server.session();
    let (mut unlucky, _) = (server.peer(), server.session());
    unlucky.say("panic");
    assert_eq!(unlucky.close_code(), 1011);
    unlucky.leave(1011);
    assert!(is_1011(&server.ending().1));
    let (mut second, handle) = (server.peer(), server.session());
    handle.execute(|_| panic!("in a procedure")).unwrap();
    assert_eq!(second.close_code(), 1011);
    second.leave(1011);
    assert!(is_1011(&server.ending().1));
    assert_eq!(Peer::ask(server.address, &upgrade("/elsewhere", "")).0, 404);
    for _ in 0..3 {
        tells.recv_timeout(SOON).unwrap();
    }
    others_go_on(server, healthy, "on_trouble");
}
