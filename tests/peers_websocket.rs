//! The WebSocket against implementations that nobody here wrote, in both directions: Python's `websockets` (the
//! threaded and the asyncio one), Node's `ws`, and the one in a browser, which can only be a client.
//!
//! ```text
//! tests/peers/install.sh target/peers
//! SOCKLAB_PEERS=$PWD/target/peers cargo test --test peers_websocket -- --ignored
//! ```
//!
//! What each peer does and asks is written in its own script, in `tests/peers`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::process::Command;
use std::time::Duration;
use support::page::Page;
use support::webdriver::Browser;
use support::{Program, SOON, node, python, run_well, with};

const A_MINUTE: Duration = Duration::from_secs(60);

// --- they are the client -------------------------------------------------------------------------

fn is_content_with_our_server(peer: &str, command: Command) {
    let (mut server, address) = Program::server("ws_echo_server", &[]);
    run_well(peer, with(command, [format!("ws://{address}/")]), b"", A_MINUTE);
    assert!(server.is_running(), "the server ended: {}", server.complaints());
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_sync_is_content_with_our_server() {
    is_content_with_our_server("websockets.sync", with(python("websocket_client.py"), ["sync"]));
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_asyncio_is_content_with_our_server() {
    is_content_with_our_server("websockets.asyncio", with(python("websocket_client.py"), ["asyncio"]));
}

#[test]
#[ignore = "needs Node's ws: tests/peers/install.sh"]
fn node_is_content_with_our_server() {
    is_content_with_our_server("ws", node("websocket_client.js"));
}

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn chromium_is_content_with_our_server() {
    let (mut server, address) = Program::server("ws_echo_server", &[]);
    let script = std::fs::read_to_string(support::test_file("peers/websocket_browser.js")).unwrap();
    let page = Page::serve(&format!("<!doctype html><meta charset=utf-8><title>peer</title><script>{script}</script>"));
    let browser = Browser::open();
    browser.visit(&page.url());
    let verdict = browser.run_with("return talkTo(arguments[0])", serde_json::json!([format!("ws://{address}/")]));
    assert_eq!(verdict, "content", "what the page says of our server");
    assert!(server.is_running(), "the server ended: {}", server.complaints());
}

// --- they are the server -------------------------------------------------------------------------

/// `ws_client`: lines go out as messages and come back as lines, until we have no more.
fn talks_with_our_client(peer: &str, command: Command) {
    let mut server = Program::start(peer, command);
    let url = format!("ws://{}/lines", server.address());
    let mut client = Program::example("ws_client", &[&url]);
    client.expect_line("ready");
    for line in ["hello", "première ligne", "x"] {
        client.say(line);
        client.expect_line(&line.to_uppercase());
    }
    client.close_stdin();
    client.succeed(SOON);
    server.succeed(SOON);
}

/// `ws_client` again, but the other side has enough first: the close is answered, and our client ends.
fn says_goodbye_to_our_client(peer: &str, command: Command) {
    let mut server = Program::start(peer, command);
    let url = format!("ws://{}/goodbye", server.address());
    let mut client = Program::example("ws_client", &[&url]);
    client.expect_line("ready");
    client.finish(SOON);
    server.succeed(SOON);
}

/// `ws_echo_client`: message by message it sends back what it got.
fn gets_everything_back_from_our_client(peer: &str, command: Command) {
    let mut server = Program::start(peer, command);
    let url = format!("ws://{}", server.address());
    Program::example("ws_echo_client", &[&url, "--agent", "socklab"]).succeed(A_MINUTE);
    server.succeed(SOON);
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_sync_is_content_with_our_clients() {
    let server = || with(python("websocket_server.py"), ["sync"]);
    talks_with_our_client("websockets.sync", server());
    says_goodbye_to_our_client("websockets.sync", server());
    gets_everything_back_from_our_client("websockets.sync", server());
}

#[test]
#[ignore = "needs Python's websockets: tests/peers/install.sh"]
fn python_asyncio_is_content_with_our_clients() {
    let server = || with(python("websocket_server.py"), ["asyncio"]);
    talks_with_our_client("websockets.asyncio", server());
    says_goodbye_to_our_client("websockets.asyncio", server());
    gets_everything_back_from_our_client("websockets.asyncio", server());
}

#[test]
#[ignore = "needs Node's ws: tests/peers/install.sh"]
fn node_is_content_with_our_clients() {
    let server = || node("websocket_server.js");
    talks_with_our_client("ws", server());
    says_goodbye_to_our_client("ws", server());
    gets_everything_back_from_our_client("ws", server());
}
