//! The product of this room: kernels as plain data, ready to dispatch, and why they are the ones chosen.

use std::fmt;
use std::sync::Arc;

use crate::schedule::ValueId;

/// What a binding shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindingSource {
    /// A value of the schedule.
    Value(ValueId),
    /// Scratch memory of the lowered group, by number.
    Scratch(u32),
}

/// A storage buffer of a kernel. The same source never appears twice in one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What is bound.
    pub source: BindingSource,
    /// Whether the kernel writes it (`read_write`), else `read`.
    pub writable: bool,
}

/// A word or two of the parameter buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// A 32-bit word known at lowering (an extent, a stride, an offset as two's complement).
    Word(u32),
    /// The run's scalar `schedule.scalars[i]`: one word, or two (low first) for 64-bit dtypes; bool is 0 or 1.
    Scalar(u32),
}

/// What a driver may do to the floats of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// What WGSL allows: sums and products may be rearranged, and NaN and infinities be assumed not to occur.
    Plain,
    /// Nothing: each operation is rounded where it stands, wherever the driver can be held to that.
    Ieee,
}

/// A kernel ready to dispatch. Group 0, binding 0 is the parameter buffer (`var<storage, read> params: array<u32>`);
/// `bindings[i]` is binding `i + 1`. The entry point is `main`.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// For dumps and debuggers: the core and the group, `syrk g3`.
    pub label: String,
    /// The whole module. Equal text under equal arithmetic means equal pipeline.
    pub wgsl: Arc<str>,
    /// What its floats keep.
    pub arithmetic: Arithmetic,
    /// Storage buffers in order.
    pub bindings: Vec<Binding>,
    /// The parameter buffer.
    pub params: Vec<Param>,
    /// Workgroups along x, y, z.
    pub workgroups: [u32; 3],
    /// Rounds that a thread takes at most, in all loops together.
    pub rounds: u64,
}

/// A variant that would have been preferred, and why it was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The variant.
    pub variant: &'static str,
    /// The reason against it.
    pub why: String,
}

/// Which variant of a kernel was chosen, as text for whoever asks why a kernel is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The variant.
    pub variant: String,
    /// Those that come before it, in the order in which they were considered.
    pub rejected: Vec<Rejected>,
    /// In which order terms are added, by all that it depends on: equal orders of equal terms give equal bits on one device. How
    /// threads lie over memory is no part of it.
    pub order: String,
}

impl fmt::Display for Choice {
    /// One line: the variant, and why it is none of those that were rejected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.variant)?;
        self.rejected.iter().try_for_each(|r| write!(f, "; not {}: {}", r.variant, r.why))
    }
}

/// A group as kernels to dispatch one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lowered {
    /// In order; each may read what an earlier one wrote.
    pub kernels: Vec<Kernel>,
    /// Bytes of each scratch buffer.
    pub scratch: Vec<u64>,
    /// Why these kernels.
    pub choices: Vec<Choice>,
}

impl Lowered {
    /// Bytes of memory the kernels hold on to, their text included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let kernel = |k: &Kernel| {
            size_of::<Kernel>()
                + k.label.capacity()
                + k.wgsl.len()
                + k.bindings.capacity() * size_of::<Binding>()
                + k.params.capacity() * size_of::<Param>()
        };
        let choice = |c: &Choice| {
            let rejected = c.rejected.iter().map(|r| size_of::<Rejected>() + r.why.capacity());
            size_of::<Choice>() + c.variant.capacity() + c.order.capacity() + rejected.sum::<usize>()
        };
        self.kernels.iter().map(kernel).sum::<usize>()
            + self.scratch.capacity() * size_of::<u64>()
            + self.choices.iter().map(choice).sum::<usize>()
    }
}
