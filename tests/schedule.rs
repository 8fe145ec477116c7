//! Schedules: what groups form, where they run, what memory they take; and that running them by the plainest executor gives what
//! the reference gives for the graph.

#[path = "schedule/check.rs"]
mod check;
#[path = "schedule/interpret.rs"]
mod interpret;

use check::check;
use lazurite::graph::{
    BinaryOp, CastMode, Graph, HostOp, LeafInfo, NodeId, Op, PlannedKernel, ReduceOp, ScanOp, UnaryOp,
};
use lazurite::schedule::{Core, Group, Inst, Place, Schedule, ScheduleOptions, Step, StoreShape, schedule};
use lazurite::types::{CostTable, DType, DeviceChoice, Dims, Limits, Scalar, Shape, View};

/// Building graphs in few words.
struct G(Graph);

impl G {
    fn new() -> Self {
        Self(Graph::default())
    }
    fn add(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        self.0.add(op, operands, None).unwrap()
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
    use lazurite::cpu::reference::eval_graph;
    use lazurite::types::HostBuffer;
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
