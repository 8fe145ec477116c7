//! Delta debugging: a minimal part of a list that still has a property.
//!
//! As in `ddmin` (Zeller and Hildebrandt 2002) ever finer pieces of the list are tried, here only by leaving them out.

/// A minimal part of `items` that is still `enough`, given that `items` are enough: no single item of it can be left out. Another
/// part that is enough may be smaller. The empty part is tried like any other.
///
/// `enough` is asked at most `most_tests` times; when those do not suffice, the result is only as small as was found by then.
pub fn minimal<T: Clone>(items: &[T], most_tests: usize, enough: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut best = items.to_vec();
    let mut size = items.len().div_ceil(2);
    let mut left = most_tests;
    while size > 0 {
        let before = best.len();
        let mut at = 0;
        while at < best.len() {
            if left == 0 {
                return best;
            }
            left -= 1;
            let end = (at + size).min(best.len());
            let rest = [&best[..at], &best[end..]].concat();
            // After a success the next piece stands where the one left out was.
            if enough(&rest) { best = rest } else { at = end }
        }
        // What was needed beside an item that went later may have become needless: single items are tried until all are needed.
        let again = size == 1 && best.len() < before;
        size = if again { 1 } else { size / 2 };
    }
    best
}

#[cfg(test)]
mod tests {
    use super::minimal;

    /// What is found among the first `n` numbers when these are needed, and in how many tests.
    fn search(n: usize, wanted: &[usize], most_tests: usize) -> (Vec<usize>, usize) {
        let all: Vec<usize> = (0..n).collect();
        let mut tests = 0;
        let found = minimal(&all, most_tests, &mut |some| {
            tests += 1;
            wanted.iter().all(|w| some.contains(w))
        });
        (found, tests)
    }

    #[test]
    fn what_is_needed_is_found() {
        for wanted in [&[][..], &[3], &[0, 19], &[4, 5, 6, 17], &[0, 1, 2, 3, 4, 5, 6, 7]] {
            let (found, tests) = search(20, wanted, usize::MAX);
            assert_eq!(found, wanted);
            assert!(tests < 60, "{tests} tests for {wanted:?}");
        }
        assert_eq!(search(0, &[], usize::MAX), (Vec::new(), 0));
        assert_eq!(search(1, &[0], usize::MAX), (vec![0], 1));
    }

    #[test]
    fn few_of_many_and_half_of_some_are_found_in_few_tests() {
        for wanted in [[0, 1, 2, 3, 4, 5], [251, 252, 253, 254, 255, 256], [7, 50, 101, 149, 200, 250]] {
            let (found, tests) = search(257, &wanted, 200);
            assert_eq!(found, wanted);
            assert!(tests < 200, "{tests} tests for {wanted:?}");
            assert_eq!(search(257, &wanted, 200), (found, tests), "a search is the same every time");
        }
        let every_second: Vec<usize> = (0..40).step_by(2).collect();
        for wanted in [every_second, (0..20).collect(), (20..40).collect()] {
            let (found, tests) = search(40, &wanted, 100);
            assert_eq!(found, wanted);
            assert!(tests < 100, "{tests} tests for {wanted:?}");
        }
    }

    #[test]
    fn single_items_are_tried_until_none_can_be_left_out() {
        // Each number needs the one before it, so that of 0..9 only the last can go at a time.
        let all: Vec<usize> = (0..10).collect();
        let enough = |some: &[usize]| some.contains(&9) && some.iter().all(|&x| x % 9 == 0 || some.contains(&(x - 1)));
        assert_eq!(minimal(&all, usize::MAX, &mut |some| enough(some)), [9]);
    }

    #[test]
    fn a_search_that_may_ask_no_more_gives_the_best_so_far() {
        // A half goes at each test.
        assert_eq!(search(64, &[63], 3), (vec![48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63], 3));
        assert_eq!(search(64, &[0], 0), ((0..64).collect(), 0));
    }
}
