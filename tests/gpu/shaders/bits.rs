//! Random programs of operations that every device computes alike: their results are held against the reference bit by bit, in one
//! kernel each, on every form that arithmetic takes.
//!
//! Elements on whose way a subnormal number was met are left out, because devices may flush those.

use lazurite::inspect::graph::{ArgOp, BinaryOp, CastMode, ReduceOp, UnaryOp};
use lazurite::inspect::program::{Inst, Reg, StoreShape};
use lazurite::unstable::device::{Gpu, GpuOptions};
use lazurite::unstable::types::{Conformance, Limits, Workaround};
use lazurite::{DType, DTypeKind, HostBuffer, Numerics, Scalar};

use super::case::Case;
use super::elementwise::Noise;
use super::machine;

/// Elements of each operand: every pair of special values, and as many random ones.
const COUNT: usize = 1024;
const FLOATS: [DType; 3] = [DType::F32, DType::F64, DType::F16];

const EXACT_UNARY: [UnaryOp; 10] = [
    UnaryOp::Neg,
    UnaryOp::Abs,
    UnaryOp::Sign,
    UnaryOp::Square,
    UnaryOp::Powi(3),
    UnaryOp::Floor,
    UnaryOp::Ceil,
    UnaryOp::Round,
    UnaryOp::RoundAway,
    UnaryOp::Trunc,
];
const DIVIDING_UNARY: [UnaryOp; 3] = [UnaryOp::Sqrt, UnaryOp::Recip, UnaryOp::Powi(-2)];
const EXACT_BINARY: [BinaryOp; 7] =
    [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Maximum, BinaryOp::Minimum, BinaryOp::Fmax, BinaryOp::Fmin];
const COMPARISONS: [BinaryOp; 6] = [BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge];

fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65504.0,
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    }
}

fn specials(dtype: DType) -> Vec<f64> {
    let top = largest(dtype);
    let plain = [0.0, 1.0, 3.0, 0.1, 0.75, 1.2345, 100.0, 0.5, top, top / 2.0, 1.0 / top.sqrt(), f64::INFINITY];
    let mut all: Vec<f64> = plain.iter().flat_map(|&v| [v, -v]).collect();
    all.push(f64::NAN);
    all
}

fn operand(dtype: DType, noise: &mut Noise, pairs: usize) -> HostBuffer {
    let specials = specials(dtype);
    let mut out = HostBuffer::zeros(dtype, COUNT).unwrap();
    for i in 0..COUNT {
        let v = match i % 4 {
            0..=1 => specials[(i / 2 * pairs + i / 2 / specials.len()) % specials.len()],
            2 => noise.between(-2.0, 2.0),
            _ => noise.between(-1.0, 1.0) * 10f64.powi((noise.bits() % 8) as i32 - 3),
        };
        out.set(i, Scalar::from_f64(dtype, v));
    }
    out
}

/// A program in the making.
struct Maker {
    case: Case,
    noise: Noise,
    dtype: DType,
    /// Registers of the float dtype, and truth values.
    numbers: Vec<Reg>,
    truths: Vec<Reg>,
}

impl Maker {
    fn new(name: String, mut case: Case, dtype: DType, seed: u64) -> Self {
        let mut noise = Noise::new(seed);
        case.name = name;
        let shape = case.group.domain.dims().to_vec();
        let operands: Vec<_> = (0..3).map(|i| case.input(&shape, operand(dtype, &mut noise, [1, 25, 7][i]))).collect();
        let mut numbers: Vec<Reg> = operands.into_iter().map(|id| case.load(id)).collect();
        for literal in [0.0, 1.0, -1.0, 0.5, 2.0, 3.0] {
            numbers.push(case.push(Inst::Literal(Scalar::from_f64(dtype, literal)), dtype));
        }
        numbers.push(case.scalar(Scalar::from_f64(dtype, 1.2345)));
        Self { case, noise, dtype, numbers, truths: Vec::new() }
    }

    fn below(&mut self, n: usize) -> usize {
        self.noise.bits() as usize % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A register, more often one of the last three.
    fn number(&mut self) -> Reg {
        let n = self.numbers.len();
        let at = if self.below(2) == 0 { n - 1 - self.below(3) } else { self.below(n) };
        self.numbers[at]
    }

    fn add(&mut self, inst: Inst) {
        let reg = self.case.push(inst, self.dtype);
        self.numbers.push(reg);
    }

    /// Adds an operation that no device may round otherwise.
    fn exact(&mut self) {
        let (a, b) = (self.number(), self.number());
        match self.below(8) {
            0 => {
                let op = self.of(&EXACT_UNARY);
                self.add(Inst::Unary(op, a));
            }
            1 => {
                let op = self.of(&COMPARISONS);
                let test = self.case.push(Inst::Binary(op, a, b), DType::Bool);
                self.truths.push(test);
                self.add(Inst::Select(test, a, b));
            }
            2 if !self.truths.is_empty() => {
                let truths = self.truths.clone();
                let test = self.of(&truths);
                self.add(Inst::Select(test, a, b));
            }
            3 => self.round_trip(a),
            _ => {
                let op = self.of(&EXACT_BINARY);
                self.add(Inst::Binary(op, a, b));
            }
        }
    }

    /// Adds a conversion to another dtype and back.
    fn round_trip(&mut self, a: Reg) {
        let others = [DType::F32, DType::F64, DType::F16, DType::I32, DType::U32, DType::U8, DType::I64, DType::Bool];
        let to = self.of(&others);
        let mode = self.of(&[CastMode::Wrap, CastMode::RoundSaturate]);
        // Out of range, `Wrap` is a matter of the definition; it is tested by itself.
        let mode = if to.kind() == DTypeKind::Int { mode } else { CastMode::Wrap };
        let there = if to == self.dtype { a } else { self.case.push(Inst::Cast(mode, a), to) };
        if to == self.dtype {
            self.add(Inst::Unary(UnaryOp::Neg, a));
        } else {
            self.add(Inst::Cast(CastMode::Wrap, there));
        }
    }

    /// Adds a quotient or a root.
    fn dividing(&mut self) {
        let (a, b) = (self.number(), self.number());
        if self.below(3) == 0 {
            let op = self.of(&DIVIDING_UNARY);
            self.add(Inst::Unary(op, a));
        } else {
            self.add(Inst::Binary(BinaryOp::Div, a, b));
        }
    }
}

/// A program of `length` steps whose last registers are stored. In `Standard` a quotient comes last, since it may be rounded otherwise.
fn chain(dtype: DType, seed: u64, length: usize, numerics: Numerics) -> Case {
    let mut maker = Maker::new(format!("chain {seed} of {dtype}"), Case::map("", &[COUNT]), dtype, seed);
    for step in 0..length {
        let last = step + 1 == length;
        if (last || numerics == Numerics::Strict) && maker.below(3) == 0 {
            maker.dividing();
        } else {
            maker.exact();
        }
    }
    let stored = maker.numbers[maker.numbers.len() - 3..].to_vec();
    stored.into_iter().for_each(|reg| maker.case.store(reg, StoreShape::Full));
    maker.case
}

/// Reductions that do not round, over the results of a short program.
fn folds(dtype: DType, seed: u64) -> Case {
    let rows = Case::rows("", &[16, COUNT / 16], &[1], 1);
    let mut maker = Maker::new(format!("folds {seed} of {dtype}"), rows, dtype, seed);
    (0..2).for_each(|_| maker.exact());
    let x = maker.numbers[maker.numbers.len() - 1];
    let value = maker.of(&[ReduceOp::Max, ReduceOp::Min, ReduceOp::Fmax, ReduceOp::Fmin]);
    let position = maker.of(&[ArgOp::Max, ArgOp::Min, ArgOp::Fmax, ArgOp::Fmin]);
    let zero = maker.numbers[3];
    let case = &mut maker.case;
    let folded = case.push(Inst::Reduce(value, x), dtype);
    let at = case.push(Inst::ArgReduce(position, x), DType::I32);
    let above = case.push(Inst::Binary(BinaryOp::Gt, x, zero), DType::Bool);
    let all = case.push(Inst::Reduce(ReduceOp::All, above), DType::Bool);
    for reg in [folded, at, all] {
        case.store(reg, StoreShape::Row);
    }
    maker.case
}

fn is_subnormal(s: Scalar) -> bool {
    let smallest = match s.dtype() {
        DType::F16 => 2f64.powi(-14),
        DType::F32 => 2f64.powi(-126),
        DType::F64 => f64::MIN_POSITIVE,
        _ => return false,
    };
    s.to_f64() != 0.0 && s.to_f64().abs() <= smallest
}

/// For every register, which elements depend on a subnormal number.
fn flushed(case: &Case, regs: &[Vec<Scalar>]) -> Vec<Vec<bool>> {
    let mut all: Vec<Vec<bool>> = Vec::new();
    let row = COUNT / 16;
    for (inst, values) in case.group.body.insts.iter().zip(regs) {
        let operands = lazurite::inspect::program::Program::operands(inst);
        let folds = matches!(inst, Inst::Reduce(..) | Inst::ArgReduce(..));
        let met = |j: usize| {
            let from = |o: &Reg| {
                let before: &Vec<bool> = &all[o.index()];
                if folds { before[j / row * row..][..row].contains(&true) } else { before[j] }
            };
            is_subnormal(values[j]) || operands.iter().any(from)
        };
        let met = (0..values.len()).map(met).collect();
        all.push(met);
    }
    all
}

/// What two results have in common in `Standard` where a quotient or a root was the last step.
fn class(s: Scalar) -> u8 {
    let v = s.to_f64();
    let sign = u8::from(v.is_sign_negative());
    match () {
        () if v.is_nan() => 6,
        () if v.is_infinite() => 4 + sign,
        () if v == 0.0 => 2 + sign,
        () => sign,
    }
}

/// Elements that were compared and left out.
#[derive(Default)]
struct Count {
    compared: usize,
    left_out: usize,
}

fn compare(gpu: &Gpu, case: &Case, limits: &Limits, numerics: Numerics, count: &mut Count) -> Result<(), String> {
    let got = match machine::run_in(gpu, case, limits, numerics) {
        Ok(got) => got,
        Err(e) if e.is_unsupported() => return Ok(()),
        Err(e) => return Err(format!("{}: {e:?}", case.name)),
    };
    let regs = case.evaluate(&case.group.body, &case.group.domain, None);
    let flushed = flushed(case, &regs);
    for (store, got) in case.group.stores.iter().zip(&got) {
        let reg = store.reg.index();
        let stride = COUNT / got.len();
        let inexact = numerics != Numerics::Strict && dividing(&case.group.body.insts[reg]);
        for i in 0..got.len() {
            if flushed[reg][i * stride] {
                count.left_out += 1;
                continue;
            }
            count.compared += 1;
            let (x, y) = (got.get(i), regs[reg][i * stride]);
            let nan = |s: Scalar| s.dtype().is_float() && s.to_f64().is_nan();
            if x.bits() != y.bits() && !(nan(x) && nan(y)) && !(inexact && class(x) == class(y)) {
                let program = &case.group.body.insts;
                let values: Vec<_> = regs.iter().map(|r| r[i * stride]).collect();
                return Err(format!("{}: r{reg}[{i}] is {x:?}, expected {y:?}; of {program:?}\n{values:?}", case.name));
            }
        }
    }
    Ok(())
}

fn dividing(inst: &Inst) -> bool {
    match inst {
        Inst::Unary(op, _) => DIVIDING_UNARY.contains(op),
        Inst::Binary(op, ..) => *op == BinaryOp::Div,
        _ => false,
    }
}

fn check(gpu: &Gpu, limits: &Limits, numerics: Numerics, form: &str) {
    let mut failures = Vec::new();
    let mut count = Count::default();
    for dtype in FLOATS {
        for seed in 1..=10 {
            let length = if seed <= 5 { 1 + seed as usize } else { 8 };
            let case = chain(dtype, seed, length, numerics);
            failures.extend(compare(gpu, &case, limits, numerics, &mut count).err());
        }
        for seed in 1..=3 {
            failures.extend(compare(gpu, &folds(dtype, seed), limits, numerics, &mut count).err());
        }
    }
    assert!(failures.is_empty(), "{form} in {numerics}: {} failed:\n{}", failures.len(), failures.join("\n\n"));
    let Count { compared, left_out } = count;
    assert!(compared > 20_000 && left_out < compared / 4, "{form}: {compared} compared, {left_out} left out");
}

/// What software drivers need where they are held to IEEE's rules by SPIR-V alone.
fn without_barriers(limits: &Limits) -> Limits {
    let on = [Workaround::HiddenZeros, Workaround::ExactQuotients, Workaround::ExactRoots, Workaround::HiddenExtrema];
    let conformance = Conformance::new(on.into_iter().chain([Workaround::RoundingFromFloor]), Vec::new());
    Limits { conformance, ..limits.clone() }
}

/// With every work-around, and where the driver takes SPIR-V of our own also with that instead of barriers.
fn check_forms(numerics: Numerics) {
    let Some(gpu) = machine::gpu() else { return };
    let limits = gpu.limits();
    let careful = Limits { conformance: Conformance::careful(), ..limits.clone() };
    check(gpu, &careful, numerics, "every work-around");
    if gpu.summary().features.contains(&"own SPIR-V") {
        check(gpu, &without_barriers(limits), numerics, "own SPIR-V");
    }
}

#[test]
fn strict_gives_the_bits_of_the_cpu() {
    check_forms(Numerics::Strict);
}

#[test]
fn standard_keeps_nan_infinities_and_zeros() {
    check_forms(Numerics::Standard);
}

#[test]
fn strict_gives_the_bits_of_the_cpu_without_spirv_of_our_own() {
    let options = GpuOptions { own_spirv: Some(false), ..GpuOptions::from_env() };
    let Ok(gpu) = pollster::block_on(Gpu::with_options(options)) else { return };
    let limits = Limits { conformance: Conformance::careful(), ..gpu.limits().clone() };
    check(&gpu, &limits, Numerics::Strict, "text alone");
    check(&gpu, &limits, Numerics::Standard, "text alone");
}
