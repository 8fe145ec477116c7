//! Tests of the recorder: identity, poison, demand and release.

use super::*;
use crate::graph::{BinaryOp, UnaryOp};

fn leaf(r: &Recorder<i32>, dims: &[usize], value: i32) -> NodeRef {
    r.record_leaf(Shape::new(dims), DType::F32, Arc::new(value), None)
}

fn unary(r: &Recorder<i32>, op: UnaryOp, x: NodeRef) -> NodeRef {
    r.record(Op::Unary(op), &[x], None, None, None).unwrap()
}

fn binary(r: &Recorder<i32>, op: BinaryOp, x: NodeRef, y: NodeRef) -> NodeRef {
    r.record(Op::Binary(op), &[x, y], None, None, None).unwrap()
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
    let demand = r.demand(&[e]).unwrap().unwrap();
    demand.graph.verify().unwrap();
    assert_eq!(demand.graph.nodes.len(), 4);
    assert_eq!(demand.leaves.iter().map(|l| **l).collect::<Vec<_>>(), [1, 2]);
    r.publish(&demand, vec![(demand.graph.roots[0], Arc::new(7))]);
    assert_eq!(r.value(e).as_deref(), Some(&7));
    assert!(r.demand(&[e]).unwrap().is_none());
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
    let demand = r.demand(&[first]).unwrap().unwrap();
    assert_eq!(demand.graph.roots.len(), 1);
    r.publish(&demand, vec![(demand.graph.roots[0], Arc::new(2))]);
    let second = unary(&r, UnaryOp::Cos, mid);
    let demand = r.demand(&[second]).unwrap().unwrap();
    assert_eq!((demand.graph.roots.len(), demand.n_asked), (2, 1));
    let values = demand.graph.roots.iter().map(|&n| (n, Arc::new(3))).collect();
    r.publish(&demand, values);
    assert!(r.value(mid).is_some());
}

#[test]
fn a_failed_evaluation_can_be_repeated() {
    let r = Recorder::default();
    let x = leaf(&r, &[3], 1);
    let e = unary(&r, UnaryOp::Exp, x);
    let demand = r.demand(&[e]).unwrap().unwrap();
    r.abandon(&demand);
    assert!(r.demand(&[e]).unwrap().is_some());
}

#[test]
fn another_thread_waits_for_a_running_evaluation() {
    let r = Arc::new(Recorder::default());
    let x = leaf(&r, &[3], 1);
    let e = unary(&r, UnaryOp::Exp, x);
    let demand = r.demand(&[e]).unwrap().unwrap();
    let other = std::thread::spawn({
        let r = r.clone();
        move || r.demand(&[e]).unwrap().is_none()
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
    let t = r.record_view(x, dense.permute(&[1, 0]).unwrap(), None, None).unwrap();
    let back = View::dense(&Shape::new(&[3, 2])).permute(&[1, 0]).unwrap();
    assert_eq!(r.record_view(t, back, None, None).unwrap(), x);
}
