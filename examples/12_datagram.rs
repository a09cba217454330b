//! What may happen to a datagram, and how does a reader notice?
//!
//! On one machine nothing happens to them, which is why so many programs on UDP work until they leave it. So here a
//! relay stands in between and does what networks do: it loses some, sends some twice, and holds some back until
//! others have overtaken them. It draws lots from a seed, so that the same seed has the same losses, and one can look
//! again.
//!
//! The socket shows none of it. All that the reader has is the number that the sender put on each datagram.
//!
//!     cargo run --example datagram
//!     cargo run --example datagram -- --seed 7 --lose 50
//!     SOCKLAB_TRACE=ladder cargo run --example datagram -- --count 3

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Datagram, Error, ReceivedDatagram};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

const USAGE: &str = "datagram [--count N] [--seed N] [--lose PERCENT] [--double PERCENT] [--delay PERCENT]\n\
    Sends numbered datagrams (20, at most 100) through a relay that loses 20 of 100, doubles 10 and delays 10.";

/// UDP has no end. Who has heard nothing for so long goes home, and may be wrong.
const QUIET: Duration = Duration::from_millis(300);

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["count", "seed", "lose", "double", "delay"]);
    let number = |name, default| -> Result<u64, Failure> {
        let given = arguments.option(name, default);
        given.parse().map_err(|_| format!("--{name} {given} is no whole number\n\n{USAGE}").into())
    };
    let count = number("count", "20")?;
    if count > 100 {
        // The system's buffers hold some 270 of ours. Then it would lose some as well, and no seed repeats that.
        return Err("--count is 100 at most, for only the relay should lose any".into());
    }
    let lots = Lots {
        state: number("seed", "1")?,
        lose: number("lose", "20")?,
        double: number("double", "10")?,
        delay: number("delay", "10")?,
    };

    let receiver = Datagram::bind("127.0.0.1:0")?;
    let between = Datagram::bind("127.0.0.1:0")?;
    let (to_relay, to_receiver) = (between.local_address(), receiver.local_address());
    let relaying = thread::spawn(move || relay(between, to_receiver, lots));
    let receiving = thread::spawn(move || read_numbers(receiver));

    let sender = Datagram::connect(&to_relay.to_string())?;
    for number in 1..=count {
        // Each of these goes well, whatever becomes of it: that is all that the sender ever hears.
        sender.send(number.to_be_bytes())?;
    }
    let done = relaying.join().map_err(|_| "the relay panicked")??;
    receiving.join().map_err(|_| "the receiver panicked")??;
    println!("the sender sent      1 to {count}, and every send went well");
    println!("what the relay did   {}", if done.is_empty() { "nothing" } else { &done });
    Ok(())
}

/// Passes on what comes, or does not, until nothing comes any more. Says what it did.
fn relay(mut socket: Datagram, to: SocketAddr, mut lots: Lots) -> Result<String, Error> {
    let mut done = Vec::new();
    let mut held_back: Option<Vec<u8>> = None;
    while let ReceivedDatagram::Datagram { bytes, .. } = socket.receive_within(QUIET)? {
        let number = number_of(&bytes);
        match lots.draw() {
            Fate::Lost => done.push(format!("lost {number}")),
            // Another one waits already: the first makes room.
            Fate::Delayed => {
                done.push(format!("delayed {number}"));
                if let Some(earlier) = held_back.replace(bytes) {
                    socket.send_to(earlier, to)?;
                }
                continue;
            }
            fate => {
                socket.send_to(&bytes, to)?;
                if fate == Fate::Doubled {
                    done.push(format!("doubled {number}"));
                    socket.send_to(&bytes, to)?;
                }
                if let Some(late) = held_back.take() {
                    socket.send_to(late, to)?;
                }
            }
        }
    }
    if let Some(last) = held_back {
        socket.send_to(last, to)?;
    }
    Ok(done.join(", "))
}

/// What the numbers tell. Without them, each of these would look like any other datagram.
fn read_numbers(mut socket: Datagram) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let mut highest = 0;
    // Longer than the relay waits: it may let one go at its end.
    while let ReceivedDatagram::Datagram { bytes, .. } = socket.receive_within(QUIET * 3)? {
        let number = number_of(&bytes);
        let remark = match number {
            _ if !seen.insert(number) => "a second time: it was doubled",
            _ if number < highest => "late: others overtook it",
            _ if number > highest + 1 => "and not the next: those between are lost, or late",
            _ => "",
        };
        println!("{}", format!("received {number:>3}  {remark}").trim_end());
        highest = highest.max(number);
    }
    let missing: Vec<String> = (1..highest).filter(|n| !seen.contains(n)).map(|n| n.to_string()).collect();
    println!("the receiver misses  {}", if missing.is_empty() { "none".to_string() } else { missing.join(", ") });
    println!("                     and whether more came after {highest} it cannot know");
    Ok(())
}

fn number_of(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

#[derive(PartialEq)]
enum Fate {
    Lost,
    Doubled,
    Delayed,
    Passed,
}

/// A generator of numbers that look drawn by lot (SplitMix64), and are the same for the same seed.
struct Lots {
    state: u64,
    lose: u64,
    double: u64,
    delay: u64,
}

impl Lots {
    fn draw(&mut self) -> Fate {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        match (mixed ^ (mixed >> 31)) % 100 {
            lot if lot < self.lose => Fate::Lost,
            lot if lot < self.lose + self.double => Fate::Doubled,
            lot if lot < self.lose + self.double + self.delay => Fate::Delayed,
            _ => Fate::Passed,
        }
    }
}
