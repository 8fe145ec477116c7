//! `+ - * / %` and unary `- !` on references to arrays, with arrays or numbers on either side. They never panic.

use std::ops::{Add, Div, Mul, Neg, Not, Rem, Sub};

use super::{Array, Operand};
use crate::graph::BinaryOp;

macro_rules! operator {
    ($($trait:ident $method:ident $op:ident;)*) => { $(
        impl<'a, T: Into<Operand<'a>>> $trait<T> for &Array {
            type Output = Array;
            fn $method(self, other: T) -> Array {
                Array::lift(self.engine(), self.binary(BinaryOp::$op, other.into()))
            }
        }

        impl<'a, T: Into<Operand<'a>>> $trait<T> for Array {
            type Output = Array;
            fn $method(self, other: T) -> Array {
                self.binary_consuming(BinaryOp::$op, &other.into())
            }
        }

        operator!(@left $trait $method $op f64 i32);
    )* };
    (@left $trait:ident $method:ident $op:ident $($number:ty)*) => { $(
        impl $trait<&Array> for $number {
            type Output = Array;
            fn $method(self, other: &Array) -> Array {
                Array::lift(other.engine(), other.binary_from(BinaryOp::$op, self.into()))
            }
        }

        impl $trait<Array> for $number {
            type Output = Array;
            fn $method(self, other: Array) -> Array {
                Array::lift(other.engine(), other.binary_from(BinaryOp::$op, self.into()))
            }
        }
    )* };
}

operator! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    Div div Div;
    Rem rem Rem;
}

impl Neg for &Array {
    type Output = Array;
    fn neg(self) -> Array {
        Array::neg(self)
    }
}

impl Neg for Array {
    type Output = Array;
    fn neg(self) -> Array {
        Array::neg(&self)
    }
}

impl Not for &Array {
    type Output = Array;
    fn not(self) -> Array {
        Array::not(self)
    }
}

impl Not for Array {
    type Output = Array;
    fn not(self) -> Array {
        Array::not(&self)
    }
}
