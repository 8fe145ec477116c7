//! The elementwise core: every element of the domain by itself, several to a thread at the distance of a workgroup.
//!
//! Neighbouring threads touch neighbouring elements, and each thread has several reads under way.

use super::choose::{self, THREADS};
use super::domain::{merge, merged_program, merged_shape};
use super::emitter::{Emitter, coordinates};
use super::kernel::Lowered;
use super::module::{LoweringInput, Module, register_type};
use super::text::{Expr, expr};
use crate::error::{Error, Result};
use crate::schedule::{Program, Store, StoreShape};
use crate::types::{DType, View};

/// Lowers an elementwise group.
pub(super) fn lower(input: LoweringInput<'_>) -> Result<Lowered> {
    lower_program(input, &input.group.body, "map")
}

/// As [`lower`], for a body whose folds were replaced.
pub(super) fn lower_program(input: LoweringInput<'_>, body: &Program, label: &str) -> Result<Lowered> {
    let domain = &input.group.domain;
    let axes: Vec<usize> = (0..domain.rank()).collect();
    let merging = merge(domain, &axes, &[body], &[&View::dense(domain)])?;
    let shape = merged_shape(domain, &merging);
    let program = merged_program(body, domain, &merging)?;
    let mut m = Module::new(input);
    let coordinates = coordinates(&mut m, &shape, &Expr::new("i"), "i")?;
    let elements = Elements { coordinates, total: shape.len() };
    store_elements(&mut m, Emitter::new(&program, "r"), &program, &elements, &input.group.stores)?;
    let groups = workgroups(&m, elements.total);
    m.finish_alone(label, "map", groups)
}

/// The elements that an elementwise kernel walks.
pub(super) struct Elements {
    /// The coordinates of element `i`.
    pub coordinates: Vec<Expr>,
    /// How many there are.
    pub total: usize,
}

/// Workgroups of an elementwise kernel.
pub(super) fn workgroups(m: &Module<'_>, total: usize) -> u64 {
    (total as u64).div_ceil((THREADS * choose::elements_in_flight(m.input.limits)) as u64)
}

/// Completes the definitions of the elementwise template: `stores` of a program over `elements`. The statements written so far find
/// the coordinates of element `i`; `emitter` knows what is known beyond them.
pub(super) fn store_elements(
    m: &mut Module<'_>,
    mut emitter: Emitter<'_>,
    program: &Program,
    elements: &Elements,
    stores: &[Store],
) -> Result<()> {
    m.define_extent("TOTAL", elements.total)?;
    m.define("UNROLL", choose::elements_in_flight(m.input.limits));
    let targets: Vec<_> = stores.iter().map(|s| s.reg).collect();
    emitter.emit(m, &elements.coordinates, &targets)?;
    m.define_code("BODY");
    let mut fields = String::new();
    let mut results = Vec::new();
    for (n, store) in stores.iter().enumerate() {
        if store.shape != StoreShape::Full {
            return Err(Error::unsupported("an elementwise kernel stores whole arrays only"));
        }
        let dtype = program.dtype(store.reg);
        let buffer = m.bind_value(store.value, dtype, true)?;
        // Truth values travel as words.
        let bool = dtype == DType::Bool;
        let result = emitter.get(store.reg)?;
        fields.push_str(&format!("s{n}: {}, ", if bool { "u32" } else { register_type(dtype) }));
        results.push(if bool { format!("u32({result})") } else { result.to_string() });
        let value = if bool { expr!("(e.s{n} != 0u)") } else { expr!("e.s{n}") };
        m.write(buffer, &Expr::new("i"), &value);
    }
    m.define("FIELDS", fields);
    m.define("RESULTS", results.join(", "));
    m.define_code("STORES");
    Ok(())
}
