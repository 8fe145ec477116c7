//! Text that is the whole result of a command.

use std::io::Write;

use crate::exit::{Exit, Failure};

/// Writes a result. If the reader has closed the stream, the command fails without a message.
pub(super) fn write(text: &str, out: &mut dyn Write) -> Result<Exit, Failure> {
    Ok(match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::EngineFailed,
    })
}
