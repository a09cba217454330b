//! Wrong on purpose: a buffer that only grows.

fn main() {
    let mut buffer = Vec::new();
    loop {
        buffer.push(vec![1_u8; 1 << 20]);
    }
}
