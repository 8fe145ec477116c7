//! Wrong proofs: whatever is changed in a correct proof, the check refuses the result.

use std::sync::Arc;

use egg::Id;

use super::lemma::{Justification, LemmaLink, Proof, RuleLink};
use super::why;
use crate::graph::{BinaryOp, Graph, NodeId};
use crate::planner::chain::Bracketing;
use crate::planner::language::{ENode, EOp};
use crate::planner::rules::Class;
use crate::planner::tests::Build;
use crate::planner::{Plan, PlanOptions, plan};
use crate::types::{CostTable, Numerics};

/// diag(X' @ X / s) beside X' @ X / s and (X + 0)'' * s * t.
fn graph() -> Graph {
    let mut b = Build::new();
    let (x, s, t) = (b.leaf(&[40, 8]), b.slot(), b.slot());
    let xt = b.t(x);
    let g = b.dot(xt, x);
    let c = b.bin(BinaryOp::Div, g, s);
    let d = b.dense(c).diagonal().unwrap();
    let d = b.view(c, d);
    let tt = b.t(xt);
    let p = b.bin(BinaryOp::Mul, tt, s);
    let q = b.bin(BinaryOp::Mul, p, t);
    let total = b.sum(q, &[0, 1]);
    b.graph.roots = vec![c, d, total];
    b.graph
}

fn proved(node: usize, numerics: Numerics) -> (Graph, Plan, PlanOptions, Proof) {
    let graph = graph();
    let options = PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) };
    let plan = plan(&graph, &options);
    let proof = why(&graph, &options, graph.roots[node]).unwrap();
    proof.check(&graph, &plan.graph, &options).unwrap();
    (graph, plan, options, proof)
}

/// What is changed, what the check says then, and the change.
type Tampering = (&'static str, &'static str, fn(&mut Proof));

/// The first link of a kind.
fn link(proof: &mut Proof, is_sought: impl Fn(&Justification) -> bool) -> &mut LemmaLink {
    proof.lemmas.iter_mut().flat_map(|l| &mut l.links).find(|l| is_sought(&l.why)).unwrap()
}

/// The first instance of a rule, or of the rule of a name.
fn rule_link<'p>(proof: &'p mut Proof, name: Option<&str>) -> &'p mut RuleLink {
    let is_sought =
        |why: &Justification| matches!(why, Justification::Rule(r) if name.is_none_or(|name| r.rule.name == name));
    let Justification::Rule(found) = &mut link(proof, is_sought).why else { panic!() };
    found
}

fn is_congruence(why: &Justification) -> bool {
    matches!(why, Justification::Congruence { .. })
}

#[test]
fn a_changed_proof_is_no_proof() {
    let (graph, plan, options, proof) = proved(0, Numerics::Standard);
    let is_rule = |why: &Justification| matches!(why, Justification::Rule(_));
    let changes: [Tampering; 9] = [
        ("another rule", "left side", |p| {
            let found = rule_link(p, Some("gram"));
            (found.rule.name, found.class) = ("gram-of-rows".into(), Class::Reassociates);
        }),
        ("no rule", "there is no rule", |p| rule_link(p, None).rule.name = "wishful".into()),
        ("a better class", "not exact here", |p| rule_link(p, Some("gram")).class = Class::Exact),
        ("the other direction", "no instance", |p| {
            let found = rule_link(p, None);
            found.backwards = !found.backwards;
        }),
        ("another variable", "no instance", |p| {
            let transposed = Id::from(p.terms.iter().position(|t| t.op == EOp::Transpose).unwrap());
            rule_link(p, Some("gram")).subst.vars[0] = Some(transposed);
        }),
        ("a step left out", "", |p| {
            let long = p.lemmas.iter_mut().find(|l| l.links.len() > 1).unwrap();
            long.links.remove(0);
        }),
        ("an operand taken for equal", "nothing says", |p| {
            let Justification::Congruence { lemmas, .. } = &mut link(p, is_congruence).why else { panic!() };
            lemmas.iter_mut().for_each(|l| *l = None);
        }),
        ("a lemma that rests on itself", "rests on itself", |p| {
            let at = p.lemmas.iter().position(|l| l.links.iter().any(|l| is_congruence(&l.why))).unwrap();
            let found = p.lemmas[at].links.iter_mut().find(|l| is_congruence(&l.why)).unwrap();
            let Justification::Congruence { lemmas, .. } = &mut found.why else { panic!() };
            lemmas.iter_mut().flatten().for_each(|l| *l = at);
        }),
        ("the end of another node", "does not end", |p| p.image = NodeId(0)),
    ];
    assert!(proof.lemmas.iter().flat_map(|l| &l.links).any(|l| is_rule(&l.why)));
    for (what, says, change) in changes {
        let mut other = proof.clone();
        change(&mut other);
        match other.check(&graph, &plan.graph, &options) {
            Ok(()) => panic!("{what} was accepted:\n{other}"),
            Err(why) => assert!(why.to_string().contains(says), "{what}: {why}"),
        }
    }
}

#[test]
fn a_proof_holds_for_its_graph_mode_and_plan_only() {
    let (graph, plan, options, proof) = proved(0, Numerics::Standard);
    let strict = PlanOptions { numerics: Numerics::Strict, ..options.clone() };
    assert!(proof.check(&graph, &plan.graph, &strict).unwrap_err().to_string().contains("not in this mode"));
    let mut less = options.clone();
    less.rules = Arc::new(less.rules.without(&["gram"]));
    assert!(proof.check(&graph, &plan.graph, &less).unwrap_err().to_string().contains("there is no rule gram"));
    assert!(proof.check(&plan.graph, &plan.graph, &options).is_err());
    let mut other = graph.clone();
    other.leaves[0].shape = crate::types::Shape::new(&[41, 8]);
    assert!(proof.check(&other, &plan.graph, &options).is_err());
}

#[test]
fn a_number_moves_in_fast_alone() {
    let (graph, plan, options, proof) = proved(2, Numerics::Fast);
    assert_eq!(proof.weakest(), Class::Rescales, "{proof}");
    let standard = PlanOptions { numerics: Numerics::Standard, ..options };
    let refused = proof.check(&graph, &plan.graph, &standard).unwrap_err();
    assert!(refused.to_string().contains("not in this mode"), "{refused}");
    let (.., proof) = proved(2, Numerics::Standard);
    assert!(proof.weakest() < Class::Rescales, "{proof}");
}

#[test]
fn words_of_a_proof_name_rules_places_and_classes() {
    let (.., proof) = proved(1, Numerics::Standard);
    let name = |id: NodeId| (id == NodeId(0)).then(|| String::from("X"));
    let text = proof.text(&name);
    for part in [
        "written  diag(%4 / $0)",
        "gram (reassociates) at ",
        "diagonal-kernel (reassociates)",
        "weakest class: reassociates",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let steps = proof.steps(&name);
    assert!(steps.iter().all(|s| s.class.is_some() && !s.rule.is_empty()), "{steps:?}");
}

/// (A @ B) @ C @ D of equal squares but for the last: brackets and factors fit whatever their order.
fn chained() -> (Graph, Plan, PlanOptions, Proof) {
    let mut b = Build::new();
    let (x, y, z, v) = (b.leaf(&[40, 40]), b.leaf(&[40, 40]), b.leaf(&[40, 40]), b.leaf(&[40, 1]));
    let xy = b.dot(x, y);
    let xyz = b.dot(xy, z);
    let all = b.dot(xyz, v);
    b.graph.roots = vec![all];
    let options = PlanOptions::new(CostTable::cpu());
    let plan = plan(&b.graph, &options);
    let proof = why(&b.graph, &options, all).unwrap();
    proof.check(&b.graph, &plan.graph, &options).unwrap();
    (b.graph, plan, options, proof)
}

/// The brackets of the step that weighed the chain, and where it leads.
fn weighed(proof: &mut Proof) -> (&mut Vec<Bracketing>, &mut Id) {
    let found = link(proof, |why| matches!(why, Justification::Rule(r) if !r.bracketings.is_empty()));
    let Justification::Rule(rule) = &mut found.why else { panic!() };
    (&mut rule.bracketings, &mut found.to)
}

/// The term of these brackets, added to the proof.
fn term(proof: &mut Proof, bracketing: &Bracketing) -> Id {
    match bracketing {
        Bracketing::Factor(id) => *id,
        Bracketing::Product(left, right) => {
            let operands = [term(proof, left), term(proof, right)];
            proof.terms.push(ENode::new(EOp::Contract, operands));
            Id::from(proof.terms.len() - 1)
        }
    }
}

#[test]
fn a_chain_in_other_brackets_has_the_factors_it_had() {
    let (graph, plan, options, proof) = chained();
    assert!(proof.steps(&|_| None).iter().any(|s| s.rule == "matrix-chain"), "{proof}");
    let refused = |proof: &Proof, says: &str| match proof.check(&graph, &plan.graph, &options) {
        Ok(()) => panic!("accepted:\n{proof}"),
        Err(why) => assert!(why.to_string().contains(says), "{why}"),
    };
    let factors = weighed(&mut proof.clone()).0[0].factors();
    assert_eq!(factors.len(), 4);
    let one = |i: usize| Box::new(Bracketing::Factor(factors[i]));
    let pair = |x: Box<Bracketing>, y: Box<Bracketing>| Box::new(Bracketing::Product(x, y));

    // Other brackets than those of the term that the step leads to.
    let mut other = proof.clone();
    weighed(&mut other).0[0] = *pair(pair(one(0), one(1)), pair(one(2), one(3)));
    refused(&other, "no instance of the right side");
    // Other factors, whether or not the term has them too.
    for wrong in [
        *pair(one(1), pair(one(0), pair(one(2), one(3)))),
        *pair(one(0), pair(one(2), pair(one(1), one(3)))),
        *pair(one(0), pair(one(1), one(3))),
        *pair(one(0), pair(one(1), pair(one(2), pair(one(2), one(3))))),
        *pair(one(0), one(3)),
    ] {
        let mut other = proof.clone();
        weighed(&mut other).0[0] = wrong.clone();
        refused(&other, "other factors");
        let to = term(&mut other, &wrong);
        *weighed(&mut other).1 = to;
        refused(&other, "other factors");
    }
    // No brackets, and more than there are chains.
    let mut other = proof.clone();
    weighed(&mut other).0.clear();
    refused(&other, "weighs 1 chains, given 0");
    let mut other = proof.clone();
    let again = weighed(&mut other).0[0].clone();
    weighed(&mut other).0.push(again);
    refused(&other, "weighs 1 chains, given 2");
    // A factor that is no term.
    let mut other = proof.clone();
    weighed(&mut other).0[0] = *pair(Box::new(Bracketing::Factor(Id::from(9_999usize))), one(3));
    refused(&other, "not there");
    // Brackets have no place in an instance of a rule that weighs nothing.
    let mut other = proof.clone();
    rule_link(&mut other, None).rule.name = "transpose-twice".into();
    assert!(other.check(&graph, &plan.graph, &options).is_err());
}

#[test]
fn a_long_way_down_is_not_walked_for_a_few_factors() {
    // Each term is the square of the one before it: 2^60 factors, written out.
    let (graph, plan, options, mut proof) = chained();
    let factors = weighed(&mut proof).0[0].factors();
    let mut tower = factors[0];
    for _ in 0..60 {
        proof.terms.push(ENode::new(EOp::Contract, [tower, tower]));
        tower = Id::from(proof.terms.len() - 1);
    }
    rule_link(&mut proof, None).subst.vars.iter_mut().flatten().for_each(|v| *v = tower);
    assert!(proof.check(&graph, &plan.graph, &options).is_err());
}
