//! The current place in the script, and errors with that place.
//!
//! In: the span of the operation that runs. Out: errors of the script, the engine's errors as errors of the script, and the origins that
//! the engine keeps with the nodes it records.

use std::sync::Arc;

use lazurite::Origin;

use super::super::diagnostic::{Diagnostic, SourceText, Span};

/// A place in the script.
pub struct Location<'a> {
    /// The innermost running operation.
    pub span: Span,
    source: &'a SourceText,
    file: Arc<str>,
}

impl<'a> Location<'a> {
    /// The start of a script.
    pub fn new(source: &'a SourceText) -> Self {
        Self { span: Span::default(), source, file: source.name().into() }
    }

    /// The origin of nodes that are recorded here.
    pub fn origin(&self) -> Origin {
        let (line, col) = self.source.line_and_column(self.span.start);
        Origin { file: self.file.clone(), line, col, label: None }
    }

    /// An error in the script, here.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.span, message)
    }

    /// The engine's error as one of the script, at the operation that recorded the failing node if the engine knows it.
    pub fn engine_error(&self, error: &lazurite::Error) -> Diagnostic {
        let mut message = error.to_string();
        let mut span = self.span;
        if let Some(origin) = error.origin().filter(|origin| origin.file == self.file) {
            message = message.strip_prefix(&format!("{origin}: ")).unwrap_or(&message).to_owned();
            span = self.source.span_at(origin.line, origin.col);
        }
        let diagnostic = Diagnostic::at(span, message);
        let of_input = error.is_shape()
            || error.is_dtype()
            || error.is_argument()
            || error.is_out_of_memory()
            || error.is_numeric();
        if of_input { diagnostic } else { diagnostic.caused_by_engine() }
    }

    /// A warning about a place in the script.
    pub fn warning(&self, span: Span, message: &str) -> String {
        let (line, column) = self.source.line_and_column(span.start);
        format!("warning: {message}\n --> {}:{line}:{column}\n", self.source.name())
    }
}
