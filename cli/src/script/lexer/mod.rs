//! From text to tokens.
//!
//! In: a source. Out: tokens among which whitespace has no meaning: inside `[ ]`, blanks and line ends have become commas and
//! semicolons, and `'` is either a transpose or a string. Numbers and strings are read in `literals`. The only grammar it
//! knows is which tokens can end and start an element.

mod literals;
mod token;

use super::diagnostic::{Diagnostic, SourceText, Span};
use token::{FOREIGN_KEYWORDS, OPERATORS};
pub use token::{Keyword, Names, Operator, Symbol, Token, TokenKind};

/// The tokens of a script, ending with [`TokenKind::EndOfText`], and the names in it.
///
/// # Errors
/// Characters, words and operators that the language does not have, and literals that do not end.
pub fn tokenize(source: &SourceText) -> Result<(Vec<Token>, Names), Diagnostic> {
    let mut lexer = Lexer {
        text: source.text(),
        at: 0,
        tokens: Vec::new(),
        names: Names::default(),
        open: Vec::new(),
        space: false,
    };
    lexer.run()?;
    Ok((lexer.tokens, lexer.names))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    names: Names,
    /// The brackets that are open here: `(` or `[`.
    open: Vec<u8>,
    /// Whether blanks, a comment or a continuation came before the next token.
    space: bool,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), Diagnostic> {
        let mut line_start = true;
        loop {
            if line_start && self.skip_block_comment()? {
                self.space = true;
                continue;
            }
            line_start = false;
            let Some(byte) = self.peek(0) else { break };
            match byte {
                b' ' | b'\t' | b'\r' | 0x0c => {
                    self.at += 1;
                    self.space = true;
                }
                b'\n' => {
                    self.line_end();
                    line_start = true;
                }
                b'%' | b'#' => {
                    self.skip_line();
                    self.space = true;
                }
                b'.' if self.rest().starts_with("...") => {
                    self.skip_line();
                    self.at = (self.at + 1).min(self.text.len());
                    self.space = true;
                    line_start = true;
                }
                _ => self.token(byte)?,
            }
        }
        self.push(TokenKind::EndOfText, self.at);
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn in_matrix(&self) -> bool {
        self.open.last() == Some(&b'[')
    }

    fn skip_line(&mut self) {
        self.at = self.rest().find('\n').map_or(self.text.len(), |n| self.at + n);
    }

    /// A line end separates statements, rows of a matrix, or (inside parentheses, as in Octave) nothing.
    fn line_end(&mut self) {
        let start = self.at;
        self.at += 1;
        match self.open.last() {
            None => self.push(TokenKind::Newline, start),
            Some(b'[') => self.push(TokenKind::Semicolon, start),
            Some(_) => {}
        }
        self.space = true;
    }

    /// Skips `%{ … %}`, each alone on its line, nested to any depth. Called at the start of a line.
    fn skip_block_comment(&mut self) -> Result<bool, Diagnostic> {
        let opens = |line: &str| matches!(line.trim(), "%{" | "#{");
        let closes = |line: &str| matches!(line.trim(), "%}" | "#}");
        let line = |text: &str| text.find('\n').map_or(text.len(), |n| n + 1);
        let length = line(self.rest());
        if !opens(&self.rest()[..length]) {
            return Ok(false);
        }
        let start = self.at + self.rest().find(['%', '#']).unwrap_or(0);
        let mut depth = 0u32;
        while self.at < self.text.len() {
            let length = line(self.rest());
            let this = &self.rest()[..length];
            if opens(this) {
                depth += 1;
            } else if closes(this) {
                depth -= 1;
            }
            self.at += length;
            if depth == 0 {
                return Ok(true);
            }
        }
        Err(Diagnostic::at(Span::new(start, start + 2), "this block comment is never closed")
            .help("a line with only %} ends it"))
    }

    fn token(&mut self, byte: u8) -> Result<(), Diagnostic> {
        if self.separates_elements(byte) {
            let at = self.at;
            self.tokens.push(Token { kind: TokenKind::Comma, span: Span::new(at, at) });
        }
        let start = self.at;
        match byte {
            b'0'..=b'9' => return self.number(),
            b'.' if self.peek(1).is_some_and(|b| b.is_ascii_digit()) => return self.number(),
            b'"' => return self.string(b'"'),
            b'\'' => {
                if self.quote_transposes() {
                    self.at += 1;
                    self.push(TokenKind::Op(Operator::Quote), start);
                    return Ok(());
                }
                return self.string(b'\'');
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => return self.word(),
            _ => {}
        }
        let kind = match byte {
            b'(' => {
                self.open.push(b'(');
                TokenKind::LeftParen
            }
            b'[' => {
                self.open.push(b'[');
                TokenKind::LeftBracket
            }
            // The parser checks that the brackets match.
            b')' => {
                self.open.pop();
                TokenKind::RightParen
            }
            b']' => {
                self.open.pop();
                TokenKind::RightBracket
            }
            b',' => TokenKind::Comma,
            b';' => TokenKind::Semicolon,
            _ => return self.operator(),
        };
        self.at += 1;
        self.push(kind, start);
        Ok(())
    }

    /// Whether blanks before the token that starts here stand for a comma. They do inside `[ ]` where an element has
    /// ended and one can start; `+` and `-` start one only if no blank follows them.
    fn separates_elements(&self, byte: u8) -> bool {
        if !self.space || !self.in_matrix() || !self.last_ends_operand() {
            return false;
        }
        let next = self.peek(1);
        let blank_next = matches!(next, None | Some(b' ' | b'\t' | b'\r' | b'\n'));
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' | b'"' | b'\'' | b'(' | b'[' | b'{' | b'@' => true,
            b'.' => next.is_some_and(|b| b.is_ascii_digit()),
            b'!' | b'~' => next != Some(b'='),
            b'+' | b'-' => !blank_next && next != Some(b'=') && !self.rest().starts_with("..."),
            _ => false,
        }
    }

    fn last_ends_operand(&self) -> bool {
        match self.tokens.last().map(|t| &t.kind) {
            Some(TokenKind::Number(_) | TokenKind::Text { .. } | TokenKind::Name(_)) => true,
            Some(TokenKind::RightParen | TokenKind::RightBracket) => true,
            Some(TokenKind::Op(Operator::Quote | Operator::DotQuote)) => true,
            // Inside brackets `end` is the last index; elsewhere it ends a block.
            Some(TokenKind::Keyword(Keyword::End)) => !self.open.is_empty(),
            // `[~, i] = …`: here `~` stands for a result, and a blank after it separates.
            _ => false,
        }
    }

    fn quote_transposes(&self) -> bool {
        self.last_ends_operand() && !(self.space && self.in_matrix())
    }

    fn word(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        while self.peek(0).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        if FOREIGN_KEYWORDS.contains(&word) {
            return Err(unsupported(Span::new(start, self.at), word));
        }
        let kind = match Keyword::from_text(word) {
            Some(keyword) => TokenKind::Keyword(keyword),
            None => TokenKind::Name(self.names.intern(word)),
        };
        self.push(kind, start);
        Ok(())
    }

    fn operator(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        for (text, op) in OPERATORS {
            if !self.rest().starts_with(text) {
                continue;
            }
            self.at += text.len();
            let span = Span::new(start, self.at);
            match op {
                Some(op) => {
                    self.push(TokenKind::Op(*op), start);
                    return Ok(());
                }
                None => return Err(unsupported(span, text)),
            }
        }
        // `operator` is only called while a character remains.
        let character = self.rest().chars().next().unwrap_or(' ');
        let span = Span::new(start, start + character.len_utf8());
        Err(match character {
            '{' | '}' => Diagnostic::at(span, "cell arrays are not part of the script language"),
            '@' => Diagnostic::at(span, "function handles are not part of the script language"),
            '.' => Diagnostic::at(span, "structures and fields are not part of the script language"),
            _ => Diagnostic::at(span, format!("'{}' has no meaning here", character.escape_default())),
        })
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        self.tokens.push(Token { kind, span: Span::new(start, self.at) });
        self.space = false;
    }
}

fn unsupported(span: Span, text: &str) -> Diagnostic {
    let error = Diagnostic::at(span, format!("'{text}' is not part of the script language"));
    match text {
        "++" => error.help("write 'x += 1' to count up, and '+ +' for a sum with a sign"),
        "--" => error.help("write 'x -= 1' to count down, and '- -' for a difference with a sign"),
        "**" => error.help("write '^'"),
        ".**" => error.help("write '.^'"),
        _ if text.ends_with('=') => error.help("write the assignment in full, as in 'x = x .* y'"),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
