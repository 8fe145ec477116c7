//! Groups compiled once and run with several data: products with programs for operands, batches, diagonals, windows, several panels
//! of k and products over nothing, held against the reference.

use super::Compiled;
use super::operand::PANEL;
use crate::cpu::reference::{fold, moves};
use crate::graph::{BinaryOp, NodeId, UnaryOp};
use crate::schedule::{
    Core, Group, Inst, Load, Place, Program, Reg, Store, StoreShape, Value, ValueId, ValueKind, Window,
};
use crate::types::{DType, HostBuffer, Scalar, Shape, View};

/// Small whole numbers, whose sums of products are exact in every dtype that holds them.
fn numbers(dtype: DType, len: usize, seed: usize) -> HostBuffer {
    let mut b = HostBuffer::zeros(dtype, len).unwrap();
    for i in 0..len {
        b.set(i, Scalar::from_i64(dtype, ((i * 7 + i / 5 + seed * 3) % 11) as i64 - 5));
    }
    b
}

fn value(shape: &Shape, dtype: DType) -> Value {
    Value { node: NodeId(0), kind: ValueKind::Scratch, shape: shape.clone(), dtype }
}

/// A load of a value through a view, negated if it is to be more than a load.
fn operand(value: u32, view: View, dtype: DType, negated: bool) -> Program {
    let mut p = Program::default();
    p.loads.push(Load { value: ValueId(value), dtype, view });
    let x = p.push(Inst::Load(0), dtype);
    if negated {
        p.push(Inst::Unary(UnaryOp::Neg, x), dtype);
    }
    p
}

/// A product of values 0 and 1 over [batch…, m, k] and [batch…, k, n].
struct Product {
    dtype: DType,
    over: Shape,
    k: usize,
}

impl Product {
    fn new(dtype: DType, over: &[usize], k: usize) -> Self {
        Self { dtype, over: Shape::new(over), k }
    }

    fn operands(&self) -> [Shape; 2] {
        let last = self.over.rank() - 1;
        [self.over.with_axis(last, self.k), self.over.with_axis(last - 1, self.k)]
    }

    /// The group of the product of two programs, with these stores of the accumulator and, for `true`, of twice the accumulator.
    fn group(&self, left: Program, right: Program, stores: &[(bool, StoreShape)]) -> (Group, Vec<Value>) {
        let mut values = self.operands().map(|s| value(&s, self.dtype)).to_vec();
        let mut body = Program::default();
        let acc = body.push(Inst::Acc, self.dtype);
        let twice = body.push(Inst::Binary(BinaryOp::Add, acc, acc), self.dtype);
        let store = |&(doubled, shape): &(bool, StoreShape)| {
            let whole = View::dense(&self.over);
            let view = if shape == StoreShape::Diagonal { whole.diagonal().unwrap() } else { whole };
            values.push(value(view.shape(), self.dtype));
            let reg: Reg = if doubled { twice } else { acc };
            Store { value: ValueId(values.len() as u32 - 1), reg, shape }
        };
        let stores = stores.iter().map(store).collect();
        let core = Core::Contract { left, right, k: self.k, symmetric: false, dtype: self.dtype };
        let (domain, reason, nodes) = (self.over.clone(), String::new(), Vec::new());
        (Group { id: 0, place: Place::Cpu, reason, domain, core, body, stores, nodes }, values)
    }

    /// Holds what a compiled group stores against the reference's product of `left` and `right`.
    fn hold(&self, compiled: &Compiled, group: &Group, data: &[HostBuffer], [left, right]: [&HostBuffer; 2]) {
        let [a, b] = self.operands();
        let acc = fold::contract((left, &a), (right, &b), &self.over).unwrap();
        let found = compiled.run(&|v| Ok(&data[v.index()]), &[]).unwrap();
        for (store, found) in group.stores.iter().zip(&found) {
            let whole = View::dense(&self.over);
            let expected = match store.shape {
                StoreShape::Diagonal => moves::view(&acc, &whole.diagonal().unwrap()).unwrap(),
                _ => acc.clone(),
            };
            assert_eq!(found.len(), expected.len());
            for i in 0..found.len() {
                let x = expected.get(i);
                let x = if store.reg == Reg(0) { x } else { crate::cpu::reference::binary(BinaryOp::Add, x, x) };
                assert_eq!(found.get(i), x, "element {i} of {:?} over {} by {}", store.shape, self.over, self.k);
            }
        }
    }

    /// Compiles the product of the values, both negated or neither, and runs it with two sets of data.
    fn check(&self, negated: bool, stores: &[(bool, StoreShape)]) {
        let [a, b] = self.operands();
        let left = operand(0, View::dense(&a), self.dtype, negated);
        let right = operand(1, View::dense(&b), self.dtype, negated);
        let (group, values) = self.group(left, right, stores);
        let compiled = Compiled::new(&group, &values).unwrap();
        assert!(compiled.bytes() > 0);
        for seed in [1, 2] {
            let data = [numbers(self.dtype, a.len(), seed), numbers(self.dtype, b.len(), seed + 1)];
            self.hold(&compiled, &group, &data, [&data[0], &data[1]]);
        }
    }
}

const FULL: (bool, StoreShape) = (false, StoreShape::Full);
const TWICE: (bool, StoreShape) = (true, StoreShape::Full);
const DIAGONAL: (bool, StoreShape) = (true, StoreShape::Diagonal);

#[test]
fn products_batches_and_diagonals_run_again_with_other_data() {
    let extents: [(&[usize], usize); 7] = [
        (&[3, 4], 5),
        (&[2, 3, 3], 2),
        (&[2, 2, 1, 4], 6),
        (&[3, 5, 4], 7),
        (&[20, 18], 30),
        (&[5, 6], 0),
        (&[2, 4, 3], 0),
    ];
    for (over, k) in extents {
        for dtype in [DType::F32, DType::F64, DType::F16, DType::I32] {
            for negated in [false, true] {
                for stores in [&[FULL][..], &[TWICE, FULL], &[TWICE, DIAGONAL], &[DIAGONAL]] {
                    Product::new(dtype, over, k).check(negated, stores);
                }
            }
        }
    }
}

#[test]
fn k_is_divided_into_panels() {
    let extents: [(&[usize], usize); 4] =
        [(&[3, 2], 2 * PANEL + 3), (&[2, 2, 3], 2 * PANEL), (&[17, 16], PANEL + 1), (&[2, 3], PANEL)];
    for (over, k) in extents {
        for negated in [false, true] {
            Product::new(DType::F32, over, k).check(negated, &[TWICE]);
        }
    }
}

#[test]
fn a_symmetric_product_is_computed_by_blocks() {
    for (n, k) in [(4, 3), (300, 3)] {
        let product = Product::new(DType::F64, &[n, n], k);
        let [a, b] = product.operands();
        let turned = View::from_parts(b, &[1, k as i64], 0).unwrap();
        for negated in [false, true] {
            let left = operand(0, View::dense(&a), DType::F64, negated);
            let right = operand(0, turned.clone(), DType::F64, negated);
            let (mut group, values) = product.group(left, right, &[FULL]);
            if let Core::Contract { symmetric, .. } = &mut group.core {
                *symmetric = true;
            }
            let compiled = Compiled::new(&group, &values).unwrap();
            let data = numbers(DType::F64, a.len(), 4);
            let transposed = moves::view(&data, &turned).unwrap();
            product.hold(&compiled, &group, std::slice::from_ref(&data), [&data, &transposed]);
        }
    }
}

/// A window is evaluated for all of k at once, and a diagonal behind one is cut out of the whole product.
#[test]
fn operands_with_windows() {
    let (m, k) = (3, 2 * PANEL + 1);
    let product = Product::new(DType::F32, &[m, 4], k);
    let [a, b] = product.operands();
    let inside = Shape::new(&[m - 1, k - 2]);
    let mut left = Program::default();
    left.loads.push(Load { value: ValueId(0), dtype: DType::F32, view: View::dense(&inside) });
    let zero = left.push(Inst::Literal(Scalar::from_i64(DType::F32, 0)), DType::F32);
    let extents = inside.iter().map(|&n| n as i64).collect();
    let window = Window { start: [1, 1].into_iter().collect(), step: [1, 1].into_iter().collect(), len: extents };
    left.push(Inst::Window { load: 0, window, otherwise: zero }, DType::F32);
    let right = operand(1, View::dense(&b), DType::F32, false);
    let (group, mut values) = product.group(left, right, &[DIAGONAL]);
    values[0].shape = inside.clone();
    let compiled = Compiled::new(&group, &values).unwrap();
    for seed in [1, 2] {
        let data = [numbers(DType::F32, inside.len(), seed), numbers(DType::F32, b.len(), 7)];
        let none = HostBuffer::from_scalar(Scalar::from_i64(DType::F32, 0)).unwrap();
        let padded = moves::pad((&data[0], &inside), &none, &[1, 1], &a).unwrap();
        product.hold(&compiled, &group, &data, [&padded, &data[1]]);
    }
}

#[test]
fn data_of_another_size_are_refused() {
    let product = Product::new(DType::F32, &[3, 4], 5);
    let [a, b] = product.operands();
    let (left, right) = (operand(0, View::dense(&a), DType::F32, false), operand(1, View::dense(&b), DType::F32, true));
    let (group, values) = product.group(left, right, &[FULL]);
    let compiled = Compiled::new(&group, &values).unwrap();
    for (short, wide) in [(1, DType::F32), (0, DType::F64)] {
        let data = [numbers(DType::F32, a.len(), 1), numbers(wide, b.len() - short, 1)];
        let error = compiled.run(&|v| Ok(&data[v.index()]), &[]).unwrap_err();
        assert!(error.to_string().contains("v1: expected 20 elements of"), "{error}");
    }
}
