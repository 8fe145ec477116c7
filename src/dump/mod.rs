//! Dumps: evaluations as files that can be read, replayed and searched.
//!
//! A [`Dump`] holds graphs with everything they need to run (leaves, scalars, settings) and, where they ran already, the record of
//! the run: rules, groups, refusals, memory, kernels, times. [`Dump::write`] gives JSON and [`Dump::read`] reads it back without
//! losing a bit; the schema is docs/dump-format.md. Reading trusts nothing: every number is checked, and nothing is allocated
//! because the text claims a size. This room reads the products of the others and changes none of them.

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
