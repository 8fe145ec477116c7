//! One case run by an engine and every root compared with the oracle. When a root differs, the case is made smaller and the first
//! node that differs is named.

use std::fmt::Write;
use std::sync::Arc;

use super::allowance::Allowance;
use super::compare::{Tally, WrongRoot, compare, compare_roots, rebracketed, rebrackets};
use super::minimise::minimise;
use super::oracle::{evaluate, evaluate_over};
use super::tensor::Tensor;
use crate::engine::{Engine, RunOptions};
use crate::error::{Error, Result};
use crate::graph::{Case, NodeId};
use crate::types::HostBuffer;

/// Runs a case.
///
/// # Errors
/// What the evaluation says.
pub fn run(engine: &Engine, case: &Case, options: RunOptions) -> Result<Vec<Arc<HostBuffer>>> {
    engine.run_graph(case.graph.clone(), case.leaves.clone(), &case.slots, options)
}

/// A run of a case, its panics as errors: a panic is a finding like any other, and has to be shrunk and reported.
pub(super) fn caught(engine: &Engine, case: &Case, options: RunOptions) -> Result<Vec<Arc<HostBuffer>>> {
    let work = std::panic::AssertUnwindSafe(|| run(engine, case, options));
    std::panic::catch_unwind(work).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        Err(Error::internal(format!("panicked: {text}")))
    })
}

/// What is wrong with a case, if anything, in a few words.
fn fault(engine: &Engine, case: &Case, options: RunOptions, allow: Allowance) -> std::result::Result<Tally, String> {
    let known = evaluate(case, allow).map_err(|e| e.to_string())?;
    let given = caught(engine, case, options).map_err(|e| e.to_string())?;
    let differs = |w: WrongRoot| format!("{} = {} differs: {}", w.node, case.graph.node(w.node).op, w.mismatch);
    let compared = compare_roots(&case.graph, &known, &given);
    let last = engine.last_evaluation().filter(|e| e.prepared.plan.as_ref().is_some_and(rebrackets));
    let (Err(_), true, Some(last)) = (&compared, options.plan, last) else { return compared.map_err(differs) };
    let graph = &last.prepared.graph;
    let ran = evaluate_over(graph, case, allow, |_| {}).map_err(|e| e.to_string())?;
    let mut known = known;
    for (root, of_ran) in case.graph.roots.iter().zip(&graph.roots) {
        known[root.index()] = rebracketed(&known[root.index()], &ran[of_ran.index()]);
    }
    compare_roots(&case.graph, &known, &given).map_err(differs)
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
    fault(engine, case, options, allow).map_err(|what| format!("{options:?}, {allow:?}: {what}\n{case:?}"))
}

/// The report of a failing case: made small, with the first node that differs when asked for by itself.
#[must_use]
pub fn report(engine: &Engine, case: &Case, options: RunOptions, allow: Allowance) -> String {
    let fails = |c: &Case| fault(engine, c, options, allow).is_err();
    let small = minimise(case, fails, |c, id| value(engine, c, id));
    let Err(what) = fault(engine, &small, options, allow) else { return String::from("did not fail again") };
    let known = evaluate(&small, allow).unwrap_or_default();
    let first = first_difference(engine, &small, options, &known);
    let ran = engine.last_evaluation().map(|e| e.to_string()).unwrap_or_default();
    format!("{options:?}, {allow:?}: {what}\n{first}\n{small:?}\nwhat ran last:\n{ran}")
}

/// A node by itself, without planner and fusion.
pub(super) fn value(engine: &Engine, case: &Case, id: NodeId) -> Option<HostBuffer> {
    let plain = RunOptions { plan: false, fuse: false };
    let all = caught(engine, &case.with_roots(&[id]), plain).ok()?;
    all.first().map(|b| (**b).clone())
}

/// The first node that differs when it is the only root, with its operands' expected values at the place.
fn first_difference(engine: &Engine, case: &Case, options: RunOptions, known: &[Tensor]) -> String {
    for id in case.graph.ids() {
        let Ok(given) = caught(engine, &case.with_roots(&[id]), options) else {
            return format!("first node that fails by itself: {id} = {}", case.graph.node(id).op);
        };
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

/// The first root whose bits differ between two ways to run a case.
///
/// # Errors
/// A report when a run fails or bits differ.
pub fn check_bits(engine: &Engine, case: &Case, one: RunOptions, other: RunOptions) -> std::result::Result<(), String> {
    bits(engine, case, one, other).map_err(|what| format!("{one:?} and {other:?}: {what}\n{case:?}"))
}

fn bits(engine: &Engine, case: &Case, one: RunOptions, other: RunOptions) -> std::result::Result<(), String> {
    let of = |options| caught(engine, case, options).map_err(|e| format!("{options:?}: {e}"));
    let (a, b) = (of(one)?, of(other)?);
    for ((root, a), b) in case.graph.roots.iter().zip(&a).zip(&b) {
        if let Some(i) = a.first_difference(b) {
            let op = &case.graph.node(*root).op;
            return Err(format!("{root} = {op} element {i}: {:?} and {:?}", a.get(i), b.get(i)));
        }
    }
    Ok(())
}

/// The report of a case whose bits differ, made small.
#[must_use]
pub fn report_bits(engine: &Engine, case: &Case, one: RunOptions, other: RunOptions) -> String {
    let small = minimise(case, |c| bits(engine, c, one, other).is_err(), |c, id| value(engine, c, id));
    let Err(what) = bits(engine, &small, one, other) else { return String::from("did not fail again") };
    let ran = engine.last_evaluation().map(|e| e.to_string()).unwrap_or_default();
    format!("{one:?} and {other:?}: {what}\n{small:?}\nwhat ran last:\n{ran}")
}
