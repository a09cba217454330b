//! Does the trace lie?
//!
//! Programs run under strace with SOCKLAB_TRACE=json, and both records are compared: see `strace/mod.rs`. A comparison
//! that nothing can fail would prove nothing, so each record is then tampered with, line by line, and each time the
//! comparison must notice.
//!
//!     cargo test --test trace_strace -- --ignored
#![cfg(target_os = "linux")]

#[path = "../examples/recorded/mod.rs"]
#[allow(dead_code)] // The command that merges ladders uses the rest.
mod recorded;
mod strace;

use recorded::{Came, Recorded, What, read_all};
use socklab::trace::Call;
use socklab::{Arrival, Client, Datagram, Error, Received, ReceivedDatagram, Settings, StandardServer};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A conversation as strace 6.1 recorded it, so that the comparison is tested where there is no strace too.
const SEEN: &str = r#"10  socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 4
10  setsockopt(4, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
10  bind(4, {sa_family=AF_INET, sin_port=htons(7000), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
10  listen(4, 128) = 0
10  fcntl(4, F_DUPFD_CLOEXEC, 3) = 5
10  write(1, ""..., 28) = 28
10  accept4(4,  <unfinished ...>
11  socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 7
11  close(7) = 0
10  <... accept4 resumed>{sa_family=AF_INET, sin_port=htons(5000), sin_addr=inet_addr("127.0.0.1")}, [128 => 16], SOCK_CLOEXEC) = 6
12  recvfrom(6, ""..., 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
12  recvfrom(6,  <unfinished ...>
10  accept4(4, 0x7f00, [128], SOCK_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
12  <... recvfrom resumed>""..., 8192, 0, NULL, NULL) = 11
12  sendto(6, ""..., 11, MSG_NOSIGNAL, NULL, 0) = 11
12  recvfrom(6, "", 8192, 0, NULL, NULL) = 0
12  shutdown(6, SHUT_WR) = 0
12  close(6 <unfinished ...>
10  socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 6
12  <... close resumed>) = 0
10  ioctl(6, FIONBIO, [1]) = 0
10  connect(6, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
10  ioctl(6, FIONBIO, [0]) = 0
10  poll([{fd=6, events=POLLOUT}], 1, 4999) = 1 ([{fd=6, revents=POLLOUT|POLLERR|POLLHUP}])
10  getsockopt(6, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0
10  close(6) = 0
10  accept4(4,  <unfinished ...>
13  shutdown(5, SHUT_RDWR) = 0
10  <... accept4 resumed>0x7f00, [128], SOCK_CLOEXEC) = -1 EINVAL (Invalid argument)
10  close(5) = 0
10  close(4) = 0
10  +++ exited with 0 +++
"#;

/// What the trace tells of it.
fn told() -> String {
    let line = |connection: u64, descriptor: &str, at: u64, call: &str, came: &str| {
        format!(
            "{{\"at\":1700000000.{at:06},\"took_us\":9,\"role\":\"server\",\"thread\":\"main\",\"connection\":{connection},\
             \"descriptor\":{descriptor},\"local\":null,\"peer\":null,\"step\":\"call\",\"call\":\"{call}\",{came}}}\n"
        )
    };
    let ok = "\"result\":\"ok\"";
    let eleven = "\"result\":\"ok\",\"bytes\":11,\"hex\":\"48656c6c6f20776f726c64\"";
    let failed = "\"result\":\"error\",\"error\":\"no\",\"kind\":\"Other\"";
    [
        line(1, "4", 10, "socket, bind, listen", ok),
        line(1, "4", 20, "accept", "\"result\":\"ok\",\"accepted\":6,\"accepted_peer\":\"127.0.0.1:5000\""),
        line(2, "6", 30, "read", eleven),
        line(2, "6", 40, "write", eleven),
        line(2, "6", 50, "read", "\"result\":\"end\""),
        line(2, "6", 60, "shutdown", ok),
        line(2, "6", 70, "close", ok),
        line(3, "null", 80, "socket, connect", failed),
        line(1, "4", 90, "shutdown", ok),
        line(1, "4", 85, "accept", failed),
        line(1, "4", 95, "close", ok),
    ]
    .concat()
}

fn steps(trace: &str) -> Vec<Recorded> {
    read_all("the trace", trace).unwrap_or_else(|problem| panic!("{problem}\n{trace}")).0
}

/// Both records agree, and no line can be lost or changed without a difference.
#[track_caller]
fn assert_true(trace: &str, seen: &str) {
    let mut steps = steps(trace);
    if let Err(differences) = strace::compare(&steps, seen) {
        panic!("{differences}\n\nstrace:\n{seen}\ntrace:\n{trace}");
    }
    // What is lost in the trace. Only what brought nothing may be missing, and what is no system call of a socket.
    let mut told = 0;
    for place in 0..steps.len() {
        let What::Call { call, came } = &steps[place].what else { continue };
        told += match (call, came) {
            (Call::Resolve, _) | (_, Came::Nothing) => continue,
            (Call::Listen, _) => 3,
            (Call::Connect | Call::Bind, _) => 2,
            _ => 1,
        };
        let lost = steps.remove(place);
        assert!(strace::compare(&steps, seen).is_err(), "nobody misses this step: {lost:?}");
        steps.insert(place, lost);
        if let What::Call { came: Came::Bytes(bytes), .. } = &mut steps[place].what {
            bytes.push(0);
            assert!(strace::compare(&steps, seen).is_err(), "nobody notices another byte: {:?}", steps[place]);
            if let What::Call { came: Came::Bytes(bytes), .. } = &mut steps[place].what {
                bytes.pop();
            }
        }
    }
    // What is lost in what strace saw: each call that was told stands in a line that is missed.
    let lines: Vec<&str> = seen.lines().collect();
    let with = |place: usize, line: Option<&str>| {
        let changed = lines[..place].iter().copied().chain(line).chain(lines[place + 1..].iter().copied());
        changed.collect::<Vec<_>>().join("\n")
    };
    let mut missed = 0;
    for (place, line) in lines.iter().enumerate() {
        if strace::compare(&steps, &with(place, None)).is_ok() {
            continue;
        }
        missed += usize::from(!line.contains(" resumed>"));
        let count = line.rsplit_once(" = ").filter(|(_, count)| count.parse::<u32>().is_ok_and(|count| count > 0));
        if let (Some((before, count)), true) = (count, line.contains("recvfrom") || line.contains("sendto")) {
            let changed = with(place, Some(&format!("{before} = 1{count}")));
            assert!(strace::compare(&steps, &changed).is_err(), "nobody notices other bytes: {line}");
        }
    }
    assert!(told > 0 && missed >= told, "the trace tells {told} calls, and only {missed} lines of strace are missed");
}

#[test]
fn records_that_agree_agree() {
    assert_true(&told(), SEEN);
}

#[test]
fn two_threads_may_end_a_direction_each_and_either_may_be_told_first() {
    let ours = "12  shutdown(6, SHUT_WR) = 0\n";
    let seen = |how: &str| SEEN.replace(ours, &format!("{ours}13  shutdown(6, {how}) = 0\n"));
    let told = told();
    let wrote =
        told.lines().find(|line| line.contains("\"call\":\"shutdown\"") && line.contains("\"descriptor\":6")).unwrap();
    let read = wrote.replace("\"call\":\"shutdown\"", "\"call\":\"shutdown reading\"");
    for both in [format!("{read}\n{wrote}"), format!("{wrote}\n{read}")] {
        let steps = steps(&told.replace(wrote, &both));
        assert_eq!(strace::compare(&steps, &seen("SHUT_RD")), Ok(()));
        assert!(strace::compare(&steps, &seen("SHUT_RDWR")).is_err(), "another direction than the trace says");
        assert!(strace::compare(&steps, SEEN).is_err(), "nobody made the second call");
    }
}

#[test]
fn a_socket_that_one_record_does_not_know_is_named() {
    let extra = "14  socket(AF_INET6, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 9\n14  write(9, \"\"..., 3) = 3\n";
    let problem = strace::compare(&steps(&told()), &format!("{SEEN}{extra}")).unwrap_err();
    assert!(problem.contains("descriptor 9\n  strace saw: socket, write 3\n  the trace tells: nothing"), "{problem}");
    let half = SEEN.lines().take(4).map(|line| format!("{line}\n")).collect::<String>();
    let problem = strace::compare(&steps(&told()), &half).unwrap_err();
    assert!(problem.contains("descriptor 6\n  strace saw: nothing"), "{problem}");
}

#[test]
#[ignore = "needs strace"]
fn the_echo_server_does_what_its_trace_says() {
    let folder = Folder::new("echo_server");
    let mut server = folder.start(&[example("echo_server").into(), "--listen".into(), "127.0.0.1:0".into()]);
    let address = folder.first_line(&mut server).rsplit(' ').next().unwrap().to_string();
    for message in [&b"Hello"[..], &[7; 300_000]] {
        let mut client = TcpStream::connect(&address).unwrap();
        let mut writer = client.try_clone().unwrap();
        let message = message.to_vec();
        let expected = message.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&message).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut echo = Vec::new();
        client.read_to_end(&mut echo).unwrap();
        assert!(echo == expected);
        writing.join().unwrap();
    }
    folder.wait_for("\"call\":\"close\"", 2);
    folder.kill(&mut server);
    assert_true(&folder.trace(), &folder.seen());
}

#[test]
#[ignore = "needs strace"]
fn the_websocket_echo_server_does_what_its_trace_says() {
    let folder = Folder::new("ws_echo_server");
    let mut server = folder.start(&[example("ws_echo_server").into(), "--listen".into(), "127.0.0.1:0".into()]);
    let address = folder.first_line(&mut server).rsplit(' ').next().unwrap().to_string();
    let (mut client, _) = tungstenite::connect(format!("ws://{address}/")).unwrap();
    for size in [0, 5, 200, 100_000] {
        let message = tungstenite::Message::binary(vec![7; size]);
        client.send(message.clone()).unwrap();
        assert!(client.read().unwrap() == message);
    }
    client.close(None).unwrap();
    while client.read().is_ok() {}
    drop(client);
    folder.wait_for("\"call\":\"close\"", 1);
    folder.kill(&mut server);
    assert_true(&folder.trace(), &folder.seen());
}

#[test]
#[ignore = "needs strace"]
fn the_line_client_does_what_its_trace_says() {
    let folder = Folder::new("line_client");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut client = folder.start(&[example("line_client").into(), address.into()]);
    let (mut peer, _) = listener.accept().unwrap();
    let mut keyboard = client.stdin.take().unwrap();
    for line in ["Hello\n", "Is anybody there?\n"] {
        keyboard.write_all(line.as_bytes()).unwrap();
        let mut echo = vec![0; line.len()];
        peer.read_exact(&mut echo).unwrap();
        peer.write_all(&echo).unwrap();
    }
    drop(keyboard);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    // The thread of the keyboard has shut its direction. Let it say so before our end ends the program, which waits for that
    // thread now.
    folder.wait_for("\"call\":\"shutdown\"", 1);
    drop(peer);
    assert!(client.wait().unwrap().success());
    assert_true(&folder.trace(), &folder.seen());
}

#[test]
#[ignore = "needs strace"]
fn both_roles_do_what_their_trace_says() {
    let folder = Folder::new("roles");
    let program = std::env::current_exe().unwrap().into_os_string();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let peers = format!("{nobody} {}", rude.local_addr().unwrap());
    let words = ["--exact", "the_program_under_strace", "--ignored", "--nocapture"].map(OsString::from);
    let mut child = folder.start_with(&[&[program][..], &words].concat(), &[("SOCKLAB_STRACED", &peers)]);
    // A close with bytes unread sends a reset.
    let (peer, _) = rude.accept().unwrap();
    peer.peek(&mut [0]).unwrap();
    drop(peer);
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}\n{}", folder.trace());
    assert_true(&folder.trace(), &folder.seen());
}

/// What [`both_roles_do_what_their_trace_says`] runs under strace: this very file once more, as a program of its own.
#[test]
#[ignore = "needs strace"]
fn the_program_under_strace() {
    let Ok(peers) = std::env::var("SOCKLAB_STRACED") else { return };
    let (nobody, rude) = peers.split_once(' ').unwrap();
    let settings = Settings::default();
    let mut server = StandardServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let address = server.local_address().to_string();
    assert!(matches!(StandardServer::bind(&address), Err(Error::Listen { .. })));
    assert!(matches!(Client::connect(nobody), Err(Error::Connect { .. })));

    let mut refused = Client::connect(&address).unwrap();
    let Arrival::Client(newcomer) = server.wait(Duration::from_secs(5)).unwrap() else { panic!("nobody came") };
    newcomer.refuse();
    assert_eq!(refused.receive().unwrap(), Received::Closed);
    drop(refused);
    assert!(matches!(server.wait(Duration::from_millis(20)).unwrap(), Arrival::Nobody));

    let stop = server.stop_handle();
    let running = thread::spawn(move || {
        server.serve(|mut connection| {
            while let Received::Message(bytes) = connection.receive()? {
                connection.send(bytes)?;
            }
            Ok(())
        })
    });
    let mut client = Client::connect(&address).unwrap();
    assert_eq!(client.receive_within(Duration::from_millis(20)).unwrap(), Received::Nothing);
    assert!(client.is_open());
    // One thread reads while another writes.
    let sender = client.sender();
    let sending = thread::spawn(move || {
        for size in [1, 100, 200_000] {
            sender.send(vec![b'x'; size]).unwrap();
        }
        sender.finish_sending();
    });
    let mut all = 0;
    while let Received::Message(bytes) = client.receive().unwrap() {
        all += bytes.len();
    }
    assert_eq!(all, 200_101);
    sending.join().unwrap();
    assert!(!client.is_open());
    client.close();
    drop(client);

    let mut unlucky = Client::connect(rude).unwrap();
    unlucky.send("nobody reads this").unwrap();
    assert!(unlucky.receive().is_err());
    drop(unlucky);
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
#[ignore = "needs strace"]
fn datagrams_do_what_their_trace_says() {
    let folder = Folder::new("datagrams");
    let program = std::env::current_exe().unwrap().into_os_string();
    let words = ["--exact", "the_datagrams_under_strace", "--ignored", "--nocapture"].map(OsString::from);
    let mut child = folder.start_with(&[&[program][..], &words].concat(), &[("SOCKLAB_STRACED", "datagrams")]);
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}\n{}", folder.trace());
    assert_true(&folder.trace(), &folder.seen());
}

/// What [`datagrams_do_what_their_trace_says`] runs under strace.
#[test]
#[ignore = "needs strace"]
fn the_datagrams_under_strace() {
    let Ok(_) = std::env::var("SOCKLAB_STRACED") else { return };
    let mut one = Datagram::bind("127.0.0.1:0").unwrap();
    let address = one.local_address().to_string();
    assert!(matches!(Datagram::bind(&address), Err(Error::Listen { .. })));
    // Refused, and nothing is sent: nobody has asked for broadcast.
    assert!(matches!(Datagram::connect("255.255.255.255:9"), Err(Error::Connect { .. })));
    let mut other = Datagram::connect(&address).unwrap();
    for size in [5, 0, 65_507] {
        other.send(vec![b'x'; size]).unwrap();
        let ReceivedDatagram::Datagram { bytes, from } = one.receive().unwrap() else { panic!("nothing came") };
        assert_eq!(bytes.len(), size);
        one.send_to("answer", from).unwrap();
        assert!(matches!(other.receive().unwrap(), ReceivedDatagram::Datagram { .. }));
    }
    assert!(other.send(vec![b'x'; 65_508]).is_err());
    assert_eq!(one.receive_within(Duration::from_millis(20)).unwrap(), ReceivedDatagram::Nothing);
    drop(one);
    other.send("nobody").unwrap();
    assert!(matches!(other.receive(), Err(Error::Unreachable { .. })));
    other.send("nobody").unwrap();
    assert!(matches!(other.send("not sent"), Err(Error::Unreachable { .. })));
}

/// Where a run under strace leaves its two records.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        match Command::new("strace").arg("-V").stdout(Stdio::null()).status() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("strace is not installed: install it (Debian: apt install strace), or leave out -- --ignored")
            }
            result => assert!(result.unwrap().success()),
        }
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn start(&self, program: &[OsString]) -> Child {
        self.start_with(program, &[])
    }

    fn start_with(&self, program: &[OsString], environment: &[(&str, &str)]) -> Child {
        // Whatever can move bytes through a descriptor or make a second one: a call that we do not expect is a lie too.
        let calls = "trace=%network,read,readv,write,writev,sendfile,splice,close,dup,dup2,dup3,fcntl";
        Command::new("strace")
            .args(["-f", "-s", "0", "-e", calls, "-e", "signal=none", "-o"])
            .arg(self.0.join("strace"))
            .args(program)
            .env("SOCKLAB_TRACE", "json")
            .env("SOCKLAB_TRACE_FILE", self.0.join("trace.jsonl"))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn first_line(&self, program: &mut Child) -> String {
        let mut line = String::new();
        BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    fn trace(&self) -> String {
        std::fs::read_to_string(self.0.join("trace.jsonl")).unwrap()
    }

    fn seen(&self) -> String {
        std::fs::read_to_string(self.0.join("strace")).unwrap()
    }

    fn wait_for(&self, words: &str, times: usize) {
        let start = Instant::now();
        while self.trace().matches(words).count() < times {
            assert!(start.elapsed() < Duration::from_secs(10), "{words} is missing in\n{}", self.trace());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the program, not strace, which would let it go on alone.
    fn kill(&self, strace: &mut Child) {
        let seen = self.seen();
        let process = seen.split(' ').next().unwrap();
        assert!(Command::new("kill").args(["-KILL", process]).status().unwrap().success());
        strace.wait().unwrap();
    }
}

fn example(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", name]).status().unwrap();
    assert!(built.success());
    // Our own program is target/debug/deps/..., the example target/debug/examples/NAME.
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().join("examples").join(name)
}
