//! What a random graph is grown from: a list of steps, each a handful of random words.
//!
//! Any recipe gives a valid graph, so that a recipe can be made smaller without care.

use super::dice::Words;

/// What a case is grown from.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Which sizes, dtypes and liberties the case has.
    pub head: [u16; 6],
    /// What is added, step by step.
    pub steps: Vec<[u16; 8]>,
}

impl Recipe {
    /// The recipe number `index` of a seed, of up to `steps` steps: the same in every run.
    #[must_use]
    pub fn random(seed: u64, index: u64, steps: usize) -> Self {
        let mut words = Words::new(seed, index);
        let head = std::array::from_fn(|_| words.word());
        let n = 1 + usize::from(words.word()) % steps.max(1);
        Self { head, steps: (0..n).map(|_| std::array::from_fn(|_| words.word())).collect() }
    }
}
