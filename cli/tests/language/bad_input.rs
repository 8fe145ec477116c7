//! Bad input: each case is one clear error with its place and the right cause, and none panics or hangs.

use std::path::Path;

use crate::support::folder::Folder;
use crate::support::scripts::{cpu, run_with, settings};
use lazurite::Engine;
use lazurite_cli::script::diagnostic::{Cause, SourceText};

/// Runs a script and describes its error as `line:column message`.
fn error(engine: &Engine, folder: &Path, text: &str) -> String {
    let ran = run_with(engine, "bad.m", text, &settings(folder), &[]);
    let error = match ran.result {
        Ok(_) => panic!("no error from:\n{text}\nbut: {}", ran.output),
        Err(error) => error,
    };
    assert_eq!(error.cause(), Cause::Input, "{text}: {error}");
    let source = SourceText::new("bad.m", text).unwrap();
    let span = error.span().unwrap_or_else(|| panic!("{text}: '{error}' has no place"));
    assert!(error.render(&source).contains('^'), "{text}");
    let (line, column) = source.line_and_column(span.start);
    format!("{line}:{column} {}", error.message())
}

/// A folder with files that are wrong in their own ways, and one that is not.
fn files() -> Folder {
    let folder = Folder::new("bad-input");
    let npy = |descr: &str, shape: &str| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&[0; 16]);
        bytes
    };
    folder.write("truncated.npy", npy("<f8", "(3,)"));
    folder.write("huge.npy", npy("<f8", "(134217728,)"));
    folder.write("complex.npy", npy("<c16", "(1,)"));
    folder.write("text.npy", "1,2,3");
    folder.write("ragged.csv", "1,2\n3,4\n5\n");
    folder.write("words.csv", "1,2\n3,four\n");
    folder.write("good.csv", "1,2\n3,4\n");
    folder
}

const CASES: &[(&str, &str, &str)] = &[
    // Files.
    ("x = load('missing.npy');", "1:5 ", "missing.npy: No such file"),
    ("x = load('missing.mat');", "1:5 ", "only .npy and .csv files can be read"),
    (
        "y = 1;\nx = load('truncated.npy');",
        "2:5 ",
        "the header states [3] elements of 8 bytes, but only 16 bytes follow",
    ),
    ("x = load('huge.npy');", "1:5 ", "only 16 bytes follow"),
    ("x = load('complex.npy');", "1:5 ", "elements of type '<c16' are not supported"),
    ("x = load('text.npy');", "1:5 ", "this is not an .npy file"),
    ("x = load('ragged.csv');", "1:5 ", "line 3 has 1 fields where line 1 has 2"),
    ("x = load('words.csv');", "1:5 ", "line 2, field 2: 'four' is not a number"),
    ("x = load(3);", "1:10 ", "the file's name must be a string"),
    ("x = 1; save('/nonexistent/x.npy', 'x');", "1:8 ", "No such file"),
    ("x = 1; save('x.npy', 'y');", "1:22 ", "no such variable: 'y'"),
    ("x = zeros(2,2,2); save('x.csv', 'x');", "1:19 ", "a .csv file has two dimensions"),
    // Shapes.
    ("x = [1 2 3] + [1 2];", "1:13 ", "operator +: nonconformant arguments (op1 is 1x3, op2 is 1x2)"),
    ("x = ones(2,3) * ones(2,3);", "1:15 ", "operator *: nonconformant arguments (op1 is 2x3, op2 is 2x3)"),
    ("x = ones(2,3) .* ones(3,2);", "1:15 ", "product: nonconformant"),
    ("x = ones(2,3) == ones(3,2);", "1:15 ", "nonconformant arguments (op1 is 2x3, op2 is 3x2)"),
    ("x = max(ones(2,3), ones(3,2));", "1:5 ", "max: nonconformant"),
    ("x = [1 2; 3];", "1:5 ", "vertical dimensions mismatch (1x2 vs 1x1)"),
    ("x = [ones(2,1) ones(3,1)];", "1:5 ", "horizontal dimensions mismatch (2x1 vs 3x1)"),
    ("x = reshape(1:6, 4, 2);", "1:5 ", "can't reshape 1x6 array to 4x2 array"),
    ("x = ones(2,2,2)';", "1:16 ", "transpose not defined for N-D objects"),
    ("x = dot([1 2 3], [1 2]);", "1:5 ", "sizes of X and Y must match"),
    ("x = inv(ones(2,3));", "1:5 ", "must be a square matrix"),
    ("x = ones(2,3) ^ 2;", "1:15 ", "only square matrix arguments are permitted"),
    ("x = ones(2,3) \\ ones(3,1);", "1:15 ", "operator \\: nonconformant"),
    ("x = trace(ones(2,2,2));", "1:5 ", "only valid on 2-D objects"),
    // Names and calls.
    ("x = nothing_like_this(1);", "1:5 ", "'nothing_like_this' undefined"),
    ("x = 1;\nx = x + yy;", "2:9 ", "'yy' undefined"),
    ("x = sin(1, 2);", "1:5 ", "Invalid call to sin"),
    ("[a, b] = sin(1);", "1:10 ", "called with too many outputs"),
    ("x = printf('a');", "1:5 ", "value on the right hand side of the assignment not defined"),
    ("x = sum([1 2], 'rows');", "1:16 ", "'rows' is not an option here"),
    ("x = sum([1 2], 0);", "1:16 ", "DIM must be a valid dimension"),
    ("x = sort([1 2], 'up');", "1:17 ", "MODE must be"),
    ("x += 1;", "1:1 ", "must be defined first"),
    // Indices.
    ("a = [1 2 3]; a(4)", "1:14 ", "a(4): out of bound 3 (dimensions are 1x3)"),
    ("a = ones(2); a(3, 1)", "1:14 ", "a(3,_): out of bound 2 (dimensions are 2x2)"),
    ("a = ones(2); a(0)", "1:14 ", "a(0): subscripts must be either integers 1 to (2^63)-1 or logicals"),
    ("a = ones(2); a(1.5)", "1:14 ", "a(1.5): subscripts must be"),
    ("a = ones(2); a(NaN)", "1:14 ", "a(nan): subscripts must be"),
    ("a = ones(2); a(1, 1, 2)", "1:14 ", "a(_,_,2): out of bound 1"),
    ("a = ones(2); a(logical([0 0 0 0 1]))", "1:14 ", "a(5): out of bound 4"),
    ("a = ones(2); a(:, 3) = [1 2 3];", "1:14 ", "=: nonconformant arguments (op1 is 2x1, op2 is 1x3)"),
    ("a = ones(2); a(7) = 1;", "1:14 ", "Invalid resizing operation"),
    ("a = ones(2); a(0) = 1;", "1:14 ", "subscripts must be"),
    ("a = ones(2); a(1, 1) = [];", "1:14 ", "a null assignment can only have one non-colon index"),
    // Syntax.
    ("x = [1, 2", "1:5 ", "the matrix '[' opened here is never closed"),
    ("x = (1", "1:5 ", "the parenthesis '(' opened here is never closed"),
    ("x = 'abc", "1:5 ", "this string is never closed"),
    ("if 1\n x = 2;", "2:8 ", "expected 'end' but found the end of the script"),
    ("switch x", "1:1 ", "'switch' is not part of the script language"),
    ("x = {1};", "1:5 ", "cell arrays are not part of the script language"),
    // Sizes.
    ("x = zeros(NaN);", "1:11 ", "a dimension is NaN"),
    ("x = zeros(2, -1);", "1:14 ", "a dimension must not be negative"),
    ("x = zeros(1.5);", "1:11 ", "a dimension must be a whole number"),
    ("x = ones(Inf);", "1:10 ", "dimension too large"),
    ("x = rand(NaN, 2);", "1:10 ", "a dimension is NaN"),
    ("x = repmat(1, -1, 2);", "1:15 ", "a count must not be negative"),
    ("x = linspace(0, 1, NaN);", "1:20 ", "N is NaN"),
    ("x = eye(-3);", "1:9 ", "a dimension must not be negative"),
    ("x = 1:Inf;", "1:5 ", "too many elements"),
    ("x = zeros(1e6, 1e6); y = sum(x(:) + rand(1e12, 1)); disp(y)", "1:26 ", "out of memory: a 1000000000000x1 array"),
    ("x = rand(1e6, 1e6); if x > 2, end", "1:24 ", "out of memory"),
    ("x = rand(1e6, 1e6) * ones(1e6, 1);", "1:20 ", "out of memory"),
    ("x = norm(1:1e12);", "1:5 ", "out of memory"),
    ("x = rand(1e6, 1e6)", "1:1 ", "out of memory"),
    ("x = 0:0.1:1e11; y = x(x > 3);", "", "out of memory"),
    ("x = [1:1e12, 2]", "1:1 ", "out of memory"),
    ("x = 1:1e12", "1:1 ", "out of memory"),
    ("x = 0:0.25:1e11", "1:1 ", "out of memory"),
    ("x = ones(1, 1e12); x(3) = [];", "1:20 ", "out of memory"),
    // Values.
    ("if NaN, end", "1:4 ", "invalid conversion from NaN to logical"),
    ("x = logical([1 NaN]);", "1:5 ", "invalid conversion from NaN to logical"),
    ("x = [1 NaN] & 1;", "1:13 ", "invalid conversion from NaN to logical"),
    ("while [1 NaN], end", "1:7 ", "invalid conversion from NaN to logical"),
    ("x = int32([1 2]) * int32([1; 2]);", "1:18 ", "binary operator '*' not implemented"),
    ("x = true; x(2) = 'a';", "", ""),
    ("error('pkg:topic', 'value %d', 3);", "1:1 ", "value 3"),
    ("printf(3)", "1:8 ", "format TEMPLATE must be a string"),
    ("fprintf(7, 'a')", "1:9 ", "invalid stream number"),
    ("toc", "1:1 ", "called before timer"),
    ("rng(-1)", "1:5 ", "must not be negative"),
    ("x = zeros(2, 'int9');", "1:5 ", "invalid data type specified: 'int9'"),
];

#[test]
fn bad_scripts_fail_clearly_and_in_their_place() {
    let folder = files();
    let engine = cpu();
    for (text, place, message) in CASES {
        if message.is_empty() && place.is_empty() {
            // What matters here is only that it ends.
            let ran = run_with(&engine, "bad.m", text, &settings(folder.path()), &[]);
            assert!(ran.result.is_ok() || ran.result.is_err_and(|error| error.cause() == Cause::Input), "{text}");
            continue;
        }
        let found = error(&engine, folder.path(), text);
        assert!(found.starts_with(place), "{text}\nexpected at {place}, found: {found}");
        assert!(found.contains(message), "{text}\nexpected: {message}\nfound: {found}");
    }
}

#[test]
fn nesting_is_bounded() {
    let engine = cpu();
    let deep = |open: &str, close: &str| format!("x = {}1{};", open.repeat(257), close.repeat(257));
    let blocks = format!("{}x = 1;\n{}", "if 1\n".repeat(257), "end\n".repeat(257));
    for text in [deep("(", ")"), deep("[", "]"), deep("- ", ""), deep("!", ""), deep("abs(", ")"), blocks] {
        let found = error(&engine, Path::new(""), &text);
        assert!(found.ends_with("nesting is deeper than 256 levels"), "{found}");
    }
    // As deep as allowed runs.
    for (open, close) in [("(", ")"), ("[", "]"), ("- ", ""), ("!", ""), ("abs(", ")")] {
        let text = format!("x = {}1{};", open.repeat(256), close.repeat(256));
        let ran = run_with(&engine, "deep.m", &text, &settings(Path::new("")), &[]);
        assert!(ran.result.is_ok(), "{open}: {:?}", ran.result.err());
    }
    let blocks = format!("{}x = 1;\n{}x", "if 1\n".repeat(256), "end\n".repeat(256));
    assert_eq!(run_with(&engine, "deep.m", &blocks, &settings(Path::new("")), &[]).output, "x = 1\n");
}

#[test]
fn long_chains_run() {
    let text = format!("x = {}1", "1 + ".repeat(50_000));
    assert_eq!(run_with(&cpu(), "long.m", &text, &settings(Path::new("")), &[]).output, "x = 50001\n");
}

#[test]
fn singular_systems_warn_as_octave_does() {
    let engine = cpu();
    for text in
        ["x = [1 2; 2 4] \\ [1; 2];", "x = inv([1 2; 2 4]);", "x = [1 2] / [1 2; 2 4];", "x = zeros(2) \\ [1; 2];"]
    {
        let ran = run_with(&engine, "t.m", text, &settings(Path::new("")), &[]);
        assert!(ran.result.is_ok(), "{text}");
        assert!(
            ran.warnings.starts_with("warning: matrix singular to machine precision\n --> t.m:1:"),
            "{text}: {}",
            ran.warnings
        );
        assert_eq!(ran.warnings.matches("warning:").count(), 1, "{text}: {}", ran.warnings);
    }
    let nearly = run_with(&engine, "t.m", "x = [1 1; 1 1+1e-16*4] \\ [1; 2];", &settings(Path::new("")), &[]);
    assert!(nearly.warnings.contains("matrix singular to machine precision, rcond = "), "{}", nearly.warnings);
    let fine = run_with(&engine, "t.m", "x = [1 2; 3 4] \\ [1; 2];", &settings(Path::new("")), &[]);
    assert_eq!(fine.warnings, "");
}

#[test]
fn complex_results_are_nan_with_one_warning() {
    let engine = cpu();
    for text in [
        "x = sqrt(-1); y = log(-2); printf('%g %g\\n', x, y);",
        "x = sqrt([-1 4]); y = [-8 1] .^ (1/3); printf('%g %g\\n', x(1), y(1));",
        "x = (-8) ^ (1/3); y = acos(2); printf('%g %g\\n', x, y);",
        "x = asin([2 0]) + 1; y = log1p([-3 0]) * 2; printf('%g %g\\n', x(1), y(1));",
    ] {
        let ran = run_with(&engine, "t.m", text, &settings(Path::new("")), &[]);
        assert_eq!(ran.output, "NaN NaN\n", "{text}");
        assert_eq!(ran.warnings.matches("warning:").count(), 1, "{text}: {}", ran.warnings);
    }
    // NaN that comes from elsewhere, and functions within their domain, do not warn.
    for text in ["x = [0 1] ./ [0 1]", "x = sqrt([4 9])", "x = [-8 1] .^ 2", "x = NaN", "x = log([0 1])"] {
        let ran = run_with(&engine, "t.m", text, &settings(Path::new("")), &[]);
        assert_eq!(ran.warnings, "", "{text}");
    }
}
