//! A lecture in steps: one client, one server, one line there and back.

use super::*;

/// A step `at` microseconds into the lecture.
pub(super) fn step(side: Side, connection: u64, at: u64, took: u64, action: Action<'_>) -> Step<'_> {
    let (client, server) = ("127.0.0.1:50000".parse().ok(), "127.0.0.1:7000".parse().ok());
    let (local, peer) = if side == Side::Client { (client, server) } else { (server, client) };
    Step {
        at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_000 + at),
        took: Duration::from_micros(took),
        side,
        connection,
        descriptor: Some(if side == Side::Client { 3 } else { 5 }),
        local,
        peer,
        thread: if side == Side::Client { "main" } else { "client 1" },
        action,
    }
}

pub(super) fn wait<'a>(call: Call) -> Action<'a> {
    Action::Wait { call, bytes: None }
}

pub(super) fn done<'a>(call: Call, outcome: Outcome<'a>) -> Action<'a> {
    Action::Call { call, outcome }
}

/// What a client does to say Hello and hear it back, with number 1.
pub(super) fn client_steps<'a>() -> Vec<Step<'a>> {
    let mut steps = vec![
        step(Side::Client, 1, 0, 0, wait(Call::Connect)),
        step(Side::Client, 1, 5, 120, done(Call::Connect, Outcome::Done)),
        step(Side::Client, 1, 200, 0, Action::Wait { call: Call::Write, bytes: Some(5) }),
        step(Side::Client, 1, 205, 30, done(Call::Write, Outcome::Bytes(b"Hello"))),
        step(Side::Client, 1, 250, 0, wait(Call::Read)),
        step(Side::Client, 1, 255, 512_000, done(Call::Read, Outcome::Bytes(b"Hello"))),
        step(Side::Client, 1, 512_300, 20, done(Call::Shutdown, Outcome::Done)),
        step(Side::Client, 1, 512_350, 0, wait(Call::Read)),
        step(Side::Client, 1, 512_355, 4, done(Call::Read, Outcome::End)),
        step(Side::Client, 1, 512_400, 10, done(Call::Close, Outcome::Done)),
    ];
    // Before the connect has succeeded there is no socket and no address of ours.
    (steps[0].local, steps[0].descriptor) = (None, None);
    steps
}

/// What the server does meanwhile: its listener, and its end of the conversation.
pub(super) fn server_steps<'a>(listener: u64, number: u64) -> Vec<Step<'a>> {
    let peer = "127.0.0.1:50000".parse().unwrap();
    let mut steps = vec![
        step(Side::Server, listener, 0, 90, done(Call::Listen, Outcome::Done)),
        step(Side::Server, listener, 95, 0, wait(Call::Accept)),
        step(Side::Server, listener, 100, 20, done(Call::Accept, Outcome::Accepted { descriptor: Some(5), peer })),
        step(Side::Server, number, 150, 0, wait(Call::Read)),
        step(Side::Server, number, 155, 70, done(Call::Read, Outcome::Bytes(b"Hello"))),
        step(Side::Server, number, 512_230, 20, done(Call::Write, Outcome::Bytes(b"Hello"))),
        step(Side::Server, number, 512_320, 5, done(Call::Read, Outcome::End)),
        step(Side::Server, number, 512_340, 10, done(Call::Close, Outcome::Done)),
    ];
    for step in &mut steps[..3] {
        (step.peer, step.descriptor, step.thread) = (None, Some(4), "main");
    }
    steps
}
