//! TLS with programs that know nothing of rustls: OpenSSL, curl, Python's `ssl`, nginx, Node, in both directions and in
//! both versions.
//!
//! ```text
//! tests/peers/install.sh target/peers && cargo build --examples
//! SOCKLAB_PEERS=$PWD/target/peers cargo test -p tls-tests --test peers -- --ignored
//! ```

#[path = "../../support/mod.rs"]
mod support;

use socklab::websocket::{Message, Opening, Received as FromWebSocket, WebSocket};
use socklab::{Client, Framing, Received, Settings, StandardServer, StopHandle};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use support::{Program, SOON, empty_folder, node, python, run, run_well, tool, with};
use tls_tests::World;

const VERSIONS: [&str; 2] = ["1.2", "1.3"];
const A_MINUTE: Duration = Duration::from_secs(60);

/// An authority whose files lie in a folder.
fn world(name: &str) -> (World, PathBuf) {
    let (world, folder) = (World::new(), empty_folder(name));
    world.write(&folder);
    (world, folder)
}

fn lines(settings: Settings) -> Settings {
    Settings { framing: Framing::lines(), ..settings }
}

/// A server of ours that sends lines back. It says how each client ended, and in which version it spoke.
struct Echo {
    address: SocketAddr,
    ends: Receiver<String>,
    stop: StopHandle,
}

impl Echo {
    fn serve(settings: &Settings) -> Echo {
        let server = StandardServer::bind_with("127.0.0.1:0", settings).unwrap();
        let (address, stop) = (server.local_address(), server.stop_handle());
        let (end, ends) = channel();
        thread::spawn(move || {
            server.serve(move |mut connection| {
                let result = loop {
                    match connection.receive() {
                        Ok(Received::Message(line)) => connection.send(line)?,
                        other => break other,
                    }
                };
                let version = connection.tls().map_or("no TLS", |tls| tls.version);
                let _ = end.send(match result {
                    Ok(received) => format!("{version}: {received:?}"),
                    Err(error) => format!("{version}: {error}"),
                });
                Ok(())
            })
        });
        Echo { address, ends, stop }
    }

    fn end(&self) -> String {
        self.ends.recv_timeout(SOON).expect("the client has ended")
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// Talks lines to a server that answers in capitals, and ends in order.
fn ask_for_capitals(address: SocketAddr, settings: &Settings, version: &str) {
    let mut client = Client::connect_with(&address.to_string(), &lines(settings.clone())).unwrap();
    assert_eq!(client.tls().unwrap().version, format!("TLS {version}"));
    for line in ["hello", "grüße", "", &"long ".repeat(20_000)] {
        client.send(line).unwrap();
        assert_eq!(client.receive().unwrap(), Received::Message(line.to_uppercase().into_bytes()));
    }
    client.finish_sending();
    assert_eq!(client.receive().unwrap(), Received::Closed, "an end, and not a cut");
    client.close();
}

// --- OpenSSL --------------------------------------------------------------------------------------

fn s_client(address: SocketAddr, folder: &Path, version: &str) -> Command {
    let command = with(tool("openssl", "openssl"), ["s_client", "-quiet", "-no_ign_eof", "-verify_return_error"]);
    let command = with(command, ["-verify_hostname", "localhost", "-servername", "localhost"]);
    let command = with(command, ["-connect", &address.to_string(), &format!("-tls{}", version.replace('.', "_"))]);
    with(with(command, ["-CAfile"]), [folder.join("root.pem")])
}

#[test]
#[ignore = "needs openssl: .ci/run installs it"]
fn s_client_gets_its_lines_back() {
    let (world, folder) = world("s_client");
    let server = Echo::serve(&lines(world.serving()));
    for version in VERSIONS {
        let mut client = Program::start("openssl s_client", s_client(server.address, &folder, version));
        for line in ["hello", "grüße", &"long ".repeat(1000)] {
            client.say(line);
            client.expect_line(line);
        }
        client.close_stdin();
        client.succeed(SOON);
        assert_eq!(server.end(), format!("TLS {version}: Closed"));
    }
    // It must be able to fail: with another authority's root it refuses us, and we hear why.
    let (_other, elsewhere) = self::world("s_client_elsewhere");
    let (status, _, stderr) = run("s_client", s_client(server.address, &elsewhere, "1.3"), b"", SOON);
    assert!(!status.success(), "{stderr}");
    let end = server.end();
    assert!(end.contains("the peer refused TLS with us"), "{end}");
}

#[test]
#[ignore = "needs openssl: .ci/run installs it"]
fn s_client_of_1_1_is_told_what_is_missing() {
    let (world, folder) = world("s_client_1_1");
    let server = Echo::serve(&lines(world.serving()));
    // OpenSSL itself speaks 1.1 only when it is told to take the level of safety down.
    let command = with(s_client(server.address, &folder, "1.1"), ["-cipher", "DEFAULT:@SECLEVEL=0"]);
    let (status, _, stderr) = run("s_client", command, b"", SOON);
    assert!(!status.success() && stderr.contains("alert"), "{stderr}");
    let end = server.end();
    assert!(end.contains("neither TLS 1.2 nor 1.3"), "{end}");
}

/// Sends each line back reversed, to one client.
fn s_server(folder: &Path, version: &str, more: &[&str]) -> (Program, SocketAddr) {
    let command = with(tool("openssl", "openssl"), ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-rev"]);
    let command = with(command, [format!("-tls{}", version.replace('.', "_"))]);
    let command = with(with(command, ["-cert"]), [folder.join("server.pem")]);
    let command = with(with(with(command, ["-key"]), [folder.join("server-key.pem")]), more);
    let mut server = Program::start("openssl s_server", command);
    let line = server.find_line("its port", |line| line.starts_with("ACCEPT "));
    (server, line["ACCEPT ".len()..].parse().unwrap())
}

#[test]
#[ignore = "needs openssl: .ci/run installs it"]
fn our_client_talks_to_s_server() {
    let (world, folder) = world("s_server");
    for version in VERSIONS {
        let (server, address) = s_server(&folder, version, &[]);
        let mut client = Client::connect_with(&address.to_string(), &lines(world.trusting())).unwrap();
        assert_eq!(client.tls().unwrap().version, format!("TLS {version}"));
        for (line, reversed) in [("hello", "olleh"), ("abc", "cba")] {
            client.send(line).unwrap();
            assert_eq!(client.receive().unwrap(), Received::Message(reversed.as_bytes().to_vec()));
        }
        client.close();
        server.succeed(SOON);
    }
}

#[test]
#[ignore = "needs openssl: .ci/run installs it"]
fn s_server_of_1_1_is_refused_with_what_is_missing() {
    let (world, folder) = world("s_server_1_1");
    let (server, address) = s_server(&folder, "1.1", &["-cipher", "DEFAULT:@SECLEVEL=0"]);
    let error = Client::connect_with(&address.to_string(), &world.trusting()).unwrap_err().to_string();
    assert!(error.contains("1.2"), "{error}");
    drop(server);
}

#[test]
#[ignore = "needs openssl: .ci/run installs it"]
fn s_server_that_asks_for_a_certificate_gets_ours() {
    let (world, folder) = world("s_server_client");
    let root = folder.join("root.pem");
    for version in VERSIONS {
        let more = ["-Verify", "1", "-verify_return_error", "-CAfile", root.to_str().unwrap()];
        let (server, address) = s_server(&folder, version, &more);
        let tls = socklab::ClientTls::trusting(&world.roots).identity(&world.client);
        let settings = Settings { client_tls: Some(tls), ..world.trusting() };
        let mut client = Client::connect_with(&address.to_string(), &lines(settings)).unwrap();
        client.send("who am I?").unwrap();
        assert_eq!(client.receive().unwrap(), Received::Message(b"?I ma ohw".to_vec()));
        client.close();
        let finished = server.succeed(SOON);
        assert!(finished.stderr.contains("Peer certificate: CN = a student"), "{}", finished.stderr);
    }
}

// --- curl -----------------------------------------------------------------------------------------

#[test]
#[ignore = "needs curl: .ci/run installs it"]
fn curl_gets_a_page_over_https() {
    let (world, folder) = world("curl");
    let server = StandardServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let url = format!("https://localhost:{}/", server.local_address().port());
    let stop = server.stop_handle();
    let running = thread::spawn(move || {
        server.serve(|connection| Ok(Opening::read(connection)?.respond(200, "text/plain", "x".repeat(200_000))?))
    });
    for version in VERSIONS {
        let command = with(tool("curl", "curl"), ["--silent", "--show-error", "--noproxy", "*", "--cacert"]);
        let command =
            with(with(command, [folder.join("root.pem")]), [&format!("--tlsv{version}"), "--tls-max", version]);
        let command = with(command, ["--write-out", "%{http_code} %{ssl_verify_result}", &url]);
        let out = String::from_utf8(run_well("curl", command, b"", SOON)).unwrap();
        assert!(out == format!("{}200 0", "x".repeat(200_000)), "{version}: {}", &out[out.len() - 20..]);
    }
    let command = with(tool("curl", "curl"), ["--silent", "--show-error", "--noproxy", "*", &url]);
    let (status, _, stderr) = run("curl", command, b"", SOON);
    assert!(!status.success() && stderr.contains("certificate"), "curl trusts our authority unasked: {stderr}");
    stop.stop();
    running.join().unwrap().unwrap();
}

// --- Python's ssl ---------------------------------------------------------------------------------

/// With the folder and the version that it is to use.
fn peer(mut command: Command, folder: &Path, version: &str) -> Command {
    command.env("PEER_TLS_DIR", folder).env("PEER_TLS_VERSION", version);
    command
}

#[test]
#[ignore = "needs Python: tests/peers/install.sh"]
fn python_gets_its_lines_back() {
    let (world, folder) = world("python_client");
    let server = Echo::serve(&lines(world.serving()));
    for version in VERSIONS {
        let port = server.address.port().to_string();
        let command = with(peer(python("tls_client.py"), &folder, version), ["127.0.0.1", &port]);
        let said = String::from_utf8(run_well("tls_client.py", command, b"", SOON)).unwrap();
        assert!(said.starts_with(&format!("TLSv{version} ")), "{said}");
        assert_eq!(server.end(), format!("TLS {version}: Closed"));
    }
}

#[test]
#[ignore = "needs Python: tests/peers/install.sh"]
fn our_client_talks_to_python() {
    let (world, folder) = world("python_server");
    for version in VERSIONS {
        let mut server = Program::start("tls_server.py", peer(python("tls_server.py"), &folder, version));
        ask_for_capitals(server.address(), &world.trusting(), version);
        server.succeed(SOON);
    }
}

// --- nginx ----------------------------------------------------------------------------------------

/// nginx takes no port 0. One that was free a moment ago may be taken by somebody else: then it ends, and another is tried.
fn nginx(folder: &Path, version: &str) -> (Program, SocketAddr) {
    for _ in 0..10 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let place = folder.display();
        let configuration = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr;
            events {{ }}
            http {{
                access_log off;
                client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
                uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
                server {{
                    listen {address} ssl; ssl_protocols TLSv{version};
                    ssl_certificate {place}/server.pem; ssl_certificate_key {place}/server-key.pem;
                    location / {{ return 200 \"$ssl_protocol $ssl_server_name $request_uri\\n\"; }}
                }}
            }}\n"
        );
        std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let command = with(tool("nginx", "nginx"), ["-e", "stderr", "-p", folder.to_str().unwrap(), "-c"]);
        let mut program = Program::start("nginx", with(command, [folder.join("nginx.conf")]));
        let started = Instant::now();
        while program.is_running() && started.elapsed() < SOON {
            if TcpStream::connect(address).is_ok() {
                return (program, address);
            }
            thread::yield_now();
        }
        eprintln!("{}", program.complaints());
    }
    panic!("nginx does not start");
}

#[test]
#[ignore = "needs nginx: .ci/run installs it"]
fn our_client_gets_a_page_from_nginx() {
    let (world, folder) = world("nginx_tls");
    for version in VERSIONS {
        let (_nginx, address) = nginx(&folder, version);
        let mut client = Client::connect_with(&format!("localhost:{}", address.port()), &world.trusting()).unwrap();
        assert_eq!(client.tls().unwrap().version, format!("TLS {version}"));
        client.send("GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let end = loop {
            match client.receive().unwrap() {
                Received::Message(bytes) => answer.extend(bytes),
                end => break end,
            }
        };
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\nTLSv{version} localhost /page\n")), "{answer}");
        assert_eq!(end, Received::Closed, "nginx says goodbye in TLS, too");
    }
}

// --- wss ------------------------------------------------------------------------------------------

fn is_content_with_our_server(name: &str, command: impl Fn() -> Command) {
    let (_world, folder) = world(&format!("{name}_client"));
    let (mut server, address) = Program::server("ws_echo_server", &["--tls", folder.to_str().unwrap()]);
    for version in VERSIONS {
        let command = with(peer(command(), &folder, version), [format!("wss://{address}/")]);
        run_well(&format!("{name} over TLS {version}"), command, b"", A_MINUTE);
    }
    assert!(server.is_running(), "the server ended: {}", server.complaints());
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_sync_is_content_with_our_server() {
    is_content_with_our_server("websockets.sync", || with(python("websocket_client.py"), ["sync"]));
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_asyncio_is_content_with_our_server() {
    is_content_with_our_server("websockets.asyncio", || with(python("websocket_client.py"), ["asyncio"]));
}

#[test]
#[ignore = "needs Node's ws: tests/peers/install.sh"]
fn node_is_content_with_our_server() {
    is_content_with_our_server("ws", || node("websocket_client.js"));
}

fn text(socket: &mut WebSocket) -> String {
    match socket.receive().unwrap() {
        FromWebSocket::Message(Message::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// What `ws_client` and `ws_echo_client` do in the tests without TLS.
fn our_client_is_content_with(name: &str, command: impl Fn() -> Command) {
    let (world, folder) = world(&format!("{name}_server"));
    for version in VERSIONS {
        let connect = |url: &str| WebSocket::connect_with(url, &Default::default(), &world.trusting()).unwrap();

        let mut server = Program::start(name, peer(command(), &folder, version));
        let mut socket = connect(&format!("wss://{}/lines", server.address()));
        assert_eq!(socket.tls().unwrap().version, format!("TLS {version}"));
        assert_eq!(text(&mut socket), "ready");
        for line in ["hello", "première ligne", "x"] {
            socket.send_text(line).unwrap();
            assert_eq!(text(&mut socket), line.to_uppercase());
        }
        socket.close();
        server.succeed(SOON);

        let mut server = Program::start(name, peer(command(), &folder, version));
        let base = format!("wss://{}", server.address());
        let count: usize = text(&mut connect(&format!("{base}/getCaseCount"))).parse().unwrap();
        assert!(count > 10, "{count}");
        for case in 1..=count {
            let socket = connect(&format!("{base}/runCase?case={case}&agent=socklab"));
            let mut socket = socket;
            socket.for_each_message(|message, replies| replies.send(message)).unwrap();
        }
        connect(&format!("{base}/updateReports?agent=socklab")).for_each_message(|_, _| Ok(())).unwrap();
        server.succeed(SOON);
    }
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_sync_is_content_with_our_client() {
    our_client_is_content_with("websockets.sync", || with(python("websocket_server.py"), ["sync"]));
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_asyncio_is_content_with_our_client() {
    our_client_is_content_with("websockets.asyncio", || with(python("websocket_server.py"), ["asyncio"]));
}

#[test]
#[ignore = "needs Node's ws: tests/peers/install.sh"]
fn node_is_content_with_our_client() {
    our_client_is_content_with("ws", || node("websocket_server.js"));
}
