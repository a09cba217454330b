//! Wrong on purpose: one thread goes round all clients, and reads a line from whoever has said something.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

struct Client {
    lines: BufReader<TcpStream>,
    name: String,
}

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    let mut board = Vec::new();
    let mut clients: Vec<Client> = Vec::new();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            clients.push(Client { lines: BufReader::new(stream), name: "nobody".to_owned() });
        }
        clients.retain_mut(|client| serve(client, &mut board).is_ok());
        thread::sleep(Duration::from_millis(1));
    }
}

fn serve(client: &mut Client, board: &mut Vec<String>) -> io::Result<()> {
    client.lines.get_ref().set_nonblocking(true)?;
    match client.lines.fill_buf() {
        Ok([]) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
        Err(error) => return Err(error),
    }
    client.lines.get_ref().set_nonblocking(false)?;
    let mut line = String::new();
    client.lines.read_line(&mut line)?;
    let answer = answer(line.trim_end(), &mut client.name, board);
    client.lines.get_mut().write_all(answer.as_bytes())
}

fn answer(line: &str, name: &mut String, board: &mut Vec<String>) -> String {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("name", new) => {
            *name = new.to_owned();
            "ok\n".to_owned()
        }
        ("put", text) => {
            board.push(format!("{name}: {text}"));
            "ok\n".to_owned()
        }
        ("list", _) => board.iter().map(|note| format!("{note}\n")).collect::<String>() + "end\n",
        _ => "error unknown command\n".to_owned(),
    }
}
