//! Mistakes that an engine which matches patterns by hand was seen to make, all of them silently. Each is written down the way a
//! user would, runs on CPU and GPU, and is compared with plain loops in f64.

use crate::support::{Matrix, close, each_engine, vector};
use lazurite::{Array, DType, Engine, Order};

fn upload(e: &Engine, m: &Matrix) -> Array {
    e.from_slice(&m.to_f32(), &[m.rows, m.columns]).unwrap()
}

fn read(a: &Array) -> Vec<f32> {
    a.to_vec::<f32>().unwrap()
}

#[test]
fn a_matrix_added_after_a_product_is_added() {
    let (a, b, m) = (Matrix::random(33, 17, 1), Matrix::random(17, 65, 2), Matrix::random(33, 65, 3));
    let (row, column) = (Matrix::random(1, 65, 4), Matrix::random(33, 1, 5));
    let product = a.times(&b);
    each_engine(|name, e| {
        let c = upload(e, &a).matmul(&upload(e, &b));
        close(name, &read(&(&c + &upload(e, &m))), &product.plus(&m), 1e-5);
        close(name, &read(&(&upload(e, &m) + &c)), &product.plus(&m), 1e-5);
        close(name, &read(&(&c + &upload(e, &row))), &product.zip(&row, |x, y| x + y), 1e-5);
        close(name, &read(&(&c + &upload(e, &column))), &product.zip(&column, |x, y| x + y), 1e-5);
        let both = &(&c + &upload(e, &m)) + &upload(e, &row);
        close(name, &read(&both), &product.plus(&m).zip(&row, |x, y| x + y), 1e-5);
    });
}

#[test]
fn steps_after_a_product_keep_their_order() {
    let (a, b) = (Matrix::random(20, 31, 6), Matrix::random(31, 13, 7));
    let (bias, scale) = (Matrix::random(1, 13, 8), Matrix::random(20, 1, 9));
    let product = a.times(&b);
    each_engine(|name, e| {
        let c = upload(e, &a).matmul(&upload(e, &b));
        let (p, s) = (upload(e, &bias), upload(e, &scale));
        let first = product.zip(&bias, |x, y| x + y).zip(&scale, |x, y| x * y);
        let last = product.zip(&scale, |x, y| x * y).zip(&bias, |x, y| x + y);
        close(name, &read(&(&(&c + &p) * &s)), &first, 1e-5);
        close(name, &read(&(&(&c * &s) + &p)), &last, 1e-5);
        close(name, &read(&(&(&c + &p) * 1.75)), &product.zip(&bias, |x, y| (x + y) * 1.75), 1e-5);
        close(name, &read(&(&(&c * 1.75) + &p)), &product.zip(&bias, |x, y| x * 1.75 + y), 1e-5);
        close(name, &read(&(&c + 0.5).maximum(0.25)), &product.map(|x| (x + 0.5).max(0.25)), 1e-5);
        close(name, &read(&(&c.maximum(0.25) + 0.5)), &product.map(|x| x.max(0.25) + 0.5), 1e-5);
        close(name, &read(&(2.5 - &c)), &product.map(|x| 2.5 - x), 1e-5);
        close(name, &read(&(&c - 2.5)), &product.map(|x| x - 2.5), 1e-5);
        let clamped = c.maximum(0.0).pow(1.8);
        close(name, &read(&clamped), &product.map(|x| x.max(0.0).powf(1.8)), 1e-4);
    });
}

#[test]
fn a_quotient_keeps_its_sides() {
    let (a, b) = (Matrix::random(9, 40, 10).map(|x| x.abs() + 0.2), Matrix::random(40, 21, 11).map(|x| x.abs() + 0.2));
    let product = a.times(&b);
    let operands = [
        Matrix::random(1, 21, 12).map(|x| x + 3.0),
        Matrix::random(9, 1, 13).map(|x| x + 3.0),
        Matrix::random(9, 21, 14).map(|x| x + 3.0),
        Matrix::random(1, 1, 15).map(|x| x + 3.0),
    ];
    each_engine(|name, e| {
        let c = upload(e, &a).matmul(&upload(e, &b));
        for r in &operands {
            let by = upload(e, r);
            close(name, &read(&(&by / &c)), &product.zip(r, |x, y| y / x), 1e-5);
            close(name, &read(&(&c / &by)), &product.zip(r, |x, y| x / y), 1e-5);
            close(name, &read(&(&by - &c)), &product.zip(r, |x, y| y - x), 1e-5);
        }
        close(name, &read(&(7.5 / &c)), &product.map(|x| 7.5 / x), 1e-5);
        close(name, &read(&(&c / 7.5)), &product.map(|x| x / 7.5), 1e-5);
        close(name, &read(&(1.0 / &c)), &product.map(|x| 1.0 / x), 1e-5);
    });
}

#[test]
fn both_operands_of_a_centred_gram_are_looked_at() {
    let (x, y) = (Matrix::random(50, 7, 16).map(|v| v + 2.0), Matrix::random(50, 7, 17).map(|v| v - 1.0));
    let other = Matrix::random(1, 7, 18);
    let centred = |m: &Matrix| m.zip(&m.column_means(), |v, mean| v - mean);
    let (cx, cy) = (centred(&x), centred(&y));
    let off = x.zip(&other, |v, o| v - o);
    let by_other = x.zip(&y.column_means(), |v, m| v - m);
    each_engine(|name, e| {
        let (ax, ay, ao) = (upload(e, &x), upload(e, &y), upload(e, &other));
        let centre = |m: &Array| m - &m.mean(0, true);
        let dx = centre(&ax);
        let gram = |l: &Array, r: &Array| read(&(&l.t().matmul(r) / 49.0));
        let expect = |l: &Matrix, r: &Matrix| l.transposed().times(r).map(|v| v / 49.0);
        close(name, &gram(&dx, &dx), &expect(&cx, &cx), 1e-5);
        close(name, &gram(&dx, &centre(&ay)), &expect(&cx, &cy), 1e-5);
        close(name, &gram(&dx, &(&ax - &ao)), &expect(&cx, &off), 1e-5);
        close(name, &gram(&(&ax - &ao), &(&ax - &ao)), &expect(&off, &off), 1e-5);
        close(name, &gram(&(&ax - &ay.mean(0, true)), &(&ax - &ay.mean(0, true))), &expect(&by_other, &by_other), 1e-5);
        // Centred along the other axis: a Gram of something else.
        let rows = x.zip(&x.transposed().column_means().transposed(), |v, m| v - m);
        let by_rows = &ax - &ax.mean(1, true);
        close(name, &gram(&by_rows, &by_rows), &expect(&rows, &rows), 1e-5);
    });
}

#[test]
fn a_divisor_is_the_one_that_was_written() {
    let x = Matrix::random(40, 6, 19).map(|v| v + 1.0);
    let centred = x.zip(&x.column_means(), |v, m| v - m);
    let gram = centred.transposed().times(&centred);
    let row = Matrix::random(1, 6, 20).map(|v| v + 4.0);
    each_engine(|name, e| {
        let a = upload(e, &x);
        let c = &a - &a.mean(0, true);
        let g = c.t().matmul(&c);
        for divisor in [39.0, 40.0, 38.0, 7.3, -39.0, 1.0, 2.0] {
            close(name, &read(&(&g / divisor)), &gram.map(|v| v / divisor), 1e-5);
            close(name, &read(&(&g * divisor)), &gram.map(|v| v * divisor), 1e-5);
        }
        close(name, &read(&(&g / &upload(e, &row))), &gram.zip(&row, |v, r| v / r), 1e-5);
        // A mean that is not one.
        for divisor in [39.0, 41.0, 3.0] {
            let c = &a - &(&a.sum(0, true) / divisor);
            let off = x.zip(&x.column_means(), |v, m| v - m * 40.0 / divisor);
            close(name, &read(&c.t().matmul(&c)), &off.transposed().times(&off), 1e-5);
        }
    });
}

#[test]
fn a_transpose_is_not_forgotten_by_what_follows() {
    let (x, y) = (Matrix::random(13, 33, 21), Matrix::random(33, 13, 22));
    let row = Matrix::random(1, 13, 23);
    let (t, product) = (x.transposed(), y.times(&x));
    each_engine(|name, e| {
        let (a, b, r) = (upload(e, &x), upload(e, &y), upload(e, &row));
        close(name, &read(&(&a.t() + &b)), &t.plus(&y), 1e-6);
        close(name, &read(&(&a.t() * &r)), &t.zip(&row, |v, w| v * w), 1e-6);
        close(name, &read(&a.t().exp()), &t.map(f64::exp), 1e-5);
        close(name, &read(&(&a.t() * 2.0).t()), &x.map(|v| v * 2.0), 1e-6);
        close(name, &read(&a.permute(&[1, 0]).abs()), &t.map(f64::abs), 1e-6);
        close(name, &read(&a.t().sum(0, true)), &t.column_means().map(|v| v * 33.0), 1e-5);
        close(name, &read(&a.t().reshape(&[13, 33], Order::C).abs()), &t.reshaped(13, 33).map(f64::abs), 1e-6);
        let c = b.matmul(&a);
        let square = Matrix::random(33, 33, 24);
        close(name, &read(&(&c.t() + &upload(e, &square))), &product.transposed().plus(&square), 1e-5);
        close(name, &read(&(&c.t() - &c)), &product.transposed().zip(&product, |v, w| v - w), 1e-5);
        close(name, &read(&a.t().matmul(&a)), &t.times(&x), 1e-5);
        close(name, &read(&a.matmul(&a.t())), &x.times(&t), 1e-5);
    });
}

#[test]
fn the_diagonal_of_a_congruence_needs_the_transpose() {
    let (q, g) = (Matrix::random(24, 6, 25), Matrix::random(24, 24, 26));
    let right = q.transposed().times(&g).times(&q).diagonal();
    let reshaped = q.reshaped(6, 24).times(&g).times(&q).diagonal();
    let turned = q.transposed().times(&g.transposed()).times(&q).diagonal();
    each_engine(|name, e| {
        let (aq, ag) = (upload(e, &q), upload(e, &g));
        close(name, &read(&aq.t().matmul(&ag).matmul(&aq).diagonal()), &right, 1e-5);
        close(name, &read(&aq.t().matmul(&ag.matmul(&aq)).diagonal()), &right, 1e-5);
        close(name, &read(&aq.reshape(&[6, 24], Order::C).matmul(&ag).matmul(&aq).diagonal()), &reshaped, 1e-5);
        close(name, &read(&aq.t().matmul(&ag.t()).matmul(&aq).diagonal()), &turned, 1e-5);
        close(name, &read(&(&aq.t().matmul(&ag) * &aq.t()).sum(1, false)), &right, 1e-5);
        let trace = right.values.iter().sum::<f64>();
        let given = aq.t().matmul(&ag).matmul(&aq).trace();
        close(name, &read(&given), &Matrix { rows: 1, columns: 1, values: vec![trace] }, 1e-5);
    });
}

#[test]
fn a_step_does_not_overwrite_what_it_reads() {
    let (a, x) = (Matrix::random(30, 30, 27), Matrix::random(30, 4, 28));
    let step = a.times(&x);
    each_engine(|name, e| {
        let (ga, gx) = (upload(e, &a), upload(e, &x));
        let next = ga.matmul(&gx);
        e.eval(&[&next]).unwrap();
        close(name, &read(&gx), &x, 0.0);
        close(name, &read(&(&next - &gx)), &step.zip(&x, |p, q| p - q), 1e-5);
        // The same as a loop, where every step's input dies with the step but for one that is kept.
        let mut v = gx.clone();
        let mut w = x.clone();
        let mut kept = None;
        for i in 0..6 {
            let y = ga.matmul(&v);
            v = &y / &y.norm(.., true);
            let z = a.times(&w);
            let norm = z.values.iter().map(|p| p * p).sum::<f64>().sqrt();
            w = z.map(|p| p / norm);
            if i == 2 {
                kept = Some((v.clone(), w.clone()));
            }
            if i % 2 == 0 {
                e.eval(&[&v]).unwrap();
            }
        }
        close(name, &read(&v), &w, 1e-4);
        let (v, w) = kept.unwrap();
        close(name, &read(&v), &w, 1e-4);
        // Elementwise in place: the operand is read again afterwards, and through a view at another place.
        let y = &gx * 2.0;
        let z = &(&y + &gx) + &gx.flip(0);
        let flipped = Matrix { values: x.values.chunks(4).rev().flatten().copied().collect(), ..x.clone() };
        e.eval(&[&y, &z]).unwrap();
        close(name, &read(&z), &x.map(|p| 3.0 * p).plus(&flipped), 1e-5);
        close(name, &read(&gx), &x, 0.0);
    });
}

#[test]
fn two_grams_at_once_keep_their_memory() {
    let (x, y) = (Matrix::random(70, 9, 29), Matrix::random(50, 9, 30));
    let (gx, gy) = (x.transposed().times(&x), y.transposed().times(&y));
    each_engine(|name, e| {
        let (a, b) = (upload(e, &x), upload(e, &y));
        let (p, q) = (a.t().matmul(&a), b.t().matmul(&b));
        let (difference, mixed) = (&p - &q, p.matmul(&q));
        e.eval(&[&difference, &mixed, &p, &q]).unwrap();
        close(name, &read(&difference), &gx.zip(&gy, |v, w| v - w), 1e-5);
        close(name, &read(&mixed), &gx.times(&gy), 1e-5);
        close(name, &read(&p), &gx, 1e-5);
        close(name, &read(&q), &gy, 1e-5);
        // And without anyone holding the two.
        let again = &upload(e, &x).t().matmul(&upload(e, &x)) - &upload(e, &y).t().matmul(&upload(e, &y));
        close(name, &read(&again), &gx.zip(&gy, |v, w| v - w), 1e-5);
    });
}

#[test]
fn partial_sums_of_a_long_product_are_added() {
    each_engine(|name, e| {
        for k in [1000, 4096, 20_011] {
            let (a, b) = (Matrix::random(3, k, 31), Matrix::random(k, 5, 32));
            let (product, gram) = (a.times(&b), b.transposed().times(&b));
            let (ga, gb) = (upload(e, &a), upload(e, &b));
            close(name, &read(&ga.matmul(&gb)), &product, 2e-5);
            close(name, &read(&gb.t().matmul(&gb)), &gram, 2e-5);
            close(name, &read(&(&gb.t().matmul(&gb) / 3.0)), &gram.map(|v| v / 3.0), 2e-5);
            let ones = e.ones(&[1, k], DType::F32);
            close(name, &read(&ones.matmul(&gb)), &b.column_means().map(|v| v * k as f64), 2e-5);
            let epilogue = (&ga.matmul(&gb) + 1.5).maximum(0.0);
            close(name, &read(&epilogue), &product.map(|v| (v + 1.5).max(0.0)), 2e-5);
        }
    });
}

#[test]
fn a_long_reduction_applies_the_fused_expression() {
    each_engine(|name, e| {
        for n in [999, 65_537, 300_007] {
            let (x, y) = (vector(n, 33), vector(n, 34));
            let fold = |f: &dyn Fn(f64, f64) -> f64| {
                let total = x.iter().zip(&y).map(|(&p, &q)| f(f64::from(p), f64::from(q))).sum::<f64>();
                Matrix { rows: 1, columns: 1, values: vec![total] }
            };
            let most = x.iter().map(|&v| f64::from(v).abs() * 2.0 - 1.0).fold(f64::MIN, f64::max);
            let (a, b) = (e.from_slice(&x, &[n]).unwrap(), e.from_slice(&y, &[n]).unwrap());
            let sum = |a: &Array| read(&a.sum(.., false));
            close(name, &sum(&(&(&a * 0.5).exp() + &a.square())), &fold(&|p, _| (p * 0.5).exp() + p * p), 2e-5);
            close(name, &sum(&(&a - &b).square()), &fold(&|p, q| (p - q) * (p - q)), 2e-5);
            let mean = (&a - &b).square().mean(.., false);
            close(name, &read(&mean), &fold(&|p, q| (p - q) * (p - q) / n as f64), 2e-5);
            let after = &(&a * &b).abs().sum(.., false).sqrt() + 1.0;
            close(name, &read(&after), &fold(&|p, q| (p * q).abs()).map(|v| v.sqrt() + 1.0), 2e-5);
            let top = (&(&a.abs() * 2.0) - 1.0).amax(.., false);
            close(name, &read(&top), &Matrix { rows: 1, columns: 1, values: vec![most] }, 1e-6);
        }
    });
}

#[test]
fn powers_of_negative_numbers_are_ieee_powers() {
    let bases = [-8.0f32, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 2.0, 3.0];
    let exponents = [2.0f32, 3.0, -1.0, 0.5, 0.0, -2.0, 1.8, 5.0, 1.0 / 3.0, 1.0];
    each_engine(|name, e| {
        let x = e.from_slice(&bases, &[9]).unwrap();
        let same = |given: &[f32], expected: &[f32], what: &str| {
            for ((g, w), b) in given.iter().zip(expected).zip(&bases) {
                let equal = g.is_nan() == w.is_nan() && (w.is_nan() || g == w || (g - w).abs() <= 1e-5 * w.abs());
                assert!(equal, "{name}: {b} to the power of {what} gave {g}, expected {w}");
            }
        };
        for p in exponents {
            let expected: Vec<f32> = bases.iter().map(|b| b.powf(p)).collect();
            same(&read(&x.pow(f64::from(p))), &expected, &format!("{p}"));
            let array = e.from_slice(&[p; 9], &[9]).unwrap();
            same(&read(&x.pow(&array)), &expected, &format!("array {p}"));
            // In a chain, and behind a product.
            let chained = &(&(&x + 1.0) - 1.0).pow(f64::from(p)) * 1.0;
            let shifted: Vec<f32> = bases.iter().map(|b| ((b + 1.0) - 1.0).powf(p)).collect();
            same(&read(&chained), &shifted, &format!("{p} in a chain"));
            let product = x.reshape(&[9, 1], Order::C).matmul(&e.ones(&[1, 1], DType::F32)).pow(f64::from(p));
            let plain: Vec<f32> = bases.iter().map(|b| (b + 0.0).powf(p)).collect();
            same(&read(&product), &plain, &format!("{p} behind a product"));
        }
    });
}

#[test]
fn a_variance_is_not_the_difference_of_moments() {
    // At an offset of 10⁴ the squares have no digit of the variance left in single precision.
    let n = 5000;
    let x: Vec<f32> = vector(n, 35).iter().map(|v| 1e4 + v).collect();
    let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
    let squares = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>();
    let one = |v: f64| Matrix { rows: 1, columns: 1, values: vec![v] };
    each_engine(|name, e| {
        let a = e.from_slice(&x, &[n]).unwrap();
        close(name, &read(&a.mean(.., false)), &one(mean), 1e-6);
        close(name, &read(&a.var(.., 1, false)), &one(squares / (n - 1) as f64), 1e-4);
        close(name, &read(&a.std(.., 0, false)), &one((squares / n as f64).sqrt()), 1e-4);
        let spelled = (&a - &a.mean(.., true)).square().mean(.., false);
        close(name, &read(&spelled), &one(squares / n as f64), 1e-4);
        // The centred Gram of columns with that offset.
        let m = a.reshape(&[n / 5, 5], Order::C);
        let c = &m - &m.mean(0, true);
        let columns = Matrix { rows: n / 5, columns: 5, values: x.iter().map(|&v| f64::from(v)).collect() };
        let d = columns.zip(&columns.column_means(), |v, m| v - m);
        close(name, &read(&c.t().matmul(&c)), &d.transposed().times(&d), 1e-3);
        // And normalised rows.
        let z = &(&m - &m.mean(1, true)) / &(&m.var(1, 0, true) + 1e-6).sqrt();
        let rows = columns.transposed();
        let d = rows.zip(&rows.column_means(), |v, m| v - m);
        let deviation = d.map(|v| v * v).column_means().map(|v| (v + 1e-6).sqrt());
        close(name, &read(&z), &d.zip(&deviation, |v, s| v / s).transposed(), 2e-2);
    });
}
