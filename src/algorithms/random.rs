//! Random numbers from a seed.
//!
//! A seed stands for what was made from it: the numbers of the checker's cases, the limits within which seeded faults must be caught
//! and limits that tests state hold for these generators and their words alone. That is why there are three: none took the place of
//! another. Choices are made from the words of each in the same way.

/// A source of random words and what is chosen by them.
pub trait Random {
    /// The next word. How many of its low bits are random is the generator's.
    fn word(&mut self) -> u64;

    /// A number below `n`; 0 where `n` is 0.
    fn below(&mut self, n: usize) -> usize {
        (self.word() % n.max(1) as u64) as usize
    }

    /// Whether the first of `n` equally likely outcomes came.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these, of which there must be one.
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A linear congruential generator with Knuth's constants for 64 bits; a word is the upper 31 bits of its state.
#[derive(Clone, Debug)]
pub struct Lcg(pub u64);

impl Random for Lcg {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        self.0 >> 33
    }
}

/// Marsaglia's xorshift with the shifts 13, 7 and 17; a word is the upper 53 bits of its state, which must not be 0.
#[derive(Clone, Debug)]
pub struct Xorshift(pub u64);

impl Random for Xorshift {
    fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014); a word has 64 random bits.
#[derive(Clone, Debug)]
pub struct SplitMix(pub u64);

impl SplitMix {
    /// Uniform on [0, 1) in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Random for SplitMix {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What seeds stand for depends on these words.
    #[test]
    fn the_streams_stay_what_they_are() {
        assert_eq!(
            [0u64; 3].map({
                let mut r = SplitMix(0);
                move |_| r.word()
            }),
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f,]
        );
        assert_eq!(Lcg(0).word(), 0x1405_7b7e_f767_814f >> 33);
        assert_eq!(Xorshift(1).word(), 0x4082_2041 >> 11);
    }
}
