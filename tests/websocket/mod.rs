//! What the tests of the WebSocket server share: an application whose callbacks each test writes for itself, and a peer
//! that does byte by byte what it is told, also what no library would do.
//!
//! Every wait has a deadline ([`SOON`]), and nothing sleeps to be on time: what happened on the server's threads comes as
//! an [`Event`].
#![allow(dead_code)] // each test is a program of its own and uses its own part of this

#[path = "../support/mod.rs"]
pub(crate) mod support;

use socklab::websocket::*;
use socklab::{Error, ServeReport, Settings, Trouble};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything that happens at once, on a machine that is busy with something else.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Both contexts are a list of lines. A session's begins with its number.
pub(crate) type Log = Vec<String>;

type OnConnected = dyn Fn(&Request<'_>, &SessionHandle<App>) -> Result<Log, Refusal> + Send + Sync;
type OnMessage = dyn Fn(&mut Log, MessageRef<'_>, &mut Session<'_, App>) + Send + Sync;
type OnDisconnected = dyn Fn(&Log, &Ending, &ServerHandle<App>) + Send + Sync;
type OnTick = dyn Fn(&mut Log, &ServerHandle<App>) + Send + Sync;
type OnStopped = dyn Fn(&Log) + Send + Sync;

/// An application made of closures. Without any it echoes.
pub(crate) struct App {
    pub(crate) connected: Box<OnConnected>,
    pub(crate) message: Box<OnMessage>,
    pub(crate) disconnected: Box<OnDisconnected>,
    pub(crate) tick: Box<OnTick>,
    pub(crate) stopped: Box<OnStopped>,
    pub(crate) events: Option<Sender<Event>>,
}

/// What the server told the application.
#[derive(Debug)]
pub(crate) enum Event {
    Connected(SessionHandle<App>),
    Disconnected(Log, Ending),
    Tick,
    Stopped(Log),
}

impl App {
    pub(crate) fn echo() -> App {
        App {
            connected: Box::new(|_, handle| Ok(vec![handle.number().to_string()])),
            message: Box::new(|_, message, session| session.send(message)),
            disconnected: Box::new(|_, _, _| {}),
            tick: Box::new(|_, _| {}),
            stopped: Box::new(|_| {}),
            events: None,
        }
    }

    pub(crate) fn on_message(message: impl Fn(&mut Log, &str, &mut Session<'_, App>) + Send + Sync + 'static) -> App {
        let on_text = move |log: &mut Log, received: MessageRef<'_>, session: &mut Session<'_, App>| match received {
            MessageRef::Text(text) => message(log, text, session),
            MessageRef::Binary(_) => panic!("only text is sent here"),
        };
        App { message: Box::new(on_text), ..App::echo() }
    }

    fn tell(&self, event: Event) {
        if let Some(events) = &self.events {
            let _ = events.send(event); // a test may be content with less
        }
    }
}

impl Application for App {
    type Session = Log;
    type Service = Log;

    fn connected(&self, request: &Request<'_>, session: &SessionHandle<App>) -> Result<Log, Refusal> {
        let log = (self.connected)(request, session)?;
        self.tell(Event::Connected(session.clone()));
        Ok(log)
    }

    fn message(&self, log: &mut Log, message: MessageRef<'_>, session: &mut Session<'_, App>) {
        (self.message)(log, message, session);
    }

    fn disconnected(&self, log: Log, ending: &Ending, server: &ServerHandle<App>) {
        self.tell(Event::Disconnected(log.clone(), ending.clone()));
        (self.disconnected)(&log, ending, server);
    }

    fn tick(&self, log: &mut Log, server: &ServerHandle<App>) {
        self.tell(Event::Tick);
        (self.tick)(log, server);
    }

    fn stopped(&self, log: Log) {
        self.tell(Event::Stopped(log.clone()));
        (self.stopped)(&log);
    }
}

/// A server that runs on a thread of its own.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: ServerHandle<App>,
    pub(crate) events: Receiver<Event>,
    pub(crate) troubles: Receiver<Trouble>,
    ended: Receiver<Result<ServeReport, Error>>,
}

pub(crate) fn start(app: App, limits: Limits) -> Running {
    start_with(app, limits, |server| server)
}

pub(crate) fn start_with(
    mut app: App,
    limits: Limits,
    change: impl FnOnce(WebSocketServer<App>) -> WebSocketServer<App>,
) -> Running {
    let ((event, events), (trouble, troubles), (end, ended)) = (channel(), channel(), channel());
    app.events = Some(event);
    let server = WebSocketServer::bind("127.0.0.1:0", app, Log::new(), limits).unwrap();
    let server = change(server.on_trouble(move |what| drop(trouble.send(what))));
    let (address, handle) = (server.local_address(), server.handle());
    thread::spawn(move || end.send(server.run()));
    Running { address, handle, events, troubles, ended }
}

impl Running {
    pub(crate) fn event(&self) -> Event {
        self.events.recv_timeout(SOON).expect("nothing more happens on the server")
    }

    /// The next session that is let in, passing over other events.
    pub(crate) fn session(&self) -> SessionHandle<App> {
        loop {
            if let Event::Connected(handle) = self.event() {
                return handle;
            }
        }
    }

    /// The next session that ends, passing over other events.
    pub(crate) fn ending(&self) -> (Log, Ending) {
        loop {
            if let Event::Disconnected(log, ending) = self.event() {
                return (log, ending);
            }
        }
    }

    /// What still happened until the server's end.
    pub(crate) fn rest(&self) -> Vec<Event> {
        self.events.try_iter().collect()
    }

    pub(crate) fn trouble(&self) -> String {
        self.troubles.recv_timeout(SOON).expect("nothing is reported").what
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub(crate) fn client(&self) -> WebSocket {
        WebSocket::connect(&self.url()).unwrap()
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// Stops it, and waits until it has ended.
    pub(crate) fn stop(&self) -> ServeReport {
        self.handle.stop();
        self.finish()
    }

    pub(crate) fn finish(&self) -> ServeReport {
        self.ended.recv_timeout(SOON).expect("the server does not end").unwrap()
    }
}

/// The defaults, but for the stop: half of its limit is what a client that does not answer costs each test.
pub(crate) fn limits() -> Limits {
    let settings = Settings { stop_limit: Duration::from_secs(2), ..Settings::default() };
    Limits { settings, ..Limits::default() }
}

/// Settings whose waits are short, for tests of what happens after them.
pub(crate) fn quick() -> Settings {
    Settings {
        close_limit: Duration::from_millis(200),
        send_limit: Duration::from_millis(300),
        handshake_limit: Duration::from_millis(1000),
        message_limit: Duration::from_millis(300),
        stop_limit: Duration::from_secs(2),
        ..Settings::default()
    }
}

pub(crate) fn text(client: &mut WebSocket) -> String {
    match client.receive_within(SOON).unwrap() {
        Received::Message(Message::Text(text)) => text,
        other => panic!("no text: {other:?}"),
    }
}

/// Passes over messages, up to the peer's goodbye.
pub(crate) fn goodbye(client: &mut WebSocket) -> (u16, String) {
    let deadline = Instant::now() + SOON;
    loop {
        assert!(Instant::now() < deadline, "it talks and talks");
        match client.receive_within(SOON).unwrap() {
            Received::Message(_) => {}
            Received::Closed(Some(reason)) => return (reason.code.0, reason.reason),
            other => panic!("no goodbye: {other:?}"),
        }
    }
}

/// Asks again and again until it is true, for what no event tells.
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_true() {
        assert!(Instant::now() < deadline, "not within {SOON:?}: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// What the kernel counts of this process under `key` in /proc/self/status: `Threads`, or `VmRSS` in KiB.
pub(crate) fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs the calling test once more as a program of its own, under limits that `shell` sets: what it then counts, threads,
/// time or memory, is no other test's, and what it uses up is its own. True in that program, and false, when that has
/// gone well, in the one that started it.
pub(crate) fn alone(test: &str, shell: &str) -> bool {
    if std::env::var_os("SOCKLAB_ALONE").is_some_and(|name| name == test) {
        return true;
    }
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]);
    command.env("SOCKLAB_ALONE", test);
    passes(test, command);
    false
}

pub(crate) fn passes(test: &str, command: std::process::Command) {
    let (status, said, complained) = support::run(test, command, b"", Duration::from_secs(240));
    let said = String::from_utf8_lossy(&said);
    // Figures stand behind a mark, for the harness of the other program writes on the same lines.
    said.lines().filter_map(|line| line.find("# ").map(|at| &line[at..])).for_each(|line| println!("{line}"));
    assert!(status.success() && said.contains("1 passed"), "{status}\n{said}\n{complained}");
}

// --- a peer of bytes ------------------------------------------------------------------------------

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// A bare stream that has shaken hands, or not.
pub(crate) struct Peer {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Peer {
    /// A TCP connection, and not a word on it.
    pub(crate) fn silent(address: SocketAddr) -> Peer {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_write_timeout(Some(SOON)).unwrap();
        Peer { stream: BufReader::new(stream) }
    }

    /// Whether the end comes, and nothing before it.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> bool {
        self.stream.get_ref().set_read_timeout(Some(limit)).unwrap();
        let ends = matches!(self.stream.read(&mut [0]), Ok(0));
        self.stream.get_ref().set_read_timeout(Some(SOON)).unwrap();
        ends
    }

    pub(crate) fn connect(address: SocketAddr) -> Peer {
        let mut peer = Peer::silent(address);
        peer.write(upgrade("/", "").as_bytes());
        let (status, head) = peer.head();
        assert_eq!(status, 101, "{head}");
        peer
    }

    /// Sends bytes and reads the whole answer to them, up to the end: its status, and all of its text.
    pub(crate) fn ask(address: SocketAddr, request: &str) -> (u16, String) {
        let mut peer = Peer::silent(address);
        peer.write(request.as_bytes());
        peer.answer()
    }

    pub(crate) fn answer(&mut self) -> (u16, String) {
        let (status, mut text) = self.head();
        self.stream.read_to_string(&mut text).unwrap();
        (status, text)
    }

    pub(crate) fn head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "it ends in the middle of a head: {head:?}");
        }
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().unwrap()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, opcode: u8, payload: &[u8]) {
        self.write(&frame(opcode, payload));
    }

    /// As [`send`](Peer::send), to somebody who may have left.
    pub(crate) fn try_send(&mut self, opcode: u8, payload: &[u8]) -> bool {
        self.stream.get_mut().write_all(&frame(opcode, payload)).is_ok()
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes());
    }

    /// The next frame, or `None` at the end or a reset.
    pub(crate) fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        if let Err(error) = self.stream.read_exact(&mut head) {
            assert!(!matches!(error.kind(), ErrorKind::WouldBlock), "nothing comes, and no end");
            return None;
        }
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.bytes()?)),
            127 => u64::from_be_bytes(self.bytes()?),
            short => u64::from(short),
        };
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).ok()?;
        Some((head[0], payload))
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).ok().map(|()| bytes)
    }

    pub(crate) fn expect(&mut self, opcode: u8, payload: &[u8]) {
        let (found, bytes) = self.next().expect("it has ended");
        assert!(
            found == opcode && bytes == payload,
            "{found:x} {:?} and not {opcode:x} {:?}",
            String::from_utf8_lossy(&bytes),
            String::from_utf8_lossy(payload)
        );
    }

    /// Passes over other frames, up to the Close; not answered.
    pub(crate) fn close_code(&mut self) -> u16 {
        loop {
            let (opcode, payload) = self.next().expect("it ended without a Close frame");
            if opcode == CLOSE {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    /// Says goodbye, or answers one, and waits for the end.
    pub(crate) fn leave(&mut self, code: u16) {
        let _ = self.try_send(CLOSE, &code.to_be_bytes());
        while self.next().is_some() {}
        // The server ends TCP first, and waits for our end.
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }
}

/// A request for a WebSocket; `headers` are whole lines.
pub(crate) fn upgrade(target: &str, headers: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// A client's frame. A key of zeros leaves the payload as it is.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        medium @ 126..65536 => {
            frame.push(0x80 | 126);
            frame.extend((medium as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
