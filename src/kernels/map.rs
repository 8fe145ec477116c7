//! The elementwise core: every element of the domain by itself, four to a thread at the distance of a workgroup, so that
//! neighbouring threads touch neighbouring elements and each thread has several reads under way.

use std::fmt::Write as _;

use super::Lowered;
use super::body::{Body, Place, coordinates};
use super::domain::{merge, merged_program, merged_shape};
use super::module::{Context, Module, register_type};
use crate::error::{Error, Result};
use crate::schedule::{Program, StoreShape};
use crate::types::{DType, View};

/// Lowers an elementwise group.
pub(super) fn lower(ctx: Context<'_>) -> Result<Lowered> {
    lower_program(ctx, &ctx.group.body, "map")
}

/// The same for a body whose folds were replaced.
pub(super) fn lower_program(ctx: Context<'_>, body: &Program, label: &str) -> Result<Lowered> {
    let group = ctx.group;
    let axes: Vec<usize> = (0..group.domain.rank()).collect();
    let dense = View::dense(&group.domain);
    let merging = merge(&group.domain, &axes, &[body], &[&dense])?;
    let shape = merged_shape(&group.domain, &merging);
    let program = merged_program(body, &group.domain, &merging)?;
    let mut m = Module::new(ctx);
    let total = m.extent(shape.len())?;
    // Software adapters gain nothing from more elements in flight and pay for every copy of the body.
    let unroll: usize = if ctx.limits.software { 1 } else { 4 };

    let mut text = String::new();
    let coords = coordinates(&mut m, &shape, "i", "i", &mut text)?;
    let mut emitted = Body::new(&program, "r");
    let targets: Vec<_> = group.stores.iter().map(|s| s.reg).collect();
    emitted.emit(&mut m, &Place { coords }, &targets, &mut text)?;

    let mut fields = String::new();
    let mut results = Vec::new();
    let mut stores = String::new();
    for (n, store) in group.stores.iter().enumerate() {
        if store.shape != StoreShape::Full {
            return Err(Error::unsupported("an elementwise group stores whole arrays only"));
        }
        let dtype = program.dtype(store.reg);
        let buffer = m.bind_value(store.value, dtype, true)?;
        let _ = write!(fields, "s{n}: {}, ", carried(dtype));
        results.push(carry(dtype, &emitted.get(store.reg)?));
        let value = if dtype == DType::Bool { format!("(e.s{n} != 0u)") } else { format!("e.s{n}") };
        stores.push_str(&Module::write(&buffer, dtype, "i", &value));
        stores.push('\n');
    }
    m.define("FIELDS", fields);
    m.define("BODY", text);
    m.define("RESULTS", results.join(", "));
    m.define("STORES", stores);
    m.define("TOTAL", total);
    m.define("UNROLL", unroll.to_string());
    let groups = (shape.len() as u64).div_ceil(256 * unroll as u64);
    Ok(Lowered { kernels: vec![m.finish(label, "map", groups)?], scratch: Vec::new() })
}

/// Truth values travel as words.
fn carried(dtype: DType) -> &'static str {
    if dtype == DType::Bool { "u32" } else { register_type(dtype) }
}

fn carry(dtype: DType, x: &str) -> String {
    if dtype == DType::Bool { format!("u32({x})") } else { x.to_owned() }
}
