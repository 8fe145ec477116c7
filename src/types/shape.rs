//! Shapes: the extents of an array, broadcasting and counting.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

use super::DType;
use crate::error::{Error, Result};

/// Extents, strides or axes without allocation for up to six of them.
pub type Dims = SmallVec<[usize; 6]>;

/// The extents of an array, outermost first. Empty for a 0-d array; any extent may be 0.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Shape(Dims);

impl Clone for Shape {
    /// One copy of memory: shapes are copied with every node that is recorded.
    #[inline]
    fn clone(&self) -> Self {
        Self(Dims::from_slice(&self.0))
    }
}

impl Shape {
    /// A shape with these extents.
    #[must_use]
    pub fn new(dims: &[usize]) -> Self {
        Self(Dims::from_slice(dims))
    }

    /// The shape of a 0-d array.
    #[must_use]
    pub fn scalar() -> Self {
        Self::default()
    }

    /// The extents.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// The number of elements; `usize::MAX` when it does not fit (such an array can be described but not stored).
    #[must_use]
    pub fn len(&self) -> usize {
        if self.0.contains(&0) {
            return 0;
        }
        self.0.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).unwrap_or(usize::MAX)
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.contains(&0)
    }

    /// Whether an array of this shape and dtype can be addressed: at most `isize::MAX` bytes. Extents of 0 count as 1, as in NumPy, so
    /// that strides and offsets of empty arrays do not overflow either. Views count in full, though they take no memory.
    ///
    /// # Errors
    /// A shape error that names `what` asked for it.
    #[inline]
    pub fn check_size(&self, dtype: DType, what: &str) -> Result<()> {
        // Truth values are words on a device.
        let most = isize::MAX as usize / dtype.device_size();
        let mut n = 1usize;
        for &d in &self.0 {
            n = n.saturating_mul(d.max(1));
        }
        if n <= most { Ok(()) } else { Err(self.too_large(dtype, what, most)) }
    }

    #[cold]
    fn too_large(&self, dtype: DType, what: &str, most: usize) -> Error {
        Error::shape(format!("{what}: expected at most {most} elements of {dtype}, given the shape {self}"))
    }

    /// Strides in elements of a dense array with the last axis fastest.
    #[must_use]
    pub fn strides(&self) -> SmallVec<[i64; 6]> {
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_elem(1, self.rank());
        for axis in (0..self.rank().saturating_sub(1)).rev() {
            strides[axis] =
                strides[axis + 1].saturating_mul(i64::try_from(self.0[axis + 1].max(1)).unwrap_or(i64::MAX));
        }
        strides
    }

    /// The shape with the given axes set to 1.
    #[must_use]
    pub fn reduced(&self, axes: &[usize]) -> Self {
        let mut dims = self.0.clone();
        for &axis in axes {
            dims[axis] = 1;
        }
        Self(dims)
    }

    /// The shape with one axis set to `extent`.
    #[must_use]
    pub fn with_axis(&self, axis: usize, extent: usize) -> Self {
        let mut dims = self.0.clone();
        dims[axis] = extent;
        Self(dims)
    }

    /// The common shape of two under NumPy broadcasting (trailing axes align, 1 stretches).
    ///
    /// # Errors
    /// A shape error that names both when an axis differs and neither is 1.
    pub fn broadcast(&self, other: &Self) -> Result<Self> {
        if other.0.is_empty() || self == other {
            return Ok(self.clone());
        }
        if self.0.is_empty() {
            return Ok(other.clone());
        }
        let rank = self.rank().max(other.rank());
        let mut dims = Dims::from_elem(1, rank);
        for i in 0..rank {
            let from_end = |s: &Self| if i < s.rank() { s.0[s.rank() - 1 - i] } else { 1 };
            let (a, b) = (from_end(self), from_end(other));
            dims[rank - 1 - i] = match (a, b) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => {
                    return Err(Error::shape(format!(
                        "cannot broadcast {self} with {other}: axis {} from the end is {a} and {b}; expected equal extents or 1",
                        i + 1
                    )));
                }
            };
        }
        Ok(Self(dims))
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Self::new(dims)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self::new(&dims)
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let b = |a: &[usize], b: &[usize]| Shape::new(a).broadcast(&Shape::new(b));
        assert_eq!(b(&[3, 1], &[4]).unwrap(), Shape::new(&[3, 4]));
        assert_eq!(b(&[0, 1], &[1, 5]).unwrap(), Shape::new(&[0, 5]));
        assert_eq!(b(&[], &[2]).unwrap(), Shape::new(&[2]));
        assert!(b(&[2], &[3]).unwrap_err().is_shape());
        assert!(b(&[0], &[3]).unwrap_err().is_shape());
    }

    #[test]
    fn huge_shapes_do_not_overflow() {
        assert_eq!(Shape::new(&[usize::MAX, 2]).len(), usize::MAX);
        assert_eq!(Shape::new(&[usize::MAX, 2, 0]).len(), 0);
    }

    #[test]
    fn a_size_counts_bytes_and_takes_empty_axes_for_one() {
        let most = isize::MAX as usize;
        for (dims, dtype, fits) in [
            (vec![most], DType::U8, true),
            (vec![most], DType::F16, false),
            (vec![most / 8], DType::F64, true),
            (vec![most / 8 + 1], DType::F64, false),
            (vec![1 << 33, 1 << 31], DType::U8, false),
            (vec![usize::MAX, usize::MAX, 0], DType::U8, false),
            (vec![0, 0, 5], DType::F64, true),
        ] {
            assert_eq!(Shape::new(&dims).check_size(dtype, "x").is_ok(), fits, "{dims:?} {dtype}");
        }
        let e = Shape::new(&[1 << 33, 1 << 31]).check_size(DType::F32, "ones").unwrap_err();
        assert_eq!(
            e.message(),
            "ones: expected at most 2305843009213693951 elements of f32, given the shape [8589934592, 2147483648]"
        );
    }
}
