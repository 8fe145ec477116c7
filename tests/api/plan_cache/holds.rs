//! A plan is used again only where it holds. For everything that a rule's condition or a lowering may read, evaluations that
//! differ in nothing else run one after the other on a warm cache and must give what a fresh engine gives without planner and
//! fusion.

use crate::support::{gpu, vector};
use lazurite::{Array, DType, DeviceChoice, Engine, Numerics, Order, SliceSpec};

/// One way to use the engine.
type Program = Box<dyn Fn(&Engine) -> Array>;

fn program(f: impl Fn(&Engine) -> Array + 'static) -> Program {
    Box::new(f)
}

fn array(e: &Engine, shape: &[usize], seed: u64) -> Array {
    e.from_slice(&vector(shape.iter().product(), seed), shape).unwrap()
}

/// Runs the programs forwards and backwards on one engine and compares each result with that of an engine without planner and
/// fusion on the same device.
fn each_holds(what: &str, programs: &[Program]) {
    let devices: &[DeviceChoice] =
        if gpu().is_some() { &[DeviceChoice::Cpu, DeviceChoice::Gpu] } else { &[DeviceChoice::Cpu] };
    for &device in devices {
        let warm = Engine::builder().device(device).build().unwrap();
        let plain = Engine::builder().device(device).plan(false).fuse(false).build().unwrap();
        let order = (0..programs.len()).chain((0..programs.len()).rev());
        for i in order {
            let (given, expected) = (programs[i](&warm), programs[i](&plain));
            let (shape, dtype) = (given.shape().unwrap(), given.dtype().unwrap());
            assert_eq!(shape, expected.shape().unwrap(), "{what} {i} on {device:?}");
            assert_eq!(dtype, expected.dtype().unwrap(), "{what} {i} on {device:?}");
            let (given, expected) = (given.to_host().unwrap(), expected.to_host().unwrap());
            let finite = |v: f64| if v.is_finite() { v.abs() } else { 0.0 };
            let scale = (0..expected.len()).map(|k| finite(expected.get(k).to_f64())).fold(0.0, f64::max);
            for k in 0..expected.len() {
                let (g, w) = (given.get(k).to_f64(), expected.get(k).to_f64());
                let equal = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= 2e-6 * scale;
                assert!(equal, "{what} {i} on {device:?}: element {k} is {g}, expected {w}");
            }
        }
    }
}

/// Every value that makes a scalar part of a plan, and some that do not.
const SCALARS: [f64; 17] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    2.0,
    -2.0,
    3.0,
    4.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    0.1,
    7.0,
    -3.0,
    1e20,
];

#[test]
fn scalars_that_rules_may_test() {
    type Use = fn(&Array, f64) -> Array;
    let uses: [(&str, Use); 18] = [
        ("x * c", |x, c| x * c),
        ("x + c", |x, c| x + c),
        ("x - c", |x, c| x - c),
        ("c - x", |x, c| c - x),
        ("x / c", |x, c| x / c),
        ("c / x", |x, c| c / x),
        ("x ^ c", |x, c| x.pow(c)),
        ("max(x, c)", |x, c| x.maximum(c)),
        ("min(x, c)", |x, c| x.minimum(c)),
        ("fmax(x, c)", |x, c| x.fmax(c)),
        ("fmin(x, c)", |x, c| x.fmin(c)),
        ("x > c", |x, c| x.gt(c)),
        ("x == c", |x, c| x.eq(c)),
        ("x != c", |x, c| x.ne(c)),
        ("select(x > 0, x, c)", |x, c| x.gt(0.0).select(x, c)),
        ("(x * c) * c", |x, c| &(x * c) * c),
        ("(x + c) - c", |x, c| &(x + c) - c),
        ("clamp(x, c, 1)", |x, c| x.clamp(c, 1.0)),
    ];
    for (what, f) in uses {
        let data = [1.5f32, -0.25, 0.0, -0.0, 3.0, f32::INFINITY, f32::NAN, -2.0];
        let programs: Vec<Program> =
            SCALARS.iter().map(|&c| program(move |e| f(&e.from_slice(&data, &[8]).unwrap(), c))).collect();
        // WGSL promises nothing for arithmetic on NaN and infinities, so the GPU sees finite numbers.
        if gpu().is_none() {
            each_holds(what, &programs);
            continue;
        }
        let data = [1.5f32, -0.25, 0.75, -1.0, 3.0, 0.5, 2.0, -2.0];
        let finite = SCALARS.iter().filter(|c| c.is_finite());
        let programs: Vec<Program> =
            finite.map(|&c| program(move |e| f(&e.from_slice(&data, &[8]).unwrap(), c))).collect();
        each_holds(what, &programs);
    }
}

#[test]
fn scalars_around_products_and_sums() {
    type Use = fn(&Array, &Array, f64) -> Array;
    let uses: [(&str, Use); 6] = [
        ("(a * c) @ b", |a, b, c| (a * c).matmul(b)),
        ("(a @ b) * c", |a, b, c| &a.matmul(b) * c),
        ("(a @ b) + c", |a, b, c| &a.matmul(b) + c),
        ("max(a @ b, c)", |a, b, c| a.matmul(b).maximum(c)),
        ("(a @ b) ^ c", |a, b, c| a.matmul(b).abs().pow(c)),
        ("sum(a * c)", |a, _, c| (a * c).sum(1, false)),
    ];
    for (what, f) in uses {
        let programs: Vec<Program> = SCALARS
            .iter()
            .filter(|c| c.is_finite() && c.abs() < 1e3)
            .map(|&c| program(move |e| f(&array(e, &[9, 5], 1), &array(e, &[5, 7], 2), c)))
            .collect();
        each_holds(what, &programs);
    }
}

#[test]
fn factors_that_may_not_be_moved() {
    // A·B overflows single precision and (A·s)·B does not: a factor must stay where it was written.
    let scaled = |s: f64, size: f64| {
        program(move |e| {
            let (a, b) = (&array(e, &[6, 8], 3) * 1.0, &array(e, &[8, 4], 4) * 1.0);
            let (a, b) = (&a * size, &b * size);
            e.eval(&[&a, &b]).unwrap();
            (&a * s).matmul(&b)
        })
    };
    let factors = [1.25, 3e-3, 2f64.powi(23) * 1.1, 2f64.powi(25) * 1.1, 1e-10, 7e-25, 1e-30];
    let ordinary = factors.iter().map(|&s| scaled(s, 1.0));
    each_holds("(a * s) @ b", &ordinary.chain([scaled(7e-25, 1e20), scaled(1.25, 1.0)]).collect::<Vec<_>>());
    let grams = factors.map(|s| {
        program(move |e| {
            let x = &array(e, &[12, 5], 5) * s;
            x.t().matmul(&x)
        })
    });
    each_holds("(x * s)' @ (x * s)", &grams);
}

#[test]
fn operands_that_are_the_same_and_that_are_not() {
    let xy = |f: fn(&Array, &Array) -> Array| {
        [
            program(move |e| {
                let x = array(e, &[11, 6], 6);
                f(&x, &x)
            }),
            program(move |e| f(&array(e, &[11, 6], 6), &array(e, &[11, 6], 7))),
            program(move |e| f(&array(e, &[11, 6], 7), &array(e, &[11, 6], 6))),
            program(move |e| f(&array(e, &[11, 6], 6), &array(e, &[11, 6], 6))),
        ]
    };
    each_holds("x' @ y", &xy(|x, y| x.t().matmul(y)));
    each_holds("x - y", &xy(|x, y| x - y));
    each_holds("x / y", &xy(|x, y| x / y));
    each_holds("max(x, y)", &xy(|x, y| x.maximum(y)));
    each_holds("centred", &xy(|x, y| (x - &x.mean(0, true)).t().matmul(&(x - &y.mean(0, true)))));
    each_holds("softmax", &xy(|x, y| &x.exp() / &y.exp().sum(1, true)));
    each_holds("normalise", &xy(|x, y| &(x - &y.mean(1, true)) / &(&x.var(1, 0, true) + 1e-3).sqrt()));
    each_holds("diag", &xy(|x, y| x.matmul(&y.t()).diagonal()));
}

#[test]
fn integer_exponents() {
    let powers = [2, 3, 4, 0, 1, -1, -2, 5, 6, 7, -3];
    let all = powers.map(|n| program(move |e| (&array(e, &[40], 8) + 2.0).pow(n)));
    each_holds("x ^ n", &all);
    let after = powers.map(|n| program(move |e| (&array(e, &[6, 4], 8).matmul(&array(e, &[4, 5], 9)) + 5.0).pow(n)));
    each_holds("(a @ b) ^ n", &after);
}

#[test]
fn contents_shapes_and_dtypes_of_leaves() {
    let shapes: [&[usize]; 9] = [&[8, 8], &[8, 1], &[1, 8], &[64, 64], &[65, 63], &[7, 9], &[0, 4], &[4, 0], &[1, 1]];
    let mut all: Vec<Program> = Vec::new();
    for shape in shapes {
        for seed in [10, 11] {
            all.push(program(move |e| {
                let x = array(e, shape, seed);
                &x.t().matmul(&x) + &(&x * 2.0).exp().sum(0, true)
            }));
        }
    }
    each_holds("shapes", &all);
    let dtypes = [DType::F32, DType::F64, DType::I32, DType::U32, DType::F16, DType::I64].map(|d| {
        program(move |e| {
            let x = (&(&array(e, &[9, 5], 12) * 4.0) + 5.0).cast(d);
            &x.t().matmul(&x) + &(&x * 2).sum(0, true)
        })
    });
    each_holds("dtypes", &dtypes);
    let casts = [DType::F32, DType::I32, DType::U8, DType::Bool, DType::I64];
    let casts: Vec<Program> = casts
        .iter()
        .flat_map(|&d| {
            let x = |e: &Engine| &array(e, &[30], 13) * 10.0;
            [program(move |e| x(e).cast(d)), program(move |e| x(e).cast_round_saturate(d))]
        })
        .collect();
    each_holds("casts", &casts);
}

#[test]
fn views_axes_and_places() {
    let slice = |start: usize, step: i64, len: usize| {
        program(move |e| {
            let x = array(e, &[10, 12], 14);
            let v = x.slice(&[SliceSpec { start, step, len }, SliceSpec::range(start, start + 5)]);
            v.matmul(&v.t())
        })
    };
    each_holds(
        "slices",
        &[slice(0, 1, 4), slice(1, 1, 4), slice(0, 2, 4), slice(7, -2, 4), slice(6, -1, 4), slice(3, 1, 4)],
    );
    let axes = [[0, 1, 2], [0, 2, 1], [2, 1, 0], [1, 0, 2], [1, 2, 0], [2, 0, 1]];
    each_holds("axes", &axes.map(|p| program(move |e| array(e, &[4, 4, 4], 15).permute(&p).exp())));
    each_holds("flips", &[0, 1, 2].map(|a| program(move |e| &array(e, &[3, 3, 3], 15).flip(a) * 2.0)));
    let orders = [Order::C, Order::F];
    each_holds(
        "orders",
        &orders.map(|o| program(move |e| array(e, &[4, 6], 16).reshape(&[6, 4], o).matmul(&array(e, &[4, 6], 17)))),
    );
    let folds: [&[usize]; 7] = [&[0], &[1], &[2], &[0, 1], &[1, 2], &[0, 2], &[0, 1, 2]];
    let sums = folds.iter().flat_map(|&a| {
        [true, false].map(|keep| program(move |e| (&array(e, &[5, 5, 5], 18) + 1.0).square().sum(a, keep)))
    });
    each_holds("sums", &sums.collect::<Vec<_>>());
    let along = [0usize, 1].map(|a| {
        [
            program(move |e| array(e, &[6, 6], 19).cumsum(a)),
            program(move |e| array(e, &[6, 6], 19).sort(a, false)),
            program(move |e| array(e, &[6, 6], 19).sort(a, true)),
            program(move |e| array(e, &[6, 6], 19).argsort(a, false)),
            program(move |e| array(e, &[6, 6], 19).argmax(a, true)),
            program(move |e| array(e, &[6, 6], 19).argmin(a, true)),
            program(move |e| array(e, &[6, 6], 19).take(&e.from_slice(&[2, 0, 5], &[3]).unwrap(), a)),
            program(move |e| array(e, &[6, 6], 19).take(&e.from_slice(&[1, 1, 4], &[3]).unwrap(), a)),
            program(move |e| Array::concat(&[&array(e, &[6, 6], 19), &array(e, &[6, 6], 20)], a).unwrap()),
        ]
    });
    each_holds("axes of operations", &along.into_iter().flatten().collect::<Vec<_>>());
    let pads = [[0usize, 1], [1, 0], [2, 2]].map(|p| program(move |e| array(e, &[3, 3], 21).pad(&p, &[1, 1], 0.5)));
    each_holds("pads", &pads);
    let updates = [0usize, 1, 2].map(|s| {
        program(move |e| array(e, &[5, 4], 22).slice_update(&[SliceSpec::range(s, s + 2), SliceSpec::range(1, 3)], 9.0))
    });
    each_holds("updates", &updates);
    let broadcast: [&[usize]; 4] = [&[1, 6], &[6, 1], &[6, 6], &[1, 1]];
    each_holds(
        "broadcasts",
        &broadcast.map(|s| program(move |e| &array(e, &[6, 4], 23).matmul(&array(e, &[4, 6], 24)) + &array(e, s, 25))),
    );
    let keys = [(1u32, 0u32), (2, 0), (1, 1)];
    each_holds("keys", &keys.map(|(k, s)| program(move |e| e.rng_normal(k, s, &[33], DType::F32).unwrap())));
}

#[test]
fn roots_in_another_order() {
    let e = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    for order in [[0, 1], [1, 0], [0, 0], [1, 1], [0, 1]] {
        let x = array(&e, &[5, 5], 26);
        let both = [&x + 1.0, &x * 3.0];
        e.eval(&[&both[order[0]], &both[order[1]]]).unwrap();
        let data = vector(25, 26);
        let expected: [Vec<f32>; 2] = [data.iter().map(|v| v + 1.0).collect(), data.iter().map(|v| v * 3.0).collect()];
        for k in order {
            assert_eq!(both[k].to_vec::<f32>().unwrap(), expected[k]);
        }
    }
}

#[test]
fn modes_keep_their_own_plans() {
    let build = |n| Engine::builder().device(DeviceChoice::Cpu).numerics(n).build().unwrap();
    let [strict, standard, fast] = [Numerics::Strict, Numerics::Standard, Numerics::Fast].map(build);
    let run = |e: &Engine| {
        let x = &array(e, &[20, 6], 27) + 1.0;
        let s = &x.exp() / &x.exp().sum(1, true);
        (&s.t().matmul(&s) / 19.0).to_vec::<f32>().unwrap()
    };
    let plain = Engine::builder().device(DeviceChoice::Cpu).numerics(Numerics::Strict).plan(false).fuse(false);
    let expected = run(&plain.build().unwrap());
    for _ in 0..2 {
        assert_eq!(run(&strict), expected, "strict results are those without planner and fusion, bit for bit");
        for e in [&standard, &fast] {
            for (g, w) in run(e).iter().zip(&expected) {
                assert!((g - w).abs() <= 1e-5, "{g} and {w}");
            }
        }
    }
}
