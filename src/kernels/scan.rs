//! The scan core: a running fold along one axis, with what is computed before and after it.

use super::choose::{self, ScanProblem, ScanVariant, THREADS};
use super::domain::{merge, merged_program, merged_shape, merged_view};
use super::emitter::{Emitter, coordinates, index};
use super::fold::{combine, identity};
use super::kernel::Lowered;
use super::module::{LoweringInput, Module, accumulator, narrow, register_type, widen};
use super::text::Expr;
use crate::error::{Error, Result};
use crate::graph::{ReduceOp, ScanOp};
use crate::schedule::{Core, Inst, Program, Reg, StoreShape};
use crate::types::{DType, Shape, View};

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
    let problem = ScanProblem {
        lines: scan.lines.len(),
        elements: scan.elements,
        along_memory: scan.whole.strides().get(n_kept).copied() == Some(1),
    };
    let chosen = choose::scan(&problem, input.limits);
    let mut lowered = scan.lower(chosen.variant)?;
    lowered.choices.push(chosen.explain());
    Ok(lowered)
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
            program,
            whole: merged_view(&dense, &merging)?,
            lines: Shape::new(&shape[..n_kept]),
            elements: shape[n_kept..].iter().product(),
            has_axis: n_kept < shape.rank(),
            reg,
            operand,
            fold: match op {
                ScanOp::Sum => ReduceOp::Sum,
                ScanOp::Prod => ReduceOp::Prod,
                ScanOp::Max => ReduceOp::Max,
                ScanOp::Min => ReduceOp::Min,
            },
        })
    }

    fn lower(&self, variant: ScanVariant) -> Result<Lowered> {
        let mut m = Module::new(self.input);
        let dtype = self.program.dtype(self.operand);
        let acc = accumulator(dtype);
        m.uses(dtype)?;
        m.define_extent("ROWS", self.lines.len())?;
        m.define_extent("COUNT", self.elements)?;
        m.define("T", register_type(acc));
        let start = identity(&mut m, self.fold, acc)?;
        m.define("START", start);

        let mut place = coordinates(&mut m, &self.lines, &Expr::new("row"), "c")?;
        m.define_code("ROW");
        if self.has_axis {
            place.push(Expr::new("j"));
        }
        let mut emitter = Emitter::new(&self.program, "r");
        emitter.emit(&mut m, &place, &[self.operand])?;
        m.define_code("BEFORE");
        let value = widen(dtype, &emitter.get(self.operand)?);
        let name = Expr::new;
        for (name, a, b) in [
            ("TAKE", name("total"), value.clone()),
            ("JOIN", name("other"), name("own")),
            ("CARRY", name("total"), name("own")),
            ("NEXT", name("total"), name("whole")),
        ] {
            let combined = combine(&mut m, self.fold, acc, &a, &b)?;
            m.define(name, combined);
        }
        m.define("VALUE", value);
        emitter.set(self.reg, narrow(dtype, &name("running")));
        self.store(&mut m, &mut emitter, &place)?;
        m.define_code("AFTER");
        let lines = self.lines.len();
        let groups = match variant {
            ScanVariant::Thread => {
                m.define_flag("ALONE");
                m.define("SHARED", "");
                lines.div_ceil(THREADS)
            }
            ScanVariant::Workgroup => {
                let t = register_type(acc);
                m.define("SHARED", format_args!("var<workgroup> shared_scan: array<{t}, {THREADS}>;"));
                lines
            }
        };
        m.finish_alone("scan", "scan", groups as u64)
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
