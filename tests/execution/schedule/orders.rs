//! Strict on GPUs: the order in which a fold of floats adds its terms follows from its own shape and axes, whatever is fused with it.

use super::{G, gpu, plan, random};
use lazurite::inspect::graph::{BinaryOp, Graph, NodeId, Op, ReduceOp, RngDist, ScanOp, UnaryOp};
use lazurite::inspect::{Dims, Place};
use lazurite::unstable::kernels::lower;
use lazurite::unstable::schedule::ScheduleOptions;
use lazurite::unstable::types::Limits;
use lazurite::{DType, Numerics, Scalar, Shape};
use std::collections::BTreeMap;

/// What comes before the folds.
const BEFORE: [&str; 6] = ["nothing", "a product", "a transpose", "a remainder of a transpose", "a row", "numbers"];
/// What comes after them.
const AFTER: [&str; 8] =
    ["nothing", "a whole store", "centring", "softmax", "a variance", "an extremum", "sums of both", "a sine"];

/// Rows and columns.
const EXTENTS: [(usize, usize); 9] =
    [(1, 3), (5, 5), (3, 40), (40, 3), (200, 17), (7, 1500), (100, 1500), (70_000, 3), (300, 1 << 14)];

/// A fold of what `before` names over `axis`, an extent of which is `m` and `n`, in company of what `after` names.
fn graph(m: usize, n: usize, axis: usize, op: ReduceOp, before: &str, after: &str) -> Graph {
    let mut g = G::new();
    let x = match before {
        "a transpose" | "a remainder of a transpose" => {
            let x = g.x(&[n, m]);
            g.t(x)
        }
        "numbers" => {
            let key = g.add(Op::Literal(Scalar::from_f64(DType::U32, 3.0)), &[]);
            g.add(Op::Rng { dist: RngDist::Uniform, shape: Shape::new(&[m, n]), dtype: DType::F32 }, &[key, key])
        }
        _ => g.x(&[m, n]),
    };
    let x = match before {
        "a product" => {
            let y = g.x(&[m, n]);
            g.bin(BinaryOp::Mul, x, y)
        }
        "a remainder of a transpose" => {
            let three = g.lit(3.0);
            g.bin(BinaryOp::Rem, x, three)
        }
        "a row" => {
            let y = g.x(&[1, n]);
            g.bin(BinaryOp::Add, x, y)
        }
        _ => x,
    };
    let fold = |g: &mut G, op, x| g.add(Op::Reduce { op, axes: Dims::from_slice(&[axis]) }, &[x]);
    let s = fold(&mut g, op, x);
    let roots = match after {
        "a whole store" => vec![s, g.un(UnaryOp::Abs, x)],
        "centring" => vec![g.bin(BinaryOp::Sub, x, s)],
        "softmax" => {
            let most = fold(&mut g, ReduceOp::Max, x);
            let d = g.bin(BinaryOp::Sub, x, most);
            let e = g.un(UnaryOp::Exp, d);
            let t = fold(&mut g, ReduceOp::Sum, e);
            vec![g.bin(BinaryOp::Div, e, t), s]
        }
        "a variance" => {
            let c = g.bin(BinaryOp::Sub, x, s);
            let q = g.un(UnaryOp::Square, c);
            vec![fold(&mut g, ReduceOp::Sum, q)]
        }
        "an extremum" => vec![s, fold(&mut g, ReduceOp::Max, x)],
        "sums of both" => {
            let q = g.un(UnaryOp::Square, x);
            vec![s, fold(&mut g, ReduceOp::Sum, q), fold(&mut g, ReduceOp::Prod, q)]
        }
        "a sine" => vec![g.un(UnaryOp::Sin, s)],
        _ => vec![s],
    };
    g.done(&roots)
}

/// A product, a scan or a fold of a product beside other work.
fn product(m: usize, k: usize, n: usize, shape: usize) -> Graph {
    let mut g = G::new();
    let (a, b) = match shape {
        0 => (g.x(&[m, k]), g.x(&[k, n])),
        1 => {
            let (a, b) = (g.x(&[k, m]), g.x(&[n, k]));
            (g.t(a), g.t(b))
        }
        2 => {
            let (a, b) = (g.x(&[k, m]), g.x(&[n, k]));
            let (a, b) = (g.t(a), g.t(b));
            (g.un(UnaryOp::Abs, a), g.un(UnaryOp::Abs, b))
        }
        _ => {
            let (a, b, row) = (g.x(&[m, k]), g.x(&[k, n]), g.x(&[1, n]));
            (g.un(UnaryOp::Abs, a), g.bin(BinaryOp::Mul, b, row))
        }
    };
    let p = g.mul(a, b);
    let after = g.un(UnaryOp::Abs, p);
    let running = g.add(Op::Scan { op: ScanOp::Sum, axis: 1 }, &[after]);
    let double = g.bin(BinaryOp::Add, running, p);
    g.done(&[after, double])
}

/// The order of each fold, product and scan of floats that the GPU computes.
fn orders(graph: &Graph, limits: &Limits, fuse: bool) -> BTreeMap<NodeId, String> {
    let options = ScheduleOptions { limits: Some(limits.clone()), fuse, numerics: Numerics::Strict, ..gpu() };
    let s = plan(graph, &options);
    let scalars: Vec<DType> = s.scalars.iter().map(|n| graph.node(*n).dtype).collect();
    let mut orders = BTreeMap::new();
    for group in s.groups().filter(|g| g.place == Place::Gpu) {
        let lowered = lower(group, &s.values, &scalars, limits, Numerics::Strict).unwrap();
        let order: Vec<&str> = lowered.choices.iter().map(|c| c.order.as_str()).collect();
        for &id in &group.nodes {
            let node = graph.node(id);
            let rounds = match node.op {
                Op::Reduce { op, .. } => matches!(op, ReduceOp::Sum | ReduceOp::Prod),
                Op::Scan { .. } | Op::Contract { .. } => true,
                _ => false,
            };
            // A fold over one element adds nothing.
            let folds = node.operands.first().is_some_and(|&o| graph.node(o).shape.len() > node.shape.len());
            let rounds = rounds && (folds || !matches!(node.op, Op::Reduce { .. }));
            if rounds && node.dtype.is_float() && !order.is_empty() {
                orders.insert(id, order.join("; "));
            }
        }
    }
    orders
}

/// The limits of a device as hardware and software have them.
fn devices() -> [Limits; 2] {
    let gpu = Limits { f64: true, i64: true, f16: true, max_storage_buffers: 64, ..Limits::webgpu() };
    [gpu.clone(), gpu.into_software()]
}

fn holds(graph: &Graph, what: &str) -> usize {
    let mut n = 0;
    for limits in devices() {
        let (fused, unfused) = (orders(graph, &limits, true), orders(graph, &limits, false));
        assert_eq!(fused.keys().collect::<Vec<_>>(), unfused.keys().collect::<Vec<_>>(), "{what}\n{graph}");
        for (id, order) in &fused {
            assert_eq!(order, &unfused[id], "{what}: {id} is summed in another order where it is fused\n{graph}");
            n += 1;
        }
    }
    n
}

#[test]
fn a_fold_adds_in_one_order_whatever_is_fused_with_it() {
    let mut n = 0;
    for (i, (m, k)) in EXTENTS.into_iter().enumerate() {
        for (axis, before) in (0..2).flat_map(|axis| BEFORE.map(|b| (axis, b))) {
            for (j, after) in AFTER.into_iter().enumerate() {
                let op = if (i + j) % 4 == 0 { ReduceOp::Prod } else { ReduceOp::Sum };
                let what = format!("{op:?} over axis {axis} of {m} by {k} behind {before}, before {after}");
                n += holds(&graph(m, k, axis, op, before, after), &what);
            }
        }
    }
    assert!(n > 1_500, "{n} orders");
}

#[test]
fn a_product_and_a_scan_add_in_one_order_whatever_is_fused_with_them() {
    let mut n = 0;
    for (m, k, cols) in
        [(1, 40, 3), (3, 1000, 3), (4, 5000, 300), (300, 70_000, 2), (40, 5, 40), (64, 1100, 64), (200, 3000, 200)]
    {
        for shape in 0..4 {
            n += holds(&product(m, k, cols, shape), &format!("{m} by {k} by {cols}, form {shape}"));
        }
    }
    assert!(n > 50, "{n} orders");
}

/// The planner finds symmetric products; the order of their sums is that of the others.
#[test]
fn a_symmetric_product_adds_in_the_order_of_any_other() {
    for limits in devices() {
        for (m, k) in [(40, 5), (64, 1100), (200, 3000), (600, 70_000), (3, 1000)] {
            let of = |symmetric| {
                let mut g = G::new();
                let x = g.x(&[k, m]);
                let t = g.t(x);
                let p = g.add(Op::Contract { symmetric }, &[t, x]);
                orders(&g.done(&[p]), &limits, true)
            };
            assert_eq!(of(true), of(false), "{m} by {k}");
        }
    }
}

#[test]
fn random_graphs_add_in_one_order_whatever_is_fused() {
    let n: usize =
        (1..=300).map(|seed| holds(&random::case(3_000_000 + seed, 20, true).graph, &format!("seed {seed}"))).sum();
    assert!(n > 100, "{n} orders");
}

/// Strict plans turn the sum over the columns of a transposed matrix into one over rows.
#[test]
fn rows_and_columns_of_one_length_are_added_in_one_order() {
    for limits in devices() {
        for (m, n) in EXTENTS {
            let of = |m, n, axis| orders(&graph(m, n, axis, ReduceOp::Sum, "nothing", "centring"), &limits, true);
            assert_eq!(of(m, n, 0), of(n, m, 1), "columns of {m} by {n}");
        }
    }
}
