//! A rule file as tokens, with their places.

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// The name of a rule, which may hold dashes.
    RuleName(String),
    /// A number.
    Number(f64),
    /// A text in quotes.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    /// Something that is none of these.
    Bad(String),
    /// The end.
    End,
}

/// A token and where it is: bytes from the start of the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) at: usize,
    pub(super) len: usize,
}

/// Longer signs first.
const SIGNS: [&str; 15] = ["<=>", "=>", "|", "+", "-", "*", "/", "@", "^", "'", "(", ")", ",", ":", "="];

/// All tokens of a text; comments run from `#` to the end of the line.
pub(super) fn tokens(text: &str) -> Vec<Spanned> {
    let mut out: Vec<Spanned> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if c == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let after_rule = out.last().is_some_and(|s| s.token == Token::Word("rule".into()));
        let (token, len) = if after_rule && c.is_ascii_alphanumeric() {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').unwrap_or(rest.len());
            (Token::RuleName(rest[..len].into()), len)
        } else if c.is_ascii_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (Token::Word(rest[..len].into()), len)
        } else if c.is_ascii_digit() {
            let len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            match rest[..len].parse() {
                Ok(x) => (Token::Number(x), len),
                Err(_) => (Token::Bad(rest[..len].into()), len),
            }
        } else if c == '"' {
            match rest[1..].find(['"', '\n']) {
                Some(end) if rest[1 + end..].starts_with('"') => (Token::Text(rest[1..=end].into()), end + 2),
                end => {
                    let len = end.map_or(rest.len(), |e| e + 1);
                    (Token::Bad(rest[..len].trim_end().into()), len)
                }
            }
        } else if let Some(sign) = SIGNS.into_iter().find(|s| rest.starts_with(s)) {
            (Token::Sign(sign), sign.len())
        } else {
            (Token::Bad(c.into()), c.len_utf8())
        };
        out.push(Spanned { token, at, len });
        at += len;
    }
    out.push(Spanned { token: Token::End, at: text.trim_end().len(), len: 1 });
    out
}

impl Token {
    /// The token as a message names it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(w) | Self::RuleName(w) => format!("'{w}'"),
            Self::Number(x) => format!("'{x}'"),
            Self::Text(_) => "a text".into(),
            Self::Sign(s) => format!("'{s}'"),
            Self::Bad(s) => format!("'{s}'"),
            Self::End => "the end of the file".into(),
        }
    }
}
