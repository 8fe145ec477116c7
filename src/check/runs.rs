//! Runs against the oracle: one case through an engine, every root compared, and when one differs, the first node that does.

use std::fmt::Write;
use std::sync::Arc;

use super::allowance::Allowance;
use super::compare::{Tally, compare};
use super::oracle::evaluate;
use super::strategies::Case;
use super::tensor::Tensor;
use crate::engine::{Engine, RunOptions};
use crate::error::Result;
use crate::graph::NodeId;
use crate::types::HostBuffer;

/// Runs a case.
///
/// # Errors
/// What the evaluation says.
pub fn run(engine: &Engine, case: &Case, options: RunOptions) -> Result<Vec<Arc<HostBuffer>>> {
    engine.run_graph(case.graph.clone(), case.leaves.clone(), &case.slots, options)
}

/// Runs a case and compares all roots with what the oracle allows.
///
/// # Errors
/// A report: what differs, the first node that differs when asked for by itself, and the graph.
pub fn check(
    engine: &Engine,
    case: &Case,
    options: RunOptions,
    allow: Allowance,
) -> std::result::Result<Tally, String> {
    let failed = |e: crate::Error| format!("{e}\n{case:?}");
    let known = evaluate(&case.graph, &case.leaves, &case.slots, allow).map_err(failed)?;
    let given = match run(engine, case, options) {
        Ok(given) => given,
        Err(e) => return Err(format!("{options:?}: {e}\n{}{case:?}", first_failure(engine, case, options))),
    };
    let mut total = Tally::default();
    for (i, (root, given)) in case.graph.roots.iter().zip(&given).enumerate() {
        match compare(&known[root.index()], given) {
            Ok(tally) => total.add(tally),
            Err(m) => {
                let first = first_difference(engine, case, options, &known);
                return Err(format!(
                    "{options:?}, {allow:?}: root {i} ({root} = {}) differs: {m}\n{first}\n{case:?}",
                    case.graph.node(*root).op
                ));
            }
        }
    }
    Ok(total)
}

/// The first node that fails when it is the only root.
fn first_failure(engine: &Engine, case: &Case, options: RunOptions) -> String {
    for id in case.graph.ids() {
        if let Err(e) = run(engine, &case.with_roots(&[id]), options) {
            return format!("first failing node {id} = {}: {e}\n", case.graph.node(id).op);
        }
    }
    String::from("no node fails by itself\n")
}

/// The first node that differs when it is the only root, with its operands' expected values at the place.
fn first_difference(engine: &Engine, case: &Case, options: RunOptions, known: &[Tensor]) -> String {
    for id in case.graph.ids() {
        let Ok(given) = run(engine, &case.with_roots(&[id]), options) else { continue };
        let Err(m) = compare(&known[id.index()], &given[0]) else { continue };
        let node = case.graph.node(id);
        let mut text = format!("first node that differs by itself: {id} = {}: {m}", node.op);
        for (i, o) in node.operands.iter().enumerate() {
            let operand = &known[o.index()];
            let shown: Vec<String> = operand.elements.iter().take(4).map(ToString::to_string).collect();
            let _ = write!(text, "\n  operand {i} is {o} : {}{} [{}", operand.dtype, operand.shape, shown.join(", "));
            text.push_str(if operand.elements.len() > 4 { ", …]" } else { "]" });
        }
        return text;
    }
    String::from("no node differs by itself: only several roots, or several nodes, together")
}

/// Whether two buffers have the same bits, any NaN for any NaN.
#[must_use]
pub fn same_bits(a: &HostBuffer, b: &HostBuffer) -> Option<usize> {
    if a.dtype() != b.dtype() || a.len() != b.len() {
        return Some(0);
    }
    let nan = |s: crate::Scalar| s.dtype().is_float() && s.to_f64().is_nan();
    (0..a.len()).find(|&i| a.get(i) != b.get(i) && !(nan(a.get(i)) && nan(b.get(i))))
}

/// The first root whose bits differ between two ways to run a case, and the first node that does by itself.
///
/// # Errors
/// A report when a run fails or bits differ.
pub fn check_bits(engine: &Engine, case: &Case, one: RunOptions, other: RunOptions) -> std::result::Result<(), String> {
    let differ = |case: &Case| -> std::result::Result<Option<(NodeId, usize, String)>, String> {
        let of = |options| run(engine, case, options).map_err(|e| format!("{options:?}: {e}"));
        let (a, b) = (of(one)?, of(other)?);
        for ((root, a), b) in case.graph.roots.iter().zip(&a).zip(&b) {
            if let Some(i) = same_bits(a, b) {
                return Ok(Some((*root, i, format!("{:?} and {:?}", a.get(i), b.get(i)))));
            }
        }
        Ok(None)
    };
    let Some((root, i, values)) = differ(case).map_err(|e| format!("{e}\n{case:?}"))? else { return Ok(()) };
    let mut first = String::from("no node differs by itself");
    for id in case.graph.ids() {
        if let Ok(Some((_, i, values))) = differ(&case.with_roots(&[id])) {
            first =
                format!("first node that differs by itself: {id} = {} element {i}: {values}", case.graph.node(id).op);
            break;
        }
    }
    Err(format!("{one:?} and {other:?}: root {root} element {i}: {values}\n{first}\n{case:?}"))
}
