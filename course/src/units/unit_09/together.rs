//! What is mine, and what is ours? Several clients at the same time.

use super::{leaves, lists, say};
use crate::peer::Failure;
use crate::stage::Stage;

pub fn two_names(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let note = stage.adversary.sentence();
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    say(&mut anna, &format!("put {note}"))?;
    lists(&mut anna, &[format!("Anna: {note}")])
}

/// Both are being served before there is a note.
pub fn all_can_read(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    say(&mut anna, &format!("put {first}"))?;
    say(&mut berta, &format!("put {second}"))?;
    lists(&mut anna, &[format!("Anna: {first}"), format!("Berta: {second}")])
}

/// Neither by author nor by text.
pub fn order(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let word = stage.adversary.word();
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    say(&mut berta, &format!("put {word} 2"))?;
    say(&mut anna, &format!("put {word} 3"))?;
    say(&mut berta, &format!("put {word} 1"))?;
    lists(&mut anna, &[format!("Berta: {word} 2"), format!("Anna: {word} 3"), format!("Berta: {word} 1")])
}

/// All that she said was answered: what she put up is the server's by now.
pub fn remains(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let note = stage.adversary.sentence();
    say(&mut anna, "name Anna")?;
    say(&mut anna, &format!("put {note}"))?;
    leaves(anna)?;
    lists(&mut berta, &[format!("Anna: {note}")])
}

/// A hundred in all.
pub fn many_say_nothing(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    let _crowd = stage.connect_crowd(98)?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")
}

/// Who does not read what was asked for is served until its buffers are full; then the server's `write` waits for it, for
/// ever. Twelve megabytes are more than any system keeps for one connection.
pub fn does_not_read(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    for _ in 0..60 {
        say(&mut anna, &format!("put {}", stage.adversary.letters(1_000)))?;
    }
    let mut carla = stage.connect_narrow("Carla (who never reads)")?;
    carla.send("list\n".repeat(200))?;
    carla.arrived();
    stage.until_at_rest();
    say(&mut anna, &format!("put {}", stage.adversary.sentence()))
}

/// A bug that was mended, or caught and answered, is one that the next question cannot be asked with.
pub fn a_bug_ends_it(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")?;
    berta.send("put bug\n")?;
    berta.expect_end()
}

/// Whether it happens under the lock of the board, and what then becomes of the lock, is the program's business.
pub fn a_bug(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let note = stage.adversary.sentence();
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    berta.send("put bug\n")?;
    berta.expect_end()?;
    say(&mut anna, &format!("put {note}"))?;
    lists(&mut anna, &[format!("Anna: {note}")])?;
    // Its thread has ended by now: whoever looks how it ended does so when the next client comes.
    stage.until_at_rest();
    let mut carla = stage.connect("Carla")?;
    lists(&mut carla, &[format!("Anna: {note}")])
}
