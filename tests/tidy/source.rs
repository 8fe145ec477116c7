//! Source files as the checks see them: text with comments and strings blanked out, so that no compiler is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file.
pub struct File {
    pub path: PathBuf,
    pub text: String,
    /// The text with the insides of comments, strings and characters blanked, line for line.
    pub code: String,
}

/// A line of code.
pub struct Line<'a> {
    /// Counted from 1.
    pub number: usize,
    pub code: &'a str,
    /// Whether it belongs to tests.
    pub test: bool,
}

impl File {
    /// The path from the repository's root, with slashes.
    pub fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap_or(&self.path).display().to_string().replace('\\', "/")
    }

    /// The room of a file in `src/`: its folder, or its own name. `lib.rs` belongs to none.
    pub fn room(&self) -> Option<String> {
        let name = self.name();
        let inner = name.strip_prefix("src/")?;
        let room = inner.split('/').next()?.trim_end_matches(".rs");
        (room != "lib").then(|| room.to_owned())
    }

    /// How many `super` lead from a line of the file to the crate's root; the tests inside a file are one module deeper.
    pub fn depth(&self, test: bool) -> usize {
        let parts = self.name().matches('/').count();
        let file = if self.name().ends_with("/mod.rs") { parts - 1 } else { parts };
        file + usize::from(test && !self.is_test())
    }

    /// Whether the whole file belongs to tests.
    pub fn is_test(&self) -> bool {
        let name = self.name();
        name.starts_with("tests/")
            || name.starts_with("cli/tests/")
            || name.ends_with("/tests.rs")
            || name.ends_with("_tests.rs")
            || name.contains("/tests/")
    }

    /// All lines. Those behind `#[cfg(test)] mod … {` are tests: by habit they end the file.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let lines: Vec<_> = self.code.lines().collect();
        let tests_from = lines.windows(2).position(|w| {
            w[0].trim() == "#[cfg(test)]" && w[1].trim_start().starts_with("mod ") && w[1].trim_end().ends_with('{')
        });
        let (whole, from) = (self.is_test(), tests_from.unwrap_or(usize::MAX));
        lines.into_iter().enumerate().map(move |(i, code)| Line { number: i + 1, code, test: whole || i >= from })
    }
}

/// The files with an extension anywhere below a folder of the repository, in the order of their paths.
pub fn files_under(folder: &str, extension: &str) -> Vec<File> {
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
pub fn rust_files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let folders = ["src", "tests", "benches", "examples", "cli/src", "cli/tests"];
        folders.iter().flat_map(|f| files_under(f, "rs")).collect()
    });
    assert!(files.len() > 40, "only {} files were found: the check looks in the wrong place", files.len());
    files
}

/// The text with comments, strings and character literals replaced by spaces.
pub fn blank(text: &str) -> String {
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

/// Where `word` occurs in `line` as a word of its own.
pub fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !line[..at].chars().next_back().is_some_and(part_of_word)
            && !line[at + word.len()..].chars().next().is_some_and(part_of_word)
    })
}

/// Fails with all complaints, if there are any.
pub fn report(what: &str, complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{what}:\n  {}\n", complaints.join("\n  "));
}
