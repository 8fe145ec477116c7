//! The product of this room: values, groups, steps and the memory plan, all plain data.

use super::program::{Program, Reg};
use super::value::{Value, ValueId};
use crate::graph::{NodeId, ScanOp};
use crate::types::{DType, Dims, Shape};

/// Where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// As a kernel.
    Gpu,
    /// In the CPU executor.
    Cpu,
}

/// How a group's work is shaped around its program.
#[derive(Clone, Debug, PartialEq)]
pub enum Core {
    /// Every element of the domain by itself.
    Map,
    /// The domain's `axes` form rows; `Reduce` instructions fold them. `split` > 1 asks for that many partial folds per row and
    /// a combining pass; only for programs without inner stores whose reductions do not depend on one another.
    Rows {
        /// The reduced axes, ascending.
        axes: Dims,
        /// Partial folds per row.
        split: u32,
    },
    /// A batched matrix product. The group's domain is [batch…, m, n]; `left` runs over [batch…, m, k] and `right` over
    /// [batch…, k, n], each giving its last register. The body is the epilogue over the domain.
    Contract {
        /// Program of the left operand.
        left: Program,
        /// Program of the right operand.
        right: Program,
        /// The contracted extent.
        k: usize,
        /// The planner's promise that the *accumulated* matrix equals its transpose.
        symmetric: bool,
        /// Dtype of operands and accumulator.
        dtype: DType,
    },
    /// A running fold of the body's `Scan` register along one axis.
    Scan {
        /// With what.
        op: ScanOp,
        /// Along which axis.
        axis: usize,
    },
}

impl Core {
    /// The name in dumps and in the keys of kernels.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Rows { .. } => "rows",
            Self::Contract { symmetric: false, .. } => "gemm",
            Self::Contract { symmetric: true, .. } => "syrk",
            Self::Scan { .. } => "scan",
        }
    }
}

/// Which elements of the domain a store writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreShape {
    /// All of them, at their dense row-major place.
    Full,
    /// One for each row of a rows group (reduced axes have extent 1).
    Row,
    /// The diagonal of the last two axes: element (…, i, i) goes to (…, i).
    Diagonal,
}

/// A result leaving the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Where to.
    pub value: ValueId,
    /// Which register of the group's body.
    pub reg: Reg,
    /// Which elements.
    pub shape: StoreShape,
}

/// Nodes that run as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// A name for dumps, unique in the schedule: `g0`, `g1`, …
    pub id: u32,
    /// Where it runs.
    pub place: Place,
    /// Why it runs on the CPU although a GPU is there; empty otherwise.
    pub reason: String,
    /// The iteration domain, never empty (empty values are filled without a group).
    pub domain: Shape,
    /// The shape of the work.
    pub core: Core,
    /// The scalar program (for a contraction: the epilogue).
    pub body: Program,
    /// What is written.
    pub stores: Vec<Store>,
    /// The nodes computed inside, in topological order.
    pub nodes: Vec<NodeId>,
}

/// One step of a run.
#[expect(clippy::large_enum_variant, reason = "steps are few, and most of them are groups")]
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Host memory to the device.
    Upload(ValueId),
    /// Device memory to the host.
    Readback(ValueId),
    /// Run a group.
    Run(Group),
    /// Evaluate nodes of one host routine (several outputs) or one node without a group form by the reference.
    Host {
        /// The nodes, all with the same operation and operands but for the output number.
        nodes: Vec<NodeId>,
        /// The values of the operands, in order.
        inputs: Vec<ValueId>,
        /// The values written, one for each node.
        outputs: Vec<ValueId>,
        /// Why here.
        reason: String,
    },
    /// Nothing to compute: an empty array comes into being.
    Empty(ValueId),
    /// The value is not used any more.
    Free(ValueId),
}

/// What a step that computes reads and writes, each value once, and on which side.
pub(super) struct Touched {
    pub place: Place,
    pub reads: Vec<ValueId>,
    pub writes: Vec<ValueId>,
}

impl Step {
    /// What the step reads and writes; `None` for steps that only move or free values.
    pub(super) fn touched(&self) -> Option<Touched> {
        let (place, mut reads, writes) = match self {
            Self::Run(group) => {
                let mut reads: Vec<ValueId> = group.body.loads.iter().map(|l| l.value).collect();
                if let Core::Contract { left, right, .. } = &group.core {
                    reads.extend(left.loads.iter().chain(&right.loads).map(|l| l.value));
                }
                (group.place, reads, group.stores.iter().map(|s| s.value).collect())
            }
            Self::Host { inputs, outputs, .. } => (Place::Cpu, inputs.clone(), outputs.clone()),
            Self::Empty(v) => (Place::Cpu, Vec::new(), vec![*v]),
            Self::Upload(_) | Self::Readback(_) | Self::Free(_) => return None,
        };
        reads.sort_unstable();
        reads.dedup();
        Some(Touched { place, reads, writes })
    }
}

/// The steps during which a value must stay where it is: from the step that writes it to the last that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Index of the writing step; 0 for leaves.
    pub from: u32,
    /// Index of the last reading step; the number of steps for roots.
    pub to: u32,
}

/// A piece of scratch or root memory and the values that use it one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// On the device or on the host.
    pub place: Place,
    /// Bytes.
    pub bytes: u64,
    /// The values, in the order of their lifetimes.
    pub values: Vec<ValueId>,
}

/// A fusion that did not happen, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The producer that was stored.
    pub node: NodeId,
    /// The user it was not fused into.
    pub user: NodeId,
    /// Why.
    pub why: String,
}

/// Everything a run needs besides data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Stored values.
    pub values: Vec<Value>,
    /// Scalars computed on the host at the start of a run: nodes of the graph whose elements programs name by number.
    pub scalars: Vec<NodeId>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The value of each root of the graph, in root order.
    pub roots: Vec<ValueId>,
    /// Lifetimes of the values on the side where they are written.
    pub lifetimes: Vec<Lifetime>,
    /// The memory plan.
    pub blocks: Vec<Block>,
    /// Fusions that did not happen.
    pub refusals: Vec<Refusal>,
}

impl Schedule {
    /// The value with this id.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// Bytes of memory the schedule holds on to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let group = |g: &Group| {
            let core = match &g.core {
                Core::Contract { left, right, .. } => left.bytes() + right.bytes(),
                _ => 0,
            };
            core + g.body.bytes()
                + g.reason.capacity()
                + g.stores.capacity() * size_of::<Store>()
                + g.nodes.capacity() * size_of::<NodeId>()
        };
        let step = |s: &Step| match s {
            Step::Run(g) => group(g),
            Step::Host { nodes, inputs, outputs, reason } => {
                reason.capacity() + 4 * (nodes.capacity() + inputs.capacity() + outputs.capacity())
            }
            _ => 0,
        };
        self.values.capacity() * size_of::<Value>()
            + self.scalars.capacity() * size_of::<NodeId>()
            + self.steps.capacity() * size_of::<Step>()
            + self.steps.iter().map(step).sum::<usize>()
            + self.roots.capacity() * size_of::<ValueId>()
            + self.lifetimes.capacity() * size_of::<Lifetime>()
            + self.blocks.iter().map(|b| size_of::<Block>() + b.values.capacity() * 4).sum::<usize>()
            + self.refusals.iter().map(|r| size_of::<Refusal>() + r.why.capacity()).sum::<usize>()
    }

    /// The groups, in order.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.steps.iter().filter_map(|s| match s {
            Step::Run(g) => Some(g),
            _ => None,
        })
    }
}
