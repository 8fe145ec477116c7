//! What the variables of a rule stand for in one match.

use egg::Id;
use smallvec::SmallVec;

use super::model::Rule;
use crate::planner::language::EOp;

/// What variables and operator variables stand for.
#[derive(Debug, Default, PartialEq)]
pub(in crate::planner) struct Subst {
    pub(in crate::planner) vars: SmallVec<[Option<Id>; 6]>,
    pub(in crate::planner) ops: SmallVec<[Option<BoundOp>; 1]>,
}

/// The operation that an operator variable stands for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::planner) struct BoundOp {
    pub(in crate::planner) op: EOp,
    pub(in crate::planner) attributes: SmallVec<[Id; 1]>,
}

impl Clone for BoundOp {
    /// The attributes as one copy of memory: substitutions are copied for every match.
    fn clone(&self) -> Self {
        Self { op: self.op.clone(), attributes: SmallVec::from_slice(&self.attributes) }
    }
}

impl Clone for Subst {
    fn clone(&self) -> Self {
        let mut ops = SmallVec::new();
        for op in &self.ops {
            ops.push(op.clone());
        }
        Self { vars: SmallVec::from_slice(&self.vars), ops }
    }
}

impl Subst {
    pub(in crate::planner) fn new(rule: &Rule) -> Self {
        Self { vars: SmallVec::from_elem(None, rule.vars.len()), ops: SmallVec::from_elem(None, rule.ops.len()) }
    }

    /// The classes of these variables, as far as they are bound.
    pub(in crate::planner) fn classes(&self, vars: &[usize]) -> Vec<Id> {
        vars.iter().filter_map(|&v| self.vars[v]).collect()
    }
}
