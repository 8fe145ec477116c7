//! Kernels as SPIR-V of our own: WGSL text comes in, words that hold the driver to IEEE 754 come out.
//!
//! WGSL promises nothing for NaN, infinities and the order of roundings, and drivers make use of that. naga writes the words; they are
//! edited in one pass and handed to the driver as they are, so what wgpu checks of other modules is checked here.

use super::float_controls::{FloatControls, WIDTHS};
use crate::error::{Error, Result};
use crate::kernels::Kernel;
use crate::types::Limits;

/// Opcodes and other numbers of the SPIR-V specification.
mod code {
    pub const EXT_INST: u32 = 12;
    pub const ENTRY_POINT: u32 = 15;
    pub const EXECUTION_MODE: u32 = 16;
    pub const CAPABILITY: u32 = 17;
    pub const TYPE_FLOAT: u32 = 22;
    pub const TYPE_VECTOR: u32 = 23;
    pub const DECORATE: u32 = 71;
    pub const FIRST_TYPE: u32 = 19;
    pub const LAST_VARIABLE: u32 = 59;
    pub const F_ORD_NOT_EQUAL: u32 = 182;
    pub const F_UNORD_NOT_EQUAL: u32 = 183;
    pub const EXECUTION_MODE_ID: u32 = 331;
    pub const NO_CONTRACTION: u32 = 42;

    /// Whether an instruction computes a rounded float: negation, `+ − × ÷`, remainders, products of vectors and matrices.
    pub const fn rounds(opcode: u32) -> bool {
        matches!(opcode, 127 | 129 | 131 | 133 | 136 | 140..=148)
    }

    /// Capability and execution mode of each control: signed zeros, infinities and NaN; subnormals; rounding to even.
    pub const CONTROLS: [(u32, u32); 3] = [(4466, 4461), (4464, 4459), (4467, 4462)];
}

/// Writes the modules of one device.
pub(super) struct SpirvWriter {
    controls: FloatControls,
    capabilities: naga::valid::Capabilities,
}

impl SpirvWriter {
    pub fn new(controls: FloatControls, limits: &Limits) -> Self {
        use naga::valid::Capabilities;
        // Packed halves are a part of every version of SPIR-V.
        let mut capabilities = Capabilities::default() | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
        capabilities.set(Capabilities::FLOAT64, limits.f64);
        capabilities.set(Capabilities::SHADER_FLOAT16, limits.f16);
        capabilities.set(Capabilities::SHADER_INT64, limits.i64);
        capabilities.set(Capabilities::SUBGROUP, limits.subgroup_size > 0);
        Self { controls, capabilities }
    }

    /// The words of a kernel. `checked` ones test every index at run time.
    ///
    /// # Errors
    /// Internal when the text is no valid WGSL or disagrees with the kernel's bindings.
    pub fn write(&self, kernel: &Kernel, checked: bool) -> Result<Vec<u32>> {
        use naga::back::spv;
        let refuse = |what: String| Error::internal(format!("kernel '{}': {what}", kernel.label));
        let module = naga::front::wgsl::parse_str(&kernel.wgsl)
            .map_err(|e| refuse(e.emit_to_string_with_path(&kernel.wgsl, "wgsl")))?;
        let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), self.capabilities);
        let info = validator.validate(&module).map_err(|e| refuse(e.emit_to_string_with_path(&kernel.wgsl, "wgsl")))?;
        check_interface(&module, kernel).map_err(refuse)?;
        let policy =
            if checked { naga::proc::BoundsCheckPolicy::Restrict } else { naga::proc::BoundsCheckPolicy::Unchecked };
        let options = spv::Options {
            lang_version: self.controls.spirv,
            flags: spv::WriterFlags::LABEL_VARYINGS,
            bounds_check_policies: naga::proc::BoundsCheckPolicies {
                index: policy,
                buffer: policy,
                image_load: policy,
                binding_array: policy,
            },
            force_loop_bounding: checked,
            // The layouts bind 0, 1, … without gaps, so every binding keeps its number.
            fake_missing_bindings: true,
            // naga's form lets one thread of each workgroup write all of it, and every kernel writes what it reads.
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            ..spv::Options::default()
        };
        let entry = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: "main".to_owned() };
        let words = spv::write_vec(&module, &info, &options, Some(&entry)).map_err(|e| refuse(e.to_string()))?;
        Ok(hold_to_ieee(words, &self.controls))
    }
}

/// Refuses a module whose entry point or buffers are not those that the kernel declares.
fn check_interface(module: &naga::Module, kernel: &Kernel) -> std::result::Result<(), String> {
    if !module.entry_points.iter().any(|e| e.name == "main" && e.stage == naga::ShaderStage::Compute) {
        return Err("the module has no entry point `main`".to_owned());
    }
    for (_, variable) in module.global_variables.iter() {
        let Some(at) = &variable.binding else { continue };
        let writable = match at.binding.checked_sub(1) {
            None => false,
            Some(i) => {
                kernel.bindings.get(i as usize).ok_or_else(|| format!("binding {} is not bound", at.binding))?.writable
            }
        };
        let stores = match variable.space {
            naga::AddressSpace::Storage { access } => access.contains(naga::StorageAccess::STORE),
            _ => return Err(format!("binding {} is no storage buffer", at.binding)),
        };
        if at.group != 0 || stores != writable {
            let access = |writable| if writable { "read_write" } else { "read" };
            return Err(format!(
                "binding {} of group {} is {}, and the layout binds it {} in group 0",
                at.binding,
                at.group,
                access(stores),
                access(writable)
            ));
        }
    }
    Ok(())
}

/// What an edit of a module has to know of it.
#[derive(Default)]
struct Found {
    /// Where the capabilities, the execution modes and the decorations end.
    capabilities_end: usize,
    modes_end: usize,
    decorations_end: usize,
    entries: Vec<u32>,
    float_types: Vec<u32>,
    /// The widths of floats that occur.
    used: [bool; 3],
    /// Results that no driver may contract or reorder.
    rounded: Vec<u32>,
    /// Comparisons that are to be unordered.
    not_equal: Vec<usize>,
}

impl Found {
    fn of(words: &[u32]) -> Self {
        let mut found = Self::default();
        let mut at = 5;
        while at < words.len() {
            let end = at + (words[at] >> 16).max(1) as usize;
            found.note(at, &words[at..end.min(words.len())]);
            at = end;
        }
        found
    }

    /// Notes the instruction at `at`.
    fn note(&mut self, at: usize, instruction: &[u32]) {
        let end = at + instruction.len();
        let opcode = instruction[0] & 0xffff;
        let operand = |i: usize| instruction.get(i).copied().unwrap_or_default();
        match opcode {
            code::CAPABILITY => self.capabilities_end = end,
            code::ENTRY_POINT => {
                self.entries.push(operand(2));
                self.modes_end = end;
            }
            code::EXECUTION_MODE | code::EXECUTION_MODE_ID => self.modes_end = end,
            code::FIRST_TYPE..=code::LAST_VARIABLE if self.decorations_end == 0 => self.decorations_end = at,
            _ => {}
        }
        match opcode {
            code::TYPE_FLOAT => {
                self.float_types.push(operand(1));
                WIDTHS.iter().zip(&mut self.used).for_each(|(w, used)| *used |= *w == operand(2));
            }
            code::TYPE_VECTOR if self.float_types.contains(&operand(2)) => self.float_types.push(operand(1)),
            // Of the extended instructions only those that give floats; naga imports one set of them.
            code::EXT_INST if self.float_types.contains(&operand(1)) => self.rounded.push(operand(2)),
            code::F_ORD_NOT_EQUAL => self.not_equal.push(at),
            _ if code::rounds(opcode) => self.rounded.push(operand(2)),
            _ => {}
        }
    }
}

/// The same module with every rounded result kept as written, `!=` true for NaN, and the controls that the driver offers.
fn hold_to_ieee(mut words: Vec<u32>, controls: &FloatControls) -> Vec<u32> {
    let found = Found::of(&words);
    for at in found.not_equal {
        words[at] = words[at] & 0xffff_0000 | code::F_UNORD_NOT_EQUAL;
    }
    let instruction = |opcode: u32, operands: &[u32]| {
        let mut all = vec![(operands.len() as u32 + 1) << 16 | opcode];
        all.extend_from_slice(operands);
        all
    };
    let (mut capabilities, mut modes, mut decorations) = (Vec::new(), Vec::new(), Vec::new());
    for (control, (capability, mode)) in
        [controls.special_values, controls.subnormals, controls.rounding].iter().zip(code::CONTROLS)
    {
        let set = control.settable(found.used);
        if set.contains(&true) {
            capabilities.extend(instruction(code::CAPABILITY, &[capability]));
        }
        for (_, width) in set.into_iter().zip(WIDTHS).filter(|(set, _)| *set) {
            for entry in &found.entries {
                modes.extend(instruction(code::EXECUTION_MODE, &[*entry, mode, width]));
            }
        }
    }
    for result in found.rounded {
        decorations.extend(instruction(code::DECORATE, &[result, code::NO_CONTRACTION]));
    }
    let (head, rest) = words.split_at(found.capabilities_end);
    let (middle, rest) = rest.split_at(found.modes_end - found.capabilities_end);
    let (names, body) = rest.split_at(found.decorations_end - found.modes_end);
    [head, &capabilities, middle, &modes, names, &decorations, body].concat()
}

#[cfg(test)]
mod tests {
    use super::super::float_controls::{Control, Independence};
    use super::*;
    use crate::kernels::{Arithmetic, Binding, BindingSource};

    const TEXT: &str = "
        @group(0) @binding(0) var<storage, read> params: array<u32>;
        @group(0) @binding(1) var<storage, read_write> y: array<f32>;
        @compute @workgroup_size(1) fn main() {
            let a = y[0]; let b = y[1];
            if (a != b) { y[0] = fma(a, b, -a) + a * b / vec2<f32>(a, b).y; y[1] = f32(i32(a) * 3); }
        }";

    fn kernel(writable: bool) -> Kernel {
        Kernel {
            label: "test".into(),
            wgsl: TEXT.into(),
            arithmetic: Arithmetic::Ieee,
            bindings: vec![Binding { source: BindingSource::Scratch(0), writable }],
            params: vec![],
            workgroups: [1; 3],
            rounds: 0,
        }
    }

    fn writer() -> SpirvWriter {
        let on = Control { offered: [true; 3], independence: Independence::None };
        let controls = FloatControls { special_values: on, subnormals: on, rounding: on, spirv: (1, 5) };
        SpirvWriter::new(controls, &Limits::webgpu())
    }

    fn instructions(words: &[u32]) -> Vec<&[u32]> {
        let mut all = Vec::new();
        let mut at = 5;
        while at < words.len() {
            let end = at + (words[at] >> 16) as usize;
            all.push(&words[at..end]);
            at = end;
        }
        all
    }

    #[test]
    fn every_rounded_result_is_kept_and_each_control_is_declared_once() {
        let words = writer().write(&kernel(true), true).unwrap();
        let all = instructions(&words);
        let of = |opcode: u32| all.iter().filter(|i| i[0] & 0xffff == opcode).collect::<Vec<_>>();
        assert!(of(code::F_ORD_NOT_EQUAL).is_empty() && of(code::F_UNORD_NOT_EQUAL).len() == 1);
        let kept = of(code::DECORATE).into_iter().filter(|i| i[2] == code::NO_CONTRACTION).count();
        // A product, a quotient, a sum and a negation; the fused product, and naga's clamp of the conversion.
        let rounded = all.iter().filter(|i| code::rounds(i[0] & 0xffff)).count();
        assert_eq!(rounded, 4);
        assert!(kept > rounded, "{kept}");
        let modes: Vec<_> = of(code::EXECUTION_MODE).into_iter().filter(|i| i.len() == 4 && i[3] == 32).collect();
        assert_eq!(modes.len(), 3);
        for (capability, mode) in code::CONTROLS {
            assert!(of(code::CAPABILITY).iter().any(|i| i[1] == capability));
            assert!(modes.iter().any(|i| i[2] == mode));
        }
    }

    #[test]
    fn workgroup_memory_is_not_zeroed_first() {
        let shared = "var<workgroup> tile: array<f32, 256>;\n";
        let text = format!("{shared}{}", TEXT.replace("let a = y[0];", "tile[0] = y[0]; let a = tile[0];"));
        let words = writer().write(&Kernel { wgsl: text.into(), ..kernel(true) }, true).unwrap();
        // A constant of nothing but zeros, and the barrier behind its store.
        assert!(instructions(&words).iter().all(|i| !matches!(i[0] & 0xffff, 46 | 224)));
    }

    #[test]
    fn a_module_that_disagrees_with_its_kernel_is_refused() {
        assert!(writer().write(&kernel(true), false).is_ok());
        assert!(writer().write(&kernel(false), false).unwrap_err().message().contains("read_write"));
        let unbound = Kernel { bindings: vec![], ..kernel(true) };
        assert!(writer().write(&unbound, false).is_err());
        let double = Kernel { wgsl: TEXT.replace("f32", "f64").into(), ..kernel(true) };
        assert!(writer().write(&double, false).is_err(), "the device has no f64");
        let other = Kernel { wgsl: TEXT.replace("fn main", "fn other").into(), ..kernel(true) };
        assert!(writer().write(&other, false).is_err());
    }
}
