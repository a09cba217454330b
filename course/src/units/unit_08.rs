//! Asker: how long does a question wait, and for whom?
//!
//! The protocol is defined in `course/units/08-asker/unit.md`. The program is a client, and each probe is a server that
//! answers in another way: late, together, in pieces, not at all. How long something takes is not measured with a clock where
//! that can be helped: whether the program's system holds a part of a question back is seen in its queue, and that the program
//! does not wait for an answer is seen when none is given.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

pub const UNIT: Unit = Unit {
    number: 8,
    name: "asker",
    title: "Latency: questions and answers",
    role: Role::Client,
    probes: &[
        Probe::visible("a question is sent as a line", 2, "message-without-its-end", sent_as_a_line),
        Probe::visible("it is sent before the input ends", 1, "request-kept-in-a-buffer", sent_before_the_end),
        Probe::visible(
            "its answer is printed before the input ends",
            1,
            "answers-read-too-late",
            printed_before_the_end,
        ),
        Probe::visible("no part of it waits for an acknowledgement", 4, "write-write-read-latency", not_held_back),
        Probe::visible("it does not wait for an answer to another", 3, "waits-for-each-answer", does_not_wait),
        Probe::visible("nor for an acknowledgement of another", 2, "second-request-held-back", second_not_held_back),
        Probe::visible("answers belong to questions in their order", 1, "answer-to-another-question", in_their_order),
        Probe::visible("an answer may come in two pieces", 1, "one-read-is-one-message", in_two_pieces),
        Probe::visible("two answers may come in one segment", 1, "rest-of-the-read-lost", two_in_one),
        Probe::visible(
            "the end of the input is not the end of the answers",
            1,
            "ends-before-the-last-answer",
            last_answers,
        ),
        Probe::visible("the program ends after the last answer", 1, "both-sides-wait", ends),
        Probe::visible("a question is one segment", 1, "many-small-writes", one_segment),
        Probe::hidden("a server that leaves a question unanswered", 1, "end-of-the-stream-ignored", unanswered),
    ],
    next: &[
        "src/settings.rs, Settings::no_delay: the option of this unit, on by default, and what is said for it",
        "src/connection.rs, Connection::send: a message and its framing are put together, and leave in one write",
        "src/websocket/receiving.rs: the answers to what came in one read leave in one write",
        "course/examples/latency.rs: the same questions in four ways, with their times",
    ],
};

fn begin(stage: &mut Stage) -> Result<Peer, Failure> {
    stage.start_client()?;
    stage.accept("the server")
}

fn ask(stage: &mut Stage, questions: &[&str]) {
    stage.feed(questions.iter().map(|question| format!("{question}\n")).collect::<String>().as_bytes());
}

/// Two questions of different words, and an answer to each.
fn two(stage: &mut Stage) -> ([String; 2], [String; 2]) {
    let word = stage.adversary.word();
    let questions =
        [format!("{word} {}", stage.adversary.number(10..=49)), format!("{word} {}", stage.adversary.number(50..=99))];
    (questions, [stage.adversary.sentence(), format!("not {}", stage.adversary.sentence())])
}

/// The input ends at once: a program that sends late sends now. What it does with an answer is asked later.
fn sent_as_a_line(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let question = stage.adversary.sentence();
    ask(stage, &[&question]);
    stage.close_input();
    server.expect_line(&question)
}

fn sent_before_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let question = stage.adversary.sentence();
    ask(stage, &[&question]);
    server.expect_line(&question)
}

fn printed_before_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    ask(stage, &[&question]);
    server.expect_line(&question)?;
    server.send(format!("{answer}\n"))?;
    stage.expect_output_line(&format!("{question}: {answer}"))
}

/// One question after the other, each answered at once: what Nagle's algorithm and a late acknowledgement make of a question
/// that is written in two parts.
fn not_held_back(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let mut times = Waits::default();
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

/// No answer is given before all three have come.
fn does_not_wait(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let questions: Vec<String> = (1..=3).map(|number| format!("{} {number}", stage.adversary.word())).collect();
    ask(stage, &questions.iter().map(String::as_str).collect::<Vec<_>>());
    questions.iter().try_for_each(|question| server.expect_line(question))
}

/// The first of two leaves at once, whatever the program does: nothing is under way. The second leaves at once only if it
/// need not wait for an acknowledgement. Whether the answers are printed is asked elsewhere.
fn second_not_held_back(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let mut times = Waits::default();
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

/// Each answer is read before the next is sent.
fn in_their_order(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (questions, answers) = two(stage);
    ask(stage, &[&questions[0], &questions[1]]);
    server.expect_line(&questions[0])?;
    server.expect_line(&questions[1])?;
    for (question, answer) in questions.iter().zip(&answers) {
        server.send(format!("{answer}\n"))?;
        stage.expect_output_line(&format!("{question}: {answer}"))?;
    }
    Ok(())
}

fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    ask(stage, &[&question]);
    server.expect_line(&question)?;
    let (head, tail) = stage.adversary.halves(answer.as_bytes());
    server.send_pieces([head, &[tail, b"\n"].concat()])?;
    stage.expect_output_line(&format!("{question}: {answer}"))
}

fn two_in_one(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (questions, answers) = two(stage);
    ask(stage, &[&questions[0], &questions[1]]);
    server.expect_line(&questions[0])?;
    server.expect_line(&questions[1])?;
    server.send(format!("{}\n{}\n", answers[0], answers[1]))?;
    stage.expect_output_line(&format!("{}: {}", questions[0], answers[0]))?;
    stage.expect_output_line(&format!("{}: {}", questions[1], answers[1]))
}

/// The answers come when the program has made of the end of its input what it is going to make of it.
fn last_answers(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (questions, answers) = two(stage);
    ask(stage, &[&questions[0], &questions[1]]);
    stage.close_input();
    server.expect_line(&questions[0])?;
    server.expect_line(&questions[1])?;
    stage.until_at_rest();
    for (question, answer) in questions.iter().zip(&answers) {
        server.send(format!("{answer}\n"))?;
        stage.expect_output_line(&format!("{question}: {answer}"))?;
    }
    Ok(())
}

/// The server leaves the closing to the client.
fn ends(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (question, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    ask(stage, &[&question]);
    server.expect_line(&question)?;
    server.send(format!("{answer}\n"))?;
    stage.expect_output_line(&format!("{question}: {answer}"))?;
    stage.close_input();
    match stage.expect_exit()? {
        status if status.success() => Ok(()),
        status => {
            Err(Failure::new("All was answered, and the program reports a failure.", "exit code 0", status.to_string()))
        }
    }
}

/// Counted by our system, and not by our reads: two segments may well be read in one.
fn one_segment(stage: &mut Stage) -> Result<(), Failure> {
    const QUESTIONS: u32 = 10;
    let mut server = begin(stage)?;
    for _ in 0..QUESTIONS {
        let (question, answer) = (stage.adversary.word(), stage.adversary.word());
        ask(stage, &[&question]);
        server.expect_line(&question)?;
        server.send(format!("{answer}\n"))?;
        stage.expect_output_line(&format!("{question}: {answer}"))?;
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

fn unanswered(stage: &mut Stage) -> Result<(), Failure> {
    let mut server = begin(stage)?;
    let (questions, answers) = two(stage);
    ask(stage, &[&questions[0], &questions[1]]);
    stage.close_input();
    server.expect_line(&questions[0])?;
    server.expect_line(&questions[1])?;
    server.send(format!("{}\n", answers[0]))?;
    stage.expect_output_line(&format!("{}: {}", questions[0], answers[0]))?;
    server.close();
    match stage.expect_exit()? {
        status if status.success() => {
            let got = format!("exit code 0, and {} was printed", shown(&stage.output()));
            Err(Failure::new(
                "One question was never answered, and the program reports success.",
                "another exit code",
                got,
            ))
        }
        _ => Ok(()),
    }
}
