//! What happens between a browser and a server?
//!
//! One program serves a page, the WebSocket that the page shows, and the one that explains it, all on one port and with a
//! thread for each connection. Every browser in the room can join, and each sees its own connection taken apart.
//!
//!     cargo run --example classroom
//!     cargo run --example classroom -- --listen 0.0.0.0:8080        (for a class)
//!     cargo run --example classroom -- --tls target/class           (over TLS, with what `cargo run -p authority` made)
//!
//! Read in this order: `door.rs` (who knocks?), `pages.rs`, `token.rs`, `certificate.rs`; `visitor.rs`, `projector.rs` and `request.rs` (what
//! do the pages say?), `room.rs` (who is here?); `exhibit.rs` (what is on show?) and `watch.rs` (whose step is this?);
//! `experiments.rs`, `second_client.rs`, `tells.rs` and `verdict.rs` (what can a browser not send?).

#[path = "../arguments/mod.rs"]
mod arguments;
mod certificate;
mod door;
mod exhibit;
mod experiments;
mod network;
mod pages;
mod projector;
mod request;
mod room;
mod second_client;
mod tells;
mod token;
mod verdict;
mod visitor;
mod watch;

use arguments::{Arguments, Failure};
use certificate::Certificate;
use door::Guest;
use room::Room;
use socklab::Settings;
use socklab::trace::Trace;
use socklab::websocket::{Limits, WebSocketServer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use watch::Watch;

const USAGE: &str = "classroom [--listen ADDR:PORT] [--max-visitors COUNT] [--tls DIR]\n\
    Shows each browser its own WebSocket. --listen 0.0.0.0:8080 lets the whole room in; 60 visitors unless told otherwise.\n\
    --tls: over https and wss, with the files that `cargo run -p authority -- DIR` has made.";

/// What all connections share. Who is here is not among it: that lies in contexts.
pub struct Classroom {
    watch: Arc<Watch>,
    /// The token of the projector that may disconnect.
    lecturer: String,
    /// With TLS: who we are. Without: everybody can read along.
    certificate: Option<Certificate>,
}

impl Classroom {
    /// What an address of ours begins with.
    fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["listen", "max-visitors", "tls"]);
    let address = arguments.listen("127.0.0.1:8080");
    let max_visitors = arguments.option("max-visitors", "60");
    let max_visitors: usize =
        max_visitors.parse().map_err(|_| format!("--max-visitors {max_visitors} is not a number\n\n{USAGE}"))?;

    let watch = Arc::new(Watch::default());
    let certificate = arguments.given("tls").map(Certificate::read).transpose()?;
    let settings = Settings {
        trace: Trace::to(watch.clone()),
        // This server speaks HTTP/1.1, and says so before the first byte of it. Each exhibit shows the whole handshake.
        server_tls: arguments.server_tls()?.map(|tls| tls.protocols(&["http/1.1"]).without_resumption()),
        // A visitor's largest message. There is nothing to learn from a larger one.
        max_message: 256 * 1024,
        max_head: 8 * 1024,
        // Shorter than elsewhere: in a classroom somebody is always about to close their laptop.
        send_limit: Duration::from_secs(5),
        ..Settings::default()
    };
    let limits = Limits {
        settings,
        // At most so often does the room change on the pages.
        interval: Duration::from_millis(250),
        // A Ping that nobody asked for would be a frame that nobody could explain.
        ping_interval: Duration::MAX,
        paths: Some(vec!["/exhibit".to_owned(), "/commentary".to_owned()]),
        ..Limits::default()
    };
    let lecturer = token::fresh()?;
    let tls = arguments.given("tls");
    let classroom = Classroom { watch, lecturer: lecturer.clone(), certificate };
    let server = pages::lay_out(WebSocketServer::bind(&address, classroom, Room::new(max_visitors), limits)?)?;
    println!("listening on {}", server.local_address());
    print_invitation(server.local_address(), &lecturer, tls);
    server.run()?;
    Ok(())
}

/// Where to go from here. `tls` is the folder with the certificates.
fn print_invitation(listening: SocketAddr, lecturer: &str, tls: Option<&str>) {
    let (own_address, addresses) = (network::address_for_us(listening), network::addresses_for_the_room(listening));
    let (scheme, own_address) = match tls {
        // A certificate is for a name; only a name, and no address, is told to the server (SNI), and seen by who listens.
        Some(_) if own_address.ip().is_loopback() => ("https", format!("localhost:{}", own_address.port())),
        Some(_) => ("https", own_address.to_string()),
        None => ("http", own_address.to_string()),
    };
    println!();
    println!("Open in a browser:   {scheme}://{own_address}/");
    println!("On the projector:    {scheme}://{own_address}/projector?key={lecturer}");
    println!("                     (keep this key: who has it can disconnect visitors)");
    if let Some(folder) = tls {
        println!("A browser must trust {folder}/root.pem first: cargo run -p authority said how when it made it.");
    }
    println!();
    if listening.ip().is_loopback() {
        let tls = tls.map(|folder| format!(" --tls {folder}")).unwrap_or_default();
        println!("Only this machine can reach it. For a class, listen on every address of this machine:");
        println!("    cargo run --example classroom -- --listen 0.0.0.0:{}{tls}", listening.port());
        return;
    }
    let encrypted =
        if tls.is_some() { "only the two sides of a connection can read it" } else { "nothing is encrypted" };
    println!("Everybody in this network can reach it, and {encrypted}. Tell the room to open:");
    match &addresses[..] {
        [] => println!("    {scheme}://ADDRESS-OF-THIS-MACHINE:{}/", listening.port()),
        addresses => addresses.iter().for_each(|address| println!("    {scheme}://{address}/")),
    }
}
