//! The parser against fully parenthesised readings, most of them checked with Octave, and its errors with their places.

use super::super::ast::*;
use super::super::lexer::Names;
use super::*;

fn source(text: &str) -> SourceText {
    SourceText::new("t.m", text).unwrap()
}

fn list(items: &[Expr], names: &Names) -> String {
    items.iter().map(|e| expr(e, names)).collect::<Vec<_>>().join(",")
}

/// An expression with every operation in parentheses.
fn expr(e: &Expr, names: &Names) -> String {
    match &e.kind {
        ExprKind::Number(value) => format!("{value}"),
        ExprKind::Text { text, .. } => format!("{:?}", String::from_utf8_lossy(text)),
        ExprKind::Name { symbol, .. } => names.name(*symbol).to_owned(),
        ExprKind::Colon => ":".into(),
        ExprKind::End => "end".into(),
        ExprKind::Matrix(rows) => format!("[{}]", rows.iter().map(|r| list(r, names)).collect::<Vec<_>>().join(";")),
        ExprKind::Prefix { op, operand } => {
            let op = match op {
                PrefixOp::Minus => "-",
                PrefixOp::Plus => "+",
                PrefixOp::Not => "!",
            };
            format!("({op}{})", expr(operand, names))
        }
        ExprKind::Postfix { base, steps } => {
            let mut text = expr(base, names);
            for step in steps {
                text = match &step.kind {
                    PostfixKind::Arguments(arguments) => {
                        format!("{text}({})", list(arguments, names))
                    }
                    PostfixKind::Transpose => format!("({text}')"),
                    PostfixKind::Power(op, e) => format!("({text}{}{})", op.text(), expr(e, names)),
                };
            }
            text
        }
        ExprKind::Chain { first, rest } => {
            let mut text = expr(first, names);
            for link in rest {
                text = format!("({text}{}{})", link.op.text(), expr(&link.operand, names));
            }
            text
        }
        ExprKind::ShortCircuit { and, operands } => {
            let op = if *and { "&&" } else { "||" };
            format!("({})", operands.iter().map(|e| expr(e, names)).collect::<Vec<_>>().join(op))
        }
        ExprKind::Range { start, step, stop } => match step {
            Some(step) => format!("({}:{}:{})", expr(start, names), expr(step, names), expr(stop, names)),
            None => format!("({}:{})", expr(start, names), expr(stop, names)),
        },
    }
}

fn target(t: &Target, names: &Names) -> String {
    match t {
        Target::Ignored(_) => "~".into(),
        Target::Variable { symbol, arguments: None, .. } => names.name(*symbol).into(),
        Target::Variable { symbol, arguments: Some(a), .. } => format!("{}({})", names.name(*symbol), list(a, names)),
    }
}

fn block(b: &Block, names: &Names) -> String {
    b.statements.iter().map(|s| statement(s, names)).collect::<Vec<_>>().join(" ")
}

fn statement(s: &Statement, names: &Names) -> String {
    let end = |show: bool| if show { "," } else { ";" };
    match &s.kind {
        StatementKind::Expression { value, show } => {
            format!("{}{}", expr(value, names), end(*show))
        }
        StatementKind::Assign { targets, bracketed, value, show } => {
            let targets = targets.iter().map(|t| target(t, names)).collect::<Vec<_>>().join(",");
            let targets = if *bracketed { format!("[{targets}]") } else { targets };
            format!("{targets}={}{}", expr(value, names), end(*show))
        }
        StatementKind::Update(Update { target: t, op, value, show, .. }) => {
            format!("{}{}={}{}", target(t, names), op.text(), expr(value, names), end(*show))
        }
        StatementKind::If { arms, otherwise } => {
            let arms: Vec<_> = arms
                .iter()
                .map(|arm| format!("{} {{{}}}", expr(&arm.condition, names), block(&arm.body, names)))
                .collect();
            format!("if {} else {{{}}}", arms.join(" elseif "), block(otherwise, names))
        }
        StatementKind::While { condition, body, .. } => {
            format!("while {} {{{}}}", expr(condition, names), block(body, names))
        }
        StatementKind::For { variable, values, body, .. } => {
            format!("for {}={} {{{}}}", names.name(*variable), expr(values, names), block(body, names))
        }
        StatementKind::Break => "break".into(),
        StatementKind::Continue => "continue".into(),
    }
}

fn shown(text: &str) -> String {
    let program = parse(&source(text)).unwrap_or_else(|e| panic!("{text}: {}", e.render(&source(text))));
    block(&program.body, &program.names)
}

/// The error's message and its line:column.
fn error(text: &str) -> String {
    let source = source(text);
    let error = parse(&source).map(|_| ()).expect_err(text);
    let (line, column) = source.line_and_column(error.span().expect("parser errors have a place").start);
    format!("{line}:{column} {}", error.message())
}

#[test]
fn precedence_is_octaves() {
    for (text, expected) in [
        ("-2^2", "(-(2^2)),"),
        ("2^-2^2", "((2^(-2))^2),"),
        ("2^-1'", "((2^(-1))'),"),
        ("2^3^2", "((2^3)^2),"),
        ("a^b'", "((a^b)'),"),
        ("a'^b", "((a')^b),"),
        ("2^-x(1)", "(2^(-x(1))),"),
        ("a'(1)^2", "((a')(1)^2),"),
        ("!1==0", "((!1)==0),"),
        ("-a'", "(-(a')),"),
        ("-a*b", "((-a)*b),"),
        ("!a^b", "(!(a^b)),"),
        ("2^!1", "(2^(!1)),"),
        ("3-+-2", "(3-(+(-2))),"),
        ("a+b*c-d", "((a+(b*c))-d),"),
        ("a-b-c", "((a-b)-c),"),
        ("a/b*c\\d", "(((a/b)*c)\\d),"),
        ("(a-b)-c", "((a-b)-c),"),
        ("a-(b-c)", "(a-(b-c)),"),
        ("(a*b)*c.*d", "(((a*b)*c).*d),"),
        ("a.*b./c.\\d.^e", "(((a.*b)./c).\\(d.^e)),"),
        ("1:3+1", "(1:(3+1)),"),
        ("1+1:3", "((1+1):3),"),
        ("1:2:n-1", "(1:2:(n-1)),"),
        ("-1:1", "((-1):1),"),
        ("1:3'", "(1:(3')),"),
        ("1:3==1:3", "((1:3)==(1:3)),"),
        ("1|1:3", "(1|(1:3)),"),
        ("1<2<3", "((1<2)<3),"),
        ("1|0&0", "(1|(0&0)),"),
        ("a||b&&c||d", "(a||(b&&c)||d),"),
        ("a&&b||c&&d", "((a&&b)||(c&&d)),"),
        ("(a||b)||c", "((a||b)||c),"),
        ("a==b&c~=d", "((a==b)&(c!=d)),"),
        ("a&b&&c|d", "((a&b)&&(c|d)),"),
        ("a''", "((a')'),"),
        ("x(1)(2)'", "(x(1)(2)'),"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn indices_matrices_and_ranges() {
    for (text, expected) in [
        ("x(:)", "x(:),"),
        ("x(:,1)", "x(:,1),"),
        ("x(1,:)'", "(x(1,:)'),"),
        ("x(end)", "x(end),"),
        ("x(end-1:end, [1 end])", "x(((end-1):end),[1,end]),"),
        ("x(min(end,3))", "x(min(end,3)),"),
        ("f()", "f(),"),
        ("x (2)", "x(2),"),
        ("[1 2](1)", "[1,2](1),"),
        ("a(:,1)(2)", "a(:,1)(2),"),
        ("[]", "[],"),
        ("[ ; ]", "[],"),
        ("[ , ]", "[],"),
        ("[,1]", "[1],"),
        ("[;1]", "[1],"),
        ("[1;;2]", "[1;2],"),
        ("[1,2,]", "[1,2],"),
        ("[1,2;]", "[1,2],"),
        ("[1 2;\n\n;3 4\n]", "[1,2;3,4],"),
        ("[1 2,\n3 4]", "[1,2;3,4],"),
        ("[\n1 2\n]", "[1,2],"),
        ("[1 -2]'", "([1,(-2)]'),"),
        ("[a' ; b']", "[(a');(b')],"),
        ("[1 - 2 -3]", "[(1-2),(-3)],"),
        ("['a';'b']", "[\"a\";\"b\"],"),
        ("(1 +\n 2)", "(1+2),"),
        ("x(\n1,\n2)", "x(1,2),"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn statements() {
    for (text, expected) in [
        ("x = 1", "x=1,"),
        ("x=1;;y=2,,", "x=1; y=2,"),
        ("1;2,3", "1; 2, 3,"),
        ("x(2)=5;", "x(2)=5;"),
        ("x(:,end+1) = y", "x(:,(end+1))=y,"),
        ("x(2) ...\n = 5", "x(2)=5,"),
        ("[Q,R]=qr(X,0);", "[Q,R]=qr(X,0);"),
        ("[~,i]=max(x)", "[~,i]=max(x),"),
        ("[a ~] = max(x)", "[a,~]=max(x),"),
        ("[a(2),b]=max(x)", "[a(2),b]=max(x),"),
        ("[a, b,] = f(1)", "[a,b]=f(1),"),
        ("[a]=1", "[a]=1,"),
        ("[a b]==c", "([a,b]==c),"),
        ("x += 2*3", "x+=(2*3),"),
        ("x -= 1; x *= 2; x /= 3;", "x-=1; x*=2; x/=3;"),
        ("x(3) += 1", "x(3)+=1,"),
        ("if 1, x=3, end, x", "if 1 {x=3,} else {} x,"),
        ("if a\nb\nelseif c\nd\nelse e\nend", "if a {b,} elseif c {d,} else {e,}"),
        ("if (1) -1, end", "if (1-1) {} else {}"),
        ("if 1 disp(3), end", "if 1 {disp(3),} else {}"),
        ("if x, y, endif", "if x {y,} else {}"),
        ("while 0 end", "while 0 {}"),
        ("while x > 1, x = x / 2; endwhile", "while (x>1) {x=(x/2);}"),
        ("for i=1:3 disp(i), end", "for i=(1:3) {disp(i),}"),
        ("for (i=1:2) disp(i); endfor", "for i=(1:2) {disp(i);}"),
        ("for k = X\n if k, break, end\n continue\nend", "for k=X {if k {break} else {} continue}"),
        ("x = 3; % c\ny = x'; # d\n", "x=3; y=(x');"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn errors_have_their_place() {
    for (text, expected) in [
        ("x=[1 2", "1:3 the matrix '[' opened here is never closed"),
        ("y = 1;\nx=(1", "2:3 the parenthesis '(' opened here is never closed"),
        ("x=1)", "1:4 ')' closes nothing"),
        ("x=[1)]", "1:5 expected ']' but found ')'"),
        ("x = ", "1:5 expected a value but found the end of the script"),
        ("x = \ny", "1:5 expected a value but found the end of the line"),
        ("x = 1 2", "1:7 expected an operator or the end of the statement but found '2'"),
        ("x = * 2", "1:5 expected a value but found '*'"),
        ("x!", "1:2 expected an operator or the end of the statement but found '!'"),
        ("[1 2]=3", "1:2 this cannot be assigned to"),
        ("1 = 3", "1:1 this cannot be assigned to"),
        ("x' = 3", "1:1 this cannot be assigned to"),
        ("x(1)(2) = 3", "1:1 this cannot be assigned to"),
        ("[a b] += 3", "1:1 this cannot be assigned to"),
        ("[] = 3", "1:1 there is nothing to assign to"),
        ("a = b = 3", "1:7 an assignment cannot stand inside an expression"),
        ("if a = 3, end", "1:6 an assignment cannot stand inside an expression"),
        ("f(a = 3)", "1:5 an assignment cannot stand inside an expression"),
        ("[1,,2]", "1:4 expected a value but found ','"),
        ("x=1:2:3:4", "1:8 a range has at most three parts, as in first:step:last"),
        ("end", "1:1 'end' belongs to no open block"),
        ("else", "1:1 'else' belongs to no open block"),
        ("if 1\nx=2", "2:4 expected 'end' but found the end of the script"),
        ("for i=1:2\n if i, end", "2:11 expected 'end' but found the end of the script"),
        ("while 1\nendfor", "2:1 'endfor' belongs to no open block"),
        ("break", "1:1 'break' stands outside every loop"),
        ("if 1, continue, end", "1:7 'continue' stands outside every loop"),
        ("x = end", "1:5 'end' is a value only inside an index"),
        ("[end]", "1:2 'end' is a value only inside an index"),
        ("x = if", "1:5 'if' is a keyword and cannot stand in an expression"),
        ("disp 3", "1:6 expected an operator or the end of the statement but found '3'"),
        ("for 1:3, end", "1:5 expected the name of the loop variable but found '1'"),
        ("for i, end", "1:6 expected '=' after the loop variable but found ','"),
        ("~=3", "1:1 expected a value but found '~='"),
        ("f(1 2)", "1:5 expected an operator, ',' or ')' but found '2'"),
        ("f(1,)", "1:5 expected a value but found ')'"),
        ("x(1:)", "1:5 expected a value but found ')'"),
        ("(:)", "1:2 expected a value but found ':'"),
        ("()", "1:2 expected a value but found ')'"),
        ("[a;", "1:1 the matrix '[' opened here is never closed"),
        ("x = [1 2\n", "1:5 the matrix '[' opened here is never closed"),
    ] {
        assert_eq!(error(text), expected, "{text:?}");
    }
}

#[test]
fn nesting_is_bounded_and_deep_input_is_no_danger() {
    super::super::on_deep_stack(deep_input).unwrap();
}

fn deep_input() {
    let deep =
        |open: &str, middle: &str, close: &str, n: usize| format!("x = {}{middle}{}", open.repeat(n), close.repeat(n));
    for (open, close) in
        [("(", ")"), ("[", "]"), ("- ", ""), ("!", ""), ("f(", ")"), ("2^(-", ")"), ("[(", ")]"), ("1+(", ")")]
    {
        let levels = if open == "[(" || open == "2^(-" { MAX_NESTING / 2 } else { MAX_NESTING };
        assert!(parse(&source(&deep(open, "1", close, levels))).is_ok(), "{open}");
        for n in [levels + 1, 100_000] {
            let message = error(&deep(open, "1", close, n));
            assert!(message.ends_with("nesting is deeper than 256 levels"), "{open} {n}: {message}");
        }
    }
    for open in ["if 1\n", "while 1\n", "for i=1\n", "if 0\nelseif 1\n"] {
        let blocks = |n: usize| format!("{}x = 1;\n{}", open.repeat(n), "end\n".repeat(n));
        assert!(parse(&source(&blocks(MAX_NESTING))).is_ok(), "{open}");
        assert!(error(&blocks(MAX_NESTING + 1)).ends_with("nesting is deeper than 256 levels"));
        assert!(error(&blocks(100_000)).ends_with("nesting is deeper than 256 levels"));
    }
    // Unbalanced and deep.
    assert!(error(&"[".repeat(100_000)).ends_with("never closed"));
    assert!(error(&")".repeat(100_000)).ends_with("closes nothing"));
}

#[test]
fn long_programs_are_flat() {
    for (unit, end) in [("1+", "1"), ("1*2-", "1"), ("a&&", "a"), ("a||", "a"), ("1==", "1"), ("a|", "a"), ("2^", "2")]
    {
        let text = format!("x = {}{end};", unit.repeat(100_000));
        drop(parse(&source(&text)).unwrap());
    }
    for step in ["'", ".'", "(1)", "^2"] {
        drop(parse(&source(&format!("y = x{};", step.repeat(100_000)))).unwrap());
    }
    drop(parse(&source(&format!("if 0\n{}end", "elseif 1\nx=1;\n".repeat(100_000)))).unwrap());
    drop(parse(&source(&format!("x = [{}];", "1 ".repeat(200_000)))).unwrap());
    drop(parse(&source(&format!("x = f({}1);", "1,".repeat(200_000)))).unwrap());
    drop(parse(&source(&"x = 1;\n".repeat(100_000))).unwrap());
}

#[test]
fn any_tokens_end_in_a_program_or_an_error() {
    let parts =
        ["[", "]", "(", ")", "'", "'a'", " ", "\n", ";", ",", "1", "x", "+", "~", "=", ":", "end", "if ", "for ", "+="];
    for a in parts {
        for b in parts {
            for c in parts {
                for d in ["[", ")", "'", "1", "x", "=", "end"] {
                    let _ = parse(&source(&format!("{a}{b}{c}{d}")));
                }
                let _ = parse(&source(&format!("if x\n{a}{b}{c}\nend")));
                let _ = parse(&source(&format!("x = [1 {a}{b}{c}]")));
            }
        }
    }
}
