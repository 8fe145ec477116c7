//! Threads: tasks by number, handed to the pool when there is enough work, in order otherwise.
//!
//! Which thread runs a task never decides a result: tasks write to places of their own and partial results are combined by
//! number.

/// Elements below which starting threads costs more than it brings.
#[cfg(feature = "threads")]
const PARALLEL: usize = super::tile::or_in_miri(1 << 15, 64);

/// Runs `f(state, task)` for every task; `work` is the number of elements behind them all. Each thread makes its own state.
pub(crate) fn for_each<S>(
    tasks: usize,
    work: usize,
    state: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, usize) + Sync + Send,
) {
    #[cfg(feature = "threads")]
    if tasks > 1 && work >= PARALLEL && rayon::current_num_threads() > 1 {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        (0..tasks).into_par_iter().for_each_init(state, |s, task| f(s, task));
        return;
    }
    let _ = work;
    let mut s = state();
    for task in 0..tasks {
        f(&mut s, task);
    }
}

/// How many threads work on large tasks.
pub(crate) fn count(work: usize) -> usize {
    #[cfg(feature = "threads")]
    if work >= PARALLEL {
        return rayon::current_num_threads();
    }
    let _ = work;
    1
}
