//! Work that is large enough for several threads: each core's tasks write into one result at the same time.

use lazurite::inspect::graph::{ReduceOp, ScanOp, View};
use lazurite::inspect::program::{Inst, StoreShape};
use lazurite::inspect::{Core, Dims};
use lazurite::{DType, HostBuffer, Shape};

use crate::cpu::r#gen::{Case, Maker};

/// Whole numbers, so that no order of a sum shows.
fn whole(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 11) as f32 - 5.0).collect()
}

fn case(
    shape: &Shape,
    core: Core,
    fold: impl Fn(lazurite::inspect::program::Reg) -> Inst,
    of_fold: StoreShape,
) -> Case {
    let mut m = Maker::new(1, shape.clone());
    let x = m.load_data(View::dense(shape), HostBuffer::from_slice(&whole(shape.len())).unwrap());
    let y = m.program.push(Inst::Unary(lazurite::inspect::graph::UnaryOp::Neg, x), DType::F32);
    let r = m.program.push(fold(y), DType::F32);
    m.finish(core, &[(y, StoreShape::Full), (r, of_fold)])
}

fn negated(buffer: &HostBuffer, values: &[f32]) -> bool {
    buffer.as_slice::<f32>().unwrap().iter().zip(values).all(|(y, x)| *y == -x)
}

#[test]
fn maps() {
    let shape = Shape::new(&[if cfg!(miri) { 137 } else { 32_768 + 700 }]);
    let abs = |r| Inst::Unary(lazurite::inspect::graph::UnaryOp::Abs, r);
    let found = case(&shape, Core::Map, abs, StoreShape::Full).run();
    let values = whole(shape.len());
    assert!(negated(&found[0], &values));
    assert!(found[1].as_slice::<f32>().unwrap().iter().zip(&values).all(|(y, x)| *y == x.abs()));
}

#[test]
fn many_rows() {
    for (shape, axis) in if cfg!(miri) { [([12, 17], 1), ([5, 30], 0)] } else { [([66, 500], 1), ([60, 600], 0)] } {
        let shape = Shape::new(&shape);
        let core = Core::Rows { axes: Dims::from_slice(&[axis]), split: 1 };
        let found = case(&shape, core, |r| Inst::Reduce(ReduceOp::Sum, r), StoreShape::Row).run();
        let values = whole(shape.len());
        assert!(negated(&found[0], &values));
        let mut sums = vec![0.0; shape[1 - axis]];
        values.iter().enumerate().for_each(|(i, x)| sums[[i % shape[1], i / shape[1]][axis]] -= x);
        assert_eq!(found[1].as_slice::<f32>().unwrap(), sums);
    }
}

#[test]
fn one_long_row_in_segments() {
    let shape = Shape::new(&[1, if cfg!(miri) { 137 } else { 65_536 + 600 }]);
    let core = Core::Rows { axes: Dims::from_slice(&[1]), split: 1 };
    let found = case(&shape, core, |r| Inst::Reduce(ReduceOp::Max, r), StoreShape::Row).run();
    assert!(negated(&found[0], &whole(shape.len())));
    assert_eq!(found[1].as_slice::<f32>().unwrap(), [5.0]);
}

#[test]
fn many_lines_of_a_scan() {
    let shape = Shape::new(if cfg!(miri) { &[12, 17] } else { &[66, 500] });
    let found = case(&shape, Core::Scan { op: ScanOp::Sum, axis: 1 }, Inst::Scan, StoreShape::Full).run();
    let values = whole(shape.len());
    assert!(negated(&found[0], &values));
    let sums = found[1].as_slice::<f32>().unwrap();
    for (line, sums) in values.chunks(shape[1]).zip(sums.chunks(shape[1])) {
        let mut sum = 0.0;
        assert!(line.iter().zip(sums).all(|(x, s)| {
            sum -= x;
            *s == sum
        }));
    }
}
