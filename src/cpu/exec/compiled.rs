//! The passes of a group, made once for a plan and run with any data of the plan's shapes.
//!
//! A group and the values of its schedule come in; what runs comes out, and checks at each run that the data are as the plan says.
//! Products and stores of diagonals are left to `group`: their passes are made anew, which is little beside their work.

use smallvec::SmallVec;

use super::body::{Data, Form, Input};
use super::code::{Code, Wanted};
use super::group::{check_stores, room};
use super::map;
use super::output::Output;
use super::rows::Rows;
use super::scan::Scan;
use crate::error::{Error, Result};
use crate::schedule::{Core, Group, StoreShape, Value, ValueId};
use crate::types::{DType, HostBuffer, Scalar, View};

/// The passes of one group.
#[derive(Debug)]
pub struct Compiled {
    passes: Passes,
    elements: usize,
}

#[derive(Debug)]
enum Passes {
    Map(Code),
    Rows(Rows),
    Scan(Scan),
}

impl Compiled {
    /// The passes of a group; `None` where they are made anew for each run.
    ///
    /// # Errors
    /// An internal error for a group that contradicts itself or its values.
    pub fn new(group: &Group, values: &[Value]) -> Result<Option<Self>> {
        let domain = &group.domain;
        let diagonal = group.stores.iter().any(|s| s.shape == StoreShape::Diagonal);
        if diagonal || matches!(group.core, Core::Contract { .. }) {
            return Ok(None);
        }
        if domain.is_empty() {
            return Err(Error::internal(format!("group g{} has the empty domain {domain}", group.id)));
        }
        check_stores(group, values)?;
        let unknown = |v: ValueId| Error::internal(format!("group g{} reads {v}, which is no value", group.id));
        let form = Form::new(&group.body, domain, |v| kind(values, v).ok_or_else(|| unknown(v)), None)?;
        let pick = |row: bool, to: &View| -> Vec<Wanted> {
            let stores = group.stores.iter().enumerate().filter(|(_, s)| (s.shape == StoreShape::Row) == row);
            stores.map(|(output, s)| Wanted { reg: s.reg, output, to: to.clone() }).collect()
        };
        let whole = View::dense(domain);
        let passes = match &group.core {
            Core::Map => {
                let axes: Vec<usize> = (0..domain.rank()).collect();
                Passes::Map(map::code(&form, domain, &axes, &pick(false, &whole)))
            }
            Core::Rows { axes, .. } => {
                let per_row = pick(true, &View::dense(&domain.reduced(axes)));
                Passes::Rows(Rows::new(&form, domain, axes, &pick(false, &whole), &per_row)?)
            }
            Core::Scan { op, axis } if *axis < domain.rank() => {
                Passes::Scan(Scan::new(&form, domain, (*op, *axis), &pick(false, &whole)))
            }
            _ => return Err(Error::internal(format!("group g{} is no scan over {domain}", group.id))),
        };
        Ok(Some(Self { passes, elements: domain.len() }))
    }

    /// Bytes of memory they hold on to.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.passes {
            Passes::Map(code) => code.bytes(),
            Passes::Rows(rows) => rows.bytes(),
            Passes::Scan(scan) => scan.bytes(),
        }
    }

    /// Runs the passes of `group`, which must be the one they were made of, and gives what it stores in the order of its stores.
    ///
    /// # Errors
    /// Out of memory; what `input` reports; an internal error for data of other sizes or dtypes than the values say.
    pub fn run<'a>(
        &self,
        group: &Group,
        values: &[Value],
        input: Input<'_, 'a>,
        scalars: &[Scalar],
    ) -> Result<SmallVec<[HostBuffer; 2]>> {
        let data = Data::new(&group.body, input, |v| kind(values, v), scalars)?;
        let mut buffers: SmallVec<[HostBuffer; 2]> = SmallVec::new();
        for store in &group.stores {
            buffers.push(room(values, store)?);
        }
        {
            let outputs: SmallVec<[Output<'_>; 2]> = buffers.iter_mut().map(Output::new).collect();
            match &self.passes {
                Passes::Map(code) => map::execute(code, &data, self.elements, &outputs),
                Passes::Rows(rows) => rows.run(&data, &outputs),
                Passes::Scan(scan) => scan.run(&data, &outputs),
            }
        }
        Ok(buffers)
    }
}

/// What the data of a value are.
fn kind(values: &[Value], v: ValueId) -> Option<(DType, usize)> {
    values.get(v.index()).map(|value| (value.dtype, value.shape.len()))
}
