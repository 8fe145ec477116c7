//! The reading position in a rule file, and the problems found so far.

use super::lexer::{Spanned, Token, tokens};
use super::problems::Problem;
use super::signature::nearest;

/// A part of a rule; on failure, the problem has been noted in the reader.
pub(super) type Read<T> = Result<T, ()>;

/// The reading position and what went wrong so far.
pub(super) struct Reader {
    tokens: Vec<Spanned>,
    at: usize,
    pub(super) problems: Vec<Problem>,
    /// The rule being read.
    pub(super) rule: Option<String>,
    /// How deep the expression being read is nested.
    pub(super) depth: usize,
    /// Infix and postfix operations of the rule so far.
    pub(super) links: usize,
}

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        Self { tokens: tokens(text), at: 0, problems: Vec::new(), rule: None, depth: 0, links: 0 }
    }

    /// The next token.
    pub(super) fn peek(&self) -> &Spanned {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Spanned {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Whether the next token is a name that is an argument by itself.
    pub(super) fn bare_word(&self) -> bool {
        let after = self.tokens.get(self.at + 1).map(|t| &t.token);
        matches!(self.peek().token, Token::Word(_)) && matches!(after, Some(Token::Sign("," | ")")))
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.peek().token, Token::Sign(s) if s == sign)
    }

    /// Takes the next token if it is this sign.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        if is {
            self.next();
        }
        is
    }

    /// Takes the next token if it is this word.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is = matches!(&self.peek().token, Token::Word(w) if w == word);
        if is {
            self.next();
        }
        is
    }

    pub(super) fn want(&mut self, sign: &'static str, why: &str) -> Read<Spanned> {
        if self.is(sign) {
            return Ok(self.next());
        }
        let found = self.peek().clone();
        self.fail(&found, format!("expected '{sign}' {why}, found {}", found.token.shown()), None)
    }

    /// Takes a word; `what` says which is expected.
    pub(super) fn want_word(&mut self, what: &str) -> Read<(Spanned, String)> {
        let token = self.next();
        match token.token.clone() {
            Token::Word(word) => Ok((token, word)),
            other => self.fail(&token, format!("expected {what}, found {}", other.shown()), None),
        }
    }

    pub(super) fn fail<T>(&mut self, at: &Spanned, message: String, help: Option<String>) -> Read<T> {
        self.problems.push(Problem { message, at: at.at, len: at.len, rule: self.rule.clone(), help });
        Err(())
    }

    /// Notes a problem with the next token.
    pub(super) fn fail_here<T>(&mut self, message: String, help: Option<String>) -> Read<T> {
        let here = self.peek().clone();
        self.fail(&here, message, help)
    }

    /// Skips to the next statement.
    pub(super) fn recover(&mut self) {
        while !matches!(&self.peek().token, Token::End)
            && !matches!(&self.peek().token, Token::Word(w) if w == "rule" || w == "phase")
        {
            self.at += 1;
        }
    }
}

/// "did you mean", or the list.
pub(super) fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("known are: {}", known.join(", ")),
    }
}
