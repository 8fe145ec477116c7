//! Random graphs for the equivalence tests.
//!
//! A case grows from a *recipe*: a list of steps, each a handful of random words. Growing is a total function, so any recipe
//! gives a valid graph, and shrinking a recipe (fewer steps, smaller words) shrinks the graph. While it grows, the oracle
//! evaluates every node under the widest allowance; a node most of whose elements could not be compared tightly is taken back,
//! which keeps conditioning sane without leaving an operation out.

mod builder;
mod elementwise;
mod leaves;
mod moves;
mod near;
mod patterns;
mod structure;

use std::sync::Arc;

use proptest::prelude::*;

pub use builder::Builder;
pub use near::{RuleCase, rule_case};

use crate::algorithms::{Lcg, Random, SplitMix};
use crate::graph::{Case, NodeId};
use crate::planner::Rules;

/// One step of a recipe.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Which sizes, dtypes and liberties the case has.
    pub head: [u16; 6],
    /// What is added, step by step.
    pub steps: Vec<[u16; 8]>,
}

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
    let mut b = Builder::new(&recipe.head);
    b.rules = rules.clone();
    for step in &recipe.steps {
        if b.operations() >= 40 {
            break;
        }
        let mut dice = Dice::new(step);
        let before = b.operations();
        // What is taken back is tried again in another way, so that short recipes are not empty.
        for _ in 0..4 {
            add(&mut b, &mut dice);
            if b.operations() > before {
                break;
            }
        }
    }
    b.finish()
}

impl Recipe {
    /// The recipe number `index` of a seed, of up to `steps` steps: the same in every run.
    #[must_use]
    pub fn random(seed: u64, index: u64, steps: usize) -> Self {
        let mut words = Words::new(seed, index);
        let head = std::array::from_fn(|_| words.word());
        let n = 1 + usize::from(words.word()) % steps.max(1);
        Self { head, steps: (0..n).map(|_| std::array::from_fn(|_| words.word())).collect() }
    }
}

/// A stream of random words that depends on a seed and an index only.
pub struct Words(SplitMix);

impl Words {
    /// The stream.
    #[must_use]
    pub fn new(seed: u64, index: u64) -> Self {
        let mixed = seed.wrapping_mul(0xd134_2543_de82_ef95) ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(SplitMix(mixed ^ 0x2545_f491_4f6c_dd1d))
    }

    /// The next word.
    pub fn word(&mut self) -> u16 {
        (self.0.word() >> 24) as u16
    }

    /// Dice over the next words.
    pub fn dice(&mut self) -> Dice {
        let words: [u16; 12] = std::array::from_fn(|_| self.word());
        Dice::new(&words)
    }
}

/// Adds an operation of a random family.
fn add(b: &mut Builder, dice: &mut Dice) {
    type Family = fn(&mut Builder, &mut Dice) -> Option<NodeId>;
    const FAMILIES: [(u32, Family); 21] = [
        (20, elementwise::unary),
        (14, elementwise::binary),
        (8, elementwise::with_scalar),
        (3, elementwise::compare),
        (6, elementwise::integer),
        (3, elementwise::logical),
        (4, elementwise::select),
        (6, elementwise::cast),
        (3, elementwise::algebra),
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

/// Random choices out of a step's words; when these are used up, out of their hash.
pub struct Dice {
    words: Vec<u16>,
    next: usize,
    rest: Lcg,
}

impl Dice {
    /// Dice over these words.
    #[must_use]
    pub fn new(words: &[u16]) -> Self {
        let hash = words.iter().fold(0x9e37_79b9_7f4a_7c15, |h: u64, &w| {
            (h ^ u64::from(w)).wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(23)
        });
        Self { words: words.to_vec(), next: 0, rest: Lcg(hash) }
    }

    /// Whether the last of `n` equally likely outcomes came: smaller words, which shrinking tries, give the usual case.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}

impl Random for Dice {
    fn word(&mut self) -> u64 {
        match self.words.get(self.next) {
            Some(&w) => {
                self.next += 1;
                u64::from(w)
            }
            None => self.rest.word(),
        }
    }
}
