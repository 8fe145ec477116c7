//! `lazurite check` as a process: exit codes, the summary, and files of mismatches that are run again.

use std::path::PathBuf;
use std::process::{Command, Output};

use lazurite::DeviceChoice;
use lazurite::check::{Session, SessionOptions};
use lazurite::inspect::dump::{Dump, nothing_beside};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lazurite-check-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn check(&self, arguments: &[&str]) -> (Output, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazurite"));
        let ran = command.arg("check").args(arguments).current_dir(&self.0).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, errors) = (text(&ran.stdout), text(&ran.stderr));
        (ran, out, errors)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn cases_are_counted_and_nothing_diverges() {
    let folder = Folder::new("good");
    let (ran, out, errors) = folder.check(&["--cases", "9", "--seed", "4"]);
    assert_eq!((ran.status.code(), errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("checked     9 cases of seed 4 on the CPU in "), "{out}");
    for line in ["runs        ", "operations  ", "groups      ", "rules       ", "mismatches  0\n"] {
        assert!(out.contains(line), "{line} is missing in:\n{out}");
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    let again = folder.check(&["--cases", "9", "--seed", "4"]).1;
    let tail = |text: &str| text.lines().skip(1).map(str::to_string).collect::<Vec<_>>();
    assert_eq!(tail(&out), tail(&again), "a seed gives the same cases");
}

/// A wrong rule of the user's own: exit code 1, the rule's name, and a file that holds a small case that fails again.
#[test]
fn a_wrong_rule_is_named_and_leaves_a_file() {
    let folder = Folder::new("wrong");
    let rule = "rule sign-lost : exact abs(x) * sign(x) => sign(x)\n";
    std::fs::write(folder.0.join("mine.rules"), rule).unwrap();
    // The rule stands last, so its turn comes last: the number of its case is that of all directions of all rules.
    let turn = lazurite::Rules::builtin().checks().count().to_string();
    let arguments = ["--cases", "1", "--first", &turn, "--only-rules", "--rules", "mine.rules", "--out", "kept"];
    let (ran, out, errors) = folder.check(&arguments);
    assert_eq!(ran.status.code(), Some(1), "{out}{errors}");
    assert!(out.ends_with("mismatches  1\n") && errors.contains("rule sign-lost"), "{out}{errors}");
    let file = folder.0.join(format!("kept/mismatch-1-{turn}.json"));
    let dump = Dump::read("mismatch", &std::fs::read_to_string(file).unwrap(), &nothing_beside).unwrap();
    assert!(dump.about.contains("sign-lost"), "{}", dump.about);
    let case = dump.case(0).unwrap();
    assert!(case.graph.nodes.len() <= 8, "{case:?}");
    let rules = vec![("mine.rules".to_string(), rule.to_string())];
    let with = SessionOptions { rules, ..SessionOptions::new(DeviceChoice::Cpu, 1) };
    assert!(Session::new(with).unwrap().check_given(&case).is_err());
    assert!(Session::new(SessionOptions::new(DeviceChoice::Cpu, 1)).unwrap().check_given(&case).is_ok());
}

#[test]
fn bad_input_is_said_and_has_its_own_exit_code() {
    let folder = Folder::new("bad");
    std::fs::write(folder.0.join("bad.rules"), "rule a : exact x + 0 => y\n").unwrap();
    let (ran, _, errors) = folder.check(&["--rules", "bad.rules"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(errors.contains("'y' appears on the right"), "{errors}");
    let (ran, _, errors) = folder.check(&["--rules", "missing.rules"]);
    assert_eq!(ran.status.code(), Some(2));
    assert!(errors.contains("missing.rules"), "{errors}");
}
