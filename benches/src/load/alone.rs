//! How fast is what touches every byte, alone?
//!
//! On 64 KiB, beside a copy of as much: unmasking in place, and the check that a text is UTF-8, once for plain English and
//! once for a text in which every word has a letter of two or three bytes.

use crate::contender::Contender;
use crate::meter::Figures;
use socklab::websocket::protocol::mask::mask;
use socklab::websocket::protocol::utf8::Utf8Validator;
use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

const SIZE: usize = 64 * 1024;

pub fn run(what: Contender, seconds: f64) -> io::Result<Figures> {
    let text = |words: &str| words.as_bytes().iter().copied().cycle().take(SIZE).collect::<Vec<u8>>();
    let (mut bytes, mut copy) = (text("What a socket is. "), vec![0; SIZE]);
    if what == Contender::Utf8Mixed {
        // A whole number of times, so that no character is cut at the end.
        let words = "Où écrit-on « café » à 3 €? ";
        bytes = words.repeat(SIZE / words.len()).into_bytes();
    }
    let size = bytes.len();
    let mut once = || -> io::Result<()> {
        match what {
            Contender::Mask => mask(black_box(&mut bytes), black_box([0x37, 0xfa, 0x21, 0x3d]), 0),
            Contender::Utf8Ascii | Contender::Utf8Mixed => {
                let mut validator = Utf8Validator::default();
                validator.feed(black_box(&bytes)).and_then(|()| validator.finish()).map_err(io::Error::other)?;
            }
            _ => black_box(&mut copy[..size]).copy_from_slice(black_box(&bytes)),
        }
        Ok(())
    };
    let (measured, mut rounds) = (Duration::from_secs_f64(seconds), 0_u64);
    (0..100).try_for_each(|_| once())?;
    let started = Instant::now();
    while started.elapsed() < measured {
        (0..100).try_for_each(|_| once())?;
        rounds += 100;
    }
    let gigabytes = rounds as f64 * size as f64 / 1e9;
    Ok([("gb_per_s".to_owned(), gigabytes / started.elapsed().as_secs_f64())].into())
}
