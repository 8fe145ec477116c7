//! The vocabulary of what can be known of an array by itself.
//!
//! One table lists the properties, with the word that rule files use for each. Facts about classes, conditions of rules, the
//! masks that matches are filtered by and the checks of rules all refer to a property by its name in this table. This module
//! knows neither terms nor rules.

/// What becomes of a property when two classes are found equal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meet {
    /// Both classes agree: the property follows from what every member shares.
    Same,
    /// It remains if both classes have it. A rule that is not exact can therefore never lend the facts of one side to the other.
    Both,
    /// It remains if either class has it, because it says what the whole value *is* (see `Structure::meet`).
    Either,
    /// It is derived again from the facts that remain.
    Derived,
}

macro_rules! properties {
    ($($(#[doc = $doc:literal])* $variant:ident $word:expr, $meet:ident, $change:ident;)*) => {
        /// Something that can be known of an array.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Property { $($(#[doc = $doc])* $variant,)* }

        impl Property {
            /// Every property.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The condition of rule files that asks for it, if there is one.
            pub(super) const fn condition(self) -> Option<&'static str> {
                match self { $(Self::$variant => $word,)* }
            }

            /// Whether a class that lacked the property may be found to have it.
            pub(super) const fn may_come_true(self) -> bool {
                match self { $(Self::$variant => properties!(@$change),)* }
            }

            const fn meet(self) -> Meet {
                match self { $(Self::$variant => Meet::$meet,)* }
            }
        }
    };
    (@settled) => { false };
    (@may_come) => { true };
}

properties! {
    /// A stored array, as opposed to a kernel or an attribute.
    Array      None,               Same,    settled;
    /// A product kept in registers.
    Kernel     None,               Same,    settled;
    /// A 0-d value the host knows when a run starts (literals, slots and arithmetic on them).
    Constant   Some("constant"),   Both,    settled;
    /// Not `Constant`.
    Varying    Some("varying"),    Derived, may_come;
    /// A 0-d array.
    Scalar     Some("scalar"),     Same,    settled;
    /// Exactly one element.
    Single     Some("single"),     Same,    settled;
    /// At least two axes, the last of extent 1.
    Column     Some("column"),     Same,    settled;
    /// At least two axes, the last but one of extent 1.
    Row        Some("row"),        Same,    settled;
    /// At least two axes, the last two of equal extent.
    Square     Some("square"),     Same,    settled;
    /// The sign bit is clear in every element that is not NaN.
    Nonneg     Some("nonneg"),     Both,    settled;
    /// No element is NaN or infinite.
    Finite     Some("finite"),     Both,    settled;
    /// Equal to its transpose.
    Symmetric  Some("symmetric"),  Both,    may_come;
    /// Ones (or `true`) where the coordinates along the last two axes are equal, +0 (or `false`) elsewhere.
    Identity   Some("identity"),   Either,  may_come;
    /// +0 (or `false`) wherever the coordinates along the last two axes differ.
    Diagonal   Some("diagonal"),   Both,    may_come;
    /// Every element is one known number.
    Uniform    None,               Derived, may_come;
    /// One everywhere.
    Ones       Some("ones"),       Derived, may_come;
    /// Zero of either sign everywhere.
    Zeros      Some("zeros"),      Derived, may_come;
}

impl Property {
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties(u32);

impl Properties {
    /// Every property.
    pub(super) const ALL: Self = Self((1 << Property::ALL.len()) - 1);
    /// Those that hold of a class only if they hold of every member.
    pub(super) const OF_EVERY_MEMBER: Self = Self::that_meet(Meet::Both);
    /// Those that hold of a class if they hold of one member.
    pub(super) const OF_ONE_MEMBER: Self = Self::that_meet(Meet::Either);
    /// Those that an operation says about its result's elements. The others follow from these, sort, shape and fill.
    pub(super) const INFERRED: Self = Self::OF_EVERY_MEMBER.or(Self::OF_ONE_MEMBER);

    const fn that_meet(meet: Meet) -> Self {
        let (mut set, mut i) = (0, 0);
        while i < Property::ALL.len() {
            if Property::ALL[i].meet() as u8 == meet as u8 {
                set |= Property::ALL[i].bit();
            }
            i += 1;
        }
        Self(set)
    }

    /// Whether the set has this property.
    #[must_use]
    pub const fn has(self, property: Property) -> bool {
        self.0 & property.bit() != 0
    }

    /// The number that every element is, where a property says it.
    #[must_use]
    pub const fn fill(self) -> Option<i64> {
        if self.has(Property::Ones) {
            Some(1)
        } else if self.has(Property::Zeros) {
            Some(0)
        } else {
            None
        }
    }

    /// The property alone, or nothing.
    pub(super) const fn if_holds(property: Property, holds: bool) -> Self {
        Self((holds as u32) << property as u32)
    }

    /// The set with this property in it or not.
    pub(super) const fn with(self, property: Property, holds: bool) -> Self {
        Self(self.0 & !property.bit() | Self::if_holds(property, holds).0)
    }

    /// The union of two sets.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The intersection of two sets.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One bit for each property, from bit 0 up.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    /// The set of these bits.
    pub(super) const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }
}
