//! Conversions between classes, and `class`.

use super::super::classes::{self, Class};
use super::super::diagnostic::Diagnostic;
use super::super::operators::convert::convert;
use super::super::runtime::Runtime;
use super::super::value::Value;
use super::function::{Call, Function, run};

pub(super) const TABLE: &[Function] = &[
    run("double", 1..=1, 1, |rt, call| to(rt, call, Class::Double)),
    run("single", 1..=1, 1, |rt, call| to(rt, call, Class::Single)),
    run("int32", 1..=1, 1, |rt, call| to(rt, call, Class::Int32)),
    run("logical", 1..=1, 1, |rt, call| to(rt, call, Class::Logical)),
    run("class", 1..=1, 1, |_, call| Ok(vec![Value::text(call.arguments[0].class().name(), false)])),
];

fn to(rt: &mut Runtime, call: &Call, class: Class) -> Result<Vec<Value>, Diagnostic> {
    let x = &call.arguments[0];
    classes::unary(call.name, x.operand()).map_err(|error| rt.error(error.to_string()))?;
    Ok(vec![convert(rt, x, class)?])
}
