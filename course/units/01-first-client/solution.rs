//! A client of an echo server, and of a news server that somebody else wrote. std::net alone.
//!
//!     first-client PORT                sends each line of standard input, and prints the reply
//!     first-client PORT news GROUP     asks a news server how many articles the group has
//!
//! Both protocols are in unit.md.

use std::env;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::process::ExitCode;

// ANCHOR: ending
/// Who starts a program learns by its exit code whether it worked; people read why on standard error.
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("first-client: {error}");
            ExitCode::FAILURE
        }
    }
}
// ANCHOR_END: ending

fn run() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let port: u16 = words.first().and_then(|text| text.parse().ok()).unwrap_or(7000);
    let stream = connect(port)?;
    match words.get(2) {
        None => echo(&stream),
        Some(group) => news(&stream, group),
    }
}

fn connect(port: u16) -> io::Result<TcpStream> {
    // HOLE Connect to `port` of 127.0.0.1, which is this machine.
    // Blocks until the other system has answered: yes (SYN, ACK), no (RST), or nothing, for about two minutes.
    TcpStream::connect(("127.0.0.1", port))
    // END
}

/// One line from the server, without its ending. It reads as often as it takes until the line feed is there.
fn reply(server: &mut BufReader<&TcpStream>) -> io::Result<String> {
    // HOLE Read a line from `server`, and return it without its LF or CR LF, and with all else that is in it.
    //  If the server closes before the line is whole, return an error of kind UnexpectedEof.
    // A new text for each reply: `read_line` puts what it reads behind what is there.
    let mut line = String::new();
    server.read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.strip_suffix('\r').unwrap_or(line).to_owned()),
        // No line feed, so this is the end of the stream, and what came before it is no reply.
        None => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed before its reply was whole")),
    }
    // END
}

/// The client speaks first, and the two take turns.
fn echo(mut stream: &TcpStream) -> io::Result<()> {
    let mut server = BufReader::new(stream);
    for line in io::stdin().lock().lines() {
        let line = line?;
        // HOLE Send `line` with a line feed. Then wait for the reply, and print it.
        // `lines` has taken the line feed away, and the server waits for it.
        stream.write_all(format!("{line}\n").as_bytes())?;
        println!("{}", reply(&mut server)?);
        // END
    }
    // Here the stream's owner drops it, and that closes the connection.
    Ok(())
}

/// The server speaks first (RFC 3977 section 5.1), and then the two take turns.
fn news(stream: &TcpStream, group: &str) -> io::Result<()> {
    let mut server = BufReader::new(stream);
    // HOLE Wait for the greeting: 200 or 201; any other is an error (`refused`). Ask for the group with `ask`.
    //  If the answer begins with 211, print "COUNT articles, FIRST to LAST"; else it is an error.
    //  Either way take your leave with QUIT, and wait for the answer, before you return.
    let greeting = reply(&mut server)?;
    if !greeting.starts_with("200 ") && !greeting.starts_with("201 ") {
        return Err(refused(&greeting));
    }
    let answer = ask(stream, &mut server, &format!("GROUP {group}"))?;
    // "211 count first last group" (section 6.1.1). The three digits are for programs, the text after them for people.
    let words: Vec<&str> = answer.split_whitespace().collect();
    let result = match words[..] {
        ["211", count, first, last, ..] => Ok(format!("{count} articles, {first} to {last}")),
        _ => Err(refused(&answer)),
    };
    // A refusal is no reason to leave without a word: `?` has to wait until the leave is taken.
    ask(stream, &mut server, "QUIT")?;
    println!("{}", result?);
    Ok(())
    // END
}

/// Sends a command and waits for its answer.
fn ask(mut stream: &TcpStream, server: &mut BufReader<&TcpStream>, command: &str) -> io::Result<String> {
    // HOLE Send `command`. In this protocol a line ends with CR LF. Then return the reply.
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    reply(server)
    // END
}

fn refused(answer: &str) -> io::Error {
    io::Error::other(format!("the server said: {answer}"))
}
