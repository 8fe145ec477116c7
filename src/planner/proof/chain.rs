//! From a closure to a proof: paths of equalities, and for each the paths that it rests on.

use egg::Id;
use hashbrown::{HashMap, HashSet};

use super::closure::{Application, Reason, Walked};
use super::{By, Lemma, Link, Named, Proof, Prover};
use crate::error::{Error, Result};
use crate::graph::{NodeId, Op};
use crate::planner::language::EOp;
use crate::planner::rules::Subst;

/// More links than anybody reads; what needs more is asked for nearer to the leaves.
const MOST_LINKS: usize = 50_000;

/// An equality that is still to be proved for a link: which link of which lemma, and which of its operands.
struct Wanted {
    lemma: usize,
    link: usize,
    operand: usize,
    ends: (Id, Id),
    /// Only equalities older than this one may be used.
    before: usize,
}

struct Builder<'a> {
    prover: &'a Prover,
    lemmas: Vec<Lemma>,
    links: usize,
    /// Lemmas by their ends, with the age of the youngest equality in each.
    known: HashMap<(Id, Id), (usize, usize)>,
    open: Vec<Wanted>,
}

/// The proof that a recorded node is what was chosen for it, and that this is what the plan's node computes.
pub(super) fn build(prover: &Prover, node: NodeId, image: NodeId, end: Id, goal: Id) -> Result<Proof> {
    let start = prover.recorded[node.index()];
    let mut b = Builder { prover, lemmas: Vec::new(), links: 0, known: HashMap::new(), open: Vec::new() };
    let whole = prover.closure.edges.len();
    b.lemma(start, end, whole)?;
    while let Some(w) = b.open.pop() {
        let found = b.lemma(w.ends.0, w.ends.1, w.before)?;
        match &mut b.lemmas[w.lemma].links[w.link].by {
            By::Inside { lemmas, .. } => lemmas[w.operand] = Some(found),
            By::Stored { lemma, .. } => *lemma = found,
            _ => {}
        }
    }
    if end != goal {
        b.lemmas[0].links.push(Link { to: goal, by: By::Formed });
    }
    Ok(written_out(prover, b.lemmas, node, image))
}

impl Builder<'_> {
    /// The number of a lemma with these ends, made now unless there is one already.
    fn lemma(&mut self, from: Id, to: Id, before: usize) -> Result<usize> {
        if let Some(&(lemma, youngest)) = self.known.get(&(from, to))
            && youngest < before
        {
            return Ok(lemma);
        }
        let path = self.prover.closure.path(from, to, before);
        let path = path.ok_or_else(|| Error::internal("two terms of a class without a chain between them"))?;
        self.links += path.len() + 1;
        if self.links > MOST_LINKS {
            return Err(Error::argument(format!(
                "the proof of this node has more than {MOST_LINKS} links: ask about a node nearer to the leaves"
            )));
        }
        let lemma = self.lemmas.len();
        let youngest = path.iter().map(|w| w.edge + 1).max().unwrap_or(0);
        self.known.insert((from, to), (lemma, youngest.saturating_sub(1)));
        self.lemmas.push(Lemma { from, links: Vec::with_capacity(path.len()) });
        let mut at = from;
        for walked in path {
            let link = self.link(lemma, at, walked)?;
            at = link.to;
            self.lemmas[lemma].links.push(link);
        }
        Ok(lemma)
    }

    fn link(&mut self, lemma: usize, from: Id, walked: Walked) -> Result<Link> {
        let closure = &self.prover.closure;
        let Walked { edge, backwards } = walked;
        let e = closure.edges[edge];
        let to = if backwards { e.from } else { e.to };
        let link = self.lemmas[lemma].links.len();
        let by = match e.reason {
            Reason::Rule(application) => {
                let Application { rule, subst, orders } = closure.applied[application].clone();
                let rule = &self.prover.options.rules.all()[rule];
                let subject = subst.vars[rule.subject_var].map(|id| closure.terms[id].data.dtype);
                let class = subject.and_then(|d| rule.class(d)).unwrap_or_else(|| rule.shown_class());
                By::Rule { rule: Named { name: rule.name.clone(), back: rule.back }, backwards, class, subst, orders }
            }
            Reason::Stored(x, y) => {
                let stores = if backwards { [y, x] } else { [x, y] };
                self.open.push(Wanted { lemma, link, operand: 0, ends: (stores[0], stores[1]), before: edge });
                By::Stored { stores, lemma: 0 }
            }
            Reason::Congruence => {
                let (a, b) = (closure.node(from).children.clone(), closure.node(to).children.clone());
                let straight = || a.iter().zip(&b).all(|(&x, &y)| closure.path(x, y, edge).is_some());
                let commutes = matches!(closure.node(from).op, EOp::Binary(o) if o.is_commutative());
                let crossed = commutes && !straight();
                let other = |i: usize| if crossed { b[1 - i] } else { b[i] };
                for (operand, &x) in a.iter().enumerate() {
                    if x != other(operand) {
                        self.open.push(Wanted { lemma, link, operand, ends: (x, other(operand)), before: edge });
                    }
                }
                By::Inside { crossed, lemmas: vec![None; a.len()] }
            }
        };
        Ok(Link { to, by })
    }
}

/// The terms that variables stand for.
fn named(subst: &Subst) -> impl Iterator<Item = Id> + '_ {
    let attributes = subst.ops.iter().flatten().flat_map(|(_, attributes)| attributes.iter().copied());
    subst.vars.iter().flatten().copied().chain(attributes)
}

/// The proof with its own terms, in the order of the closure's.
fn written_out(prover: &Prover, mut lemmas: Vec<Lemma>, node: NodeId, image: NodeId) -> Proof {
    let terms = &prover.closure.terms;
    let mut needed = vec![false; terms.analysis.n_made];
    let mut mark = |id: Id| needed[usize::from(id)] = true;
    for lemma in &lemmas {
        mark(lemma.from);
        for link in &lemma.links {
            mark(link.to);
            match &link.by {
                By::Stored { stores, .. } => stores.iter().copied().for_each(&mut mark),
                By::Rule { subst, .. } => named(subst).for_each(&mut mark),
                _ => {}
            }
        }
    }
    for i in (0..needed.len()).rev() {
        if needed[i] {
            terms.id_to_node(Id::from(i)).children.iter().for_each(|&c| needed[usize::from(c)] = true);
        }
    }
    let mut place = vec![Id::from(usize::MAX >> 33); needed.len()];
    let mut copied = Vec::new();
    for (i, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
        place[i] = Id::from(copied.len());
        let mut term = terms.id_to_node(Id::from(i)).clone();
        // The order of the numbers is kept, and with it that of commutative operands.
        term.children.iter_mut().for_each(|c| *c = place[usize::from(*c)]);
        copied.push(term);
    }
    let to = |id: &mut Id| *id = place[usize::from(*id)];
    for lemma in &mut lemmas {
        to(&mut lemma.from);
        for link in &mut lemma.links {
            to(&mut link.to);
            match &mut link.by {
                By::Stored { stores, .. } => stores.iter_mut().for_each(to),
                By::Rule { subst, orders, .. } => {
                    orders.iter_mut().for_each(|o| o.each(&mut |id| to(id)));
                    subst.vars.iter_mut().flatten().for_each(to);
                    subst.ops.iter_mut().flatten().for_each(|(_, attributes)| attributes.iter_mut().for_each(to));
                }
                _ => {}
            }
        }
    }
    let graph = &prover.graph;
    let mut users = vec![0u32; graph.nodes.len()];
    graph.nodes.iter().flat_map(|n| &n.operands).for_each(|o| users[o.index()] += 1);
    let (mut recorded, mut chosen) = (HashMap::<Id, Vec<NodeId>>::new(), HashMap::new());
    let (mut shared, mut turned) = (HashSet::new(), HashSet::new());
    for (id, &term) in graph.ids().zip(&prover.recorded) {
        if !needed[usize::from(term)] {
            continue;
        }
        let at = place[usize::from(term)];
        recorded.entry(at).or_default().push(id);
        if users[id.index()] > 1 {
            shared.insert(at);
        }
        if let (Op::Binary(_), [first, ..]) = (&graph.node(id).op, &graph.node(id).operands[..])
            && terms.id_to_node(term).children[0] != prover.recorded[first.index()]
        {
            turned.insert(at);
        }
        if prover.plan.image[id.index()].is_some() {
            let all = prover.chosen[id.index()].iter().filter(|c| needed[usize::from(**c)]);
            chosen.entry(at).or_insert_with(|| all.map(|c| place[usize::from(*c)]).collect());
        }
    }
    let store = prover.store.clone();
    Proof { node, image, store, terms: copied, lemmas, recorded, shared, turned, chosen }
}
