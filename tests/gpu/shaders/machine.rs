//! Where cases run: the one device of this test process, the validator and the writers, and the comparison with the oracle.

use std::sync::OnceLock;

use lazurite::inspect::program::{Reg, Store, StoreShape};
use lazurite::inspect::{Binding, BindingSource, Lowered, Param};
use lazurite::unstable::device::{DeviceBuffer, Dispatch, Gpu};
use lazurite::unstable::kernels::lower;
use lazurite::unstable::types::Limits;
use lazurite::{DType, HostBuffer, Numerics, Scalar};
use pollster::block_on;

use super::case::Case;

/// The shared device; `None` with a note when there is no adapter, unless one is required.
pub fn gpu() -> Option<&'static Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| match block_on(Gpu::new()) {
        Ok(gpu) => Some(gpu),
        Err(e) => {
            let required = std::env::var("LAZURITE_REQUIRE_GPU").is_ok_and(|v| v == "1");
            assert!(!required, "LAZURITE_REQUIRE_GPU=1, but {e}");
            eprintln!("note: no adapter, so kernels were not run: {e}");
            None
        }
    })
    .as_ref()
}

/// Limits of a device that has everything.
pub fn everything() -> Limits {
    Limits {
        max_storage_buffers: 64,
        max_workgroup_bytes: 48 << 10,
        max_workgroup_invocations: 1024,
        subgroup_size: 32,
        f64: true,
        f16: true,
        i64: true,
        ..Limits::webgpu()
    }
}

/// Parses, validates and writes every kernel in all shading languages.
pub fn validate(name: &str, lowered: &Lowered) {
    for kernel in &lowered.kernels {
        let text = &kernel.wgsl;
        let fail = |what: &str, e: String| panic!("{name}: {what}: {e}\n{text}");
        let module = match naga::front::wgsl::parse_str(text) {
            Ok(m) => m,
            Err(e) => return fail("wgsl", e.emit_to_string(text)),
        };
        let mut validator =
            naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all());
        let info = match validator.validate(&module) {
            Ok(i) => i,
            Err(e) => return fail("validation", e.emit_to_string(text)),
        };
        if let Err(e) = naga::back::spv::write_vec(&module, &info, &naga::back::spv::Options::default(), None) {
            fail("SPIR-V", e.to_string());
        }
        let mut out = String::new();
        let options = naga::back::hlsl::Options {
            shader_model: naga::back::hlsl::ShaderModel::V6_2,
            fake_missing_bindings: true,
            ..Default::default()
        };
        let pipeline = naga::back::hlsl::PipelineOptions::default();
        if let Err(e) = naga::back::hlsl::Writer::new(&mut out, &options, &pipeline).write(&module, &info, None) {
            fail("HLSL", e.to_string());
        }
        // Metal has no f64 at all.
        if !text.contains("f64") {
            let options =
                naga::back::msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
            let pipeline = naga::back::msl::PipelineOptions::default();
            if let Err(e) = naga::back::msl::write_string(&module, &info, &options, &pipeline) {
                fail("MSL", e.to_string());
            }
        }
        assert!(kernel.workgroups.iter().all(|&w| w > 0 && w <= 65535), "{name}: {:?}", kernel.workgroups);
    }
}

/// Lowers and runs a case; the stored arrays in order.
pub fn run(gpu: &Gpu, case: &Case, limits: &Limits) -> lazurite::Result<Vec<HostBuffer>> {
    run_in(gpu, case, limits, Numerics::Standard)
}

/// As [`run`], in any mode.
pub fn run_in(gpu: &Gpu, case: &Case, limits: &Limits, numerics: Numerics) -> lazurite::Result<Vec<HostBuffer>> {
    run_lowered(gpu, case, &lower(&case.group, &case.values, &case.scalar_types(), limits, numerics)?)
}

/// What a counter of rounds starts from: more than the garbage that arrays hold at first.
const COUNT_FROM: u32 = 0xb000_0000;

/// The rounds of loops that a thread of each kernel takes at most: as the kernel says, and as the device counts them.
pub fn count_rounds(gpu: &Gpu, case: &Case, limits: &Limits) -> lazurite::Result<Vec<(u64, u64)>> {
    let mut lowered = lower(&case.group, &case.values, &case.scalar_types(), limits, Numerics::Standard)?;
    let mut case = case.clone();
    for kernel in &mut lowered.kernels {
        // One array more, of one word, which every thread raises to what it counted.
        let counter = case.value(&[1], DType::U32);
        case.group.stores.push(Store { value: counter, reg: Reg(0), shape: StoreShape::Full });
        kernel.bindings.push(Binding { source: BindingSource::Value(counter), writable: true });
        let at = kernel.bindings.len();
        let head = format!(
            "@group(0) @binding({at}) var<storage, read_write> counter: atomic<u32>;\nvar<private> taken: u32;\n"
        );
        let (enable, body) = kernel.wgsl.split_at(kernel.wgsl.find("@group").unwrap());
        let body = body.replace("{ // at most", "{ taken += 1u; // at most");
        let end = body.rfind('}').unwrap();
        let count = format!("atomicMax(&counter, {COUNT_FROM}u + taken);\n");
        kernel.wgsl = format!("{enable}{head}{}{count}{}", &body[..end], &body[end..]).into();
    }
    let stored = run_lowered(gpu, &case, &lowered)?;
    let counters = &stored[stored.len() - lowered.kernels.len()..];
    let counted = counters.iter().map(|c| u64::from((c.get(0).bits() as u32).saturating_sub(COUNT_FROM)));
    Ok(lowered.kernels.iter().map(|k| k.rounds).zip(counted).collect())
}

fn run_lowered(gpu: &Gpu, case: &Case, lowered: &Lowered) -> lazurite::Result<Vec<HostBuffer>> {
    let mut values: Vec<std::sync::Arc<DeviceBuffer>> = Vec::new();
    for input in &case.inputs {
        values.push(gpu.upload(input)?);
    }
    for value in &case.values[case.inputs.len()..] {
        // Garbage first: what a kernel forgets to write must show.
        let mut garbage = HostBuffer::zeros(value.dtype, value.shape.len())?;
        garbage.bytes_mut().fill(if value.dtype == DType::Bool { 1 } else { 0xa5 });
        values.push(gpu.upload(&garbage)?);
    }
    let scratch: Vec<_> = lowered.scratch.iter().map(|&b| gpu.alloc(b)).collect::<lazurite::Result<_>>()?;
    let mut work = Vec::new();
    for kernel in &lowered.kernels {
        let mut params = Vec::new();
        for p in &kernel.params {
            match p {
                Param::Word(w) => params.push(*w),
                Param::Scalar(i) => {
                    let s = case.scalars[*i as usize];
                    params.push(s.bits() as u32);
                    if s.dtype().size() == 8 {
                        params.push((s.bits() >> 32) as u32);
                    }
                }
            }
        }
        let buffers = kernel
            .bindings
            .iter()
            .map(|b| match b.source {
                BindingSource::Value(v) => values[v.index()].clone(),
                BindingSource::Scratch(i) => scratch[i as usize].clone(),
            })
            .collect();
        work.push(Dispatch { kernel, buffers, params });
    }
    gpu.submit(&work)?;
    case.group
        .stores
        .iter()
        .map(|s| {
            let v = &case.values[s.value.index()];
            block_on(gpu.read(&values[s.value.index()], v.dtype, v.shape.len()))
        })
        .collect()
}

/// The distance of two floats of one dtype in steps between neighbours, infinite when only one is NaN or an infinity.
pub fn ulps(dtype: DType, a: Scalar, b: Scalar) -> f64 {
    let (x, y) = (a.to_f64(), b.to_f64());
    if x.is_nan() || y.is_nan() {
        return if x.is_nan() && y.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let (top, step) = match dtype {
        DType::F16 => (65504.0, 11),
        DType::F32 => (f64::from(f32::MAX), 24),
        _ => (f64::MAX, 53),
    };
    // Overflow one step early or late is a step.
    let clip = |v: f64| if v.is_infinite() { top.copysign(v) * (1.0 + 2f64.powi(-step)) } else { v };
    let (x, y) = if dtype == DType::F64 { (x, y) } else { (clip(x), clip(y)) };
    if x == y {
        return 0.0;
    }
    // Devices may flush subnormals: near zero the step is that of the smallest normal numbers, times its whole significand.
    let smallest = match dtype {
        DType::F16 => 2f64.powi(-14),
        DType::F32 => 2f64.powi(-126),
        _ => f64::MIN_POSITIVE,
    };
    if x.abs() <= smallest && y.abs() <= smallest {
        return 0.0;
    }
    let exponent = x.abs().max(y.abs()).max(smallest).log2().floor() as i32;
    (x - y).abs() / 2f64.powi(exponent - step + 1)
}

/// Compares what a case stored with the oracle; the first difference as text.
pub fn compare(case: &Case, got: &[HostBuffer], want: &[HostBuffer]) -> Result<f64, String> {
    let mut worst = 0f64;
    for (n, (g, w)) in got.iter().zip(want).enumerate() {
        let dtype = w.dtype();
        if g.dtype() != dtype || g.len() != w.len() {
            return Err(format!("store {n}: {}×{} instead of {}×{dtype}", g.len(), g.dtype(), w.len()));
        }
        let largest = (0..w.len()).map(|i| w.get(i).to_f64().abs()).filter(|v| v.is_finite()).fold(0.0, f64::max);
        for i in 0..w.len() {
            let (x, y) = (g.get(i), w.get(i));
            let same = if dtype.is_float() {
                let distance = ulps(dtype, x, y);
                let near = (x.to_f64() - y.to_f64()).abs() <= case.rel * largest;
                if !near {
                    worst = worst.max(distance);
                }
                let zeros = !case.signed_zeros
                    || x.to_f64() != 0.0
                    || y.to_f64() != 0.0
                    || x.to_f64().is_sign_negative() == y.to_f64().is_sign_negative();
                (distance <= case.ulp || near) && zeros
            } else {
                x.bits() == y.bits()
            };
            if !same {
                let inputs: Vec<_> = case.inputs.iter().filter(|b| b.len() == w.len()).map(|b| b.get(i)).collect();
                return Err(format!("store {n}, element {i}: got {x:?}, expected {y:?} (of {inputs:?})"));
            }
        }
    }
    Ok(worst)
}
