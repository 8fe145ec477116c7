//! Small algorithms that several rooms need and that know nothing of arrays: a fixed hash, seeded random numbers, a
//! least-recently-used table and delta debugging.
//!
//! Everything is deterministic and the same on every machine. This room knows no other room.

#[cfg(any(feature = "check", feature = "blocking"))]
mod delta;
mod hash;
mod lru;
mod random;

#[cfg(any(feature = "check", feature = "blocking"))]
pub use delta::minimal;
pub use hash::FixedHasher;
pub use lru::{Lru, Position};
pub use random::{Lcg, Random, SplitMix, Xorshift};
