//! Terms as the planned graph has them: kernels are the operations they compute, views over views are one view.
//!
//! What was chosen and what runs differ by exactly this, and both come to one form here: where it is the same, forming kernels and
//! joining views is all that happened between them.

use egg::Id;
use hashbrown::HashMap;

use crate::planner::facts::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::views::{Step, split};
use crate::types::View;

/// What was formed already.
#[derive(Default)]
pub(super) struct Formed {
    of: HashMap<Id, Id>,
    /// Views that were joined: what they read, and how.
    views: HashMap<Id, (Id, View)>,
}

impl Formed {
    /// The form of a term. `None` for a view that does not fit its operand, which no checked term has.
    pub(super) fn form(&mut self, terms: &mut Terms, id: Id) -> Option<Id> {
        let mut open = vec![id];
        while let Some(&at) = open.last() {
            if self.of.contains_key(&at) {
                open.pop();
                continue;
            }
            let node = terms.id_to_node(at).clone();
            let known: Option<Vec<Id>> = node.children.iter().map(|c| self.of.get(c).copied()).collect();
            match known {
                Some(children) => {
                    let formed = self.node(terms, &node, &children)?;
                    self.of.insert(at, formed);
                    open.pop();
                }
                None => open.extend(node.children.iter().filter(|c| !self.of.contains_key(*c))),
            }
        }
        self.of.get(&id).copied()
    }

    fn node(&mut self, terms: &mut Terms, node: &ENode, children: &[Id]) -> Option<Id> {
        let op = match &node.op {
            EOp::Run => return children.first().copied(),
            EOp::RunDiag => EOp::Diagonal,
            EOp::Gemm | EOp::Syrk => EOp::Contract,
            other => other.clone(),
        };
        if !op.is_view() {
            return Some(terms.add(ENode::new(op, children.iter().copied())));
        }
        let operand = *children.first()?;
        let attribute = children.get(1).map(|&a| terms.id_to_node(a).op.clone());
        let view = terms.analysis.view_of(&op, &terms[operand].data.shape, attribute.as_ref())?;
        let (mut base, mut view) = (operand, view);
        // What cannot be read through one view may, as a part of a larger one, be read through all of them.
        while let Some((below, inner)) = self.views.get(&base)
            && let Some(both) = view.through(inner)
        {
            (base, view) = (*below, both);
        }
        if view.shape().is_empty() {
            // All ways to read nothing are one.
            view = View::dense(view.shape());
        }
        if view.is_identity(&terms[base].data.shape) {
            return Some(base);
        }
        let mut id = base;
        for step in split(&terms[base].data.shape, &view) {
            let (op, attribute) = match step {
                Step::Transpose => (EOp::Transpose, None),
                Step::Diagonal => (EOp::Diagonal, None),
                Step::Reshape(s) => (EOp::Reshape, Some(EOp::Extents(s.into()))),
                Step::Broadcast(s) => (EOp::Broadcast, Some(EOp::Extents(s.into()))),
                Step::Strided(v) => (EOp::Strided, Some(EOp::ViewOf(terms.analysis.view(v)))),
            };
            let attribute = attribute.map(|a| terms.add(ENode::new(a, [])));
            id = terms.add(ENode::new(op, [id].into_iter().chain(attribute)));
        }
        self.views.insert(id, (base, view));
        Some(id)
    }
}
