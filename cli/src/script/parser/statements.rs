//! Statements: assignments, updates, blocks. In: the parser at a statement's first token. Out: the statement, with its
//! separator consumed.

use super::super::ast::{Arm, BinaryOp, Block, Expr, Statement, StatementKind, Target, Update};
use super::super::diagnostic::{Diagnostic, Span};
use super::super::lexer::{Keyword, Operator, TokenKind};
use super::Parser;

impl Parser<'_> {
    /// Statements up to one of the keywords in `ends`, which is left in place, or up to the end of the text if none is given.
    pub(super) fn statements_until(&mut self, ends: &[Keyword]) -> Result<Vec<Statement>, Diagnostic> {
        let mut statements = Vec::new();
        loop {
            while matches!(self.kind(), TokenKind::Newline | TokenKind::Comma | TokenKind::Semicolon) {
                self.advance();
            }
            match self.kind() {
                TokenKind::EndOfText if ends.is_empty() => return Ok(statements),
                TokenKind::Keyword(keyword) if ends.contains(keyword) => return Ok(statements),
                TokenKind::EndOfText => return Err(self.unexpected("'end'")),
                _ => statements.push(self.statement()?),
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, Diagnostic> {
        let start = self.span();
        let kind = match *self.kind() {
            TokenKind::Keyword(keyword) => self.keyword_statement(keyword)?,
            _ => self.plain_statement()?,
        };
        let separated =
            matches!(self.tokens[self.at - 1].kind, TokenKind::Newline | TokenKind::Comma | TokenKind::Semicolon);
        // A statement has at least one token besides its separator.
        let last = self.tokens[self.at - 1 - usize::from(separated)].span;
        Ok(Statement { kind, span: start.to(last), dead_after: Vec::new() })
    }

    fn keyword_statement(&mut self, keyword: Keyword) -> Result<StatementKind, Diagnostic> {
        let start = self.span();
        match keyword {
            Keyword::If | Keyword::While | Keyword::For => {
                self.advance();
                self.nested(start, |p| match keyword {
                    Keyword::If => p.if_statement(start),
                    Keyword::While => p.while_statement(start),
                    _ => p.for_statement(start),
                })
            }
            Keyword::Break | Keyword::Continue => {
                if self.loops == 0 {
                    return Err(Diagnostic::at(start, format!("'{}' stands outside every loop", keyword.text())));
                }
                self.advance();
                self.separator()?;
                Ok(if keyword == Keyword::Break { StatementKind::Break } else { StatementKind::Continue })
            }
            _ => Err(Diagnostic::at(start, format!("'{}' belongs to no open block", keyword.text()))),
        }
    }

    fn if_statement(&mut self, start: Span) -> Result<StatementKind, Diagnostic> {
        const ENDS: &[Keyword] = &[Keyword::Elseif, Keyword::Else, Keyword::End, Keyword::Endif];
        let mut arms = Vec::new();
        let mut otherwise = Block::default();
        loop {
            let condition = self.condition()?;
            arms.push(Arm { condition, body: self.block(ENDS, "if", start)? });
            if !self.is_keyword(Keyword::Elseif) {
                break;
            }
            self.advance();
        }
        if self.is_keyword(Keyword::Else) {
            self.advance();
            otherwise = self.block(&[Keyword::End, Keyword::Endif], "if", start)?;
        }
        self.advance();
        Ok(StatementKind::If { arms, otherwise })
    }

    fn while_statement(&mut self, start: Span) -> Result<StatementKind, Diagnostic> {
        let condition = self.condition()?;
        let body = self.loop_body(&[Keyword::End, Keyword::Endwhile], "while", start)?;
        Ok(StatementKind::While { condition, body })
    }

    /// `for x = v` or `for (x = v)`.
    fn for_statement(&mut self, start: Span) -> Result<StatementKind, Diagnostic> {
        let parenthesised = matches!(self.kind(), TokenKind::LeftParen)
            && matches!(self.kind_ahead(1), TokenKind::Name(_))
            && *self.kind_ahead(2) == TokenKind::Op(Operator::Assign);
        if parenthesised {
            self.advance();
        }
        let variable_span = self.span();
        let TokenKind::Name(variable) = *self.kind() else {
            return Err(self.unexpected("the name of the loop variable"));
        };
        self.advance();
        if !self.take_op(Operator::Assign) {
            return Err(self.unexpected("'=' after the loop variable"));
        }
        let values = self.expression()?;
        if parenthesised && !self.take(&TokenKind::RightParen) {
            return Err(self.unexpected("')'"));
        }
        let body = self.loop_body(&[Keyword::End, Keyword::Endfor], "for", start)?;
        Ok(StatementKind::For { variable, variable_span, values, body })
    }

    fn loop_body(&mut self, ends: &[Keyword], opened: &str, start: Span) -> Result<Block, Diagnostic> {
        self.loops += 1;
        let body = self.block(ends, opened, start);
        self.loops -= 1;
        let body = body?;
        self.advance();
        Ok(body)
    }

    fn block(&mut self, ends: &[Keyword], opened: &str, start: Span) -> Result<Block, Diagnostic> {
        let statements = self.statements_until(ends).map_err(|error| {
            if matches!(self.kind(), TokenKind::EndOfText) && error.span() == Some(self.span()) {
                let (line, _) = self.source.line_and_column(start.start);
                return error.help(format!("the '{opened}' in line {line} is still open"));
            }
            error
        })?;
        Ok(Block { statements, dead_on_entry: Vec::new() })
    }

    /// A condition, after which a separator is allowed but not needed: `if x disp(1), end`.
    fn condition(&mut self) -> Result<Expr, Diagnostic> {
        let condition = self.expression()?;
        self.refuse_assignment()?;
        Ok(condition)
    }

    /// `=` where an expression goes on or ends is a mistake for `==`, or an assignment as a value.
    pub(super) fn refuse_assignment(&self) -> Result<(), Diagnostic> {
        if self.is_op(Operator::Assign) {
            let error = Diagnostic::at(self.span(), "an assignment cannot stand inside an expression");
            return Err(error.help("'==' compares; an assignment is a statement of its own"));
        }
        Ok(())
    }

    fn plain_statement(&mut self) -> Result<StatementKind, Diagnostic> {
        if *self.kind() == TokenKind::LeftBracket && self.bracket_is_target() {
            let targets = self.bracketed_targets()?;
            self.advance();
            return self.assignment(targets, true);
        }
        let start = self.at;
        let reads = self.reads;
        let value = self.expression()?;
        let update = match self.kind() {
            TokenKind::Op(Operator::Assign) => None,
            TokenKind::Op(Operator::PlusAssign) => Some(BinaryOp::Add),
            TokenKind::Op(Operator::MinusAssign) => Some(BinaryOp::Sub),
            TokenKind::Op(Operator::StarAssign) => Some(BinaryOp::MatMul),
            TokenKind::Op(Operator::SlashAssign) => Some(BinaryOp::MatDiv),
            _ => {
                let show = self.separator()?;
                return Ok(StatementKind::Expression { value, show });
            }
        };
        // What was read as a value is a target: read it again as one. The lookahead above was only to find the operator.
        let op_at = self.at;
        self.at = start;
        self.reads = reads;
        let target = self.target()?;
        if self.at != op_at {
            return Err(Diagnostic::at(value.span, "this cannot be assigned to")
                .help("the left-hand side must be a variable or a variable with one index"));
        }
        let op_span = self.span();
        self.advance();
        let Some(op) = update else {
            return self.assignment(vec![target], false);
        };
        let read = self.new_read();
        let value = self.expression()?;
        self.refuse_assignment()?;
        let show = self.separator()?;
        Ok(StatementKind::Update(Update { target, read, op, op_span, value, show }))
    }

    fn assignment(&mut self, targets: Vec<Target>, bracketed: bool) -> Result<StatementKind, Diagnostic> {
        let value = self.expression()?;
        self.refuse_assignment()?;
        let show = self.separator()?;
        Ok(StatementKind::Assign { targets, bracketed, value, show })
    }

    fn bracket_is_target(&self) -> bool {
        let close = self.partner[self.at] as usize;
        self.tokens.get(close + 1).is_some_and(|t| t.kind == TokenKind::Op(Operator::Assign))
    }

    /// `[a, ~, b(2)]` with the parser left at the `=`.
    fn bracketed_targets(&mut self) -> Result<Vec<Target>, Diagnostic> {
        let open = self.span();
        self.advance();
        let mut targets = Vec::new();
        loop {
            if self.take(&TokenKind::RightBracket) {
                if targets.is_empty() {
                    return Err(Diagnostic::at(open.to(self.last_span()), "there is nothing to assign to"));
                }
                return Ok(targets);
            }
            if !targets.is_empty() && !self.take(&TokenKind::Comma) {
                return Err(self.unexpected("',' or ']'"));
            }
            // As in a matrix, a comma may also stand before the closing bracket.
            if *self.kind() != TokenKind::RightBracket {
                targets.push(self.target()?);
            }
        }
    }

    fn target(&mut self) -> Result<Target, Diagnostic> {
        let start = self.span();
        if self.take_op(Operator::Not) {
            return Ok(Target::Ignored(start));
        }
        let TokenKind::Name(symbol) = *self.kind() else {
            return Err(Diagnostic::at(start, "this cannot be assigned to")
                .help("the left-hand side must be a variable or a variable with one index"));
        };
        self.advance();
        let arguments = if *self.kind() == TokenKind::LeftParen { Some(self.arguments(start)?) } else { None };
        Ok(Target::Variable { symbol, span: start.to(self.last_span()), arguments })
    }

    /// The end of a statement; the result says whether its value is displayed.
    fn separator(&mut self) -> Result<bool, Diagnostic> {
        match self.kind() {
            TokenKind::Semicolon => {
                self.advance();
                Ok(false)
            }
            TokenKind::Comma | TokenKind::Newline => {
                self.advance();
                Ok(true)
            }
            TokenKind::EndOfText => Ok(true),
            // `if x disp(1) end`: a keyword that ends the block also ends the statement.
            TokenKind::Keyword(
                Keyword::End | Keyword::Endif | Keyword::Endwhile | Keyword::Endfor | Keyword::Else | Keyword::Elseif,
            ) => Ok(true),
            TokenKind::Op(Operator::Assign) => {
                self.refuse_assignment()?;
                Ok(true)
            }
            _ => Err(self.unexpected("an operator or the end of the statement")),
        }
    }
}
