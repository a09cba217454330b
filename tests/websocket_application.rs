//! What an application can say about a request, and what its pages carry.

use socklab::trace::{Action, Observer, Step, Trace};
use socklab::websocket::protocol::http::Response;
use socklab::websocket::{
    Application, Limits, Message, MessageRef, Offer, Received, Refusal, Request, ServerHandle, Session, SessionHandle,
    WebSocket, WebSocketServer,
};
use socklab::{Settings, Trouble};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(10);

/// Tells each client how it is seen, and sends whatever it says back in three pieces, through a handle.
struct Mirror;

impl Application for Mirror {
    type Session = ();
    type Service = u32;

    fn asked(&self, request: &Request<'_>, server: &ServerHandle<Mirror>) -> Option<Response> {
        assert_eq!(request.subprotocol, None);
        let count = server.execute_in_service_and_wait(LONG, |asked| {
            *asked += 1;
            *asked
        });
        match request.head.path() {
            "/count" => Some(Response::text(200, format!("request {}", count.unwrap()))),
            "/private" => Some(Response::text(403, "not for you")),
            "/panic" => panic!("as asked"),
            _ => None,
        }
    }

    fn connected(&self, request: &Request<'_>, session: &SessionHandle<Mirror>) -> Result<(), Refusal> {
        assert_eq!(session.server().unwrap().local_address().port(), request.local.port());
        let seen = format!("{} {} {} {:?}", request.connection, request.local, request.peer, request.subprotocol);
        session.text(&seen).unwrap();
        Ok(())
    }

    fn message(&self, _: &mut (), message: MessageRef<'_>, session: &mut Session<'_, Mirror>) {
        session.handle().in_pieces(message, 3).unwrap();
    }
}

struct Running {
    address: SocketAddr,
    server: ServerHandle<Mirror>,
    thread: Option<JoinHandle<()>>,
    troubles: Receiver<Trouble>,
}

impl Running {
    fn start(limits: Limits) -> Running {
        let (trouble, troubles) = mpsc::channel();
        let server = WebSocketServer::bind("127.0.0.1:0", Mirror, 0, limits)
            .unwrap()
            .subprotocols(&["mirror"])
            .page("/", "text/html", "<h1>A page</h1>")
            .page_header("Cache-Control", "no-store")
            .unwrap()
            .page_header("Content-Security-Policy", "default-src 'self'")
            .unwrap()
            .on_trouble(move |what| trouble.send(what).unwrap_or_default());
        let (address, handle) = (server.local_address(), server.handle());
        let thread = thread::spawn(move || assert_eq!(server.run().unwrap().panicked, 0));
        Running { address, server: handle, thread: Some(thread), troubles }
    }

    /// The answer to a GET, as it came.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn connect(&self, path: &str) -> Result<WebSocket, socklab::websocket::Error> {
        let offer = Offer { subprotocols: vec!["mirror".into()], ..Offer::default() };
        let settings = Settings { receive_limit: LONG, ..Settings::default() };
        WebSocket::connect_with(&format!("ws://{}{path}", self.address), &offer, &settings)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}

fn text(socket: &mut WebSocket) -> String {
    match socket.receive().unwrap() {
        Received::Message(Message::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_application_may_answer_any_request_itself() {
    let server = Running::start(Limits::default());
    assert!(server.get("/count").ends_with("\r\n\r\nrequest 1"));
    assert!(server.get("/").ends_with("<h1>A page</h1>"));
    assert!(server.get("/count").ends_with("\r\n\r\nrequest 3"));
    assert!(server.get("/elsewhere").starts_with("HTTP/1.1 404 "));
    // One who wants to come in is answered in the same way.
    let error = server.connect("/private").unwrap_err().to_string();
    assert!(error.contains("403 Forbidden") && error.contains("not for you"), "{error}");
    assert!(server.connect("/").unwrap().is_open());
}

#[test]
fn a_panic_costs_the_one_who_asked_only() {
    let server = Running::start(Limits::default());
    let mut other = server.connect("/").unwrap();
    assert!(server.get("/panic").starts_with("HTTP/1.1 500 "));
    assert_eq!(server.troubles.recv_timeout(LONG).unwrap().what, "asked panicked: as asked");
    assert!(server.connect("/panic").unwrap_err().to_string().contains("500 "));
    assert!(text(&mut other).contains("mirror"));
    assert!(server.get("/").starts_with("HTTP/1.1 200 "));
}

#[test]
fn headers_go_with_each_page_and_with_nothing_else() {
    let server = Running::start(Limits::default());
    let page = server.get("/");
    for header in ["Cache-Control: no-store", "Content-Security-Policy: default-src 'self'", "Content-Type: text/html"]
    {
        assert_eq!(page.matches(&format!("\r\n{header}\r\n")).count(), 1, "{page}");
    }
    assert!(!server.get("/count").contains("no-store"));
    for (name, value) in [("Bad name", "x"), ("X", "two\r\nlines"), ("Content-Length", "7"), ("connection", "x")] {
        let server = WebSocketServer::bind("127.0.0.1:0", Mirror, 0, Limits::default()).unwrap();
        assert!(server.page_header(name, value).is_err(), "{name}: {value}");
    }
}

#[test]
fn whoever_asks_for_a_websocket_as_for_a_page_is_told_how() {
    let server = Running::start(Limits { paths: Some(vec!["/mirror".into()]), ..Limits::default() });
    assert!(server.get("/mirror").starts_with("HTTP/1.1 426 "));
    assert!(server.get("/elsewhere").starts_with("HTTP/1.1 404 "));
    assert!(server.get("/").starts_with("HTTP/1.1 200 "));
}

/// The numbers of the connections that opened, and the frames that went out.
#[derive(Default)]
struct Seen(Mutex<(Vec<u64>, Vec<String>)>);

impl Observer for Seen {
    fn observe(&self, step: &Step<'_>) {
        let mut seen = self.0.lock().unwrap();
        match &step.action {
            Action::State { to: "open", .. } => seen.0.push(step.connection),
            Action::Frame { frame, direction: socklab::trace::Direction::Out } => {
                seen.1.push(format!("{} {} {}", frame.opcode, frame.fin, String::from_utf8_lossy(frame.payload)));
            }
            _ => {}
        }
    }
}

#[test]
fn a_session_knows_its_connection_and_sends_in_pieces() {
    let seen = Arc::new(Seen::default());
    let settings = Settings { trace: Trace::to(seen.clone()), ..Settings::default() };
    let server = Running::start(Limits { settings, ..Limits::default() });
    let mut socket = server.connect("/").unwrap();
    let told = text(&mut socket);
    let us = socket.local_address().unwrap();
    let connection = seen.0.lock().unwrap().0[0];
    assert_eq!(told, format!("{connection} {} {us} Some(\"mirror\")", server.address));
    seen.0.lock().unwrap().1.clear();
    socket.send_text("abcdef").unwrap();
    assert_eq!(text(&mut socket), "abcdef");
    assert_eq!(seen.0.lock().unwrap().1, ["1 false ab", "0 false cd", "0 true ef"]);
}
