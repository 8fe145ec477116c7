//! Chains that normalise are one kernel in any spelling: along rows of any length with the mean, the spread, the greatest element or
//! the norm, on CPU and GPU; and what only looks like one is not.

use lazurite::inspect::graph::Graph;
use lazurite::inspect::rules::RuleInput;
use lazurite::inspect::{PlanOptions, Schedule};
use lazurite::unstable::planner::{expressions, plan};
use lazurite::unstable::schedule::{ScheduleOptions, schedule};
use lazurite::unstable::types::Limits;
use lazurite::{CostTable, DType, DeviceChoice, Numerics, Shape};

fn graph(text: &str) -> Graph {
    let array = |dims: &[usize]| RuleInput::Array(Shape::new(dims), DType::F32);
    let inputs = [
        ("X", array(&[300, 65])),
        ("Z", array(&[300, 65])),
        ("gain", array(&[1, 65])),
        ("shift", array(&[1, 65])),
        ("w", array(&[300, 1])),
        ("n", RuleInput::Slot(DType::F32)),
        ("eps", RuleInput::Slot(DType::F32)),
    ];
    expressions(&[text], &inputs).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn scheduled(text: &str, device: DeviceChoice, numerics: Numerics) -> Schedule {
    let (costs, limits) = match device {
        DeviceChoice::Gpu => (CostTable::gpu(), Some(Limits::webgpu())),
        _ => (CostTable::cpu(), None),
    };
    let p = plan(&graph(text), &PlanOptions { numerics, ..PlanOptions::new(costs) });
    schedule(&p.graph, &ScheduleOptions { device, limits, ..ScheduleOptions::default() }).unwrap()
}

const MEAN: &str = "sum(X, last) / n";

fn chains() -> Vec<(&'static str, Vec<String>)> {
    let centred = format!("(X - {MEAN})");
    let spread = format!("(sum(square({centred}), last) / n)");
    vec![
        (
            "softmax",
            [
                "exp(X) / sum(exp(X), last)",
                "exp(X) * recip(sum(exp(X), last))",
                "exp(X - amax(X, last)) / sum(exp(X - amax(X, last)), last)",
                "exp(-amax(X, last) + X) * (1 / sum(exp(X - amax(X, last)), last))",
                "(exp(X') / sum(exp(X'), rows))'",
                "exp(X - log(sum(exp(X), last)))",
                "exp((X - amax(X, last)) - log(sum(exp(X - amax(X, last)), last)))",
            ]
            .map(String::from)
            .to_vec(),
        ),
        (
            "logsumexp",
            [
                "log(sum(exp(X), last))",
                "amax(X, last) + log(sum(exp(X - amax(X, last)), last))",
                "log(sum(exp(X - amax(X, last)), last)) + amax(X, last)",
                "log(sum(exp(X'), rows))'",
                "log(sum(exp(X), last)) * 1",
                "-(-log(sum(exp(X), last)))",
            ]
            .map(String::from)
            .to_vec(),
        ),
        (
            "a standard score",
            vec![
                format!("{centred} / sqrt({spread})"),
                format!("{centred} * rsqrt({spread})"),
                format!("{centred} * recip(sqrt({spread}))"),
                format!("(X / sqrt({spread})) - ({MEAN}) / sqrt({spread})"),
                format!("(-({MEAN}) + X) / sqrt(sum({centred} * {centred}, last) / n)"),
                format!("((X' - sum(X', rows) / n) / sqrt(sum(square(X' - sum(X', rows) / n), rows) / n))'"),
            ],
        ),
        (
            "a layer's normalisation",
            vec![
                format!("{centred} * rsqrt({spread} + eps) * gain + shift"),
                format!("shift + gain * ({centred} / sqrt(eps + {spread}))"),
                format!("(gain * {centred}) / sqrt({spread} + eps) + shift"),
                format!("gain * {centred} * rsqrt(sum(square({centred}), last) * (1 / n) + eps) + shift"),
                format!("{centred} * (gain * rsqrt({spread} + eps)) + shift"),
                format!("maximum({centred} * rsqrt({spread} + eps) * gain + shift, 0)"),
            ],
        ),
        (
            "rows of norm one",
            [
                "X / sqrt(sum(square(X), last))",
                "X * rsqrt(sum(X * X, last))",
                "X * recip(sqrt(sum(square(X), last)))",
                "(X' / sqrt(sum(square(X'), rows)))'",
                "X / sqrt(sum(abs(X) * abs(X), last))",
                "X / sqrt(eps + sum(square(X), last))",
            ]
            .map(String::from)
            .to_vec(),
        ),
        (
            "rows between zero and one",
            [
                "(X - amin(X, last)) / (amax(X, last) - amin(X, last))",
                "(X - amin(X, last)) * recip(amax(X, last) - amin(X, last))",
                "-(amin(X, last) - X) / (amax(X, last) - amin(X, last))",
                "((X' - amin(X', rows)) / (amax(X', rows) - amin(X', rows)))'",
                "(X - amin(X, last)) / (-amin(X, last) + amax(X, last))",
                "(w * (X - amin(X, last))) / (amax(X, last) - amin(X, last))",
            ]
            .map(String::from)
            .to_vec(),
        ),
    ]
}

#[test]
fn chains_that_normalise_are_one_kernel_however_they_are_written() {
    let mut wrong = Vec::new();
    for (what, spellings) in chains() {
        for text in spellings {
            for device in [DeviceChoice::Cpu, DeviceChoice::Gpu] {
                for numerics in [Numerics::Strict, Numerics::Standard, Numerics::Fast] {
                    let s = scheduled(&text, device, numerics);
                    let groups = s.groups().count();
                    if groups != 1 {
                        wrong.push(format!("{what}, {numerics}, {device:?}, {groups} groups: {text}\n{s}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not one kernel\n{}", wrong.len(), wrong.join("\n"));
}

/// What needs a value of another axis, or of another product, cannot be one kernel of rows.
#[test]
fn what_folds_along_two_axes_is_more_than_one_kernel() {
    for text in [
        "exp(X) / sum(exp(X), rows) / sum(exp(X), last)",
        "(X - sum(X, rows) / n) / sqrt(sum(square(X - sum(X, last) / n), last))",
        "X / sqrt(sum(square(X @ X'), last))",
    ] {
        for device in [DeviceChoice::Cpu, DeviceChoice::Gpu] {
            let s = scheduled(text, device, Numerics::Standard);
            assert!(s.groups().count() > 1, "{text}\n{s}");
        }
    }
}
