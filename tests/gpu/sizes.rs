//! Sizes at which drivers and arithmetic give way: loops longer than a software driver allows, sums of many floats with an offset,
//! and parts of parts. Every case is compared with what is known of it in closed form, or with f64.

use crate::support::each_engine;
use lazurite::{Array, DType, Engine, Order};

/// `1e4 + {0, 1}` in turn.
fn offset(e: &Engine, n: usize) -> Array {
    e.iota(&[n], 0, DType::I32).unwrap().rem(2).cast(DType::F32) + 1e4
}

/// `n` on a GPU. The CPU's loops have no bound, and its builds for tests are slow.
fn sized(name: &str, n: usize) -> usize {
    if name == "cpu" { n / 16 } else { n }
}

fn item(a: &Array) -> f64 {
    a.item().unwrap().to_f64()
}

#[test]
fn the_variance_of_many_offset_numbers_is_that_of_the_numbers() {
    each_engine(|name, e| {
        for n in [400_000usize, 1_000_000, 8_500_000].map(|n| sized(name, n)) {
            let x = offset(e, n);
            let var = item(&x.var(.., 0, false));
            assert!((var - 0.25).abs() < 1e-5, "{name}: the variance of {n} is {var}");
            let centred = &x - &x.mean(.., true);
            let (low, high) = (item(&centred.amin(.., false)), item(&centred.amax(.., false)));
            assert!((low + 0.5).abs() < 2e-3 && (high - 0.5).abs() < 2e-3, "{name}: {n} centred lie in {low}..{high}");
        }
        // Columns, where neighbouring threads do not belong to one line.
        let x = offset(e, sized(name, 2_000_000)).reshape(&[sized(name, 400_000), 5], Order::C);
        for v in x.var(0, 0, false).to_vec::<f32>().unwrap() {
            assert!((f64::from(v) - 0.25).abs() < 1e-5, "{name}: the variance of a column is {v}");
        }
    });
}

/// More than 65,535 rounds of a workgroup of 256.
fn long(name: &str) -> usize {
    sized(name, 16_777_216 + 300)
}

#[test]
fn running_folds_of_long_lines_reach_the_end() {
    each_engine(|name, e| {
        let i = e.iota(&[long(name)], 0, DType::I32).unwrap();
        // A sum of 0, 1, 2, 0, 1, 2, …: exact in integers, and in f32 as long as a sum of ones and zeros stays below 2^24.
        let sum = i.rem(3).cumsum(0);
        let expected = &(&i / 3) * 3 + (i.rem(3) + 1) / 2 + (i.rem(3) / 2) * 2;
        assert_eq!(item(&sum.ne(&expected).any(.., false)), 0.0, "{name}: cumsum");
        let sparse = i.rem(5).eq(4).cast(DType::F32);
        assert_eq!(
            item(&sparse.cumsum(0).ne(((&i + 1) / 5).cast(DType::F32)).any(.., false)),
            0.0,
            "{name}: cumsum of f32"
        );
        let sign = 1 - i.rem(2) * 2;
        let product = 1 - ((&i + 1) / 2).rem(2) * 2;
        assert_eq!(item(&sign.cumprod(0).ne(&product).any(.., false)), 0.0, "{name}: cumprod");
        assert_eq!(item(&i.cummax(0).ne(&i).any(.., false)), 0.0, "{name}: cummax");
    });
}

#[test]
fn many_long_lines_across_memory_are_scanned_to_the_end() {
    each_engine(|name, e| {
        let i = e.iota(&[sized(name, 70_000), 64], 0, DType::I32).unwrap();
        assert_eq!(item(&i.ge(0).cast(DType::I32).cumsum(0).ne(&i + 1).any(.., false)), 0.0, "{name}");
    });
}

#[test]
fn dependent_folds_of_many_elements_see_all_of_them() {
    each_engine(|name, e| {
        let n = sized(name, 8_400_000);
        let i = e.iota(&[n], 0, DType::I32).unwrap();
        // Zero but for the last few, so that what is cut off shows.
        let x = i.ge(n as f64 - 10.0).cast(DType::F32) * 10.0;
        let whole = (n as f64 - 10.0) + 10.0 * 10f64.exp();
        let given = item(&x.logsumexp(0, false));
        assert!((given - whole.ln()).abs() < 1e-5, "{name}: logsumexp {given}, expected {}", whole.ln());
        let soft = x.softmax(0);
        let (sum, top) = (item(&soft.sum(.., false)), item(&soft.amax(.., false)));
        assert!((sum - 1.0).abs() < 1e-4, "{name}: softmax sums to {sum}");
        let expected = 10f64.exp() / whole;
        assert!((top / expected - 1.0).abs() < 1e-4, "{name}: the largest is {top}, expected {expected}");
        let (mean, square) = (100.0 / n as f64, 1000.0 / n as f64);
        let var = item(&x.var(.., 0, false));
        assert!((var / (square - mean * mean) - 1.0).abs() < 1e-4, "{name}: variance {var}");
    });
}

#[test]
fn positions_beyond_the_digits_of_f32_are_found() {
    each_engine(|name, e| {
        let i = e.iota(&[long(name)], 0, DType::I32).unwrap();
        let at = long(name) - 7;
        let x = i.eq(at as f64).cast(DType::F32);
        assert_eq!(item(&x.argmax(0, false)), at as f64, "{name}");
        assert_eq!(item(&(-&x).argmin(0, false)), at as f64, "{name}");
        assert_eq!(item(&x.cast(DType::Bool).any(.., false)), 1.0, "{name}");
    });
}

#[test]
fn loops_within_loops_count_together() {
    each_engine(|name, e| {
        // A remainder takes up to 32 rounds for each element.
        let i = e.iota(&[600_000], 0, DType::I32).unwrap();
        let x = (&i.rem(7) + 1).cast(DType::F32) * 2f32.powi(120);
        let r = x.rem(3.0 * 2f64.powi(-120));
        let two = item(&(&r - &r.amax(.., true)).sum(.., false));
        let r = [1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0].map(|v| v * 2f64.powi(120) % (3.0 * 2f64.powi(-120)));
        let largest = r.iter().fold(0.0, |m: f64, v| m.max(*v));
        let expected: f64 = (0..600_000).map(|i| r[i % 7] - largest).sum();
        assert!((two / expected - 1.0).abs() < 1e-4, "{name}: {two}, expected {expected}");
    });
}

#[test]
fn products_of_a_long_contracted_axis_take_all_of_it() {
    each_engine(|name, e| {
        let k = sized(name, 1_200_000);
        let i = e.iota(&[k, 5], 0, DType::I32).unwrap();
        let x = i.rem(4).eq(0).cast(DType::F32);
        for v in x.t().matmul(&x).to_vec::<f32>().unwrap() {
            assert_eq!(v, k as f32 / 4.0, "{name}");
        }
    });
}

#[test]
fn halves_are_added_in_single_precision_and_rounded_once() {
    each_engine(|name, e| {
        // Ones and zeros: in f16 a sum of ones stays at 2048.
        let n = 9000;
        let x = e.iota(&[n], 0, DType::I32).unwrap().rem(3).ne(0).cast(DType::F16);
        let exact = |what: &str, a: &Array, expected: f64| {
            for v in a.cast(DType::F32).to_vec::<f32>().unwrap() {
                assert_eq!(f64::from(v), expected, "{name}: {what}");
            }
        };
        exact("sum", &x.sum(.., false), 6000.0);
        exact("running sum", &x.cumsum(0).amax(.., false), 6000.0);
        for columns in [2, 20] {
            let matrix = x.reshape(&[n, 1], Order::C).broadcast_to(&[n, columns]);
            exact("sum of columns", &matrix.sum(0, false), 6000.0);
            exact("product", &matrix.t().matmul(&matrix), 6000.0);
        }
    });
}
