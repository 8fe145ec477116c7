//! Rules found in plans whose operands are slices, flips, stretched and batched views: what the plan computes, run fused by the
//! tiled executor, is what the program says.
//!
//! `sound` compares both sides of a rule by itself; here the left side is a program, its leaves are read through views, the
//! whole rule set plans it, and everything downstream takes part.

use std::collections::{BTreeMap, BTreeSet};

use lazurite::inspect::graph::View;
use lazurite::inspect::rules::{RuleInput, RuleSides};
use lazurite::inspect::{PlanOptions, RunOptions};
use lazurite::unstable::cpu::reference::eval_graph;
use lazurite::unstable::planner::plan;
use lazurite::unstable::soundness::{Candidates, CaseData, Filling, Values, each_assignment, fill, operator_choices};
use lazurite::{CostTable, DType, DeviceChoice, Engine, HostBuffer, Numerics, Rules, Shape};

/// Ways to read an array of this shape from a larger or smaller leaf.
fn views(shape: &Shape) -> Vec<(Shape, View)> {
    let mut out = Vec::new();
    let rank = shape.rank();
    if rank == 0 {
        return out;
    }
    let last = rank - 1;
    // Every second element from the second on.
    let mut wide = shape.to_vec();
    wide[last] = 2 * shape[last] + 1;
    let wide = Shape::new(&wide);
    out.extend(View::dense(&wide).slice(last, 1, 2, shape[last]).ok().map(|v| (wide.clone(), v)));
    // Backwards.
    out.extend(View::dense(shape).flip(0).ok().map(|v| (shape.clone(), v)));
    // One row for all: stride 0.
    let mut thin = shape.to_vec();
    thin[0] = 1;
    let thin = Shape::new(&thin);
    out.extend(View::dense(&thin).broadcast_to(shape).ok().map(|v| (thin.clone(), v)));
    if rank >= 2 {
        // The transpose of a stored matrix.
        let mut turned = shape.to_vec();
        turned.swap(rank - 2, last);
        let turned = Shape::new(&turned);
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(rank - 2, last);
        out.extend(View::dense(&turned).permute(&axes).ok().map(|v| (turned.clone(), v)));
    }
    out
}

fn close(dtype: DType, a: &HostBuffer, b: &HostBuffer, largest: f64) -> bool {
    a.first_beyond(b, 256.0 * dtype.unit_roundoff() * largest).is_none()
}

#[test]
fn plans_over_views_and_batches_compute_the_program() {
    let strict = Engine::builder().device(DeviceChoice::Cpu).numerics(Numerics::Strict).build().unwrap();
    let standard = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    let candidates = Candidates {
        arrays: [&[][..], &[3, 2], &[2, 3], &[3, 3], &[1, 1], &[3, 1], &[1, 2], &[2, 3, 2]].map(Shape::new).into(),
        products: vec![(Shape::new(&[3, 2]), Shape::new(&[2, 3]))],
        extents: [&[3, 2][..], &[6], &[2, 3, 2], &[3, 3]].map(Shape::new).into(),
        axes: vec![vec![0], vec![1], vec![0, 1]],
    };
    let mut fired: BTreeSet<String> = BTreeSet::new();
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for rule in Rules::builtin().checks() {
        for dtype in [DType::F32, DType::I32, DType::Bool] {
            if rule.class(dtype).is_none() || tried.get(rule.name()).is_some_and(|&n| n > 0) {
                continue;
            }
            let Some(operators) = operator_choices(&rule, dtype).into_iter().next() else { continue };
            let mut n = 0;
            each_assignment(&rule, dtype, &candidates, &mut |inputs| {
                if !matches!(rule.sides(inputs, &operators), RuleSides::Built(_)) {
                    return true;
                }
                for way in 0..4 {
                    let viewed: Vec<RuleInput> = inputs
                        .iter()
                        .map(|input| match input {
                            RuleInput::Array(s, d) => match views(s).get(way) {
                                Some((leaf, view)) => RuleInput::Viewed(leaf.clone(), *d, view.clone()),
                                None => input.clone(),
                            },
                            _ => input.clone(),
                        })
                        .collect();
                    // A promise about a leaf (finite, symmetric) may not hold through a view: those cases are left out.
                    let RuleSides::Built(graph) = rule.sides(&viewed, &operators) else { continue };
                    let graph = graph.subgraph(&graph.roots[..1]);
                    let mut random = Values::new(n as u64 * 31 + way as u64);
                    let promises = vec![Default::default(); viewed.len()];
                    let CaseData { leaves, slots } = fill(&viewed, &promises, Filling::Positive, &mut random).unwrap();
                    let Ok(all) = eval_graph(&graph, &leaves.iter().collect::<Vec<_>>(), &slots) else { continue };
                    let expected = &all[graph.roots[0].index()];
                    let largest = all
                        .iter()
                        .filter(|b| b.dtype().is_float())
                        .flat_map(|b| (0..b.len()).map(|i| b.get(i).to_f64().abs()))
                        .filter(|v| v.is_finite())
                        .fold(1.0, f64::max);
                    for (engine, numerics) in [(&strict, Numerics::Strict), (&standard, Numerics::Standard)] {
                        let p = plan(&graph, &PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) });
                        fired.extend(p.fired.iter().map(|f| f.rule.clone()));
                        let got =
                            engine.run_graph(graph.clone(), leaves.clone(), &slots, RunOptions::default()).unwrap();
                        assert!(
                            close(graph.node(graph.roots[0]).dtype, &got[0], expected, largest),
                            "{} on {viewed:?} in {numerics}: {:?} is not {expected:?}\n{graph}became\n{p}",
                            rule.name(),
                            got[0]
                        );
                    }
                    n += 1;
                }
                n < 3
            });
            *tried.entry(rule.name().into()).or_default() += n;
        }
    }
    let untried: Vec<&String> = tried.iter().filter(|(_, n)| **n == 0).map(|(name, _)| name).collect();
    assert!(untried.is_empty(), "{untried:?}");
    // Kernels and recognisers took part, not only what simplifies.
    for name in ["gram", "product-kernel"] {
        assert!(fired.contains(name), "{name} did not fire over views; fired: {fired:?}");
    }
    assert!(fired.len() >= 80, "only {} rules fired over views: {fired:?}", fired.len());
}
