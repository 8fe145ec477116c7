//! Cases for every elementwise operation and dtype, with special values, and the tolerances that are promised for them.

use lazurite::inspect::graph::{BinaryOp, CastMode, UnaryOp};
use lazurite::inspect::program::{Inst, StoreShape};
use lazurite::unstable::algorithms::{Random, SplitMix};
use lazurite::{DType, DTypeKind, HostBuffer, Scalar};

use super::case::Case;

/// A sequence of numbers without a pattern.
pub struct Noise(SplitMix);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(SplitMix(seed))
    }

    pub fn bits(&mut self) -> u32 {
        self.0.word() as u32
    }

    /// Uniform on [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * f64::from(self.bits()) / 4_294_967_296.0
    }
}

/// Numbers of a dtype in a range, integers whole.
pub fn numbers(dtype: DType, n: usize, low: f64, high: f64, seed: u64) -> HostBuffer {
    let mut noise = Noise::new(seed);
    let mut out = HostBuffer::zeros(dtype, n).unwrap();
    for i in 0..n {
        let v = noise.between(low, high);
        out.set(i, Scalar::from_f64(dtype, if dtype == DType::Bool { f64::from(v > (low + high) / 2.0) } else { v }));
    }
    out
}

const SPECIAL: [f64; 30] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    2.0,
    -2.0,
    2.5,
    -2.5,
    3.0,
    0.1,
    -0.1,
    1e-3,
    1e-10,
    -1e-10,
    0.499_999_97,
    8_388_609.0,
    1e9,
    -1e9,
    1e30,
    -1e30,
    3e38,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    88.5,
    -87.0,
    6.0,
];

fn specials(dtype: DType) -> Vec<Scalar> {
    match dtype.kind() {
        DTypeKind::Float => SPECIAL.iter().map(|&v| Scalar::from_f64(dtype, v)).collect(),
        DTypeKind::Bool => vec![Scalar::from_f64(dtype, 0.0), Scalar::from_f64(dtype, 1.0)],
        DTypeKind::Int => {
            let bits = dtype.size() * 8;
            let edges: [i64; 6] = [0, 1, -1, 1 << (bits - 2), i64::MIN >> (64 - bits), i64::MAX >> (64 - bits)];
            let small: [i64; 9] = [2, 3, -2, -3, 5, 7, 31, 100, -100];
            edges.iter().chain(&small).map(|&v| Scalar::from_i64(dtype, v)).collect()
        }
    }
}

/// One operand: special values, and random ones where a function of floats is interesting.
fn one(dtype: DType, ranges: &[(f64, f64)]) -> HostBuffer {
    let mut all = specials(dtype);
    for (i, &(low, high)) in ranges.iter().enumerate() {
        let some = numbers(dtype, 700, low, high, i as u64 + 3);
        all.extend((0..some.len()).map(|i| some.get(i)));
    }
    super::case::buffer(dtype, &all)
}

/// Two operands: all pairs of special values, then random ones.
fn two(dtype: DType, low: f64, high: f64) -> (HostBuffer, HostBuffer) {
    let s = specials(dtype);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for &x in &s {
        for &y in &s {
            a.push(x);
            b.push(y);
        }
    }
    let (x, y) = (numbers(dtype, 1500, low, high, 11), numbers(dtype, 1500, low, high, 12));
    a.extend((0..1500).map(|i| x.get(i)));
    b.extend((0..1500).map(|i| y.get(i)));
    (super::case::buffer(dtype, &a), super::case::buffer(dtype, &b))
}

/// The promised accuracy of f32 in ulp, and whether the sign of a zero result is promised.
fn unary_ulp(op: UnaryOp) -> f64 {
    match op {
        UnaryOp::Sqrt => 2.0,
        UnaryOp::Recip => 2.5,
        UnaryOp::Rsqrt => 4.0,
        UnaryOp::Powi(_) => 3.0,
        UnaryOp::Tan | UnaryOp::Sinh | UnaryOp::Cosh | UnaryOp::Log1p | UnaryOp::Acos => 5.0,
        op if op.is_transcendental() => 4.0,
        _ => 0.0,
    }
}

fn ranges(op: UnaryOp) -> Vec<(f64, f64)> {
    match op {
        UnaryOp::Asin | UnaryOp::Acos => vec![(-1.0, 1.0), (0.9, 1.1)],
        UnaryOp::Log | UnaryOp::Log2 | UnaryOp::Log10 | UnaryOp::Sqrt | UnaryOp::Rsqrt => {
            vec![(0.0, 2.0), (0.9, 1.1), (0.0, 1e30), (-1.0, 0.0)]
        }
        UnaryOp::Log1p => vec![(-1.0, 1.0), (-1e-3, 1e-3), (0.0, 1e6)],
        UnaryOp::Sin | UnaryOp::Cos | UnaryOp::Tan => {
            vec![(-4.0, 4.0), (-100.0, 100.0), (-2e4, 2e4), (-1e9, 1e9), (-1e30, 1e30)]
        }
        _ => vec![(-1.0, 1.0), (-20.0, 20.0), (-110.0, 110.0), (-1e-3, 1e-3)],
    }
}

pub const POWERS: [i32; 8] = [0, 1, 2, 3, 5, -1, -2, 10];

/// f16 functions are the f32 ones rounded again.
fn half(dtype: DType, ulp: f64) -> f64 {
    match dtype {
        DType::F16 if ulp > 0.0 => 1.0,
        // Double-precision division and roots of drivers may be off by as much as single ones.
        _ => ulp,
    }
}

/// All unary cases.
pub fn unary() -> Vec<Case> {
    let mut all = Vec::new();
    let ops = UnaryOp::ALL.iter().copied().chain(POWERS.map(UnaryOp::Powi));
    for op in ops {
        for dtype in DType::ALL.iter().copied() {
            let Some(result) = op.result(dtype) else { continue };
            if dtype == DType::F64 && op.is_transcendental() {
                continue;
            }
            let data = one(dtype, &if dtype.is_float() { ranges(op) } else { vec![] });
            let n = data.len();
            let mut c = Case::map(format!("{op:?} {dtype}"), &[n]).within(half(dtype, unary_ulp(op)), 0.0);
            let id = c.input(&[n], data);
            let x = c.load(id);
            let y = c.push(Inst::Unary(op, x), result);
            c.store(y, StoreShape::Full);
            // f64 sums of opposite zeros and the like keep their sign on every device seen; tiny results may be flushed.
            all.push(c);
        }
    }
    all
}

fn binary_ulp(op: BinaryOp) -> f64 {
    match op {
        BinaryOp::Div => 2.5,
        BinaryOp::Pow => 6.0,
        BinaryOp::Atan2 | BinaryOp::Hypot => 4.0,
        BinaryOp::Mod => 1.0,
        _ => 0.0,
    }
}

/// All binary cases.
pub fn binary() -> Vec<Case> {
    let mut all = Vec::new();
    for op in BinaryOp::ALL.iter().copied() {
        for dtype in DType::ALL.iter().copied() {
            let Some(result) = op.result(dtype) else { continue };
            if dtype == DType::F64 && op.is_transcendental() {
                continue;
            }
            let (low, high) = if dtype.is_float() { (-30.0, 30.0) } else { (-40.0, 40.0) };
            let (a, b) = two(dtype, low, high);
            let n = a.len();
            let mut c = Case::map(format!("{op:?} {dtype}"), &[n]).within(half(dtype, binary_ulp(op)), 0.0);
            let (a, b) = (c.input(&[n], a), c.input(&[n], b));
            let (x, y) = (c.load(a), c.load(b));
            let z = c.push(Inst::Binary(op, x, y), result);
            c.store(z, StoreShape::Full);
            all.push(c);
        }
    }
    all
}

/// Powers over many magnitudes, where the logarithm has to carry more digits than it is given.
pub fn powers() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, base, exponent) in [
        ("small bases", (0.0, 3.0), (-60.0, 60.0)),
        ("near one", (0.99, 1.01), (-6000.0, 6000.0)),
        ("large bases", (1.0, 1e30), (-1.2, 1.2)),
    ] {
        let n = 4000;
        let mut c = Case::map(format!("pow {name}"), &[n]).within(6.0, 0.0);
        let a = c.input(&[n], numbers(DType::F32, n, base.0, base.1, 1));
        let b = c.input(&[n], numbers(DType::F32, n, exponent.0, exponent.1, 2));
        let (x, y) = (c.load(a), c.load(b));
        let z = c.push(Inst::Binary(BinaryOp::Pow, x, y), DType::F32);
        c.store(z, StoreShape::Full);
        all.push(c);
    }
    all
}

/// All casts, and the selection between two values.
pub fn casts() -> Vec<Case> {
    let mut all = Vec::new();
    for from in DType::ALL.iter().copied() {
        for to in DType::ALL.iter().copied() {
            for mode in [CastMode::Wrap, CastMode::RoundSaturate] {
                let edges: Vec<f64> = [
                    0.4,
                    0.5,
                    0.6,
                    1.5,
                    -1.5,
                    -0.6,
                    254.5,
                    255.5,
                    256.0,
                    -1.0,
                    65519.0,
                    65520.0,
                    2147483520.0,
                    2147483648.0,
                    4294967040.0,
                    4294967296.0,
                    -2147483648.0,
                    9.3e18,
                    -9.3e18,
                    16777217.0,
                ]
                .to_vec();
                let mut values = specials(from);
                values.extend(edges.iter().map(|&v| Scalar::from_f64(from, v)));
                let data = super::case::buffer(from, &values);
                let n = data.len();
                let mut c = Case::map(format!("{mode:?} {from} to {to}"), &[n]);
                // An f16 made from a wide integer or an f64 passes through f32.
                if to == DType::F16 {
                    c = c.within(1.0, 0.0);
                }
                let id = c.input(&[n], data);
                let x = c.load(id);
                let y = c.push(Inst::Cast(mode, x), to);
                c.store(y, StoreShape::Full);
                all.push(c);
            }
        }
    }
    for dtype in DType::ALL.iter().copied() {
        let n = 300;
        let mut c = Case::map(format!("select {dtype}"), &[n]);
        let t = c.input(&[n], numbers(DType::Bool, n, 0.0, 1.0, 5));
        let a = c.input(&[n], numbers(dtype, n, 0.0, 50.0, 6));
        let b = c.input(&[n], numbers(dtype, n, 50.0, 99.0, 7));
        let (t, a, b) = (c.load(t), c.load(a), c.load(b));
        let r = c.push(Inst::Select(t, a, b), dtype);
        c.store(r, StoreShape::Full);
        all.push(c);
    }
    all
}
