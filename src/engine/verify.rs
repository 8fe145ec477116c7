//! Quarantine: a new plan's first results held against the graph as recorded, before the plan is kept.
//!
//! The recorded graph runs again without planner and fusion on the CPU, once as it is and twice with every stored float, leaves
//! included, moved by up to one unit in the last place. How far the results move says how sensitive they are to rounding, whatever
//! the operations; a plan may differ from the plain run by a multiple of that. Only a sample of each root is compared.

use std::sync::Arc;

use super::run::{Results, Run};
use super::{Engine, Prepared, Stored};
use crate::algorithms::{Lcg, Random};
use crate::error::Result;
use crate::graph::Graph;
use crate::planner::Class;
use crate::types::{HostBuffer, Numerics, Scalar};

/// Whether new plans are checked before they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verify {
    /// They are not.
    #[default]
    Off,
    /// The first results of each plan are compared, on sampled elements, with the recorded graph run without planner and fusion on
    /// the CPU. That costs three such runs for each new plan, and the memory of their results; nothing afterwards. Where they
    /// differ the plan is quarantined: the results without it are what the evaluation gives, and what runs from then on.
    Sampled,
}

/// Elements of a root that are compared, at most.
const SAMPLES: usize = 1024;
/// How much further a plan may move a result than the noise did.
const FACTOR: f64 = 64.0;
/// Units in the last place that a plan may differ by where the noise moved nothing.
const ULPS: f64 = 16.0;

/// A snapshot with its data, and a plain plan for it.
pub(super) struct Recorded<'a> {
    pub(super) graph: &'a Graph,
    pub(super) plain: &'a Prepared,
    pub(super) leaves: &'a [Arc<Stored>],
    pub(super) slots: &'a [Scalar],
}

/// What the comparison came to.
pub(super) enum Verdict {
    /// The plan may be kept.
    Sound,
    /// Why not, and the results without it.
    Wrong(String, Results),
}

impl Engine {
    /// Compares the results of a new plan with those of the recorded graph.
    pub(super) async fn verified(&self, of: Recorded<'_>, new: &Prepared, results: &Results) -> Result<Verdict> {
        self.0.counters.verified.add(1);
        let plain = Run::new(self, of.plain, of.leaves, of.slots)?.finish(&mut Default::default()).await?;
        let mut moved = Vec::new();
        for seed in [1, 2] {
            let mut noise = Noise::new(seed);
            let mut leaves = Vec::with_capacity(of.leaves.len());
            for (stored, info) in of.leaves.iter().zip(&of.graph.leaves) {
                let copy = self.host_copy(stored, info.dtype, info.shape.len()).await?;
                leaves.push(Arc::new(Stored::on_host(Arc::new(noise.over(&copy)))));
            }
            let run = Run::new(self, of.plain, &leaves, of.slots)?.with_noise(noise);
            // A routine may refuse what is no longer exactly symmetric: then this run says nothing.
            if let Ok(found) = run.finish(&mut Default::default()).await {
                moved.push(found);
            }
        }
        let fired = new.plan.iter().flat_map(|p| &p.fired);
        let liberal = fired.clone().any(|f| matches!(f.class, Class::Improves | Class::Approximate));
        let rule = Tolerance {
            gpu: new.lowered.iter().any(Option::is_some),
            exact: self.0.settings.numerics == Numerics::Strict,
            factor: if self.0.settings.numerics == Numerics::Fast { FACTOR * 16.0 } else { FACTOR },
            liberal,
        };
        for (i, root) in of.graph.roots.iter().enumerate() {
            let node = of.graph.node(*root);
            let (dtype, len) = (node.dtype, node.shape.len());
            let given = self.host_copy(&results.roots[i], dtype, len).await?;
            let expected = self.host_copy(&plain.roots[i], dtype, len).await?;
            let mut noisy = Vec::with_capacity(moved.len());
            for m in &moved {
                noisy.push(self.host_copy(&m.roots[i], dtype, len).await?);
            }
            if let Some(at) = rule.differs(&given, &expected, &noisy) {
                let names: Vec<&str> = new.plan.iter().flat_map(|p| &p.fired).map(|f| f.rule.as_str()).collect();
                let why = format!(
                    "root {i} ({root} = {}), element {at}: the plan gave {:?}, the graph as recorded {:?}; rules: {}",
                    node.op,
                    given.get(at),
                    expected.get(at),
                    if names.is_empty() { "none".to_string() } else { names.join(" ") }
                );
                return Ok(Verdict::Wrong(why, plain));
            }
        }
        Ok(Verdict::Sound)
    }
}

/// Results moved by up to one unit in the last place, so that a run shows how sensitive it is to rounding.
pub(super) struct Noise(Lcg);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(Lcg(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// The buffer with each finite float other than zero moved by −1, 0 or 1 units in the last place.
    pub(super) fn over(&mut self, buffer: &HostBuffer) -> HostBuffer {
        let mut out = buffer.clone();
        if !buffer.dtype().is_float() {
            return out;
        }
        for i in 0..buffer.len() {
            let x = buffer.get(i);
            if x.to_f64() == 0.0 || !x.to_f64().is_finite() {
                continue;
            }
            let bits = match (self.0.word() >> 27) % 3 {
                0 => x.bits(),
                1 => x.bits() + 1,
                _ => x.bits() - 1,
            };
            let moved = Scalar::from_bits(x.dtype(), bits);
            if moved.to_f64().is_finite() {
                out.set(i, moved);
            }
        }
        out
    }
}

struct Tolerance {
    gpu: bool,
    exact: bool,
    factor: f64,
    /// Whether rules may have made numbers of what overflowed.
    liberal: bool,
}

impl Tolerance {
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

/// Both ends of an array, and places spread over the rest.
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
