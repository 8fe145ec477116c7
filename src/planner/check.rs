//! Rules and expressions as small graphs, so that what a rule claims can be compared with what it computes.
//!
//! In: a rule and an input for each of its variables. Out: both sides as one graph with two roots, built by the functions that
//! planning uses and filtered by the conditions of the rule. Nothing is evaluated here.

use std::sync::Arc;

use super::class_facts::LeafPromise;
use super::inputs::{RuleInput, RuleOperator, TermBuilder};
use super::language::EOp;
use super::properties::Properties;
use super::rule_set::Rules;
use super::rules::{Class, Head, Pat, Question, Rule, Subst, VarSort, Variable, draft, draft_alone, parse_expression};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::types::DType;

/// What the conditions of a rule require of a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// What must be known of it.
    pub properties: Properties,
    /// Whether it is a literal equal to a number of elements.
    pub count: bool,
}

/// Both sides of a rule over given inputs, or why there are none.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleSides {
    /// The left side cannot be built from these inputs.
    IllFormed,
    /// A condition does not hold.
    Excluded,
    /// The right side would have another shape or dtype.
    Refused,
    /// Both sides: roots 0 and 1.
    Built(Graph),
}

/// The sort of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableSort {
    /// An array.
    Array,
    /// A product in registers.
    Kernel,
    /// Axes.
    Axes,
    /// Extents.
    Extents,
    /// An integer.
    Int,
}

/// One direction of a rule, ready to be tried.
#[derive(Clone, Debug)]
pub struct RuleCheck(pub(super) Arc<Rule>);

impl Rules {
    /// Every direction of every rule, to be tried out.
    pub fn checks(&self) -> impl Iterator<Item = RuleCheck> {
        self.all().iter().cloned().map(RuleCheck)
    }

    /// As [`checks`](Self::checks), for the rules of the files that were added to `base`.
    pub fn checks_since(&self, base: &Self) -> impl Iterator<Item = RuleCheck> {
        self.all().iter().skip(base.all().len()).cloned().map(RuleCheck)
    }
}

impl RuleCheck {
    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The name of its file, without the extension.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0.subject
    }

    /// Its variables' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.vars.iter().map(|v| v.name.as_str())
    }

    /// Its class for a dtype, where it applies.
    #[must_use]
    pub fn class(&self, dtype: DType) -> Option<Class> {
        self.0.class(dtype)
    }

    /// Its variables' sorts, in order.
    pub fn variables(&self) -> impl Iterator<Item = VariableSort> {
        self.0.vars.iter().map(|v| match v.sort {
            VarSort::Tensor => VariableSort::Array,
            VarSort::Kernel => VariableSort::Kernel,
            VarSort::Axes => VariableSort::Axes,
            VarSort::Extents => VariableSort::Extents,
            VarSort::Int => VariableSort::Int,
        })
    }

    /// How many operands each operator variable takes, in order.
    #[must_use]
    pub fn operators(&self) -> Vec<usize> {
        (0..self.0.ops.len()).map(|v| operands_of(&self.0.left[0], v).unwrap_or(1)).collect()
    }

    /// Whether a variable decides a choice on the left side, and so is a truth value.
    #[must_use]
    pub fn decides(&self, variable: usize) -> bool {
        decides(&self.0.left[0], variable)
    }

    /// The first variable whose product this one must share.
    #[must_use]
    pub fn shares_core_with(&self, variable: usize) -> Option<usize> {
        let mut pairs = self.0.conditions.iter().filter(|c| c.question == Question::SameCore);
        pairs.find(|c| c.vars[1] == variable).map(|c| c.vars[0])
    }

    /// What the conditions require of a variable by itself.
    #[must_use]
    pub fn requirements(&self, variable: usize) -> Requirements {
        let mut required = Requirements::default();
        for c in self.0.conditions.iter().filter(|c| c.vars.first() == Some(&variable)) {
            match c.question {
                Question::Is(property) => required.properties = required.properties.with(property, true),
                Question::Count => required.count = true,
                _ => {}
            }
        }
        required
    }

    /// Both sides for these inputs, one for each variable, and these operators. Leaves are numbered in the order of the
    /// variables, two for a product; so are slots.
    #[must_use]
    pub fn sides(&self, inputs: &[RuleInput], operators: &[RuleOperator]) -> RuleSides {
        let rule = &*self.0;
        let mut b = TermBuilder::new(inputs, &self.promises(inputs));
        let mut subst = Subst::new(rule);
        for (v, input) in inputs.iter().enumerate() {
            let Some(id) = b.input(v, input) else { return RuleSides::IllFormed };
            subst.vars[v] = Some(id);
        }
        let dtype = subst.vars[rule.subject_var].map(|id| b.terms[id].data.dtype);
        b.bind(&mut subst, operators);
        let Some(left) = draft_alone(&rule.left[0], &b.terms, &subst, dtype) else { return RuleSides::IllFormed };
        let left = left.add(&mut b.terms).root;
        b.terms.rebuild();
        if !rule.conditions.iter().all(|c| c.holds(&b.terms, left, &subst.vars)) {
            return RuleSides::Excluded;
        }
        let facts = b.terms[left].data.clone();
        let Some(right) = draft(&rule.right, &b.terms, &subst, &facts) else { return RuleSides::Refused };
        let right = right.add(&mut b.terms).root;
        match b.graph(&[left, right]) {
            Ok(graph) => RuleSides::Built(graph),
            Err(_) => RuleSides::IllFormed,
        }
    }

    /// What is promised of each input: what the conditions require of its variable.
    fn promises(&self, inputs: &[RuleInput]) -> Vec<LeafPromise> {
        let promise = |(v, input): (usize, &RuleInput)| match input {
            RuleInput::Array(_, dtype) | RuleInput::Viewed(_, dtype, _) => {
                LeafPromise::of(self.requirements(v).properties, *dtype)
            }
            _ => LeafPromise::default(),
        };
        inputs.iter().enumerate().map(promise).collect()
    }
}

/// Expressions of the rule language over named inputs as one graph with a root for each.
///
/// # Errors
/// What is wrong with the text, or an argument error when an expression is ill-formed for these inputs.
pub fn expressions(texts: &[&str], inputs: &[(&str, RuleInput)]) -> Result<Graph> {
    let only: Vec<RuleInput> = inputs.iter().map(|(_, i)| i.clone()).collect();
    let mut b = TermBuilder::new(&only, &[]);
    let variable = |(name, input): &(&str, RuleInput)| Variable { name: (*name).into(), sort: sort_of(input) };
    let vars: Vec<Variable> = inputs.iter().map(variable).collect();
    let mut subst = Subst::default();
    for (v, input) in only.iter().enumerate() {
        let id = b.input(v, input).ok_or_else(|| Error::argument(format!("{input:?} is ill-formed")))?;
        subst.vars.push(Some(id));
    }
    let mut roots = Vec::new();
    for text in texts {
        let pattern: Pat = parse_expression(text, vars.clone())?;
        let built = draft_alone(&pattern, &b.terms, &subst, None)
            .ok_or_else(|| Error::argument(format!("{text} is ill-formed for these inputs")))?;
        roots.push(built.add(&mut b.terms).root);
    }
    b.terms.rebuild();
    b.graph(&roots)
}

/// The sort of the variables that an input can stand for.
fn sort_of(input: &RuleInput) -> VarSort {
    match input {
        RuleInput::Array(..)
        | RuleInput::Viewed(..)
        | RuleInput::Coordinate(..)
        | RuleInput::Slot(_)
        | RuleInput::Literal(_) => VarSort::Tensor,
        RuleInput::Product(..) | RuleInput::Mask(..) | RuleInput::Negated(_) => VarSort::Kernel,
        RuleInput::Axes(_) => VarSort::Axes,
        RuleInput::Extents(_) => VarSort::Extents,
        RuleInput::Int(_) => VarSort::Int,
    }
}

/// How many operands an operator variable takes in a pattern, if it is there.
fn operands_of(pattern: &Pat, v: usize) -> Option<usize> {
    match pattern {
        Pat::Node(head, args) => match head {
            Head::AnyUnary(o) if *o == v => Some(1),
            Head::AnyBinary(o) if *o == v => Some(2),
            _ => args.iter().find_map(|a| operands_of(a, v)),
        },
        _ => None,
    }
}

/// Whether the variable, or the stored kernel it is bound to, is the first operand of a choice.
fn decides(pattern: &Pat, v: usize) -> bool {
    let Pat::Node(head, args) = pattern else { return false };
    let first = match args.first() {
        Some(Pat::Node(Head::Is(EOp::Run), inner)) => inner.first(),
        other => other,
    };
    *head == Head::Is(EOp::Select) && first == Some(&Pat::Var(v)) || args.iter().any(|a| decides(a, v))
}
