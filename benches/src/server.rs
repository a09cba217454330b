//! How does a server get a core of its own, and how does it end with us?
//!
//! Each is a process of its own, new for each run, held to one core by util-linux's `taskset`; the load generator holds
//! itself to another. `prlimit` gives both enough descriptors, and `setpriv` has the system end the server should we be
//! killed. Each of the three becomes the next, so the id that we started is the server's own.

use crate::deadline::Deadline;
use crate::machine;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How many descriptors a server and the load generator each get: 10,000 clients, and some to spare.
const DESCRIPTORS: u64 = 16_384;

/// The cores of the two sides.
const SERVER_CORE: usize = 0;
const LOAD_CORE: usize = 1;

/// A running server. Dropping it ends it.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts it, and waits until it says where it listens. What it complains about goes to the log.
    pub fn start(command: &[String], log: &Path) -> io::Result<Server> {
        let (limit, core) = (format!("--nofile={DESCRIPTORS}"), core(SERVER_CORE).to_string());
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "prlimit", &limit, "taskset", "-c", &core])
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(log)?)
            .spawn()?;
        let output = child.stdout.take();
        // From here on whatever fails ends the child.
        let mut server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let (says, said) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            if let Some(output) = output {
                let _ = BufReader::new(output).read_line(&mut line);
            }
            let _ = says.send(line);
        });
        let line = said.recv_timeout(Duration::from_secs(10)).unwrap_or_default();
        let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
        server.address = address.ok_or_else(|| {
            io::Error::other(format!("{command:?} did not say where it listens: see {}", log.display()))
        })?;
        Ok(server)
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Still there? A server that fell over shall not be taken for one that is slow.
    pub fn check(&mut self) -> io::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(io::Error::other(format!("the server ended by itself: {status}"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds this process, with all threads that it will have, to the load generator's core. To be called first of all.
pub fn hold_to_core() -> io::Result<()> {
    let (own, core) = (std::process::id().to_string(), core(LOAD_CORE).to_string());
    run("taskset", &["-a", "-c", "-p", &core, &own])?;
    run("prlimit", &["--pid", &own, &format!("--nofile={DESCRIPTORS}")])
}

/// With a single core there is no choice, and the figures are what they are.
fn core(wanted: usize) -> usize {
    wanted.min(machine::cores() - 1)
}

fn run(program: &str, arguments: &[&str]) -> io::Result<()> {
    let explain = |what: String| {
        io::Error::other(format!("{program} {}: {what} (it belongs to util-linux)", arguments.join(" ")))
    };
    let output = Command::new(program).args(arguments).output().map_err(|error| explain(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(explain(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// Until when a whole run may take, however it goes.
pub fn run_deadline(seconds: f64) -> Deadline {
    Deadline::after(Duration::from_secs_f64(60.0 + 3.0 * seconds))
}
