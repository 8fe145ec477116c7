//! Graphs out of the rules themselves: the left side of a rule over random inputs, whole or with one edit, by itself or inside a
//! larger graph.
//!
//! Nothing here knows any rule. Variables get shapes out of a small pool by trial until the left side is well-formed, so a rule
//! added to a file is covered without a line of code.

use super::leaves::Profile;
use super::{Builder, Dice, Recipe, Words};
use crate::algorithms::Random;
use crate::graph::{BinaryOp, Case, NodeId, UnaryOp};
use crate::planner::{Property, RuleCheck, RuleInput, RuleInstance, RuleOperator, Rules, VariableSort};
use crate::types::{DType, Scalar, Shape, View};

/// Attempts at inputs for one instance.
const ATTEMPTS: usize = 400;

/// A case made from one direction of a rule.
#[derive(Clone, Debug)]
pub struct RuleCase {
    /// The case. Its roots end in what the left side gave.
    pub case: Case,
    /// Whether the rule applies to it; otherwise it is a near-miss.
    pub applies: bool,
}

/// Adds a left side of some rule, mostly with an edit.
pub fn pattern(b: &mut Builder, dice: &mut Dice) -> Option<NodeId> {
    let rules = b.rules.clone();
    let n = rules.checks().count();
    let rule = rules.checks().nth(dice.below(n.max(1)))?;
    let instance = instance(&rule, &b.palette, !dice.once_in(3), ATTEMPTS / 8, dice)?;
    let profile = profile(b, dice);
    b.graft(&instance.graph, profile, dice)?.last().copied()
}

/// A case for one direction of a rule, number `index` of a seed: by itself when `index` is even, else with other operations around
/// it. `edited` asks for a near-miss; `above` for a view of the left side: 1 a broadcast, 2 flat, 3 the diagonal, 4 turned.
/// `None` where none was found.
#[must_use]
pub fn rule_case(
    rules: &Rules,
    rule: &RuleCheck,
    (edited, above): (bool, u64),
    seed: u64,
    index: u64,
) -> Option<RuleCase> {
    let mut words = Words::new(seed, index);
    let recipe = Recipe::random(seed ^ 0x7275_6c65, index, 4);
    for _ in 0..6 {
        let head = std::array::from_fn(|_| words.word());
        let mut b = Builder::new(&head);
        b.rules = std::sync::Arc::new(rules.clone());
        let mut dice = words.dice();
        let around = index % 2 == 1;
        if around {
            recipe.steps.iter().for_each(|step| super::add(&mut b, &mut Dice::new(step)));
        }
        let Some(instance) = instance(rule, &b.palette, edited, ATTEMPTS, &mut dice) else { continue };
        let profile = profile(&b, &mut dice);
        let Some(mut made) = b.graft(&instance.graph, profile, &mut dice) else { continue };
        if above > 0 {
            let Some(view) = view_above(&b.shape(made[0]), above).and_then(|v| b.view(made[0], v)) else { continue };
            made = vec![view];
        }
        if around && dice.once_in(2) {
            super::add(&mut b, &mut dice);
        }
        return Some(RuleCase { case: b.finish_with(&made), applies: instance.applies });
    }
    None
}

fn view_above(shape: &Shape, kind: u64) -> Option<View> {
    let dense = View::dense(shape);
    match kind {
        1 => dense.broadcast_to(&[2].into_iter().chain(shape.iter().copied()).collect()).ok(),
        2 => Some(View::dense(&Shape::new(&[shape.len(), 1]))),
        3 => dense.diagonal().ok(),
        _ => {
            let mut axes: Vec<usize> = (0..shape.rank()).collect();
            axes.swap(shape.rank().checked_sub(2)?, shape.rank() - 1);
            dense.permute(&axes).ok()
        }
    }
}

fn profile(b: &Builder, dice: &mut Dice) -> Profile {
    match dice.below(6) {
        0 | 1 => Profile::Positive,
        2 => Profile::Whole,
        3 if b.special => Profile::Special,
        _ => Profile::Ordinary,
    }
}

/// The left side of a rule over random inputs.
fn instance(
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
