//! What does one client's context keep from another's?
//!
//! Each session opens a connection of its own to one and the same database when it connects, and it is closed when the
//! session ends: the "own database context" of a WebSocket server in WLanguage. In such a connection live a basket (a
//! temporary table, which SQLite shows to its own connection only) and a transaction that is not committed yet. Nobody else
//! sees either. What is committed all see, for the database itself is shared.
//!
//! A counter in the session's context and one in the service's show the same for plain variables.
//!
//!     cargo run -p contexts                               two clients of our own show it
//!     cargo run -p contexts -- --listen 127.0.0.1:9002    and a server to try it with: put WORD, basket, buy, sold, count

use rusqlite::Connection as Database;
use socklab::websocket::{
    Application, Limits, Message, MessageRef, Received, Refusal, Request, Session, SessionHandle, WebSocket,
    WebSocketServer,
};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

/// What all sessions share: only the way to the database, and that never changes.
struct Shop {
    database: PathBuf,
}

/// What belongs to one session.
struct Customer {
    database: Database,
    words: u32,
}

/// What belongs to the service.
#[derive(Default)]
struct Till {
    bought: usize,
}

impl Application for Shop {
    type Session = Customer;
    type Service = Till;

    fn connected(&self, _request: &Request<'_>, _session: &SessionHandle<Shop>) -> Result<Customer, Refusal> {
        let open = || -> rusqlite::Result<Database> {
            let database = Database::open(&self.database)?;
            database.busy_timeout(Duration::from_secs(2))?;
            database.execute_batch(
                "CREATE TABLE IF NOT EXISTS sold (word TEXT NOT NULL); CREATE TEMP TABLE basket (word TEXT NOT NULL);",
            )?;
            Ok(database)
        };
        // A client is not let into a shop whose till does not open, and is told so.
        let database = open().map_err(|error| Refusal::new(503, format!("the database does not open: {error}")))?;
        Ok(Customer { database, words: 0 })
    }

    fn message(&self, customer: &mut Customer, message: MessageRef<'_>, session: &mut Session<'_, Shop>) {
        let MessageRef::Text(text) = message else { return session.text("only text is understood here") };
        customer.words += 1;
        let answer = match text.split_once(' ').unwrap_or((text, "")) {
            ("put", word) if !word.is_empty() => customer.put(word),
            ("basket", _) => customer.list("SELECT word FROM basket ORDER BY rowid"),
            ("sold", _) => customer.list("SELECT word FROM sold ORDER BY rowid"),
            ("buy", _) => customer.buy(session),
            ("count", _) => {
                let bought = session
                    .server()
                    .execute_in_service_and_wait(Duration::from_secs(1), |till: &mut Till| till.bought)
                    .map_or_else(|why| why.to_string(), |bought| bought.to_string());
                Ok(format!("{} requests in this session, {bought} words bought in the whole shop", customer.words))
            }
            _ => Ok("put WORD, basket, buy, sold, count".to_owned()),
        };
        session.text(&answer.unwrap_or_else(|error| format!("the database refused: {error}")));
    }
}

impl Customer {
    fn put(&self, word: &str) -> rusqlite::Result<String> {
        self.database.execute("INSERT INTO basket VALUES (?1)", [word])?;
        Ok(format!("{word} is in the basket"))
    }

    fn list(&self, query: &str) -> rusqlite::Result<String> {
        let mut statement = self.database.prepare(query)?;
        let words: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(if words.is_empty() { "nothing".to_owned() } else { words.join(", ") })
    }

    /// From the basket, which is ours, to what is sold, which is everybody's: both or neither.
    fn buy(&mut self, session: &Session<'_, Shop>) -> rusqlite::Result<String> {
        let transaction = self.database.transaction()?;
        let bought = transaction.execute("INSERT INTO sold SELECT word FROM basket", [])?;
        transaction.execute("DELETE FROM basket", [])?;
        transaction.commit()?;
        // The till lies in the service's context: we cannot reach in, we can only ask for it to be done there.
        session.server().execute_in_service(move |till| till.bought += bought).unwrap_or_default();
        Ok(format!("{bought} bought"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, shows) = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ("127.0.0.1:0", true),
        ["--listen", address] => (*address, false),
        _ => return Err("contexts [--listen ADDR:PORT]".into()),
    };
    let database = std::env::temp_dir().join(format!("socklab-contexts-{}.sqlite", std::process::id()));
    let limits = Limits::default();
    let server = WebSocketServer::bind(address, Shop { database: database.clone() }, Till::default(), limits)?;
    println!("listening on {}", server.local_address());
    if !shows {
        server.run()?;
        return Ok(());
    }

    let (url, handle) = (format!("ws://{}/", server.local_address()), server.handle());
    let running = std::thread::spawn(move || server.run());
    let shown = show(&url);
    handle.stop();
    running.join().map_err(|_| "the server panicked")??;
    std::fs::remove_file(&database)?;
    shown
}

/// Two clients in one shop.
fn show(url: &str) -> Result<(), Box<dyn Error>> {
    let (mut ada, mut bob) = (WebSocket::connect(url)?, WebSocket::connect(url)?);
    for (name, who, request) in [
        ("ada", 0, "put apples"),
        ("ada", 0, "basket"),
        ("bob", 1, "basket"),
        ("bob", 1, "put pears"),
        ("ada", 0, "buy"),
        ("ada", 0, "basket"),
        ("bob", 1, "basket"),
        ("bob", 1, "sold"),
        ("ada", 0, "count"),
        ("bob", 1, "count"),
    ] {
        let socket = if who == 0 { &mut ada } else { &mut bob };
        socket.send_text(request)?;
        match socket.receive()? {
            Received::Message(Message::Text(answer)) => println!("{name}: {request:<12} {answer}"),
            other => return Err(format!("{other:?}").into()),
        }
    }
    ada.close();
    bob.close();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basket_is_its_owners_and_what_is_sold_is_everybodys() {
        let database = std::env::temp_dir().join(format!("socklab-contexts-test-{}.sqlite", std::process::id()));
        let shop = Shop { database: database.clone() };
        let server = WebSocketServer::bind("127.0.0.1:0", shop, Till::default(), Limits::default()).unwrap();
        let (url, handle) = (format!("ws://{}/", server.local_address()), server.handle());
        let running = std::thread::spawn(move || server.run());
        let (mut ada, mut bob) = (WebSocket::connect(&url).unwrap(), WebSocket::connect(&url).unwrap());
        let ask = |socket: &mut WebSocket, request: &str| {
            socket.send_text(request).unwrap();
            match socket.receive().unwrap() {
                Received::Message(Message::Text(answer)) => answer,
                other => panic!("{other:?}"),
            }
        };
        ask(&mut ada, "put apples");
        assert_eq!(ask(&mut ada, "basket"), "apples");
        assert_eq!(ask(&mut bob, "basket"), "nothing", "a temporary table is its connection's own");
        assert_eq!(ask(&mut bob, "sold"), "nothing");
        assert_eq!(ask(&mut ada, "buy"), "1 bought");
        assert_eq!(ask(&mut bob, "sold"), "apples");
        assert_eq!(ask(&mut bob, "count"), "4 requests in this session, 1 words bought in the whole shop");
        drop((ada, bob));
        handle.stop();
        running.join().unwrap().unwrap();
        std::fs::remove_file(&database).unwrap();
    }
}
