//! A parsed script: plain data that the parser builds, the liveness pass annotates and the interpreter walks.
//!
//! Everything that can be long in a script is a list here, not a chain of boxes (`1 + 1 + …`, `x(1)(1)…`, `elseif …`), so
//! the depth of the tree is bounded by [`super::parser::MAX_NESTING`] and recursion over it cannot exhaust the stack.

use super::diagnostic::Span;
use super::lexer::{Names, Symbol};

/// A whole script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its statements.
    pub body: Block,
    /// The names in it.
    pub names: Names,
    /// How many places read a name; their numbers are below this.
    pub reads: u32,
}

/// A list of statements.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// In order.
    pub statements: Vec<Statement>,
    /// Variables that nothing reads once this block is entered. The liveness pass fills it in.
    pub dead_on_entry: Vec<Symbol>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Its place; for a block, its first line.
    pub span: Span,
    /// Variables that nothing reads once this statement is over. The liveness pass fills it in.
    pub dead_after: Vec<Symbol>,
}

/// What a statement does.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// Computes a value, and shows it unless it ended in `;`.
    Expression {
        /// The value.
        value: Expr,
        /// Whether the result is displayed.
        show: bool,
    },
    /// `x = v`, `x(i) = v` or `[a, ~, b] = v`.
    Assign {
        /// The left-hand sides, at least one.
        targets: Vec<Target>,
        /// Whether the targets were in `[ ]`.
        bracketed: bool,
        /// The right-hand side.
        value: Expr,
        /// Whether the results are displayed.
        show: bool,
    },
    /// `x += v` and its siblings.
    Update(Update),
    /// `if … elseif … else … end`.
    If {
        /// Tried in order.
        arms: Vec<Arm>,
        /// Entered if no condition held; an absent `else` is an empty block.
        otherwise: Block,
    },
    /// `while … end`.
    While {
        /// Tested before each round.
        condition: Expr,
        /// One round.
        body: Block,
    },
    /// `for x = v … end`: one round for each column of `v`.
    For {
        /// The loop variable.
        variable: Symbol,
        /// Place of the loop variable.
        variable_span: Span,
        /// The values whose columns are assigned in turn.
        values: Expr,
        /// One round.
        body: Block,
    },
    /// Leaves the innermost loop.
    Break,
    /// Starts the next round of the innermost loop.
    Continue,
}

/// `x += v`: a value computed from the old one.
#[derive(Debug, Clone)]
pub struct Update {
    /// What is read and written.
    pub target: Target,
    /// Number of the read of the target, for the liveness pass.
    pub read: u32,
    /// The operation between old value and `value`.
    pub op: BinaryOp,
    /// Place of the operator.
    pub op_span: Span,
    /// The right-hand side.
    pub value: Expr,
    /// Whether the result is displayed.
    pub show: bool,
}

/// A condition and what it guards.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Evaluated if no condition before it held.
    pub condition: Expr,
    /// Entered if it holds.
    pub body: Block,
}

/// One left-hand side.
#[derive(Debug, Clone)]
pub enum Target {
    /// `~`: the result is dropped.
    Ignored(Span),
    /// A variable, whole or in part.
    Variable {
        /// Which.
        symbol: Symbol,
        /// Place of its name and index.
        span: Span,
        /// The index, if a part of it is assigned.
        arguments: Option<Vec<Expr>>,
    },
}

/// An expression and its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A number.
    Number(f64),
    /// A string.
    Text {
        /// Its bytes.
        text: Vec<u8>,
        /// Whether it was in `"`.
        double_quoted: bool,
    },
    /// A variable, or a function called without arguments; only the run tells which.
    Name {
        /// Which name.
        symbol: Symbol,
        /// Number of this read, for the liveness pass.
        read: u32,
    },
    /// A bare `:` as an argument.
    Colon,
    /// `end` as an index.
    End,
    /// `[ … ]` by rows.
    Matrix(Vec<Vec<Expr>>),
    /// `-x`, `+x`, `!x`.
    Prefix {
        /// The operator.
        op: PrefixOp,
        /// What it is applied to.
        operand: Box<Expr>,
    },
    /// A value followed by indices, calls, transposes and powers, applied from left to right.
    Postfix {
        /// What the first of them is applied to.
        base: Box<Expr>,
        /// At least one.
        steps: Vec<Postfix>,
    },
    /// Operators of one level of precedence, applied from left to right: `a + b - c`.
    Chain {
        /// The leftmost operand.
        first: Box<Expr>,
        /// Operators with their right operands, at least one.
        rest: Vec<Link>,
    },
    /// `a && b && c` (`and`) or `a || b || c`: evaluated only as far as needed.
    ShortCircuit {
        /// Whether it is `&&`.
        and: bool,
        /// At least two.
        operands: Vec<Expr>,
    },
    /// `start : stop` or `start : step : stop`.
    Range {
        /// First element.
        start: Box<Expr>,
        /// Distance, 1 if absent.
        step: Option<Box<Expr>>,
        /// Bound.
        stop: Box<Expr>,
    },
}

/// A step after a value.
#[derive(Debug, Clone)]
pub struct Postfix {
    /// What it does.
    pub kind: PostfixKind,
    /// Its place.
    pub span: Span,
}

/// What a step after a value does.
#[derive(Debug, Clone)]
pub enum PostfixKind {
    /// `(…)`: an index of a variable or the arguments of a function.
    Arguments(Vec<Expr>),
    /// `'` or `.'`, which are the same for the real values of this language.
    Transpose,
    /// `^` or `.^` with its exponent.
    Power(BinaryOp, Expr),
}

/// An operator and its right operand.
#[derive(Debug, Clone)]
pub struct Link {
    /// The operator.
    pub op: BinaryOp,
    /// Place of the operator.
    pub span: Span,
    /// Its right operand.
    pub operand: Expr,
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they name themselves")]
pub enum PrefixOp {
    Minus,
    Plus,
    Not,
}

/// Operators between two values, except the short-circuiting ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`text` says how each is written")]
pub enum BinaryOp {
    Add,
    Sub,
    MatMul,
    MatDiv,
    MatLeftDiv,
    MatPow,
    Mul,
    Div,
    LeftDiv,
    Pow,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

impl BinaryOp {
    /// How the operator is written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::MatMul => "*",
            BinaryOp::MatDiv => "/",
            BinaryOp::MatLeftDiv => "\\",
            BinaryOp::MatPow => "^",
            BinaryOp::Mul => ".*",
            BinaryOp::Div => "./",
            BinaryOp::LeftDiv => ".\\",
            BinaryOp::Pow => ".^",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
        }
    }
}
