//! The scan core: a running fold along one axis, with what is computed before and after it.

use std::fmt::Write as _;

use super::Lowered;
use super::body::{Body, Place, coordinates, index};
use super::domain::{merge, merged_program, merged_shape, merged_view};
use super::fold::{combine, identity};
use super::module::{Context, Module, accumulator, narrow, register_type, widen};
use crate::error::{Error, Result};
use crate::graph::{ReduceOp, ScanOp};
use crate::schedule::{Core, Inst, Reg, StoreShape};
use crate::types::{DType, View};

/// Lowers a scan group.
pub(super) fn lower(ctx: Context<'_>) -> Result<Lowered> {
    let Core::Scan { op, axis } = &ctx.group.core else {
        return Err(Error::internal("a scan group was expected"));
    };
    let group = ctx.group;
    let domain = &group.domain;
    let dense = View::dense(domain);
    let others: Vec<usize> = (0..domain.rank()).filter(|a| a != axis).collect();
    let mut merging = merge(domain, &others, &[&group.body], &[&dense])?;
    let n_kept = merging.len();
    merging.extend(merge(domain, &[*axis], &[&group.body], &[&dense])?);
    let shape = merged_shape(domain, &merging);
    let program = merged_program(&group.body, domain, &merging)?;
    let whole = merged_view(&dense, &merging)?;
    let rows: usize = shape[..n_kept].iter().product();
    let count: usize = shape[n_kept..].iter().product();

    let scan = program.insts.iter().position(|i| matches!(i, Inst::Scan(_)));
    let Some((reg, operand)) = scan.and_then(|i| match program.insts[i] {
        Inst::Scan(a) => Some((Reg(i as u32), a)),
        _ => None,
    }) else {
        return Err(Error::internal("a scan group without a scan"));
    };
    let fold = match op {
        ScanOp::Sum => ReduceOp::Sum,
        ScanOp::Prod => ReduceOp::Prod,
        ScanOp::Max => ReduceOp::Max,
        ScanOp::Min => ReduceOp::Min,
    };
    let dtype = program.dtype(operand);
    let acc = accumulator(dtype);
    if dtype == DType::U8 || dtype == DType::Bool {
        return Err(Error::unsupported(format!("{} of {dtype} has no form in kernels", op.name())));
    }

    let mut m = Module::new(ctx);
    m.uses(dtype)?;
    // Short lines, and lines that do not lie along memory, go to one thread each.
    let alone = count <= 32 || (whole.strides().get(n_kept).copied() != Some(1) && rows >= 64);
    let (rows_word, count_word) = (m.extent(rows)?, m.extent(count)?);
    m.define("ROWS", rows_word);
    m.define("COUNT", count_word);
    m.define("T", register_type(acc));
    let start = identity(&mut m, fold, acc)?;
    m.define("START", start);

    let mut text = String::new();
    let mut coords = coordinates(&mut m, &shape[..n_kept], "row", "c", &mut text)?;
    m.define("ROW", std::mem::take(&mut text));
    if n_kept < shape.rank() {
        coords.push("j".to_owned());
    }
    let place = Place { coords };
    let mut body = Body::new(&program, "r");
    body.emit(&mut m, &place, &[operand], &mut text)?;
    m.define("BEFORE", std::mem::take(&mut text));
    let value = widen(dtype, &body.get(operand)?);
    let take = combine(&mut m, fold, acc, "total", &value)?;
    let join = combine(&mut m, fold, acc, "other", "own")?;
    let carry = combine(&mut m, fold, acc, "total", "own")?;
    let next = combine(&mut m, fold, acc, "total", "whole")?;
    for (name, text) in [("TAKE", take), ("JOIN", join), ("CARRY", carry), ("NEXT", next), ("VALUE", value)] {
        m.define(name, text);
    }
    body.set(reg, narrow(dtype, "running"));
    let targets: Vec<Reg> = group.stores.iter().map(|s| s.reg).collect();
    body.emit(&mut m, &place, &targets, &mut text)?;
    for store in &group.stores {
        if store.shape != StoreShape::Full {
            return Err(Error::unsupported("a scan group stores whole arrays only"));
        }
        let dtype = program.dtype(store.reg);
        let buffer = m.bind_value(store.value, dtype, true)?;
        let at = index(&mut m, &whole, &place.coords, &[]);
        let _ = writeln!(text, "{}", Module::write(&buffer, dtype, &at, &body.get(store.reg)?));
    }
    m.define("AFTER", text);
    let groups = if alone {
        m.define("ALONE", "");
        m.define("SHARED", "");
        rows.div_ceil(256)
    } else {
        m.define("SHARED", format!("var<workgroup> shared_scan: array<{}, 256>;", register_type(acc)));
        rows
    };
    Ok(Lowered { kernels: vec![m.finish("scan", "scan", groups as u64)?], scratch: Vec::new() })
}
