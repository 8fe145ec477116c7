//! The state of `rand` and `randn`. Every call draws from a stream of its own of the generator, so that equal scripts with equal seeds draw
//! equal numbers, on every device.

/// A seed, and how many streams of it have been drawn from.
#[derive(Default)]
pub struct RandomState {
    seed: u32,
    drawn: u32,
}

/// What a call draws from: the key and the stream of the generator.
#[derive(Clone, Copy)]
pub struct RandomStream {
    /// The seed.
    pub key: u32,
    /// The number of the call.
    pub stream: u32,
}

impl RandomState {
    /// The first stream of a seed.
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
