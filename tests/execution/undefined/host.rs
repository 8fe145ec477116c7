//! Library routines on small matrices: what goes through the library and comes back.
#![cfg(feature = "linalg")]

use lazurite::inspect::graph::{HostOp, Node, Op, OperandType};
use lazurite::unstable::graph::infer;
use lazurite::{DType, HostBuffer, Shape};

const N: usize = 3;
/// Symmetric and positive definite.
const A: [f64; N * N] = [4.0, 1.0, 0.5, 1.0, 3.0, 0.25, 0.5, 0.25, 2.0];

fn run(op: HostOp, outputs: &[u8], n_operands: usize) -> Vec<Vec<f64>> {
    let shape = Shape::new(&[N, N]);
    let matrix = HostBuffer::from_slice(&A).unwrap();
    let operands = vec![(&matrix, &shape); n_operands];
    let nodes: Vec<Node> = outputs
        .iter()
        .map(|&output| {
            let op = Op::Host { op, output };
            let given: Vec<_> = operands.iter().map(|o| OperandType { shape: o.1, dtype: o.0.dtype() }).collect();
            let (shape, dtype) = infer(&op, &given).unwrap();
            Node { op, operands: Default::default(), shape, dtype }
        })
        .collect();
    let found = lazurite::unstable::cpu::run_host(&nodes.iter().collect::<Vec<_>>(), &operands).unwrap();
    found.iter().map(|b| b.as_slice::<f64>().unwrap().to_vec()).collect()
}

fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    (0..N * N).map(|e| (0..N).map(|p| a[e / N * N + p] * b[p * N + e % N]).sum()).collect()
}

fn turned(a: &[f64]) -> Vec<f64> {
    (0..N * N).map(|e| a[e % N * N + e / N]).collect()
}

fn close(a: &[f64], b: &[f64]) {
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?}, expected {b:?}");
}

const IDENTITY: [f64; N * N] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

#[test]
fn factorisations() {
    let qr = run(HostOp::Qr { complete: false }, &[0, 1], 1);
    close(&times(&qr[0], &qr[1]), &A);
    let l = &run(HostOp::Cholesky, &[0], 1)[0];
    close(&times(l, &turned(l)), &A);
}

#[test]
fn eigenvalues_and_singular_values() {
    let eigh = run(HostOp::Eigh, &[0, 1], 1);
    let svd = run(HostOp::Svd, &[0], 1);
    let falling: Vec<f64> = eigh[0].iter().rev().copied().collect();
    close(&svd[0], &falling);
    close(&times(&turned(&eigh[1]), &eigh[1]), &IDENTITY);
}

#[test]
fn systems() {
    close(&run(HostOp::Solve, &[0, 1], 2)[0], &IDENTITY);
    close(&times(&run(HostOp::Inv, &[0], 1)[0], &A), &IDENTITY);
    assert!((run(HostOp::Det, &[0], 1)[0][0] - 21.25).abs() < 1e-12);
}

#[test]
fn a_matrix_of_another_dtype_is_widened() {
    let shape = Shape::new(&[1, 1]);
    let four = HostBuffer::from_slice(&[4.0f32]).unwrap();
    let op = Op::Host { op: HostOp::Cholesky, output: 0 };
    let (of, dtype) = infer(&op, &[OperandType { shape: &shape, dtype: DType::F32 }]).unwrap();
    let node = Node { op, operands: Default::default(), shape: of, dtype };
    let found = lazurite::unstable::cpu::run_host(&[&node], &[(&four, &shape)]).unwrap();
    assert_eq!(found[0].as_slice::<f32>().unwrap(), [2.0]);
}
