//! Graphs to plan: of a given size and in kinds that programs have. Built here node by node, so that thousands of operations
//! cost nothing to make and nothing is evaluated. Used by the tests beside this file and by the benchmark of planning.

use lazurite::inspect::graph::{BinaryOp, Graph, LeafInfo, NodeId, Op, ReduceOp, UnaryOp, View};
use lazurite::unstable::algorithms::{Random, Xorshift};
use lazurite::{DType, Scalar, Shape};

/// The random numbers behind the graphs of a seed.
pub fn numbers(seed: u64) -> Xorshift {
    Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
}

/// A graph under construction.
pub struct Build {
    pub graph: Graph,
    /// Of leaves, slots and numbers.
    pub dtype: DType,
}

impl Default for Build {
    fn default() -> Self {
        Self { graph: Graph::default(), dtype: DType::F32 }
    }
}

impl Build {
    pub fn leaf(&mut self, dims: &[usize]) -> NodeId {
        let i = self.graph.leaves.len() as u32;
        self.graph.leaves.push(LeafInfo { shape: Shape::new(dims), dtype: self.dtype });
        self.add(Op::Leaf(i), &[])
    }

    pub fn slot(&mut self) -> NodeId {
        let i = self.graph.slots.len() as u32;
        self.graph.slots.push(self.dtype);
        self.add(Op::Slot(i), &[])
    }

    pub fn number(&mut self, x: f64) -> NodeId {
        self.add(Op::Literal(Scalar::from_f64(self.dtype, x)), &[])
    }

    pub fn add(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        self.graph.add(op, operands).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn un(&mut self, op: UnaryOp, x: NodeId) -> NodeId {
        self.add(Op::Unary(op), &[x])
    }

    pub fn bin(&mut self, op: BinaryOp, x: NodeId, y: NodeId) -> NodeId {
        self.add(Op::Binary(op), &[x, y])
    }

    pub fn dot(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.add(Op::Contract { symmetric: false }, &[x, y])
    }

    pub fn sum(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        self.add(Op::Reduce { op: ReduceOp::Sum, axes: axes.into() }, &[x])
    }

    pub fn t(&mut self, x: NodeId) -> NodeId {
        let view = View::dense(&self.graph.node(x).shape).permute(&[1, 0]).unwrap();
        self.add(Op::View(view), &[x])
    }

    pub fn diag(&mut self, x: NodeId) -> NodeId {
        let view = View::dense(&self.graph.node(x).shape).diagonal().unwrap();
        self.add(Op::View(view), &[x])
    }

    /// The graph with these roots, numbered as a snapshot is.
    pub fn roots(mut self, roots: &[NodeId]) -> Graph {
        self.graph.roots = roots.to_vec();
        self.graph
    }
}

/// A principal component analysis in 33 operations: standardise, covariance, two steps of subspace iteration, projection,
/// explained variance, reconstruction and its error.
pub fn pca() -> Graph {
    let mut b = Build::default();
    let (x, q) = (b.leaf(&[1797, 64]), b.leaf(&[64, 8]));
    let (n, m) = (b.slot(), b.slot());
    let s = b.sum(x, &[0]);
    let mean = b.bin(BinaryOp::Div, s, n);
    let c = b.bin(BinaryOp::Sub, x, mean);
    let sq = b.un(UnaryOp::Square, c);
    let ss = b.sum(sq, &[0]);
    let var = b.bin(BinaryOp::Div, ss, m);
    let sd = b.un(UnaryOp::Sqrt, var);
    let z = b.bin(BinaryOp::Div, c, sd);
    let zt = b.t(z);
    let g = b.dot(zt, z);
    let cov = b.bin(BinaryOp::Div, g, m);
    let mut basis = q;
    for _ in 0..2 {
        let y = b.dot(cov, basis);
        let y2 = b.un(UnaryOp::Square, y);
        let l = b.sum(y2, &[0]);
        let norm = b.un(UnaryOp::Sqrt, l);
        basis = b.bin(BinaryOp::Div, y, norm);
    }
    let scores = b.dot(z, basis);
    let bt = b.t(basis);
    let half = b.dot(bt, cov);
    let full = b.dot(half, basis);
    let explained = b.diag(full);
    let trace = b.diag(cov);
    let total = b.sum(trace, &[0]);
    let share = b.bin(BinaryOp::Div, explained, total);
    let back = b.dot(scores, bt);
    let error = b.bin(BinaryOp::Sub, z, back);
    let e2 = b.un(UnaryOp::Square, error);
    let loss = b.sum(e2, &[0, 1]);
    b.roots(&[scores, share, loss])
}

/// Centring, scaling and elementwise steps in turn on data that is read transposed, `n` statements of a program, each from the two
/// before it: what a rule moves goes through all of them, folds included.
pub fn statements(n: usize) -> Graph {
    let mut b = Build::default();
    let leaf = b.leaf(&[6, 20]);
    let x = b.t(leaf);
    let (rows, two, one) = (b.slot(), b.number(2.0), b.number(1.0));
    let (mut q, mut p) = (b.bin(BinaryOp::Add, x, one), b.bin(BinaryOp::Mul, x, two));
    for i in 2..n {
        let next = match i % 5 {
            0 => {
                let total = b.sum(q, &[0]);
                let mean = b.bin(BinaryOp::Div, total, rows);
                b.bin(BinaryOp::Sub, p, mean)
            }
            1 => {
                let size = b.un(UnaryOp::Abs, p);
                let less = b.un(UnaryOp::Neg, size);
                let weight = b.un(UnaryOp::Exp, less);
                b.bin(BinaryOp::Add, weight, q)
            }
            2 => {
                let squares = b.un(UnaryOp::Powi(2), q);
                let total = b.sum(squares, &[1]);
                let norm = b.bin(BinaryOp::Add, one, total);
                b.bin(BinaryOp::Div, p, norm)
            }
            3 => {
                let bounded = b.un(UnaryOp::Tanh, p);
                b.bin(BinaryOp::Mul, bounded, q)
            }
            _ => {
                let difference = b.bin(BinaryOp::Sub, p, q);
                let size = b.un(UnaryOp::Abs, difference);
                b.un(UnaryOp::Sqrt, size)
            }
        };
        (q, p) = (p, next);
    }
    let total = b.sum(p, &[0, 1]);
    b.roots(&[total])
}

/// A chain of elementwise operations in which every third is a transpose.
pub fn transposes(n: usize) -> Graph {
    let mut b = Build::default();
    let (x, y) = (b.leaf(&[64, 64]), b.leaf(&[64, 64]));
    let mut at = x;
    for i in 0..n {
        at = match i % 6 {
            2 | 5 => b.t(at),
            0 => b.bin(BinaryOp::Add, at, y),
            1 => b.un(UnaryOp::Tanh, at),
            3 => b.bin(BinaryOp::Mul, y, at),
            _ => b.un(UnaryOp::Sin, at),
        };
    }
    b.roots(&[at])
}

/// A random graph of elementwise work, transposes, sums and products over recent values, most of which are used later.
pub fn random(n: usize, seed: u64) -> Graph {
    random_of(n, seed, 64, DType::F32)
}

/// As [`random`], of matrices of this extent and dtype; integers have other functions of one operand.
pub fn random_of(n: usize, seed: u64, extent: usize, dtype: DType) -> Graph {
    let (mut b, mut random) = (Build { dtype, ..Build::default() }, numbers(seed));
    let mut squares: Vec<NodeId> = (0..4).map(|_| b.leaf(&[extent, extent])).collect();
    let mut thin: Vec<NodeId> =
        vec![b.leaf(&[extent, 1]), b.leaf(&[1, extent]), b.slot(), b.number(2.0), b.number(0.0)];
    let float = dtype.is_float();
    let mut made = 0;
    while made < n {
        let recent = |random: &mut Xorshift, all: &[NodeId]| all[all.len() - 1 - random.below(all.len().min(12))];
        let (x, y) = (recent(&mut random, &squares), recent(&mut random, &squares));
        let any = if random.below(3) == 0 { recent(&mut random, &thin) } else { y };
        let new = match random.below(16) {
            0 | 1 => b.bin(BinaryOp::Add, x, any),
            2 => b.bin(BinaryOp::Sub, x, any),
            3 | 4 => b.bin(BinaryOp::Mul, any, x),
            5 if float => b.bin(BinaryOp::Div, x, any),
            5 => b.bin(BinaryOp::Minimum, x, any),
            6 => b.bin(BinaryOp::Maximum, x, any),
            7 if float => b.un(UnaryOp::Exp, x),
            7 => b.un(UnaryOp::Sign, x),
            8 => b.un(UnaryOp::Neg, x),
            9 if float => b.un(UnaryOp::Sqrt, x),
            9 => b.un(UnaryOp::Abs, x),
            10 => b.un(UnaryOp::Square, x),
            11 | 12 => b.t(x),
            13 => {
                let axis = random.below(2);
                let s = b.sum(x, &[axis]);
                thin.push(s);
                made += 1;
                continue;
            }
            14 => b.dot(x, y),
            _ => {
                let t = b.t(x);
                made += 1;
                b.dot(t, y)
            }
        };
        made += 1;
        squares.push(new);
    }
    let mut used = vec![false; b.graph.nodes.len()];
    for node in &b.graph.nodes {
        node.operands.iter().for_each(|o| used[o.index()] = true);
    }
    let ends: Vec<NodeId> =
        b.graph.ids().filter(|id| !used[id.index()] && !b.graph.node(*id).operands.is_empty()).collect();
    b.roots(&ends)
}
