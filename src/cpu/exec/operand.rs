//! Operands of a matrix product: read in place where they are one strided load, and evaluated panel by panel along k elsewhere.

use super::checked::CheckedProgram;
use super::code::PassStore;
use super::data::{BufferType, FindInput, LoadSource, RunData, RunInputs};
use super::map::MapPass;
use super::matrix::StridedMatrix;
use super::output::SharedOutput;
use super::remap;
use super::tile::or_in_miri;
use crate::error::{Error, Result};
use crate::schedule::{Inst, Program, Reg, Value};
use crate::types::{DType, Element, HostBuffer, Scalar, Shape, View};

/// Extent of k that is evaluated and multiplied at once; every product is divided so, whatever its operands are.
pub(crate) const PANEL: usize = or_in_miri(4096, 8);

/// An operand's description: a program over [batch…, rows, columns], of which `k_axis` is contracted.
pub(crate) struct OperandProgram<'p> {
    pub(crate) program: &'p Program,
    pub(crate) domain: Shape,
    pub(crate) k_axis: usize,
    /// Whether the operand is to lie in memory with k outermost, whatever order it has.
    pub(crate) pack: bool,
}

/// A compiled operand.
#[derive(Debug)]
pub(crate) struct Operand {
    inputs: RunInputs,
    k_axis: usize,
    elements: OperandElements,
}

/// Where the elements of an operand come from.
#[derive(Debug)]
enum OperandElements {
    /// A load, read in place.
    InPlace { load: u32, view: View },
    /// Evaluated at once, of which each panel is a part.
    Whole(Box<EvaluatedPart>),
    /// Evaluated panel by panel.
    Panels(Box<PanelParts>),
}

/// The passes that evaluate an operand panel by panel.
#[derive(Debug)]
struct PanelParts {
    /// All full panels: one pass, of which each is a part.
    full: EvaluatedPart,
    n_full: usize,
    /// What is left of k.
    rest: Option<EvaluatedPart>,
}

/// A pass that evaluates a part of an operand.
#[derive(Debug)]
struct EvaluatedPart {
    pass: MapPass,
    buffer: BufferType,
    /// How the part's elements lie in the buffer.
    view: View,
}

impl Operand {
    /// Compiles an operand.
    ///
    /// # Errors
    /// Internal errors for a program that does not fit the domain or its values.
    pub(crate) fn new(of: &OperandProgram<'_>, values: &[Value]) -> Result<Self> {
        // The whole operand is checked once, before anything reads a part of it.
        let checked = CheckedProgram::new(of.program, &of.domain, values, None)?;
        let Some(last) = of.program.insts.last() else {
            return Err(Error::internal("a contraction with an empty operand program"));
        };
        let k = of.domain[of.k_axis];
        let elements = match last {
            Inst::Load(load) if !of.pack => {
                OperandElements::InPlace { load: *load, view: of.program.loads[*load as usize].view.clone() }
            }
            // A window cannot be narrowed, so all of k is evaluated.
            _ if k <= PANEL || remap::has_window(of.program) => OperandElements::Whole(Box::new(of.part(&checked)?)),
            _ => OperandElements::Panels(Box::new(PanelParts {
                full: of.full_panels(k / PANEL, values)?,
                n_full: k / PANEL,
                rest: (!k.is_multiple_of(PANEL)).then(|| of.rest(k - k % PANEL, values)).transpose()?,
            })),
        };
        Ok(Self { inputs: checked.into_inputs(), k_axis: of.k_axis, elements })
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        let parts = match &self.elements {
            OperandElements::InPlace { .. } => 0,
            OperandElements::Whole(part) => part.bytes(),
            OperandElements::Panels(parts) => {
                parts.full.bytes() + parts.rest.as_ref().map_or(size_of::<EvaluatedPart>(), EvaluatedPart::bytes)
            }
        };
        self.inputs.bytes() + parts
    }

    /// The operand with the data of a run.
    ///
    /// # Errors
    /// What binding the data reports.
    pub(crate) fn bind<'a>(&self, input: FindInput<'_, 'a>, scalars: &[Scalar]) -> Result<BoundOperand<'_, 'a>> {
        Ok(BoundOperand { operand: self, data: self.inputs.bind(input, scalars)?, evaluated: None })
    }
}

impl OperandProgram<'_> {
    fn rank(&self) -> usize {
        self.domain.rank()
    }

    /// The axis that is not contracted, of the last two.
    fn free_axis(&self) -> usize {
        2 * self.rank() - 3 - self.k_axis
    }

    /// Whether neighbours along k lie farther apart than along the free axis, in the first load that varies along both.
    fn k_is_far(&self) -> bool {
        let free = self.free_axis();
        self.program
            .loads
            .iter()
            .map(|l| (l.view.strides()[self.k_axis].unsigned_abs(), l.view.strides()[free].unsigned_abs()))
            .find(|&(k, f)| k > 0 && f > 0)
            .is_some_and(|(k, f)| k > f)
    }

    /// The order in which the axes of a part lie in memory.
    fn memory_order(&self) -> Vec<usize> {
        let outer = if self.pack || self.k_is_far() { self.k_axis } else { self.free_axis() };
        let inner = 2 * self.rank() - 3 - outer;
        (0..self.rank() - 2).chain([outer, inner]).collect()
    }

    /// The view of a part over `domain` that lies in memory in that order.
    fn part_view(&self, domain: Shape) -> Result<View> {
        let order = self.memory_order();
        let ordered: Shape = order.iter().map(|&a| domain[a]).collect();
        let dense = View::dense(&ordered);
        let mut strides = vec![0; order.len()];
        for (&axis, &stride) in order.iter().zip(dense.strides()) {
            strides[axis] = stride;
        }
        View::from_parts(domain, &strides, 0)
    }

    fn dtype(&self) -> Result<DType> {
        self.program.dtypes.last().copied().ok_or_else(|| Error::internal("an empty operand program"))
    }

    fn store(&self, to: View) -> PassStore {
        PassStore { reg: Reg(self.program.insts.len() as u32 - 1), output: 0, to }
    }

    /// All of the operand.
    fn part(&self, checked: &CheckedProgram<'_>) -> Result<EvaluatedPart> {
        let view = self.part_view(self.domain.clone())?;
        let buffer = BufferType { dtype: self.dtype()?, len: self.domain.len() };
        let pass = MapPass::new(checked, &self.domain, &self.memory_order(), &[self.store(view.clone())]);
        Ok(EvaluatedPart { pass, buffer, view })
    }

    /// What is left of k from `start` on.
    fn rest(&self, start: usize, values: &[Value]) -> Result<EvaluatedPart> {
        let len = self.domain[self.k_axis] - start;
        let program = remap::narrowed(self.program, self.k_axis, start, len)?;
        let domain = self.domain.with_axis(self.k_axis, len);
        let checked = CheckedProgram::new(&program, &domain, values, None)?;
        OperandProgram { program: &program, domain, ..*self }.part(&checked)
    }

    /// `count` panels of full extent. The pass's space has the number of the panel as its outermost axis, along which nothing
    /// moves in the buffer: each panel is a part of the pass, and is written over the one before.
    fn full_panels(&self, count: usize, values: &[Value]) -> Result<EvaluatedPart> {
        let program = remap::divided(self.program, self.k_axis, PANEL, count)?;
        let panel = self.domain.with_axis(self.k_axis, PANEL);
        let view = self.part_view(panel.clone())?;
        let domain: Shape = [count].into_iter().chain(panel.iter().copied()).collect();
        let strides: Vec<i64> = [0].into_iter().chain(view.strides().iter().copied()).collect();
        let to = View::from_parts(domain.clone(), &strides, 0)?;
        let axes: Vec<usize> = [0].into_iter().chain(self.memory_order().into_iter().map(|a| a + 1)).collect();
        let checked = CheckedProgram::new(&program, &domain, values, None)?;
        let pass = MapPass::in_parts(&checked, &domain, &axes, &[self.store(to)]);
        Ok(EvaluatedPart { pass, buffer: BufferType { dtype: self.dtype()?, len: panel.len() }, view })
    }
}

/// An operand with the data of a run.
pub(crate) struct BoundOperand<'o, 'a> {
    operand: &'o Operand,
    data: RunData<'a>,
    /// What was evaluated last.
    evaluated: Option<HostBuffer>,
}

impl BoundOperand<'_, '_> {
    /// [`PANEL`] coordinates of k from `number` times that on, or what is left of them, for all batches.
    ///
    /// # Errors
    /// Out of memory, and an internal error when the data were not bound.
    pub(crate) fn panel(&mut self, number: usize) -> Result<OperandPanel<'_>> {
        let (data, evaluated) = (&self.data, &mut self.evaluated);
        let part = |view: &View| view.offset() + (number * PANEL) as i64 * view.strides()[self.operand.k_axis];
        match &self.operand.elements {
            OperandElements::InPlace { load, view } => {
                let buffer = data.source(LoadSource::Load(*load));
                let buffer = buffer.ok_or_else(|| Error::internal("an operand of a product is missing"))?;
                Ok(OperandPanel { buffer, view, offset: part(view) })
            }
            OperandElements::Whole(whole) => {
                let buffer = match evaluated {
                    Some(buffer) => buffer,
                    none => whole.evaluate(data, 0, none)?,
                };
                Ok(OperandPanel { buffer, view: &whole.view, offset: part(&whole.view) })
            }
            OperandElements::Panels(parts) => {
                let PanelParts { full, n_full, rest } = &**parts;
                let (panel, part) = match rest {
                    Some(rest) if number == *n_full => (rest, 0),
                    _ => (full, number),
                };
                let buffer = panel.evaluate(data, part, evaluated)?;
                Ok(OperandPanel { buffer, view: &panel.view, offset: panel.view.offset() })
            }
        }
    }
}

impl EvaluatedPart {
    /// Bytes of memory it takes, itself included.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.pass.bytes()
    }

    /// Evaluates a part of the pass, into the buffer that was used last if it has the right size.
    fn evaluate<'b>(
        &self,
        data: &RunData<'_>,
        part: usize,
        buffer: &'b mut Option<HostBuffer>,
    ) -> Result<&'b mut HostBuffer> {
        if buffer.as_ref().is_some_and(|b| b.len() != self.buffer.len) {
            *buffer = None;
        }
        let buffer = match buffer {
            Some(buffer) => buffer,
            none => none.insert(self.buffer.zeros()?),
        };
        self.pass.run(data, part, &[SharedOutput::new(buffer)]);
        Ok(buffer)
    }
}

/// A panel of an operand, for all batches.
pub(crate) struct OperandPanel<'p> {
    buffer: &'p HostBuffer,
    view: &'p View,
    offset: i64,
}

impl OperandPanel<'_> {
    /// The matrix of one batch, by number.
    ///
    /// # Errors
    /// An internal error for data of another dtype.
    pub(crate) fn matrix<T: Element>(&self, batch: usize) -> Result<StridedMatrix<'_, T>> {
        let (extents, strides) = (self.view.shape().dims(), self.view.strides());
        let rank = extents.len();
        let (mut offset, mut rest) = (self.offset, batch);
        for (&extent, &stride) in extents[..rank - 2].iter().zip(&strides[..rank - 2]).rev() {
            offset += (rest % extent) as i64 * stride;
            rest /= extent;
        }
        let [row, column] = [strides[rank - 2], strides[rank - 1]];
        Ok(StridedMatrix { data: self.buffer.as_slice()?, offset, row, column })
    }
}
