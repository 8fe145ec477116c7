//! From tokens to a script.
//!
//! In: a source. Out: a [`Script`], or the first error with its place. Recursive descent with one depth limit for everything
//! that nests; repetition is parsed in loops. Statements are in `statements`, expressions in `expressions`. It knows no values
//! and does not distinguish variables from functions, which is only possible when the script runs.

mod expressions;
mod statements;

use super::ast::{Block, Script};
use super::diagnostic::{Diagnostic, SourceText, Span};
use super::lexer::{Keyword, Names, Operator, Token, TokenKind, tokenize};

/// How deep parentheses, brackets, prefix operators and blocks may nest, all counted together.
pub const MAX_NESTING: usize = 256;

/// Parses a whole script.
///
/// # Errors
/// Everything that is not in the language, with its place.
pub fn parse(source: &SourceText) -> Result<Script, Diagnostic> {
    let (tokens, names) = tokenize(source)?;
    let partner = match_brackets(&tokens)?;
    let mut parser = Parser { source, tokens, partner, names, at: 0, depth: 0, loops: 0, indexing: 0, reads: 0 };
    let statements = parser.statements_until(&[])?;
    let body = Block { statements, dead_on_entry: Vec::new() };
    Ok(Script { body, names: parser.names, reads: parser.reads })
}

struct Parser<'a> {
    source: &'a SourceText,
    tokens: Vec<Token>,
    /// For each opening bracket, the position of the one that closes it.
    partner: Vec<u32>,
    names: Names,
    at: usize,
    depth: usize,
    loops: usize,
    /// How many argument lists are open here: `end` has a meaning only inside one.
    indexing: usize,
    reads: u32,
}

/// Finds the partner of every bracket, without recursion, and refuses unbalanced ones.
fn match_brackets(tokens: &[Token]) -> Result<Vec<u32>, Diagnostic> {
    let mut partner = vec![0; tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let (closes, text) = match token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket => {
                open.push(at);
                continue;
            }
            TokenKind::RightParen => (TokenKind::LeftParen, ")"),
            TokenKind::RightBracket => (TokenKind::LeftBracket, "]"),
            _ => continue,
        };
        match open.pop() {
            Some(start) if tokens[start].kind == closes => partner[start] = at as u32,
            Some(start) => {
                let wanted = if text == ")" { "]" } else { ")" };
                let (what, span) = (describe_open(&tokens[start].kind), tokens[start].span);
                return Err(Diagnostic::at(token.span, format!("expected '{wanted}' but found '{text}'")).help(
                    format!("{what} opened {} characters earlier is still open", token.span.start - span.start),
                ));
            }
            None => {
                return Err(Diagnostic::at(token.span, format!("'{text}' closes nothing")));
            }
        }
    }
    match open.last() {
        None => Ok(partner),
        Some(start) => {
            let what = describe_open(&tokens[*start].kind);
            Err(Diagnostic::at(tokens[*start].span, format!("{what} opened here is never closed")))
        }
    }
}

fn describe_open(kind: &TokenKind) -> &'static str {
    if *kind == TokenKind::LeftParen { "the parenthesis '('" } else { "the matrix '['" }
}

impl Parser<'_> {
    fn kind(&self) -> &TokenKind {
        // The last token is EndOfText and nothing advances past it.
        &self.tokens[self.at].kind
    }

    fn kind_ahead(&self, ahead: usize) -> &TokenKind {
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].kind
    }

    fn span(&self) -> Span {
        self.tokens[self.at].span
    }

    /// The place of the token before this one.
    fn last_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span
    }

    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.advance();
        }
        found
    }

    fn is_op(&self, op: Operator) -> bool {
        *self.kind() == TokenKind::Op(op)
    }

    fn take_op(&mut self, op: Operator) -> bool {
        self.take(&TokenKind::Op(op))
    }

    fn is_keyword(&self, keyword: Keyword) -> bool {
        *self.kind() == TokenKind::Keyword(keyword)
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(
        &mut self,
        span: Span,
        parse: impl FnOnce(&mut Self) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        if self.depth == MAX_NESTING {
            let message = format!("nesting is deeper than {MAX_NESTING} levels");
            return Err(Diagnostic::at(span, message)
                .help("parentheses, brackets, prefix operators and blocks all count; use variables for parts"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn new_read(&mut self) -> u32 {
        self.reads += 1;
        self.reads - 1
    }

    /// An error at the current token: `wanted` says what would have been right.
    fn unexpected(&self, wanted: &str) -> Diagnostic {
        let found = match self.kind() {
            TokenKind::EndOfText => "the end of the script".to_owned(),
            TokenKind::Newline => "the end of the line".to_owned(),
            TokenKind::Comma if self.span().start == self.span().end => "a blank between two elements".to_owned(),
            TokenKind::Semicolon if self.source_text().starts_with('\n') => "the end of the line".to_owned(),
            TokenKind::Text { .. } => "a string".to_owned(),
            _ => format!("'{}'", self.source_text()),
        };
        Diagnostic::at(self.span(), format!("expected {wanted} but found {found}"))
    }

    fn source_text(&self) -> &str {
        let Span { start, end } = self.span();
        &self.source.text()[start as usize..end as usize]
    }
}

#[cfg(test)]
mod tests;
