//! The language of rule files: text in; checked rules out, or every error of the file with its place.
//!
//! What a rule may say is in `planner-rules/README.md`; the closed lists behind it are `signature` (functions) and `conditions`
//! (questions). A rule's left side is matched by `matching`; its right side is drafted here.

mod attributes;
mod conditions;
mod draft;
mod edits;
mod expressions;
mod lexer;
mod model;
mod parser;
mod problems;
mod reader;
mod signature;
mod sort;
mod subst;
mod variants;

use hashbrown::HashMap;

use crate::error::Result;

pub(super) use attributes::is_attribute;
pub(super) use conditions::{Condition, Question, RESULT};
pub(super) use draft::{Added, draft, draft_alone, draft_left, draft_with};
pub(super) use edits::edits;
pub use model::{Class, Phase, RuleClasses};
pub(super) use model::{Head, Pat, Rule};
pub(super) use sort::{VarSort, Variable};
pub(super) use subst::{BoundOp, Subst};

/// The rules of a file. `elsewhere` has the names that are taken, with the files that define them.
///
/// # Errors
/// All errors of the file at once.
pub(super) fn parse(subject: &str, text: &str, elsewhere: &HashMap<&str, &str>) -> Result<Vec<Rule>> {
    parser::parse(subject, text, elsewhere)
        .map_err(|problems| problems::report(&format!("{subject}.rules"), text, &problems))
}

/// One expression over variables of given sorts.
///
/// # Errors
/// All errors of the text.
pub(super) fn parse_expression(text: &str, vars: Vec<Variable>) -> Result<Pat> {
    parser::expression(text, vars).map_err(|problems| problems::report("expression", text, &problems))
}
