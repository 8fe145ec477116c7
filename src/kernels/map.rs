//! The elementwise core: every element of the domain by itself, four to a thread at the distance of a workgroup, so that
//! neighbouring threads touch neighbouring elements and each thread has several reads under way.

use std::fmt::Write as _;

use super::body::{Body, Place, coordinates};
use super::domain::{merge, merged_program, merged_shape};
use super::module::{Context, Module, register_type};
use super::{Kernel, Lowered};
use crate::error::{Error, Result};
use crate::schedule::{Program, Store, StoreShape};
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
    let mut text = String::new();
    let coords = coordinates(&mut m, &shape, "i", "i", &mut text)?;
    let body = Body::new(&program, "r");
    let kernel = kernel(m, label, body, &program, &Place { coords }, text, &group.stores, shape.len())?;
    Ok(Lowered { kernels: vec![kernel], scratch: Vec::new() })
}

/// The kernel that computes `stores` over `total` elements: `text` holds the statements that find the coordinates of element
/// `i`, `body` what is known beyond them.
#[expect(clippy::too_many_arguments, reason = "the parts of a kernel, all of them different")]
pub(super) fn kernel(
    mut m: Module<'_>,
    label: &str,
    mut body: Body<'_>,
    program: &Program,
    place: &Place,
    mut text: String,
    stores: &[Store],
    total: usize,
) -> Result<Kernel> {
    // Software adapters gain nothing from more elements in flight and pay for every copy of the body.
    let unroll: usize = if m.ctx.limits.software { 1 } else { 4 };
    let total_word = m.extent(total)?;
    let targets: Vec<_> = stores.iter().map(|s| s.reg).collect();
    body.emit(&mut m, place, &targets, &mut text)?;
    let mut fields = String::new();
    let mut results = Vec::new();
    let mut writes = String::new();
    for (n, store) in stores.iter().enumerate() {
        if store.shape != StoreShape::Full {
            return Err(Error::unsupported("an elementwise kernel stores whole arrays only"));
        }
        let dtype = program.dtype(store.reg);
        let buffer = m.bind_value(store.value, dtype, true)?;
        let _ = write!(fields, "s{n}: {}, ", carried(dtype));
        results.push(carry(dtype, &body.get(store.reg)?));
        let value = if dtype == DType::Bool { format!("(e.s{n} != 0u)") } else { format!("e.s{n}") };
        writes.push_str(&Module::write(&buffer, dtype, "i", &value));
        writes.push('\n');
    }
    m.define("FIELDS", fields);
    m.define("BODY", text);
    m.define("RESULTS", results.join(", "));
    m.define("STORES", writes);
    m.define("TOTAL", total_word);
    m.define("UNROLL", unroll.to_string());
    m.finish(label, "map", (total as u64).div_ceil(256 * unroll as u64))
}

/// Truth values travel as words.
fn carried(dtype: DType) -> &'static str {
    if dtype == DType::Bool { "u32" } else { register_type(dtype) }
}

fn carry(dtype: DType, x: &str) -> String {
    if dtype == DType::Bool { format!("u32({x})") } else { x.to_owned() }
}
