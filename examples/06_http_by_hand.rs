//! What does a browser say first?
//!
//! HTTP is lines, then a blank line, then bytes whose number the lines have announced: two framings in one protocol.
//! Open the address in a browser and read its request here. A second request often follows by itself: browsers ask for
//! an icon.
//!
//!     cargo run --example http_by_hand -- --listen 127.0.0.1:8000
//!     curl -v http://127.0.0.1:8000/

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Framing, Received, Settings, StandardServer};

const USAGE: &str = "http_by_hand [--listen ADDR:PORT]\nShows each HTTP request and answers it with a page.";

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:8000");
    // A line of a request has no use for 16 MiB.
    let settings = Settings { framing: Framing::internet_lines(), max_message: 8 * 1024, ..Settings::default() };
    let server = StandardServer::bind_with(&address, &settings)?;
    println!("listening on {}", server.local_address());

    server.serve(|mut connection| {
        let mut request = Vec::new();
        // The head: lines up to an empty one (RFC 9112 section 2.1). A client that sends no blank line would keep us
        // reading, so there is a limit to the lines, too.
        while let Received::Message(line) = connection.receive()? {
            if line.is_empty() || request.len() == 100 {
                break;
            }
            request.push(String::from_utf8_lossy(&line).into_owned());
        }
        let Some(first) = request.first() else { return Ok(()) };
        println!("\n{}", request.join("\n"));

        let (status, page) = match first.split(' ').collect::<Vec<_>>()[..] {
            ["GET", "/", _] => ("200 OK", format!("You asked:\n\n{}\n", request.join("\n"))),
            ["GET", other, _] => ("404 Not Found", format!("There is no {other} here.\n")),
            _ => ("405 Method Not Allowed\r\nAllow: GET", "This server only knows GET.\n".to_owned()),
        };
        // Without Content-Length the browser could only take the end of the connection for the end of the page, and
        // could not tell a whole page from one that was cut off (RFC 9112 section 6.3).
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            page.len()
        );
        // From here on there are no lines any more, only bytes.
        connection.set_framing(Framing::Raw);
        connection.send(head + &page)?;
        Ok(())
    })?;
    Ok(())
}
