//! Tokens with their places. They contain no text except names and strings.

use super::super::diagnostic::Span;

/// A name of a variable or function, as an index into [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// Every distinct name in a script, in order of first appearance.
#[derive(Debug, Clone, Default)]
pub struct Names {
    list: Vec<String>,
    known: std::collections::HashMap<String, Symbol>,
}

impl Names {
    /// The symbol of a name, which is entered if it is new.
    pub fn intern(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.known.get(name) {
            return *symbol;
        }
        // A source is far shorter than 2^32 bytes, and every name takes at least one.
        let symbol = Symbol(self.list.len() as u32);
        self.list.push(name.to_owned());
        self.known.insert(name.to_owned(), symbol);
        symbol
    }

    /// The symbol of a name that is in the script already.
    pub fn find(&self, name: &str) -> Option<Symbol> {
        self.known.get(name).copied()
    }

    /// The name of a symbol that this table made.
    pub fn name(&self, symbol: Symbol) -> &str {
        &self.list[symbol.0 as usize]
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Words that cannot be names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the keyword of that name")]
pub enum Keyword {
    If,
    Elseif,
    Else,
    While,
    For,
    Break,
    Continue,
    End,
    Endif,
    Endwhile,
    Endfor,
}

impl Keyword {
    /// How the keyword is written.
    pub fn text(self) -> &'static str {
        match self {
            Keyword::If => "if",
            Keyword::Elseif => "elseif",
            Keyword::Else => "else",
            Keyword::While => "while",
            Keyword::For => "for",
            Keyword::Break => "break",
            Keyword::Continue => "continue",
            Keyword::End => "end",
            Keyword::Endif => "endif",
            Keyword::Endwhile => "endwhile",
            Keyword::Endfor => "endfor",
        }
    }

    /// The keyword that a word is, if it is one.
    pub fn from_text(word: &str) -> Option<Self> {
        use Keyword::*;
        [If, Elseif, Else, While, For, Break, Continue, End, Endif, Endwhile, Endfor]
            .into_iter()
            .find(|k| k.text() == word)
    }
}

/// Keywords of Octave that this language does not have.
pub const FOREIGN_KEYWORDS: &[&str] = &[
    "function",
    "endfunction",
    "end_function",
    "do",
    "until",
    "switch",
    "case",
    "otherwise",
    "endswitch",
    "end_switch",
    "try",
    "catch",
    "end_try_catch",
    "unwind_protect",
    "unwind_protect_cleanup",
    "end_unwind_protect",
    "global",
    "persistent",
    "return",
    "parfor",
    "endparfor",
    "classdef",
    "enumeration",
    "events",
    "methods",
    "properties",
    "__FILE__",
    "__LINE__",
];

/// Operators, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the operator in `OPERATORS`")]
pub enum Operator {
    Plus,
    Minus,
    Star,
    Slash,
    Backslash,
    Caret,
    DotStar,
    DotSlash,
    DotBackslash,
    DotCaret,
    /// `'`
    Quote,
    /// `.'`
    DotQuote,
    EqEq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    And,
    Or,
    AndAnd,
    OrOr,
    Not,
    Assign,
    PlusAssign,
    MinusAssign,
    StarAssign,
    SlashAssign,
    Colon,
}

/// Spellings, longest first so that the first match is the longest. `None` marks operators of Octave that this language does not have.
pub const OPERATORS: &[(&str, Option<Operator>)] = &[
    (".^'", None),
    (".**", None),
    (".*=", None),
    ("./=", None),
    (".\\=", None),
    (".^=", None),
    ("**=", None),
    ("++", None),
    ("--", None),
    ("**", None),
    ("^=", None),
    ("\\=", None),
    ("|=", None),
    ("&=", None),
    ("+=", Some(Operator::PlusAssign)),
    ("-=", Some(Operator::MinusAssign)),
    ("*=", Some(Operator::StarAssign)),
    ("/=", Some(Operator::SlashAssign)),
    ("==", Some(Operator::EqEq)),
    ("~=", Some(Operator::NotEq)),
    ("!=", Some(Operator::NotEq)),
    ("<=", Some(Operator::LessEq)),
    (">=", Some(Operator::GreaterEq)),
    ("&&", Some(Operator::AndAnd)),
    ("||", Some(Operator::OrOr)),
    (".*", Some(Operator::DotStar)),
    ("./", Some(Operator::DotSlash)),
    (".\\", Some(Operator::DotBackslash)),
    (".^", Some(Operator::DotCaret)),
    (".'", Some(Operator::DotQuote)),
    ("+", Some(Operator::Plus)),
    ("-", Some(Operator::Minus)),
    ("*", Some(Operator::Star)),
    ("/", Some(Operator::Slash)),
    ("\\", Some(Operator::Backslash)),
    ("^", Some(Operator::Caret)),
    ("<", Some(Operator::Less)),
    (">", Some(Operator::Greater)),
    ("&", Some(Operator::And)),
    ("|", Some(Operator::Or)),
    ("~", Some(Operator::Not)),
    ("!", Some(Operator::Not)),
    ("=", Some(Operator::Assign)),
    (":", Some(Operator::Colon)),
];

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the brackets and separators name themselves")]
pub enum TokenKind {
    Number(f64),
    /// The bytes of a string with its escapes already processed.
    Text {
        text: Vec<u8>,
        double_quoted: bool,
    },
    Name(Symbol),
    Keyword(Keyword),
    Op(Operator),
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Semicolon,
    /// A line end outside all brackets.
    Newline,
    EndOfText,
}

/// A token and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is; a comma that only whitespace stands for has an empty span.
    pub span: Span,
}
