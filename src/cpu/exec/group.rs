//! One group: memory for its results, the pass of its core, and stores of diagonals.

use super::body::{Body, Input};
use super::code::Wanted;
use super::compiled::Compiled;
use super::contract::Contraction;
use super::output::Output;
use super::scan::Scan;
use super::{map, remap, rows};
use crate::cpu::reference::moves;
use crate::error::{Error, Result};
use crate::schedule::{Core, Group, Inst, Program, Store, StoreShape, Value, ValueId};
use crate::types::{HostBuffer, Scalar, Shape, View};

/// Runs a group and gives the values it stores, in the order of its stores.
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
    let buffers = match Compiled::new(group, values)? {
        Some(compiled) => compiled.run(group, values, &|v| input(v), scalars)?.into_vec(),
        None => run_anew(group, values, &|v| input(v), scalars)?,
    };
    Ok(group.stores.iter().map(|s| s.value).zip(buffers).collect())
}

/// Runs a group whose passes depend on more than the group.
fn run_anew<'a>(group: &Group, values: &[Value], input: Input<'_, 'a>, scalars: &[Scalar]) -> Result<Vec<HostBuffer>> {
    let domain = &group.domain;
    if domain.is_empty() {
        return Err(Error::internal(format!("group g{} has the empty domain {domain}", group.id)));
    }
    check_stores(group, values)?;
    match &group.core {
        Core::Map => run_map(&group.body, domain, &group.stores, values, &|v| input(v), scalars, None),
        Core::Rows { axes, .. } => {
            let body = Body::new(&group.body, domain, &|v| input(v), scalars, None)?;
            let reduced = View::dense(&domain.reduced(axes));
            with_outputs(group, values, |inner, per_row, outputs| {
                let per_row: Vec<Wanted> =
                    per_row.iter().map(|w| Wanted { reg: w.reg, output: w.output, to: reduced.clone() }).collect();
                rows::run(&body, domain, axes, inner, &per_row, outputs)
            })
        }
        Core::Scan { op, axis } => {
            let body = Body::new(&group.body, domain, &|v| input(v), scalars, None)?;
            with_outputs(group, values, |stores, per_row, outputs| {
                if !per_row.is_empty() || *axis >= domain.rank() {
                    return Err(Error::internal(format!("group g{} is no scan over {domain}", group.id)));
                }
                Scan::new(&body.form, domain, (*op, *axis), stores).run(&body.data, outputs);
                Ok(())
            })
        }
        Core::Contract { left, right, k, symmetric, dtype } => {
            let product = Contraction { left, right, k: *k, symmetric: *symmetric, dtype: *dtype };
            run_contract(group, &product, values, &|v| input(v), scalars)
        }
    }
}

/// An elementwise pass with stores of the whole domain and of its diagonal.
fn run_map<'a>(
    program: &Program,
    domain: &Shape,
    stores: &[Store],
    values: &[Value],
    input: Input<'_, 'a>,
    scalars: &[Scalar],
    accumulator: Option<&'a HostBuffer>,
) -> Result<Vec<HostBuffer>> {
    let mut buffers = stores.iter().map(|s| room(values, s)).collect::<Result<Vec<_>>>()?;
    let narrow = !remap::has_window(program);
    let is_diagonal = |s: &Store| s.shape == StoreShape::Diagonal && narrow;
    let body = Body::new(program, domain, &|v| input(v), scalars, accumulator.map(|b| (b, View::dense(domain))))?;
    let axes: Vec<usize> = (0..domain.rank()).collect();
    if stores.iter().any(|s| !is_diagonal(s)) {
        // Windows cannot be read along a diagonal: there the whole domain is computed and the diagonal copied.
        let mut wide: Vec<(usize, HostBuffer)> = Vec::new();
        for (i, s) in stores.iter().enumerate().filter(|(_, s)| !is_diagonal(s)) {
            let buffer = match s.shape {
                StoreShape::Full => std::mem::replace(&mut buffers[i], HostBuffer::zeros(program.dtype(s.reg), 0)?),
                _ => HostBuffer::zeros(program.dtype(s.reg), domain.len())?,
            };
            wide.push((i, buffer));
        }
        let wanted: Vec<Wanted> = wide
            .iter()
            .enumerate()
            .map(|(output, (i, _))| Wanted { reg: stores[*i].reg, output, to: View::dense(domain) })
            .collect();
        {
            let outputs: Vec<Output<'_>> = wide.iter_mut().map(|(_, b)| Output::new(b)).collect();
            map::run(&body, domain, &axes, &wanted, &outputs);
        }
        for (i, buffer) in wide {
            buffers[i] = finish(&stores[i], buffer, domain)?;
        }
    }
    if stores.iter().any(is_diagonal) {
        let along = remap::diagonal(program)?;
        let view = View::dense(domain).diagonal()?;
        let over = view.shape().clone();
        let body = Body::new(&along, &over, &|v| input(v), scalars, accumulator.map(|b| (b, view)))?;
        diagonal_pass(&body, &over, stores, &mut buffers, &is_diagonal);
    }
    Ok(buffers)
}

/// The stores of a diagonal, over the diagonal's own domain.
fn diagonal_pass(
    body: &Body<'_>,
    over: &Shape,
    stores: &[Store],
    buffers: &mut [HostBuffer],
    is_diagonal: &dyn Fn(&Store) -> bool,
) {
    let axes: Vec<usize> = (0..over.rank()).collect();
    let wanted: Vec<Wanted> = stores
        .iter()
        .enumerate()
        .filter(|(_, s)| is_diagonal(s))
        .map(|(output, s)| Wanted { reg: s.reg, output, to: View::dense(over) })
        .collect();
    let outputs: Vec<Output<'_>> = buffers.iter_mut().map(Output::new).collect();
    map::run(body, over, &axes, &wanted, &outputs);
}

fn run_contract<'a>(
    group: &Group,
    product: &Contraction<'_>,
    values: &[Value],
    input: Input<'_, 'a>,
    scalars: &[Scalar],
) -> Result<Vec<HostBuffer>> {
    let (domain, stores) = (&group.domain, &group.stores);
    let only_diagonal = stores.iter().all(|s| s.shape == StoreShape::Diagonal);
    let windowed = [product.left, product.right, &group.body].into_iter().any(remap::has_window);
    if only_diagonal && !windowed {
        let acc = product.diagonal(domain, input, scalars)?;
        let along = remap::diagonal(&group.body)?;
        let over = View::dense(domain).diagonal()?.shape().clone();
        let body = Body::new(&along, &over, &|v| input(v), scalars, Some((&acc, View::dense(&over))))?;
        let mut buffers = stores.iter().map(|s| room(values, s)).collect::<Result<Vec<_>>>()?;
        diagonal_pass(&body, &over, stores, &mut buffers, &|_| true);
        return Ok(buffers);
    }
    let acc = product.full(domain, input, scalars)?;
    if let [Store { reg, shape: StoreShape::Full, .. }] = stores[..]
        && matches!(group.body.insts.get(reg.index()), Some(Inst::Acc))
    {
        return Ok(vec![acc]);
    }
    run_map(&group.body, domain, stores, values, &|v| input(v), scalars, Some(&acc))
}

/// Runs a pass whose stores are of the whole domain or of rows; diagonals are copied out of a whole domain afterwards.
fn with_outputs(
    group: &Group,
    values: &[Value],
    run: impl FnOnce(&[Wanted], &[Wanted], &[Output<'_>]) -> Result<()>,
) -> Result<Vec<HostBuffer>> {
    let mut buffers = group
        .stores
        .iter()
        .map(|s| match s.shape {
            StoreShape::Diagonal => HostBuffer::zeros(group.body.dtype(s.reg), group.domain.len()),
            _ => room(values, s),
        })
        .collect::<Result<Vec<_>>>()?;
    let pick = |row: bool| -> Vec<Wanted> {
        let stores = group.stores.iter().enumerate().filter(|(_, s)| (s.shape == StoreShape::Row) == row);
        stores.map(|(output, s)| Wanted { reg: s.reg, output, to: View::dense(&group.domain) }).collect()
    };
    {
        let outputs: Vec<Output<'_>> = buffers.iter_mut().map(Output::new).collect();
        run(&pick(false), &pick(true), &outputs)?;
    }
    group.stores.iter().zip(buffers).map(|(s, b)| finish(s, b, &group.domain)).collect()
}

/// A store's result from what was written.
fn finish(store: &Store, buffer: HostBuffer, domain: &Shape) -> Result<HostBuffer> {
    match store.shape {
        StoreShape::Diagonal => moves::view(&buffer, &View::dense(domain).diagonal()?),
        _ => Ok(buffer),
    }
}

pub(super) fn room(values: &[Value], store: &Store) -> Result<HostBuffer> {
    let value = &values[store.value.index()];
    HostBuffer::zeros(value.dtype, value.shape.len())
}

/// Every store must name a value of the right dtype and size, so that passes cannot write outside.
pub(super) fn check_stores(group: &Group, values: &[Value]) -> Result<()> {
    for s in &group.stores {
        let wrong = |why: String| Err(Error::internal(format!("group g{}, store of {}: {why}", group.id, s.value)));
        let Some(value) = values.get(s.value.index()) else { return wrong("no such value".into()) };
        let Some(&dtype) = group.body.dtypes.get(s.reg.index()) else { return wrong(format!("no register {}", s.reg)) };
        let expected = match (s.shape, &group.core) {
            (StoreShape::Full, _) => group.domain.len(),
            (StoreShape::Row, Core::Rows { axes, .. }) => group.domain.reduced(axes).len(),
            (StoreShape::Row, _) => return wrong("rows are stored by rows groups only".into()),
            (StoreShape::Diagonal, _) => View::dense(&group.domain).diagonal()?.shape().len(),
        };
        if value.dtype != dtype || value.shape.len() != expected {
            return wrong(format!(
                "expected {expected} elements of {dtype}, the value is {}{}",
                value.dtype, value.shape
            ));
        }
    }
    let programs: &[(&Program, bool)] = match &group.core {
        Core::Contract { left, right, .. } => &[(left, false), (right, false), (&group.body, true)],
        _ => &[(&group.body, false)],
    };
    for (program, epilogue) in programs {
        let foreign = |inst: &Inst| match inst {
            Inst::Reduce(..) | Inst::ArgReduce(..) => !matches!(group.core, Core::Rows { .. }),
            Inst::Scan(_) => !matches!(group.core, Core::Scan { .. }),
            Inst::Acc => !epilogue,
            _ => false,
        };
        if program.dtypes.len() != program.insts.len() || program.insts.iter().any(foreign) {
            return Err(Error::internal(format!("group g{}: an instruction that its core does not have", group.id)));
        }
    }
    if let Core::Rows { axes, .. } = &group.core
        && axes.iter().any(|&a| a >= group.domain.rank())
    {
        return Err(Error::internal(format!("group g{}: no axes {axes:?} in {}", group.id, group.domain)));
    }
    Ok(())
}
