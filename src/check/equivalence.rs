//! The check that embedders run on their own arrays: what an engine makes of them against the oracle and against the same graph
//! without planner and fusion.

use super::coverage::Coverage;
use super::diagnose::Probe;
use super::report::Report;
use crate::array::Array;
use crate::engine::{Engine, RunOptions};
use crate::error::{Error, Result};
use crate::graph::Case;

/// The pending graph of arrays with its data, as a case to check, keep or shrink. Evaluates nothing. `None` when every array is
/// evaluated already.
///
/// # Errors
/// The error of a poisoned array; an argument error for arrays of another engine.
pub fn case_of(engine: &Engine, roots: &[&Array]) -> Result<Option<Case>> {
    let mut nodes = Vec::with_capacity(roots.len());
    for array in roots {
        if !array.engine().same(engine) {
            return Err(Error::argument("check: expected arrays of this engine, given one of another"));
        }
        nodes.push(array.node()?);
    }
    engine.pending_case(&nodes)
}

/// Checks what `engine` makes of the pending graph of `roots`: evaluated as the engine would (its device, numerics and rules, its
/// own rule files included), every element of every root must lie in the oracle's set of results that a correct run may give.
/// The arrays stay pending.
///
/// A divergence names the first node, in topological order, that differs when evaluated by itself, and the rule, group or
/// operation that made it. Cost: the oracle carries every element of every node in double-double on one thread, some hundred
/// times the work of the evaluation itself, and keeps about 60 bytes for each. Nothing else should be evaluated on the engine
/// meanwhile: in Fast mode the bounds are those of the graph that ran last.
///
/// ```
/// use lazurite::check::equivalence;
/// use lazurite::{DeviceChoice, Engine};
///
/// let engine = |rule| Engine::builder().device(DeviceChoice::Cpu).rules_on_trust("mine.rules", rule).build();
/// let data = [1.5f32, -2.0, 0.25];
///
/// let sound = engine("rule sign-back : exact abs(x) * sign(x) => x")?;
/// let x = sound.from_slice(&data, &[3])?;
/// let report = equivalence(&sound, &[&(x.abs() * x.sign()).sum(0, false)])?;
/// assert!(report.is_equivalent(), "{report}");
/// assert!(report.coverage.rules.contains_key("sign-back"));
///
/// let wrong = engine("rule sign-lost : exact abs(x) * sign(x) => abs(x)")?;
/// let x = wrong.from_slice(&data, &[3])?;
/// let found = equivalence(&wrong, &[&(x.abs() * x.sign()).sum(0, false)])?.divergence.expect("−2 became 2");
/// assert!(found.blame.names_rule("sign-lost"), "{found}");
/// # Ok::<(), lazurite::Error>(())
/// ```
///
/// # Errors
/// The error of a poisoned array; an argument error for arrays of another engine or when nothing is pending.
pub fn equivalence(engine: &Engine, roots: &[&Array]) -> Result<Report> {
    match case_of(engine, roots)? {
        Some(case) => Ok(equivalence_of(engine, &case)),
        None => Err(Error::argument("check: expected arrays with something to evaluate, given evaluated ones")),
    }
}

/// As [`equivalence`], for a graph with its data.
#[must_use]
pub fn equivalence_of(engine: &Engine, case: &Case) -> Report {
    let probe = Probe::new(engine, RunOptions::default());
    let mut coverage = Coverage::default();
    coverage.graph(&case.graph);
    let divergence = match probe.fault(case) {
        Ok(tally) => {
            coverage.tally = tally;
            None
        }
        Err(wrong) => Some(probe.diagnose(case, wrong)),
    };
    if let Some(ran) = engine.last_evaluation().filter(|_| divergence.is_none()) {
        coverage.run(&format!("{} {}", engine.numerics(), if ran.device.is_some() { "gpu" } else { "cpu" }));
        ran.prepared.plan.iter().for_each(|p| coverage.plan(p));
        coverage.schedule(&ran.prepared.schedule);
    }
    Report { coverage, divergence }
}
