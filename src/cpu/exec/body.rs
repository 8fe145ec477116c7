//! A scalar program bound to its data: checked once, so that nothing behind it can reach outside a buffer.

use smallvec::SmallVec;

use crate::cpu::reference;
use crate::error::{Error, Result};
use crate::schedule::{Inst, Program, Reg, ValueId};
use crate::types::{HostBuffer, Scalar, Shape, View};

/// How a run's stored values are found.
pub(crate) type Input<'i, 'a> = &'i dyn Fn(ValueId) -> Result<&'a HostBuffer>;

/// A program with the buffers of its loads and the values of its uniform registers.
pub(crate) struct Body<'a> {
    pub(crate) program: &'a Program,
    pub(crate) buffers: Vec<&'a HostBuffer>,
    /// The accumulator of a contraction and where the domain's elements lie in it.
    pub(crate) accumulator: Option<(&'a HostBuffer, View)>,
    /// The value of registers that depend on literals and the run's scalars only, computed by the reference.
    pub(crate) uniforms: Vec<Option<Scalar>>,
}

impl<'a> Body<'a> {
    /// Binds a program over `domain` to its data.
    ///
    /// # Errors
    /// What `input` reports, and an internal error when a load reaches outside its value or has another dtype.
    pub(crate) fn new(
        program: &'a Program,
        domain: &Shape,
        input: Input<'_, 'a>,
        scalars: &[Scalar],
        accumulator: Option<(&'a HostBuffer, View)>,
    ) -> Result<Self> {
        let buffers = program.loads.iter().map(|l| input(l.value)).collect::<Result<Vec<_>>>()?;
        let body = Self { program, buffers, accumulator, uniforms: uniforms(program, scalars)? };
        for (i, inst) in program.insts.iter().enumerate() {
            body.check(i, inst, domain)?;
        }
        Ok(body)
    }

    /// The value of a uniform register.
    pub(crate) fn uniform(&self, reg: Reg) -> Option<Scalar> {
        self.uniforms[reg.index()]
    }

    fn check(&self, at: usize, inst: &Inst, domain: &Shape) -> Result<()> {
        let wrong = |why: &str| Err(Error::internal(format!("instruction {at} of a group over {domain}: {why}")));
        if Program::operands(inst).iter().any(|r| r.index() >= at) {
            return wrong("an operand is not an earlier register");
        }
        if let Inst::Load(l) | Inst::Window { load: l, .. } | Inst::Gather { load: l, .. } = inst {
            let (Some(load), Some(buffer)) = (self.program.loads.get(*l as usize), self.buffers.get(*l as usize))
            else {
                return wrong("no such load");
            };
            if buffer.dtype() != load.dtype || self.program.dtypes[at] != load.dtype {
                return wrong(&format!("expected {}, the value is {}", load.dtype, buffer.dtype()));
            }
            let (mut view, mut of) = (load.view.clone(), domain.clone());
            match inst {
                Inst::Window { window, .. } => {
                    let rank = domain.rank();
                    if [window.start.len(), window.step.len(), window.len.len()] != [rank; 3] {
                        return wrong("the window has another rank");
                    }
                    of = window.len.iter().map(|&n| n.max(0) as usize).collect();
                    if window.start.iter().any(|&s| s < 0) || window.step.iter().any(|&s| s < 1) {
                        return wrong("the window starts or steps outside");
                    }
                }
                Inst::Gather { stride, extent, .. } => {
                    // The gathered axis is one more axis of what may be read.
                    let extents: Shape = load.view.shape().iter().copied().chain([*extent.max(&0) as usize]).collect();
                    let steps: SmallVec<[i64; 6]> = load.view.strides().iter().copied().chain([*stride]).collect();
                    view = View::from_parts(extents, &steps, load.view.offset())?;
                    of = of.iter().copied().chain([*extent.max(&0) as usize]).collect();
                    if *extent < 1 {
                        return wrong("nothing to gather from");
                    }
                }
                _ => {}
            }
            if *view.shape() != of || !view.fits(buffer.len()) {
                return wrong(&format!("view {view} does not read {of} of {} elements", buffer.len()));
            }
        }
        if let Inst::Index(c) | Inst::Rng { index: c, .. } = inst
            && c.view.shape() != domain
        {
            return wrong("the coordinate has another shape");
        }
        if matches!(inst, Inst::Acc) {
            return match &self.accumulator {
                Some((b, v)) if v.shape() == domain && v.fits(b.len()) && b.dtype() == self.program.dtypes[at] => {
                    Ok(())
                }
                _ => wrong("there is no such accumulator"),
            };
        }
        Ok(())
    }
}

/// The registers that are one value for the whole group.
fn uniforms(program: &Program, scalars: &[Scalar]) -> Result<Vec<Option<Scalar>>> {
    let mut values: Vec<Option<Scalar>> = Vec::with_capacity(program.insts.len());
    for (i, inst) in program.insts.iter().enumerate() {
        let of = |r: &Reg| values.get(r.index()).copied().flatten();
        let value =
            match inst {
                Inst::Literal(s) => Some(*s),
                Inst::Scalar(n) => Some(*scalars.get(*n as usize).ok_or_else(|| {
                    Error::internal(format!("expected scalar ${n} of the run, given {}", scalars.len()))
                })?),
                // Loops have functions of their own, which differ from the reference in last bits: a value must not depend on
                // whether it was stored before it was used.
                Inst::Unary(op, _) if op.is_transcendental() => None,
                Inst::Binary(op, ..) if op.is_transcendental() => None,
                Inst::Unary(op, a) => of(a).map(|a| reference::unary(*op, a)),
                Inst::Binary(op, a, b) => of(a).zip(of(b)).map(|(a, b)| reference::binary(*op, a, b)),
                Inst::Select(c, a, b) => of(c).zip(of(a)).zip(of(b)).map(|((c, a), b)| reference::select(c, a, b)),
                Inst::Cast(mode, a) => of(a).map(|a| reference::cast(*mode, a, program.dtypes[i])),
                _ => None,
            };
        if value.is_some_and(|v| v.dtype() != program.dtypes[i]) {
            return Err(Error::internal(format!("register r{i}: expected {}, found another dtype", program.dtypes[i])));
        }
        values.push(value);
    }
    Ok(values)
}

/// The register whose dtype decides which loop an instruction runs: comparisons and casts give another one than they take.
pub(crate) fn operand_reg(inst: &Inst) -> Option<Reg> {
    match inst {
        Inst::Unary(_, a) | Inst::Cast(_, a) | Inst::Binary(_, a, _) | Inst::Scan(a) => Some(*a),
        Inst::Select(_, a, _) => Some(*a),
        _ => None,
    }
}
