//! Arrays of elements, and how operations pick from them.
//!
//! A [`Tensor`] is dense and row-major. Moving elements about is exact, so this file indexes and knows no arithmetic.

use super::element::Element;
use crate::types::{DType, HostBuffer, Shape};

/// A dense, row-major array of elements.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The extents.
    pub shape: Shape,
    /// The dtype of what a run computes.
    pub dtype: DType,
    /// The elements.
    pub elements: Vec<Element>,
}

impl Tensor {
    /// The elements of a buffer, exactly.
    #[must_use]
    pub fn from_buffer(shape: &Shape, buffer: &HostBuffer) -> Self {
        let elements = (0..buffer.len()).map(|i| Element::from_scalar(buffer.get(i))).collect();
        Self { shape: shape.clone(), dtype: buffer.dtype(), elements }
    }

    /// The element at coordinates of a shape that this tensor broadcasts to.
    #[must_use]
    pub fn broadcast_at(&self, coords: &[usize]) -> Element {
        let lead = coords.len() - self.shape.rank();
        let mut index = 0;
        for (&d, &c) in self.shape.iter().zip(&coords[lead..]) {
            index = index * d + if d == 1 { 0 } else { c };
        }
        self.elements[index]
    }

    /// The element at coordinates of its own shape.
    #[must_use]
    pub fn at(&self, coords: &[usize]) -> Element {
        self.elements[index(&self.shape, coords)]
    }

    /// As [`Tensor::broadcast_at`] where the last two coordinates are a matrix's and never broadcast.
    #[must_use]
    pub fn broadcast_matrix(&self, coords: &[usize]) -> Element {
        let rank = self.shape.rank();
        let lead = coords.len() - rank;
        let mut index = 0;
        for (axis, (&d, &c)) in self.shape.iter().zip(&coords[lead..]).enumerate() {
            index = index * d + if d == 1 && axis + 2 < rank { 0 } else { c };
        }
        self.elements[index]
    }
}

/// Calls `f` with the coordinates of every element of `shape`, last axis fastest.
pub fn each(shape: &Shape, mut f: impl FnMut(&[usize])) {
    let mut coords = vec![0usize; shape.rank()];
    for _ in 0..shape.len() {
        f(&coords);
        for axis in (0..coords.len()).rev() {
            coords[axis] += 1;
            if coords[axis] < shape[axis] {
                break;
            }
            coords[axis] = 0;
        }
    }
}

/// The elements that `f` gives for the coordinates of `shape`, in order.
pub fn gathered(shape: &Shape, mut f: impl FnMut(&[usize]) -> Element) -> Vec<Element> {
    let mut out = Vec::with_capacity(shape.len());
    each(shape, |c| out.push(f(c)));
    out
}

/// The dense index of coordinates in `shape`.
#[must_use]
pub fn index(shape: &Shape, coords: &[usize]) -> usize {
    shape.iter().zip(coords).fold(0, |i, (&d, &c)| i * d + c)
}

/// The dense indices of each lane of `shape` along `axis`: for every other coordinate, the elements in order. Where there are no
/// elements there are no lanes, however long the other axes are.
#[must_use]
pub fn lanes(shape: &Shape, axis: usize) -> Vec<Vec<usize>> {
    if shape.is_empty() {
        return Vec::new();
    }
    let step: usize = shape[axis + 1..].iter().product();
    let extent = shape[axis];
    let mut all = Vec::new();
    let outer: usize = shape[..axis].iter().product();
    for o in 0..outer {
        for i in 0..step {
            all.push((0..extent).map(|k| (o * extent + k) * step + i).collect());
        }
    }
    all
}
