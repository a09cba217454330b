//! The rows of WLanguage's WebSocket server, one after the other, over real sockets: who comes in, what is sent to whom,
//! how it ends.

mod websocket;

use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::*;
use socklab::{Settings, StandardServer};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use websocket::*;

fn reason(code: u16, text: &str) -> CloseReason {
    CloseReason::new(CloseCode(code), text)
}

#[test]
fn connected_sees_the_request_and_the_peer() {
    let (seen, sees) = channel();
    let app = App {
        connected: Box::new(move |request, handle| {
            let head = request.head;
            let header = head.headers.get("X-Room").unwrap_or("none").to_owned();
            let place = (head.path().to_owned(), head.query().map(str::to_owned));
            seen.send((place, header, request.subprotocol.map(str::to_owned), request.peer)).unwrap();
            assert_eq!(handle.peer_address(), request.peer);
            Ok(vec![])
        }),
        ..App::echo()
    };
    let server = start_with(app, limits(), |server| server.subprotocols(&["soap", "mqtt"]));
    let offer = Offer {
        subprotocols: vec!["unknown".into(), "mqtt".into(), "soap".into()],
        headers: vec![("X-Room".into(), "blue".into())],
    };
    let url = format!("ws://{}/rooms/7?name=Ada&x", server.address);
    let client = WebSocket::connect_with(&url, &offer, &Settings::default()).unwrap();
    let place = ("/rooms/7".to_owned(), Some("name=Ada&x".to_owned()));
    let peer = client.local_address().unwrap();
    assert_eq!(sees.recv_timeout(SOON).unwrap(), (place, "blue".into(), Some("mqtt".into()), peer));
    assert_eq!(client.subprotocol(), Some("mqtt"), "the first of the client's own list");

    let client = server.client();
    assert_eq!(sees.recv_timeout(SOON).unwrap().2, None, "who offers none gets none");
    assert_eq!(client.subprotocol(), None);
    server.stop();
}

#[test]
fn connected_refuses_with_a_status_and_there_is_no_session() {
    let app = App {
        connected: Box::new(|request, _| match request.head.path() {
            "/" => Ok(vec![]),
            "/full" => Err(Refusal::new(503, "this room is full")),
            _ => Err(Refusal::new(401, "who are you?")),
        }),
        ..App::echo()
    };
    let server = start(app, limits());
    for (path, status, why) in [("/full", 503, "this room is full"), ("/x", 401, "who are you?")] {
        let (answered, answer) = Peer::ask(server.address, &upgrade(path, ""));
        assert!(answered == status && answer.contains(why), "{answer}");
        assert!(server.trouble().contains(why));
    }
    assert!(server.handle.sessions().is_empty());
    let _client = server.client();
    server.session();
    let report = server.stop();
    assert_eq!((report.served, report.panicked), (3, 0));
    let endings = server.rest().iter().filter(|event| matches!(event, Event::Disconnected(..))).count();
    assert_eq!(endings, 1, "who was not let in is not disconnected");
}

#[test]
fn what_connected_sends_arrives_behind_the_101_and_before_all_else() {
    let app = App {
        connected: Box::new(|_, handle| {
            handle.text("welcome").unwrap();
            handle.binary(&[1, 2, 3]).unwrap();
            Ok(vec![])
        }),
        ..App::echo()
    };
    let server = start(app, limits());
    for _ in 0..20 {
        let mut peer = Peer::silent(server.address);
        // The first message comes with the request: its echo must not overtake the welcome.
        peer.write(&[upgrade("/", "").as_bytes(), &frame(TEXT, b"early")].concat());
        assert_eq!(peer.head().0, 101);
        peer.expect(TEXT, b"welcome");
        peer.expect(BINARY, &[1, 2, 3]);
        peer.expect(TEXT, b"early");
    }
    server.stop();
}

#[test]
fn text_and_bytes_are_told_apart_and_replies_leave_at_once_if_flushed() {
    let app = App {
        message: Box::new(|_, message, session| match message {
            MessageRef::Text(text) => session.text(&format!("text {text}")),
            MessageRef::Binary(bytes) => session.binary(bytes),
        }),
        ..App::echo()
    };
    let server = start(app, limits());
    let mut client = server.client();
    client.send_text("für dich").unwrap();
    client.send_binary(&[0xff, 0]).unwrap();
    assert_eq!(text(&mut client), "text für dich");
    assert_eq!(client.receive().unwrap(), Received::Message(Message::Binary(vec![0xff, 0])));
    server.stop();

    let (go, waits) = channel::<()>();
    let waits = Mutex::new(waits);
    let app = App::on_message(move |_, _, session| {
        session.text("I begin");
        session.flush();
        waits.lock().unwrap().recv_timeout(SOON).unwrap();
        session.text("I am done");
    });
    let server = start(app, limits());
    let mut client = server.client();
    client.send_text("work").unwrap();
    assert_eq!(text(&mut client), "I begin");
    go.send(()).unwrap();
    assert_eq!(text(&mut client), "I am done");
    server.stop();
}

#[test]
fn the_list_names_who_is_there_in_the_order_in_which_they_came() {
    let server = start(App::echo(), limits());
    assert!(server.handle.sessions().is_empty());
    let mut clients: Vec<_> = (0..5).map(|_| (server.client(), server.session())).collect();
    eventually("all are listed", || server.handle.sessions().len() == 5);
    let handles: Vec<_> = clients.iter().map(|(_, handle)| handle.clone()).collect();
    assert_eq!(server.handle.sessions(), handles);
    let addresses: Vec<_> = clients.iter().map(|(client, _)| client.local_address().unwrap()).collect();
    assert_eq!(server.handle.sessions().iter().map(SessionHandle::peer_address).collect::<Vec<_>>(), addresses);
    let (mut client, gone) = clients.remove(2);
    client.close();
    server.ending();
    assert!(!server.handle.sessions().contains(&gone), "it is off the list before it is told so");
    assert_eq!(server.handle.sessions().len(), 4);
    server.stop();
    assert!(server.handle.sessions().is_empty());
}

#[test]
fn anybody_sends_to_one_or_to_all() {
    let app = App::on_message(|_, text, session| {
        let all = session.server().sessions();
        match text.split_once(' ').unwrap() {
            ("all", text) => assert_eq!(session.server().broadcast(MessageRef::Text(text)), all.len()),
            (number, text) => all[number.parse::<usize>().unwrap()].text(text).unwrap(),
        }
    });
    let server = start(app, limits());
    let mut clients: Vec<_> = (0..3)
        .map(|_| {
            let client = server.client();
            server.session();
            client
        })
        .collect();
    eventually("all are listed", || server.handle.sessions().len() == 3);
    clients[0].send_text("2 only for the last").unwrap();
    assert_eq!(text(&mut clients[2]), "only for the last");
    clients[1].send_text("all for everybody").unwrap();
    assert!(clients.iter_mut().all(|client| text(client) == "for everybody"));
    // From a thread that belongs to no session.
    assert_eq!(server.handle.broadcast(MessageRef::Binary(&[7; 70_000])), 3);
    for client in &mut clients {
        assert_eq!(client.receive().unwrap(), Received::Message(Message::Binary(vec![7; 70_000])));
    }
    server.handle.sessions()[1].ping(b"are you there").unwrap();
    assert_eq!(server.handle.sessions()[1].ping(&[0; 126]), Err(NotDone::Unsendable));
    server.stop();
}

#[test]
fn a_disconnect_says_code_and_reason_and_is_told_once() {
    let server = start(App::echo(), limits());
    let (mut client, handle) = (server.client(), server.session());
    for unsendable in [reason(1006, ""), reason(999, ""), reason(1000, &"x".repeat(124))] {
        assert_eq!(handle.disconnect(&unsendable), Err(NotDone::Unsendable));
    }
    handle.text("the last word").unwrap();
    handle.disconnect(&reason(4001, "kicked")).unwrap();
    assert_eq!(handle.disconnect(&reason(4002, "again")), Err(NotDone::Gone));
    assert_eq!(handle.text("too late"), Err(NotDone::Gone));
    assert_eq!(text(&mut client), "the last word");
    assert_eq!(goodbye(&mut client), (4001, "kicked".into()));
    let (log, ending) = server.ending();
    assert_eq!((log[0].clone(), ending), (handle.number().to_string(), Ending::WeClosed(reason(4001, "kicked"))));
    server.stop();
    assert!(matches!(&server.rest()[..], [Event::Stopped(_)]), "nothing was told twice");
}

#[test]
fn a_disconnect_is_always_we_closed_however_quick_the_answer() {
    let server = start(App::echo(), limits());
    for round in 0..300 {
        let (mut peer, handle) = (server.peer(), server.session());
        let answers = std::thread::spawn(move || {
            assert_eq!(peer.close_code(), 4000);
            peer.leave(4000);
        });
        handle.disconnect(&reason(4000, "")).unwrap();
        assert_eq!(server.ending().1, Ending::WeClosed(reason(4000, "")), "round {round}");
        answers.join().unwrap();
    }
    server.stop();
}

#[test]
fn each_of_the_four_endings_is_told_apart() {
    let app = App::on_message(|_, _, session| session.close(&reason(4000, "enough")).unwrap());
    let server = start(app, Limits { settings: quick(), ..limits() });

    let mut client = server.client();
    client.send_text("go on").unwrap();
    assert_eq!(goodbye(&mut client), (4000, "enough".into()));
    assert_eq!(server.ending().1, Ending::WeClosed(reason(4000, "enough")));

    server.client().close_with(&reason(4444, "bye")).unwrap();
    assert_eq!(server.ending().1, Ending::PeerClosed(Some(reason(4444, "bye"))));
    let mut wordless = server.peer();
    wordless.send(CLOSE, b"");
    wordless.expect(CLOSE, b"");
    assert_eq!(server.ending().1, Ending::PeerClosed(None));

    drop(server.peer());
    assert!(matches!(server.ending().1, Ending::Vanished(_)));
    let mut cut = server.peer();
    cut.write(&frame(TEXT, b"half of it")[..8]);
    drop(cut);
    assert!(matches!(server.ending().1, Ending::Vanished(_)));

    let mut rude = server.peer();
    rude.write(b"\x81\x05naked");
    assert_eq!(rude.close_code(), 1002);
    assert!(matches!(server.ending().1, Ending::RuleBroken(violation) if violation.code.0 == 1002));
    let mut garbled = server.peer();
    garbled.send(TEXT, b"\xff\xfe");
    assert_eq!(garbled.close_code(), 1007);
    assert!(matches!(server.ending().1, Ending::RuleBroken(violation) if violation.code.0 == 1007));
    server.stop();
}

#[test]
fn a_reply_after_our_goodbye_does_not_cut_the_goodbye_short() {
    let app = App::on_message(|log, text, session| {
        log.push(text.to_owned());
        let _ = session.close(&reason(4000, "enough"));
        session.text("nobody will read this");
    });
    let server = start(app, limits());
    let mut peer = server.peer();
    peer.say("one");
    assert_eq!(peer.close_code(), 4000);
    // The server has said goodbye and now waits for ours, within the limit: its end of the stream is still open.
    peer.stream.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let early = std::io::Read::read(&mut peer.stream, &mut [0]).map_err(|error| error.kind());
    assert_eq!(early, Err(std::io::ErrorKind::WouldBlock), "the server did not wait for our Close frame");
    peer.stream.get_ref().set_read_timeout(Some(SOON)).unwrap();
    peer.leave(4000);
    assert_eq!(server.ending().1, Ending::WeClosed(reason(4000, "enough")));
    server.stop();
}

#[test]
fn handles_are_harmless_once_their_session_or_server_is_gone() {
    let settings = Settings { stop_limit: Duration::from_secs(2), ..Settings::default() };
    let server = start(App::echo(), Limits { settings, ..limits() });
    let (mut client, handle) = (server.client(), server.session());
    assert!(handle.is_connected());
    client.close();
    server.ending();
    eventually("the handle knows", || !handle.is_connected());
    let gone = Err(NotDone::Gone);
    assert_eq!([handle.text("x"), handle.binary(b"x"), handle.ping(b"x")], [gone; 3]);
    assert_eq!([handle.disconnect(&reason(1000, "")), handle.execute(|_| ())], [gone; 2]);
    assert_eq!(handle.execute_and_wait(SOON, |log| log.len()), Err(NotDone::Gone));
    assert_eq!(handle.peer_address(), client.local_address().unwrap());

    let (_client, last) = (server.client(), server.session());
    server.stop();
    let house = &server.handle;
    assert_eq!((house.sessions().len(), house.broadcast(MessageRef::Text("x"))), (0, 0));
    assert_eq!(house.execute_in_service(|_| ()), Err(NotDone::Gone));
    assert_eq!(house.execute_in_service_and_wait(SOON, |_| ()), Err(NotDone::Gone));
    assert_eq!(last.text("x"), Err(NotDone::Gone));
    house.set_interval(Duration::from_secs(1));
    house.stop();
}

#[test]
fn the_service_ticks_and_its_interval_changes_while_it_runs() {
    assert_eq!(Limits::default().interval, Duration::from_secs(10));
    let limits = Limits { interval: Duration::from_millis(50), ..limits() };
    let app = App { tick: Box::new(|log, _| log.push("tick".into())), ..App::echo() };
    let server = start(app, limits);
    let begun = Instant::now();
    for _ in 0..5 {
        assert!(matches!(server.event(), Event::Tick));
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(195), "five ticks of 50 ms in {took:?}");
    server.handle.set_interval(Duration::from_secs(3600));
    // A tick may have been on its way: after the order was heard there is none.
    let ticks = || server.handle.execute_in_service_and_wait(SOON, |log| log.len()).unwrap();
    eventually("it ticks no more", || {
        let before = ticks();
        std::thread::park_timeout(Duration::from_millis(150)); // three of the old interval, which is what is tested
        ticks() == before
    });
    server.rest();
    let begun = Instant::now();
    server.handle.set_interval(Duration::from_millis(20));
    assert!(matches!(server.event(), Event::Tick));
    assert!(begun.elapsed() < Duration::from_secs(5), "the loop was not woken from the long interval");
    server.stop();
    assert!(matches!(server.rest().pop(), Some(Event::Stopped(log)) if log.len() >= 6));
}

#[test]
fn the_stop_says_1001_to_all_and_runs_its_callback_last() {
    let app = App {
        disconnected: Box::new(|log, _, server| {
            let number = log[0].clone();
            let slow = move |log: &mut Log| {
                std::thread::park_timeout(Duration::from_millis(5)); // work, and so there is a queue
                log.push(number);
            };
            server.execute_in_service(slow).unwrap();
        }),
        ..App::echo()
    };
    let server = start(app, limits());
    let mut clients: Vec<_> = (0..20).map(|_| (server.client(), server.session())).collect();
    let handle = server.handle.clone();
    // From inside a context: it only asks.
    clients[0].1.execute(move |_| handle.stop()).unwrap();
    for (client, _) in &mut clients {
        assert_eq!(goodbye(client).0, 1001);
    }
    let report = server.finish();
    assert_eq!((report.served, report.still_running.len()), (20, 0));
    assert!(WebSocket::connect(&server.url()).is_err(), "nobody listens any more");
    let mut events = server.rest();
    let Some(Event::Stopped(log)) = events.pop() else { panic!("the stop callback is not last: {events:?}") };
    let ended = |event: &Event| matches!(event, Event::Disconnected(_, Ending::WeClosed(why)) if why.code.0 == 1001);
    assert!(events.len() == 20 && events.iter().all(ended), "{events:?}");
    assert_eq!(log.len(), 20, "what the service was given to do before the stop is done before its end");
}

#[test]
fn pages_are_served_and_other_requests_are_told_why_not() {
    let limits =
        Limits { paths: Some(vec!["/chat".into()]), origins: Some(vec!["http://localhost:8080".into()]), ..limits() };
    let server = start_with(App::echo(), limits, |server| {
        server.page("/", "text/html; charset=utf-8", "<h1>Hello</h1>").page("/logo", "image/png", [0x89, b'P'])
    });
    let ask = |request: &str| Peer::ask(server.address, request);
    let get = |path: &str| ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let (status, page) = get("/?again");
    assert_eq!(status, 200);
    assert!(page.contains("Content-Type: text/html; charset=utf-8\r\n") && page.ends_with("\r\n\r\n<h1>Hello</h1>"));
    assert!(page.contains("Content-Length: 14\r\n"), "{page}");
    assert_eq!(get("/nowhere").0, 404);
    assert_eq!(get("/chat").0, 426, "it is there, and one has to ask for an upgrade");
    let (status, answer) = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert!(status == 405 && answer.contains("Allow: GET\r\n"), "{answer}");
    assert_eq!(ask("nonsense\r\n\r\n").0, 400);
    assert_eq!(ask(&upgrade("/", "")).0, 404, "there is a page, and no WebSocket");
    assert_eq!(ask(&upgrade("/chat", "Origin: http://evil.example\r\n")).0, 403);
    let (status, answer) = ask(&upgrade("/chat", "").replace("Version: 13", "Version: 8"));
    assert!(status == 426 && answer.contains("Sec-WebSocket-Version: 13\r\n"), "{answer}");
    for origin in ["Origin: http://localhost:8080\r\n", "Origin: HTTP://LOCALHOST:8080\r\n", ""] {
        let mut peer = Peer::silent(server.address);
        peer.write(upgrade("/chat", origin).as_bytes());
        assert_eq!(peer.head().0, 101, "{origin:?}");
    }
    server.stop();
}

/// The stop ends at once what has not begun: a spare connection of a browser, and a head whose rest does not come.
#[test]
fn a_client_that_is_still_asking_does_not_hold_the_stop() {
    let settings = Settings { stop_limit: SOON, handshake_limit: SOON, ..Settings::default() };
    let server = start(App::echo(), Limits { settings, ..limits() });
    let (mut silent, mut asking) = (Peer::silent(server.address), Peer::silent(server.address));
    asking.write(b"GET / HTTP/1.1\r\n");
    // They are accepted in the order in which they came.
    let mut last = server.peer();
    let answers = std::thread::spawn(move || {
        assert_eq!(last.close_code(), 1001);
        last.leave(1001);
    });
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    let (status, answer) = asking.answer();
    assert!(status == 503 && answer.contains("the server stops"), "{answer}");
    assert!(silent.next().is_none());
    assert_eq!(server.troubles.try_iter().count(), 0, "it was our own doing");
    answers.join().unwrap();
}

/// A client that goes on talking hears the goodbye all the same: nobody resets the connection before it is read.
#[test]
fn a_client_that_talks_on_hears_the_goodbye() {
    let server = start(App::on_message(|_, _, _| {}), limits());
    let mut peer = server.peer();
    let talking = talks_on(&peer);
    server.handle.stop();
    assert_eq!(peer.close_code(), 1001);
    drop(peer.stream.get_ref().shutdown(std::net::Shutdown::Both)); // or it is gone already
    talking.join().unwrap();
    assert!(server.finish().still_running.is_empty());
}

/// The same without sessions. There the receiving direction is shut to wake a thread from its read, so the client may meet
/// a reset; but behind the goodbye.
#[test]
fn a_client_of_a_standard_server_that_talks_on_hears_the_goodbye() {
    let server = StandardServer::bind_with("127.0.0.1:0", &limits().settings).unwrap();
    let (address, stop, (told, tells)) = (server.local_address(), server.stop_handle(), channel());
    let running = std::thread::spawn(move || {
        let works = |_: MessageRef<'_>, _: &mut Replies<'_>| {
            std::thread::park_timeout(Duration::from_millis(10)); // work: it is never done with what has come
            Ok(())
        };
        let serve = move |connection| Ok(told.send(WebSocket::accept(connection)?.for_each_message(works))?);
        server.serve(serve).unwrap()
    });
    let mut peer = Peer::connect(address);
    let talking = talks_on(&peer);
    stop.stop();
    assert_eq!(peer.close_code(), 1001);
    assert!(matches!(tells.recv_timeout(SOON).unwrap(), Ok(Received::Closed(None))));
    drop(peer.stream.get_ref().shutdown(std::net::Shutdown::Both)); // or it is gone already
    talking.join().unwrap();
    assert!(running.join().unwrap().still_running.is_empty());
}

/// Sends message after message, until it is hung up on.
fn talks_on(peer: &Peer) -> std::thread::JoinHandle<()> {
    let mut stream = peer.stream.get_ref().try_clone().unwrap();
    let (begins, began) = channel();
    let talking = std::thread::spawn(move || {
        let messages = frame(TEXT, &[b'x'; 100]).repeat(1000);
        let begun = Instant::now();
        while begun.elapsed() < SOON && std::io::Write::write_all(&mut stream, &messages).is_ok() {
            let _ = begins.send(()); // heard once
        }
    });
    (0..10).for_each(|_| began.recv_timeout(SOON).unwrap());
    talking
}

#[test]
fn whoever_comes_in_the_moment_of_the_stop_is_not_left_behind() {
    for _ in 0..20 {
        let server = start(App::echo(), limits());
        let url = server.url();
        let come = || {
            let url = url.clone();
            std::thread::spawn(move || {
                let mut in_time: Vec<_> = std::iter::from_fn(|| WebSocket::connect(&url).ok()).collect();
                in_time.iter_mut().for_each(|client| assert_eq!(goodbye(client).0, 1001));
            })
        };
        let coming: Vec<_> = (0..4).map(|_| come()).collect();
        (0..8).for_each(|_| drop(server.session()));
        let report = server.stop();
        assert_eq!(report.still_running, Vec::<String>::new());
        coming.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// The application is shared by all, and so is what it holds: that is the one way from context to context.
#[test]
fn what_lies_in_the_application_itself_is_shared() {
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let shared = names.clone();
    let app = App::on_message(move |_, text, _| shared.lock().unwrap().push(text.to_owned()));
    let server = start(app, limits());
    for name in ["Ada", "Grace"] {
        server.client().send_text(name).unwrap();
        server.ending();
    }
    assert_eq!(*names.lock().unwrap(), ["Ada", "Grace"]);
    server.stop();
}

/// A large reply leaves from where it lies, a small one through the queue: the peer sees no difference, and neither an order
/// other than that of the calls.
#[test]
fn large_and_small_replies_keep_their_order_among_what_others_send() {
    const SIZES: [usize; 8] = [5, 65_535, 65_536, 7, 3_000_000, 1_048_576, 262_144, 0];
    let content = |size: usize| (0..size).map(|place| (place * 7 % 251) as u8).collect::<Vec<u8>>();
    let app = App::on_message(move |_, _, session| SIZES.iter().for_each(|&size| session.binary(&content(size))));
    let server = start(app, Limits { outbox: 64 << 20, ..limits() });
    let mut peer = server.peer();
    let handle = server.session();
    let other = std::thread::spawn(move || (0..200).for_each(|number| handle.text(&number.to_string()).unwrap()));
    for _ in 0..5 {
        peer.say("reply");
    }
    let (mut replies, mut posts) = (Vec::new(), Vec::new());
    while replies.len() < 5 * SIZES.len() || posts.len() < 200 {
        match peer.next().expect("it has ended") {
            (BINARY, bytes) => replies.push(bytes),
            (TEXT, text) => posts.push(String::from_utf8(text).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    other.join().unwrap();
    assert!(replies.iter().zip(SIZES.iter().cycle()).all(|(reply, size)| *reply == content(*size)));
    assert_eq!(posts, (0..200).map(|number| number.to_string()).collect::<Vec<_>>());
    server.stop();
}
