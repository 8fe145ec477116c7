//! Cases for matrix products: shapes, batches, transposes, prologues that do not keep zero, epilogues, symmetric ones.

use lazurite::inspect::graph::{BinaryOp, UnaryOp, View};
use lazurite::inspect::program::{Inst, Program, Reg, StoreShape};
use lazurite::inspect::{Core, ValueId};
use lazurite::{DType, Scalar, Shape};

use super::case::{Case, load, load_view};
use super::elementwise::numbers;

/// An operand: its stored shape and whether it is read transposed.
struct Operand<'a> {
    shape: &'a [usize],
    turned: bool,
}

fn program(c: &Case, id: ValueId, operand: &Operand<'_>, domain: &Shape) -> Program {
    let mut p = Program::default();
    let mut view = View::dense(&Shape::new(operand.shape));
    if operand.turned {
        let r = operand.shape.len();
        let mut axes: Vec<usize> = (0..r).collect();
        axes.swap(r - 2, r - 1);
        view = view.permute(&axes).unwrap();
    }
    load_view(&mut p, &c.values, id, view.broadcast_to(domain).unwrap());
    p
}

fn product(name: &str, dtype: DType, domain: &[usize], k: usize, a: Operand<'_>, b: Operand<'_>) -> Case {
    let core = |left, right| Core::Contract { left, right, k, symmetric: false, dtype };
    let mut c = Case::new(format!("{name} {dtype}"), domain, core(Program::default(), Program::default()));
    let rel = match dtype {
        DType::F16 => 1e-3,
        DType::F32 => 1e-6,
        DType::F64 => 1e-15,
        _ => 0.0,
    };
    c = c.within(0.0, rel).any_zero();
    let n = |s: &[usize]| Shape::new(s).len();
    let ida = c.input(a.shape, numbers(dtype, n(a.shape), -2.0, 2.0, 1));
    let idb = c.input(b.shape, numbers(dtype, n(b.shape), -2.0, 2.0, 2));
    let d = Shape::new(domain);
    let r = d.rank();
    let left = program(&c, ida, &a, &d.with_axis(r - 1, k));
    let right = program(&c, idb, &b, &d.with_axis(r - 2, k));
    c.group.core = core(left, right);
    let acc = c.push(Inst::Acc, dtype);
    c.store(acc, StoreShape::Full);
    c
}

fn plain<'a>(shape: &'a [usize]) -> Operand<'a> {
    Operand { shape, turned: false }
}

fn turned<'a>(shape: &'a [usize]) -> Operand<'a> {
    Operand { shape, turned: true }
}

/// All of them.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    for dtype in [DType::F32, DType::F64, DType::I32, DType::U32, DType::I64, DType::F16] {
        all.push(product("70x90x33", dtype, &[70, 90], 33, plain(&[70, 33]), plain(&[33, 90])));
        all.push(product("5x7x19", dtype, &[5, 7], 19, plain(&[5, 19]), plain(&[19, 7])));
    }
    let f = DType::F32;
    all.push(product("turned", f, &[65, 66], 40, turned(&[40, 65]), turned(&[66, 40])));
    all.push(product("vector", f, &[129, 1], 70, plain(&[129, 70]), plain(&[70, 1])));
    all.push(product("row by matrix", f, &[1, 300], 500, plain(&[1, 500]), plain(&[500, 300])));
    all.push(product("thin batch", f, &[5, 3, 20], 40, plain(&[5, 3, 40]), turned(&[20, 40])));
    all.push(product("inner", f, &[1, 1], 9000, plain(&[1, 9000]), plain(&[9000, 1])));
    all.push(product("outer", f, &[67, 80], 1, plain(&[67, 1]), plain(&[1, 80])));
    all.push(product("batch", f, &[3, 2, 20, 40], 24, plain(&[3, 2, 20, 24]), plain(&[3, 2, 24, 40])));
    all.push(product("batch broadcast", f, &[4, 3, 40, 36], 16, plain(&[3, 40, 16]), turned(&[4, 1, 36, 16])));
    all.push(product("long", f, &[33, 40], 2101, turned(&[2101, 33]), plain(&[2101, 40])));
    all.push(product("large", f, &[300, 200], 130, plain(&[300, 130]), plain(&[130, 200])));
    all.push(product("batch wide", f, &[2, 128, 120], 40, plain(&[2, 128, 40]), turned(&[2, 120, 40])));
    all.push(product("aligned", f, &[256, 256], 64, plain(&[256, 64]), plain(&[64, 256])));
    all.push(product("aligned turned", f, &[256, 128], 64, turned(&[64, 256]), plain(&[64, 128])));
    // Extents that are no multiples of four, and vectors on one side only.
    all.push(product("wide odd", f, &[127, 255], 70, plain(&[127, 70]), plain(&[70, 255])));
    all.push(product("wide mixed", f, &[128, 251], 66, turned(&[66, 128]), turned(&[251, 66])));
    all.push(empty());
    all.push(prologue());
    // The longer axis passes a run of summation and is cut into parts on a fast device.
    for (k, sizes) in [(30, &[40, 100, 130, 256][..]), (1100, &[40, 70])] {
        all.push(epilogue(k));
        all.extend(sizes.iter().map(|&n| symmetric(n, k)));
    }
    all
}

/// A product over nothing, with something added.
fn empty() -> Case {
    let core = Core::Contract {
        left: Program::default(),
        right: Program::default(),
        k: 0,
        symmetric: false,
        dtype: DType::F32,
    };
    let mut c = Case::new("k = 0", &[6, 8], core);
    let bias = c.input(&[8], numbers(DType::F32, 8, -1.0, 1.0, 1));
    let d = Shape::new(&[6, 8]);
    let zero = |p: &mut Program| p.push(Inst::Literal(Scalar::from_f64(DType::F32, 0.0)), DType::F32);
    let (mut left, mut right) = (Program::default(), Program::default());
    zero(&mut left);
    zero(&mut right);
    c.group.core = Core::Contract { left, right, k: 0, symmetric: false, dtype: DType::F32 };
    let acc = c.push(Inst::Acc, DType::F32);
    let b = load(&mut c.group.body, &c.values, bias, &d);
    let y = c.push(Inst::Binary(BinaryOp::Add, acc, b), DType::F32);
    c.store(y, StoreShape::Full);
    c
}

/// exp(A − mean) · log(B): neither function keeps zero, so the edges of tiles would show.
fn prologue() -> Case {
    let (m, n, k) = (50, 70, 37);
    let mut c = product("prologue", DType::F32, &[m, n], k, plain(&[m, k]), plain(&[k, n]));
    c.inputs[1] = numbers(DType::F32, k * n, 0.5, 4.0, 2);
    let mean = ValueId(c.values.len() as u32);
    // The store made by `product` goes behind the further operand.
    let store = c.values.pop().unwrap();
    c.input(&[k], numbers(DType::F32, k, -1.0, 1.0, 9));
    let mean = ValueId(mean.0 - 1);
    c.values.push(store);
    c.group.stores[0].value = ValueId(c.values.len() as u32 - 1);
    let values = c.values.clone();
    let Core::Contract { left, right, .. } = &mut c.group.core else { unreachable!("it was made so") };
    let mu = load(left, &values, mean, &Shape::new(&[m, k]));
    let d = left.push(Inst::Binary(BinaryOp::Sub, Reg(0), mu), DType::F32);
    left.push(Inst::Unary(UnaryOp::Exp, d), DType::F32);
    right.push(Inst::Unary(UnaryOp::Log, Reg(0)), DType::F32);
    c.rel = 2e-6;
    c
}

/// Scales of rows and columns, bias, a clamp from below, a power, the matrix and its diagonal and another result stored.
fn epilogue(k: usize) -> Case {
    let (m, n) = (90, 70);
    let mut c = product("epilogue", DType::F32, &[m, n], k, plain(&[m, k]), plain(&[k, n]));
    c.name = format!("epilogue k = {k}");
    c.group.stores.clear();
    c.values.truncate(2);
    let row = c.input(&[n], numbers(DType::F32, n, 0.5, 1.5, 3));
    let col = c.input(&[m, 1], numbers(DType::F32, m, 0.5, 1.5, 4));
    let other = c.input(&[m, n], numbers(DType::F32, m * n, -1.0, 1.0, 5));
    let bias = c.scalar(Scalar::from_f64(DType::F32, 0.75));
    let zero = c.push(Inst::Literal(Scalar::from_f64(DType::F32, 0.0)), DType::F32);
    let (row, col, other) = (c.load(row), c.load(col), c.load(other));
    let acc = Reg(0);
    let x = c.push(Inst::Binary(BinaryOp::Mul, acc, row), DType::F32);
    let x = c.push(Inst::Binary(BinaryOp::Mul, x, col), DType::F32);
    let x = c.push(Inst::Binary(BinaryOp::Add, x, bias), DType::F32);
    let x = c.push(Inst::Binary(BinaryOp::Maximum, x, zero), DType::F32);
    let y = c.push(Inst::Binary(BinaryOp::Sub, x, other), DType::F32);
    let square = c.push(Inst::Unary(UnaryOp::Square, y), DType::F32);
    let positive = c.push(Inst::Binary(BinaryOp::Gt, acc, zero), DType::Bool);
    c.store(y, StoreShape::Full);
    c.store(square, StoreShape::Diagonal);
    c.store(positive, StoreShape::Full);
    c.rel = 3e-6;
    c
}

/// X'X with an epilogue that is not symmetric, so that both halves have to run it.
fn symmetric(n: usize, k: usize) -> Case {
    let mut c = product("symmetric", DType::F32, &[n, n], k, turned(&[k, n]), plain(&[k, n]));
    c.name = format!("symmetric {n} k = {k}");
    c.inputs.truncate(1);
    c.values.truncate(1);
    c.group.stores.clear();
    let row = c.input(&[n], numbers(DType::F32, n, 0.5, 1.5, 3));
    let values = c.values.clone();
    let Core::Contract { right, symmetric, .. } = &mut c.group.core else { unreachable!("it was made so") };
    right.loads[0].value = ValueId(0);
    *symmetric = true;
    let d = Shape::new(&[n, n]);
    let r = load(&mut c.group.body, &values, row, &d);
    let y = c.push(Inst::Binary(BinaryOp::Mul, Reg(0), r), DType::F32);
    c.store(y, StoreShape::Full);
    c.store(Reg(0), StoreShape::Diagonal);
    c
}
