//! The lexer's decisions: blanks in matrices, quotes, comments, numbers.

use super::*;

fn source(text: &str) -> SourceText {
    SourceText::new("t.m", text).unwrap()
}

/// Tokens as text: separators that only blanks or line ends stand for are `,_` and `;_`.
fn shown(text: &str) -> String {
    let source = source(text);
    let (tokens, names) = tokenize(&source).unwrap();
    let mut parts = Vec::new();
    for token in &tokens {
        parts.push(match &token.kind {
            TokenKind::Number(value) => format!("{value}"),
            TokenKind::Text { text, double_quoted } => {
                let text = String::from_utf8_lossy(text);
                format!("{}{text:?}", if *double_quoted { "D" } else { "S" })
            }
            TokenKind::Name(symbol) => names.name(*symbol).to_owned(),
            TokenKind::Keyword(keyword) => keyword.text().to_uppercase(),
            TokenKind::Comma if token.span.start == token.span.end => ",_".into(),
            TokenKind::Semicolon if source.text()[token.span.start as usize..].starts_with('\n') => ";_".into(),
            TokenKind::Newline => "NL".into(),
            TokenKind::EndOfText => continue,
            _ => source.text()[token.span.start as usize..token.span.end as usize].to_owned(),
        });
    }
    parts.join(" ")
}

fn error(text: &str) -> String {
    tokenize(&source(text)).unwrap_err().message().to_owned()
}

#[test]
fn blanks_in_matrices_separate_elements() {
    for (text, expected) in [
        ("[1 -2]", "[ 1 ,_ - 2 ]"),
        ("[1 - 2]", "[ 1 - 2 ]"),
        ("[1 -2 - 3 -4]", "[ 1 ,_ - 2 - 3 ,_ - 4 ]"),
        ("[1 + +2]", "[ 1 + + 2 ]"),
        ("[ -1 ]", "[ - 1 ]"),
        ("[a' b']", "[ a ' ,_ b ' ]"),
        ("[a 'b']", "[ a ,_ S\"b\" ]"),
        ("[a.' b]", "[ a .' ,_ b ]"),
        ("[a .']", "[ a .' ]"),
        ("[a .* b]", "[ a .* b ]"),
        ("[a .*b]", "[ a .* b ]"),
        ("[a .5]", "[ a ,_ 0.5 ]"),
        ("[a ~b]", "[ a ,_ ~ b ]"),
        ("[a ~= b]", "[ a ~= b ]"),
        ("[a !=b]", "[ a != b ]"),
        ("[a &b]", "[ a & b ]"),
        ("[x (1)]", "[ x ,_ ( 1 ) ]"),
        ("[x(1) (2)]", "[ x ( 1 ) ,_ ( 2 ) ]"),
        ("[f(1, -2) -3]", "[ f ( 1 , - 2 ) ,_ - 3 ]"),
        ("[(1 -2)]", "[ ( 1 - 2 ) ]"),
        ("x(1 -1)", "x ( 1 - 1 )"),
        ("x([1 end])", "x ( [ 1 ,_ END ] )"),
        ("x([end -1])", "x ( [ END ,_ - 1 ] )"),
        ("[[1 2]' [3 4]']", "[ [ 1 ,_ 2 ] ' ,_ [ 3 ,_ 4 ] ' ]"),
        ("[1 2\n3 4]", "[ 1 ,_ 2 ;_ 3 ,_ 4 ]"),
        ("[1 2 % two\n3 4]", "[ 1 ,_ 2 ;_ 3 ,_ 4 ]"),
        ("[1 2 ... two\n3]", "[ 1 ,_ 2 ,_ 3 ]"),
        ("[1...\n2]", "[ 1 ,_ 2 ]"),
        ("[f(1,\n2) 3]", "[ f ( 1 , 2 ) ,_ 3 ]"),
        ("[1 : 3]", "[ 1 : 3 ]"),
        ("[1 :3]", "[ 1 : 3 ]"),
        ("['a' 'b']", "[ S\"a\" ,_ S\"b\" ]"),
        ("[~, i] = max(x)", "[ ~ , i ] = max ( x )"),
        ("[a ~] = max(x)", "[ a ,_ ~ ] = max ( x )"),
        ("[1 ,2]", "[ 1 , 2 ]"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn a_quote_is_a_transpose_after_a_value() {
    for (text, expected) in [
        ("x'", "x '"),
        ("x '", "x '"),
        ("x''", "x ' '"),
        ("x'*y'", "x ' * y '"),
        ("(x)'", "( x ) '"),
        ("[1]'", "[ 1 ] '"),
        ("3'", "3 '"),
        ("3.'", "3 .'"),
        ("'a''b'", "S\"a'b\""),
        ("\"a\"\"b\"", "D\"a\\\"b\""),
        ("disp('a%b')", "disp ( S\"a%b\" )"),
        ("x = 'a#b' # c", "x = S\"a#b\""),
        ("x(end)'", "x ( END ) '"),
        ("if x, 'a', end", "IF x , S\"a\" , END"),
        ("\"a\\tb\\x41\\101\\n\"", "D\"a\\tbAA\\n\""),
        ("'a\\n'", "S\"a\\\\n\""),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn comments_and_continuations_leave_nothing() {
    for (text, expected) in [
        ("x % y", "x"),
        ("x # y\nz", "x NL z"),
        ("%{\n x\n%}\ny", "y"),
        ("#{\n x\n#}\ny", "y"),
        (" %{ \n%{\n a\n%}\n b\n %}\t\ny", "y"),
        ("%{ not a block\ny", "NL y"),
        ("x %{\ny", "x NL y"),
        ("x ...\n + 1", "x + 1"),
        ("x ... % note\n + 1", "x + 1"),
        ("x\r\ny\r\n", "x NL y NL"),
        ("x...", "x"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn numbers() {
    for (text, expected) in [
        ("1e3", "1000"),
        ("1d3", "1000"),
        ("1.e2", "100"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1E-3", "0.001"),
        ("1./x", "1 ./ x"),
        ("1.*x", "1 .* x"),
        ("1.^x", "1 .^ x"),
        ("1.5.*x", "1.5 .* x"),
        ("1..*x", "1 .* x"),
        ("0", "0"),
        ("1e400", "inf"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert_eq!(error("1e+"), "this number's exponent has no digits");
    assert_eq!(error("1.2.3"), "'.' cannot follow a number directly");
    assert_eq!(error("5x"), "'x' cannot follow a number directly");
    assert_eq!(error("2i"), "complex numbers are not part of the script language");
    assert_eq!(error("0x1F"), "hexadecimal and binary numbers are not part of the script language");
}

#[test]
fn what_the_language_lacks_is_named() {
    for (text, expected) in [
        ("x++", "'++' is not part of the script language"),
        ("x ^= 2", "'^=' is not part of the script language"),
        ("x |= y", "'|=' is not part of the script language"),
        ("2 ** 3", "'**' is not part of the script language"),
        ("function f()", "'function' is not part of the script language"),
        ("switch x", "'switch' is not part of the script language"),
        ("{1}", "cell arrays are not part of the script language"),
        ("@sin", "function handles are not part of the script language"),
        ("x.y", "structures and fields are not part of the script language"),
        ("x = $", "'$' has no meaning here"),
        ("x = é", "'\\u{e9}' has no meaning here"),
        ("'abc", "this string is never closed"),
        ("\"abc\\", "this string is never closed"),
        ("\"abc\n\"", "this string is never closed"),
        ("%{\nabc", "this block comment is never closed"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn any_bytes_end_in_tokens_or_an_error() {
    // Every pair and triple of characters that mean something, in and out of brackets: no panic, no endless loop.
    let parts = [
        "[", "]", "(", ")", "'", "\"", ".", "...", " ", "\n", "\r", "%", "%{", "%}", "1", "e", "x", "+", "~", "=", ":",
        "é",
    ];
    for a in parts {
        for b in parts {
            for c in parts {
                for text in [format!("{a}{b}{c}"), format!("[1 {a}{b}{c}"), format!("x = {a}\n{b}\n{c}")] {
                    let _ = tokenize(&source(&text));
                }
            }
        }
    }
}
