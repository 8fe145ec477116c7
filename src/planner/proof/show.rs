//! A proof as text: one step after another.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use egg::Id;
use hashbrown::HashMap;

use super::lemma::{Justification, LemmaLink, Proof};
use super::notation::{NodeNames, TermWriter, symbol};
use crate::graph::NodeId;
use crate::planner::language::EOp;
use crate::planner::rules::Class;

/// A chain of more steps leaves out what the proofs of other nodes say.
const MOST_STEPS: usize = 40;

/// One step of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofStep {
    /// The rule, or a description of a step that the planner takes without one.
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

impl ProofStep {
    /// The rule, its class, and where it is applied.
    fn heading(&self) -> String {
        let mut line = self.rule.clone();
        if let Some(class) = self.class {
            line += &format!(" ({class}{})", if self.backwards { ", read backwards" } else { "" });
        }
        if !self.place.is_empty() {
            line += &format!(" at {}", self.place);
        }
        match self.elsewhere {
            0 => {}
            1 => line += ", and at another place",
            n => line += &format!(", and at {n} other places"),
        }
        line
    }
}

/// A way into a term, outermost operation last. Beginnings are shared, since terms may be thousands of operations deep.
type TermPath = Option<Rc<PathSegment>>;

struct PathSegment {
    outer: TermPath,
    term: Id,
    operand: usize,
    depth: usize,
}

impl Drop for PathSegment {
    /// Without recursion: a path may be longer than a stack is deep.
    fn drop(&mut self) {
        let mut outer = self.outer.take();
        while let Some(mut segment) = outer.and_then(Rc::into_inner) {
            outer = segment.outer.take();
        }
    }
}

impl Proof {
    /// The recorded term, with the names that `name` knows for nodes; others are called by number.
    #[must_use]
    pub fn written(&self, name: &NodeNames<'_>) -> String {
        self.lemmas.first().map_or_else(String::new, |l| TermWriter { proof: self, name }.whole(l.from))
    }

    /// The term that runs, with its kernels.
    #[must_use]
    pub fn runs(&self, name: &NodeNames<'_>) -> String {
        let writer = TermWriter { proof: self, name };
        let Some(main) = self.lemmas.first() else { return String::new() };
        match &main.links[..] {
            [LemmaLink { why: Justification::NormalForm, .. }] => writer.whole(main.from),
            [.., before, LemmaLink { why: Justification::NormalForm, .. }] => writer.whole(before.to),
            _ => writer.whole(main.to()),
        }
    }

    /// The steps from the recorded term to the planned one, in order. Steps that several places share appear once. If there would be
    /// more than 40, what happened to operands is left to their own proofs, and a step without a class names those.
    #[must_use]
    pub fn steps(&self, name: &NodeNames<'_>) -> Vec<ProofStep> {
        let all = StepCollector::of(self, name, false, MOST_STEPS);
        if all.len() > MOST_STEPS { self.own_steps(name) } else { all }
    }

    /// The steps of this node alone: what happened to its operands is left to their own proofs.
    #[must_use]
    pub fn own_steps(&self, name: &NodeNames<'_>) -> Vec<ProofStep> {
        StepCollector::of(self, name, true, usize::MAX)
    }

    /// The recorded node, another than the proof's own, whose proof a lemma is.
    fn other(&self, lemma: usize) -> Option<NodeId> {
        let lemma = &self.lemmas[lemma];
        let node = *self.recorded.get(&lemma.from)?.first()?;
        (node != self.node && self.chosen.get(&lemma.from)?.contains(&lemma.to())).then_some(node)
    }

    /// A path as text, outermost operation first; the middle of a long one is left out.
    fn place(&self, path: &TermPath) -> String {
        let depth = path.as_ref().map_or(0, |p| p.depth);
        let mut words = Vec::new();
        let mut at = path;
        while let Some(segment) = at {
            if segment.depth <= 3 || segment.depth + 3 > depth {
                words.extend(self.part(segment.term, segment.operand));
            } else if words.last().is_none_or(|w| w != "…") {
                words.push("…".into());
            }
            at = &segment.outer;
        }
        words.reverse();
        words.join(" › ")
    }

    /// What an operand of a term is called. Kernels and their stored results are one value.
    fn part(&self, term: Id, operand: usize) -> Option<String> {
        let node = &self.terms[usize::from(term)];
        let operand = if self.swapped.contains(&term) { 1 - operand } else { operand };
        let word = match &node.op {
            EOp::Run => return None,
            EOp::Opaque(i) => self.opaque_name(*i).into(),
            op => symbol(op),
        };
        match (node.operands().len(), operand) {
            (1, 0) => Some(word),
            (2, 0) => Some(format!("left of {word}")),
            (2, 1) => Some(format!("right of {word}")),
            _ => Some(format!("operand {} of {word}", operand + 1)),
        }
    }

    /// The proof as text, with names.
    #[must_use]
    pub fn text(&self, name: &NodeNames<'_>) -> String {
        let called = name(self.node).map_or_else(String::new, |n| format!(" {n}"));
        let mut out = format!("{}{called}, computed as {} of the plan\n", self.node, self.image);
        out += &format!("  written  {}\n", self.written(name));
        let steps = self.steps(name);
        for (i, step) in steps.iter().enumerate() {
            out += &format!("{:>3} {}\n", i + 1, step.heading());
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
        self.lemmas.first().and_then(|l| l.links.last()).is_some_and(|l| l.why == Justification::NormalForm)
    }
}

/// Collects the steps of a proof.
struct StepCollector<'a> {
    proof: &'a Proof,
    writer: TermWriter<'a>,
    /// Whether a lemma that is the proof of another node becomes one step that names it.
    cite: bool,
    steps: Vec<ProofStep>,
    /// By finished lemma: its steps.
    finished: HashMap<usize, Range<usize>>,
    /// What is still to be visited, the next last.
    open: Vec<Unvisited>,
}

/// A lemma at some place, a link of one, or the end of a lemma whose first step is known.
enum Unvisited {
    Lemma(usize, TermPath),
    Link { lemma: usize, link: usize, path: TermPath },
    End { lemma: usize, first_step: usize },
}

impl<'a> StepCollector<'a> {
    /// The steps, with or without those of other nodes' proofs; stops one step beyond `most`.
    fn of(proof: &'a Proof, name: &'a NodeNames<'a>, cite: bool, most: usize) -> Vec<ProofStep> {
        let writer = TermWriter { proof, name };
        let open = vec![Unvisited::Lemma(0, None)];
        let mut collector = Self { proof, writer, cite, steps: Vec::new(), finished: HashMap::new(), open };
        while let Some(next) = collector.open.pop().filter(|_| collector.steps.len() <= most) {
            match next {
                Unvisited::Lemma(lemma, path) => collector.lemma(lemma, path),
                Unvisited::Link { lemma, link, path } => collector.link(lemma, link, path),
                Unvisited::End { lemma, first_step } => {
                    collector.finished.insert(lemma, first_step..collector.steps.len());
                }
            }
        }
        collector.steps
    }

    fn lemma(&mut self, number: usize, path: TermPath) {
        if let Some(steps) = self.finished.get(&number) {
            self.steps[steps.clone()].iter_mut().for_each(|s| s.elsewhere += 1);
            return;
        }
        self.open.push(Unvisited::End { lemma: number, first_step: self.steps.len() });
        let lemma = &self.proof.lemmas[number];
        match self.proof.other(number).filter(|_| self.cite && number != 0) {
            Some(other) => {
                let (before, after) = self.writer.step(lemma.from, lemma.to());
                let rule = format!("the proof of {}", self.writer.called(other));
                let place = self.proof.place(&path);
                self.steps.push(ProofStep { rule, place, before, after, ..ProofStep::default() });
            }
            None => {
                let links = 0..lemma.links.len();
                self.open.extend(links.rev().map(|link| Unvisited::Link { lemma: number, link, path: path.clone() }));
            }
        }
    }

    fn link(&mut self, lemma: usize, number: usize, path: TermPath) {
        let lemma = &self.proof.lemmas[lemma];
        let from = if number == 0 { lemma.from } else { lemma.links[number - 1].to };
        let link = &lemma.links[number];
        let (rule, class, backwards) = match &link.why {
            Justification::Rule(instance) => (instance.rule.name.as_str(), instance.class, instance.backwards),
            Justification::NormalForm => ("kernels formed, views joined", Class::Exact, false),
            Justification::Stored { lemma, .. } => return self.open.push(Unvisited::Lemma(*lemma, path)),
            Justification::Congruence { lemmas, .. } => return self.operands(from, lemmas, &path),
        };
        let (before, after) = self.writer.step(from, link.to);
        self.steps.push(ProofStep {
            rule: rule.to_owned(),
            class: Some(class),
            backwards,
            place: self.proof.place(&path),
            elsewhere: 0,
            before,
            after,
        });
    }

    /// Visits the lemmas about the operands of a term next.
    fn operands(&mut self, term: Id, lemmas: &[Option<usize>], path: &TermPath) {
        let depth = path.as_ref().map_or(0, |p| p.depth) + 1;
        for (operand, lemma) in lemmas.iter().enumerate().rev() {
            if let Some(lemma) = lemma {
                let segment = PathSegment { outer: path.clone(), term, operand, depth };
                self.open.push(Unvisited::Lemma(*lemma, Some(Rc::new(segment))));
            }
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&|_| None))
    }
}
