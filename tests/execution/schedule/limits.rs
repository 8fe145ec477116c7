//! Caps, placement, memory, empties and host steps; and that schedules of huge graphs take linear time.

use lazurite::inspect::graph::{BinaryOp, Graph, HostOp, NodeId, Op, PlannedKernel, ReduceOp, ScanOp, UnaryOp};
use lazurite::inspect::{Core, Dims, Place, Step};
use lazurite::unstable::schedule::{ScheduleOptions, schedule};
use lazurite::unstable::types::{Conformance, Exception, Limits, OperationKind, Workaround};
use lazurite::{DType, DeviceChoice, HostBuffer, Numerics, Shape};

use super::{G, cpu, gpu, group, interpret, plan};

#[test]
fn caps_end_groups_and_say_so() {
    let mut g = G::new();
    let mut y = g.x(&[1000]);
    for i in 0..200 {
        y = g.un(if i % 2 == 0 { UnaryOp::Sin } else { UnaryOp::Cos }, y);
    }
    let s = plan(&g.done(&[y]), &cpu());
    assert_eq!(s.groups().count(), 4, "{s}");
    assert!(s.refusals.iter().any(|r| r.why.contains("operations")), "{s}");

    // Twelve arrays summed do not fit into one binding table.
    let mut g = G::new();
    let leaves: Vec<NodeId> = (0..12).map(|_| g.x(&[1000])).collect();
    let mut y = leaves[0];
    for &l in &leaves[1..] {
        y = g.bin(BinaryOp::Add, y, l);
    }
    let s = plan(&g.done(&[y]), &gpu());
    assert!(s.groups().all(|g| g.body.loads.len() + g.stores.len() <= 7), "{s}");
    assert!(s.groups().count() <= 3, "{s}");
    assert!(s.refusals.iter().any(|r| r.why.contains("bind")), "{s}");
}

#[test]
fn what_the_gpu_lacks_runs_on_the_cpu_and_crosses_once() {
    let mut g = G::new();
    let x = g.leaf(&[1000], DType::F64);
    let a = g.bin(BinaryOp::Add, x, x);
    let e = g.un(UnaryOp::Exp, a);
    let b = g.bin(BinaryOp::Mul, e, a);
    let c = g.un(UnaryOp::Neg, e);
    let s = plan(&g.done(&[b, c]), &gpu());
    let places: Vec<Place> = s.groups().map(|g| g.place).collect();
    assert_eq!(places, [Place::Gpu, Place::Cpu, Place::Gpu], "{s}");
    assert!(group(&s, 1).reason.contains("exp of f64 does not exist on GPUs"), "{s}");
    let crossing = |f: fn(&Step) -> bool| s.steps.iter().filter(|s| f(s)).count();
    assert_eq!(crossing(|s| matches!(s, Step::Upload(_))), 2, "x and exp\n{s}");
    assert_eq!(crossing(|s| matches!(s, Step::Readback(_))), 1, "{s}");

    let no_f64 = ScheduleOptions { limits: Some(Limits::webgpu()), ..gpu() };
    let mut g = G::new();
    let x = g.leaf(&[1000], DType::F64);
    let a = g.bin(BinaryOp::Add, x, x);
    let s = plan(&g.done(&[a]), &no_f64);
    assert!(group(&s, 0).reason.contains("no f64"), "{s}");
}

#[test]
fn what_a_device_computes_otherwise_runs_on_the_cpu_where_that_is_promised() {
    let why = "sqrt(2) is 1.4142134, expected 1.4142135";
    let operation = OperationKind { name: "sqrt", from: DType::F32, to: DType::F32 };
    let exception = Exception { operation, mode: Numerics::Strict, why: why.into() };
    let conformance = Conformance::new([Workaround::NanByBits], vec![exception]);
    let limits = Limits { conformance, ..Limits::webgpu() };
    let mut g = G::new();
    let x = g.x(&[1000]);
    let root = g.un(UnaryOp::Sqrt, x);
    let sine = g.un(UnaryOp::Sin, root);
    let graph = g.done(&[sine]);
    let places = |numerics| {
        let s = plan(&graph, &ScheduleOptions { limits: Some(limits.clone()), numerics, ..gpu() });
        (s.groups().map(|g| g.place).collect::<Vec<_>>(), s.to_string())
    };
    let (strict, text) = places(Numerics::Strict);
    assert_eq!(strict, [Place::Cpu, Place::Gpu], "{text}");
    assert!(text.contains(&format!("does not keep what strict promises of sqrt of f32: {why}")), "{text}");
    assert_eq!(places(Numerics::Standard).0, [Place::Gpu]);
}

#[test]
fn automatic_placement_weighs_the_transfer() {
    let auto = ScheduleOptions { device: DeviceChoice::Auto, ..gpu() };
    let chain = |n: usize| {
        let mut g = G::new();
        let (x, y) = (g.x(&[n, n]), g.x(&[n, n]));
        let p = g.mul(x, y);
        let e = g.un(UnaryOp::Exp, p);
        g.done(&[e])
    };
    let small = plan(&chain(16), &auto);
    assert!(small.groups().all(|g| g.place == Place::Cpu && g.reason.contains("too small")), "{small}");
    let large = plan(&chain(2048), &auto);
    assert!(large.groups().all(|g| g.place == Place::Gpu), "{large}");
    let software = Limits::webgpu().into_software();
    let s = plan(&chain(2048), &ScheduleOptions { limits: Some(software), ..auto });
    assert!(s.groups().all(|g| g.place == Place::Cpu), "{s}");

    // One pass over data that would have to travel stays; over data already there it goes.
    let mut g = G::new();
    let x = g.x(&[1 << 20]);
    let y = g.un(UnaryOp::Neg, x);
    let t = g.sum(y, &[0]);
    let graph = g.done(&[t]);
    let there = ScheduleOptions { resident: vec![true], ..auto_of() };
    assert_eq!(group(&plan(&graph, &auto_of()), 0).place, Place::Cpu);
    assert_eq!(group(&plan(&graph, &there), 0).place, Place::Gpu);
}

fn auto_of() -> ScheduleOptions {
    ScheduleOptions { device: DeviceChoice::Auto, ..gpu() }
}

#[test]
fn empty_values_and_folds_of_nothing_need_no_group() {
    let mut g = G::new();
    let x = g.x(&[0, 3]);
    let y = g.bin(BinaryOp::Add, x, x);
    let t = g.sum(x, &[0]);
    let m = g.add(Op::Reduce { op: ReduceOp::Max, axes: Dims::from_slice(&[0]) }, &[y]);
    let a = g.x(&[2, 0]);
    let p = g.mul(a, x);
    let one = g.lit(1.0);
    let q = g.bin(BinaryOp::Add, p, one);
    g.0.kernels.push(PlannedKernel { core: p, stages: vec![q], outputs: vec![q] });
    let graph = g.done(&[y, t, m, q]);
    for options in [cpu(), gpu()] {
        let s = plan(&graph, &options);
        assert_eq!(s.steps.iter().filter(|s| matches!(s, Step::Empty(_))).count(), 1, "{s}");
        assert!(s.groups().all(|g| g.core == Core::Map && g.body.loads.is_empty()), "{s}");
        let empty = HostBuffer::zeros(DType::F32, 0).unwrap();
        let values = interpret::run(&graph, &s, &[&empty, &empty], &[]);
        assert_eq!(values[1].as_slice::<f32>().unwrap(), [0.0; 3]);
        assert_eq!(values[2].as_slice::<f32>().unwrap(), [f32::NEG_INFINITY; 3]);
        assert_eq!(values[3].as_slice::<f32>().unwrap(), [1.0; 6]);
    }
}

#[test]
fn results_of_one_routine_are_one_host_step() {
    let mut g = G::new();
    let x = g.x(&[8, 4]);
    let y = g.un(UnaryOp::Neg, x);
    let qr = |output| Op::Host { op: HostOp::Qr { complete: false }, output };
    let q = g.add(qr(0), &[y]);
    let r = g.add(qr(1), &[y]);
    let back = g.mul(q, r);
    let s = plan(&g.done(&[back]), &gpu());
    let hosts: Vec<usize> = s
        .steps
        .iter()
        .filter_map(|s| match s {
            Step::Host { outputs, reason, .. } => {
                assert!(reason.contains("host routine"), "{reason}");
                Some(outputs.len())
            }
            _ => None,
        })
        .collect();
    assert_eq!(hosts, [2], "{s}");
}

#[test]
fn scalars_are_never_values_unless_asked_for() {
    let mut g = G::new();
    let x = g.x(&[5]);
    g.0.slots.push(DType::F32);
    let slot = g.add(Op::Slot(0), &[]);
    let three = g.lit(3.0);
    let a = g.bin(BinaryOp::Mul, slot, three);
    let wide = g.view(a, |v| v.broadcast_to(&Shape::new(&[5])).unwrap());
    let y = g.bin(BinaryOp::Add, x, wide);
    let graph = g.done(&[y]);
    let s = plan(&graph, &gpu());
    assert_eq!((s.scalars.as_slice(), s.values.len()), (&[a][..], 2), "{s}");
    let mut graph = graph;
    graph.roots.push(a);
    let s = plan(&graph, &gpu());
    assert_eq!(s.groups().map(|g| g.domain.rank()).collect::<Vec<_>>(), [0, 1], "{s}");
}

#[test]
fn roots_and_held_nodes_are_kept() {
    let mut g = G::new();
    let x = g.x(&[6, 6]);
    let t = g.sum(x, &[1]);
    let v = g.t(t);
    let scan = g.add(Op::Scan { op: ScanOp::Sum, axis: 1 }, &[v]);
    let graph = g.done(&[x, scan, x]);
    let s = plan(&graph, &ScheduleOptions { keep: vec![t], ..cpu() });
    assert_eq!(s.roots[0], s.roots[2]);
    assert!(s.values.iter().any(|v| v.node == t && v.kind == lazurite::inspect::ValueKind::Root), "{s}");
}

#[test]
fn scratch_memory_is_used_again() {
    let mut g = G::new();
    let mut y = g.x(&[64, 64]);
    let w = g.x(&[64, 64]);
    for _ in 0..10 {
        y = g.mul(y, w);
    }
    let s = plan(&g.done(&[y]), &gpu());
    assert_eq!(s.blocks.len(), 3, "two that take turns, and the root\n{s}");
    assert_eq!(s.steps.iter().filter(|s| matches!(s, Step::Free(_))).count(), 9);
}

#[test]
fn long_chains_and_wide_graphs_take_linear_time() {
    // What is quadratic takes minutes here.
    let mut g = G::new();
    let x = g.x(&[100]);
    let mut y = x;
    for i in 0..100_000 {
        y = if i % 3 == 0 { g.bin(BinaryOp::Add, y, x) } else { g.un(UnaryOp::Sin, y) };
    }
    g.0.roots = vec![y];
    let s = schedule(&g.0, &cpu()).unwrap();
    assert!(s.groups().count() < 2_000, "{} groups", s.groups().count());

    let mut g = G::new();
    let x = g.x(&[100]);
    let roots: Vec<NodeId> = (0..10_000)
        .map(|i| {
            let c = g.lit(f64::from(i));
            g.bin(BinaryOp::Add, x, c)
        })
        .collect();
    let s = plan(&g.done(&roots), &gpu());
    assert!(s.groups().count() <= 10_000 / 5, "{} groups", s.groups().count());

    // A chain of views that do not compose.
    let mut g = G::new();
    let mut y = g.x(&[4, 6]);
    for _ in 0..20_000 {
        y = g.t(y);
        y = g.view(y, |v| v.reshape(&Shape::new(&[4, 6]), lazurite::Order::C).unwrap().unwrap());
    }
    g.0.roots = vec![y];
    schedule(&g.0, &cpu()).unwrap();
}

/// Conjugate gradients for so many steps, nothing evaluated in between.
fn conjugate_gradients(steps: usize) -> Graph {
    let mut g = G::new();
    let (a, b) = (g.x(&[40, 40]), g.x(&[40, 1]));
    let dot = |g: &mut G, x, y| {
        let xy = g.bin(BinaryOp::Mul, x, y);
        g.sum(xy, &[0, 1])
    };
    let (mut x, mut r, mut p) = (g.x(&[40, 1]), b, b);
    let mut rr = dot(&mut g, r, r);
    let mut sizes = Vec::new();
    for _ in 0..steps {
        let q = g.mul(a, p);
        let pq = dot(&mut g, p, q);
        let alpha = g.bin(BinaryOp::Div, rr, pq);
        let (dx, dr) = (g.bin(BinaryOp::Mul, alpha, p), g.bin(BinaryOp::Mul, alpha, q));
        x = g.bin(BinaryOp::Add, x, dx);
        r = g.bin(BinaryOp::Sub, r, dr);
        let new = dot(&mut g, r, r);
        let beta = g.bin(BinaryOp::Div, new, rr);
        let bp = g.bin(BinaryOp::Mul, beta, p);
        p = g.bin(BinaryOp::Add, r, bp);
        rr = new;
        sizes.push(g.un(UnaryOp::Sqrt, rr));
    }
    sizes.push(x);
    g.done(&sizes)
}

#[test]
fn long_programs_fuse_as_short_ones_do() {
    for options in [cpu(), gpu()] {
        let groups = |steps| plan(&conjugate_gradients(steps), &options).groups().count();
        let (few, more, many) = (groups(10), groups(20), groups(800));
        assert!((many - more) * 10 <= (more - few) * 780, "{few}, {more} and {many} groups");
    }
}
