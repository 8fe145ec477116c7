//! What rules are tried on: shapes, axes, extents and operations for their variables.

use crate::graph::{BinaryOp, UnaryOp};
use crate::planner::{Property, Requirements, RuleCheck, RuleInput, RuleOperator, VariableSort};
use crate::types::{DType, Scalar, Shape};

/// The operations that a rule's operator variables may stand for, one list for each combination.
#[must_use]
pub fn operator_choices(rule: &RuleCheck, dtype: DType) -> Vec<Vec<RuleOperator>> {
    let (unary, binary): (Vec<UnaryOp>, Vec<BinaryOp>) = match dtype {
        DType::Bool => (vec![UnaryOp::Not], vec![BinaryOp::Xor, BinaryOp::Lt]),
        d if d.is_float() => (
            vec![UnaryOp::Neg, UnaryOp::Exp, UnaryOp::IsNan, UnaryOp::Powi(3)],
            vec![BinaryOp::Sub, BinaryOp::Div, BinaryOp::Maximum, BinaryOp::Ge],
        ),
        _ => (vec![UnaryOp::Neg, UnaryOp::Powi(2)], vec![BinaryOp::Sub, BinaryOp::Div, BinaryOp::Lt]),
    };
    let mut all = vec![Vec::new()];
    for arity in rule.operators() {
        let choices: Vec<RuleOperator> = match arity {
            1 => unary.iter().copied().map(RuleOperator::Unary).collect(),
            _ => binary.iter().copied().map(RuleOperator::Binary).collect(),
        };
        all = all.into_iter().flat_map(|a| choices.iter().map(move |&c| [a.clone(), vec![c]].concat())).collect();
    }
    all
}

fn shapes(dims: &[&[usize]]) -> Vec<Shape> {
    dims.iter().map(|d| Shape::new(d)).collect()
}

/// What the variables of a rule may stand for, by their sort.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// For arrays.
    pub arrays: Vec<Shape>,
    /// For kernels: the operands of a product.
    pub products: Vec<(Shape, Shape)>,
    /// For extents.
    pub extents: Vec<Shape>,
    /// For axes.
    pub axes: Vec<Vec<usize>>,
}

impl Candidates {
    /// All shapes of {1, 2, 3}², scalars, vectors, batches and some without elements; fewer of them for rules of many variables.
    #[must_use]
    pub fn small(rule: &RuleCheck) -> Self {
        let free = |v: usize| {
            let required = rule.requirements(v);
            !required.properties.has(Property::Constant) && !required.count
        };
        let sorts: Vec<VariableSort> = rule.variables().collect();
        let shaped = |v: usize| sorts[v] == VariableSort::Array && free(v) || sorts[v] == VariableSort::Extents;
        let n_arrays = (0..sorts.len()).filter(|&v| shaped(v)).count();
        if n_arrays > 2 {
            return Self::few();
        }
        let mut arrays: Vec<Shape> = shapes(&[&[], &[2], &[3], &[2, 2, 3], &[2, 3, 1], &[0], &[0, 2], &[2, 0]]);
        arrays.extend((0..9).map(|i| Shape::new(&[i / 3 + 1, i % 3 + 1])));
        let mut extents = arrays.clone();
        extents.extend(shapes(&[&[1], &[4], &[6], &[1, 6], &[2, 1, 3], &[3, 2, 3]]));
        let products =
            [(1, 2, 3), (2, 1, 2), (2, 2, 2), (3, 2, 3), (2, 3, 1), (2, 0, 2), (0, 2, 3)].map(factors).into();
        Self { arrays, products, extents, axes: axes() }
    }

    /// A few shapes of every kind.
    #[must_use]
    pub fn few() -> Self {
        let arrays = shapes(&[&[], &[1, 2], &[2, 1], &[2, 2], &[2, 3], &[3, 2], &[2, 2, 2], &[2, 0], &[0, 2]]);
        let mut extents = arrays.clone();
        extents.extend(shapes(&[&[4], &[6], &[2, 1, 3]]));
        Self { arrays, products: [(1, 2, 3), (2, 2, 2)].map(factors).into(), extents, axes: axes() }
    }

    /// A few shapes of a size at which plans differ.
    #[must_use]
    pub fn large() -> Self {
        let arrays =
            shapes(&[&[64, 48], &[48, 64], &[64, 64], &[64, 1], &[1, 64], &[48, 1], &[1, 48], &[], &[96, 64], &[64]]);
        let extents = shapes(&[&[64, 48], &[3072], &[48, 64], &[64, 64], &[2, 64, 48], &[96, 64], &[64, 96]]);
        Self { arrays, products: [(64, 48, 64), (48, 64, 96)].map(factors).into(), extents, axes: axes() }
    }
}

fn factors((m, k, n): (usize, usize, usize)) -> (Shape, Shape) {
    (Shape::new(&[m, k]), Shape::new(&[k, n]))
}

fn axes() -> Vec<Vec<usize>> {
    vec![vec![0], vec![1], vec![2], vec![0, 1], vec![1, 2], vec![0, 1, 2]]
}

/// What a variable may stand for.
fn choices(rule: &RuleCheck, sort: VariableSort, v: usize, dtype: DType, candidates: &Candidates) -> Vec<RuleInput> {
    let required: Requirements = rule.requirements(v);
    match sort {
        VariableSort::Array if required.count => {
            [1, 2, 3, 4, 6].map(|n| RuleInput::Literal(Scalar::from_i64(dtype, n))).into()
        }
        VariableSort::Array if required.properties.has(Property::Constant) => vec![RuleInput::Slot(dtype)],
        VariableSort::Array => {
            let dtype = if rule.decides(v) { DType::Bool } else { dtype };
            candidates.arrays.iter().map(|s| RuleInput::Array(s.clone(), dtype)).collect()
        }
        VariableSort::Kernel => match rule.shares_core_with(v) {
            Some(of) => vec![RuleInput::Negated(of)],
            None => {
                let make = if rule.decides(v) { RuleInput::Mask } else { RuleInput::Product };
                candidates.products.iter().map(|(a, b)| make(a.clone(), b.clone(), dtype)).collect()
            }
        },
        VariableSort::Axes => candidates.axes.iter().map(|s| RuleInput::Axes(s.as_slice().into())).collect(),
        VariableSort::Extents => candidates.extents.iter().cloned().map(RuleInput::Extents).collect(),
        VariableSort::Int => (-2..=4).map(RuleInput::Int).collect(),
    }
}

/// Whether some array could be viewed in these extents; without arrays anything could.
fn reachable(extents: &Shape, others: &mut dyn Iterator<Item = &RuleInput>) -> bool {
    let mut arrays = others.filter_map(|i| if let RuleInput::Array(s, _) = i { Some(s) } else { None }).peekable();
    arrays.peek().is_none()
        || arrays.any(|s| s.len() == extents.len() || s.broadcast(extents).is_ok_and(|b| b == *extents))
}

/// Calls `with` for every combination of candidates, one for each variable, until it answers `false`.
/// Combinations in which no array could be viewed in some of the extents are left out.
pub fn each_assignment(
    rule: &RuleCheck,
    dtype: DType,
    candidates: &Candidates,
    with: &mut dyn FnMut(&[RuleInput]) -> bool,
) {
    let sorts: Vec<VariableSort> = rule.variables().collect();
    let choices: Vec<Vec<RuleInput>> =
        (0..sorts.len()).map(|v| choices(rule, sorts[v], v, dtype, candidates)).collect();
    let mut at = vec![0; sorts.len()];
    loop {
        let chosen = || at.iter().zip(&choices).map(|(&i, c)| &c[i]);
        let fits = chosen().all(|i| if let RuleInput::Extents(s) = i { reachable(s, &mut chosen()) } else { true });
        if fits {
            let inputs: Vec<RuleInput> = chosen().cloned().collect();
            if !with(&inputs) {
                return;
            }
        }
        if !advance(&mut at, |v| choices[v].len()) {
            return;
        }
    }
}

/// Moves to the next combination, in which number `v` is below `extent(v)`; `false` after the last.
fn advance(at: &mut [usize], extent: impl Fn(usize) -> usize) -> bool {
    for (v, number) in at.iter_mut().enumerate() {
        *number += 1;
        if *number < extent(v) {
            return true;
        }
        *number = 0;
    }
    false
}
