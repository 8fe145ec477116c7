//! The scan core: a running fold along one axis, with what is computed before and after it.
//!
//! Long lines that are few are cut into parts: a kernel folds each part as rows are folded, a scan of those gives what lies before each
//! part, and the kernel that scans the parts begins with it.

use super::choose::{self, ScanParts, ScanProblem, ScanVariant, THREADS, Walker};
use super::domain::{merge, merged_program, merged_shape, merged_view};
use super::emitter::{Emitter, coordinates, index};
use super::fold::{combine, identity};
use super::kernel::{BindingSource, Kernel, Lowered};
use super::module::{LoweringInput, Module, accumulator, register_type, widen};
use super::rounds::in_parts;
use super::rows;
use super::text::{Expr, expr};
use crate::error::{Error, Result};
use crate::graph::{ReduceOp, ScanOp};
use crate::schedule::{Core, Group, Inst, Program, Reg, Store, StoreShape};
use crate::types::{DType, Dims, Shape, View};

/// Scratch memory: the fold of each part, and the folds up to and with each part.
const FOLDS: BindingSource = BindingSource::Scratch(0);
const RUNNING: BindingSource = BindingSource::Scratch(1);

/// A scan group over merged axes, the scanned one last.
struct Scan<'a> {
    input: LoweringInput<'a>,
    program: Program,
    /// The dense view of the domain, for stores.
    whole: View,
    /// The axes of the lines.
    lines: Shape,
    /// Elements of a line.
    elements: usize,
    /// Whether the scanned axis is left, having more than one element.
    has_axis: bool,
    /// The register of the running fold, and what it folds.
    reg: Reg,
    operand: Reg,
    fold: ReduceOp,
    /// The dtype in which it accumulates.
    acc: DType,
    /// The scanned axis of the group's own domain.
    axis: usize,
}

/// Lowers a scan group.
pub(super) fn lower(input: LoweringInput<'_>) -> Result<Lowered> {
    let Core::Scan { op, axis } = &input.group.core else {
        return Err(Error::internal("a scan group was expected"));
    };
    let scan = Scan::new(input, *op, *axis)?;
    let dtype = scan.program.dtype(scan.operand);
    if dtype == DType::U8 || dtype == DType::Bool {
        return Err(Error::unsupported(format!("{} of {dtype} has no form in kernels", op.name())));
    }
    let n_kept = scan.lines.rank();
    in_parts(input.limits, |least_parts| {
        let problem = ScanProblem {
            lines: scan.lines.len(),
            elements: scan.elements,
            along_memory: scan.whole.strides().get(n_kept).copied() == Some(1),
            sums: *op == ScanOp::Sum && dtype.is_float(),
            least_parts,
        };
        let chosen = choose::scan(&problem, input.limits);
        let mut lowered = scan.lower(chosen.variant)?;
        lowered.choices.push(chosen.explain(chosen.variant.to_string()));
        Ok((lowered, chosen.variant.parts.map_or(1, |p| p.count)))
    })
}

impl<'a> Scan<'a> {
    fn new(input: LoweringInput<'a>, op: ScanOp, axis: usize) -> Result<Self> {
        let group = input.group;
        let domain = &group.domain;
        let dense = View::dense(domain);
        let others: Vec<usize> = (0..domain.rank()).filter(|a| *a != axis).collect();
        let mut merging = merge(domain, &others, &[&group.body], &[&dense])?;
        let n_kept = merging.len();
        merging.extend(merge(domain, &[axis], &[&group.body], &[&dense])?);
        let shape = merged_shape(domain, &merging);
        let program = merged_program(&group.body, domain, &merging)?;
        let scan = program.insts.iter().enumerate().find_map(|(i, inst)| match inst {
            Inst::Scan(operand) => Some((Reg(i as u32), *operand)),
            _ => None,
        });
        let (reg, operand) = scan.ok_or_else(|| Error::internal("a scan group without a scan"))?;
        Ok(Self {
            input,
            whole: merged_view(&dense, &merging)?,
            lines: Shape::new(&shape[..n_kept]),
            elements: shape[n_kept..].iter().product(),
            has_axis: n_kept < shape.rank(),
            reg,
            operand,
            acc: accumulator(program.dtype(operand)),
            axis,
            program,
            fold: match op {
                ScanOp::Sum => ReduceOp::Sum,
                ScanOp::Prod => ReduceOp::Prod,
                ScanOp::Max => ReduceOp::Max,
                ScanOp::Min => ReduceOp::Min,
            },
        })
    }

    fn lower(&self, ScanVariant { walker, parts }: ScanVariant) -> Result<Lowered> {
        let Some(parts) = parts else {
            return Ok(Lowered { kernels: vec![self.kernel(walker, None)?], ..Lowered::default() });
        };
        let kernels = vec![self.folds(parts)?, self.running(parts)?, self.kernel(walker, Some(parts))?];
        let bytes = (self.lines.len() * parts.count * self.acc.device_size()) as u64;
        Ok(Lowered { kernels, scratch: vec![bytes; 2], ..Lowered::default() })
    }

    /// The kernel that folds each part.
    fn folds(&self, parts: ScanParts) -> Result<Kernel> {
        let group = self.input.group;
        let at = group.body.insts.iter().position(|inst| matches!(inst, Inst::Scan(_))).unwrap_or_default();
        let mut body = group.body.clone();
        body.insts.truncate(at);
        body.dtypes.truncate(at);
        let fold = body.push(Inst::Reduce(self.fold, self.operand), group.body.dtypes[at]);
        let axes = Dims::from_slice(&[self.axis]);
        let stores = group.stores.iter().take(1);
        let folded = Group {
            core: Core::Rows { axes: axes.clone(), split: parts.count as u32 },
            body,
            stores: stores.map(|s| Store { reg: fold, shape: StoreShape::Row, ..s.clone() }).collect(),
            ..group.clone()
        };
        let input = LoweringInput { group: &folded, ..self.input };
        rows::parts(input, &axes, parts.count as u32, parts.chunk, parts.lanes)
    }

    /// The kernel that scans the folds of the parts.
    fn running(&self, parts: ScanParts) -> Result<Kernel> {
        let mut m = Module::new(self.input);
        let (folds, running) = (m.bind(FOLDS, self.acc, false)?, m.bind(RUNNING, self.acc, true)?);
        let rows = m.extent(self.lines.len())?;
        m.define("ROW", "");
        let at = m.code.declare("at", &expr!("j * {rows} + row"));
        let value = m.read(folds, &at);
        let value = m.code.declare("value", &value);
        m.define_code("BEFORE");
        m.write(running, &at, &Expr::new("running"));
        m.define_code("AFTER");
        self.finish(m, "scan of parts", Walker::Workgroup, None, parts.count, &value)
    }

    /// The kernel that scans lines, or their parts.
    fn kernel(&self, walker: Walker, parts: Option<ScanParts>) -> Result<Kernel> {
        let mut m = Module::new(self.input);
        let dtype = self.program.dtype(self.operand);
        m.uses(dtype)?;
        let mut place = coordinates(&mut m, &self.lines, &Expr::new("row"), "c")?;
        m.define_code("ROW");
        if self.has_axis {
            place.push(Expr::new("j"));
        }
        let mut emitter = Emitter::new(&self.program, "r");
        emitter.emit(&mut m, &place, &[self.operand])?;
        m.define_code("BEFORE");
        let value = widen(dtype, &emitter.get(self.operand)?);
        let narrowed = m.narrow(dtype, &Expr::new("running"));
        emitter.set(self.reg, narrowed);
        self.store(&mut m, &mut emitter, &place)?;
        m.define_code("AFTER");
        if parts.is_some() {
            let running = m.bind(RUNNING, self.acc, false)?;
            let rows = m.extent(self.lines.len())?;
            let below = m.read(running, &expr!("((part - 1u) * {rows} + row)"));
            m.define("BELOW", below);
        }
        self.finish(m, "scan", walker, parts, self.elements, &value)
    }

    /// Completes the template: lines of `count` elements, of which each is `value`.
    fn finish(
        &self,
        mut m: Module<'_>,
        label: &str,
        walker: Walker,
        parts: Option<ScanParts>,
        count: usize,
        value: &Expr,
    ) -> Result<Kernel> {
        let lines = self.lines.len();
        m.uses(self.acc)?;
        m.define_extent("ROWS", lines)?;
        m.define_extent("COUNT", count)?;
        if let Some(parts) = parts {
            m.define_extent("PARTS", parts.count)?;
            m.define_extent("CHUNK", parts.chunk)?;
        }
        let t = register_type(self.acc);
        m.define("T", t);
        let start = identity(&mut m, self.fold, self.acc)?;
        m.define("START", start);
        let name = Expr::new;
        for (name, a, b) in [
            ("TAKE", name("total"), value.clone()),
            ("JOIN", name("other"), name("own")),
            ("CARRY", name("total"), name("own")),
            ("NEXT", name("total"), name("whole")),
        ] {
            let combined = combine(&mut m, self.fold, self.acc, &a, &b)?;
            m.define(name, combined);
        }
        m.define("VALUE", value);
        let blocks = match walker {
            Walker::Thread => {
                m.define_flag("ALONE");
                m.define("SHARED", "");
                lines.div_ceil(THREADS)
            }
            Walker::Workgroup => {
                m.define("SHARED", format_args!("var<workgroup> shared_scan: array<{t}, {THREADS}>;"));
                lines
            }
        };
        m.bound("STEPS", parts.map_or(count, |p| p.chunk).div_ceil(walker.stride()));
        m.finish(label, "scan", (blocks * parts.map_or(1, |p| p.count)) as u64)
    }

    /// Computes and stores what follows the running fold.
    fn store(&self, m: &mut Module<'_>, emitter: &mut Emitter<'_>, place: &[Expr]) -> Result<()> {
        let stores = &self.input.group.stores;
        let targets: Vec<Reg> = stores.iter().map(|s| s.reg).collect();
        emitter.emit(m, place, &targets)?;
        for store in stores {
            if store.shape != StoreShape::Full {
                return Err(Error::unsupported("a scan group stores whole arrays only"));
            }
            let buffer = m.bind_value(store.value, self.program.dtype(store.reg), true)?;
            let at = index(m, &self.whole, place, &[]);
            m.write(buffer, &at, &emitter.get(store.reg)?);
        }
        Ok(())
    }
}
