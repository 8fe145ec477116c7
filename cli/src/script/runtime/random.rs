//! The state of `rand` and `randn`. Every call draws from its own stream of the generator, so that a script with the same seed draws the
//! same numbers on every device.

/// A seed, and the number of streams that have been used.
#[derive(Default)]
pub struct RandomState {
    seed: u32,
    drawn: u32,
}

/// The stream that one call draws from.
#[derive(Clone, Copy)]
pub struct RandomStream {
    /// The seed.
    pub key: u32,
    /// The number of the call.
    pub stream: u32,
}

impl RandomState {
    /// The state after `rng(seed)`.
    pub fn seeded(seed: u32) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The stream for the next call.
    pub fn next_stream(&mut self) -> RandomStream {
        let stream = self.drawn;
        self.drawn = stream.wrapping_add(1);
        RandomStream { key: self.seed, stream }
    }
}
