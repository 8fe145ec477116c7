//! A scalar program and its data: the program is checked once for the sizes its loads will have, the data at each run for having
//! them, so that nothing behind it can reach outside a buffer.

use smallvec::SmallVec;

use crate::cpu::reference;
use crate::error::{Error, Result};
use crate::schedule::{Inst, Program, Reg, ValueId};
use crate::types::{DType, HostBuffer, Scalar, Shape, View};

/// How a run's stored values are found.
pub(crate) type Input<'i, 'a> = &'i dyn Fn(ValueId) -> Result<&'a HostBuffer>;

/// A program over a domain, checked; what of it is settled before there are data.
pub(crate) struct Form<'a> {
    pub(crate) program: &'a Program,
    /// Where the domain's elements lie in the accumulator of a contraction.
    pub(crate) accumulator: Option<View>,
    /// Whether each register is one value for the whole group: it depends on literals and the run's scalars only.
    uniform: Vec<bool>,
}

/// Where an instruction reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// The program's load of this number.
    Load(u32),
    /// The accumulator of a contraction.
    Accumulator,
}

/// The data that a program's code runs with.
pub(crate) struct Data<'a> {
    buffers: SmallVec<[&'a HostBuffer; 4]>,
    accumulator: Option<&'a HostBuffer>,
    /// The values of uniform registers, computed by the reference; most programs have few.
    uniforms: Uniforms,
}

/// Values of uniform registers, in their order.
type Uniforms = SmallVec<[(Reg, Scalar); 4]>;

/// A program with its data.
pub(crate) struct Body<'a> {
    pub(crate) form: Form<'a>,
    pub(crate) data: Data<'a>,
}

/// What a load or accumulator will be: its dtype and how many elements.
type Kind = (DType, usize);

impl<'a> Form<'a> {
    /// Checks a program over `domain` against what its loads and the accumulator will be.
    ///
    /// # Errors
    /// An internal error when a load reaches outside its value or has another dtype, and what `kind` reports.
    pub(crate) fn new(
        program: &'a Program,
        domain: &Shape,
        kind: impl Fn(ValueId) -> Result<Kind>,
        accumulator: Option<(Kind, View)>,
    ) -> Result<Self> {
        let kinds = program.loads.iter().map(|l| kind(l.value)).collect::<Result<SmallVec<[Kind; 4]>>>()?;
        for (i, inst) in program.insts.iter().enumerate() {
            check(program, i, inst, domain, &kinds, accumulator.as_ref())?;
        }
        let mut uniform: Vec<bool> = Vec::with_capacity(program.insts.len());
        for inst in &program.insts {
            uniform.push(match inst {
                Inst::Literal(_) | Inst::Scalar(_) => true,
                // Loops have functions of their own, which differ from the reference in last bits: a value must not depend on
                // whether it was stored before it was used.
                Inst::Unary(op, _) if op.is_transcendental() => false,
                Inst::Binary(op, ..) if op.is_transcendental() => false,
                Inst::Unary(..) | Inst::Binary(..) | Inst::Select(..) | Inst::Cast(..) => {
                    Program::operands(inst).iter().all(|r| uniform[r.index()])
                }
                _ => false,
            });
        }
        Ok(Self { program, accumulator: accumulator.map(|(_, view)| view), uniform })
    }

    /// Whether a register is one value for the whole group.
    pub(crate) fn is_uniform(&self, reg: Reg) -> bool {
        self.uniform[reg.index()]
    }
}

impl<'a> Data<'a> {
    /// The data of a program whose form was checked: `expected` says what the loads must be.
    ///
    /// # Errors
    /// What `input` reports, and an internal error for a value of another size or dtype than the form was checked for.
    pub(crate) fn new(
        program: &Program,
        input: Input<'_, 'a>,
        expected: impl Fn(ValueId) -> Option<Kind>,
        scalars: &[Scalar],
    ) -> Result<Self> {
        let mut buffers = SmallVec::with_capacity(program.loads.len());
        for load in &program.loads {
            let buffer = input(load.value)?;
            if expected(load.value) != Some((buffer.dtype(), buffer.len())) {
                return Err(Error::internal(format!(
                    "{} has {} elements of {}, other than the plan says",
                    load.value,
                    buffer.len(),
                    buffer.dtype()
                )));
            }
            buffers.push(buffer);
        }
        Ok(Self { buffers, accumulator: None, uniforms: uniforms(program, scalars)? })
    }

    /// Where an instruction reads.
    pub(crate) fn source(&self, source: Source) -> Option<&'a HostBuffer> {
        match source {
            Source::Load(i) => self.buffers.get(i as usize).copied(),
            Source::Accumulator => self.accumulator,
        }
    }

    /// The value of a uniform register.
    pub(crate) fn uniform(&self, reg: Reg) -> Option<Scalar> {
        value(&self.uniforms, reg)
    }
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
        let kind = |b: &HostBuffer| (b.dtype(), b.len());
        let buffer = accumulator.as_ref().map(|a| a.0);
        let accumulator = accumulator.map(|(b, view)| (kind(b), view));
        let form = Form::new(program, domain, |v| input(v).map(kind), accumulator)?;
        let buffers = program.loads.iter().map(|l| input(l.value)).collect::<Result<_>>()?;
        let data = Data { buffers, accumulator: buffer, uniforms: uniforms(program, scalars)? };
        Ok(Self { form, data })
    }
}

fn check(
    program: &Program,
    at: usize,
    inst: &Inst,
    domain: &Shape,
    kinds: &[Kind],
    accumulator: Option<&(Kind, View)>,
) -> Result<()> {
    let wrong = |why: &str| Err(Error::internal(format!("instruction {at} of a group over {domain}: {why}")));
    if Program::operands(inst).iter().any(|r| r.index() >= at) {
        return wrong("an operand is not an earlier register");
    }
    if let Inst::Load(l) | Inst::Window { load: l, .. } | Inst::Gather { load: l, .. } = inst {
        let (Some(load), Some(&(dtype, len))) = (program.loads.get(*l as usize), kinds.get(*l as usize)) else {
            return wrong("no such load");
        };
        if dtype != load.dtype || program.dtypes[at] != load.dtype {
            return wrong(&format!("expected {}, the value is {dtype}", load.dtype));
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
        if *view.shape() != of || !view.fits(len) {
            return wrong(&format!("view {view} does not read {of} of {len} elements"));
        }
    }
    if let Inst::Index(c) | Inst::Rng { index: c, .. } = inst
        && c.view.shape() != domain
    {
        return wrong("the coordinate has another shape");
    }
    if matches!(inst, Inst::Acc) {
        return match accumulator {
            Some(((dtype, len), v)) if v.shape() == domain && v.fits(*len) && *dtype == program.dtypes[at] => Ok(()),
            _ => wrong("there is no such accumulator"),
        };
    }
    Ok(())
}

/// The values of registers that are one value for the whole group; see [`Form::is_uniform`].
fn uniforms(program: &Program, scalars: &[Scalar]) -> Result<Uniforms> {
    let mut values = Uniforms::new();
    for (i, inst) in program.insts.iter().enumerate() {
        let of = |r: &Reg| value(&values, *r);
        let value =
            match inst {
                Inst::Literal(s) => Some(*s),
                Inst::Scalar(n) => Some(*scalars.get(*n as usize).ok_or_else(|| {
                    Error::internal(format!("expected scalar ${n} of the run, given {}", scalars.len()))
                })?),
                Inst::Unary(op, _) if op.is_transcendental() => None,
                Inst::Binary(op, ..) if op.is_transcendental() => None,
                Inst::Unary(op, a) => of(a).map(|a| reference::unary(*op, a)),
                Inst::Binary(op, a, b) => of(a).zip(of(b)).map(|(a, b)| reference::binary(*op, a, b)),
                Inst::Select(c, a, b) => of(c).zip(of(a)).zip(of(b)).map(|((c, a), b)| reference::select(c, a, b)),
                Inst::Cast(mode, a) => of(a).map(|a| reference::cast(*mode, a, program.dtypes[i])),
                _ => None,
            };
        let Some(value) = value else { continue };
        if value.dtype() != program.dtypes[i] {
            return Err(Error::internal(format!("register r{i}: expected {}, found another dtype", program.dtypes[i])));
        }
        values.push((Reg(i as u32), value));
    }
    Ok(values)
}

/// The value of a register among those that have one.
fn value(values: &[(Reg, Scalar)], reg: Reg) -> Option<Scalar> {
    values.binary_search_by_key(&reg, |v| v.0).ok().map(|i| values[i].1)
}

/// The register whose dtype decides which loop an instruction runs: comparisons and casts give another one than they take.
pub(crate) fn operand_reg(inst: &Inst) -> Option<Reg> {
    match inst {
        Inst::Unary(_, a) | Inst::Cast(_, a) | Inst::Binary(_, a, _) | Inst::Scan(a) => Some(*a),
        Inst::Select(_, a, _) => Some(*a),
        _ => None,
    }
}
