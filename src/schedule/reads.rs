//! What computing a node in place reads: each operand with the view that the node's own view turns into.
//!
//! Groups form by these reads and programs are written by them, so that both always agree. A node, a view over a domain
//! and the tables of `analyse` come in; operands with views come out, or the reason why strides cannot express it.

use super::analyse::{Analysis, Role, canonical, constant_view, view_of};
use super::build::{Section, Verdict, diagonal_read_view};
use crate::graph::{Graph, NodeId, Op};
use crate::types::{Shape, View};

/// An operand to be read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub node: NodeId,
    pub section: Section,
    pub view: View,
    /// Whether it must be stored, because it is read at places that are no view of the domain.
    pub stored: bool,
}

/// A stored node, and the view of it that another node is.
pub(super) struct StoredBase {
    pub node: NodeId,
    pub view: View,
}

/// The graph with its tables, as everything in this room reads them.
#[derive(Clone, Copy)]
pub(super) struct Analysed<'a> {
    pub graph: &'a Graph,
    pub analysis: &'a Analysis,
}

const NO_STRIDES: &str = "it is read through a view that strides cannot express";

impl Analysed<'_> {
    /// The reads of `node` when each element of `domain` needs the element that `view` names. For folds, running folds and
    /// products `view` is ignored: their operands run over the whole domain (whose contracted extent is `k`).
    pub fn reads(&self, node: NodeId, section: Section, view: &View, domain: &Shape) -> Verdict<Vec<Read>> {
        let (graph, analysis) = (self.graph, self.analysis);
        let n = graph.node(node);
        let plain = |o: NodeId, view: View| Read { node: o, section, view: canonical(&view), stored: false };
        match analysis.role(node) {
            Role::Scalar | Role::Constant => Ok(Vec::new()),
            Role::View => {
                let inner = view_of(graph, node).ok_or("it is no view")?;
                let o = n.operands[0];
                if analysis.uniform(o) {
                    return Ok(vec![plain(o, constant_view(domain))]);
                }
                Ok(vec![plain(o, view.through(&inner).ok_or(NO_STRIDES)?)])
            }
            Role::Elementwise => {
                n.operands.iter().map(|&o| Ok(plain(o, self.stretched(o, &n.shape, view, domain)?))).collect()
            }
            Role::Generated => {
                if let Op::Iota { .. } = n.op {
                    self.iota_view(node, view).ok_or(NO_STRIDES)?;
                }
                Ok(n.operands.iter().map(|&o| plain(o, constant_view(domain))).collect())
            }
            Role::Windows => self.windows(node, section, view, domain),
            Role::Gather => {
                let Op::Gather { axis } = n.op else { return Err("it is no gather".to_owned()) };
                whole(view, &n.shape, domain)?;
                let base = self.stored_base(n.operands[0]).node;
                let index = View::dense(&graph.node(n.operands[1]).shape);
                let mut along: Shape = n.shape.iter().map(|_| 1).collect();
                along = along.with_axis(axis, n.shape[axis]);
                let placed = index
                    .reshape(&along, crate::types::Order::C)
                    .ok()
                    .flatten()
                    .and_then(|v| v.broadcast_to(domain).ok())
                    .ok_or(NO_STRIDES)?;
                let index = if analysis.uniform(n.operands[1]) { constant_view(domain) } else { placed };
                Ok(vec![
                    Read { node: base, section, view: constant_view(domain), stored: true },
                    plain(n.operands[1], index),
                ])
            }
            Role::Fold | Role::Scan => {
                let o = n.operands[0];
                let view = if analysis.uniform(o) { constant_view(domain) } else { View::dense(domain) };
                Ok(vec![plain(o, view)])
            }
            Role::Leaf | Role::Empty | Role::Product | Role::Host => {
                Err(format!("{} is a step of its own", n.op.name()))
            }
        }
    }

    /// The operands of a product over `[batch…, m, k]` and `[batch…, k, n]`.
    pub fn product_reads(&self, node: NodeId, left: &Shape, right: &Shape) -> Verdict<Vec<Read>> {
        let operands = &self.graph.node(node).operands;
        let side = |o: NodeId, section, domain: &Shape| {
            let dense = View::dense(&self.graph.node(o).shape);
            let view = if self.analysis.uniform(o) {
                constant_view(domain)
            } else {
                dense.broadcast_to(domain).map_err(|e| e.message().to_owned())?
            };
            Ok::<_, String>(Read { node: o, section, view: canonical(&view), stored: false })
        };
        Ok(vec![side(operands[0], Section::Left, left)?, side(operands[1], Section::Right, right)?])
    }

    /// The index view of an iota read through `view`: its coordinate.
    pub fn iota_view(&self, node: NodeId, view: &View) -> Option<View> {
        let Op::Iota { shape, axis, .. } = &self.graph.node(node).op else { return None };
        let strides: Vec<i64> = (0..shape.rank()).map(|a| i64::from(a == *axis)).collect();
        let coordinate = View::from_parts(shape.clone(), &strides, 0).ok()?;
        view.through(&coordinate).map(|v| canonical(&v))
    }

    /// What must be stored so that `node` can be read by address.
    pub fn stored_base(&self, node: NodeId) -> StoredBase {
        let mut at = node;
        let mut view = View::dense(&self.graph.node(node).shape);
        while self.analysis.role(at) == Role::View {
            let Some(inner) = view_of(self.graph, at) else { break };
            let Some(composed) = view.through(&inner) else { break };
            view = composed;
            at = self.graph.node(at).operands[0];
        }
        StoredBase { node: at, view }
    }

    /// The view of an operand that is broadcast to `shape`, read through `view`.
    fn stretched(&self, o: NodeId, shape: &Shape, view: &View, domain: &Shape) -> Verdict<View> {
        let own = &self.graph.node(o).shape;
        if self.analysis.uniform(o) {
            return Ok(constant_view(domain));
        }
        if own == shape {
            return Ok(view.clone());
        }
        if own.len() == 1 {
            return Ok(constant_view(domain));
        }
        let inner = View::dense(own).broadcast_to(shape).map_err(|e| e.message().to_owned())?;
        view.through(&inner).ok_or_else(|| NO_STRIDES.to_owned())
    }

    fn windows(&self, node: NodeId, section: Section, view: &View, domain: &Shape) -> Verdict<Vec<Read>> {
        let n = self.graph.node(node);
        whole(view, &n.shape, domain)?;
        let mut reads = Vec::new();
        let element = |o: NodeId| {
            let view = if self.analysis.uniform(o) || self.graph.node(o).shape.len() == 1 {
                constant_view(domain)
            } else {
                canonical(&View::dense(domain))
            };
            Read { node: o, section, view, stored: false }
        };
        for (i, &o) in n.operands.iter().enumerate() {
            if self.graph.node(o).shape.is_empty() {
                continue;
            }
            // What surrounds the windows is an element like any other.
            let around = matches!((&n.op, i), (Op::SliceUpdate { .. }, 0) | (Op::Pad { .. }, 1));
            if around || self.analysis.uniform(o) {
                reads.push(element(o));
            } else {
                let base = self.stored_base(o).node;
                reads.push(Read { node: base, section, view: constant_view(domain), stored: true });
            }
        }
        Ok(reads)
    }
}

/// Whether a node whose elements know their coordinates is read as a whole.
fn whole(view: &View, shape: &Shape, domain: &Shape) -> Verdict<()> {
    if domain == shape && view.is_dense() && view.shape() == domain {
        return Ok(());
    }
    Err("its elements know their places, and it is read through a view".to_owned())
}

/// A read of the product's own elements on behalf of the diagonal: on the diagonal it is the element itself.
pub(super) fn snapped(read: Read, domain: &Shape) -> Read {
    if diagonal_read_view(domain).is_some_and(|d| d == read.view) {
        return Read { view: canonical(&View::dense(domain)), ..read };
    }
    read
}
