//! The loops that elementwise functions are made of.

/// `out[i] = f(x[i])`.
#[inline(always)]
pub(super) fn map<T: Copy, U>(x: &[T], out: &mut [U], f: impl Fn(T) -> U) {
    for (to, &x) in out.iter_mut().zip(x) {
        *to = f(x);
    }
}

/// `out[i] = f(x[i], y[i])`.
#[inline(always)]
pub(super) fn zip<T: Copy, U>(x: &[T], y: &[T], out: &mut [U], f: impl Fn(T, T) -> U) {
    for ((to, &x), &y) in out.iter_mut().zip(x).zip(y) {
        *to = f(x, y);
    }
}
