//! Asker: puts questions to a server and lets none of them wait, std::net alone.
//!
//! Each line of standard input is a question; each answer is printed behind its question: "apple: red". The protocol is in
//! unit.md.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::{env, process, thread};

fn open(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    // HOLE What else does this connection need? Nothing at first: the check will say when it does.
    // Else a second small question waits until the first one's segment has been acknowledged (RFC 9293 section 3.7.4).
    stream.set_nodelay(true)?;
    // END
    Ok(stream)
}

fn ask(mut stream: &TcpStream, asked: Sender<String>) -> io::Result<()> {
    for question in io::stdin().lines() {
        let question = question?;
        // HOLE Send the question as one line, at once, and let the printer know of it through `asked`.
        // One message, one write: its line feed does not become a segment of its own.
        let message = format!("{question}\n");
        // The printer is told first: the answer may be here before this thread comes back from its write. (This printer
        // would wait for the question then. One that looks for it when the answer has come would find none.)
        if asked.send(question).is_err() {
            break;
        }
        stream.write_all(message.as_bytes())?;
        // END
    }
    Ok(())
}

/// Ends when every question has been answered and none can come any more: `asked` is gone then.
fn print(stream: TcpStream, unanswered: Receiver<String>) {
    // HOLE For each question, in the order of the asking, read the next line, and print "question: answer".
    //  If the server closes before it has answered: say so on standard error, and end the program with exit code 1.
    // One reader for the whole connection: it may hold the beginning of the next answer already.
    let mut answers = BufReader::new(stream);
    for question in unanswered {
        let mut answer = String::new();
        let result = answers.read_line(&mut answer);
        match (result, answer.strip_suffix('\n')) {
            (Ok(_), Some(answer)) => println!("{question}: {answer}"),
            _ => {
                eprintln!("the server has not answered {question:?}");
                // The other thread may be waiting for standard input, and nothing wakes it from there.
                process::exit(1);
            }
        }
    }
    // END
}

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let stream = open(port)?;
    // One connection has two directions, and here each has a thread: this one waits for the next question, the other one for
    // the next answer. Neither waits for the other.
    let answers = stream.try_clone()?;
    // What was asked and is not yet answered, in the order in which it was asked.
    let (asked, unanswered) = mpsc::channel();
    let printer = thread::spawn(move || print(answers, unanswered));
    ask(&stream, asked)?;
    // HOLE Standard input has ended, and some answers are still on their way. See to it that they are printed.
    // A program ends when `main` does, whatever its other threads are doing.
    if printer.join().is_err() {
        process::exit(1);
    }
    // END
    Ok(())
}
