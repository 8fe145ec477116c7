//! Planned kernels: contractions whose epilogue the planner decided.
//!
//! A kernel that a program can express is taken as given; any other is dissolved into ordinary nodes, and the reason is kept.
//! This module also fixes the order in which nodes are decided; a planned kernel counts as one node there.

use std::collections::BinaryHeap;

use hashbrown::HashMap;

use super::analyse::{Role, canonical, view_of};
use super::build::{Forming, FormingCore, Section, Verdict};
use super::fusion::Fusion;
use super::reads::snapped;
use super::steps::Refusal;
use crate::error::{Error, Result};
use crate::graph::{Graph, NodeId, PlannedKernel};
use crate::types::{Shape, View};

/// Whether a member of a kernel has an element for each element of the product, or for each place of its diagonal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Diagonal,
}

impl Fusion<'_> {
    /// Adopts the kernels that a program can express.
    pub fn adopt_kernels(&mut self) {
        for (k, kernel) in self.input.graph.kernels.iter().enumerate() {
            if !self.input.analysis.demanded[kernel.core.index()] {
                continue;
            }
            match self.check(kernel) {
                Ok(()) => {
                    for &n in kernel.stages.iter().chain([&kernel.core]) {
                        self.kernel_of[n.index()] = Some(k as u32);
                    }
                }
                Err(why) => self.dissolve(kernel, &why),
            }
        }
    }

    fn dissolve(&mut self, kernel: &PlannedKernel, why: &str) {
        let user = kernel.outputs.last().copied().unwrap_or(kernel.core);
        self.refusals.push(Refusal {
            node: kernel.core,
            user,
            why: format!("the planned epilogue is not taken: {why}"),
        });
        for &n in kernel.stages.iter().chain([&kernel.core]) {
            self.kernel_of[n.index()] = None;
        }
    }

    /// Whether the kernel's stages are a program over the product's elements.
    fn check(&self, kernel: &PlannedKernel) -> Verdict<()> {
        let (graph, analysis) = (self.input.graph, self.input.analysis);
        if kernel.stages.iter().chain([&kernel.core]).any(|n| self.unfused[n.index()]) {
            return Err("a part of it was asked to run by itself".to_owned());
        }
        let domain = &graph.node(kernel.core).shape;
        if analysis.role(kernel.core) != Role::Product {
            return Err("the product has no terms".to_owned());
        }
        let mut extents: HashMap<NodeId, Extent> = HashMap::new();
        extents.insert(kernel.core, Extent::Whole);
        for &stage in &kernel.stages {
            let extent = self.stage(stage, domain, &extents).map_err(|why| format!("{stage}: {why}"))?;
            extents.insert(stage, extent);
        }
        // What a stage reads from outside must not depend on what the kernel writes.
        let last = kernel.stages.iter().max().copied().unwrap_or(kernel.core);
        let mut tainted = vec![false; last.index() + 1 - kernel.core.index()];
        for i in kernel.core.0..=last.0 {
            let id = NodeId(i);
            let at =
                |o: NodeId| o >= kernel.core && (tainted[(o.0 - kernel.core.0) as usize] || extents.contains_key(&o));
            if extents.contains_key(&id) {
                let circle =
                    graph.node(id).operands.iter().find(|&&o| o >= kernel.core && !extents.contains_key(&o) && at(o));
                if let Some(o) = circle {
                    return Err(format!("{id} reads {o}, which needs the kernel's own result"));
                }
            } else {
                let depends = graph.node(id).operands.iter().any(|&o| at(o));
                tainted[(i - kernel.core.0) as usize] = depends;
            }
        }
        let mut reads: Vec<NodeId> = kernel.outputs.clone();
        let gpu = self.kernel_on_gpu(kernel);
        for &n in kernel.stages.iter().chain([&kernel.core]) {
            for &o in &graph.node(n).operands {
                if !extents.contains_key(&o) && !analysis.uniform(o) {
                    reads.push(o);
                }
            }
        }
        reads.sort_unstable();
        reads.dedup();
        if reads.len() > self.most_buffers(gpu) {
            return Err(format!("it binds {} buffers", reads.len()));
        }
        Ok(())
    }

    fn stage(&self, stage: NodeId, domain: &Shape, known: &HashMap<NodeId, Extent>) -> Verdict<Extent> {
        let graph = self.input.graph;
        let node = graph.node(stage);
        let inside: Vec<(NodeId, Extent)> =
            node.operands.iter().filter_map(|o| known.get(o).map(|&e| (*o, e))).collect();
        let Some(&(first, extent)) = inside.first() else {
            return Err("it does not follow the product".to_owned());
        };
        if inside.iter().any(|(_, e)| *e != extent) {
            return Err("it mixes the product with its diagonal".to_owned());
        }
        match self.input.analysis.role(stage) {
            Role::Elementwise => {
                let wrong = inside.iter().any(|(o, _)| graph.node(*o).shape.len() != node.shape.len());
                if wrong {
                    return Err("it broadcasts the product".to_owned());
                }
                if extent == Extent::Whole && node.shape != *domain {
                    return Err("it has another shape than the product".to_owned());
                }
                Ok(extent)
            }
            Role::View => {
                let view = view_of(graph, stage).ok_or("it is no view")?;
                if extent == Extent::Diagonal {
                    return if view.is_dense() && view.shape().len() == graph.node(first).shape.len() {
                        Ok(Extent::Diagonal)
                    } else {
                        Err("it views the diagonal".to_owned())
                    };
                }
                let diagonal = View::dense(domain).diagonal().map_err(|e| e.message().to_owned())?;
                let read = diagonal.reshape(view.shape(), crate::types::Order::C).ok().flatten();
                if read.is_some_and(|d| canonical(&d) == canonical(&view)) {
                    Ok(Extent::Diagonal)
                } else {
                    Err("it views the product otherwise than by its diagonal".to_owned())
                }
            }
            _ => Err("it is neither elementwise nor a diagonal".to_owned()),
        }
    }

    fn kernel_on_gpu(&self, kernel: &PlannedKernel) -> bool {
        self.gpu.is_some() && self.gpu_ok(kernel.core) && kernel.stages.iter().all(|&s| self.gpu_ok(s))
    }

    /// Forms the group of a planned kernel, all of whose users are decided.
    pub fn decide_kernel(&mut self, k: u32) -> Result<()> {
        let graph = self.input.graph;
        let kernel = &graph.kernels[k as usize];
        let core = graph.node(kernel.core);
        let mut members: Vec<NodeId> = kernel.stages.clone();
        members.push(kernel.core);
        members.sort_unstable();
        members.dedup();
        let mut group = Forming::new(FormingCore::Product(kernel.core), core.shape.clone(), self.kernel_on_gpu(kernel));
        let a = &graph.node(core.operands[0]).shape;
        group.k = a[a.rank() - 1];
        let g = self.add(group);
        for &n in &members {
            let readers = self.readers(n);
            let wanted = kernel.outputs.contains(&n) && self.input.analysis.demanded[n.index()];
            if wanted || !readers.is_empty() || self.must_store[n.index()] {
                let out = self.groups[g].out_view(graph.node(n).shape.len());
                let out = out.ok_or_else(|| Error::internal(format!("{n} of a planned kernel has no store")))?;
                self.groups[g].outputs.push(n);
                self.groups[g].request(n, Section::Body, &out, false, n);
                self.stored_by[n.index()] = Some(g);
                readers.into_iter().filter(|&r| r != g).for_each(|r| self.waits.link(g, r));
            }
        }
        for &n in members.iter().rev() {
            if n == kernel.core {
                self.open_product(g, n)?;
                continue;
            }
            if self.groups[g].requests_of(n).next().is_none() {
                continue;
            }
            let reads = self.reads_in(n, g).map_err(|why| Error::internal(format!("planned stage {n}: {why}")))?;
            let weight = self.weight(n);
            let group = &mut self.groups[g];
            group.ops += weight;
            group.fuse(n);
            let domain = group.domain.clone();
            let reads = reads.into_iter().map(|r| if members.contains(&r.node) { snapped(r, &domain) } else { r });
            self.push_reads(g, n, reads.collect());
        }
        Ok(())
    }

    /// Decides every demanded node, users first.
    pub fn decide_all(&mut self) -> Result<()> {
        let order = loop {
            let order = visit_order(self.input.graph, &self.input.analysis.demanded, &self.kernel_of);
            match order {
                Ok(order) => break order,
                Err(stuck) => {
                    // Two kernels that wait for one another: the later one is dissolved.
                    let k = stuck.iter().rev().find_map(|n| self.kernel_of[n.index()]);
                    let Some(k) = k else { return Err(Error::internal("the graph is not acyclic")) };
                    let kernel = &self.input.graph.kernels[k as usize];
                    self.dissolve(kernel, "it and another kernel would wait for one another");
                }
            }
        };
        for step in order {
            match self.kernel_of[step.index()] {
                Some(k) => self.decide_kernel(k)?,
                None => self.decide(step)?,
            }
        }
        Ok(())
    }
}

/// The demanded nodes, users before operands, where a kernel, or a routine with several results, is one node and appears by
/// its first member. `Err` holds the nodes that wait for one another.
fn visit_order(
    graph: &Graph,
    demanded: &[bool],
    kernel_of: &[Option<u32>],
) -> std::result::Result<Vec<NodeId>, Vec<NodeId>> {
    let mut unit: Vec<NodeId> = graph.ids().collect();
    let mut kernels: HashMap<u32, NodeId> = HashMap::new();
    for id in graph.ids() {
        if let Some(k) = kernel_of[id.index()] {
            unit[id.index()] = *kernels.entry(k).or_insert(id);
        }
    }
    let mut members: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    let mut users = vec![0u32; graph.nodes.len()];
    for id in graph.ids().filter(|i| demanded[i.index()]) {
        members.entry(unit[id.index()]).or_default().push(id);
        for o in &graph.node(id).operands {
            if unit[o.index()] != unit[id.index()] {
                users[unit[o.index()].index()] += 1;
            }
        }
    }
    // A unit is as late as its last member.
    let rank = |u: NodeId| (members.get(&u).and_then(|m| m.last()).copied().unwrap_or(u), u);
    let mut ready: BinaryHeap<(NodeId, NodeId)> =
        members.keys().filter(|u| users[u.index()] == 0).map(|&u| rank(u)).collect();
    let mut order = Vec::new();
    while let Some((_, u)) = ready.pop() {
        order.push(u);
        for &id in &members[&u] {
            for o in &graph.node(id).operands {
                let below = unit[o.index()];
                if below != u {
                    users[below.index()] -= 1;
                    if users[below.index()] == 0 {
                        ready.push(rank(below));
                    }
                }
            }
        }
    }
    if order.len() == members.len() {
        return Ok(order);
    }
    let mut stuck: Vec<NodeId> = members.keys().copied().filter(|u| users[u.index()] > 0).collect();
    stuck.sort_unstable();
    Err(stuck)
}
