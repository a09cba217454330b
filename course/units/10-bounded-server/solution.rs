//! A bounded server: a few clients at once, none of them for ever, and an end when it is asked for. The protocol is in
//! unit.md.
//!
//!     bounded-server PORT CLIENTS IDLE GRACE      for example 7000 3 60000 5000; both times in milliseconds

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, thread};

/// Who is inside, by number, with a handle by which their thread can be woken.
static CLIENTS: Mutex<BTreeMap<u32, Arc<TcpStream>>> = Mutex::new(BTreeMap::new());

/// Somebody has left.
static LEFT: Condvar = Condvar::new();

/// Nobody is let in any more.
static STOPPING: AtomicBool = AtomicBool::new(false);

fn clients() -> MutexGuard<'static, BTreeMap<u32, Arc<TcpStream>>> {
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() -> io::Result<()> {
    let [port, most, idle, grace] = [(1, 7000), (2, 3), (3, 60_000), (4, 5_000)].map(argument);
    let listener = TcpListener::bind(("127.0.0.1", port as u16))?;
    let address = listener.local_addr()?;
    thread::spawn(move || obey(address));
    // ANCHOR: accept
    for (number, stream) in (1..).zip(listener.incoming()) {
        if STOPPING.load(Ordering::Acquire) {
            break;
        }
        // What happens to one client, even here, is no reason to end for all the others.
        let admitted = stream.and_then(|stream| admit(number, stream, most as usize, Duration::from_millis(idle)));
        if let Err(error) = admitted {
            eprintln!("client {number}: {error}");
        }
    }
    // First of all: whoever comes from now on is refused, and a successor can have the port.
    drop(listener);
    say_goodbye(Duration::from_millis(grace));
    // ANCHOR_END: accept
    // The process ends here, with exit status 0, and every thread with it that is still at work.
    Ok(())
}

fn argument((place, otherwise): (usize, u64)) -> u64 {
    env::args().nth(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Lets a client in, or turns it away. On the accepting thread, so nothing here may wait for a client: a few bytes fit
/// into the empty send buffer of a new connection.
fn admit(number: u32, stream: TcpStream, most: usize, idle: Duration) -> io::Result<()> {
    let stream = Arc::new(stream);
    // HOLE No read and no write on this connection may last longer than `idle`.
    stream.set_read_timeout(Some(idle))?;
    stream.set_write_timeout(Some(idle))?;
    // END

    // HOLE Is there a place for this client?
    //  When `most` are inside already, write the line "busy" and return. Else put it into the table of clients.
    //  `clients()` locks the table: who calls it again while the first guard lives waits for itself, for ever.
    let mut inside = clients();
    if inside.len() >= most {
        return (&*stream).write_all(b"busy\n");
    }
    inside.insert(number, Arc::clone(&stream));
    drop(inside);
    // END

    // ANCHOR: place
    let place = Place(number);
    thread::Builder::new().spawn(move || {
        // Dropped when this function ends, whether it returns, fails or panics; the connection is dropped after it.
        let _place = place;
        if let Err(error) = converse(&stream) {
            eprintln!("client {number}: {error}");
        }
    })?;
    // ANCHOR_END: place
    Ok(())
}

/// A place in the server. Whoever holds it is inside, and it is given back when it is dropped.
struct Place(u32);

impl Drop for Place {
    fn drop(&mut self) {
        // HOLE Take client number `self.0` out of the table, and notify whoever waits for that (`LEFT`).
        clients().remove(&self.0);
        LEFT.notify_all();
        // END
    }
}

/// One client, from the greeting to its end: "work 200" is answered after 200 ms by "done 200".
fn converse(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"welcome\n")?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        // A line needs an upper limit as well: unit 4.
        if reader.by_ref().take(64).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some(time) = line.trim_end().strip_prefix("work ").and_then(|time| time.parse().ok()) else {
            return stream.write_all(b"error\n");
        };
        thread::sleep(Duration::from_millis(time));
        stream.write_all(format!("done {time}\n").as_bytes())?;
    }
}

/// Waits, on a thread of its own, for somebody who wants the server to stop.
fn obey(address: SocketAddr) {
    let mut line = String::new();
    loop {
        line.clear();
        // 0 is the end of standard input. An error is one too: nothing will come any more.
        let count = io::stdin().read_line(&mut line).unwrap_or(0);
        // HOLE Stop the server at the line "stop" and at the end of the input; every other line means nothing.
        //  The accepting thread looks at STOPPING each time that `accept` has returned, and at this moment it is blocked in
        //  it: so set STOPPING, and then wake that thread by a connection to `address`, which is its own. Then return:
        //  who goes on reading meets the end of the input again and again.
        if count == 0 || line.trim_end() == "stop" {
            STOPPING.store(true, Ordering::Release);
            let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
            return;
        }
        // END
    }
}

/// Lets what is at work finish, for `grace` at most.
fn say_goodbye(grace: Duration) {
    // HOLE Wake all who wait for their client's next line, and wait until everybody has left, for `grace` at most.
    //  `shutdown(Shutdown::Read)` makes a read meet the end of the stream, also one that is blocked; writing goes on.
    //  `LEFT.wait_timeout_while(...)` waits for a condition, with a limit.
    for stream in clients().values() {
        // It fails if the client is gone, and then its thread is about to leave.
        let _ = stream.shutdown(Shutdown::Read);
    }
    drop(LEFT.wait_timeout_while(clients(), grace, |inside| !inside.is_empty()));
    // END
}
