//! Many cases through many configurations: random graphs and graphs made from rules, with the planner off, strict, standard and
//! fast, fused and not, with a fresh and a cached plan, roots together and one by one.
//!
//! A case is a function of seed and index, so that any of them can be run again alone. A case that diverges is made small and blamed
//! on the rule, group or operation that computed the wrong value.

use std::path::PathBuf;
use std::sync::Arc;

use super::across::Across;
use super::compare::{Mismatch, Tally, compare};
use super::configurations::{self, Configuration, FAST, ForcedRule, MODES, PLAIN, Procedure, STANDARD, WHOLE};
use super::coverage::Coverage;
use super::diagnose::{Probe, Wrong};
use super::finding::{Finding, bits_differ};
use super::known::{Known, known_case};
use super::minimise::minimise;
use super::report::{Blame, BlamedRule, Divergence, Tolerance};
use super::runs::{caught, value};
use super::strategies::{Above, Recipe, Variation, grow_with, rule_case};
use super::tensor::Tensor;
use super::variants::{with_other_data, with_other_literal};
use crate::algorithms::minimal;
use crate::dump::{RuleFile, Settings};
use crate::engine::{Engine, EngineBuilder};
use crate::error::Result;
use crate::graph::Case;
use crate::planner::{Fired, Plan, PlanOptions, RuleCheck, Rules};
use crate::schedule::{Place, Step};
use crate::types::{DeviceChoice, HostBuffer, Numerics};

/// Steps of a random recipe.
const STEPS: usize = 40;
/// Runs that shrinking a case may take.
const MOST_SHRINKS: usize = 300;

/// What is checked.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Where. `Auto` is the CPU unless there is a hardware GPU, as for any engine.
    pub device: DeviceChoice,
    /// Rule files to use in addition to the built-in ones.
    pub rules: Vec<RuleFile>,
    /// The folder that certificates of devices are kept in; see [`EngineBuilder::certificates`].
    pub certificates: Option<PathBuf>,
    /// Which cases.
    pub seed: u64,
    /// One case in so many is made from a rule, all rules in turn; the others are random. 0 for none.
    pub rule_every: u64,
}

impl SessionOptions {
    /// Every third case is made from a built-in rule.
    #[must_use]
    pub fn new(device: DeviceChoice, seed: u64) -> Self {
        Self { device, rules: Vec::new(), certificates: None, seed, rule_every: 3 }
    }
}

/// Engines of every numerics mode, and what was checked on them.
pub struct Session {
    options: SessionOptions,
    rules: Arc<Rules>,
    engines: [Engine; 3],
    /// Beside a GPU, a strict engine on the CPU, whose bits are compared.
    cpu: Option<Engine>,
    gpu: bool,
    /// What was covered so far.
    pub coverage: Coverage,
}

/// A case with what it was made from, so that it can be made smaller.
struct MadeCase {
    case: Case,
    origin: CaseOrigin,
}

/// What a case was made from.
enum CaseOrigin {
    Recipe(Recipe),
    Rule(Box<ForcedRule>),
    /// What its roots are, which the oracle is not asked for.
    Known(Vec<Tensor>),
}

impl MadeCase {
    fn of_rule(case: Case, rule: ForcedRule) -> Self {
        Self { case, origin: CaseOrigin::Rule(Box::new(rule)) }
    }

    /// The rule that a plan of the case must be able to apply.
    fn rule(&self) -> Option<&ForcedRule> {
        match &self.origin {
            CaseOrigin::Rule(rule) => Some(rule),
            CaseOrigin::Recipe(_) | CaseOrigin::Known(_) => None,
        }
    }
}

impl Session {
    /// Engines for these options.
    ///
    /// # Errors
    /// What [`EngineBuilder::build`] says.
    pub fn new(options: SessionOptions) -> Result<Self> {
        let build = |mode| builder(&options, mode).build();
        let engines = [build(MODES[0])?, build(MODES[1])?, build(MODES[2])?];
        let rules = engines[1].rules().clone();
        let gpu = engines[1].device_name().is_some();
        let on_cpu = SessionOptions { device: DeviceChoice::Cpu, ..options.clone() };
        let cpu = gpu.then(|| builder(&on_cpu, MODES[0]).build()).transpose()?;
        Ok(Self { options, rules, engines, cpu, gpu, coverage: Coverage::default() })
    }

    /// The rules in use.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// The device in use, in words.
    #[must_use]
    pub fn device(&self) -> String {
        self.engines[1].device_name().unwrap_or_else(|| "the CPU".into())
    }

    fn made(&self, index: u64) -> MadeCase {
        let every = self.options.rule_every;
        if every > 0
            && index % every == every - 1
            && let Some(made) = self.made_of_rule(index / every, index)
        {
            return made;
        }
        if let Some(Known { case, expected }) = known_case(&self.engines[0], self.options.seed, index) {
            return MadeCase { case, origin: CaseOrigin::Known(expected) };
        }
        let recipe = Recipe::random(self.options.seed, index, STEPS);
        MadeCase { case: grow_with(&recipe, &self.rules), origin: CaseOrigin::Recipe(recipe) }
    }

    /// The case of the rule whose turn it is: as it is in the first round, then every other time with an edit.
    fn made_of_rule(&self, turn: u64, index: u64) -> Option<MadeCase> {
        let checks: Vec<RuleCheck> = self.rules.checks().collect();
        let n = checks.len() as u64;
        let rule = checks.get(turn.checked_rem(n)? as usize)?.clone();
        let seed = self.options.seed;
        let edited = (turn / n) % 2 == 1;
        let with = |others| ForcedRule { rule: rule.clone(), others };
        for attempt in 0..12 {
            let at = index.wrapping_add(attempt << 32);
            if let Some(made) = rule_case(&self.rules, &rule, Variation { edited, above: Above::Nothing }, seed, at)
                && (edited || self.applies(&made.case, &with(Vec::new())))
            {
                return Some(MadeCase::of_rule(made.case, with(Vec::new())));
            }
        }
        if let Some(made) = self.made_of_provider(&rule, index) {
            return Some(made);
        }
        tracing::debug!(rule = rule.name(), "no case was found in which this rule applies");
        let near_miss = Variation { edited: true, above: Above::Nothing };
        let made = rule_case(&self.rules, &rule, near_miss, seed, index)?;
        Some(MadeCase::of_rule(made.case, with(Vec::new())))
    }

    /// A case for a rule whose left side no program spells: the case holds the left side of another rule, which produces it.
    fn made_of_provider(&self, rule: &RuleCheck, index: u64) -> Option<MadeCase> {
        let providers = rule.providers(&self.rules);
        for attempt in 0..20 {
            let as_it_is = Variation { edited: false, above: Above::ALL[attempt as usize % Above::ALL.len()] };
            for provider in &providers {
                let at = index.wrapping_add(attempt << 32);
                let Some(made) = rule_case(&self.rules, provider, as_it_is, self.options.seed, at) else { continue };
                let forced = ForcedRule { rule: rule.clone(), others: vec![provider.clone()] };
                if self.applies(&made.case, &forced) {
                    return Some(MadeCase::of_rule(made.case, forced));
                }
            }
        }
        None
    }

    /// Whether a plan that is forced to take the rule does.
    fn applies(&self, case: &Case, forced: &ForcedRule) -> bool {
        self.plan_forcing(case, forced).fired.iter().any(|f| f.rule == forced.rule.name())
    }

    /// The case of this number.
    #[must_use]
    pub fn case(&self, index: u64) -> Case {
        self.made(index).case
    }

    /// Runs one case through its configurations.
    ///
    /// # Errors
    /// What diverges.
    pub fn check(&mut self, index: u64) -> std::result::Result<(), Box<Finding>> {
        let made = self.made(index);
        self.coverage.graph(&made.case.graph);
        if let CaseOrigin::Known(expected) = &made.origin {
            return self.check_known(&made.case, expected, index);
        }
        let all = configurations::of_turn(&made.case, index, made.rule(), self.gpu);
        self.check_in(&made.case, all).map_err(|config| {
            let small = self.shrink(&made, &config);
            Box::new(self.finding(index, &small, &config))
        })
    }

    /// Whether a case holds in the fewest configurations that reach every stage: fused, planned, cached. A divergence is not
    /// diagnosed.
    pub fn holds(&mut self, index: u64) -> bool {
        let made = self.made(index);
        if let CaseOrigin::Known(expected) = &made.origin {
            return self.check_known(&made.case, expected, index).is_ok();
        }
        let mut few = configurations::of_turn(&made.case, index, made.rule(), self.gpu);
        few.retain(|c| c.engine < 2 && c.options.fuse || matches!(c.procedure, Procedure::Forced(_)));
        self.check_in(&made.case, few).is_ok()
    }

    /// Runs a case whose results are known, strict and standard.
    fn check_known(&mut self, case: &Case, expected: &[Tensor], index: u64) -> std::result::Result<(), Box<Finding>> {
        for config in configurations::of_known(index, self.gpu) {
            let judged = self.probe(&config).run(case).and_then(|given| {
                let mut tally = Tally::default();
                for (i, (expected, given)) in expected.iter().zip(&given).enumerate() {
                    tally.add(compare(expected, given).map_err(|m| Wrong::Value(i, m))?);
                }
                Ok(tally)
            });
            match judged {
                Ok(tally) => self.count(case, &config, tally),
                Err(Wrong::Value(root, mismatch)) => {
                    let because = String::from("the roundings of a composite or long fold around what it means");
                    let radius = mismatch.expected.map_or(0.0, |e| e.radius);
                    let tolerance = Tolerance { radius, own: radius, because };
                    let (node, blame) = (case.graph.roots[root], Blame::Together);
                    let divergence =
                        Divergence { case: case.clone(), root, node, mismatch: *mismatch, tolerance, blame };
                    return Err(Box::new(self.finding_of(index, divergence, &config)));
                }
                Err(wrong) => {
                    let divergence = self.probe(&config).diagnose(case, wrong);
                    return Err(Box::new(self.finding_of(index, divergence, &config)));
                }
            }
        }
        Ok(())
    }

    /// Runs a case that came from elsewhere through every configuration.
    ///
    /// # Errors
    /// What diverges.
    pub fn check_given(&mut self, case: &Case) -> std::result::Result<(), Box<Finding>> {
        self.coverage.graph(&case.graph);
        let every = configurations::all(case, self.gpu);
        self.check_in(case, every).map_err(|config| Box::new(self.finding(0, case, &config)))
    }

    /// Runs a case in these configurations. The error is the first one in which it does not hold.
    fn check_in(&mut self, case: &Case, all: Vec<Configuration>) -> std::result::Result<(), Configuration> {
        // What is known depends on the liberties taken only, and is computed once for all configurations that take the same.
        let mut known: [Option<Vec<Tensor>>; 3] = [None, None, None];
        for config in all {
            let liberties = match config.engine {
                FAST => FAST,
                engine => usize::from(config.options.plan && engine == STANDARD),
            };
            match self.attempt(case, &config, &mut known[liberties]) {
                Ok(tally) => self.count(case, &config, tally),
                Err(_) => return Err(config),
            }
        }
        Ok(())
    }

    /// Counts a run that held.
    fn count(&mut self, case: &Case, config: &Configuration, tally: Tally) {
        self.coverage.tally.add(tally);
        self.coverage.run(&config.name);
        if let Some(ran) = self.engines[config.engine].last_evaluation() {
            if config.options.plan {
                ran.prepared.plan.iter().for_each(|p| self.coverage.plan(p));
            }
            self.coverage.schedule(&ran.prepared.schedule);
            if matches!(config.procedure, Procedure::Across) {
                self.coverage.promised(&ran.prepared.graph, &ran.prepared.schedule);
            }
        }
        if let Procedure::Forced(rule) = &config.procedure {
            let planned = self.plan_forcing(case, rule);
            self.coverage.plan(&planned);
        }
    }

    /// Whether everything that the last run computed was computed on the session's device: sums of floats have the same bits fused
    /// and unfused on one device, not on two.
    fn ran_in_one_place(&self, probe: &Probe<'_>) -> bool {
        let on_the_cpu = |step: &Step| match step {
            Step::Run(group) => group.place == Place::Cpu,
            Step::Host { .. } => true,
            _ => false,
        };
        let last = probe.engine.last_evaluation();
        !self.gpu || last.is_some_and(|ran| !ran.prepared.schedule.steps.iter().any(on_the_cpu))
    }

    /// The comparison of strict results with those of the CPU, where there is a GPU.
    fn across(&self) -> Option<Across<'_>> {
        self.cpu.as_ref().map(|cpu| Across { device: &self.engines[0], cpu })
    }

    fn probe(&self, config: &Configuration) -> Probe<'_> {
        Probe::new(&self.engines[config.engine], config.options)
    }

    /// A plan that takes a rule wherever it applies.
    fn plan_forcing(&self, case: &Case, forced: &ForcedRule) -> Plan {
        let costs = self.engines[2].costs().clone();
        let options = PlanOptions { numerics: Numerics::Fast, rules: self.rules.clone(), ..PlanOptions::new(costs) };
        forced.rule.force(&forced.others, &case.graph, &options)
    }

    /// Runs a case in one configuration. `known` is filled with what the oracle says, unless it is there.
    fn attempt(
        &self,
        case: &Case,
        config: &Configuration,
        known: &mut Option<Vec<Tensor>>,
    ) -> std::result::Result<Tally, Wrong> {
        let probe = self.probe(config);
        let mut judge = |given: &[Arc<HostBuffer>], probe: &Probe<'_>| {
            if known.is_none() {
                *known = Some(probe.known(case)?);
            }
            probe.compare_roots(case, known.as_deref().unwrap_or_default(), given)
        };
        match &config.procedure {
            Procedure::Together => judge(&probe.run(case)?, &probe),
            Procedure::Bits => {
                let plain = probe.with(PLAIN).run(case)?;
                let plain_on_one = self.ran_in_one_place(&probe);
                let given = probe.run(case)?;
                let tally = judge(&given, &probe)?;
                if !(plain_on_one && self.ran_in_one_place(&probe)) {
                    return Ok(tally);
                }
                match given.iter().zip(&plain).position(|(a, b)| a.first_difference(b).is_some()) {
                    Some(root) => Err(Wrong::Value(root, Box::new(bits_differ(&plain[root], &given[root])))),
                    None => Ok(tally),
                }
            }
            Procedure::Across => self.across().map_or(Ok(Tally::default()), |across| across.fault(case)),
            Procedure::Cached => self.cached(case, &probe),
            Procedure::OtherLiteral => {
                let Some(other) = with_other_literal(case) else { return Ok(Tally::default()) };
                probe.run(case)?;
                let given = probe.run(&other)?;
                probe.compare_roots(&other, &probe.known(&other)?, &given)
            }
            Procedure::OneByOne { cached } => {
                let mut tally = Tally::default();
                for root in &case.graph.roots {
                    let one = case.with_roots(&[*root]);
                    tally.add(if *cached { self.cached(&one, &probe)? } else { probe.fault(&one)? });
                }
                Ok(tally)
            }
            Procedure::Forced(rule) => {
                let on_plan = case.with_graph(self.plan_forcing(case, rule).graph);
                judge(&probe.run(&on_plan)?, &probe.with(WHOLE))
            }
        }
    }

    /// Runs a case twice, the second time with other data and the plan of the first.
    fn cached(&self, case: &Case, probe: &Probe<'_>) -> std::result::Result<Tally, Wrong> {
        probe.run(case)?;
        let other = with_other_data(case);
        let hits = probe.engine.stats().plan_hits;
        let given = probe.run(&other)?;
        if probe.engine.stats().plan_hits == hits {
            return Err(Wrong::Failure("the plan of an equal graph was not found in the cache".into()));
        }
        probe.compare_roots(&other, &probe.known(&other)?, &given)
    }

    fn fails(&self, case: &Case, config: &Configuration) -> bool {
        self.attempt(case, config, &mut None).is_err()
    }

    /// A smaller case that still diverges in the same configuration.
    fn shrink(&self, made: &MadeCase, config: &Configuration) -> Case {
        let best = match &made.origin {
            CaseOrigin::Recipe(recipe) => {
                let grown = |steps: &[_]| grow_with(&Recipe { head: recipe.head, steps: steps.to_vec() }, &self.rules);
                grown(&minimal(&recipe.steps, MOST_SHRINKS, &mut |steps| self.fails(&grown(steps), config)))
            }
            CaseOrigin::Rule(_) | CaseOrigin::Known(_) => made.case.clone(),
        };
        minimise(&best, |c| self.fails(c, config), |c, id| value(self.probe(config).engine, c, id))
    }

    fn finding(&self, index: u64, case: &Case, config: &Configuration) -> Finding {
        self.finding_of(index, self.diagnose(case, config), config)
    }

    fn finding_of(&self, index: u64, divergence: Divergence, config: &Configuration) -> Finding {
        let settings = Settings {
            device: self.options.device,
            numerics: MODES[config.engine],
            plan: config.options.plan || matches!(config.procedure, Procedure::Forced(_)),
            fuse: config.options.fuse,
            rules: self.options.rules.clone(),
            ran_on: Some(self.device()),
        };
        Finding { index, configuration: config.name.clone(), settings, divergence }
    }

    /// The divergence of a case that fails in this configuration.
    fn diagnose(&self, case: &Case, config: &Configuration) -> Divergence {
        let probe = self.probe(config);
        match (&config.procedure, self.attempt(case, config, &mut None)) {
            (_, Ok(_)) => probe.diagnose(case, Wrong::Failure("it did not diverge again".into())),
            (Procedure::Across, Err(Wrong::Value(root, mismatch))) => match self.across() {
                Some(across) => across.diagnose(case, root, *mismatch),
                None => probe.diagnose(case, Wrong::Value(root, mismatch)),
            },
            (Procedure::Cached, Err(Wrong::Value(root, mismatch))) => {
                self.diagnose_cached(&with_other_data(case), root, mismatch, config)
            }
            (Procedure::OtherLiteral, Err(Wrong::Value(root, mismatch))) => {
                let other = with_other_literal(case).unwrap_or_else(|| case.clone());
                self.diagnose_cached(&other, root, mismatch, config)
            }
            (Procedure::Forced(rule), Err(Wrong::Value(root, mismatch))) => {
                self.diagnose_forced(case, rule, root, mismatch, config)
            }
            (_, Err(wrong)) => probe.diagnose(case, wrong),
        }
    }

    /// A divergence with a plan that may come from the cache: the cached plan is to blame if the case is right on an engine that
    /// has planned nothing yet.
    fn diagnose_cached(&self, case: &Case, root: usize, mismatch: Box<Mismatch>, config: &Configuration) -> Divergence {
        let probe = self.probe(config);
        let fresh = builder(&self.options, MODES[config.engine]).build();
        if fresh.is_ok_and(|e| Probe::new(&e, config.options).fault(case).is_ok()) {
            return whole(case, root, *mismatch, &probe, Blame::Cached);
        }
        probe.diagnose(case, Wrong::Value(root, mismatch))
    }

    /// A divergence of a plan that had to take a rule: the rule is to blame if the planned graph is wrong node by node.
    fn diagnose_forced(
        &self,
        case: &Case,
        forced: &ForcedRule,
        root: usize,
        mismatch: Box<Mismatch>,
        config: &Configuration,
    ) -> Divergence {
        let probe = self.probe(config);
        let planned = self.plan_forcing(case, forced);
        let on_plan = case.with_graph(planned.graph);
        let given = caught(probe.engine, &on_plan, PLAIN).unwrap_or_default();
        let by_rules = probe.with(WHOLE);
        let judged = by_rules.known(case).ok().map(|k| by_rules.compare_roots(case, &k, &given));
        if !matches!(judged, Some(Err(_))) {
            return probe.diagnose(&on_plan, Wrong::Value(root, mismatch));
        }
        let named = |f: &&Fired| [&forced.rule].into_iter().chain(&forced.others).any(|c| c.name() == f.rule);
        let blame = Blame::Rules(planned.fired.iter().filter(named).map(BlamedRule::of).collect());
        whole(case, root, *mismatch, &by_rules, blame)
    }
}

fn whole(case: &Case, root: usize, mismatch: Mismatch, probe: &Probe<'_>, blame: Blame) -> Divergence {
    let node = case.graph.roots[root];
    let tolerance = probe.tolerance(case, node, &mismatch);
    Divergence { case: case.clone(), root, node, mismatch, tolerance, blame }
}

fn builder(options: &SessionOptions, mode: Numerics) -> EngineBuilder {
    let plain = Engine::builder().device(options.device).numerics(mode).plan_cache(64);
    #[cfg(feature = "gpu")]
    let plain = match &options.certificates {
        Some(folder) => plain.certificates(folder),
        None => plain,
    };
    options.rules.iter().fold(plain, |b, file| b.rules_on_trust(file.name.clone(), file.text.clone()))
}
