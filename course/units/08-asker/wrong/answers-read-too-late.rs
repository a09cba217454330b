//! Wrong on purpose: asks everything first, and reads the answers afterwards.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::{env, process};

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut questions = Vec::new();
    for question in io::stdin().lines() {
        let question = question?;
        stream.write_all(format!("{question}\n").as_bytes())?;
        questions.push(question);
    }
    for question in &questions {
        print(question, &mut answers)?;
    }
    Ok(())
}

fn print(question: &str, answers: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    let Some(answer) = answer.strip_suffix('\n') else { process::exit(1) };
    println!("{question}: {answer}");
    Ok(())
}
