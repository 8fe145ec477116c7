//! Arrays from ndarray and back, of every layout and with every extent.

use lazurite::{DeviceChoice, Engine};
use ndarray::{Array, ArrayD, IxDyn, s};

fn engine() -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).build().unwrap()
}

fn counted(shape: &[usize]) -> ArrayD<f64> {
    let n = shape.iter().product::<usize>();
    Array::from_shape_vec(IxDyn(shape), (0..n).map(|v| v as f64).collect()).unwrap()
}

#[test]
fn a_round_trip_gives_the_same_array() {
    let e = engine();
    for shape in [&[][..], &[1], &[0], &[3, 0, 2], &[2, 3], &[2, 1, 3, 4]] {
        let given = counted(shape);
        let back = e.from_ndarray(&given.view()).unwrap().to_ndarray::<f64>().unwrap();
        assert_eq!(back, given, "{shape:?}");
    }
}

#[test]
fn views_of_any_layout_are_read_in_logical_order() {
    let e = engine();
    let base = counted(&[4, 6]);
    let transposed = base.t();
    let stepped = base.slice(s![..;2, ..;-3]).into_dyn();
    let broadcast = base.broadcast(IxDyn(&[2, 4, 6])).unwrap();
    for view in [transposed.view().into_dyn(), stepped.view(), broadcast] {
        let array = e.from_ndarray(&view).unwrap();
        assert_eq!(array.shape().unwrap().dims(), view.shape());
        assert_eq!((&array + 1.0).to_ndarray::<f64>().unwrap(), &view + 1.0);
    }
}

#[test]
fn lazy_results_come_out_in_their_shape_and_wrong_types_are_errors() {
    let e = engine();
    let a = e.from_ndarray(&counted(&[3, 5]).view()).unwrap();
    let product = a.matmul(&a.t()).to_ndarray::<f64>().unwrap();
    let plain = counted(&[3, 5]).into_dimensionality::<ndarray::Ix2>().unwrap();
    assert_eq!(product, plain.dot(&plain.t()).into_dyn());
    assert!(a.to_ndarray::<i32>().unwrap_err().is_dtype());
}
