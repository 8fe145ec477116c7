//! The order in which a chain of products costs least.
//!
//! In: the operands of two products in a row. Out: a tree over their factors. An operand that is itself a product which nothing
//! else needs counts as its factors, so that a chain of any length is seen as a whole. Dynamic programming over runs of
//! factors weighs every way to bracket them, with the bytes and multiply-adds of the cost table: k factors take k³/6 steps.
//! Transposes need no care here: rules turn the transpose of a product that nothing else needs into a product of transposes.
//! How the operands were split comes out too, for proofs. Knows no rule.

use std::hash::{Hash, Hasher};

use egg::Id;
use smallvec::SmallVec;

use super::class_facts::Facts;
use super::cost;
use super::knowledge::Terms;
use super::language::{ENode, EOp};
use crate::types::{CostTable, DType, Fault, Shape, seeded};

/// More factors than this are left in groups as they are written.
const MOST_FACTORS: usize = 40;

/// Brackets around factors.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bracketing {
    /// A factor.
    Factor(Id),
    /// The product of two chains.
    Product(Box<Bracketing>, Box<Bracketing>),
}

impl Bracketing {
    /// The factors, from left to right.
    pub(super) fn factors(&self) -> Vec<Id> {
        let mut factors = Vec::new();
        self.clone().each(&mut |id| factors.push(*id));
        factors
    }

    /// Calls `with` for every factor, from left to right.
    pub(super) fn each(&mut self, with: &mut dyn FnMut(&mut Id)) {
        match self {
            Self::Factor(id) => with(id),
            Self::Product(left, right) => {
                left.each(with);
                right.each(with);
            }
        }
    }
}

/// A chain that was weighed: what stood for each operand, and what costs least.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WeighedChain {
    /// The operands as products of the factors.
    pub(super) operands: Vec<Bracketing>,
    /// All of the factors in the cheapest brackets.
    pub(super) best: Bracketing,
}

/// The chains of products of a right side, split into factors and then weighed one after the other.
#[derive(Default)]
pub(super) struct ProductChains {
    /// Those still to be weighed, the last one first: their operands.
    open: Vec<Vec<Bracketing>>,
    /// Those that were.
    pub(super) weighed: Vec<WeighedChain>,
}

impl ProductChains {
    /// Chains with these operands, in the order in which they will be weighed.
    pub(super) fn of(terms: &Terms, operands: impl DoubleEndedIterator<Item = Vec<Id>>) -> Self {
        Self { open: operands.rev().map(|o| split(terms, &o)).collect(), weighed: Vec::new() }
    }

    /// The cheapest brackets around the next chain.
    pub(super) fn next(&mut self, terms: &Terms) -> Option<Bracketing> {
        let operands = self.open.pop()?;
        let factors: Vec<Id> = operands.iter().flat_map(Bracketing::factors).collect();
        let best = cheapest_of(terms, &factors)?;
        self.weighed.push(WeighedChain { operands, best: best.clone() });
        Some(best)
    }
}

impl Hash for ProductChains {
    /// By the factors of those still to be weighed.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.open.iter().flatten().for_each(|o| o.factors().hash(state));
    }
}

/// The cheapest brackets around all factors of these operands; `None` where they do not fit together.
pub(super) fn cheapest(terms: &Terms, operands: &[Id]) -> Option<Bracketing> {
    let factors: Vec<Id> = split(terms, operands).iter().flat_map(Bracketing::factors).collect();
    cheapest_of(terms, &factors)
}

/// These operands as products of their factors.
fn split(terms: &Terms, operands: &[Id]) -> Vec<Bracketing> {
    let mut splitter = Splitter { terms, opened: SmallVec::new(), n_factors: operands.len() };
    operands.iter().map(|&id| splitter.split(id)).collect()
}

struct Splitter<'a> {
    terms: &'a Terms,
    opened: SmallVec<[Id; 8]>,
    n_factors: usize,
}

impl Splitter<'_> {
    fn split(&mut self, id: Id) -> Bracketing {
        let id = self.terms.find(id);
        let class = &self.terms[id];
        let product = class.nodes.iter().filter(|n| n.op == EOp::Contract).min();
        // What is computed anyway, or need not be computed at all, stays whole. A class that is a factor of itself (by an identity,
        // say) is no chain.
        let whole = class.data.multi_use || class.nodes.iter().any(|n| n.op.is_given()) || self.opened.contains(&id);
        // A product over an axis of extent 0 is zero, whatever infinities its factors hold.
        let filled = |p: &ENode| p.children.iter().all(|&c| !self.terms[c].data.shape.is_empty());
        match product.filter(|p| filled(p)) {
            Some(p) if !whole && self.n_factors < MOST_FACTORS => {
                self.opened.push(id);
                self.n_factors += 1;
                let left = self.split(p.children[0]);
                Bracketing::Product(Box::new(left), Box::new(self.split(p.children[1])))
            }
            _ => Bracketing::Factor(id),
        }
    }
}

/// Whether no other product has a product of this class as a factor that it would split.
pub(super) fn is_whole(terms: &Terms, class: Id) -> bool {
    let class = terms.find(class);
    let mut users = terms[class].parents().map(|p| terms.id_to_node(p));
    terms[class].data.multi_use || !users.any(|n| n.op == EOp::Contract)
}

/// Whether a product is worth splitting beside a factor on its right (or left): either only products need it, or two products by
/// way of its factors cost less than one with it, although it is computed anyway.
pub(super) fn opens(terms: &Terms, factors: [Id; 2], beside: Id, right: bool) -> bool {
    let materialised = |id: Id| terms[id].data.materialised;
    if !terms.lookup(ENode::new(EOp::Contract, factors)).is_some_and(materialised) {
        return true;
    }
    let costs = terms.analysis.costs.clone().unwrap_or_else(CostTable::cpu);
    let facts = |id: Id| &terms[id].data;
    let ordered = |x: &Shape, y: &Shape| {
        let (x, y) = if right { (x, y) } else { (y, x) };
        cost::product(x, y, false, facts(beside).dtype, &costs)
    };
    let [near, far] = if right { [factors[1], factors[0]] } else { factors };
    let (near, far, beside) = (&facts(near).shape, &facts(far).shape, &facts(beside).shape);
    let apart = ordered(near, beside).and_then(|inner| Some(inner.ns + ordered(far, &inner.shape)?.ns));
    let whole = ordered(far, near).and_then(|product| Some(ordered(&product.shape, beside)?.ns));
    apart.zip(whole).is_some_and(|(apart, whole)| apart < whole)
}

/// The cheapest brackets around factors; `None` where they do not fit together.
fn cheapest_of(terms: &Terms, factors: &[Id]) -> Option<Bracketing> {
    let facts: Vec<&Facts> = factors.iter().map(|&id| &terms[id].data).collect();
    let shapes: Vec<&Shape> = facts.iter().map(|f| &f.shape).collect();
    let costs = terms.analysis.costs.clone().unwrap_or_else(CostTable::cpu);
    let turned = |a: Id, b: Id| terms[a].nodes.iter().any(|n| n.op == EOp::Transpose && terms.find(n.children[0]) == b);
    let grams: Vec<bool> = factors.windows(2).map(|w| turned(w[0], w[1]) || turned(w[1], w[0])).collect();
    let subchains = subchains(&shapes, &grams, facts.first()?.dtype, &costs)?;
    let mut factors = factors.to_vec();
    exchange_factors(&shapes, &mut factors);
    Some(brackets(&factors, &subchains, 0, factors.len()))
}

/// The place of a seeded fault.
fn exchange_factors(shapes: &[&Shape], factors: &mut [Id]) {
    let alike = (1..factors.len()).find(|&i| shapes[i - 1] == shapes[i] && factors[i - 1] != factors[i]);
    if let Some(i) = alike.filter(|_| seeded(Fault::FactorsExchanged)) {
        factors.swap(i - 1, i);
    }
}

/// Neighbouring factors: the cost of their product, where it is best cut, and its shape.
struct Subchain {
    ns: f64,
    cut: usize,
    shape: Shape,
}

/// For the factors `i..j` the best that can be done, at `i * (n + 1) + j`. `grams` says which factors are transposes of the next.
fn subchains(shapes: &[&Shape], grams: &[bool], dtype: DType, costs: &CostTable) -> Option<Vec<Option<Subchain>>> {
    let n = shapes.len();
    let at = |i: usize, j: usize| i * (n + 1) + j;
    let mut subchains: Vec<Option<Subchain>> = (0..n * (n + 1) + 1).map(|_| None).collect();
    for (i, shape) in shapes.iter().enumerate() {
        subchains[at(i, i + 1)] = Some(Subchain { ns: 0.0, cut: i, shape: (*shape).clone() });
    }
    for len in 2..=n {
        for i in 0..=n - len {
            let j = i + len;
            let mut best: Option<Subchain> = None;
            for cut in i + 1..j {
                let (left, right) = (subchains[at(i, cut)].as_ref()?, subchains[at(cut, j)].as_ref()?);
                let gram = len == 2 && grams[i];
                let product = cost::product(&left.shape, &right.shape, gram, dtype, costs)?;
                let ns = product.ns + left.ns + right.ns;
                // Of equal costs the first stays: from the left, as products are written.
                if best.as_ref().is_none_or(|b| ns <= b.ns) {
                    best = Some(Subchain { ns, cut, shape: product.shape });
                }
            }
            subchains[at(i, j)] = best;
        }
    }
    Some(subchains)
}

fn brackets(factors: &[Id], subchains: &[Option<Subchain>], i: usize, j: usize) -> Bracketing {
    match &subchains[i * (factors.len() + 1) + j] {
        Some(run) if j - i > 1 => Bracketing::Product(
            Box::new(brackets(factors, subchains, i, run.cut)),
            Box::new(brackets(factors, subchains, run.cut, j)),
        ),
        _ => Bracketing::Factor(factors[i]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least cost over all brackets, by trying them.
    fn least(shapes: &[Shape], costs: &CostTable) -> f64 {
        fn all(shapes: &[Shape], costs: &CostTable) -> Vec<(f64, Shape)> {
            if let [one] = shapes {
                return vec![(0.0, one.clone())];
            }
            let mut out = Vec::new();
            for cut in 1..shapes.len() {
                for (x, left) in all(&shapes[..cut], costs) {
                    for (y, right) in all(&shapes[cut..], costs) {
                        let product = cost::product(&left, &right, false, DType::F32, costs).unwrap();
                        out.push((x + y + product.ns, product.shape));
                    }
                }
            }
            out
        }
        all(shapes, costs).into_iter().map(|(ns, _)| ns).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn no_brackets_are_cheaper() {
        let mut dice = 7u64;
        let mut roll = |n: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as usize % n
        };
        for case in 0..60 {
            let k = 2 + case % 6;
            let extents: Vec<usize> = (0..=k).map(|_| [1, 2, 7, 30, 64, 300, 1000][roll(7)]).collect();
            let batch: Vec<usize> = (0..k).map(|_| if case % 3 == 0 { 1 + 3 * roll(2) } else { 1 }).collect();
            let shapes: Vec<Shape> = (0..k).map(|i| Shape::new(&[batch[i], extents[i], extents[i + 1]])).collect();
            for costs in [CostTable::cpu(), CostTable::gpu()] {
                let all = subchains(&shapes.iter().collect::<Vec<_>>(), &vec![false; k], DType::F32, &costs).unwrap();
                let (found, tried) = (all[k].as_ref().unwrap().ns, least(&shapes, &costs));
                assert!((found - tried).abs() <= 1e-9 * tried, "{shapes:?}: {found} and {tried}");
            }
        }
    }
}
