//! Serves one page to a browser.
//!
//! A page from `file:` or `data:` has no origin of its own, and browsers restrict what such a page may reach; a page
//! from loopback may talk to loopback, as the classroom's does.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Serves its page, whatever is asked for, until it is dropped.
pub(crate) struct Page {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Page {
    pub(crate) fn serve(html: &str) -> Page {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let stopping = Arc::new(AtomicBool::new(false));
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{html}",
            html.len()
        );
        let stop = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            for client in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A browser opens connections that it then does not use: one thread for each, or it would hold up
                // the others.
                let answer = answer.clone();
                thread::spawn(move || drop(client.map(|client| answer_one(&client, answer.as_bytes()))));
            }
        });
        Page { address, stopping, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

fn answer_one(client: &TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut head = BufReader::new(client).lines();
    while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    (&mut &*client).write_all(answer)
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // accept() does not look at a flag: it is woken by one more client.
        if TcpStream::connect(self.address).is_ok() {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}
