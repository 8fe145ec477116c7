//! The class of a result: the rules by which double, single, integers, logical and char mix.
//!
//! In: an operation's name, the classes of its operands, and whether each is 1×1 (which decides whether `*` is a matrix
//! product). Out: the class of the result, or why there is none. It knows nothing about values, shapes or the engine. The
//! conversion of a number to an integer class is here because it belongs to the rules.
//!
//! The rules are Octave's, as recorded by `oracle/record_classes.m`; the tests replay the whole record. Some of them look like
//! accidents (a logical array stays logical when a double is assigned into it but not when a single is). They are kept so
//! that a script means the same in both.

use std::fmt;

/// A class of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// 64-bit real.
    Double,
    /// 32-bit real.
    Single,
    /// 32-bit integer.
    Int32,
    /// Truth value.
    Logical,
    /// Character.
    Char,
    /// 64-bit integer.
    Int64,
    /// 8-bit unsigned integer.
    Uint8,
}

use Class::{Char, Double, Int32, Int64, Logical, Single, Uint8};

impl Class {
    /// All classes.
    pub const ALL: [Class; 7] = [Double, Single, Int32, Logical, Char, Int64, Uint8];

    /// The name that `class(x)` gives.
    pub fn name(self) -> &'static str {
        match self {
            Double => "double",
            Single => "single",
            Int32 => "int32",
            Logical => "logical",
            Char => "char",
            Int64 => "int64",
            Uint8 => "uint8",
        }
    }

    /// The class called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    /// Whether it is one of the integer classes.
    pub fn is_integer(self) -> bool {
        matches!(self, Int32 | Int64 | Uint8)
    }

    /// Whether it is double or single.
    pub fn is_floating(self) -> bool {
        matches!(self, Double | Single)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A class, and whether the value is 1×1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The class.
    pub class: Class,
    /// Whether the value is 1×1.
    pub is_scalar: bool,
}

impl Operand {
    /// What Octave's messages call such a value.
    fn described(self) -> String {
        match (self.class, self.is_scalar) {
            (Double, true) => "double".to_owned(),
            (Double, false) => "matrix".to_owned(),
            (Single, true) => "float scalar".to_owned(),
            (Single, false) => "float matrix".to_owned(),
            (Logical, true) => "bool".to_owned(),
            (Logical, false) => "bool matrix".to_owned(),
            (Char, _) => "string".to_owned(),
            (integer, true) => format!("{integer} scalar"),
            (integer, false) => format!("{integer} matrix"),
        }
    }
}

/// Why classes do not mix, as a message to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassError(String);

impl fmt::Display for ClassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ClassError {}

/// The class of `a op b` for an operator, or of `op(a, b)` for `max min mod rem hypot atan2 power xor`.
///
/// # Errors
/// Operands that do not mix, and an `op` that is none of these.
pub fn binary(op: &str, a: Operand, b: Operand) -> Result<Class, ClassError> {
    let refused = || {
        Err(ClassError(format!(
            "binary operator '{op}' not implemented for '{}' by '{}' operations",
            a.described(),
            b.described()
        )))
    };
    let (x, y) = (a.class, b.class);
    let result = match op {
        "+" | "-" | ".*" | "./" | ".\\" | ".^" | "power" => elementwise(x, y),
        // With a scalar on the proper side these are elementwise; otherwise they do not take integers.
        "*" if a.is_scalar || b.is_scalar => elementwise(x, y),
        "/" if b.is_scalar => elementwise(x, y),
        "\\" if a.is_scalar => elementwise(x, y),
        "^" if a.is_scalar && b.is_scalar => elementwise(x, y),
        "*" | "/" | "\\" | "^" if x.is_integer() || y.is_integer() => None,
        "*" | "/" | "\\" | "^" => elementwise(x, y),
        "==" | "~=" | "!=" | "<" | "<=" | ">" | ">=" => Some(Logical),
        "&" | "|" if x.is_integer() && y.is_integer() && x != y => None,
        "&" | "|" => Some(Logical),
        "max" | "min" => extreme(x, y),
        "mod" | "rem" if [x, y].iter().any(|c| matches!(c, Logical | Char)) => None,
        "mod" | "rem" => elementwise(x, y),
        "hypot" | "atan2" if [x, y].iter().any(|c| matches!(c, Logical | Char)) => None,
        "hypot" | "atan2" => Some(if x == Single || y == Single { Single } else { Double }),
        "xor" => (x != Char && y != Char).then_some(Logical),
        other => return Err(ClassError(format!("'{other}' is no operation on two values"))),
    };
    match result {
        Some(class) => Ok(class),
        None if op.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Err(ClassError(format!("{op}: cannot be taken of {x} and {y}")))
        }
        None => refused(),
    }
}

fn elementwise(x: Class, y: Class) -> Option<Class> {
    match (x.is_integer(), y.is_integer()) {
        (true, true) => (x == y).then_some(x),
        (true, false) => Some(x),
        (false, true) => Some(y),
        (false, false) if x == Single || y == Single => Some(Single),
        (false, false) => Some(Double),
    }
}

fn extreme(x: Class, y: Class) -> Option<Class> {
    match (x, y) {
        (Char, Char) => Some(Double),
        (Char, _) | (_, Char) => None,
        (Logical, Logical) => Some(Logical),
        // Of all pairs of integers that differ only this one is allowed.
        (Int32, Int64) | (Int64, Int32) => Some(Int64),
        _ => elementwise(x, y),
    }
}

/// The class of `[a, b]` and `[a; b]`, empty or not; fold it over longer lists from the left.
pub fn concat(a: Class, b: Class) -> Class {
    match (a, b) {
        (Char, _) | (_, Char) => Char,
        (first, _) if first.is_integer() => first,
        (_, second) if second.is_integer() => second,
        (Single, _) | (_, Single) => Single,
        (Logical, Logical) => Logical,
        _ => Double,
    }
}

/// The class of `target` after `target(…) = value`. A variable that does not exist yet takes the value's class instead.
///
/// # Errors
/// Characters assigned into a logical array.
pub fn assign(target: Operand, value: Class) -> Result<Class, ClassError> {
    match (target.class, value) {
        (Logical, Single) => Ok(Double),
        (Logical, Char) if !target.is_scalar => {
            Err(ClassError("characters cannot be assigned into a logical array".to_owned()))
        }
        (Char, Char | Logical | Double) => Ok(Char),
        (Char, _) => Ok(Double),
        (kept, _) => Ok(kept),
    }
}

/// The class of `op a` for `- + !`, or of a function of one value, the reductions among them.
///
/// # Errors
/// A class that the function does not take, and an unknown `op`.
pub fn unary(op: &str, a: Operand) -> Result<Class, ClassError> {
    let class = a.class;
    let promoted = if matches!(class, Logical | Char) { Double } else { class };
    let result = match op {
        "-" | "+" | "abs" | "floor" | "ceil" | "round" | "fix" => Some(promoted),
        "!" | "~" | "any" | "all" | "isnan" | "isinf" | "isfinite" | "not" | "isempty" => Some(Logical),
        "trace" if !a.is_scalar => Some(real(class)),
        "'" | ".'" | "transpose" | "diag" | "trace" | "sort" | "fliplr" | "flipud" | "squeeze" | "reshape"
        | "permute" | "repmat" => Some(class),
        // The sum of integers is a double, so it cannot saturate.
        "sum" | "prod" => Some(real(class)),
        "cumsum" | "mean" | "var" | "std" | "sqrt" | "exp" | "expm1" | "log" | "log2" | "log10" | "log1p" | "sin"
        | "cos" | "tan" | "asin" | "acos" | "atan" | "sinh" | "cosh" | "tanh" | "inv" => {
            (class != Char).then_some(real(class))
        }
        "min" | "max" if class == Char => Some(Double),
        "min" | "max" => Some(class),
        "sign" => (class != Char).then_some(promoted),
        "find" | "numel" | "size" | "length" | "rows" | "columns" | "ndims" => Some(Double),
        "norm" => class.is_floating().then_some(class),
        "logical" => (class != Char).then_some(Logical),
        name => match Class::from_name(name) {
            Some(target) => Some(target),
            None => return Err(ClassError(format!("'{op}' is no operation on one value"))),
        },
    };
    result.ok_or_else(|| ClassError(format!("{op}: cannot be taken of a value of class {class}")))
}

fn real(class: Class) -> Class {
    if class == Single { Single } else { Double }
}

/// `x` as an `int32`: rounded half away from zero, saturated, NaN as 0.
pub fn to_int32(x: f64) -> i32 {
    x.round() as i32
}

/// `x` as an `int64`: rounded half away from zero, saturated, NaN as 0.
pub fn to_int64(x: f64) -> i64 {
    x.round() as i64
}

/// `x` as a `uint8`: rounded half away from zero, saturated, NaN as 0.
pub fn to_uint8(x: f64) -> u8 {
    x.round() as u8
}
