//! A case under construction: picks operands, adds nodes through inference, and removes nodes that the oracle cannot bound tightly.

use std::sync::Arc;

use super::dice::Dice;
use super::leaves::{self, Profile};
use crate::algorithms::Random;
use crate::check::allowance::Allowance;
use crate::check::oracle::evaluate_node;
use crate::check::tensor::Tensor;
use crate::check::{Tally, compare::tally};
use crate::graph::{BinaryOp, Case, Graph, LeafInfo, Node, NodeId, Op, UnaryOp};
use crate::planner::Rules;
use crate::types::{DType, HostBuffer, Scalar, Shape, View};

/// No array of a case is larger.
const MOST_ELEMENTS: usize = 2000;
/// No contraction of a case multiplies more.
const MOST_PRODUCTS: usize = 24_000;

/// A case under construction.
pub struct CaseBuilder {
    case: Case,
    known: Vec<Tensor>,
    /// Extents that shapes are made of.
    pub palette: [usize; 3],
    /// Whether leaves may hold NaN, infinities, subnormals and large numbers.
    pub special: bool,
    /// The rules whose left sides random graphs nearly contain.
    pub rules: Arc<Rules>,
    floats: DType,
    operations: usize,
}

impl CaseBuilder {
    /// An empty case whose sizes and liberties come from `head`.
    #[must_use]
    pub fn new(head: &[u16; 6]) -> Self {
        const SIZES: [usize; 16] = [3, 4, 2, 5, 7, 8, 1, 6, 13, 16, 17, 31, 33, 64, 65, 100];
        let mut dice = Dice::new(head);
        let mut palette = [dice.pick(&SIZES), dice.pick(&SIZES), dice.pick(&SIZES)];
        if dice.once_in(12) {
            palette[2] = 0;
        }
        // Lines longer than a tile of the executors, whose folds have to be carried on.
        if dice.once_in(8) {
            palette[0] = dice.pick(&[600, 513, 1030]);
        }
        let floats = dice.pick(&[DType::F32, DType::F32, DType::F32, DType::F32, DType::F64, DType::F64, DType::F16]);
        let special = dice.once_in(3);
        let case = Case { graph: Graph::default(), leaves: Vec::new(), slots: Vec::new() };
        Self { case, known: Vec::new(), palette, special, rules: Rules::builtin().clone(), floats, operations: 0 }
    }

    /// How many operations (not leaves, literals or slots) there are.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// The node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        self.case.graph.node(id)
    }

    /// The shape of a node.
    #[must_use]
    pub fn shape(&self, id: NodeId) -> Shape {
        self.node(id).shape.clone()
    }

    /// The dtype of a node.
    #[must_use]
    pub fn dtype(&self, id: NodeId) -> DType {
        self.node(id).dtype
    }

    /// The lowest and highest value that a node's elements may have; infinite when they may be anything.
    #[must_use]
    pub fn range(&self, id: NodeId) -> (f64, f64) {
        let all = &self.known[id.index()].elements;
        all.iter()
            .filter(|e| e.may_be_number())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), e| (l.min(e.low()), h.max(e.high())))
    }

    /// Adds a node, unless it does not fit, is too large, or could not be compared tightly.
    pub fn add(&mut self, op: Op, operands: &[NodeId]) -> Option<NodeId> {
        if matches!(op, Op::Contract { .. }) {
            let (a, b) = (self.shape(operands[0]), self.shape(operands[1]));
            let columns = b.last().copied().unwrap_or(1);
            if a.len().saturating_mul(columns) > MOST_PRODUCTS || b.len().saturating_mul(a.len()) > 1 << 22 {
                return None;
            }
        }
        let id = self.case.graph.add(op, operands).ok()?;
        let node = self.node(id).clone();
        let twin = self.case.graph.nodes[..id.index()].iter().position(|n| *n == node);
        if twin.is_some() || node.shape.len() > MOST_ELEMENTS || node.shape.rank() > 6 {
            self.case.graph.nodes.pop();
            return twin.map(|i| NodeId(i as u32));
        }
        let operands: Vec<&Tensor> = node.operands.iter().map(|o| &self.known[o.index()]).collect();
        let allow = if self.special { Allowance::CPU } else { Allowance::new(true, true) };
        let elements = evaluate_node(&node, &operands, &self.case.leaves, &self.case.slots, allow);
        let made = Tensor { shape: node.shape.clone(), dtype: node.dtype, elements };
        let Tally { elements, tight, .. } = tally(&made);
        let leaf = node.operands.is_empty();
        if !leaf && (tight as f64) < 0.85 * elements as f64 {
            self.case.graph.nodes.pop();
            return None;
        }
        self.known.push(made);
        self.operations += usize::from(!leaf);
        Some(id)
    }

    /// A unary operation.
    pub fn unary(&mut self, op: UnaryOp, x: NodeId) -> Option<NodeId> {
        self.add(Op::Unary(op), &[x])
    }

    /// A binary operation.
    pub fn binary(&mut self, op: BinaryOp, a: NodeId, b: NodeId) -> Option<NodeId> {
        self.add(Op::Binary(op), &[a, b])
    }

    /// A view.
    pub fn view(&mut self, x: NodeId, view: View) -> Option<NodeId> {
        self.add(Op::View(view), &[x])
    }

    /// The last two axes exchanged.
    pub fn transposed(&mut self, x: NodeId) -> Option<NodeId> {
        let shape = self.shape(x);
        let rank = shape.rank();
        let mut axes: Vec<usize> = (0..rank).collect();
        if rank < 2 {
            return None;
        }
        axes.swap(rank - 2, rank - 1);
        let view = View::dense(&shape).permute(&axes).ok()?;
        self.view(x, view)
    }

    /// A matrix product.
    pub fn product(&mut self, a: NodeId, b: NodeId) -> Option<NodeId> {
        self.add(Op::Contract { symmetric: false }, &[a, b])
    }

    /// A leaf with random data.
    pub fn leaf(&mut self, shape: &Shape, dtype: DType, profile: Profile, dice: &mut Dice) -> Option<NodeId> {
        let data = leaves::data(shape, dtype, profile, dice)?;
        self.leaf_with(shape, data)
    }

    /// A leaf with given data.
    pub fn leaf_with(&mut self, shape: &Shape, data: HostBuffer) -> Option<NodeId> {
        let index = self.case.leaves.len() as u32;
        self.case.graph.leaves.push(LeafInfo { shape: shape.clone(), dtype: data.dtype() });
        self.case.leaves.push(data);
        self.add(Op::Leaf(index), &[])
    }

    /// A weak scalar as the engine records one: a literal when rules may look at it, else mostly a slot.
    pub fn scalar(&mut self, dtype: DType, value: f64, dice: &mut Dice) -> Option<NodeId> {
        let s = Scalar::from_f64(dtype, value);
        if s.is_structural() || dice.once_in(6) {
            return self.add(Op::Literal(s), &[]);
        }
        self.slot(s)
    }

    /// A node that `fits`, recent ones more likely.
    pub fn pick(&self, dice: &mut Dice, fits: impl Fn(&Node) -> bool) -> Option<NodeId> {
        let all: Vec<NodeId> = self.case.graph.ids().filter(|&id| fits(self.node(id))).collect();
        let back = dice.below(all.len()).min(dice.below(all.len()));
        all.len().checked_sub(back + 1).map(|i| all[i])
    }

    /// A floating array, most of the time one that exists.
    pub fn float(&mut self, dice: &mut Dice) -> Option<NodeId> {
        let fresh = self.known.is_empty() || dice.once_in(6);
        let found = if fresh { None } else { self.pick(dice, |n| n.dtype.is_float() && n.shape.rank() > 0) };
        found.or_else(|| {
            let shape = self.random_shape(dice);
            self.float_leaf(&shape, dice)
        })
    }

    /// A new floating leaf of this shape.
    pub fn float_leaf(&mut self, shape: &Shape, dice: &mut Dice) -> Option<NodeId> {
        let profile = match dice.below(16) {
            0..=6 => Profile::Ordinary,
            7..=9 if !self.special => Profile::Positive,
            7..=12 if self.special => Profile::Special,
            10..=12 => Profile::Whole,
            13 => Profile::Offset,
            _ if self.special => Profile::Special,
            _ => Profile::Ordinary,
        };
        let dtype = if dice.once_in(10) { DType::F32 } else { self.floats };
        self.leaf(shape, dtype, profile, dice)
    }

    /// A floating matrix with rows and columns from the palette, mostly an existing one.
    pub fn matrix(&mut self, dice: &mut Dice) -> Option<NodeId> {
        let found = if dice.once_in(3) {
            None
        } else {
            self.pick(dice, |n| n.dtype.is_float() && n.shape.rank() == 2 && n.shape.len() > 1)
        };
        found.or_else(|| {
            let shape = self.shape_of_rank(2, dice);
            self.float_leaf(&shape, dice)
        })
    }

    /// A shape of random rank of extents from the palette and ones.
    pub fn random_shape(&self, dice: &mut Dice) -> Shape {
        let rank = dice.pick(&[2, 2, 1, 3, 2, 1, 4, 0]);
        self.shape_of_rank(rank, dice)
    }

    /// A shape of this rank of extents from the palette and ones, small enough.
    pub fn shape_of_rank(&self, rank: usize, dice: &mut Dice) -> Shape {
        let mut dims: Vec<usize> =
            (0..rank).map(|_| if dice.once_in(8) { 1 } else { dice.pick(&self.palette) }).collect();
        while Shape::new(&dims).len() > MOST_ELEMENTS {
            let largest = (0..rank).max_by_key(|&i| dims[i]).unwrap_or(0);
            dims[largest] = if dims[largest] > 9 { dims[largest] / 4 + 1 } else { 1 };
        }
        Shape::new(&dims)
    }

    /// `x` where all its elements are well above 0, else |x| + ½.
    pub fn positive(&mut self, x: NodeId, dice: &mut Dice) -> Option<NodeId> {
        if self.range(x).0 > 0.05 {
            return Some(x);
        }
        let up = self.unary(UnaryOp::Abs, x)?;
        let half = self.scalar(self.dtype(x), 0.5, dice)?;
        self.binary(BinaryOp::Add, up, half)
    }

    /// `x` scaled down so that no magnitude is above `limit`.
    pub fn bounded(&mut self, x: NodeId, limit: f64, dice: &mut Dice) -> Option<NodeId> {
        let (low, high) = self.range(x);
        let most = low.abs().max(high.abs());
        if most <= limit || !most.is_finite() {
            return Some(x);
        }
        let factor = self.scalar(self.dtype(x), limit / most, dice)?;
        self.binary(BinaryOp::Mul, x, factor)
    }

    /// Adds a graph over leaves and slots of its own: a leaf becomes an array that is there already or a new one, a slot a scalar.
    /// Gives the nodes of its roots.
    pub fn graft(&mut self, graph: &Graph, profile: Profile, dice: &mut Dice) -> Option<Vec<NodeId>> {
        let mut to: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let operands: Vec<NodeId> = node.operands.iter().map(|o| to[o.index()]).collect();
            let id = match &node.op {
                Op::Leaf(_) => {
                    let same = |n: &Node| n.dtype == node.dtype && n.shape == node.shape && n.shape.rank() > 0;
                    let taken = |id: &NodeId| to.contains(id);
                    let found = if dice.once_in(3) { self.pick(dice, same) } else { None };
                    match found.filter(|id| !taken(id)) {
                        Some(id) => id,
                        None => self.leaf(&node.shape, node.dtype, profile, dice)?,
                    }
                }
                Op::Slot(_) => {
                    let value = dice.pick(&[0.7, 1.3, -1.7, 2.5, 0.3]);
                    let value = if node.dtype.is_float() { value } else { f64::from(5 + dice.below(4) as u32) };
                    self.slot(Scalar::from_f64(node.dtype, value))?
                }
                op => self.add(op.clone(), &operands)?,
            };
            to.push(id);
        }
        Some(graph.roots.iter().map(|r| to[r.index()]).collect())
    }

    /// A scalar of the run.
    fn slot(&mut self, value: Scalar) -> Option<NodeId> {
        self.case.graph.slots.push(value.dtype());
        self.case.slots.push(value);
        let index = self.case.slots.len() as u32 - 1;
        self.add(Op::Slot(index), &[])
    }

    /// The case, with the last node and a few others as roots.
    #[must_use]
    pub fn finish(self) -> Case {
        self.finish_with(&[])
    }

    /// As [`CaseBuilder::finish`], with these nodes as roots besides, at the end.
    #[must_use]
    pub fn finish_with(mut self, more: &[NodeId]) -> Case {
        if self.case.graph.nodes.is_empty() {
            let one = Op::Literal(Scalar::from_f64(DType::F32, 1.0));
            let _ = self.add(one, &[]);
        }
        let users = self.case.graph.use_counts();
        let mut roots: Vec<NodeId> = self.case.graph.ids().rev().filter(|id| users[id.index()] == 0).collect();
        let is_op = |id: &NodeId| !self.node(*id).operands.is_empty();
        if roots.iter().any(is_op) {
            roots.retain(is_op);
        }
        roots.truncate(4);
        // A node in the middle as a root, and the first root once more, now and then.
        let middle = NodeId((self.case.graph.nodes.len() / 2) as u32);
        if self.operations.is_multiple_of(3) {
            roots.push(middle);
        }
        if self.operations.is_multiple_of(7) {
            roots.push(roots[0]);
        }
        roots.retain(|r| !more.contains(r));
        roots.extend(more);
        self.case.with_roots(&roots)
    }
}
