//! Wrong on purpose: tells the terminal that it is waiting, as fast as it can.

fn main() {
    loop {
        println!("waiting for a connection ...");
    }
}
