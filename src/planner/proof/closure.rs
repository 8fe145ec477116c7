//! Which terms are equal, and by which equalities: congruence closure over concrete terms that remembers its reasons.
//!
//! In come terms and equalities with reasons, in the order in which they were found; out come paths of equalities between two
//! terms. The terms live in an e-graph in which nothing is ever united, so each class there is one term and its facts are those
//! of that term alone; what is equal is kept beside it. The method is that of Nieuwenhuis and Oliveras ("Proof-producing
//! congruence closure", 2005) with one inference more: kernels whose stored results are equal are equal. A path uses only equalities
//! that are older than what it explains, so explanations of explanations end.

use egg::{Id, Language};
use hashbrown::HashMap;

use crate::planner::chain::Order;
use crate::planner::facts::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::rules::Subst;

/// Why two terms are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The first is an instance of a rule's left side, the second of its right side; the number of the application.
    Rule(usize),
    /// The same operation on equal operands.
    Congruence,
    /// Kernels whose results, stored by these two terms, are equal.
    Stored(Id, Id),
}

/// An equality.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: Id,
    pub(super) to: Id,
    pub(super) reason: Reason,
}

/// One equality of a path, and whether it is walked against its direction. The number of an equality is its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    pub(super) edge: usize,
    pub(super) backwards: bool,
}

/// A rule that was applied.
#[derive(Clone, Debug)]
pub(super) struct Application {
    /// Index into the rules.
    pub(super) rule: usize,
    /// What the variables stood for.
    pub(super) subst: Subst,
    /// The brackets around every chain that its right side weighed.
    pub(super) orders: Vec<Order>,
}

/// Terms and what is known to be equal among them.
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
    pub(super) edges: Vec<Edge>,
    pub(super) applied: Vec<Application>,
    /// By term: the equalities it is part of.
    around: Vec<Vec<usize>>,
}

impl Closure {
    /// No term but those that are in `terms` already.
    pub(super) fn new(terms: Terms) -> Self {
        let mut closure = Self {
            terms,
            parent: Vec::new(),
            members: Vec::new(),
            users: Vec::new(),
            stores: Vec::new(),
            signatures: HashMap::new(),
            edges: Vec::new(),
            applied: Vec::new(),
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

    /// Makes two terms equal, and all that follows from it.
    pub(super) fn unite(&mut self, a: Id, b: Id, reason: Reason) {
        let mut open = vec![Edge { from: a, to: b, reason }];
        while let Some(edge) = open.pop() {
            let (a, b) = (self.find(edge.from), self.find(edge.to));
            if a == b {
                continue;
            }
            self.around[usize::from(edge.from)].push(self.edges.len());
            self.around[usize::from(edge.to)].push(self.edges.len());
            self.edges.push(edge);
            let weight = |id: Id| self.members[usize::from(id)].len() + self.users[usize::from(id)].len();
            let (gone, kept) = if weight(a) <= weight(b) { (a, b) } else { (b, a) };
            self.parent[usize::from(gone)] = kept;
            let members = std::mem::take(&mut self.members[usize::from(gone)]);
            self.members[usize::from(kept)].extend(members);
            for user in std::mem::take(&mut self.users[usize::from(gone)]) {
                let signature = self.signature(user);
                match self.signatures.get(&signature) {
                    Some(&other) if self.equal(other, user) => {}
                    Some(&other) => open.push(Edge { from: other, to: user, reason: Reason::Congruence }),
                    None => {
                        self.signatures.insert(signature, user);
                    }
                }
                self.users[usize::from(kept)].push(user);
            }
            match (self.stores[usize::from(gone)], self.stores[usize::from(kept)]) {
                (Some(x), Some(y)) => {
                    let (from, to) = (self.node(x).children[0], self.node(y).children[0]);
                    open.push(Edge { from, to, reason: Reason::Stored(x, y) });
                }
                (Some(x), None) => self.stores[usize::from(kept)] = Some(x),
                _ => {}
            }
        }
    }

    /// The fewest equalities, all older than `before`, that lead from one term to another.
    pub(super) fn path(&self, from: Id, to: Id, before: usize) -> Option<Vec<Walked>> {
        let mut came: HashMap<Id, Option<Walked>> = HashMap::from([(from, None)]);
        let mut edge_of = vec![from];
        let mut next = Vec::new();
        while !edge_of.is_empty() && !came.contains_key(&to) {
            for &at in &edge_of {
                for &i in &self.around[usize::from(at)] {
                    let e = self.edges[i];
                    let (other, backwards) = if e.from == at { (e.to, false) } else { (e.from, true) };
                    if i < before && !came.contains_key(&other) {
                        came.insert(other, Some(Walked { edge: i, backwards }));
                        next.push(other);
                    }
                }
            }
            edge_of.clear();
            std::mem::swap(&mut edge_of, &mut next);
        }
        let mut path = Vec::new();
        let mut at = to;
        while let Some(step) = came.get(&at)? {
            path.push(*step);
            let e = self.edges[step.edge];
            at = if step.backwards { e.to } else { e.from };
        }
        path.reverse();
        Some(path)
    }
}
