//! How rows are walked: element by element along each row, or all columns side by side down the reduced axes.
//!
//! The choice follows memory: where the innermost axis is kept, walking down columns streams the array in its own order. The
//! folds have the same tree either way.

use super::fold::SEGMENT;
use super::tile::{TILE, or_in_miri};
use crate::types::Shape;

/// Columns walked side by side: with eight f64 lanes each they still fit the first-level cache.
const COLUMNS: usize = or_in_miri(256, 8);
/// Below this many elements in a block of columns, rows are walked instead, several of them a tile.
const SMALL: usize = or_in_miri(256, 8);

/// The order of a rows pass and its division into chunks of rows.
#[derive(Debug)]
pub(crate) struct RowLayout {
    /// The domain's axes in the order of the pass's space.
    pub(crate) axes: Vec<usize>,
    /// The axes that are not reduced: the space of rows.
    pub(crate) kept: Vec<usize>,
    /// Elements of a row.
    pub(crate) len: usize,
    /// Whether a tile lies along rows.
    pub(crate) by_row: bool,
    rows: usize,
    columns: usize,
    chunk_rows: usize,
}

/// Neighbouring rows that are processed together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowChunk {
    /// The number of the first among all rows.
    pub(crate) first: usize,
    /// How many.
    pub(crate) rows: usize,
}

impl RowLayout {
    /// For a domain of which `reduced` axes form rows.
    pub(crate) fn new(domain: &Shape, reduced: &[usize]) -> Self {
        let kept: Vec<usize> = (0..domain.rank()).filter(|a| !reduced.contains(a)).collect();
        let extent = |axes: &[usize]| axes.iter().map(|&a| domain[a]).product::<usize>();
        let len = extent(reduced);
        let last = reduced.iter().copied().filter(|&a| domain[a] > 1).max();
        let (batch, inner): (Vec<usize>, Vec<usize>) = kept.iter().partition(|&&a| last.is_none_or(|l| a < l));
        let columns = extent(&inner);
        let rows = extent(&kept);
        let by_row = columns == 1 || len.saturating_mul(columns) <= SMALL;
        let (axes, chunk_rows) = if by_row {
            (kept.iter().chain(reduced).copied().collect(), (TILE / len).max(1))
        } else {
            (batch.iter().chain(reduced).chain(&inner).copied().collect(), columns.min(COLUMNS))
        };
        Self { axes, kept, len, by_row, rows, columns, chunk_rows }
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        (self.axes.capacity() + self.kept.capacity()) * size_of::<usize>()
    }

    fn per_block(&self) -> usize {
        self.columns.div_ceil(self.chunk_rows)
    }

    /// How many chunks there are.
    pub(crate) fn chunks(&self) -> usize {
        if self.by_row { self.rows.div_ceil(self.chunk_rows) } else { self.rows / self.columns * self.per_block() }
    }

    /// Most rows of a chunk.
    pub(crate) fn chunk_rows(&self) -> usize {
        self.chunk_rows
    }

    /// A chunk by number.
    pub(crate) fn chunk(&self, number: usize) -> RowChunk {
        if self.by_row {
            let first = number * self.chunk_rows;
            return RowChunk { first, rows: self.chunk_rows.min(self.rows - first) };
        }
        let (block, part) = (number / self.per_block(), number % self.per_block());
        let column = part * self.chunk_rows;
        RowChunk { first: block * self.columns + column, rows: self.chunk_rows.min(self.columns - column) }
    }

    /// Elements of each row in a tile.
    pub(crate) fn per_tile(&self, rows: usize) -> usize {
        match (self.by_row, rows) {
            (true, 1) => TILE,
            (true, _) => self.len,
            (false, rows) if rows == self.columns => (TILE / rows).max(1),
            (false, _) => 1,
        }
    }

    /// The place in the space's order of element `element` of a chunk's first row.
    pub(crate) fn start(&self, chunk: RowChunk, element: usize) -> usize {
        if self.by_row {
            return chunk.first * self.len + element;
        }
        let (block, column) = (chunk.first / self.columns, chunk.first % self.columns);
        (block * self.len + element) * self.columns + column
    }

    /// Segments of a row.
    pub(crate) fn segments(&self) -> usize {
        self.len.div_ceil(SEGMENT)
    }

    /// Whether a chunk's tiles hold several whole rows one after the other.
    pub(crate) fn whole_rows(&self, rows: usize) -> bool {
        self.by_row && rows > 1
    }
}
