//! What one client's messages tell everybody: together what came together, in order, to whoever takes it, and in any case.

mod websocket;

use socklab::Settings;
use socklab::trace::{Action, Call, Observer, Outcome, Side, Step, Trace};
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::*;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use websocket::*;

/// Notes how much each write of the server brought, and on which connection.
#[derive(Default)]
struct Writes(Mutex<Vec<(u64, usize)>>);

impl Observer for Writes {
    fn observe(&self, step: &Step<'_>) {
        if let (Side::Server, Action::Call { call: Call::Write, outcome: Outcome::Bytes(bytes) }) =
            (step.side, &step.action)
        {
            self.0.lock().unwrap().push((step.connection, bytes.len()));
        }
    }
}

/// Peers in the list of a server whose application is `app`, none of whose threads is still in a write of its opening.
fn serve(
    limits: Limits,
    count: usize,
    app: impl Fn(&str, &mut Session<'_, App>) + Send + Sync + 'static,
) -> (Running, Vec<Peer>) {
    let (here, is_here) = channel();
    let here = Mutex::new(here);
    let on_message = move |_: &mut Log, text: &str, session: &mut Session<'_, App>| match text {
        "here" => here.lock().unwrap().send(()).unwrap(),
        _ => app(text, session),
    };
    let server = start(App::on_message(on_message), limits);
    let peers = (0..count).map(|_| {
        let mut peer = server.peer();
        peer.say("here");
        is_here.recv_timeout(SOON).unwrap();
        peer
    });
    let peers = peers.collect();
    (server, peers)
}

fn glued(texts: &[String]) -> Vec<u8> {
    texts.iter().flat_map(|text| frame(TEXT, text.as_bytes())).collect()
}

#[test]
fn what_came_in_one_segment_leaves_in_one_write_for_each_client() {
    let writes = Arc::new(Writes::default());
    let settings = Settings { trace: Trace::to(writes.clone()), ..limits().settings };
    let (server, mut peers) = serve(Limits { settings, ..limits() }, 3, |text, session| {
        assert_eq!(session.broadcast(MessageRef::Text(text)), 3);
    });
    writes.0.lock().unwrap().clear();
    let texts: Vec<_> = (10..50).map(|number| format!("message {number}")).collect();
    peers[1].write(&glued(&texts));
    for peer in &mut peers {
        texts.iter().for_each(|text| peer.expect(TEXT, text.as_bytes()));
    }
    // An observer is told after the call, and by then the peer may have it.
    eventually("three writes are told", || writes.0.lock().unwrap().len() >= 3);
    let mut found = writes.0.lock().unwrap().clone();
    found.sort_unstable();
    assert!(found.windows(2).all(|two| two[0].0 != two[1].0), "one connection, one write: {found:?}");
    assert_eq!(found.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), [40 * 12; 3]);
    server.stop();
}

#[test]
fn replies_broadcasts_and_what_handles_send_keep_their_order() {
    let (server, mut peers) = serve(limits(), 2, |text, session| {
        session.text(&format!("{text} a"));
        session.broadcast(MessageRef::Text(&format!("{text} b")));
        session.handle().text(&format!("{text} c")).unwrap();
        session.broadcast(MessageRef::Text(&format!("{text} d")));
        session.server().broadcast(MessageRef::Text(&format!("{text} e")));
        session.text(&format!("{text} f"));
    });
    peers[0].write(&glued(&["1".into(), "2".into(), "3".into()]));
    for number in 1..=3 {
        "abcdef".chars().for_each(|letter| peers[0].expect(TEXT, format!("{number} {letter}").as_bytes()));
        "bde".chars().for_each(|letter| peers[1].expect(TEXT, format!("{number} {letter}").as_bytes()));
    }
    server.stop();
}

#[test]
fn it_leaves_at_a_flush_while_the_callback_goes_on() {
    let (go, waits) = channel::<()>();
    let waits = Mutex::new(waits);
    let (server, mut peers) = serve(limits(), 2, move |text, session| {
        session.broadcast(MessageRef::Text(text));
        session.flush();
        waits.lock().unwrap().recv_timeout(SOON).unwrap();
    });
    peers[0].say("at once");
    peers.iter_mut().for_each(|peer| peer.expect(TEXT, b"at once"));
    go.send(()).unwrap();
    server.stop();
}

#[test]
fn it_leaves_even_if_the_one_who_said_it_ends() {
    let ends: [(&str, &[u8]); 4] = [
        ("a panic in the same batch", &[]),
        ("a goodbye in the same batch", &[CLOSE, 0x80, 0, 0, 0, 0]),
        ("a broken rule in the same batch", &[0x83, 0x80, 0, 0, 0, 0]),
        ("our own goodbye", &[]),
    ];
    let (server, mut peers) = serve(limits(), 1, |text, session| {
        session.broadcast(MessageRef::Text(text));
        match text {
            "a panic in the same batch" => panic!("as asked"),
            "our own goodbye" => session.close(&CloseReason::new(CloseCode::NORMAL, "")).unwrap(),
            _ => {}
        }
    });
    let mut hears = peers.remove(0);
    for (what, follows) in ends {
        let mut says = server.peer();
        eventually("both are listed", || server.handle.sessions().len() == 2);
        says.write(&[&frame(TEXT, what.as_bytes()), follows].concat());
        hears.expect(TEXT, what.as_bytes());
        says.leave(1000);
        eventually("it is gone", || server.handle.sessions().len() == 1);
    }
    server.stop();
}

#[test]
fn what_nobody_has_tried_to_write_is_not_held_against_a_client() {
    // A batch that says five times the bound: who reads gets all of it.
    let (server, mut peers) = serve(Limits { outbox: 1024, ..limits() }, 2, |text, session| {
        assert_eq!(session.broadcast(MessageRef::Text(text)), 2);
    });
    let texts: Vec<_> = (0..50).map(|number| format!("{number:0100}")).collect();
    peers[0].write(&glued(&texts));
    for peer in &mut peers {
        texts.iter().for_each(|text| peer.expect(TEXT, text.as_bytes()));
    }
    server.stop();
}

#[test]
fn who_does_not_read_is_disconnected_and_the_others_get_everything() {
    let (server, mut peers) = serve(Limits { outbox: 256 * 1024, ..limits() }, 3, |text, session| {
        session.broadcast(MessageRef::Text(text));
    });
    let (stuck, stuck_session) = (peers.remove(0), server.session());
    let mut said = 0;
    // Loopback takes some megabytes before it blocks.
    while stuck_session.is_connected() {
        assert!(said < 20_000, "it is never disconnected");
        let texts: Vec<_> = (said..said + 8).map(|number| format!("{number:04096}")).collect();
        peers[0].write(&glued(&texts));
        for peer in &mut peers {
            texts.iter().for_each(|text| peer.expect(TEXT, text.as_bytes()));
        }
        said += 8;
    }
    let (log, ending) = server.ending();
    assert_eq!(log[0], stuck_session.number().to_string());
    assert!(matches!(&ending, Ending::WeClosed(reason) if reason.code == CloseCode::POLICY), "{ending:?}");
    assert_eq!(server.handle.sessions().len(), 2);
    drop(stuck);
    server.stop();
}
