//! Left sides of rules as graphs that a recorder could have made, whole or with one edit, and plans that force one rule.
//!
//! What conditions require of data (no sign bit, nothing infinite, equal to its transpose) is built into the graph here, where the
//! soundness check of `check` promises it of leaves. Nothing is evaluated.

use std::sync::Arc;

use egg::Id;

use super::check::RuleCheck;
use super::inputs::{RuleInput, RuleOperator, TermBuilder};
use super::language::EOp;
use super::plan::{Plan, PlanOptions};
use super::planning::plan_forcing;
use super::properties::{Properties, Property};
use super::rule_set::Rules;
use super::rules::{Head, Pat, Phase, Rule, Subst, draft, draft_alone, edits};
use crate::graph::{BinaryOp, CastMode, Graph, Op, UnaryOp};
use crate::types::{DType, Scalar, Shape};

/// The left side of a rule, or nearly so, with one root.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleInstance {
    /// The graph. Its leaves and slots are in the order of the variables.
    pub graph: Graph,
    /// Whether the rule applies: nothing was edited, the conditions hold, and the right side can be built.
    pub applies: bool,
}

impl RuleCheck {
    /// How many edits the left side has.
    #[must_use]
    pub fn n_edits(&self) -> usize {
        edits(&self.0).len()
    }

    /// The left side for these inputs, one for each variable, and operators; with the edit of this number, if any. `None` where
    /// it would be ill-formed.
    #[must_use]
    pub fn instance(
        &self,
        inputs: &[RuleInput],
        operators: &[RuleOperator],
        edit: Option<usize>,
    ) -> Option<RuleInstance> {
        let rule = &self.0;
        let pattern = match edit {
            None => rule.left[0].clone(),
            Some(i) => edits(rule).into_iter().nth(i)?,
        };
        // Another array like a variable is one more input behind all others.
        let n = inputs.len();
        let others: Vec<usize> = variables(&pattern).into_iter().filter(|&v| v >= n).collect();
        let mut all = inputs.to_vec();
        all.extend(others.iter().map(|&v| inputs[v - n].clone()));
        let mut b = TermBuilder::new(&all, &[]);
        let mut subst = Subst::new(rule);
        subst.vars.resize(2 * n, None);
        for (i, input) in all.iter().enumerate() {
            let v = if i < n { i } else { others[i - n] };
            let id = b.input(i, input)?;
            subst.vars[v] = Some(meeting(&mut b, self.requirements(v % n).properties, input, id)?);
        }
        let dtype = subst.vars[rule.subject_var].map(|id| b.terms[id].data.dtype);
        b.bind(&mut subst, operators);
        let left = draft_alone(&pattern, &b.terms, &subst, dtype)?.add(&mut b.terms).root;
        b.terms.rebuild();
        let facts = b.terms[left].data.clone();
        let applies = edit.is_none()
            && rule.conditions.iter().all(|c| c.holds(&b.terms, left, &subst.vars))
            && draft(&rule.right, &b.terms, &subst, &facts).is_some();
        let graph = b.graph(&[left]).ok()?;
        Some(RuleInstance { graph: graph.subgraph(&graph.roots), applies })
    }

    /// Plans a graph so that wherever this rule applies its right side is chosen, whatever it costs. No other rule takes part
    /// but those of `others`, whose right sides are chosen too, and those that make kernels, where this rule is about kernels.
    #[must_use]
    pub fn force(&self, others: &[Self], graph: &Graph, options: &PlanOptions) -> Plan {
        let about_kernels = mentions_kernel(&self.0.left[0]);
        let forced = |r: &Rule| same_direction(r, &self.0) || others.iter().any(|c| same_direction(r, &c.0));
        let takes_part = |r: &Rule| forced(r) || about_kernels && mentions_kernel(&r.right) && r.name != self.0.name;
        // A rule of phase `meet` adds nothing new, and no other rule is here to add what it looks for.
        let rules = options.rules.all().iter().filter(|r| takes_part(r)).map(|r| match r.phase {
            Phase::Meet => Arc::new(Rule { phase: Phase::Simplify, ..(**r).clone() }),
            _ => r.clone(),
        });
        let rules = Arc::new(Rules::of(rules.collect()));
        plan_forcing(graph, &PlanOptions { rules, ..options.clone() }, &forced)
    }

    /// The rules of a set whose right sides build what this one looks for: a left side that no program spells comes from them.
    #[must_use]
    pub fn providers(&self, rules: &Rules) -> Vec<Self> {
        let sought = heads(&self.0.left[0]);
        let gives = |r: &Rule| matches!(&r.right, Pat::Node(head, _) if sought.contains(head));
        rules.checks().filter(|r| r.name() != self.name() && gives(&r.0)).collect()
    }
}

/// An array that meets what is required of it, made from an array of any data; other inputs as they are.
fn meeting(b: &mut TermBuilder, required: Properties, input: &RuleInput, id: Id) -> Option<Id> {
    let RuleInput::Array(shape, dtype) = input else { return Some(id) };
    if let Some(value) = required.fill() {
        return Some(filled(b, shape, Scalar::from_i64(*dtype, value)));
    }
    if required.has(Property::Identity) || required.has(Property::Diagonal) {
        let axis = shape.rank().checked_sub(2)?;
        let on_diagonal = on_diagonal(b, shape, axis);
        return Some(if required.has(Property::Diagonal) {
            let zero = b.add(EOp::Literal(Scalar::from_i64(*dtype, 0)), &[]);
            b.add(EOp::Select, &[on_diagonal, id, zero])
        } else if *dtype == DType::Bool {
            on_diagonal
        } else {
            let to = b.add(EOp::Type(*dtype), &[]);
            b.add(EOp::Cast(CastMode::Wrap), &[on_diagonal, to])
        });
    }
    if required.has(Property::Symmetric) {
        if shape.rank() < 2 {
            return None;
        }
        let transposed = b.add(EOp::Transpose, &[id]);
        b.terms.analysis.infer(&EOp::Contract, &[&b.terms[transposed].data, &b.terms[id].data])?;
        return Some(b.add(EOp::Contract, &[transposed, id]));
    }
    if dtype.is_float() && required.has(Property::Finite) {
        return Some(finite(b, *dtype, required.has(Property::Nonneg), id));
    }
    Some(if dtype.is_float() && required.has(Property::Nonneg) { b.add(EOp::Unary(UnaryOp::Abs), &[id]) } else { id })
}

/// An array that is one number everywhere.
fn filled(b: &mut TermBuilder, shape: &Shape, value: Scalar) -> Id {
    let fill = b.add(EOp::Literal(value), &[]);
    if shape.rank() == 0 {
        return fill;
    }
    let extents = b.add(EOp::Extents(shape.clone().into()), &[]);
    b.add(EOp::Broadcast, &[fill, extents])
}

/// Whether an element lies on the diagonal of `axis` and the axis after it.
fn on_diagonal(b: &mut TermBuilder, shape: &Shape, axis: usize) -> Id {
    let mut count = |axis: usize| {
        let iota = Op::Iota { shape: shape.clone(), axis, dtype: DType::I32 };
        let number = b.terms.analysis.intern_op(iota);
        b.add(EOp::Opaque(number), &[])
    };
    let (row, column) = (count(axis), count(axis + 1));
    b.add(EOp::Binary(BinaryOp::Eq), &[row, column])
}

/// One of two finite numbers for each element, by its sign.
fn finite(b: &mut TermBuilder, dtype: DType, nonneg: bool, id: Id) -> Id {
    let number = |b: &mut TermBuilder, x: f64| b.add(EOp::Literal(Scalar::from_f64(dtype, x)), &[]);
    let (zero, one) = (number(b, 0.0), number(b, 1.0));
    let other = number(b, if nonneg { 0.5 } else { -2.0 });
    let test = b.add(EOp::Binary(BinaryOp::Gt), &[id, zero]);
    b.add(EOp::Select, &[test, one, other])
}

fn heads(pattern: &Pat) -> Vec<Head> {
    let Pat::Node(head, args) = pattern else { return Vec::new() };
    args.iter().flat_map(heads).chain([head.clone()]).collect()
}

fn same_direction(a: &Rule, b: &Rule) -> bool {
    a.name == b.name && a.back == b.back
}

fn variables(pattern: &Pat) -> Vec<usize> {
    match pattern {
        Pat::Var(v) => vec![*v],
        Pat::Node(_, args) => args.iter().flat_map(variables).collect(),
        _ => Vec::new(),
    }
}

fn mentions_kernel(pattern: &Pat) -> bool {
    let Pat::Node(head, args) = pattern else { return false };
    matches!(head, Head::Is(EOp::Run | EOp::RunDiag | EOp::Gemm | EOp::Syrk)) || args.iter().any(mentions_kernel)
}
