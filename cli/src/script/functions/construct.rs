//! Functions that create values: constants, filled arrays, the identity, ranges and random numbers.

use lazurite::{Array, DType, Engine, Order};

use super::super::classes::Class;
use super::super::diagnostic::Diagnostic;
use super::super::runtime::{RandomState, RandomStream, Runtime};
use super::super::value::{Value, dtype_of, numel_of, trimmed};
use super::function::{Call, Function, MANY, run};

pub(super) const TABLE: &[Function] = &[
    run("zeros", 0..=MANY, 1, |rt, call| filled(rt, call, 0.0)),
    run("ones", 0..=MANY, 1, |rt, call| filled(rt, call, 1.0)),
    run("Inf", 0..=MANY, 1, |rt, call| filled(rt, call, f64::INFINITY)),
    run("NaN", 0..=MANY, 1, |rt, call| filled(rt, call, f64::NAN)),
    run("pi", 0..=MANY, 1, |rt, call| filled(rt, call, std::f64::consts::PI)),
    run("e", 0..=MANY, 1, |rt, call| filled(rt, call, std::f64::consts::E)),
    run("eps", 0..=MANY, 1, eps),
    run("true", 0..=MANY, 1, |rt, call| filled_with(rt, call, Class::Logical, 1.0)),
    run("false", 0..=MANY, 1, |rt, call| filled_with(rt, call, Class::Logical, 0.0)),
    run("eye", 0..=3, 1, eye),
    run("linspace", 2..=3, 1, linspace),
    run("rand", 0..=MANY, 1, |rt, call| {
        random(rt, call, |engine, from, dims, dtype| engine.rng_uniform(from.key, from.stream, dims, dtype))
    }),
    run("randn", 0..=MANY, 1, |rt, call| {
        random(rt, call, |engine, from, dims, dtype| engine.rng_normal(from.key, from.stream, dims, dtype))
    }),
    run("rng", 1..=1, 0, rng),
];

/// The dimensions in the arguments from `first` to `last`: no argument means 1×1, one number n means n×n, and a vector or
/// several numbers are the dimensions themselves.
pub(super) fn dims(rt: &mut Runtime, call: &Call, first: usize, last: usize) -> Result<Vec<usize>, Diagnostic> {
    let dims = match last - first {
        0 => vec![1, 1],
        1 if call.arguments[first].is_scalar() => {
            let n = call.count(rt, first, "a dimension")?;
            vec![n, n]
        }
        1 => {
            let dims = call.counts(rt, first, "a dimension")?;
            if dims.len() < 2 {
                return Err(call.bad(first, "dimensions must be scalar integers or a vector of them"));
            }
            dims
        }
        _ => (first..last).map(|i| call.count(rt, i, "a dimension")).collect::<Result<_, _>>()?,
    };
    Ok(trimmed(dims))
}

/// The class named by a last argument, and how many arguments come before it.
fn class_argument(rt: &Runtime, call: &Call) -> Result<(Option<Class>, usize), Diagnostic> {
    let given = call.arguments.len();
    let Some(name) = given.checked_sub(1).and_then(|last| call.text(last)) else { return Ok((None, given)) };
    let class = Class::from_name(&name).filter(|class| !matches!(class, Class::Char | Class::Logical));
    match class {
        // `--real single` replaces the default, not what a script asks for by name.
        Some(class) => Ok((Some(class), given - 1)),
        None => Err(rt.error(format!("{}: invalid data type specified: '{name}'", call.name))),
    }
}

fn filled(rt: &mut Runtime, call: &Call, value: f64) -> Result<Vec<Value>, Diagnostic> {
    let (class, count) = class_argument(rt, call)?;
    let class = class.unwrap_or(rt.settings.real);
    let dims = dims(rt, call, 0, count)?;
    Ok(vec![full(rt, dims, class, value)])
}

fn filled_with(rt: &mut Runtime, call: &Call, class: Class, value: f64) -> Result<Vec<Value>, Diagnostic> {
    let dims = dims(rt, call, 0, call.arguments.len())?;
    Ok(vec![full(rt, dims, class, value)])
}

/// An array with `value` in every element, which takes no memory.
pub(super) fn full(rt: &mut Runtime, dims: Vec<usize>, class: Class, value: f64) -> Value {
    if dims == [1, 1] {
        return Value::scalar(class, value);
    }
    let dtype = dtype_of(class);
    let array = match value {
        0.0 => rt.engine.zeros(&dims, dtype),
        1.0 => rt.engine.ones(&dims, dtype),
        _ => rt.engine.full(&dims, value, dtype),
    };
    Value::Array(rt.recorded(array, class, dims))
}

/// The distance to the next number: of 1, of a class's 1, or of each element of an array known here.
fn eps(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let of = |class: Class| if class == Class::Single { f64::from(f32::EPSILON) } else { f64::EPSILON };
    if let ([x], None) = (&call.arguments[..], call.text(0)) {
        if !x.class().is_floating() {
            return Err(call.bad(0, "X must be of a floating point type"));
        }
        let class = x.class();
        let mut host = rt.host(x)?;
        let spacing = |x: f64| -> f64 {
            if !x.is_finite() {
                f64::NAN
            } else if class == Class::Single {
                let x = (x as f32).abs();
                f64::from(x.next_up() - x)
            } else {
                x.abs().next_up() - x.abs()
            }
        };
        let values: Vec<f64> = (0..host.numel()).filter_map(|i| host.data.get_f64(i)).map(spacing).collect();
        return Ok(vec![Value::numbers(class, std::mem::take(&mut host.dims), values)]);
    }
    let (class, _) = class_argument(rt, call)?;
    let class = class.unwrap_or(rt.settings.real);
    filled(rt, call, of(class))
}

fn eye(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let (class, count) = class_argument(rt, call)?;
    let class = class.unwrap_or(rt.settings.real);
    let dims = dims(rt, call, 0, count)?;
    let [n, m] = dims[..] else {
        return Err(rt.error("eye: the identity has two dimensions"));
    };
    if dims == [1, 1] {
        return Ok(vec![Value::scalar(class, 1.0)]);
    }
    let array = rt.engine.eye(n, m, dtype_of(class));
    Ok(vec![Value::Array(rt.recorded(array, class, dims))])
}

fn linspace(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let (first, last) = (call.number(rt, 0, "START")?, call.number(rt, 1, "END")?);
    let count = if call.arguments.len() > 2 { call.count(rt, 2, "N")? } else { 100 };
    let single = call.arguments[..2].iter().any(|value| value.class() == Class::Single);
    let class = if single { Class::Single } else { Class::Double };
    if count <= 1 {
        let values = vec![last; count];
        return Ok(vec![Value::numbers(class, vec![1, count], values)]);
    }
    let array = rt.engine.linspace(first, last, count, dtype_of(class)).map_err(|error| rt.engine_error(&error))?;
    let array = array.reshape(&[1, count], Order::C);
    Ok(vec![Value::Array(rt.recorded(array, class, vec![1, count]))])
}

type Generator = fn(&Engine, RandomStream, &[usize], DType) -> lazurite::Result<Array>;

fn random(rt: &mut Runtime, call: &Call, generator: Generator) -> Result<Vec<Value>, Diagnostic> {
    let (class, count) = class_argument(rt, call)?;
    let class = class.unwrap_or(rt.settings.real);
    if !class.is_floating() {
        return Err(rt.error(format!("{}: random numbers are single or double", call.name)));
    }
    let dims = dims(rt, call, 0, count)?;
    let stream = rt.random.next_stream();
    if numel_of(&dims) == 0 {
        return Ok(vec![full(rt, dims, class, 0.0)]);
    }
    let array = generator(&rt.engine, stream, &dims, dtype_of(class)).map_err(|error| rt.engine_error(&error))?;
    Ok(vec![Value::Array(rt.recorded(array, class, dims))])
}

/// `rng(seed)` and `rng('default')`, which is seed 0.
fn rng(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let seed = match call.text(0) {
        Some(word) if word == "default" => 0,
        Some(word) => return Err(call.bad(0, format!("'{word}' is no seed; expected a number or 'default'"))),
        None => call.count(rt, 0, "the seed")?,
    };
    let seed = u32::try_from(seed).map_err(|_| call.bad(0, "the seed must be below 2^32"))?;
    rt.random = RandomState::seeded(seed);
    Ok(vec![])
}
