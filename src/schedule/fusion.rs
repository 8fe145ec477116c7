//! The state of fusion: the groups that form, what they read and write, and the elementary changes of them.
//!
//! `accept` asks it whether a group can take a node in, `decide` and `planned` change it node by node, and `order` turns the
//! finished groups into steps.

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::analyse::Role;
use super::build::{Change, Forming, FormingCore, Section, Verdict, row_extents};
use super::options::ScheduleOptions;
use super::place::{Gpu, node_support};
use super::reads::{Analysed, Read};
use super::steps::Refusal;
use super::waits::Waits;
use crate::error::{Error, Result};
use crate::graph::{Graph, HostOp, NodeId, Op, Operands};
use crate::types::{Limits, Shape};

/// Values a CPU pass reads and writes at once.
const MAX_CPU_BUFFERS: usize = 24;
/// Rows this long, when they are few, occupy a handful of workgroups while the rest of the device waits.
pub(super) const LONG_ROW: usize = 1 << 20;
/// As [`LONG_ROW`] when the folds could be split over the device if nothing but row results were stored.
pub(super) const LONG_SPLIT_ROW: usize = 1 << 16;
const FEW_ROWS: usize = 64;

/// Groups in the making.
pub(super) struct Fusion<'a> {
    pub input: Analysed<'a>,
    pub options: &'a ScheduleOptions,
    /// The limits of the GPU that may be used.
    pub gpu: Option<&'a Limits>,
    /// Why a node cannot run on the GPU.
    pub support: Vec<Verdict<()>>,
    pub groups: Vec<Forming>,
    /// Which groups wait for which, and which group a merged group became.
    pub waits: Waits,
    /// The groups that read each node.
    read_by: Vec<SmallVec<[usize; 2]>>,
    /// Nodes that must lie in memory.
    pub must_store: Vec<bool>,
    /// The group that stores each node.
    pub stored_by: Vec<Option<usize>>,
    pub refusals: Vec<Refusal>,
    pub empties: Vec<NodeId>,
    /// Nodes that run by themselves.
    pub unfused: Vec<bool>,
    /// The planned kernel each node belongs to.
    pub kernel_of: Vec<Option<u32>>,
    /// The host step of each routine and its operands.
    pub hosts: HashMap<Routine, usize>,
}

impl<'a> Fusion<'a> {
    pub fn new(input: Analysed<'a>, options: &'a ScheduleOptions, gpu: Option<&'a Limits>) -> Self {
        let n = input.graph.nodes.len();
        let support = input
            .graph
            .ids()
            .map(|id| match gpu {
                Some(limits) => {
                    node_support(input.graph, input.analysis, id, Gpu { limits, numerics: options.numerics })
                }
                None => Err(String::new()),
            })
            .collect();
        let mut must_store = vec![false; n];
        for r in &input.graph.roots {
            must_store[r.index()] = true;
        }
        let mut unfused = vec![false; n];
        for id in options.unfused.iter().filter(|id| id.index() < n) {
            unfused[id.index()] = true;
        }
        Self {
            input,
            options,
            gpu,
            support,
            unfused,
            groups: Vec::new(),
            waits: Waits::default(),
            read_by: vec![SmallVec::new(); n],
            must_store,
            stored_by: vec![None; n],
            refusals: Vec::new(),
            empties: Vec::new(),
            kernel_of: vec![None; n],
            hosts: HashMap::new(),
        }
    }

    pub fn gpu_ok(&self, node: NodeId) -> bool {
        self.support[node.index()].is_ok()
    }

    /// The groups that read a node, each once, in order of appearance.
    pub fn readers(&self, node: NodeId) -> Vec<usize> {
        let mut seen = HashSet::new();
        self.read_by[node.index()].iter().map(|&g| self.waits.find(g)).filter(|&g| seen.insert(g)).collect()
    }

    /// The reads of `node` for each way `g` reads it.
    pub(super) fn reads_in(&self, node: NodeId, g: usize) -> Verdict<Vec<Read>> {
        let group = &self.groups[g];
        let mut reads = Vec::new();
        for r in group.requests_of(node).filter(|r| !r.stored) {
            reads.extend(self.input.reads(node, r.section, &r.view, &group.domain_of(r.section))?);
        }
        Ok(reads)
    }

    pub fn needs_copy(&self, node: NodeId, g: usize) -> bool {
        self.groups[g].requests_of(node).any(|r| r.stored)
    }

    pub fn wants_storage(&self, node: NodeId, readers: &[usize]) -> bool {
        readers.iter().any(|&g| self.needs_copy(node, g))
    }

    /// Whether computing a node anew costs nothing: views and known scalars.
    pub fn is_free(&self, node: NodeId) -> bool {
        self.input.analysis.inlined(node) || self.input.analysis.role(node) == Role::View
    }

    /// Whether computing a node in each of its readers moves fewer bytes than storing it.
    pub fn is_cheap(&self, node: NodeId) -> bool {
        let inline = self.input.analysis.inline[node.index()];
        let n = self.input.graph.node(node);
        let bytes = n.shape.len() as f64 * n.dtype.size() as f64;
        matches!(self.input.analysis.role(node), Role::Elementwise | Role::Generated)
            && inline.heavy == 0.0
            && inline.ops <= 4.0
            && inline.bytes <= 1.5 * bytes
            && self.kernel_of[node.index()].is_none()
    }

    /// The instructions that a node adds.
    pub(super) fn weight(&self, node: NodeId) -> usize {
        let n = self.input.graph.node(node);
        match self.input.analysis.role(node) {
            Role::View | Role::Scalar | Role::Constant => 0,
            Role::Windows => n.operands.len() * 2,
            _ => 1,
        }
    }

    /// Whether a rows group with whole stores over this domain would leave most of a GPU idle.
    pub(super) fn starves(&self, domain: &Shape, axes: &[usize], g: usize, long: usize) -> bool {
        let extents = row_extents(domain, axes);
        self.groups[g].gpu && extents.rows < FEW_ROWS && extents.elements > long
    }

    /// Whether a store of every element may join a rows group.
    pub(super) fn takes_whole_store(&self, g: usize) -> bool {
        match &self.groups[g].core {
            FormingCore::Rows(axes) => !self.starves(&self.groups[g].domain, axes, g, LONG_SPLIT_ROW),
            _ => true,
        }
    }

    pub(super) fn most_buffers(&self, gpu: bool) -> usize {
        match self.gpu {
            Some(limits) if gpu => (limits.max_storage_buffers as usize).saturating_sub(1),
            _ => MAX_CPU_BUFFERS,
        }
    }

    /// Values that a group binds at most: what it writes, and what it reads unless that is fused later.
    pub(super) fn bound(&self, g: usize, without: Option<NodeId>) -> HashSet<NodeId> {
        let group = &self.groups[g];
        let mut bound: HashSet<NodeId> = group.outputs.iter().copied().collect();
        for r in group.open() {
            if r.stored || Some(r.node) != without {
                self.add_bound(r.node, &mut bound);
            }
        }
        bound
    }

    pub fn add_bound(&self, node: NodeId, bound: &mut HashSet<NodeId>) {
        let analysis = self.input.analysis;
        // A bounded walk: a long chain of views is a strange graph, and counting one value twice does no harm.
        let mut at = node;
        for _ in 0..8 {
            if analysis.role(at) != Role::View {
                break;
            }
            at = self.input.graph.node(at).operands[0];
        }
        if !analysis.uniform(at) && !matches!(self.input.graph.node(at).op, Op::Iota { .. }) {
            bound.insert(at);
        }
    }

    pub fn add(&mut self, group: Forming) -> usize {
        self.groups.push(group);
        self.waits.add()
    }

    pub fn join(&mut self, into: usize, from: usize) {
        let empty = Forming::new(FormingCore::Map, self.groups[from].domain.clone(), false);
        let absorbed = std::mem::replace(&mut self.groups[from], empty);
        for n in &absorbed.outputs {
            self.stored_by[n.index()] = Some(into);
        }
        self.waits.merge(into, from);
        self.groups[into].absorb(absorbed);
    }

    /// Computes `node` inside `g`.
    pub fn fuse_into(&mut self, node: NodeId, g: usize, change: Option<Change>) -> Result<()> {
        if let Some(change) = change {
            self.groups[g].apply(change);
        }
        let reads = self.reads_in(node, g).map_err(|why| Error::internal(format!("{node} accepted by g{g}: {why}")))?;
        let weight = self.weight(node);
        let rigid = matches!(self.input.analysis.role(node), Role::Windows | Role::Gather | Role::Scan);
        let group = &mut self.groups[g];
        let times = group.fuse(node);
        group.ops += weight * times;
        group.rigid |= rigid;
        self.push_reads(g, node, reads);
        Ok(())
    }

    pub fn push_reads(&mut self, g: usize, user: NodeId, reads: Vec<Read>) {
        for r in reads {
            if r.stored {
                self.must_store[r.node.index()] = true;
            }
            if self.groups[g].request(r.node, r.section, &r.view, r.stored, user) {
                self.read_by[r.node.index()].push(g);
            }
        }
    }

    /// The operands of a product enter as reads of its two programs.
    pub fn open_product(&mut self, g: usize, node: NodeId) -> Result<()> {
        let (left, right) = (self.groups[g].domain_of(Section::Left), self.groups[g].domain_of(Section::Right));
        self.groups[g].fuse(node);
        let reads = self.input.product_reads(node, &left, &right).map_err(Error::internal)?;
        self.push_reads(g, node, reads);
        Ok(())
    }
}

/// What makes two host nodes results of one routine.
pub(super) type Routine = (HostOp, Operands);

/// The routine of a host node.
pub(super) fn routine(graph: &Graph, id: NodeId) -> Option<Routine> {
    match graph.node(id).op {
        Op::Host { op, .. } => Some((op, graph.node(id).operands.clone())),
        _ => None,
    }
}
