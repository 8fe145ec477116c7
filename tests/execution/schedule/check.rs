//! What every schedule must be, whatever the graph: steps read only what is written and where it is, views fit, roots are stored,
//! no two live values share memory.

use std::collections::HashSet;

use lazurite::Shape;
use lazurite::inspect::graph::{Graph, Op};
use lazurite::inspect::program::{Inst, Level, Program, StoreShape};
use lazurite::inspect::{Core, Place, Schedule, Step, ValueId, ValueKind};

pub fn check(graph: &Graph, s: &Schedule) {
    let n = s.values.len();
    let leaf: Vec<bool> = s.values.iter().map(|v| matches!(v.kind, ValueKind::Leaf(_))).collect();
    let (mut host, mut gpu, mut freed) = (leaf.clone(), leaf.clone(), vec![false; n]);
    let mut written = leaf.clone();
    let mut crossings = HashSet::new();
    let mut groups = 0;
    for (i, step) in s.steps.iter().enumerate() {
        let reads = reads(step);
        for v in &reads {
            assert!(written[v.index()] && !freed[v.index()], "step {i} reads {v}, which is not there\n{s}");
            let side = if place(step) == Some(Place::Gpu) { &gpu } else { &host };
            if place(step).is_some() {
                assert!(side[v.index()], "step {i} reads {v} on the wrong side\n{s}");
            }
        }
        match step {
            Step::Upload(v) => {
                assert!(crossings.insert((*v, Place::Gpu)), "{v} crosses twice\n{s}");
                gpu[v.index()] = true;
            }
            Step::Readback(v) => {
                assert!(crossings.insert((*v, Place::Cpu)), "{v} crosses twice\n{s}");
                host[v.index()] = true;
            }
            Step::Free(v) => {
                assert!(s.value(*v).kind == ValueKind::Scratch && !freed[v.index()], "{v} freed wrongly\n{s}");
                freed[v.index()] = true;
            }
            Step::Run(g) => {
                assert_eq!(g.id, groups, "groups are numbered in order");
                groups += 1;
                assert!(!g.domain.is_empty(), "an empty domain\n{s}");
                let rank = g.domain.rank();
                program(s, &g.body, &g.domain, matches!(g.core, Core::Contract { .. }));
                if let Core::Contract { left, right, k, .. } = &g.core {
                    assert!(*k > 0, "a product of no terms\n{s}");
                    program(s, left, &g.domain.with_axis(rank - 1, *k), false);
                    program(s, right, &g.domain.with_axis(rank - 2, *k), false);
                }
                let levels = match &g.core {
                    Core::Rows { axes, .. } => g.body.levels(axes),
                    _ => vec![Level::Inner; g.body.insts.len()],
                };
                let mut loaded: HashSet<ValueId> = reads.iter().copied().collect();
                for st in &g.stores {
                    assert!(loaded.insert(st.value), "{} is read and written, or written twice\n{s}", st.value);
                    let v = s.value(st.value);
                    assert_eq!(v.dtype, g.body.dtype(st.reg), "a store of another dtype\n{s}");
                    let expected = match (st.shape, &g.core) {
                        (StoreShape::Full, _) => g.domain.len(),
                        (StoreShape::Row, Core::Rows { axes, .. }) => {
                            assert_eq!(levels[st.reg.index()], Level::Row, "a row store of an inner register\n{s}");
                            g.domain.reduced(axes).len()
                        }
                        (StoreShape::Diagonal, Core::Contract { .. }) => {
                            g.domain[..rank - 2].iter().product::<usize>() * g.domain[rank - 1].min(g.domain[rank - 2])
                        }
                        other => panic!("no such store: {other:?}"),
                    };
                    assert_eq!(v.shape.len(), expected, "a store of another size\n{s}");
                }
            }
            _ => {}
        }
        for v in writes(step) {
            assert!(!written[v.index()], "{v} is written twice\n{s}");
            written[v.index()] = true;
            *(if place(step) == Some(Place::Gpu) { &mut gpu } else { &mut host })
                .get_mut(v.index())
                .expect("a value of the schedule") = true;
        }
    }
    assert_eq!(s.roots.len(), graph.roots.len());
    for (value, root) in s.roots.iter().zip(&graph.roots) {
        let v = s.value(*value);
        assert!(written[value.index()] && !freed[value.index()], "root {value} is not there\n{s}");
        assert_eq!(v.shape, graph.node(*root).shape);
        assert!(v.node == *root || matches!(graph.node(*root).op, Op::Leaf(_)), "root {root} is {}\n{s}", v.node);
        assert!(v.kind != ValueKind::Scratch, "root {value} is scratch\n{s}");
    }
    memory(s);
}

fn memory(s: &Schedule) {
    let mut block_of = vec![None; s.values.len()];
    for (i, b) in s.blocks.iter().enumerate() {
        for (at, v) in b.values.iter().enumerate() {
            assert!(block_of[v.index()].replace(i).is_none(), "{v} has two blocks\n{s}");
            let bytes = if b.place == Place::Gpu { s.value(*v).device_bytes() } else { s.value(*v).bytes() };
            assert!(bytes <= b.bytes, "{v} does not fit its block\n{s}");
            if s.value(*v).kind == ValueKind::Root {
                assert_eq!(b.values.len(), 1, "a root shares memory\n{s}");
            }
            if at > 0 {
                let (before, now) = (s.lifetimes[b.values[at - 1].index()], s.lifetimes[v.index()]);
                assert!(before.to < now.from, "two live values share block {i}\n{s}");
            }
        }
    }
    for (i, v) in s.values.iter().enumerate() {
        assert_eq!(block_of[i].is_some(), !matches!(v.kind, ValueKind::Leaf(_)), "blocks are for computed values\n{s}");
    }
    // The lifetimes must cover what the steps really do, on the side of the block.
    for (i, step) in s.steps.iter().enumerate() {
        for v in reads(step) {
            if let Some(b) = block_of[v.index()] {
                let here = place(step).is_none_or(|p| p == s.blocks[b].place);
                assert!(!here || s.lifetimes[v.index()].to as usize >= i, "{v} is read after its lifetime\n{s}");
            }
        }
    }
}

fn program(s: &Schedule, p: &Program, domain: &Shape, epilogue: bool) {
    assert_eq!(p.insts.len(), p.dtypes.len());
    for l in &p.loads {
        assert_eq!(l.dtype, s.value(l.value).dtype);
        assert!(l.view.fits(s.value(l.value).shape.len()), "load {} reaches outside {}\n{s}", l.view, l.value);
    }
    for (i, inst) in p.insts.iter().enumerate() {
        for r in Program::operands(inst) {
            assert!(r.index() < i, "a register is used before it is defined\n{s}");
        }
        match inst {
            Inst::Load(l) => assert_eq!(p.loads[*l as usize].view.shape(), domain, "{s}"),
            Inst::Gather { load, stride, extent, .. } => {
                let l = &p.loads[*load as usize];
                assert_eq!(l.view.shape(), domain);
                let far = (l.view.offset() + stride * (extent - 1)).max(l.view.offset());
                assert!(far < s.value(l.value).shape.len() as i64, "a gather reaches outside\n{s}");
            }
            Inst::Window { load, window, .. } => {
                let l = &p.loads[*load as usize];
                for a in 0..domain.rank() {
                    assert_eq!(l.view.shape()[a] as i64, window.len[a], "{s}");
                    assert!(window.start[a] >= 0 && window.step[a] >= 1, "{s}");
                    let last = window.start[a] + window.step[a] * (window.len[a] - 1);
                    assert!(last < domain[a] as i64, "a window reaches outside its domain\n{s}");
                }
            }
            Inst::Index(c) | Inst::Rng { index: c, .. } => assert_eq!(c.view.shape(), domain),
            Inst::Acc => assert!(epilogue, "an accumulator without a product\n{s}"),
            _ => {}
        }
    }
}

pub fn reads(step: &Step) -> Vec<ValueId> {
    match step {
        Step::Upload(v) | Step::Readback(v) => vec![*v],
        Step::Run(g) => {
            let mut reads: Vec<ValueId> = g.body.loads.iter().map(|l| l.value).collect();
            if let Core::Contract { left, right, .. } = &g.core {
                reads.extend(left.loads.iter().chain(&right.loads).map(|l| l.value));
            }
            reads
        }
        Step::Host { inputs, .. } => inputs.clone(),
        Step::Empty(_) | Step::Free(_) => Vec::new(),
    }
}

fn writes(step: &Step) -> Vec<ValueId> {
    match step {
        Step::Run(g) => g.stores.iter().map(|s| s.value).collect(),
        Step::Host { outputs, .. } => outputs.clone(),
        Step::Empty(v) => vec![*v],
        _ => Vec::new(),
    }
}

/// Where a step reads and writes; `None` for transfers and frees.
fn place(step: &Step) -> Option<Place> {
    match step {
        Step::Run(g) => Some(g.place),
        Step::Host { .. } | Step::Empty(_) => Some(Place::Cpu),
        _ => None,
    }
}
