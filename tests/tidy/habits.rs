//! The habits of every file: it says what it is, its functions are short, nothing is left undone, and what could end the program
//! says why it does not. Files have no longest length: a limit on lines cuts `impl`s rather than ideas.

use std::collections::BTreeSet;

use crate::source::{File, files_under, report, rust_files};

/// Longest function, in lines.
const MAX_LINES: usize = 80;

/// Functions that may be longer because each is one table, by file and name. An entry that is no longer needed fails.
const TABLES: &[(&str, &str)] = &[];

/// Words that stand for work left undone, in halves so that this file does not hold them.
const UNDONE: &[(&str, &str)] =
    &[("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("to", "do!("), ("unimple", "mented!("), ("#[ig", "nore")];

/// What a file may do that ends the program, if it says why on the same line or in the comment above.
const ENDINGS: &[&str] = &[".unwrap()", ".expect(", "panic!(", "unreachable!("];

/// The functions of a file with the number of their first line and how many lines they have.
///
/// The code is formatted: a function ends at the first brace in the column in which it begins.
fn functions(file: &File) -> Vec<(String, usize, usize)> {
    let lines: Vec<_> = file.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let indent = line.code.len() - line.code.trim_start().len();
        let begins = |l: &str| {
            let words: Vec<_> =
                l.split_whitespace().take_while(|w| !w.contains('(') || w.starts_with("pub(")).collect();
            words.iter().position(|w| *w == "fn").is_some_and(|at| {
                let before = ["pub", "const", "async", "unsafe", "extern"];
                words[..at].iter().all(|w| before.contains(w) || w.starts_with("pub(") || w.starts_with('"'))
            }) || l.starts_with("fn ")
        };
        if line.test || !begins(line.code.trim_start()) {
            continue;
        }
        let name = line.code.split("fn ").nth(1).unwrap_or_default();
        let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '#').collect();
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines[i..].iter().position(|l| l.code == close || (l.number == line.number && l.code.ends_with('}')));
        if let Some(n) = end {
            found.push((name, line.number, n + 1));
        }
    }
    found
}

#[test]
fn functions_are_short() {
    let mut complaints = Vec::new();
    let mut unused: BTreeSet<_> = TABLES.iter().collect();
    let mut seen = 0;
    for file in rust_files().iter().filter(|f| !f.is_test() && f.name().contains("src/")) {
        for (name, number, lines) in functions(file) {
            seen += 1;
            let path = file.name();
            let table = unused.iter().find(|(file, table)| *file == path && *table == name).copied();
            if lines > MAX_LINES && !table.is_some_and(|t| unused.remove(t)) {
                complaints.push(format!("{path}:{number}: {name} has {lines} lines, more than {MAX_LINES}"));
            }
        }
    }
    assert!(seen > 2_000, "only {seen} functions were found: the check looks in the wrong place");
    complaints.extend(unused.into_iter().map(|(file, name)| format!("{file}: {name} needs no exception")));
    report("a function does several jobs", complaints);
}

#[test]
fn files_say_what_they_are() {
    let shaders = files_under("shaders", "wgsl");
    let rules = files_under("planner-rules", "rules");
    let mut complaints = Vec::new();
    for (files, openings) in [(rust_files(), &["//!"][..]), (&shaders[..], &["//"][..]), (&rules[..], &["#", "//"][..])]
    {
        for file in files {
            if !openings.iter().any(|o| file.text.starts_with(o)) {
                complaints.push(format!("{}: does not open with a paragraph ({})", file.name(), openings.join(" or ")));
            }
        }
    }
    report("a file says nothing about itself", complaints);
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let mut complaints = Vec::new();
    let (shaders, rules) = (files_under("shaders", "wgsl"), files_under("planner-rules", "rules"));
    for file in rust_files().iter().chain(&shaders).chain(&rules) {
        for (i, line) in file.text.lines().enumerate() {
            for (head, tail) in UNDONE {
                let word = format!("{head}{tail}");
                if line.contains(&word) {
                    complaints.push(format!("{}:{}: {word}", file.name(), i + 1));
                }
            }
        }
    }
    report("work is left undone", complaints);
}

#[test]
fn what_ends_the_program_says_why_it_cannot() {
    let mut complaints = Vec::new();
    for file in rust_files() {
        if file.is_test() || !(file.name().starts_with("src/") || file.name().starts_with("cli/src/")) {
            continue;
        }
        let text: Vec<_> = file.text.lines().collect();
        for line in file.lines() {
            let ends = ENDINGS.iter().any(|e| line.code.contains(e)) && !line.code.contains("debug_assert");
            // An `expect` of two arguments is a parser's own.
            let own = line.code.split(".expect(").nth(1).is_some_and(|rest| rest.trim_start().starts_with(','));
            let is_comment = |i: usize| text.get(i).is_some_and(|l| l.contains("//"));
            // The same line, or one of the two above, so that a chain of calls may carry the comment at its head.
            let explained = (line.number.saturating_sub(3)..line.number).any(is_comment);
            if ends && !own && !line.test && !explained {
                complaints.push(format!("{}:{}: {}", file.name(), line.number, line.code.trim()));
            }
        }
    }
    report("a panic has no reason beside it why it cannot happen", complaints);
}

#[test]
fn every_shader_and_rule_file_is_used() {
    let sources: String = files_under("src", "rs").into_iter().map(|f| f.text).collect();
    let mut complaints = Vec::new();
    for file in files_under("shaders", "wgsl").iter().chain(&files_under("planner-rules", "rules")) {
        let name = file.path.file_name().unwrap().to_string_lossy().into_owned();
        if !sources.contains(&format!("/{name}\"")) && !sources.contains(&format!("\"{name}\"")) {
            complaints.push(file.name());
        }
    }
    report("files that nothing refers to", complaints);
}

#[test]
fn long_functions_are_seen() {
    let code = "impl X {\n    pub(super) async fn a<T>(\n        b: T,\n    ) {\n        if b {\n        }\n    }\n}\nfn c() {}\n";
    let file = File { path: "src/x.rs".into(), text: code.into(), code: code.into() };
    assert_eq!(functions(&file), [("a".to_owned(), 2, 6), ("c".to_owned(), 9, 1)]);
}
