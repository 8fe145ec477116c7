//! Numbers by which a device chooses between kernels that compute the same.

/// Tuning data of a device: what `kernels` weighs when several kernels would compute a group. Plain data, so that a table may hold
/// one for each device; until one does, every GPU uses [`Tuning::gpu`] and every software adapter [`Tuning::software`].
///
/// No number here changes what a kernel computes, beyond how floats are rounded: it may change the order in which they are added, and
/// whether a product is rounded before it is added (the double-buffered tiles use fused multiply-adds, the others need not).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tuning {
    /// Workgroups that keep the device busy; work that has fewer is cut into parts.
    pub target_groups: usize,
    /// Elements that each thread of an elementwise kernel, and of a fold of rows, has in flight; 0 counts as 1.
    pub elements_in_flight: usize,
    /// Elements that a lane keeps in registers between the passes over its row; 0 to read them again in every pass.
    pub held_elements: usize,
    /// Whether rows are cut into parts where folds depend on one another, which takes a kernel for each level of folds.
    pub split_dependent_folds: bool,
    /// Elements that each lane must have in a part of a row; 0 counts as 1.
    pub row_part_elements: usize,
    /// Parts of a row at most.
    pub max_row_parts: usize,
    /// Elements in each part when the schedule asks for the folds of long rows to be split; 0 counts as 1.
    pub split_row_elements: usize,
    /// Parts, over all rows, up to which the schedule asks for that.
    pub split_groups: usize,
    /// Rows or columns up to which a product runs as a reduction.
    pub thin_product: usize,
    /// The longer extent up to which a product uses tiles of 16 by 16.
    pub small_product: usize,
    /// The shorter extent from which a product uses the double-buffered tiles of 128 by 128; `None` for never.
    pub wide_product: Option<usize>,
    /// Tiles along the contracted axis that a part must have when a product is cut to occupy the device; 0 counts as 1.
    pub product_part_tiles: usize,
    /// Elements along the contracted axis that a part must have when a product is cut further, for an even end; 0 counts as 1.
    pub product_part_elements: usize,
    /// Parts of a product at most.
    pub max_product_parts: usize,
    /// The length up to which each line of a scan is walked by one thread.
    pub short_scan: usize,
    /// The number of lines from which those of a scan that do not lie along memory are walked by one thread each.
    pub many_scans: usize,
}

impl Tuning {
    /// The numbers for GPUs, measured on one with 132 multiprocessors.
    #[must_use]
    pub const fn gpu() -> Self {
        Self {
            target_groups: 1056,
            elements_in_flight: 4,
            held_elements: 8,
            split_dependent_folds: true,
            row_part_elements: 16,
            max_row_parts: 1024,
            split_row_elements: 1 << 13,
            split_groups: 512,
            thin_product: 4,
            small_product: 32,
            wide_product: Some(96),
            product_part_tiles: 8,
            product_part_elements: 2048,
            max_product_parts: 64,
            short_scan: 32,
            many_scans: 64,
        }
    }

    /// The numbers for software adapters: a few workgroups occupy the processor's cores, more elements in flight gain nothing, and
    /// every copy of a kernel's body costs time to compile.
    #[must_use]
    pub const fn software() -> Self {
        Self {
            target_groups: 16,
            elements_in_flight: 1,
            held_elements: 0,
            split_dependent_folds: false,
            small_product: 64,
            wide_product: None,
            ..Self::gpu()
        }
    }

    /// Nothing but zeros: what a table with holes could hold.
    #[cfg(test)]
    pub(crate) const fn zeros() -> Self {
        Self {
            target_groups: 0,
            elements_in_flight: 0,
            held_elements: 0,
            split_dependent_folds: false,
            row_part_elements: 0,
            max_row_parts: 0,
            split_row_elements: 0,
            split_groups: 0,
            thin_product: 0,
            small_product: 0,
            wide_product: Some(0),
            product_part_tiles: 0,
            product_part_elements: 0,
            max_product_parts: 0,
            short_scan: 0,
            many_scans: 0,
        }
    }
}
