//! Quarantine: a new plan's first results are compared with those of the recorded graph before the plan is kept.
//!
//! The recorded graph runs again without planner and fusion on the CPU, once as it is and twice with every stored float, leaves
//! included, moved by up to one unit in the last place. How far the results move says how sensitive they are to rounding, whatever
//! the operations; a plan may differ from the plain run by a multiple of that. Only a sample of each root is compared.

use std::sync::Arc;

use super::Engine;
use super::cache::PlanKey;
use super::noise::Noise;
use super::options::RunOptions;
use super::prepared::{Context, Prepared};
use super::run::{Results, Run};
use super::stored::{Inputs, Stored};
use crate::error::Result;
use crate::graph::{Graph, NodeId};
use crate::planner::Class;
use crate::types::{HostBuffer, Numerics};

/// Elements of a root that are compared, at most.
const SAMPLES: usize = 1024;
/// How much further a plan may move a result than the noise did.
const FACTOR: f64 = 64.0;
/// Units in the last place that a plan may differ by where the noise moved nothing.
const ULPS: f64 = 16.0;

/// A recorded graph with its data, and a plan for it without planner and fusion.
struct Recorded<'a> {
    graph: &'a Graph,
    plain: &'a Prepared,
    inputs: Inputs<'a>,
}

/// A new plan with the results of its first run.
pub(super) struct FirstRun {
    pub(super) key: PlanKey,
    pub(super) prepared: Arc<Prepared>,
    pub(super) results: Results,
}

/// The plan that is kept, and its results.
pub(super) struct Verified {
    pub(super) prepared: Arc<Prepared>,
    pub(super) results: Results,
}

impl Engine {
    /// Keeps a new plan if its results are as sound as those of the recorded graph; otherwise keeps a plan without planner and
    /// fusion in its place, which says why.
    ///
    /// # Errors
    /// What running the recorded graph says.
    pub(super) async fn keep_if_sound(
        &self,
        first: FirstRun,
        graph: &Graph,
        inputs: Inputs<'_>,
        needed: &[NodeId],
    ) -> Result<Verified> {
        let FirstRun { key, prepared, results } = first;
        let options = RunOptions { plan: false, fuse: false };
        let mut plain = self.make(graph, &Context::on_cpu(&self.0.settings, options, needed))?;
        self.0.counters.verified.add(1);
        let right = Run::new(self, &plain, inputs)?.finish(&mut Default::default()).await?;
        let recorded = Recorded { graph, plain: &plain, inputs };
        let Some(why) = self.wrong(&recorded, &prepared, &results, &right).await? else {
            self.keep(key, prepared.clone());
            return Ok(Verified { prepared, results });
        };
        tracing::error!(%why, "a plan gave wrong results and is quarantined");
        self.0.counters.quarantined.add(1);
        plain.quarantined = Some(why);
        let prepared = Arc::new(plain);
        self.keep(key, prepared.clone());
        Ok(Verified { prepared, results: right })
    }

    /// How the results of a new plan differ from those of the recorded graph by more than rounding explains, if they do.
    async fn wrong(
        &self,
        recorded: &Recorded<'_>,
        new: &Prepared,
        results: &Results,
        right: &Results,
    ) -> Result<Option<String>> {
        let moved = [self.moved(recorded, 1).await?, self.moved(recorded, 2).await?];
        let rule = Tolerance::of(new, self.0.settings.numerics);
        for (i, root) in recorded.graph.roots.iter().enumerate() {
            let node = recorded.graph.node(*root);
            let (dtype, len) = (node.dtype, node.shape.len());
            let given = self.host_copy(&results.roots[i], dtype, len).await?;
            let expected = self.host_copy(&right.roots[i], dtype, len).await?;
            let mut noisy = Vec::with_capacity(moved.len());
            for m in moved.iter().flatten() {
                noisy.push(self.host_copy(&m.roots[i], dtype, len).await?);
            }
            if let Some(at) = rule.differs(&given, &expected, &noisy) {
                let names: Vec<&str> = new.plan.iter().flat_map(|p| &p.fired).map(|f| f.rule.as_str()).collect();
                return Ok(Some(format!(
                    "root {i} ({root} = {}), element {at}: the plan gave {:?}, the graph as recorded {:?}; rules: {}",
                    node.op,
                    given.get(at),
                    expected.get(at),
                    if names.is_empty() { "none".to_string() } else { names.join(" ") }
                )));
            }
        }
        Ok(None)
    }

    /// The results of the recorded graph with rounding noise on its leaves and on everything it stores. `None` where a routine
    /// refuses such data, for instance a matrix that is no longer exactly symmetric: that run tells nothing.
    async fn moved(&self, recorded: &Recorded<'_>, seed: u64) -> Result<Option<Results>> {
        let mut noise = Noise::new(seed);
        let Inputs { leaves, slots } = recorded.inputs;
        let mut noisy = Vec::with_capacity(leaves.len());
        for (stored, info) in leaves.iter().zip(&recorded.graph.leaves) {
            let copy = self.host_copy(stored, info.dtype, info.shape.len()).await?;
            noisy.push(Arc::new(Stored::on_host(Arc::new(noise.over(&copy)))));
        }
        let run = Run::new(self, recorded.plain, Inputs { leaves: &noisy, slots })?.with_noise(noise);
        Ok(run.finish(&mut Default::default()).await.ok())
    }
}

struct Tolerance {
    gpu: bool,
    exact: bool,
    factor: f64,
    /// Whether rules may have made finite what overflowed.
    liberal: bool,
}

impl Tolerance {
    /// What a plan may differ by.
    fn of(new: &Prepared, numerics: Numerics) -> Self {
        let mut fired = new.plan.iter().flat_map(|p| &p.fired);
        Self {
            gpu: new.lowered.iter().any(Option::is_some),
            exact: numerics == Numerics::Strict,
            factor: if numerics == Numerics::Fast { FACTOR * 16.0 } else { FACTOR },
            liberal: fired.any(|f| matches!(f.class, Class::Improves | Class::Approximate)),
        }
    }

    /// The first sampled element that differs by more than rounding explains.
    fn differs(&self, given: &HostBuffer, expected: &HostBuffer, noisy: &[Arc<HostBuffer>]) -> Option<usize> {
        let float = given.dtype().is_float();
        let at: Vec<usize> = samples(given.len()).collect();
        let value = |b: &HostBuffer, i: usize| b.get(i).to_f64();
        let shift = |i: usize| {
            let p = value(expected, i);
            noisy.iter().map(|n| (value(n, i) - p).abs()).filter(|d| d.is_finite()).fold(0.0, f64::max)
        };
        let mean = (at.iter().map(|&i| shift(i).powi(2)).sum::<f64>() / at.len().max(1) as f64).sqrt();
        at.into_iter().find(|&i| {
            let (g, p) = (given.get(i), expected.get(i));
            let (x, y) = (g.to_f64(), p.to_f64());
            if g.is_same(p) {
                return false;
            }
            let unsettled = noisy.iter().any(|n| {
                let z = value(n, i);
                if float && x.is_finite() { z.is_finite() != y.is_finite() } else { n.get(i) != p && !z.is_nan() }
            });
            if !float {
                return !unsettled;
            }
            if self.exact && !self.gpu {
                return x != y;
            }
            if !(x.is_finite() && y.is_finite()) {
                return !(unsettled || self.gpu || self.liberal && !y.is_finite());
            }
            let u = 2.0 * given.dtype().unit_roundoff();
            let least = if self.gpu { given.dtype().smallest_normal() } else { 0.0 };
            let bound = self.factor * (shift(i) + 0.5 * mean) + ULPS * u * y.abs() + least;
            !g.is_within(p, bound)
        })
    }
}

/// The positions of the elements to compare: both ends of an array, and some spread over the rest.
fn samples(len: usize) -> impl Iterator<Item = usize> {
    let ends = 64.min(len);
    let step = len.div_ceil(SAMPLES - 128).max(1);
    // Odd steps do not walk down one column.
    let step = if step.is_multiple_of(2) { step + 1 } else { step };
    (0..ends).chain((ends..len.saturating_sub(ends)).step_by(step)).chain(len.saturating_sub(ends).max(ends)..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_hold_both_ends_once_and_are_few() {
        for len in [0, 1, 63, 64, 65, 128, 1000, 4096, 1 << 20] {
            let all: Vec<usize> = samples(len).collect();
            assert!(all.windows(2).all(|w| w[0] < w[1]), "{len}");
            assert!(all.len() <= SAMPLES && all.last().is_none_or(|&l| l + 1 == len), "{len}: {}", all.len());
            assert!(len > 896 || all.len() == len, "{len}");
        }
    }
}
