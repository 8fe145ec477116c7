//! Every rule that comes with the engine: sound in the class it claims, and found in plans.
//!
//! `sound` holds both sides of each rule against each other by the reference, over all small shapes and over ordinary and special
//! values; `wrong` sees to it that wrong rules are caught; `fires` plans a program for every rule.

mod errors;
mod fires;
mod growth;
mod one_kernel;
mod plans;
mod proofs;
mod random;
mod sound;
mod through;
mod wins;
mod wrong;

/// Rounds that every golden plan saturates within. The files do not say how many it took.
const MAX_ROUNDS: usize = 15;
