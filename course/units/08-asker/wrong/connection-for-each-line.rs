//! Wrong on purpose: a connection for each question, so that none waits for another.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::{env, process, thread};

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let mut printers = Vec::new();
    for question in io::stdin().lines() {
        let question = question?;
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.write_all(format!("{question}\n").as_bytes())?;
        printers.push(thread::spawn(move || print(&question, stream)));
    }
    if printers.into_iter().any(|printer| printer.join().is_err()) {
        process::exit(1);
    }
    Ok(())
}

fn print(question: &str, stream: TcpStream) {
    let mut answer = String::new();
    let result = BufReader::new(stream).read_line(&mut answer);
    match (result, answer.strip_suffix('\n')) {
        (Ok(_), Some(answer)) => println!("{question}: {answer}"),
        _ => {
            eprintln!("the server has not answered {question:?}");
            process::exit(1);
        }
    }
}
