//! Left sides of rules as graphs that a recorder could have made, whole or with one edit, and plans that insist on one rule.
//!
//! What conditions ask of data (no sign bit, nothing infinite, equal to its transpose) is built into the graph here, where the
//! soundness check of `check` promises it of leaves. Nothing is evaluated.

use super::check::{Builder, Input, Operator, RuleCheck};
use super::language::EOp;
use super::rules::{Head, Pat, Phase, Rule, Rules, Subst, draft, draft_alone, edits};
use super::{Plan, PlanOptions, plan_by};
use crate::graph::{BinaryOp, CastMode, Graph, Op, UnaryOp};
use crate::types::{DType, Scalar};

/// The left side of a rule, or nearly so, with one root.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
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
    pub fn instance(&self, inputs: &[Input], operators: &[Operator], edit: Option<usize>) -> Option<Instance> {
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
        let mut b = Builder::new(&all, &[]);
        let mut subst = Subst::new(rule);
        subst.vars.resize(2 * n, None);
        for (i, input) in all.iter().enumerate() {
            let v = if i < n { i } else { others[i - n] };
            let id = b.input(i, input)?;
            subst.vars[v] = Some(self.kept(&mut b, v % n, input, id)?);
        }
        let dtype = subst.vars[rule.subject_var].map(|id| b.terms[id].data.dtype);
        b.bind(&mut subst, operators);
        let (left, _) = draft_alone(&pattern, &b.terms, &subst, dtype)?.add(&mut b.terms);
        b.terms.rebuild();
        let facts = b.terms[left].data.clone();
        let applies = edit.is_none()
            && rule.conditions.iter().all(|c| c.holds(&b.terms, left, &subst.vars))
            && draft(&rule.right, &b.terms, &subst, &facts).is_some();
        let graph = b.graph(&[left]).ok()?;
        Some(Instance { graph: graph.only(&graph.roots), applies })
    }

    /// A term that keeps what the conditions ask of a variable, from an array of any data.
    fn kept(&self, b: &mut Builder, v: usize, input: &Input, id: egg::Id) -> Option<egg::Id> {
        let (Input::Array(shape, dtype), wanted) = (input, self.wanted(v)) else { return Some(id) };
        if let Some(value) = wanted.filled_with {
            let fill = b.add(EOp::Literal(Scalar::from_i64(*dtype, i64::from(value))), &[]);
            if shape.rank() == 0 {
                return Some(fill);
            }
            let extents = b.add(EOp::Extents(shape.clone().into()), &[]);
            return Some(b.add(EOp::Broadcast, &[fill, extents]));
        }
        if wanted.identity || wanted.diagonal {
            let axis = shape.rank().checked_sub(2)?;
            let mut count = |axis: usize| {
                let iota = Op::Iota { shape: shape.clone(), axis, dtype: DType::I32 };
                let number = b.terms.analysis.opaque(iota);
                b.add(EOp::Opaque(number), &[])
            };
            let (row, column) = (count(axis), count(axis + 1));
            let on_it = b.add(EOp::Binary(BinaryOp::Eq), &[row, column]);
            if wanted.diagonal {
                let zero = b.add(EOp::Literal(Scalar::from_i64(*dtype, 0)), &[]);
                return Some(b.add(EOp::Select, &[on_it, id, zero]));
            }
            if *dtype == DType::Bool {
                return Some(on_it);
            }
            let to = b.add(EOp::Type(*dtype), &[]);
            return Some(b.add(EOp::Cast(CastMode::Wrap), &[on_it, to]));
        }
        if wanted.symmetric {
            if shape.rank() < 2 {
                return None;
            }
            let turned = b.add(EOp::Transpose, &[id]);
            b.terms.analysis.infer(&EOp::Contract, &[&b.terms[turned].data, &b.terms[id].data])?;
            return Some(b.add(EOp::Contract, &[turned, id]));
        }
        if !dtype.is_float() {
            return Some(id);
        }
        if wanted.finite {
            let number = |b: &mut Builder, x: f64| b.add(EOp::Literal(Scalar::from_f64(*dtype, x)), &[]);
            let (zero, one) = (number(b, 0.0), number(b, 1.0));
            let other = number(b, if wanted.nonneg { 0.5 } else { -2.0 });
            let test = b.add(EOp::Binary(BinaryOp::Gt), &[id, zero]);
            return Some(b.add(EOp::Select, &[test, one, other]));
        }
        if wanted.nonneg {
            return Some(b.add(EOp::Unary(UnaryOp::Abs), &[id]));
        }
        Some(id)
    }

    /// Plans a graph so that wherever this rule applies its right side is taken, whatever it costs. No other rule takes part
    /// but those of `company`, whose right sides are taken too, and those that make kernels, where this rule is about kernels.
    #[must_use]
    pub fn insist(&self, company: &[Self], graph: &Graph, options: &PlanOptions) -> Plan {
        let about_kernels = mentions_kernel(&self.0.left[0]);
        let insisted = |r: &Rule| same_direction(r, &self.0) || company.iter().any(|c| same_direction(r, &c.0));
        let rules = options
            .rules
            .all()
            .iter()
            .filter(|r| insisted(r) || about_kernels && mentions_kernel(&r.right) && r.name != self.0.name);
        // What only brings together has nothing to bring together here.
        let rules = rules.map(|r| match r.phase {
            Phase::Meet => std::sync::Arc::new(Rule { phase: Phase::Simplify, ..(**r).clone() }),
            _ => r.clone(),
        });
        let rules = Rules::of(rules.collect());
        plan_by(graph, &PlanOptions { rules: std::sync::Arc::new(rules), ..options.clone() }, &insisted, None)
    }

    /// The rules of a set that build what this one looks for: a left side that no program spells arises from their right sides.
    #[must_use]
    pub fn providers(&self, rules: &Rules) -> Vec<Self> {
        let wanted = heads(&self.0.left[0]);
        let gives = |r: &Rule| matches!(&r.right, Pat::Node(head, _) if wanted.contains(head));
        rules.checks().filter(|r| r.name() != self.name() && gives(&r.0)).collect()
    }
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
