//! Sets of symbols, as bits. It knows nothing about scripts.

use super::super::lexer::Symbol;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    words: Vec<u64>,
}

impl Set {
    /// The empty set over the first `names` symbols.
    pub fn new(names: usize) -> Self {
        Self { words: vec![0; names.div_ceil(64)] }
    }

    /// The empty set over the same symbols as `self`.
    pub fn empty(&self) -> Self {
        Self { words: vec![0; self.words.len()] }
    }

    pub fn contains(&self, s: Symbol) -> bool {
        self.words[s.0 as usize / 64] >> (s.0 % 64) & 1 == 1
    }

    pub fn insert(&mut self, s: Symbol) {
        self.words[s.0 as usize / 64] |= 1 << (s.0 % 64);
    }

    pub fn remove(&mut self, s: Symbol) {
        self.words[s.0 as usize / 64] &= !(1 << (s.0 % 64));
    }

    pub fn union(&mut self, other: &Set) {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a |= b;
        }
    }

    /// The members that `other` lacks, in order.
    pub fn minus(&self, other: &Set) -> Vec<Symbol> {
        let mut members = Vec::new();
        for (at, (a, b)) in self.words.iter().zip(&other.words).enumerate() {
            let mut bits = a & !b;
            while bits != 0 {
                members.push(Symbol(at as u32 * 64 + bits.trailing_zeros()));
                bits &= bits - 1;
            }
        }
        members
    }
}
