//! Plans of small programs: form, not values.

use super::cost;
use super::encode::encode;
use super::language::ENode;
use super::planning::{Planner, finish};
use super::regions::too_large;
use super::{Plan, PlanOptions, plan};
use crate::graph::{BinaryOp, Graph, LeafInfo, NodeId, Op, ReduceOp};
use crate::types::{CostTable, DType, Shape, View};

/// A graph under construction.
pub(super) struct Build {
    pub(super) graph: Graph,
}

impl Build {
    pub(super) fn new() -> Self {
        Self { graph: Graph::default() }
    }

    pub(super) fn leaf(&mut self, dims: &[usize]) -> NodeId {
        let i = self.graph.leaves.len() as u32;
        self.graph.leaves.push(LeafInfo { shape: Shape::new(dims), dtype: DType::F32 });
        self.graph.add(Op::Leaf(i), &[]).unwrap()
    }

    pub(super) fn slot(&mut self) -> NodeId {
        let i = self.graph.slots.len() as u32;
        self.graph.slots.push(DType::F32);
        self.graph.add(Op::Slot(i), &[]).unwrap()
    }

    pub(super) fn bin(&mut self, op: BinaryOp, x: NodeId, y: NodeId) -> NodeId {
        self.graph.add(Op::Binary(op), &[x, y]).unwrap()
    }

    pub(super) fn dot(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.graph.add(Op::Contract { symmetric: false }, &[x, y]).unwrap()
    }

    pub(super) fn sum(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        self.graph.add(Op::Reduce { op: ReduceOp::Sum, axes: axes.into() }, &[x]).unwrap()
    }

    pub(super) fn dense(&self, x: NodeId) -> View {
        View::dense(&self.graph.node(x).shape)
    }

    pub(super) fn view(&mut self, x: NodeId, v: View) -> NodeId {
        self.graph.add(Op::View(v), &[x]).unwrap()
    }

    pub(super) fn t(&mut self, x: NodeId) -> NodeId {
        let v = self.dense(x).permute(&[1, 0]).unwrap();
        self.view(x, v)
    }

    pub(super) fn plan(mut self, roots: &[NodeId]) -> Plan {
        self.graph.roots = roots.to_vec();
        plan(&self.graph, &PlanOptions::new(CostTable::cpu()))
    }
}

#[test]
fn a_covariance_is_one_syrk_with_its_division_as_a_stage() {
    let mut b = Build::new();
    let x = b.leaf(&[1797, 64]);
    let n = b.slot();
    let s = b.sum(x, &[0]);
    let mean = b.bin(BinaryOp::Div, s, n);
    let c = b.bin(BinaryOp::Sub, x, mean);
    let ct = b.t(c);
    let g = b.dot(ct, c);
    let m = b.slot();
    let cov = b.bin(BinaryOp::Div, g, m);
    let plan = b.plan(&[cov]);
    println!("{plan}");
    assert!(plan.saturated && plan.fallback.is_none());
    assert_eq!(plan.graph.kernels.len(), 1);
    let k = &plan.graph.kernels[0];
    assert_eq!(plan.graph.node(k.core).op, Op::Contract { symmetric: true });
    assert_eq!(k.outputs, plan.graph.roots);
    assert_eq!(k.stages.len(), 1);
}

#[test]
fn recorded_nodes_find_the_planned_nodes_that_compute_them() {
    // Two spellings of one value, a product inside a kernel, a value that is no longer needed, and a root.
    let mut b = Build::new();
    let (x, y) = (b.leaf(&[6, 5]), b.leaf(&[5, 7]));
    let s = b.slot();
    let (xt, product) = (b.t(x), b.dot(x, y));
    let twice = b.t(xt);
    let scaled = b.bin(BinaryOp::Add, product, s);
    let again = b.dot(twice, y);
    let sum = b.bin(BinaryOp::Mul, scaled, again);
    let zero = b.graph.add(Op::Literal(crate::types::Scalar::from_f64(DType::F32, 0.0)), &[]).unwrap();
    let same = b.bin(BinaryOp::Sub, sum, zero);
    let plan = b.plan(&[same]);
    let image = |id: NodeId| plan.image[id.index()];
    println!("{plan}\n{:?}", plan.image);
    assert_eq!(image(same), Some(plan.graph.roots[0]));
    assert_eq!(image(sum), Some(plan.graph.roots[0]), "x - 0 is x");
    assert_eq!(image(twice), image(x), "a transpose of a transpose is the leaf");
    assert_eq!(image(product), image(again), "one product in two spellings");
    assert_eq!(image(product), Some(plan.graph.kernels[0].core), "in the registers of the kernel");
    assert_eq!(image(zero), None, "nobody needs the zero");
    assert_eq!(image(xt), None, "nobody needs the transpose");
}

/// What a graph costs by the planner's own table, every node once.
fn cost(graph: &Graph, costs: &CostTable) -> f64 {
    let encoded = encode(graph, Vec::new());
    let terms = &encoded.terms;
    let own = |node: &ENode| {
        let facts = &terms[terms.lookup(node.clone()).unwrap()].data;
        let children: Vec<_> = node.operands().iter().map(|&c| &terms[c].data).collect();
        cost::term_ns(&node.op, facts, &children, &terms.analysis.opaques, costs)
    };
    encoded.originals.iter().map(own).sum()
}

#[test]
fn plans_by_regions_cost_little_more_than_whole_ones() {
    for seed in [1, 2] {
        // As wide as programs are: every value is read within the next twelve.
        let mut b = Build::new();
        let mut state = seed;
        let mut roll = |n: usize| {
            state = u64::wrapping_mul(state, 6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        let mut values: Vec<NodeId> = (0..6).map(|_| b.leaf(&[64, 64])).collect();
        for _ in 0..2_600 {
            let mut recent = || values[values.len() - 1 - roll(6)];
            let (x, y) = (recent(), recent());
            let new = match roll(8) {
                0 => b.dot(x, y),
                1 => b.t(x),
                2 => {
                    let s = b.sum(x, &[1]);
                    b.bin(BinaryOp::Sub, y, s)
                }
                3 => b.bin(BinaryOp::Mul, x, y),
                4 => b.graph.add(Op::Unary(crate::graph::UnaryOp::Exp), &[x]).unwrap(),
                _ => b.bin(BinaryOp::Add, x, y),
            };
            values.push(new);
        }
        b.graph.roots = values[values.len() - 4..].to_vec();
        let graph = b.graph.subgraph(&b.graph.roots);
        assert!(too_large(&graph), "{} nodes", graph.nodes.len());
        let options = PlanOptions::new(CostTable::cpu());
        let parts = plan(&graph, &options);
        assert!(parts.fallback.is_none(), "{:?}", parts.fallback);
        let mut planner = Planner::new(&graph, &options, &|_| false);
        let uncut = planner.plan_region(&graph, Vec::new()).unwrap().decoded;
        let finished = finish(&graph, uncut.clone(), &options.rules).unwrap();
        assert_eq!(finished.image.len(), graph.nodes.len());
        let (cut, one) = (cost(&parts.graph, &options.costs), cost(&uncut.graph, &options.costs));
        assert!(cut <= 1.02 * one, "seed {seed}: {cut} by regions, {one} whole");
    }
}
