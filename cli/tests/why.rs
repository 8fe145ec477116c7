//! `lazurite explain SCRIPT --why NODE` as a process: golden text, and what is said when nobody knows the node.
//!
//! A file of `tests/golden-why/` begins with a line `% SCRIPT ARGUMENTS…`, where the script is a path from the repository or `here` for the
//! program that follows, up to a line `---`; then comes what is printed. `BLESS=1 cargo test -p lazurite-cli --test why` writes them anew.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::repository;

fn explain(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazurite"));
    command.arg("explain").args(arguments).args(["--device", "cpu"]).current_dir(folder);
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const RULE: &str = "---\n";

#[test]
fn chains_are_what_the_golden_files_say() {
    let mut files: Vec<_> =
        std::fs::read_dir(repository().join("tests/golden-why")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let mut wrong = Vec::new();
    for path in files {
        let whole = std::fs::read_to_string(&path).unwrap();
        let (program, expected) = whole.split_once(RULE).unwrap_or((&whole, ""));
        let head = program.lines().next().unwrap_or_default();
        let words: Vec<&str> = head.trim_start_matches('%').split_whitespace().collect();
        let folder = std::env::temp_dir().join(format!("lazurite-why-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("here.m"), program).unwrap();
        let (place, script) = if words[0] == "here" { (folder.clone(), "here.m") } else { (repository(), words[0]) };
        let ran = explain(&[&[script], &words[1..]].concat(), &place);
        let _ = std::fs::remove_dir_all(&folder);
        assert_eq!(ran.status.code(), Some(0), "{}: {}", path.display(), text(&ran.stderr));
        // How often a loop runs depends on the last bits of what it tests.
        let counted = |line: &str| match line.strip_prefix("=== evaluation ").and_then(|rest| rest.split_once(',')) {
            Some((n, rest)) if n.len() > 1 => format!("=== evaluation …,{rest}\n"),
            _ => format!("{line}\n"),
        };
        let found: String = text(&ran.stdout).lines().map(counted).collect();
        if found != expected {
            if std::env::var("BLESS").as_deref() == Ok("1") {
                std::fs::write(&path, format!("{program}{RULE}{found}")).unwrap();
            } else {
                wrong.push(format!("{}: expected\n{expected}\nfound\n{found}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 writes the files anew; read the difference first.", wrong.join("\n"));
}

#[test]
fn whoever_asks_about_what_is_not_there_hears_what_is() {
    let folder = std::env::temp_dir().join(format!("lazurite-why-unknown-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("two.m"), "x = reshape(1:6, 2, 3);\nyy = x' * x;\ndisp(yy)\nz = yy + 1;\ndisp(z)\n")
        .unwrap();
    for (why, code, says) in [
        ("yy", 0, "gram"),
        ("2:z", 0, "=== evaluation 2"),
        ("w", 2, "no evaluation has a node or a variable w: there are the variables x, yy, z, and %0 to %"),
        ("2:x", 2, "no evaluation has a node or a variable x: there are the variables yy, z, and %0 to %"),
        ("%99", 2, "no evaluation has a node or a variable %99"),
        ("3:z", 2, "there is no evaluation 3: the script has 2"),
        ("0:z", 2, "counted from 1"),
        ("a b", 2, "neither a number of a node nor a name"),
        ("", 2, "neither"),
    ] {
        let ran = explain(&["two.m", "--why", why], &folder);
        let said = text(&ran.stdout) + &text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{why}: {said}");
        assert!(said.contains(says), "{why}: {said}");
    }
    let other = explain(&["two.m", "--why", "z", "--format", "json"], &folder);
    assert!(other.status.code() == Some(2) && text(&other.stderr).contains("--why is answered as text"));
    let _ = std::fs::remove_dir_all(&folder);
}
