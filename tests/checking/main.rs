//! The checks that `lazurite check` is made of, what they once found, and the dumps that keep it.

mod check;
mod dump;
mod equivalence;
mod regressions;
