//! Normal forms of terms: kernels are the operations they compute, views over views are one view.
//!
//! The terms that extraction chose and the terms of the planned graph differ by exactly this. Where two have the same normal form,
//! nothing happened between them but forming kernels and joining views.

use egg::Id;
use hashbrown::HashMap;

use crate::planner::encode::view_terms;
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};
use crate::types::View;

/// The normal forms that were computed so far.
#[derive(Default)]
pub(super) struct NormalForms {
    of: HashMap<Id, Id>,
    /// By normal form that is a view: what it reads.
    views: HashMap<Id, JoinedView>,
}

/// A base that is no view that could be joined, and the view through which it is read.
struct JoinedView {
    base: Id,
    view: View,
}

impl NormalForms {
    /// The normal form of a term. `None` for a view that does not fit its operand, which no checked term has.
    pub(super) fn of(&mut self, terms: &mut Terms, id: Id) -> Option<Id> {
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
                    let form = self.of_term(terms, &node, &children)?;
                    self.of.insert(at, form);
                    open.pop();
                }
                None => open.extend(node.children.iter().filter(|c| !self.of.contains_key(*c))),
            }
        }
        self.of.get(&id).copied()
    }

    /// The normal form of a term over normal forms.
    fn of_term(&mut self, terms: &mut Terms, node: &ENode, children: &[Id]) -> Option<Id> {
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
        Some(self.of_view(terms, operand, view))
    }

    /// The normal form of a view of a normal form.
    fn of_view(&mut self, terms: &mut Terms, operand: Id, view: View) -> Id {
        let (mut base, mut view) = (operand, view);
        // Two views that cannot be joined may each be joined as parts of a larger one.
        while let Some(below) = self.views.get(&base)
            && let Some(both) = view.through(&below.view)
        {
            (base, view) = (below.base, both);
        }
        if view.shape().is_empty() {
            // All views that read nothing are one.
            view = View::dense(view.shape());
        }
        let shape = terms[base].data.shape.clone();
        if view.is_identity(&shape) {
            return base;
        }
        let mut id = base;
        for step in view_terms(&mut terms.analysis, &shape, &view) {
            let attribute = step.attribute.map(|a| terms.add(ENode::new(a, [])));
            id = terms.add(ENode::new(step.op, [id].into_iter().chain(attribute)));
        }
        self.views.insert(id, JoinedView { base, view });
        id
    }
}
