//! Stored values: what leaves, steps and programs name when they read or write memory.

use std::fmt;

use crate::graph::NodeId;
use crate::types::{DType, Shape};

/// A stored value: a leaf, or a result of a step. What a program keeps in registers has no number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// As an index into the schedule's values.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Debug for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a value is to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Given from outside: the graph's leaf of this number.
    Leaf(u32),
    /// Asked for, or stored anyway and still referred to by a handle. Never shares memory with scratch.
    Root,
    /// Lives within the run.
    Scratch,
}

/// A dense, row-major stored array.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The node whose result it is.
    pub node: NodeId,
    /// Its role.
    pub kind: ValueKind,
    /// Its shape.
    pub shape: Shape,
    /// Its dtype.
    pub dtype: DType,
}

impl Value {
    /// Bytes on the host.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.shape.len() as u64).saturating_mul(self.dtype.size() as u64)
    }

    /// Bytes in a device buffer.
    #[must_use]
    pub fn device_bytes(&self) -> u64 {
        (self.shape.len() as u64).saturating_mul(self.dtype.device_size() as u64)
    }
}
