//! Delta debugging: the smallest part of a list that still has a property.
//!
//! The algorithm is `ddmin` (Zeller and Hildebrandt 2002): ever finer pieces of the list are tried, alone and left out.

/// A part of `items` that is still `enough` and of which no single item can be left out, given that `items` are enough.
///
/// `enough` is asked at most `most_tests` times; when that is not enough, the result is only as small as was found by then.
pub fn smallest<T: Clone>(items: &[T], most_tests: usize, enough: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut tests = 0;
    let mut enough = |some: &[T]| {
        tests += 1;
        tests <= most_tests && enough(some)
    };
    let mut best = items.to_vec();
    let mut n_pieces = 2;
    while best.len() > 1 {
        let size = best.len().div_ceil(n_pieces.min(best.len()));
        let pieces: Vec<&[T]> = best.chunks(size).collect();
        let smaller = (0..pieces.len()).find_map(|i| {
            if enough(pieces[i]) {
                return Some((pieces[i].to_vec(), 2));
            }
            let rest = || [&pieces[..i], &pieces[i + 1..]].concat().concat();
            // Of two pieces the rest is the other piece.
            (pieces.len() > 2).then(rest).filter(|rest| enough(rest)).map(|rest| (rest, pieces.len() - 1))
        });
        match smaller {
            Some((found, next)) => (best, n_pieces) = (found, next.max(2)),
            None if size == 1 => break,
            None => n_pieces = (2 * pieces.len()).min(best.len()),
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::smallest;

    #[test]
    fn the_smallest_part_is_found() {
        for wanted in [&[3usize][..], &[0, 19], &[4, 5, 6, 17], &[0, 1, 2, 3, 4, 5, 6, 7]] {
            let all: Vec<usize> = (0..20).collect();
            let mut tests = 0;
            let found = smallest(&all, usize::MAX, &mut |some| {
                tests += 1;
                wanted.iter().all(|w| some.contains(w))
            });
            assert_eq!(found, wanted);
            assert!(tests < 150, "{tests} tests for {wanted:?}");
        }
    }

    #[test]
    fn a_search_that_may_ask_no_more_gives_what_it_has() {
        let all: Vec<usize> = (0..64).collect();
        let mut tests = 0;
        let found = smallest(&all, 3, &mut |some| {
            tests += 1;
            some.contains(&0)
        });
        assert_eq!((found.len(), tests), (8, 3));
    }
}
