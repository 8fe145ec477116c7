//! The plainest possible executor of a schedule: every register for every element, by the reference's scalar functions. It
//! shares nothing with the tiled executor, so that both can be held against it.

use lazurite::inspect::graph::{CastMode, Graph, NodeId, Op, ReduceOp, ScanOp, View};
use lazurite::inspect::program::{Inst, Program, StoreShape};
use lazurite::inspect::{Core, Group, Schedule, Step, ValueId, ValueKind};
use lazurite::unstable::cpu::reference::{self, fold, random};
use lazurite::{DType, HostBuffer, Scalar, Shape};

/// The values of the roots.
pub fn run(graph: &Graph, s: &Schedule, leaves: &[&HostBuffer], slots: &[Scalar]) -> Vec<HostBuffer> {
    run_with(graph, s, leaves, slots, &group)
}

/// The values of the roots, groups run by the tiled executor.
pub fn run_tiled(graph: &Graph, s: &Schedule, leaves: &[&HostBuffer], slots: &[Scalar]) -> Vec<HostBuffer> {
    run_with(graph, s, leaves, slots, &|s, g, scalars, memory| {
        let input = |v: ValueId| Ok(memory[v.index()].as_ref().expect("an input"));
        let stored = lazurite::unstable::cpu::run_group(g, &s.values, &input, scalars).unwrap();
        for (v, buffer) in stored {
            memory[v.index()] = Some(buffer);
        }
    })
}

/// Whether two arrays have the same values, relative to the largest magnitude: sums in other orders, single precision somewhere
/// below.
pub fn alike(a: &HostBuffer, b: &HostBuffer) -> bool {
    let tolerance = 64.0 * DType::F32.unit_roundoff() * b.largest_magnitude();
    a.first_beyond(b, tolerance).is_none()
}

type RunGroup<'a> = &'a dyn Fn(&Schedule, &Group, &[Scalar], &mut [Option<HostBuffer>]);

fn run_with(
    graph: &Graph,
    s: &Schedule,
    leaves: &[&HostBuffer],
    slots: &[Scalar],
    run_group: RunGroup<'_>,
) -> Vec<HostBuffer> {
    let scalars: Vec<Scalar> = s.scalars.iter().map(|&n| scalar(graph, n, slots)).collect();
    let mut memory: Vec<Option<HostBuffer>> = s
        .values
        .iter()
        .map(|v| match v.kind {
            ValueKind::Leaf(i) => Some(leaves[i as usize].clone()),
            _ => None,
        })
        .collect();
    for step in &s.steps {
        match step {
            Step::Upload(_) | Step::Readback(_) => {}
            Step::Free(v) => memory[v.index()] = None,
            Step::Empty(v) => memory[v.index()] = Some(HostBuffer::zeros(s.value(*v).dtype, 0).unwrap()),
            Step::Host { nodes, inputs, outputs, .. } => {
                for (n, out) in nodes.iter().zip(outputs) {
                    let operands: Vec<(&HostBuffer, &Shape)> = inputs
                        .iter()
                        .map(|v| (memory[v.index()].as_ref().expect("an input"), &s.value(*v).shape))
                        .collect();
                    let result = reference::eval(graph.node(*n), &operands).unwrap();
                    memory[out.index()] = Some(result);
                }
            }
            Step::Run(g) => run_group(s, g, &scalars, &mut memory),
        }
    }
    s.roots.iter().map(|v| memory[v.index()].clone().expect("a root")).collect()
}

/// A scalar node by recursion over its operands.
fn scalar(graph: &Graph, id: NodeId, slots: &[Scalar]) -> Scalar {
    let node = graph.node(id);
    let at = |i: usize| scalar(graph, node.operands[i], slots);
    match &node.op {
        Op::Literal(s) => *s,
        Op::Slot(i) => slots[*i as usize],
        Op::Unary(op) => reference::unary(*op, at(0)),
        Op::Binary(op) => reference::binary(*op, at(0), at(1)),
        Op::Select => reference::select(at(0), at(1), at(2)),
        Op::Cast { to, mode } => reference::cast(*mode, at(0), *to),
        other => panic!("{other} is no host scalar"),
    }
}

/// Every coordinate tuple of a shape, last axis fastest.
fn coordinates(shape: &Shape) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &d in shape.iter() {
        all = all.into_iter().flat_map(|c: Vec<usize>| (0..d).map(move |i| [c.clone(), vec![i]].concat())).collect();
    }
    all
}

fn at(view: &View, c: &[usize]) -> usize {
    view.index(c) as usize
}

struct Run<'a> {
    program: &'a Program,
    domain: &'a Shape,
    axes: Option<&'a [usize]>,
    scan: Option<(ScanOp, usize)>,
    accumulated: Option<Vec<Scalar>>,
    scalars: &'a [Scalar],
    memory: &'a [Option<HostBuffer>],
}

impl Run<'_> {
    /// All registers, each with an element for each place of the domain.
    fn registers(&self) -> Vec<Vec<Scalar>> {
        let places = coordinates(self.domain);
        let mut regs: Vec<Vec<Scalar>> = Vec::new();
        let load = |i: u32| {
            let l = &self.program.loads[i as usize];
            (self.memory[l.value.index()].as_ref().expect("a loaded value"), &l.view)
        };
        for (inst, &dtype) in self.program.insts.iter().zip(&self.program.dtypes) {
            let each = |f: &dyn Fn(usize, &[usize]) -> Scalar| -> Vec<Scalar> {
                places.iter().enumerate().map(|(i, c)| f(i, c)).collect()
            };
            let next = match inst {
                Inst::Load(i) => each(&|_, c| load(*i).0.get(at(load(*i).1, c))),
                Inst::Window { load: l, window, otherwise } => each(&|i, c| {
                    let mut inner = Vec::new();
                    for (a, &x) in c.iter().enumerate() {
                        let off = x as i64 - window.start[a];
                        if off < 0 || off % window.step[a] != 0 || off / window.step[a] >= window.len[a] {
                            return regs[otherwise.index()][i];
                        }
                        inner.push((off / window.step[a]) as usize);
                    }
                    load(*l).0.get(at(load(*l).1, &inner))
                }),
                Inst::Gather { load: l, index, stride, extent } => each(&|i, c| {
                    let to = regs[index.index()][i].to_i64().clamp(0, extent - 1);
                    load(*l).0.get((load(*l).1.index(c) + to * stride) as usize)
                }),
                Inst::Literal(s) => vec![*s; places.len()],
                Inst::Scalar(i) => vec![self.scalars[*i as usize]; places.len()],
                Inst::Index(x) => {
                    each(&|_, c| reference::cast(CastMode::Wrap, Scalar::from_i64(DType::I64, x.view.index(c)), dtype))
                }
                Inst::Rng { dist, key, stream, index } => each(&|i, c| {
                    let word = |r: lazurite::inspect::program::Reg| regs[r.index()][i].bits() as u32;
                    random::element(*dist, dtype, word(*key), word(*stream), index.view.index(c) as u64)
                }),
                Inst::Unary(op, a) => each(&|i, _| reference::unary(*op, regs[a.index()][i])),
                Inst::Binary(op, a, b) => each(&|i, _| reference::binary(*op, regs[a.index()][i], regs[b.index()][i])),
                Inst::Select(c, a, b) => {
                    each(&|i, _| reference::select(regs[c.index()][i], regs[a.index()][i], regs[b.index()][i]))
                }
                Inst::Cast(mode, a) => each(&|i, _| reference::cast(*mode, regs[a.index()][i], dtype)),
                Inst::Reduce(op, a) => {
                    let rows = self.rows(&regs[a.index()]);
                    self.spread(|r| fold::reduce(*op, dtype, rows[r].iter().copied()))
                }
                Inst::ArgReduce(op, a) => {
                    let rows = self.rows(&regs[a.index()]);
                    self.spread(|r| {
                        Scalar::from_i64(DType::I32, i64::from(fold::arg_reduce(*op, rows[r].iter().copied())))
                    })
                }
                Inst::Acc => self.accumulated.clone().expect("a product"),
                Inst::Scan(a) => {
                    let (op, axis) = self.scan.expect("a scan group");
                    let fold_op = match op {
                        ScanOp::Sum => ReduceOp::Sum,
                        ScanOp::Prod => ReduceOp::Prod,
                        ScanOp::Max => ReduceOp::Max,
                        ScanOp::Min => ReduceOp::Min,
                        other => panic!("no reduction is known for {other:?}"),
                    };
                    let dense = View::dense(self.domain);
                    each(&|_, c| {
                        let upto = (0..=c[axis]).map(|p| {
                            let mut c = c.to_vec();
                            c[axis] = p;
                            regs[a.index()][at(&dense, &c)]
                        });
                        fold::reduce(fold_op, dtype, upto)
                    })
                }
            };
            regs.push(next);
        }
        regs
    }

    fn row_of(&self) -> Vec<usize> {
        let axes = self.axes.expect("a rows group");
        let kept = View::dense(&self.domain.reduced(axes)).broadcast_to(self.domain).unwrap();
        coordinates(self.domain).iter().map(|c| at(&kept, c)).collect()
    }

    fn rows(&self, elements: &[Scalar]) -> Vec<Vec<Scalar>> {
        let mut rows = vec![Vec::new(); self.domain.reduced(self.axes.expect("a rows group")).len()];
        for (row, &x) in self.row_of().into_iter().zip(elements) {
            rows[row].push(x);
        }
        rows
    }

    fn spread(&self, f: impl Fn(usize) -> Scalar) -> Vec<Scalar> {
        let n = self.domain.reduced(self.axes.expect("a rows group")).len();
        let of_row: Vec<Scalar> = (0..n).map(f).collect();
        self.row_of().into_iter().map(|r| of_row[r]).collect()
    }
}

fn group(s: &Schedule, g: &Group, scalars: &[Scalar], memory: &mut [Option<HostBuffer>]) {
    let here: &[Option<HostBuffer>] = memory;
    let run =
        |program, domain| Run { program, domain, axes: None, scan: None, accumulated: None, scalars, memory: here };
    let body = run(&g.body, &g.domain);
    let regs = match &g.core {
        Core::Map => body.registers(),
        Core::Rows { axes, .. } => Run { axes: Some(axes), ..body }.registers(),
        Core::Scan { op, axis } => Run { scan: Some((*op, *axis)), ..body }.registers(),
        Core::Contract { left, right, k, dtype, .. } => {
            let rank = g.domain.rank();
            let (dl, dr) = (g.domain.with_axis(rank - 1, *k), g.domain.with_axis(rank - 2, *k));
            let operand = |p, d: &Shape| {
                let program =
                    Run { program: p, domain: d, axes: None, scan: None, accumulated: None, scalars, memory: here };
                let elements = program.registers().pop().expect("an operand");
                let mut b = HostBuffer::zeros(*dtype, d.len()).unwrap();
                elements.iter().enumerate().for_each(|(i, &x)| b.set(i, x));
                b
            };
            let (a, b) = (operand(left, &dl), operand(right, &dr));
            let product = fold::contract((&a, &dl), (&b, &dr), &g.domain).unwrap();
            let acc = (0..product.len()).map(|i| product.get(i)).collect();
            Run { accumulated: Some(acc), ..body }.registers()
        }
    };
    for store in &g.stores {
        let v = s.value(store.value);
        let mut out = HostBuffer::zeros(v.dtype, v.shape.len()).unwrap();
        let elements = &regs[store.reg.index()];
        let rank = g.domain.rank();
        for (i, c) in coordinates(&g.domain).iter().enumerate() {
            let to = match store.shape {
                StoreShape::Full => i,
                StoreShape::Row => {
                    let Core::Rows { axes, .. } = &g.core else { panic!("a row store without rows") };
                    at(&View::dense(&g.domain.reduced(axes)).broadcast_to(&g.domain).unwrap(), c)
                }
                StoreShape::Diagonal => {
                    if c[rank - 1] != c[rank - 2] {
                        continue;
                    }
                    let batch: usize = i / (g.domain[rank - 1] * g.domain[rank - 2]);
                    batch * g.domain[rank - 1].min(g.domain[rank - 2]) + c[rank - 1]
                }
            };
            out.set(to, elements[i]);
        }
        memory[store.value.index()] = Some(out);
    }
}
