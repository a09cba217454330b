//! The HTTP that browsers and curl see: the classroom's page, and the answers to those who do not speak WebSocket.
//!
//! ```text
//! cargo test --test peers_http -- --ignored
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use support::{Program, SOON, run_well, tool, with};

/// What curl was answered.
struct Answer {
    status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(each, _)| each == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

fn curl(server: SocketAddr, path: &str, options: &[&str]) -> Answer {
    let command = with(tool("curl", "curl"), ["--silent", "--show-error", "--max-time", "20", "--include"]);
    let command = with(with(command, options), ["--noproxy", "*", &format!("http://{server}{path}")]);
    let output = String::from_utf8(run_well("curl", command, b"", SOON)).expect("head and body are text");
    let (head, body) = output.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no end of the head: {output:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    Answer {
        status: status.unwrap_or_else(|| panic!("no status: {head:?}")),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect(),
        body: body.to_owned(),
    }
}

#[test]
#[ignore = "needs curl: .ci/run installs it"]
fn curl_gets_the_page_and_all_it_needs() {
    let (_server, address) = Program::server("classroom", &[]);
    for path in ["/", "/projector"] {
        let page = curl(address, path, &[]);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"), "{path}: {:?}", page.headers);
        assert_eq!(page.header("content-length"), page.body.len().to_string(), "{path}");
        // What the page asks for comes from here too: no CDN, no second host.
        for address_in_page in ["src=\"", "href=\""].iter().flat_map(|start| page.body.split(start).skip(1)) {
            let link = address_in_page.split('"').next().unwrap_or_default();
            assert!(!link.starts_with("//"), "{path} asks another host: {link}");
            if link.starts_with('/') {
                assert_eq!(curl(address, link, &[]).status, 200, "{path} asks for {link}");
            }
        }
        assert!(!page.body.contains("src=\"http"), "{path} asks another host");
        assert!(!page.body.contains("@import"), "{path} asks for more");
    }
}

#[test]
#[ignore = "needs curl: .ci/run installs it"]
fn curl_is_told_what_there_is_not() {
    let (_server, address) = Program::server("classroom", &[]);
    assert_eq!(curl(address, "/no/such/page", &[]).status, 404);
    assert_eq!(curl(address, "/", &["--request", "POST", "--data", "x=1"]).status, 405);
    assert_eq!(curl(address, "/", &[]).status, 200, "after that, it still serves");
}

/// What curl must add to become a WebSocket client (RFC 6455 section 4.1), but for the version.
const UPGRADE: [&str; 6] = [
    "--header",
    "Connection: Upgrade",
    "--header",
    "Upgrade: websocket",
    "--header",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

#[test]
#[ignore = "needs curl: .ci/run installs it"]
fn curl_is_told_why_its_handshake_is_refused() {
    let (_server, address) = Program::server("ws_echo_server", &[]);
    // Of another version: it is told which there is (section 4.4), and 426 names what to upgrade to (RFC 9110 section
    // 15.5.22).
    let old = curl(address, "/", &[&UPGRADE[..], &["--header", "Sec-WebSocket-Version: 12"]].concat());
    assert_eq!(old.status, 426, "version 12: {}", old.body);
    assert_eq!(old.header("sec-websocket-version"), "13", "{:?}", old.headers);
    assert!(old.header("upgrade").eq_ignore_ascii_case("websocket"), "{:?}", old.headers);
    // Somebody who just looks: either is said, but it is said.
    let visitor = curl(address, "/", &[]);
    assert!([400, 426].contains(&visitor.status), "a plain GET: {} {}", visitor.status, visitor.body);
    let version = ["--header", "Sec-WebSocket-Version: 13"];
    let no_key = curl(address, "/", &[&UPGRADE[..4], &version].concat());
    assert_eq!(no_key.status, 400, "without a key: {}", no_key.body);
    let post = curl(address, "/", &[&UPGRADE[..], &version, &["--request", "POST"]].concat());
    assert_eq!(post.status, 405, "only GET opens a WebSocket: {}", post.body);
}
