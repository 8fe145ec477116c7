//! Divisors that are zero, in every spelling a compiler could see through: literals, recorded scalars, single elements, and
//! differences of equal numbers. Every element is stored, and has the value that it has on the CPU.

use crate::support::each_engine;
use lazurite::{Array, DType, Engine, HostBuffer, Scalar};

/// What an element is, with equal NaNs and distinct zeros.
fn bits(data: &HostBuffer) -> Vec<u64> {
    let of = |i| {
        let x = data.get(i);
        let nan = x.dtype().is_float() && x.to_f64().is_nan();
        if nan { u64::MAX } else { x.bits() }
    };
    (0..data.len()).map(of).collect()
}

/// Numbers of `dtype` that are written over what an earlier array left in memory, so that an element that is not stored shows.
fn numbers(e: &Engine, dtype: DType) -> Array {
    let mut data = HostBuffer::zeros(dtype, 9).unwrap();
    for i in 0..9 {
        data.set(i, Scalar::from_f64(dtype, [-3.0, -1.0, -0.0, 0.0, 1.0, 2.5, 7.0, f64::INFINITY, f64::NAN][i]));
    }
    e.from_buffer(data, &[9]).unwrap()
}

#[test]
fn what_is_divided_by_zero_is_stored() {
    let dtypes = [DType::F64, DType::F32, DType::F16, DType::I64, DType::I32, DType::U32, DType::U8];
    let results = |e: &Engine| -> Vec<(String, Vec<u64>)> {
        let mut all = Vec::new();
        for dtype in dtypes {
            let x = numbers(e, dtype);
            let single = e.from_buffer(HostBuffer::zeros(dtype, 1).unwrap(), &[1]).unwrap();
            let whole = e.from_buffer(HostBuffer::zeros(dtype, 9).unwrap(), &[9]).unwrap();
            for (spelling, zero) in [
                ("a full array", e.full(&[9], 0.0, dtype)),
                ("a literal", e.full(&[1], 0.0, dtype)),
                ("an element", single.clone()),
                ("an array", whole.clone()),
                ("a difference", &whole - &whole),
            ] {
                for (name, y) in [
                    ("divided by", &x / &zero),
                    ("rem", x.rem(&zero)),
                    ("modulo", x.modulo(&zero)),
                    ("divides", &zero / &x),
                    ("plus one, divided by", &(&x + &e.full(&[1], 1.0, dtype)) / &zero),
                ] {
                    all.push((format!("{dtype} {name} {spelling}"), y));
                }
                if dtype.is_float() {
                    all.push((format!("reciprocal of {spelling} of {dtype}"), zero.recip()));
                    all.push((format!("power -1 of {spelling} of {dtype}"), zero.pow(-1)));
                    all.push((format!("{dtype} divided by minus {spelling}"), &x / &-&zero));
                    all.push((format!("inverse root of {spelling} of {dtype}"), zero.rsqrt()));
                }
            }
            if dtype.is_float() {
                all.push((format!("{dtype} / 0.0"), &x / 0.0));
                all.push((format!("{dtype} / -0.0"), &x / -0.0));
                all.push((format!("1 / {dtype}"), 1.0 / &x));
            }
        }
        all.iter().map(|(name, y)| (name.clone(), bits(&y.to_host().unwrap()))).collect()
    };
    let expected = std::cell::OnceCell::new();
    each_engine(|name, e| {
        let given = results(e);
        let expected = expected.get_or_init(|| given.clone());
        let wrong: Vec<String> = given
            .iter()
            .zip(expected)
            .filter(|(g, w)| g != w)
            .map(|((what, g), (_, w))| format!("{name}: {what}: {g:x?}, expected {w:x?}"))
            .collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), given.len(), wrong.join("\n"));
    });
}
