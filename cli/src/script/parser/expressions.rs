//! Expressions, with Octave's precedence. In: the parser at an operand. Out: the expression.
//!
//! From weakest to strongest: `||`, `&&`, `|`, `&`, comparisons, `:`, `+ -`, `* / \` and their dotted forms, prefix
//! `- + !`, and last `^ .^ ' .'`, which are all of one level and go from left to right: `a^b'` is `(a^b)'`, `2^3^2` is `(2^3)^2`.
//! An exponent may have prefix operators of its own (`2^-1`) and indices, but no transpose.

use super::super::ast::{BinaryOp, Expr, ExprKind, Link, Postfix, PostfixKind, PrefixOp};
use super::super::diagnostic::{Diagnostic, Span};
use super::super::lexer::{Keyword, Operator, TokenKind};
use super::Parser;

/// How strongly an operator binds, from the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    OrOr,
    AndAnd,
    Or,
    And,
    Compare,
    Range,
    Sum,
    Product,
    /// Prefix operators and everything that binds more strongly, which has no operators between two operands.
    Prefix,
}

impl Level {
    fn next(self) -> Self {
        match self {
            Self::OrOr => Self::AndAnd,
            Self::AndAnd => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Compare,
            Self::Compare => Self::Range,
            Self::Range => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Prefix => Self::Prefix,
        }
    }
}

/// An operator between two operands.
struct Infix {
    level: Level,
    /// None for those that evaluate their operands only as far as needed, and for `:`.
    op: Option<BinaryOp>,
}

fn infix(op: Operator) -> Option<Infix> {
    let (level, op) = match op {
        Operator::OrOr => return Some(Infix { level: Level::OrOr, op: None }),
        Operator::AndAnd => return Some(Infix { level: Level::AndAnd, op: None }),
        Operator::Colon => return Some(Infix { level: Level::Range, op: None }),
        Operator::Or => (Level::Or, BinaryOp::Or),
        Operator::And => (Level::And, BinaryOp::And),
        Operator::EqEq => (Level::Compare, BinaryOp::Eq),
        Operator::NotEq => (Level::Compare, BinaryOp::Ne),
        Operator::Less => (Level::Compare, BinaryOp::Lt),
        Operator::LessEq => (Level::Compare, BinaryOp::Le),
        Operator::Greater => (Level::Compare, BinaryOp::Gt),
        Operator::GreaterEq => (Level::Compare, BinaryOp::Ge),
        Operator::Plus => (Level::Sum, BinaryOp::Add),
        Operator::Minus => (Level::Sum, BinaryOp::Sub),
        Operator::Star => (Level::Product, BinaryOp::MatMul),
        Operator::Slash => (Level::Product, BinaryOp::MatDiv),
        Operator::Backslash => (Level::Product, BinaryOp::MatLeftDiv),
        Operator::DotStar => (Level::Product, BinaryOp::Mul),
        Operator::DotSlash => (Level::Product, BinaryOp::Div),
        Operator::DotBackslash => (Level::Product, BinaryOp::LeftDiv),
        _ => return None,
    };
    Some(Infix { level, op: Some(op) })
}

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self) -> Result<Expr, Diagnostic> {
        self.binary(Level::OrOr)
    }

    /// An expression whose operators bind at least as strongly as `least`. The loop grows one operand to the right for each
    /// operator, so a long chain is a long list and not a deep tree.
    fn binary(&mut self, least: Level) -> Result<Expr, Diagnostic> {
        let mut left = self.prefixed()?;
        // The level at which `left` may still be extended as a list. An operand in parentheses starts afresh.
        let mut open_level = None;
        loop {
            let TokenKind::Op(op) = *self.kind() else {
                return Ok(left);
            };
            let Some(infix) = infix(op).filter(|infix| infix.level >= least) else {
                return Ok(left);
            };
            if infix.level == Level::Range {
                left = self.range(left)?;
                open_level = None;
                continue;
            }
            let op_span = self.span();
            self.advance();
            let operand = self.binary(infix.level.next())?;
            let extends = open_level == Some(infix.level);
            open_level = Some(infix.level);
            left = joined(left, extends, &infix, op_span, operand);
        }
    }

    fn range(&mut self, start: Expr) -> Result<Expr, Diagnostic> {
        self.advance();
        let mut stop = self.binary(Level::Sum)?;
        let mut step = None;
        if self.take_op(Operator::Colon) {
            step = Some(Box::new(stop));
            stop = self.binary(Level::Sum)?;
        }
        if self.is_op(Operator::Colon) {
            return Err(Diagnostic::at(self.span(), "a range has at most three parts, as in first:step:last"));
        }
        let span = start.span.to(stop.span);
        Ok(Expr { kind: ExprKind::Range { start: Box::new(start), step, stop: Box::new(stop) }, span })
    }

    fn prefix_op(&self) -> Option<PrefixOp> {
        match self.kind() {
            TokenKind::Op(Operator::Minus) => Some(PrefixOp::Minus),
            TokenKind::Op(Operator::Plus) => Some(PrefixOp::Plus),
            TokenKind::Op(Operator::Not) => Some(PrefixOp::Not),
            _ => None,
        }
    }

    /// `-a^b` is `-(a^b)`, and `!a == b` is `(!a) == b`.
    fn prefixed(&mut self) -> Result<Expr, Diagnostic> {
        let start = self.span();
        let Some(op) = self.prefix_op() else {
            return self.postfixed();
        };
        self.advance();
        let operand = self.nested(start, |p| p.prefixed())?;
        Ok(prefix(op, start, operand))
    }

    fn postfixed(&mut self) -> Result<Expr, Diagnostic> {
        let base = self.primary()?;
        let mut steps = Vec::new();
        loop {
            let start = self.span();
            let kind = match self.kind() {
                TokenKind::LeftParen => PostfixKind::Arguments(self.arguments(base.span)?),
                TokenKind::Op(Operator::Quote | Operator::DotQuote) => {
                    self.advance();
                    PostfixKind::Transpose
                }
                TokenKind::Op(op @ (Operator::Caret | Operator::DotCaret)) => {
                    let op = if *op == Operator::Caret { BinaryOp::MatPow } else { BinaryOp::Pow };
                    self.advance();
                    PostfixKind::Power(op, self.exponent()?)
                }
                _ => break,
            };
            let span = match kind {
                PostfixKind::Power(op, _) => Span { start: start.start, end: start.start + op.text().len() as u32 },
                _ => start.to(self.last_span()),
            };
            steps.push(Postfix { kind, span });
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let span = base.span.to(self.last_span());
        Ok(Expr { kind: ExprKind::Postfix { base: Box::new(base), steps }, span })
    }

    fn exponent(&mut self) -> Result<Expr, Diagnostic> {
        let start = self.span();
        if let Some(op) = self.prefix_op() {
            self.advance();
            let operand = self.nested(start, |p| p.exponent())?;
            return Ok(prefix(op, start, operand));
        }
        let base = self.primary()?;
        let mut steps = Vec::new();
        while *self.kind() == TokenKind::LeftParen {
            let start = self.span();
            let kind = PostfixKind::Arguments(self.arguments(base.span)?);
            steps.push(Postfix { kind, span: start.to(self.last_span()) });
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let span = base.span.to(self.last_span());
        Ok(Expr { kind: ExprKind::Postfix { base: Box::new(base), steps }, span })
    }

    fn primary(&mut self) -> Result<Expr, Diagnostic> {
        let span = self.span();
        let kind = match self.kind() {
            TokenKind::Number(value) => ExprKind::Number(*value),
            TokenKind::Text { text, double_quoted } => {
                ExprKind::Text { text: text.clone(), double_quoted: *double_quoted }
            }
            TokenKind::Name(symbol) => {
                let symbol = *symbol;
                ExprKind::Name { symbol, read: self.new_read() }
            }
            TokenKind::Keyword(Keyword::End) if self.indexing > 0 => ExprKind::End,
            TokenKind::Keyword(Keyword::End) => {
                return Err(Diagnostic::at(span, "'end' is a value only inside an index"));
            }
            TokenKind::LeftParen => return self.parenthesised(),
            TokenKind::LeftBracket => return self.nested(span, Self::matrix),
            TokenKind::Keyword(keyword) => {
                let text = keyword.text();
                return Err(Diagnostic::at(span, format!("'{text}' is a keyword and cannot stand in an expression")));
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.advance();
        Ok(Expr { kind, span })
    }

    fn parenthesised(&mut self) -> Result<Expr, Diagnostic> {
        let start = self.span();
        self.nested(start, |p| {
            p.advance();
            let inner = p.expression()?;
            p.refuse_assignment()?;
            if !p.take(&TokenKind::RightParen) {
                return Err(p.unexpected("an operator or ')'"));
            }
            // The parentheses leave no trace but their place: a chain in them is not extended by what follows.
            Ok(Expr { kind: inner.kind, span: start.to(p.last_span()) })
        })
    }

    /// `(a, :, end)` after a value that starts at `base`.
    pub(super) fn arguments(&mut self, base: Span) -> Result<Vec<Expr>, Diagnostic> {
        self.nested(base, |p| {
            p.indexing += 1;
            let arguments = p.argument_list();
            p.indexing -= 1;
            arguments
        })
    }

    fn argument_list(&mut self) -> Result<Vec<Expr>, Diagnostic> {
        self.advance();
        let mut arguments = Vec::new();
        if self.take(&TokenKind::RightParen) {
            return Ok(arguments);
        }
        loop {
            let bare = matches!(self.kind_ahead(1), TokenKind::Comma | TokenKind::RightParen);
            if self.is_op(Operator::Colon) && bare {
                arguments.push(Expr { kind: ExprKind::Colon, span: self.span() });
                self.advance();
            } else {
                arguments.push(self.expression()?);
            }
            if self.take(&TokenKind::RightParen) {
                return Ok(arguments);
            }
            self.refuse_assignment()?;
            if !self.take(&TokenKind::Comma) {
                return Err(self.unexpected("an operator, ',' or ')'"));
            }
        }
    }

    /// `[ … ]` from its opening bracket. Rows without elements do not count; a comma may lead and end a row.
    fn matrix(&mut self) -> Result<Expr, Diagnostic> {
        let start = self.span();
        self.advance();
        let mut rows = Vec::new();
        let mut row: Vec<Expr> = Vec::new();
        // Whether an element may come next: at a row's start and after a comma.
        let mut fresh = true;
        loop {
            match self.kind() {
                TokenKind::RightBracket => break,
                TokenKind::Semicolon => {
                    self.advance();
                    if !row.is_empty() {
                        rows.push(std::mem::take(&mut row));
                    }
                    fresh = true;
                }
                TokenKind::Comma if !fresh || (row.is_empty() && rows.is_empty()) => {
                    self.advance();
                    fresh = true;
                }
                _ if fresh => {
                    row.push(self.expression()?);
                    self.refuse_assignment()?;
                    fresh = false;
                }
                _ => return Err(self.unexpected("an operator, ',', ';' or ']'")),
            }
        }
        self.advance();
        if !row.is_empty() {
            rows.push(row);
        }
        Ok(Expr { kind: ExprKind::Matrix(rows), span: start.to(self.last_span()) })
    }
}

/// `left op operand`; `extends` says that `left` is a list of operands of this level, which grows by one.
fn joined(left: Expr, extends: bool, infix: &Infix, op_span: Span, operand: Expr) -> Expr {
    let span = left.span.to(operand.span);
    let kind = match (left.kind, infix.op) {
        (ExprKind::Chain { first, mut rest }, Some(op)) if extends => {
            rest.push(Link { op, span: op_span, operand });
            ExprKind::Chain { first, rest }
        }
        (ExprKind::ShortCircuit { and, mut operands }, None) if extends => {
            operands.push(operand);
            ExprKind::ShortCircuit { and, operands }
        }
        (kind, Some(op)) => {
            let first = Box::new(Expr { kind, span: left.span });
            ExprKind::Chain { first, rest: vec![Link { op, span: op_span, operand }] }
        }
        (kind, None) => {
            let operands = vec![Expr { kind, span: left.span }, operand];
            ExprKind::ShortCircuit { and: infix.level == Level::AndAnd, operands }
        }
    };
    Expr { kind, span }
}

fn prefix(op: PrefixOp, start: Span, operand: Expr) -> Expr {
    let span = start.to(operand.span);
    Expr { kind: ExprKind::Prefix { op, operand: Box::new(operand) }, span }
}
