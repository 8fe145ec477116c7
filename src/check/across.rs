//! Strict results of a device against the bits of the CPU, for what promises the same bits on every device.
//!
//! Elements that are subnormal, or computed from a subnormal, are left out where the device flushes subnormals.

use std::sync::Arc;

use super::compare::{Mismatch, Tally};
use super::configurations::{PLAIN, WHOLE};
use super::diagnose::Wrong;
use super::promise::{promised_part, touched};
use super::report::{Blame, Divergence, Tolerance};
use super::runs::caught;
use super::tensor::Tensor;
use crate::engine::{Engine, RunOptions};
use crate::graph::{Case, NodeId};
use crate::types::{DType, HostBuffer};

/// Two strict engines whose bits are compared.
#[derive(Clone, Copy)]
pub(super) struct Across<'a> {
    pub(super) device: &'a Engine,
    pub(super) cpu: &'a Engine,
}

impl Across<'_> {
    /// Compares the part of a case that promises bits. An error names a root of that part.
    pub(super) fn fault(&self, case: &Case) -> Result<Tally, Wrong> {
        match promised_part(case) {
            Some(part) => self.bits(&part, WHOLE),
            None => Ok(Tally::default()),
        }
    }

    /// Compares the roots of a case all of whose nodes promise bits.
    fn bits(&self, part: &Case, options: RunOptions) -> Result<Tally, Wrong> {
        let failure = |e: crate::error::Error| Wrong::Failure(e.to_string());
        let every = part.graph.ids().collect();
        let values = caught(self.cpu, &with_all_roots(part, every), PLAIN).map_err(failure)?;
        let given = caught(self.device, part, options).map_err(failure)?;
        let touched = touched(&part.graph, &values, flushes);
        let mut tally = Tally::default();
        for (i, (root, given)) in part.graph.roots.iter().zip(&given).enumerate() {
            let found = differing(given, &values[root.index()], &touched[root.index()]);
            tally.add(found.map_err(|m| Wrong::Value(i, m))?);
        }
        Ok(tally)
    }

    /// The divergence of a case: the first node whose bits differ when it is the only root, without planner and fusion if so already.
    pub(super) fn diagnose(&self, case: &Case, root: usize, mismatch: Mismatch) -> Divergence {
        let part = promised_part(case).unwrap_or_else(|| case.clone());
        let alone = |options| {
            part.graph.ids().find_map(|id| match self.bits(&part.with_roots(&[id]), options) {
                Err(Wrong::Value(0, m)) => Some((id, *m)),
                _ => None,
            })
        };
        let by_itself = alone(PLAIN);
        let blame = if by_itself.is_some() {
            let ran = self.device.last_evaluation().map(|e| e.to_string()).unwrap_or_default();
            Blame::Operation(ran)
        } else {
            Blame::Together
        };
        let (node, mismatch) = by_itself.or_else(|| alone(WHOLE)).unwrap_or((part.graph.roots[root], mismatch));
        let because = String::from("none: strict results have the bits of the CPU");
        let tolerance = Tolerance { radius: 0.0, own: 0.0, because };
        Divergence { case: part, root, node, mismatch, tolerance, blame }
    }
}

/// The same nodes under the same numbers, all of them roots.
fn with_all_roots(part: &Case, every: Vec<NodeId>) -> Case {
    let mut all = part.clone();
    all.graph.roots = every;
    all
}

/// Whether a device may flush subnormals of a dtype.
fn flushes(dtype: DType) -> bool {
    dtype.is_float()
}

/// The first element that has other bits and is not touched by a subnormal.
fn differing(given: &Arc<HostBuffer>, on_cpu: &HostBuffer, touched: &Tensor) -> Result<Tally, Box<Mismatch>> {
    if given.dtype() != on_cpu.dtype() || given.len() != on_cpu.len() {
        let note = String::from("another dtype or length than on the CPU");
        return Err(Box::new(Mismatch { index: 0, given: None, expected: None, note }));
    }
    let loose = touched.elements.iter().filter(|e| e.high() > 0.0).count() as u64;
    let differs = |i: &usize| touched.elements[*i].high() <= 0.0 && !given.get(*i).is_same(on_cpu.get(*i));
    match (0..given.len()).find(differs) {
        Some(index) => {
            let note = format!(", on the CPU {:?}: strict results must have the same bits", on_cpu.get(index));
            Err(Box::new(Mismatch { index, given: Some(given.get(index)), expected: None, note }))
        }
        None => Ok(Tally { elements: given.len() as u64, tight: given.len() as u64 - loose, loose }),
    }
}
