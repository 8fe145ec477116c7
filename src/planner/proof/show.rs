//! Proofs for people: one step after another, terms in the notation of rule files with the names of the program.

use std::fmt;
use std::rc::Rc;

use egg::Id;
use hashbrown::HashMap;

use super::notation::{Name, Pen, symbol};
use super::{By, Link, Proof};
use crate::graph::{NodeId, Op};
use crate::planner::language::EOp;
use crate::planner::rules::Class;

/// A chain of more steps leaves out what the proofs of other nodes say.
const MOST_STEPS: usize = 40;

/// One step of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofStep {
    /// The rule, or in words what the planner did by itself.
    pub rule: String,
    /// What it promises; `None` for what another node's proof says.
    pub class: Option<Class>,
    /// Whether the rule is read from its right side to its left: classes hold both ways.
    pub backwards: bool,
    /// Where in the term, outermost operation first; empty for the whole of it.
    pub place: String,
    /// At how many other places the same step is taken.
    pub elsewhere: usize,
    /// The part of the term there.
    pub before: String,
    /// What it became.
    pub after: String,
}

/// What is still to be told: a lemma at a place, a link of it, or the end of a lemma that began with some step.
enum Telling {
    Lemma(usize, Path),
    Link(usize, usize, Path),
    End(usize, usize),
}

/// A way into a term: shared beginnings, since terms may be thousands of operations deep.
type Path = Option<Rc<Inner>>;

struct Inner {
    outer: Path,
    term: Id,
    operand: usize,
    depth: usize,
}

impl Drop for Inner {
    /// One after the other: a way may be longer than a stack is deep.
    fn drop(&mut self) {
        let mut outer = self.outer.take();
        while let Some(mut inner) = outer.and_then(Rc::into_inner) {
            outer = inner.outer.take();
        }
    }
}

impl Proof {
    /// The recorded term, with the names that `name` knows for nodes; others are called by number.
    #[must_use]
    pub fn written(&self, name: &Name<'_>) -> String {
        self.lemmas.first().map_or_else(String::new, |l| Pen { proof: self, name }.whole(l.from))
    }

    /// The term that runs, with its kernels.
    #[must_use]
    pub fn runs(&self, name: &Name<'_>) -> String {
        let pen = Pen { proof: self, name };
        let Some(main) = self.lemmas.first() else { return String::new() };
        match &main.links[..] {
            [Link { by: By::Formed, .. }] => pen.whole(main.from),
            [.., before, Link { by: By::Formed, .. }] => pen.whole(before.to),
            _ => pen.whole(main.to()),
        }
    }

    /// The steps from one to the other, in order. What several places share is told once. Where they would be more than 40, what
    /// operands became is left to their own proofs, and a step without a class names them.
    #[must_use]
    pub fn steps(&self, name: &Name<'_>) -> Vec<ProofStep> {
        let all = self.tell(name, false, MOST_STEPS);
        if all.len() > MOST_STEPS { self.own_steps(name) } else { all }
    }

    /// The steps of this node alone: what its operands became is left to their own proofs.
    #[must_use]
    pub fn own_steps(&self, name: &Name<'_>) -> Vec<ProofStep> {
        self.tell(name, true, usize::MAX)
    }

    /// The steps, in full or without what other nodes' proofs say; no further than one step beyond `most`.
    fn tell(&self, name: &Name<'_>, cite: bool, most: usize) -> Vec<ProofStep> {
        let mut steps: Vec<ProofStep> = Vec::new();
        let mut told: HashMap<usize, (usize, usize)> = HashMap::new();
        let pen = Pen { proof: self, name };
        let mut open = vec![Telling::Lemma(0, None)];
        while let Some(next) = open.pop().filter(|_| steps.len() <= most) {
            match next {
                Telling::End(lemma, first) => {
                    told.insert(lemma, (first, steps.len()));
                }
                Telling::Lemma(lemma, path) => {
                    if let Some(&(first, last)) = told.get(&lemma) {
                        steps[first..last].iter_mut().for_each(|s| s.elsewhere += 1);
                        continue;
                    }
                    open.push(Telling::End(lemma, steps.len()));
                    let other = self.other(lemma).filter(|_| cite && lemma != 0);
                    if let Some(other) = other {
                        let (before, after) = pen.step(self.lemmas[lemma].from, self.lemmas[lemma].to());
                        let rule = format!("the proof of {}", pen.called(other));
                        let place = self.place(&path);
                        steps.push(ProofStep { rule, place, before, after, ..ProofStep::default() });
                    } else {
                        let links = 0..self.lemmas[lemma].links.len();
                        open.extend(links.rev().map(|i| Telling::Link(lemma, i, path.clone())));
                    }
                }
                Telling::Link(lemma, i, path) => {
                    let chain = &self.lemmas[lemma];
                    let from = if i == 0 { chain.from } else { chain.links[i - 1].to };
                    let link = &chain.links[i];
                    let mut own = |rule: &str, class, backwards| {
                        let (before, after) = pen.step(from, link.to);
                        let (rule, place) = (rule.to_owned(), self.place(&path));
                        steps.push(ProofStep {
                            rule,
                            class: Some(class),
                            backwards,
                            place,
                            elsewhere: 0,
                            before,
                            after,
                        });
                    };
                    match &link.by {
                        By::Rule { rule, backwards, class, .. } => own(&rule.name, *class, *backwards),
                        By::Formed => own("kernels formed, views joined", Class::Exact, false),
                        By::Stored { lemma, .. } => open.push(Telling::Lemma(*lemma, path)),
                        By::Inside { lemmas, .. } => {
                            let depth = path.as_ref().map_or(0, |p| p.depth) + 1;
                            for (operand, lemma) in lemmas.iter().enumerate().rev() {
                                if let Some(lemma) = lemma {
                                    let inner = Inner { outer: path.clone(), term: from, operand, depth };
                                    open.push(Telling::Lemma(*lemma, Some(Rc::new(inner))));
                                }
                            }
                        }
                    }
                }
            }
        }
        steps
    }

    /// The recorded node, another than the proof's own, whose proof a lemma is.
    fn other(&self, lemma: usize) -> Option<NodeId> {
        let lemma = &self.lemmas[lemma];
        let node = *self.recorded.get(&lemma.from)?.first()?;
        (node != self.node && self.chosen.get(&lemma.from)?.contains(&lemma.to())).then_some(node)
    }

    /// A place: the way into the term, outermost operation first, its middle left out when it is long.
    fn place(&self, path: &Path) -> String {
        let depth = path.as_ref().map_or(0, |p| p.depth);
        let mut words = Vec::new();
        let mut at = path;
        while let Some(inner) = at {
            if inner.depth <= 3 || inner.depth + 3 > depth {
                words.extend(self.part(inner.term, inner.operand));
            } else if words.last().is_none_or(|w| w != "…") {
                words.push("…".into());
            }
            at = &inner.outer;
        }
        words.reverse();
        words.join(" › ")
    }

    /// What an operand of a term is called. Kernels and their stored results are one value.
    fn part(&self, term: Id, operand: usize) -> Option<String> {
        let node = &self.terms[usize::from(term)];
        let operand = if self.turned.contains(&term) { 1 - operand } else { operand };
        let word = match &node.op {
            EOp::Run => return None,
            EOp::Opaque(i) => self.operation(*i).into(),
            op => symbol(op),
        };
        match (node.operands().len(), operand) {
            (1, 0) => Some(word),
            (2, 0) => Some(format!("left of {word}")),
            (2, 1) => Some(format!("right of {word}")),
            _ => Some(format!("operand {} of {word}", operand + 1)),
        }
    }

    /// The name of an operation that no rule looks into.
    pub(super) fn operation(&self, number: u32) -> &'static str {
        self.store.opaques.get(number as usize).map_or("operation", Op::name)
    }

    /// The proof as text, with names.
    #[must_use]
    pub fn text(&self, name: &Name<'_>) -> String {
        let called = name(self.node).map_or_else(String::new, |n| format!(" {n}"));
        let mut out = format!("{}{called}, computed as {} of the plan\n", self.node, self.image);
        out += &format!("  written  {}\n", self.written(name));
        let steps = self.steps(name);
        for (i, step) in steps.iter().enumerate() {
            let mut line = format!("{:>3} {}", i + 1, step.rule);
            if let Some(class) = step.class {
                line += &format!(" ({class}{})", if step.backwards { ", read backwards" } else { "" });
            }
            if !step.place.is_empty() {
                line += &format!(" at {}", step.place);
            }
            match step.elsewhere {
                0 => {}
                1 => line += ", and at another place",
                n => line += &format!(", and at {n} other places"),
            }
            out += &format!("{line}\n");
            if i + 1 < steps.len() || !self.ends_formed() {
                out += &format!("       {}\n    => {}\n", step.before, step.after);
            }
        }
        out += &format!("  runs     {}\n", self.runs(name));
        match steps.len() {
            0 => out += "  as it was written\n",
            _ => out += &format!("  weakest class: {}\n", self.weakest()),
        }
        out
    }

    fn ends_formed(&self) -> bool {
        self.lemmas.first().and_then(|l| l.links.last()).is_some_and(|l| l.by == By::Formed)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&|_| None))
    }
}
