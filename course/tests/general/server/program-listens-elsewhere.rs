//! Wrong on purpose: listens at a port of its own choice.

use std::net::TcpListener;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let _clients: Vec<_> = listener.incoming().collect();
}
