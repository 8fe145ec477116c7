//! `lazurite rules`: lists the planner's rules, or checks rule files and tests their claims.
//!
//! In: paths and the two output streams. Out: how the program ends. The library decides what a rule may say; this file lays out its
//! answers.

use std::io::Write;
use std::path::PathBuf;

use lazurite::Rules;
use lazurite::inspect::Class;
use lazurite::unstable::soundness::{admit, try_rule};

use super::output::write;
use crate::exit::{Exit, Failure};

/// Lists the built-in rules, or checks these files and lists theirs. A file may use the rules of those before it. One that is
/// refused is left out, and the others are still checked.
pub(super) fn execute(files: &[PathBuf], out: &mut dyn Write, errors: &mut dyn Write) -> Result<Exit, Failure> {
    let builtin: &Rules = Rules::builtin();
    if files.is_empty() {
        return write(&(listing(builtin, 0) + &summary(builtin)), out);
    }
    let mut rules = builtin.clone();
    let mut exit = Exit::Success;
    for path in files {
        let checked = rules.with_file(path).and_then(|more| admit(&more, &rules).map(|warnings| (more, warnings)));
        let (more, warnings) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                // Nobody is left to be told when this fails; the exit code still says it.
                let _ = writeln!(errors, "{}", error.message());
                exit = Exit::BadInput;
                continue;
            }
        };
        for warning in warnings {
            let _ = writeln!(errors, "warning: {warning}");
        }
        let cases: usize = more.checks_since(&rules).map(|rule| try_rule(&rule).tried).sum();
        if write(&format!("{}sound in {cases} cases\n", listing(&more, rules.len())), out)? != Exit::Success {
            return Ok(Exit::EngineFailed);
        }
        rules = more;
    }
    Ok(exit)
}

/// A line for each rule after the first `skip`, grouped by subject.
fn listing(rules: &Rules, skip: usize) -> String {
    let mut text = String::new();
    let mut subject = None;
    let word = |class: Option<Class>| class.map_or("-", Class::name);
    for rule in rules.iter().skip(skip) {
        if subject != Some(rule.subject) {
            subject = Some(rule.subject);
            text.push_str(&format!(
                "{:<28} {:<12} {:<12} {:<12} {:<10} note\n",
                rule.subject, "float", "int", "bool", "phase"
            ));
        }
        let (float, int, bool) = (word(rule.classes.float), word(rule.classes.int), word(rule.classes.bool));
        let line =
            format!("  {:<26} {float:<12} {int:<12} {bool:<12} {:<10} {}", rule.name, rule.phase.name(), rule.note);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The number of rules of each class, where a rule counts by its weakest class.
fn summary(rules: &Rules) -> String {
    let counts: Vec<String> = Class::ALL
        .iter()
        .map(|&class| format!("{} {class}", rules.iter().filter(|rule| rule.class == class).count()))
        .collect();
    format!("{} rules: {}\n", rules.len(), counts.join(", "))
}
