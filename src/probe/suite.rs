//! The suite for a device: its cases as graphs over the inputs, with what the reference gives for every node.

use std::ops::Range;

use super::cases::{Case, FLOAT_FOLDS, FLOATS, INTEGER_FOLDS, INTEGERS};
use super::inputs::{COUNT, inputs, is_subnormal};
use super::outcome::{Outcome, judge};
use super::texts::{TEXTS, TextQuestion};
use crate::cpu::reference::eval_graph;
use crate::error::{Error, Result};
use crate::graph::{ArgOp, BinaryOp, CastMode, Graph, LeafInfo, NodeId, Op, ReduceOp, ScanOp, UnaryOp};
use crate::types::{DType, Dims, HostBuffer, Limits, OperationKind, Scalar, Shape};

/// Rows that folds run along.
const ROWS: usize = 16;

/// The result of a root: its elements, or nothing where it could not be computed on the device.
pub(crate) type Answer = Option<HostBuffer>;

/// Cases over the same inputs, asked in one graph.
pub(crate) struct Question {
    /// The dtype of the inputs.
    pub dtype: DType,
    /// A root for each case.
    pub graph: Graph,
    pub leaves: Vec<HostBuffer>,
    asked: Vec<Asked>,
    /// The values of all nodes.
    expected: Vec<HostBuffer>,
}

/// A case as a part of a graph.
struct Asked {
    case: &'static Case,
    /// The nodes made for it; the last is its root.
    nodes: Range<usize>,
}

/// All questions for a device.
pub(crate) struct Suite {
    pub questions: Vec<Question>,
    /// What is asked in WGSL, of the driver alone.
    pub texts: Vec<TextQuestion>,
}

impl Suite {
    /// The cases of every dtype that the device has.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(limits: &Limits) -> Result<Self> {
        let flat = Shape::new(&[COUNT]);
        let rows = Shape::new(&[ROWS, COUNT / ROWS]);
        let mut questions = Vec::new();
        for dtype in DType::ALL.iter().copied().filter(|d| has(*d, limits)) {
            let (cases, folds) = tables(dtype);
            questions.push(Question::new(dtype, cases, &flat, limits)?);
            if matches!(dtype, DType::F32 | DType::I32) {
                questions.push(Question::new(dtype, folds, &rows, limits)?);
            }
        }
        let texts = TEXTS.iter().filter(|t| has(t.dtype, limits)).map(TextQuestion::new).collect::<Result<_>>()?;
        Ok(Self { questions, texts })
    }
}

/// The elementwise cases of a dtype, and its folds.
fn tables(dtype: DType) -> (&'static [Case], &'static [Case]) {
    if dtype.is_float() { (FLOATS, FLOAT_FOLDS) } else { (INTEGERS, INTEGER_FOLDS) }
}

/// The case of this name.
pub(super) fn find(dtype: DType, name: &str) -> Option<&'static Case> {
    let (cases, folds) = tables(dtype);
    let texts = TEXTS.iter().filter(|t| t.dtype == dtype).map(|t| &t.case);
    cases.iter().chain(folds).chain(texts).find(|c| c.name == name)
}

/// The operations of a case.
pub(super) fn operations(dtype: DType, case: &'static Case) -> Vec<OperationKind> {
    let mut graph = Graph::default();
    let shape = Shape::new(&[1, 1]);
    let Ok(leaves) = add_leaves(&mut graph, dtype, &shape) else { return Vec::new() };
    if add_case(&mut graph, case.program, dtype, leaves).is_err() {
        return Vec::new();
    }
    let computed = graph.nodes.iter().filter(|n| !n.operands.is_empty());
    computed.map(|n| OperationKind { name: n.op.name(), from: graph.node(n.operands[0]).dtype, to: n.dtype }).collect()
}

/// Whether kernels compute in a dtype.
fn has(dtype: DType, limits: &Limits) -> bool {
    match dtype {
        DType::Bool | DType::U8 => false,
        DType::F64 => limits.f64,
        DType::F16 => limits.f16,
        DType::I64 => limits.i64,
        DType::I32 | DType::U32 | DType::F32 => true,
    }
}

impl Question {
    fn new(dtype: DType, cases: &'static [Case], shape: &Shape, limits: &Limits) -> Result<Self> {
        let mut graph = Graph::default();
        let leaves = add_leaves(&mut graph, dtype, shape)?;
        let mut asked = Vec::new();
        for case in cases {
            let first = graph.nodes.len();
            // What the dtype or the device does not have is not asked.
            match add_case(&mut graph, case.program, dtype, leaves) {
                Ok(root) if graph.nodes[first..].iter().all(|n| n.dtype == DType::Bool || has(n.dtype, limits)) => {
                    graph.roots.push(root);
                    asked.push(Asked { case, nodes: first..graph.nodes.len() });
                }
                _ => graph.nodes.truncate(first),
            }
        }
        let leaves = inputs(dtype)?.to_vec();
        let expected = eval_graph(&graph, &leaves.iter().collect::<Vec<_>>(), &[])?;
        Ok(Self { dtype, graph, leaves, asked, expected })
    }

    /// The same cases, each in a question of its own.
    ///
    /// # Errors
    /// Out of memory.
    pub fn apart(&self, limits: &Limits) -> Result<Vec<Self>> {
        let shape = &self.graph.leaves[0].shape;
        self.asked.iter().map(|a| Self::new(self.dtype, std::slice::from_ref(a.case), shape, limits)).collect()
    }

    /// The name of each case, with what its answer comes to.
    pub fn judge<'a>(&'a self, answers: &'a [Answer]) -> impl Iterator<Item = (&'static str, Outcome)> {
        self.asked.iter().enumerate().map(|(i, asked)| {
            let answer = answers.get(i).and_then(Option::as_ref);
            (asked.case.name, answer.map_or(Outcome::Unknown, |given| self.judge_one(asked, given)))
        })
    }

    fn judge_one(&self, asked: &Asked, given: &HostBuffer) -> Outcome {
        let expected = &self.expected[asked.nodes.end - 1];
        let used: Vec<usize> = self.leaves_of(asked.case);
        // An element of a fold comes from all of its row.
        let part = |values: &HostBuffer, i: usize| {
            let n = (values.len() / given.len()).max(1);
            (0..n).map(|k| values.get((i * n + k).min(values.len() - 1))).any(is_subnormal)
        };
        let met = |i| used.iter().copied().chain(asked.nodes.clone()).any(|n| part(&self.expected[n], i));
        let shown = |i| {
            if given.len() < COUNT {
                return format!("row {i}");
            }
            let one = |&leaf: &usize| format!("{} = {}", ["x", "y", "z"][leaf], self.leaves[leaf].get(i));
            used.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        judge(given, expected, met, shown)
    }

    /// The numbers of the leaves that a case reads, which are also their nodes.
    fn leaves_of(&self, case: &Case) -> Vec<usize> {
        (0..3).filter(|&i| case.program.split(' ').any(|w| w == ["x", "y", "z"][i])).collect()
    }
}

fn add_leaves(graph: &mut Graph, dtype: DType, shape: &Shape) -> Result<[NodeId; 3]> {
    graph.leaves = vec![LeafInfo { shape: shape.clone(), dtype }; 3];
    Ok([graph.add(Op::Leaf(0), &[])?, graph.add(Op::Leaf(1), &[])?, graph.add(Op::Leaf(2), &[])?])
}

/// Adds the nodes of a program.
///
/// # Errors
/// What inference says where the dtype does not have an operation; internal for a program that is not one.
fn add_case(graph: &mut Graph, program: &str, dtype: DType, leaves: [NodeId; 3]) -> Result<NodeId> {
    let wrong = || Error::internal(format!("the program '{program}' of the probe is none"));
    let mut stack: Vec<NodeId> = Vec::new();
    for word in program.split(' ') {
        if let Some(leaf) = ["x", "y", "z"].iter().position(|n| *n == word) {
            stack.push(leaves[leaf]);
            continue;
        }
        let (op, operands) = if let Ok(v) = word.parse() {
            (Op::Literal(Scalar::from_f64(dtype, v)), 0)
        } else {
            let last = stack.last().map_or(1, |&n| graph.node(n).shape.rank());
            operation(word, last.saturating_sub(1)).ok_or_else(wrong)?
        };
        let at = stack.len().checked_sub(operands).ok_or_else(wrong)?;
        let given = stack.split_off(at);
        if !kernels_convert(graph, &op, &given) {
            return Err(Error::unsupported("this conversion is not in kernels"));
        }
        stack.push(graph.add(op, &given)?);
    }
    stack.pop().ok_or_else(wrong)
}

/// The conversions that kernels have.
fn kernels_convert(graph: &Graph, op: &Op, operands: &[NodeId]) -> bool {
    let (Op::Cast { to, .. }, [from]) = (op, operands) else { return true };
    let both = [*to, graph.node(*from).dtype];
    !(both.contains(&DType::F16) && both.iter().any(|d| matches!(d, DType::F64 | DType::I64)))
}

/// The operation that a word means, and how many operands it has.
fn operation(word: &str, axis: usize) -> Option<(Op, usize)> {
    let cast = |mode, name| DType::from_name(name).map(|to| (Op::Cast { to, mode }, 1));
    let axes = || Dims::from_slice(&[axis]);
    if word == "select" {
        Some((Op::Select, 3))
    } else if let Some(name) = word.strip_prefix("as_") {
        cast(CastMode::Wrap, name)
    } else if let Some(name) = word.strip_prefix("round_") {
        cast(CastMode::RoundSaturate, name)
    } else if let Some(n) = word.strip_prefix("powi") {
        Some((Op::Unary(UnaryOp::Powi(n.parse().ok()?)), 1))
    } else if let Some(op) = UnaryOp::ALL.iter().find(|o| o.name() == word) {
        Some((Op::Unary(*op), 1))
    } else if let Some(op) = BinaryOp::ALL.iter().find(|o| o.name() == word) {
        Some((Op::Binary(*op), 2))
    } else if let Some(op) = ReduceOp::ALL.iter().find(|o| o.name() == word) {
        Some((Op::Reduce { op: *op, axes: axes() }, 1))
    } else if let Some(op) = ArgOp::ALL.iter().find(|o| o.name() == word) {
        Some((Op::ArgReduce { op: *op, axis }, 1))
    } else {
        let op = ScanOp::ALL.iter().find(|o| o.name() == word)?;
        Some((Op::Scan { op: *op, axis }, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_one_for_a_dtype() {
        let limits = Limits { f64: true, f16: true, i64: true, ..Limits::webgpu() };
        let suite = Suite::new(&limits).unwrap();
        for (table, dtypes) in [
            (FLOATS, &[DType::F32, DType::F64, DType::F16][..]),
            (INTEGERS, &[DType::I32, DType::U32, DType::I64]),
            (FLOAT_FOLDS, &[DType::F32]),
            (INTEGER_FOLDS, &[DType::I32]),
        ] {
            for case in table {
                let asks =
                    |q: &&Question| dtypes.contains(&q.dtype) && q.asked.iter().any(|a| a.case.name == case.name);
                assert!(suite.questions.iter().any(|q| asks(&q)), "{case:?} is never asked");
                assert_eq!(table.iter().filter(|c| c.name == case.name).count(), 1, "{case:?} has the name of another");
                assert!(!case.name.contains(": ") && !case.name.contains("  "), "{case:?} does not fit a certificate");
            }
        }
        // What the reference gives is what the reference gives.
        for q in &suite.questions {
            let answers: Vec<Answer> = q.graph.roots.iter().map(|r| Some(q.expected[r.index()].clone())).collect();
            assert!(q.judge(&answers).all(|(_, outcome)| outcome == Outcome::Same));
        }
    }

    #[test]
    fn a_case_names_its_operations() {
        let case = find(DType::F32, "x * y + z").unwrap();
        let names: Vec<&str> = operations(DType::F32, case).iter().map(|o| o.name).collect();
        assert_eq!(names, ["mul", "add"]);
    }
}
