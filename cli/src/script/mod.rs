//! The matrix language: a subset of what MATLAB and GNU Octave share.
//!
//! In: the text of a script. Out: its effects, through the engine's public interface alone. The way is
//! `lexer` → `parser` → `liveness` → `interpreter`; nothing before the interpreter knows of values.

pub mod ast;
pub mod classes;
pub mod cnumber;
pub mod diagnostic;
pub mod display;
pub mod host;
pub mod lexer;
pub mod liveness;
pub mod parser;
pub mod printf;

/// Stack for parsing and running a script. Both recurse at most [`parser::MAX_NESTING`] levels deep, but unoptimised code
/// spends several kilobytes on a level.
const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a thread whose stack holds the deepest script that is accepted.
///
/// # Errors
/// The system refused to start a thread, or `work` panicked.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, diagnostic::Diagnostic> {
    let failure = |what: String| diagnostic::Diagnostic::unplaced(what).blame_engine();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| failure(format!("no thread could be started: {error}")))?;
        thread.join().map_err(|_| failure("the program failed inside; this is a bug".into()))
    })
}
