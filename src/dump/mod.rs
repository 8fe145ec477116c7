//! Dumps: what was evaluated, from what and how, as a text that is also a program.
//!
//! A [`Dump`] holds graphs with everything they need to run (leaves, scalars, settings) and, where they ran already, the record
//! of it: rules, groups, refusals, memory, kernels, times. [`Dump::write`] gives JSON and [`Dump::read`] takes it back without
//! losing a bit; the schema is docs/dump-format.md. Texts come from anywhere, so reading believes nothing: every number is
//! checked where it stands, and nothing is allocated on the word of the text. This room knows the products of all others and
//! changes none of them.

#[cfg(feature = "blocking")]
mod bisect;
mod content;
mod data;
mod evaluated;
mod graph;
mod json;
mod npy;
mod op;
mod page;
mod read;
mod record;
mod record_text;
mod scalar;
mod trace;
mod version;
mod work;
mod write;

#[cfg(feature = "blocking")]
pub use bisect::{Bisection, Judge, Outcome, UnfusedGroup, bisect};
pub use content::{Dump, Note, RecordedGraph, RuleFile, Run, Script, Settings};
pub use data::{Beside, Data, Elements, Rule, nothing_beside};
pub use page::page;
pub use record::{
    FiredRecord, GroupRecord, KernelRecord, PlanRecord, Record, StepKind, StepRecord, WhyRecord, WhyStep,
};
pub use trace::trace;
pub use version::VERSION;
pub use work::Work;
