//! `lazurite check` as a process: exit codes, the summary, and files of mismatches that are run again.

use crate::support::folder::{Folder, Ran};
use lazurite::DeviceChoice;
use lazurite::check::{Session, SessionOptions};
use lazurite::inspect::dump::{Dump, RuleFile, nothing_beside};

/// Runs `lazurite check` in a folder.
fn check(folder: &Folder, arguments: &[&str]) -> Ran {
    folder.run(&[&["check"], arguments].concat())
}

#[test]
fn cases_are_counted_and_nothing_diverges() {
    let folder = Folder::new("good");
    let Ran { code, out, errors } = check(&folder, &["--cases", "9", "--seed", "4"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("checked     9 cases of seed 4 on the CPU in "), "{out}");
    for line in ["runs        ", "operations  ", "groups      ", "rules       ", "mismatches  0\n"] {
        assert!(out.contains(line), "{line} is missing in:\n{out}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let again = check(&folder, &["--cases", "9", "--seed", "4"]).out;
    let tail = |text: &str| text.lines().skip(1).map(str::to_string).collect::<Vec<_>>();
    assert_eq!(tail(&out), tail(&again), "a seed gives the same cases");
}

/// A wrong rule of the user's own: exit code 1, the rule's name, and a file that holds a small case that fails again.
#[test]
fn a_wrong_rule_is_named_and_leaves_a_file() {
    let folder = Folder::new("wrong");
    let rule = "rule sign-lost : exact abs(x) * sign(x) => sign(x)\n";
    folder.write("mine.rules", rule);
    // The rule stands last, so its turn comes last: the number of its case is that of all directions of all rules.
    let turn = lazurite::Rules::builtin().checks().count().to_string();
    let arguments = ["--cases", "1", "--first", &turn, "--only-rules", "--rules", "mine.rules", "--out", "kept"];
    let Ran { code, out, errors } = check(&folder, &arguments);
    assert_eq!(code, Some(1), "{out}{errors}");
    assert!(out.ends_with("mismatches  1\n") && errors.contains("rule sign-lost"), "{out}{errors}");
    let kept = folder.read(&format!("kept/mismatch-1-{turn}.json"));
    let dump = Dump::read("mismatch", &kept, &nothing_beside).unwrap();
    assert!(dump.about.contains("sign-lost"), "{}", dump.about);
    let case = dump.case(0).unwrap();
    assert!(case.graph.nodes.len() <= 8, "{case:?}");
    let rules = vec![RuleFile { name: "mine.rules".into(), text: rule.into() }];
    let with = SessionOptions { rules, ..SessionOptions::new(DeviceChoice::Cpu, 1) };
    assert!(Session::new(with).unwrap().check_given(&case).is_err());
    assert!(Session::new(SessionOptions::new(DeviceChoice::Cpu, 1)).unwrap().check_given(&case).is_ok());
}

#[test]
fn bad_input_is_said_and_has_its_own_exit_code() {
    let folder = Folder::new("bad");
    folder.write("bad.rules", "rule a : exact x + 0 => y\n");
    let Ran { code, errors, .. } = check(&folder, &["--rules", "bad.rules"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("'y' appears on the right"), "{errors}");
    let Ran { code, errors, .. } = check(&folder, &["--rules", "missing.rules"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("missing.rules"), "{errors}");
}
