//! The table of accuracies, held: every elementwise function over its whole domain, edges and specials included, in every
//! floating dtype on CPU and GPU, against the oracle.

use crate::support::{fresh_gpu, vector};
use lazurite::check::{Allowance, compare, evaluate, runs};
use lazurite::inspect::RunOptions;
use lazurite::inspect::graph::{BinaryOp, Case, CastMode, Graph, LeafInfo, NodeId, Op, ReduceOp, UnaryOp};
use lazurite::{DType, DeviceChoice, Engine, HostBuffer, Scalar, Shape};

/// Numbers where functions have edges, and a spread over all magnitudes.
fn arguments() -> Vec<f64> {
    let pi = std::f64::consts::PI;
    let mut all =
        vec![0.0, f64::NAN, f64::INFINITY, 1.0, 2.0, 3.0, 0.5, 1.5, 2.5, 0.9999, 1.0001, 1e-3, 10.0, 88.0, 89.5];
    all.extend([104.0, 1e-10, 3e-8, pi, pi / 2.0, pi / 4.0, 100.0, 1e4, 11_999.0, 12_001.0, 65_503.0, 1e7, 3e9, 1e20]);
    all.extend([0.4142135, 2.4142137, 0.708, 0.625, 0.41, 0.3, 1e-5, 18.0, 20.0, 40.0, 7e-3, 4.0, 5.0, 8388609.0]);
    for (i, &v) in vector(300, 77).iter().enumerate() {
        let size = [1.0, 0.1, 3.0, 10.0, 30.0, 1e3][i % 6];
        all.push(f64::from(v) * size);
    }
    let negated: Vec<f64> = all.iter().map(|v| -v).collect();
    all.extend(negated);
    all
}

fn leaf(values: &[f64], dtype: DType) -> (LeafInfo, HostBuffer) {
    let mut data = HostBuffer::zeros(dtype, values.len()).unwrap();
    for (i, &v) in values.iter().enumerate() {
        data.set(i, Scalar::from_f64(dtype, v));
    }
    (LeafInfo { shape: Shape::new(&[values.len()]), dtype }, data)
}

fn case(inputs: &[&[f64]], dtype: DType) -> (Case, Vec<NodeId>) {
    let mut case = Case { graph: Graph::default(), leaves: Vec::new(), slots: Vec::new() };
    let mut ids = Vec::new();
    for (i, values) in inputs.iter().enumerate() {
        let (info, data) = leaf(values, dtype);
        case.graph.leaves.push(info);
        case.leaves.push(data);
        ids.push(case.graph.add(Op::Leaf(i as u32), &[]).unwrap());
    }
    (case, ids)
}

/// Runs every operation as a root of its own, and names the function and the argument that is off. The GPU engine must be the test's
/// own: each case must run something there, but for one of bytes.
fn hold(case: &Case, gpu: Option<&Engine>) {
    hold_as(case, gpu, RunOptions { plan: false, fuse: false });
}

fn hold_as(case: &Case, gpu: Option<&Engine>, options: RunOptions) {
    let cpu = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    for (engine, allow) in [(Some(&cpu), Allowance::CPU), (gpu, Allowance::new(true, false))] {
        let Some(engine) = engine else { continue };
        let known = evaluate(case, allow).unwrap();
        let before = engine.stats().gpu_groups;
        let given = runs::run(engine, case, options).unwrap();
        // Arithmetic of bytes stays on the CPU.
        let on_gpu = allow.gpu && case.graph.leaves.iter().any(|l| l.dtype != DType::U8);
        assert!(!on_gpu || engine.stats().gpu_groups > before, "nothing ran on the GPU: {:?}", engine.stats());
        let mut wrong = Vec::new();
        for (root, given) in case.graph.roots.iter().zip(&given) {
            if let Err(m) = compare(&known[root.index()], given) {
                let node = case.graph.node(*root);
                let arguments: Vec<String> = node
                    .operands
                    .iter()
                    .map(|o| match case.graph.node(*o).op {
                        Op::Leaf(i) => format!("{:?}", case.leaves[i as usize].get(m.index)),
                        _ => String::new(),
                    })
                    .collect();
                wrong.push(format!("{} of {} {arguments:?}: {m}", node.op, case.graph.node(node.operands[0]).dtype));
            }
        }
        assert!(wrong.is_empty(), "on {}:\n{}", if allow.gpu { "gpu" } else { "cpu" }, wrong.join("\n"));
    }
}

#[test]
fn functions_of_one_number() {
    let gpu = fresh_gpu();
    let values = arguments();
    for dtype in [DType::F32, DType::F64, DType::F16] {
        let (mut case, ids) = case(&[&values], dtype);
        let powers = [0, 1, 2, 3, 4, 7, -1, -2, -3].map(UnaryOp::Powi);
        for op in UnaryOp::ALL.iter().copied().chain(powers) {
            if op.result(dtype).is_some() {
                let id = case.graph.add(Op::Unary(op), &ids).unwrap();
                case.graph.roots.push(id);
            }
        }
        hold(&case, gpu.as_ref());
    }
}

/// Drivers take what a kernel computed itself for equal to itself: a NaN that was only loaded shows nothing of that.
#[test]
fn a_computed_nan_is_a_nan() {
    let gpu = fresh_gpu();
    let values = arguments();
    for dtype in [DType::F32, DType::F64, DType::F16] {
        let (mut case, ids) = case(&[&values], dtype);
        let mut roots = Vec::new();
        for made in [UnaryOp::Rsqrt, UnaryOp::Sqrt, UnaryOp::Recip, UnaryOp::Log] {
            if dtype == DType::F64 && made.is_transcendental() {
                continue;
            }
            let y = case.graph.add(Op::Unary(made), &ids).unwrap();
            let compared = [BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Le, BinaryOp::Ge, BinaryOp::Fmax, BinaryOp::Maximum];
            for op in compared {
                roots.push(case.graph.add(Op::Binary(op), &[y, y]).unwrap());
                roots.push(case.graph.add(Op::Binary(op), &[y, ids[0]]).unwrap());
            }
            roots.push(case.graph.add(Op::Unary(UnaryOp::IsNan), &[y]).unwrap());
            let none = case.graph.add(Op::Binary(BinaryOp::Sub), &[y, y]).unwrap();
            roots.push(case.graph.add(Op::Binary(BinaryOp::Eq), &[none, none]).unwrap());
        }
        case.graph.roots = roots;
        hold_as(&case, gpu.as_ref(), RunOptions { plan: false, fuse: true });
    }
}

#[test]
fn functions_of_two_numbers() {
    let gpu = fresh_gpu();
    let values = arguments();
    // Every argument against a few others, edges among them.
    let others =
        [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -2.5, 1e-3, 1e4, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.3];
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for &x in &values {
        for y in others {
            left.push(x);
            right.push(y);
        }
    }
    for dtype in [DType::F32, DType::F64, DType::F16] {
        let (mut case, ids) = case(&[&left, &right], dtype);
        for op in BinaryOp::ALL.iter().copied() {
            if op.result(dtype).is_some() {
                for operands in [[ids[0], ids[1]], [ids[1], ids[0]]] {
                    let id = case.graph.add(Op::Binary(op), &operands).unwrap();
                    case.graph.roots.push(id);
                }
            }
        }
        hold(&case, gpu.as_ref());
    }
}

#[test]
fn conversions() {
    let gpu = fresh_gpu();
    let mut values = arguments();
    values.extend([255.0, 256.0, 255.5, -0.5, 2147483647.0, 2147483648.0, -2147483648.0, 4294967295.0, 9.3e18, -1.5]);
    for from in DType::ALL.iter().copied() {
        let (mut case, ids) = case(&[&values], from);
        for to in DType::ALL.iter().copied() {
            for mode in [CastMode::Wrap, CastMode::RoundSaturate] {
                let id = case.graph.add(Op::Cast { to, mode }, &ids).unwrap();
                case.graph.roots.push(id);
            }
        }
        hold(&case, gpu.as_ref());
    }
}

#[test]
fn arithmetic_of_integers() {
    let gpu = fresh_gpu();
    for dtype in [DType::I32, DType::U32, DType::I64, DType::U8] {
        let mut edges: Vec<f64> = (-5..=5).map(f64::from).collect();
        edges.extend([255.0, 65_536.0, 2147483647.0, -2147483648.0, 4294967295.0, 46_341.0, 1e9, -1e9, 31.0, 33.0]);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for &x in &edges {
            for &y in &edges {
                left.push(x);
                right.push(y);
            }
        }
        let (mut case, ids) = case(&[&left, &right], dtype);
        for op in BinaryOp::ALL.iter().copied() {
            if op.result(dtype).is_some() {
                let id = case.graph.add(Op::Binary(op), &ids).unwrap();
                case.graph.roots.push(id);
            }
        }
        let powers = [0, 1, 2, 3, 5, -1, -2].map(UnaryOp::Powi);
        for op in UnaryOp::ALL.iter().copied().chain(powers) {
            if op.result(dtype).is_some() {
                let id = case.graph.add(Op::Unary(op), &ids[..1]).unwrap();
                case.graph.roots.push(id);
            }
        }
        hold(&case, gpu.as_ref());
    }
}

/// A driver once lost negations that stood behind extrema.
#[test]
fn extrema_of_what_was_negated() {
    let gpu = fresh_gpu();
    for dtype in [DType::I32, DType::I64, DType::F32] {
        for len in [1, 2, 3, 6, 7, 21, 33] {
            let values: Vec<f64> = vector(3 * len, len as u64).iter().map(|v| (f64::from(*v) * 3.0).round()).collect();
            let (info, data) = leaf(&values, dtype);
            let mut graph = Graph::default();
            graph.leaves.push(LeafInfo { shape: Shape::new(&[3, len]), ..info });
            let x = graph.add(Op::Leaf(0), &[]).unwrap();
            let number = |graph: &mut Graph, v: f64| graph.add(Op::Literal(Scalar::from_f64(dtype, v)), &[]).unwrap();
            for fold in [ReduceOp::Max, ReduceOp::Min] {
                let (zero, seven) = (number(&mut graph, 0.0), number(&mut graph, 7.0));
                let two = number(&mut graph, 2.0);
                let negated = graph.add(Op::Unary(UnaryOp::Neg), &[x]).unwrap();
                let size = graph.add(Op::Unary(UnaryOp::Abs), &[x]).unwrap();
                let behind = [
                    negated,
                    graph.add(Op::Unary(UnaryOp::Neg), &[size]).unwrap(),
                    graph.add(Op::Binary(BinaryOp::Sub), &[zero, x]).unwrap(),
                    graph.add(Op::Binary(BinaryOp::Sub), &[seven, x]).unwrap(),
                    graph.add(Op::Binary(BinaryOp::Maximum), &[negated, two]).unwrap(),
                    size,
                ];
                for y in behind {
                    let op = Op::Reduce { op: fold, axes: [1].as_slice().into() };
                    let root = graph.add(op, &[y]).unwrap();
                    graph.roots.push(root);
                }
            }
            let case = Case { graph, leaves: vec![data], slots: Vec::new() };
            for root in case.graph.roots.clone() {
                let alone = Case { graph: case.graph.subgraph(&[root]), ..case.clone() };
                hold_as(&alone, gpu.as_ref(), RunOptions { plan: false, fuse: true });
            }
        }
    }
}
