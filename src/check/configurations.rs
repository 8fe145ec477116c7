//! The configurations of a case: planner off, strict, standard and fast, each with a fresh and a cached plan, roots together and one
//! by one; and a few more that each test one thing.
//!
//! On the CPU a case runs in every mode. On a GPU, where compiling takes most of the time, the modes other than standard take turns.
//! The number of a case decides whether it reuses a plan or takes roots one by one, so that every combination is equally common.

use super::coverage::{HOW, PLANNERS as NAMES};
use crate::engine::RunOptions;
use crate::graph::Case;
use crate::planner::RuleCheck;
use crate::types::Numerics;

/// The modes of a session's engines, by number.
pub(super) const MODES: [Numerics; 3] = [Numerics::Strict, Numerics::Standard, Numerics::Fast];
pub(super) const STANDARD: usize = 1;
pub(super) const FAST: usize = 2;

pub(super) const PLAIN: RunOptions = RunOptions { plan: false, fuse: false };
pub(super) const FUSED: RunOptions = RunOptions { plan: false, fuse: true };
pub(super) const PLANNED: RunOptions = RunOptions { plan: true, fuse: false };
pub(super) const WHOLE: RunOptions = RunOptions { plan: true, fuse: true };

/// What the planner may do, as it is called in summaries, with the engine that does it.
const PLANNERS: [(&str, usize, RunOptions); 4] =
    [(NAMES[0], STANDARD, FUSED), (NAMES[1], 0, WHOLE), (NAMES[2], STANDARD, WHOLE), (NAMES[3], FAST, WHOLE)];

/// What a configuration does with a case.
#[derive(Clone)]
pub(super) enum Procedure {
    /// All roots, a new plan.
    Together,
    /// The plan of the case once more, with other data.
    Cached,
    /// Another constant in the graph, whose plan must not be that of the case.
    OtherLiteral,
    /// Each root by itself; `cached` with the plan once more and other data.
    OneByOne { cached: bool },
    /// A plan that takes this rule wherever it applies.
    Forced(Box<ForcedRule>),
    /// Together, and the same bits as without planner and fusion.
    Bits,
    /// What has the same bits on every device, against the bits of the CPU.
    Across,
}

/// A rule that a plan must apply, with the rules that first produce its left side where no program spells it.
#[derive(Clone)]
pub(super) struct ForcedRule {
    pub(super) rule: RuleCheck,
    pub(super) others: Vec<RuleCheck>,
}

/// One way to run a case and what must then hold.
#[derive(Clone)]
pub(super) struct Configuration {
    pub(super) name: String,
    pub(super) engine: usize,
    pub(super) options: RunOptions,
    pub(super) procedure: Procedure,
}

fn planner(which: usize, procedure: Procedure) -> Configuration {
    let (name, engine, options) = PLANNERS[which];
    let how = match procedure {
        Procedure::Cached => HOW[1],
        Procedure::OneByOne { cached: false } => HOW[2],
        Procedure::OneByOne { cached: true } => HOW[3],
        _ => HOW[0],
    };
    Configuration { name: format!("{name}{how}"), engine, options, procedure }
}

fn beside(name: &str, options: RunOptions, procedure: Procedure) -> Configuration {
    Configuration { name: name.into(), engine: STANDARD, options, procedure }
}

fn fresh(which: usize) -> Configuration {
    // Strict results have the bits of the graph as recorded, fused or not.
    let bits = MODES[PLANNERS[which].1] == Numerics::Strict;
    planner(which, if bits { Procedure::Bits } else { Procedure::Together })
}

fn across() -> Configuration {
    Configuration { name: "strict, against the CPU".into(), engine: 0, options: WHOLE, procedure: Procedure::Across }
}

fn unfused() -> Configuration {
    beside("standard, unfused", PLANNED, Procedure::Together)
}

fn other_literal() -> Configuration {
    beside("standard, another constant", WHOLE, Procedure::OtherLiteral)
}

/// The configurations of the case of this number.
pub(super) fn of_turn(case: &Case, index: u64, rule: Option<&ForcedRule>, gpu: bool) -> Vec<Configuration> {
    let (turn, round) = ((index % 4) as usize, (index / 4 % 4) as usize);
    let mut all = Vec::new();
    if !gpu || index % 8 == 4 {
        all.push(beside("off, unfused", PLAIN, Procedure::Together));
    }
    let standard = PLANNERS[2];
    all.extend((0..4).filter(|&p| !gpu || p == turn || PLANNERS[p] == standard).map(fresh));
    if gpu && index.is_multiple_of(2) {
        all.push(across());
    }
    all.push(planner(turn, Procedure::Cached));
    if case.graph.roots.len() > 1 {
        // A GPU has the kernels of the mode whose turn it is already.
        let by_one = match gpu {
            false => Some((round, index / 16 % 2 == 1)),
            true => round.is_multiple_of(2).then_some((turn, round == 2)),
        };
        all.extend(by_one.map(|(p, cached)| planner(p, Procedure::OneByOne { cached })));
    }
    if turn == 1 {
        all.extend([unfused(), other_literal()]);
    }
    if let Some(rule) = rule {
        let name = "one rule forced".into();
        all.push(Configuration {
            name,
            engine: FAST,
            options: FUSED,
            procedure: Procedure::Forced(Box::new(rule.clone())),
        });
    }
    all
}

/// The configurations of a case of this number whose results are known: on a GPU strict and standard take turns.
pub(super) fn of_known(index: u64, gpu: bool) -> Vec<Configuration> {
    let turn = ((index / 16 + index / 64 + index / 128) % 2) as usize;
    (0..2).filter(|i| !gpu || *i == turn).map(|i| planner(1 + i, Procedure::Together)).collect()
}

/// Every configuration.
pub(super) fn all(case: &Case, gpu: bool) -> Vec<Configuration> {
    let mut all = vec![beside("off, unfused", PLAIN, Procedure::Together)];
    for p in 0..PLANNERS.len() {
        all.extend([fresh(p), planner(p, Procedure::Cached)]);
        if case.graph.roots.len() > 1 {
            all.extend([false, true].map(|cached| planner(p, Procedure::OneByOne { cached })));
        }
    }
    all.extend([unfused(), other_literal()]);
    all.extend(gpu.then(across));
    all
}
