//! Does the client keep to a protocol that somebody else has written?
//!
//! The server is one of news (RFC 3977), or as much of it as one group needs: it greets, answers, and is told that it is over.

use super::fails_and_prints_nothing;
use crate::peer::{Failure, Peer};
use crate::stage::Stage;
use crate::transcript::shown;

const GREETING: &str = "200 news.example is ready, posting allowed\r\n";

/// The name of the group, the answer to GROUP, and what is to be printed.
fn group(stage: &mut Stage) -> (String, String, String) {
    let name = format!("{}.{}", stage.adversary.word(), stage.adversary.word());
    let (first, count) = (stage.adversary.number(2..=900), stage.adversary.number(2..=90));
    // Numbers have gaps, for articles are cancelled: the last is no matter of arithmetic.
    let last = first + count + stage.adversary.number(0..=9);
    let answer = format!("211 {count} {first} {last} {name}\r\n");
    (name, answer, format!("{count} articles, {first} to {last}"))
}

fn greeted(stage: &mut Stage, group: &str) -> Result<Peer, Failure> {
    let mut server = connected(stage, group)?;
    server.send(GREETING)?;
    Ok(server)
}

fn connected(stage: &mut Stage, group: &str) -> Result<Peer, Failure> {
    stage.arguments(["news", group]);
    stage.start_client()?;
    stage.accept("server")
}

/// The greeting would come when the program has done all that it does without one. What it says then is the next probe's
/// question.
pub fn greeting_first(stage: &mut Stage) -> Result<(), Failure> {
    let (name, ..) = group(stage);
    let mut server = connected(stage, &name)?;
    stage.until_at_rest();
    let early = server.come().map_err(|failure| failure.is("program-ends-at-once"))?;
    if !early.is_empty() {
        let what = "The program spoke before it had heard the greeting.";
        return Err(Failure::new(what, "nothing until the server has spoken", shown(early)));
    }
    Ok(())
}

/// The other greeting that lets a client in. How the command ends is the next probe's question, and whether the program says
/// QUIT another's: the solution in C prints before it, the one in Rust behind its answer, and both are right.
pub fn numbers_told(stage: &mut Stage) -> Result<(), Failure> {
    let (name, answer, told) = group(stage);
    let mut server = connected(stage, &name)?;
    server.send("201 news.example is ready, for reading\r\n")?;
    let command = server.line(&format!("GROUP {name}"))?;
    if command.strip_suffix(b"\r").unwrap_or(&command) != format!("GROUP {name}").as_bytes() {
        return Err(Failure::new("The program sent another command.", format!("GROUP {name}"), shown(&command)));
    }
    server.send(answer)?;
    let_it_leave(&mut server);
    stage.expect_output_line(&told)
}

/// Answers a QUIT, if there is one, and closes, so that whatever the program may wait for comes.
pub fn let_it_leave(server: &mut Peer) {
    if server.line("QUIT").is_ok() {
        let _ = server.send("205 goodbye\r\n");
    }
    server.finish();
}

pub fn carriage_return_sent(stage: &mut Stage) -> Result<(), Failure> {
    let (name, ..) = group(stage);
    let mut server = greeted(stage, &name)?;
    server.expect(format!("GROUP {name}\r\n").as_bytes())
}

/// The question, and its answer: this one, or the group's numbers.
pub fn asked(stage: &mut Stage, answer: Option<&str>) -> Result<Peer, Failure> {
    let (name, numbers, _) = group(stage);
    let mut server = greeted(stage, &name)?;
    server.expect(format!("GROUP {name}\r\n").as_bytes())?;
    server.send(answer.unwrap_or(&numbers))?;
    Ok(server)
}

const REFUSAL: &str = "411 there is no such group\r\n";

pub fn refusal(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = asked(stage, Some(REFUSAL))?;
    let_it_leave(&mut server);
    fails_and_prints_nothing(stage)
}

/// Whether it waits for the answer to QUIT is the next probe's question.
pub fn takes_its_leave(stage: &mut Stage) -> Result<(), Failure> {
    asked(stage, None)?.expect(b"QUIT\r\n")
}

pub fn waits_for_the_goodbye(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = asked(stage, None)?;
    server.expect(b"QUIT\r\n")?;
    stage.until_at_rest();
    server.come().map(drop)
}

pub fn leave_of_a_refusal(stage: &mut Stage) -> Result<(), Failure> {
    asked(stage, Some(REFUSAL))?.expect(b"QUIT\r\n")
}

/// Who says QUIT to a server that has refused does nothing wrong; who asks has not listened.
pub fn refused_at_once(stage: &mut Stage) -> Result<(), Failure> {
    let (name, ..) = group(stage);
    let mut server = connected(stage, &name)?;
    server.send("400 news.example is closed for repairs\r\n")?;
    if let Ok(line) = server.line("its end") {
        if !line.starts_with(b"QUIT") {
            let what = "The program went on, though the server had refused with its greeting.";
            return Err(Failure::new(what, "its end, or QUIT", shown(&line)));
        }
        let _ = server.send("205 goodbye\r\n");
    }
    server.finish();
    fails_and_prints_nothing(stage)
}
