//! The conformance probe: small programs whose results show what a driver does to arithmetic, and the certificate that follows.
//!
//! A [`Suite`] asks [`Question`]s: graphs over special and random numbers, with what the reference gives. Whoever has a device runs
//! them in each [`Stage`] and hands back what came; the answers become a [`Certificate`], a page to read that is also what is kept
//! between runs and shipped for known drivers, and from it the [`Conformance`](crate::types::Conformance) that kernels and placement
//! go by. This room knows no device.

mod cases;
mod certificate;
mod inputs;
mod known;
mod outcome;
mod page;
mod store;
mod suite;
mod texts;

pub use certificate::{Certificate, Subject};
pub use outcome::{Outcome, Stage};

pub(crate) use known::{known, remember};
pub(crate) use store::{keep, kept};
pub(crate) use suite::{Answer, Question, Suite};
pub(crate) use texts::TextQuestion;
