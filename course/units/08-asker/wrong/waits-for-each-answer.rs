//! Wrong on purpose: asks the next question when the one before has been answered.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::{env, process};

fn open(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn ask(mut stream: &TcpStream) -> io::Result<()> {
    let mut answers = BufReader::new(stream);
    for question in io::stdin().lines() {
        let question = question?;
        let message = format!("{question}\n");
        stream.write_all(message.as_bytes())?;
        let mut answer = String::new();
        let result = answers.read_line(&mut answer);
        match (result, answer.strip_suffix('\n')) {
            (Ok(_), Some(answer)) => println!("{question}: {answer}"),
            _ => {
                eprintln!("the server has not answered {question:?}");
                process::exit(1);
            }
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let stream = open(port)?;
    ask(&stream)
}
