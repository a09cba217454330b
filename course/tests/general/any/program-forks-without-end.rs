//! Wrong on purpose: starts itself, which starts itself, and waits for none of them.

use std::process::Command;
use std::{env, thread};

fn main() {
    let Ok(own) = env::current_exe() else { return };
    let _ = Command::new(own).spawn();
    loop {
        thread::park();
    }
}
