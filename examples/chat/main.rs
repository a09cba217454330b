//! How do people talk to each other through a server that lets none of them reach another's data?
//!
//! A nickname and a room lie in the context of their session. So nobody can look up who is in a room: whoever says
//! something asks every session to see for itself, by a procedure in its context. What was said lies in the service's
//! context, and every interval the service tells who is here.
//!
//!     cargo run --example chat -- --listen 127.0.0.1:9001
//!     then open http://127.0.0.1:9001/ in two windows, or: cargo run --example ws_client -- ws://127.0.0.1:9001/chat

#[path = "../arguments/mod.rs"]
mod arguments;

use arguments::{Arguments, Failure};
use socklab::Settings;
use socklab::websocket::{
    Application, Ending, Limits, MessageRef, Refusal, Request, ServerHandle, Session, SessionHandle, WebSocketServer,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const USAGE: &str = "chat [--listen ADDR:PORT] [--interval SECONDS] [--tls DIR]\nRooms and nicknames: /nick NAME, /room NAME, or just talk.";
/// How much of what was said a newcomer is told, for each room.
const REMEMBERED: usize = 20;

/// The application has no data of its own: what all sessions share would have to be made for many threads.
struct Chat;

/// The context of a session.
struct Person {
    nick: String,
    room: String,
    /// The way to this person. Others run in this context, and speak through it.
    line: SessionHandle<Chat>,
}

/// The context of the global service.
#[derive(Default)]
struct House {
    /// What was said, by room.
    history: BTreeMap<String, VecDeque<String>>,
    /// Who is where, by session. The sessions say so themselves.
    people: BTreeMap<u64, (String, String)>,
}

impl Application for Chat {
    type Session = Person;
    type Service = House;

    fn connected(&self, _request: &Request<'_>, session: &SessionHandle<Chat>) -> Result<Person, Refusal> {
        let nick = format!("guest{}", session.number());
        // It leaves behind the 101, as the first message.
        tell(session, &format!("* you are {nick} in the room lobby; /nick NAME and /room NAME change that"));
        let person = Person { nick, room: "lobby".to_owned(), line: session.clone() };
        if let Ok(server) = session.server() {
            remind(&server, &person);
            register(&server, &person);
        }
        Ok(person)
    }

    fn message(&self, person: &mut Person, message: MessageRef<'_>, session: &mut Session<'_, Chat>) {
        let MessageRef::Text(text) = message else { return session.text("* only text is understood here") };
        let server = session.server().clone();
        match text.split_once(' ').unwrap_or((text, "")) {
            ("/nick", name) => match word(name) {
                Some(name) => {
                    let old = std::mem::replace(&mut person.nick, name);
                    say(&server, &person.room, &format!("* {old} is now {}", person.nick));
                }
                None => session.text("* /nick NAME: one word of up to 20 letters and digits"),
            },
            ("/room", name) => match word(name) {
                Some(name) => {
                    say(&server, &person.room, &format!("* {} leaves for {name}", person.nick));
                    person.room = name;
                    remind(&server, person);
                    say(&server, &person.room, &format!("* {} comes in", person.nick));
                }
                None => session.text("* /room NAME: one word of up to 20 letters and digits"),
            },
            _ if text.starts_with('/') => session.text("* /nick NAME, /room NAME, or just talk"),
            _ if text.len() > 1000 => session.text("* that is too long for a chat"),
            _ => say(&server, &person.room, &format!("{}: {text}", person.nick)),
        }
        register(&server, person);
    }

    fn disconnected(&self, person: Person, _ending: &Ending, server: &ServerHandle<Chat>) {
        let number = person.line.number();
        server.execute_in_service(move |house| drop(house.people.remove(&number))).unwrap_or_default();
        say(server, &person.room, &format!("* {} has left", person.nick));
    }

    /// Every interval, to everybody: who is here, by room.
    fn tick(&self, house: &mut House, server: &ServerHandle<Chat>) {
        let mut rooms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (nick, room) in house.people.values() {
            rooms.entry(room).or_default().push(nick);
        }
        let rooms: Vec<String> = rooms.iter().map(|(room, nicks)| format!("{room}: {}", nicks.join(", "))).collect();
        if !rooms.is_empty() {
            server.broadcast(MessageRef::Text(&format!("* who is here: {}", rooms.join("; "))));
        }
    }
}

/// Says it to everybody in the room, and has the service remember it. Each session decides in its own context whether it is
/// meant: from here nobody can see its room.
fn say(server: &ServerHandle<Chat>, room: &str, line: &str) {
    for session in server.sessions() {
        let (room, line) = (room.to_owned(), line.to_owned());
        let hear = move |person: &mut Person| {
            if person.room == room {
                tell(&person.line, &line);
            }
        };
        // Whoever left meanwhile does not hear it.
        session.execute(hear).unwrap_or_default();
    }
    let (room, line) = (room.to_owned(), line.to_owned());
    let remember = move |house: &mut House| {
        let said = house.history.entry(room).or_default();
        said.push_back(line);
        if said.len() > REMEMBERED {
            said.pop_front();
        }
    };
    server.execute_in_service(remember).unwrap_or_default();
}

/// Tells a newcomer what was said in the room before, and waits until it is told: what is said next comes behind it.
fn remind(server: &ServerHandle<Chat>, person: &Person) {
    let (room, line) = (person.room.clone(), person.line.clone());
    let recall =
        move |house: &mut House| house.history.entry(room).or_default().iter().for_each(|said| tell(&line, said));
    server.execute_in_service_and_wait(Duration::from_secs(1), recall).unwrap_or_default();
}

/// Tells the service where this person is now.
fn register(server: &ServerHandle<Chat>, person: &Person) {
    let (number, nick, room) = (person.line.number(), person.nick.clone(), person.room.clone());
    server.execute_in_service(move |house| drop(house.people.insert(number, (nick, room)))).unwrap_or_default();
}

fn tell(person: &SessionHandle<Chat>, line: &str) {
    // A person who has left, or who does not read, is not told; the server sees to the rest.
    person.text(line).unwrap_or_default();
}

fn word(text: &str) -> Option<String> {
    let fine = (1..=20).contains(&text.chars().count()) && text.chars().all(char::is_alphanumeric);
    fine.then(|| text.to_owned())
}

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["listen", "interval", "tls"]);
    let interval = arguments.option("interval", "10");
    let seconds: f64 = interval.parse().map_err(|_| format!("--interval {interval} is not a number of seconds"))?;
    let limits = Limits {
        interval: Duration::try_from_secs_f64(seconds).map_err(|_| format!("--interval {interval} is no interval"))?,
        paths: Some(vec!["/chat".to_owned()]),
        settings: Settings { server_tls: arguments.server_tls()?, ..Settings::default() },
        ..Limits::default()
    };
    let server = WebSocketServer::bind(&arguments.listen("127.0.0.1:9001"), Chat, House::default(), limits)?
        .page("/", "text/html; charset=utf-8", include_str!("page.html"))
        .page("/chat.js", "text/javascript", include_str!("chat.js"));
    println!("listening on {}", server.local_address());
    server.run()?;
    Ok(())
}
