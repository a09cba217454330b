//! Who is let in, and what do all others get?
//!
//! At the door each request gets an answer: the application's own, a page, or a no that says why. Only who asks for a
//! WebSocket, at a path and from a page that we know, goes on to the connected callback.
//!
//! # In production
//!
//! Pages come from another server, and cookies or tokens say who it is that asks.

use super::application::{Application, Request};
use super::context::panic_text;
use super::house::House;
use crate::connection::Connection;
use crate::websocket::error::Error;
use crate::websocket::opening::Opening;
use crate::websocket::protocol::handshake::Refusal;
use crate::websocket::protocol::http::Response;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl<A: Application> House<A> {
    /// The request. `None` if there is nothing to report: a browser opens a spare connection and asks nothing, and at the
    /// stop we end ourselves what has not begun.
    pub(super) fn read(&self, connection: Connection) -> Result<Option<Opening>, Error> {
        match Opening::read(connection) {
            Ok(opening) => Ok(Some(opening)),
            Err(Error::NothingAsked) => Ok(None),
            Err(_) if self.handle.stop.is_stopped() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a client gets that comes when the server is full.
    pub(super) fn turn_away(&self, connection: Connection) -> Result<(), Error> {
        match self.read(connection)? {
            Some(opening) => opening.refuse(503, "the server is full: try again later"),
            None => Ok(()),
        }
    }

    /// The application's own answer, if it has one.
    pub(super) fn asked(&self, request: &Request<'_>) -> Option<Response> {
        let asked = catch_unwind(AssertUnwindSafe(|| self.application.asked(request, &self.handle)));
        asked.unwrap_or_else(|panic| {
            self.report(request.peer, format!("asked panicked: {}", panic_text(&panic)));
            Some(Response::text(500, "the server failed\n"))
        })
    }

    /// An ordinary request: a page, or none.
    pub(super) fn answer_page(&self, opening: Opening) -> Result<(), Error> {
        if opening.head().method != "GET" {
            let refusal = Refusal::new(405, "only GET is known here");
            return Err(opening.refuse_with(Refusal { headers: vec![("Allow", "GET")], ..refusal }));
        }
        if let Some(page) = self.pages.get(opening.head().path()) {
            let answer = Response::new(200, &page.content_type, page.body.clone());
            let mut headers = self.page_headers.iter();
            return opening.answer_if_made(
                answer.and_then(|answer| headers.try_fold(answer, |answer, (name, value)| answer.header(name, value))),
            );
        }
        if self.speaks_at(opening.head().path()) && (self.limits.paths.is_some() || self.pages.is_empty()) {
            // It is a WebSocket's address, and the answer says how to come. Where any path is one, pages come first.
            return opening.check().map(drop);
        }
        let path = opening.head().path().to_owned();
        opening.refuse(404, &format!("there is no {path} here"))
    }

    fn speaks_at(&self, path: &str) -> bool {
        self.limits.paths.as_ref().is_none_or(|paths| paths.iter().any(|each| each == path))
    }

    /// What our own rules say of a request for an upgrade.
    pub(super) fn refusal(&self, opening: &Opening) -> Option<Refusal> {
        let head = opening.head();
        if !self.speaks_at(head.path()) {
            return Some(Refusal::new(404, format!("there is no WebSocket at {}", head.path())));
        }
        let (origins, origin) = (self.limits.origins.as_ref()?, head.headers.get("Origin")?);
        let known = origins.iter().any(|each| each.eq_ignore_ascii_case(origin));
        (!known).then(|| Refusal::new(403, format!("pages from {origin} may not connect here")))
    }
}
