//! The two streams that a script writes to. In: bytes, whose meaning it does not know.

use std::io::Write;

/// Where results and messages go.
pub struct Streams<'a> {
    results: &'a mut dyn Write,
    messages: &'a mut dyn Write,
    /// Whether results are discarded.
    quiet: bool,
}

impl<'a> Streams<'a> {
    /// Writes results to one stream, and warnings and messages to the other.
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

    /// Writes to the error stream, even where results are discarded.
    pub fn print_message(&mut self, bytes: &[u8]) {
        // There is no other stream to report a failure on.
        let _ = self.messages.write_all(bytes);
    }
}
