//! What the parser says of wrong files, and what it makes of right ones.

use super::*;

fn refused(text: &str) -> String {
    match Rules::none().with("t.rules", text) {
        Ok(_) => String::from("accepted"),
        Err(e) => {
            assert!(e.is_rules());
            e.message().to_string()
        }
    }
}

#[test]
fn the_builtin_files_parse_and_are_many() {
    let mut rules = Rules::none();
    for (name, text) in BUILTIN {
        rules = rules.with(name, text).unwrap_or_else(|e| panic!("{e}"));
    }
    assert!(rules.len() >= 100, "{}", rules.len());
    let mut names: Vec<&str> = rules.iter().map(|r| r.name).collect();
    names.sort_unstable();
    let n = names.len();
    names.dedup();
    assert_eq!(n, names.len());
}

#[test]
fn an_unbound_name_is_shown_with_a_caret() {
    assert_eq!(
        refused("# comment\nrule unbound : exact   x + y => x + z\n"),
        "error: 'z' appears on the right but not on the left\n  --> t.rules:2:37   (rule unbound)\n  |\n\
         2| rule unbound : exact   x + y => x + z\n  |                                     ^\n  = help: the left side binds: x, y"
    );
}

#[test]
fn all_errors_of_a_file_come_at_once() {
    let text = "phase simplfy\nrule a : exat x + 0 => x\nrule b : exact mximum(x, x) => x\nrule c : exact x * 1 => x\n\
                rule c : exact x / 1 => x\nrule d : exact x * 7 => x\nrule e : exact x + 0 => x when nonnegative(x)\n\
                rule f : exact sum(x) => x\nrule g : exact x + y => like(x, y, x)\nrule h : exact like(1, x) + y => y\n";
    let said = refused(text);
    for part in [
        "there is no phase 'simplfy'",
        "did you mean 'simplify'?",
        "there is no class 'exat'",
        "did you mean 'exact'?",
        "there is no function 'mximum'",
        "did you mean 'maximum'?",
        "the rule 'c' is defined twice",
        "the value 7 cannot be tested",
        "there is no condition 'nonnegative'",
        "sum takes 2 arguments, given 1",
        "like takes 2 arguments, given more",
        "may stand on the right only",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    assert_eq!(said.matches("error: ").count(), 9, "{said}");
}

#[test]
fn sorts_of_variables_are_checked() {
    assert!(refused("rule a : exact sum(x, k) => x + k").contains("expected an array, but 'k' is axes"));
    assert!(refused("rule a : exact run(K) + K => run(K)").contains("expected an array"));
    assert!(refused("rule a : exact x + y => x when fills(x)").contains("fills expects 2 variables, given 1"));
    assert!(refused("rule a : exact x => x + 0").contains("must be an operation"));
    assert!(refused("rule a : exact x + y => x + y").contains("both sides are the same"));
    assert!(refused("rule a : exact (x => x").contains("expected ')'"));
    assert!(refused("rule a : exact x + 0 => x note \"open").contains("expected a text in quotes"));
}

#[test]
fn user_files_add_to_the_set_and_change_its_hash() {
    let base = Rules::builtin();
    let more = base.with("mine", "rule mine : exact sqrt(abs(x)) => sqrt(abs(x)) + 0").unwrap();
    assert_eq!(more.len(), base.len() + 1);
    assert_ne!(more.hash(), base.hash());
    assert_eq!(base.hash(), Rules::builtin_hash(), "known before the rules are read");
    let twice = base.with("mine", "rule mul-one : exact x * 1 => x").unwrap_err();
    assert!(twice.message().contains("it is defined in algebra.rules"), "{twice}");
}
