//! What belongs to one visitor?
//!
//! A number, a token, at most one exhibit of each kind, and an experiment while it runs. All of it lies in the context of
//! their commentary's session, so whoever wants something of it (an exhibit that comes or goes, a lecturer who sends them
//! out) asks for it there, and it happens to one at a time. What the room shows of them the room is told.
//!
//! # In production
//!
//! This is what a session store holds, and it survives a restart there.

use crate::door::{PATIENCE, send_out, tell};
use crate::request::Request;
use crate::room::Line;
use crate::watch::{Kind, Tally};
use crate::{Classroom, experiments, network, second_client, token};
use serde_json::json;
use socklab::ClientTls;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{self, MessageRef, NotDone, ServerHandle, SessionHandle};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::thread;

/// The context of a commentary's session.
pub struct Visitor {
    number: u64,
    token: String,
    page: SessionHandle<Classroom>,
    tally: Arc<Tally>,
    exhibits: BTreeMap<Kind, Standing>,
    /// How many there have been.
    count: u64,
    /// The running experiment holds the other end: when its thread ends, by a panic too, it has ended.
    experiment: Weak<()>,
    /// The lecturer has sent them out.
    going: Option<CloseReason>,
}

/// An open exhibit.
struct Standing {
    session: SessionHandle<Classroom>,
    thread: String,
}

impl Visitor {
    /// `GET /commentary`: a new visitor. The error is for them to read.
    pub fn enter(
        classroom: &Classroom,
        request: &websocket::Request<'_>,
        page: &SessionHandle<Classroom>,
        thread: String,
    ) -> Result<Visitor, String> {
        let (token, tally, address) = (token::fresh()?, Arc::<Tally>::default(), request.peer);
        let line = Line::new(page.clone(), address, thread.clone(), tally.clone());
        let server = page.server().map_err(|error| error.to_string())?;
        let mut welcome = json!({"type": "welcome", "token": token, "address": address.to_string(),
            "server": request.local.to_string(), "thread": thread, "join": network::invitation(classroom.scheme(), server.local_address()),
            "tls": classroom.certificate.as_ref().map(|ours| ours.shown.clone()), "version": env!("CARGO_PKG_VERSION")});
        let (greeted, beginning) = (page.clone(), classroom.watch.beginning());
        // All in one procedure: between two there may be a tick, and the page would hear of the room before its welcome.
        let entered = server.execute_in_service_and_wait(PATIENCE, move |room| {
            let number = room.enter(line)?;
            welcome["visitor"] = json!(number);
            tell(&greeted, &welcome.to_string());
            beginning.iter().for_each(|step| tell(&greeted, step));
            Ok::<u64, String>(number)
        });
        let number = entered.map_err(|error| error.to_string())??;
        let (page, exhibits, experiment) = (page.clone(), BTreeMap::new(), Weak::new());
        Ok(Visitor { number, token, page, tally, exhibits, count: 0, experiment, going: None })
    }

    /// What their page wants. The error is a sentence for them.
    pub fn obey(
        &mut self,
        classroom: &Classroom,
        message: MessageRef<'_>,
        server: &ServerHandle<Classroom>,
    ) -> Result<(), String> {
        let to_exhibit = |send: &dyn Fn(&SessionHandle<Classroom>) -> Result<(), NotDone>| {
            let exhibit = self.exhibits.get(&Kind::Browser);
            let exhibit = exhibit.ok_or("your exhibit is not connected, so nothing can be sent to it")?;
            send(&exhibit.session).map_err(|error| format!("your exhibit did not take it: {error}"))
        };
        match Request::parse(message)? {
            Request::Ping(text) => to_exhibit(&|exhibit| exhibit.ping(text.as_bytes())),
            Request::Fragments { count, text } => {
                to_exhibit(&|exhibit| exhibit.in_pieces(MessageRef::Text(&text), count))
            }
            Request::Large(count) => to_exhibit(&|exhibit| exhibit.text(&"0123456789".repeat(count / 10 + 1)[..count])),
            Request::Experiment(name) => {
                let tls = classroom.certificate.as_ref().map(|ours| ours.believed.clone());
                self.begin_experiment(&name, network::address_for_us(server.local_address()), tls)
            }
            Request::Disconnect { .. } => Err("only the lecturer's projector can disconnect somebody".to_owned()),
        }
    }

    fn begin_experiment(&mut self, name: &str, address: SocketAddr, tls: Option<ClientTls>) -> Result<(), String> {
        let experiment = experiments::find(name).ok_or(format!("there is no experiment {name:?}"))?;
        if self.is_experimenting() {
            return Err("an experiment of yours is still running; its outcome comes first".to_owned());
        }
        let running = Arc::new(());
        self.experiment = Arc::downgrade(&running);
        let page = self.page.clone();
        let target = format!("/exhibit?visitor={}&key={}&second=1", self.number, self.token);
        let run = move || {
            let outcome = second_client::run(&experiment, address, tls, &target, &page);
            // In this order: with the outcome the next experiment may be asked for.
            drop(running);
            tell(&page, &outcome);
        };
        let thread = thread::Builder::new().name("second client".to_owned()).spawn(run);
        thread.map(drop).map_err(|error| format!("the system has no thread left for the second client: {error}"))
    }

    fn is_experimenting(&self) -> bool {
        self.experiment.strong_count() > 0
    }

    /// Whether an exhibit that shows this key may be shown. Who has been sent out is shown nothing more; and without an
    /// experiment there is no second client, whatever the address says.
    pub fn admit(&mut self, key: &str, kind: Kind) -> Option<Arc<Tally>> {
        let may = key == self.token && self.going.is_none() && (kind == Kind::Browser || self.is_experimenting());
        self.count += u64::from(may);
        may.then(|| self.tally.clone())
    }

    /// Puts up an exhibit. An older one of its kind is asked to go.
    pub fn put_up(&mut self, kind: Kind, session: SessionHandle<Classroom>, thread: String) {
        if let Some(reason) = &self.going {
            send_out(&session, reason);
        }
        if let Some(older) = self.exhibits.insert(kind, Standing { session, thread }) {
            send_out(&older.session, &CloseReason::new(CloseCode::GOING_AWAY, "a newer exhibit"));
        }
        self.tell_the_room();
    }

    /// The exhibit of this session has ended.
    pub fn take_down(&mut self, session: u64) {
        // A newer one may stand in its place already.
        self.exhibits.retain(|_, standing| standing.session.number() != session);
        self.tell_the_room();
        self.go_if_alone();
    }

    /// The lecturer has them go: first what belongs to them, so that they see it end, and then they themselves.
    pub fn dismiss(&mut self, reason: &CloseReason) {
        self.going = Some(reason.clone());
        self.exhibits.values().for_each(|standing| send_out(&standing.session, reason));
        self.go_if_alone();
    }

    fn go_if_alone(&self) {
        if let Some(reason) = self.going.as_ref().filter(|_| self.exhibits.is_empty()) {
            send_out(&self.page, reason);
        }
    }

    /// They have gone, and what is theirs goes too.
    pub fn leave(&self) {
        let reason = CloseReason::new(CloseCode::GOING_AWAY, "the visitor has left");
        self.exhibits.values().for_each(|standing| send_out(&standing.session, &reason));
    }

    fn tell_the_room(&self) {
        let (number, count) = (self.number, self.count);
        let thread = self.exhibits.get(&Kind::Browser).map(|standing| standing.thread.clone());
        if let Ok(server) = self.page.server() {
            server.execute_in_service(move |room| room.exhibit(number, count, thread)).unwrap_or_default();
        }
    }
}
