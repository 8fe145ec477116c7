//! Every permutation of the shader templates, held against naga's validator and writers, and every operation in every core
//! held against `cpu::reference` on whatever adapter there is (a software one will do).
//!
//! Without an adapter the second half passes with a note, unless `LAZURITE_REQUIRE_GPU=1` forbids that.

#![cfg(all(feature = "gpu", feature = "blocking"))]

mod bits;
mod case;
mod elementwise;
mod folds;
mod layouts;
mod machine;
mod products;

use case::Case;
use lazurite::Numerics;
use lazurite::unstable::kernels::lower;
use lazurite::unstable::types::{Conformance, Limits, Tuning};

fn cases() -> Vec<Case> {
    [
        elementwise::unary(),
        elementwise::binary(),
        elementwise::powers(),
        elementwise::casts(),
        layouts::all(),
        folds::reductions(),
        folds::positions(),
        folds::chains(),
        folds::scans(),
        products::all(),
    ]
    .concat()
}

/// The forms that lowering takes for devices of different kinds in different modes.
fn forms() -> Vec<(Limits, Numerics)> {
    let full = machine::everything();
    let small =
        Limits { subgroup_size: 0, max_workgroup_bytes: 16 << 10, max_workgroup_invocations: 256, ..full.clone() };
    let faultless = Limits { conformance: Conformance::faultless(), ..full.clone() };
    vec![
        (full.clone().into_software(), Numerics::Standard),
        (small, Numerics::Fast),
        (faultless.clone(), Numerics::Fast),
        (faultless, Numerics::Strict),
        (full.clone(), Numerics::Standard),
        (full, Numerics::Strict),
    ]
}

#[test]
fn every_permutation_is_valid_everywhere() {
    let mut seen = std::collections::HashSet::new();
    let mut kernels = 0;
    for case in cases() {
        for (limits, numerics) in forms() {
            let lowered = match lower(&case.group, &case.values, &case.scalar_types(), &limits, numerics) {
                Ok(l) => l,
                Err(e) => panic!("{}: {e}", case.name),
            };
            kernels += lowered.kernels.len();
            if lowered.kernels.iter().all(|k| !seen.insert(k.wgsl.clone())) {
                continue;
            }
            machine::validate(&case.name, &lowered);
        }
    }
    assert!(seen.len() > 400, "{} different texts of {kernels} kernels", seen.len());
}

/// Runs cases on the device in the form lowering chooses for it and in the form for a fast GPU.
fn check(cases: &[Case]) {
    let Some(gpu) = machine::gpu() else { return };
    let mut failures = Vec::new();
    let mut ran = 0;
    for case in cases {
        let want = case.expected();
        for software in [gpu.limits().software, false] {
            let limits = gpu.limits().clone();
            let limits =
                if software { limits.into_software() } else { Limits { software, tuning: Tuning::gpu(), ..limits } };
            match machine::run(gpu, case, &limits) {
                Ok(got) => {
                    ran += 1;
                    match machine::compare(case, &got, &want) {
                        Ok(worst) if std::env::var_os("LAZURITE_SHOW_ULP").is_some() => {
                            println!("{:40} {worst:.2} ulp", case.name);
                        }
                        Ok(_) => {}
                        Err(e) => failures.push(format!("{} (software {software}): {e}", case.name)),
                    }
                }
                // What the adapter lacks is refused, not computed wrongly.
                Err(e) if e.is_unsupported() => {}
                Err(e) => failures.push(format!("{} (software {software}): {e:?}", case.name)),
            }
            if !limits.software && gpu.limits().software == software {
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{} of {ran} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(ran > 0, "no case ran");
}

/// Cases with loops of every kind.
fn looping() -> Vec<Case> {
    let some = |all: Vec<Case>, every: usize| all.into_iter().step_by(every);
    some(folds::reductions(), 9)
        .chain(some(folds::positions(), 9))
        .chain(folds::chains())
        .chain(some(folds::scans(), 3))
        .chain(some(products::all(), 5))
        .chain(some(elementwise::binary(), 7))
        .collect()
}

#[test]
fn kernels_take_no_more_rounds_than_they_say() {
    let Some(gpu) = machine::gpu() else { return };
    let mut most = 0;
    for case in looping() {
        match machine::count_rounds(gpu, &case, gpu.limits()) {
            Ok(kernels) => {
                for (said, counted) in kernels {
                    assert!(counted <= said, "{}: {counted} rounds, {said} were expected at most", case.name);
                    most = most.max(counted);
                }
            }
            Err(e) => assert!(e.is_unsupported(), "{}: {e:?}", case.name),
        }
    }
    assert!(most >= 100, "the longest loop took {most} rounds");
}

#[test]
fn what_takes_too_many_rounds_is_done_in_parts() {
    let Some(gpu) = machine::gpu() else { return };
    // So few that ordinary cases pass them: those are cut finer, or refused where nothing can be cut. Software drivers have few parts
    // of their own accord.
    let software = gpu.limits().clone().into_software();
    let limits = Limits { max_rounds: 44, ..software.clone() };
    let (mut cut, mut refused) = (0, 0);
    for case in looping() {
        let kernels = |limits| {
            lower(&case.group, &case.values, &case.scalar_types(), limits, Numerics::Standard).map(|l| l.kernels.len())
        };
        let Ok(before) = kernels(&software) else { continue };
        match kernels(&limits) {
            Ok(n) if n == before => {}
            Ok(_) => {
                cut += 1;
                let got = machine::run(gpu, &case, &limits).unwrap();
                if let Err(e) = machine::compare(&case, &got, &case.expected()) {
                    panic!("{}: {e}", case.name);
                }
            }
            Err(e) => {
                refused += 1;
                assert!(e.is_unsupported() && e.message().contains("rounds"), "{}: {e:?}", case.name);
            }
        }
    }
    assert!(cut >= 10 && refused <= cut, "{cut} were cut, {refused} refused");
}

#[test]
fn unary_functions_agree() {
    check(&elementwise::unary());
}

#[test]
fn binary_functions_agree() {
    check(&elementwise::binary());
    check(&elementwise::powers());
}

#[test]
fn casts_agree() {
    check(&elementwise::casts());
}

#[test]
fn elements_are_found() {
    check(&layouts::all());
}

#[test]
fn reductions_agree() {
    check(&folds::reductions());
    check(&folds::chains());
}

#[test]
fn positions_agree() {
    check(&folds::positions());
}

#[test]
fn running_folds_agree() {
    check(&folds::scans());
}

#[test]
fn products_agree() {
    check(&products::all());
}
