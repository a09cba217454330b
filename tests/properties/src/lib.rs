//! What holds whatever the bytes are, and however the network cuts them?
//!
//! An example test says: for this input, that output. A property says something about every input, and proptest looks
//! for one of which it is not true, by the thousand; then it makes the one it found as small as it can. A failure
//! prints that input, and a line that begins with `cc` and holds the seed. The line goes to a file whose name holds
//! `proptest-regressions`, and what stands there is tried first from then on. To look longer:
//! `PROPTEST_CASES=20000 cargo test -p properties`.
//!
//! - `framings`: any cut of the same bytes gives the same messages, for each framing, over a real connection.
//! - `frames`: the same for WebSocket frames, and what is encoded decodes to itself.
//! - `heads`: the same for the opening handshake.
//! - `model`: whatever a program sends, in whatever order, arrives as the list that a much simpler program keeps.
//! - `heard` and `shadow`: what a receiver made of a stream, and what a much simpler program makes of it. The fuzz targets in
//!   `tests/fuzz` compare the two as well, on bytes that nobody has made up.
//! - `garbage`: no bytes make anything panic. (`tests/memory.rs`: or make it allocate wildly.)

#[cfg(test)]
mod cuts;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod framings;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod heads;
pub mod heard;
#[cfg(test)]
mod model;
pub mod shadow;

/// So many cases, unless the environment asks for another number.
#[cfg(test)]
fn cases(usual: u32) -> proptest::test_runner::Config {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let config = proptest::test_runner::Config::default();
    if asked { config } else { proptest::test_runner::Config { cases: usual, ..config } }
}
