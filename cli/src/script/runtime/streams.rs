//! The two streams that a script writes to. In: bytes. It knows nothing of their meaning.

use std::io::Write;

/// Where results and messages go.
pub struct Streams<'a> {
    results: &'a mut dyn Write,
    messages: &'a mut dyn Write,
    /// Whether results are dropped.
    quiet: bool,
}

impl<'a> Streams<'a> {
    /// Results to one stream, warnings and messages to the other.
    pub fn new(results: &'a mut dyn Write, messages: &'a mut dyn Write, quiet: bool) -> Self {
        Self { results, messages, quiet }
    }

    /// Writes results.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn print(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.quiet { Ok(()) } else { self.results.write_all(bytes) }
    }

    /// Writes to the error stream, also where results are dropped.
    pub fn print_message(&mut self, bytes: &[u8]) {
        // Nobody is left to be told when this fails.
        let _ = self.messages.write_all(bytes);
    }
}
