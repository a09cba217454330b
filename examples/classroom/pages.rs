//! What does a browser get that asks for a page?
//!
//! A file that was compiled into this program: there is no folder to lose, and no path that could lead out of one. With it
//! go the headers that tell the browser how far to trust what it got.
//!
//! # In production
//!
//! A web server or a content network does this, compresses, and lets browsers keep what has not changed (`ETag`).

use crate::Classroom;
use socklab::websocket::WebSocketServer;
use socklab::websocket::protocol::http::HeaderError;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type, content: all that there is.
const PAGES: [(&str, &str, &str); 13] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/projector", HTML, include_str!("page/projector.html")),
    ("/classroom.css", CSS, include_str!("page/classroom.css")),
    ("/dissect.js", SCRIPT, include_str!("page/dissect.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/story.js", SCRIPT, include_str!("page/story.js")),
    ("/ladder.js", SCRIPT, include_str!("page/ladder.js")),
    ("/frames.js", SCRIPT, include_str!("page/frames.js")),
    ("/tls.js", SCRIPT, include_str!("page/tls.js")),
    ("/handshake.js", SCRIPT, include_str!("page/handshake.js")),
    ("/commentary.js", SCRIPT, include_str!("page/commentary.js")),
    ("/classroom.js", SCRIPT, include_str!("page/classroom.js")),
    ("/projector.js", SCRIPT, include_str!("page/projector.js")),
];

/// The page shows what strangers send. It builds nothing from their text, and should that ever be forgotten, the browser
/// still runs no script but ours and connects to nobody but us.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                               connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'";

/// The headers that go with each of them.
const HEADERS: [(&str, &str); 4] = [
    ("Content-Security-Policy", SECURITY_POLICY),
    // The type is what we say it is, and not what the browser would guess from the content.
    ("X-Content-Type-Options", "nosniff"),
    // Addresses hold tokens: they are nobody else's business.
    ("Referrer-Policy", "no-referrer"),
    // The next lesson may bring another version of this program.
    ("Cache-Control", "no-store"),
];

/// Has the server answer with them.
pub fn lay_out(mut server: WebSocketServer<Classroom>) -> Result<WebSocketServer<Classroom>, HeaderError> {
    for (path, content_type, content) in PAGES {
        server = server.page(path, content_type, content);
    }
    for (name, value) in HEADERS {
        server = server.page_header(name, value)?;
    }
    Ok(server)
}
