//! A scalar program over a domain, checked once for what its loads will be, so that no code made of it can reach outside a buffer.

use smallvec::SmallVec;

use super::data::{BufferType, RunInputs};
use super::uniform::UniformProgram;
use crate::error::{Error, Result};
use crate::schedule::{Coord, Inst, Load, Program, Reg, Value, Window};
use crate::types::{Shape, View};

/// Where a domain's elements lie in the accumulator of a contraction.
pub(crate) struct AccumulatorView {
    pub(crate) buffer: BufferType,
    pub(crate) view: View,
}

/// A program that fits its domain and the values it loads.
pub(crate) struct CheckedProgram<'p> {
    pub(crate) program: &'p Program,
    pub(crate) accumulator: Option<View>,
    /// The number of each register among the uniform ones, for those that are.
    uniform_number: Vec<Option<usize>>,
    inputs: RunInputs,
}

impl<'p> CheckedProgram<'p> {
    /// Checks a program over `domain` against the schedule's values and the accumulator.
    ///
    /// # Errors
    /// An internal error when a load reaches outside its value or has another dtype.
    pub(crate) fn new(
        program: &'p Program,
        domain: &Shape,
        values: &[Value],
        accumulator: Option<AccumulatorView>,
    ) -> Result<Self> {
        let loads: SmallVec<[BufferType; 4]> =
            program.loads.iter().map(|l| BufferType::of_value(values, l.value)).collect::<Result<_>>()?;
        for at in 0..program.insts.len() {
            InstCheck { program, at, domain, loads: &loads }.check(accumulator.as_ref())?;
        }
        let (uniforms, uniform_number) = UniformProgram::of(program);
        let inputs = RunInputs::new(program, &loads, uniforms);
        Ok(Self { program, accumulator: accumulator.map(|a| a.view), uniform_number, inputs })
    }

    /// The number of a register among the uniform ones, if it is one.
    pub(crate) fn uniform(&self, reg: Reg) -> Option<usize> {
        self.uniform_number[reg.index()]
    }

    /// What the program needs of each run, once its code is made.
    pub(crate) fn into_inputs(self) -> RunInputs {
        self.inputs
    }
}

/// One instruction under check.
struct InstCheck<'c> {
    program: &'c Program,
    at: usize,
    domain: &'c Shape,
    loads: &'c [BufferType],
}

impl InstCheck<'_> {
    fn wrong(&self, why: impl std::fmt::Display) -> Result<()> {
        Err(Error::internal(format!("instruction {} of a group over {}: {why}", self.at, self.domain)))
    }

    fn check(&self, accumulator: Option<&AccumulatorView>) -> Result<()> {
        let inst = &self.program.insts[self.at];
        if Program::operands(inst).iter().any(|r| r.index() >= self.at) {
            return self.wrong("an operand is not an earlier register");
        }
        match inst {
            Inst::Load(l) => self.load(*l, |load| Ok((load.view.clone(), self.domain.clone()))),
            Inst::Window { load, window, .. } => {
                self.window(window)?;
                let inside = window.len.iter().map(|&n| n.max(0) as usize).collect();
                self.load(*load, |load| Ok((load.view.clone(), inside)))
            }
            Inst::Gather { load, stride, extent, .. } => self.gather(*load, *stride, *extent),
            Inst::Index(coord) | Inst::Rng { index: coord, .. } => self.coordinate(coord),
            Inst::Acc => self.accumulator(accumulator),
            _ => Ok(()),
        }
    }

    /// Checks that a load exists, has the dtypes it claims, and that what it reads, by the view that `reads` gives, is of the shape
    /// that it gives and lies inside the value.
    fn load(&self, number: u32, reads: impl FnOnce(&Load) -> Result<(View, Shape)>) -> Result<()> {
        let number = number as usize;
        let (Some(load), Some(buffer)) = (self.program.loads.get(number), self.loads.get(number)) else {
            return self.wrong("no such load");
        };
        if buffer.dtype != load.dtype || self.program.dtypes[self.at] != load.dtype {
            return self.wrong(format!("expected {}, the value is {}", load.dtype, buffer.dtype));
        }
        let (view, shape) = reads(load)?;
        if *view.shape() != shape || !view.fits(buffer.len) {
            return self.wrong(format!("view {view} does not read {shape} of {} elements", buffer.len));
        }
        Ok(())
    }

    fn window(&self, window: &Window) -> Result<()> {
        if [window.start.len(), window.step.len(), window.len.len()] != [self.domain.rank(); 3] {
            return self.wrong("the window has another rank");
        }
        if window.start.iter().any(|&s| s < 0) || window.step.iter().any(|&s| s < 1) {
            return self.wrong("the window starts or steps outside");
        }
        Ok(())
    }

    /// The gathered axis is one more axis of what may be read.
    fn gather(&self, load: u32, stride: i64, extent: i64) -> Result<()> {
        if extent < 1 {
            return self.wrong("nothing to gather from");
        }
        let with_axis = |shape: &Shape| shape.iter().copied().chain([extent as usize]).collect::<Shape>();
        self.load(load, |load| {
            let strides: SmallVec<[i64; 6]> = load.view.strides().iter().copied().chain([stride]).collect();
            let view = View::from_parts(with_axis(load.view.shape()), &strides, load.view.offset())?;
            Ok((view, with_axis(self.domain)))
        })
    }

    fn coordinate(&self, coord: &Coord) -> Result<()> {
        if coord.view.shape() == self.domain { Ok(()) } else { self.wrong("the coordinate has another shape") }
    }

    fn accumulator(&self, accumulator: Option<&AccumulatorView>) -> Result<()> {
        match accumulator {
            Some(AccumulatorView { buffer, view })
                if view.shape() == self.domain
                    && view.fits(buffer.len)
                    && buffer.dtype == self.program.dtypes[self.at] =>
            {
                Ok(())
            }
            _ => self.wrong("there is no such accumulator"),
        }
    }
}
