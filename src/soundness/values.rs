//! The values that rules are tried on, by dtype and by how ordinary they are.

use crate::algorithms::{Random, Xorshift};
use crate::error::Result;
use crate::types::{DType, HostBuffer, Scalar};

/// Which values an array is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Numbers of ordinary size and either sign.
    Ordinary,
    /// Ordinary numbers above zero.
    Positive,
    /// Zeros of both signs, powers of two, large and small ones; nothing infinite.
    Finite,
    /// Ordinary numbers, infinities and NaN.
    Infinite,
    /// Everything there is.
    Special,
    /// Numbers from one end of the range to the other, and the largest and smallest normal ones as often: in some arrays all
    /// elements have one exponent, in others each has its own.
    Edges,
    /// Numbers of which the squares, and the sums of some, overflow.
    Largest,
    /// Numbers of which the products vanish.
    Smallest,
}

impl Filling {
    /// Whether the values lie at the edges of what a dtype holds.
    #[must_use]
    pub const fn at_edges(self) -> bool {
        matches!(self, Self::Edges | Self::Largest | Self::Smallest)
    }
}

/// A source of values that gives the same ones in every run.
#[derive(Clone, Debug)]
pub struct Values(Xorshift);

impl Values {
    /// Equal seeds give equal values.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1))
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    /// Uniform on [0, 1).
    fn unit(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 20)
    }

    /// An exponent of the dtype's normal numbers.
    fn exponent(&mut self, dtype: DType, filling: Filling) -> i32 {
        let (least, most) = match dtype {
            DType::F16 => (-14, 15),
            DType::F32 => (-126, 127),
            _ => (-1022, 1023),
        };
        let below = |this: &mut Self, n: i32| this.below(n as usize) as i32;
        let kind = match filling {
            Filling::Largest => 0,
            Filling::Smallest => 1,
            _ => self.below(4),
        };
        match kind {
            0 => most - below(self, 3),
            1 => least + below(self, 4),
            2 => below(self, 5) - 2,
            _ => least + below(self, most - least),
        }
    }

    /// A number with this exponent, of either sign.
    fn scaled(&mut self, exponent: i32) -> f64 {
        let magnitude = (1.0 + self.below(1024) as f64 / 1024.0) * 2f64.powi(exponent);
        if self.below(2) == 0 { magnitude } else { -magnitude }
    }

    /// One value.
    pub fn value(&mut self, dtype: DType, filling: Filling, nonneg: bool, finite: bool) -> Scalar {
        let value = match dtype {
            DType::Bool => return Scalar::from_f64(dtype, self.below(2) as f64),
            d if d.is_int() => {
                let small = [0, 1, 2, 3, 5, 7, -1, -2];
                let extreme = [0, 1, -1, i64::from(i32::MAX), i64::from(i32::MIN), i64::from(u32::MAX), 12_345];
                let v = if filling == Filling::Special { extreme[self.below(7)] } else { small[self.below(8)] };
                let v = if nonneg { v.clamp(0, i64::from(i32::MAX)) } else { v };
                return Scalar::from_i64(dtype, v);
            }
            _ => match filling {
                Filling::Ordinary => self.unit() * 4.0 - 2.0,
                Filling::Positive => self.unit() * 1.5 + 0.5,
                Filling::Finite => {
                    let (large, small) = if dtype == DType::F16 { (2e4, 1e-4) } else { (1e18, 1e-30) };
                    [0.0, -0.0, 1.0, -1.0, 2.0, -0.5, large, -large, small, 1e-6, 0.1, -7.25][self.below(12)]
                }
                Filling::Infinite => {
                    [0.0, -0.0, 1.0, -1.0, 2.5, f64::INFINITY, -f64::INFINITY, f64::NAN, 0.1, -3.0][self.below(10)]
                }
                Filling::Edges | Filling::Largest | Filling::Smallest => {
                    let exponent = self.exponent(dtype, filling);
                    self.scaled(exponent)
                }
                Filling::Special => {
                    let (tiny, huge) = match dtype {
                        DType::F16 => (6e-8, 65504.0),
                        DType::F32 => (1e-42, f64::from(f32::MAX)),
                        _ => (5e-324, f64::MAX),
                    };
                    let nan = f64::NAN;
                    let inf = f64::INFINITY;
                    [0.0, -0.0, 1.0, -1.0, 2.5, inf, -inf, nan, tiny, -tiny, huge, -huge, 0.1, -3.0][self.below(14)]
                }
            },
        };
        let value = if nonneg && !value.is_nan() { value.abs() } else { value };
        let value = if finite && !value.is_finite() { 1.5 } else { value };
        Scalar::from_f64(dtype, value)
    }

    /// A buffer of values.
    ///
    /// # Errors
    /// Out of memory.
    pub fn buffer(
        &mut self,
        dtype: DType,
        len: usize,
        filling: Filling,
        nonneg: bool,
        finite: bool,
    ) -> Result<HostBuffer> {
        let mut b = HostBuffer::zeros(dtype, len)?;
        let alike = filling.at_edges() && dtype.is_float() && self.below(2) == 0;
        let exponent = if alike { self.exponent(dtype, filling) } else { 0 };
        for i in 0..len {
            let value = match alike {
                true => {
                    let value = self.scaled(exponent);
                    Scalar::from_f64(dtype, if nonneg { value.abs() } else { value })
                }
                false => self.value(dtype, filling, nonneg, finite),
            };
            b.set(i, value);
        }
        Ok(b)
    }
}
