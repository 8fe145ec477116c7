//! Which terms are equal, and by which equalities: congruence closure over concrete terms that remembers its reasons.
//!
//! In: terms, and equalities with reasons in the order in which they were found. Out: paths of equalities between two terms. The
//! terms live in an e-graph in which nothing is ever united, so each class there is one term and its facts are those of that term
//! alone; a union-find beside it says which are equal. The method is that of Nieuwenhuis and Oliveras ("Proof-producing congruence
//! closure", 2005) with one more inference: kernels whose stored results are equal are equal. A path uses only equalities that are
//! older than what it explains, so explanations of explanations end.

use egg::{Id, Language};
use hashbrown::HashMap;

use crate::planner::chain::Bracketing;
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::rules::Subst;

/// Why two terms are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The first is an instance of a rule's left side, the second of its right side; a place in `replayed_rules`.
    Rule(usize),
    /// The same operation on equal operands.
    Congruence,
    /// Kernels whose results, stored by these two terms, are equal.
    Stored(Id, Id),
}

/// An equality.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equality {
    pub(super) from: Id,
    pub(super) to: Id,
    pub(super) reason: Reason,
}

/// One equality of a path, and whether it is followed against its direction. The place of an equality in the list is its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathStep {
    pub(super) equality: usize,
    pub(super) backwards: bool,
}

/// A rule that was applied to concrete terms.
#[derive(Clone, Debug)]
pub(super) struct ReplayedRule {
    /// Index into the rules.
    pub(super) rule: usize,
    /// What the variables stood for.
    pub(super) subst: Subst,
    /// The brackets around every chain of products that its right side weighed.
    pub(super) bracketings: Vec<Bracketing>,
}

/// Terms, and which of them are known to be equal.
pub(super) struct Closure {
    /// Nothing is united here.
    pub(super) terms: Terms,
    /// Union-find over the terms.
    parent: Vec<Id>,
    /// By representative: all terms of its class.
    members: Vec<Vec<Id>>,
    /// By representative: the terms with an operand in its class.
    users: Vec<Vec<Id>>,
    /// By representative: a term of its class that stores a kernel.
    stores: Vec<Option<Id>>,
    /// Operations on representatives, and a term for each.
    signatures: HashMap<ENode, Id>,
    pub(super) equalities: Vec<Equality>,
    pub(super) replayed_rules: Vec<ReplayedRule>,
    /// By term: the equalities it is part of.
    around: Vec<Vec<usize>>,
}

impl Closure {
    /// A closure of the terms that are in `terms`; none are equal yet but by congruence.
    pub(super) fn new(terms: Terms) -> Self {
        let mut closure = Self {
            terms,
            parent: Vec::new(),
            members: Vec::new(),
            users: Vec::new(),
            stores: Vec::new(),
            signatures: HashMap::new(),
            equalities: Vec::new(),
            replayed_rules: Vec::new(),
            around: Vec::new(),
        };
        closure.take_in();
        closure
    }

    /// The representative of a term's class.
    pub(super) fn find(&self, mut id: Id) -> Id {
        while self.parent[usize::from(id)] != id {
            id = self.parent[usize::from(id)];
        }
        id
    }

    /// Whether two terms are known to be equal.
    pub(super) fn equal(&self, a: Id, b: Id) -> bool {
        self.find(a) == self.find(b)
    }

    /// The terms that are equal to a term.
    pub(super) fn members(&self, id: Id) -> &[Id] {
        &self.members[usize::from(self.find(id))]
    }

    /// A term.
    pub(super) fn node(&self, id: Id) -> &ENode {
        self.terms.id_to_node(id)
    }

    /// The term of an operation on terms.
    pub(super) fn add(&mut self, node: ENode) -> Id {
        let id = self.terms.add(node);
        self.take_in();
        id
    }

    /// Takes in the terms that were added to `terms` since the last time.
    pub(super) fn take_in(&mut self) {
        for i in self.parent.len()..self.terms.analysis.n_made {
            let id = Id::from(i);
            self.parent.push(id);
            self.members.push(vec![id]);
            self.users.push(Vec::new());
            self.around.push(Vec::new());
            self.stores.push((self.node(id).op == EOp::Run).then_some(id));
            let signature = self.signature(id);
            for &c in &signature.children {
                let users = &mut self.users[usize::from(c)];
                if users.last() != Some(&id) {
                    users.push(id);
                }
            }
            match self.signatures.get(&signature) {
                Some(&other) => self.unite(other, id, Reason::Congruence),
                None => {
                    self.signatures.insert(signature, id);
                }
            }
        }
    }

    fn signature(&self, id: Id) -> ENode {
        let mut node = self.node(id).clone();
        node.update_children(|c| self.find(c));
        node
    }

    /// Makes two terms equal, and all that are equal because of it.
    pub(super) fn unite(&mut self, a: Id, b: Id, reason: Reason) {
        let mut open = vec![Equality { from: a, to: b, reason }];
        while let Some(equality) = open.pop() {
            let (a, b) = (self.find(equality.from), self.find(equality.to));
            if a == b {
                continue;
            }
            self.around[usize::from(equality.from)].push(self.equalities.len());
            self.around[usize::from(equality.to)].push(self.equalities.len());
            self.equalities.push(equality);
            let weight = |id: Id| self.members[usize::from(id)].len() + self.users[usize::from(id)].len();
            let (smaller, larger) = if weight(a) <= weight(b) { (a, b) } else { (b, a) };
            self.merge(smaller, larger, &mut open);
        }
    }

    /// Makes one class part of another. Equalities that follow are added to `open`.
    fn merge(&mut self, smaller: Id, larger: Id, open: &mut Vec<Equality>) {
        self.parent[usize::from(smaller)] = larger;
        let members = std::mem::take(&mut self.members[usize::from(smaller)]);
        self.members[usize::from(larger)].extend(members);
        for user in std::mem::take(&mut self.users[usize::from(smaller)]) {
            let signature = self.signature(user);
            match self.signatures.get(&signature) {
                Some(&other) if self.equal(other, user) => {}
                Some(&other) => open.push(Equality { from: other, to: user, reason: Reason::Congruence }),
                None => {
                    self.signatures.insert(signature, user);
                }
            }
            self.users[usize::from(larger)].push(user);
        }
        match (self.stores[usize::from(smaller)], self.stores[usize::from(larger)]) {
            (Some(x), Some(y)) => {
                let (from, to) = (self.node(x).children[0], self.node(y).children[0]);
                open.push(Equality { from, to, reason: Reason::Stored(x, y) });
            }
            (Some(x), None) => self.stores[usize::from(larger)] = Some(x),
            _ => {}
        }
    }

    /// The fewest equalities, all older than `before`, that lead from one term to another.
    pub(super) fn path(&self, from: Id, to: Id, before: usize) -> Option<Vec<PathStep>> {
        let mut came: HashMap<Id, Option<PathStep>> = HashMap::from([(from, None)]);
        let mut frontier = vec![from];
        let mut next = Vec::new();
        while !frontier.is_empty() && !came.contains_key(&to) {
            for &at in &frontier {
                for &i in &self.around[usize::from(at)] {
                    let e = self.equalities[i];
                    let (other, backwards) = if e.from == at { (e.to, false) } else { (e.from, true) };
                    if i < before && !came.contains_key(&other) {
                        came.insert(other, Some(PathStep { equality: i, backwards }));
                        next.push(other);
                    }
                }
            }
            frontier.clear();
            std::mem::swap(&mut frontier, &mut next);
        }
        let mut path = Vec::new();
        let mut at = to;
        while let Some(step) = came.get(&at)? {
            path.push(*step);
            let e = self.equalities[step.equality];
            at = if step.backwards { e.to } else { e.from };
        }
        path.reverse();
        Some(path)
    }
}
