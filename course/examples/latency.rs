//! How long do a hundred questions take? It depends on nothing but how they are asked.
//!
//! ```sh
//! cargo run -p lab --example latency              # a server on this machine
//! cargo run -p lab --example latency -- 80        # one that is 80 ms away, there and back
//! ```
//!
//! The server answers at once; what is far away is played by a thread that keeps each answer until its time has come.
//! That is not all that distance does: here acknowledgements do not travel, and a system that sees no answer come soon does
//! not delay them. The demonstration of unit 8: `course/units/08-asker/lecturer.md`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const QUESTIONS: usize = 100;

fn main() -> io::Result<()> {
    let away = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let away = Duration::from_millis(away);
    println!("{QUESTIONS} questions, each answered after {} ms\n", away.as_millis());
    // ANCHOR: ways
    told("two writes", away, false, |stream| {
        one_after_the_other(stream, |stream| {
            stream.write_all(b"apple")?;
            stream.write_all(b"\n")
        })
    })?;
    told("two writes, TCP_NODELAY", away, true, |stream| {
        one_after_the_other(stream, |stream| {
            stream.write_all(b"apple")?;
            stream.write_all(b"\n")
        })
    })?;
    told("one write", away, false, |stream| one_after_the_other(stream, |stream| stream.write_all(b"apple\n")))?;
    told("one write, nobody waits", away, true, all_under_way)
    // ANCHOR_END: ways
}

/// Asks, waits for the answer, asks again.
fn one_after_the_other(stream: TcpStream, ask: impl Fn(&mut &TcpStream) -> io::Result<()>) -> io::Result<()> {
    let mut answers = BufReader::new(&stream);
    for _ in 0..QUESTIONS {
        ask(&mut &stream)?;
        answers.read_line(&mut String::new())?;
    }
    Ok(())
}

/// Asks everything, while another thread reads the answers.
fn all_under_way(stream: TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        scope.spawn(|| (0..QUESTIONS).try_for_each(|_| (&stream).write_all(b"apple\n")));
        BufReader::new(&stream).lines().take(QUESTIONS).try_for_each(|answer| answer.map(drop))
    })
}

fn told(name: &str, away: Duration, no_delay: bool, ask: impl FnOnce(TcpStream) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let stream = TcpStream::connect(listener.local_addr()?)?;
    let (accepted, _) = listener.accept()?;
    thread::spawn(move || serve(accepted, away));
    stream.set_nodelay(no_delay)?;
    let begun = Instant::now();
    ask(stream)?;
    let time = begun.elapsed().as_secs_f64() * 1000.0;
    println!("{name:<28}{time:>10.1} ms{:>10.3} ms for each question", time / QUESTIONS as f64);
    Ok(())
}

/// Every line is answered `away` after it came, whatever else is under way: distance delays, and does not slow down.
fn serve(stream: TcpStream, away: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut back = stream.try_clone()?;
    let (sender, under_way) = mpsc::channel::<Instant>();
    thread::spawn(move || {
        under_way.iter().try_for_each(|due| {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            back.write_all(b"red\n")
        })
    });
    for line in BufReader::new(stream).lines() {
        line?;
        if sender.send(Instant::now() + away).is_err() {
            break;
        }
    }
    Ok(())
}
