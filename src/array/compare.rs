//! Comparisons and logic; comparisons give bool arrays.

use super::elementwise::binary;
use super::{Array, Operand};
use crate::error::Result;
use crate::graph::BinaryOp;

binary! {
    /// x = y; false for NaN.
    eq try_eq Eq;
    /// x ≠ y; true for NaN.
    ne try_ne Ne;
    /// x < y.
    lt try_lt Lt;
    /// x ≤ y.
    le try_le Le;
    /// x > y.
    gt try_gt Gt;
    /// x ≥ y.
    ge try_ge Ge;
    /// Logical (bool) or bitwise (integers) and.
    and try_and And;
    /// Logical or bitwise or.
    or try_or Or;
    /// Logical or bitwise exclusive or.
    xor try_xor Xor;
}
