//! The check of a proof, which trusts nothing in it.
//!
//! In: a proof, the recorded graph, the plan, and the options of planning. Every term is built anew and its facts are inferred from
//! its own operands. Every link is checked against what it claims. For an instance of a rule, both sides are built from what the
//! variables stand for, by the functions that planning uses, and the conditions are evaluated. A chain of products in other
//! brackets must have the same factors. Operands are compared one by one. The ends must be the terms of the two graphs. Lemmas
//! must not rest on themselves.

use egg::Id;

use super::lemma::{Justification, Lemma, LemmaLink, Proof, RuleLink};
use super::normal_form::NormalForms;
use super::replay::bears_on_values;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::planner::chain::Bracketing;
use crate::planner::class_facts::Sort;
use crate::planner::encode::encode_into;
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::plan::PlanOptions;
use crate::planner::rules::{Class, Rule, Subst, VarSort, draft_left, draft_with};

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
        if planned.leaves != recorded.leaves || planned.slots != recorded.slots {
            return Err(wrong("the plan is of other leaves"));
        }
        let mut store = self.store.emptied();
        (store.leaves, store.slots, store.promises) = (recorded.leaves.clone(), recorded.slots.clone(), Vec::new());
        let (terms, normal_forms) = (Terms::new(store), NormalForms::default());
        let mut checker = ProofChecker { proof: self, options, terms, normal_forms, built: Vec::new() };
        checker.build_terms()?;
        checker.check_ends(recorded, planned)?;
        checker.check_grounded()?;
        for (number, lemma) in self.lemmas.iter().enumerate() {
            let mut from = lemma.from;
            for (i, link) in lemma.links.iter().enumerate() {
                checker
                    .check_link(from, link)
                    .map_err(|e| wrong(format!("link {i} of lemma {number}: {}", e.message())))?;
                from = link.to;
            }
        }
        Ok(())
    }
}

struct ProofChecker<'a> {
    proof: &'a Proof,
    options: &'a PlanOptions,
    terms: Terms,
    normal_forms: NormalForms,
    /// By term of the proof: the same term in `terms`.
    built: Vec<Id>,
}

impl ProofChecker<'_> {
    fn id(&self, term: Id) -> Result<Id> {
        self.built.get(usize::from(term)).copied().ok_or_else(|| wrong("a term that is not there"))
    }

    fn lemma(&self, number: usize) -> Result<&Lemma> {
        self.proof.lemmas.get(number).ok_or_else(|| wrong("a lemma that is not there"))
    }

    fn build_terms(&mut self) -> Result<()> {
        for (i, term) in self.proof.terms.iter().enumerate() {
            if term.children.iter().any(|&child| usize::from(child) >= i) {
                return Err(wrong(format!("term {i} is not built from earlier ones")));
            }
            let children: Vec<Id> = term.children.iter().map(|&child| self.built[usize::from(child)]).collect();
            let id = self.terms.add(ENode::new(term.op.clone(), children));
            if self.terms[id].data.sort == Sort::Roots {
                return Err(wrong(format!("term {i} is ill-formed")));
            }
            self.built.push(id);
        }
        Ok(())
    }

    /// The main lemma begins with the recorded node and ends with its image.
    fn check_ends(&mut self, recorded: &Graph, planned: &Graph) -> Result<()> {
        let proof = self.proof;
        let recorded = encode_into(&mut self.terms, recorded);
        let planned = encode_into(&mut self.terms, planned);
        let main = proof.lemmas.first().ok_or_else(|| wrong("it has no steps"))?;
        if recorded.get(proof.node.index()) != Some(&self.id(main.from)?) {
            return Err(wrong(format!("it does not begin with what was recorded as {}", proof.node)));
        }
        if planned.get(proof.image.index()) != Some(&self.id(main.to())?) {
            return Err(wrong(format!("it does not end with what the plan computes as {}", proof.image)));
        }
        Ok(())
    }

    /// No lemma rests on itself.
    fn check_grounded(&self) -> Result<()> {
        let needs: Vec<Vec<usize>> = self.proof.lemmas.iter().map(named_lemmas).collect();
        let mut state = vec![VisitState::New; needs.len()];
        for start in 0..needs.len() {
            let mut open = vec![(start, 0)];
            while let Some((lemma, at)) = open.pop() {
                if at == 0 && state[lemma] == VisitState::Done {
                    continue;
                }
                state[lemma] = VisitState::Open;
                let Some(&need) = needs[lemma].get(at) else {
                    state[lemma] = VisitState::Done;
                    continue;
                };
                open.push((lemma, at + 1));
                match state.get(need) {
                    None => return Err(wrong("a lemma that is not there")),
                    Some(VisitState::Open) => return Err(wrong(format!("lemma {need} rests on itself"))),
                    Some(VisitState::New) => open.push((need, 0)),
                    Some(VisitState::Done) => {}
                }
            }
        }
        Ok(())
    }

    fn check_link(&mut self, from: Id, link: &LemmaLink) -> Result<()> {
        let (a, b) = (self.id(from)?, self.id(link.to)?);
        match &link.why {
            Justification::Rule(rule) => {
                let (left, right) = if rule.backwards { (b, a) } else { (a, b) };
                self.check_rule(rule, left, right)
            }
            Justification::Congruence { crossed, lemmas } => self.check_congruence(from, link.to, *crossed, lemmas),
            Justification::Stored { stores, lemma } => {
                let lemma = self.lemma(*lemma)?;
                let stored =
                    |id: Id| self.proof.terms.get(usize::from(id)).filter(|t| t.op == EOp::Run).map(|t| t.children[0]);
                let fits = lemma.from == stores[0] && lemma.to() == stores[1];
                if !fits || stored(stores[0]) != Some(from) || stored(stores[1]) != Some(link.to) {
                    return Err(wrong("these are not the stored results of the two kernels"));
                }
                Ok(())
            }
            Justification::NormalForm => {
                let (x, y) = (self.normal_forms.of(&mut self.terms, a), self.normal_forms.of(&mut self.terms, b));
                if x.is_some() && x == y {
                    Ok(())
                } else {
                    Err(wrong("the plan has another form than what was chosen"))
                }
            }
        }
    }

    fn check_congruence(&self, from: Id, to: Id, crossed: bool, lemmas: &[Option<usize>]) -> Result<()> {
        let (x, y) = (&self.proof.terms[usize::from(from)], &self.proof.terms[usize::from(to)]);
        let commutes = matches!(x.op, EOp::Binary(o) if o.is_commutative());
        if x.op != y.op || x.children.len() != y.children.len() || crossed && !commutes {
            return Err(wrong("two different operations"));
        }
        for (i, &operand) in x.children.iter().enumerate() {
            let other = y.children[if crossed { 1 - i } else { i }];
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

    /// Whether `left` and `right` are the two sides of an instance of a rule that may be used.
    fn check_rule(&mut self, link: &RuleLink, left: Id, right: Id) -> Result<()> {
        let rules = self.options.rules.clone();
        let rule = rules.all().iter().find(|r| r.name == link.rule.name && r.back == link.rule.back);
        let rule = rule.ok_or_else(|| wrong(format!("there is no rule {}", link.rule.name)))?;
        let subst = self.bound(rule, &link.subst)?;
        self.check_admitted(rule, link.class, &subst, left)?;
        // Operands of commutative operations have one order in all terms, so both sides are compared as terms.
        let facts = self.terms[left].data.clone();
        let built = draft_left(&rule.left[0], &self.terms, &subst, &facts).map(|d| d.add(&mut self.terms).root);
        if built != Some(left) {
            return Err(wrong(format!("no instance of the left side of {}", rule.name)));
        }
        let mut given = self.bracketings(rule, &subst, &link.bracketings)?.into_iter();
        let built = draft_with(&rule.right, &self.terms, &subst, &facts, &mut |_, _| given.next());
        if built.map(|d| d.add(&mut self.terms).root) != Some(right) || given.next().is_some() {
            return Err(wrong(format!("no instance of the right side of {}", rule.name)));
        }
        Ok(())
    }

    /// What the variables of a rule stand for, in `terms`; all of them have to stand for something of their sort.
    fn bound(&self, rule: &Rule, subst: &Subst) -> Result<Subst> {
        let mut subst = subst.clone();
        for v in subst.vars.iter_mut().flatten() {
            *v = self.id(*v)?;
        }
        for a in subst.ops.iter_mut().flatten().flat_map(|bound| bound.attributes.iter_mut()) {
            *a = self.id(*a)?;
        }
        let sorts = rule.vars.iter().zip(&subst.vars);
        let bound = |id: &Option<Id>, sort: VarSort| id.is_some_and(|id| sort.admits(&self.terms[id].data.sort));
        if subst.vars.len() != rule.vars.len() || !sorts.into_iter().all(|(v, id)| bound(id, v.sort)) {
            return Err(wrong(format!(
                "a variable of {} stands for nothing or for something of another sort",
                rule.name
            )));
        }
        Ok(subst)
    }

    /// Whether the mode allows the rule, which has this class here, and its conditions hold.
    fn check_admitted(&self, rule: &Rule, class: Class, subst: &Subst, left: Id) -> Result<()> {
        let is = subst.vars[rule.subject_var].and_then(|id| rule.class(self.terms[id].data.dtype));
        if is != Some(class) || !class.admitted(self.options.numerics) {
            return Err(wrong(format!("{} is not {class} here, or not in this mode", rule.name)));
        }
        let mut conditions = rule.conditions.iter().filter(|c| bears_on_values(c.question));
        if let Some(c) = conditions.find(|c| !c.holds(&self.terms, left, &subst.vars)) {
            return Err(wrong(format!("{} asks {} of what it is not known of", rule.name, c.question.name())));
        }
        Ok(())
    }

    /// The brackets around every chain of a right side. Whether they cost least does not matter: products may be bracketed in any
    /// way, as long as the factors are those of the left side, in the same order.
    fn bracketings(&self, rule: &Rule, subst: &Subst, given: &[Bracketing]) -> Result<Vec<Bracketing>> {
        let chains = rule.chains();
        if chains.len() != given.len() {
            return Err(wrong(format!("{} weighs {} chains, given {}", rule.name, chains.len(), given.len())));
        }
        let mut found = Vec::with_capacity(given.len());
        for (vars, bracketing) in chains.iter().zip(given) {
            let operands: Option<Vec<Id>> = vars.iter().map(|&v| subst.vars[v]).collect();
            let mut factors = Vec::new();
            for factor in bracketing.factors() {
                factors.push(self.id(factor)?);
            }
            if !operands.is_some_and(|operands| self.have_factors(&operands, &factors)) {
                return Err(wrong(format!("{} brackets other factors than those of its left side", rule.name)));
            }
            let (mut bracketing, mut factors) = (bracketing.clone(), factors.into_iter());
            bracketing.each(&mut |id| *id = factors.next().unwrap_or(*id));
            found.push(bracketing);
        }
        Ok(found)
    }

    /// Whether these operands, side by side and split where they are products, are these factors.
    fn have_factors(&self, operands: &[Id], factors: &[Id]) -> bool {
        let mut open: Vec<Id> = operands.iter().rev().copied().collect();
        let mut left = factors;
        while let Some(id) = open.pop() {
            let node = self.terms.id_to_node(id);
            // A product over an axis of extent 0 is zero, whatever infinities its factors hold.
            let filled = node.children.iter().all(|&c| !self.terms[c].data.shape.is_empty());
            match left {
                // No term is a part of itself, so a term that is a factor is not split.
                [factor, rest @ ..] if *factor == id => left = rest,
                // Every open term gives at least one factor: more open terms than factors are too many.
                [_, ..] if node.op == EOp::Contract && filled && open.len() + 2 <= left.len() => {
                    open.extend(node.children.iter().rev());
                }
                _ => return false,
            }
        }
        left.is_empty()
    }
}

/// The state of a lemma in a depth-first walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VisitState {
    New,
    Open,
    Done,
}

/// The lemmas that a lemma names.
fn named_lemmas(lemma: &Lemma) -> Vec<usize> {
    let of = |link: &LemmaLink| match &link.why {
        Justification::Congruence { lemmas, .. } => lemmas.iter().flatten().copied().collect(),
        Justification::Stored { lemma, .. } => vec![*lemma],
        _ => Vec::new(),
    };
    lemma.links.iter().flat_map(of).collect()
}
