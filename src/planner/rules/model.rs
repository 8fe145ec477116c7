//! A rule as data: its name, what it promises, what it matches and what it builds.

use std::fmt;

use super::conditions::Condition;
use super::sort::Variable;
use crate::planner::class_mask::ClassMask;
use crate::planner::language::EOp;
use crate::types::{DType, DTypeKind, Fault, Numerics, Scalar, seeded};

/// What a rewrite promises about values; see docs/numerics.md. Ordered from the strongest promise to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// The same bits for every input.
    Exact,
    /// The same bits unless an infinity, a NaN or the sign of a zero is involved.
    Finite,
    /// Differs, and is at least as accurate.
    Improves,
    /// Equal over the reals; only the order of sums or the contraction kernel changes. What neither overflows nor vanishes as
    /// written does not do so here.
    Reassociates,
    /// Equal over the reals; a chain of matrix products is bracketed otherwise, and its partial products have another range.
    Rebrackets,
    /// Equal over the reals; moves a factor or a term through products or sums, so that they have another range.
    Rescales,
    /// Domain, range or accuracy changes.
    Approximate,
}

impl Class {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::Exact,
        Self::Finite,
        Self::Improves,
        Self::Reassociates,
        Self::Rebrackets,
        Self::Rescales,
        Self::Approximate,
    ];

    /// The word in rule files and dumps.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Finite => "finite",
            Self::Improves => "improves",
            Self::Reassociates => "reassociates",
            Self::Rebrackets => "rebrackets",
            Self::Rescales => "rescales",
            Self::Approximate => "approximate",
        }
    }

    /// Whether rules of this class may be used.
    #[must_use]
    pub fn admitted(self, numerics: Numerics) -> bool {
        match (self, numerics) {
            (Self::Exact, _) => true,
            _ if seeded(Fault::ClassIgnored) => true,
            (Self::Rescales, Numerics::Standard) if seeded(Fault::FactorMoved) => true,
            (_, Numerics::Strict) => false,
            (Self::Improves | Self::Reassociates | Self::Rebrackets, _) => true,
            (_, Numerics::Standard) => false,
            (_, Numerics::Fast) => true,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The class of a rule for each kind of dtype; `None` where the rule does not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleClasses {
    /// For floats.
    pub float: Option<Class>,
    /// For integers.
    pub int: Option<Class>,
    /// For truth values.
    pub bool: Option<Class>,
}

impl RuleClasses {
    /// The class for a dtype.
    #[must_use]
    pub fn of(self, dtype: DType) -> Option<Class> {
        match dtype.kind() {
            DTypeKind::Float => self.float,
            DTypeKind::Int => self.int,
            DTypeKind::Bool => self.bool,
        }
    }

    /// The classes given.
    pub(in crate::planner) fn given(self) -> impl Iterator<Item = Class> {
        [self.float, self.int, self.bool].into_iter().flatten()
    }
}

/// When a rule is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Algebra that shrinks the graph.
    Simplify,
    /// Recognising better operations for what was written.
    Recognise,
    /// Finding that two terms which are computed anyway are equal.
    Meet,
    /// Kernels of products and their epilogues, over what the phases before have found.
    Kernel,
    /// Rules that may enlarge the graph, for a few rounds.
    Grow,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: &'static [Self] = &[Self::Simplify, Self::Recognise, Self::Meet, Self::Kernel, Self::Grow];

    /// The word in rule files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simplify => "simplify",
            Self::Recognise => "recognise",
            Self::Meet => "meet",
            Self::Kernel => "kernel",
            Self::Grow => "grow",
        }
    }
}

/// What a pattern node is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::planner) enum Head {
    /// This very operation.
    Is(EOp),
    /// Any elementwise operation of one operand; the number of the operator variable.
    AnyUnary(usize),
    /// Any elementwise operation of two operands.
    AnyBinary(usize),
    /// Right side only: the first operand (0-d) with the shape of the second.
    Like,
    /// Right side only: the first operand transposed as it is aligned with the others.
    Turn,
    /// Right side only: the diagonal of the first operand as it is broadcast with the others.
    DiagonalIn,
    /// Right side only: the last axis as a column, with an axis of extent 1 after it.
    AsColumn,
    /// Right side only: the last axis as a row, with an axis of extent 1 before it.
    AsRow,
    /// Right side only: the product of the operands in the cheapest order.
    Cheapest,
    /// Right side only: the literal number of elements along the first operand's axes in the second's extents.
    CountOf,
}

/// An attribute in a pattern; words are relative to the first operand of the node that has them.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::planner) enum AttrPat {
    /// The last axis.
    Last,
    /// The axis before the last.
    Rows,
    /// Both of them.
    Both,
    /// All axes.
    Every,
    /// The extents of the left side's result.
    Result,
    /// An integer.
    Int(i32),
    /// The axes in either of two variables.
    Union(usize, usize),
    /// The axes in the variable, with the last two exchanged.
    Turned(usize),
}

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::planner) enum Pat {
    /// Anything of the variable's sort, the same wherever the variable appears.
    Var(usize),
    /// A literal of this value (+0 and −0 differ) in the dtype around it.
    Number(f64),
    /// An attribute.
    Attr(AttrPat),
    /// A node.
    Node(Head, Vec<Pat>),
}

impl Pat {
    /// What the mask of a class must have for the pattern to match one of its terms.
    pub(in crate::planner) fn required_mask(&self) -> ClassMask {
        match self {
            Self::Node(Head::Is(op), _) => ClassMask::required_by(op),
            Self::Node(Head::AnyUnary(_), _) => ClassMask::ANY_UNARY,
            Self::Node(Head::AnyBinary(_), _) => ClassMask::ANY_BINARY,
            // Only the bit that every literal has; its value is compared later.
            Self::Number(_) => ClassMask::required_by(&EOp::Literal(Scalar::from_f64(DType::F32, 0.0))),
            Self::Node(..) | Self::Var(_) | Self::Attr(_) => ClassMask::NONE,
        }
    }

    /// Adds how often each variable appears.
    pub(in crate::planner) fn count_variables(&self, counts: &mut [usize]) {
        match self {
            Self::Var(v) => counts[*v] += 1,
            Self::Node(_, args) => args.iter().for_each(|a| a.count_variables(counts)),
            Self::Number(_) | Self::Attr(_) => {}
        }
    }
}

/// One direction of a rule.
#[derive(Clone, Debug)]
pub(in crate::planner) struct Rule {
    pub(in crate::planner) name: String,
    pub(in crate::planner) subject: String,
    pub(in crate::planner) phase: Phase,
    pub(in crate::planner) classes: RuleClasses,
    pub(in crate::planner) note: String,
    pub(in crate::planner) vars: Vec<Variable>,
    /// Names of the operator variables.
    pub(in crate::planner) ops: Vec<String>,
    /// The left side and its variants under commutativity.
    pub(in crate::planner) left: Vec<Pat>,
    pub(in crate::planner) right: Pat,
    pub(in crate::planner) conditions: Vec<Condition>,
    /// The variable whose dtype decides the kind.
    pub(in crate::planner) subject_var: usize,
    /// By variable: what the mask of a class must have for the class to stand for it.
    pub(in crate::planner) required: Vec<ClassMask>,
    /// The second direction of a two-way rule.
    pub(in crate::planner) back: bool,
}

impl Rule {
    /// The class for a dtype, if the rule applies to it.
    pub(in crate::planner) fn class(&self, dtype: DType) -> Option<Class> {
        self.classes.of(dtype)
    }

    /// Whether the right side is chosen by cost among several.
    pub(in crate::planner) fn is_weighed(&self) -> bool {
        fn weighed(pat: &Pat) -> bool {
            matches!(pat, Pat::Node(head, args) if *head == Head::Cheapest || args.iter().any(weighed))
        }
        weighed(&self.right)
    }

    /// The variables of every chain that the right side weighs, in the order in which they are built.
    pub(in crate::planner) fn chains(&self) -> Vec<Vec<usize>> {
        fn chains(pat: &Pat, out: &mut Vec<Vec<usize>>) {
            let Pat::Node(head, args) = pat else { return };
            args.iter().for_each(|a| chains(a, out));
            if *head == Head::Cheapest {
                let variable = |a: &Pat| if let Pat::Var(v) = a { Some(*v) } else { None };
                out.push(args.iter().filter_map(variable).collect());
            }
        }
        let mut out = Vec::new();
        chains(&self.right, &mut out);
        out
    }

    /// The class to show: the weakest one given.
    pub(in crate::planner) fn shown_class(&self) -> Class {
        self.classes.given().max().unwrap_or(Class::Exact)
    }
}
