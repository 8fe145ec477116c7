//! The walls between the rooms, the circles between files and the habits of every file, held against the code.
//!
//! The checks read text, with comments and strings blanked out, so they need no compiler and no dependency.

mod circles;
mod habits;
mod source;
mod walls;

#[test]
fn the_checks_see_what_they_should() {
    let code = source::blank(
        "use egg::X; // wgpu::Y\nlet s = \"naga::\\\"Z\"; let c = '\"'; let r = r#\"a\"b\"#; fn f<'a>() {}",
    );
    assert!(code.contains("use egg::X;") && code.contains("fn f<'a>() {}"), "{code}");
    assert!(!code.contains("wgpu") && !code.contains("naga") && !code.contains("a\"b"), "{code}");
    assert_eq!(walls::rooms_named("use crate::{graph::Op, types::Shape};", 1), ["graph", "types"]);
    assert_eq!(walls::rooms_named("use super::super::device::Gpu;", 2), ["device"]);
    assert_eq!(walls::rooms_named("    let x = crate::engine::run(super::local());", 2), ["engine"]);
    assert_eq!(source::words("regemm gemm::x gemm_f32", "gemm").collect::<Vec<_>>(), [7]);
}
