//! The random choices behind random graphs.

use crate::algorithms::{Lcg, Random, SplitMix};

/// A stream of random words that depends on a seed and an index only.
pub struct Words(SplitMix);

impl Words {
    /// The stream.
    #[must_use]
    pub fn new(seed: u64, index: u64) -> Self {
        let mixed = seed.wrapping_mul(0xd134_2543_de82_ef95) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(SplitMix(mixed ^ 0x2545_f491_4f6c_dd1d))
    }

    /// The next word.
    pub fn word(&mut self) -> u16 {
        (self.0.word() >> 24) as u16
    }

    /// Dice over the next words.
    pub fn dice(&mut self) -> Dice {
        let words: [u16; 12] = std::array::from_fn(|_| self.word());
        Dice::new(&words)
    }
}

/// Random choices by the words of a step; when these are used up, by a generator seeded with their hash.
pub struct Dice {
    words: Vec<u16>,
    next: usize,
    rest: Lcg,
}

impl Dice {
    /// Dice over these words.
    #[must_use]
    pub fn new(words: &[u16]) -> Self {
        let hash = words.iter().fold(0x9e37_79b9_7f4a_7c15, |h: u64, &w| {
            (h ^ u64::from(w)).wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(23)
        });
        Self { words: words.to_vec(), next: 0, rest: Lcg(hash) }
    }

    /// Whether the last of `n` equally likely outcomes came: smaller words, which shrinking tries, give the usual case.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}

impl Random for Dice {
    fn word(&mut self) -> u64 {
        match self.words.get(self.next) {
            Some(&w) => {
                self.next += 1;
                u64::from(w)
            }
            None => self.rest.word(),
        }
    }
}
