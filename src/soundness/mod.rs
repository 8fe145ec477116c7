//! Rules held against what they claim: both sides built over small shapes, filled with ordinary values, special ones and those at the
//! edges of the range, evaluated by the reference and compared as the rule's class promises.
//!
//! A rule comes in as the planner checks it; out comes how often it was tried, refused by the shape guard, and found wrong. The
//! engine asks this of every rule file that is added to its own. It knows no schedule, no executor and no device.

mod compare;
mod data;
mod inputs;
mod sizes;
mod trial;
mod values;

pub use data::CaseData;
pub use inputs::{Candidates, each_assignment, operator_choices};
pub use trial::{Trial, fill, try_case, try_rule};
pub use values::{Filling, Values};

use crate::error::{Error, Result};
use crate::planner::Rules;

/// Refuses the rules that were added to `base` if one of them is wrong, with the reason for each that is.
///
/// Takes a few milliseconds for a rule. Warnings (a rule that was never tried, a rule that the shape guard holds back more
/// often than not) are returned, with the name of the rule first.
///
/// # Errors
/// A rules error that names every wrong rule, its class, what it was tried on and what both sides gave.
pub fn admit(rules: &Rules, base: &Rules) -> Result<Vec<String>> {
    let (mut wrong, mut warnings) = (Vec::new(), Vec::new());
    for rule in rules.checks_since(base) {
        let trial = try_rule(&rule);
        if let Some(first) = trial.failures.first() {
            wrong.push(format!("error: {first}\n  --> {}.rules   (rule {})", rule.file(), rule.name()));
        }
        warnings.extend(trial.warning().map(|w| format!("{}: {w}", rule.name())));
    }
    if wrong.is_empty() { Ok(warnings) } else { Err(Error::rules(wrong.join("\n\n"))) }
}
