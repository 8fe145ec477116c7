//! `lazurite explain SCRIPT --why NODE` as a process: golden text, and the answer to a node that does not exist.
//!
//! A file of `cli/tests/golden/why/` begins with a line `% SCRIPT ARGUMENTS…`, where the script is a path from the repository or `here` for
//! the program that follows, up to a line `---`; the rest is the output. `BLESS=1 cargo test -p lazurite-cli --test commands why` rewrites
//! them.

use std::path::Path;

use crate::support::folder::{Folder, Ran, lazurite};
use crate::support::scripts::{golden, repository};

fn explain(arguments: &[&str], folder: &Path) -> Ran {
    lazurite(&[&["explain"], arguments, &["--device", "cpu"]].concat(), folder, &[])
}

const RULE: &str = "---\n";

#[test]
fn chains_are_what_the_golden_files_say() {
    let files = golden("why");
    assert!(files.len() >= 5, "{files:?}");
    let mut wrong = Vec::new();
    for path in files {
        let whole = std::fs::read_to_string(&path).unwrap();
        let (program, expected) = whole.split_once(RULE).unwrap_or((&whole, ""));
        let head = program.lines().next().unwrap_or_default();
        let words: Vec<&str> = head.trim_start_matches('%').split_whitespace().collect();
        let ran = if words[0] == "here" {
            let folder = Folder::new("why");
            folder.write("here.m", program);
            explain(&[&["here.m"], &words[1..]].concat(), folder.path())
        } else {
            explain(&words, &repository())
        };
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.errors);
        // How often a loop runs depends on the last bits of what it tests.
        let counted = |line: &str| match line.strip_prefix("=== evaluation ").and_then(|rest| rest.split_once(',')) {
            Some((n, rest)) if n.len() > 1 => format!("=== evaluation …,{rest}\n"),
            _ => format!("{line}\n"),
        };
        let found: String = ran.out.lines().map(counted).collect();
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
fn an_unknown_node_is_answered_with_the_known_ones() {
    let folder = Folder::new("why-unknown");
    folder.write("two.m", "x = reshape(1:6, 2, 3);\nyy = x' * x;\ndisp(yy)\nz = yy + 1;\ndisp(z)\n");
    for (why, code, says) in [
        ("yy", 0, "gram"),
        ("2:z", 0, "=== evaluation 2"),
        ("w", 2, "no evaluation has a node or a variable w: there are the variables x, yy, z, and %0 to %"),
        ("2:x", 2, "no evaluation has a node or a variable x: there are the variables yy, z, and %0 to %"),
        ("%99", 2, "no evaluation has a node or a variable %99"),
        ("3:z", 2, "there is no evaluation 3: the script has 2"),
        ("0:z", 2, "counted from 1"),
        ("a b", 2, "neither a node number nor a name"),
        ("", 2, "neither"),
    ] {
        let ran = explain(&["two.m", "--why", why], folder.path());
        let said = ran.out + &ran.errors;
        assert_eq!(ran.code, Some(code), "{why}: {said}");
        assert!(said.contains(says), "{why}: {said}");
    }
    let other = explain(&["two.m", "--why", "z", "--format", "json"], folder.path());
    assert!(other.code == Some(2) && other.errors.contains("--why is answered as text"));
}
