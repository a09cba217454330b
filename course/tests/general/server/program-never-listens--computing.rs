//! Wrong on purpose: prepares for its clients, and is never ready.

fn main() {
    let mut number = 1_u64;
    loop {
        number = std::hint::black_box(number.wrapping_mul(3));
    }
}
