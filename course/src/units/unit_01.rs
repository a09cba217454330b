//! The first client: who speaks, who waits, and what is an answer?
//!
//! Both protocols are defined in `course/units/01-first-client/unit.md`. The probes give the program first a server that
//! makes everything easy: it ends its input, and closes behind its reply. Then one of these comforts after the other is
//! taken away, and at last the server is one that somebody else wrote (`news.rs`).

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod news;

pub const UNIT: Unit = Unit {
    number: 1,
    name: "first-client",
    title: "Connect and wait: a first client",
    role: Role::Client,
    probes: &[
        Probe::visible("a line is sent, with its end", 1, "line-end-not-sent", line_with_its_end),
        Probe::visible("the reply is printed", 1, "reply-not-printed", reply_printed),
        Probe::visible("it is printed before more is typed", 1, "output-not-flushed", printed_at_once),
        Probe::visible("it is printed before the server closes", 2, "both-sides-wait", while_open),
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
        Probe::visible("a news server speaks first", 1, "greeting-taken-for-the-answer", news::greeting_first),
        Probe::visible("its numbers are told", 1, "answer-misread", news::numbers_told),
        Probe::visible("a command ends with CR LF", 1, "bare-line-feed-sent", news::carriage_return_sent),
        Probe::visible("a refusal is no answer", 1, "refusal-taken-for-the-answer", news::refusal),
        Probe::visible("it takes its leave", 1, "leaves-without-quit", news::takes_its_leave),
        Probe::visible("it waits for the answer to QUIT", 1, "goodbye-not-awaited", news::waits_for_the_goodbye),
        Probe::visible(
            "it takes its leave after a refusal too",
            1,
            "error-leaves-without-quit",
            news::leave_of_a_refusal,
        ),
        Probe::visible("a greeting may be a refusal", 1, "greeting-not-judged", news::refused_at_once),
        Probe::visible("a success ends with exit code 0", 1, "success-ends-in-failure", success_is_told),
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

// --- how it ends ------------------------------------------------------------------------------------

/// In both conversations, of which everything else has been asked before.
fn success_is_told(stage: &mut Stage) -> Result<(), Failure> {
    let line = stage.adversary.sentence();
    let mut server = typed(stage, &line)?;
    answered(stage, &mut server, &line, &line)?;
    stage.close_input();
    succeeds(stage)?;
    let mut server = news::asked(stage, None)?;
    news::let_it_leave(&mut server);
    succeeds(stage)
}

fn succeeds(stage: &mut Stage) -> Result<(), Failure> {
    let status = stage.expect_exit()?;
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
