//! The check of a proof, which believes nothing of it.
//!
//! In: a proof, the recorded graph, the plan, and the options of planning. Every term is built anew and its facts are inferred from
//! its own operands; every link is held against what it claims: both sides of a rule are
//! built from what its variables stand for, by the very functions that planning uses, and its conditions are asked; a chain of
//! products in other brackets has the factors it had; operands are compared one by one; the ends are the terms of the two graphs. Lemmas may not rest on themselves.

use egg::Id;

use super::formed::Formed;
use super::replay::bears_on_values;
use super::{By, Lemma, Link, Named, Proof};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::planner::PlanOptions;
use crate::planner::chain::Order;
use crate::planner::encode::encode_into;
use crate::planner::facts::{Sort, Terms};
use crate::planner::language::{ENode, EOp};
use crate::planner::rules::{Class, Question, Rule, Subst, draft_left, draft_with, fits};
use crate::types::Numerics;

struct Checker<'a> {
    proof: &'a Proof,
    options: &'a PlanOptions,
    terms: Terms,
    formed: Formed,
    /// The proof's terms.
    at: Vec<Id>,
}

fn wrong(what: impl Into<String>) -> Error {
    Error::argument(format!("no proof: {}", what.into()))
}

impl Proof {
    /// Checks the proof: that it begins with the node of the recorded graph, ends with its image in the planned one, and that
    /// every step between them is one that the rules and the planner allow under these options.
    ///
    /// # Errors
    /// An argument error that says what is wrong first.
    pub fn check(&self, recorded: &Graph, planned: &Graph, options: &PlanOptions) -> Result<()> {
        let mut store = self.store.emptied();
        (store.leaves, store.slots, store.promises) = (recorded.leaves.clone(), recorded.slots.clone(), Vec::new());
        if planned.leaves != recorded.leaves || planned.slots != recorded.slots {
            return Err(wrong("the plan is of other leaves"));
        }
        let mut c =
            Checker { proof: self, options, terms: Terms::new(store), formed: Formed::default(), at: Vec::new() };
        for (i, term) in self.terms.iter().enumerate() {
            if term.children.iter().any(|&child| usize::from(child) >= i) {
                return Err(wrong(format!("term {i} is not built from earlier ones")));
            }
            let children: Vec<Id> = term.children.iter().map(|&child| c.at[usize::from(child)]).collect();
            let id = c.terms.add(ENode::new(term.op.clone(), children));
            if c.terms[id].data.sort == Sort::Roots {
                return Err(wrong(format!("term {i} is ill-formed")));
            }
            c.at.push(id);
        }
        let ends = (encode_into(&mut c.terms, recorded), encode_into(&mut c.terms, planned));
        let main = self.lemmas.first().ok_or_else(|| wrong("it has no steps"))?;
        if ends.0.get(self.node.index()) != Some(&c.id(main.from)?) {
            return Err(wrong(format!("it does not begin with what was recorded as {}", self.node)));
        }
        if ends.1.get(self.image.index()) != Some(&c.id(main.to())?) {
            return Err(wrong(format!("it does not end with what the plan computes as {}", self.image)));
        }
        c.grounded()?;
        for (number, lemma) in self.lemmas.iter().enumerate() {
            let mut from = lemma.from;
            for (i, link) in lemma.links.iter().enumerate() {
                c.link(from, link).map_err(|e| wrong(format!("link {i} of lemma {number}: {}", e.message())))?;
                from = link.to;
            }
        }
        Ok(())
    }
}

impl Checker<'_> {
    fn id(&self, term: Id) -> Result<Id> {
        self.at.get(usize::from(term)).copied().ok_or_else(|| wrong("a term that is not there"))
    }

    fn lemma(&self, number: usize) -> Result<&Lemma> {
        self.proof.lemmas.get(number).ok_or_else(|| wrong("a lemma that is not there"))
    }

    /// No lemma rests on itself.
    fn grounded(&self) -> Result<()> {
        let needs: Vec<Vec<usize>> = self.proof.lemmas.iter().map(named).collect();
        let mut state = vec![0u8; needs.len()];
        for start in 0..needs.len() {
            let mut open = vec![(start, 0)];
            while let Some((lemma, at)) = open.pop() {
                if at == 0 && state[lemma] == 2 {
                    continue;
                }
                state[lemma] = 1;
                let Some(&need) = needs[lemma].get(at) else {
                    state[lemma] = 2;
                    continue;
                };
                open.push((lemma, at + 1));
                match state.get(need) {
                    None => return Err(wrong("a lemma that is not there")),
                    Some(1) => return Err(wrong(format!("lemma {need} rests on itself"))),
                    Some(0) => open.push((need, 0)),
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn link(&mut self, from: Id, link: &Link) -> Result<()> {
        let (a, b) = (self.id(from)?, self.id(link.to)?);
        match &link.by {
            By::Rule { rule, backwards, class, subst, orders } => {
                let (left, right) = if *backwards { (b, a) } else { (a, b) };
                self.rule(rule, *class, (subst, orders), left, right)
            }
            By::Inside { crossed, lemmas } => {
                let (x, y) = (&self.proof.terms[usize::from(from)], &self.proof.terms[usize::from(link.to)]);
                let commutes = matches!(x.op, EOp::Binary(o) if o.is_commutative());
                if x.op != y.op || x.children.len() != y.children.len() || *crossed && !commutes {
                    return Err(wrong("two different operations"));
                }
                for (i, &operand) in x.children.iter().enumerate() {
                    let other = y.children[if *crossed { 1 - i } else { i }];
                    match lemmas.get(i).copied().flatten() {
                        None if operand == other => {}
                        Some(l) if self.lemma(l)?.from == operand && self.lemma(l)?.to() == other => {}
                        _ => {
                            return Err(wrong(format!("operand {i} is another one and nothing says that it is equal")));
                        }
                    }
                }
                Ok(())
            }
            By::Stored { stores, lemma } => {
                let lemma = self.lemma(*lemma)?;
                let stored =
                    |id: Id| self.proof.terms.get(usize::from(id)).filter(|t| t.op == EOp::Run).map(|t| t.children[0]);
                let fits = lemma.from == stores[0] && lemma.to() == stores[1];
                if !fits || stored(stores[0]) != Some(from) || stored(stores[1]) != Some(link.to) {
                    return Err(wrong("these are not the stored results of the two kernels"));
                }
                Ok(())
            }
            By::Formed => {
                let (x, y) = (self.formed.form(&mut self.terms, a), self.formed.form(&mut self.terms, b));
                if x.is_some() && x == y {
                    Ok(())
                } else {
                    Err(wrong("the plan has another form than what was chosen"))
                }
            }
        }
    }

    fn rule(
        &mut self,
        named: &Named,
        class: Class,
        (subst, orders): (&Subst, &[Order]),
        left: Id,
        right: Id,
    ) -> Result<()> {
        let rules = self.options.rules.clone();
        let rule = rules.all().iter().find(|r| r.name == named.name && r.back == named.back);
        let rule = rule.ok_or_else(|| wrong(format!("there is no rule {}", named.name)))?;
        let mut subst = subst.clone();
        for v in subst.vars.iter_mut().flatten() {
            *v = self.id(*v)?;
        }
        for a in subst.ops.iter_mut().flatten().flat_map(|(_, attributes)| attributes.iter_mut()) {
            *a = self.id(*a)?;
        }
        let sorts = rule.vars.iter().zip(&subst.vars);
        let bound = |id: &Option<Id>, sort| id.is_some_and(|id| fits(sort, &self.terms[id].data.sort));
        if subst.vars.len() != rule.vars.len() || !sorts.into_iter().all(|(v, id)| bound(id, v.sort)) {
            return Err(wrong(format!(
                "a variable of {} stands for nothing or for something of another sort",
                rule.name
            )));
        }
        let is = subst.vars[rule.subject_var].and_then(|id| rule.class(self.terms[id].data.dtype));
        if is != Some(class) || !class.admitted(self.options.numerics, self.options.allow_rescale) {
            return Err(wrong(format!("{} is not {class} here, or not in this mode", rule.name)));
        }
        let mut asked = rule.conditions.iter().filter(|c| bears_on_values(c.question));
        if let Some(c) = asked.find(|c| !c.holds(&self.terms, left, &subst.vars)) {
            return Err(wrong(format!("{} asks {} of what it is not known of", rule.name, c.question.name())));
        }
        if class == Class::Rescales && !self.guarded(rule, &subst) {
            return Err(wrong(format!("{} moves a number that is outside 2^±24 or not checked", rule.name)));
        }
        // Operands of commutative operations stand in one order in all terms, so both sides are compared as terms.
        let facts = self.terms[left].data.clone();
        let built = draft_left(&rule.left[0], &self.terms, &subst, &facts).map(|d| d.add(&mut self.terms).0);
        if built != Some(left) {
            return Err(wrong(format!("no instance of the left side of {}", rule.name)));
        }
        let orders = self.orders(rule, &subst, orders)?;
        let mut given = orders.into_iter();
        let built = draft_with(&rule.right, &self.terms, &subst, &facts, &mut |_, _| given.next());
        if built.map(|d| d.add(&mut self.terms).0) != Some(right) || given.next().is_some() {
            return Err(wrong(format!("no instance of the right side of {}", rule.name)));
        }
        Ok(())
    }

    /// The brackets around every chain of a right side. Whether they cost least is not asked: products may be bracketed in any way, as long as
    /// the factors are those of the left side, in the same order.
    fn orders(&self, rule: &Rule, subst: &Subst, orders: &[Order]) -> Result<Vec<Order>> {
        let chains = rule.chains();
        if chains.len() != orders.len() {
            return Err(wrong(format!("{} weighs {} chains, given {}", rule.name, chains.len(), orders.len())));
        }
        let mut found = Vec::with_capacity(orders.len());
        for (vars, order) in chains.iter().zip(orders) {
            let operands: Option<Vec<Id>> = vars.iter().map(|&v| subst.vars[v]).collect();
            let mut factors = Vec::new();
            for factor in order.factors() {
                factors.push(self.id(factor)?);
            }
            if !operands.is_some_and(|operands| self.multiply_to(&operands, &factors)) {
                return Err(wrong(format!("{} brackets other factors than those of its left side", rule.name)));
            }
            let (mut order, mut factors) = (order.clone(), factors.into_iter());
            order.each(&mut |id| *id = factors.next().unwrap_or(*id));
            found.push(order);
        }
        Ok(found)
    }

    /// Whether these operands, written side by side and taken apart where they are products, are these factors.
    fn multiply_to(&self, operands: &[Id], factors: &[Id]) -> bool {
        let mut open: Vec<Id> = operands.iter().rev().copied().collect();
        let mut left = factors;
        while let Some(id) = open.pop() {
            let node = self.terms.id_to_node(id);
            // A product of nothing is zero, whatever infinities stand beside it.
            let filled = node.children.iter().all(|&c| !self.terms[c].data.shape.is_empty());
            match left {
                // No term is a part of itself, so what is a factor is not taken apart.
                [factor, rest @ ..] if *factor == id => left = rest,
                // Every term that is open gives a factor at least: more of them than factors are too many.
                [_, ..] if node.op == EOp::Contract && filled && open.len() + 2 <= left.len() => {
                    open.extend(node.children.iter().rev());
                }
                _ => return false,
            }
        }
        left.is_empty()
    }

    /// In Standard mode numbers that move through a product lie within 2^±24; those of a run are checked when it starts.
    fn guarded(&self, rule: &Rule, subst: &Subst) -> bool {
        if self.options.numerics != Numerics::Standard {
            return true;
        }
        let bound = f64::from(1u32 << 24);
        let mut asked = rule.conditions.iter().filter(|c| c.question == Question::Constant).peekable();
        asked.peek().is_some()
            && asked.all(|c| match subst.vars[c.vars[0]].map(|id| &self.terms.id_to_node(id).op) {
                Some(EOp::Literal(s)) => (1.0 / bound..=bound).contains(&s.to_f64().abs()),
                other => other.is_some(),
            })
    }
}

/// The lemmas that a lemma names.
fn named(lemma: &Lemma) -> Vec<usize> {
    let of = |link: &Link| match &link.by {
        By::Inside { lemmas, .. } => lemmas.iter().flatten().copied().collect(),
        By::Stored { lemma, .. } => vec![*lemma],
        _ => Vec::new(),
    };
    lemma.links.iter().flat_map(of).collect()
}
