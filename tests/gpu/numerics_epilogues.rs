//! Functions behind products and sums, where only some lanes of a workgroup store: the GPU's epilogues against the CPU's.
//!
//! A software driver once miscompiled a function only there, so functions in plain maps do not stand for these.

use lazurite::{Array, DeviceChoice, Engine};

type Function = fn(&Array) -> Array;

const FUNCTIONS: &[(&str, Function)] = &[
    ("tanh", |x| x.tanh()),
    ("tanh small", |x| (x * 0.02).tanh()),
    ("exp", |x| (x * 0.1).exp()),
    ("log", |x| (x.abs() + 0.01).log()),
    ("log2", |x| (x.abs() + 0.01).log2()),
    ("log10", |x| (x.abs() + 0.01).log10()),
    ("sin", |x| x.sin()),
    ("cos", |x| x.cos()),
    ("cosh", |x| (x * 0.2).cosh()),
    ("sinh", |x| (x * 0.2).sinh()),
    ("expm1", |x| (x * 0.1).expm1()),
    ("log1p", |x| x.abs().log1p()),
    ("atan", |x| x.atan()),
    ("atan2", |x| x.atan2(0.7)),
    ("tan", |x| (x * 0.05).tan()),
    ("pow", |x| x.abs().pow(1.7)),
    ("asin", |x| (x * 0.01).asin()),
    ("acos", |x| (x * 0.01).acos()),
    ("fmax", |x| x.fmax(0.3)),
    ("maximum", |x| x.maximum(0.3)),
    ("clamp", |x| x.clamp(-1.5, 2.5)),
    ("sqrt", |x| x.abs().sqrt()),
    ("hypot", |x| x.hypot(3.3)),
    ("sigmoid", |x| x.sigmoid()),
    ("trunc", |x| x.trunc() * 0.0 + x),
    ("cube", |x| x.pow(3)),
    ("recip", |x| (x.abs() + 0.1).recip()),
];

/// The function of a product and of row sums of deterministic matrices.
fn both(engine: &Engine, m: usize, k: usize, n: usize, f: Function) -> Vec<f32> {
    let left: Vec<f32> = (0..m * k).map(|i| ((i * 37 % 101) as f32 - 50.0) / 17.0).collect();
    let right: Vec<f32> = (0..n * k).map(|i| ((i * 53 % 97) as f32 - 48.0) / 19.0).collect();
    let a = engine.from_slice(&left, &[m, k]).unwrap();
    let b = engine.from_slice(&right, &[k, n]).unwrap();
    let mut all = f(&a.matmul(&b)).to_vec::<f32>().unwrap();
    all.extend(f(&a.sum(1, false)).to_vec::<f32>().unwrap());
    all
}

#[test]
fn functions_behind_products_and_sums_agree() {
    let gpu = match Engine::builder().device(DeviceChoice::Gpu).build() {
        Ok(gpu) => gpu,
        Err(error) if std::env::var("LAZURITE_REQUIRE_GPU").as_deref() == Ok("1") => {
            panic!("a GPU is required: {error}")
        }
        Err(_) => return println!("skipped: there is no GPU"),
    };
    let cpu = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    for (m, k, n) in [(1, 13, 1), (3, 7, 2), (5, 8, 5), (17, 9, 19), (33, 70, 40), (2, 600, 30)] {
        for (name, f) in FUNCTIONS {
            let (found, expected) = (both(&gpu, m, k, n, *f), both(&cpu, m, k, n, *f));
            for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
                // Sums of up to 600 products of about 1 cancel to about 1e-5 of their terms, and pow and exp enlarge that.
                assert!(
                    (a - b).abs() <= 2e-3 * (1.0 + b.abs()),
                    "{name} of {m}x{k}x{n}, element {i}: {a} on the GPU, {b} on the CPU"
                );
            }
        }
    }
    let stats = gpu.stats();
    assert!(stats.device.dispatches > 0 && stats.cpu_groups == 0 && stats.fallbacks == 0, "{stats:?}");
}
