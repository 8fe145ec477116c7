//! Results against the oracle: the first element outside its set, and how tight the sets were.

use std::borrow::Borrow;
use std::fmt;

use super::element::{Categories, Element};
use super::tensor::Tensor;
use crate::graph::{Graph, NodeId};
use crate::planner::{Class, Plan};
use crate::types::{DType, HostBuffer, Scalar};

/// How elements were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All elements.
    pub elements: u64,
    /// Those whose set was a single value or a narrow neighbourhood: within 2⁻⁸ of the array's larger values for f32 and
    /// f64, within 2⁻³ for f16, one value for integers and truth values.
    pub tight: u64,
    /// Those where anything was accepted.
    pub loose: u64,
}

impl Tally {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.elements += other.elements;
        self.tight += other.tight;
        self.loose += other.loose;
    }
}

/// An element that no correct run would give.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Its place in the dense array.
    pub index: usize,
    /// What came out.
    pub given: Option<Scalar>,
    /// What would have been accepted.
    pub expected: Option<Element>,
    /// Anything else that is wrong, in words.
    pub note: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(given) = self.given {
            write!(f, "element {}: given {given:?}", self.index)?;
        }
        if let Some(e) = self.expected {
            write!(f, ", expected {e}")?;
        }
        f.write_str(&self.note)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("anything");
        }
        let mut parts = Vec::new();
        if self.may_be_number() {
            let sign = if self.either_sign { "±" } else { "" };
            if self.is_zero() {
                parts.push(String::from(match (self.zeros.plus(), self.zeros.minus()) {
                    (true, true) => "±0",
                    (_, minus) => {
                        if minus {
                            "−0"
                        } else {
                            "+0"
                        }
                    }
                }));
            } else {
                parts.push(format!("{sign}{:?} ± {:e} (terms {:e})", self.value.hi, self.radius, self.size));
            }
        }
        for (category, name) in [(Categories::NAN, "NaN"), (Categories::UP, "∞"), (Categories::DOWN, "−∞")] {
            if self.categories.any_of(category) {
                parts.push(name.to_string());
            }
        }
        f.write_str(&parts.join(" or "))
    }
}

/// Compares a result with the oracle's tensor.
///
/// # Errors
/// The first element outside its set, or a wrong dtype or length.
pub fn compare(expected: &Tensor, given: &HostBuffer) -> Result<Tally, Box<Mismatch>> {
    let wrong = |note: String| Box::new(Mismatch { index: 0, given: None, expected: None, note });
    if given.dtype() != expected.dtype || given.len() != expected.elements.len() {
        return Err(wrong(format!(
            "expected {} elements of {}, given {} of {}",
            expected.elements.len(),
            expected.dtype,
            given.len(),
            given.dtype()
        )));
    }
    for (index, e) in expected.elements.iter().enumerate() {
        let value = given.get(index);
        if !accepts(e, value) {
            return Err(Box::new(Mismatch { index, given: Some(value), expected: Some(*e), note: String::new() }));
        }
    }
    Ok(tally(expected))
}

/// A root with an element that no correct run would give.
#[derive(Clone, Debug)]
pub struct WrongRoot {
    /// The node.
    pub node: NodeId,
    /// What is wrong with it.
    pub mismatch: Box<Mismatch>,
}

impl fmt::Display for WrongRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node, self.mismatch)
    }
}

/// Compares the results of a graph's roots with what is `known` of all its nodes.
///
/// # Errors
/// The first root that is wrong.
pub fn compare_roots(graph: &Graph, known: &[Tensor], given: &[impl Borrow<HostBuffer>]) -> Result<Tally, WrongRoot> {
    let mut total = Tally::default();
    for (&node, given) in graph.roots.iter().zip(given) {
        let compared = compare(&known[node.index()], given.borrow());
        total.add(compared.map_err(|mismatch| WrongRoot { node, mismatch })?);
    }
    Ok(total)
}

/// The sets for a plan with approximate rules: what the operations of the graph that ran may give, provided that what the recorded
/// graph is over the reals is among it. `reals` is known without roundings, `ran` with them; where either may be no number
/// nothing is promised.
#[must_use]
pub fn as_it_ran(reals: &Tensor, ran: &Tensor) -> Tensor {
    let one = |(real, ran): (&Element, &Element)| {
        if real.is_any() || ran.is_any() {
            return Element::ANY;
        }
        let either_sign = real.either_sign || ran.either_sign;
        let radius = real.radius + ran.radius;
        let mut apart = real.value.minus(ran.value).hi.abs();
        if either_sign {
            apart = apart.min(real.value.plus(ran.value).hi.abs());
        }
        // A plan that means something else: what it gives lies around the wrong value.
        let value = if apart <= radius { ran.value } else { real.value };
        Element { value, either_sign, size: real.size.max(ran.size), ..*ran }.with_radius(radius)
    };
    Tensor { elements: reals.elements.iter().zip(&ran.elements).map(one).collect(), ..reals.clone() }
}

/// The sets for a plan that bracketed products otherwise: what its partial products lose by overflow or underflow is allowed, and
/// nothing else.
#[must_use]
pub fn rebracketed(known: &Tensor, ran: &Tensor) -> Tensor {
    let one = |(known, ran): (&Element, &Element)| match (known.is_number(), ran.is_number()) {
        (_, false) => Element::ANY,
        (true, true) => known.with_radius(known.radius.max(ran.radius)),
        (false, true) => *known,
    };
    Tensor { elements: known.elements.iter().zip(&ran.elements).map(one).collect(), ..known.clone() }
}

/// Whether a plan has partial products that the program as written has not.
pub(super) fn rebrackets(plan: &Plan) -> bool {
    plan.fired.iter().any(|f| f.class == Class::Rebrackets)
}

/// How tightly a result will be compared.
#[must_use]
pub fn tally(expected: &Tensor) -> Tally {
    let scale = typical(expected);
    let mut tally = Tally { elements: expected.elements.len() as u64, ..Tally::default() };
    for e in &expected.elements {
        tally.tight += u64::from(is_tight(e, expected.dtype, scale));
        tally.loose += u64::from(e.is_any());
    }
    tally
}

/// The root mean square of the numbers.
fn typical(t: &Tensor) -> f64 {
    let numbers: Vec<f64> =
        t.elements.iter().filter(|e| e.may_be_number() && !e.is_any()).map(|e| e.value.hi.abs()).collect();
    let largest = numbers.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return 0.0;
    }
    let mean = numbers.iter().map(|v| (v / largest) * (v / largest)).sum::<f64>() / numbers.len() as f64;
    largest * mean.sqrt()
}

fn is_tight(e: &Element, dtype: DType, scale: f64) -> bool {
    if !e.may_be_number() {
        return matches!(e.categories, Categories::NAN | Categories::UP | Categories::DOWN);
    }
    let share = match dtype {
        DType::F16 => 0.125,
        DType::F32 | DType::F64 => 1.0 / 256.0,
        _ => 0.0,
    };
    e.is_number() && e.radius <= share * e.value.hi.abs().max(scale)
}

/// Whether `value` is in the set.
fn accepts(e: &Element, value: Scalar) -> bool {
    if e.is_any() {
        return true;
    }
    if !value.dtype().is_float() {
        let (low, high) = e.integer_range(value.dtype());
        let v = i128::from(value.to_i64());
        return low <= v && v <= high;
    }
    let v = value.to_f64();
    if v.is_nan() {
        return e.may_be_nan();
    }
    if v.is_infinite() {
        return e.categories.any_of(if v > 0.0 { Categories::UP } else { Categories::DOWN });
    }
    let wrong_zero = v == 0.0 && !(if v.is_sign_negative() { e.zeros.minus() } else { e.zeros.plus() });
    if wrong_zero && !e.either_sign {
        return false;
    }
    let centre = super::dd::Dd::new(v).minus(e.value).hi.abs();
    let mirrored = if e.either_sign { super::dd::Dd::new(v).plus(e.value).hi.abs() } else { centre };
    // The difference itself is rounded to f64.
    e.may_be_number() && centre.min(mirrored) <= e.radius * (1.0 + 1e-12)
}
