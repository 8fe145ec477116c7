//! A recipe grown into a case: every step adds an operation of a random family.

use std::sync::Arc;

use proptest::prelude::*;

use super::case_builder::CaseBuilder;
use super::dice::Dice;
use super::recipe::Recipe;
use super::{algebra, elementwise, hazards, moves, near, patterns, structure};
use crate::algorithms::Random;
use crate::graph::{Case, NodeId};
use crate::planner::Rules;

/// Recipes of up to `steps` steps.
pub fn recipes(steps: usize) -> impl Strategy<Value = Recipe> {
    (prop::array::uniform6(any::<u16>()), prop::collection::vec(prop::array::uniform8(any::<u16>()), 1..=steps))
        .prop_map(|(head, steps)| Recipe { head, steps })
}

/// Random cases of 1 to 40 operations.
pub fn cases() -> impl Strategy<Value = Case> {
    recipes(40).prop_map(|r| grow(&r))
}

/// The case that a recipe describes.
#[must_use]
pub fn grow(recipe: &Recipe) -> Case {
    grow_with(recipe, Rules::builtin())
}

/// As [`grow`], with near-misses of these rules.
#[must_use]
pub fn grow_with(recipe: &Recipe, rules: &Arc<Rules>) -> Case {
    let mut b = CaseBuilder::new(&recipe.head);
    b.rules = rules.clone();
    for step in &recipe.steps {
        if b.operations() >= 40 {
            break;
        }
        let mut dice = Dice::new(step);
        let before = b.operations();
        // A step whose operation was removed tries others, so that short recipes are not empty.
        for _ in 0..4 {
            add(&mut b, &mut dice);
            if b.operations() > before {
                break;
            }
        }
    }
    b.finish()
}

/// Adds an operation of a random family.
pub(super) fn add(b: &mut CaseBuilder, dice: &mut Dice) {
    type Family = fn(&mut CaseBuilder, &mut Dice) -> Option<NodeId>;
    const FAMILIES: [(u32, Family); 22] = [
        (20, elementwise::unary),
        (14, elementwise::binary),
        (8, elementwise::with_scalar),
        (3, elementwise::compare),
        (6, elementwise::integer),
        (3, elementwise::logical),
        (4, elementwise::select),
        (6, elementwise::cast),
        (3, algebra::algebra),
        (10, moves::view),
        (10, structure::reduce),
        (3, structure::arg_reduce),
        (4, structure::scan),
        (6, structure::contract),
        (3, structure::sort),
        (10, moves::moved),
        (6, moves::generated),
        (8, patterns::products),
        (5, patterns::rows),
        (5, structure::host),
        (10, near::pattern),
        (40, hazards::hazard),
    ];
    let total: u32 = FAMILIES.iter().map(|(w, _)| w).sum();
    let mut at = dice.below(total as usize) as u32;
    for (weight, family) in FAMILIES {
        if at < weight {
            family(b, dice);
            return;
        }
        at -= weight;
    }
}
