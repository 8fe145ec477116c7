//! Applying rules until nothing new comes: deterministic, limited by counts and never by a clock.
//!
//! Each round first finds all matches in the graph as it stands, then applies them in the order of classes, terms and rules.
//! After the first round only classes near something that changed are looked at again. Every union keeps which rule asked for
//! it, so that a plan can name the rules whose right sides it holds.

use egg::Id;
use hashbrown::{HashMap, HashSet};

use super::facts::{Facts, Terms};
use super::language::{ENode, EOp};
use super::rules::{Class, Head, Pat, Phase, Question, Rule, Rules, Subst, draft, match_term};
use crate::types::{DType, Fault, Numerics, seeded};

/// How far rounds and terms may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Rounds of the shrinking phases.
    pub(super) rounds: usize,
    /// Terms in the e-graph.
    pub(super) terms: usize,
    /// Rounds of the phase that may grow.
    pub(super) grow_rounds: usize,
}

impl Budget {
    /// The budget for a graph of so many terms.
    pub(super) fn of(n_terms: usize) -> Self {
        Self { rounds: 48, terms: 12 * n_terms + 4_000, grow_rounds: 3 }
    }
}

/// A union that changed something.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    /// Index into the rules.
    pub(super) rule: usize,
    /// The dtype that decided the rule's class.
    pub(super) dtype: DType,
    /// The class whose members were found equal.
    pub(super) class: Id,
    /// The term that was matched.
    pub(super) left: ENode,
    /// Terms that came into being.
    pub(super) fresh: Vec<ENode>,
    /// Scalars whose magnitude the plan must check at run time.
    pub(super) guards: Vec<Id>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Saturation {
    pub(super) saturated: bool,
    pub(super) rounds: usize,
    /// Right sides whose shape or dtype would have differed.
    pub(super) refused: usize,
    pub(super) applied: Vec<Applied>,
    /// The term budget was passed; the e-graph is of no use.
    pub(super) exhausted: bool,
}

/// How deep patterns look below the matched class.
const DEPTH: usize = 5;

struct Engine<'a> {
    rules: &'a Rules,
    numerics: Numerics,
    allow_rescale: bool,
    index: HashMap<EOp, Vec<(usize, usize)>>,
    any_unary: Vec<(usize, usize)>,
    any_binary: Vec<(usize, usize)>,
    /// Matches whose right side was refused, so that a refusal is counted once.
    refused: HashSet<(usize, Vec<Option<Id>>)>,
    out: Saturation,
}

/// Runs the rules.
pub(super) fn saturate(
    terms: &mut Terms,
    rules: &Rules,
    numerics: Numerics,
    allow_rescale: bool,
    budget: Budget,
) -> Saturation {
    let mut engine = Engine {
        rules,
        numerics,
        allow_rescale,
        index: HashMap::new(),
        any_unary: Vec::new(),
        any_binary: Vec::new(),
        refused: HashSet::new(),
        out: Saturation::default(),
    };
    engine.admit(|p| p != Phase::Grow);
    engine.rounds(terms, budget.rounds, budget.terms);
    let grows = rules.all().iter().any(|r| r.phase == Phase::Grow && engine.may(r));
    if grows && engine.out.saturated && !engine.out.exhausted {
        engine.admit(|p| p == Phase::Grow);
        engine.rounds(terms, budget.grow_rounds, budget.terms);
        engine.admit(|p| p != Phase::Grow);
        engine.rounds(terms, budget.rounds, budget.terms);
    }
    engine.out
}

impl Engine<'_> {
    fn may(&self, rule: &Rule) -> bool {
        rule.classes.iter().flatten().any(|c| c.admitted(self.numerics, self.allow_rescale))
    }

    /// Makes the index of the rules of some phases by the operation at the top of their left sides.
    fn admit(&mut self, phases: impl Fn(Phase) -> bool) {
        self.index.clear();
        self.any_unary.clear();
        self.any_binary.clear();
        for (r, rule) in self.rules.all().iter().enumerate() {
            if !phases(rule.phase) || !self.may(rule) {
                continue;
            }
            for (v, left) in rule.left.iter().enumerate() {
                match head(left) {
                    Some(HeadKind::Is(op)) => self.index.entry(op).or_default().push((r, v)),
                    Some(HeadKind::AnyUnary) => self.any_unary.push((r, v)),
                    Some(HeadKind::AnyBinary) => self.any_binary.push((r, v)),
                    None => {}
                }
            }
        }
    }

    fn rounds(&mut self, terms: &mut Terms, most: usize, most_terms: usize) {
        let mut near: Option<HashSet<Id>> = None;
        self.out.saturated = false;
        for _ in 0..most {
            self.out.rounds += 1;
            let found = self.search(terms, near.as_ref());
            let mut changed: HashSet<Id> = HashSet::new();
            for m in found {
                self.apply(terms, m, &mut changed);
                if terms.total_number_of_nodes() > most_terms {
                    self.out.exhausted = true;
                    terms.rebuild();
                    return;
                }
            }
            repair(terms, &mut changed);
            terms.rebuild();
            if changed.is_empty() {
                self.out.saturated = true;
                return;
            }
            near = Some(surroundings(terms, &changed));
        }
    }

    fn search(&self, terms: &Terms, near: Option<&HashSet<Id>>) -> Vec<Match> {
        let mut ids: Vec<Id> = match near {
            Some(set) => set.iter().copied().collect(),
            None => terms.classes().map(|c| c.id).collect(),
        };
        ids.sort_unstable();
        let mut out = Vec::new();
        for id in ids {
            for node in &terms[id].nodes {
                let exact = self.index.get(&node.op).map_or(&[][..], Vec::as_slice);
                let any = match node.op {
                    EOp::Unary(_) | EOp::Powi | EOp::Cast(_) => &self.any_unary[..],
                    EOp::Binary(_) => &self.any_binary[..],
                    _ => &[],
                };
                for &(r, v) in exact.iter().chain(any) {
                    let rule = &self.rules.all()[r];
                    for subst in match_term(rule, &rule.left[v], terms, id, node) {
                        if let Some(guards) = self.admitted(terms, rule, id, &subst) {
                            out.push(Match { rule: r, class: id, node: node.clone(), subst, guards });
                        }
                    }
                }
            }
        }
        out
    }

    /// Whether a match may be used; the scalars to guard if so.
    fn admitted(&self, terms: &Terms, rule: &Rule, found: Id, subst: &Subst) -> Option<Vec<Id>> {
        let dtype = terms[subst.vars[rule.subject_var]?].data.dtype;
        let class = rule.class(dtype)?;
        if !class.admitted(self.numerics, self.allow_rescale)
            || !(rule.conditions.iter().all(|c| c.holds(terms, found, &subst.vars)) || seeded(Fault::ConditionDropped))
        {
            return None;
        }
        if class != Class::Rescales || self.numerics != Numerics::Standard {
            return Some(Vec::new());
        }
        // What has no scalar to check is not checked, and so not admitted.
        let mut guards = Vec::new();
        if !rule.conditions.iter().any(|c| c.question == Question::Constant) {
            return None;
        }
        for c in rule.conditions.iter().filter(|c| c.question == Question::Constant) {
            let id = terms.find(subst.vars[c.vars[0]]?);
            let literal = terms[id].nodes.iter().find_map(|n| match n.op {
                EOp::Literal(s) => Some(s.to_f64().abs()),
                _ => None,
            });
            match literal {
                Some(v) => {
                    let bound = f64::from(1 << 24);
                    if !(v >= 1.0 / bound && v <= bound) {
                        return None;
                    }
                }
                None => guards.push(id),
            }
        }
        Some(guards)
    }

    fn apply(&mut self, terms: &mut Terms, m: Match, changed: &mut HashSet<Id>) {
        let rule = &self.rules.all()[m.rule];
        let class = terms.find(m.class);
        let facts: Facts = terms[class].data.clone();
        let Some(draft) = draft(&rule.right, terms, &m.subst, &facts) else {
            let key = (m.rule, m.subst.vars.iter().map(|v| v.map(|id| terms.find(id))).collect());
            if self.refused.insert(key) {
                self.out.refused += 1;
            }
            return;
        };
        let (id, fresh) = draft.add(terms);
        let united = terms.union(class, id);
        if !united && fresh.is_empty() {
            return;
        }
        changed.insert(class);
        for node in &fresh {
            changed.extend(terms.lookup(node.clone()));
        }
        if united {
            let subject = m.subst.vars[rule.subject_var].unwrap_or(class);
            let dtype = terms[subject].data.dtype;
            self.out.applied.push(Applied { rule: m.rule, dtype, class, left: m.node, fresh, guards: m.guards });
        }
    }
}

struct Match {
    rule: usize,
    class: Id,
    node: ENode,
    subst: Subst,
    guards: Vec<Id>,
}

enum HeadKind {
    Is(EOp),
    AnyUnary,
    AnyBinary,
}

fn head(left: &Pat) -> Option<HeadKind> {
    match left {
        Pat::Node(Head::Is(op), _) => Some(HeadKind::Is(op.clone())),
        Pat::Node(Head::AnyUnary(_), _) => Some(HeadKind::AnyUnary),
        Pat::Node(Head::AnyBinary(_), _) => Some(HeadKind::AnyBinary),
        _ => None,
    }
}

/// What congruence does not know: operands of commutative operations belong in canonical order, and two kernels whose stored
/// results are equal are the same kernel. Without the second, kernels multiply along epilogue chains.
fn repair(terms: &mut Terms, changed: &mut HashSet<Id>) {
    loop {
        terms.rebuild();
        let mut pairs: Vec<(Id, Id)> = Vec::new();
        let mut reordered: Vec<(Id, ENode)> = Vec::new();
        for class in terms.classes() {
            let mut first: Option<Id> = None;
            for node in &class.nodes {
                match &node.op {
                    EOp::Run => match first {
                        None => first = Some(node.children[0]),
                        Some(k) => pairs.push((k, node.children[0])),
                    },
                    EOp::Binary(b) if b.is_commutative() && node.children[0] > node.children[1] => {
                        let mut turned = node.clone();
                        turned.order();
                        reordered.push((class.id, turned));
                    }
                    _ => {}
                }
            }
        }
        pairs.sort_unstable();
        reordered.sort_unstable();
        let mut again = false;
        for (a, b) in pairs {
            if terms.union(a, b) {
                changed.insert(terms.find(a));
                again = true;
            }
        }
        for (class, node) in reordered {
            let known = terms.lookup(node.clone());
            let id = known.unwrap_or_else(|| terms.add(node));
            if terms.union(class, id) {
                if known.is_some() {
                    changed.insert(terms.find(class));
                }
                again = true;
            }
        }
        if !again {
            return;
        }
    }
}

/// Everything from which a pattern may see one of the changed classes.
fn surroundings(terms: &Terms, changed: &HashSet<Id>) -> HashSet<Id> {
    let mut all: HashSet<Id> = changed.iter().map(|&id| terms.find(id)).collect();
    let mut edge: Vec<Id> = all.iter().copied().collect();
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for id in edge {
            for parent in terms[id].parents() {
                let parent = terms.find(parent);
                if all.insert(parent) {
                    next.push(parent);
                }
            }
        }
        edge = next;
    }
    all
}
