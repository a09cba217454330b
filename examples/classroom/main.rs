//! What happens between a browser and a server?
//!
//! One program serves a page, the WebSocket that the page shows, and the one that explains it, all on one port and with a
//! thread for each connection. Every browser in the room can join, and each sees its own connection taken apart.
//!
//!     cargo run --example classroom
//!     cargo run --example classroom -- --listen 0.0.0.0:8080        (for a class)
//!
//! Read in this order: `door.rs` (who knocks?), `pages.rs`, `token.rs`; `watch.rs` (whose step is this?) and `exhibit.rs`
//! (what is on show?); `outbox.rs`, `visitor.rs` and `room.rs` (who is here?); `request.rs`, `commentary.rs` and
//! `projector.rs` (what do the pages say?); `experiments.rs`, `second_client.rs`,
//! `tells.rs` and `verdict.rs` (what can a browser not send?).

#[path = "../arguments/mod.rs"]
mod arguments;
mod commentary;
mod door;
mod exhibit;
mod experiments;
mod network;
mod outbox;
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
use room::Room;
use socklab::trace::Trace;
use socklab::{Settings, StandardServer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use watch::Watch;

const USAGE: &str = "classroom [--listen ADDR:PORT] [--max-visitors COUNT]\n\
    Shows each browser its own WebSocket. --listen 0.0.0.0:8080 lets the whole room in; 60 visitors unless told otherwise.";

/// What all connections share.
pub struct Classroom {
    room: Arc<Room>,
    watch: Arc<Watch>,
    /// Where other browsers join.
    join: String,
    /// Where this program reaches itself: the second client's way in.
    own_address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["listen", "max-visitors"]);
    let address = arguments.listen("127.0.0.1:8080");
    let max_visitors = arguments.option("max-visitors", "60");
    let max_visitors: usize =
        max_visitors.parse().map_err(|_| format!("--max-visitors {max_visitors} is not a number\n\n{USAGE}"))?;

    let watch = Arc::new(Watch::default());
    let settings = Settings {
        trace: Trace::to(watch.clone()),
        // A visitor's largest message. There is nothing to learn from a larger one.
        max_message: 256 * 1024,
        max_head: 8 * 1024,
        // Shorter than elsewhere: in a classroom somebody is always about to close their laptop.
        send_limit: Duration::from_secs(5),
        ..Settings::default()
    };
    let server = StandardServer::bind_with(&address, &settings)?;
    let listening = server.local_address();
    println!("listening on {listening}");

    let lecturer = token::fresh()?;
    let addresses = network::addresses_for_the_room(listening);
    let own_address = network::address_for_us(listening);
    let join = format!("http://{}/", addresses.first().unwrap_or(&own_address));
    print_invitation(listening, own_address, &addresses, &lecturer);

    let (room, hears) = Room::new(max_visitors, lecturer);
    let room = Arc::new(room);
    let announced = room.clone();
    thread::Builder::new().name("crier".to_owned()).spawn(move || announced.cry(&hears))?;
    let classroom = Classroom { room, watch, join, own_address };
    server.serve(move |connection| door::answer(&classroom, connection))?;
    Ok(())
}

/// Where to go from here.
fn print_invitation(listening: SocketAddr, own_address: SocketAddr, addresses: &[SocketAddr], lecturer: &str) {
    println!();
    println!("Open in a browser:   http://{own_address}/");
    println!("On the projector:    http://{own_address}/projector?key={lecturer}");
    println!("                     (keep this key: who has it can disconnect visitors)");
    println!();
    if listening.ip().is_loopback() {
        println!("Only this machine can reach it. For a class, listen on every address of this machine:");
        println!("    cargo run --example classroom -- --listen 0.0.0.0:{}", listening.port());
        return;
    }
    println!("Everybody in this network can reach it, and nothing is encrypted. Tell the room to open:");
    match addresses {
        [] => println!("    http://ADDRESS-OF-THIS-MACHINE:{}/", listening.port()),
        addresses => addresses.iter().for_each(|address| println!("    http://{address}/")),
    }
}
