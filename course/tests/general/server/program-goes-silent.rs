//! Wrong on purpose: lets everybody in, and speaks to nobody.

use std::net::TcpListener;

fn main() {
    let port = std::env::args().nth(1).expect("a port");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).expect("a free port");
    let _clients: Vec<_> = listener.incoming().collect();
}
