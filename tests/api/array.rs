//! The array room through its public face: what is recorded is what comes out, errors poison and never panic, and handles
//! free what they held.

use lazurite::{Array, DType, DeviceChoice, Engine, Order, Origin, SliceSpec};

fn engine() -> Engine {
    Engine::builder().device(DeviceChoice::Cpu).build().unwrap()
}

fn f(e: &Engine, values: &[f64], shape: &[usize]) -> Array {
    e.from_slice(values, shape).unwrap()
}

#[test]
fn operators_take_arrays_and_numbers_on_both_sides() {
    let e = engine();
    let (a, b) = (f(&e, &[1.0, 2.0, 3.0], &[3]), f(&e, &[4.0, 5.0, 6.0], &[3]));
    assert_eq!((&a + &b).to_vec::<f64>().unwrap(), [5.0, 7.0, 9.0]);
    assert_eq!((10.0 - &a * 2).to_vec::<f64>().unwrap(), [8.0, 6.0, 4.0]);
    assert_eq!((1.0 / &a).to_vec::<f64>().unwrap(), [1.0, 0.5, 1.0 / 3.0]);
    assert_eq!((-&a % 2.0).to_vec::<f64>().unwrap(), [-1.0, -0.0, -1.0]);
    assert_eq!(a.pow(3).to_vec::<f64>().unwrap(), [1.0, 8.0, 27.0]);
    assert_eq!(a.pow(0.5).to_vec::<f64>().unwrap()[1], 2f64.sqrt());
}

#[test]
fn an_error_poisons_what_follows_and_the_first_one_wins() {
    let e = engine();
    let a = f(&e, &[1.0, 2.0, 3.0], &[3]);
    let b = f(&e, &[1.0, 2.0], &[2]);
    let origin = Origin { file: "prog".into(), line: 3, col: 7, label: Some("c".into()) };
    let bad = e.with_origin(origin, || &a + &b);
    let later = bad.exp().reshape(&[7], Order::C).sum(.., false);
    let error = later.shape().unwrap_err();
    assert!(error.is_shape(), "{error:?}");
    assert!(error.to_string().starts_with("prog:3:7: add: cannot broadcast [3] with [2]"), "{error}");
    assert_eq!(e.eval(&[&a, &later]).unwrap_err().to_string(), error.to_string());
    assert!(a.try_add(a.cast(DType::F32)).unwrap_err().is_dtype());
    assert!(e.from_slice(&[1i32], &[1]).unwrap().try_add(0.5).unwrap_err().is_dtype());
}

#[test]
fn arrays_of_two_engines_do_not_mix() {
    let (a, b) = (f(&engine(), &[1.0], &[1]), f(&engine(), &[1.0], &[1]));
    assert!((&a + &b).error().is_some_and(lazurite::Error::is_argument));
}

#[test]
fn views_read_what_numpy_reads() {
    let e = engine();
    let a = f(&e, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3]);
    assert_eq!(a.t().to_vec::<f64>().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(a.ravel(Order::F).to_vec::<f64>().unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(a.reshape(&[3, 2], Order::F).to_vec::<f64>().unwrap(), [0.0, 4.0, 3.0, 2.0, 1.0, 5.0]);
    assert_eq!(a.t().reshape(&[2, 3], Order::F).to_vec::<f64>().unwrap(), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    assert_eq!(a.flip(1).diagonal().to_vec::<f64>().unwrap(), [2.0, 4.0]);
    let s = a.slice(&[SliceSpec::range(1, 2), SliceSpec { start: 2, step: -2, len: 2 }]);
    assert_eq!(s.to_vec::<f64>().unwrap(), [5.0, 3.0]);
    assert_eq!(a.trace().item().unwrap().to_f64(), 4.0);
    assert!(a.try_slice(&[SliceSpec::range(0, 3)]).unwrap_err().is_argument());
}

#[test]
fn reductions_take_any_axes() {
    let e = engine();
    let a = f(&e, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[1, 2, 3]);
    assert_eq!(a.sum([2, 0], false).to_vec::<f64>().unwrap(), [3.0, 12.0]);
    assert_eq!(a.mean(.., false).item().unwrap().to_f64(), 2.5);
    assert_eq!(a.var(.., 1, true).shape().unwrap().dims(), [1, 1, 1]);
    assert_eq!(a.std([1], 0, false).to_vec::<f64>().unwrap(), [1.5, 1.5, 1.5]);
    assert_eq!(a.argmax(2, false).to_vec::<i32>().unwrap(), [2, 2]);
    assert_eq!(a.cumsum(1).to_vec::<f64>().unwrap(), [0.0, 1.0, 2.0, 3.0, 5.0, 7.0]);
    assert!(a.try_sum([1, 1], false).unwrap_err().is_argument());
    let empty = f(&e, &[], &[0, 2]);
    assert_eq!(empty.sum(0, false).to_vec::<f64>().unwrap(), [0.0, 0.0]);
    assert!(empty.mean(0, false).to_vec::<f64>().unwrap().iter().all(|v| v.is_nan()));
}

#[test]
fn picking_and_replacing() {
    let e = engine();
    let a = f(&e, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3]);
    let at = e.from_slice(&[2i32, 0], &[2]).unwrap();
    assert_eq!(a.take(&at, 1).to_vec::<f64>().unwrap(), [2.0, 0.0, 5.0, 3.0]);
    let back =
        a.slice_update(&[SliceSpec::range(0, 1), SliceSpec { start: 2, step: -1, len: 2 }], f(&e, &[9.0, 8.0], &[2]));
    assert_eq!(back.to_vec::<f64>().unwrap(), [0.0, 8.0, 9.0, 3.0, 4.0, 5.0]);
    assert_eq!(a.pad(&[0, 1], &[1, 0], 7.0).to_vec::<f64>().unwrap()[..4], [7.0, 0.0, 1.0, 2.0]);
    assert_eq!(a.gt(2.5).nonzero(Order::F).unwrap().to_vec::<i32>().unwrap(), [1, 3, 5]);
    let both = Array::concat(&[&a, &a.t().reshape(&[2, 3], Order::C)], 0).unwrap();
    assert_eq!(both.shape().unwrap().dims(), [4, 3]);
    assert_eq!(a.argsort(1, true).to_vec::<i32>().unwrap(), [2, 1, 0, 2, 1, 0]);
}

#[test]
fn constructors() {
    let e = engine();
    assert_eq!(e.eye(2, 3, DType::F32).to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let l = e.linspace(0.1, 0.7, 4, DType::F64).unwrap().to_vec::<f64>().unwrap();
    assert_eq!((l[0], l[3]), (0.1, 0.7));
    assert_eq!(f(&e, &[1.0, 2.0], &[2]).diag().to_vec::<f64>().unwrap(), [1.0, 0.0, 0.0, 2.0]);
    let u = e.rng_uniform(7, 0, &[1000], DType::F64).unwrap();
    let m = u.mean(.., false).item().unwrap().to_f64();
    assert!((m - 0.5).abs() < 0.05, "{m}");
    assert_eq!(e.full(&[2], true, DType::Bool).to_vec::<bool>().unwrap(), [true, true]);
}

#[test]
fn handles_free_what_they_held() {
    let e = engine();
    {
        let a = f(&e, &[1.0; 64], &[64]);
        let b = (&a * 3.5).exp();
        assert_eq!(b.to_vec::<f64>().unwrap().len(), 64);
        assert!(b.is_evaluated());
    }
    assert_eq!(e.stats().recorded_nodes, 0);
}

#[test]
fn an_array_given_to_an_operator_leaves_its_clones_alone() {
    let e = engine();
    {
        let x = f(&e, &[1.0, 3.0], &[2]);
        let a = &x * 3.5;
        let kept = a.clone();
        let b = a + &x;
        let c = (b.clone() - 0.25) / (x.clone() + 1.0) * 2.0;
        assert_eq!(c.to_vec::<f64>().unwrap(), [4.25, 6.625]);
        assert_eq!(kept.to_vec::<f64>().unwrap(), [3.5, 10.5]);
        assert_eq!(b.to_vec::<f64>().unwrap(), [4.5, 13.5]);
        let wrong = (&x * 3.5) + f(&e, &[1.0; 3], &[3]);
        assert!(wrong.error().is_some_and(lazurite::Error::is_shape));
        let still_wrong = wrong + 1.5;
        assert!(still_wrong.error().is_some_and(lazurite::Error::is_shape));
        let other = engine();
        assert!(((&x * 0.3) + f(&other, &[1.0, 2.0], &[2])).error().is_some());
    }
    assert_eq!(e.stats().recorded_nodes, 0);
}

#[test]
fn softmax_is_stable() {
    let e = engine();
    let s = f(&e, &[1000.0, 1000.0, 999.0], &[1, 3]).softmax(1).to_vec::<f64>().unwrap();
    assert!((s.iter().sum::<f64>() - 1.0).abs() < 1e-12 && (s[0] - s[1]).abs() < 1e-15, "{s:?}");
    let l = f(&e, &[1000.0, 1000.0], &[2]).logsumexp(.., false).item().unwrap().to_f64();
    assert!((l - 1000.0 - 2f64.ln()).abs() < 1e-9, "{l}");
}

#[test]
fn a_value_does_not_depend_on_whether_it_was_stored_before() {
    let values = [1.0, 0.3, 1.7, 2.9, 0.7];
    let strict = |fuse| {
        let engine = Engine::builder().device(DeviceChoice::Cpu).numerics(lazurite::Numerics::Strict);
        engine.plan(false).fuse(fuse).build().unwrap()
    };
    let (fused, plain) = (strict(true), strict(false));
    for v in values {
        // One number for all elements stays one number when fused, and is an array when not.
        let of = |e: &Engine| {
            let x = e.full(&[3, 5], v, DType::F64).try_mul(1.0).unwrap();
            let all = [x.exp(), x.log1p(), x.tanh(), x.sin(), x.cosh(), x.pow(0.37), x.try_atan2(2.5).unwrap()];
            all.iter().flat_map(|a| a.to_vec::<f64>().unwrap()).map(f64::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(of(&fused), of(&plain), "{v}");
    }
}
