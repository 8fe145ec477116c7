//! Which kernel computes a problem: the one place where variants, tiles, lanes, parts and vector loads are chosen.
//!
//! A problem comes in as plain numbers, with the device's limits and its tuning data; the variant comes out, with the reason why each
//! variant that would have been preferred was rejected. Everything here is a pure function: no text is written and no graph is known.

use std::fmt;

use super::kernel::{Choice, Rejected};
use crate::schedule::{Inst, Load, Program};
use crate::types::{DType, Limits, View};

/// Threads of a workgroup, in every kernel. The templates in `shaders/` repeat the number.
pub(super) const THREADS: usize = 256;

/// A variant and the reasons against those that come before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen<V> {
    pub variant: V,
    pub rejected: Vec<Rejected>,
}

impl<V: fmt::Display> Chosen<V> {
    /// The choice as text, with the order in which terms are added.
    pub fn explain(&self, order: String) -> Choice {
        Choice { variant: self.variant.to_string(), rejected: self.rejected.clone(), order }
    }
}

/// Collects the reasons against variants, in the order in which they are tried.
#[derive(Default)]
struct Trial(Vec<Rejected>);

impl Trial {
    /// Whether a variant stands: it does unless `why` names a reason against it.
    fn passes(&mut self, variant: &'static str, why: Option<String>) -> bool {
        let passes = why.is_none();
        self.0.extend(why.map(|why| Rejected { variant, why }));
        passes
    }

    fn choose<V>(self, variant: V) -> Chosen<V> {
        Chosen { variant, rejected: self.0 }
    }
}

/// Elements that each thread of an elementwise kernel, or of a pass over rows, has in flight.
pub(super) fn elements_in_flight(limits: &Limits) -> usize {
    limits.tuning.elements_in_flight.max(1)
}

/// Rounds of a loop whose sum of floats is a run: the sums of runs are added up on their own, so that the error grows with the length of
/// a run plus the number of runs rather than with their product.
pub(super) const RUN: usize = 64;

/// The parts that cut `elements`, of which one round takes `stride`, into at most [`RUN`] runs each.
fn parts_of_runs(elements: usize, stride: usize) -> usize {
    elements.div_ceil(stride.max(1) * RUN * RUN)
}

// Products.

/// A matrix product.
#[derive(Clone, Debug)]
pub(super) struct ProductProblem {
    /// Matrices of the batch.
    pub batch: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// The dtype of the operands.
    pub dtype: DType,
    /// The dtype of the sums.
    pub acc: DType,
    /// Whether only the lower triangle is computed.
    pub symmetric: bool,
    /// Whether every store takes all elements of the product.
    pub whole_stores: bool,
    /// Parts that the contracted axis must have, because the driver ends longer loops.
    pub least_parts: usize,
    /// Whether the order of the sums must follow from the product's own shape.
    pub by_shape: bool,
}

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProductVariant {
    /// Nothing is summed: an elementwise kernel.
    Elementwise,
    /// A tile would be mostly empty and reading is all the work: a kernel that folds rows.
    Reduction,
    /// Tiles in workgroup memory.
    Tiles(Tile, Option<ProductParts>),
}

/// The extents of a tile: rows, columns and along the contracted axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub m: u32,
    pub n: u32,
    pub k: u32,
    /// Whether the double-buffered form for large operands computes it.
    pub wide: bool,
}

/// A contracted axis in parts that a second kernel sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProductParts {
    pub count: usize,
    /// Elements of the axis in each part but the last: a multiple of the tile's depth.
    pub chunk: usize,
}

impl fmt::Display for ProductVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elementwise => f.write_str("elementwise"),
            Self::Reduction => f.write_str("reduction"),
            Self::Tiles(tile, parts) => {
                let Tile { m, n, k, wide } = tile;
                write!(f, "{}tiles of {m}x{n}x{k}", if *wide { "wide " } else { "" })?;
                parts.map_or(Ok(()), |p| write!(f, " in {} parts of {}", p.count, p.chunk))
            }
        }
    }
}

impl Tile {
    const SMALL: Self = Self { m: 16, n: 16, k: 16, wide: false };
    const WIDE: Self = Self { m: 128, n: 128, k: 16, wide: true };
    /// Bytes of workgroup memory that the wide form takes.
    const WIDE_BYTES: u32 = 2 * 1056 * 16;

    /// The tile of 64 by 64. Eight-byte elements take a shallower one, so that 16 KiB hold it.
    fn medium(acc: DType) -> Self {
        Self { m: 64, n: 64, k: if acc.size() == 8 { 8 } else { 16 }, wide: false }
    }

    /// Tiles of an m×n matrix: rows of tiles, columns of tiles, and those that are computed.
    pub fn grid(self, m: usize, n: usize, symmetric: bool) -> TileGrid {
        let (rows, columns) = (m.div_ceil(self.m as usize), n.div_ceil(self.n as usize));
        let computed = if symmetric { rows * (rows + 1) / 2 } else { rows * columns };
        TileGrid { rows, columns, computed }
    }
}

/// The tiles of a matrix.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileGrid {
    pub rows: usize,
    pub columns: usize,
    /// Tiles that are computed: all, or those of the lower triangle.
    pub computed: usize,
}

/// How to compute a product.
pub(super) fn product(p: &ProductProblem, limits: &Limits) -> Chosen<ProductVariant> {
    let mut trial = Trial::default();
    if p.k == 0 {
        return trial.choose(ProductVariant::Elementwise);
    }
    if trial.passes("reduction", against_reduction(p, limits)) {
        return trial.choose(ProductVariant::Reduction);
    }
    let tile = if trial.passes("small tiles", against_small_tiles(p, limits)) {
        Tile::SMALL
    } else if trial.passes("wide tiles", against_wide_tiles(p, limits)) {
        Tile::WIDE
    } else {
        Tile::medium(p.acc)
    };
    let parts = product_parts(p, tile, limits);
    trial.passes("parts", parts.as_ref().err().cloned());
    trial.choose(ProductVariant::Tiles(tile, parts.ok()))
}

fn against_reduction(p: &ProductProblem, limits: &Limits) -> Option<String> {
    let thin = limits.tuning.thin_product;
    if p.m.min(p.n) > thin {
        return Some(format!("it has more than {thin} rows and columns"));
    }
    if p.dtype == DType::F16 {
        return Some("halves are summed unrounded in a product".to_owned());
    }
    (!p.whole_stores).then(|| "it stores a diagonal".to_owned())
}

fn against_small_tiles(p: &ProductProblem, limits: &Limits) -> Option<String> {
    let small = limits.tuning.small_product;
    let fits = p.m.min(p.n) <= 16 || p.m.max(p.n) <= small;
    (!fits).then(|| format!("it is larger than 16 in one direction and than {small} in the other"))
}

fn against_wide_tiles(p: &ProductProblem, limits: &Limits) -> Option<String> {
    let Some(least) = limits.tuning.wide_product else { return Some("the device gains nothing from them".to_owned()) };
    if limits.max_workgroup_bytes < Tile::WIDE_BYTES {
        return Some(format!("they take {} bytes of workgroup memory", Tile::WIDE_BYTES));
    }
    if p.acc.size() != 4 {
        return Some(format!("they hold elements of four bytes, and {} has {}", p.acc, p.acc.size()));
    }
    // A tile that is mostly outside would waste what its size wins.
    let wasteful = |d: usize| d < least || d.next_multiple_of(128) > d + d / 3;
    if wasteful(p.m) || wasteful(p.n) {
        return Some("too much of them would lie outside the result".to_owned());
    }
    (p.k < 16).then(|| "the contracted axis is shorter than one tile".to_owned())
}

/// The parts of a long contracted axis, if there are too few tiles to occupy the device.
fn product_parts(p: &ProductProblem, tile: Tile, limits: &Limits) -> Result<ProductParts, String> {
    let tuning = &limits.tuning;
    // A product is not always known to be symmetric.
    let symmetric = p.symmetric && !p.by_shape;
    let workgroups = (p.batch * tile.grid(p.m, p.n, symmetric).computed).max(1);
    let depth = tile.k as usize;
    // Enough workgroups for each processor to hold two; where the axis is long, four times that, for an even end.
    // A part has to be worth its trip through memory.
    let few = (tuning.target_groups / 4).div_ceil(workgroups).min(p.k / (depth * tuning.product_part_tiles.max(1)));
    let many = (tuning.target_groups / workgroups).min(p.k / tuning.product_part_elements.max(1));
    let wanted = few.max(many).min(tuning.max_product_parts).max(p.least_parts).max(p.parts_of_sums(tile));
    if wanted <= 1 {
        return Err("the tiles alone occupy the device, or a part would be too short".to_owned());
    }
    let most_bytes = limits.max_binding_bytes.min(1 << 30);
    let room = (most_bytes / p.result_bytes().max(1)) as usize;
    if room <= 1 {
        return Err(format!("the results of two parts take more than {most_bytes} bytes"));
    }
    let chunk = p.k.div_ceil(wanted.min(room)).next_multiple_of(depth);
    Ok(ProductParts { count: p.k.div_ceil(chunk), chunk })
}

impl ProductProblem {
    /// Bytes of the accumulated result: what each part leaves in scratch memory.
    pub fn result_bytes(&self) -> u64 {
        let elements = (self.batch * self.m * self.n) as u64;
        elements.saturating_mul(self.acc.size() as u64)
    }

    /// The parts in which a thread's sums of floats stay so short that their error does: the double-buffered form adds term by term, the
    /// others in runs.
    fn parts_of_sums(&self, tile: Tile) -> usize {
        let longest = if tile.wide { 1 << 15 } else { 1 << 18 };
        if self.acc.is_float() { self.k.div_ceil(longest) } else { 1 }
    }
}

/// Whether most loads of an operand have neighbours along axis `a` rather than along axis `b`.
pub(super) fn lies_along(program: &Program, a: usize, b: usize) -> bool {
    let votes = |axis: usize| {
        let neighbours = |l: &&Load| l.view.strides()[axis] == 1 && l.view.shape()[axis] > 1;
        program.loads.iter().filter(neighbours).count()
    };
    votes(a) > votes(b)
}

/// Whether load `i` of an operand can be read in fours along axis `fast`: neighbours lie side by side, and every four of them begin at
/// a multiple of four. `length` is the number of elements of the value it reads.
pub(super) fn reads_vectors(program: &Program, i: usize, fast: usize, length: usize) -> bool {
    let load = &program.loads[i];
    let view = &load.view;
    let plain = program.insts.iter().all(|inst| match inst {
        Inst::Window { load, .. } | Inst::Gather { load, .. } => *load as usize != i,
        _ => true,
    });
    let aligned = |axis: usize| axis == fast || view.shape()[axis] == 1 || view.strides()[axis] % 4 == 0;
    plain
        && matches!(load.dtype, DType::F32 | DType::I32 | DType::U32)
        && view.strides()[fast] == 1
        && view.shape()[fast].is_multiple_of(4)
        && view.offset() % 4 == 0
        && length.is_multiple_of(4)
        && (0..view.shape().rank()).all(aligned)
}

// Rows.

/// Rows that are folded.
#[derive(Clone, Debug)]
pub(super) struct RowsProblem {
    pub rows: usize,
    /// Elements of a row.
    pub elements: usize,
    /// Whether neighbouring rows, rather than neighbouring elements of a row, are neighbours in memory.
    pub columns: bool,
    /// Whether the order in which elements are added must follow from the number of rows and their length alone.
    pub by_shape: bool,
    /// Levels of folds that depend on one another; 0 without folds.
    pub levels: u32,
    /// Whether something is stored for every element.
    pub whole_stores: bool,
    /// Whether floats are added.
    pub sums: bool,
    /// Parts of each row that the schedule asks for.
    pub split: u32,
    /// Parts that each row must have, because the driver ends longer loops.
    pub least_parts: usize,
}

/// How rows are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowsVariant {
    /// One kernel takes each row as a whole.
    Whole(Lanes),
    /// Each row is cut into parts, which kernels fold and combine level by level.
    Parts(RowParts),
}

/// Rows in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowParts {
    pub count: u32,
    /// Elements in each part but the last.
    pub chunk: usize,
    /// How the parts are folded.
    pub lanes: Lanes,
    /// How their results are combined.
    pub combine: Lanes,
}

/// How the threads of a workgroup are laid over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    /// Threads along a row.
    pub per_row: u32,
    /// Whether neighbouring threads belong to neighbouring rows rather than to neighbouring elements of one.
    pub columns: bool,
    /// Elements that each lane loads once and keeps for all passes; 0 to read them again in every pass.
    pub held: u32,
}

impl fmt::Display for RowsVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(lanes) => write!(f, "whole rows, {lanes}"),
            Self::Parts(p) => write!(f, "{} parts of {}, {}; then {}", p.count, p.chunk, p.lanes, p.combine),
        }
    }
}

impl RowsVariant {
    /// The same variant with threads laid over memory as it is read, where the number of lanes leaves a choice.
    fn laid(self, columns: bool) -> Self {
        let lay = |lanes: Lanes| Lanes { columns: columns && (lanes.per_row as usize) < THREADS, ..lanes };
        match self {
            Self::Whole(lanes) => Self::Whole(lay(lanes)),
            Self::Parts(p) => Self::Parts(RowParts { lanes: lay(p.lanes), ..p }),
        }
    }

    /// In which order the elements of a row are added.
    pub fn order(self) -> String {
        let plain = |lanes: Lanes| Lanes { columns: false, ..lanes };
        match self {
            Self::Whole(lanes) => Self::Whole(plain(lanes)),
            Self::Parts(p) => Self::Parts(RowParts { lanes: plain(p.lanes), combine: plain(p.combine), ..p }),
        }
        .to_string()
    }
}

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |n: u32| if n == 1 { "" } else { "s" };
        write!(f, "{} lane{}{}", self.per_row, s(self.per_row), if self.columns { " across rows" } else { "" })?;
        if self.held > 0 { write!(f, " holding {} element{}", self.held, s(self.held)) } else { Ok(()) }
    }
}

impl Lanes {
    /// Rows in a workgroup.
    pub fn rows(self) -> u32 {
        THREADS as u32 / self.per_row
    }

    /// Threads between neighbouring lanes of a row.
    pub fn step(self) -> u32 {
        if self.columns { self.rows() } else { 1 }
    }

    /// Lanes for `rows` rows of `elements` elements.
    fn over(rows: usize, elements: usize, columns: bool) -> Self {
        let per_row = if columns {
            let side_by_side = rows.next_power_of_two().clamp(1, 32) as u32;
            if elements <= 32 { 1 } else { THREADS as u32 / side_by_side }
        } else {
            match elements {
                0..=8 => 1,
                9..=64 => 8,
                65..=1024 => 32,
                _ => THREADS as u32,
            }
        };
        Self { per_row, columns: columns && (per_row as usize) < THREADS, held: 0 }
    }

    /// Lanes that hold whole rows in registers, if `most` elements in each suffice.
    fn holding(self, elements: usize, most: usize) -> Option<Self> {
        if most == 0 {
            return None;
        }
        let per_row = if self.columns {
            self.per_row as usize
        } else {
            elements.div_ceil(most).next_power_of_two().max(elements.next_power_of_two().min(16)).min(THREADS)
        };
        let held = elements.div_ceil(per_row);
        (held <= most).then_some(Self { per_row: per_row as u32, held: held as u32, ..self })
    }
}

impl RowsProblem {
    /// As much of the problem as the order of summation may depend on.
    fn seen(&self, limits: &Limits) -> Self {
        if !self.by_shape {
            return self.clone();
        }
        let tuning = &limits.tuning;
        let split = (self.elements / tuning.split_row_elements.max(1)).min(tuning.split_groups / self.rows.max(1));
        Self { columns: false, levels: 1, whole_stores: false, sums: true, split: split.max(1) as u32, ..self.clone() }
    }

    fn lanes(&self) -> Lanes {
        let lanes = Lanes::over(self.rows, self.elements, self.columns);
        if self.by_shape && lanes.per_row > FEW_LANES {
            let per_row = THREADS / self.rows.next_power_of_two().min(THREADS);
            return Lanes { per_row: FEW_LANES.max(per_row as u32), ..lanes };
        }
        lanes
    }
}

/// Lanes that read memory well along rows and, eight rows side by side, across them: what an order takes that may not depend on how
/// rows lie in memory.
const FEW_LANES: u32 = 32;

/// How to fold rows.
pub(super) fn rows(p: &RowsProblem, limits: &Limits) -> Chosen<RowsVariant> {
    let seen = p.seen(limits);
    let mut trial = Trial::default();
    let parts = row_parts(&seen, limits);
    let why = parts.as_ref().err().cloned();
    if trial.passes("parts", why)
        && let Ok(parts) = parts
    {
        return trial.choose(RowsVariant::Parts(parts).laid(p.columns));
    }
    let whole = whole_rows(&seen, limits, &mut trial);
    trial.choose(whole.laid(p.columns))
}

/// How to fold rows whose parts cannot be lowered, for the reason `why`.
pub(super) fn rows_without_parts(p: &RowsProblem, why: String, limits: &Limits) -> Chosen<RowsVariant> {
    let mut trial = Trial::default();
    trial.passes("parts", Some(why));
    let whole = whole_rows(&p.seen(limits), limits, &mut trial);
    trial.choose(whole.laid(p.columns))
}

fn whole_rows(p: &RowsProblem, limits: &Limits, trial: &mut Trial) -> RowsVariant {
    let lanes = p.lanes();
    let several = p.by_shape || p.levels + u32::from(p.whole_stores) > 1;
    let most = limits.tuning.held_elements;
    let holding = if several { lanes.holding(p.elements, most) } else { None };
    let holding = holding.filter(|lanes| !p.by_shape || lanes.per_row <= FEW_LANES);
    let why = || match several {
        false => "there is one pass".to_owned(),
        _ if most == 0 => "reading again is as quick on the device".to_owned(),
        _ => format!("a lane would hold more than {most} elements"),
    };
    trial.passes("held rows", holding.is_none().then(why));
    RowsVariant::Whole(holding.unwrap_or(lanes))
}

/// The parts of each row: at least as many as the schedule asks for, and enough to occupy the device.
fn row_parts(p: &RowsProblem, limits: &Limits) -> Result<RowParts, String> {
    let tuning = &limits.tuning;
    if p.levels == 0 {
        return Err("nothing is folded".to_owned());
    }
    let lanes = p.lanes();
    let workgroups = p.rows.div_ceil(lanes.rows() as usize).max(1);
    let several = p.levels > 1 || p.whole_stores;
    let sums = if p.sums { parts_of_runs(p.elements, lanes.per_row as usize * elements_in_flight(limits)) } else { 1 };
    let least = p.least_parts.max(sums).min(p.elements);
    if least > 1 {
        let wanted = (tuning.target_groups / workgroups).min(tuning.max_row_parts);
        return Ok(RowParts::cut(p, wanted.max(least), lanes));
    }
    // Passes in kernels of their own read memory again and again: that has to be won back by an idle device's filling.
    if several && !tuning.split_dependent_folds {
        return Err("several passes are quicker in one kernel".to_owned());
    }
    if several && workgroups * 4 > tuning.target_groups {
        return Err(format!("{workgroups} workgroups occupy the device"));
    }
    // A part is worth its workgroup from a few elements for each thread on, and more where dependent folds may turn out to need a
    // kernel each.
    let worth = tuning.row_part_elements.max(1) * if p.by_shape && p.rows > 1 { 4 } else { 1 };
    let most = (p.elements / (lanes.per_row as usize * worth)).max(1);
    let asked = if several { 1 } else { p.split as usize };
    let count = (tuning.target_groups / workgroups).max(asked).min(most).min(tuning.max_row_parts);
    if count <= 1 {
        return Err(format!("{workgroups} workgroups occupy the device, or the rows are short"));
    }
    Ok(RowParts::cut(p, count, lanes))
}

impl RowParts {
    /// At most `count` parts of the same length.
    fn cut(p: &RowsProblem, count: usize, lanes: Lanes) -> Self {
        let chunk = p.elements.div_ceil(count);
        let count = p.elements.div_ceil(chunk);
        Self { count: count as u32, chunk, lanes, combine: Lanes::over(p.rows, count, true) }
    }
}

/// Whether most views have neighbouring rows, rather than neighbouring elements of a row, side by side in memory. The first `n_kept`
/// axes of each are those of the rows.
pub(super) fn lies_in_columns<'v>(views: impl IntoIterator<Item = &'v View>, n_kept: usize) -> bool {
    let (mut along, mut across) = (0usize, 0usize);
    for view in views {
        let last = |mut axes: std::ops::Range<usize>| {
            axes.rfind(|&a| view.shape()[a] > 1).map_or(0, |a| view.strides()[a].abs())
        };
        match (last(0..n_kept), last(n_kept..view.shape().rank())) {
            (_, 1) => along += 1,
            (1, s) if s != 0 => across += 1,
            _ => {}
        }
    }
    across > along
}

// Scans.

/// Running folds along lines.
#[derive(Clone, Debug)]
pub(super) struct ScanProblem {
    pub lines: usize,
    /// Elements of a line.
    pub elements: usize,
    /// Whether neighbours in a line are neighbours in memory.
    pub along_memory: bool,
    /// Whether floats are added.
    pub sums: bool,
    /// Parts that each line must have, because the driver ends longer loops.
    pub least_parts: usize,
}

/// How lines are scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScanVariant {
    pub walker: Walker,
    pub parts: Option<ScanParts>,
}

/// Who walks a line, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walker {
    /// One thread.
    Thread,
    /// A workgroup.
    Workgroup,
}

impl Walker {
    /// Elements that are taken in a round.
    pub fn stride(self) -> usize {
        if self == Self::Thread { 1 } else { THREADS }
    }
}

/// Lines in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScanParts {
    pub count: usize,
    /// Elements in each part but the last.
    pub chunk: usize,
    /// How the parts are folded before they are scanned.
    pub lanes: Lanes,
}

impl fmt::Display for ScanVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.walker == Walker::Thread {
            "a thread for each line"
        } else {
            "a workgroup for each line"
        })?;
        self.parts.map_or(Ok(()), |p| write!(f, " in {} parts of {}, folded by {}", p.count, p.chunk, p.lanes))
    }
}

/// How to scan lines: short ones, and many that do not lie along memory, by a thread each.
pub(super) fn scan(p: &ScanProblem, limits: &Limits) -> Chosen<ScanVariant> {
    let mut trial = Trial::default();
    let tuning = &limits.tuning;
    let why = if p.elements <= tuning.short_scan {
        Some(format!("lines of {} elements are short", p.elements))
    } else if !p.along_memory && p.lines >= tuning.many_scans {
        Some("many lines lie across memory".to_owned())
    } else {
        None
    };
    let walker = if trial.passes("a workgroup for each line", why) { Walker::Workgroup } else { Walker::Thread };
    let parts = scan_parts(p, walker, limits);
    trial.passes("parts", parts.as_ref().err().cloned());
    trial.choose(ScanVariant { walker, parts: parts.ok() })
}

/// The parts of each line, if there are too few lines to occupy the device or if they are very long.
fn scan_parts(p: &ScanProblem, walker: Walker, limits: &Limits) -> Result<ScanParts, String> {
    let tuning = &limits.tuning;
    let stride = walker.stride();
    let workgroups = if walker == Walker::Thread { p.lines.div_ceil(THREADS) } else { p.lines };
    let sums = if p.sums { parts_of_runs(p.elements, stride) } else { 1 };
    let least = p.least_parts.max(sums);
    // Parts are read twice, which an idle device's filling has to win back; one that a thread walks alone also has to be worth what is
    // kept of it.
    let worth = tuning.row_part_elements.max(1) * if walker == Walker::Thread { 4 } else { 1 };
    let most = p.elements / (stride * worth);
    let wanted = (tuning.target_groups / workgroups.max(1)).min(most).min(tuning.max_row_parts);
    let gains = tuning.split_dependent_folds && wanted >= 4;
    if least <= 1 && !gains {
        return Err(format!("{workgroups} workgroups occupy the device, or the lines are short"));
    }
    let chunk = p.elements.div_ceil(least.max(if gains { wanted } else { 1 })).next_multiple_of(stride);
    let lanes = Lanes::over(p.lines, chunk, !p.along_memory);
    Ok(ScanParts { count: p.elements.div_ceil(chunk), chunk, lanes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Tuning;

    fn gpu() -> Limits {
        Limits { max_workgroup_bytes: 48 << 10, f64: true, f16: true, ..Limits::webgpu() }
    }

    fn of(m: usize, k: usize, n: usize) -> ProductProblem {
        let dtype = DType::F32;
        ProductProblem {
            batch: 1,
            m,
            n,
            k,
            dtype,
            acc: dtype,
            symmetric: false,
            whole_stores: true,
            least_parts: 1,
            by_shape: false,
        }
    }

    /// The variant, and the reason against the variant called `against`.
    fn choice<V: fmt::Display>(chosen: &Chosen<V>, against: &str) -> (String, String) {
        let why = chosen.rejected.iter().find(|r| r.variant == against).map(|r| r.why.clone());
        (chosen.variant.to_string(), why.unwrap_or_default())
    }

    #[test]
    fn a_product_takes_the_largest_tile_that_is_not_mostly_empty() {
        let cases = [
            (of(64, 0, 64), "elementwise", "reduction", ""),
            (of(4, 4096, 300), "reduction", "reduction", ""),
            (of(5, 64, 300), "tiles of 16x16x16", "reduction", "it has more than 4 rows and columns"),
            (
                of(17, 32, 40),
                "tiles of 64x64x16",
                "small tiles",
                "it is larger than 16 in one direction and than 32 in the other",
            ),
            (of(64, 64, 64), "tiles of 64x64x16", "wide tiles", "too much of them would lie outside the result"),
            (of(96, 64, 96), "wide tiles of 128x128x16", "wide tiles", ""),
            (of(130, 64, 130), "tiles of 64x64x16", "wide tiles", "too much of them would lie outside the result"),
            (of(1000, 15, 1000), "tiles of 64x64x16", "wide tiles", "the contracted axis is shorter than one tile"),
            (
                ProductProblem { dtype: DType::F16, ..of(4, 64, 300) },
                "tiles of 16x16x16",
                "reduction",
                "halves are summed unrounded in a product",
            ),
            (
                ProductProblem { whole_stores: false, ..of(3, 64, 3) },
                "tiles of 16x16x16",
                "reduction",
                "it stores a diagonal",
            ),
            (
                ProductProblem { dtype: DType::F64, acc: DType::F64, ..of(512, 64, 512) },
                "tiles of 64x64x8",
                "wide tiles",
                "they hold elements of four bytes, and f64 has 8",
            ),
        ];
        for (problem, variant, against, why) in cases {
            let chosen = product(&problem, &gpu());
            assert_eq!(choice(&chosen, against), (variant.to_owned(), why.to_owned()), "{problem:?}");
        }
    }

    #[test]
    fn limits_and_tuning_data_change_the_tile() {
        let large = of(1024, 64, 1024);
        let (variant, why) = choice(&product(&large, &Limits::webgpu()), "wide tiles");
        assert_eq!(
            (variant.as_str(), why.as_str()),
            ("tiles of 64x64x16", "they take 33792 bytes of workgroup memory")
        );
        let (variant, why) = choice(&product(&large, &gpu().into_software()), "wide tiles");
        assert_eq!((variant.as_str(), why.as_str()), ("tiles of 64x64x16", "the device gains nothing from them"));
        let square = of(64, 64, 64);
        assert_eq!(choice(&product(&square, &gpu().into_software()), "").0, "tiles of 16x16x16");
        let tuning = Tuning { small_product: 16, thin_product: 0, ..Tuning::gpu() };
        assert_eq!(choice(&product(&of(3, 64, 30), &Limits { tuning, ..gpu() }), "").0, "tiles of 16x16x16");
    }

    #[test]
    fn a_long_product_with_few_tiles_is_cut_into_parts() {
        // One tile: 264 workgroups are wanted, at most 64 parts are made.
        assert_eq!(choice(&product(&of(64, 100_000, 64), &gpu()), "").0, "tiles of 64x64x16 in 64 parts of 1568");
        // A part has at least eight tiles of depth.
        assert_eq!(choice(&product(&of(64, 1100, 64), &gpu()), "").0, "tiles of 64x64x16 in 8 parts of 144");
        let (variant, why) = choice(&product(&of(64, 200, 64), &gpu()), "parts");
        assert_eq!((variant.as_str(), why.is_empty()), ("tiles of 64x64x16", false));
        // A thread adds no more than so many terms, however many tiles there are.
        let roomy = Limits { max_binding_bytes: 1 << 30, ..gpu() };
        let long = product(&of(4096, 100_000, 4096), &roomy);
        assert_eq!(choice(&long, "").0, "wide tiles of 128x128x16 in 4 parts of 25008");
        // The target is the device's own.
        let tuning = Tuning { target_groups: 4, ..Tuning::gpu() };
        assert_eq!(choice(&product(&of(64, 1100, 64), &Limits { tuning, ..gpu() }), "").0, "tiles of 64x64x16");
        // Parts that do not fit into a binding are not made.
        let small = Limits { max_binding_bytes: 3 * 64 * 64 * 4, ..gpu() };
        assert_eq!(choice(&product(&of(64, 1100, 64), &small), "").0, "tiles of 64x64x16 in 3 parts of 368");
        let smaller = Limits { max_binding_bytes: 64 * 64 * 4 + 1, ..gpu() };
        let (variant, why) = choice(&product(&of(64, 1100, 64), &smaller), "parts");
        assert_eq!(
            (variant.as_str(), why.as_str()),
            ("tiles of 64x64x16", "the results of two parts take more than 16385 bytes")
        );
    }

    #[test]
    fn tuning_data_of_zeros_still_give_kernels() {
        let limits = Limits { tuning: Tuning::zeros(), ..gpu() };
        assert_eq!(elements_in_flight(&limits), 1);
        assert_eq!(choice(&product(&of(64, 1100, 64), &limits), "").0, "tiles of 64x64x16");
        assert_eq!(choice(&rows(&folds(1, 1 << 20), &limits), "").0, "whole rows, 256 lanes");
        assert_eq!(scan(&line(1, 10, true), &limits).variant.walker, Walker::Workgroup);
        // The divisors alone.
        let tuning = Tuning {
            product_part_tiles: 0,
            product_part_elements: 0,
            row_part_elements: 0,
            elements_in_flight: 0,
            ..Tuning::gpu()
        };
        let limits = Limits { tuning, ..gpu() };
        assert!(matches!(product(&of(64, 1100, 64), &limits).variant, ProductVariant::Tiles(_, Some(_))));
        assert!(matches!(rows(&folds(1, 1 << 20), &limits).variant, RowsVariant::Parts(_)));
    }

    fn folds(rows: usize, elements: usize) -> RowsProblem {
        RowsProblem {
            rows,
            elements,
            columns: false,
            by_shape: false,
            levels: 1,
            whole_stores: false,
            sums: true,
            split: 1,
            least_parts: 1,
        }
    }

    #[test]
    fn rows_take_the_lanes_that_their_length_wants() {
        let cases = [
            (folds(10_000, 8), "whole rows, 1 lane"),
            (folds(10_000, 64), "whole rows, 8 lanes"),
            (folds(10_000, 1024), "whole rows, 32 lanes"),
            (folds(10_000, 1025), "whole rows, 256 lanes"),
            (RowsProblem { columns: true, ..folds(1_000_000, 30) }, "whole rows, 1 lane across rows"),
            (RowsProblem { columns: true, ..folds(1_000_000, 300) }, "whole rows, 8 lanes across rows"),
            (RowsProblem { levels: 2, ..folds(10_000, 1000) }, "whole rows, 128 lanes holding 8 elements"),
            (RowsProblem { levels: 2, ..folds(10_000, 5000) }, "whole rows, 256 lanes"),
            (RowsProblem { whole_stores: true, ..folds(10_000, 100) }, "whole rows, 16 lanes holding 7 elements"),
            (RowsProblem { levels: 0, whole_stores: true, ..folds(3, 5000) }, "whole rows, 256 lanes"),
            (folds(1, 1 << 20), "256 parts of 4096, 256 lanes; then 256 lanes"),
        ];
        for (problem, variant) in cases {
            assert_eq!(rows(&problem, &gpu()).variant.to_string(), variant, "{problem:?}");
        }
    }

    #[test]
    fn rows_say_why_they_are_not_cut_or_held() {
        let several = RowsProblem { levels: 2, ..folds(8, 1 << 20) };
        assert!(matches!(rows(&several, &gpu()).variant, RowsVariant::Parts(_)));
        let software = rows(&several, &gpu().into_software());
        assert_eq!(choice(&software, "parts").1, "several passes are quicker in one kernel");
        assert_eq!(choice(&software, "held rows").1, "reading again is as quick on the device");
        assert_eq!(
            choice(&rows(&folds(5000, 1 << 20), &gpu()), "parts").1,
            "5000 workgroups occupy the device, or the rows are short"
        );
        assert_eq!(
            choice(&rows(&RowsProblem { levels: 0, ..several.clone() }, &gpu()), "parts").1,
            "nothing is folded"
        );
        // What the schedule asks for counts where folds are independent, on a device that is content with few workgroups.
        let asked = RowsProblem { split: 40, ..folds(1, 1 << 20) };
        let RowsVariant::Parts(parts) = rows(&asked, &gpu().into_software()).variant else { panic!("it is cut") };
        assert_eq!(parts.count, 40);
        let without = rows_without_parts(&several, "too many buffers".to_owned(), &gpu());
        assert_eq!(choice(&without, "parts").1, "too many buffers");
        assert!(matches!(without.variant, RowsVariant::Whole(_)));
    }

    fn line(lines: usize, elements: usize, along_memory: bool) -> ScanProblem {
        ScanProblem { lines, elements, along_memory, sums: true, least_parts: 1 }
    }

    #[test]
    fn short_lines_and_many_across_memory_are_scanned_by_a_thread_each() {
        assert_eq!(scan(&line(1000, 32, true), &gpu()).variant.walker, Walker::Thread);
        assert_eq!(scan(&line(1000, 33, true), &gpu()).variant.walker, Walker::Workgroup);
        assert_eq!(scan(&line(64, 1000, false), &gpu()).variant.walker, Walker::Thread);
        let few = scan(&line(63, 1000, false), &gpu());
        assert_eq!((few.variant.walker, choice(&few, "a workgroup for each line").1.as_str()), (Walker::Workgroup, ""));
    }

    #[test]
    fn few_long_lines_are_scanned_in_parts() {
        let of = |p: &ScanProblem, limits: &Limits| scan(p, limits).variant.to_string();
        let million = line(1, 1 << 20, true);
        assert_eq!(of(&million, &gpu()), "a workgroup for each line in 256 parts of 4096, folded by 256 lanes");
        assert_eq!(of(&million, &gpu().into_software()), "a workgroup for each line");
        assert_eq!(of(&line(300, 1 << 20, true), &gpu()), "a workgroup for each line");
        assert_eq!(
            of(&line(100, 1 << 14, false), &gpu()),
            "a thread for each line in 256 parts of 64, folded by 8 lanes across rows"
        );
        // Where sums would be long, or the driver ends loops.
        assert_eq!(
            of(&line(1, 1 << 24, true), &gpu().into_software()),
            "a workgroup for each line in 16 parts of 1048576, folded by 256 lanes"
        );
        let asked = ScanProblem { sums: false, least_parts: 3, ..million };
        assert_eq!(
            of(&asked, &gpu().into_software()),
            "a workgroup for each line in 3 parts of 349696, folded by 256 lanes"
        );
    }

    #[test]
    fn loads_are_read_in_fours_only_where_every_four_are_aligned() {
        use crate::schedule::ValueId;
        use crate::types::Shape;
        let program = |dtype, strides: &[i64], offset| {
            let view = View::from_parts(Shape::new(&[8, 16]), strides, offset).unwrap();
            let mut p = Program::default();
            p.loads.push(Load { value: ValueId(0), dtype, view });
            p.push(Inst::Load(0), dtype);
            p
        };
        assert!(reads_vectors(&program(DType::F32, &[16, 1], 0), 0, 1, 128));
        assert!(!reads_vectors(&program(DType::F16, &[16, 1], 0), 0, 1, 128), "halves are not");
        assert!(!reads_vectors(&program(DType::F32, &[17, 1], 0), 0, 1, 200), "rows begin anywhere");
        assert!(!reads_vectors(&program(DType::F32, &[16, 1], 2), 0, 1, 132), "the first is in the middle of four");
        assert!(!reads_vectors(&program(DType::F32, &[16, 1], 0), 0, 0, 128), "the other axis");
        assert!(!reads_vectors(&program(DType::F32, &[16, 1], 0), 0, 1, 130), "the value ends in the middle of four");
    }
}
