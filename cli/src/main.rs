//! The program `lazurite`.
fn main() {}
