//! What a group must be before code is made of it: stores that fit their values, and instructions that its core has.

use crate::error::{Error, Result};
use crate::schedule::{Core, Group, Inst, Program, Store, StoreShape, Value};
use crate::types::View;

/// Checks a group against the values of its schedule, so that its passes cannot write outside of what they store.
///
/// # Errors
/// An internal error for a group that contradicts itself or its values.
pub(crate) fn check_group(group: &Group, values: &[Value]) -> Result<()> {
    let wrong = |why: String| Err(Error::internal(format!("group g{}: {why}", group.id)));
    let domain = &group.domain;
    if domain.is_empty() {
        return wrong(format!("the domain {domain} is empty"));
    }
    let axes: &[usize] = match &group.core {
        Core::Rows { axes, .. } => axes,
        Core::Scan { axis, .. } => std::slice::from_ref(axis),
        _ => &[],
    };
    if axes.iter().any(|&a| a >= domain.rank()) {
        return wrong(format!("no axes {axes:?} in {domain}"));
    }
    for store in &group.stores {
        check_store(group, store, values)?;
    }
    check_programs(group)
}

/// A store must name a value of the right dtype and size.
fn check_store(group: &Group, store: &Store, values: &[Value]) -> Result<()> {
    let wrong = |why: String| Err(Error::internal(format!("group g{}, store of {}: {why}", group.id, store.value)));
    let Some(value) = values.get(store.value.index()) else { return wrong("no such value".into()) };
    let Some(&dtype) = group.body.dtypes.get(store.reg.index()) else {
        return wrong(format!("no register {}", store.reg));
    };
    let expected = match (store.shape, &group.core) {
        (StoreShape::Full, _) => group.domain.len(),
        (StoreShape::Row, Core::Rows { axes, .. }) => group.domain.reduced(axes).len(),
        (StoreShape::Row, _) => return wrong("rows are stored by rows groups only".into()),
        (StoreShape::Diagonal, _) => View::dense(&group.domain).diagonal()?.shape().len(),
    };
    if value.dtype != dtype || value.shape.len() != expected {
        return wrong(format!("expected {expected} elements of {dtype}, the value is {}{}", value.dtype, value.shape));
    }
    Ok(())
}

/// Folds belong to rows groups, running folds to scans, the accumulator to the epilogues of contractions.
fn check_programs(group: &Group) -> Result<()> {
    let foreign = |inst: &Inst, epilogue: bool| match inst {
        Inst::Reduce(..) | Inst::ArgReduce(..) => !matches!(group.core, Core::Rows { .. }),
        Inst::Scan(_) => !matches!(group.core, Core::Scan { .. }),
        Inst::Acc => !epilogue,
        _ => false,
    };
    let wrong = |p: &Program, epilogue: bool| {
        p.dtypes.len() != p.insts.len() || p.insts.iter().any(|inst| foreign(inst, epilogue))
    };
    let is_wrong = match &group.core {
        Core::Contract { left, right, .. } => wrong(left, false) || wrong(right, false) || wrong(&group.body, true),
        _ => wrong(&group.body, false),
    };
    if is_wrong {
        return Err(Error::internal(format!("group g{}: an instruction that its core does not have", group.id)));
    }
    Ok(())
}
