//! Expressions, with Octave's precedence. In: the parser at an operand. Out: the expression.
//!
//! From weakest to strongest: `||`, `&&`, `|`, `&`, comparisons, `:`, `+ -`, `* / \` and their dotted forms, prefix
//! `- + !`, and last `^ .^ ' .'`, which are all of one level and go from left to right: `a^b'` is `(a^b)'`, `2^3^2` is `(2^3)^2`.
//! An exponent may have prefix operators of its own (`2^-1`) and indices, but no transpose.

use super::super::ast::{BinaryOp, Expr, ExprKind, Link, Postfix, PostfixKind, PrefixOp};
use super::super::diagnostic::{Diagnostic, Span};
use super::super::lexer::{Keyword, Op, TokenKind};
use super::Parser;

const OR_OR: u8 = 1;
const AND_AND: u8 = 2;
const OR: u8 = 3;
const AND: u8 = 4;
const COMPARE: u8 = 5;
const RANGE: u8 = 6;
const SUM: u8 = 7;
const PRODUCT: u8 = 8;

fn level(op: Op) -> Option<(u8, Option<BinaryOp>)> {
    let (level, op) = match op {
        Op::OrOr => return Some((OR_OR, None)),
        Op::AndAnd => return Some((AND_AND, None)),
        Op::Colon => return Some((RANGE, None)),
        Op::Or => (OR, BinaryOp::Or),
        Op::And => (AND, BinaryOp::And),
        Op::EqEq => (COMPARE, BinaryOp::Eq),
        Op::NotEq => (COMPARE, BinaryOp::Ne),
        Op::Less => (COMPARE, BinaryOp::Lt),
        Op::LessEq => (COMPARE, BinaryOp::Le),
        Op::Greater => (COMPARE, BinaryOp::Gt),
        Op::GreaterEq => (COMPARE, BinaryOp::Ge),
        Op::Plus => (SUM, BinaryOp::Add),
        Op::Minus => (SUM, BinaryOp::Sub),
        Op::Star => (PRODUCT, BinaryOp::MatMul),
        Op::Slash => (PRODUCT, BinaryOp::MatDiv),
        Op::Backslash => (PRODUCT, BinaryOp::MatLeftDiv),
        Op::DotStar => (PRODUCT, BinaryOp::Mul),
        Op::DotSlash => (PRODUCT, BinaryOp::Div),
        Op::DotBackslash => (PRODUCT, BinaryOp::LeftDiv),
        _ => return None,
    };
    Some((level, Some(op)))
}

impl Parser<'_> {
    /// A whole expression.
    pub(super) fn expression(&mut self) -> Result<Expr, Diagnostic> {
        self.binary(OR_OR)
    }

    /// An expression whose operators bind at least as strongly as `least`. The loop grows one operand to the right for each
    /// operator, so a long chain is a long list and not a deep tree.
    fn binary(&mut self, least: u8) -> Result<Expr, Diagnostic> {
        let mut left = self.prefixed()?;
        // The level at which `left` may still be extended as a list. An operand in parentheses starts afresh at 0.
        let mut open_level = 0;
        loop {
            let TokenKind::Op(op) = *self.kind() else {
                return Ok(left);
            };
            let Some((this, binary)) = level(op).filter(|(this, _)| *this >= least) else {
                return Ok(left);
            };
            let op_span = self.span();
            if this == RANGE {
                left = self.range(left)?;
                open_level = 0;
                continue;
            }
            self.advance();
            let operand = self.binary(this + 1)?;
            let span = left.span.to(operand.span);
            let extend = this == open_level;
            left = match (left.kind, binary) {
                (ExprKind::Chain { first, mut rest }, Some(op)) if extend => {
                    rest.push(Link { op, span: op_span, operand });
                    Expr { kind: ExprKind::Chain { first, rest }, span }
                }
                (ExprKind::ShortCircuit { and, mut operands }, None) if extend => {
                    operands.push(operand);
                    Expr { kind: ExprKind::ShortCircuit { and, operands }, span }
                }
                (kind, Some(op)) => {
                    let first = Box::new(Expr { kind, span: left.span });
                    let rest = vec![Link { op, span: op_span, operand }];
                    Expr { kind: ExprKind::Chain { first, rest }, span }
                }
                (kind, None) => {
                    let operands = vec![Expr { kind, span: left.span }, operand];
                    Expr { kind: ExprKind::ShortCircuit { and: this == AND_AND, operands }, span }
                }
            };
            open_level = this;
        }
    }

    fn range(&mut self, start: Expr) -> Result<Expr, Diagnostic> {
        self.advance();
        let mut stop = self.binary(SUM)?;
        let mut step = None;
        if self.take_op(Op::Colon) {
            step = Some(Box::new(stop));
            stop = self.binary(SUM)?;
        }
        if self.is_op(Op::Colon) {
            return Err(Diagnostic::at(self.span(), "a range has at most three parts, as in first:step:last"));
        }
        let span = start.span.to(stop.span);
        Ok(Expr { kind: ExprKind::Range { start: Box::new(start), step, stop: Box::new(stop) }, span })
    }

    fn prefix_op(&self) -> Option<PrefixOp> {
        match self.kind() {
            TokenKind::Op(Op::Minus) => Some(PrefixOp::Minus),
            TokenKind::Op(Op::Plus) => Some(PrefixOp::Plus),
            TokenKind::Op(Op::Not) => Some(PrefixOp::Not),
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
                TokenKind::Op(Op::Quote | Op::DotQuote) => {
                    self.advance();
                    PostfixKind::Transpose
                }
                TokenKind::Op(op @ (Op::Caret | Op::DotCaret)) => {
                    let op = if *op == Op::Caret { BinaryOp::MatPow } else { BinaryOp::Pow };
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
            if self.is_op(Op::Colon) && bare {
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

fn prefix(op: PrefixOp, start: Span, operand: Expr) -> Expr {
    let span = start.to(operand.span);
    Expr { kind: ExprKind::Prefix { op, operand: Box::new(operand) }, span }
}
