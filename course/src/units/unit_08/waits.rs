//! For whom does a question wait?
//!
//! How long something takes is not measured with a clock where that can be helped: whether the program's system holds a part
//! of a question back is seen in its queue, that the program does not wait for an answer is seen when none is given, and in
//! how many segments a question came is counted by the check's system.

use super::{answered, ask, begin, two};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;
use crate::transcript::shown;

/// One question after the other, each answered at once: what Nagle's algorithm and a late acknowledgement make of a question
/// that is written in two parts.
pub fn not_held_back(stage: &mut Stage) -> Result<(), Failure> {
    let mut times = Waits::default();
    let mut server = warmed_up(stage)?;
    for _ in 0..10 {
        let (question, answer) = (stage.adversary.word(), stage.adversary.word());
        server.acknowledge_late();
        ask(stage, &[&question]);
        times.expect(&mut server, &question, "A part of the question waited in the program's own system.")?;
        server.send(format!("{answer}\n"))?;
        stage.expect_output_line(&format!("{question}: {answer}"))?;
    }
    Ok(())
}

/// No answer is given before all have come. Five: a program that has some under way, and not as many as it likes, waits too.
pub fn does_not_wait(stage: &mut Stage) -> Result<(), Failure> {
    let questions: Vec<String> = (1..=5).map(|number| format!("{} {number}", stage.adversary.word())).collect();
    let mut server = begin(stage, &questions.iter().map(String::as_str).collect::<Vec<_>>())?;
    questions.iter().try_for_each(|question| server.expect_line(question))
}

/// The first of two leaves at once, whatever the program does: nothing is under way. The second leaves at once only if it
/// need not wait for an acknowledgement. Whether the answers are printed is asked elsewhere.
pub fn second_not_held_back(stage: &mut Stage) -> Result<(), Failure> {
    let mut times = Waits::default();
    let mut server = warmed_up(stage)?;
    for _ in 0..10 {
        let (questions, answers) = two(stage);
        server.acknowledge_late();
        ask(stage, &[&questions[0], &questions[1]]);
        server.expect_line(&questions[0])?;
        times.expect(&mut server, &questions[1], "The second question waited in the program's own system.")?;
        server.send(format!("{}\n{}\n", answers[0], answers[1]))?;
        server.taken()?;
    }
    Ok(())
}

/// Connected, whenever the program does that.
fn warmed_up(stage: &mut Stage) -> Result<Peer, Failure> {
    let (question, answer) = (stage.adversary.word(), stage.adversary.word());
    let mut server = begin(stage, &[&question])?;
    answered(stage, &mut server, &question, &answer)?;
    Ok(server)
}

/// Counts what was held back. Where it cannot be seen in the program's queue it is concluded from the time that passed, and on
/// a busy machine time passes for other reasons too: then three of ten are asked for.
#[derive(Default)]
struct Waits(u32);

impl Waits {
    fn expect(&mut self, server: &mut Peer, question: &str, what: &str) -> Result<(), Failure> {
        let Some(held) = server.expect_line_unheld(question)? else { return Ok(()) };
        self.0 += 1;
        if !held.certain && self.0 < 3 {
            return Ok(());
        }
        let line = format!("{question}\n");
        let (came, rest) = line.as_bytes().split_at(held.after);
        let first = if came.is_empty() { String::new() } else { format!("{}, and then ", shown(came)) };
        let got = format!("{first}{} after a wait for our acknowledgement", shown(rest));
        Err(Failure::new(what, format!("{} at once", shown(line.as_bytes())), got))
    }
}

/// Counted by our system, and not by our reads: two segments may well be read in one.
pub fn one_segment(stage: &mut Stage) -> Result<(), Failure> {
    const QUESTIONS: u32 = 10;
    let mut server = warmed_up(stage)?;
    for _ in 1..QUESTIONS {
        let (question, answer) = (stage.adversary.word(), stage.adversary.word());
        ask(stage, &[&question]);
        answered(stage, &mut server, &question, &answer)?;
    }
    match server.segments() {
        // A segment that was sent twice would be counted twice: on a busy machine it might happen to one.
        Some(segments) if segments > QUESTIONS + QUESTIONS / 2 => Err(Failure::new(
            "The program's questions come in more segments than there are questions.",
            format!("{QUESTIONS} questions in {QUESTIONS} segments"),
            format!("{QUESTIONS} questions in {segments} segments"),
        )),
        _ => Ok(()),
    }
}
