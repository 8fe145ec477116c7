//! The questions that a rule may ask before it applies. The list is closed, and the answers are pure functions of facts and of the
//! terms around them.

use egg::Id;
use smallvec::SmallVec;

use super::sort::{VarSort, Variable};
use crate::graph::{BinaryOp, UnaryOp};
use crate::planner::chain;
use crate::planner::class_facts::{Facts, Sort};
use crate::planner::class_mask::ClassMask;
use crate::planner::cost::product_shape;
use crate::planner::knowledge::Terms;
use crate::planner::language::{ENode, EOp};
use crate::planner::properties::{Properties, Property};
use crate::types::Shape;

macro_rules! questions {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal ($($sort:ident),*);)*) => {
        /// A question about the classes bound to variables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::planner) enum Question {
            /// Whether an array has the property.
            Is(Property),
            $($(#[doc = $doc])* $variant,)*
        }

        impl Question {
            const OTHERS: &'static [Self] = &[$(Self::$variant),*];

            /// The name in rule files; empty for a property that no rule may ask for.
            pub(in crate::planner) fn name(self) -> &'static str {
                match self {
                    Self::Is(property) => property.condition().unwrap_or_default(),
                    $(Self::$variant => $name,)*
                }
            }

            /// What its arguments are.
            pub(in crate::planner) const fn args(self) -> &'static [VarSort] {
                match self {
                    Self::Is(_) => &[VarSort::Tensor],
                    $(Self::$variant => &[$(VarSort::$sort),*],)*
                }
            }
        }
    };
}

questions! {
    /// No axis, or the last of extent 1: an element of it belongs to a row, or to all.
    PerRow "per_row" (Tensor);
    /// Less than two axes, or the last but one of extent 1: an element of it belongs to a column, or to all.
    PerColumn "per_column" (Tensor);
    /// At least two axes, neither of the last two of extent 1: a transpose moves elements.
    Plane "plane" (Tensor);
    /// The product of the two has as many rows as columns.
    SquareProduct "square_product" (Tensor, Tensor);
    /// The second broadcasts to the first's shape without changing it.
    Fills "fills" (Tensor, Tensor);
    /// The array broadcasts to the kernel's shape without changing it.
    FillsKernel "fills_kernel" (Kernel, Tensor);
    /// Equal shapes.
    SameShape "same_shape" (Tensor, Tensor);
    /// As many axes.
    SameRank "same_rank" (Tensor, Tensor);
    /// The array has these extents.
    HasShape "has_shape" (Tensor, Extents);
    /// The axes are of extent 1 already.
    Reduced "reduced" (Tensor, Axes);
    /// No extent is 0.
    Filled "filled" (Tensor);
    /// A literal equal to the number of elements along the axes of the array.
    Count "count" (Tensor, Tensor, Axes);
    /// Written as a transpose of something that nothing else in the program needs.
    TurnedAlone "turned_alone" (Tensor);
    /// At most one term of the program as written needs the elementwise product of the two.
    ScaledAlone "scaled_alone" (Tensor, Tensor);
    /// At most one term of the program as written needs the array with its sign changed.
    NegatedAlone "negated_alone" (Tensor);
    /// Read by a reduction or by nothing; or everything that reads it in the program as written ends in a reduction or a transpose.
    FeedsReduction "folded" (Tensor);
    /// Both kernels grew from one product.
    SameCore "same_core" (Kernel, Kernel);
    /// Not already written as a difference from its own maximum.
    Unpeaked "unpeaked" (Tensor);
    /// No other product has it as a factor, or something else needs it too.
    WholeChain "whole_chain" (Tensor);
    /// Only one term or only products need A B, or A (B C) costs less than the product of A B with C.
    OpensLeft "opens_left" (Tensor, Tensor, Tensor);
    /// Only one term or only products need B C, or (A B) C costs less than the product of A with B C.
    OpensRight "opens_right" (Tensor, Tensor, Tensor);
    /// (A B) C takes more multiply-adds than A (B C).
    CheaperRight "cheaper_right" (Tensor, Tensor, Tensor);
    /// A (B C) takes more multiply-adds than (A B) C.
    CheaperLeft "cheaper_left" (Tensor, Tensor, Tensor);
}

/// A question with the variables it is asked about.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::planner) struct Condition {
    pub(in crate::planner) question: Question,
    pub(in crate::planner) vars: Vec<usize>,
}

/// Stands in place of a variable for the class that the left side matched, which rule files call `result`.
pub(in crate::planner) const RESULT: usize = usize::MAX;

/// By variable: what the mask of a class must have by the variable's sort and by the conditions on the variable alone.
pub(super) fn required_masks(vars: &[Variable], conditions: &[Condition]) -> Vec<ClassMask> {
    let mut required: Vec<ClassMask> = vars.iter().map(|v| v.sort.required_mask()).collect();
    for condition in conditions {
        if let (Question::Is(property), [v]) = (condition.question, &condition.vars[..])
            && let Some(mask) = required.get_mut(*v)
        {
            *mask |= ClassMask::of(Properties::if_holds(property, true));
        }
    }
    required
}

/// Multiply-adds of the product of three matrices, by the brackets around them.
struct ChainWork {
    /// (A B) C.
    left: f64,
    /// A (B C).
    right: f64,
}

fn chain_work([a, b, c]: [&Shape; 3]) -> Option<ChainWork> {
    let work = |x: &Shape, product: &Shape| product.len() as f64 * x[x.rank() - 1] as f64;
    let (ab, bc) = (product_shape(a, b)?, product_shape(b, c)?);
    let (ab_c, a_bc) = (product_shape(&ab, c)?, product_shape(a, &bc)?);
    Some(ChainWork { left: work(a, &ab) + work(&ab, &ab_c), right: work(b, &bc) + work(a, &a_bc) })
}

impl Condition {
    /// The answer for the class matched and the classes bound to the rule's variables.
    pub(in crate::planner) fn holds(&self, terms: &Terms, result: Id, bound: &[Option<Id>]) -> bool {
        let of = |v: usize| if v == RESULT { Some(result) } else { bound.get(v).copied().flatten() };
        let mut ids: SmallVec<[Id; 3]> = SmallVec::new();
        let mut facts: SmallVec<[&Facts; 3]> = SmallVec::new();
        for &v in &self.vars {
            let Some(id) = of(v) else { return false };
            ids.push(id);
            facts.push(&terms[id].data);
        }
        self.question.holds(terms, &ids, &facts)
    }
}

impl Question {
    /// Every question a rule may ask.
    pub(in crate::planner) fn all() -> impl Iterator<Item = Self> {
        let properties = Property::ALL.iter().filter(|p| p.condition().is_some());
        properties.map(|&p| Self::Is(p)).chain(Self::OTHERS.iter().copied())
    }

    /// Whether the answer may become yes when classes meet. Shapes never change, and most properties are only ever taken back.
    pub(in crate::planner) fn may_come_true(self) -> bool {
        match self {
            Self::Is(property) => property.may_come_true(),
            _ => matches!(self, Self::Count | Self::SameCore),
        }
    }

    fn holds(self, terms: &Terms, ids: &[Id], facts: &[&Facts]) -> bool {
        let f = |i: usize| -> &Facts { facts[i] };
        let shape = |i: usize| &f(i).shape;
        let rank = |i: usize| shape(i).rank();
        let axes = |i: usize| match &f(i).sort {
            Sort::Attribute(EOp::Axes(axes)) => axes.clone(),
            _ => Default::default(),
        };
        let work = || chain_work([shape(0), shape(1), shape(2)]);
        let fills = |big: &Shape, small: &Shape| big.broadcast(small).is_ok_and(|s| s == *big);
        match self {
            Self::Is(property) => f(0).is(property),
            Self::PerRow => shape(0).last().is_none_or(|&n| n == 1),
            Self::PerColumn => rank(0) < 2 || shape(0)[rank(0) - 2] == 1,
            Self::Plane => rank(0) >= 2 && shape(0)[rank(0) - 2] != 1 && shape(0)[rank(0) - 1] != 1,
            Self::SquareProduct => rank(0) >= 2 && rank(1) >= 2 && shape(0)[rank(0) - 2] == shape(1)[rank(1) - 1],
            Self::Fills | Self::FillsKernel => fills(shape(0), shape(1)),
            Self::SameShape => shape(0) == shape(1),
            Self::SameRank => rank(0) == rank(1),
            Self::HasShape => matches!(&f(1).sort, Sort::Attribute(EOp::Extents(s)) if **s == *shape(0)),
            Self::Reduced => axes(1).iter().all(|&a| shape(0).get(a) == Some(&1)),
            Self::Filled => !shape(0).is_empty(),
            Self::Count => {
                let named = axes(2);
                let count: usize = named.iter().map(|&a| shape(1).get(a).copied().unwrap_or(0)).product();
                count > 0 && terms[ids[0]].nodes.iter().any(|n| matches!(&n.op, EOp::Literal(s) if s.is(count as f64)))
            }
            Self::TurnedAlone => {
                terms[ids[0]].nodes.iter().any(|n| n.op == EOp::Transpose && !terms[n.children[0]].data.multi_use)
            }
            Self::ScaledAlone => {
                let scaled = ENode::new(EOp::Binary(BinaryOp::Mul), [ids[0], ids[1]]);
                terms.lookup(scaled).is_none_or(|id| !terms[id].data.multi_use)
            }
            Self::NegatedAlone => {
                let negated = ENode::new(EOp::Unary(UnaryOp::Neg), [ids[0]]);
                terms.lookup(negated).is_none_or(|id| !terms[id].data.multi_use)
            }
            Self::FeedsReduction => {
                let mut users = terms[ids[0]].parents().map(|p| &terms.id_to_node(p).op);
                f(0).feeds_reduction || users.len() == 0 || users.any(|op| matches!(op, EOp::Reduce(_)))
            }
            Self::SameCore => match (&f(0).sort, &f(1).sort) {
                (Sort::Kernel(a), Sort::Kernel(b)) => terms.find(*a) == terms.find(*b),
                _ => false,
            },
            Self::Unpeaked => !f(0).structure.peaked,
            Self::WholeChain => chain::is_whole(terms, ids[0]),
            Self::OpensLeft => chain::opens(terms, [ids[0], ids[1]], ids[2], true),
            Self::OpensRight => chain::opens(terms, [ids[1], ids[2]], ids[0], false),
            Self::CheaperRight => work().is_some_and(|w| w.right < w.left),
            Self::CheaperLeft => work().is_some_and(|w| w.left < w.right),
        }
    }
}
