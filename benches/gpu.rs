//! Kernel times of whole plans on a GPU, by the device's own timestamps. `cargo bench --bench gpu [-- SCALE]`.
//!
//! Each workload is a graph that goes through planner, schedule and kernels as any other; its kernels run over generated data
//! and the median of their summed times is printed, with bytes or flops per second. SCALE divides the large extents (16 for a
//! software adapter). Only ratios within one run mean something; docs/performance.md says what was run beside it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lazurite::inspect::graph::{BinaryOp, Graph, LeafInfo, NodeId, Op, ReduceOp, UnaryOp, View};
use lazurite::inspect::{BindingSource, Dims, Lowered, Param, PlanOptions, Schedule, Step, ValueKind};
use lazurite::unstable::device::{DeviceBuffer, Dispatch, Gpu};
use lazurite::unstable::kernels::lower;
use lazurite::unstable::planner::plan;
use lazurite::unstable::schedule::{ScheduleOptions, schedule};
use lazurite::unstable::types::Limits;
use lazurite::{CostTable, DType, DeviceChoice, HostBuffer, Numerics, Scalar, Shape};

/// A graph being written down.
#[derive(Default)]
struct Build {
    graph: Graph,
}

impl Build {
    fn leaf(&mut self, dims: &[usize]) -> NodeId {
        self.graph.leaves.push(LeafInfo { shape: Shape::new(dims), dtype: DType::F32 });
        self.add(Op::Leaf(self.graph.leaves.len() as u32 - 1), &[])
    }

    fn add(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        self.graph.add(op, operands).expect("workloads are well-formed")
    }

    fn num(&mut self, v: f64) -> NodeId {
        self.add(Op::Literal(Scalar::from_f64(DType::F32, v)), &[])
    }

    fn un(&mut self, op: UnaryOp, x: NodeId) -> NodeId {
        self.add(Op::Unary(op), &[x])
    }

    fn bin(&mut self, op: BinaryOp, x: NodeId, y: NodeId) -> NodeId {
        self.add(Op::Binary(op), &[x, y])
    }

    fn with(&mut self, op: BinaryOp, x: NodeId, v: f64) -> NodeId {
        let v = self.num(v);
        self.bin(op, x, v)
    }

    fn reduce(&mut self, op: ReduceOp, x: NodeId, axes: &[usize]) -> NodeId {
        self.add(Op::Reduce { op, axes: Dims::from_slice(axes) }, &[x])
    }

    fn mean(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let n: usize = axes.iter().map(|&a| self.graph.node(x).shape[a]).product();
        let sum = self.reduce(ReduceOp::Sum, x, axes);
        self.with(BinaryOp::Div, sum, n as f64)
    }

    fn view(&mut self, x: NodeId, f: impl FnOnce(View) -> lazurite::Result<View>) -> NodeId {
        let view = f(View::dense(&self.graph.node(x).shape)).expect("workloads are well-formed");
        self.add(Op::View(view), &[x])
    }

    fn t(&mut self, x: NodeId) -> NodeId {
        self.view(x, |v| v.permute(&[1, 0]))
    }

    fn dot(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.add(Op::Contract { symmetric: false }, &[x, y])
    }

    /// (x − mean) / √(var + ε) over `axes`.
    fn normalise(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let mean = self.mean(x, axes);
        let centred = self.bin(BinaryOp::Sub, x, mean);
        let square = self.un(UnaryOp::Square, centred);
        let var = self.mean(square, axes);
        let var = self.with(BinaryOp::Add, var, 1e-6);
        let std = self.un(UnaryOp::Sqrt, var);
        self.bin(BinaryOp::Div, centred, std)
    }
}

/// What a workload must move or compute at least.
enum Floor {
    Bytes(f64),
    Flops(f64),
}

type Workload = (&'static str, Floor, fn(&mut Build, usize) -> Vec<NodeId>);

fn workloads(scale: usize) -> Vec<(Workload, usize)> {
    let s = scale;
    let big = (256 << 20) / s;
    let f = |n: usize| n as f64;
    let list: Vec<Workload> = vec![
        ("axpb 256M", Floor::Bytes(8.0 * f(big)), |b, s| {
            let x = b.leaf(&[(256 << 20) / s]);
            let y = b.with(BinaryOp::Mul, x, 1.7);
            vec![b.with(BinaryOp::Add, y, 0.3)]
        }),
        ("sum 256M", Floor::Bytes(4.0 * f(big)), |b, s| {
            let x = b.leaf(&[(256 << 20) / s]);
            vec![b.reduce(ReduceOp::Sum, x, &[0])]
        }),
        ("chain of 8, 256M", Floor::Bytes(12.0 * f(big)), |b, s| {
            let n = (256 << 20) / s;
            let (x, z) = (b.leaf(&[n]), b.leaf(&[n]));
            let a = b.with(BinaryOp::Mul, x, 1.1);
            let a = b.with(BinaryOp::Add, a, 0.3);
            let a = b.un(UnaryOp::Tanh, a);
            let a = b.with(BinaryOp::Mul, a, 0.5);
            let c = b.un(UnaryOp::Abs, x);
            let c = b.un(UnaryOp::Sqrt, c);
            let a = b.bin(BinaryOp::Add, a, c);
            let a = b.with(BinaryOp::Maximum, a, 0.0);
            let a = b.with(BinaryOp::Pow, a, 1.5);
            vec![b.bin(BinaryOp::Sub, a, z)]
        }),
        ("4K images (16,2160,3840)", Floor::Bytes(8.0 * f(16 * 2160 * 3840 / s)), |b, s| {
            let (x, y) = (b.leaf(&[16, 2160 / s, 3840]), b.leaf(&[16, 2160 / s, 3840]));
            let a = b.normalise(x, &[1, 2]);
            let a = b.with(BinaryOp::Mul, a, 1.0123);
            let a = b.with(BinaryOp::Add, a, -0.02);
            let a = b.with(BinaryOp::Maximum, a, 0.0);
            let a = b.with(BinaryOp::Pow, a, 1.8);
            let d = b.bin(BinaryOp::Sub, a, y);
            let d = b.un(UnaryOp::Square, d);
            vec![b.mean(d, &[0, 1, 2])]
        }),
        ("softmax rows 65536x1024", Floor::Bytes(8.0 * f((65536 << 10) / s)), |b, s| {
            let x = b.leaf(&[65536 / s, 1024]);
            let m = b.reduce(ReduceOp::Max, x, &[1]);
            let e = b.bin(BinaryOp::Sub, x, m);
            let e = b.un(UnaryOp::Exp, e);
            let sum = b.reduce(ReduceOp::Sum, e, &[1]);
            vec![b.bin(BinaryOp::Div, e, sum)]
        }),
        ("layernorm rows 65536x1024", Floor::Bytes(8.0 * f((65536 << 10) / s)), |b, s| {
            let x = b.leaf(&[65536 / s, 1024]);
            vec![b.normalise(x, &[1])]
        }),
        ("normalise columns 65536x1024", Floor::Bytes(8.0 * f((65536 << 10) / s)), |b, s| {
            let x = b.leaf(&[65536 / s, 1024]);
            vec![b.normalise(x, &[0])]
        }),
        ("X'X 65536x1024", Floor::Flops(1024.0 * 1024.0 * f(65536 / s)), |b, s| {
            let x = b.leaf(&[65536 / s, 1024]);
            let t = b.t(x);
            vec![b.dot(t, x)]
        }),
        ("centred covariance 80000x512", Floor::Flops(512.0 * 512.0 * f(80000 / s)), |b, s| {
            let x = b.leaf(&[80000 / s, 512]);
            let m = b.mean(x, &[0]);
            let x = b.bin(BinaryOp::Sub, x, m);
            let t = b.t(x);
            let c = b.dot(t, x);
            vec![b.with(BinaryOp::Div, c, (80000 / s - 1) as f64)]
        }),
        ("diag(Q'GQ) 4096, 256", Floor::Flops(2.0 * 256.0 * (f(4096 / s)).powi(2)), |b, s| {
            let (g, q) = (b.leaf(&[4096 / s, 4096 / s]), b.leaf(&[4096 / s, 256]));
            let t = b.t(q);
            let a = b.dot(t, g);
            let a = b.dot(a, q);
            vec![b.view(a, |v| v.diagonal())]
        }),
        ("matmul 4096 + epilogue + diag", Floor::Flops(2.0 * (f(4096 / s)).powi(3)), |b, s| {
            let n = 4096 / s;
            let (x, y, r, c) = (b.leaf(&[n, n]), b.leaf(&[n, n]), b.leaf(&[n, 1]), b.leaf(&[1, n]));
            let a = b.dot(x, y);
            let a = b.bin(BinaryOp::Mul, a, r);
            let a = b.bin(BinaryOp::Mul, a, c);
            let a = b.bin(BinaryOp::Add, a, c);
            let a = b.with(BinaryOp::Maximum, a, 0.0);
            let a = b.with(BinaryOp::Pow, a, 1.5);
            let d = b.view(a, |v| v.diagonal());
            vec![a, d]
        }),
        ("sgemm 1024", Floor::Flops(2.0 * (f(1024 / s)).powi(3)), |b, s| {
            let (x, y) = (b.leaf(&[1024 / s, 1024 / s]), b.leaf(&[1024 / s, 1024 / s]));
            vec![b.dot(x, y)]
        }),
        ("sgemm 4096", Floor::Flops(2.0 * (f(4096 / s)).powi(3)), |b, s| {
            let (x, y) = (b.leaf(&[4096 / s, 4096 / s]), b.leaf(&[4096 / s, 4096 / s]));
            vec![b.dot(x, y)]
        }),
    ];
    list.into_iter().map(|w| (w, s)).collect()
}

/// The mode to measure: `LAZURITE_NUMERICS` is `strict`, `standard` (the default) or `fast`.
fn numerics() -> Numerics {
    match std::env::var("LAZURITE_NUMERICS").as_deref() {
        Ok("strict") => Numerics::Strict,
        Ok("fast") => Numerics::Fast,
        _ => Numerics::Standard,
    }
}

/// The median time of all kernels of a plan in milliseconds, and their labels.
fn measure(gpu: &Gpu, certified: &Limits, graph: &Graph) -> lazurite::Result<(f64, Vec<String>)> {
    let numerics = numerics();
    let planned = plan(graph, &PlanOptions { numerics, ..PlanOptions::new(CostTable::gpu()) });
    let limits = Some(certified.clone());
    let options = ScheduleOptions { device: DeviceChoice::Gpu, limits, numerics, ..ScheduleOptions::default() };
    let schedule = schedule(&planned.graph, &options)?;
    let buffers = memory(gpu, &schedule)?;
    let mut lowered: Vec<Lowered> = Vec::new();
    for group in schedule.steps.iter().filter_map(|s| if let Step::Run(g) = s { Some(g) } else { None }) {
        lowered.push(lower(group, &schedule.values, &[], certified, numerics)?);
    }
    let mut work = Vec::new();
    for l in &lowered {
        let scratch = l.scratch.iter().map(|&b| gpu.alloc(b)).collect::<lazurite::Result<Vec<_>>>()?;
        for kernel in &l.kernels {
            let bound = kernel.bindings.iter().map(|b| match b.source {
                BindingSource::Value(v) => buffers[v.index()].clone(),
                BindingSource::Scratch(i) => scratch[i as usize].clone(),
            });
            let words = kernel.params.iter().map(|p| if let Param::Word(w) = p { *w } else { 0 });
            work.push(Dispatch { kernel, buffers: bound.collect(), params: words.collect() });
        }
    }
    let run =
        || -> lazurite::Result<f64> { Ok(pollster::block_on(gpu.submit_timed(&work))?.iter().sum::<f64>() / 1e6) };
    // A card that was idle while the data was made runs at a fraction of its clock: keep it busy until it is awake.
    let awake = Instant::now();
    while awake.elapsed() < Duration::from_millis(700) {
        run()?;
    }
    let mut times = (0..25).map(|_| run()).collect::<lazurite::Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], work.iter().map(|d| d.kernel.label.clone()).collect()))
}

/// Memory for every value: leaves hold numbers between −1 and 1, the rest whatever was there.
fn memory(gpu: &Gpu, schedule: &Schedule) -> lazurite::Result<Vec<Arc<DeviceBuffer>>> {
    let mut buffers = Vec::new();
    for v in &schedule.values {
        buffers.push(if let ValueKind::Leaf(_) = v.kind {
            let values: Vec<f32> = (0..v.shape.len() as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0)
                .collect();
            gpu.upload(&HostBuffer::from_slice(&values)?)?
        } else {
            gpu.alloc(v.device_bytes().max(4))?
        });
    }
    Ok(buffers)
}

fn main() {
    let scale = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1usize).max(1);
    let gpu = match pollster::block_on(Gpu::new()) {
        Ok(gpu) if gpu.can_time() => gpu,
        Ok(gpu) => return println!("{} has no timestamps", gpu.name()),
        Err(error) => return println!("nothing to measure: {error}"),
    };
    // Kernels are made as engines make them on this device.
    let engine = lazurite::Engine::builder().device(DeviceChoice::Gpu).build();
    let certified = match engine.and_then(|e| e.certify()) {
        Ok(certificate) => gpu.limits().clone().certified(certificate.conformance()),
        Err(error) => return println!("the device could not be certified: {error}"),
    };
    println!("{}, {}", gpu.describe(), numerics());
    for ((name, floor, write), scale) in workloads(scale) {
        let mut build = Build::default();
        build.graph.roots = write(&mut build, scale);
        match measure(&gpu, &certified, &build.graph) {
            Ok((ms, labels)) => {
                let rate = match floor {
                    Floor::Bytes(b) => format!("{:8.1} GB/s", b / ms / 1e6),
                    Floor::Flops(f) => format!("{:8.2} TFLOP/s", f / ms / 1e9),
                };
                println!("OURS|{name}|{ms:.4} ms|{rate}|{}", labels.join(", "));
            }
            Err(error) => println!("OURS|{name}|failed: {error}"),
        }
        gpu.trim();
    }
}
