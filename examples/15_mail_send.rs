//! How does a message get to a mail server?
//!
//! In a conversation of strict turns, SMTP (RFC 5321): the envelope first, one command and one answer for the sender
//! and for each recipient; then the message itself, ended by a dot alone. The envelope is all that the server goes by. What
//! the message says in its own `From:` and `To:` is for the reader, and nobody checks that it is the same.
//!
//!     printf 'Subject: Hello\n\nAnybody there?\n' |
//!         cargo run --example mail_send -- 127.0.0.1:2525 ada@example.net bob@example.net eve@example.net

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Client, Framing, Received, Settings};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const USAGE: &str = "mail_send HOST:PORT FROM TO... [--limit SECONDS]\n\
    Sends the message on standard input, its header fields included, from one address to one or more.\n\
    The limit is for each answer as a whole: a server that looks for viruses may take minutes.";

/// RFC 5322 section 2.1.1, without the CR LF.
const MAX_LINE: usize = 998;

/// Nobody answers at such length, and the server alone decides which line is its last.
const MAX_LINES: usize = 100;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["limit"]);
    let [server, sender, recipients @ ..] = &arguments.words[..] else {
        return Err(format!("a server, a sender and a recipient are needed\n\n{USAGE}").into());
    };
    if recipients.is_empty() {
        return Err(format!("a recipient is needed\n\n{USAGE}").into());
    }
    // An address with a line end in it would be two commands, and one with a > the end of the address.
    for address in arguments.words[1..].iter() {
        if !address.contains('@') || !address.chars().all(|c| c.is_ascii_graphic() && c != '<' && c != '>') {
            return Err(format!("{address:?} is no mail address: write NAME@HOST, in ASCII, without a space").into());
        }
    }
    // All of it before we connect: the server need not wait for a keyboard.
    let mut message = Vec::new();
    io::stdin().lock().read_to_end(&mut message)?;
    let message = on_the_wire(&message)?;

    let limit = arguments.limit("300")?;
    let settings = Settings { framing: Framing::internet_lines(), message_limit: limit, ..Settings::default() };
    let mut mail = Mail { client: Client::connect_with(server, &settings)?, limit, asked: "we connected".to_owned() };
    let delivered = deliver(&mut mail, sender, recipients, &message);
    // Section 4.1.1.10: goodbye, also after a refusal. What the server answers to it changes nothing, for the message
    // has been the server's since its last 250. Close reads to the server's end, and not longer than its limit.
    let _ = mail.client.send("QUIT");
    mail.client.close();
    delivered
}

fn deliver(mail: &mut Mail, sender: &str, recipients: &[String], message: &[u8]) -> Result<(), Failure> {
    // Section 3.1: the server speaks first.
    let greeting = mail.reply()?;
    mail.need(220, greeting)?;
    // Section 4.1.3: a client that has no name on the Internet says its address.
    let hello = match mail.client.local_address()? {
        SocketAddr::V4(address) => format!("EHLO [{}]", address.ip()),
        SocketAddr::V6(address) => format!("EHLO [IPv6:{}]", address.ip()),
    };
    let offers = mail.ask(&hello, 250)?;
    let body = match message.is_ascii() {
        true => "",
        false
            if offers.iter().any(|line| line.get(4..).is_some_and(|offer| offer.eq_ignore_ascii_case("8BITMIME"))) =>
        {
            " BODY=8BITMIME"
        }
        false => return Err(mail.failed("the server does not offer 8BITMIME, and the message is not ASCII (RFC 6152)")),
    };
    mail.ask(&format!("MAIL FROM:<{sender}>{body}"), 250)?;
    let mut refused = 0;
    for recipient in recipients {
        match mail.say(&format!("RCPT TO:<{recipient}>"))? {
            // 251: nobody here, but the server passes it on.
            (250 | 251, _) => {}
            // A refusal is for this recipient alone: 4yz for now, 5yz for good (section 4.2.1).
            (400..=599, lines) => {
                eprintln!("{recipient} does not get it: {}", mail.answered(&lines));
                refused += 1;
            }
            (_, lines) => return Err(mail.answered(&lines).into()),
        }
    }
    if refused == recipients.len() {
        return Err("nobody gets the message: every recipient was refused".into());
    }
    mail.ask("DATA", 354)?;
    // Now lines are no messages any more: the whole text is one, and a dot alone ends it.
    mail.client.set_framing(Framing::Delimiter(b"\r\n.\r\n".to_vec()));
    mail.asked = "we sent the message".to_owned();
    mail.client.send(message).map_err(|error| mail.failed(&error.to_string()))?;
    mail.client.set_framing(Framing::internet_lines());
    let taken = mail.reply()?;
    mail.need(250, taken)?;
    match refused {
        0 => Ok(()),
        _ => Err(format!("{refused} of {} recipients do not get the message, the others do", recipients.len()).into()),
    }
}

/// The message as SMTP carries it: every line ends with CR LF, and a line that begins with a dot gets a second one
/// (section 4.5.2), or the first line that is a dot would end the message, and what follows would be commands.
fn on_the_wire(message: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut wire = Vec::with_capacity(message.len());
    // A CR or LF alone is an end of the line to some servers and not to others, and a dot between two such lines would
    // end the message for some of them only (section 2.3.8). So each is made a CR LF.
    let text = message.strip_suffix(b"\n").unwrap_or(message);
    let lines = text
        .split(|&byte| byte == b'\n')
        .flat_map(|line| line.strip_suffix(b"\r").unwrap_or(line).split(|&byte| byte == b'\r'));
    for (number, line) in lines.enumerate() {
        if line.len() > MAX_LINE {
            return Err(format!("line {} has {} bytes, and mail allows {MAX_LINE}", number + 1, line.len()).into());
        }
        wire.extend_from_slice(if number > 0 { b"\r\n" } else { b"" });
        wire.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
        wire.extend_from_slice(line);
    }
    Ok(wire)
}

/// A conversation with a mail server, and what we said last.
struct Mail {
    client: Client,
    limit: Duration,
    asked: String,
}

impl Mail {
    fn ask(&mut self, command: &str, code: u16) -> Result<Vec<String>, Failure> {
        let reply = self.say(command)?;
        self.need(code, reply)
    }

    fn say(&mut self, command: &str) -> Result<(u16, Vec<String>), Failure> {
        self.asked = format!("we sent {command:?}");
        self.client.send(command).map_err(|error| self.failed(&error.to_string()))?;
        self.reply()
    }

    /// One answer, of one line or more: `250-` says that another follows, `250 ` that this is the last (section 4.2.1).
    fn reply(&mut self) -> Result<(u16, Vec<String>), Failure> {
        // One deadline for all its lines: with a limit for each, a server that drips lines holds us for ever.
        let answer_by = Instant::now() + self.limit;
        let mut lines = Vec::new();
        loop {
            let left = answer_by.saturating_duration_since(Instant::now());
            let line = match self.client.receive_within(left) {
                Ok(Received::Message(line)) => String::from_utf8_lossy(&line).into_owned(),
                Ok(Received::Closed) => return Err(self.failed("the server closed before its answer was whole")),
                Ok(_) => return Err(self.failed(&format!("the answer was not whole within {:?}", self.limit))),
                Err(error) => return Err(self.failed(&error.to_string())),
            };
            let code = line.get(..3).and_then(|digits| digits.parse().ok()).filter(|code| (200..600).contains(code));
            let after_code = line.as_bytes().get(3).copied();
            lines.push(line);
            match (code, after_code) {
                (Some(code), None | Some(b' ')) => return Ok((code, lines)),
                (Some(_), Some(b'-')) if lines.len() < MAX_LINES => {}
                _ => return Err(format!("{}, which is no SMTP", self.answered(&lines)).into()),
            }
        }
    }

    /// The lines of the answer that the order of the protocol needs here, or an error.
    fn need(&self, code: u16, (answered, lines): (u16, Vec<String>)) -> Result<Vec<String>, Failure> {
        if answered == code { Ok(lines) } else { Err(self.answered(&lines).into()) }
    }

    fn answered(&self, lines: &[String]) -> String {
        format!("{}, and the server answered {:?}", self.asked, lines.join("\n"))
    }

    fn failed(&self, what: &str) -> Failure {
        format!("{}: {what}", self.asked).into()
    }
}
