//! Cases made from one rule: its left side by itself or inside a larger graph, as it is or nearly so.

use std::sync::Arc;

use super::case_builder::CaseBuilder;
use super::dice::{Dice, Words};
use super::grow::add;
use super::near::{ATTEMPTS, instance, profile};
use super::recipe::Recipe;
use crate::graph::Case;
use crate::planner::{RuleCheck, Rules};
use crate::types::{Shape, View};

/// A case made from one direction of a rule.
#[derive(Clone, Debug)]
pub struct RuleCase {
    /// The case. Its roots end in what the left side gave.
    pub case: Case,
    /// Whether the rule applies to it; otherwise it is a near-miss.
    pub applies: bool,
}

/// In what the graph of a rule's left side differs from what the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variation {
    /// Whether it has an edit that makes it a near-miss.
    pub edited: bool,
    /// What reads its result.
    pub above: Above,
}

/// A view that reads the result of a left side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Above {
    /// None.
    Nothing,
    /// It is repeated along a new axis.
    Broadcast,
    /// Its elements as a column.
    Column,
    /// Its diagonal.
    Diagonal,
    /// Its transpose.
    Transposed,
}

impl Above {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Broadcast, Self::Column, Self::Diagonal, Self::Transposed];

    fn view(self, shape: &Shape) -> Option<View> {
        let dense = View::dense(shape);
        match self {
            Self::Nothing => Some(dense),
            Self::Broadcast => dense.broadcast_to(&[2].into_iter().chain(shape.iter().copied()).collect()).ok(),
            Self::Column => Some(View::dense(&Shape::new(&[shape.len(), 1]))),
            Self::Diagonal => dense.diagonal().ok(),
            Self::Transposed => {
                let mut axes: Vec<usize> = (0..shape.rank()).collect();
                axes.swap(shape.rank().checked_sub(2)?, shape.rank() - 1);
                dense.permute(&axes).ok()
            }
        }
    }
}

/// A case for one direction of a rule, number `index` of a seed: by itself when `index` is even, else with other operations around
/// it. `None` where none was found.
#[must_use]
pub fn rule_case(rules: &Rules, rule: &RuleCheck, variation: Variation, seed: u64, index: u64) -> Option<RuleCase> {
    let mut words = Words::new(seed, index);
    let recipe = Recipe::random(seed ^ 0x7275_6c65, index, 4);
    for _ in 0..6 {
        let head = std::array::from_fn(|_| words.word());
        let mut b = CaseBuilder::new(&head);
        b.rules = Arc::new(rules.clone());
        let mut dice = words.dice();
        let around = index % 2 == 1;
        if around {
            recipe.steps.iter().for_each(|step| add(&mut b, &mut Dice::new(step)));
        }
        let Some(instance) = instance(rule, &b.palette, variation.edited, ATTEMPTS, &mut dice) else { continue };
        let profile = profile(&b, &mut dice);
        let Some(mut made) = b.graft(&instance.graph, profile, &mut dice) else { continue };
        if variation.above != Above::Nothing {
            let view = variation.above.view(&b.shape(made[0])).and_then(|v| b.view(made[0], v));
            let Some(view) = view else { continue };
            made = vec![view];
        }
        if around && dice.once_in(2) {
            add(&mut b, &mut dice);
        }
        return Some(RuleCase { case: b.finish_with(&made), applies: instance.applies });
    }
    None
}
