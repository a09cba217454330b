//! Wrong on purpose: one text for all answers, which is never cleared.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::{env, process, thread};

fn open(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn ask(mut stream: &TcpStream, asked: Sender<String>) -> io::Result<()> {
    for question in io::stdin().lines() {
        let question = question?;
        let message = format!("{question}\n");
        if asked.send(question).is_err() {
            break;
        }
        stream.write_all(message.as_bytes())?;
    }
    Ok(())
}

fn print(stream: TcpStream, unanswered: Receiver<String>) {
    let mut answers = BufReader::new(stream);
    let mut answer = String::new();
    for question in unanswered {
        let result = answers.read_line(&mut answer);
        match (result, answer.strip_suffix('\n')) {
            (Ok(_), Some(answer)) => println!("{question}: {answer}"),
            _ => {
                eprintln!("the server has not answered {question:?}");
                process::exit(1);
            }
        }
    }
}

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let stream = open(port)?;
    let answers = stream.try_clone()?;
    let (asked, unanswered) = mpsc::channel();
    let printer = thread::spawn(move || print(answers, unanswered));
    ask(&stream, asked)?;
    if printer.join().is_err() {
        process::exit(1);
    }
    Ok(())
}
