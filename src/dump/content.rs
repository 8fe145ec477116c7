//! What a dump holds: recorded graphs, data, and the runs of graphs on data.

use std::sync::Arc;

use super::data::{Data, Elements};
use super::record::Record;
use crate::engine::{Prepared, Times};
use crate::error::{Error, Result};
use crate::graph::{Case, Graph};
use crate::types::{DeviceChoice, HostBuffer, Numerics, Origin, Scalar};

/// Recorded graphs, data and runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dump {
    /// Anything a person should know: for a mismatch, what differed.
    pub about: String,
    /// The script that the graphs were recorded from.
    pub source: Option<Script>,
    /// How the programs ran.
    pub settings: Settings,
    /// Arrays that runs name by number, each stored once.
    pub data: Vec<Data>,
    /// Graphs that runs name by number.
    pub programs: Vec<RecordedGraph>,
    /// What ran, in order.
    pub runs: Vec<Run>,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its name, as origins give it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The settings of the engine that ran.
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
    /// Rule files in addition to the built-in ones.
    pub rules: Vec<RuleFile>,
    /// The device that ran, in words.
    pub ran_on: Option<String>,
}

/// A rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
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

/// A graph as it was recorded, where it came from and what became of it. Its data belongs to each [`Run`].
#[derive(Clone, Debug, Default)]
pub struct RecordedGraph {
    /// The graph as recorded, with its roots.
    pub graph: Graph,
    /// What is known of each node besides; empty, or one for each node.
    pub notes: Vec<Note>,
    /// What became of it when it ran.
    pub record: Option<Record>,
    /// The plan that `record` is of, to recognise the graph when it runs again.
    pub(super) prepared: Option<Arc<Prepared>>,
}

impl PartialEq for RecordedGraph {
    fn eq(&self, other: &Self) -> bool {
        self.graph == other.graph && self.notes == other.notes && self.record == other.record
    }
}

impl RecordedGraph {
    /// A graph that has not run.
    #[must_use]
    pub fn new(graph: Graph) -> Self {
        Self { graph, ..Self::default() }
    }
}

/// Where a node was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The places, with the names that the program gave the value.
    pub origins: Vec<Origin>,
    /// The composite that the node is the result of: `mean`, …
    pub tag: Option<String>,
}

/// One evaluation of a graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// The number of the graph.
    pub program: usize,
    /// The data of each leaf of the graph.
    pub leaves: Vec<usize>,
    /// The value of each slot of the graph.
    pub slots: Vec<Scalar>,
    /// Where the script asked for it.
    pub asked_at: Option<Origin>,
    /// Whether the plan came from the cache.
    pub cached: bool,
    /// Why it was repeated on the CPU, if it was.
    pub fallback: Option<String>,
    /// When everything happened, if that was measured.
    pub times: Option<Times>,
}

impl Dump {
    /// A dump of one graph and one run of it.
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
        dump.programs.push(RecordedGraph::new(graph));
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

    /// Moves every inline array of at least `bytes` bytes into a file beside the dump, `STEM.0.npy` and so on.
    pub fn set_beside(&mut self, stem: &str, bytes: usize) {
        for (i, data) in self.data.iter_mut().enumerate() {
            if let Elements::Inline(buffer) = &data.elements
                && buffer.bytes().len() >= bytes
            {
                data.elements = Elements::Beside { file: format!("{stem}.{i}.npy"), buffer: buffer.clone() };
            }
        }
    }

    /// The files that must lie beside the dump's text.
    pub fn files(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        self.data.iter().filter_map(Data::file)
    }
}
