//! The data of a run: what a program needs, written down when it is compiled, and what a run supplies, checked against that.

use smallvec::SmallVec;

use super::uniform::{UniformProgram, UniformValues};
use crate::error::{Error, Result};
use crate::schedule::{Program, Value, ValueId};
use crate::types::{DType, HostBuffer, Scalar};

/// How a run's stored values are found.
pub(crate) type FindInput<'i, 'a> = &'i dyn Fn(ValueId) -> Result<&'a HostBuffer>;

/// What the buffer of a stored value or an accumulator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufferType {
    pub(crate) dtype: DType,
    /// Elements.
    pub(crate) len: usize,
}

impl BufferType {
    /// What the buffer of a value of the schedule is.
    ///
    /// # Errors
    /// An internal error when there is no such value.
    pub(crate) fn of_value(values: &[Value], id: ValueId) -> Result<Self> {
        let value = values.get(id.index()).ok_or_else(|| Error::internal(format!("the schedule has no value {id}")))?;
        Ok(Self { dtype: value.dtype, len: value.shape.len() })
    }

    /// Zeros.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn zeros(self) -> Result<HostBuffer> {
        HostBuffer::zeros(self.dtype, self.len)
    }
}

/// Where an instruction reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LoadSource {
    /// The program's load of this number.
    Load(u32),
    /// The accumulator of a contraction.
    Accumulator,
}

#[derive(Debug)]
struct LoadedValue {
    value: ValueId,
    buffer: BufferType,
}

/// What a program needs of each run.
#[derive(Debug)]
pub(crate) struct RunInputs {
    loads: Vec<LoadedValue>,
    uniforms: UniformProgram,
}

impl RunInputs {
    /// What a program needs, whose loads read buffers of these types, in order.
    pub(crate) fn new(program: &Program, buffers: &[BufferType], uniforms: UniformProgram) -> Self {
        let loads = program.loads.iter().zip(buffers).map(|(l, &buffer)| LoadedValue { value: l.value, buffer });
        Self { loads: loads.collect(), uniforms }
    }

    /// Bytes of memory it holds on to.
    pub(crate) fn bytes(&self) -> usize {
        self.loads.capacity() * size_of::<LoadedValue>() + self.uniforms.bytes()
    }

    /// The data of a run.
    ///
    /// # Errors
    /// What `input` reports, and an internal error for a value of another size or dtype than the plan says.
    pub(crate) fn bind<'a>(&self, input: FindInput<'_, 'a>, scalars: &[Scalar]) -> Result<RunData<'a>> {
        self.bind_with(input, scalars, None)
    }

    /// The data of a run, with the accumulator of a contraction, which must be of the type that the program was checked for.
    ///
    /// # Errors
    /// As [`RunInputs::bind`].
    pub(crate) fn bind_with<'b, 'a: 'b>(
        &self,
        input: FindInput<'_, 'a>,
        scalars: &[Scalar],
        accumulator: Option<&'b HostBuffer>,
    ) -> Result<RunData<'b>> {
        let mut loads: SmallVec<[&'b HostBuffer; 4]> = SmallVec::with_capacity(self.loads.len());
        for load in &self.loads {
            let buffer = input(load.value)?;
            let found = BufferType { dtype: buffer.dtype(), len: buffer.len() };
            if found != load.buffer {
                return Err(Error::internal(format!(
                    "{}: expected {} elements of {}, found {} of {}",
                    load.value, load.buffer.len, load.buffer.dtype, found.len, found.dtype
                )));
            }
            loads.push(buffer);
        }
        Ok(RunData { loads, accumulator, uniforms: self.uniforms.values(scalars)? })
    }
}

/// The data that a program's code runs with.
pub(crate) struct RunData<'a> {
    loads: SmallVec<[&'a HostBuffer; 4]>,
    accumulator: Option<&'a HostBuffer>,
    uniforms: UniformValues,
}

impl<'a> RunData<'a> {
    /// What an instruction reads.
    pub(crate) fn source(&self, source: LoadSource) -> Option<&'a HostBuffer> {
        match source {
            LoadSource::Load(i) => self.loads.get(i as usize).copied(),
            LoadSource::Accumulator => self.accumulator,
        }
    }

    /// The value of the uniform register of this number.
    pub(crate) fn uniform(&self, number: usize) -> Option<Scalar> {
        self.uniforms.get(number).copied()
    }
}
