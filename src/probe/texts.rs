//! Cases that graphs cannot ask, because kernels never compute them in this form: WGSL as a driver gets it from anybody.

use super::cases::Case;
use super::inputs::{COUNT, inputs};
use super::outcome::{Outcome, judge};
use crate::error::Result;
use crate::kernels::{Arithmetic, Binding, BindingSource, Kernel, Param};
use crate::types::{DType, HostBuffer, Numerics, Scalar, Workaround};

/// Rounds of the loop that is counted: one driver leaves loops after 65,535.
const ROUNDS: u32 = 70_000;

/// A case in WGSL.
pub(super) struct Text {
    pub dtype: DType,
    pub case: Case,
    /// Statements that set `r` from `x`, `y` and `z`; parameter 1 is the number of rounds.
    body: &'static str,
    expected: fn([f64; 3]) -> f64,
}

const LOOPS: &[Workaround] = &[Workaround::ShortLoops];

const fn text(
    dtype: DType,
    name: &'static str,
    cures: &'static [Workaround],
    body: &'static str,
    expected: fn([f64; 3]) -> f64,
) -> Text {
    Text { dtype, case: Case { name, program: "x y z", promised: Numerics::Strict, cures }, body, expected }
}

/// All of them. What is expected of f32 is computed in f64 and rounded, which is exact for one operation.
pub(super) const TEXTS: &[Text] = &[
    text(
        DType::U32,
        "loop of 70,000 rounds",
        LOOPS,
        "r = x; for (var i = 0u; i < params[1]; i = i + 1u) { r = r * 1664525u + i; }",
        rounds,
    ),
    text(DType::F32, "text x / y", &[], "r = x / y;", |[x, y, _]| x / y),
    text(DType::F32, "text sqrt(x)", &[], "r = sqrt(x);", |[x, ..]| x.sqrt()),
    text(DType::F32, "text fma(x, y, z)", &[], "r = fma(x, y, z);", |[x, y, z]| {
        f64::from((x as f32).mul_add(y as f32, z as f32))
    }),
    text(DType::F64, "text x / 0", &[], "r = x / 0.0lf;", |[x, ..]| x / 0.0),
];

fn rounds([x, ..]: [f64; 3]) -> f64 {
    f64::from((0..ROUNDS).fold(x as u32, |r, i| r.wrapping_mul(1_664_525).wrapping_add(i)))
}

/// A text with its kernel, inputs and expected results.
pub(crate) struct TextQuestion {
    pub dtype: DType,
    pub name: &'static str,
    pub kernel: Kernel,
    pub leaves: [HostBuffer; 3],
    expected: HostBuffer,
}

impl TextQuestion {
    pub(super) fn new(text: &Text) -> Result<Self> {
        let Text { dtype, case, body, expected } = text;
        let leaves = inputs(*dtype)?;
        let mut results = HostBuffer::zeros(*dtype, len(text))?;
        for i in 0..results.len() {
            let value = expected([0, 1, 2].map(|leaf| leaves[leaf].get(i).to_f64()));
            results.set(i, Scalar::from_f64(*dtype, value));
        }
        Ok(Self { dtype: *dtype, name: case.name, kernel: kernel(*dtype, body, len(text)), leaves, expected: results })
    }

    /// Elements of the result.
    pub fn len(&self) -> usize {
        self.expected.len()
    }

    pub fn judge(&self, given: &HostBuffer) -> Outcome {
        let at = |i: usize| self.leaves.iter().map(move |l| l.get(i));
        let subnormal = |i| at(i).chain([self.expected.get(i)]).any(super::inputs::is_subnormal);
        let shown =
            |i| at(i).zip(["x", "y", "z"]).map(|(v, name)| format!("{name} = {v}")).collect::<Vec<_>>().join(", ");
        judge(given, &self.expected, subnormal, shown)
    }
}

/// The loop is the same for every element.
fn len(text: &Text) -> usize {
    if text.dtype == DType::U32 { 64 } else { COUNT }
}

fn kernel(dtype: DType, body: &str, len: usize) -> Kernel {
    let t = dtype.name();
    let buffers: String = ["x", "y", "z"]
        .iter()
        .zip(1..)
        .map(|(name, at)| format!("@group(0) @binding({at}) var<storage, read> {name}_in: array<{t}>;\n"))
        .collect();
    let wgsl = format!(
        "@group(0) @binding(0) var<storage, read> params: array<u32>;\n{buffers}\
         @group(0) @binding(4) var<storage, read_write> out: array<{t}>;\n\
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{\n    \
         if (id.x >= arrayLength(&out)) {{ return; }}\n    \
         let x = x_in[id.x];\n    let y = y_in[id.x];\n    let z = z_in[id.x];\n    var r: {t};\n    {body}\n    \
         out[id.x] = r;\n}}\n"
    );
    let binding = |i| Binding { source: BindingSource::Scratch(i), writable: i == 3 };
    Kernel {
        label: format!("probe {t}"),
        wgsl: wgsl.into(),
        arithmetic: Arithmetic::Plain,
        bindings: (0..4).map(binding).collect(),
        params: vec![Param::Word(0), Param::Word(ROUNDS)],
        workgroups: [len.div_ceil(64) as u32, 1, 1],
        rounds: u64::from(ROUNDS),
    }
}
