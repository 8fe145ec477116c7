//! The decisions: users before operands, each node is computed inside the groups that read it, or stored by one of them, or
//! by a group of its own.
//!
//! Because a node is decided only after all its users, every path that leaves a group runs through decided nodes; an edge is
//! added only where no path leads back, so groups never wait for one another in a circle.

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::ScheduleOptions;
use super::accept::Change;
use super::analyse::{Role, canonical, fold_axes};
use super::build::{Forming, Kind, Slot, Verdict};
use super::place::node_support;
use super::product::{Routine, routine};
use super::reads::{Read, Source};
use super::steps::Refusal;
use super::waits::Waits;
use crate::error::{Error, Result};
use crate::graph::{NodeId, Op};
use crate::types::{Limits, View};

/// How many of the latest groups that read the same node are tried as partners.
const PARTNERS: usize = 2;

/// Groups in the making.
pub(super) struct Builder<'a> {
    pub source: Source<'a>,
    pub options: &'a ScheduleOptions,
    /// The limits of the GPU that may be used.
    pub gpu: Option<&'a Limits>,
    /// Why a node cannot run on the GPU.
    pub support: Vec<Verdict<()>>,
    pub groups: Vec<Forming>,
    /// Which groups wait for which, and which group a merged group became.
    pub waits: Waits,
    /// The groups that read each node.
    wanted: Vec<SmallVec<[usize; 2]>>,
    /// Nodes that must lie in memory.
    pub must: Vec<bool>,
    /// The group that stores each node.
    pub home: Vec<Option<usize>>,
    pub refusals: Vec<Refusal>,
    pub empties: Vec<NodeId>,
    /// Nodes that run by themselves.
    pub apart: Vec<bool>,
    /// The planned kernel each node belongs to.
    pub kernel_of: Vec<Option<u32>>,
    /// The host step of each routine and its operands.
    hosts: HashMap<Routine, usize>,
}

impl<'a> Builder<'a> {
    pub fn new(source: Source<'a>, options: &'a ScheduleOptions, gpu: Option<&'a Limits>) -> Self {
        let n = source.graph.nodes.len();
        let support = source
            .graph
            .ids()
            .map(|id| match gpu {
                Some(limits) => node_support(source.graph, source.facts, id, limits),
                None => Err(String::new()),
            })
            .collect();
        let mut must = vec![false; n];
        for r in &source.graph.roots {
            must[r.index()] = true;
        }
        let mut apart = vec![false; n];
        for id in options.apart.iter().filter(|id| id.index() < n) {
            apart[id.index()] = true;
        }
        Self {
            source,
            options,
            gpu,
            support,
            apart,
            groups: Vec::new(),
            waits: Waits::default(),
            wanted: vec![SmallVec::new(); n],
            must,
            home: vec![None; n],
            refusals: Vec::new(),
            empties: Vec::new(),
            kernel_of: vec![None; n],
            hosts: HashMap::new(),
        }
    }

    pub fn gpu_ok(&self, node: NodeId) -> bool {
        self.support[node.index()].is_ok()
    }

    /// Decides one node, all of whose users are decided.
    pub fn decide(&mut self, node: NodeId) -> Result<()> {
        let role = self.source.facts.role(node);
        let must = self.must[node.index()];
        if role == Role::Empty {
            if must {
                self.empties.push(node);
            }
            return Ok(());
        }
        let mut readers = self.readers(node);
        if self.options.fuse && !self.source.facts.inlined(node) && readers.len() > 1 {
            readers = self.join_readers(node, &readers);
        }
        if role == Role::Leaf {
            return Ok(());
        }
        if readers.is_empty() && !must {
            return Ok(());
        }
        let verdicts: Vec<(usize, Verdict<Change>)> = readers.iter().map(|&g| (g, self.accept(node, g))).collect();
        let all = verdicts.iter().all(|(_, v)| v.is_ok());
        let again = readers.len() <= 1 || self.is_free(node) || self.is_cheap(node);
        let must = must || self.wants_storage(node, &readers);
        if all && again && !must {
            for (g, verdict) in verdicts {
                self.fuse_into(node, g, verdict.unwrap_or(None))?;
            }
            return Ok(());
        }
        self.store(node, verdicts)
    }

    /// The groups that read a node, each once, in order of appearance.
    pub fn readers(&self, node: NodeId) -> Vec<usize> {
        let mut seen = HashSet::new();
        self.wanted[node.index()].iter().map(|&g| self.waits.find(g)).filter(|&g| seen.insert(g)).collect()
    }

    /// Whether computing a node anew costs nothing: views and known scalars.
    fn is_free(&self, node: NodeId) -> bool {
        self.source.facts.inlined(node) || self.source.facts.role(node) == Role::View
    }

    fn needs_copy(&self, node: NodeId, g: usize) -> bool {
        self.groups[g].requests_of(node).any(|r| r.stored)
    }

    fn wants_storage(&self, node: NodeId, readers: &[usize]) -> bool {
        readers.iter().any(|&g| self.needs_copy(node, g))
    }

    /// Whether computing a node in each of its readers moves fewer bytes than storing it.
    fn is_cheap(&self, node: NodeId) -> bool {
        let inline = self.source.facts.inline[node.index()];
        let n = self.source.graph.node(node);
        let bytes = n.shape.len() as f64 * n.dtype.size() as f64;
        matches!(self.source.facts.role(node), Role::Each | Role::Source)
            && inline.heavy == 0.0
            && inline.ops <= 4.0
            && inline.bytes <= 1.5 * bytes
            && self.kernel_of[node.index()].is_none()
    }

    /// Makes one group of readers that can be one: what they share is then read once.
    fn join_readers(&mut self, node: NodeId, readers: &[usize]) -> Vec<usize> {
        let mut left: Vec<usize> = Vec::new();
        for &g in readers {
            let mut latest = left.iter().rev().take(PARTNERS).copied();
            let partner = latest.find(|&p| self.share_a_view(node, p, g) && self.joinable(p, g));
            match partner {
                Some(p) => self.join(p, g),
                None => left.push(g),
            }
        }
        left
    }

    fn share_a_view(&self, node: NodeId, a: usize, b: usize) -> bool {
        self.groups[a].requests_of(node).any(|r| {
            r.slot == Slot::Body
                && !r.stored
                && self.groups[b].requests_of(node).any(|s| s.slot == Slot::Body && !s.stored && s.view == r.view)
        })
    }

    fn join(&mut self, into: usize, from: usize) {
        let empty = Forming::new(Kind::Map, self.groups[from].domain.clone(), false);
        let absorbed = std::mem::replace(&mut self.groups[from], empty);
        for n in &absorbed.outputs {
            self.home[n.index()] = Some(into);
        }
        self.waits.merge(into, from);
        self.groups[into].absorb(absorbed);
    }

    /// Computes `node` inside `g`.
    pub fn fuse_into(&mut self, node: NodeId, g: usize, change: Change) -> Result<()> {
        if let Some((reform, views)) = change {
            self.groups[g].reform(reform, views);
        }
        let reads = self.reads_in(node, g).map_err(|why| Error::internal(format!("{node} accepted by g{g}: {why}")))?;
        let weight = self.weight(node);
        let rigid = matches!(self.source.facts.role(node), Role::Pieces | Role::Gather | Role::Scan);
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
                self.must[r.node.index()] = true;
            }
            if self.groups[g].request(r.node, r.slot, &r.view, r.stored, user) {
                self.wanted[r.node.index()].push(g);
            }
        }
    }

    /// Stores `node`: from a group that computes it anyway, or from one of its own; everyone else reads memory.
    fn store(&mut self, node: NodeId, verdicts: Vec<(usize, Verdict<Change>)>) -> Result<()> {
        let groups: Vec<usize> = verdicts.iter().map(|(g, _)| *g).collect();
        let mut writer: Option<(usize, Change)> = None;
        let mut loaders = Vec::new();
        for (g, verdict) in verdicts {
            let user = self.groups[g].requests_of(node).next().map_or(node, |r| r.user);
            let why = match verdict {
                Ok(change) if writer.is_none() && self.may_store(node, g, &change, &groups).is_ok() => {
                    writer = Some((g, change));
                    continue;
                }
                // Views cost nothing: whoever can read through one does, whatever the others need.
                Ok(change) if self.is_free(node) && !self.needs_copy(node, g) => {
                    self.fuse_into(node, g, change)?;
                    continue;
                }
                Ok(change) => self.may_store(node, g, &change, &groups).err(),
                Err(why) => Some(why),
            };
            loaders.push(g);
            if self.options.fuse {
                let why = why.unwrap_or_else(|| "it is stored for several groups".to_owned());
                self.refusals.push(Refusal { node, user, why });
            }
        }
        let g = match writer {
            Some((g, change)) => {
                self.fuse_into(node, g, change)?;
                self.groups[g].outputs.push(node);
                g
            }
            None => self.found(node)?,
        };
        self.home[node.index()] = Some(g);
        for reader in loaders {
            if reader != g {
                self.waits.link(g, reader);
            }
        }
        Ok(())
    }

    /// Whether a group that computes `node` can also write it for everybody.
    fn may_store(&self, node: NodeId, g: usize, change: &Change, readers: &[usize]) -> Verdict<()> {
        let group = &self.groups[g];
        if matches!(group.kind, Kind::Product(_) | Kind::Host) {
            return Err("the product's kernel is given".to_owned());
        }
        let len = self.source.graph.node(node).shape.len();
        let (out, views): (_, Vec<&View>) = match change {
            Some((reform, views)) => {
                let domain = reform.stretch.clone().unwrap_or_else(|| reform.shape.clone());
                let changed = Forming::new(reform.kind.clone(), domain, group.gpu);
                let of_node = group.requests.iter().zip(views).filter(|(r, _)| r.node == node).map(|(_, v)| v);
                (changed.out_view(len), of_node.collect())
            }
            None => (group.out_view(len), group.requests_of(node).map(|r| &r.view).collect()),
        };
        if self.needs_copy(node, g) {
            return Err("its user reads it by address".to_owned());
        }
        if !out.is_some_and(|o| views.iter().any(|v| **v == o)) {
            return Err("its user does not read all of it in order".to_owned());
        }
        if len == group.domain.len() && change.is_none() && !self.takes_whole_store(g) {
            return Err("the fold is split over the device, which leaves no room for whole stores".to_owned());
        }
        let mut bound = self.bound(g, Some(node));
        bound.insert(node);
        if bound.len() > self.most_buffers(group.gpu) {
            return Err("no more buffers can be bound".to_owned());
        }
        if readers.iter().any(|&r| r != g && self.waits.reaches(r, g)) {
            return Err("its group waits for another user".to_owned());
        }
        Ok(())
    }

    /// A group of its own for a node.
    fn found(&mut self, node: NodeId) -> Result<usize> {
        let (graph, facts) = (self.source.graph, self.source.facts);
        let n = graph.node(node);
        let over = n.operands.first().map(|&o| graph.node(o).shape.clone());
        let wrong = || Error::internal(format!("{node} = {} has no group form", n.op));
        let role = facts.role(node);
        let (kind, domain) = match role {
            Role::Fold => (Kind::Rows(fold_axes(&n.op).ok_or_else(wrong)?), over.ok_or_else(wrong)?),
            Role::Scan => match n.op {
                Op::Scan { op, axis } => (Kind::Scan(op, axis), n.shape.clone()),
                _ => return Err(wrong()),
            },
            Role::Product => (Kind::Product(node), n.shape.clone()),
            Role::Host => return Ok(self.found_host(node)),
            _ => (Kind::Map, n.shape.clone()),
        };
        let gpu = self.gpu_ok(node) && self.gpu.is_some();
        let mut group = Forming::new(kind, domain, gpu);
        group.alone = self.apart[node.index()];
        group.outputs.push(node);
        let out = group.out_view(n.shape.len()).ok_or_else(wrong)?;
        group.request(node, Slot::Body, &out, false, node);
        if role == Role::Product {
            let a = &graph.node(n.operands[0]).shape;
            group.k = a[a.rank() - 1];
        }
        let g = self.add(group);
        if role == Role::Product {
            self.open_product(g, node)?;
        } else {
            self.fuse_into(node, g, None)?;
        }
        Ok(g)
    }

    /// The operands of a product enter as reads of its two programs.
    pub fn open_product(&mut self, g: usize, node: NodeId) -> Result<()> {
        let (left, right) = (self.groups[g].domain_of(Slot::Left), self.groups[g].domain_of(Slot::Right));
        self.groups[g].fuse(node);
        let reads = self.source.product_reads(node, &left, &right).map_err(Error::internal)?;
        self.push_reads(g, node, reads);
        Ok(())
    }

    /// A host step for a node; other results of the same routine join it.
    fn found_host(&mut self, node: NodeId) -> usize {
        let n = self.source.graph.node(node);
        let routine = routine(self.source.graph, node);
        if let Some(&g) = routine.as_ref().and_then(|r| self.hosts.get(r)) {
            self.groups[g].outputs.push(node);
            return g;
        }
        let mut group = Forming::new(Kind::Host, n.shape.clone(), false);
        group.outputs.push(node);
        let g = self.add(group);
        if let Some(routine) = routine {
            self.hosts.insert(routine, g);
        }
        let reads = n
            .operands
            .iter()
            .map(|&o| {
                let view = canonical(&View::dense(&self.source.graph.node(o).shape));
                Read { node: o, slot: Slot::Body, view, stored: true }
            })
            .collect();
        self.push_reads(g, node, reads);
        g
    }

    pub fn add(&mut self, group: Forming) -> usize {
        self.groups.push(group);
        self.waits.add()
    }
}
