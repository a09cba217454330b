//! Asker: how long does a question wait, and for whom?
//!
//! The protocol is defined in `course/units/08-asker/unit.md`. The program is a client, and each probe is a server that
//! answers in another way: late, together, in pieces, not at all. The first ones give the program all that it could wait for,
//! the end of its input too, and take it away piece by piece; `waits` asks for whom a question waits, and `endings` what the
//! program makes of an end.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;

mod endings;
mod waits;

pub const UNIT: Unit = Unit {
    number: 8,
    name: "asker",
    title: "Latency: questions and answers",
    role: Role::Client,
    probes: &[
        Probe::visible("a question is sent as a line", 1, "message-without-its-end", sent_as_a_line),
        Probe::visible("it is sent before the input ends", 1, "request-kept-in-a-buffer", sent_before_the_end),
        Probe::visible("its answer is printed behind it", 1, "reply-not-printed", printed),
        Probe::visible("the answer is read before the input ends", 1, "answers-read-too-late", read_before_the_end),
        Probe::visible("an answer is printed at once", 1, "output-not-flushed", printed_at_once),
        Probe::visible("the next question takes the same connection", 1, "connection-for-each-line", same_connection),
        Probe::visible("the next answer is printed alone", 1, "old-bytes-in-the-buffer", second_answer),
        Probe::visible(
            "no part of it waits for an acknowledgement",
            4,
            "write-write-read-latency",
            waits::not_held_back,
        ),
        Probe::visible("it does not wait for an answer to another", 3, "waits-for-each-answer", waits::does_not_wait),
        Probe::visible(
            "it does not wait for another's acknowledgement",
            2,
            "second-request-held-back",
            waits::second_not_held_back,
        ),
        Probe::visible("answers belong to questions in their order", 1, "answer-to-another-question", in_their_order),
        Probe::visible("an answer may come in two pieces", 1, "one-read-is-one-message", in_two_pieces),
        Probe::visible("two answers may come in one segment", 1, "rest-of-the-read-lost", two_in_one),
        Probe::visible("blanks at their ends belong to both", 1, "line-trimmed", blanks_at_their_ends),
        Probe::visible("both may be empty", 1, "empty-text-taken-for-the-end", empty),
        Probe::visible(
            "the end of the input is not the end of the answers",
            1,
            "ends-before-the-last-answer",
            endings::last_answers,
        ),
        Probe::visible("the program ends after the last answer", 1, "both-sides-wait", endings::ends),
        Probe::visible("a program that has every answer reports success", 1, "stop-ends-as-a-failure", endings::well),
        Probe::visible("a question is one segment", 1, "many-small-writes", waits::one_segment),
        Probe::visible("a server that closes too early ends it", 1, "end-of-the-stream-ignored", endings::closed_early),
        Probe::visible("a server that closes has not answered", 1, "end-taken-for-an-empty-text", endings::no_answer),
        Probe::visible(
            "a question without its answer is no success",
            1,
            "failure-ends-in-success",
            endings::no_success,
        ),
        Probe::visible("it ends while more could be typed", 1, "gone-server-not-noticed", endings::input_open),
        Probe::hidden("half an answer is none", 1, "half-a-line-passed-on", endings::half_an_answer),
    ],
    next: &[
        "src/settings.rs, Settings::no_delay: the option of this unit, on by default, and what is said for it",
        "src/connection.rs, Connection::send: a message and its framing are put together, and leave in one write",
        "src/websocket/receiving.rs: the answers to what came in one read leave in one write",
        "course/examples/latency.rs: the same questions in four ways, with their times",
    ],
};

/// They are typed before the connection is accepted: who connects only when there is something to ask is right too.
fn begin(stage: &mut Stage, questions: &[&str]) -> Result<Peer, Failure> {
    stage.start_client()?;
    ask(stage, questions);
    stage.accept("the server")
}

fn ask(stage: &mut Stage, questions: &[&str]) {
    stage.feed(questions.iter().map(|question| format!("{question}\n")).collect::<String>().as_bytes());
}

/// The question has come; it is answered, and the answer is printed.
fn answered(stage: &mut Stage, server: &mut Peer, question: &str, answer: &str) -> Result<(), Failure> {
    server.expect_line(question)?;
    server.send(format!("{answer}\n"))?;
    stage.expect_output_line(&format!("{question}: {answer}"))
}

/// Two questions of different words, and an answer to each.
fn two(stage: &mut Stage) -> ([String; 2], [String; 2]) {
    let word = stage.adversary.word();
    let questions =
        [format!("{word} {}", stage.adversary.number(10..=49)), format!("{word} {}", stage.adversary.number(50..=99))];
    (questions, [stage.adversary.sentence(), format!("not {}", stage.adversary.sentence())])
}

/// Both are under way.
fn two_asked(stage: &mut Stage) -> Result<(Peer, [String; 2], [String; 2]), Failure> {
    let (questions, answers) = two(stage);
    let mut server = begin(stage, &[&questions[0], &questions[1]])?;
    questions.iter().try_for_each(|question| server.expect_line(question))?;
    Ok((server, questions, answers))
}

/// The input ends at once: a program that sends late sends now. What it does with an answer is asked later.
fn sent_as_a_line(stage: &mut Stage) -> Result<(), Failure> {
    let question = stage.adversary.sentence();
    let mut server = begin(stage, &[&question])?;
    stage.close_input();
    server.expect_line(&question)
}

fn sent_before_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let question = stage.adversary.sentence();
    begin(stage, &[&question])?.expect_line(&question)
}

/// A program that prints nothing while its input is open is given its end: when something is printed is asked next.
fn printed(stage: &mut Stage) -> Result<(), Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    server.expect_line(&question)?;
    server.send(format!("{answer}\n"))?;
    let printed = format!("{question}: {answer}");
    match stage.expect_output_line(&printed) {
        Err(failure) if failure.silent => {
            stage.close_input();
            stage.expect_output_line(&printed)
        }
        other => other,
    }
}

/// Whether the program has read it is seen in its system's queue, and not in what it prints.
fn read_before_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let question = stage.adversary.sentence();
    let mut server = begin(stage, &[&question])?;
    server.expect_line(&question)?;
    server.send(format!("{}\n", stage.adversary.sentence()))?;
    server.taken()
}

fn printed_at_once(stage: &mut Stage) -> Result<(), Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    answered(stage, &mut server, &question, &answer)
}

fn same_connection(stage: &mut Stage) -> Result<(), Failure> {
    let (questions, answers) = two(stage);
    let mut server = begin(stage, &[&questions[0]])?;
    answered(stage, &mut server, &questions[0], &answers[0])?;
    ask(stage, &[&questions[1]]);
    server.expect_line(&questions[1])?;
    server.send(format!("{}\n", answers[1]))?;
    // What it prints is the next probe's question.
    stage.output_line("the second answer").map(drop)
}

/// The first is not in it any more.
fn second_answer(stage: &mut Stage) -> Result<(), Failure> {
    let (questions, answers) = two(stage);
    let mut server = begin(stage, &[&questions[0]])?;
    answered(stage, &mut server, &questions[0], &answers[0])?;
    ask(stage, &[&questions[1]]);
    answered(stage, &mut server, &questions[1], &answers[1])
}

fn in_their_order(stage: &mut Stage) -> Result<(), Failure> {
    let (mut server, [question, _], [answer, _]) = two_asked(stage)?;
    server.send(format!("{answer}\n"))?;
    stage.expect_output_line(&format!("{question}: {answer}"))
}

fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    server.expect_line(&question)?;
    let (head, tail) = stage.adversary.halves(answer.as_bytes());
    server.send_pieces([head, &[tail, b"\n"].concat()])?;
    stage.expect_output_line(&format!("{question}: {answer}"))
}

fn two_in_one(stage: &mut Stage) -> Result<(), Failure> {
    let (mut server, questions, answers) = two_asked(stage)?;
    server.send(format!("{}\n{}\n", answers[0], answers[1]))?;
    stage.expect_output_line(&format!("{}: {}", questions[0], answers[0]))?;
    stage.expect_output_line(&format!("{}: {}", questions[1], answers[1]))
}

fn blanks_at_their_ends(stage: &mut Stage) -> Result<(), Failure> {
    let ([first, second], [answer, last]) = two(stage);
    let (blank_question, blank_answer) = (format!("  {first} "), format!(" {last} \t "));
    let mut server = begin(stage, &[&blank_question])?;
    answered(stage, &mut server, &blank_question, &answer)?;
    ask(stage, &[&second]);
    answered(stage, &mut server, &second, &blank_answer)
}

fn empty(stage: &mut Stage) -> Result<(), Failure> {
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    let mut server = begin(stage, &[&question])?;
    answered(stage, &mut server, &question, "")?;
    ask(stage, &[""]);
    answered(stage, &mut server, "", &answer)
}
