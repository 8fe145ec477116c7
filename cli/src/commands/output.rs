//! Text that is the whole result of a command.

use std::io::Write;

use crate::exit::{Exit, Failure};

/// Writes a result. A stream that the reader has closed is a failure without a message: nobody waits for one.
pub(super) fn write(text: &str, out: &mut dyn Write) -> Result<Exit, Failure> {
    Ok(match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::EngineFailed,
    })
}
