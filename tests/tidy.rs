//! The walls between the rooms, held against the code: which room may name which, which outside crate belongs to one room
//! alone, and the habits of every file. The tables below are the ones of `docs/architecture.md`.
//!
//! The check reads text, with comments and strings blanked out, so it needs no compiler and no dependency.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A room of `src/`, and the rooms it may name. Code for tests may also name what its room's products are compared with.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &["types"]),
    ("types", &["error"]),
    ("graph", &["types", "error"]),
    ("planner", &["graph", "types", "error"]),
    ("schedule", &["graph", "types", "error"]),
    ("kernels", &["schedule", "graph", "types", "error"]),
    ("cpu", &["schedule", "graph", "types", "error"]),
    ("buffers", &["types", "error"]),
    ("device", &["kernels", "buffers", "types", "error"]),
    ("soundness", &["cpu", "planner", "graph", "types", "error"]),
    ("engine", &["soundness", "device", "buffers", "cpu", "kernels", "schedule", "planner", "graph", "types", "error"]),
    ("array", &["engine", "graph", "types", "error"]),
    ("dump", &["engine", "device", "buffers", "cpu", "kernels", "schedule", "planner", "graph", "types", "error"]),
    ("check", &["dump", "array", "engine", "cpu", "kernels", "schedule", "planner", "graph", "types", "error"]),
];

/// Files that name a room which the table denies them, and why. An entry that is no longer needed fails.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// An outside crate, and the rooms that alone may name it.
const CRATES: &[(&str, &[&str])] = &[
    ("petgraph", &["graph"]),
    ("microlp", &["planner"]),
    ("egg", &["planner"]),
    ("naga", &["device"]),
    ("wgpu", &["device"]),
    ("rayon", &["cpu"]),
    ("gemm", &["cpu"]),
    ("faer", &["cpu"]),
    ("pollster", &["engine", "array"]),
    ("ndarray", &["array"]),
    ("proptest", &["check"]),
];

/// Crates that tests inside `src/` may name anywhere.
const TEST_CRATES: &[&str] = &["proptest", "naga", "pollster"];

/// Longest file, in lines.
const MAX_LINES: usize = 500;

/// Words that stand for work left undone, in halves so that this file does not hold them.
const UNDONE: &[(&str, &str)] =
    &[("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("to", "do!("), ("unimple", "mented!("), ("#[ig", "nore")];

/// What a file may do that ends the program, if it says why on the same line or in the comment above.
const ENDINGS: &[&str] = &[".unwrap()", ".expect(", "panic!(", "unreachable!("];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file as the checks see it.
struct File {
    path: PathBuf,
    text: String,
    /// The text with the insides of comments, strings and characters blanked, line for line.
    code: String,
}

impl File {
    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap_or(&self.path).display().to_string().replace('\\', "/")
    }

    /// The room of a file in `src/`: its folder, or its own name.
    fn room(&self) -> Option<String> {
        let name = self.name();
        let inner = name.strip_prefix("src/")?;
        let room = inner.split('/').next()?.trim_end_matches(".rs");
        (room != "lib").then(|| room.to_owned())
    }

    /// How many `super` lead from a line of the file to the crate's root; the tests inside a file are one module deeper.
    fn depth(&self, test: bool) -> usize {
        let parts = self.name().matches('/').count();
        let file = if self.name().ends_with("/mod.rs") { parts - 1 } else { parts };
        file + usize::from(test && !self.is_test())
    }

    fn is_test(&self) -> bool {
        let name = self.name();
        name.starts_with("tests/")
            || name.starts_with("cli/tests/")
            || name.ends_with("/tests.rs")
            || name.ends_with("_tests.rs")
            || name.contains("/tests/")
    }

    /// Lines with their numbers, and whether each belongs to tests: those behind `#[cfg(test)] mod … {`, which by habit is
    /// the end of the file.
    fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        let lines: Vec<_> = self.code.lines().collect();
        let tests_from = lines.windows(2).position(|w| {
            w[0].trim() == "#[cfg(test)]" && w[1].trim_start().starts_with("mod ") && w[1].trim_end().ends_with('{')
        });
        let (whole, from) = (self.is_test(), tests_from.unwrap_or(usize::MAX));
        lines.into_iter().enumerate().map(move |(i, line)| (i + 1, line, whole || i >= from))
    }
}

fn files_under(folder: &str, extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|e| e == extension) {
                let text = fs::read_to_string(&entry).unwrap();
                let code = if extension == "rs" { blank(&text) } else { text.clone() };
                found.push(File { path: entry, text, code });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// All Rust files, read and blanked once for all tests.
fn rust_files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let folders = ["src", "tests", "benches", "examples", "cli/src", "cli/tests"];
        folders.iter().flat_map(|f| files_under(f, "rs")).collect()
    });
    assert!(files.len() > 40, "only {} files were found: the check looks in the wrong place", files.len());
    files
}

/// The text with comments, strings and character literals replaced by spaces.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    let at = |i: usize| chars.get(i).copied().unwrap_or(' ');
    let starts = |i: usize, word: &str| word.chars().enumerate().all(|(k, c)| at(i + k) == c);
    while i < chars.len() {
        let before_word = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        let raw_at = if at(i) == 'b' { i + 1 } else { i };
        let hashes = (raw_at + 1..).take_while(|&k| at(k) == '#').count();
        let end = if starts(i, "//") {
            (i..chars.len()).find(|&k| at(k) == '\n').unwrap_or(chars.len())
        } else if starts(i, "/*") {
            (i + 2..chars.len()).find(|&k| starts(k, "*/")).map_or(chars.len(), |k| k + 2)
        } else if !before_word && at(raw_at) == 'r' && at(raw_at + 1 + hashes) == '"' {
            let close = format!("\"{}", "#".repeat(hashes));
            (raw_at + 2 + hashes..chars.len()).find(|&k| starts(k, &close)).map_or(chars.len(), |k| k + 1 + hashes)
        } else if at(i) == '"' {
            let mut k = i + 1;
            while k < chars.len() && at(k) != '"' {
                k += if at(k) == '\\' { 2 } else { 1 };
            }
            k + 1
        } else if at(i) == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            // A lifetime has neither a backslash nor a quote two characters on.
            (i + 2..chars.len()).find(|&k| at(k) == '\'' && (k > i + 2 || at(i + 1) != '\\')).map_or(i + 1, |k| k + 1)
        } else {
            out.push(at(i));
            i += 1;
            continue;
        };
        // Quotes stay, so that `.expect("…")` is still seen as one.
        out.extend((i..end.min(chars.len())).map(|k| if at(k) == '\n' { '\n' } else { ' ' }));
        i = end;
    }
    out
}

/// Whether `word` stands in `line` on its own, at the returned places.
fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !line[..at].chars().next_back().is_some_and(part_of_word)
            && !line[at + word.len()..].chars().next().is_some_and(part_of_word)
    })
}

/// The first name of each path that starts at the crate's root in `line`; a brace gives each of its first names.
fn rooms_named(line: &str, depth: usize) -> Vec<String> {
    let from_super = "super::".repeat(depth);
    let mut found = Vec::new();
    for prefix in ["crate::", from_super.as_str()] {
        for (at, _) in line.match_indices(prefix) {
            if line[..at].ends_with("super::") || line[..at].ends_with('$') {
                continue;
            }
            let rest = &line[at + prefix.len()..];
            let names = rest.strip_prefix('{').map_or(vec![rest], |inside| inside.split(", ").collect());
            let first = |n: &&str| n.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            found.extend(names.iter().map(first).filter(|name| !name.is_empty()));
        }
    }
    found
}

fn report(what: &str, complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{what}:\n  {}\n", complaints.join("\n  "));
}

#[test]
fn rooms_name_only_what_they_may_know() {
    let names: BTreeSet<_> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut complaints = Vec::new();
    let mut unused: BTreeSet<_> =
        EXCEPTIONS.iter().map(|(file, room, _)| (file.to_string(), room.to_string())).collect();
    for file in rust_files() {
        let Some(room) = file.room() else { continue };
        let Some((_, known)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            complaints.push(format!("{}: the room '{room}' is not in the table", file.name()));
            continue;
        };
        for (number, line, test) in file.lines() {
            for named in rooms_named(line, file.depth(test)) {
                let allowed =
                    named == room || known.contains(&named.as_str()) || !names.contains(named.as_str()) || test;
                let key = (file.name(), named);
                if allowed || unused.remove(&key) || EXCEPTIONS.iter().any(|(f, r, _)| *f == key.0 && *r == key.1) {
                    continue;
                }
                complaints.push(format!("{}:{number}: '{room}' may not know '{}'", key.0, key.1));
            }
        }
    }
    complaints.extend(unused.into_iter().map(|(file, room)| format!("{file}: needs no exception for '{room}'")));
    report("a wall between rooms is broken", complaints);
}

#[test]
fn outside_crates_stay_in_their_rooms() {
    let mut complaints = Vec::new();
    for file in rust_files() {
        let Some(room) = file.room() else { continue };
        for (name, rooms) in CRATES.iter().filter(|(_, rooms)| !rooms.contains(&room.as_str())) {
            // A module of the same name is no crate: `mod gemm;` here, or `use super::gemm`.
            let is_module = |line: &str| {
                words(line, name).any(|at| {
                    let before = line[..at].trim_end();
                    before.ends_with("mod")
                        || (before.ends_with("::") && before != "::")
                        || before.ends_with(['{', ','])
                })
            };
            if file.lines().any(|(_, line, _)| is_module(line)) {
                continue;
            }
            for (number, line, test) in file.lines() {
                let named = words(line, name)
                    .any(|at| line[at + name.len()..].starts_with("::") || line[..at].trim_start().ends_with("use "));
                if named && !(test && TEST_CRATES.contains(name)) {
                    complaints.push(format!("{}:{number}: only {rooms:?} may name '{name}'", file.name()));
                }
            }
        }
    }
    report("an outside crate has left its room", complaints);
}

#[test]
fn no_wall_is_dissolved_by_a_glob() {
    let mut complaints = Vec::new();
    for file in rust_files() {
        let room = file.room();
        for (number, line, test) in file.lines().filter(|(_, line, _)| line.contains("use ") && line.contains("::*")) {
            let outside = CRATES.iter().any(|(name, _)| line.contains(&format!("use {name}::")));
            // A prelude is made to be imported whole: what is in it is named for that.
            let prelude = line.contains("::prelude::*");
            let elsewhere = rooms_named(line, file.depth(test)).into_iter().any(|named| room.as_ref() != Some(&named));
            if line.contains("use lazurite::") || (outside && !prelude) || (room.is_some() && elsewhere) {
                complaints.push(format!("{}:{number}: {}", file.name(), line.trim()));
            }
        }
    }
    report("a glob import hides who is named", complaints);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let shaders = files_under("shaders", "wgsl");
    let rules = files_under("planner-rules", "rules");
    let mut complaints = Vec::new();
    for (files, openings) in [(rust_files(), &["//!"][..]), (&shaders[..], &["//"][..]), (&rules[..], &["#", "//"][..])]
    {
        for file in files {
            let n_lines = file.text.lines().count();
            if n_lines > MAX_LINES {
                complaints.push(format!("{}: {n_lines} lines, more than {MAX_LINES}", file.name()));
            }
            if !openings.iter().any(|o| file.text.starts_with(o)) {
                complaints.push(format!("{}: does not open with a paragraph ({})", file.name(), openings.join(" or ")));
            }
        }
    }
    report("a file is too long or says nothing about itself", complaints);
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
        for (number, line, test) in file.lines() {
            let ends = ENDINGS.iter().any(|e| line.contains(e)) && !line.contains("debug_assert");
            // An `expect` of two arguments is a parser's own.
            let ends = ends && !line.split(".expect(").nth(1).is_some_and(|rest| rest.trim_start().starts_with(','));
            let is_comment = |i: usize| text.get(i).is_some_and(|l| l.contains("//"));
            // The same line, or one of the two above, so that a chain of calls may carry the comment at its head.
            let explained = (number.saturating_sub(3)..number).any(is_comment);
            if ends && !test && !explained {
                complaints.push(format!("{}:{number}: {}", file.name(), line.trim()));
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
fn the_checks_see_what_they_should() {
    let code =
        blank("use egg::X; // wgpu::Y\nlet s = \"naga::\\\"Z\"; let c = '\"'; let r = r#\"a\"b\"#; fn f<'a>() {}");
    assert!(code.contains("use egg::X;") && code.contains("fn f<'a>() {}"), "{code}");
    assert!(!code.contains("wgpu") && !code.contains("naga") && !code.contains("a\"b"), "{code}");
    assert_eq!(rooms_named("use crate::{graph::Op, types::Shape};", 1), ["graph", "types"]);
    assert_eq!(rooms_named("use super::super::device::Gpu;", 2), ["device"]);
    assert_eq!(rooms_named("    let x = crate::engine::run(super::local());", 2), ["engine"]);
    assert_eq!(words("regemm gemm::x gemm_f32", "gemm").collect::<Vec<_>>(), [7]);
}
