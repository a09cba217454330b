//! Wrong on purpose: takes what one read brings for whole answers.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
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

fn print(mut stream: TcpStream, unanswered: Receiver<String>) {
    let mut buffer = [0; 4096];
    let mut answers: VecDeque<String> = VecDeque::new();
    for question in unanswered {
        if answers.is_empty() {
            let count = stream.read(&mut buffer).unwrap_or(0);
            answers.extend(String::from_utf8_lossy(&buffer[..count]).lines().map(str::to_owned));
        }
        match answers.pop_front() {
            Some(answer) => println!("{question}: {answer}"),
            None => {
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
