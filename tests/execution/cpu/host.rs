//! Library routines: identities on random matrices, Octave 7.3's values on fixed ones, and bad input.
#![cfg(feature = "linalg")]

use lazurite::inspect::graph::{HostOp, Node, Op, OperandType};
use lazurite::unstable::algorithms::SplitMix;
use lazurite::unstable::cpu::run_host;
use lazurite::unstable::graph::infer;
use lazurite::{DType, HostBuffer, Result, Shape};

use super::r#gen::buffer;

/// A matrix in f64 for checking, row-major.
#[derive(Clone, Debug)]
struct M {
    r: usize,
    c: usize,
    v: Vec<f64>,
}

impl M {
    fn new(r: usize, c: usize, v: &[f64]) -> Self {
        assert_eq!(v.len(), r * c);
        Self { r, c, v: v.to_vec() }
    }
    fn random(seed: u64, r: usize, c: usize) -> Self {
        let b = buffer(&mut SplitMix(seed), DType::F64, r * c, false);
        Self { r, c, v: b.as_slice::<f64>().unwrap().to_vec() }
    }
    fn at(&self, i: usize, j: usize) -> f64 {
        self.v[i * self.c + j]
    }
    fn t(&self) -> Self {
        let v = (0..self.r * self.c).map(|e| self.at(e % self.r, e / self.r)).collect();
        Self { r: self.c, c: self.r, v }
    }
    fn times(&self, b: &Self) -> Self {
        assert_eq!(self.c, b.r);
        let v = (0..self.r * b.c).map(|e| (0..self.c).map(|p| self.at(e / b.c, p) * b.at(p, e % b.c)).sum()).collect();
        Self { r: self.r, c: b.c, v }
    }
    fn identity(n: usize) -> Self {
        Self { r: n, c: n, v: (0..n * n).map(|e| f64::from(u8::from(e / n == e % n))).collect() }
    }
    fn close(&self, other: &Self, tolerance: f64) {
        assert_eq!((self.r, self.c), (other.r, other.c));
        let scale = other.v.iter().fold(1.0f64, |m, x| m.max(x.abs()));
        for (a, b) in self.v.iter().zip(&other.v) {
            assert!((a - b).abs() <= tolerance * scale, "{self:?}\n{other:?}");
        }
    }
    fn buffer(&self, dtype: DType) -> HostBuffer {
        match dtype {
            DType::F32 => HostBuffer::from_slice(&self.v.iter().map(|&x| x as f32).collect::<Vec<_>>()).unwrap(),
            _ => HostBuffer::from_slice(&self.v).unwrap(),
        }
    }
}

/// Some outputs of one routine in one step.
fn run(op: HostOp, outputs: &[u8], operands: &[&M], dtype: DType) -> Result<Vec<M>> {
    let shapes: Vec<Shape> = operands.iter().map(|m| Shape::new(&[m.r, m.c])).collect();
    let buffers: Vec<HostBuffer> = operands.iter().map(|m| m.buffer(dtype)).collect();
    let nodes: Vec<Node> = outputs
        .iter()
        .map(|&output| {
            let op = Op::Host { op, output };
            let given: Vec<_> = shapes.iter().map(|shape| OperandType { shape, dtype }).collect();
            let (shape, dtype) = infer(&op, &given).unwrap();
            Node { op, operands: Default::default(), shape, dtype }
        })
        .collect();
    let given: Vec<_> = buffers.iter().zip(&shapes).collect();
    let found = run_host(&nodes.iter().collect::<Vec<_>>(), &given)?;
    let matrices = found.iter().zip(&nodes).map(|(b, n)| {
        assert_eq!((b.len(), b.dtype()), (n.shape.len(), n.dtype));
        let (r, c) = match n.shape[..] {
            [] => (1, 1),
            [n] => (n, 1),
            [r, c] => (r, c),
            _ => panic!("{}", n.shape),
        };
        M { r, c, v: (0..b.len()).map(|i| b.get(i).to_f64()).collect() }
    });
    Ok(matrices.collect())
}

fn tolerance(dtype: DType) -> f64 {
    if dtype == DType::F32 { 3e-6 } else { 1e-12 }
}

const B: [f64; 16] = [2., -1., 0., 3., 1., 4., -2., 1., 0., 3., 5., -1., 7., 2., 1., 6.];

/// R of a matrix whose first column is zero.
const ZERO_COLUMN_R: [f64; 9] = [0., 1., 2., 0., -3.741657386773941, -4.810702354423639, 0., 0., -1.963961012123931];

#[test]
fn qr_factors_any_shape() {
    for dtype in [DType::F64, DType::F32] {
        for (m, n) in [(1, 1), (5, 5), (40, 7), (7, 40), (130, 129), (3, 0), (0, 3)] {
            for complete in [false, true] {
                let a = M::random(3, m, n);
                let out = run(HostOp::Qr { complete }, &[0, 1], &[&a], dtype).unwrap();
                let (q, r) = (&out[0], &out[1]);
                q.times(r).close(&a, tolerance(dtype));
                q.t().times(q).close(&M::identity(q.c), tolerance(dtype));
                assert!((0..r.r).all(|i| (0..r.c.min(i)).all(|j| r.at(i, j) == 0.0)));
                let again = run(HostOp::Qr { complete }, &[1], &[&a], dtype).unwrap();
                assert_eq!(again[0].v, r.v, "R alone");
            }
        }
    }
}

#[test]
fn qr_has_lapacks_signs() {
    let qr = |r, c, v: &[f64]| run(HostOp::Qr { complete: false }, &[0, 1], &[&M::new(r, c, v)], DType::F64).unwrap();
    let out = qr(4, 4, &B);
    let q = [
        -0.272165526975909,
        0.316879676604524,
        -0.055285026977196,
        -0.906894019317069,
        -0.136082763487954,
        -0.736929480475637,
        0.611502912605640,
        -0.253930325408779,
        0.0,
        -0.596912879185265,
        -0.786057667833134,
        -0.160649797707595,
        -0.952579344415680,
        0.014738589609513,
        -0.071561836950178,
        0.295388337720417,
    ];
    out[0].close(&M::new(4, 4, &q), 1e-14);
    let r = [
        -7.348469228349535,
        -2.177324215807269,
        -0.680413817439771,
        -6.668055410909762,
        0.0,
        -5.025859056843841,
        -1.495966845365541,
        0.899053966180276,
        0.0,
        0.0,
        -5.224856001327128,
        0.802334477806116,
        0.0,
        0.0,
        0.0,
        -1.041632559329889,
    ];
    out[1].close(&M::new(4, 4, &r), 1e-14);
    // A column that is reduced already is left alone.
    assert_eq!(qr(1, 1, &[-3.0])[1].v, [-3.0]);
    assert_eq!(qr(2, 2, &[0., 1., 0., 2.])[1].v, [0., 1., 0., 2.]);
    assert_eq!(qr(3, 1, &[2., 0., 0.])[0].v, [1., 0., 0.]);
    let out = qr(4, 3, &[0., 1., 2., 0., 2., 1., 0., 3., 5., 0., 1., 1.]);
    let middle = qr(3, 3, &[1., 0., 2., 2., 0., 1., 2., 0., 5.]);
    middle[1].close(&M::new(3, 3, &[-3., 0., -14. / 3., 0., 0., -7. / 3., 0., 0., 5. / 3.]), 1e-14);
    out[1].close(&M::new(3, 3, &ZERO_COLUMN_R), 1e-14);
    out[0].times(&out[1]).close(&M::new(4, 3, &[0., 1., 2., 0., 2., 1., 0., 3., 5., 0., 1., 1.]), 1e-14);
    out[0].t().times(&out[0]).close(&M::identity(3), 1e-14);
}

#[test]
fn square_systems() {
    for dtype in [DType::F64, DType::F32] {
        for n in [1, 2, 5, 60] {
            let mut a = M::random(8, n, n);
            (0..n).for_each(|i| a.v[i * n + i] += 30.0);
            let b = M::random(9, n, 3);
            let out = run(HostOp::Solve, &[0, 1], &[&a, &b], dtype).unwrap();
            a.times(&out[0]).close(&b, tolerance(dtype));
            assert!(out[1].v[0] > 0.01 && out[1].v[0] <= 1.0);
        }
    }
    let rcond =
        |v: &[f64], n| run(HostOp::Solve, &[1], &[&M::new(n, n, v), &M::identity(n)], DType::F64).unwrap()[0].v[0];
    assert!((rcond(&B, 4) - 4.925263415829453e-2).abs() < 1e-14);
    assert!((rcond(&[4., 1., 2., 1., 3., 0., 2., 0., 5.], 3) - 0.236263736263736).abs() < 1e-14);
}

#[test]
fn singular_and_rectangular_systems_as_in_octave() {
    let solve = |r, c, a: &[f64], b: &[f64]| {
        run(HostOp::Solve, &[0, 1], &[&M::new(r, c, a), &M::new(r, 1, b)], DType::F64).unwrap()
    };
    let near = |m: &M, v: &[f64]| m.close(&M::new(v.len(), 1, v), 1e-14);
    let out = solve(2, 2, &[1., 2., 2., 4.], &[1., 1.]);
    near(&out[0], &[0.12, 0.24]);
    assert_eq!(out[1].v, [0.0]);
    near(&solve(2, 2, &[1., 2., 0., 0.], &[1., 1.])[0], &[0.2, 0.4]);
    near(&solve(2, 2, &[0.; 4], &[1., 2.])[0], &[0., 0.]);
    near(&solve(2, 2, &[1e-30, 0., 0., 1.], &[1., 1.])[0], &[1e30, 1.]);
    near(&solve(3, 2, &[1., 2., 3., 4., 5., 7.], &[1., 2., 4.])[0], &[7.142857142857098e-2, 0.5]);
    near(
        &solve(2, 3, &[1., 2., 3., 4., 5., 7.], &[1., 2.])[0],
        &[-0.228571428571429, 0.142857142857143, 0.314285714285714],
    );
    near(&solve(4, 3, &[1., 2., 3., 2., 4., 6., 1., 0., 1., 0., 1., 1.5], &[1., 2., 3., 4.])[0], &[-7., -11., 10.]);
    // Close to singular: the factorisation's own solution, and a condition that tells.
    let out = solve(3, 3, &[1., 2., 3., 4., 5., 6., 7., 8., 9.], &[1., 2., 3.]);
    assert!(out[1].v[0] < 1e-16, "{out:?}");
    // Rank-deficient and tall, with more columns than rank: the smallest of all solutions.
    let out = solve(3, 2, &[1., 1., 2., 2., 3., 3.], &[1., 2., 3.]);
    near(&out[0], &[0.5, 0.5]);
    let empty = run(HostOp::Solve, &[0], &[&M::new(0, 3, &[]), &M::new(0, 2, &[])], DType::F64).unwrap();
    assert_eq!(empty[0].v, [0.0; 6]);
}

#[test]
fn inverses_and_determinants() {
    for n in [1, 3, 50] {
        let mut a = M::random(4, n, n);
        (0..n).for_each(|i| a.v[i * n + i] += 25.0);
        let out = run(HostOp::Inv, &[0, 1], &[&a], DType::F64).unwrap();
        a.times(&out[0]).close(&M::identity(n), 1e-12);
    }
    let singular = run(HostOp::Inv, &[0, 1], &[&M::new(2, 2, &[1., 2., 2., 4.])], DType::F64).unwrap();
    assert!(singular[0].v.iter().all(|&x| x == f64::INFINITY) && singular[1].v == [0.0]);
    let det = |n, v: &[f64]| run(HostOp::Det, &[0], &[&M::new(n, n, v)], DType::F64).unwrap()[0].v[0];
    assert!((det(4, &B) + 201.0).abs() < 1e-11);
    assert_eq!(det(2, &[0., 1., 1., 0.]), -1.0);
    assert_eq!(det(3, &[0., 1., 0., 0., 0., 1., 1., 0., 0.]), 1.0);
    // A pivot of zero ends the elimination; what follows it is not looked at.
    assert_eq!(
        (det(2, &[0.; 4]), det(2, &[0., 0., 0., 1.]), det(3, &[1., 2., 0., 2., 4., 1., 4., 8., 5.])),
        (0.0, 0.0, 0.0)
    );
    assert_eq!((det(0, &[]), det(2, &[1., 2., 2., 4.])), (1.0, 0.0));
}

#[test]
fn a_single_element_inverts_as_a_reciprocal() {
    let inv = |x: f64| {
        let out = run(HostOp::Inv, &[0, 1], &[&M::new(1, 1, &[x])], DType::F64).unwrap();
        (out[0].v[0], out[1].v[0])
    };
    assert_eq!(inv(f64::INFINITY), (0.0, 0.0));
    assert!(inv(f64::NAN).0.is_nan());
    assert_eq!(inv(-0.0), (f64::NEG_INFINITY, 0.0));
    assert_eq!(inv(0.0), (f64::INFINITY, 0.0));
    assert_eq!(inv(4.0), (0.25, 1.0));
    assert_eq!(inv(1e-310).0, f64::INFINITY);
}

/// Results for A·2^(±e) are those for A, scaled: no step inside squares what it is given.
#[test]
fn scaled_matrices_give_scaled_results() {
    let times = |m: &M, s: f64| M { v: m.v.iter().map(|x| x * s).collect(), ..*m };
    let b = M::new(3, 1, &[1., 2., 3.]);
    let square = M::new(3, 3, &[8., 1., 6., 3., 5., 7., 4., 9., 2.]);
    let tall = M::new(3, 2, &[1., 2., 3., 4., 5., 7.]);
    let wide = M::new(2, 3, &[1., 3., 5., 2., 4., 7.]);
    let singular = M::new(3, 3, &[1., 2., 3., 4., 5., 6., 5., 7., 9.]);
    let definite = M::new(3, 3, &[4., 1., 0., 1., 5., 2., 0., 2., 6.]);
    let one = |op, out: u8, of: &[&M]| run(op, &[out], of, DType::F64).unwrap().remove(0);
    for e in [-1000, -670, -550, -500, -401, 401, 500, 530, 665, 1000] {
        let s = 2f64.powi(e);
        let close = |name: &str, given: &M, expected: &M| {
            let size = expected.v.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            let near = given.v.iter().zip(&expected.v).all(|(g, e)| (g - e).abs() <= 1e-13 * size);
            assert!(near, "{name} of a matrix times 2^{e}: expected {:?}, given {:?}", expected.v, given.v);
        };
        for a in [&square, &tall, &wide, &singular] {
            let sa = times(a, s);
            close("svd", &one(HostOp::Svd, 0, &[&sa]), &times(&one(HostOp::Svd, 0, &[a]), s));
            close("Q", &one(HostOp::Qr { complete: false }, 0, &[&sa]), &one(HostOp::Qr { complete: false }, 0, &[a]));
            close(
                "R",
                &one(HostOp::Qr { complete: true }, 1, &[&sa]),
                &times(&one(HostOp::Qr { complete: true }, 1, &[a]), s),
            );
            let right = M { r: a.r, c: 1, v: b.v[..a.r].to_vec() };
            close("solve", &one(HostOp::Solve, 0, &[&sa, &times(&right, s)]), &one(HostOp::Solve, 0, &[a, &right]));
            close("condition", &one(HostOp::Solve, 1, &[&sa, &right]), &one(HostOp::Solve, 1, &[a, &right]));
        }
        let (sa, sd) = (times(&square, s), times(&definite, s));
        close("inverse", &one(HostOp::Inv, 0, &[&sa]), &times(&one(HostOp::Inv, 0, &[&square]), 1.0 / s));
        close("eigenvalues", &one(HostOp::Eigh, 0, &[&sd]), &times(&one(HostOp::Eigh, 0, &[&definite]), s));
        close("vectors", &one(HostOp::Eigh, 1, &[&sd]), &one(HostOp::Eigh, 1, &[&definite]));
        close("factor", &one(HostOp::Cholesky, 0, &[&sd]), &times(&one(HostOp::Cholesky, 0, &[&definite]), s.sqrt()));
    }
}

#[test]
fn determinants_whose_pivots_leave_the_range_midway() {
    let det = |n: usize, v: &[f64]| run(HostOp::Det, &[0], &[&M::new(n, n, v)], DType::F64).unwrap()[0].v[0];
    let near = |given: f64, expected: f64| assert!((given - expected).abs() <= 1e-13 * expected.abs(), "{given}");
    let diagonal = |d: &[f64]| {
        let n = d.len();
        det(n, &(0..n * n).map(|i| if i % (n + 1) == 0 { d[i / (n + 1)] } else { 0.0 }).collect::<Vec<_>>())
    };
    near(diagonal(&[1e200, 1e200, 1e-200, 1e-200]), 1.0);
    near(diagonal(&[1e-200, 1e-200, 1e200, -1e200]), -1.0);
    near(diagonal(&[1e300, 1e300, 1e300, 1e-300, 1e-300, 1e-290]), 1e10);
    assert_eq!(diagonal(&[1e200, 1e200]), f64::INFINITY);
    assert_eq!(diagonal(&[1e-200, 1e-200]), 0.0);
    near(det(2, &[1e200, 2e200, 1e-200, 3e-200]), 1.0);
    near(det(2, &[1e200, 1e-200, 2e200, 3e-200]), 1.0);
    near(det(3, &[8e153, 1e153, 6e153, 3., 5., 7., 4e-153, 9e-153, 2e-153]), -360.0);
    assert!(det(2, &[f64::NAN, 1., 1., 1.]).is_nan());
}

/// Rows and columns of very different sizes.
#[test]
fn graded_systems() {
    let solve = |a: &[f64], b: &[f64]| {
        run(HostOp::Solve, &[0], &[&M::new(2, 2, a), &M::new(2, 1, b)], DType::F64).unwrap().remove(0).v
    };
    let near = |x: &[f64], e: [f64; 2]| {
        assert!(x.iter().zip(&e).all(|(x, e)| (x - e).abs() <= 1e-13 * e.abs().max(1e-200)), "{x:?} for {e:?}");
    };
    near(&solve(&[1e200, 2e200, 1e-200, 3e-200], &[3e200, 4e-200]), [1.0, 1.0]);
    near(&solve(&[1e200, 2e-200, 1e200, 3e-200], &[1.0, 1.5]), [0.0, 5e199]);
    near(&solve(&[1e-300, 0.0, 0.0, 1e300], &[1e-300, 1e300]), [1.0, 1.0]);
    near(&solve(&[1e-320, 0.0, 0.0, 1.0], &[1e-320, 1.0]), [1.0, 1.0]);
}

#[test]
fn symmetric_factorisations() {
    for dtype in [DType::F64, DType::F32] {
        for n in [0, 1, 4, 45] {
            let x = M::random(5, n + 3, n);
            let a = x.t().times(&x);
            let l = &run(HostOp::Cholesky, &[0], &[&a], dtype).unwrap()[0];
            l.times(&l.t()).close(&a, tolerance(dtype));
            assert!((0..n).all(|i| (i + 1..n).all(|j| l.at(i, j) == 0.0)));
            let out = run(HostOp::Eigh, &[0, 1], &[&a], dtype).unwrap();
            let (values, vectors) = (&out[0], &out[1]);
            assert!(values.v.windows(2).all(|w| w[0] <= w[1]));
            let scaled =
                M { v: vectors.v.iter().enumerate().map(|(e, v)| v * values.v[e % n]).collect(), ..vectors.clone() };
            scaled.times(&vectors.t()).close(&a, tolerance(dtype));
        }
    }
    let indefinite = M::new(2, 2, &[1., 2., 2., 1.]);
    assert!(run(HostOp::Cholesky, &[0], &[&indefinite], DType::F64).unwrap_err().is_numeric());
}

#[test]
fn singular_values() {
    for (m, n) in [(1, 1), (30, 8), (8, 30), (0, 4), (4, 0)] {
        let a = M::random(6, m, n);
        let out = run(HostOp::Svd, &[0, 1, 2], &[&a], DType::F64).unwrap();
        let (s, u, v) = (&out[0], &out[1], &out[2]);
        assert!(s.v.windows(2).all(|w| w[0] >= w[1]));
        let k = m.min(n);
        let us = M { v: u.v.iter().enumerate().map(|(e, x)| x * s.v[e % k.max(1)]).collect(), ..u.clone() };
        us.times(&v.t()).close(&a, 1e-12);
    }
    let s = &run(HostOp::Svd, &[0], &[&M::new(4, 4, &B)], DType::F64).unwrap()[0];
    let octave = [1.022781023889802e1, 6.049721477808606, 4.386846968810414, 7.405007969428871e-1];
    s.close(&M::new(4, 1, &octave), 1e-14);
}

#[test]
fn what_is_not_finite_neither_panics_nor_hangs() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for n in [1, 3, 40] {
            let mut a = M::random(1, n, n);
            a.v[n * n / 2] = bad;
            let b = M::random(2, n, 1);
            let all_nan = |m: &M| m.v.iter().all(|x| x.is_nan());
            assert!(all_nan(&run(HostOp::Qr { complete: false }, &[0], &[&a], DType::F64).unwrap()[0]));
            assert!(all_nan(&run(HostOp::Solve, &[0], &[&a, &b], DType::F64).unwrap()[0]));
            let det = run(HostOp::Det, &[0], &[&a], DType::F32).unwrap()[0].v[0];
            let inv = run(HostOp::Inv, &[0, 1], &[&a], DType::F64).unwrap();
            assert_eq!(inv[1].v, [0.0]);
            if n == 1 {
                // A single element is its own determinant, and its inverse a reciprocal.
                assert_eq!((det.to_bits(), inv[0].v[0].to_bits()), (bad.to_bits(), bad.recip().to_bits()));
            } else {
                assert!(det.is_nan() && all_nan(&inv[0]));
            }
            for op in [HostOp::Cholesky, HostOp::Eigh, HostOp::Svd] {
                assert!(run(op, &[0], &[&a], DType::F64).unwrap_err().is_numeric(), "{op:?}");
            }
            // A right side may hold anything: its other columns are solved as ever.
            let mut good = M::identity(n);
            good.v[0] = 2.0;
            let rhs = M { r: n, c: 2, v: (0..2 * n).map(|e| if e == 0 { bad } else { 1.0 }).collect() };
            let x = &run(HostOp::Solve, &[0], &[&good, &rhs], DType::F64).unwrap()[0];
            assert_eq!(x.at(0, 1), 0.5);
        }
    }
}

#[test]
fn a_complete_q_that_does_not_fit_is_refused() {
    let a = M { r: 2_000_000, c: 1, v: vec![1.0; 2_000_000] };
    assert!(run(HostOp::Qr { complete: true }, &[0], &[&a], DType::F64).unwrap_err().is_out_of_memory());
}
