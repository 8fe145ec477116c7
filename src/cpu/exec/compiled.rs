//! A group compiled: everything about its passes that does not depend on data, made once for a plan and run with any data of
//! the plan's shapes.
//!
//! A group and the values of its schedule come in; what runs comes out, and checks at each run that the data are as the plan says.

use smallvec::SmallVec;

use super::check::check_group;
use super::checked::CheckedProgram;
use super::code::PassStore;
use super::contract::ContractPasses;
use super::contraction::Contraction;
use super::data::{BufferType, FindInput};
use super::map::MapPasses;
use super::output::SharedOutput;
use super::remap;
use super::rows::{RowsPasses, RowsStores};
use super::scan::ScanPass;
use crate::cpu::reference::moves;
use crate::error::Result;
use crate::schedule::{Core, Group, Store, StoreShape, Value, ValueId};
use crate::types::{HostBuffer, Scalar, View};

/// The results of a group; few groups have more than two.
pub type Results = SmallVec<[HostBuffer; 2]>;

/// The passes of one group.
#[derive(Debug)]
pub struct Compiled {
    passes: Passes,
    results: Vec<ResultMemory>,
}

#[derive(Debug)]
enum Passes {
    Map(MapPasses),
    Rows(RowsPasses),
    Scan(ScanPass),
    Contract(ContractPasses),
}

/// What a store writes.
#[derive(Debug)]
struct ResultMemory {
    buffer: BufferType,
    /// Where the result lies in the buffer, if it is only a part of it: a diagonal that cannot be computed by itself.
    part: Option<View>,
}

/// Compiles a group, runs it, and gives the values it stores, in the order of its stores.
///
/// `values` are those of the schedule; `input` finds the stored values that the group loads (dense, row-major); `scalars` are
/// the run's scalars.
///
/// # Errors
/// Out of memory; what `input` reports; an internal error for a group that contradicts itself or its values.
pub fn run_group<'a>(
    group: &Group,
    values: &[Value],
    input: &dyn Fn(ValueId) -> Result<&'a HostBuffer>,
    scalars: &[Scalar],
) -> Result<Vec<(ValueId, HostBuffer)>> {
    let results = Compiled::new(group, values)?.run(input, scalars)?;
    Ok(group.stores.iter().map(|s| s.value).zip(results).collect())
}

impl Compiled {
    /// The passes of a group.
    ///
    /// # Errors
    /// An internal error for a group that contradicts itself or its values.
    pub fn new(group: &Group, values: &[Value]) -> Result<Self> {
        check_group(group, values)?;
        let domain = &group.domain;
        let checked = || CheckedProgram::new(&group.body, domain, values, None);
        let passes = match &group.core {
            Core::Map => Passes::Map(MapPasses::new(&group.body, domain, &group.stores, values, None)?),
            Core::Rows { axes, .. } => {
                Passes::Rows(RowsPasses::new(checked()?, domain, axes, &rows_stores(group, axes))?)
            }
            Core::Scan { op, axis } => {
                Passes::Scan(ScanPass::new(checked()?, domain, *op, *axis, &whole_stores(group)))
            }
            Core::Contract { left, right, k, symmetric, dtype } => {
                let of = Contraction { left, right, k: *k, symmetric: *symmetric, dtype: *dtype };
                Passes::Contract(ContractPasses::new(&of, group, values)?)
            }
        };
        let results = group.stores.iter().map(|s| ResultMemory::new(group, s, values)).collect::<Result<_>>()?;
        Ok(Self { passes, results })
    }

    /// Bytes of memory it holds on to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let passes = match &self.passes {
            Passes::Map(map) => map.bytes(),
            Passes::Rows(rows) => rows.bytes(),
            Passes::Scan(scan) => scan.bytes(),
            Passes::Contract(contract) => contract.bytes(),
        };
        passes + self.results.capacity() * size_of::<ResultMemory>()
    }

    /// Runs the group, and gives what it stores in the order of its stores.
    ///
    /// # Errors
    /// Out of memory; what `input` reports; an internal error for data of other sizes or dtypes than the plan says.
    pub fn run(&self, input: FindInput<'_, '_>, scalars: &[Scalar]) -> Result<Results> {
        match &self.passes {
            Passes::Map(map) => self.fill(|outputs| map.run(input, scalars, None, outputs)),
            Passes::Rows(rows) => self.fill(|outputs| rows.run(input, scalars, outputs)),
            Passes::Scan(scan) => self.fill(|outputs| scan.run(input, scalars, outputs)),
            Passes::Contract(contract) => {
                let acc = contract.accumulate(input, scalars)?;
                match contract.epilogue() {
                    Some(epilogue) => self.fill(|outputs| epilogue.run(input, scalars, Some(&acc), outputs)),
                    None => Ok(SmallVec::from_iter([acc])),
                }
            }
        }
    }

    /// Memory for the results, filled by `run`.
    fn fill(&self, run: impl FnOnce(&[SharedOutput<'_>]) -> Result<()>) -> Result<Results> {
        let mut buffers = self.results.iter().map(|r| r.buffer.zeros()).collect::<Result<Results>>()?;
        {
            let outputs: SmallVec<[SharedOutput<'_>; 2]> = buffers.iter_mut().map(SharedOutput::new).collect();
            run(&outputs)?;
        }
        for (buffer, result) in buffers.iter_mut().zip(&self.results) {
            if let Some(part) = &result.part {
                *buffer = moves::view(buffer, part)?;
            }
        }
        Ok(buffers)
    }
}

impl ResultMemory {
    fn new(group: &Group, store: &Store, values: &[Value]) -> Result<Self> {
        let of_value = BufferType::of_value(values, store.value)?;
        let by_itself = matches!(group.core, Core::Map | Core::Contract { .. }) && !remap::has_window(&group.body);
        if store.shape != StoreShape::Diagonal || by_itself {
            return Ok(Self { buffer: of_value, part: None });
        }
        let buffer = BufferType { len: group.domain.len(), ..of_value };
        Ok(Self { buffer, part: Some(View::dense(&group.domain).diagonal()?) })
    }
}

/// The stores of a group whose passes run over the whole domain; diagonals are parts of what they write.
fn whole_stores(group: &Group) -> Vec<PassStore> {
    let stores = group.stores.iter().enumerate().filter(|(_, s)| s.shape != StoreShape::Row);
    let to = View::dense(&group.domain);
    stores.map(|(output, s)| PassStore { reg: s.reg, output, to: to.clone() }).collect()
}

fn rows_stores(group: &Group, axes: &[usize]) -> RowsStores {
    let per_row = group.stores.iter().enumerate().filter(|(_, s)| s.shape == StoreShape::Row);
    let to = View::dense(&group.domain.reduced(axes));
    let per_row = per_row.map(|(output, s)| PassStore { reg: s.reg, output, to: to.clone() }).collect();
    RowsStores { inner: whole_stores(group), per_row }
}
