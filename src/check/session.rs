//! Many cases through many configurations: random graphs and graphs out of the rules, with the planner off, strict, standard and
//! fast, fused and not, with a fresh and a cached plan, roots together and one by one.
//!
//! A case is a function of seed and index, so any of them can be run again alone. What diverges comes back small, with its maker.

use std::sync::Arc;

use super::compare::Tally;
use super::coverage::Coverage;
use super::diagnose::{Probe, Wrong};
use super::finding::Finding;
use super::minimise::minimise;
use super::report::{Blame, Divergence};
use super::runs::{caught, value};
use super::strategies::{Recipe, grow_with, rule_case};
use super::tensor::Tensor;
use super::ways::{self, FAST, ForcedRule, Kind, MODES, PLAIN, STANDARD, WHOLE, Way};
use crate::algorithms::smallest;
use crate::dump::Settings;
use crate::engine::{Engine, EngineBuilder};
use crate::error::Result;
use crate::graph::Case;
use crate::planner::{PlanOptions, RuleCheck, Rules};
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
    /// Rule files to use beside the built-in ones: names and texts.
    pub rules: Vec<(String, String)>,
    /// Which cases.
    pub seed: u64,
    /// Every so many cases one is made from a rule, all rules in turn; the others are random. 0 for none.
    pub rule_every: u64,
}

impl SessionOptions {
    /// One case in three out of the built-in rules.
    #[must_use]
    pub fn new(device: DeviceChoice, seed: u64) -> Self {
        Self { device, rules: Vec::new(), seed, rule_every: 3 }
    }
}

/// Engines of every numerics mode, and what they have been through.
pub struct Session {
    options: SessionOptions,
    rules: Arc<Rules>,
    engines: [Engine; 3],
    gpu: bool,
    /// What was met so far.
    pub coverage: Coverage,
}

/// Where a case came from.
enum Origin {
    Recipe(Recipe),
    Rule(Box<ForcedRule>),
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
        Ok(Self { options, rules, engines, gpu, coverage: Coverage::default() })
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

    fn origin(&self, index: u64) -> (Case, Origin) {
        let every = self.options.rule_every;
        if every > 0
            && index % every == every - 1
            && let Some((case, forced)) = self.made_of_rule(index / every, index)
        {
            return (case, Origin::Rule(Box::new(forced)));
        }
        let recipe = Recipe::random(self.options.seed, index, STEPS);
        (grow_with(&recipe, &self.rules), Origin::Recipe(recipe))
    }

    /// The case of the rule whose turn it is: the first time round as it is, then every other time with an edit.
    fn made_of_rule(&self, turn: u64, index: u64) -> Option<(Case, ForcedRule)> {
        let checks: Vec<RuleCheck> = self.rules.checks().collect();
        let n = checks.len() as u64;
        let rule = checks.get(turn.checked_rem(n)? as usize)?.clone();
        let (round, seed) = (turn / n, self.options.seed);
        let edited = round % 2 == 1;
        let forced = ForcedRule { rule, others: Vec::new() };
        let fires =
            |case: &Case, with: &ForcedRule| self.force(case, with).fired.iter().any(|f| f.rule == with.rule.name());
        for attempt in 0..12 {
            let at = index.wrapping_add(attempt << 32);
            if let Some(made) = rule_case(&self.rules, &forced.rule, (edited, 0), seed, at)
                && (edited || fires(&made.case, &forced))
            {
                return Some((made.case, forced));
            }
        }
        // No program spells this left side: it comes out of another rule.
        let providers = forced.rule.providers(&self.rules);
        for attempt in 0..20 {
            for provider in &providers {
                let at = index.wrapping_add(attempt << 32);
                let Some(made) = rule_case(&self.rules, provider, (false, attempt % 5), seed, at) else { continue };
                let with = ForcedRule { rule: forced.rule.clone(), others: vec![provider.clone()] };
                if fires(&made.case, &with) {
                    return Some((made.case, with));
                }
            }
        }
        tracing::debug!(rule = forced.rule.name(), "no case was found in which this rule applies");
        rule_case(&self.rules, &forced.rule, (true, 0), seed, index).map(|made| (made.case, forced))
    }

    /// The case of this number.
    #[must_use]
    pub fn case(&self, index: u64) -> Case {
        self.origin(index).0
    }

    /// Runs one case through its configurations.
    ///
    /// # Errors
    /// What diverges.
    pub fn check(&mut self, index: u64) -> std::result::Result<(), Box<Finding>> {
        let (case, origin) = self.origin(index);
        self.coverage.graph(&case.graph);
        let rule = match &origin {
            Origin::Rule(rule) => Some(&**rule),
            Origin::Recipe(_) => None,
        };
        self.check_case(&case, index, rule).map_err(|(way, _)| {
            let small = self.shrink(&case, &origin, &way);
            Box::new(self.finding(index, &small, &way))
        })
    }

    /// Whether a case holds in the fewest configurations that reach every stage: fused, planned, cached. It is not looked into
    /// when it does not.
    pub fn holds(&mut self, index: u64) -> bool {
        let (case, origin) = self.origin(index);
        let rule = match &origin {
            Origin::Rule(rule) => Some(&**rule),
            Origin::Recipe(_) => None,
        };
        let mut ways = ways::of_turn(&case, index, rule, self.gpu);
        ways.retain(|w| w.engine < 2 && w.options.fuse || matches!(w.kind, Kind::Forced(_)));
        self.check_ways(&case, ways).is_ok()
    }

    /// Runs a case that came from elsewhere through every configuration.
    ///
    /// # Errors
    /// What diverges.
    pub fn check_given(&mut self, case: &Case) -> std::result::Result<(), Box<Finding>> {
        self.coverage.graph(&case.graph);
        let every = ways::all(case, self.gpu);
        self.check_ways(case, every).map_err(|(way, _)| Box::new(self.finding(0, case, &way)))
    }

    fn check_case(
        &mut self,
        case: &Case,
        index: u64,
        rule: Option<&ForcedRule>,
    ) -> std::result::Result<(), (Way, Wrong)> {
        self.check_ways(case, ways::of_turn(case, index, rule, self.gpu))
    }

    fn check_ways(&mut self, case: &Case, ways: Vec<Way>) -> std::result::Result<(), (Way, Wrong)> {
        // What is known depends on the liberties taken only: the ways of one kind share it.
        let mut known: [Option<Vec<Tensor>>; 3] = [None, None, None];
        for way in ways {
            let slot = if way.engine == FAST { FAST } else { usize::from(way.options.plan && way.engine == STANDARD) };
            let tally = self.attempt(case, &way, &mut known[slot]).map_err(|wrong| (way.clone(), wrong))?;
            self.coverage.tally.add(tally);
            self.coverage.run(&way.name);
            if let Some(ran) = self.engines[way.engine].last_evaluation() {
                if way.options.plan {
                    ran.prepared.plan.iter().for_each(|p| self.coverage.plan(p));
                }
                self.coverage.schedule(&ran.prepared.schedule);
            }
            if let Kind::Forced(rule) = &way.kind {
                let planned = self.force(case, rule);
                self.coverage.plan(&planned);
            }
        }
        Ok(())
    }

    fn probe(&self, way: &Way) -> Probe<'_> {
        Probe::new(&self.engines[way.engine], way.options)
    }

    fn force(&self, case: &Case, forced: &ForcedRule) -> crate::planner::Plan {
        let costs = self.engines[2].costs().clone();
        let options = PlanOptions { numerics: Numerics::Fast, rules: self.rules.clone(), ..PlanOptions::new(costs) };
        forced.rule.force(&forced.others, &case.graph, &options)
    }

    /// Runs a case in one way. `known` is filled with what the oracle says, unless it is there.
    fn attempt(&self, case: &Case, way: &Way, known: &mut Option<Vec<Tensor>>) -> std::result::Result<Tally, Wrong> {
        let probe = self.probe(way);
        let failed = |e: crate::error::Error| Wrong::Failure(e.to_string());
        let run = |case: &Case| caught(probe.engine, case, way.options).map_err(failed);
        let mut judge = |case: &Case, given: &[Arc<HostBuffer>], probe: &Probe<'_>| {
            if known.is_none() {
                *known = Some(probe.known(case)?);
            }
            probe.compare_roots(case, known.as_deref().unwrap_or_default(), given)
        };
        match &way.kind {
            Kind::Together => judge(case, &run(case)?, &probe),
            Kind::Bits => {
                let plain = caught(probe.engine, case, PLAIN).map_err(failed)?;
                let given = run(case)?;
                let tally = judge(case, &given, &probe)?;
                match given.iter().zip(&plain).position(|(a, b)| a.first_difference(b).is_some()) {
                    Some(root) => {
                        Err(Wrong::Value(root, Box::new(super::finding::bits_differ(&plain[root], &given[root]))))
                    }
                    None => Ok(tally),
                }
            }
            Kind::Cached => self.cached(case, &probe),
            Kind::OtherLiteral => {
                let Some(other) = case.with_other_literal() else { return Ok(Tally::default()) };
                run(case)?;
                let given = run(&other)?;
                probe.compare_roots(&other, &probe.known(&other)?, &given)
            }
            Kind::OneByOne { cached } => {
                let mut tally = Tally::default();
                for root in &case.graph.roots {
                    let one = case.with_roots(&[*root]);
                    tally.add(if *cached { self.cached(&one, &probe)? } else { probe.fault(&one)? });
                }
                Ok(tally)
            }
            Kind::Forced(rule) => {
                let planned = self.force(case, rule);
                let on_plan = case.with_graph(planned.graph);
                let given = run(&on_plan)?;
                judge(case, &given, &Probe::new(probe.engine, WHOLE))
            }
        }
    }

    /// Runs a case twice, the second time with other data and the plan of the first.
    fn cached(&self, case: &Case, probe: &Probe<'_>) -> std::result::Result<Tally, Wrong> {
        let run = |case: &Case| caught(probe.engine, case, probe.options).map_err(|e| Wrong::Failure(e.to_string()));
        run(case)?;
        let other = case.with_other_data();
        let hits = probe.engine.stats().plan_hits;
        let given = run(&other)?;
        if probe.engine.stats().plan_hits == hits {
            return Err(Wrong::Failure("the plan of an equal graph was not found in the cache".into()));
        }
        probe.compare_roots(&other, &probe.known(&other)?, &given)
    }

    fn fails(&self, case: &Case, way: &Way) -> bool {
        self.attempt(case, way, &mut None).is_err()
    }

    /// A smaller case that still diverges in the same way.
    fn shrink(&self, case: &Case, origin: &Origin, way: &Way) -> Case {
        let best = match origin {
            Origin::Recipe(recipe) => {
                let grown = |steps: &[_]| grow_with(&Recipe { head: recipe.head, steps: steps.to_vec() }, &self.rules);
                grown(&smallest(&recipe.steps, MOST_SHRINKS, &mut |steps| self.fails(&grown(steps), way)))
            }
            Origin::Rule(_) => case.clone(),
        };
        minimise(&best, |c| self.fails(c, way), |c, id| value(self.probe(way).engine, c, id))
    }

    fn finding(&self, index: u64, case: &Case, way: &Way) -> Finding {
        let settings = Settings {
            device: self.options.device,
            numerics: MODES[way.engine],
            plan: way.options.plan || matches!(way.kind, Kind::Forced(_)),
            fuse: way.options.fuse,
            rules: self.options.rules.clone(),
            ran_on: Some(self.device()),
        };
        Finding { index, configuration: way.name.clone(), settings, divergence: self.diagnose(case, way) }
    }

    /// The divergence of a case that fails in this way.
    fn diagnose(&self, case: &Case, way: &Way) -> Divergence {
        let probe = self.probe(way);
        let wrong = match self.attempt(case, way, &mut None) {
            Err(wrong) => wrong,
            Ok(_) => Wrong::Failure("it did not diverge again".into()),
        };
        match (&way.kind, wrong) {
            (Kind::Cached | Kind::OtherLiteral, Wrong::Value(root, mismatch)) => {
                let other = match way.kind {
                    Kind::Cached => case.with_other_data(),
                    _ => case.with_other_literal().unwrap_or_else(|| case.clone()),
                };
                // On an engine that has planned nothing yet the same data is right if the cached plan is to blame.
                let fresh = builder(&self.options, MODES[way.engine]).build();
                let right = fresh.is_ok_and(|e| Probe::new(&e, way.options).fault(&other).is_ok());
                if right {
                    return whole(&other, root, *mismatch, &probe, Blame::Cached);
                }
                probe.diagnose(&other, Wrong::Value(root, mismatch))
            }
            (Kind::Forced(rule), Wrong::Value(root, mismatch)) => {
                let planned = self.force(case, rule);
                let on_plan = case.with_graph(planned.graph);
                let plain = Probe::new(probe.engine, PLAIN);
                let given = caught(plain.engine, &on_plan, PLAIN).unwrap_or_default();
                let by_rules = Probe::new(probe.engine, WHOLE);
                let judged = by_rules.known(case).ok().map(|k| by_rules.compare_roots(case, &k, &given));
                if matches!(judged, Some(Err(_))) {
                    let fired = planned.fired.iter().map(|f| (f.rule.clone(), f.class));
                    let named = |r: &String| [&rule.rule].into_iter().chain(&rule.others).any(|c| c.name() == r);
                    let blame = Blame::Rules(fired.filter(|(r, _)| named(r)).collect());
                    return whole(case, root, *mismatch, &by_rules, blame);
                }
                probe.diagnose(&on_plan, Wrong::Value(root, mismatch))
            }
            (_, wrong) => probe.diagnose(case, wrong),
        }
    }
}

fn whole(case: &Case, root: usize, mismatch: super::compare::Mismatch, probe: &Probe<'_>, blame: Blame) -> Divergence {
    let node = case.graph.roots[root];
    let tolerance = probe.tolerance(case, node, &mismatch);
    Divergence { case: case.clone(), root, node, mismatch, tolerance, blame }
}

fn builder(options: &SessionOptions, mode: Numerics) -> EngineBuilder {
    let plain = Engine::builder().device(options.device).numerics(mode).plan_cache(64);
    options.rules.iter().fold(plain, |b, (name, text)| b.rules_on_trust(name.clone(), text.clone()))
}
