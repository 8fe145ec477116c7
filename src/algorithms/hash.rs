//! A word-at-a-time multiply-rotate hash with a fixed seed.
//!
//! Equal input has equal hashes in every run and on every machine, so that golden files and dumps can name them. It is no defence
//! against chosen input: where a collision would matter, the caller compares in full.

use std::hash::Hasher;

/// The hash of what was mixed so far.
#[derive(Clone, Copy, Debug)]
pub struct FixedHasher(u64);

impl Default for FixedHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl FixedHasher {
    /// The hash of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// Mixes in one word.
    #[inline(always)]
    pub const fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(29);
    }

    /// Mixes in a text with its length.
    pub const fn mix_text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.mix(bytes.len() as u64);
        let mut i = 0;
        while i < bytes.len() {
            self.mix(bytes[i] as u64);
            i += 1;
        }
    }

    /// The hash, with its bits spread: [`Hasher::finish`] for constants.
    #[inline(always)]
    #[must_use]
    pub const fn value(self) -> u64 {
        let x = self.0 ^ (self.0 >> 32);
        x.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (x >> 29)
    }
}

impl Hasher for FixedHasher {
    #[inline(always)]
    fn finish(&self) -> u64 {
        self.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word) ^ ((chunk.len() as u64) << 56));
        }
    }

    #[inline(always)]
    fn write_u8(&mut self, v: u8) {
        self.mix(u64::from(v));
    }

    #[inline(always)]
    fn write_u32(&mut self, v: u32) {
        self.mix(u64::from(v));
    }

    #[inline(always)]
    fn write_u64(&mut self, v: u64) {
        self.mix(v);
    }

    #[inline(always)]
    fn write_usize(&mut self, v: usize) {
        self.mix(v as u64);
    }

    #[inline(always)]
    fn write_isize(&mut self, v: isize) {
        self.mix(v as u64);
    }

    #[inline(always)]
    fn write_i64(&mut self, v: i64) {
        self.mix(v as u64);
    }
}
