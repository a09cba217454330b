//! Does the server hold out? Ten attacks at scale on a program of its own, with honest clients beside them who exchange
//! numbered messages all the time: nothing of theirs is lost, the memory is bounded, and afterwards no thread, no descriptor
//! and no memory of the attackers is left.
//!
//! Each attack leaves a row of figures. What is always run is small; the full size is `--ignored`. All rows, as one table:
//!
//!     cargo test --test siege -- --include-ignored --show-output | grep '^# '
//!
//! A row says what the server holds before, at most and after each wave (and how much of it that leaves for each thread that
//! there was), how long 99 of 100 honest exchanges took at most in the calm, while the attackers came, and under attack, and what
//! the attackers did. One siege at a time, for what others do would be in the figures. Where nobody reads the figures,
//! `SOCKLAB_SIEGES_TOGETHER=1` lays several at once: what is asked for holds all the same.
#![cfg(target_os = "linux")]

#[path = "siege/attacks.rs"]
mod attacks;
#[path = "siege/beside_raw.rs"]
mod beside_raw;
#[path = "siege/besieged.rs"]
mod besieged;
#[path = "siege/honest.rs"]
mod honest;
#[path = "siege/soak.rs"]
mod soak;
mod websocket;

use besieged::Siege;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use websocket::*;

/// A descriptor for each attacker, here and there.
const ROOM: &str = "ulimit -n 16384 2>/dev/null || ulimit -n $(ulimit -H -n)";

static TURN: RwLock<()> = RwLock::new(());

/// Lays it when no other siege is laid, or beside others if they may be together and that is wanted.
fn when_it_is_time(may_be_together: bool, lay: impl FnOnce()) {
    if may_be_together && std::env::var_os("SOCKLAB_SIEGES_TOGETHER").is_some() {
        let _turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
        lay();
    } else {
        let _turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
        lay();
    }
}

/// Runs it in a program with room for descriptors. It asks how quick the honest are, or takes much of the machine.
fn in_turn(test: &str, lay: impl FnOnce()) {
    when_it_is_time(false, || {
        if alone(test, ROOM) {
            lay()
        }
    });
}

/// The same. It asks what is lost and what is left, and not how quick anybody is.
fn in_turn_or_together(test: &str, lay: impl FnOnce()) {
    when_it_is_time(true, || {
        if alone(test, ROOM) {
            lay()
        }
    });
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

// --- half-open handshakes -------------------------------------------------------------------------

/// A session that nobody addresses costs a thread, with what it touches of its stack, and the buffers of a connection.
const fn for_each(clients: usize) -> u64 {
    32 * 1024 + 32 * clients as u64
}

/// What a p99 must not be worse than anyhow: below this it may say who else was on the machine. The row of figures has the
/// ratio; an attack that holds honest clients up costs them tens of milliseconds and more.
const FLOOR: Duration = Duration::from_millis(10);

#[test]
fn half_open_handshakes() {
    in_turn("half_open_handshakes", || {
        let siege = Siege::new("half-open handshakes");
        let siege = Siege { arrives: true, grows: for_each(500), slower: Some((2, FLOOR)), ..siege };
        siege.lay_again_if_slow(|server, _, all_have_come| attacks::drip(server, 500, seconds(3), all_have_come));
    });
}

/// In full, and three times: what is left after the first wave is all that will ever be left.
#[test]
#[ignore = "takes a minute"]
fn five_thousand_half_open_handshakes() {
    in_turn("five_thousand_half_open_handshakes", || {
        let siege = Siege { arrives: true, waves: 3, grows: for_each(5000), ..Siege::new("half-open handshakes") };
        siege.lay(|server, _, all_have_come| attacks::drip(server, 5000, seconds(5), all_have_come));
    });
}

/// And what they cost the honest, beside a server that does nothing but read: what the drips of 5,000 cost the machine, and
/// whoever else is busy on it, costs both.
#[test]
#[ignore = "takes a minute"]
fn five_thousand_drips_cost_the_honest_no_more_than_beside_a_raw_server() {
    when_it_is_time(false, || {
        let apart = format!("taskset -cp 1 $$ >/dev/null; {ROOM}");
        if alone("five_thousand_drips_cost_the_honest_no_more_than_beside_a_raw_server", &apart) {
            beside_raw::compare(5000);
        }
    });
}

/// What the test above starts.
#[test]
#[ignore = "is run by another"]
fn the_raw_server() {
    if std::env::var_os("SOCKLAB_RAW").is_some() {
        beside_raw::serve();
    }
}

// --- those that never read ------------------------------------------------------------------------

/// What one that never reads holds: the messages of one read of ours, and our answers to them.
const fn for_each_deaf(clients: usize) -> u64 {
    32 * 1024 + 256 * clients as u64
}

#[test]
fn clients_that_never_read() {
    in_turn_or_together("clients_that_never_read", || {
        let siege = Siege { arrives: true, grows: for_each_deaf(100), ..Siege::new("never reading") };
        siege.lay(|server, _, all_are_stuck| attacks::deaf(server, 100, seconds(1), all_are_stuck));
    });
}

#[test]
#[ignore = "takes a minute"]
fn a_thousand_that_never_read() {
    in_turn_or_together("a_thousand_that_never_read", || {
        let siege = Siege { arrives: true, grows: for_each_deaf(1000), ..Siege::new("never reading") };
        siege.lay(|server, _, all_are_stuck| attacks::deaf(server, 1000, seconds(5), all_are_stuck));
    });
}

// --- ends -----------------------------------------------------------------------------------------

#[test]
fn resets_at_every_state() {
    in_turn_or_together("resets_at_every_state", || {
        Siege::new("resets").lay(|server, _, _| attacks::resets(server, 50));
    });
}

#[test]
#[ignore = "takes a minute"]
fn many_resets_at_every_state() {
    in_turn_or_together("many_resets_at_every_state", || {
        Siege::new("resets").lay(|server, _, _| attacks::resets(server, 1000));
    });
}

/// std can only make a reset where something lies unread. Python can ask for one anywhere.
#[test]
#[ignore = "needs Python: see tests/peers/install.sh"]
fn resets_at_every_state_also_before_the_101() {
    in_turn_or_together("resets_at_every_state_also_before_the_101", || {
        Siege::new("resets by SO_LINGER").lay(|server, _, _| {
            let (host, port) = (server.ip().to_string(), server.port().to_string());
            let command = support::with(support::python("resets.py"), [&host[..], &port, "500"]);
            let said = support::run_well("resets.py", command, b"", 4 * SOON);
            format!("500 at each of {}", String::from_utf8_lossy(&said).trim_end())
        });
    });
}

#[test]
fn a_flood_of_connections() {
    in_turn_or_together("a_flood_of_connections", || {
        Siege::new("connect and close").lay(|server, _, _| attacks::connect_and_close(server, 8, 60));
    });
}

#[test]
#[ignore = "takes a minute"]
fn a_longer_flood_of_connections() {
    in_turn_or_together("a_longer_flood_of_connections", || {
        Siege::new("connect and close").lay(|server, _, _| attacks::connect_and_close(server, 512, 20));
    });
}

// --- frames ---------------------------------------------------------------------------------------

#[test]
fn a_flood_of_pings() {
    in_turn_or_together("a_flood_of_pings", || {
        Siege::new("ping flood").lay(|server, _, _| attacks::pings(server, 8, 100));
    });
}

#[test]
#[ignore = "takes a minute"]
fn a_longer_flood_of_pings() {
    in_turn_or_together("a_longer_flood_of_pings", || {
        Siege::new("ping flood").lay(|server, _, _| attacks::pings(server, 8, 2000));
    });
}

/// A message of 16 MiB in a buffer that doubles as it grows, old and new side by side for a moment.
const fn for_each_message(clients: usize) -> u64 {
    32 * 1024 + 3 * 16 * 1024 * clients as u64
}

#[test]
fn endless_fragments() {
    in_turn_or_together("endless_fragments", || {
        let siege = Siege { grows: for_each_message(4), ..Siege::new("endless fragments") };
        siege.lay(|server, _, _| attacks::fragments(server, 4, seconds(1)));
    });
}

#[test]
#[ignore = "takes a minute"]
fn endless_fragments_up_to_the_time_limit() {
    in_turn_or_together("endless_fragments_up_to_the_time_limit", || {
        let siege = Siege { grows: for_each_message(8), ..Siege::new("endless fragments") };
        siege.lay(|server, _, _| attacks::fragments(server, 8, seconds(40)));
    });
}

#[test]
fn huge_lengths() {
    in_turn_or_together("huge_lengths", || {
        Siege { grows: 8 * 1024, ..Siege::new("a length of 2^63") }
            .lay(|server, _, _| attacks::huge_lengths(server, 100));
    });
}

// --- heads ----------------------------------------------------------------------------------------

#[test]
fn a_hundred_thousand_headers() {
    in_turn_or_together("a_hundred_thousand_headers", || {
        Siege { grows: 8 * 1024, ..Siege::new("100,000 headers") }.lay(|server, _, _| attacks::headers(server, 50));
    });
}

#[test]
fn heads_without_an_end() {
    in_turn_or_together("heads_without_an_end", || {
        Siege { grows: 8 * 1024, ..Siege::new("a head without end") }
            .lay(|server, _, _| attacks::endless_heads(server, 50));
    });
}

// --- descriptors ----------------------------------------------------------------------------------

#[test]
fn descriptors_exhausted() {
    in_turn_or_together("descriptors_exhausted", || {
        // Nobody new can come in meanwhile: that is the attack. `Siege::lay` asks that somebody can afterwards.
        let siege = Siege { descriptors: 120, visitors: false, ..Siege::new("descriptors exhausted") };
        siege.lay(|server, _, _| attacks::crowd(server, 1000, seconds(2)));
    });
}

// --- for long -------------------------------------------------------------------------------------

/// How many come at once.
const AT_ONCE: usize = 6;

/// A minute, or as many seconds as `SOCKLAB_SOAK_SECONDS` says; again the same with `SOCKLAB_SOAK_SEED`. It is laid in
/// waves, and after each of them what was given must be back.
#[test]
#[ignore = "takes a minute, or SOCKLAB_SOAK_SECONDS"]
fn soak() {
    when_it_is_time(true, lay_everything);
}

fn lay_everything() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let lasts = number("SOCKLAB_SOAK_SECONDS").unwrap_or(60).max(1);
    let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = number("SOCKLAB_SOAK_SEED").unwrap_or_else(now);
    println!("# SOCKLAB_SOAK_SEED={seed}, {lasts} s");
    let waves = lasts.div_ceil(60).max(4);
    let wave_lasts = seconds(lasts) / waves as u32;
    let siege = Siege { waves: waves as usize, grows: 128 * 1024, ..Siege::new("soak") };
    let done = Mutex::new(BTreeMap::<&str, usize>::new());
    siege.lay(|server, wave, _| {
        let begun = Instant::now();
        thread::scope(|scope| {
            for me in 0..AT_ONCE {
                let (done, begun) = (&done, &begun);
                scope.spawn(move || {
                    let own = (wave * AT_ONCE + me + 1) as u64;
                    let mut drawn = soak::Drawn((seed ^ own.wrapping_mul(0x9e37_79b9_7f4a_7c15)).max(1));
                    while begun.elapsed() < wave_lasts {
                        let (name, deed) = soak::DEEDS[drawn.below(soak::DEEDS.len())];
                        deed(server, &mut drawn);
                        *done.lock().unwrap().entry(name).or_default() += 1;
                    }
                });
            }
        });
        format!("{:?}", done.lock().unwrap())
    });
    let missing = soak::DEEDS.iter().filter(|(name, _)| !done.lock().unwrap().contains_key(name)).count();
    assert!(lasts < 60 || missing == 0, "{missing} deeds were never drawn");
}
