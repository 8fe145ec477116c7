//! Dumps: what was evaluated, from what and how, as a text that is also a program.
//!
//! A [`Dump`] holds graphs with everything they need to run (leaves, scalars, settings) and, where they ran already, the record
//! of it: rules, groups, refusals, memory, kernels, times. [`Dump::write`] gives JSON and [`Dump::read`] takes it back without
//! losing a bit; the schema is docs/dump-format.md. Texts come from anywhere, so reading believes nothing: every number is
//! checked where it stands, and nothing is allocated on the word of the text. This room knows the products of all others and
//! changes none of them.

#[cfg(feature = "blocking")]
mod bisect;
mod data;
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

use std::sync::Arc;

#[cfg(feature = "blocking")]
pub use bisect::{Apart, Bisection, Found, Judge, bisect};
pub use data::{Data, Elements, Rule, nothing_beside};
pub use page::page;
pub use read::Beside;
pub use record::{
    FiredRecord, GroupRecord, KernelRecord, PlanRecord, Record, StepKind, StepRecord, WhyRecord, WhyStep,
};
pub use trace::trace;
pub use version::VERSION;
pub use work::Work;

use crate::engine::{Prepared, Times};
use crate::error::{Error, Result};
use crate::graph::{Case, Graph};
use crate::types::{DeviceChoice, HostBuffer, Numerics, Origin, Scalar};

/// Programs, data and runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dump {
    /// Anything a person should know: for a mismatch, what differed.
    pub about: String,
    /// The script that the programs were recorded from.
    pub source: Option<Source>,
    /// How the programs ran.
    pub settings: Settings,
    /// Arrays that runs name by number, each stored once.
    pub data: Vec<Data>,
    /// Graphs that runs name by number.
    pub programs: Vec<Program>,
    /// What ran, in order.
    pub runs: Vec<Run>,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, as origins give it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What the engine of a run was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to evaluate.
    pub device: DeviceChoice,
    /// Which rewrites are allowed.
    pub numerics: Numerics,
    /// Whether the planner rewrites.
    pub plan: bool,
    /// Whether nodes run together.
    pub fuse: bool,
    /// Rule files beside the built-in ones: name and text.
    pub rules: Vec<(String, String)>,
    /// The device that ran, in words.
    pub ran_on: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            numerics: Numerics::Standard,
            plan: true,
            fuse: true,
            rules: Vec::new(),
            ran_on: None,
        }
    }
}

/// A graph, where it came from and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The graph as recorded, with its roots.
    pub graph: Graph,
    /// What is known of each node besides; empty, or one for each node.
    pub notes: Vec<Note>,
    /// What became of it when it ran.
    pub record: Option<Record>,
    /// The plan that `record` is of, to know it again when it runs once more.
    prepared: Option<Arc<Prepared>>,
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        self.graph == other.graph && self.notes == other.notes && self.record == other.record
    }
}

impl Program {
    /// A program that has not run.
    #[must_use]
    pub fn new(graph: Graph) -> Self {
        Self { graph, ..Self::default() }
    }
}

/// Where a node was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The places, with the names that the program gave the value.
    pub origins: Vec<Origin>,
    /// The composite that the node is the result of: `mean`, …
    pub tag: Option<String>,
}

/// One evaluation of a program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Which program.
    pub program: usize,
    /// The data of each leaf of the graph.
    pub leaves: Vec<usize>,
    /// The value of each slot of the graph.
    pub slots: Vec<Scalar>,
    /// Where the script was that asked for it.
    pub asked_at: Option<Origin>,
    /// Whether the plan came from the cache.
    pub cached: bool,
    /// Why it was repeated on the CPU, if it was.
    pub fallback: Option<String>,
    /// When everything happened, if that was measured.
    pub times: Option<Times>,
}

impl Dump {
    /// A dump of one program and one run of it.
    ///
    /// # Errors
    /// An argument error when leaves or slots are not the graph's.
    pub fn of(case: Case, settings: Settings) -> Result<Self> {
        let Case { graph, leaves, slots } = case;
        if !graph.accepts(&leaves, &slots) {
            return Err(Error::argument("dump: expected the graph's leaves and slots, given others"));
        }
        let mut dump = Self { settings, ..Self::default() };
        let leaves = leaves.into_iter().map(|b| dump.add_data(Arc::new(b))).collect();
        dump.programs.push(Program::new(graph));
        dump.runs.push(Run { program: 0, leaves, slots, ..Run::default() });
        Ok(dump)
    }

    /// Adds an array and gives its number; an array that is there already is not stored twice.
    pub fn add_data(&mut self, buffer: Arc<HostBuffer>) -> usize {
        let same = |d: &Data| d.dtype == buffer.dtype() && d.len == buffer.len() && d.holds(&buffer);
        match self.data.iter().position(same) {
            Some(i) => i,
            None => {
                self.data.push(Data::of(buffer));
                self.data.len() - 1
            }
        }
    }

    /// The case that run number `run` ran.
    ///
    /// # Errors
    /// An argument error when there is no such run; out of memory for data that is generated by a rule.
    pub fn case(&self, run: usize) -> Result<Case> {
        let missing = || Error::argument(format!("dump: expected a run below {}, given {run}", self.runs.len()));
        let r = self.runs.get(run).ok_or_else(missing)?;
        let gone = || Error::argument(format!("dump: run {run} names a program or data that is not there"));
        let graph = self.programs.get(r.program).ok_or_else(gone)?.graph.clone();
        let data = r.leaves.iter().map(|&d| self.data.get(d).ok_or_else(gone)?.buffer());
        Ok(Case { graph, leaves: data.collect::<Result<_>>()?, slots: r.slots.clone() })
    }
}
