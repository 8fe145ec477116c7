//! Tests of the recorder: identity, poison, demand and release.

use super::*;
use crate::graph::{BinaryOp, Graph, UnaryOp};

/// No graph is kept.
struct NoLookup;

impl GraphLookup for NoLookup {
    fn find(&self, _: u64, _: &mut dyn FnMut(&Graph) -> bool) -> Option<Arc<Graph>> {
        None
    }
}

fn leaf(r: &Recorder<i32>, dims: &[usize], value: i32) -> NodeRef {
    r.record_leaf(Shape::new(dims), DType::F32, Arc::new(value), None).node
}

fn unary(r: &Recorder<i32>, op: UnaryOp, x: NodeRef) -> NodeRef {
    r.record(Op::Unary(op), &[x], None, None, None).unwrap().node
}

fn binary(r: &Recorder<i32>, op: BinaryOp, x: NodeRef, y: NodeRef) -> NodeRef {
    r.record(Op::Binary(op), &[x, y], None, None, None).unwrap().node
}

#[test]
fn equal_operations_are_one_node() {
    let r = Recorder::default();
    let x = leaf(&r, &[3], 1);
    let (a, b) = (unary(&r, UnaryOp::Exp, x), unary(&r, UnaryOp::Exp, x));
    assert_eq!(a, b);
    assert_ne!(a, unary(&r, UnaryOp::Log, x));
    assert_ne!(leaf(&r, &[3], 1), x, "two leaves are never one");
}

#[test]
fn an_operand_that_is_given_away_loses_its_handle_where_nothing_fails() {
    let r = Recorder::default();
    let (x, other) = (leaf(&r, &[3], 1), leaf(&r, &[2], 2));
    let a = unary(&r, UnaryOp::Exp, x);
    let add = |y| r.record(Op::Binary(BinaryOp::Add), &[a, y], Some(a), None, None);
    assert!(add(other).is_err());
    r.release(other);
    assert_eq!(r.counts(), (2, 1), "the handle on the operand is still there");
    let b = add(x).unwrap().node;
    assert_eq!(r.counts(), (3, 2));
    r.release(b);
    assert_eq!(r.counts(), (1, 0), "nobody but the sum held its operand");
    let (number, c) = (Scalar::from_f64(DType::F32, 2.0), unary(&r, UnaryOp::Exp, x));
    let d = r.record_with_number(BinaryOp::Mul, c, (number, true), Some(c), None).unwrap().node;
    assert_eq!(r.counts(), (4, 3), "a structural number is a literal node");
    r.release(d);
    r.release(x);
    assert_eq!(r.counts(), (0, 0));
}

#[test]
fn a_place_that_is_taken_again_keeps_nothing_of_the_node_before() {
    let r = Recorder::default();
    let x = leaf(&r, &[3], 1);
    let origin = Origin { file: "a.m".into(), line: 1, col: 1, label: None };
    let number = r.record_slot(Scalar::from_f64(DType::F32, 0.3), Some(&origin)).node;
    r.release(number);
    let a = unary(&r, UnaryOp::Exp, x);
    assert_eq!(a.index, number.index);
    assert!(r.known_scalar(a).is_none() && r.value(a).is_none());
    assert!(r.describe(number).unwrap_err().is_internal(), "the reference of before is stale");
    r.release(number);
    assert_eq!(r.counts(), (2, 1), "and releases nothing");
}

#[test]
fn a_chain_of_a_million_nodes_is_dropped_without_recursion() {
    let r = Recorder::default();
    let mut x = leaf(&r, &[3], 1);
    for i in 0..1_000_000 {
        let y = unary(&r, if i % 2 == 0 { UnaryOp::Exp } else { UnaryOp::Log }, x);
        r.release(x);
        x = y;
    }
    assert_eq!(r.counts(), (1_000_001, 1_000_000));
    r.release(x);
    assert_eq!(r.counts(), (0, 0));
}

#[test]
fn snapshots_number_by_first_visit_and_stop_at_values() {
    let r = Recorder::default();
    let (x, y) = (leaf(&r, &[3], 1), leaf(&r, &[3], 2));
    let s = binary(&r, BinaryOp::Add, x, y);
    let e = unary(&r, UnaryOp::Exp, s);
    let demand = r.demand(&[e], &NoLookup).unwrap().unwrap();
    demand.graph.verify().unwrap();
    assert_eq!(demand.graph.nodes.len(), 4);
    assert_eq!(demand.leaves.iter().map(|l| **l).collect::<Vec<_>>(), [1, 2]);
    r.publish(&demand, vec![(demand.graph.roots[0], Arc::new(7))]);
    assert_eq!(r.value(e).as_deref(), Some(&7));
    assert!(r.demand(&[e], &NoLookup).unwrap().is_none());
    // The evaluated node let go of its operands; only handles keep them.
    r.release(s);
    r.release(x);
    r.release(y);
    assert_eq!(r.counts(), (1, 0));
}

#[test]
fn a_node_needed_by_a_second_evaluation_becomes_a_root() {
    let r = Recorder::default();
    let x = leaf(&r, &[3], 1);
    let mid = unary(&r, UnaryOp::Exp, x);
    let first = unary(&r, UnaryOp::Sin, mid);
    let demand = r.demand(&[first], &NoLookup).unwrap().unwrap();
    assert_eq!(demand.graph.roots.len(), 1);
    r.publish(&demand, vec![(demand.graph.roots[0], Arc::new(2))]);
    let second = unary(&r, UnaryOp::Cos, mid);
    let demand = r.demand(&[second], &NoLookup).unwrap().unwrap();
    assert_eq!((demand.graph.roots.len(), demand.n_asked), (2, 1));
    let values: Vec<_> = demand.graph.roots.iter().map(|&n| (n, Arc::new(3))).collect();
    r.publish(&demand, values);
    assert!(r.value(mid).is_some());
}

#[test]
fn a_failed_evaluation_can_be_repeated() {
    let r = Recorder::default();
    let x = leaf(&r, &[3], 1);
    let e = unary(&r, UnaryOp::Exp, x);
    let demand = r.demand(&[e], &NoLookup).unwrap().unwrap();
    r.abandon(&demand);
    assert!(r.demand(&[e], &NoLookup).unwrap().is_some());
}

#[test]
fn another_thread_waits_for_a_running_evaluation() {
    let r = Arc::new(Recorder::default());
    let x = leaf(&r, &[3], 1);
    let e = unary(&r, UnaryOp::Exp, x);
    let demand = r.demand(&[e], &NoLookup).unwrap().unwrap();
    let other = std::thread::spawn({
        let r = r.clone();
        move || r.demand(&[e], &NoLookup).unwrap().is_none()
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    r.publish(&demand, vec![(demand.graph.roots[0], Arc::new(9))]);
    assert!(other.join().unwrap(), "the waiting thread must see the published value");
}

#[test]
fn views_of_views_become_one() {
    let r = Recorder::<i32>::default();
    let x = leaf(&r, &[2, 3], 1);
    let dense = View::dense(&Shape::new(&[2, 3]));
    let t = r.record_view(x, dense.permute(&[1, 0]).unwrap(), None, None).unwrap().node;
    let back = View::dense(&Shape::new(&[3, 2])).permute(&[1, 0]).unwrap();
    assert_eq!(r.record_view(t, back, None, None).unwrap().node, x);
}

/// Graphs that are known whatever their hash is, as if every hash collided.
struct Colliding(Vec<Arc<Graph>>);

impl GraphLookup for Colliding {
    fn find(&self, _: u64, same: &mut dyn FnMut(&Graph) -> bool) -> Option<Arc<Graph>> {
        self.0.iter().find(|g| same(g)).cloned()
    }
}

#[test]
fn a_known_graph_is_taken_only_where_it_is_equal_in_full() {
    let r = Recorder::default();
    let (x, y, z) = (leaf(&r, &[3], 1), leaf(&r, &[3], 2), leaf(&r, &[3, 1], 3));
    let number = |v: f64| r.record_slot(Scalar::from_f64(DType::F32, v), None).node;
    let literal = |v: f64| r.record(Op::Literal(Scalar::from_f64(DType::F32, v)), &[], None, None, None).unwrap().node;
    let view = |n: NodeRef, axis: usize, start: usize| {
        let shape = r.describe(n).unwrap().0;
        r.record_view(n, View::dense(&shape).slice(axis, start, 1, 2).unwrap(), None, None).unwrap().node
    };
    let cast = |n: NodeRef, to: DType| {
        r.record(Op::Cast { to, mode: super::super::CastMode::Wrap }, &[n], None, None, None).unwrap().node
    };
    // Pairs differ in an operand, an order, an operation, an attribute, a bit of a literal, a shape, a dtype, or in being a slot.
    let roots = [
        vec![binary(&r, BinaryOp::Sub, x, x)],
        vec![binary(&r, BinaryOp::Sub, x, y)],
        vec![binary(&r, BinaryOp::Sub, binary(&r, BinaryOp::Sub, x, y), x)],
        vec![binary(&r, BinaryOp::Sub, binary(&r, BinaryOp::Sub, x, y), y)],
        vec![binary(&r, BinaryOp::Sub, x, binary(&r, BinaryOp::Sub, x, y))],
        vec![binary(&r, BinaryOp::Div, x, y)],
        vec![binary(&r, BinaryOp::Sub, x, z)],
        vec![unary(&r, UnaryOp::Powi(2), x)],
        vec![unary(&r, UnaryOp::Powi(3), x)],
        vec![binary(&r, BinaryOp::Mul, x, number(1.5))],
        vec![binary(&r, BinaryOp::Mul, x, literal(1.5))],
        vec![binary(&r, BinaryOp::Mul, x, literal(0.0))],
        vec![binary(&r, BinaryOp::Mul, x, literal(-0.0))],
        vec![view(x, 0, 0)],
        vec![view(x, 0, 1)],
        vec![cast(x, DType::F64)],
        vec![cast(x, DType::F16)],
        vec![unary(&r, UnaryOp::Exp, x), unary(&r, UnaryOp::Sin, x)],
        vec![unary(&r, UnaryOp::Sin, x), unary(&r, UnaryOp::Exp, x)],
        vec![unary(&r, UnaryOp::Exp, x), unary(&r, UnaryOp::Exp, x)],
    ];
    let mut known = Colliding(Vec::new());
    for (i, root) in roots.iter().enumerate() {
        let demand = r.demand(root, &known).unwrap().unwrap();
        assert!(!known.0.iter().any(|g| Arc::ptr_eq(g, &demand.graph)), "graph {i} was taken for another");
        assert_eq!(demand.hash, demand.graph.hash_value(), "graph {i}: the walk and the graph give one hash");
        demand.graph.verify().unwrap();
        known.0.push(demand.graph.clone());
        r.abandon(&demand);
    }
    for (i, root) in roots.iter().enumerate() {
        let demand = r.demand(root, &known).unwrap().unwrap();
        assert!(Arc::ptr_eq(&known.0[i], &demand.graph), "graph {i} was copied again");
        r.abandon(&demand);
    }
    // Other leaves in the same places are the same graph, with other data.
    let other = binary(&r, BinaryOp::Sub, y, x);
    let demand = r.demand(&[other], &known).unwrap().unwrap();
    assert!(Arc::ptr_eq(&known.0[1], &demand.graph));
    assert_eq!(demand.leaves.iter().map(|l| **l).collect::<Vec<_>>(), [2, 1]);
    r.abandon(&demand);
}

#[test]
fn a_refused_walk_leaves_nothing_busy() {
    let r = Arc::new(Recorder::default());
    let x = leaf(&r, &[3], 1);
    let (a, b) = (unary(&r, UnaryOp::Exp, x), unary(&r, UnaryOp::Sin, x));
    let both = binary(&r, BinaryOp::Add, b, a);
    let demand = r.demand(&[a], &NoLookup).unwrap().unwrap();
    let other = std::thread::spawn({
        let r = r.clone();
        // Walks over b first and then meets a, which is busy.
        move || r.demand(&[both], &NoLookup).unwrap().map(|d| r.abandon(&d)).is_some()
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    let alone = r.demand(&[b], &NoLookup).unwrap().expect("b is nobody's");
    r.abandon(&alone);
    r.publish(&demand, vec![(demand.graph.roots[0], Arc::new(9))]);
    assert!(other.join().unwrap());
}
