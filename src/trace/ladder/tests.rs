//! Golden ladders: what a lecture room would see, character for character.

use super::*;
use crate::trace::{Direction, FrameStep};
use std::io;
use std::sync::Arc;
use std::time::Duration;

mod datagrams;
mod steps;
mod tls;

use steps::*;

fn drawn(mut drawing: Drawing, steps: &[Step<'_>]) -> String {
    let out: String = steps.iter().map(|step| drawing.draw(step)).collect();
    for line in out.lines() {
        assert!(line.chars().count() <= 110, "{} characters: {line}", line.chars().count());
        assert_eq!(line, line.trim_end());
    }
    out
}

/// Compares with a golden ladder, which stands in the code with a bar before each line.
#[track_caller]
fn assert_ladder(drawn: &str, golden: &str) {
    let golden: String = golden
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('|'))
        .fold(String::new(), |text, line| text + line + "\n");
    assert!(drawn == golden, "drawn:\n{drawn}\nexpected:\n{golden}");
}

#[test]
fn the_client_is_drawn_and_the_server_inferred() {
    assert_ladder(
        &drawn(Drawing::new(), &client_steps()),
        r#"
        |│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen
        |────── ms #1    client ─────────────────────────────────────┼────┼ server 127.0.0.1:7000 (inferred) ──────────
        |    0.000 #1    connect to 127.0.0.1:7000 … waits for the   │───▶│
        |                  server                                    │    │
        |    0.125 #1    socket, connect: connected, after 0.12 ms   │◀───│ (its system shook hands, accept may follow)
        |                  from 127.0.0.1:50000, descriptor 3        │    │
        |                  TcpStream::connect_timeout → socket,      │    │
        |                    ioctl, connect, ioctl, poll             │    │
        |    0.205 #1    write 5 bytes                               │───▶│ (can read them)
        |                  48 65 6c 6c 6f           Hello            │    │
        |                  TcpStream::write → sendto                 │    │
        |    0.250 #1    read … waits for the server                 │    │
        |  512.255 #1    read 5 bytes, after 512 ms                  │◀───│ (has written them)
        |                  48 65 6c 6c 6f           Hello            │    │
        |                  TcpStream::read → recvfrom                │    │
        |  512.300 #1    shutdown                                    │───▶│ (can read what is left, then end)
        |                  TcpStream::shutdown → shutdown            │    │
        |  512.350 #1    read … waits for the server                 │    │
        |  512.359 #1    read: end, at once                          │◀───│ (shutdown or close: sends no more)
        |  512.400 #1    close descriptor 3                          │    │
        |                  drop(TcpStream) → close                   │    │
        "#,
    );
}

#[test]
fn the_server_is_drawn_and_the_client_inferred() {
    assert_ladder(
        &drawn(Drawing::new(), &server_steps(1, 2)),
        r#"
        |│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen
        |────── ms #1    client (inferred) ──────────────────────────┼────┼ server 127.0.0.1:7000 ─────────────────────
        |    0.090 #1                                                │    │ socket, bind, listen
        |                                                            │    │   on 127.0.0.1:7000, descriptor 4
        |                                                            │    │   TcpListener::bind → socket, setsockopt,
        |                                                            │    │     bind, listen
        |    0.095 #1                                                │    │ accept … waits for a client
        |    0.120 #1    (is connected)                              │───▶│ accept 127.0.0.1:50000, after 0.02 ms
        |                                                            │    │   a new socket, descriptor 5
        |                                                            │    │   TcpListener::accept → accept4
        |────── ms #2    client 127.0.0.1:50000 (inferred) ──────────┼────┼ server 127.0.0.1:7000, thread "client 1" ──
        |    0.150 #2                                                │    │ read … waits for the client
        |    0.225 #2    (has written them)                          │───▶│ read 5 bytes, after 0.07 ms
        |                                                            │    │   48 65 6c 6c 6f           Hello
        |                                                            │    │   TcpStream::read → recvfrom
        |  512.230 #2    (can read them)                             │◀───│ write 5 bytes
        |                                                            │    │   48 65 6c 6c 6f           Hello
        |                                                            │    │   TcpStream::write → sendto
        |  512.325 #2    (shutdown or close: sends no more)          │───▶│ read: end, at once
        |  512.340 #2    (can read what is left, then end)           │◀───│ close descriptor 5
        |                                                            │    │   drop(TcpStream) → close
        "#,
    );
}

#[test]
fn with_both_traces_nothing_is_inferred() {
    let mut steps = client_steps();
    steps[0].local = "127.0.0.1:50000".parse().ok();
    steps.extend(server_steps(0, 1));
    for step in steps.iter_mut().filter(|step| step.connection == 0).take(2) {
        step.at -= Duration::from_millis(2); // The server was there before the client.
    }
    steps.sort_by_key(|step| step.moment());
    assert_ladder(
        &drawn(Drawing::of_both_ends(), &steps),
        r#"
        |│──  │ bytes leave by a call   │  ─▶│ a call receives them   │══  │ what they mean: a head, a frame
        |────── ms       client ─────────────────────────────────────┼────┼ server 127.0.0.1:7000 ─────────────────────
        |    0.090                                                   │    │ socket, bind, listen
        |                                                            │    │   on 127.0.0.1:7000, descriptor 4
        |                                                            │    │   TcpListener::bind → socket, setsockopt,
        |                                                            │    │     bind, listen
        |    0.095                                                   │    │ accept … waits for a client
        |────── ms #1    client 127.0.0.1:50000 ─────────────────────┼────┼ server 127.0.0.1:7000 ─────────────────────
        |    2.000 #1    connect to 127.0.0.1:7000 … waits for the   │──  │
        |                  server                                    │    │
        |    2.120                                                   │  ─▶│ accept 127.0.0.1:50000, after 0.02 ms
        |                                                            │    │   a new socket, descriptor 5
        |                                                            │    │   TcpListener::accept → accept4
        |    2.125 #1    socket, connect: connected, after 0.12 ms   │◀─  │
        |                  from 127.0.0.1:50000, descriptor 3        │    │
        |                  TcpStream::connect_timeout → socket,      │    │
        |                    ioctl, connect, ioctl, poll             │    │
        |    2.150 #1                                                │    │ read … waits for the client
        |    2.205 #1    write 5 bytes                               │──  │
        |                  48 65 6c 6c 6f           Hello            │    │
        |                  TcpStream::write → sendto                 │    │
        |    2.225 #1                                                │  ─▶│ read 5 bytes, after 0.07 ms
        |                                                            │    │   48 65 6c 6c 6f           Hello
        |                                                            │    │   TcpStream::read → recvfrom
        |    2.250 #1    read … waits for the server                 │    │
        |  514.230 #1                                                │  ──│ write 5 bytes
        |                                                            │    │   48 65 6c 6c 6f           Hello
        |  514.255 #1    read 5 bytes, after 512 ms                  │◀─  │
        |                  48 65 6c 6c 6f           Hello            │    │
        |  514.300 #1    shutdown                                    │──  │
        |                  TcpStream::shutdown → shutdown            │    │
        |  514.325 #1                                                │  ─▶│ read: end, at once
        |  514.340 #1                                                │  ──│ close descriptor 5
        |                                                            │    │   drop(TcpStream) → close
        |  514.350 #1    read … waits for the server                 │    │
        |  514.359 #1    read: end, at once                          │◀─  │
        |  514.400 #1    close descriptor 3                          │    │
        "#,
    );
}

#[test]
fn a_process_that_holds_both_ends_infers_neither() {
    let client = client_steps();
    let server = server_steps(1, 3);
    let numbered = |step: &Step<'static>, connection| Step { connection, ..step.clone() };
    let steps: Vec<Step<'_>> = [&server[0], &server[1]]
        .into_iter()
        .cloned()
        .chain(client[..2].iter().map(|step| numbered(step, 2)))
        .chain([server[2].clone(), server[4].clone(), numbered(&client[3], 2)])
        .collect();
    let drawn = drawn(Drawing::new(), &steps);
    assert!(drawn.contains("client 127.0.0.1:50000 (traced as #2)"), "{drawn}");
    assert!(!drawn.contains("(has written them)") && !drawn.contains("(can read them)"), "{drawn}");
    assert!(!drawn.contains("(is connected)"), "{drawn}");
}

#[test]
fn what_the_bytes_mean_is_drawn_over_them() {
    let frame = FrameStep {
        fin: true,
        rsv: 0,
        opcode: 1,
        key: Some([0x37, 0xfa, 0x21, 0x3d]),
        length: 5,
        header: &[0x81, 0x85],
        payload: b"Hello",
    };
    let request = b"GET /chat HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Extensions: permessage-deflate; \
                    client_max_window_bits\r\n\r\n";
    let steps = [
        step(Side::Client, 1, 0, 0, Action::Head { direction: Direction::Out, bytes: request }),
        step(Side::Client, 1, 100, 0, Action::Frame { direction: Direction::Out, frame }),
        step(Side::Client, 1, 200, 0, Action::State { from: "open", to: "closing", why: "we sent Close" }),
        step(Side::Client, 1, 300, 0, Action::Note("look at the \u{1b}[31mmask")),
    ];
    assert_ladder(
        &drawn(Drawing::new(), &steps),
        r#"
        |│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen
        |────── ms #1    client 127.0.0.1:50000 ─────────────────────┼────┼ server 127.0.0.1:7000 (inferred) ──────────
        |    0.000 #1    GET /chat HTTP/1.1                          │═══▶│
        |                Host: localhost                             │    │
        |                Sec-WebSocket-Extensions:                   │    │
        |                  permessage-deflate;                       │    │
        |                  client_max_window_bits                    │    │
        |    0.100 #1    Text, FIN, masked, 5 bytes                  │═══▶│
        |                  header 81 85, key 37 fa 21 3d             │    │
        |                  48 65 6c 6c 6f           Hello            │    │
        |    0.200 #1    state: open → closing                       │    │
        |                  we sent Close                             │    │
        |    0.300 #1    note: look at the \u{1b}[31mmask            │    │
        "#,
    );
}

#[test]
fn what_failed_says_why_and_which_calls_it_may_have_been() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    let mut steps = [
        step(Side::Client, 1, 0, 40, done(Call::Connect, Outcome::Failed(&refused))),
        step(Side::Client, 2, 100, 3_000_000, done(Call::Read, Outcome::Nothing)),
        step(Side::Client, 2, 3_000_200, 12_340, done(Call::Read, Outcome::Failed(&reset))),
    ];
    (steps[0].local, steps[0].descriptor) = (None, None);
    assert_ladder(
        &drawn(Drawing::new(), &steps),
        r#"
        |│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen
        |────── ms #1    client ─────────────────────────────────────┼────┼ server 127.0.0.1:7000 (inferred) ──────────
        |    0.040 #1    socket, connect failed, after 0.04 ms       │◀───│ (its system: nobody listens here)
        |                  connection refused                        │    │
        |                  TcpStream::connect_timeout → one of       │    │
        |                    socket, ioctl, connect, ioctl, poll     │    │
        |────── ms #2    client 127.0.0.1:50000 ─────────────────────┼────┼ server 127.0.0.1:7000 (inferred) ──────────
        | 3000.100 #2    read: nothing, the time is up, after 3.00 s │    │
        |                  TcpStream::read → recvfrom                │    │
        | 3012.540 #2    read failed, after 12 ms                    │◀───│ (reset: died, or closed with bytes unread)
        |                  connection reset                          │    │
        "#,
    );
}

#[test]
fn only_a_large_write_is_said_to_wait() {
    let announced = |bytes| {
        let action = Action::Wait { call: Call::Write, bytes: Some(bytes) };
        drawn(Drawing::new(), &[step(Side::Client, 1, 0, 0, action)])
    };
    assert_eq!(announced(65_536), "");
    assert!(announced(65_537).contains("write 65 537 bytes … may wait for the"));
}

#[test]
fn what_was_said_about_a_descriptor_goes_with_it() {
    let mut drawing = Drawing::new();
    for step in client_steps().iter().chain(&server_steps(2, 3)) {
        drawing.draw(step);
    }
    assert!(drawing.ends.is_empty() && drawing.said_end.is_empty());
}

#[test]
fn the_observer_writes_what_is_drawn_at_once() {
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let sink = Sink::default();
    let ladder = Ladder::new(sink.clone());
    for step in client_steps() {
        ladder.observe(&step);
    }
    assert_eq!(sink.0.lock().unwrap().as_slice(), drawn(Drawing::new(), &client_steps()).as_bytes());
}
