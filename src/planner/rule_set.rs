//! Sets of rules: those that come with the engine, those of users' files, and what saturation looks them up by.
//!
//! Text of rule files comes in; a [`Rules`] comes out, or every error of a file. A set has a hash, which is part of plan keys, and
//! is indexed when it is first used.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

use super::index::RuleIndex;
use super::rules::{Class, Phase, Rule, RuleClasses, parse};
use crate::algorithms::FixedHasher;
use crate::error::{Error, Result};

/// A rule file that comes with the engine.
struct BuiltinFile {
    subject: &'static str,
    text: &'static str,
}

const BUILTIN: [BuiltinFile; 12] = [
    BuiltinFile { subject: "algebra", text: include_str!("../../planner-rules/algebra.rules") },
    BuiltinFile { subject: "power", text: include_str!("../../planner-rules/power.rules") },
    BuiltinFile { subject: "exp", text: include_str!("../../planner-rules/exp.rules") },
    BuiltinFile { subject: "bounds", text: include_str!("../../planner-rules/bounds.rules") },
    BuiltinFile { subject: "transpose", text: include_str!("../../planner-rules/transpose.rules") },
    BuiltinFile { subject: "product", text: include_str!("../../planner-rules/product.rules") },
    BuiltinFile { subject: "diag", text: include_str!("../../planner-rules/diag.rules") },
    BuiltinFile { subject: "gram", text: include_str!("../../planner-rules/gram.rules") },
    BuiltinFile { subject: "statistics", text: include_str!("../../planner-rules/statistics.rules") },
    BuiltinFile { subject: "normalise", text: include_str!("../../planner-rules/normalise.rules") },
    BuiltinFile { subject: "shape", text: include_str!("../../planner-rules/shape.rules") },
    BuiltinFile { subject: "epilogue", text: include_str!("../../planner-rules/epilogue.rules") },
];

/// The hash of no rules.
const HASH_OF_NONE: u64 = 0;

/// The hash of a set with the text of one more file.
const fn hash_with(hash: u64, name: &str, text: &str) -> u64 {
    let mut hasher = FixedHasher::new();
    hasher.mix(hash);
    hasher.mix_text(name);
    hasher.mix_text(text);
    hasher.value()
}

/// The hash of the files that come with the engine.
const BUILTIN_HASH: u64 = {
    let (mut hash, mut i) = (HASH_OF_NONE, 0);
    while i < BUILTIN.len() {
        hash = hash_with(hash, BUILTIN[i].subject, BUILTIN[i].text);
        i += 1;
    }
    hash
};

/// Longer text is something else than rules.
const MOST_BYTES: usize = 1 << 20;

fn too_long(bytes: u64) -> String {
    format!("a rule file may hold {MOST_BYTES} bytes, given {bytes}")
}

/// A checked set of rules. Cheap to clone behind an `Arc`; its hash is part of every plan key.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<Arc<Rule>>,
    hash: u64,
    /// Made when the set is first used.
    index: OnceLock<Arc<RuleIndex>>,
}

/// One rule, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleInfo<'a> {
    /// Its unique name.
    pub name: &'a str,
    /// Its class; the weakest one where it differs by dtype.
    pub class: Class,
    /// Its class for each kind of dtype.
    pub classes: RuleClasses,
    /// The file that defines it, without the ending.
    pub subject: &'a str,
    /// When it is used.
    pub phase: Phase,
    /// Its reason.
    pub note: &'a str,
}

impl Rules {
    /// A set without rules.
    #[must_use]
    pub fn none() -> Self {
        Self { rules: Vec::new(), hash: HASH_OF_NONE, index: OnceLock::new() }
    }

    /// The rules that come with the engine.
    #[must_use]
    pub fn builtin() -> &'static Arc<Self> {
        static BUILT: OnceLock<Arc<Rules>> = OnceLock::new();
        BUILT.get_or_init(|| {
            let mut rules = Self::none();
            for BuiltinFile { subject, text } in BUILTIN {
                match rules.with(subject, text) {
                    Ok(more) => rules = more,
                    // A test parses every file, so a release never gets here; a set without the file is still sound.
                    Err(e) => debug_assert!(false, "planner-rules/{subject}.rules:\n{e}"),
                }
            }
            Arc::new(rules)
        })
    }

    /// The hash of [`builtin`](Self::builtin), without reading the rules.
    pub(crate) fn builtin_hash() -> u64 {
        BUILTIN_HASH
    }

    /// This set and the rules of one more file.
    ///
    /// # Errors
    /// All errors of the file at once, each with line, column, caret and help.
    pub fn with(&self, name: &str, text: &str) -> Result<Self> {
        if text.len() > MOST_BYTES {
            return Err(Error::rules(format!("error: {name}: {}", too_long(text.len() as u64))));
        }
        let known: HashMap<&str, &str> = self.rules.iter().map(|r| (r.name.as_str(), r.subject.as_str())).collect();
        let subject = name.strip_suffix(".rules").unwrap_or(name);
        let more = parse(subject, text, &known)?;
        let mut rules = self.rules.clone();
        rules.extend(more.into_iter().map(Arc::new));
        Ok(Self { rules, hash: hash_with(self.hash, name, text), index: OnceLock::new() })
    }

    /// This set without the rules of these names.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        Self::of(self.rules.iter().filter(|r| !names.contains(&r.name.as_str())).cloned().collect())
    }

    /// Some of the rules of a set; its hash is that of their names.
    pub(super) fn of(rules: Vec<Arc<Rule>>) -> Self {
        let mut hasher = FixedHasher::new();
        for rule in &rules {
            hasher.mix_text(&rule.name);
            hasher.mix(u64::from(rule.back));
        }
        let hash = hasher.value();
        Self { rules, hash, index: OnceLock::new() }
    }

    /// As [`with`](Self::with), with the text of a file; its name is that of the file without the folders.
    ///
    /// # Errors
    /// As [`with`](Self::with), and a rules error for a file that cannot be read or is not UTF-8.
    pub fn with_file(&self, path: &Path) -> Result<Self> {
        let shown = path.display();
        let refuse = |why: String| Error::rules(format!("error: {shown}: {why}"));
        let size = std::fs::metadata(path).map_err(|e| refuse(e.to_string()))?.len();
        if size > MOST_BYTES as u64 {
            return Err(refuse(too_long(size)));
        }
        let bytes = std::fs::read(path).map_err(|e| refuse(e.to_string()))?;
        let text = String::from_utf8(bytes)
            .map_err(|e| refuse(format!("byte {} is not UTF-8", e.utf8_error().valid_up_to())))?;
        let name = path.file_name().map_or_else(|| shown.to_string(), |n| n.to_string_lossy().into_owned());
        self.with(&name, &text)
    }

    /// A hash of the files' texts, stable between runs.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The rules in order of their files; a rule in both directions once.
    pub fn iter(&self) -> impl Iterator<Item = RuleInfo<'_>> {
        self.rules.iter().filter(|r| !r.back).map(|r| RuleInfo {
            name: &r.name,
            class: r.shown_class(),
            classes: r.classes,
            subject: &r.subject,
            phase: r.phase,
            note: &r.note,
        })
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules ready to be looked up.
    pub(super) fn index(&self) -> &RuleIndex {
        self.index.get_or_init(|| Arc::new(RuleIndex::of(&self.rules)))
    }

    /// Every direction of every rule.
    pub(super) fn all(&self) -> &[Arc<Rule>] {
        &self.rules
    }
}

#[cfg(test)]
mod tests {
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
        for BuiltinFile { subject, text } in BUILTIN {
            rules = rules.with(subject, text).unwrap_or_else(|e| panic!("{e}"));
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
}
