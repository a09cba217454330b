//! Wrong on purpose: waits for those at work, and lets the end of the process do the rest.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, thread};

static CLIENTS: Mutex<BTreeMap<u32, Arc<TcpStream>>> = Mutex::new(BTreeMap::new());

static WORKING: AtomicIsize = AtomicIsize::new(0);
static LEFT: Condvar = Condvar::new();

static STOPPING: AtomicBool = AtomicBool::new(false);

fn clients() -> MutexGuard<'static, BTreeMap<u32, Arc<TcpStream>>> {
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() -> io::Result<()> {
    let [port, most, idle, grace] = [(1, 7000), (2, 3), (3, 60_000), (4, 5_000)].map(argument);
    let listener = TcpListener::bind(("127.0.0.1", port as u16))?;
    let address = listener.local_addr()?;
    thread::spawn(move || obey(address));
    for (number, stream) in (1..).zip(listener.incoming()) {
        if STOPPING.load(Ordering::Acquire) {
            break;
        }
        let admitted = stream.and_then(|stream| admit(number, stream, most as usize, Duration::from_millis(idle)));
        if let Err(error) = admitted {
            eprintln!("client {number}: {error}");
        }
    }
    drop(listener);
    say_goodbye(Duration::from_millis(grace));
    Ok(())
}

fn argument((place, otherwise): (usize, u64)) -> u64 {
    env::args().nth(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn admit(number: u32, stream: TcpStream, most: usize, idle: Duration) -> io::Result<()> {
    let stream = Arc::new(stream);
    stream.set_read_timeout(Some(idle))?;
    stream.set_write_timeout(Some(idle))?;

    let mut inside = clients();
    if inside.len() >= most {
        return (&*stream).write_all(b"busy\n");
    }
    inside.insert(number, Arc::clone(&stream));
    drop(inside);

    let place = Place(number);
    thread::Builder::new().spawn(move || {
        let _place = place;
        if let Err(error) = converse(&stream) {
            eprintln!("client {number}: {error}");
        }
    })?;
    Ok(())
}

struct Place(u32);

impl Drop for Place {
    fn drop(&mut self) {
        clients().remove(&self.0);
        LEFT.notify_all();
    }
}

fn converse(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"welcome\n")?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.by_ref().take(64).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let Some(time) = line.trim_end().strip_prefix("work ").and_then(|time| time.parse().ok()) else {
            return stream.write_all(b"error\n");
        };
        WORKING.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(time));
        let written = stream.write_all(format!("done {time}\n").as_bytes());
        WORKING.fetch_sub(1, Ordering::SeqCst);
        LEFT.notify_all();
        written?;
    }
}

fn obey(address: SocketAddr) {
    let mut line = String::new();
    loop {
        line.clear();
        let count = io::stdin().read_line(&mut line).unwrap_or(0);
        if count == 0 || line.trim_end() == "stop" {
            STOPPING.store(true, Ordering::Release);
            let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
            return;
        }
    }
}

fn say_goodbye(grace: Duration) {
    drop(LEFT.wait_timeout_while(clients(), grace, |_| WORKING.load(Ordering::SeqCst) > 0));
}
