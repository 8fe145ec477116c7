//! Element types and what they can do.

use std::fmt;

/// The type of an array's elements. The engine never promotes; conversions are explicit casts.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// Truth values; one byte on the host, a 32-bit word on a device.
    Bool,
    /// Bytes: storage that is read and cast.
    U8,
    /// Signed 32-bit integers; arithmetic wraps.
    I32,
    /// Unsigned 32-bit integers; arithmetic wraps.
    U32,
    /// Signed 64-bit integers; arithmetic wraps.
    I64,
    /// IEEE binary16.
    F16,
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
}

/// The families of dtypes that rules and operations speak about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DTypeKind {
    /// Truth values.
    Bool,
    /// Integers of any width.
    Int,
    /// Floating-point numbers of any width.
    Float,
}

impl DType {
    /// Every dtype, in the order of the type.
    pub const ALL: &'static [Self] =
        &[Self::Bool, Self::U8, Self::I32, Self::U32, Self::I64, Self::F16, Self::F32, Self::F64];

    /// Bytes an element takes on the host.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 => 1,
            Self::F16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// Bytes an element takes in a device buffer: truth values are words there, all others are as on the host.
    #[must_use]
    pub const fn device_size(self) -> usize {
        match self {
            Self::Bool => 4,
            other => other.size(),
        }
    }

    /// The family of the dtype.
    #[must_use]
    pub const fn kind(self) -> DTypeKind {
        match self {
            Self::Bool => DTypeKind::Bool,
            Self::U8 | Self::I32 | Self::U32 | Self::I64 => DTypeKind::Int,
            Self::F16 | Self::F32 | Self::F64 => DTypeKind::Float,
        }
    }

    /// Whether this is a floating-point dtype.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self.kind(), DTypeKind::Float)
    }

    /// Whether this is an integer dtype (truth values are not).
    #[must_use]
    pub const fn is_int(self) -> bool {
        matches!(self.kind(), DTypeKind::Int)
    }

    /// Whether values of the dtype can be negative.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        !matches!(self, Self::Bool | Self::U8 | Self::U32)
    }

    /// The largest finite value of a floating dtype.
    #[must_use]
    pub fn largest_finite(self) -> f64 {
        match self {
            Self::F16 => 65504.0,
            Self::F32 => f64::from(f32::MAX),
            _ => f64::MAX,
        }
    }

    /// The largest coordinate that the dtype holds: for integers their largest value, for floats the last whole number that does not
    /// round to infinity. Floats round coordinates past 2¹¹ (f16), 2²⁴ and 2⁵³ to their nearest values.
    #[must_use]
    pub const fn largest_coordinate(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::U8 => 255,
            Self::I32 => i32::MAX as usize,
            Self::U32 => u32::MAX as usize,
            Self::F16 => 65_519,
            Self::I64 | Self::F32 | Self::F64 => i64::MAX as usize,
        }
    }

    /// The smallest positive normal value of a floating dtype.
    #[must_use]
    pub fn smallest_normal(self) -> f64 {
        match self {
            Self::F16 => 2f64.powi(-14),
            Self::F32 => f64::from(f32::MIN_POSITIVE),
            _ => f64::MIN_POSITIVE,
        }
    }

    /// The smallest positive value of a floating dtype.
    #[must_use]
    pub fn smallest_positive(self) -> f64 {
        match self {
            Self::F16 => 2f64.powi(-24),
            Self::F32 => 2f64.powi(-149),
            _ => 5e-324,
        }
    }

    /// Half the distance from 1 to the next value, for floating dtypes; 0 for others.
    #[must_use]
    pub const fn unit_roundoff(self) -> f64 {
        match self {
            Self::F16 => 4.8828125e-4,
            Self::F32 => 5.960464477539063e-8,
            Self::F64 => 1.1102230246251565e-16,
            _ => 0.0,
        }
    }

    /// The name in dumps and errors: `f32`, `bool`, …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The dtype with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|d| d.name() == name)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
