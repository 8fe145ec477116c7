//! From a congruence closure to lemmas: a path of equalities, and for each equality the lemmas it rests on.

use egg::Id;
use hashbrown::HashMap;

use super::closure::{Closure, PathStep, Reason, ReplayedRule};
use super::lemma::{Justification, Lemma, LemmaLink, RuleLink, RuleName};
use super::replayed_plan::ReplayedPlan;
use crate::error::{Error, Result};
use crate::planner::language::EOp;
use crate::planner::rule_set::Rules;

/// A longer proof is of no use to a reader; the error asks for a node nearer to the leaves.
const MOST_LINKS: usize = 50_000;

/// The lemmas that show that two terms are equal, lemma 0 among them the equality itself.
pub(super) fn lemmas(replayed: &ReplayedPlan, rules: &Rules, from: Id, to: Id) -> Result<Vec<Lemma>> {
    let closure = &replayed.closure;
    let mut builder =
        LemmaBuilder { closure, rules, lemmas: Vec::new(), n_links: 0, known: HashMap::new(), open: Vec::new() };
    builder.lemma(Ends { from, to }, closure.equalities.len())?;
    while let Some(open) = builder.open.pop() {
        let found = builder.lemma(open.ends, open.before)?;
        match &mut builder.lemmas[open.lemma].links[open.link].why {
            Justification::Congruence { lemmas, .. } => lemmas[open.operand] = Some(found),
            Justification::Stored { lemma, .. } => *lemma = found,
            _ => {}
        }
    }
    Ok(builder.lemmas)
}

/// The two terms of an equality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    from: Id,
    to: Id,
}

/// An equality that is still to be proved for a link: which link of which lemma, and which of its operands.
struct OpenEquality {
    lemma: usize,
    link: usize,
    operand: usize,
    ends: Ends,
    /// Only equalities older than this one may be used.
    before: usize,
}

/// A lemma that is there, and the age of the youngest equality in it.
#[derive(Clone, Copy)]
struct KnownLemma {
    number: usize,
    youngest: usize,
}

struct LemmaBuilder<'a> {
    closure: &'a Closure,
    rules: &'a Rules,
    lemmas: Vec<Lemma>,
    n_links: usize,
    known: HashMap<Ends, KnownLemma>,
    open: Vec<OpenEquality>,
}

impl LemmaBuilder<'_> {
    /// The number of a lemma with these ends, made now unless there is one already.
    fn lemma(&mut self, ends: Ends, before: usize) -> Result<usize> {
        if let Some(known) = self.known.get(&ends).filter(|known| known.youngest < before) {
            return Ok(known.number);
        }
        let path = self.closure.path(ends.from, ends.to, before);
        let path = path.ok_or_else(|| Error::internal("two terms of a class without a chain between them"))?;
        self.n_links += path.len() + 1;
        if self.n_links > MOST_LINKS {
            return Err(Error::argument(format!(
                "the proof of this node has more than {MOST_LINKS} links: ask about a node nearer to the leaves"
            )));
        }
        let number = self.lemmas.len();
        let youngest = path.iter().map(|step| step.equality).max().unwrap_or(0);
        self.known.insert(ends, KnownLemma { number, youngest });
        self.lemmas.push(Lemma { from: ends.from, links: Vec::with_capacity(path.len()) });
        let mut at = ends.from;
        for step in path {
            let link = self.link(number, at, step);
            at = link.to;
            self.lemmas[number].links.push(link);
        }
        Ok(number)
    }

    /// The link of a step; the equalities that it rests on become open.
    fn link(&mut self, lemma: usize, from: Id, step: PathStep) -> LemmaLink {
        let PathStep { equality: age, backwards } = step;
        let equality = self.closure.equalities[age];
        let to = if backwards { equality.from } else { equality.to };
        let link = self.lemmas[lemma].links.len();
        let open = |operand, from, to| OpenEquality { lemma, link, operand, ends: Ends { from, to }, before: age };
        let why = match equality.reason {
            Reason::Rule(application) => Justification::Rule(self.rule_link(application, backwards)),
            Reason::Stored(x, y) => {
                let stores = if backwards { [y, x] } else { [x, y] };
                self.open.push(open(0, stores[0], stores[1]));
                Justification::Stored { stores, lemma: 0 }
            }
            Reason::Congruence => {
                let (a, b) = (&self.closure.node(from).children, &self.closure.node(to).children);
                let straight = || a.iter().zip(b).all(|(&x, &y)| self.closure.path(x, y, age).is_some());
                let commutes = matches!(self.closure.node(from).op, EOp::Binary(o) if o.is_commutative());
                let crossed = commutes && !straight();
                for (operand, &x) in a.iter().enumerate() {
                    let y = if crossed { b[1 - operand] } else { b[operand] };
                    if x != y {
                        self.open.push(open(operand, x, y));
                    }
                }
                Justification::Congruence { crossed, lemmas: vec![None; a.len()] }
            }
        };
        LemmaLink { to, why }
    }

    fn rule_link(&self, application: usize, backwards: bool) -> RuleLink {
        let ReplayedRule { rule, subst, bracketings } = self.closure.replayed_rules[application].clone();
        let rule = &self.rules.all()[rule];
        let subject = subst.vars[rule.subject_var].map(|id| self.closure.terms[id].data.dtype);
        let class = subject.and_then(|d| rule.class(d)).unwrap_or_else(|| rule.shown_class());
        let name = RuleName { name: rule.name.clone(), back: rule.back };
        RuleLink { rule: name, backwards, class, subst, bracketings }
    }
}
