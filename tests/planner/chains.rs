//! Chains of products are computed in the order that costs least, whatever brackets were written, where rules ask for it: those
//! below are not among the built-in ones while proofs cannot show what was weighed as a whole.

use std::sync::Arc;

use lazurite::graph::{Graph, NodeId, Op};
use lazurite::planner::{Plan, PlanOptions, Rules, plan};
use lazurite::types::{CostTable, Numerics};

use crate::graphs::{Build, Dice};

const CHAINS: &str = "\
phase recognise
rule matrix-chain       : reassociates, exact for int  (A @ B) @ C => cheapest(A, B, C)  when whole_chain(result)
rule matrix-chain-right : reassociates, exact for int  A @ (B @ C) => cheapest(A, B, C)  when whole_chain(result)
";

fn rules() -> Arc<Rules> {
    Arc::new(Rules::builtin().with("chains", CHAINS).unwrap())
}

/// A product of rows by inner by columns, as the planner weighs it.
fn product(m: usize, k: usize, n: usize, costs: &CostTable) -> f64 {
    let bytes = 4.0 * ((m * k + k * n) as f64 + 0.5 * (m * n) as f64);
    1.05 * costs.launch_ns + bytes * costs.byte_ns + (m * n) as f64 * k as f64 * costs.fma_ns
}

/// The least cost of factors with these extents, by trying all brackets.
fn least(extents: &[usize], costs: &CostTable) -> f64 {
    let n = extents.len() - 1;
    if n == 1 {
        return 0.0;
    }
    (1..n)
        .map(|cut| {
            let sides = least(&extents[..=cut], costs) + least(&extents[cut..], costs);
            sides + product(extents[0], extents[cut], extents[n], costs)
        })
        .fold(f64::INFINITY, f64::min)
}

fn cost(graph: &Graph, costs: &CostTable) -> f64 {
    let products = graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. }));
    products
        .map(|n| {
            let (a, b) = (&graph.node(n.operands[0]).shape, &graph.node(n.operands[1]).shape);
            product(a[0], a[1], b[1], costs)
        })
        .sum()
}

/// Random brackets around the leaves, and transposes of random parts where `turns`.
struct Writer<'a> {
    b: Build,
    leaves: Vec<NodeId>,
    dice: &'a mut Dice,
    turns: bool,
}

impl Writer<'_> {
    fn write(&mut self, from: usize, to: usize, turned: bool) -> NodeId {
        if self.turns && !turned && self.dice.roll(3) == 0 {
            let x = self.write(from, to, true);
            return self.b.t(x);
        }
        if to - from == 1 {
            return if turned { self.b.t(self.leaves[from]) } else { self.leaves[from] };
        }
        let cut = from + 1 + self.dice.roll(to - from - 1);
        let (x, y) = (self.write(from, cut, turned), self.write(cut, to, turned));
        if turned { self.b.dot(y, x) } else { self.b.dot(x, y) }
    }
}

fn chain(extents: &[usize], dice: &mut Dice, turns: bool) -> Graph {
    let mut b = Build::default();
    let leaves = extents.windows(2).map(|w| b.leaf(w)).collect();
    let mut w = Writer { b, leaves, dice, turns };
    let root = w.write(0, extents.len() - 1, false);
    w.b.roots(&[root])
}

fn planned(graph: &Graph, rules: &Arc<Rules>, numerics: Numerics) -> Plan {
    let p = plan(graph, &PlanOptions { numerics, rules: rules.clone(), ..PlanOptions::new(CostTable::cpu()) });
    assert!(p.fallback.is_none() && p.saturated, "{p}");
    p
}

fn extents(k: usize, dice: &mut Dice) -> Vec<usize> {
    // No extent twice, so that no product is of a matrix and its own transpose.
    let mut all: Vec<usize> = Vec::new();
    while all.len() <= k {
        let n = [3, 8, 20, 50, 120, 300, 700][dice.roll(7)] + dice.roll(5);
        if !all.contains(&n) {
            all.push(n);
        }
    }
    all
}

#[test]
fn no_brackets_cost_less_than_the_plan() {
    let (costs, mut dice) = (CostTable::cpu(), Dice::new(5));
    let all = rules();
    let pairwise = Rules::builtin().clone();
    let (mut fired, mut stuck) = (0, 0);
    for case in 0..48 {
        let extents = extents(3 + case % 5, &mut dice);
        let graph = chain(&extents, &mut dice, case % 2 == 1);
        let p = planned(&graph, &all, Numerics::Standard);
        let (found, best) = (cost(&p.graph, &costs), least(&extents, &costs));
        assert!(found <= best * (1.0 + 1e-9), "{extents:?}: {found} instead of {best}\n{graph}{p}");
        fired += usize::from(p.fired.iter().any(|f| f.rule.starts_with("matrix-chain")));
        stuck += usize::from(cost(&planned(&graph, &pairwise, Numerics::Standard).graph, &costs) > best * 1.000_001);
        // Another order of sums is no matter of Strict.
        let strict = planned(&graph, &all, Numerics::Strict);
        assert!((cost(&strict.graph, &costs) - cost(&graph, &costs)).abs() < 1e-6, "{strict}");
    }
    // Steps that each pay end elsewhere in some of them.
    assert!(fired > 10 && stuck > 0, "{fired} fired, {stuck} stuck without them");
}

#[test]
fn a_product_that_others_need_is_computed_once_and_not_taken_apart() {
    let mut b = Build::default();
    let (x, y, z, v) = (b.leaf(&[90, 80]), b.leaf(&[80, 70]), b.leaf(&[70, 60]), b.leaf(&[60, 50]));
    let xy = b.dot(x, y);
    let xyz = b.dot(xy, z);
    let all = b.dot(xyz, v);
    let g = b.roots(&[all, xy]);
    let p = planned(&g, &rules(), Numerics::Standard);
    let products = p.graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. })).count();
    assert_eq!(products, 3, "{p}");
}

#[test]
fn long_chains_saturate() {
    let mut dice = Dice::new(11);
    for k in [12, 30, 60] {
        let extents: Vec<usize> = (0..=k).map(|_| 5 + dice.roll(900)).collect();
        let p = planned(&chain(&extents, &mut dice, false), &rules(), Numerics::Standard);
        assert!(p.iterations <= 30, "{k}: {} rounds", p.iterations);
        let best = if k <= 12 { least(&extents, &CostTable::cpu()) } else { f64::INFINITY };
        assert!(cost(&p.graph, &CostTable::cpu()) <= best * (1.0 + 1e-9), "{k}: {p}");
        assert!(p.enodes <= 8 * k * k, "{k}: {} terms", p.enodes);
    }
}
