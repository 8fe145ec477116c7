//! Operands of a matrix product: in place when they are one strided load, else evaluated panel by panel along k.

use super::body::{Body, Input};
use super::code::Wanted;
use super::output::Output;
use super::product::{Matrix, Real, product};
use super::tile::divided_by;
use super::{map, remap};
use crate::error::{Error, Result};
use crate::schedule::{Inst, Program, Reg};
use crate::types::{Element, HostBuffer, Scalar, Shape, View};

/// Extent of k that is evaluated and multiplied at once; every product is divided so, whatever its operands are.
const PANEL: usize = divided_by(4096, 8);
/// Rows of a block of a symmetric result.
const BLOCK: usize = divided_by(256, 4);
/// Up to this many elements of the result, the library's choice of loops depends on strides.
const SMALL: usize = 256;

/// One operand over [batch…, rows, columns], of which `k_axis` is contracted.
pub(crate) struct Operand<'o, 'a> {
    program: &'o Program,
    domain: Shape,
    k_axis: usize,
    input: Input<'o, 'a>,
    scalars: &'o [Scalar],
    /// Its buffer and view when it is just a load.
    direct: Option<(&'a HostBuffer, View)>,
}

impl<'o, 'a> Operand<'o, 'a> {
    /// An operand's program over its domain.
    ///
    /// # Errors
    /// Internal errors for a program that does not fit the domain.
    pub(crate) fn new(
        program: &'o Program,
        domain: Shape,
        k_axis: usize,
        input: Input<'o, 'a>,
        scalars: &'o [Scalar],
    ) -> Result<Self> {
        // Binding checks the whole operand once, before anything reads it in place.
        Body::new(program, &domain, &|v| input(v), scalars, None)?;
        let direct = match program.insts.last() {
            Some(Inst::Load(l)) => {
                let load = &program.loads[*l as usize];
                Some((input(load.value)?, load.view.clone()))
            }
            Some(_) => None,
            None => return Err(Error::internal("a contraction with an empty operand program")),
        };
        Ok(Self { program, domain, k_axis, input, scalars, direct })
    }

    /// The operand's axis that is not contracted, of the last two.
    fn free_axis(&self) -> usize {
        2 * self.domain.rank() - 3 - self.k_axis
    }

    /// `len` coordinates of k from `start` on, for all batches: in place, or evaluated with k outermost when `k_major`.
    fn panel(&self, start: usize, len: usize, pack: bool) -> Result<Panel<'a>> {
        if let (Some((buffer, view)), false) = (&self.direct, pack) {
            return Ok(Panel { data: Data::There(buffer), view: view.slice(self.k_axis, start, 1, len)? });
        }
        let rank = self.domain.rank();
        let windowed = remap::has_window(self.program);
        // A window cannot be narrowed, so all of k is evaluated and a panel of it used.
        let (program, domain) = if windowed || len == self.domain[self.k_axis] {
            (self.program.clone(), self.domain.clone())
        } else {
            (remap::narrowed(self.program, self.k_axis, start, len)?, self.domain.with_axis(self.k_axis, len))
        };
        let outer = if pack || self.k_is_far() { self.k_axis } else { self.free_axis() };
        let inner = 2 * rank - 3 - outer;
        let axes: Vec<usize> = (0..rank - 2).chain([outer, inner]).collect();
        let ordered: Shape = axes.iter().map(|&a| domain[a]).collect();
        let mut strides = View::dense(&ordered).strides().to_vec();
        if outer == rank - 1 {
            strides.swap(rank - 2, rank - 1);
        }
        let to = View::from_parts(domain.clone(), &strides, 0)?;
        let dtype = program.dtypes.last().copied().ok_or_else(|| Error::internal("an empty operand program"))?;
        let mut buffer = HostBuffer::zeros(dtype, domain.len())?;
        {
            let body = Body::new(&program, &domain, &|v| (self.input)(v), self.scalars, None)?;
            let store = Wanted { reg: Reg(program.insts.len() as u32 - 1), output: 0, to: to.clone() };
            map::run(&body, &domain, &axes, &[store], &[Output::new(&mut buffer)]);
        }
        let view = if windowed { to.slice(self.k_axis, start, 1, len)? } else { to };
        Ok(Panel { data: Data::Made(buffer), view })
    }

    /// Whether neighbours along k lie farther apart than along the free axis, in the first load that varies along both.
    fn k_is_far(&self) -> bool {
        let free = self.free_axis();
        self.program
            .loads
            .iter()
            .map(|l| (l.view.strides()[self.k_axis].unsigned_abs(), l.view.strides()[free].unsigned_abs()))
            .find(|&(k, f)| k > 0 && f > 0)
            .is_some_and(|(k, f)| k > f)
    }
}

enum Data<'a> {
    There(&'a HostBuffer),
    Made(HostBuffer),
}

/// A panel of an operand, for all batches.
struct Panel<'a> {
    data: Data<'a>,
    view: View,
}

impl Panel<'_> {
    fn matrix<T: Element>(&self, batch: &[usize]) -> Result<Matrix<'_, T>> {
        let buffer = match &self.data {
            Data::There(b) => b,
            Data::Made(b) => b,
        };
        let rank = self.view.shape().rank();
        let offset =
            self.view.offset() + batch.iter().zip(self.view.strides()).map(|(&c, &s)| c as i64 * s).sum::<i64>();
        let strides = self.view.strides();
        Ok(Matrix { data: buffer.as_slice()?, offset, row: strides[rank - 2], column: strides[rank - 1] })
    }
}

/// The products of all batches into `acc`, dense [batch…, m, n]. `gram` says that the right operand is the left one transposed;
/// with `symmetric` only the lower blocks are computed and the rest is mirrored.
///
/// # Errors
/// Out of memory, and internal errors.
pub(crate) fn multiply_batches<T: Real + Element>(
    left: &Operand<'_, '_>,
    right: &Operand<'_, '_>,
    gram: bool,
    symmetric: bool,
    acc: &mut HostBuffer,
) -> Result<()> {
    let rank = left.domain.rank();
    let (m, n, k) = (left.domain[rank - 2], right.domain[rank - 1], left.domain[rank - 1]);
    let batch = Shape::new(&left.domain[..rank - 2]);
    let small = m * n <= SMALL;
    let acc = acc.as_mut_slice::<T>()?;
    for start in (0..k).step_by(PANEL) {
        let len = PANEL.min(k - start);
        let a = left.panel(start, len, small)?;
        let b = if gram { None } else { Some(right.panel(start, len, small)?) };
        for (i, c) in acc.chunks_exact_mut(m * n).enumerate() {
            let at = coordinates(&batch, i);
            let a = a.matrix::<T>(&at)?;
            let b = match &b {
                Some(b) => b.matrix::<T>(&at)?,
                None => a.transposed(),
            };
            let add = start > 0;
            if symmetric && m == n && m > BLOCK {
                for row in (0..m).step_by(BLOCK) {
                    let rows = BLOCK.min(m - row);
                    product((rows, row + rows, len), a.from(row, 0), b, &mut c[row * n..], n, add)?;
                }
            } else {
                product((m, n, len), a, b, c, n, add)?;
            }
        }
    }
    if symmetric && m == n {
        for c in acc.chunks_exact_mut(m * n) {
            for i in 0..m {
                for j in i + 1..n {
                    c[i * n + j] = c[j * n + i];
                }
            }
        }
    }
    Ok(())
}

fn coordinates(shape: &Shape, mut number: usize) -> Vec<usize> {
    let mut at = vec![0; shape.rank()];
    for axis in (0..shape.rank()).rev() {
        at[axis] = number % shape[axis];
        number /= shape[axis];
    }
    at
}
