//! How does one talk to a server that somebody else wrote?
//!
//! By its specification. NNTP (RFC 3977) fixes who speaks when: the server greets; each command is a line; each answer
//! begins with a line of three digits, and for some commands a block of lines follows, ended by a dot alone. A client
//! that expects a block where none comes waits for ever, and one that expects none takes the block's first line for the
//! answer to its next command.
//!
//!     cargo run --example news_client -- news.example.net:119
//!     cargo run --example news_client -- news.example.net:119 comp.lang.misc --last 3 --show head

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Client, Framing, Received, Settings};
use std::io::{self, Write};
use std::time::{Duration, Instant};

const USAGE: &str = "news_client HOST:PORT [GROUP] [--last COUNT] [--show article|head] [--limit SECONDS]\n\
    Lists the groups of a news server, or shows the last articles of one group, the newest first.\n\
    The limit is for each answer as a whole.";

/// The longest block that we keep in memory: the server alone decides when the dot comes.
const MAX_BLOCK: usize = 16 * 1024 * 1024;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["last", "show", "limit"]);
    let limit = arguments.limit("60")?;
    let last = arguments.option("last", "1");
    let last = last.parse().map_err(|_| format!("--last {last} is not a number of articles"))?;
    let (show, code) = match arguments.option("show", "article").as_str() {
        "article" => ("ARTICLE", "220"),
        "head" => ("HEAD", "221"),
        other => return Err(format!("--show {other} is not known: use article or head").into()),
    };
    let (server, group) = match &arguments.words[..] {
        [server] => (server, None),
        [server, group] => (server, Some(group)),
        words => return Err(format!("one or two arguments are needed, not {}\n\n{USAGE}", words.len()).into()),
    };
    // A name with a line end in it would be two commands, and the second one somebody else's.
    if let Some(group) = group.filter(|group| group.is_empty() || !group.chars().all(|c| c.is_ascii_graphic())) {
        return Err(format!("{group:?} is no name of a group: letters, digits and signs, and no space").into());
    }

    let settings = Settings { framing: Framing::internet_lines(), message_limit: limit, ..Settings::default() };
    let client = Client::connect_with(server, &settings)?;
    let mut news = News { client, limit, answer_by: Instant::now() + limit, asked: "we connected".to_owned() };
    // Section 5.1: the server speaks first. 200 invites us to post, 201 to read only.
    let shown = news.reply(&["200", "201"]).and_then(|_| match group {
        None => list(&mut news),
        Some(group) => articles(&mut news, group, last, show, code),
    });
    // Section 5.4: goodbye, also after a refusal. Whatever it answers to that, we have what we came for: close reads
    // to the server's end, and not longer than its limit.
    let _ = news.client.send("QUIT");
    news.client.close();
    shown
}

fn list(news: &mut News) -> Result<(), Failure> {
    news.ask("LIST", &["215"])?;
    print(&news.block()?)
}

fn articles(news: &mut News, group: &str, count: u64, show: &str, code: &str) -> Result<(), Failure> {
    // Section 6.1.1: "211 number low high group", where the number is an estimate.
    let reply = news.ask(&format!("GROUP {group}"), &["211"])?;
    let numbers: Vec<u64> = reply.split(' ').skip(1).take(3).map_while(|word| word.parse().ok()).collect();
    let &[_, low, high] = &numbers[..] else {
        return Err(news.failed(&format!("the answer {reply:?} lacks its three numbers")));
    };
    let mut shown = 0;
    for number in (low.max(1)..=high).rev() {
        if shown == count {
            break;
        }
        // 423: cancelled or expired. Numbers have gaps, and the high one may be gone itself.
        let reply = news.ask(&format!("{show} {number}"), &[code, "423"])?;
        if reply.starts_with(code) {
            print(&news.block()?)?;
            shown += 1;
        }
    }
    eprintln!("{shown} of the group's articles, which are numbered from {low} to {high}");
    Ok(())
}

/// A conversation with a news server, and where it stands: what we said last, and until when the answer is due.
struct News {
    client: Client,
    limit: Duration,
    answer_by: Instant,
    asked: String,
}

impl News {
    fn ask(&mut self, command: &str, expected: &[&str]) -> Result<String, Failure> {
        self.asked = format!("we sent {command:?}");
        self.client.send(command).map_err(|error| self.failed(&error.to_string()))?;
        self.answer_by = Instant::now() + self.limit;
        self.reply(expected)
    }

    /// The first line of an answer. What it means is in its three digits; the text is for people (section 3.2).
    fn reply(&mut self, expected: &[&str]) -> Result<String, Failure> {
        let line = String::from_utf8_lossy(&self.line()?).into_owned();
        if expected.iter().any(|code| line.strip_prefix(code).is_some_and(|rest| !rest.starts_with(|c| c != ' '))) {
            return Ok(line);
        }
        Err(self.failed(&format!("the server answered {line:?}, where we need {}", expected.join(" or "))))
    }

    /// The lines after an answer, up to the dot (section 3.1.1).
    fn block(&mut self) -> Result<Vec<u8>, Failure> {
        let mut block = Vec::new();
        loop {
            let line = self.line()?;
            if line == b"." {
                return Ok(block);
            }
            // A line that began with a dot got a second one on its way, or it could have been taken for the end.
            block.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            block.push(b'\n');
            if block.len() > MAX_BLOCK {
                return Err(self.failed(&format!("the answer is longer than {MAX_BLOCK} bytes")));
            }
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Failure> {
        // One deadline for the whole answer: with a limit for each line, a server that drips lines holds us for ever.
        let left = self.answer_by.saturating_duration_since(Instant::now());
        match self.client.receive_within(left) {
            Ok(Received::Message(line)) if !left.is_zero() => Ok(line),
            Ok(Received::Message(_) | Received::Nothing) => {
                Err(self.failed(&format!("the answer was not whole within {:?}", self.limit)))
            }
            Ok(Received::Closed) => Err(self.failed("the server closed before its answer was whole")),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    fn failed(&self, what: &str) -> Failure {
        format!("{}: {what}", self.asked).into()
    }
}

fn print(block: &[u8]) -> Result<(), Failure> {
    Ok(io::stdout().lock().write_all(block)?)
}
