//! What a correct run may get wrong: roundings of every operation by device, as one table, and how they widen an element.
//!
//! The table is the one that `docs/numerics.md` explains. One ulp is counted as twice the unit roundoff relative to the
//! result. CPU rows are what the executor promises; GPU rows are what WGSL guarantees for + − × ÷ and √ (Vulkan does too) and
//! what the kernels' own expansions keep for everything else.

use super::element::{Categories, Element, Zeros, representable};
use crate::graph::{BinaryOp, UnaryOp};
use crate::types::DType;

/// Under which conditions the results were computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// On a GPU: subnormals may be flushed, and functions are less accurate.
    pub gpu: bool,
    /// NaN, infinities, divisions by zero and the signs of zeros follow IEEE: everywhere but on a GPU in Fast mode, where plain
    /// arithmetic on them promises nothing.
    pub ieee: bool,
    /// With the planner, in Standard mode: sums and products may be taken in any order, so that roundings are relative to the
    /// sum of the magnitudes of all terms.
    pub planned: bool,
    /// Over the reals: nothing rounds, and what is left of a radius is the oracle's own error.
    pub reals: bool,
}

/// The error of one operation: `relative` units in the last place of the result, and `absolute` units in the last place of 1
/// besides (where a result near zero comes out of larger numbers).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Units in the last place of the result.
    pub relative: f64,
    /// Units in the last place of 1.
    pub absolute: f64,
}

const fn ulps(relative: f64) -> Accuracy {
    Accuracy { relative, absolute: 0.0 }
}

/// One correct rounding: half a unit in the last place.
pub const ROUNDED: Accuracy = ulps(0.5);

/// No rounding at all.
pub const EXACT: Accuracy = ulps(0.0);

/// How near the end of the range a driver may overflow in Fast where the program as written does not.
const DRIVERS_FACTOR: f64 = 16.0;

impl Allowance {
    /// The CPU without the planner.
    pub const CPU: Self = Self::new(false, false);

    /// No device: what the graph means.
    pub const REALS: Self = Self { reals: true, ..Self::CPU };

    /// On a GPU or not, with the planner or not.
    #[must_use]
    pub const fn new(gpu: bool, planned: bool) -> Self {
        Self { gpu, ieee: true, planned, reals: false }
    }

    /// The same in Fast mode: a GPU promises nothing of NaN, infinities and the signs of zeros.
    #[must_use]
    pub const fn in_fast_mode(self) -> Self {
        Self { ieee: !self.gpu, ..self }
    }

    /// The accuracy of a function of one element. Functions of f64 always run on the CPU.
    #[must_use]
    pub fn unary(self, op: UnaryOp, dtype: DType) -> Accuracy {
        use UnaryOp as U;
        let gpu = self.gpu && dtype != DType::F64;
        match op {
            U::Neg | U::Abs | U::Sign | U::Floor | U::Ceil | U::Round | U::RoundAway | U::Trunc => EXACT,
            U::Not | U::IsNan | U::IsInf | U::IsFinite => EXACT,
            U::Square => ROUNDED,
            U::Recip if self.gpu => ulps(2.5),
            U::Sqrt | U::Rsqrt if self.gpu => ulps(5.0),
            U::Sqrt | U::Recip => ROUNDED,
            U::Rsqrt => ulps(1.5),
            // A rounding for each product of the defining chain, and one division.
            U::Powi(n) => ulps(f64::from(n.unsigned_abs().min(1 << 20)) * 0.5 + if self.gpu { 2.5 } else { 0.5 }),
            U::Log | U::Log2 | U::Log10 | U::Log1p if gpu => Accuracy { relative: 6.0, absolute: 1.0 },
            U::Sin | U::Cos | U::Tan | U::Asin | U::Acos if gpu => Accuracy { relative: 8.0, absolute: 2.0 },
            _ if gpu => ulps(8.0),
            _ => ulps(4.0),
        }
    }

    /// The accuracy of a function of two elements.
    #[must_use]
    pub fn binary(self, op: BinaryOp, dtype: DType) -> Accuracy {
        use BinaryOp as B;
        let gpu = self.gpu && dtype != DType::F64;
        match op {
            B::Add | B::Sub | B::Mul if self.gpu => ulps(1.0),
            B::Div if self.gpu => ulps(2.5),
            B::Add | B::Sub | B::Mul | B::Div | B::Rem | B::Mod => ROUNDED,
            B::Pow if gpu => ulps(16.0),
            B::Atan2 | B::Hypot if gpu => ulps(8.0),
            B::Pow | B::Atan2 | B::Hypot => ulps(4.0),
            _ => EXACT,
        }
    }

    /// Whether NaN and infinities are kept through a function where IEEE is not promised: the kernels' own expansions look at
    /// the bits, while plain arithmetic is the driver's.
    #[must_use]
    pub fn keeps_specials(self, op: UnaryOp) -> bool {
        use UnaryOp as U;
        let plain = matches!(
            op,
            U::Square
                | U::Powi(_)
                | U::Recip
                | U::Sqrt
                | U::Rsqrt
                | U::Floor
                | U::Ceil
                | U::Round
                | U::RoundAway
                | U::Trunc
        );
        self.ieee || !plain
    }

    /// As [`Allowance::keeps_specials`], for functions of two elements.
    #[must_use]
    pub fn keeps_specials_of_two(self, op: BinaryOp) -> bool {
        use BinaryOp as B;
        self.ieee || !matches!(op, B::Add | B::Sub | B::Mul | B::Div)
    }

    /// Widens `x`, the exact result over its operands' sets, by the errors of the operation that computes it in `dtype`.
    #[must_use]
    pub fn round(self, x: Element, dtype: DType, accuracy: Accuracy) -> Element {
        self.widen(x, dtype, accuracy.relative, accuracy.absolute * 2.0 * dtype.unit_roundoff())
    }

    /// Widens `x` by `ulps` units in the last place and an absolute error.
    #[must_use]
    pub fn widen(self, x: Element, dtype: DType, ulps: f64, absolute: f64) -> Element {
        if !x.may_be_number() || x.is_any() {
            return x;
        }
        let u = dtype.unit_roundoff();
        let (normal, least) = (dtype.smallest_normal(), dtype.smallest_positive());
        let magnitude = x.value.magnitude().round_up() + x.radius;
        let mut radius = x.radius;
        // What rounds to zero keeps its sign.
        let signs = x.signs();
        let whole = x.is_whole(u);
        if self.reals {
            // A sum in double-double is off by its terms, not by its value.
            let known = whole || ulps == 0.0 || (x.radius == 0.0 && representable(dtype, x.value));
            // Beside the smallest numbers of f64 the centre has no digits to spare.
            let bare = x.value.hi != 0.0 && magnitude < 1e-290;
            let own = match (bare, known) {
                (true, _) => magnitude * f64::EPSILON + 4.0 * f64::from_bits(1),
                (_, true) => 0.0,
                _ => x.size.max(magnitude) * 1e-28,
            };
            return self.overflow(Element { radius: x.radius + own, zeros: signs, ..x }, dtype);
        }
        // Beside the smallest numbers of f64 the centre has no digits to spare.
        let bare = dtype == DType::F64 && x.value.hi != 0.0 && magnitude < 1e-290;
        let held = !self.planned && x.radius == 0.0 && representable(dtype, x.value) && !bare;
        // A result that the dtype holds is what a correctly rounded operation gives, and so does one ulp of directed error.
        let exact = absolute == 0.0 && ulps <= 1.0 && (whole || held);
        if !exact && ulps > 0.0 {
            // Planned graphs compute the same reals by other operations: a few more roundings, relative to the terms.
            let (scale, slack) = if self.planned { (x.size.max(magnitude), 3.0) } else { (magnitude, 1.0) };
            radius += slack * (ulps * 2.0 * u * scale + least) + absolute;
            // The oracle's own error: f64 functions of f64 elements are good to 2 ulp, all else is far better.
            radius += magnitude * 1e-31 + if bare { 4.0 * least } else { 0.0 };
        }
        let flushed = self.gpu && x.value.hi != 0.0 && magnitude - 2.0 * radius < normal;
        if flushed {
            radius += normal;
        }
        // Operations of a planned graph may come to zero from either side of it, and a flushed subnormal to either zero.
        let loose = !self.ieee || flushed || self.planned && radius > x.radius;
        self.overflow(Element { radius, zeros: if loose { Zeros::BOTH } else { signs }, ..x }, dtype)
    }

    /// Adds the infinities that a number beyond the dtype's range becomes.
    fn overflow(self, x: Element, dtype: DType) -> Element {
        let most = dtype.largest_finite();
        if !x.value.is_finite() || !x.radius.is_finite() {
            return Element::ANY;
        }
        let surely = most * (1.0 + dtype.unit_roundoff());
        // A driver that is not held to the order of operations may add first and scale then.
        let reach = if self.ieee { 1.0 } else { DRIVERS_FACTOR };
        if x.largest() * reach <= most {
            return x;
        }
        // Where the program as written overflows, a plan need not, and without IEEE an infinity can turn into anything.
        if !self.ieee || self.planned {
            return Element::ANY;
        }
        let only = |categories| Element {
            categories: Categories(categories | (x.categories.0 & !Categories::NUMBER.0)),
            ..Element::from_f64(0.0)
        };
        if surely.is_finite() && x.low() > surely {
            return only(Categories::UP.0);
        }
        if surely.is_finite() && x.high() < -surely {
            return only(Categories::DOWN.0);
        }
        let up = if x.high() > most { Categories::UP.0 } else { 0 };
        let down = if x.low() < -most { Categories::DOWN.0 } else { 0 };
        Element { categories: Categories(x.categories.0 | up | down), ..x }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dd::Dd;
    use super::*;

    #[test]
    fn one_rounding_is_half_an_ulp() {
        let third = Element::exact(Dd::new(1.0).over(Dd::new(3.0)));
        let x = Allowance::CPU.round(third, DType::F32, ROUNDED);
        let error = (f64::from(1.0f32 / 3.0) - 1.0 / 3.0).abs();
        assert!(error <= x.radius && x.radius <= 1.01 * f64::from(f32::EPSILON) / 6.0, "{x:?}");
        let held = Allowance::CPU.round(Element::from_f64(0.1f32.into()), DType::F32, ROUNDED);
        assert!(held.is_exact());
    }

    #[test]
    fn planned_integers_stay_exact_until_they_round() {
        let planned = Allowance::new(false, true);
        assert!(planned.round(Element::integer(1 << 24), DType::F32, ROUNDED).is_exact());
        assert!(!planned.round(Element::integer((1 << 24) + 1), DType::F32, ROUNDED).is_exact());
        assert!(!planned.round(Element::from_f64(0.5), DType::F32, ROUNDED).is_exact());
    }

    #[test]
    fn over_the_reals_nothing_rounds() {
        let third = Element::exact(Dd::new(1.0).over(Dd::new(3.0)));
        let x = Allowance::REALS.round(third, DType::F16, ROUNDED);
        assert!(x.radius > 0.0 && x.radius < 1e-27, "{x:?}");
        let big = Element::from_f64(1e39);
        assert!(Allowance::REALS.round(big, DType::F32, ROUNDED).may_be_infinite());
    }

    #[test]
    fn overflow_is_an_infinity_where_ieee_is_promised() {
        let big = Element::from_f64(1e39);
        let gpu = Allowance::new(true, false);
        assert_eq!(Allowance::CPU.round(big, DType::F32, ROUNDED).categories, Categories::UP);
        assert_eq!(gpu.round(big, DType::F32, ROUNDED).categories, Categories::UP);
        assert!(gpu.in_fast_mode().round(big, DType::F32, ROUNDED).is_any());
        // 0.5·x + 0.5·y as 0.5·(x + y).
        let near = Element::from_f64(3e38);
        assert!(gpu.in_fast_mode().round(near, DType::F32, ROUNDED).is_any());
        assert!(gpu.round(near, DType::F32, ROUNDED).is_number());
        assert!(Allowance::CPU.round(big, DType::F64, ROUNDED).is_exact());
    }
}
