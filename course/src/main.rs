//! `cargo lab`: checks a student's program and names the mistake.
//!
//!     cargo lab list
//!     cargo lab start 4
//!     cargo lab check 4
//!     cargo lab check 4 -- python3 server.py {port}

use std::process::ExitCode;

fn main() -> ExitCode {
    lab::command::main()
}
