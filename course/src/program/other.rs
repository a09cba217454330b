//! Where there are no process groups only the program itself is ended. Said to the student by `cargo lab doctor`.

use std::process::{Child, Command};

use super::Bounds;

pub fn before(_command: &mut Command) {}

pub fn after(_child: &Child, _bounds: &Bounds) {}

pub fn kill(_process: u32) {}

pub fn pause(_process: u32) {}

pub fn resume(_process: u32) {}

pub fn when_interrupted(_act: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    Ok(())
}

pub fn end_orphans() {}

pub fn limit_descriptors(_process: u32, _most: usize) -> bool {
    false
}

pub fn end(child: &mut Child, _mark: &str, _sole: bool) {
    let _ = child.kill();
    let _ = child.wait();
}
