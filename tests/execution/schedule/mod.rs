//! Schedules: what groups form, where they run, what memory they take; and that running them by the plainest executor gives what
//! the reference gives for the graph.

mod check;
pub mod interpret;
mod limits;
mod orders;
pub mod random;

use check::check;
use lazurite::inspect::graph::{BinaryOp, Graph, LeafInfo, NodeId, Op, PlannedKernel, ReduceOp, UnaryOp, View};
use lazurite::inspect::program::{Inst, StoreShape};
use lazurite::inspect::{Core, Dims, Group, Place, Schedule, Step};
use lazurite::unstable::schedule::{ScheduleOptions, schedule};
use lazurite::unstable::types::Limits;
use lazurite::{DType, DeviceChoice, HostBuffer, Numerics, Scalar, Shape};

/// Building graphs in few words.
struct G(Graph);

impl G {
    fn new() -> Self {
        Self(Graph::default())
    }
    fn add(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        self.0.add(op, operands).unwrap()
    }
    fn leaf(&mut self, dims: &[usize], dtype: DType) -> NodeId {
        self.0.leaves.push(LeafInfo { shape: Shape::new(dims), dtype });
        self.add(Op::Leaf(self.0.leaves.len() as u32 - 1), &[])
    }
    fn x(&mut self, dims: &[usize]) -> NodeId {
        self.leaf(dims, DType::F32)
    }
    fn lit(&mut self, v: f64) -> NodeId {
        self.add(Op::Literal(Scalar::from_f64(DType::F32, v)), &[])
    }
    fn un(&mut self, op: UnaryOp, x: NodeId) -> NodeId {
        self.add(Op::Unary(op), &[x])
    }
    fn bin(&mut self, op: BinaryOp, x: NodeId, y: NodeId) -> NodeId {
        self.add(Op::Binary(op), &[x, y])
    }
    fn sum(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        self.add(Op::Reduce { op: ReduceOp::Sum, axes: Dims::from_slice(axes) }, &[x])
    }
    fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.add(Op::Contract { symmetric: false }, &[a, b])
    }
    fn t(&mut self, x: NodeId) -> NodeId {
        let view = View::dense(&self.0.node(x).shape).permute(&[1, 0]).unwrap();
        self.add(Op::View(view), &[x])
    }
    fn view(&mut self, x: NodeId, f: impl Fn(View) -> View) -> NodeId {
        let view = f(View::dense(&self.0.node(x).shape));
        self.add(Op::View(view), &[x])
    }
    fn done(mut self, roots: &[NodeId]) -> Graph {
        self.0.roots = roots.to_vec();
        self.0.verify().unwrap();
        self.0
    }
}

fn cpu() -> ScheduleOptions {
    ScheduleOptions { device: DeviceChoice::Cpu, ..ScheduleOptions::default() }
}

fn gpu() -> ScheduleOptions {
    let limits = Limits { f64: true, ..Limits::webgpu() };
    ScheduleOptions { device: DeviceChoice::Gpu, limits: Some(limits), ..ScheduleOptions::default() }
}

fn plan(graph: &Graph, options: &ScheduleOptions) -> Schedule {
    let s = schedule(graph, options).unwrap();
    check(graph, &s);
    s
}

fn cores(s: &Schedule) -> Vec<&'static str> {
    s.groups().map(|g| g.core.name()).collect()
}

fn group(s: &Schedule, i: usize) -> &Group {
    s.groups().nth(i).unwrap()
}

#[test]
fn an_elementwise_chain_is_one_map() {
    let mut g = G::new();
    let (x, y) = (g.x(&[3, 4]), g.x(&[4]));
    let two = g.lit(2.0);
    let a = g.bin(BinaryOp::Mul, x, two);
    let b = g.bin(BinaryOp::Add, a, y);
    let c = g.un(UnaryOp::Exp, b);
    let graph = g.done(&[c]);
    let s = plan(&graph, &cpu());
    assert_eq!(cores(&s), ["map"]);
    assert_eq!(group(&s, 0).body.insts.len(), 6, "{s}");
    let unfused = plan(&graph, &ScheduleOptions { fuse: false, ..cpu() });
    assert_eq!(cores(&unfused), ["map", "map", "map"]);
}

#[test]
fn softmax_and_layernorm_are_one_rows_group() {
    for options in [cpu(), gpu()] {
        let mut g = G::new();
        let x = g.x(&[5, 7]);
        let m = g.add(Op::Reduce { op: ReduceOp::Max, axes: Dims::from_slice(&[1]) }, &[x]);
        let d = g.bin(BinaryOp::Sub, x, m);
        let e = g.un(UnaryOp::Exp, d);
        let z = g.sum(e, &[1]);
        let y = g.bin(BinaryOp::Div, e, z);
        let s = plan(&g.done(&[y]), &options);
        assert_eq!(cores(&s), ["rows"], "{s}");

        let mut g = G::new();
        let (x, gain) = (g.x(&[5, 7]), g.x(&[7]));
        let (n, eps) = (g.lit(7.0), g.lit(1e-5));
        let total = g.sum(x, &[1]);
        let mean = g.bin(BinaryOp::Div, total, n);
        let c = g.bin(BinaryOp::Sub, x, mean);
        let q = g.un(UnaryOp::Square, c);
        let v = g.sum(q, &[1]);
        let v = g.bin(BinaryOp::Div, v, n);
        let v = g.bin(BinaryOp::Add, v, eps);
        let r = g.un(UnaryOp::Rsqrt, v);
        let y = g.bin(BinaryOp::Mul, c, r);
        let y = g.bin(BinaryOp::Mul, y, gain);
        let s = plan(&g.done(&[y]), &options);
        assert_eq!(cores(&s), ["rows"], "{s}");
    }
}

#[test]
fn a_mean_is_divided_behind_its_fold() {
    let mut g = G::new();
    let x = g.x(&[100, 8]);
    let n = g.lit(100.0);
    let t = g.sum(x, &[0]);
    let mean = g.bin(BinaryOp::Div, t, n);
    let flat = g.view(mean, |v| v.reshape(&Shape::new(&[8]), lazurite::Order::C).unwrap().unwrap());
    let twice = g.bin(BinaryOp::Add, flat, flat);
    let s = plan(&g.done(&[twice]), &cpu());
    assert_eq!(cores(&s), ["rows"], "{s}");
    assert_eq!(group(&s, 0).stores[0].shape, StoreShape::Row);
    assert_eq!(group(&s, 0).domain, Shape::new(&[100, 8]));
}

/// Covariance: C = (X − mean)'·(X − mean) / (n − 1), with the epilogue the planner decides.
fn covariance() -> Graph {
    let mut g = G::new();
    let x = g.leaf(&[1797, 64], DType::F64);
    let lit = |g: &mut G, v: f64| g.add(Op::Literal(Scalar::from_f64(DType::F64, v)), &[]);
    let n = lit(&mut g, 1797.0);
    let less = lit(&mut g, 1796.0);
    let t = g.sum(x, &[0]);
    let mean = g.bin(BinaryOp::Div, t, n);
    let c = g.bin(BinaryOp::Sub, x, mean);
    let ct = g.t(c);
    let p = g.add(Op::Contract { symmetric: true }, &[ct, c]);
    let cov = g.bin(BinaryOp::Div, p, less);
    g.0.kernels.push(PlannedKernel { core: p, stages: vec![cov], outputs: vec![cov] });
    g.done(&[cov])
}

#[test]
fn the_covariance_is_a_column_mean_and_one_product() {
    for options in [cpu(), gpu()] {
        let graph = covariance();
        let s = plan(&graph, &options);
        assert_eq!(cores(&s), ["rows", "syrk"], "{s}");
        let Core::Contract { left, right, symmetric, .. } = &group(&s, 1).core else { panic!("a product") };
        assert!(symmetric);
        for side in [left, right] {
            assert_eq!(side.loads.len(), 2, "{s}");
            assert!(matches!(side.insts.last(), Some(Inst::Binary(BinaryOp::Sub, ..))), "{s}");
        }
        assert!(group(&s, 1).body.insts.contains(&Inst::Acc));
        let large = s.blocks.iter().filter(|b| b.bytes > 64 * 64 * 8).count();
        assert_eq!(large, 0, "no n×d and no transposed buffer\n{s}");
        let uploads = s.steps.iter().filter(|s| matches!(s, Step::Upload(_))).count();
        assert_eq!(uploads, usize::from(options.device == DeviceChoice::Gpu));
    }
}

#[test]
fn an_unplanned_product_has_no_epilogue() {
    let mut graph = covariance();
    graph.kernels.clear();
    let s = plan(&graph, &cpu());
    assert_eq!(cores(&s), ["rows", "syrk", "map"], "{s}");
}

#[test]
fn values_agree_with_the_reference_on_the_covariance() {
    use lazurite::unstable::cpu::reference::eval_graph;
    let mut graph = covariance();
    graph.leaves[0].shape = Shape::new(&[9, 4]);
    let mut g = G::new();
    let x = g.leaf(&[9, 4], DType::F64);
    let n = g.add(Op::Literal(Scalar::from_f64(DType::F64, 9.0)), &[]);
    let t = g.sum(x, &[0]);
    let mean = g.bin(BinaryOp::Div, t, n);
    let c = g.bin(BinaryOp::Sub, x, mean);
    let ct = g.t(c);
    let p = g.mul(ct, c);
    let q = g.bin(BinaryOp::Div, p, n);
    let d = g.view(q, |v| v.diagonal().unwrap());
    let e = g.un(UnaryOp::Sqrt, d);
    g.0.kernels.push(PlannedKernel { core: p, stages: vec![q, d, e], outputs: vec![q, e] });
    let graph = g.done(&[q, e]);
    let data = HostBuffer::from_slice(&(0..36).map(|i| f64::from(i * i % 17)).collect::<Vec<_>>()).unwrap();
    let s = plan(&graph, &cpu());
    assert_eq!(cores(&s), ["rows", "gemm"], "{s}");
    assert_eq!(group(&s, 1).stores[1].shape, StoreShape::Diagonal, "{s}");
    let expected = eval_graph(&graph, &[&data], &[]).unwrap();
    for (got, root) in interpret::run(&graph, &s, &[&data], &[]).iter().zip(&graph.roots) {
        assert_eq!(got, &expected[root.index()], "{s}");
    }
}

/// Whether two buffers hold the same values but for the order of sums.
fn same(a: &HostBuffer, b: &HostBuffer) -> bool {
    a.dtype() == b.dtype()
        && a.len() == b.len()
        && (0..a.len()).all(|i| {
            let (x, y) = (a.get(i).to_f64(), b.get(i).to_f64());
            let tolerance = 8.0 * a.dtype().unit_roundoff() * x.abs().max(y.abs());
            x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= tolerance
        })
}

#[test]
fn random_graphs_give_what_the_reference_gives() {
    let count: u64 = std::env::var("SCHEDULE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let mut seen = std::collections::BTreeMap::new();
    let (mut several, mut diagonals) = (0, 0);
    for seed in 1..=count {
        let case = random::case(seed, 6 + (seed as usize * 7) % 40, false);
        let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
        let expected = lazurite::unstable::cpu::reference::eval_graph(&case.graph, &leaves, &case.slots).unwrap();
        let tight = Limits { max_storage_buffers: 5, ..Limits::webgpu() };
        let on = |limits: Limits, fuse| ScheduleOptions { limits: Some(limits), fuse, ..gpu() };
        let options = [
            cpu(),
            ScheduleOptions { fuse: false, ..cpu() },
            gpu(),
            on(Limits { f64: true, i64: true, f16: true, ..Limits::webgpu() }, false),
            on(tight, true),
            ScheduleOptions { device: DeviceChoice::Auto, resident: vec![true, false, true], ..gpu() },
        ];
        for o in &options {
            let s = plan(&case.graph, o);
            for g in s.groups() {
                *seen.entry((g.core.name(), g.place == Place::Gpu)).or_insert(0) += 1;
                several += usize::from(g.stores.len() > 1);
                diagonals += usize::from(g.stores.iter().any(|s| s.shape == StoreShape::Diagonal));
            }
            for (got, root) in interpret::run(&case.graph, &s, &leaves, &case.slots).iter().zip(&case.graph.roots) {
                let want = &expected[root.index()];
                assert!(same(got, want), "seed {seed}: {root} is {got:?}, expected {want:?}\n{}\n{s}", case.graph);
            }
        }
    }
    for core in ["map", "rows", "gemm", "scan"] {
        assert!(seen.get(&(core, true)).is_some_and(|&n| n > 20), "{core} is hardly tried on the GPU: {seen:?}");
        assert!(seen.get(&(core, false)).is_some_and(|&n| n > 20), "{core} is hardly tried on the CPU: {seen:?}");
    }
    assert!(several > 150 && diagonals > 2, "{several} groups with several stores, {diagonals} with diagonals");
}

#[test]
fn random_graphs_run_by_the_tiled_executor() {
    let count: u64 = std::env::var("SCHEDULE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(250);
    for seed in 1..=count {
        let case = random::case(1_000_000 + seed, 6 + (seed as usize * 7) % 40, true);
        let leaves: Vec<&HostBuffer> = case.leaves.iter().collect();
        let expected = lazurite::unstable::cpu::reference::eval_graph(&case.graph, &leaves, &case.slots).unwrap();
        for o in [cpu(), ScheduleOptions { fuse: false, ..cpu() }, gpu()] {
            let s = plan(&case.graph, &o);
            for (got, root) in interpret::run_tiled(&case.graph, &s, &leaves, &case.slots).iter().zip(&case.graph.roots)
            {
                let want = &expected[root.index()];
                assert!(
                    interpret::alike(got, want),
                    "seed {seed}: {root} is {got:?}, expected {want:?}\n{}\n{s}",
                    case.graph
                );
            }
        }
    }
}

#[test]
fn what_is_sent_to_the_gpu_lowers_within_its_limits() {
    let mut lowered = 0;
    let wide = Limits { f64: true, i64: true, f16: true, max_storage_buffers: 10, ..Limits::webgpu() };
    for seed in 1..=120 {
        let case = random::case(2_000_000 + seed, 6 + (seed as usize * 7) % 40, false);
        for (limits, fuse) in [(wide.clone(), true), (wide.clone(), false), (Limits::webgpu(), true)] {
            let s = plan(&case.graph, &ScheduleOptions { limits: Some(limits.clone()), fuse, ..gpu() });
            let scalars: Vec<DType> = s.scalars.iter().map(|n| case.graph.node(*n).dtype).collect();
            for g in s.groups().filter(|g| g.place == Place::Gpu) {
                let kernels = lazurite::unstable::kernels::lower(g, &s.values, &scalars, &limits, Numerics::Standard)
                    .unwrap_or_else(|e| panic!("seed {seed}: g{} does not lower: {e}\n{s}", g.id));
                for k in &kernels.kernels {
                    assert!(k.bindings.len() < limits.max_storage_buffers as usize, "seed {seed}: g{}\n{s}", g.id);
                }
                lowered += 1;
            }
        }
    }
    assert!(lowered > 500, "only {lowered} groups went to the GPU");
}

#[test]
fn normalise_takes_two_kernels_before_the_error() {
    for options in [cpu(), gpu()] {
        for store_result in [false, true] {
            let mut g = G::new();
            let x = g.x(&[2, 427, 640]);
            let n = g.lit(427.0 * 640.0);
            let t = g.sum(x, &[1, 2]);
            let mu = g.bin(BinaryOp::Div, t, n);
            let c = g.bin(BinaryOp::Sub, x, mu);
            let q = g.un(UnaryOp::Square, c);
            let v = g.sum(q, &[1, 2]);
            let v = g.bin(BinaryOp::Div, v, n);
            let sigma = g.un(UnaryOp::Sqrt, v);
            let (eps, gain, bias, low, power, all) =
                (g.lit(1e-6), g.lit(1.0123), g.lit(-0.02), g.lit(0.0), g.lit(1.8), g.lit(2.0 * 427.0 * 640.0));
            let below = g.bin(BinaryOp::Add, sigma, eps);
            let y = g.bin(BinaryOp::Div, c, below);
            let y = g.bin(BinaryOp::Mul, y, gain);
            let y = g.bin(BinaryOp::Add, y, bias);
            let y = g.bin(BinaryOp::Maximum, y, low);
            let y = g.bin(BinaryOp::Pow, y, power);
            let e = g.bin(BinaryOp::Sub, y, x);
            let e = g.un(UnaryOp::Square, e);
            let e = g.sum(e, &[0, 1, 2]);
            let mse = g.bin(BinaryOp::Div, e, all);
            let roots = if store_result { vec![mu, sigma, y, mse] } else { vec![mu, sigma, mse] };
            let s = plan(&g.done(&roots), &options);
            assert!(s.groups().count() <= 3, "{s}");
            let last = s.groups().last().unwrap();
            assert_eq!(last.domain.len(), 2 * 427 * 640);
            let on_gpu = options.device == DeviceChoice::Gpu;
            let Core::Rows { split, .. } = last.core else { panic!("the error is a fold\n{s}") };
            assert_eq!(split > 1, on_gpu, "a total is split over the device\n{s}");
        }
    }
}

#[test]
fn a_sum_over_a_transposed_and_flattened_result_makes_no_copy() {
    let mut g = G::new();
    let (a, b) = (g.x(&[30, 20]), g.x(&[20, 40]));
    let y = g.mul(a, b);
    let t = g.t(y);
    let flat = g.view(t, |v| v.reshape(&Shape::new(&[1200, 1]), lazurite::Order::C).unwrap().unwrap());
    let total = g.sum(flat, &[0]);
    let most = g.add(Op::Reduce { op: ReduceOp::Max, axes: Dims::from_slice(&[0]) }, &[flat]);
    let s = plan(&g.done(&[total, most]), &cpu());
    assert_eq!(cores(&s), ["gemm", "rows"], "{s}");
}

#[test]
fn one_kernel_stores_what_several_need() {
    let mut g = G::new();
    let x = g.x(&[64, 64]);
    let e = g.un(UnaryOp::Exp, x);
    let l = g.un(UnaryOp::Log1p, e);
    let s = plan(&g.done(&[e, l]), &cpu());
    assert_eq!(cores(&s), ["map"]);
    assert_eq!(group(&s, 0).stores.len(), 2, "{s}");

    // Two folds of one array are one pass over it.
    let mut g = G::new();
    let x = g.x(&[64, 64]);
    let a = g.sum(x, &[1]);
    let b = g.add(Op::Reduce { op: ReduceOp::Max, axes: Dims::from_slice(&[1]) }, &[x]);
    let i = g.add(Op::ArgReduce { op: lazurite::inspect::graph::ArgOp::Max, axis: 1 }, &[x]);
    let s = plan(&g.done(&[a, b, i]), &cpu());
    assert_eq!(cores(&s), ["rows"], "{s}");
    assert_eq!(group(&s, 0).stores.len(), 3);
}

#[test]
fn a_diamond_through_another_core_makes_no_circle() {
    let mut g = G::new();
    let (x, w) = (g.x(&[16, 16]), g.x(&[16, 16]));
    let e = g.un(UnaryOp::Exp, x);
    let p = g.mul(e, w);
    let y = g.bin(BinaryOp::Add, p, e);
    let s = plan(&g.done(&[y]), &cpu());
    let order = cores(&s);
    assert_eq!(order.iter().position(|c| *c == "gemm"), Some(1), "exp, product, sum\n{s}");
    assert_eq!(order.len(), 3, "exp is computed once\n{s}");
}
