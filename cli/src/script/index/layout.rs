//! Linear positions, coordinates, and the dimensions that a number of subscripts addresses.

/// The coordinates of the column-major position `at` in an array of `dims`.
pub(super) fn coordinates(mut at: usize, dims: &[usize]) -> Vec<usize> {
    dims.iter()
        .map(|extent| {
            let here = at % extent;
            at /= extent;
            here
        })
        .collect()
}

/// The linear position of coordinates with the last axis fastest.
pub(super) fn row_major(coordinates: &[usize], dims: &[usize]) -> usize {
    coordinates.iter().zip(dims).fold(0, |at, (here, extent)| at * extent + here)
}

/// The dimensions that `total` subscripts address: the last one runs over all remaining axes.
pub fn dims_seen_by(dims: &[usize], total: usize) -> Vec<usize> {
    let mut seen: Vec<usize> = dims.iter().copied().take(total).collect();
    seen.resize(total, 1);
    if dims.len() > total
        && let Some(last) = seen.last_mut()
    {
        *last = dims[total - 1..].iter().fold(1, |n, d| n.saturating_mul(*d));
    }
    seen
}

/// The value of `end` in subscript `position` of `total` on a value of `dims`.
pub fn end_of(dims: &[usize], position: usize, total: usize) -> usize {
    dims_seen_by(dims, total)[position]
}

/// The axis of a vector: the only one whose extent is not 1, or the last of a scalar.
pub(super) fn vector_axis(dims: &[usize]) -> Option<usize> {
    let mut long = dims.iter().enumerate().filter(|(_, d)| **d != 1);
    match (long.next(), long.next()) {
        (Some((axis, _)), None) => Some(axis),
        (None, None) => Some(dims.len() - 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_positions_are_column_major() {
        assert_eq!(coordinates(3, &[2, 3]), [1, 1]);
        assert_eq!(row_major(&[1, 1], &[2, 3]), 4);
        assert_eq!(coordinates(5, &[2, 1, 3]), [1, 0, 2]);
    }

    #[test]
    fn the_last_subscript_runs_over_the_rest() {
        assert_eq!(dims_seen_by(&[2, 3, 4], 2), [2, 12]);
        assert_eq!(dims_seen_by(&[2, 3], 3), [2, 3, 1]);
        assert_eq!(end_of(&[2, 3, 4], 0, 1), 24);
        assert_eq!(end_of(&[2, 3, 4], 1, 2), 12);
        assert_eq!(end_of(&[2, 3], 2, 3), 1);
    }
}
