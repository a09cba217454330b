//! Wrong on purpose: has nothing to do, and does it.

fn main() {}
