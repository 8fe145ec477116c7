//! WGSL while it is put together: expressions, and the one writer that puts statements into text.
//!
//! The writer declares names, numbers those that are made up, and indents blocks. It knows no kernels and no dtypes.

use std::fmt;

/// An expression. It reads what the statements before it declared. One that is handed on may stand as the operand of any operator;
/// one that is made on the spot for a declaration or an argument need not be in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expr(String);

impl Expr {
    /// The expression with this text. [`expr!`] formats one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An [`Expr`] from a format string and its arguments.
macro_rules! expr {
    ($($text:tt)*) => { $crate::kernels::text::Expr::new(format!($($text)*)) };
}
pub(super) use expr;

/// Statements, written one after the other.
#[derive(Debug, Default)]
pub(super) struct Code {
    text: String,
    /// Blocks that are open.
    depth: usize,
    /// Names made up so far.
    n_fresh: u32,
}

impl Code {
    /// A name that was not made up before.
    pub fn fresh(&mut self) -> String {
        self.n_fresh += 1;
        format!("t{}", self.n_fresh)
    }

    /// `let name = value;`
    pub fn declare(&mut self, name: impl fmt::Display, value: &Expr) -> Expr {
        self.line(format_args!("let {name} = {value};"));
        Expr(name.to_string())
    }

    /// `var name: of = value;`
    pub fn variable(&mut self, name: impl fmt::Display, of: &str, value: &Expr) -> Expr {
        self.line(format_args!("var {name}: {of} = {value};"));
        Expr(name.to_string())
    }

    /// `to = value;`
    pub fn assign(&mut self, to: &Expr, value: &Expr) {
        self.line(format_args!("{to} = {value};"));
    }

    /// `return value;`
    pub fn returns(&mut self, value: &Expr) {
        self.line(format_args!("return {value};"));
    }

    /// Threads of a workgroup wait for one another.
    pub fn barrier(&mut self) {
        self.line(format_args!("workgroupBarrier();"));
    }

    /// A statement of another kind, in one line.
    pub fn statement(&mut self, text: impl fmt::Display) {
        self.line(format_args!("{text}"));
    }

    /// Opens a block; `head` stands before its brace.
    pub fn open(&mut self, head: impl fmt::Display) {
        let head = head.to_string();
        self.line(format_args!("{head}{}{{", if head.is_empty() { "" } else { " " }));
        self.depth += 1;
    }

    /// Opens the block of a loop: `head` stands before its brace, and `bound` says behind it how often the loop runs at most.
    pub fn open_loop(&mut self, head: impl fmt::Display, bound: impl fmt::Display) {
        self.line(format_args!("{head} {{ {bound}"));
        self.depth += 1;
    }

    /// Closes the innermost block.
    pub fn close(&mut self) {
        self.depth -= 1;
        self.line(format_args!("}}"));
    }

    /// Takes out what was written so far. Names go on being numbered, and open blocks stay open.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Takes out what was written so far, and goes on behind `text`, which [`Code::take`] took out before.
    pub fn replace(&mut self, text: String) -> String {
        std::mem::replace(&mut self.text, text)
    }

    /// Puts text written by [`Code::take`] behind what is written now.
    pub fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        use fmt::Write as _;
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        // Writing into a string cannot fail.
        let _ = self.text.write_fmt(text);
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_declared_numbered_and_indented() {
        let mut code = Code::default();
        let one = code.declare("one", &expr!("1u"));
        code.open(format_args!("if ({one} > 0u)"));
        let name = code.fresh();
        let sum = code.variable(name, "u32", &expr!("({one} + {one})"));
        code.assign(&sum, &one);
        let inner = code.take();
        code.append(&inner);
        code.close();
        assert_eq!(code.fresh(), "t2");
        assert_eq!(code.take(), "let one = 1u;\nif (one > 0u) {\n    var t1: u32 = (one + one);\n    t1 = one;\n}\n");
    }
}
