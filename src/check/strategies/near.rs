//! Graphs made from the rules themselves: the left side of a rule over random inputs, whole or with one edit.
//!
//! Nothing here knows any rule. Variables get shapes from a small pool by trial until the left side is well-formed, so a rule that is
//! added to a file is covered without further code.

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::leaves::Profile;
use crate::algorithms::Random;
use crate::graph::{BinaryOp, NodeId, UnaryOp};
use crate::planner::{Property, RuleCheck, RuleInput, RuleInstance, RuleOperator, VariableSort};
use crate::types::{DType, Scalar, Shape};

/// Attempts at inputs for one instance.
pub(super) const ATTEMPTS: usize = 400;

/// Adds a left side of some rule, mostly with an edit.
pub fn pattern(b: &mut CaseBuilder, dice: &mut Dice) -> Option<NodeId> {
    let rules = b.rules.clone();
    let n = rules.checks().count();
    let rule = rules.checks().nth(dice.below(n.max(1)))?;
    let instance = instance(&rule, &b.palette, !dice.once_in(3), ATTEMPTS / 8, dice)?;
    let profile = profile(b, dice);
    b.graft(&instance.graph, profile, dice)?.last().copied()
}

/// The numbers that leaves of an instance hold.
pub(super) fn profile(b: &CaseBuilder, dice: &mut Dice) -> Profile {
    match dice.below(6) {
        0 | 1 => Profile::Positive,
        2 => Profile::Whole,
        3 if b.special => Profile::Special,
        _ => Profile::Ordinary,
    }
}

/// The left side of a rule over random inputs.
pub(super) fn instance(
    rule: &RuleCheck,
    palette: &[usize],
    edited: bool,
    attempts: usize,
    dice: &mut Dice,
) -> Option<RuleInstance> {
    const DTYPES: [DType; 9] =
        [DType::F32, DType::F32, DType::F64, DType::I32, DType::F32, DType::F16, DType::Bool, DType::U32, DType::I64];
    let admitted: Vec<DType> = DTYPES.into_iter().filter(|&d| rule.class(d).is_some()).collect();
    if admitted.is_empty() {
        return None;
    }
    let dtype = dice.pick(&admitted);
    let edit = match rule.n_edits() {
        0 => None,
        n if edited => Some(dice.below(n)),
        _ => None,
    };
    let pool = Pool::new(palette, dice);
    let mut near = None;
    for _ in 0..attempts {
        let operators: Vec<RuleOperator> = rule.operators().iter().map(|&n| operator(n, dtype, dice)).collect();
        let inputs: Vec<RuleInput> =
            rule.variables().enumerate().map(|(v, sort)| pool.input(rule, v, sort, dtype, dice)).collect();
        let Some(found) = rule.instance(&inputs, &operators, edit) else { continue };
        if edited || found.applies {
            return Some(found);
        }
        near = Some(found);
    }
    // A left side whose conditions were never met is a near-miss of another kind.
    near
}

fn operator(operands: usize, dtype: DType, dice: &mut Dice) -> RuleOperator {
    use BinaryOp as B;
    use UnaryOp as U;
    match (operands, dtype) {
        (1, DType::Bool) => RuleOperator::Unary(U::Not),
        (1, d) if d.is_float() => RuleOperator::Unary(dice.pick(&[
            U::Neg,
            U::Abs,
            U::Square,
            U::Tanh,
            U::Exp,
            U::Floor,
            U::IsNan,
            U::Powi(3),
            U::Sign,
        ])),
        (1, _) => RuleOperator::Unary(dice.pick(&[U::Neg, U::Abs, U::Square, U::Powi(2), U::Not])),
        (_, DType::Bool) => RuleOperator::Binary(dice.pick(&[B::And, B::Or, B::Xor, B::Lt])),
        (_, d) if d.is_float() => RuleOperator::Binary(dice.pick(&[
            B::Add,
            B::Sub,
            B::Mul,
            B::Div,
            B::Maximum,
            B::Fmin,
            B::Ge,
            B::Lt,
            B::Hypot,
        ])),
        _ => RuleOperator::Binary(dice.pick(&[B::Add, B::Sub, B::Mul, B::Div, B::Maximum, B::Lt, B::Xor])),
    }
}

/// What variables may stand for.
struct Pool {
    arrays: Vec<Shape>,
    products: Vec<(Shape, Shape)>,
    extents: Vec<Shape>,
    counts: Vec<usize>,
}

impl Pool {
    fn new(palette: &[usize], dice: &mut Dice) -> Self {
        let small = |n: usize| if n > 33 { n / 3 } else { n.max(1) };
        let (m, k) = (small(palette[0]), small(palette[1]));
        let shapes = |all: &[&[usize]]| -> Vec<Shape> { all.iter().map(|d| Shape::new(d)).collect() };
        let batch = dice.pick(&[2, 3, 1]);
        let mut arrays = shapes(&[&[m, k], &[k, m], &[m, m], &[m, k], &[m, 1], &[1, k], &[k, 1], &[1, m], &[]]);
        arrays.extend(shapes(&[&[batch, m, k], &[k], &[1, 1], &[k, k], &[m, k], &[k, m]]));
        let mut extents = arrays.clone();
        extents.extend(shapes(&[&[m * k], &[m * k, 1], &[batch, m, k], &[1, m, k], &[2, k, m], &[m], &[m * m], &[1]]));
        let products = shapes(&[&[m, k], &[k, m], &[m, m], &[k, 1]]);
        let pair = |a: usize, b: usize| (products[a].clone(), products[b].clone());
        let products = vec![pair(0, 1), pair(1, 0), pair(2, 2), pair(2, 0), pair(0, 3)];
        Self { arrays, products, extents, counts: vec![1, 2, 3, 4, m, k, m * k, m * m, batch * k] }
    }

    fn input(&self, rule: &RuleCheck, v: usize, sort: VariableSort, dtype: DType, dice: &mut Dice) -> RuleInput {
        let required = rule.requirements(v);
        let one = |dice: &mut Dice, all: &[Shape]| all[dice.below(all.len())].clone();
        match sort {
            VariableSort::Array if required.count => {
                RuleInput::Literal(Scalar::from_i64(dtype, dice.pick(&self.counts) as i64))
            }
            VariableSort::Array if required.properties.has(Property::Constant) => RuleInput::Slot(dtype),
            VariableSort::Array => {
                RuleInput::Array(one(dice, &self.arrays), if rule.decides(v) { DType::Bool } else { dtype })
            }
            VariableSort::Kernel => match rule.shares_core_with(v) {
                Some(of) => RuleInput::Negated(of),
                None => {
                    let (a, b) = self.products[dice.below(self.products.len())].clone();
                    if rule.decides(v) { RuleInput::Mask(a, b, dtype) } else { RuleInput::Product(a, b, dtype) }
                }
            },
            VariableSort::Axes => {
                let axes: [&[usize]; 7] = [&[1], &[0], &[0, 1], &[1], &[2], &[1, 2], &[0, 1, 2]];
                RuleInput::Axes(dice.pick(&axes).into())
            }
            VariableSort::Extents => RuleInput::Extents(one(dice, &self.extents)),
            VariableSort::Int => RuleInput::Int(dice.below(7) as i32 - 2),
        }
    }
}
