//! Rule files: parsed, checked and ready to match.
//!
//! In goes text; out come rules, or every error of the file with its place. What a rule may say is in
//! `planner-rules/README.md`; the closed lists behind it are `signature` (functions) and `conditions` (questions).

mod conditions;
mod edits;
mod expressions;
mod lexer;
mod model;
mod parser;
mod pattern;
mod problems;
mod signature;
#[cfg(test)]
mod tests;
mod variants;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

use super::index::Indices;
use crate::algorithms::FixedHasher;
use crate::error::{Error, Result};

pub(super) use conditions::{Condition, Question, RESULT};
pub(super) use edits::edits;
pub use model::{Class, Phase};
pub(super) use model::{Head, Pat, Rule, VarSort, Variable};
pub(super) use pattern::{Subst, draft, draft_alone, draft_left, draft_with, fits, is_attribute};

/// One expression over variables of given sorts.
///
/// # Errors
/// All errors of the text.
pub(super) fn parse_expression(text: &str, vars: &[(String, VarSort)]) -> Result<Pat> {
    parser::expression(text, vars).map_err(|problems| problems::report("expression", text, &problems))
}

/// The files that come with the engine: subject and text.
const BUILTIN: [(&str, &str); 12] = [
    ("algebra", include_str!("../../../planner-rules/algebra.rules")),
    ("power", include_str!("../../../planner-rules/power.rules")),
    ("exp", include_str!("../../../planner-rules/exp.rules")),
    ("bounds", include_str!("../../../planner-rules/bounds.rules")),
    ("transpose", include_str!("../../../planner-rules/transpose.rules")),
    ("product", include_str!("../../../planner-rules/product.rules")),
    ("diag", include_str!("../../../planner-rules/diag.rules")),
    ("gram", include_str!("../../../planner-rules/gram.rules")),
    ("statistics", include_str!("../../../planner-rules/statistics.rules")),
    ("normalise", include_str!("../../../planner-rules/normalise.rules")),
    ("shape", include_str!("../../../planner-rules/shape.rules")),
    ("epilogue", include_str!("../../../planner-rules/epilogue.rules")),
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
        hash = hash_with(hash, BUILTIN[i].0, BUILTIN[i].1);
        i += 1;
    }
    hash
};

/// More text than anybody writes as rules; what is longer is something else.
const MOST_BYTES: usize = 1 << 20;

fn too_long(bytes: u64) -> String {
    format!("a rule file may hold {MOST_BYTES} bytes, given {bytes}")
}

/// A checked set of rules. Cheap to clone behind an `Arc`; its hash is part of every plan key.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<Arc<Rule>>,
    hash: u64,
    /// By operation and reach, for saturation; made when the set is first used.
    index: OnceLock<Arc<Indices>>,
}

/// One rule, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleInfo<'a> {
    /// Its unique name.
    pub name: &'a str,
    /// Its class; the weakest one where it differs by dtype.
    pub class: Class,
    /// Its class for floats, integers and truth values; `None` where it does not apply.
    pub classes: [Option<Class>; 3],
    /// The file it stands in, without the ending.
    pub subject: &'a str,
    /// When it takes part.
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
            for (name, text) in BUILTIN {
                match rules.with(name, text) {
                    Ok(more) => rules = more,
                    // A test parses every file, so a release never gets here; a set without the file is still sound.
                    Err(e) => debug_assert!(false, "planner-rules/{name}.rules:\n{e}"),
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
        let more = parser::parse(subject, text, &known)
            .map_err(|problems| problems::report(&format!("{subject}.rules"), text, &problems))?;
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

    /// As [`with`](Self::with), with the text of a file, which is called by its name without the folders.
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

    /// The rules in order of their files; a rule of both ways once.
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
    pub(super) fn index(&self) -> &Indices {
        self.index.get_or_init(|| Arc::new(Indices::of(&self.rules)))
    }

    /// Every direction of every rule.
    pub(super) fn all(&self) -> &[Arc<Rule>] {
        &self.rules
    }
}
