//! Chains of products are computed in the order that costs least, whatever brackets were written, and have proofs.

use std::sync::Arc;

use lazurite::inspect::graph::{BinaryOp, Graph, NodeId, Op, UnaryOp};
use lazurite::inspect::{Plan, PlanOptions, Prover};
use lazurite::unstable::algorithms::{Random, Xorshift};
use lazurite::unstable::planner::plan;
use lazurite::{CostTable, DType, Numerics, Rules, Shape};

use super::graphs::{Build, numbers};
use super::proofs::all_proved;

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
    random: &'a mut Xorshift,
    turns: bool,
}

impl Writer<'_> {
    fn write(&mut self, from: usize, to: usize, turned: bool) -> NodeId {
        if self.turns && !turned && self.random.below(3) == 0 {
            let x = self.write(from, to, true);
            return self.b.t(x);
        }
        if to - from == 1 {
            return if turned { self.b.t(self.leaves[from]) } else { self.leaves[from] };
        }
        let cut = from + 1 + self.random.below(to - from - 1);
        let (x, y) = (self.write(from, cut, turned), self.write(cut, to, turned));
        if turned { self.b.dot(y, x) } else { self.b.dot(x, y) }
    }
}

fn chain(extents: &[usize], random: &mut Xorshift, turns: bool) -> Graph {
    let mut b = Build::default();
    let leaves = extents.windows(2).map(|w| b.leaf(w)).collect();
    let mut w = Writer { b, leaves, random, turns };
    let root = w.write(0, extents.len() - 1, false);
    w.b.roots(&[root])
}

fn options(numerics: Numerics) -> PlanOptions {
    PlanOptions { numerics, ..PlanOptions::new(CostTable::cpu()) }
}

fn planned(graph: &Graph, numerics: Numerics) -> Plan {
    let p = plan(graph, &options(numerics));
    assert!(p.fallback.is_none() && p.saturated, "{p}");
    p
}

fn fired(p: &Plan) -> bool {
    p.fired.iter().any(|f| f.rule.starts_with("matrix-chain"))
}

/// Products in a plan.
fn products(p: &Plan) -> usize {
    p.graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. })).count()
}

fn extents(k: usize, random: &mut Xorshift) -> Vec<usize> {
    // No extent twice, so that no product is of a matrix and its own transpose.
    let mut all: Vec<usize> = Vec::new();
    while all.len() <= k {
        let n = [3, 8, 20, 50, 120, 300, 700][random.below(7)] + random.below(5);
        if !all.contains(&n) {
            all.push(n);
        }
    }
    all
}

#[test]
fn no_brackets_cost_less_than_the_plan() {
    let (costs, mut random) = (CostTable::cpu(), numbers(5));
    let mut reordered = 0;
    for case in 0..60 {
        let extents = extents(3 + case % 5, &mut random);
        let graph = chain(&extents, &mut random, case % 2 == 1);
        let best = least(&extents, &costs);
        for numerics in [Numerics::Standard, Numerics::Fast] {
            let p = planned(&graph, numerics);
            let found = cost(&p.graph, &costs);
            assert!(found <= best * (1.0 + 1e-9), "{extents:?}: {found} instead of {best}\n{graph}{p}");
            assert_eq!(p.graph, planned(&graph, numerics).graph);
            assert!(all_proved(&graph, &options(numerics)) > 0);
            reordered += usize::from(fired(&p));
        }
        // Another order of sums is no matter of Strict.
        let strict = planned(&graph, Numerics::Strict);
        assert!((cost(&strict.graph, &costs) - cost(&graph, &costs)).abs() < 1e-6 && !fired(&strict), "{strict}");
    }
    assert!(reordered > 40, "{reordered} of 120");
}

/// A chain of four arrays of a dtype that is best computed from the right.
fn to_a_vector(dtype: DType) -> Graph {
    let mut b = Build { dtype, ..Build::default() };
    let (x, y, z, v) = (b.leaf(&[90, 80]), b.leaf(&[80, 70]), b.leaf(&[70, 60]), b.leaf(&[60, 1]));
    let xy = b.dot(x, y);
    let xyz = b.dot(xy, z);
    let all = b.dot(xyz, v);
    b.roots(&[all])
}

#[test]
fn whether_brackets_may_move_depends_on_dtype_and_mode() {
    for (dtype, numerics, may) in [
        (DType::F32, Numerics::Strict, false),
        (DType::F64, Numerics::Strict, false),
        (DType::F64, Numerics::Standard, true),
        // Sums of integers are the same in any order.
        (DType::I32, Numerics::Strict, true),
        (DType::U32, Numerics::Strict, true),
        // Sixteen bits overflow midway.
        (DType::F16, Numerics::Standard, false),
        (DType::F16, Numerics::Fast, true),
    ] {
        let g = to_a_vector(dtype);
        assert_eq!(fired(&planned(&g, numerics)), may, "{dtype} {numerics}");
        assert!(all_proved(&g, &options(numerics)) > 0);
    }
}

#[test]
fn a_product_that_others_need_is_computed_once_and_not_taken_apart() {
    let mut b = Build::default();
    let (x, y, z, v) = (b.leaf(&[90, 80]), b.leaf(&[80, 70]), b.leaf(&[70, 60]), b.leaf(&[60, 50]));
    let xy = b.dot(x, y);
    let xyz = b.dot(xy, z);
    let all = b.dot(xyz, v);
    let g = b.roots(&[all, xy]);
    let p = planned(&g, Numerics::Standard);
    assert_eq!(products(&p), 3, "{p}");
    assert!(all_proved(&g, &options(Numerics::Standard)) > 0);
}

#[test]
fn two_chains_with_a_common_beginning_are_each_computed_from_their_vector() {
    // X Y is a factor of both, and needed by neither once it is taken apart.
    let mut b = Build::default();
    let (x, y) = (b.leaf(&[900, 800]), b.leaf(&[800, 700]));
    let (v, w) = (b.leaf(&[700, 1]), b.leaf(&[700, 600]));
    let u = b.leaf(&[600, 1]);
    let xy = b.dot(x, y);
    let xyv = b.dot(xy, v);
    let xyw = b.dot(xy, w);
    let xywu = b.dot(xyw, u);
    let g = b.roots(&[xyv, xywu]);
    let p = planned(&g, Numerics::Standard);
    assert!(cost(&p.graph, &CostTable::cpu()) < 0.1 * cost(&g, &CostTable::cpu()), "{p}");
    let vectors = p.graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. }));
    assert!(vectors.into_iter().all(|n| n.shape[1] == 1), "{p}");
    assert!(all_proved(&g, &options(Numerics::Standard)) > 0);
}

#[test]
fn long_chains_saturate_and_have_proofs() {
    let mut random = numbers(11);
    for k in [12, 30, 40, 45, 60, 120] {
        let extents: Vec<usize> = (0..=k).map(|_| 5 + random.below(900)).collect();
        let g = chain(&extents, &mut random, k % 4 == 1);
        let p = planned(&g, Numerics::Standard);
        assert!(p.rounds <= 30, "{k}: {} rounds", p.rounds);
        let best = if k <= 12 { least(&extents, &CostTable::cpu()) } else { cost(&g, &CostTable::cpu()) };
        assert!(cost(&p.graph, &CostTable::cpu()) <= best * (1.0 + 1e-9), "{k}: {p}");
        assert!(p.terms <= 12 * k + 40, "{k}: {} terms", p.terms);
        let options = options(Numerics::Standard);
        let mut prover = Prover::new(&g, &options);
        assert_eq!(prover.plan().graph, p.graph, "{k}");
        prover.proof(g.roots[0]).unwrap().check(&g, &p.graph, &options).unwrap();
    }
}

#[test]
fn chains_of_stacks_of_matrices_are_weighed_with_their_stacks() {
    // One matrix for all of a stack: multiplied with the others first, it is multiplied once.
    let mut b = Build::default();
    let (x, y, z) = (b.leaf(&[64, 40, 40]), b.leaf(&[40, 40]), b.leaf(&[40, 40]));
    let xy = b.dot(x, y);
    let all = b.dot(xy, z);
    let g = b.roots(&[all]);
    let p = planned(&g, Numerics::Standard);
    let shapes = |p: &Plan| -> Vec<Shape> {
        p.graph.nodes.iter().filter(|n| matches!(n.op, Op::Contract { .. })).map(|n| n.shape.clone()).collect()
    };
    assert!(shapes(&p).contains(&Shape::new(&[40, 40])), "{p}");
    assert!(all_proved(&g, &options(Numerics::Standard)) > 0);
}

#[test]
fn a_matrix_times_its_own_transpose_is_weighed_as_half_a_product() {
    // X'(X V) takes more than half of X'X and then V, but less than all of it.
    let (n, k, m) = (20_000, 60, 24);
    let mut b = Build::default();
    let (x, v) = (b.leaf(&[n, k]), b.leaf(&[k, m]));
    let (xt, xv) = (b.t(x), b.dot(x, v));
    let all = b.dot(xt, xv);
    let g = b.roots(&[all]);
    let p = planned(&g, Numerics::Standard);
    assert!(fired(&p) && p.fired.iter().any(|f| f.rule == "gram"), "{p}");
    assert!(p.graph.nodes.iter().any(|n| n.op == Op::Contract { symmetric: true }), "{p}");
    assert!(all_proved(&g, &options(Numerics::Standard)) > 0);
}

#[test]
fn chains_before_and_behind_elementwise_work_keep_their_epilogues() {
    let mut b = Build::default();
    let (x, y, z, v) = (b.leaf(&[900, 800]), b.leaf(&[800, 700]), b.leaf(&[700, 600]), b.leaf(&[600, 5]));
    let (s, c) = (b.slot(), b.leaf(&[900, 1]));
    let (a, w) = (b.leaf(&[5, 50]), b.leaf(&[50, 3]));
    let xy = b.dot(x, y);
    let xyz = b.dot(xy, z);
    let all = b.dot(xyz, v);
    let scaled = b.bin(BinaryOp::Mul, all, s);
    let moved = b.bin(BinaryOp::Add, scaled, c);
    let end = b.un(UnaryOp::Tanh, moved);
    let next = b.dot(end, a);
    let next = b.dot(next, w);
    let next = b.un(UnaryOp::Exp, next);
    let g = b.roots(&[next]);
    let p = planned(&g, Numerics::Standard);
    assert!(p.fired.iter().find(|f| f.rule == "matrix-chain").is_some_and(|f| f.count >= 2), "{p}");
    assert!(p.graph.nodes.iter().all(|n| n.shape.len() <= 900 * 800 && n.shape != Shape::new(&[900, 700])), "{p}");
    let stages: Vec<usize> = p.graph.kernels.iter().map(|k| k.stages.len()).filter(|&n| n > 0).collect();
    assert_eq!(stages, [3, 1], "{p}");
    assert!(all_proved(&g, &options(Numerics::Standard)) > 0);
}

#[test]
fn chains_in_a_graph_of_many_regions_cost_least() {
    let (costs, mut random) = (CostTable::cpu(), numbers(3));
    let mut b = Build::default();
    let (mut roots, mut best) = (Vec::new(), 0.0);
    for _ in 0..300 {
        let extents = extents(5, &mut random);
        best += least(&extents, &costs);
        let leaves = extents.windows(2).map(|w| b.leaf(w)).collect();
        let mut w = Writer { b, leaves, random: &mut random, turns: false };
        let root = w.write(0, 5, false);
        b = w.b;
        let root = (0..4).fold(root, |at, i| b.un(if i % 2 == 0 { UnaryOp::Tanh } else { UnaryOp::Exp }, at));
        roots.push(root);
    }
    let g = b.roots(&roots);
    assert!(g.nodes.len() > 2_000);
    let p = planned(&g, Numerics::Standard);
    let found = cost(&p.graph, &costs);
    // A chain that a border cuts is weighed in two parts.
    assert!(p.egg_runs > 1 && found <= best * 1.05, "{} regions, {found} for {best}", p.egg_runs);
}

/// Steps that each pay, as a rule file may ask for them.
const STEPS: &str = "\
phase recognise
rule to-right : reassociates, exact for int  (A @ B) @ C => A @ (B @ C)  when cheaper_right(A, B, C)
rule to-left  : reassociates, exact for int  A @ (B @ C) => (A @ B) @ C  when cheaper_left(A, B, C)
";

#[test]
fn steps_that_each_pay_end_elsewhere_in_some_chains() {
    let without = Rules::builtin().without(&["matrix-chain", "matrix-chain-right"]);
    let steps = Arc::new(without.with("steps", STEPS).unwrap());
    let without = Arc::new(without);
    let (costs, mut random) = (CostTable::cpu(), numbers(5));
    let mut stuck = 0;
    for _ in 0..20 {
        let extents = extents(7, &mut random);
        let g = chain(&extents, &mut random, false);
        let by = |rules: &Arc<Rules>| {
            let p = plan(&g, &PlanOptions { rules: rules.clone(), ..options(Numerics::Standard) });
            cost(&p.graph, &costs)
        };
        let (written, steps) = (by(&without), by(&steps));
        assert!((written - cost(&g, &costs)).abs() < 1e-6 && steps <= written * (1.0 + 1e-9));
        stuck += usize::from(steps > least(&extents, &costs) * 1.000_001);
    }
    assert!(stuck > 0);
}

#[test]
fn a_product_of_nothing_keeps_its_brackets() {
    // (A B) C with an infinity in C is NaN where A B is zero, and A (B C) is zero: a choice between them is no matter of rounding.
    for extents in [[64, 0, 64, 2], [2, 64, 0, 64], [64, 64, 0, 2]] {
        for cut in [1, 2] {
            let mut b = Build::default();
            let leaves: Vec<NodeId> = extents.windows(2).map(|w| b.leaf(w)).collect();
            let root = if cut == 2 {
                let left = b.dot(leaves[0], leaves[1]);
                b.dot(left, leaves[2])
            } else {
                let right = b.dot(leaves[1], leaves[2]);
                b.dot(leaves[0], right)
            };
            let p = plan(&b.roots(&[root]), &PlanOptions::new(CostTable::cpu()));
            assert!(p.fired.iter().all(|f| !f.rule.contains("chain")), "{extents:?} cut at {cut}: {:?}", p.fired);
        }
    }
}
