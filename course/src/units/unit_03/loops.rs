//! Does the loop go round as often as it takes, in each direction, and in both at once?
//!
//! What is larger than a buffer, than what lies between the two programs, and than the memory; what comes in pieces, and what
//! is taken in pieces.

use super::{copied, give_paths, large, start};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;
use crate::transcript::shown;

/// Too large for one buffer, and small enough to be kept by the two systems until we read.
fn larger(stage: &mut Stage) -> Vec<u8> {
    let length = stage.adversary.number(300_000..=400_000);
    large(stage, length)
}

/// One that goes on when something comes back is the next probe's.
pub(super) fn larger_file(stage: &mut Stage) -> Result<(), Failure> {
    let content = larger(stage);
    let mut echo = start(stage, &content)?;
    let failure = match whole(&mut echo, &content) {
        Err(failure) if failure.silent => failure,
        other => return other,
    };
    let come = echo.come()?.len();
    echo.send(&content[..come])?;
    match echo.take_in(1) {
        Ok(()) => Ok(()),
        Err(_) => Err(Failure { got: format!("{come} bytes, and then nothing"), ..failure }),
    }
}

/// The service answers when it has got everything, and not before.
pub(super) fn sends_on(stage: &mut Stage) -> Result<(), Failure> {
    let content = larger(stage);
    let mut echo = start(stage, &content)?;
    whole(&mut echo, &content).map_err(|failure| match echo.come() {
        Ok(come) if failure.silent => {
            let what = "The program waits for an answer to what it has sent, before it sends the rest.";
            Failure { what: what.to_owned(), got: format!("{} bytes, and then nothing", come.len()), ..failure }
        }
        _ => failure,
    })
}

/// Behind the first byte that is sent, where it can be seen: who reads all of it first has it in memory by then.
pub(super) fn larger_than_memory(stage: &mut Stage) -> Result<(), Failure> {
    const LENGTH: u64 = 128 << 20;
    const ENOUGH_KIB: u64 = 100 << 10;
    let from = stage.hollow_file("original", LENGTH)?;
    let to = stage.path("copy")?.into();
    stage.arguments([from, to]);
    stage.start_narrow_client()?;
    let mut echo = stage.accept("Echo")?;
    let came = echo.take_in(1);
    match stage.memory_kib() {
        Some(used) if used > ENOUGH_KIB => {
            let what = format!("The program holds the whole file in memory, all of {} MiB.", LENGTH >> 20);
            Err(Failure::new(what, "a piece of it at a time", format!("{} MiB in memory", used >> 10)))
        }
        _ => came,
    }
}

/// As `expect`, without comparing from the beginning each time that something comes.
fn whole(echo: &mut Peer, content: &[u8]) -> Result<(), Failure> {
    let came = echo.bytes(content.len(), &format!("the file's {} bytes", content.len()))?;
    if came == content {
        return Ok(());
    }
    let place = came.iter().zip(content).take_while(|(ours, theirs)| ours == theirs).count();
    let around = |bytes: &[u8]| shown(&bytes[place..bytes.len().min(place + 24)]);
    let what = format!("What was sent differs from the file, from byte {} on.", place + 1);
    Err(Failure::new(what, around(content), around(&came)))
}

pub(super) fn copy_in_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = start(stage, &content)?;
    echo.expect(&content)?;
    let (first, second) = stage.adversary.halves(&content);
    echo.send_pieces([first, second])?;
    copied(stage, &content)
}

/// Nobody reads, until all buffers are full and the program is blocked in its `write`. Then it is stopped and goes on,
/// and the `write` returns with what it had taken. Three times, at three places of the file.
pub(super) fn write_cut_short(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, stage.more_than_fits() / 2);
    give_paths(stage, &content)?;
    stage.start_narrow_client()?;
    let mut echo = stage.accept("Echo")?;
    for _ in 0..3 {
        stage.interrupt_its_call();
        echo.take_in(100_000)?;
    }
    whole(&mut echo, &content)
}

/// An echo service as one finds it: it sends back each piece before it reads the next.
pub(super) fn real_echo(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, stage.more_than_fits() + (1 << 20));
    give_paths(stage, &content)?;
    stage.start_narrow_client()?;
    let mut echo = stage.accept("Echo")?;
    echo.echo(content.len())?;
    copied(stage, &content)
}
