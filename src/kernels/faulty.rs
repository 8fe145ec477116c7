//! Kernels with one thing wrong, which tests seed to see whether the checks catch it.
//!
//! Text and tables are edited after lowering, so no other module knows of faults.

use super::kernel::{Kernel, Lowered, Param};
use crate::types::{Fault, seeded};

/// Applies the seeded fault, if it is one of kernels.
pub(super) fn corrupt(lowered: &mut Lowered) {
    lowered.kernels.iter_mut().for_each(kernel);
}

fn kernel(kernel: &mut Kernel) {
    let mut replace = |from: &str, to: &str| {
        if kernel.wgsl.contains(from) {
            kernel.wgsl = kernel.wgsl.replace(from, to).into();
        }
    };
    if seeded(Fault::MissingBarrier) {
        replace("workgroupBarrier();", "");
    }
    if seeded(Fault::MaskOffByOne) {
        // The first comparison with the number of rows, in rows kernels and in products.
        replace("let valid = wanted < ", "let valid = wanted + 1u < ");
        replace("if (row < ", "if (row + 1u < ");
    }
    if seeded(Fault::GridShort)
        && let Some(n) = kernel.workgroups.iter_mut().find(|n| **n > 1)
    {
        *n -= 1;
    }
    if seeded(Fault::BindingsExchanged) {
        let mut inputs = kernel.bindings.iter_mut().filter(|b| !b.writable);
        if let (Some(a), Some(b)) = (inputs.next(), inputs.next()) {
            std::mem::swap(&mut a.source, &mut b.source);
        }
    }
    if seeded(Fault::ParametersStale) {
        // 64-bit scalars take two words; one of each kind keeps the layout.
        for p in &mut kernel.params {
            if matches!(p, Param::Scalar(_)) {
                *p = Param::Word(0);
            }
        }
    }
}
