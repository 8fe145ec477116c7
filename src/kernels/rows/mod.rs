//! The reduction core: which kernels a rows group becomes.
//!
//! Rows are folded by the lanes of a workgroup, in one pass for each level of folds that depend on one another, and a last
//! pass stores what varies along the row. Rows too few to fill a device are cut into parts: for each level a kernel folds the
//! parts and another combines them, and an elementwise kernel stores the rest. `text` writes the kernels.

mod merged;
mod text;

use super::choose::{self, Lanes, RowParts, RowsProblem, RowsVariant};
use super::emitter::{Emitter, coordinates, index};
use super::kernel::{Kernel, Lowered};
use super::map::{Elements, store_elements, workgroups};
use super::module::{LoweringInput, Module};
use super::rounds::in_parts;
use super::text::Expr;
use crate::error::{Error, Result};
use crate::schedule::{Core, Reg, StoreShape};
use crate::types::View;
use merged::Rows;
use text::Share;

/// Lowers a rows group.
pub(super) fn lower(input: LoweringInput<'_>) -> Result<Lowered> {
    let Core::Rows { axes, split } = &input.group.core else {
        return Err(Error::internal("a rows group was expected"));
    };
    let rows = Rows::new(input, axes)?;
    if rows.has(StoreShape::Diagonal) {
        return Err(Error::unsupported("a rows group stores no diagonals"));
    }
    in_parts(input.limits, |least_parts| {
        let problem = RowsProblem { least_parts, ..rows.problem(*split) };
        let mut chosen = choose::rows(&problem, input.limits);
        let mut lowered = rows.lower(chosen.variant);
        if let (RowsVariant::Parts(_), Err(e)) = (chosen.variant, &lowered)
            && e.is_unsupported()
        {
            chosen = choose::rows_without_parts(&problem, e.message().to_owned(), input.limits);
            lowered = rows.lower(chosen.variant);
        }
        let mut lowered = lowered?;
        lowered.choices.push(chosen.explain(format!("{} elements by {}", problem.elements, chosen.variant.order())));
        let parts = if let RowsVariant::Parts(parts) = chosen.variant { parts.count as usize } else { 1 };
        Ok((lowered, parts))
    })
}

/// The kernel that folds each part of rows, `count` of `chunk` elements, into scratch 0: for a core that goes on from there. The folds
/// must not depend on one another.
pub(super) fn parts(
    input: LoweringInput<'_>,
    axes: &[usize],
    count: u32,
    chunk: usize,
    lanes: Lanes,
) -> Result<Kernel> {
    text::kernel(&Rows::new(input, axes)?, Share::Part { count, chunk, level: 1 }, lanes)
}

impl Rows<'_> {
    fn lower(&self, variant: RowsVariant) -> Result<Lowered> {
        match variant {
            RowsVariant::Parts(parts) => self.lower_parts(parts),
            RowsVariant::Whole(lanes) => {
                Ok(Lowered { kernels: vec![text::kernel(self, Share::Whole, lanes)?], ..Lowered::default() })
            }
        }
    }

    /// Parts and their combination, level by level, and what varies along the rows at last.
    fn lower_parts(&self, parts: RowParts) -> Result<Lowered> {
        let RowParts { count, chunk, lanes, combine } = parts;
        let mut kernels = Vec::new();
        for level in 1..=self.n_levels() {
            kernels.push(text::kernel(self, Share::Part { count, chunk, level }, lanes)?);
            kernels.push(text::kernel(self, Share::Combination { count, level }, combine)?);
        }
        if self.has(StoreShape::Full) {
            kernels.push(self.rest()?);
        }
        Ok(Lowered { kernels, scratch: self.scratch_bytes(count), ..Lowered::default() })
    }

    /// The elementwise kernel behind folds in parts.
    fn rest(&self) -> Result<Kernel> {
        let mut m = Module::new(self.input);
        // Element i of the dense result: its axes from the slowest to the fastest.
        let mut order: Vec<usize> = (0..self.whole.shape().rank()).collect();
        order.sort_by_key(|&a| std::cmp::Reverse(self.whole.strides()[a]));
        let shape: Vec<usize> = order.iter().map(|&a| self.whole.shape()[a]).collect();
        let i = Expr::new("i");
        let found = coordinates(&mut m, &shape, &i, "i")?;
        let mut place = vec![i; order.len()];
        for (coordinate, &axis) in found.into_iter().zip(&order) {
            place[axis] = coordinate;
        }
        let row = index(&mut m, &View::dense(&self.kept), &place[..self.kept.rank()], &[]);
        m.code.declare("row", &row);
        let stores = self.stores(StoreShape::Full);
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        let mut emitter = Emitter::new(&self.program, "r");
        self.recall(&mut m, u32::MAX, &mut emitter, &targets)?;
        let elements = Elements { coordinates: place, total: self.whole.shape().len() };
        store_elements(&mut m, emitter, &self.program, &elements, &stores)?;
        let groups = workgroups(&m, elements.total);
        m.finish("rows rest", "map", groups)
    }
}
