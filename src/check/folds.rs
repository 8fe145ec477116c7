//! Folds of many elements: sums, products, extrema, truth, positions, running folds, order.
//!
//! A sum of n terms in any order errs by at most n roundings of the sum of magnitudes, a product by n roundings of itself;
//! nothing tighter may be assumed of a parallel tree whose shape the device chooses.

use super::allowance::Allowance;
use super::arith::{binary, product, sum};
use super::dd::Dd;
use super::discrete;
use super::element::{Categories, Element, Zeros, integer_limits};
use crate::graph::{ArgOp, BinaryOp, ReduceOp};
use crate::types::DType;

/// A fold in progress.
pub struct Fold {
    op: ReduceOp,
    dtype: DType,
    allow: Allowance,
    total: Element,
    count: usize,
    /// The largest magnitude that any partial product may reach, when taken in the worst order.
    peak: f64,
    specials: Option<Element>,
    /// Whether the terms are products that were not rounded yet.
    products: bool,
}

impl Fold {
    /// The fold of nothing.
    #[must_use]
    pub fn new(op: ReduceOp, dtype: DType, allow: Allowance) -> Self {
        let total = match op {
            ReduceOp::Prod | ReduceOp::All => Element::integer(1),
            ReduceOp::Sum | ReduceOp::Any => Element::integer(0),
            ReduceOp::Max | ReduceOp::Fmax if dtype.is_float() => Element::from_f64(f64::NEG_INFINITY),
            ReduceOp::Min | ReduceOp::Fmin if dtype.is_float() => Element::from_f64(f64::INFINITY),
            ReduceOp::Max | ReduceOp::Fmax => Element::integer(integer_limits(dtype).0),
            ReduceOp::Min | ReduceOp::Fmin => Element::integer(integer_limits(dtype).1),
        };
        Self { op, dtype, allow, total, count: 0, peak: 1.0, specials: None, products: false }
    }

    /// Adds an element.
    pub fn push(&mut self, x: Element) {
        self.count += 1;
        let op = match self.op {
            ReduceOp::Sum => BinaryOp::Add,
            ReduceOp::Prod => BinaryOp::Mul,
            ReduceOp::Max => BinaryOp::Maximum,
            ReduceOp::Min => BinaryOp::Minimum,
            ReduceOp::Fmax => BinaryOp::Fmax,
            ReduceOp::Fmin => BinaryOp::Fmin,
            ReduceOp::Any => BinaryOp::Or,
            ReduceOp::All => BinaryOp::And,
        };
        if !self.dtype.is_float() {
            self.total = discrete::binary(op, self.total, x, self.dtype);
            return;
        }
        match self.op {
            ReduceOp::Sum | ReduceOp::Prod => self.accumulate(op, x),
            // All NaN is NaN even where NaN is ignored, so the first element starts the fold.
            _ if self.count == 1 => self.total = x,
            _ => self.total = binary(op, self.total, x, self.dtype, self.allow),
        }
    }

    fn accumulate(&mut self, op: BinaryOp, x: Element) {
        if !x.is_number() {
            let so_far = self.specials.unwrap_or(Element::from_f64(1.0));
            self.specials =
                Some(if self.specials.is_none() { x } else { binary(op, so_far, x, self.dtype, self.allow) });
            return;
        }
        if x.is_any() || self.total.is_any() {
            self.total = Element::ANY;
            return;
        }
        let x = if self.allow.planned { x } else { Element { size: x.largest(), ..x } };
        if op == BinaryOp::Add {
            // Which zero a sum of negative zeros gives is open: folds may begin at +0 or with their first term.
            let negative = self.total.is_zero() && (self.count == 1 || self.total.zeros.minus());
            let zeros = if negative && x.is_zero() { x.zeros.with(Zeros::PLUS) } else { Zeros::PLUS };
            self.total = sum(self.total, x).with_zeros(zeros);
        } else {
            self.peak *= x.largest().max(1.0);
            let before = self.total;
            self.total = product(before, x);
            // The centre underflows where a product in another order, or beside an infinity, need not be zero.
            if self.total.value == Dd::ZERO && !before.is_zero() && !x.is_zero() {
                self.total.radius = self.total.radius.max(f64::from_bits(1));
            }
        }
    }

    /// Adds the product of two elements of a floating dtype, as contractions do; its rounding is one more of the sum's.
    pub fn push_product(&mut self, a: Element, b: Element) {
        if a.is_number() && b.is_number() && !a.is_any() && !b.is_any() {
            self.products = true;
            self.push(product(a, b));
        } else {
            self.push(binary(BinaryOp::Mul, a, b, self.dtype, self.allow));
        }
    }

    /// The fold of all elements so far, with its roundings.
    #[must_use]
    pub fn result(&self) -> Element {
        let additive = matches!(self.op, ReduceOp::Sum | ReduceOp::Prod);
        if !self.dtype.is_float() || !additive || self.count == 0 {
            return self.total;
        }
        let n = self.count as f64 + f64::from(u8::from(self.products));
        let allow = self.allow;
        let most = self.dtype.largest_finite();
        // A partial sum may be as large as all terms together, a partial product as the peak.
        let reach = if self.op == ReduceOp::Sum { self.total.size } else { self.peak };
        let numbers = if self.total.is_any() || reach > most {
            Element::ANY
        } else {
            let (normal, least) = (self.dtype.smallest_normal(), self.dtype.smallest_positive());
            // Halves are summed in single precision; any partial sum may be a subnormal that a GPU flushes.
            let flushed = if self.dtype == DType::F64 { normal } else { DType::F32.smallest_normal() };
            let tiny = match self.op {
                ReduceOp::Prod => n * self.peak * if allow.gpu { normal } else { least },
                _ if allow.gpu => n * flushed,
                _ => 0.0,
            };
            let zero = self.total.is_exact() && self.total.value == Dd::ZERO;
            // Rounding is relative to the terms, whatever their order, even without a planner.
            let any_order = Allowance { planned: allow.planned || self.op == ReduceOp::Sum, ..allow };
            let one = n == 1.0 && !allow.planned;
            let whole = self.total.is_whole(self.dtype.unit_roundoff());
            if one || whole || (zero && self.op == ReduceOp::Prod) {
                self.total
            } else {
                let slack = if allow.planned || self.op != ReduceOp::Sum { 1.0 } else { 1.0 / 3.0 };
                let per_term = if allow.gpu { 1.0 } else { 0.5 };
                any_order.widen(self.total, self.dtype, n * per_term * slack, tiny)
            }
        };
        match self.specials {
            None => numbers,
            Some(_) if !allow.ieee => Element::ANY,
            Some(s) if s.categories == Categories::NAN => s,
            Some(s) if self.count == 1 => s,
            // What overflows beside an infinity may give NaN: never a number.
            Some(s) if numbers.is_any() && !s.may_be_number() => Element::NOT_FINITE,
            Some(s) => {
                let op = if self.op == ReduceOp::Sum { BinaryOp::Add } else { BinaryOp::Mul };
                let all = binary(op, s, numbers, self.dtype, allow);
                // Other brackets may give another of them.
                if allow.planned { all.or(Element::NOT_FINITE) } else { all }
            }
        }
    }
}

/// Where the extremum of `lane` is: the set of positions as a range.
#[must_use]
pub fn position(op: ArgOp, lane: &[Element], dtype: DType) -> Element {
    let up = matches!(op, ArgOp::Max | ArgOp::Fmax);
    let ignores_nan = matches!(op, ArgOp::Fmax | ArgOp::Fmin);
    let all = Element::integers(0, lane.len() as i128 - 1);
    let lane: Vec<Element> = lane.iter().map(|e| ordinal(*e, dtype)).collect();
    if lane.iter().any(|e| e.may_be_nan() && e.categories != Categories::NAN) {
        return all;
    }
    if let Some(first) = lane.iter().position(Element::may_be_nan) {
        if !ignores_nan {
            return Element::integer(first as i128);
        }
        if lane.iter().all(Element::may_be_nan) {
            return Element::integer(0);
        }
    }
    // The ends of each element on a line where the extremum is the highest.
    let ends = |e: &Element| {
        let (low, high) = extent(e);
        if up { (low, high) } else { (-high, -low) }
    };
    let sure = lane.iter().filter(|e| !e.may_be_nan()).map(|e| ends(e).0).fold(f64::NEG_INFINITY, f64::max);
    let mut candidates: Vec<usize> = Vec::new();
    for (i, e) in lane.iter().enumerate() {
        // Equal certain elements: only the first may win.
        let beaten = candidates.iter().any(|&j| same(&lane[j], e));
        if !e.may_be_nan() && ends(e).1 >= sure && !beaten {
            candidates.push(i);
        }
    }
    match (candidates.first(), candidates.last()) {
        (Some(&a), Some(&b)) => Element::integers(a as i128, b as i128),
        _ => all,
    }
}

/// `x` with integers of every dtype as numbers that compare.
fn ordinal(x: Element, dtype: DType) -> Element {
    if dtype.is_float() || !x.is_any() {
        return x;
    }
    let (low, high) = integer_limits(dtype);
    Element::integers(low, high)
}

/// The lowest and highest possible value, infinities included and NaN left out.
fn extent(e: &Element) -> (f64, f64) {
    let number = e.may_be_number();
    let low = if e.categories.any_of(Categories::DOWN) {
        f64::NEG_INFINITY
    } else if number {
        e.low()
    } else {
        f64::INFINITY
    };
    let high = if e.categories.any_of(Categories::UP) {
        f64::INFINITY
    } else if number {
        e.high()
    } else {
        f64::NEG_INFINITY
    };
    (low, high)
}

fn same(a: &Element, b: &Element) -> bool {
    a.radius == 0.0
        && b.radius == 0.0
        && a.categories == b.categories
        && a.value == b.value
        && matches!(a.categories.0, 1 | 4 | 8)
}

/// `lane` in order, as values or positions. NaN is largest; equal elements keep their order.
#[must_use]
pub fn sorted(lane: &[Element], descending: bool, indices: bool, dtype: DType) -> Vec<Element> {
    let n = lane.len();
    let lane: Vec<Element> = lane.iter().map(|e| ordinal(*e, dtype)).collect();
    // NaN sorts as one above +∞: level 1 lies beyond every number.
    let keys: Vec<[(u8, f64); 2]> = lane
        .iter()
        .map(|e| {
            let (low, high) = extent(e);
            let nan = (1, 0.0);
            [if e.categories == Categories::NAN { nan } else { (0, low) }, if e.may_be_nan() { nan } else { (0, high) }]
        })
        .collect();
    let surely_less = |i: usize, j: usize| keys[i][1] < keys[j][0];
    // How many elements come before each, at least and at most.
    let mut place = vec![(0usize, 0usize); n];
    for i in 0..n {
        for j in (0..n).filter(|&j| j != i) {
            let twins = same(&lane[i], &lane[j])
                || lane[i].categories == Categories::NAN && lane[j].categories == Categories::NAN;
            let (sure, ruled_out) = match (twins, descending) {
                (true, _) => (j < i, j > i),
                (_, false) => (surely_less(j, i), surely_less(i, j)),
                (_, true) => (surely_less(i, j), surely_less(j, i)),
            };
            place[i].0 += usize::from(sure);
            place[i].1 += usize::from(!ruled_out);
        }
    }
    (0..n)
        .map(|p| {
            let here = (0..n).filter(|&i| place[i].0 <= p && p <= place[i].1);
            if indices {
                let (low, high) = here.fold((n, 0), |(a, b), i| (a.min(i), b.max(i)));
                return Element::integers(low.min(high) as i128, high as i128);
            }
            here.map(|i| lane[i]).reduce(Element::or).unwrap_or(Element::ANY)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(factors: &[f64]) -> Element {
        let mut fold = Fold::new(ReduceOp::Prod, DType::F64, Allowance::CPU);
        factors.iter().for_each(|x| fold.push(Element::from_f64(*x)));
        fold.result()
    }

    #[test]
    fn a_product_that_underflows_is_no_zero_beside_an_infinity() {
        let inf = f64::INFINITY;
        let all = product(&[inf, 1e-200, 1e-200, 0.1]);
        assert!(all.may_be_infinite() && all.may_be_nan(), "{all}");
        assert_eq!(product(&[inf, 0.0, 2.0]).categories, Categories::NAN);
    }
}
