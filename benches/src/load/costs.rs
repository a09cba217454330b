//! What does the system take, before anybody has written a server?
//!
//! Four things of which every server is made, each alone, in microseconds, all on the load generator's core: a system call
//! that does nothing; a send and a receive of 32 bytes on loopback, in one thread; the same to a thread that sleeps in its
//! receive, so that the difference is what it takes to wake that thread and to change over to it; and a thread's start and
//! end. A server for which any of these is dear can do nothing about it but do it less often.

use crate::contender::Contender;
use crate::meter::Figures;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How much longer than a microsecond anything here may take.
const LIMIT: Duration = Duration::from_secs(10);

pub fn run(what: Contender, seconds: f64) -> io::Result<Figures> {
    match what {
        Contender::SendReceive => {
            let (mut here, mut there) = pair()?;
            repeat(seconds, 1.0, || pass(&mut here, &mut there))
        }
        Contender::Thread => repeat(seconds, 1.0, || {
            thread::Builder::new().spawn(|| ())?.join().map_err(|_| io::Error::other("an empty thread panicked"))
        }),
        Contender::OtherThread => {
            let (mut here, mut there) = pair()?;
            thread::scope(|scope| {
                scope.spawn(move || while answer(&mut there).is_ok() {});
                // There and back: two sends, two receives, two changes of the thread.
                let figures = repeat(seconds, 2.0, || ask(&mut here));
                // Its end of the stream ends the other thread.
                drop(here);
                figures
            })
        }
        // The C library does not remember the number: it asks the system each time.
        _ => repeat(seconds, 1.0, || {
            std::hint::black_box(std::process::id());
            Ok(())
        }),
    }
}

/// Both ends of a connection of this machine to itself.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = TcpStream::connect_timeout(&listener.local_addr()?, LIMIT)?;
    let (there, _) = listener.accept()?;
    for end in [&here, &there] {
        end.set_nodelay(true)?;
        end.set_read_timeout(Some(LIMIT))?;
    }
    Ok((here, there))
}

/// 32 bytes from one end to the other.
fn pass(from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
    from.write_all(&[7; 32])?;
    to.read_exact(&mut [0; 32])
}

fn ask(end: &mut TcpStream) -> io::Result<()> {
    end.write_all(&[7; 32])?;
    end.read_exact(&mut [0; 32])
}

fn answer(end: &mut TcpStream) -> io::Result<()> {
    let mut bytes = [0; 32];
    end.read_exact(&mut bytes)?;
    end.write_all(&bytes)
}

/// What one takes if each turn does so many.
fn repeat(seconds: f64, each: f64, mut turn: impl FnMut() -> io::Result<()>) -> io::Result<Figures> {
    (0..100).try_for_each(|_| turn())?;
    let (measured, started, mut turns) = (Duration::from_secs_f64(seconds), Instant::now(), 0_u32);
    while started.elapsed() < measured {
        (0..100).try_for_each(|_| turn())?;
        turns += 100;
    }
    let microseconds = started.elapsed().as_secs_f64() * 1e6 / (f64::from(turns) * each);
    Ok([("us".to_owned(), microseconds)].into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_includes_another_costs_more_than_it() {
        let costs = |what| run(what, 0.05).unwrap()["us"];
        let (call, exchange) = (costs(Contender::SystemCall), costs(Contender::SendReceive));
        assert!(0.0 < call && call < exchange, "{call} {exchange}");
        // Starting a thread is several calls, and so is passing something to one.
        let (other, thread) = (costs(Contender::OtherThread), costs(Contender::Thread));
        assert!(call < other && call < thread, "{call} {other} {thread}");
    }
}
