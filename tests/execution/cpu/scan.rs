//! Running folds along any axis, with work before and after.

use lazurite::inspect::Core;
use lazurite::inspect::graph::{BinaryOp, ScanOp};
use lazurite::inspect::program::{Inst, StoreShape};
use lazurite::{DType, Shape};

use super::r#gen::Maker;

#[test]
fn every_scan_along_every_axis() {
    let shapes: [&[usize]; 6] = [&[1], &[1500], &[30, 4], &[3, 700], &[700, 3], &[3, 40, 300]];
    for (seed, shape) in shapes.iter().enumerate() {
        let shape = Shape::new(shape);
        for axis in 0..shape.rank() {
            for dtype in DType::ALL.iter().copied().filter(|&d| d != DType::Bool) {
                for op in ScanOp::ALL.iter().copied() {
                    if shape.len() > 5000 && !(op == ScanOp::Sum && dtype == DType::F32) {
                        continue;
                    }
                    let mut m = Maker::new(seed as u64, shape.clone());
                    m.special = matches!(op, ScanOp::Max | ScanOp::Min) || !dtype.is_float();
                    let (x, y) = (m.load(dtype, true), m.load(dtype, false));
                    let z = m.program.push(Inst::Binary(BinaryOp::Maximum, x, y), dtype);
                    let s = m.program.push(Inst::Scan(z), dtype);
                    let out = m.program.push(Inst::Binary(BinaryOp::Minimum, s, y), dtype);
                    let stores = [(s, StoreShape::Full), (out, StoreShape::Full)];
                    let case = m.finish(Core::Scan { op, axis }, &stores);
                    case.check(&format!("{op:?} {dtype} {shape} axis {axis}"), Some(1e-15));
                }
            }
        }
    }
}
