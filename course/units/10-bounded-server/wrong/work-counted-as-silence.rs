//! Wrong on purpose: a thread that watches shuts the connection when the next line has not come for so long, also
//! while the server works.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use std::{env, thread};

static CLIENTS: Mutex<BTreeMap<u32, Arc<TcpStream>>> = Mutex::new(BTreeMap::new());

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
        let (tell, told) = mpsc::channel::<()>();
        {
            let connection = stream.try_clone()?;
            let idle = stream.read_timeout()?.unwrap();
            thread::spawn(move || {
                if told.recv_timeout(idle) == Err(mpsc::RecvTimeoutError::Timeout) {
                    let _ = connection.shutdown(Shutdown::Both);
                }
            });
        }
        thread::sleep(Duration::from_millis(time));
        drop(tell);
        stream.write_all(format!("done {time}\n").as_bytes())?;
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
    for stream in clients().values() {
        let _ = stream.shutdown(Shutdown::Read);
    }
    drop(LEFT.wait_timeout_while(clients(), grace, |inside| !inside.is_empty()));
}
