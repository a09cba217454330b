//! Wrong on purpose: takes the words where the numbers ought to be, whatever the three digits say.

use std::env;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("first-client: {error}");
            ExitCode::FAILURE
        }
    }
}

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
    TcpStream::connect(("127.0.0.1", port))
}

fn reply(server: &mut BufReader<&TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    server.read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.strip_suffix('\r').unwrap_or(line).to_owned()),
        None => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed before its reply was whole")),
    }
}

fn echo(mut stream: &TcpStream) -> io::Result<()> {
    let mut server = BufReader::new(stream);
    for line in io::stdin().lock().lines() {
        let line = line?;
        stream.write_all(format!("{line}\n").as_bytes())?;
        println!("{}", reply(&mut server)?);
    }
    Ok(())
}

fn news(stream: &TcpStream, group: &str) -> io::Result<()> {
    let mut server = BufReader::new(stream);
    let greeting = reply(&mut server)?;
    if !greeting.starts_with("200 ") && !greeting.starts_with("201 ") {
        return Err(refused(&greeting));
    }
    let answer = ask(stream, &mut server, &format!("GROUP {group}"))?;
    let words: Vec<&str> = answer.split_whitespace().collect();
    let result = match words[..] {
        [_, count, first, last, ..] => Ok(format!("{count} articles, {first} to {last}")),
        _ => Err(refused(&answer)),
    };
    ask(stream, &mut server, "QUIT")?;
    println!("{}", result?);
    Ok(())
}

fn ask(mut stream: &TcpStream, server: &mut BufReader<&TcpStream>, command: &str) -> io::Result<String> {
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    reply(server)
}

fn refused(answer: &str) -> io::Error {
    io::Error::other(format!("the server said: {answer}"))
}
