//! What a group means, element by element and register by register, on top of the reference alone.

use lazurite::inspect::graph::{ReduceOp, ScanOp, View};
use lazurite::inspect::program::{Inst, Program, StoreShape};
use lazurite::inspect::{Core, Group};
use lazurite::unstable::cpu::reference::{self, fold, random};
use lazurite::{DType, HostBuffer, Scalar, Shape};

/// All coordinates of a shape, last axis fastest.
pub fn coords(shape: &Shape) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &d in shape.iter() {
        all = all.into_iter().flat_map(|c| (0..d).map(move |i| [c.clone(), vec![i]].concat())).collect();
    }
    all
}

fn linear(shape: &Shape, c: &[usize]) -> usize {
    c.iter().zip(shape.iter()).fold(0, |n, (&c, &d)| n * d + c)
}

/// Every register at every element of the domain.
pub fn registers(
    program: &Program,
    domain: &Shape,
    inputs: &[HostBuffer],
    scalars: &[Scalar],
    core: &Core,
    acc: Option<&HostBuffer>,
) -> Vec<Vec<Scalar>> {
    let all = coords(domain);
    let mut regs: Vec<Vec<Scalar>> = Vec::new();
    for (i, inst) in program.insts.iter().enumerate() {
        let dtype = program.dtypes[i];
        let at = |view: &View, c: &[usize]| view.index(c) as usize;
        let load = |l: u32| (&program.loads[l as usize].view, &inputs[program.loads[l as usize].value.index()]);
        let values: Vec<Scalar> = match inst {
            Inst::Reduce(op, r) => along(domain, core, |line| {
                let v = fold::reduce(*op, dtype, line.iter().map(|&e| regs[r.index()][e]));
                vec![v; line.len()]
            }),
            Inst::ArgReduce(op, r) => along(domain, core, |line| {
                let v = fold::arg_reduce(*op, line.iter().map(|&e| regs[r.index()][e]));
                vec![Scalar::from_i64(DType::I32, i64::from(v)); line.len()]
            }),
            Inst::Scan(r) => along(domain, core, |line| {
                let Core::Scan { op, .. } = core else { panic!("a scan outside a scan group") };
                let op = match op {
                    ScanOp::Sum => ReduceOp::Sum,
                    ScanOp::Prod => ReduceOp::Prod,
                    ScanOp::Max => ReduceOp::Max,
                    ScanOp::Min => ReduceOp::Min,
                    other => panic!("no reduction is known for {other:?}"),
                };
                (1..=line.len())
                    .map(|n| fold::reduce(op, dtype, line[..n].iter().map(|&e| regs[r.index()][e])))
                    .collect()
            }),
            _ => all
                .iter()
                .enumerate()
                .map(|(e, c)| {
                    let reg = |r: &lazurite::inspect::program::Reg| regs[r.index()][e];
                    match inst {
                        Inst::Load(l) => load(*l).1.get(at(load(*l).0, c)),
                        Inst::Window { load: l, window, otherwise } => {
                            let inside: Option<Vec<usize>> = (0..c.len())
                                .map(|a| {
                                    let beyond = c[a] as i64 - window.start[a];
                                    let j = beyond / window.step[a];
                                    (beyond >= 0 && beyond % window.step[a] == 0 && j < window.len[a])
                                        .then_some(j as usize)
                                })
                                .collect();
                            inside.map_or_else(|| reg(otherwise), |j| load(*l).1.get(at(load(*l).0, &j)))
                        }
                        Inst::Gather { load: l, index, stride, extent } => {
                            let picked = reg(index).to_i64().clamp(0, extent - 1);
                            load(*l).1.get((load(*l).0.index(c) + picked * stride) as usize)
                        }
                        Inst::Literal(s) => *s,
                        Inst::Scalar(n) => scalars[*n as usize],
                        Inst::Index(coord) => {
                            let s = Scalar::from_i64(DType::I64, coord.view.index(c));
                            reference::cast(lazurite::inspect::graph::CastMode::Wrap, s, dtype)
                        }
                        Inst::Rng { dist, key, stream, index } => {
                            let (k, s) = (reg(key).bits() as u32, reg(stream).bits() as u32);
                            random::element(*dist, dtype, k, s, index.view.index(c) as u64)
                        }
                        Inst::Unary(op, a) => reference::unary(*op, reg(a)),
                        Inst::Binary(op, a, b) => reference::binary(*op, reg(a), reg(b)),
                        Inst::Select(q, a, b) => reference::select(reg(q), reg(a), reg(b)),
                        Inst::Cast(mode, a) => reference::cast(*mode, reg(a), dtype),
                        Inst::Acc => acc.expect("an accumulator").get(e),
                        Inst::Reduce(..) | Inst::ArgReduce(..) | Inst::Scan(_) => unreachable!("done above"),
                    }
                })
                .collect(),
        };
        regs.push(values);
    }
    regs
}

/// Applies `f` to the element numbers of every row, and puts what it gives back at their places.
fn along(domain: &Shape, core: &Core, f: impl Fn(&[usize]) -> Vec<Scalar>) -> Vec<Scalar> {
    let axes: Vec<usize> = match core {
        Core::Rows { axes, .. } => axes.to_vec(),
        Core::Scan { axis, .. } => vec![*axis],
        _ => panic!("a fold outside rows"),
    };
    let reduced = domain.reduced(&axes);
    let mut lines: Vec<Vec<usize>> = vec![Vec::new(); reduced.len()];
    for (e, c) in coords(domain).iter().enumerate() {
        let kept: Vec<usize> = (0..c.len()).map(|a| if axes.contains(&a) { 0 } else { c[a] }).collect();
        lines[linear(&reduced, &kept)].push(e);
    }
    let mut out = vec![Scalar::from_i64(DType::I32, 0); domain.len()];
    for line in lines {
        for (e, v) in line.iter().zip(f(&line)) {
            out[*e] = v;
        }
    }
    out
}

/// What a group stores, in the order of its stores.
pub fn group(group: &Group, inputs: &[HostBuffer], scalars: &[Scalar]) -> Vec<Vec<Scalar>> {
    let domain = &group.domain;
    let acc = match &group.core {
        Core::Contract { left, right, k, dtype, .. } => {
            Some(accumulator(domain, left, right, *k, *dtype, inputs, scalars))
        }
        _ => None,
    };
    let regs = registers(&group.body, domain, inputs, scalars, &group.core, acc.as_ref());
    let rank = domain.rank();
    let all = coords(domain);
    group
        .stores
        .iter()
        .map(|s| {
            let keep = |c: &[usize]| match (&s.shape, &group.core) {
                (StoreShape::Full, _) => true,
                (StoreShape::Row, Core::Rows { axes, .. }) => axes.iter().all(|&a| c[a] == 0),
                (StoreShape::Row, _) => panic!("rows outside rows"),
                (StoreShape::Diagonal, _) => c[rank - 2] == c[rank - 1],
            };
            all.iter().enumerate().filter(|(_, c)| keep(c)).map(|(e, _)| regs[s.reg.index()][e]).collect()
        })
        .collect()
}

fn accumulator(
    domain: &Shape,
    left: &Program,
    right: &Program,
    k: usize,
    dtype: DType,
    inputs: &[HostBuffer],
    scalars: &[Scalar],
) -> HostBuffer {
    let rank = domain.rank();
    let over = |r: usize, c: usize| domain[..rank - 2].iter().copied().chain([r, c]).collect::<Shape>();
    let side = |program: &Program, shape: &Shape| {
        let regs = registers(program, shape, inputs, scalars, &Core::Map, None);
        let mut buffer = HostBuffer::zeros(dtype, shape.len()).unwrap();
        for (i, v) in regs.last().unwrap().iter().enumerate() {
            buffer.set(i, *v);
        }
        buffer
    };
    let (sa, sb) = (over(domain[rank - 2], k), over(k, domain[rank - 1]));
    let (a, b) = (side(left, &sa), side(right, &sb));
    fold::contract((&a, &sa), (&b, &sb), domain).unwrap()
}
