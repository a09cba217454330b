//! What the tests at the level of bytes share: a server of ours to talk to, and a bare `std::net::TcpStream` that says
//! exactly the bytes a test wants, on either side.
//!
//! Nothing in here uses socklab to speak or to understand: frames and heads are written and read by hand, so that a
//! mistake in the library does not agree with itself.
#![allow(dead_code)] // each test is a program of its own and uses its own part of this

use socklab::websocket::{Error, Offer, WebSocket};
use socklab::{Connection, HandlerResult, ServeReport, Settings, StandardServer, StopHandle, Trouble};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Long enough for anything that happens at once, on a machine that is busy with something else.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// No limit of ours ends a test before the test's own does, unless it is the one that is tested.
pub(crate) fn patient() -> Settings {
    Settings {
        receive_limit: LONG,
        handshake_limit: LONG,
        message_limit: LONG,
        close_limit: LONG,
        ..Settings::default()
    }
}

/// Something that another thread does. Whoever wants its result waits for it, and not for ever.
pub(crate) struct Job<T>(Receiver<T>);

pub(crate) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Job<T> {
    let (done, result) = channel();
    // Nobody may be waiting any more.
    thread::spawn(move || drop(done.send(work())));
    Job(result)
}

impl<T> Job<T> {
    pub(crate) fn finish(self) -> T {
        self.0.recv_timeout(LONG * 2).expect("the other thread should have come to an end, and without a panic")
    }
}

// --- our server ------------------------------------------------------------------------------------

/// A server of ours on a thread. Dropping it stops it, and asks that no handler panicked and no thread was left.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: StopHandle,
    thread: Option<JoinHandle<Result<ServeReport, socklab::Error>>>,
    troubles: Receiver<Trouble>,
}

impl Server {
    pub(crate) fn start(
        settings: &Settings,
        handler: impl Fn(Connection) -> HandlerResult + Send + Sync + 'static,
    ) -> Server {
        let (trouble, troubles) = channel();
        let server = StandardServer::bind_with("127.0.0.1:0", settings).unwrap();
        let server = server.on_trouble(move |what| trouble.send(what).unwrap_or_default());
        let (address, stop) = (server.local_address(), server.stop_handle());
        let thread = Some(thread::spawn(move || server.serve(handler)));
        Server { address, stop, thread, troubles }
    }

    /// Sends every WebSocket message back, as the example does.
    pub(crate) fn echo(settings: &Settings) -> Server {
        Server::start(settings, |connection| {
            WebSocket::accept(connection)?.for_each_message(|message, replies| replies.send(message))?;
            Ok(())
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// What the next handler that failed has to say.
    pub(crate) fn trouble(&self) -> String {
        self.troubles.recv_timeout(LONG).expect("a handler should have failed").what
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        let report = self.thread.take().map(|thread| thread.join().unwrap().unwrap());
        if !thread::panicking() {
            let report = report.unwrap();
            assert_eq!((report.panicked, report.still_running), (0, vec![]));
        }
    }
}

// --- their side ------------------------------------------------------------------------------------

/// A key and the answer to it, from RFC 6455 section 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request that is to be accepted, without the blank line.
pub(crate) const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A bare stream. Every read and write has a deadline.
pub(crate) struct Peer(pub(crate) TcpStream);

/// A frame as it stood on the wire, its payload unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) masked: bool,
    pub(crate) key: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Peer {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Peer(stream)
    }

    pub(crate) fn connect(server: &Server) -> Peer {
        Peer::new(TcpStream::connect(server.address).unwrap())
    }

    /// Connects, and has the opening handshake behind it.
    pub(crate) fn open(server: &Server) -> Peer {
        let mut peer = Peer::connect(server);
        peer.say(format!("{REQUEST}\r\n"));
        let head = peer.head();
        assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT), "{head}");
        peer
    }

    /// Writes all of it, in one call if the system takes it: one segment, if it is short.
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the other side should still take bytes");
    }

    /// Reads up to the blank line and not a byte further.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.bytes(1)[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// The head, or nothing if the connection goes without one.
    pub(crate) fn head_or_end(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap_or_else(|error| panic!("{count} bytes should have come: {error}"));
        bytes
    }

    pub(crate) fn frame(&mut self) -> Frame {
        let start = self.bytes(2);
        let length = match start[1] & 0x7f {
            126 => self.bytes(2),
            127 => self.bytes(8),
            short => vec![short],
        };
        let spelt = length.len();
        let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let shortest = if length < 126 {
            1
        } else if length < 0x1_0000 {
            2
        } else {
            8
        };
        assert_eq!(spelt, shortest, "how many bytes spell {length}");
        let masked = start[1] & 0x80 != 0;
        let key = if masked { self.bytes(4) } else { vec![0; 4] };
        let mut payload = self.bytes(length);
        payload.iter_mut().enumerate().for_each(|(index, byte)| *byte ^= key[index % 4]);
        Frame { first: start[0], masked, key, payload }
    }

    /// The next frame is a Close with this code, and behind it comes TCP's own end, in order.
    pub(crate) fn is_closed_with(&mut self, code: u16) -> String {
        self.is_closed_with_for(code, "here")
    }

    /// The same, for the one of many cases that has this name.
    pub(crate) fn is_closed_with_for(&mut self, code: u16, name: &str) -> String {
        let frame = self.frame();
        assert_eq!(frame.first, 0x88, "{name}: a Close frame should have come: {frame:?}");
        let (number, reason) = frame.payload.split_at(2);
        let reason = String::from_utf8(reason.to_vec()).unwrap();
        assert_eq!(u16::from_be_bytes([number[0], number[1]]), code, "{name}: {reason}");
        self.ends();
        reason
    }

    /// Nothing more comes, and it is an end and not a reset: the other side still takes what we say.
    pub(crate) fn ends(&mut self) {
        assert_eq!(self.rest(), b"");
        self.is_heard();
    }

    /// Everything up to the other side's end. A reset is a failure.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => bytes,
            Err(error) => panic!("an end was expected, and not {error}, after {:?}", bytes.escape_ascii().to_string()),
        }
    }

    /// Had the other side let its descriptor go with bytes unread, or before ours were read, then the first of these
    /// would meet a reset, and the second a connection that is gone.
    fn is_heard(&mut self) {
        for _ in 0..2 {
            self.0.write_all(b"are you still there?").expect("the other side should drain, not reset");
        }
    }

    /// The next read says that the connection is gone, or has ended, whichever: it does not go on.
    pub(crate) fn is_gone(&mut self) -> bool {
        let mut scrap = [0; 1024];
        loop {
            match self.0.read(&mut scrap) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
                Err(_) => return true,
            }
        }
    }
}

/// A frame with its length in the shortest form. A client's is masked, with a key that is not all zeros.
pub(crate) fn frame(masked: bool, first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let (short, long): (u8, &[u8]) = match length {
        0..=125 => (length as u8, &[]),
        126..=0xffff => (126, &length.to_be_bytes()[6..]),
        _ => (127, &length.to_be_bytes()),
    };
    frame_of(masked, first, short, long, payload)
}

/// A frame whose length field says what the test wants.
pub(crate) fn frame_of(masked: bool, first: u8, short: u8, long: &[u8], payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first, short | if masked { 0x80 } else { 0 }];
    bytes.extend_from_slice(long);
    if masked {
        bytes.extend_from_slice(&MASK);
    }
    let byte_masked = |(index, byte): (usize, &u8)| if masked { byte ^ MASK[index % 4] } else { *byte };
    bytes.extend(payload.iter().enumerate().map(byte_masked));
    bytes
}

// --- our client ------------------------------------------------------------------------------------

/// Our client connects to a bare server, which has the request and does what `script` says. Returns what the client
/// made of it.
pub(crate) fn connect_to<T>(
    offer: Offer,
    settings: Settings,
    script: impl FnOnce(Peer, &str) -> T,
) -> (Result<WebSocket, Error>, T) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/chat?room=1", listener.local_addr().unwrap());
    let (accepted, stream) = channel();
    thread::spawn(move || accepted.send(listener.accept().unwrap().0));
    let client = spawn(move || WebSocket::connect_with(&url, &offer, &settings));
    let mut peer = Peer::new(stream.recv_timeout(LONG).expect("the client should have connected"));
    let request = peer.head();
    let done = script(peer, &request);
    (client.finish(), done)
}

/// The accept key for this request, by another's program.
pub(crate) fn accept_for(request: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    tungstenite::handshake::derive_accept_key(key.as_bytes())
}

/// The 101 for this request, with these lines more.
pub(crate) fn answer_to(request: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
         {more}\r\n",
        accept_for(request)
    )
}

/// Our client and a bare server, with the opening handshake behind them.
pub(crate) fn open_client(settings: Settings) -> (WebSocket, Peer) {
    let (client, peer) = connect_to(Offer::default(), settings, |mut peer, request| {
        peer.say(answer_to(request, ""));
        peer
    });
    (client.unwrap(), peer)
}
