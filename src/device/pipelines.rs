//! Compiled kernels: WGSL text in, pipelines out, each text compiled once.
//!
//! The key is the whole text with its arithmetic and the access of its bindings; a hash finds the entry and the text is compared in full. At most a
//! fixed number of pipelines (fewer on a software adapter) and of text bytes is kept; the least recently used are removed first.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};

use hashbrown::{DefaultHashBuilder, HashMap};

use super::cache_file::CacheFile;
use super::health::Health;
use super::lock::lock;
use super::shared::Shared;
use super::spirv::SpirvWriter;
use crate::algorithms::Lru;
use crate::error::{Error, Result};
use crate::kernels::{Arithmetic, Kernel};
use crate::types::Limits;

/// Pipelines that are kept on a GPU.
pub(super) const MOST: usize = 4096;
/// Pipelines that are kept on a software adapter, which compiles each to machine code of a third of a megabyte in this process.
pub(super) const MOST_IN_SOFTWARE: usize = 512;
/// Bytes of WGSL text that are kept. The driver's own copy of a pipeline is of the same order.
const MAX_TEXT: usize = 64 << 20;
/// Bindings of a kernel: their access is a mask in the key.
const MAX_BINDINGS: usize = 63;

/// A compiled kernel and the layout that its bindings must have.
pub(super) struct Pipeline {
    pub raw: Shared<wgpu::ComputePipeline>,
    pub layout: Shared<wgpu::BindGroupLayout>,
}

/// How many storage bindings follow the parameters, and which of them are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Access {
    count: usize,
    written: u64,
}

impl Access {
    fn of(kernel: &Kernel) -> Self {
        let written = kernel.bindings.iter().enumerate().fold(0, |mask, (i, b)| mask | u64::from(b.writable) << i);
        Self { count: kernel.bindings.len(), written }
    }
}

/// The layouts that kernels of one [`Access`] share.
#[derive(Clone)]
struct Layouts {
    bindings: Shared<wgpu::BindGroupLayout>,
    pipeline: Shared<wgpu::PipelineLayout>,
}

/// A place for a pipeline. Its own lock lets one thread compile while others use, or compile, other kernels.
type PipelineCell = Arc<Mutex<Option<Arc<Pipeline>>>>;

struct Entry {
    wgsl: Arc<str>,
    access: Access,
    arithmetic: Arithmetic,
    cell: PipelineCell,
}

#[derive(Default)]
struct Table {
    hash: DefaultHashBuilder,
    /// Each entry weighs the bytes of its text.
    entries: Lru<Entry>,
    created: u64,
    evicted: u64,
}

/// The cache of a device.
pub(super) struct Pipelines {
    checked: bool,
    /// Writes the modules of kernels that keep IEEE's rules, where the driver takes such modules.
    writer: Option<SpirvWriter>,
    most: usize,
    table: Mutex<Table>,
    layouts: Mutex<HashMap<Access, Layouts>>,
    file: CacheFile,
}

impl Pipelines {
    pub fn new(checked: bool, writer: Option<SpirvWriter>, most: usize, file: CacheFile) -> Self {
        Self { checked, writer, most, table: Mutex::default(), layouts: Mutex::default(), file }
    }

    /// Pipelines created and evicted so far.
    pub fn counts(&self) -> (u64, u64) {
        let table = lock(&self.table);
        (table.created, table.evicted)
    }

    pub fn save(&self) -> Result<()> {
        self.file.save()
    }

    /// The pipeline of a kernel, compiled on first use.
    pub fn get(
        &self,
        device: &wgpu::Device,
        health: &Health,
        limits: &Limits,
        kernel: &Kernel,
    ) -> Result<Arc<Pipeline>> {
        let access = Access::of(kernel);
        if access.count > MAX_BINDINGS || access.count as u32 + 1 > limits.max_storage_buffers {
            return Err(Error::internal(format!(
                "kernel '{}' binds {} buffers beside its parameters, and the device has room for {}",
                kernel.label,
                access.count,
                limits.max_storage_buffers.saturating_sub(1)
            )));
        }
        let cell = self.cell(kernel, access);
        let mut cell = lock(&cell);
        if let Some(pipeline) = &*cell {
            return Ok(pipeline.clone());
        }
        check_workgroup_memory(kernel, limits.max_workgroup_bytes)?;
        let pipeline = Arc::new(self.compile(device, health, kernel, access)?);
        *cell = Some(pipeline.clone());
        lock(&self.table).created += 1;
        Ok(pipeline)
    }

    /// The cell of a kernel's pipeline, added if it is missing; what is over the bounds is removed.
    fn cell(&self, kernel: &Kernel, access: Access) -> PipelineCell {
        let mut table = lock(&self.table);
        let hash = table.hash.hash_one((&*kernel.wgsl, kernel.arithmetic, access));
        let equal = |e: &Entry| e.access == access && e.arithmetic == kernel.arithmetic && e.wgsl == kernel.wgsl;
        let known = table.entries.find(hash, equal);
        if let Some(entry) = known.and_then(|place| table.entries.touch(place)) {
            return entry.cell.clone();
        }
        let cell = PipelineCell::default();
        let entry = Entry { wgsl: kernel.wgsl.clone(), access, arithmetic: kernel.arithmetic, cell: cell.clone() };
        table.entries.insert(hash, kernel.wgsl.len(), entry);
        while table.entries.len() > self.most || table.entries.weight() > MAX_TEXT {
            if table.entries.remove_oldest().is_none() {
                break;
            }
            table.evicted += 1;
        }
        cell
    }

    fn compile(&self, device: &wgpu::Device, health: &Health, kernel: &Kernel, access: Access) -> Result<Pipeline> {
        let layouts = self.layouts(device, health, access)?;
        let words = match (&self.writer, kernel.arithmetic) {
            (Some(writer), Arithmetic::Ieee) => {
                Some(writer.write(kernel, self.checked).map_err(|e| with_excerpt(e, &kernel.wgsl))?)
            }
            _ => None,
        };
        let label = Some(kernel.label.as_str());
        let what = || format!("kernel '{}'", kernel.label);
        let build = || {
            let module = match &words {
                Some(words) => module_of_words(device, kernel, words),
                None => self.module_of_text(device, kernel),
            };
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label,
                layout: Some(&layouts.pipeline),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: self.file.raw(),
            })
        };
        let raw = health.guard(device, what, build).map_err(|e| with_excerpt(e, &kernel.wgsl))?;
        Ok(Pipeline { raw: Shared(raw), layout: layouts.bindings })
    }

    fn module_of_text(&self, device: &wgpu::Device, kernel: &Kernel) -> wgpu::ShaderModule {
        let source = wgpu::ShaderSource::Wgsl((&*kernel.wgsl).into());
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(&kernel.label), source };
        if self.checked {
            return device.create_shader_module(descriptor);
        }
        let checks = wgpu::ShaderRuntimeChecks { int_div_checks: true, ..wgpu::ShaderRuntimeChecks::unchecked() };
        // SAFETY: every kernel is made by the templates of the `kernels` room, which mask each index by the extents
        // in its parameters and have loops bounded by them; every permutation also runs in the checked form in tests.
        unsafe { device.create_shader_module_trusted(descriptor, checks) }
    }

    fn layouts(&self, device: &wgpu::Device, health: &Health, access: Access) -> Result<Layouts> {
        let mut layouts = lock(&self.layouts);
        if let Some(known) = layouts.get(&access) {
            return Ok(known.clone());
        }
        let made = make_layouts(device, health, access)?;
        layouts.insert(access, made.clone());
        Ok(made)
    }
}

/// A module that the driver gets as it is.
fn module_of_words(device: &wgpu::Device, kernel: &Kernel, words: &[u32]) -> wgpu::ShaderModule {
    let entry_points = [wgpu::PassthroughShaderEntryPoint { name: "main".into(), workgroup_size: (1, 1, 1) }];
    // SAFETY: the writer validated the module and held its bindings against the layout; indices are checked, or masked by the
    // templates, as in modules of text.
    unsafe {
        device.create_shader_module_passthrough(wgpu::ShaderModuleDescriptorPassthrough {
            label: Some(&kernel.label),
            entry_points: entry_points.to_vec().into(),
            spirv: Some(words.into()),
            ..Default::default()
        })
    }
}

fn make_layouts(device: &wgpu::Device, health: &Health, access: Access) -> Result<Layouts> {
    let entry = |binding: u32, read_only| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let mut entries = vec![entry(0, true)];
    entries.extend((0..access.count).map(|i| entry(i as u32 + 1, access.written >> i & 1 == 0)));
    health.guard(
        device,
        || "a layout of bindings".into(),
        || {
            let bindings =
                device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
            let pipeline = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: &[Some(&bindings)],
                immediate_size: 0,
            });
            Layouts { bindings: Shared(bindings), pipeline: Shared(pipeline) }
        },
    )
}

/// Refuses a kernel that declares more workgroup memory than there is: wgpu accepts it and the driver then misbehaves. Text
/// that does not parse is left to the device, whose message points at the place.
fn check_workgroup_memory(kernel: &Kernel, limit: u32) -> Result<()> {
    if !kernel.wgsl.contains("var<workgroup>") {
        return Ok(());
    }
    let Ok(module) = naga::front::wgsl::parse_str(&kernel.wgsl) else { return Ok(()) };
    let mut layouter = naga::proc::Layouter::default();
    if layouter.update(module.to_ctx()).is_err() {
        return Ok(());
    }
    let shared = module.global_variables.iter().filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup);
    let bytes: u64 = shared.map(|(_, v)| u64::from(layouter[v.ty].size).next_multiple_of(16)).sum();
    if bytes > u64::from(limit) {
        return Err(Error::internal(format!(
            "kernel '{}' declares {bytes} bytes of workgroup memory, and the device has {limit}",
            kernel.label
        )));
    }
    Ok(())
}

/// The error with the lines of WGSL it speaks of: those around the position it names, else the declarations at the top.
fn with_excerpt(error: Error, wgsl: &str) -> Error {
    if !error.is_internal() {
        return error;
    }
    let line =
        error.message().split("wgsl:").nth(1).and_then(|rest| rest.split(':').next()?.trim().parse::<usize>().ok());
    let (from, n) = line.map_or((0, 12), |l| (l.saturating_sub(3), 5));
    let excerpt: Vec<_> =
        wgsl.lines().enumerate().skip(from).take(n).map(|(i, text)| format!("{:4} | {text}", i + 1)).collect();
    Error::internal(format!("{}\nWGSL:\n{}", error.message(), excerpt.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(wgsl: String) -> Kernel {
        Kernel {
            label: String::new(),
            wgsl: wgsl.into(),
            arithmetic: Arithmetic::Plain,
            bindings: vec![],
            params: vec![],
            workgroups: [1; 3],
            rounds: 0,
        }
    }

    /// A cache without a device: the cells stay empty, which is all that eviction needs.
    fn cache() -> Pipelines {
        Pipelines::new(true, None, MOST, CacheFile::none())
    }

    #[test]
    fn the_least_recently_used_pipeline_is_removed() {
        let cache = cache();
        let cell = |i: usize| {
            let k = kernel(format!("text {i}"));
            cache.cell(&k, Access::of(&k))
        };
        let (first, second) = (cell(0), cell(1));
        for i in 2..MOST {
            cell(i);
        }
        assert!(Arc::ptr_eq(&cell(0), &first), "a full cache still holds its first entry, which is the newest now");
        cell(MOST);
        assert_eq!(cache.counts().1, 1);
        assert!(Arc::ptr_eq(&cell(0), &first));
        assert!(!Arc::ptr_eq(&cell(1), &second), "the second entry was the oldest");
    }

    #[test]
    fn text_is_bounded_in_bytes_and_compared_with_the_access() {
        let cache = cache();
        let cell = |k: &Kernel| cache.cell(k, Access::of(k));
        let large = kernel("x".repeat(MAX_TEXT - 10));
        let held = cell(&large);
        assert!(Arc::ptr_eq(&cell(&kernel("x".repeat(MAX_TEXT - 10))), &held), "equal text in another place");
        let binding = crate::kernels::Binding { source: crate::kernels::BindingSource::Scratch(0), writable: true };
        let mut small = kernel("y".into());
        let reads = cell(&small);
        small.bindings.push(binding);
        assert!(!Arc::ptr_eq(&cell(&small), &reads), "other bindings, another pipeline");
        assert!(!Arc::ptr_eq(&cell(&Kernel { arithmetic: Arithmetic::Ieee, ..kernel("y".into()) }), &reads));
        assert_eq!(cache.counts().1, 0);
        cell(&kernel("z".repeat(100)));
        assert_eq!(cache.counts().1, 1, "the large text was removed");
        assert!(Arc::ptr_eq(&cell(&kernel("y".into())), &reads));
    }

    #[test]
    fn workgroup_memory_is_counted_with_its_padding() {
        let wgsl =
            "var<workgroup> a: array<vec3<f32>, 3>; var<workgroup> b: u32; @compute @workgroup_size(1) fn main() {}";
        assert!(check_workgroup_memory(&kernel(wgsl.into()), 64).is_ok());
        assert!(check_workgroup_memory(&kernel(wgsl.into()), 63).unwrap_err().is_internal());
    }
}
