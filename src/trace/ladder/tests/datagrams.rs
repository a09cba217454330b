//! Golden ladders of datagrams.

use super::*;

/// A datagram socket that asks at a fixed address, and one that hears from everybody.
fn datagram_steps<'a>(refused: &'a io::Error) -> Vec<Step<'a>> {
    let mut steps = vec![
        step(Side::Client, 1, 0, 20, done(Call::Bind, Outcome::Done)),
        step(Side::Client, 1, 30, 5, done(Call::ConnectDatagram, Outcome::Done)),
        step(Side::Client, 1, 40, 0, Action::Wait { call: Call::Send, bytes: Some(5) }),
        step(Side::Client, 1, 40, 15, done(Call::Send, Outcome::Bytes(b"Hello"))),
        step(Side::Client, 1, 60, 0, wait(Call::ReceiveFrom)),
        step(Side::Client, 1, 60, 40, done(Call::ReceiveFrom, Outcome::Failed(refused))),
        step(Side::Client, 1, 110, 0, done(Call::CloseDatagram, Outcome::Done)),
        step(Side::Server, 2, 200, 20, done(Call::Bind, Outcome::Done)),
        step(Side::Server, 2, 230, 5, done(Call::ReceiveFrom, Outcome::Bytes(b""))),
        step(Side::Server, 2, 240, 15, done(Call::SendTo, Outcome::Bytes(b"Hello"))),
        step(Side::Server, 2, 260, 900, done(Call::ReceiveFrom, Outcome::Nothing)),
        step(Side::Server, 2, 1170, 0, done(Call::CloseDatagram, Outcome::Done)),
    ];
    for place in [0, 7, 10, 11] {
        steps[place].peer = None;
    }
    steps
}

#[test]
fn datagrams_promise_nothing() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_ladder(
        &drawn(Drawing::new(), &datagram_steps(&refused)),
        r#"
        |│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen
        |────── ms #1    client 127.0.0.1:50000 ─────────────────────┼────┼ server (inferred) ─────────────────────────
        |    0.020 #1    socket, bind                                │    │
        |                  on 127.0.0.1:50000, descriptor 3          │    │
        |                  UdpSocket::bind → socket, bind            │    │
        |    0.035 #1    connect 127.0.0.1:7000: nothing is sent     │    │
        |                  from 127.0.0.1:50000, descriptor 3        │    │
        |                  UdpSocket::connect → connect              │    │
        |    0.040 #1    send 127.0.0.1:7000: 5 bytes                │───▶│ (may receive it, or never)
        |                  48 65 6c 6c 6f           Hello            │    │
        |                  UdpSocket::send → sendto                  │    │
        |    0.060 #1    recvfrom … waits for a datagram             │    │
        |    0.100 #1    recvfrom failed, after 0.04 ms              │◀───│ (its system: nobody receives here)
        |                  connection refused                        │    │
        |                  UdpSocket::recv_from → recvfrom           │    │
        |    0.110 #1    close datagram socket, descriptor 3         │    │
        |                  drop(UdpSocket) → close                   │    │
        |────── ms #2    client (inferred) ──────────────────────────┼────┼ server 127.0.0.1:7000, thread "client 1" ──
        |    0.220 #2                                                │    │ socket, bind
        |                                                            │    │   on 127.0.0.1:7000, descriptor 5
        |    0.235 #2    (has sent it)                               │───▶│ recvfrom 127.0.0.1:50000: 0 bytes, at once
        |    0.240 #2    (may receive it, or never)                  │◀───│ sendto 127.0.0.1:50000: 5 bytes
        |                                                            │    │   48 65 6c 6c 6f           Hello
        |                                                            │    │   UdpSocket::send_to → sendto
        |    1.160 #2                                                │    │ recvfrom: nothing, the time is up, after
        |                                                            │    │   0.90 ms
        |    1.170 #2                                                │    │ close datagram socket, descriptor 5
        "#,
    );
}

#[test]
fn everybody_who_sent_a_datagram_is_not_remembered_for_ever() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let mut drawing = Drawing::new();
    for step in datagram_steps(&refused) {
        drawing.draw(&step);
    }
    assert!(drawing.ends.is_empty(), "{:?}", drawing.ends);
}
