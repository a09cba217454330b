//! Wrong on purpose: waits for something that nobody sends.

use std::io::Read;

fn main() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
