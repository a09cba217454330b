//! The clients of servers that somebody else wrote, against a server that plays from a script: the dialogue as the RFC
//! has it, byte for byte, and then everything that such a server may do instead.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::{SOON, example_path, run, with};

/// What the server does next. After the last step it says that this was all, and reads to the client's end.
#[derive(Clone)]
enum Step {
    Say(Vec<u8>),
    /// These bytes must come, and no others.
    Hear(String),
    /// One byte after the other, until all is said or the client has gone.
    Drip(Vec<u8>),
    /// This text again and again for five seconds, faster than any wait of the client ends, and slower than what would
    /// fill its memory.
    Pour(&'static str),
    /// A server that thinks for a while.
    Think(Duration),
    /// Says nothing more, and does not say that.
    Silence,
    /// Kills the connection.
    Reset,
}
use Step::{Drip, Hear, Pour, Reset, Say, Silence, Think};

fn say(text: impl AsRef<[u8]>) -> Step {
    Say(text.as_ref().to_vec())
}

fn hear(text: &str) -> Step {
    Hear(text.to_owned())
}

/// How the client came out of it.
struct Outcome {
    success: bool,
    out: String,
    err: String,
    /// What it said after the last step.
    rest: String,
    took: Duration,
}

impl Outcome {
    #[track_caller]
    fn succeeds(self) -> Outcome {
        assert!(self.success, "it failed:\n{}", self.err);
        self
    }

    #[track_caller]
    fn fails(self, because: &[&str]) -> Outcome {
        assert!(!self.success, "it should have failed with {because:?}; it said:\n{}{}", self.out, self.err);
        for words in because {
            assert!(self.err.contains(words), "no {words:?} in:\n{}", self.err);
        }
        self
    }
}

/// Runs an example against the script. In its arguments and in what it must say, `{}` stands for the server's address.
#[track_caller]
fn play(example: &str, arguments: &[&str], input: &[u8], script: &[Step]) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (script, server_address) = (script.to_vec(), address.clone());
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        perform(&stream, &server_address, &script)
    });
    let arguments = arguments.iter().map(|argument| argument.replace("{}", &address));
    let started = Instant::now();
    let command = with(Command::new(example_path(example)), arguments);
    let (status, out, err) = run(example, command, input, SOON);
    let took = started.elapsed();
    // A client that never came would keep the server waiting for ever.
    drop(TcpStream::connect(&address));
    let rest = server.join().unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        panic!("the server: {why}\nthe client:\n{err}")
    });
    Outcome { success: status.success(), out: String::from_utf8_lossy(&out).into_owned(), err, rest, took }
}

fn perform(mut stream: &TcpStream, address: &str, script: &[Step]) -> String {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    for step in script {
        match step {
            // It may have given up on us already: its own words are what counts.
            Say(bytes) => drop(stream.write_all(bytes)),
            Hear(text) => {
                let (text, mut heard) = (text.replace("{}", address), Vec::new());
                stream.take(text.len() as u64).read_to_end(&mut heard).unwrap();
                assert_eq!(String::from_utf8_lossy(&heard), text);
            }
            Drip(bytes) => {
                for byte in bytes {
                    if stream.write_all(&[*byte]).is_err() {
                        break;
                    }
                    // Not to be on time, but so that each byte has a read of its own.
                    thread::sleep(Duration::from_millis(2));
                }
            }
            Pour(text) => {
                let end = Instant::now() + Duration::from_secs(5);
                while Instant::now() < end && stream.write_all(text.as_bytes()).is_ok() {
                    thread::sleep(Duration::from_micros(100));
                }
            }
            Think(pause) => thread::sleep(*pause),
            Silence => {}
            Reset => {
                // Closing with bytes unread sends a reset.
                stream.peek(&mut [0]).unwrap();
                return String::new();
            }
        }
    }
    if !matches!(script.last(), Some(Silence)) {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    String::from_utf8_lossy(&rest).into_owned()
}

/// The dialogue of a script up to its n-th `Say`, which is another one, or none.
fn instead_of(script: &[Step], turn: usize, other: &[Step]) -> Vec<Step> {
    let said = script.iter().enumerate().filter(|(_, step)| matches!(step, Say(_))).nth(turn).unwrap().0;
    [&script[..said], other].concat()
}

/// A bad argument is an error before anybody is called.
#[track_caller]
fn is_refused_as_argument(example: &str, arguments: &[&str], because: &str) {
    let command = with(Command::new(example_path(example)), arguments);
    let (status, out, err) = run(example, command, b"Subject: x\n\nx\n", SOON);
    assert!(!status.success() && out.is_empty(), "{arguments:?}");
    assert!(err.contains(because), "{arguments:?}: no {because:?} in:\n{err}");
}

// --- news ----------------------------------------------------------------------------------------

fn news() -> Vec<Step> {
    vec![
        say("200 news.example ready\r\n"),
        hear("GROUP lab.test\r\n"),
        say("211 3 4 7 lab.test\r\n"),
        hear("ARTICLE 7\r\n"),
        say("423 no such number\r\n"),
        hear("ARTICLE 6\r\n"),
        say("220 6 <6@x> article\r\nSubject: dots\r\n\r\n..\r\n...\r\n..x\r\na.\r\n\r\n.\r\n"),
        hear("ARTICLE 5\r\n"),
        say("220 5 <5@x> article\r\nSubject: five\r\n\r\nold\r\n.\r\n"),
        hear("QUIT\r\n"),
        say("205 bye\r\n"),
    ]
}

const LAST_TWO: [&str; 4] = ["{}", "lab.test", "--last", "2"];

#[test]
fn news_shows_the_last_articles_without_their_second_dots() {
    let shown = play("news_client", &LAST_TWO, b"", &news()).succeeds();
    assert_eq!(shown.out, "Subject: dots\n\n.\n..\n.x\na.\n\nSubject: five\n\nold\n");
    assert!(shown.err.contains("2 of the group's articles, which are numbered from 4 to 7"), "{}", shown.err);
    assert_eq!(shown.rest, "");
    let every_byte_alone: Vec<Step> =
        news().into_iter().map(|step| if let Say(bytes) = step { Drip(bytes) } else { step }).collect();
    assert_eq!(play("news_client", &LAST_TWO, b"", &every_byte_alone).succeeds().out, shown.out);
}

#[test]
fn news_lists_the_groups() {
    let script =
        |list: &str| [say("201 read only\r\n"), hear("LIST\r\n"), say(list), hear("QUIT\r\n"), say("205 bye\r\n")];
    let list = "215 list\r\nlab.test 7 4 y\r\n..odd 0 1 n\r\n.\r\n";
    assert_eq!(play("news_client", &["{}"], b"", &script(list)).succeeds().out, "lab.test 7 4 y\n.odd 0 1 n\n");
    // An answer may have no text behind its code, and a block no line.
    assert_eq!(play("news_client", &["{}"], b"", &script("215\r\n.\r\n")).succeeds().out, "");
}

#[test]
fn news_shows_heads_and_an_empty_group() {
    let script = [
        say("200 ready\r\n"),
        hear("GROUP a\r\n"),
        say("211 1 9 9 a\r\n"),
        hear("HEAD 9\r\n"),
        say("221 9 <9@x>\r\nSubject: nine\r\n.\r\n"),
        hear("QUIT\r\n"),
    ];
    // The server may close without a word after QUIT.
    let shown = play("news_client", &["{}", "a", "--show", "head", "--last", "5"], b"", &script).succeeds();
    assert_eq!(shown.out, "Subject: nine\n");
    // RFC 3977 section 6.1.1.2: an empty group's high number is one less than its low one, or all are zero.
    for numbers in ["0 10 9", "0 0 0"] {
        let empty = [say("200 ready\r\n"), hear("GROUP a\r\n"), say(format!("211 {numbers} a\r\n")), hear("QUIT\r\n")];
        assert!(play("news_client", &["{}", "a"], b"", &empty).succeeds().err.contains("0 of the group's articles"));
    }
}

#[test]
fn news_refused_at_every_step_says_what_was_asked_and_answered() {
    let turns = [
        (0, "502 go away", "we connected"),
        (1, "411 no such group", "we sent \"GROUP lab.test\""),
        (1, "211 many", "we sent \"GROUP lab.test\""),
        (1, "2110 1 1 1 lab.test", "we sent \"GROUP lab.test\""),
        (2, "480 who are you?", "we sent \"ARTICLE 7\""),
        (3, "221 6 <6@x> a head", "we sent \"ARTICLE 6\""),
        (4, "400 I am closing down", "we sent \"ARTICLE 5\""),
    ];
    for (turn, answer, asked) in turns {
        let script = instead_of(&news(), turn, &[say(format!("{answer}\r\n")), hear("QUIT\r\n")]);
        play("news_client", &LAST_TWO, b"", &script).fails(&[asked, &format!("\"{answer}\"")]);
    }
    // What came before a refusal was shown.
    let late = instead_of(&news(), 4, &[say("500 what?\r\n")]);
    assert!(play("news_client", &LAST_TWO, b"", &late).fails(&[]).out.starts_with("Subject: dots\n"));
}

#[test]
fn news_meets_its_limit_wherever_the_server_falls_silent() {
    let arguments = [&LAST_TWO[..], &["--limit", "0.3"]].concat();
    let asked = ["we connected", "GROUP lab.test", "ARTICLE 7", "ARTICLE 6", "ARTICLE 5"];
    for (turn, asked) in asked.iter().enumerate() {
        for before in ["", "22", "220 5 <5@x> article\r\nhalf\r\nan art"] {
            // The greeting and the answer to GROUP have no second line.
            if before.len() > 2 && turn < 3 {
                continue;
            }
            let script = instead_of(&news(), turn, &[say(before), Silence]);
            let outcome = play("news_client", &arguments, b"", &script).fails(&[asked, "within 300ms"]);
            assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
            assert_eq!(outcome.rest, "QUIT\r\n", "goodbye, also to a silent server");
        }
    }
}

#[test]
fn news_is_not_held_by_lines_that_never_end_in_a_dot() {
    let script = instead_of(&news(), 3, &[Drip(format!("220 6\r\n{}", "x\r\n".repeat(9000)).into_bytes())]);
    let arguments = [&LAST_TWO[..], &["--limit", "0.3"]].concat();
    let outcome = play("news_client", &arguments, b"", &script).fails(&["ARTICLE 6", "not whole within 300ms"]);
    assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
    let script = instead_of(&news(), 3, &[say("220 6\r\n"), Pour("x\r\n")]);
    let outcome = play("news_client", &arguments, b"", &script).fails(&["ARTICLE 6", "within 300ms"]);
    assert!(outcome.took < Duration::from_secs(3), "{:?}", outcome.took);
    let endless = "one line after the other\r\n".repeat(1 << 20);
    let script = instead_of(&news(), 3, &[say(format!("220 6\r\n{endless}"))]);
    play("news_client", &LAST_TWO, b"", &script).fails(&["ARTICLE 6", "longer than 16777216 bytes"]);
}

#[test]
fn news_says_where_the_server_closed() {
    for (turn, asked) in ["we connected", "GROUP lab.test", "ARTICLE 7", "ARTICLE 6", "ARTICLE 5"].iter().enumerate() {
        play("news_client", &LAST_TWO, b"", &instead_of(&news(), turn, &[])).fails(&[asked, "the server closed"]);
        play("news_client", &LAST_TWO, b"", &instead_of(&news(), turn, &[say("2")])).fails(&[asked, "in the middle"]);
    }
    let half = instead_of(&news(), 3, &[say("220 6 <6@x>\r\nSubject: dots\r\n..\r\n")]);
    let outcome =
        play("news_client", &LAST_TWO, b"", &half).fails(&["ARTICLE 6", "closed before its answer was whole"]);
    assert_eq!(outcome.out, "", "half an article is none");
    let mut killed = news();
    killed.truncate(5);
    killed.push(Reset);
    play("news_client", &LAST_TWO, b"", &killed).fails(&["ARTICLE 6", "vanished"]);
}

#[test]
fn news_takes_no_bad_argument() {
    for (arguments, because) in [
        (&[][..], "one or two arguments"),
        (&["127.0.0.1:1", "a", "b"], "one or two arguments"),
        (&["127.0.0.1:1", "a\r\nPOST"], "no name of a group"),
        (&["127.0.0.1:1", "a\nPOST"], "no name of a group"),
        (&["127.0.0.1:1", "a b"], "no name of a group"),
        (&["127.0.0.1:1", ""], "no name of a group"),
        (&["127.0.0.1"], "is no address"),
        (&["127.0.0.1:1", "--last", "-1"], "not a number of articles"),
        (&["127.0.0.1:1", "--show", "body"], "use article or head"),
        (&["127.0.0.1:1", "--limit", "0"], "not a number of seconds"),
        (&["127.0.0.1:1", "--limit", "soon"], "not a number of seconds"),
        (&["127.0.0.1:1", "--limit", "-1"], "not a number of seconds"),
        (&["127.0.0.1:1", "--port", "1"], "invalid option '--port'"),
    ] {
        is_refused_as_argument("news_client", arguments, because);
    }
}

// --- HTTP ----------------------------------------------------------------------------------------

const URL: [&str; 1] = ["http://{}/page?x=1#part"];

fn http(answer: impl AsRef<[u8]>) -> Vec<Step> {
    let request = "GET /page?x=1 HTTP/1.1\r\nHost: {}\r\nUser-Agent: socklab\r\nConnection: close\r\n\r\n";
    vec![hear(request), say(answer)]
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n\
    5\r\nHello\r\n0a;name=\"v\"\r\n\r\n\r\n World\r\n2\r\n\r\n\r\n1 \r\n!\r\n000\r\nSum: 18\r\n\r\n";
const LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-length:  18\r\nContent-Length: 18\r\n\r\nHello\r\n\r\n World\r\n!";
const TO_THE_END: &str = "HTTP/1.1 200\r\n\r\nHello\r\n\r\n World\r\n!";
const BODY: &str = "Hello\r\n\r\n World\r\n!";

#[test]
fn http_gets_the_same_body_in_every_framing_and_every_cut() {
    for answer in [CHUNKED, LENGTH, TO_THE_END] {
        let got = play("http_get", &URL, b"", &http(answer)).succeeds();
        assert_eq!(got.out, BODY, "{answer:?}");
        assert_eq!(got.rest, "");
        assert_eq!(
            play("http_get", &URL, b"", &[Drip(answer.into())]).succeeds().out,
            BODY,
            "{answer:?}, byte by byte"
        );
        for cut in 1..answer.len() {
            let pieces = [say(&answer[..cut]), Drip(answer.as_bytes()[cut..=cut].to_vec()), say(&answer[cut + 1..])];
            assert_eq!(play("http_get", &URL, b"", &pieces).succeeds().out, BODY, "{answer:?} cut at {cut}");
        }
    }
}

#[test]
fn http_never_takes_a_part_for_the_whole() {
    let body_begins = |answer: &str| answer.find("\r\n\r\n").unwrap() + 4;
    for answer in [CHUNKED, LENGTH] {
        for cut in 0..answer.len() {
            let because = match cut {
                0 => "closed without an answer",
                cut if cut < body_begins(answer) => "closed in the middle of the head",
                _ => "the body was cut short",
            };
            let outcome = play("http_get", &URL, b"", &http(&answer[..cut])).fails(&["GET /page?x=1", because]);
            assert!(BODY.starts_with(&outcome.out), "what came is shown, and nothing else: {:?}", outcome.out);
        }
    }
    let cut = play("http_get", &URL, b"", &http(&LENGTH[..LENGTH.len() - 3]));
    cut.fails(&["18 bytes were announced, and 15 came"]);
    // Without a length nobody can know, but that is said.
    let whole = play("http_get", &URL, b"", &http(&TO_THE_END[..TO_THE_END.len() - 3])).succeeds();
    assert!(whole.err.contains("15 bytes, to the end of the connection"), "{}", whole.err);
    // A reset is no end.
    play("http_get", &URL, b"", &[say(TO_THE_END), Reset]).fails(&["vanished"]);
}

#[test]
fn http_shows_the_head_apart_from_the_body() {
    let got = play("http_get", &URL, b"", &http(LENGTH)).succeeds();
    assert!(got.err.starts_with("HTTP/1.1 200 OK\ncontent-length:  18\n"), "{}", got.err);
    // Bytes of 8 bits, and one megabyte of them, which is more than a read brings.
    let long: Vec<u8> = (0..1 << 20).map(|number| (number % 251) as u8).collect();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", long.len());
    let command = |address: &str| with(Command::new(example_path("http_get")), [format!("http://{address}")]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = [head.as_bytes(), &long].concat();
    let server = thread::spawn(move || perform(&listener.accept().unwrap().0, "", &[Say(answer)]));
    let (status, out, err) = run("http_get", command(&address), b"", SOON);
    assert!(status.success() && out == long, "{} bytes came\n{err}", out.len());
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nUser-Agent: socklab\r\nConnection: close\r\n\r\n");
    assert_eq!(server.join().unwrap(), request);
}

#[test]
fn http_knows_the_lengths_of_section_6_3() {
    for (answer, body) in [
        // Chunks go before a length.
        ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "x"),
        // What comes behind the length is not the body's.
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", "x"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ("HTTP/1.1 204 No Content\r\n\r\nx", ""),
        ("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x"),
        ("HTTP/1.0 200 OK\r\n\r\nx", "x"),
    ] {
        // It hangs up by itself where it knows the end, and does not wait for the server's.
        let silent = if answer.starts_with("HTTP/1.0") { vec![] } else { vec![Silence] };
        let script = [http(answer), silent].concat();
        assert_eq!(play("http_get", &URL, b"", &script).succeeds().out, body, "{answer:?}");
    }
    for (answer, because) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", "how long"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nxy", "how long"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nxy", "how long"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nxy", "too large"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "gzip, chunked"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "should begin with its length"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "should begin with its length"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", "should begin with its length"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n", "should begin with its length"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\nx", "should begin with its length"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", "longer than its length says"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", "no CR LF"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "\"SSH-2.0-OpenSSH_9.2\", which is not HTTP/1"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "in the middle of the head: \"SSH-2.0-OpenSSH_9.2"),
        ("HTTP/2 200\r\n\r\n", "not HTTP/1"),
        ("HTTP/1.1 OK\r\n\r\n", "not HTTP/1"),
        ("HTTP/1.1\r\n\r\n", "not HTTP/1"),
    ] {
        play("http_get", &URL, b"", &http(answer)).fails(&["we sent \"GET /page?x=1 HTTP/1.1\"", because]);
    }
}

#[test]
fn http_tells_a_refusal_and_a_redirection_from_a_page() {
    let refused = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nSorry";
    let outcome = play("http_get", &URL, b"", &http(refused)).fails(&["GET /page?x=1", "HTTP/1.1 404 Not Found"]);
    assert_eq!(outcome.out, "Sorry");
    let moved = "HTTP/1.1 301 Moved\r\nLocation: http://other.example/\r\nContent-Length: 0\r\n\r\n";
    play("http_get", &URL, b"", &http(moved)).fails(&["status 301", "elsewhere, at \"http://other.example/\""]);
    let not_modified = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
    play("http_get", &URL, b"", &[http(not_modified), vec![Silence]].concat()).fails(&["304 Not Modified"]);
}

#[test]
fn http_meets_its_limit_wherever_the_server_falls_silent() {
    let arguments = ["http://{}/page?x=1", "--limit", "0.3"];
    for answer in [&CHUNKED[..0], &CHUNKED[..30], &CHUNKED[..60], &LENGTH[..LENGTH.len() - 1], TO_THE_END] {
        let script = [http(answer), vec![Silence]].concat();
        let outcome = play("http_get", &arguments, b"", &script).fails(&["GET /page?x=1", "within 300ms"]);
        assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
    }
    let script = [http(TO_THE_END), vec![Pour("x")]].concat();
    let outcome = play("http_get", &arguments, b"", &script).fails(&["within 300ms"]);
    assert!(outcome.took < Duration::from_secs(3), "{:?}", outcome.took);
    for drip in [format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(9000)), format!("{TO_THE_END}{}", "x".repeat(9000))] {
        let outcome = play("http_get", &arguments, b"", &[Drip(drip.into_bytes())]).fails(&["within 300ms"]);
        assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
    }
}

#[test]
fn http_takes_no_bad_argument() {
    for (arguments, because) in [
        (&[][..], "one argument is needed"),
        (&["127.0.0.1:1"], "is no URL"),
        (&["http://127.0.0.1:1/\r\nX: y"], "is no URL"),
        (&["http://127.0.0.1:1/a b"], "is no URL"),
        (&["http://127.0.0.1:1/é"], "is no URL"),
        (&["http:///x"], "after // comes HOST"),
        (&["http://ada:secret@127.0.0.1:1/"], "no user"),
        (&["http://127.0.0.1:x/"], "is no address"),
        (&["https://127.0.0.1:1/", "--root", "/no/such/file"], "/no/such/file"),
        (&["ftp://127.0.0.1:1/"], "the scheme ftp is not known"),
        (&["http://127.0.0.1:1/", "--limit", "0"], "not a number of seconds"),
    ] {
        is_refused_as_argument("http_get", arguments, because);
    }
}

// --- mail ----------------------------------------------------------------------------------------

const TO_BOTH: [&str; 4] = ["{}", "ada@a.example", "bob@b.example", "eve@e.example"];

const MESSAGE: &[u8] = b"Subject: dots\nTo: you\r\n\n.\n..\n.x\nQUIT\nbare\rCR\n\nlast";

fn mail() -> Vec<Step> {
    vec![
        say("220-mail.example\r\n220-is\r\n220 ready\r\n"),
        hear("EHLO [127.0.0.1]\r\n"),
        say("250-mail.example\r\n250-SIZE 99\r\n250 8bitMIME\r\n"),
        hear("MAIL FROM:<ada@a.example>\r\n"),
        say("250 2.1.0 ok\r\n"),
        hear("RCPT TO:<bob@b.example>\r\n"),
        say("250\r\n"),
        hear("RCPT TO:<eve@e.example>\r\n"),
        say("251 will forward\r\n"),
        hear("DATA\r\n"),
        say("354 go on\r\n"),
        hear("Subject: dots\r\nTo: you\r\n\r\n..\r\n...\r\n..x\r\nQUIT\r\nbare\r\nCR\r\n\r\nlast\r\n.\r\n"),
        say("250 taken\r\n"),
        hear("QUIT\r\n"),
        say("221 bye\r\n"),
    ]
}

#[test]
fn mail_speaks_as_the_rfc_has_it() {
    let sent = play("mail_send", &TO_BOTH, MESSAGE, &mail()).succeeds();
    assert_eq!((sent.rest.as_str(), sent.out.as_str(), sent.err.as_str()), ("", "", ""));
    let every_byte_alone: Vec<Step> =
        mail().into_iter().map(|step| if let Say(bytes) = step { Drip(bytes) } else { step }).collect();
    play("mail_send", &TO_BOTH, MESSAGE, &every_byte_alone).succeeds();
    // A line end after the last line is the last line's, and not one more line.
    play("mail_send", &TO_BOTH, &[MESSAGE, b"\n"].concat(), &mail()).succeeds();
    play("mail_send", &TO_BOTH, &[MESSAGE, b"\r\n"].concat(), &mail()).succeeds();
}

#[test]
fn mail_is_sent_when_the_server_has_taken_it_whatever_it_says_to_quit() {
    for goodbye in [&[say("500 what?\r\n")][..], &[], &[Silence], &[Reset]] {
        let mut script = mail();
        script.truncate(13);
        // Not heard, so that there is something unread when the connection is killed.
        script.extend(goodbye.iter().cloned());
        play("mail_send", &TO_BOTH, MESSAGE, &script).succeeds();
    }
}

#[test]
fn mail_refused_at_every_step_says_what_was_asked_and_answered() {
    let turns = [
        (0, "554 no mail here", "we connected"),
        (1, "502 EHLO?", "we sent \"EHLO [127.0.0.1]\""),
        (2, "550 not from you", "we sent \"MAIL FROM:<ada@a.example>\""),
        (3, "354 not yet", "we sent \"RCPT TO:<bob@b.example>\""),
        (5, "451 not now", "we sent \"DATA\""),
        (5, "250 that is not what DATA needs", "we sent \"DATA\""),
        (6, "554 it looks like spam", "we sent the message"),
    ];
    for (turn, answer, asked) in turns {
        let script = instead_of(&mail(), turn, &[say(format!("{answer}\r\n")), hear("QUIT\r\n"), say("221\r\n")]);
        play("mail_send", &TO_BOTH, MESSAGE, &script).fails(&[asked, &format!("\"{answer}\"")]);
    }
    let script = instead_of(&mail(), 2, &[say("550-not\r\n550-from\r\n550 you\r\n"), hear("QUIT\r\n")]);
    play("mail_send", &TO_BOTH, MESSAGE, &script).fails(&["550-not", "550-from", "550 you"]);
}

#[test]
fn mail_goes_to_the_others_when_one_recipient_is_refused() {
    for (turn, refused) in [(3, "bob@b.example"), (4, "eve@e.example")] {
        let mut script = mail();
        let said = 2 * turn;
        assert!(matches!(&script[said], Say(_)));
        script[said] = say("550 no such person\r\n");
        let because = [
            format!("{refused} does not get it: we sent \"RCPT TO:<{refused}>\", and the server answered"),
            "550 no such person".into(),
            "1 of 2 recipients do not get the message".into(),
        ];
        play("mail_send", &TO_BOTH, MESSAGE, &script).fails(&because.each_ref().map(String::as_str));
    }
    let mut nobody = mail();
    nobody.truncate(8);
    nobody[6] = say("450 mailbox busy\r\n");
    nobody.extend([say("550 no\r\n"), hear("QUIT\r\n"), say("221\r\n")]);
    let because = ["bob@b.example does not", "eve@e.example does not", "every recipient was refused"];
    play("mail_send", &TO_BOTH, MESSAGE, &nobody).fails(&because);
}

#[test]
fn mail_meets_its_limit_wherever_the_server_falls_silent() {
    let arguments = [&TO_BOTH[..], &["--limit", "0.3"]].concat();
    let asked = ["we connected", "EHLO", "MAIL FROM", "bob@b", "eve@e", "DATA", "we sent the message"];
    for (turn, asked) in asked.iter().enumerate() {
        for before in ["", "25", "250-first\r\n", "250-first\r\n250"] {
            let script = instead_of(&mail(), turn, &[say(before), Silence]);
            let outcome = play("mail_send", &arguments, MESSAGE, &script).fails(&[asked, "within 300ms"]);
            assert!(outcome.took < Duration::from_secs(5), "{:?}", outcome.took);
        }
    }
    let lines = "250-and\r\n".repeat(3000);
    let script = instead_of(&mail(), 2, &[Drip(lines.clone().into_bytes())]);
    play("mail_send", &arguments, MESSAGE, &script).fails(&["MAIL FROM", "within 300ms"]);
    // At once, and without an end.
    let script = instead_of(&mail(), 2, &[say(lines)]);
    play("mail_send", &arguments, MESSAGE, &script).fails(&["MAIL FROM", "which is no SMTP"]);
}

#[test]
fn mail_says_where_the_server_closed_or_what_it_said_that_is_no_smtp() {
    let asked = ["we connected", "EHLO", "MAIL FROM", "bob@b", "eve@e", "DATA", "we sent the message"];
    for (turn, asked) in asked.iter().enumerate() {
        for (said, because) in [
            ("", "the server closed"),
            ("250-more\r\n", "the server closed"),
            ("250 half", "in the middle"),
            ("HTTP/1.1 400 Bad Request\r\n", "\"HTTP/1.1 400 Bad Request\", which is no SMTP"),
            ("25\r\n", "no SMTP"),
            ("+50 ok\r\n", "no SMTP"),
            ("2500 ok\r\n", "no SMTP"),
            ("\u{e9}\u{e9} ok\r\n", "no SMTP"),
            ("\r\n", "no SMTP"),
        ] {
            let script = instead_of(&mail(), turn, &[say(said)]);
            play("mail_send", &TO_BOTH, MESSAGE, &script).fails(&[asked, because]);
        }
    }
}

#[test]
fn mail_of_8_bits_is_announced_or_not_sent() {
    let mut script = mail();
    script[3] = hear("MAIL FROM:<ada@a.example> BODY=8BITMIME\r\n");
    script[11] = hear("Subject: x\r\n\r\nGrüße\r\n.\r\n");
    play("mail_send", &TO_BOTH, "Subject: x\n\nGrüße\n".as_bytes(), &script).succeeds();
    let script = instead_of(&mail(), 1, &[say("250-mail.example\r\n250 SIZE\r\n"), hear("QUIT\r\n")]);
    play("mail_send", &TO_BOTH, "Subject: x\n\nGrüße\n".as_bytes(), &script).fails(&["8BITMIME", "not ASCII"]);
}

#[test]
fn mail_takes_no_bad_argument_and_no_line_over_the_limit() {
    for (arguments, because) in [
        (&[][..], "are needed"),
        (&["127.0.0.1:1", "a@b"], "a recipient is needed"),
        (&["127.0.0.1:1", "a@b", "c@d>\r\nRCPT TO:<e@f"], "is no mail address"),
        (&["127.0.0.1:1", "a@b\nDATA", "c@d"], "is no mail address"),
        (&["127.0.0.1:1", "a@b>", "c@d"], "is no mail address"),
        (&["127.0.0.1:1", "a@b SIZE=1", "c@d"], "is no mail address"),
        (&["127.0.0.1:1", "a@b", "c"], "is no mail address"),
        (&["127.0.0.1:1", "a@b", "ü@d"], "is no mail address"),
        (&["127.0.0.1", "a@b", "c@d"], "is no address"),
        (&["127.0.0.1:1", "a@b", "c@d", "--limit", "x"], "not a number of seconds"),
        (&["127.0.0.1:1", "a@b", "c@d", "--subject", "x"], "invalid option '--subject'"),
    ] {
        is_refused_as_argument("mail_send", arguments, because);
    }
    let mut script = mail();
    script[11] = hear(&format!("{}\r\n.\r\n", "x".repeat(998)));
    play("mail_send", &TO_BOTH, "x".repeat(998).as_bytes(), &script).succeeds();
    let long = format!("Subject: x\n\n{}\n", "x".repeat(999));
    play("mail_send", &TO_BOTH, long.as_bytes(), &[]).fails(&["line 3 has 999 bytes, and mail allows 998"]);
}

#[test]
fn news_and_mail_have_their_limit_for_each_answer() {
    let slowly = |script: Vec<Step>| -> Vec<Step> {
        let think =
            |step| if matches!(step, Say(_)) { vec![Think(Duration::from_millis(400)), step] } else { vec![step] };
        script.into_iter().flat_map(think).collect()
    };
    let news = play("news_client", &[&LAST_TWO[..], &["--limit", "1.5"]].concat(), b"", &slowly(news())).succeeds();
    let mail = play("mail_send", &[&TO_BOTH[..], &["--limit", "1.5"]].concat(), MESSAGE, &slowly(mail())).succeeds();
    assert!(news.took > Duration::from_millis(1500) && mail.took > Duration::from_millis(1500));
}

// --- all -----------------------------------------------------------------------------------------

#[test]
fn each_of_them_can_be_watched() {
    for (example, arguments, script) in
        [("news_client", &LAST_TWO[..], news()), ("http_get", &URL, http(LENGTH)), ("mail_send", &TO_BOTH, mail())]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server_address = address.clone();
        let server = thread::spawn(move || perform(&listener.accept().unwrap().0, &server_address, &script));
        let mut command =
            with(Command::new(example_path(example)), arguments.iter().map(|word| word.replace("{}", &address)));
        command.env("SOCKLAB_TRACE", "ladder");
        let (status, _, err) = run(example, command, MESSAGE, SOON);
        assert!(status.success(), "{example}: {err}");
        for step in ["connect to", "write", "read", "close"] {
            assert!(err.contains(step), "{example}: no {step}:\n{err}");
        }
        server.join().unwrap();
    }
}
