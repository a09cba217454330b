//! The two servers: waiting, refusing, the cap, panics, the stop, and what a full descriptor table does.

use socklab::{Arrival, Client, Error, Framing, Received, Settings, SimpleServer, StandardServer, StopHandle};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

fn lines() -> Settings {
    Settings { framing: Framing::lines(), receive_limit: LONG, ..Settings::default() }
}

struct Running {
    address: SocketAddr,
    stop: StopHandle,
    thread: JoinHandle<Result<socklab::ServeReport, Error>>,
    troubles: Receiver<socklab::Trouble>,
}

/// A line echo server that panics at "panic", fails at "fail" and after "hang" hangs in its own code until told.
fn echo(settings: &Settings) -> (Running, mpsc::Sender<()>) {
    let (trouble, troubles) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = StandardServer::bind_with("127.0.0.1:0", settings)
        .unwrap()
        .on_trouble(move |what| trouble.send(what).unwrap_or_default());
    let (address, stop) = (server.local_address(), server.stop_handle());
    let thread = thread::spawn(move || {
        server.serve(move |mut connection| {
            while let Received::Message(line) = connection.receive()? {
                match &line[..] {
                    b"panic" => panic!("on request"),
                    b"fail" => return Err("on request".into()),
                    b"hang" => {
                        connection.send("I do")?; // so that a test knows: a line sent is not yet a line received
                        let _ = released.lock().unwrap().recv_timeout(LONG);
                    }
                    _ => connection.send(line)?,
                }
            }
            connection.send("goodbye")?;
            Ok(())
        })
    });
    (Running { address, stop, thread, troubles }, release)
}

fn connect(address: SocketAddr) -> Client {
    Client::connect_with(&address.to_string(), &lines()).unwrap()
}

fn says(client: &mut Client, line: &str) -> bool {
    client.send(line).is_ok() && client.receive().unwrap() == Received::Message(line.into())
}

#[test]
fn many_clients_at_once_and_all_threads_joined() {
    let (server, _) = echo(&lines());
    let mut clients: Vec<Client> = (0..50).map(|_| connect(server.address)).collect();
    for (number, client) in clients.iter_mut().enumerate().rev() {
        assert!(says(client, &format!("I am {number}")), "nobody has to wait for the client before");
    }
    drop(clients.split_off(25));
    server.stop.stop();
    // The stop ends the receiving direction only, so each handler could still say its last word.
    for client in &mut clients {
        assert_eq!(client.receive().unwrap(), Received::Message(b"goodbye".to_vec()));
        assert_eq!(client.receive().unwrap(), Received::Closed);
    }
    let report = server.thread.join().unwrap().unwrap();
    assert_eq!((report.served, report.refused, report.panicked), (50, 0, 0));
    assert!(report.still_running.is_empty());
    assert!(Client::connect(&server.address.to_string()).is_err(), "nobody listens any more");
}

#[test]
fn a_panic_and_a_failure_cost_their_own_client_only() {
    let (server, _) = echo(&lines());
    let mut healthy = connect(server.address);
    for word in ["panic", "fail"] {
        let mut unlucky = connect(server.address);
        unlucky.send(word).unwrap();
        assert_eq!(unlucky.receive().unwrap(), Received::Closed);
        let trouble = server.troubles.recv_timeout(LONG).unwrap();
        assert_eq!(trouble.peer, unlucky.local_address().unwrap());
        assert!(says(&mut healthy, "I noticed nothing"));
    }
    server.stop.stop();
    let report = server.thread.join().unwrap().unwrap();
    assert_eq!((report.served, report.panicked), (3, 1));
}

#[test]
fn a_client_over_the_cap_is_turned_away_and_a_place_comes_free_again() {
    let (server, _) = echo(&Settings { max_clients: 2, ..lines() });
    let (mut first, mut second) = (connect(server.address), connect(server.address));
    assert!(says(&mut first, "a") && says(&mut second, "b"));
    let mut third = connect(server.address);
    assert_eq!(third.receive().unwrap(), Received::Closed);
    assert!(says(&mut first, "still here"));
    first.close();
    drop(first);
    let deadline = Instant::now() + LONG;
    // The place is free once the thread has ended, a moment after the client's end.
    while !connect(server.address).send("c").is_ok_and(|()| says(&mut connect(server.address), "d")) {
        assert!(Instant::now() < deadline, "the place never came free");
    }
    server.stop.stop();
    assert!(server.thread.join().unwrap().unwrap().refused >= 1);
}

#[test]
fn a_thread_in_its_own_code_is_named_and_does_not_hold_the_stop() {
    let (server, release) = echo(&Settings { stop_limit: Duration::from_millis(200), ..lines() });
    let mut stuck = connect(server.address);
    stuck.send("hang").unwrap();
    assert_eq!(stuck.receive().unwrap(), Received::Message(b"I do".to_vec()));
    let begun = Instant::now();
    server.stop.stop();
    let report = server.thread.join().unwrap().unwrap();
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert_eq!(report.still_running, ["client 1"]);
    drop(release);
}

#[test]
fn a_silent_client_does_not_hold_the_stop() {
    let (server, _) = echo(&lines());
    let _silent = connect(server.address);
    assert!(says(&mut connect(server.address), "both are served now"));
    let begun = Instant::now();
    server.stop.stop();
    assert!(server.thread.join().unwrap().unwrap().still_running.is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// What has come and is not received yet can be as much as the buffers hold, and a client that talks on fills them again.
#[test]
fn a_client_that_talks_faster_than_it_is_answered_does_not_hold_the_stop() {
    let server = StandardServer::bind_with("127.0.0.1:0", &lines()).unwrap();
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || {
        server.serve(|mut connection| {
            connection.send("welcome")?;
            while let Received::Message(_) = connection.receive()? {
                thread::park_timeout(Duration::from_millis(10)); // work
            }
            Ok(connection.send("goodbye")?)
        })
    });
    let mut client = connect(address);
    // Connected is not yet accepted: whoever is still in the queue when the server stops, nobody says goodbye to.
    assert_eq!(client.receive().unwrap(), Received::Message(b"welcome".to_vec()));
    let (sender, (begins, began)) = (client.sender(), mpsc::channel());
    let talking = thread::spawn(move || {
        while sender.send("and so on").is_ok() {
            let _ = begins.send(()); // heard a thousand times
        }
    });
    (0..1000).for_each(|_| began.recv_timeout(LONG).unwrap());
    stop.stop();
    assert_eq!(client.receive().unwrap(), Received::Message(b"goodbye".to_vec()));
    client.close();
    talking.join().unwrap();
    assert!(running.join().unwrap().unwrap().still_running.is_empty());
}

#[test]
fn a_stop_in_the_middle_of_a_message_is_not_taken_for_the_clients_end() {
    let (server, _) = echo(&lines());
    let mut client = Client::connect_with(&server.address.to_string(), &Settings::default()).unwrap();
    client.send("whole\nhal").unwrap();
    assert_eq!(client.receive().unwrap(), Received::Message(b"whole\n".to_vec()));
    server.stop.stop();
    assert_eq!(client.receive().unwrap(), Received::Message(b"goodbye\n".to_vec()));
    client.close();
    server.thread.join().unwrap().unwrap();
    assert!(server.troubles.try_recv().is_err(), "nobody cut anything off");
}

#[test]
fn the_explicit_form_waits_looks_and_decides() {
    let mut server = StandardServer::bind_with("127.0.0.1:0", &lines()).unwrap();
    let begun = Instant::now();
    assert!(matches!(server.wait(Duration::from_millis(50)).unwrap(), Arrival::Nobody));
    assert!(begun.elapsed() >= Duration::from_millis(45));
    let mut refused = connect(server.local_address());
    let mut accepted = connect(server.local_address());
    let Arrival::Client(newcomer) = server.wait(LONG).unwrap() else { panic!("nobody came") };
    assert_eq!(newcomer.peer_address(), refused.local_address().unwrap());
    newcomer.refuse();
    let Arrival::Client(newcomer) = server.wait(LONG).unwrap() else { panic!("nobody came") };
    let mut connection = newcomer.accept();
    assert_eq!(refused.receive().unwrap(), Received::Closed);
    connection.send("welcome").unwrap();
    assert_eq!(accepted.receive().unwrap(), Received::Message(b"welcome".to_vec()));
    let stop = server.stop_handle();
    let waiting = thread::spawn(move || matches!(server.wait(LONG).unwrap(), Arrival::Stopped));
    stop.stop();
    assert!(waiting.join().unwrap());
    stop.stop();
}

#[test]
fn admit_if_sees_the_address_first() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let server = StandardServer::bind_with("127.0.0.1:0", &lines()).unwrap().admit_if(move |peer| {
        assert!(peer.ip().is_loopback());
        counter.fetch_add(1, Ordering::SeqCst) > 0
    });
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || server.serve(|mut connection| Ok(connection.send("in")?)));
    assert_eq!(connect(address).receive().unwrap(), Received::Closed);
    assert_eq!(connect(address).receive().unwrap(), Received::Message(b"in".to_vec()));
    stop.stop();
    let report = running.join().unwrap().unwrap();
    assert_eq!((report.served, report.refused), (1, 1));
}

#[test]
fn a_panic_on_the_accepting_thread_turns_one_client_away() {
    let first = AtomicUsize::new(0);
    let server = StandardServer::bind_with("127.0.0.1:0", &lines())
        .unwrap()
        .admit_if(move |_| first.fetch_add(1, Ordering::SeqCst) > 0 || panic!("on request"))
        .on_trouble(|trouble| panic!("told: {}", trouble.what));
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || server.serve(|mut connection| Ok(connection.send("in")?)));
    assert_eq!(connect(address).receive().unwrap(), Received::Closed);
    assert_eq!(connect(address).receive().unwrap(), Received::Message(b"in".to_vec()));
    stop.stop();
    let report = running.join().unwrap().unwrap();
    assert_eq!((report.served, report.refused, report.still_running.len()), (1, 1, 0));
}

#[test]
fn a_port_in_use_is_said_to_be_so() {
    let server = SimpleServer::bind("127.0.0.1:0").unwrap();
    let error = StandardServer::bind(&server.local_address().to_string()).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Listen { .. }));
    assert!(error.to_string().contains("is another server still running?"), "{error}");
}

#[test]
fn a_forgotten_stop_handle_does_not_keep_the_port() {
    let server = SimpleServer::bind("127.0.0.1:0").unwrap();
    let (address, stop) = (server.local_address(), server.stop_handle());
    drop(server);
    SimpleServer::bind(&address.to_string()).unwrap();
    stop.stop();
}

#[test]
fn a_client_that_fails_does_not_end_the_simple_server() {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &Settings { max_message: 10, ..lines() }).unwrap();
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || {
        server.serve(|connection| {
            while let Received::Message(line) = connection.receive()? {
                connection.send(line)?;
            }
            Ok(())
        })
    });
    let mut loud = connect(address);
    loud.send("much too long for this server").unwrap();
    assert!(says(&mut connect(address), "next"));
    drop(loud);
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn the_simple_server_serves_one_after_the_other() {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &lines()).unwrap();
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || {
        server.serve(|connection| {
            while let Received::Message(line) = connection.receive()? {
                connection.send(line)?;
            }
            Ok(())
        })
    });
    let (mut first, mut second) = (connect(address), connect(address));
    assert!(says(&mut first, "mine"));
    second.send("and me?").unwrap();
    assert_eq!(second.receive_within(Duration::from_millis(50)).unwrap(), Received::Nothing);
    first.close();
    assert_eq!(second.receive().unwrap(), Received::Message(b"and me?".to_vec()));
    drop((first, second));
    stop.stop();
    running.join().unwrap().unwrap();
}
