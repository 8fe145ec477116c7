//! What several tests share: the engines at hand, and plain matrices in f64 to compare with.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::sync::OnceLock;

use lazurite::unstable::algorithms::{Lcg, Random};
use lazurite::{DeviceChoice, Engine};

/// The GPU engine that the tests of this process share, if there is an adapter.
pub fn gpu() -> Option<&'static Engine> {
    static GPU: OnceLock<Option<Engine>> = OnceLock::new();
    GPU.get_or_init(fresh_gpu).as_ref()
}

/// A GPU engine whose counters count for one test, if there is an adapter; `LAZURITE_REQUIRE_GPU=1` makes its absence a failure.
pub fn fresh_gpu() -> Option<Engine> {
    match Engine::builder().device(DeviceChoice::Gpu).build() {
        Ok(engine) => Some(engine),
        Err(e) => {
            assert!(std::env::var("LAZURITE_REQUIRE_GPU").as_deref() != Ok("1"), "a GPU is required: {e}");
            eprintln!("no GPU adapter, only the CPU is tested: {e}");
            None
        }
    }
}

/// Calls `test` with a fresh CPU engine, and with a fresh GPU engine when there is an adapter: that one must have run something.
pub fn each_engine(test: impl Fn(&str, &Engine)) {
    let cpu = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    test("cpu", &cpu);
    if let Some(gpu) = fresh_gpu() {
        test("gpu", &gpu);
        let stats = gpu.stats();
        assert!(stats.gpu_groups > 0, "nothing ran on the GPU: {stats:?}");
    }
}

/// `n` numbers between −1 and 1, the same for the same seed.
pub fn vector(n: usize, seed: u64) -> Vec<f32> {
    let mut random = Lcg(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..n).map(|_| (random.word() >> 7) as f32 / (1u32 << 23) as f32 - 1.0).collect()
}

/// A dense, row-major matrix.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// The elements.
    pub values: Vec<f64>,
}

impl Matrix {
    /// Numbers between −1 and 1 that f32 holds.
    pub fn random(rows: usize, columns: usize, seed: u64) -> Self {
        Self { rows, columns, values: vector(rows * columns, seed).into_iter().map(f64::from).collect() }
    }

    pub fn to_f32(&self) -> Vec<f32> {
        self.values.iter().map(|&v| v as f32).collect()
    }

    /// A function of every element, rounded to f32 so that both sides start from the same numbers.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { values: self.values.iter().map(|&v| f(v)).collect(), ..*self }
    }

    /// A function of two matrices, the second broadcast.
    pub fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let at = |i: usize| {
            let (r, c) = (i / self.columns, i % self.columns);
            let r = if other.rows == 1 { 0 } else { r };
            other.values[r * other.columns + if other.columns == 1 { 0 } else { c }]
        };
        Self { values: self.values.iter().enumerate().map(|(i, &v)| f(v, at(i))).collect(), ..*self }
    }

    pub fn plus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    pub fn times(&self, other: &Self) -> Self {
        assert_eq!(self.columns, other.rows);
        let mut values = vec![0.0; self.rows * other.columns];
        for i in 0..self.rows {
            for k in 0..self.columns {
                let a = self.values[i * self.columns + k];
                let row = &other.values[k * other.columns..(k + 1) * other.columns];
                for (to, b) in values[i * other.columns..].iter_mut().zip(row) {
                    *to += a * b;
                }
            }
        }
        Self { rows: self.rows, columns: other.columns, values }
    }

    pub fn transposed(&self) -> Self {
        let values =
            (0..self.values.len()).map(|i| self.values[i % self.rows * self.columns + i / self.rows]).collect();
        Self { rows: self.columns, columns: self.rows, values }
    }

    /// The same elements in row-major order under other extents.
    pub fn reshaped(&self, rows: usize, columns: usize) -> Self {
        assert_eq!(rows * columns, self.values.len());
        Self { rows, columns, values: self.values.clone() }
    }

    pub fn diagonal(&self) -> Self {
        let n = self.rows.min(self.columns);
        Self { rows: 1, columns: n, values: (0..n).map(|i| self.values[i * self.columns + i]).collect() }
    }

    pub fn column_means(&self) -> Self {
        let mut values = vec![0.0; self.columns];
        for (i, v) in self.values.iter().enumerate() {
            values[i % self.columns] += v;
        }
        values.iter_mut().for_each(|v| *v /= self.rows as f64);
        Self { rows: 1, columns: self.columns, values }
    }
}

/// Asserts that all elements agree within `tolerance` of the largest magnitude expected.
#[track_caller]
pub fn close(name: &str, given: &[f32], expected: &Matrix, tolerance: f64) {
    assert_eq!(given.len(), expected.values.len(), "{name}: wrong number of elements");
    let scale = expected.values.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (i, (&g, &w)) in given.iter().zip(&expected.values).enumerate() {
        let error = (f64::from(g) - w).abs();
        assert!(error <= tolerance * scale, "{name}: element {i} is {g}, expected {w} (largest {scale})");
    }
}
