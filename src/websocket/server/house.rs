//! What do all sessions of a server share?
//!
//! Everything here was fixed before the first client came in, or is made for many threads.
//!
//! # In production
//!
//! Much of it is configuration, and read again without a restart.

use super::application::Application;
use super::handle::ServerHandle;
use super::limits::Limits;
use crate::standard_server::Trouble;
use crate::websocket::errands::Errands;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// A page that is served beside the WebSockets.
pub(super) struct Page {
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

/// What all sessions of a server have in common.
pub(super) struct House<A: Application> {
    pub(super) application: A,
    pub(super) limits: Limits,
    pub(super) subprotocols: Vec<String>,
    pub(super) pages: HashMap<String, Page>,
    pub(super) page_headers: Vec<(String, String)>,
    pub(super) handle: ServerHandle<A>,
    pub(super) errands: Arc<Errands>,
    pub(super) reports: Arc<dyn Fn(Trouble) + Send + Sync>,
}

impl<A: Application> House<A> {
    pub(super) fn report(&self, peer: SocketAddr, what: String) {
        (self.reports)(Trouble { peer, what });
    }
}
