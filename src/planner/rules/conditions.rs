//! The closed list of questions a rule may ask before it applies: pure functions of facts and of the terms around them.

use egg::Id;
use smallvec::SmallVec;

use super::model::VarSort;
use crate::graph::{BinaryOp, UnaryOp};
use crate::planner::chain;
use crate::planner::facts::{Facts, Sort, Terms};
use crate::planner::language::{ENode, EOp};
use crate::types::Shape;

macro_rules! questions {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal ($($sort:ident),*);)*) => {
        /// A question about the classes bound to variables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::planner) enum Question { $($(#[doc = $doc])* $variant,)* }

        impl Question {
            /// Every question.
            pub(in crate::planner) const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in rule files.
            pub(in crate::planner) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What its arguments are.
            pub(in crate::planner) const fn args(self) -> &'static [VarSort] {
                match self { $(Self::$variant => &[$(VarSort::$sort),*],)* }
            }
        }
    };
}

questions! {
    /// A 0-d value the host knows when a run starts (literals, slots and arithmetic on them).
    Constant "constant" (Tensor);
    /// Not such a value.
    Varying "varying" (Tensor);
    /// A 0-d array.
    Scalar "scalar" (Tensor);
    /// Exactly one element.
    Single "single" (Tensor);
    /// At least two axes, the last of extent 1.
    Column "column" (Tensor);
    /// At least two axes, the last but one of extent 1.
    Row "row" (Tensor);
    /// At least two axes, neither of the last two of extent 1: a transpose moves elements.
    Plane "plane" (Tensor);
    /// The last two axes are of equal extent.
    Square "square" (Tensor);
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
    /// The sign bit is clear in every element that is not NaN.
    Nonneg "nonneg" (Tensor);
    /// No element is NaN or infinite.
    Finite "finite" (Tensor);
    /// Known to equal its transpose.
    Symmetric "symmetric" (Tensor);
    /// Ones on the main diagonal of the last two axes, zeros elsewhere.
    Identity "identity" (Tensor);
    /// Zeros without a sign off the main diagonal of the last two axes.
    Diagonal "diagonal" (Tensor);
    /// One everywhere.
    Ones "ones" (Tensor);
    /// Zero everywhere.
    Zeros "zeros" (Tensor);
    /// The axes are of extent 1 already.
    Reduced "reduced" (Tensor, Axes);
    /// No extent is 0.
    Filled "filled" (Tensor);
    /// A literal equal to the number of elements along the axes of the array.
    Count "count" (Tensor, Tensor, Axes);
    /// Written as a transpose of something that nothing else in the program needs.
    TurnedAlone "turned_alone" (Tensor);
    /// Nothing in the program as written but one term needs the product of the two, element by element.
    ScaledAlone "scaled_alone" (Tensor, Tensor);
    /// Nothing in the program as written but one term needs the array with its sign changed.
    NegatedAlone "negated_alone" (Tensor);
    /// Read by a reduction, or in the program as written by nothing that does not end in one.
    Folded "folded" (Tensor);
    /// Both kernels grew from one product.
    SameCore "same_core" (Kernel, Kernel);
    /// Not written as a difference from its own maximum already.
    Unpeaked "unpeaked" (Tensor);
    /// No other product has the product as its factor, or others need it too.
    WholeChain "whole_chain" (Tensor);
    /// The program needs A B for one term or for products only, or A (B C) costs less than its product with C alone.
    OpensLeft "opens_left" (Tensor, Tensor, Tensor);
    /// The program needs B C for one term or for products only, or (A B) C costs less than the product of A with it alone.
    OpensRight "opens_right" (Tensor, Tensor, Tensor);
    /// (A B) C takes at least as many multiply-adds as A (B C).
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

/// In place of a variable: the class that the left side matched, called `result` in rule files.
pub(in crate::planner) const RESULT: usize = usize::MAX;

/// Multiply-adds of a product of two arrays; infinite where they do not fit.
fn product(a: &Shape, b: &Shape) -> Option<(f64, Shape)> {
    let (ra, rb) = (a.rank(), b.rank());
    if ra < 2 || rb < 2 || a[ra - 1] != b[rb - 2] {
        return None;
    }
    let batch = Shape::new(&a[..ra - 2]).broadcast(&Shape::new(&b[..rb - 2])).ok()?;
    let out: Shape = batch.iter().copied().chain([a[ra - 2], b[rb - 1]]).collect();
    Some((out.len() as f64 * a[ra - 1] as f64, out))
}

fn chain_costs(a: &Shape, b: &Shape, c: &Shape) -> Option<(f64, f64)> {
    let (ab, left) = product(a, b)?;
    let (abc, _) = product(&left, c)?;
    let (bc, right) = product(b, c)?;
    let (abc2, _) = product(a, &right)?;
    Some((ab + abc, bc + abc2))
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
    fn holds(self, terms: &Terms, ids: &[Id], facts: &[&Facts]) -> bool {
        let f = |i: usize| -> &Facts { facts[i] };
        let shape = |i: usize| &f(i).shape;
        let rank = |i: usize| shape(i).rank();
        let axes = |i: usize| match &f(i).sort {
            Sort::Attribute(EOp::Axes(axes)) => axes.clone(),
            _ => Default::default(),
        };
        let fills = |big: &Shape, small: &Shape| big.broadcast(small).is_ok_and(|s| s == *big);
        match self {
            Self::Constant => f(0).host && rank(0) == 0,
            Self::Varying => !f(0).host,
            Self::Scalar => rank(0) == 0,
            Self::Single => shape(0).len() == 1,
            Self::Column => rank(0) >= 2 && shape(0)[rank(0) - 1] == 1,
            Self::Row => rank(0) >= 2 && shape(0)[rank(0) - 2] == 1,
            Self::Plane => rank(0) >= 2 && shape(0)[rank(0) - 2] != 1 && shape(0)[rank(0) - 1] != 1,
            Self::Square => rank(0) >= 2 && shape(0)[rank(0) - 2] == shape(0)[rank(0) - 1],
            Self::SquareProduct => rank(0) >= 2 && rank(1) >= 2 && shape(0)[rank(0) - 2] == shape(1)[rank(1) - 1],
            Self::Fills | Self::FillsKernel => fills(shape(0), shape(1)),
            Self::SameShape => shape(0) == shape(1),
            Self::SameRank => rank(0) == rank(1),
            Self::HasShape => matches!(&f(1).sort, Sort::Attribute(EOp::Extents(s)) if **s == *shape(0)),
            Self::Nonneg => f(0).nonneg,
            Self::Finite => f(0).finite,
            Self::Symmetric => f(0).symmetric,
            Self::Identity => f(0).structure.identity,
            Self::Diagonal => f(0).structure.diagonal,
            Self::Ones => f(0).structure.filled_with(1.0),
            Self::Zeros => f(0).structure.filled_with(0.0),
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
            Self::Folded => {
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
            Self::CheaperRight => chain_costs(shape(0), shape(1), shape(2)).is_some_and(|(l, r)| r < l),
            Self::CheaperLeft => chain_costs(shape(0), shape(1), shape(2)).is_some_and(|(l, r)| l < r),
        }
    }
}
