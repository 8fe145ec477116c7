//! Numbers and strings. In: the text from their first character. Out: one token each, escapes processed.

use super::super::diagnostic::{Diagnostic, Span};
use super::{Lexer, TokenKind};

impl Lexer<'_> {
    /// Digits, a fraction and an exponent (`e`, `E`, `d` or `D`). Complex and hexadecimal numbers are refused by name.
    pub(super) fn number(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        if self.peek(0) == Some(b'0') && matches!(self.peek(1), Some(b'x' | b'X' | b'b' | b'B')) {
            let span = Span::new(start, start + 2);
            return Err(Diagnostic::at(span, "hexadecimal and binary numbers are not part of the script language"));
        }
        self.digits();
        // In `1./x`, `1.*x`, `1.^x`, `1.\x` and `1.'` the dot belongs to the operator, and in `1...` to the continuation.
        let dot_is_fraction = self.peek(0) == Some(b'.')
            && !matches!(self.peek(1), Some(b'*' | b'/' | b'\\' | b'^' | b'\''))
            && !self.rest().starts_with("...");
        if dot_is_fraction {
            self.at += 1;
            self.digits();
        }
        let mantissa_end = self.at;
        let mut exponent = None;
        if matches!(self.peek(0), Some(b'e' | b'E' | b'd' | b'D')) {
            self.at += 1;
            if matches!(self.peek(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
            let first_digit = self.at;
            self.digits();
            if self.at == first_digit {
                let span = Span::new(start, self.at);
                return Err(Diagnostic::at(span, "this number's exponent has no digits"));
            }
            exponent = Some(&self.text[mantissa_end + 1..self.at]);
        }
        if let Some(next) = self.peek(0).filter(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'.') {
            return self.junk_after_number(start, next);
        }
        let mantissa = &self.text[start..mantissa_end];
        let written = format!("{mantissa}e{}", exponent.unwrap_or("0"));
        // The grammar above is within what `f64::from_str` reads, but the error costs nothing to report.
        let value: f64 = written
            .parse()
            .map_err(|_| Diagnostic::at(Span::new(start, self.at), format!("'{written}' is not a number")))?;
        self.push(TokenKind::Number(value), start);
        Ok(())
    }

    fn junk_after_number(&mut self, start: usize, next: u8) -> Result<(), Diagnostic> {
        if next == b'.' {
            // `3.*x` has been handled; what is left is `1.2.3` or `1.2.*x`, of which the second is fine.
            let operator = matches!(self.peek(1), Some(b'*' | b'/' | b'\\' | b'^' | b'\''));
            if operator || self.rest().starts_with("...") {
                let value = self.text[start..self.at].replace(['d', 'D'], "e").parse();
                let value = value.map_err(|_| Diagnostic::at(Span::new(start, self.at), "this is not a number"))?;
                self.push(TokenKind::Number(value), start);
                return Ok(());
            }
        }
        let span = Span::new(self.at, self.at + 1);
        if matches!(next, b'i' | b'j' | b'I' | b'J') {
            return Err(Diagnostic::at(span, "complex numbers are not part of the script language"));
        }
        Err(Diagnostic::at(span, format!("'{}' cannot follow a number directly", next as char)))
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// A string up to its closing quote on the same line. A doubled quote stands for one; `"…"` also has escapes.
    pub(super) fn string(&mut self, quote: u8) -> Result<(), Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut text: Vec<u8> = Vec::new();
        loop {
            let Some(character) = self.rest().chars().next().filter(|c| *c != '\n') else {
                let span = Span::new(start, start + 1);
                return Err(Diagnostic::at(span, "this string is never closed"));
            };
            self.at += character.len_utf8();
            if character == quote as char {
                if self.peek(0) != Some(quote) {
                    break;
                }
                self.at += 1;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            } else if character == '\\' && quote == b'"' {
                self.escape(start, &mut text)?;
            } else {
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.push(TokenKind::Text { text, double_quoted: quote == b'"' }, start);
        Ok(())
    }

    /// The part of an escape after its backslash. An unknown one stands for its own character, as in Octave.
    fn escape(&mut self, start: usize, text: &mut Vec<u8>) -> Result<(), Diagnostic> {
        let Some(character) = self.rest().chars().next().filter(|c| *c != '\n') else {
            return Err(Diagnostic::at(Span::new(start, start + 1), "this string is never closed"));
        };
        self.at += character.len_utf8();
        let byte = match character {
            'n' => b'\n',
            't' => b'\t',
            'r' => b'\r',
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'v' => 0x0b,
            'x' => self.code(16, 2),
            '0'..='7' => {
                self.at -= 1;
                self.code(8, 3)
            }
            other => {
                text.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
        };
        text.push(byte);
        Ok(())
    }

    fn code(&mut self, radix: u32, most: usize) -> u8 {
        let mut value = 0;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|b| (b as char).to_digit(radix)) else {
                break;
            };
            value = value * radix + digit;
            self.at += 1;
        }
        // Three octal digits can pass 255; as in C, the byte keeps the low eight bits.
        value as u8
    }
}
