//! The first client: who speaks, who waits, and what is an answer?
//!
//! Both protocols are defined in `course/units/01-first-client/unit.md`. The probes give the program first a server that
//! makes everything easy: it ends its input, and closes behind its reply. Then one of these comforts after the other is
//! taken away, and at last the server is one that somebody else wrote.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

pub const UNIT: Unit = Unit {
    number: 1,
    name: "first-client",
    title: "Connect and wait: a first client",
    role: Role::Client,
    probes: &[
        Probe::visible("a line is sent, with its end", 1, "line-end-not-sent", line_with_its_end),
        Probe::visible("the reply is printed", 1, "reply-not-printed", reply_printed),
        Probe::visible("it is printed before more is typed", 1, "output-not-flushed", printed_at_once),
        Probe::visible("and before the server closes", 2, "both-sides-wait", while_open),
        Probe::visible("what is printed is what came", 1, "own-line-printed", what_came),
        Probe::visible("the next line takes the same connection", 1, "connection-for-each-line", same_connection),
        Probe::visible("a short reply follows a long one", 1, "old-bytes-in-the-buffer", short_after_long),
        Probe::visible("an empty reply is a reply", 1, "empty-text-taken-for-the-end", empty_reply),
        Probe::visible("blanks at its ends belong to a reply", 1, "reply-trimmed", blanks_at_its_ends),
        Probe::visible("a reply in two pieces is one reply", 2, "one-read-is-one-message", in_two_pieces),
        Probe::visible("the end of the input ends the program", 1, "end-of-the-input-ignored", end_of_input),
        Probe::visible("who cannot connect says so", 1, "failure-ends-in-success", nobody_listens),
        Probe::visible("the server's end is no reply", 2, "end-taken-for-an-empty-text", end_is_no_reply),
        Probe::hidden("half a reply is none", 1, "half-a-line-passed-on", half_a_reply),
        Probe::visible("a news server speaks first", 1, "greeting-taken-for-the-answer", greeting_first),
        Probe::visible("its numbers are told", 1, "answer-misread", numbers_told),
        Probe::visible("a command ends with CR LF", 1, "bare-line-feed-sent", carriage_return_sent),
        Probe::visible("a refusal is no answer", 1, "refusal-taken-for-the-answer", refusal),
        Probe::visible("it takes its leave", 1, "leaves-without-quit", takes_its_leave),
        Probe::visible("and waits for the answer to it", 1, "goodbye-not-awaited", waits_for_the_goodbye),
        Probe::visible("it takes its leave after a refusal too", 1, "error-leaves-without-quit", leave_of_a_refusal),
        Probe::visible("a greeting may be a refusal", 1, "greeting-not-judged", refused_at_once),
        Probe::visible("and what went well ends with 0", 1, "success-ends-in-failure", success_is_told),
    ],
    next: &[
        "src/client.rs: Client::connect_with, the same with a limit, a name, and every address that the name has",
        "src/error.rs: what can go wrong, and what to look at for each",
        "examples/13_news_client.rs: a whole client of a news server, with groups and articles",
    ],
};

/// The line is typed before the connection is accepted: who connects only when there is something to say is right too.
fn typed(stage: &mut Stage, line: &str) -> Result<Peer, Failure> {
    stage.start_client()?;
    stage.feed(format!("{line}\n").as_bytes());
    stage.accept("server")
}

/// One turn of the conversation, and the reply is given.
fn answered(stage: &mut Stage, server: &mut Peer, line: &str, reply: &str) -> Result<(), Failure> {
    server.expect_line(line)?;
    server.send(format!("{reply}\n"))?;
    stage.expect_output_line(reply)
}

fn line_with_its_end(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    typed(stage, &line)?.expect_line(&line)
}

/// Everything that could be waited for comes: the reply, the end of the stream, the end of the input.
fn reply_printed(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    stage.close_input();
    server.expect_line(&line)?;
    server.send(format!("{line}\n"))?;
    server.finish();
    stage.expect_output_line(&line)
}

fn printed_at_once(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    server.expect_line(&line)?;
    server.send(format!("{line}\n"))?;
    server.finish();
    stage.expect_output_line(&line)
}

fn while_open(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, &line)
}

fn what_came(stage: &mut Stage) -> Result<(), Failure> {
    let (line, reply) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, &format!("you said: {reply}"))
}

/// What is printed for the second line is the next probe's question.
fn same_connection(stage: &mut Stage) -> Result<(), Failure> {
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = typed(stage, &first)?;
    answered(stage, &mut server, &first, &first)?;
    stage.feed(format!("{second}\n").as_bytes());
    server.expect_line(&second)
}

/// What is printed behind the short reply, on a line of its own perhaps, is seen when the next is expected.
fn short_after_long(stage: &mut Stage) -> Result<(), Failure> {
    let (long, short) = (stage.adversary.sentence() + " and more", stage.adversary.letters(3));
    let mut server = typed(stage, &long)?;
    answered(stage, &mut server, &long, &long)?;
    for line in [&short, &long] {
        stage.feed(format!("{line}\n").as_bytes());
        answered(stage, &mut server, line, line)?;
    }
    Ok(())
}

fn empty_reply(stage: &mut Stage) -> Result<(), Failure> {
    let (line, next) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, "")?;
    stage.feed(format!("{next}\n").as_bytes());
    answered(stage, &mut server, &next, &next)
}

/// A reply that is trimmed has lost something, and one that was taken apart into words and put together as well.
fn blanks_at_its_ends(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, &format!("  {line} \t "))
}

fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    server.expect_line(&line)?;
    let (head, tail) = stage.adversary.halves(line.as_bytes());
    server.send_pieces([head])?;
    server.send([tail, b"\n"].concat())?;
    stage.expect_output_line(&line)
}

fn end_of_input(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, &line)?;
    stage.close_input();
    server.expect_end()
}

fn end_is_no_reply(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    server.expect_line(&line)?;
    server.finish();
    fails_and_prints_nothing(stage)
}

fn half_a_reply(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    server.expect_line(&line)?;
    let (head, _) = stage.adversary.halves(line.as_bytes());
    server.send(head)?;
    server.finish();
    fails_and_prints_nothing(stage)
}

fn nobody_listens(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_client_refused()?;
    fails_and_prints_nothing(stage)
}

// --- the server that somebody else wrote ------------------------------------------------------------

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
fn greeting_first(stage: &mut Stage) -> Result<(), Failure> {
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
fn numbers_told(stage: &mut Stage) -> Result<(), Failure> {
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
fn let_it_leave(server: &mut Peer) {
    if server.line("QUIT").is_ok() {
        let _ = server.send("205 goodbye\r\n");
    }
    server.finish();
}

fn carriage_return_sent(stage: &mut Stage) -> Result<(), Failure> {
    let (name, ..) = group(stage);
    let mut server = greeted(stage, &name)?;
    server.expect(format!("GROUP {name}\r\n").as_bytes())
}

/// The question, and its answer: this one, or the group's numbers.
fn asked(stage: &mut Stage, answer: Option<&str>) -> Result<Peer, Failure> {
    let (name, numbers, _) = group(stage);
    let mut server = greeted(stage, &name)?;
    server.expect(format!("GROUP {name}\r\n").as_bytes())?;
    server.send(answer.unwrap_or(&numbers))?;
    Ok(server)
}

const REFUSAL: &str = "411 there is no such group\r\n";

fn refusal(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = asked(stage, Some(REFUSAL))?;
    let_it_leave(&mut server);
    fails_and_prints_nothing(stage)
}

/// Whether it waits for the answer to QUIT is the next probe's question.
fn takes_its_leave(stage: &mut Stage) -> Result<(), Failure> {
    asked(stage, None)?.expect(b"QUIT\r\n")
}

fn waits_for_the_goodbye(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = asked(stage, None)?;
    server.expect(b"QUIT\r\n")?;
    stage.until_at_rest();
    server.come().map(drop)
}

fn leave_of_a_refusal(stage: &mut Stage) -> Result<(), Failure> {
    asked(stage, Some(REFUSAL))?.expect(b"QUIT\r\n")
}

/// Who says QUIT to a server that has refused does nothing wrong; who asks has not listened.
fn refused_at_once(stage: &mut Stage) -> Result<(), Failure> {
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

// --- how it ends ------------------------------------------------------------------------------------

/// In both conversations, of which everything else has been asked before. One that does not end has another mistake.
fn success_is_told(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, &line)?;
    stage.close_input();
    succeeds(stage)?;
    let mut server = asked(stage, None)?;
    let_it_leave(&mut server);
    succeeds(stage)
}

fn succeeds(stage: &mut Stage) -> Result<(), Failure> {
    let status = stage.expect_exit().map_err(|failure| failure.is("end-of-the-input-ignored"))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::new("The program ended as if it had failed.", "exit code 0", status.to_string())),
    }
}

/// What it printed says more than that it still runs.
fn fails_and_prints_nothing(stage: &mut Stage) -> Result<(), Failure> {
    let ended = stage.expect_exit();
    prints_nothing(stage)?;
    let status = ended?;
    match status.success() {
        false => Ok(()),
        true => {
            Err(Failure::new("The program ended as if it had worked.", "an exit code other than 0", status.to_string()))
        }
    }
}

fn prints_nothing(stage: &mut Stage) -> Result<(), Failure> {
    let printed = stage.output();
    if printed.is_empty() {
        return Ok(());
    }
    // For the ladder: each whole line is a row of it.
    for _ in printed.iter().filter(|byte| **byte == b'\n') {
        stage.output_line("nothing")?;
    }
    Err(Failure::new("The program printed something as an answer.", "nothing on standard output", shown(&printed)))
}
