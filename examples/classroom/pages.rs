//! What does a browser get that asks for a page?
//!
//! A file that was compiled into this program: there is no folder to lose, and no path that could lead out of one. With it
//! go the headers that tell the browser how far to trust what it got.
//!
//! # In production
//!
//! A web server or a content network does this, compresses, and lets browsers keep what has not changed (`ETag`).

use socklab::websocket::protocol::http::{HeaderError, RequestHead, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type, content: all that there is.
const PAGES: [(&str, &str, &str); 12] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/projector", HTML, include_str!("page/projector.html")),
    ("/classroom.css", CSS, include_str!("page/classroom.css")),
    ("/dissect.js", SCRIPT, include_str!("page/dissect.js")),
    ("/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/story.js", SCRIPT, include_str!("page/story.js")),
    ("/ladder.js", SCRIPT, include_str!("page/ladder.js")),
    ("/frames.js", SCRIPT, include_str!("page/frames.js")),
    ("/handshake.js", SCRIPT, include_str!("page/handshake.js")),
    ("/commentary.js", SCRIPT, include_str!("page/commentary.js")),
    ("/classroom.js", SCRIPT, include_str!("page/classroom.js")),
    ("/projector.js", SCRIPT, include_str!("page/projector.js")),
];

/// The page shows what strangers send. It builds nothing from their text, and should that ever be forgotten, the browser
/// still runs no script but ours and connects to nobody but us.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                               connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'";

/// The answer to an ordinary request.
pub fn answer(request: &RequestHead) -> Result<Response, HeaderError> {
    if request.method != "GET" {
        // A 405 must say what would be allowed (RFC 9110 section 15.5.6).
        let what = format!("there is nothing here to {}: only GET is known\n", request.method);
        return Response::text(405, what).header("Allow", "GET");
    }
    let Some((_, content_type, content)) = PAGES.iter().find(|(path, _, _)| *path == request.path()) else {
        // A browser asks for /favicon.ico unless its page names another icon. Ours does; a page of 404 has none.
        let what = format!("there is no {} here: begin at /\n", request.path());
        return Ok(Response::text(404, what));
    };
    Response::new(200, content_type, *content)?
        .header("Content-Security-Policy", SECURITY_POLICY)?
        // The type is what we say it is, and not what the browser would guess from the content.
        .header("X-Content-Type-Options", "nosniff")?
        // Addresses hold tokens: they are nobody else's business.
        .header("Referrer-Policy", "no-referrer")?
        // The next lesson may bring another version of this program.
        .header("Cache-Control", "no-store")
}
