//! The description of a contraction: two operand programs that are multiplied and summed along k.

use crate::schedule::Program;
use crate::types::{DType, Shape};

/// A contraction over [batch…, m, n]: `left` runs over [batch…, m, k], `right` over [batch…, k, n].
pub(crate) struct Contraction<'a> {
    pub(crate) left: &'a Program,
    pub(crate) right: &'a Program,
    pub(crate) k: usize,
    pub(crate) symmetric: bool,
    pub(crate) dtype: DType,
}

impl Contraction<'_> {
    /// Whether k lies closer together in memory than the result's axis, in the larger operand.
    pub(crate) fn k_is_inner(&self, domain: &Shape) -> bool {
        let rank = domain.rank();
        let (m, n) = (domain[rank - 2], domain[rank - 1]);
        let (program, k_axis, other) =
            if m >= n { (self.left, rank - 1, rank - 2) } else { (self.right, rank - 2, rank - 1) };
        let strides = |axis: usize| {
            program.loads.iter().map(|l| l.view.strides().get(axis).map_or(0, |s| s.unsigned_abs())).max().unwrap_or(0)
        };
        strides(k_axis) <= strides(other) || strides(other) == 0
    }
}
