//! Random graphs of every operation, over shapes with extents of 0 and 1, with sharing, views, slots and planned kernels.

use lazurite::inspect::Dims;
use lazurite::inspect::graph::{
    ArgOp, BinaryOp, Case, CastMode, LeafInfo, NodeId, Op, PlannedKernel, ReduceOp, RngDist, ScanOp, UnaryOp, View,
};
use lazurite::unstable::algorithms::{Random, Xorshift};
use lazurite::{DType, HostBuffer, Order, Scalar, Shape};

/// What a case is grown by.
struct Choices {
    random: Xorshift,
    /// Whether all executors must agree on the case to the last digits.
    exact: bool,
}

impl Choices {
    fn below(&mut self, n: usize) -> usize {
        self.random.below(n)
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        self.random.pick(of)
    }
}

const DTYPES: [DType; 4] = [DType::F32, DType::F32, DType::F64, DType::I32];

/// A case of about `ops` nodes. An `exact` one has only operations whose results every executor must agree on to the last
/// digits: nothing transcendental and no product over an axis, whose rounding a later comparison would blow up.
pub fn case(seed: u64, ops: usize, exact: bool) -> Case {
    let mut d = Choices { random: Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), exact };
    let mut c = Case::default();
    for _ in 0..2 + d.below(3) {
        leaf(&mut c, &mut d);
    }
    let mut tries = 0;
    while c.graph.nodes.len() < ops && tries < ops * 20 {
        tries += 1;
        grow(&mut c, &mut d);
    }
    let n = c.graph.nodes.len();
    let n_roots = 1 + d.below(4);
    c.graph.roots = (0..n_roots).map(|_| NodeId((n - 1 - d.below(n.min(8))) as u32)).collect();
    kernels(&mut c, &mut d);
    c.graph.verify().unwrap();
    c
}

fn leaf(c: &mut Case, d: &mut Choices) {
    let rank = d.below(4);
    let shape: Shape = (0..rank).map(|_| if d.below(80) == 0 { 0 } else { d.pick(&[1, 2, 3, 4, 3, 2, 5]) }).collect();
    let dtype = d.pick(&[DType::F32, DType::F32, DType::F64, DType::I32, DType::Bool, DType::U8]);
    let mut data = HostBuffer::zeros(dtype, shape.len()).unwrap();
    for i in 0..data.len() {
        let special = d.below(25);
        let x = match (special, dtype.is_float()) {
            (0, true) => f64::NAN,
            (1, true) => f64::INFINITY,
            (2, true) => -0.0,
            _ => (d.below(17) as f64 - 8.0) / 4.0,
        };
        data.set(i, Scalar::from_f64(dtype, x));
    }
    c.graph.leaves.push(LeafInfo { shape, dtype });
    c.leaves.push(data);
    let number = c.leaves.len() as u32 - 1;
    c.graph.add(Op::Leaf(number), &[]).unwrap();
}

fn grow(c: &mut Case, d: &mut Choices) {
    let n = c.graph.nodes.len();
    // Mostly recent nodes, so that chains form; sometimes any, so that things are shared.
    let some = |d: &mut Choices| NodeId(if d.below(3) > 0 { n - 1 - d.below(n.min(4)) } else { d.below(n) } as u32);
    let x = some(d);
    let (shape, dtype) = (c.graph.node(x).shape.clone(), c.graph.node(x).dtype);
    let rank = shape.rank();
    let axis = d.below(rank);
    let (op, operands): (Op, Vec<NodeId>) = match d.below(30) {
        0..4 => {
            let all = [
                UnaryOp::Neg,
                UnaryOp::Abs,
                UnaryOp::Square,
                if d.exact { UnaryOp::Ceil } else { UnaryOp::Exp },
                if d.exact { UnaryOp::Sign } else { UnaryOp::Sqrt },
                UnaryOp::Floor,
                UnaryOp::Not,
                UnaryOp::IsNan,
                UnaryOp::Powi(3),
            ];
            let u = d.pick(&all);
            (Op::Unary(u), vec![x])
        }
        4..11 => {
            let all = [
                BinaryOp::Add,
                BinaryOp::Sub,
                BinaryOp::Mul,
                if d.exact { BinaryOp::Fmax } else { BinaryOp::Div },
                BinaryOp::Maximum,
                BinaryOp::Fmin,
                BinaryOp::Lt,
                BinaryOp::Eq,
                BinaryOp::And,
            ];
            let b = d.pick(&all);
            let y = (0..12)
                .map(|_| some(d))
                .find(|&y| c.graph.node(y).dtype == dtype && c.graph.node(y).shape.broadcast(&shape).is_ok());
            (Op::Binary(b), vec![x, y.unwrap_or(x)])
        }
        11 => {
            let y = (0..12).map(|_| some(d)).find(|&y| c.graph.node(y).dtype == DType::Bool).unwrap_or(x);
            (Op::Select, vec![y, x, x])
        }
        12 => {
            let mode = if d.below(2) == 0 { CastMode::Wrap } else { CastMode::RoundSaturate };
            let to = d.pick(&DTYPES);
            (Op::Cast { to, mode }, vec![x])
        }
        13..17 => match view(&shape, d) {
            Some(v) => (Op::View(v), vec![x]),
            None => return,
        },
        17..20 if rank > 0 => {
            let mut axes: Dims = (0..rank).filter(|_| d.below(2) == 0).collect();
            if axes.is_empty() {
                axes.push(axis);
            }
            let prod = if d.exact { ReduceOp::Min } else { ReduceOp::Prod };
            let op = d.pick(&[ReduceOp::Sum, ReduceOp::Max, ReduceOp::Fmin, prod, ReduceOp::Any]);
            (Op::Reduce { op, axes }, vec![x])
        }
        20 if rank > 0 => (Op::ArgReduce { op: d.pick(ArgOp::ALL), axis }, vec![x]),
        21 if rank > 0 => {
            (Op::Scan { op: d.pick(if d.exact { &[ScanOp::Sum, ScanOp::Max] } else { ScanOp::ALL }), axis }, vec![x])
        }
        22 | 23 => {
            let y = (0..30).map(|_| some(d)).find(|&y| {
                let s = &c.graph.node(y).shape;
                c.graph.node(y).dtype == dtype && rank >= 2 && s.rank() >= 2 && s[s.rank() - 2] == shape[rank - 1]
            });
            match y {
                Some(y) => (Op::Contract { symmetric: false }, vec![x, y]),
                None => return,
            }
        }
        24 if rank > 0 => {
            let i = (0..20)
                .map(|_| some(d))
                .find(|&i| c.graph.node(i).dtype == DType::I32 && c.graph.node(i).shape.rank() == 1);
            match i {
                Some(i) if d.below(4) > 0 => (Op::Gather { axis }, vec![x, i]),
                Some(i) => {
                    let want = shape.with_axis(axis, c.graph.node(i).shape[0]);
                    let u = (0..n as u32)
                        .map(NodeId)
                        .find(|&u| c.graph.node(u).shape == want && c.graph.node(u).dtype == dtype);
                    match u {
                        Some(u) => (Op::Scatter { axis }, vec![x, i, u]),
                        None => return,
                    }
                }
                None => (Op::Iota { shape: Shape::new(&[d.below(4)]), axis: 0, dtype: DType::I32 }, vec![]),
            }
        }
        25 if rank > 0 => {
            let y = (0..20).map(|_| some(d)).find(|&y| {
                let o = c.graph.node(y);
                o.dtype == dtype && o.shape.rank() == rank && o.shape.with_axis(axis, 0) == shape.with_axis(axis, 0)
            });
            let mut parts = vec![x, y.unwrap_or(x)];
            if d.below(3) == 0 {
                parts.push(x);
            }
            (Op::Concat { axis }, parts)
        }
        26 => {
            let fill = (0..n as u32)
                .map(NodeId)
                .find(|&f| c.graph.node(f).shape.rank() == 0 && c.graph.node(f).dtype == dtype);
            let Some(fill) = fill else { return };
            let mut some = || (0..rank).map(|_| d.below(3)).collect::<Dims>();
            (Op::Pad { before: some(), after: some() }, vec![x, fill])
        }
        27 if rank > 0 => {
            let u = (0..20).map(|_| some(d)).find(|&u| {
                let o = c.graph.node(u);
                o.dtype == dtype && o.shape.rank() == rank && (0..rank).all(|a| o.shape[a] <= shape[a])
            });
            let Some(u) = u else { return };
            let small = c.graph.node(u).shape.clone();
            let step: Dims =
                (0..rank).map(|a| if small[a] > 0 && small[a] * 2 <= shape[a] { 1 + d.below(2) } else { 1 }).collect();
            let start: Dims = (0..rank)
                .map(|a| d.below((shape[a] + 1).saturating_sub(step[a] * small[a].saturating_sub(1) + 1)))
                .collect();
            (Op::SliceUpdate { start, step }, vec![x, u])
        }
        28 => return source(c, d),
        29 if rank > 0 => (Op::Sort { axis, descending: d.below(2) == 0, indices: d.below(3) == 0 }, vec![x]),
        _ => return,
    };
    // What does not fit is refused at the door; bounded so that products and paddings do not explode.
    if let Ok(id) = c.graph.add(op, &operands)
        && (c.graph.node(id).shape.len() > 600 || c.graph.node(id).shape.rank() > 5)
    {
        c.graph.nodes.pop();
    }
}

fn source(c: &mut Case, d: &mut Choices) {
    let shape: Shape = (0..d.below(3)).map(|_| 1 + d.below(4)).collect();
    match d.below(4) {
        0 => {
            let s = Scalar::from_f64(d.pick(&DTYPES), d.below(7) as f64 / 2.0 - 1.0);
            c.graph.add(Op::Literal(s), &[]).unwrap();
        }
        1 => {
            let dtype = d.pick(&DTYPES);
            c.graph.slots.push(dtype);
            c.slots.push(Scalar::from_f64(dtype, d.below(9) as f64 / 2.0));
            let number = c.slots.len() as u32 - 1;
            c.graph.add(Op::Slot(number), &[]).unwrap();
        }
        2 if shape.rank() > 0 => {
            let axis = d.below(shape.rank());
            let dtype = d.pick(&DTYPES);
            c.graph.add(Op::Iota { shape, axis, dtype }, &[]).unwrap();
        }
        _ => {
            let key = c.graph.add(Op::Literal(Scalar::from_f64(DType::U32, 7.0)), &[]).unwrap();
            c.graph.add(Op::Rng { dist: RngDist::Uniform, shape, dtype: DType::F32 }, &[key, key]).unwrap();
        }
    }
}

fn view(shape: &Shape, d: &mut Choices) -> Option<View> {
    let v = View::dense(shape);
    let rank = shape.rank();
    let axis = d.below(rank);
    match d.below(7) {
        0 if rank > 1 => {
            let mut axes: Vec<usize> = (0..rank).collect();
            axes.swap(axis, d.below(rank));
            v.permute(&axes).ok()
        }
        1 if rank > 0 => v.flip(axis).ok(),
        2 if rank > 0 && shape[axis] > 1 => v.slice(axis, 1, 1, shape[axis] - 1).ok(),
        3 if rank > 0 && shape[axis] > 2 => v.slice(axis, 0, 2, shape[axis].div_ceil(2)).ok(),
        4 => {
            let mut wide = vec![1 + d.below(3)];
            wide.extend(shape.iter().map(|&n| if n == 1 { 1 + d.below(3) } else { n }));
            v.broadcast_to(&Shape::new(&wide)).ok()
        }
        5 if rank > 1 => v.diagonal().ok(),
        _ => {
            let flat = Shape::new(&[shape.len()]);
            let order = if d.below(2) == 0 { Order::C } else { Order::F };
            let to = if rank > 1 && d.below(2) == 0 { shape.iter().rev().copied().collect() } else { flat };
            v.reshape(&to, order).ok().flatten()
        }
    }
}

/// Turns elementwise chains and diagonals behind some products into planned kernels.
fn kernels(c: &mut Case, d: &mut Choices) {
    let users = c.graph.users();
    let mut taken = vec![false; c.graph.nodes.len()];
    for core in c.graph.ids() {
        if !matches!(c.graph.node(core).op, Op::Contract { .. }) || d.below(4) == 0 {
            continue;
        }
        let mut stages: Vec<NodeId> = Vec::new();
        let mut at = core;
        while let Some(&next) = users[at.index()].iter().find(|u| {
            let n = c.graph.node(**u);
            !taken[u.index()]
                && (n.op.is_elementwise() && n.shape == c.graph.node(core).shape || matches!(n.op, Op::View(_)))
        }) {
            taken[next.index()] = true;
            stages.push(next);
            at = next;
            if matches!(c.graph.node(next).op, Op::View(_)) {
                break;
            }
        }
        // Outputs: whatever somebody outside needs.
        let inside = |n: &NodeId| stages.contains(n) || *n == core;
        let outputs: Vec<NodeId> = std::iter::once(core)
            .chain(stages.iter().copied())
            .filter(|n| {
                users[n.index()].iter().any(|u| !inside(u)) || c.graph.roots.contains(n) || users[n.index()].is_empty()
            })
            .collect();
        if !stages.is_empty() && !taken[core.index()] && !outputs.is_empty() {
            taken[core.index()] = true;
            c.graph.kernels.push(PlannedKernel { core, stages, outputs });
        } else {
            stages.iter().for_each(|s| taken[s.index()] = false);
        }
    }
}
