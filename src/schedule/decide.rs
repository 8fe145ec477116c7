//! The decisions: users before operands, each node is computed inside the groups that read it, or stored by one of them, or
//! by a group of its own.
//!
//! Because a node is decided only after all its users, every path that leaves a group runs through decided nodes; an edge is
//! added only where no path leads back, so groups never wait for one another in a circle.

use super::analyse::{Role, canonical, fold_axes};
use super::build::{Change, Forming, FormingCore, Section, Verdict};
use super::fusion::{Fusion, routine};
use super::reads::Read;
use super::steps::Refusal;
use crate::error::{Error, Result};
use crate::graph::{NodeId, Op};
use crate::types::View;

/// How many of the latest groups that read the same node are tried as partners.
const PARTNERS: usize = 2;

/// A group that reads a node, and whether it can compute the node itself.
struct Reader {
    group: usize,
    verdict: Verdict<Option<Change>>,
}

impl Fusion<'_> {
    /// Decides one node, all of whose users are decided.
    pub fn decide(&mut self, node: NodeId) -> Result<()> {
        let role = self.input.analysis.role(node);
        let must = self.must_store[node.index()];
        if role == Role::Empty {
            if must {
                self.empties.push(node);
            }
            return Ok(());
        }
        let mut readers = self.readers(node);
        if self.options.fuse && !self.input.analysis.inlined(node) && readers.len() > 1 {
            readers = self.join_readers(node, &readers);
        }
        if role == Role::Leaf {
            return Ok(());
        }
        if readers.is_empty() && !must {
            return Ok(());
        }
        let verdicts: Vec<Reader> =
            readers.iter().map(|&group| Reader { group, verdict: self.accept(node, group) }).collect();
        let all = verdicts.iter().all(|reader| reader.verdict.is_ok());
        let again = readers.len() <= 1 || self.is_free(node) || self.is_cheap(node);
        let must = must || self.wants_storage(node, &readers);
        if all && again && !must {
            for reader in verdicts {
                self.fuse_into(node, reader.group, reader.verdict.unwrap_or(None))?;
            }
            return Ok(());
        }
        self.store(node, verdicts)
    }

    /// Merges readers that can form one group, so that what they share is read once.
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
            r.section == Section::Body
                && !r.stored
                && self.groups[b].requests_of(node).any(|s| s.section == Section::Body && !s.stored && s.view == r.view)
        })
    }

    /// Stores `node`: from a group that computes it anyway, or from one of its own; all other readers load it.
    fn store(&mut self, node: NodeId, readers: Vec<Reader>) -> Result<()> {
        let groups: Vec<usize> = readers.iter().map(|r| r.group).collect();
        let mut writer: Option<(usize, Option<Change>)> = None;
        let mut loaders = Vec::new();
        for Reader { group: g, verdict } in readers {
            let user = self.groups[g].requests_of(node).next().map_or(node, |r| r.user);
            let why = match verdict {
                Ok(change) if writer.is_none() && self.may_store(node, g, change.as_ref(), &groups).is_ok() => {
                    writer = Some((g, change));
                    continue;
                }
                // Views cost nothing, so each reader that can compose one does, whatever the others need.
                Ok(change) if self.is_free(node) && !self.needs_copy(node, g) => {
                    self.fuse_into(node, g, change)?;
                    continue;
                }
                Ok(change) => self.may_store(node, g, change.as_ref(), &groups).err(),
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
            None => self.add_own_group(node)?,
        };
        self.stored_by[node.index()] = Some(g);
        for reader in loaders {
            if reader != g {
                self.waits.link(g, reader);
            }
        }
        Ok(())
    }

    /// Whether a group that computes `node` can also write it for all readers.
    fn may_store(&self, node: NodeId, g: usize, change: Option<&Change>, readers: &[usize]) -> Verdict<()> {
        let group = &self.groups[g];
        if matches!(group.core, FormingCore::Product(_) | FormingCore::Host) {
            return Err("the product's kernel is given".to_owned());
        }
        let len = self.input.graph.node(node).shape.len();
        let (out, views): (_, Vec<&View>) = match change {
            Some(Change { reform, views }) => {
                let domain = reform.stretch.clone().unwrap_or_else(|| reform.shape.clone());
                let changed = Forming::new(reform.core.clone(), domain, group.gpu);
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
    fn add_own_group(&mut self, node: NodeId) -> Result<usize> {
        let (graph, analysis) = (self.input.graph, self.input.analysis);
        let n = graph.node(node);
        let over = n.operands.first().map(|&o| graph.node(o).shape.clone());
        let wrong = || Error::internal(format!("{node} = {} has no group form", n.op));
        let role = analysis.role(node);
        let (core, domain) = match role {
            Role::Fold => (FormingCore::Rows(fold_axes(&n.op).ok_or_else(wrong)?), over.ok_or_else(wrong)?),
            Role::Scan => match n.op {
                Op::Scan { op, axis } => (FormingCore::Scan(op, axis), n.shape.clone()),
                _ => return Err(wrong()),
            },
            Role::Product => (FormingCore::Product(node), n.shape.clone()),
            Role::Host => return Ok(self.add_host_step(node)),
            _ => (FormingCore::Map, n.shape.clone()),
        };
        let gpu = self.gpu_ok(node) && self.gpu.is_some();
        let mut group = Forming::new(core, domain, gpu);
        group.unfused = self.unfused[node.index()];
        group.outputs.push(node);
        let out = group.out_view(n.shape.len()).ok_or_else(wrong)?;
        group.request(node, Section::Body, &out, false, node);
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

    /// A host step for a node; other results of the same routine join it.
    fn add_host_step(&mut self, node: NodeId) -> usize {
        let n = self.input.graph.node(node);
        let routine = routine(self.input.graph, node);
        if let Some(&g) = routine.as_ref().and_then(|r| self.hosts.get(r)) {
            self.groups[g].outputs.push(node);
            return g;
        }
        let mut group = Forming::new(FormingCore::Host, n.shape.clone(), false);
        group.outputs.push(node);
        let g = self.add(group);
        if let Some(routine) = routine {
            self.hosts.insert(routine, g);
        }
        let reads = n
            .operands
            .iter()
            .map(|&o| {
                let view = canonical(&View::dense(&self.input.graph.node(o).shape));
                Read { node: o, section: Section::Body, view, stored: true }
            })
            .collect();
        self.push_reads(g, node, reads);
        g
    }
}
