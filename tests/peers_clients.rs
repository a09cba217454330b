//! The clients of servers that somebody else wrote, against such servers: INN for news, nginx for HTTP, aiosmtpd
//! for mail.
//! Each test starts its own server, at a port that is free, from a folder of its own.
//!
//! ```text
//! tests/peers/install.sh target/peers
//! SOCKLAB_PEERS=$PWD/target/peers cargo test --test peers_clients -- --ignored
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::{Program, SOON, empty_folder, example_path, peer_folder, python, run, run_well, tool, with};

/// Starts a server that must be told its port: one that is free now. If somebody takes it first, the server ends, and
/// the next port is tried.
fn start_at_a_free_port(start: impl Fn(SocketAddr) -> Program) -> (Program, SocketAddr) {
    for _ in 0..5 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut server = start(address);
        let deadline = Instant::now() + SOON;
        while server.is_running() {
            if TcpStream::connect(address).is_ok() && server.is_running() {
                return (server, address);
            }
            assert!(Instant::now() < deadline, "it does not listen on {address}: {}", server.complaints());
            thread::park_timeout(Duration::from_millis(10));
        }
        eprintln!("it ended: {}", server.complaints());
    }
    panic!("no port was free for it");
}

/// Runs an example that must fail: its stdout and its stderr.
fn fails(example: &str, arguments: &[&str], input: &[u8]) -> (String, String) {
    let (status, out, err) = run(example, with(Command::new(example_path(example)), arguments), input, SOON);
    assert!(!status.success(), "{example} {arguments:?} should have failed: {err}");
    (String::from_utf8_lossy(&out).into_owned(), err)
}

fn succeeds(example: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    run_well(example, with(Command::new(example_path(example)), arguments), input, SOON)
}

// --- nginx ---------------------------------------------------------------------------------------

/// An empty file or one without server-side includes goes out with its length; with includes, nobody knows it before,
/// and it goes out in chunks, or to the end of the connection where chunks are forbidden.
fn nginx_configuration(folder: &Path, address: SocketAddr, tls: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr;
        events {{ }}
        http {{
            access_log off; default_type text/plain; root {folder}/pages;
            client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
            uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
            server {{
                listen {address} {tls};
                location /length {{ alias {folder}/pages/; }}
                location /chunked {{ alias {folder}/pages/; ssi on; ssi_types *; }}
                location /to_the_end {{ alias {folder}/pages/; ssi on; ssi_types *; chunked_transfer_encoding off; }}
                location /moved {{ return 301 /length/page; }}
                location /nothing {{ return 204; }}
                location /echo {{ return 200 \"$request_uri $http_host $http_connection\"; }}
            }}
        }}\n"
    )
}

fn nginx(name: &str, tls: &str, pages: &[(&str, &[u8])]) -> (Program, SocketAddr) {
    let folder = empty_folder(name);
    fs::create_dir(folder.join("pages")).unwrap();
    for (page, content) in pages {
        fs::write(folder.join("pages").join(page), content).unwrap();
    }
    start_at_a_free_port(|address| {
        let file = folder.join("nginx.conf");
        fs::write(&file, nginx_configuration(&folder, address, tls)).unwrap();
        let command = with(tool("nginx", "nginx"), ["-p", folder.to_str().unwrap(), "-e", "stderr", "-c"]);
        Program::start("nginx", with(command, [&file]))
    })
}

#[test]
#[ignore = "needs nginx: .ci/run installs it"]
fn http_get_gets_from_nginx_in_every_framing() {
    let long: Vec<u8> = (0..3_000_000_u32).flat_map(|number| (number % 65_521).to_le_bytes()).collect();
    let (mut server, address) =
        nginx("nginx_framings", "", &[("page", b"Hello\r\n\r\nWorld"), ("empty", b""), ("long", &long)]);
    for (location, field, why) in [
        ("length", "Content-Length: 12000000", ""),
        ("chunked", "Transfer-Encoding: chunked", ""),
        ("to_the_end", "Connection: close", "12000000 bytes, to the end of the connection"),
    ] {
        for (page, content) in [("page", &b"Hello\r\n\r\nWorld"[..]), ("empty", b"")] {
            let got = succeeds("http_get", &[&format!("http://{address}/{location}/{page}")], b"");
            assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(content), "{location}/{page}");
        }
        let url = format!("http://{address}/{location}/long");
        let (status, got, err) = run("http_get", with(Command::new(example_path("http_get")), [url]), b"", SOON);
        assert!(status.success() && err.starts_with("HTTP/1.1 200 OK\nServer: nginx"), "{location}: {err}");
        assert!(got == long, "{location}: {} bytes came, not these", got.len());
        // Each location really uses the framing that it is named after.
        assert!(err.contains(field) && err.contains(why), "{location}: {err}");
        assert_eq!(err.contains("Content-Length"), location == "length", "{location}: {err}");
        assert_eq!(err.contains("Transfer-Encoding"), location == "chunked", "{location}: {err}");
    }
    assert!(server.is_running(), "{}", server.complaints());
}

#[test]
#[ignore = "needs nginx: .ci/run installs it"]
fn http_get_says_what_nginx_does_not_have() {
    let (_server, address) = nginx("nginx_refusals", "", &[("page", b"Hello")]);
    let (out, err) = fails("http_get", &[&format!("http://{address}/length/none")], b"");
    assert!(out.contains("<h1>404 Not Found</h1>"), "the page that says so is shown: {out}");
    assert!(err.contains("we sent \"GET /length/none HTTP/1.1\"") && err.contains("404 Not Found"), "{err}");
    let (_, err) = fails("http_get", &[&format!("http://{address}/moved")], b"");
    assert!(err.contains("status 301") && err.contains(&format!("\"http://{address}/length/page\"")), "{err}");
    assert_eq!(succeeds("http_get", &[&format!("http://{address}/nothing")], b""), b"");
    let echo = succeeds("http_get", &[&format!("http://{address}/echo?a=%20#there")], b"");
    assert_eq!(String::from_utf8_lossy(&echo), format!("/echo?a=%20 {address} close"));
}

/// A root of our own, and a certificate that it signed for 127.0.0.1: `root.pem`, `server.pem`, `server.key`.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let mut command = with(tool("openssl", "openssl"), arguments.split(' '));
        command.current_dir(folder);
        run_well("openssl", command, b"", SOON);
    };
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout root.key -out root.pem -days 2 -subj /CN=root"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=nginx"));
    openssl(
        "x509 -req -in server.csr -CA root.pem -CAkey root.key -CAcreateserial -out server.pem -days 2 -extfile names",
    );
}

#[test]
#[ignore = "needs nginx and openssl: .ci/run installs them"]
fn http_get_gets_from_nginx_over_tls() {
    let folder = empty_folder("nginx_certificates");
    certificates(&folder);
    let tls = format!("ssl; ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key", folder.display());
    let (_server, address) = nginx("nginx_tls", &tls, &[("page", b"Hello")]);
    let root = folder.join("root.pem").display().to_string();
    for location in ["length", "chunked", "to_the_end"] {
        let url = format!("https://{address}/{location}/page");
        assert_eq!(succeeds("http_get", &[&url, "--root", &root], b""), b"Hello", "{location}");
    }
    // Of the public authorities none has signed this one.
    let (out, err) = fails("http_get", &[&format!("https://{address}/length/page")], b"");
    assert!(out.is_empty() && err.contains("authority"), "{err}");
    // A name that the certificate does not have.
    let other = format!("https://localhost:{}/length/page", address.port());
    let (out, err) = fails("http_get", &[&other, "--root", &root], b"");
    assert!(out.is_empty() && err.contains("localhost"), "{err}");
    // And plain HTTP to this port: nginx says so, in plain HTTP.
    let (_, err) = fails("http_get", &[&format!("http://{address}/length/page")], b"");
    assert!(err.contains("400 Bad Request"), "{err}");
}

// --- INN -----------------------------------------------------------------------------------------

/// A news server of our own, with two groups. INN runs as the user `news` and no other, so all that it needs, itself
/// included, is copied to where that user can go.
struct Inn {
    server: Option<Program>,
    address: SocketAddr,
    folder: PathBuf,
}

impl Inn {
    fn start() -> Inn {
        let folder = std::env::temp_dir().join(format!("socklab-inn-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        // First of all, so that the folder goes even if the server does not start.
        let mut inn = Inn { server: None, address: SocketAddr::from(([127, 0, 0, 1], 0)), folder: folder.clone() };
        for part in ["etc", "db", "run", "log", "tmp", "articles", "overview", "incoming", "outgoing", "filter"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        run_well(
            "cp",
            with(Command::new("cp"), [Path::new("-R"), &peer_folder("inn"), &folder.join("inn")]),
            b"",
            SOON,
        );
        for (file, content) in [
            ("etc/storage.conf", "method tradspool {\n newsgroups: *\n class: 0\n}\n"),
            (
                "etc/readers.conf",
                "auth all {\n hosts: \"*\"\n default: \"anybody\"\n}\n\
                 access all {\n users: \"*\"\n newsgroups: \"*\"\n access: \"RPA\"\n}\n",
            ),
            ("etc/newsfeeds", "ME:*::\n"),
            ("etc/incoming.conf", "max-connections: 8\n"),
            ("etc/expire.ctl", "/remember/:11\n*:A:1:10:never\n"),
            ("etc/control.ctl", "all:*:*:drop\n"),
            (
                "db/active",
                "control 0000000000 0000000001 n\n\
                 control.cancel 0000000000 0000000001 n\n\
                 junk 0000000000 0000000001 n\n\
                 lab.test 0000000000 0000000001 y\nlab.empty 0000000000 0000000001 y\n",
            ),
            ("db/newsgroups", ""),
            ("db/history", ""),
            ("db/active.times", ""),
        ] {
            fs::write(folder.join(file), content).unwrap();
        }
        Inn::configure(&folder, inn.address);
        let mut makedbz = with(Inn::program(&folder, "makedbz"), ["-i", "-o", "-s", "1000", "-f", "history"]);
        makedbz.current_dir(folder.join("db"));
        run_well("makedbz", makedbz, b"", SOON);
        let (server, address) = start_at_a_free_port(|address| {
            Inn::configure(&folder, address);
            Program::start_group("innd", with(Inn::program(&folder, "innd"), ["-d"]))
        });
        inn.server = Some(server);
        inn.address = address;
        inn
    }

    fn configure(folder: &Path, address: SocketAddr) {
        let (ip, port, at) = (address.ip(), address.port(), folder.display());
        let configuration = format!(
            "pathnews: {at}/inn/usr/lib/news\npathbin: {at}/inn/usr/lib/news/bin\npathspool: {at}\npathdb: {at}/db\n\
             pathetc: {at}/etc\npathlog: {at}/log\npathrun: {at}/run\npathtmp: {at}/tmp\npatharticles: {at}/articles\n\
             pathoverview: {at}/overview\npathincoming: {at}/incoming\npathoutgoing: {at}/outgoing\n\
             pathfilter: {at}/filter\npathhttp: {at}/log\npatharchive: {at}/articles\n\
             pathhost: news.example\ndomain: example\nmta: \"/bin/false %s\"\n\
             ovmethod: tradindexed\nhismethod: hisv6\nport: {port}\nbindaddress: {ip}\nbindaddress6: \"::1\"\n"
        );
        fs::write(folder.join("inn.conf"), configuration).unwrap();
        let owner = with(Command::new("chown"), [Path::new("-R"), Path::new("news:news"), folder]);
        let (status, _, err) = run("chown", owner, b"", SOON);
        assert!(status.success(), "INN runs as the user news, so this test must be run as root: {err}");
    }

    fn program(folder: &Path, name: &str) -> Command {
        let libraries = folder.join("inn/usr/lib");
        let mut multiarch = fs::read_dir(&libraries).unwrap().map(|entry| entry.unwrap().path());
        let multiarch = multiarch.find(|path| path.to_string_lossy().ends_with("-linux-gnu")).unwrap();
        let mut command = Command::new(libraries.join("news/bin").join(name));
        let path = std::env::join_paths([libraries.join("news"), multiarch]).unwrap();
        command.env("LD_LIBRARY_PATH", path).env("INNCONF", folder.join("inn.conf"));
        command
    }

    /// Posts articles, in a conversation by hand: what is tested must not be what the test relies on.
    fn post(&self, articles: &[&str]) {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut reader = BufReader::new(&stream);
        let mut expect = |code: &str| {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            assert!(line.starts_with(code), "{line:?} instead of {code}");
        };
        expect("200");
        for article in articles {
            (&stream).write_all(b"POST\r\n").unwrap();
            expect("340");
            (&stream).write_all(article.as_bytes()).unwrap();
            expect("240");
        }
        (&stream).write_all(b"QUIT\r\n").unwrap();
        expect("205");
    }
}

impl Drop for Inn {
    fn drop(&mut self) {
        drop(self.server.take());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
#[ignore = "needs INN, and root to run it: .ci/run installs it"]
fn news_client_reads_from_inn() {
    let inn = Inn::start();
    let server = inn.address.to_string();
    let article = |number: u32, body: &str| {
        format!(
            "From: ada@a.example\r\nNewsgroups: lab.test\r\nSubject: number {number}\r\n\
             Message-ID: <{number}@lab.example>\r\n\r\n{body}.\r\n"
        )
    };
    inn.post(&[
        &article(1, "the first\r\n"),
        &article(2, "..\r\n...\r\n..dot\r\na.\r\n\r\nbehind the dots\r\n"),
        &article(3, "grüße\r\n"),
    ]);

    let groups = String::from_utf8(succeeds("news_client", &[&server], b"")).unwrap();
    assert!(groups.contains("lab.test 0000000003 0000000001 y\n"), "{groups}");
    assert!(groups.contains("lab.empty 0000000000 0000000001 y\n"), "{groups}");
    assert!(!groups.contains("\n.\n"), "the dot is not a group: {groups}");

    let last = String::from_utf8(succeeds("news_client", &[&server, "lab.test"], b"")).unwrap();
    let (head, body) = last.split_once("\n\n").unwrap();
    assert!(head.contains("Subject: number 3\n") && head.contains("Path: news.example!"), "{head}");
    assert_eq!(body, "grüße\n");

    let two = String::from_utf8(succeeds("news_client", &[&server, "lab.test", "--last", "2"], b"")).unwrap();
    assert!(two.ends_with("\n\n.\n..\n.dot\na.\n\nbehind the dots\n"), "{two}");

    let heads = succeeds("news_client", &[&server, "lab.test", "--last", "9", "--show", "head"], b"");
    let heads = String::from_utf8(heads).unwrap();
    let subjects: Vec<&str> = heads.lines().filter(|line| line.starts_with("Subject: ")).collect();
    assert_eq!(subjects, ["Subject: number 3", "Subject: number 2", "Subject: number 1"]);
    assert!(!heads.contains("the first"), "{heads}");

    assert_eq!(succeeds("news_client", &[&server, "lab.empty"], b""), b"");
    let (_, err) = fails("news_client", &[&server, "lab.none"], b"");
    assert!(err.contains("we sent \"GROUP lab.none\"") && err.contains("\"411 "), "{err}");
}

// --- aiosmtpd ------------------------------------------------------------------------------------

#[test]
#[ignore = "needs Python's aiosmtpd: tests/peers/install.sh"]
fn mail_send_hands_over_to_aiosmtpd() {
    let mut server = Program::start("mail_server.py", python("mail_server.py"));
    let address = server.address().to_string();
    let mut taken = |arguments: &[&str], message: &[u8]| -> Value {
        succeeds("mail_send", &[&[address.as_str()], arguments].concat(), message);
        serde_json::from_str(&server.line()).unwrap()
    };
    assert_eq!(
        taken(&["ada@a.example", "bob@b.example", "eve@e.example"], b"Subject: x\n\n.\n..\nQUIT\r\nbare\rCR\n\nend\n"),
        json!({
            "from": "ada@a.example", "options": [], "to": ["bob@b.example", "eve@e.example"], "hello": "[127.0.0.1]",
            "bytes": "Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\nbare\r\nCR\r\n\r\nend\r\n",
        })
    );
    let eight = taken(&["ada@a.example", "bob@b.example"], "Subject: y\n\nGrüße".as_bytes());
    assert_eq!(eight["options"], json!(["BODY=8BITMIME"]));
    assert_eq!(eight["bytes"], "Subject: y\r\n\r\nGr\u{c3}\u{bc}\u{c3}\u{9f}e\r\n");
    // 2 MB, which is more than fits between us at once.
    let long = format!("Subject: long\n\n{}", format!("{}\n", ".".repeat(500)).repeat(4000));
    assert_eq!(taken(&["ada@a.example", "bob@b.example"], long.as_bytes())["bytes"], long.replace('\n', "\r\n"));

    let some = ["ada@a.example", "bob@b.example", "nobody@n.example", "eve@e.example"];
    let (_, err) = fails("mail_send", &[&[address.as_str()], &some[..]].concat(), b"Subject: z\n\nz\n");
    assert!(err.contains("nobody@n.example does not get it") && err.contains("550 5.1.1"), "{err}");
    assert!(err.contains("1 of 3 recipients do not get the message"), "{err}");
    let got: Value = serde_json::from_str(&server.line()).unwrap();
    assert_eq!(got["to"], json!(["bob@b.example", "eve@e.example"]));
    let (_, err) = fails("mail_send", &[&address, "ada@a.example", "nobody@n.example"], b"Subject: z\n\nz\n");
    assert!(err.contains("every recipient was refused"), "{err}");
    assert!(server.is_running(), "{}", server.complaints());
}
