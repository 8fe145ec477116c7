//! Finding an adapter and opening it: candidates in order of preference, their limits as plain numbers, and a message that says
//! what to do when there is none.

use std::fmt;

use super::float_controls::{self, FloatControls};
use super::options::GpuOptions;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::types::{Conformance, Limits, Tuning};

/// What kind of device an adapter is, in the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the CPU's memory.
    Integrated,
    /// A GPU seen through a virtual machine.
    Virtual,
    /// The driver does not say.
    Unknown,
    /// A software implementation that runs on the CPU.
    Software,
}

impl AdapterKind {
    fn name(self) -> &'static str {
        match self {
            Self::Discrete => "discrete GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Unknown => "unknown kind",
            Self::Software => "software",
        }
    }
}

/// An adapter as plain data, for lists and dumps; `Display` gives a few lines of text.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterSummary {
    /// The name that the driver gives.
    pub name: String,
    /// The interface it is reached through: `vulkan`, `metal`, `dx12`.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// What kind of device it is.
    pub kind: AdapterKind,
    /// The optional features that lazurite makes use of and this adapter has.
    pub features: Vec<&'static str>,
    /// What kernels may ask of it.
    pub limits: Limits,
}

impl AdapterSummary {
    /// Name, kind, backend and driver in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let Self { name, backend, driver, kind, .. } = self;
        format!("{name} ({}, {backend}{}{driver})", kind.name(), if driver.is_empty() { "" } else { ", " })
    }

    fn matches(&self, wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        [&self.name, &self.backend, &self.driver].into_iter().any(|text| text.to_lowercase().contains(&wanted))
    }
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let l = &self.limits;
        writeln!(f, "{}", self.headline())?;
        writeln!(f, "  features: {}", if self.features.is_empty() { "none".into() } else { self.features.join(", ") })?;
        writeln!(f, "  buffer {} MiB, binding {} MiB", l.max_buffer_bytes >> 20, l.max_binding_bytes >> 20)?;
        write!(
            f,
            "  workgroup {} invocations and {} KiB, {} workgroups a dimension, {} storage buffers",
            l.max_workgroup_invocations,
            l.max_workgroup_bytes >> 10,
            l.max_workgroups,
            l.max_storage_buffers
        )?;
        if l.subgroup_size > 0 { write!(f, ", subgroups of {}", l.subgroup_size) } else { Ok(()) }
    }
}

/// The name of what makes floats keep IEEE's rules: the driver takes SPIR-V of our own.
const OWN_SPIRV: &str = "own SPIR-V";

/// The optional features that are requested where they exist, and their names in lists.
const FEATURES: [(wgpu::Features, &str); 7] = [
    (wgpu::Features::SHADER_F64, "f64"),
    (wgpu::Features::SHADER_F16, "f16"),
    (wgpu::Features::SHADER_INT64, "i64"),
    (wgpu::Features::SUBGROUP, "subgroups"),
    (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
    (wgpu::Features::PIPELINE_CACHE, "pipeline cache"),
    (wgpu::Features::PASSTHROUGH_SHADERS, OWN_SPIRV),
];

/// An adapter with its device.
pub(super) struct Opened {
    pub device: Shared<wgpu::Device>,
    pub queue: Shared<wgpu::Queue>,
    pub info: wgpu::AdapterInfo,
    pub summary: AdapterSummary,
    pub offset_alignment: u64,
    pub timestamps: bool,
    pub pipeline_cache: bool,
    /// What the driver can be told about floats, where it takes SPIR-V of our own.
    pub float_controls: Option<FloatControls>,
}

/// All adapters that can compute, best first. `WGPU_BACKEND` restricts the backends.
pub(super) async fn find() -> Vec<(Shared<wgpu::Adapter>, AdapterSummary)> {
    // wgpu's constructor panics when no backend is compiled in; without one there is nothing to find anyway.
    if wgpu::Instance::enabled_backend_features().is_empty() {
        return Vec::new();
    }
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    // Validation layers are a tool for those who ask for them (`WGPU_VALIDATION=1`), not a matter of the build profile.
    descriptor.flags = wgpu::InstanceFlags::empty();
    let search = wgpu::Instance::new(descriptor.with_env()).enumerate_adapters(wgpu::Backends::all());
    let adapters = search.await;
    let mut found: Vec<_> = adapters
        .into_iter()
        .filter(|a| a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS))
        .map(|a| {
            let summary = summarise(&a);
            (Shared(a), summary)
        })
        .collect();
    // The sort is stable: among equals the driver's own order stays.
    found.sort_by_key(|(_, s)| s.kind);
    found
}

/// Opens the best adapter that the options allow and that opens at all.
pub(super) async fn open(options: &GpuOptions) -> Result<Opened> {
    let found = find().await;
    if found.is_empty() {
        return Err(Error::no_device(nothing_found()));
    }
    let mut refusals = Vec::new();
    for (adapter, mut summary) in found {
        if let Some(wanted) = options.adapter.as_deref().filter(|w| !summary.matches(w)) {
            refusals.push(format!("{}: does not match '{wanted}'", summary.headline()));
            continue;
        }
        let mut features = wanted_features(&adapter);
        let own_spirv = options.own_spirv.unwrap_or(true) && features.contains(wgpu::Features::PASSTHROUGH_SHADERS);
        let float_controls = if own_spirv { float_controls::read(&adapter) } else { None };
        if float_controls.is_none() {
            features.remove(wgpu::Features::PASSTHROUGH_SHADERS);
            summary.features.retain(|name| *name != OWN_SPIRV);
        }
        let limits = adapter.limits();
        let offset_alignment = u64::from(limits.min_storage_buffer_offset_alignment).max(256);
        let request = wgpu::DeviceDescriptor {
            label: Some("lazurite"),
            required_features: features,
            required_limits: limits,
            memory_hints: wgpu::MemoryHints::Performance,
            ..Default::default()
        };
        match adapter.request_device(&request).await {
            Ok((device, queue)) => {
                return Ok(Opened {
                    device: Shared(device),
                    queue: Shared(queue),
                    info: adapter.get_info(),
                    summary,
                    offset_alignment,
                    timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
                    pipeline_cache: features.contains(wgpu::Features::PIPELINE_CACHE),
                    float_controls,
                });
            }
            Err(e) => refusals.push(format!("{}: {e}", summary.headline())),
        }
    }
    Err(Error::no_device(format!("no adapter could be used:\n  {}", refusals.join("\n  "))))
}

/// A message that names the backends that were searched and what to install.
fn nothing_found() -> String {
    let searched: Vec<_> =
        wgpu::Instance::enabled_backend_features().iter_names().map(|(name, _)| name.to_lowercase()).collect();
    let mut text = format!(
        "no GPU adapter was found (searched: {}). Install the GPU's driver, or on Debian and Ubuntu a software one: \
         apt-get install libvulkan1 mesa-vulkan-drivers. Work can also run on the CPU (--device cpu)",
        searched.join(", ")
    );
    for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "WGPU_BACKEND"] {
        if let Ok(value) = std::env::var(name) {
            text.push_str(&format!(". {name} is set to '{value}' and limits the search"));
        }
    }
    text
}

fn wanted_features(adapter: &wgpu::Adapter) -> wgpu::Features {
    let all = FEATURES.iter().fold(wgpu::Features::empty(), |all, (feature, _)| all | *feature);
    adapter.features() & all
}

fn summarise(adapter: &wgpu::Adapter) -> AdapterSummary {
    let info = adapter.get_info();
    let features = wanted_features(adapter);
    let limits = adapter.limits();
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        wgpu::DeviceType::Other => AdapterKind::Unknown,
    };
    let has = |feature| features.contains(feature);
    let software = kind == AdapterKind::Software;
    let limits = Limits {
        max_buffer_bytes: limits.max_buffer_size,
        max_binding_bytes: limits.max_storage_buffer_binding_size & !3,
        max_storage_buffers: limits.max_storage_buffers_per_shader_stage.min(limits.max_bindings_per_bind_group),
        max_workgroup_bytes: limits.max_compute_workgroup_storage_size,
        max_workgroup_invocations: limits
            .max_compute_invocations_per_workgroup
            .min(limits.max_compute_workgroup_size_x),
        max_workgroups: limits.max_compute_workgroups_per_dimension,
        subgroup_size: if has(wgpu::Features::SUBGROUP) { info.subgroup_min_size } else { 0 },
        f64: has(wgpu::Features::SHADER_F64),
        f16: has(wgpu::Features::SHADER_F16),
        i64: has(wgpu::Features::SHADER_INT64),
        max_rounds: u64::MAX,
        software: false,
        tuning: Tuning::gpu(),
        conformance: Conformance::careful(),
    };
    AdapterSummary {
        name: info.name,
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        kind,
        features: FEATURES.iter().filter(|(f, _)| has(*f)).map(|(_, name)| *name).collect(),
        limits: if software { limits.into_software() } else { limits },
    }
}
