//! What does the program make of an end: of its input, and of its server?
//!
//! The end of the input means that nothing more will be asked, and the end of the stream that nothing more will be answered.
//! Whether something is still unanswered then is what makes the one a success and the other a failure.

use super::{answered, begin, two_asked};
use crate::peer::Failure;
use crate::stage::Stage;
use crate::transcript::shown;
use std::process::ExitStatus;

/// The answer comes when the program has made of the end of its input what it is going to make of it. One that gives its
/// other thread some time, and does not wait for it, has ended by then: two silences are longer than a second.
pub fn last_answers(stage: &mut Stage) -> Result<(), Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    server.expect_line(&question)?;
    stage.close_input();
    for _ in 0..2 {
        if stage.expect_exit().is_ok() {
            break;
        }
    }
    // To a program that has ended nothing can be sent: what it has printed says more.
    let _ = server.send(format!("{answer}\n"));
    stage.expect_output_line(&format!("{question}: {answer}"))
}

/// The server leaves the closing to the client.
fn all_answered(stage: &mut Stage) -> Result<ExitStatus, Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    answered(stage, &mut server, &question, &answer)?;
    stage.close_input();
    stage.expect_exit()
}

pub fn ends(stage: &mut Stage) -> Result<(), Failure> {
    all_answered(stage).map(drop)
}

pub fn well(stage: &mut Stage) -> Result<(), Failure> {
    match all_answered(stage)? {
        status if status.success() => Ok(()),
        status => {
            Err(Failure::new("All was answered, and the program reports a failure.", "exit code 0", status.to_string()))
        }
    }
}

/// The input has ended, one of two questions is answered, and the server closes. How much was printed by then.
fn one_unanswered(stage: &mut Stage) -> Result<usize, Failure> {
    let (mut server, questions, answers) = two_asked(stage)?;
    stage.close_input();
    server.send(format!("{}\n", answers[0]))?;
    stage.expect_output_line(&format!("{}: {}", questions[0], answers[0]))?;
    let before = stage.output().len();
    server.close();
    Ok(before)
}

pub fn closed_early(stage: &mut Stage) -> Result<(), Failure> {
    one_unanswered(stage)?;
    stage.expect_exit_without_spinning("end-of-the-stream-ignored").map(drop)
}

pub fn no_answer(stage: &mut Stage) -> Result<(), Failure> {
    let before = one_unanswered(stage)?;
    stage.expect_exit()?;
    match stage.output().split_off(before) {
        printed if printed.is_empty() => Ok(()),
        printed => Err(Failure::new(
            "The server closed without an answer, and the program printed something as one.",
            "nothing more on standard output",
            shown(&printed),
        )),
    }
}

pub fn no_success(stage: &mut Stage) -> Result<(), Failure> {
    one_unanswered(stage)?;
    match stage.expect_exit()? {
        status if status.success() => Err(Failure::new(
            "One question was never answered, and the program reports success.",
            "another exit code than 0",
            status.to_string(),
        )),
        _ => Ok(()),
    }
}

/// Nobody types any more, and nobody says so: a thread that waits for the input is not woken by the server's end.
pub fn input_open(stage: &mut Stage) -> Result<(), Failure> {
    let (server, ..) = two_asked(stage)?;
    // The thread that asks waits for its input by now, and not for the moment to note what it has asked.
    stage.until_at_rest();
    server.close();
    stage.expect_exit().map(drop)
}

pub fn half_an_answer(stage: &mut Stage) -> Result<(), Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    server.expect_line(&question)?;
    stage.close_input();
    let (head, _) = stage.adversary.halves(answer.as_bytes());
    server.send(head)?;
    server.close();
    stage.expect_exit()?;
    match stage.output() {
        printed if printed.is_empty() => Ok(()),
        printed => Err(Failure::new(
            "The server closed in the middle of an answer, and the program printed something.",
            "nothing on standard output",
            shown(&printed),
        )),
    }
}
