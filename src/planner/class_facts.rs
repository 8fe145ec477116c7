//! What is known of a class: its sort, shape and dtype, properties of its elements, and how the program uses it.
//!
//! Shape and dtype are the same for all members of a class; a rule that would change them is refused before it adds anything.
//! How facts follow from an operation and the facts of its operands is told in `promises` and `structure`.

use egg::Id;

use super::class_mask::ClassMask;
use super::language::EOp;
use super::properties::{Properties, Property};
use crate::types::{DType, Scalar, Shape};

/// What a class stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sort {
    /// An array.
    Tensor,
    /// A product in registers; the class of the core it started from.
    Kernel(Id),
    /// An attribute, which is the term itself.
    Attribute(EOp),
    /// The one term above everything.
    Roots,
}

/// Facts about a class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    /// What it stands for.
    pub(super) sort: Sort,
    /// Its shape (empty for attributes).
    pub(super) shape: Shape,
    /// Its dtype (bool for attributes).
    pub(super) dtype: DType,
    /// At least two terms of the program as written read it, or read a multiple of it by a scalar.
    pub(super) multi_use: bool,
    /// `multi_use`, and one of the readers is not a product: it is computed whatever becomes of the products it is a factor of.
    pub(super) materialised: bool,
    /// Every reader in the program as written is a reduction, a transpose or a root, or is elementwise and leads only to such.
    pub(super) feeds_reduction: bool,
    /// What its elements are.
    pub(super) structure: Structure,
    /// The operations of its terms and its properties.
    pub(super) mask: ClassMask,
}

/// What an array's elements are, beyond its properties.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Structure {
    /// Every element is this value, bit for bit.
    pub(super) fill: Option<Scalar>,
    /// Every element is its coordinate along this axis.
    pub(super) coordinate: Option<usize>,
    /// Maxima along some axes, or a choice that takes their place. Rules ask for it so as not to repeat themselves; no value
    /// depends on it.
    pub(super) peak: bool,
    /// Elements less a `peak`, read in any order.
    pub(super) peaked: bool,
}

impl Structure {
    /// What is known of the members of both classes together.
    ///
    /// A fill, a coordinate and an identity say what the value *is*: a rule that asks for one and leaves the array out of its
    /// right side has chosen the member that is known, as extraction may choose any member. So it is enough to know it of one
    /// member. A diagonal says only a part, and its rules read the rest from the class, so it must hold for all members.
    /// Therefore nothing that was found nearly equal to a fill is ever read *as* one: the fill itself takes its place, by a step
    /// of the class that said so. In Strict mode, where every step is exact, all members are the same bits anyway.
    /// tests/planning/rules/growth.rs
    fn meet(&mut self, other: &Self) {
        // Of two values that some rule found nearly equal, the one with lesser bits, so that the order of unions does not matter.
        self.fill = [self.fill, other.fill].into_iter().flatten().min();
        self.coordinate = [self.coordinate, other.coordinate].into_iter().flatten().min();
        self.peak |= other.peak;
        self.peaked |= other.peaked;
    }

    /// Whether every element is this number, a zero of either sign for 0.
    pub(super) fn filled_with(&self, value: f64) -> bool {
        self.fill.is_some_and(|s| s.to_f64() == value)
    }
}

/// What is known of a leaf's elements. The engine knows nothing of its data; the check of rules promises what conditions ask for,
/// and a region of a large graph what earlier regions found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LeafPromise {
    pub(super) properties: Properties,
    pub(super) structure: Structure,
}

impl LeafPromise {
    /// What these properties say of the elements of an array.
    pub(super) fn of(properties: Properties, dtype: DType) -> Self {
        let diagonal = properties.has(Property::Diagonal) || properties.has(Property::Identity);
        let inferred = properties.and(Properties::INFERRED).with(Property::Constant, false);
        let fill = properties.fill().map(|v| Scalar::from_i64(dtype, v));
        Self {
            properties: inferred.with(Property::Diagonal, diagonal),
            structure: Structure { fill, ..Structure::default() },
        }
    }
}

/// Which facts changed when two classes met.
pub(super) struct Changed {
    /// Those of the first class.
    pub(super) first: bool,
    /// Those of the second.
    pub(super) second: bool,
    /// Facts of either that values depend on.
    pub(super) values: bool,
}

impl Facts {
    /// The facts of an attribute.
    pub(super) fn attribute(op: &EOp) -> Self {
        Self { sort: Sort::Attribute(op.clone()), ..Self::tensor(Shape::scalar(), DType::Bool) }
    }

    /// The facts of a term that no shape was inferred for: no rule and no emission accepts it.
    pub(super) fn ill_formed() -> Self {
        Self { sort: Sort::Roots, mask: ClassMask::NONE, ..Self::tensor(Shape::scalar(), DType::Bool) }
    }

    /// What shape and dtype say of an array.
    pub(super) fn tensor(shape: Shape, dtype: DType) -> Self {
        let of_dtype =
            Properties::default().with(Property::Nonneg, !dtype.is_signed()).with(Property::Finite, !dtype.is_float());
        Self {
            sort: Sort::Tensor,
            shape,
            dtype,
            multi_use: false,
            materialised: false,
            feeds_reduction: false,
            structure: Structure::default(),
            mask: ClassMask::of(of_dtype),
        }
    }

    /// Whether this is an array.
    pub(super) fn is_tensor(&self) -> bool {
        self.sort == Sort::Tensor
    }

    /// The core of a kernel.
    pub(super) fn core(&self) -> Option<Id> {
        match self.sort {
            Sort::Kernel(core) => Some(core),
            _ => None,
        }
    }

    /// Whether this is a kernel.
    pub(super) fn is_kernel(&self) -> bool {
        matches!(self.sort, Sort::Kernel(_))
    }

    /// The last two extents.
    pub(super) fn matrix(&self) -> Option<[usize; 2]> {
        last_two(&self.shape)
    }

    /// Whether this is known.
    pub(super) fn is(&self, property: Property) -> bool {
        self.mask.has(property)
    }

    /// Notes that a property holds or that it is not known to.
    pub(super) fn set(&mut self, property: Property, holds: bool) {
        self.mask = self.mask.with_properties(self.mask.properties().with(property, holds));
    }

    /// Derives the properties that follow from sort, shape, fill and other properties.
    pub(super) fn derive(&mut self) {
        let [rows, columns] = self.matrix().unwrap_or([0, 0]);
        let rank = self.shape.rank();
        let derived = [
            (Property::Array, self.is_tensor()),
            (Property::Kernel, self.is_kernel()),
            (Property::Varying, !self.is(Property::Constant)),
            (Property::Scalar, rank == 0),
            (Property::Single, self.shape.len() == 1),
            (Property::Column, columns == 1),
            (Property::Row, rows == 1),
            (Property::Square, rank >= 2 && rows == columns),
            (Property::Uniform, self.structure.fill.is_some()),
            (Property::Ones, self.structure.filled_with(1.0)),
            (Property::Zeros, self.structure.filled_with(0.0)),
        ];
        let inferred = self.mask.properties().and(Properties::INFERRED);
        let all =
            derived.into_iter().fold(inferred, |all, (property, holds)| all.or(Properties::if_holds(property, holds)));
        self.mask = self.mask.with_properties(all);
    }

    /// What is known of the members of both classes together.
    pub(super) fn meet(&mut self, other: &Self) -> Changed {
        let (of_self, of_other) = (self.mask.properties(), other.mask.properties());
        let before = self.structure;
        let every = of_self.and(of_other).and(Properties::OF_EVERY_MEMBER);
        let one = of_self.or(of_other).and(Properties::OF_ONE_MEMBER);
        self.structure.meet(&other.structure);
        // What follows is never inferred from.
        self.multi_use |= other.multi_use;
        self.materialised |= other.materialised;
        self.feeds_reduction |= other.feeds_reduction;
        self.mask = (self.mask | other.mask).with_properties(every.or(one));
        self.derive();
        let values = |p: Properties, s: Structure| (p.and(Properties::INFERRED), s.fill, s.coordinate);
        let now = values(self.mask.properties(), self.structure);
        let (first, second) = (now != values(of_self, before), now != values(of_other, other.structure));
        let peaks = |s: Structure| (s.peak, s.peaked);
        let met = peaks(self.structure);
        Changed {
            first: first || met != peaks(before),
            second: second || met != peaks(other.structure),
            values: first || second,
        }
    }
}

/// The last two extents of a shape that has as many.
pub(super) fn last_two(shape: &Shape) -> Option<[usize; 2]> {
    let rank = shape.rank();
    Some([shape[rank.checked_sub(2)?], shape[rank - 1]])
}
