//! What a Vulkan driver can be told about floats: which of SPIR-V's float controls it offers, for which widths.
//!
//! An adapter comes in, plain data come out. Elsewhere than on Vulkan there are none.

#![cfg_attr(
    not(any(target_os = "linux", target_os = "android", windows)),
    allow(dead_code, reason = "only Vulkan's adapters have controls")
)]

/// The widths of floats in bits, in the order of every array of three here.
pub(super) const WIDTHS: [u32; 3] = [16, 32, 64];

/// Which widths may differ in a control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Independence {
    /// Every width by itself.
    All,
    /// f32 by itself; f16 and f64 agree.
    Only32,
    /// All widths agree.
    #[default]
    None,
}

/// A control: the widths it is offered for, and which of them have to agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Control {
    pub offered: [bool; 3],
    pub independence: Independence,
}

impl Control {
    /// The widths to set it for in a module that uses these: those it is offered for, unless they would have to agree with a
    /// width it is not offered for.
    pub fn settable(&self, used: [bool; 3]) -> [bool; 3] {
        let together: &[&[usize]] = match self.independence {
            Independence::All => &[&[0], &[1], &[2]],
            Independence::Only32 => &[&[1], &[0, 2]],
            Independence::None => &[&[0, 1, 2]],
        };
        let mut set = [false; 3];
        for widths in together {
            if widths.iter().all(|&w| self.offered[w] || !used[w]) {
                widths.iter().for_each(|&w| set[w] = used[w]);
            }
        }
        set
    }
}

/// The controls that make a driver keep IEEE's rules, and the version of SPIR-V that has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FloatControls {
    /// Signed zeros, infinities and NaN are kept.
    pub special_values: Control,
    /// Subnormals are kept.
    pub subnormals: Control,
    /// Results are rounded to the nearest, ties to even.
    pub rounding: Control,
    pub spirv: (u8, u8),
}

impl FloatControls {
    /// A driver before Vulkan 1.2, which can be told nothing.
    pub const NONE: Self = {
        let none = Control { offered: [false; 3], independence: Independence::None };
        Self { special_values: none, subnormals: none, rounding: none, spirv: (1, 3) }
    };
}

/// The controls of an adapter; `None` where it is not reached through Vulkan.
#[cfg(any(target_os = "linux", target_os = "android", windows))]
pub(super) fn read(adapter: &wgpu::Adapter) -> Option<FloatControls> {
    use ash::vk;
    // SAFETY: the adapter is only asked for its properties and outlives the guard.
    let hal = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let instance = hal.shared_instance();
    let mut floats = vk::PhysicalDeviceFloatControlsProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut floats);
    // Before 1.1 the call below is an extension's.
    let api = instance.instance_api_version().min(hal.physical_device_capabilities().properties().api_version);
    if api < vk::API_VERSION_1_2 {
        let spirv = if api < vk::API_VERSION_1_1 { (1, 0) } else { (1, 3) };
        return Some(FloatControls { spirv, ..FloatControls::NONE });
    }
    // SAFETY: the handle is the adapter's own, and drivers of 1.2 fill the structure in the chain.
    unsafe { instance.raw_instance().get_physical_device_properties2(hal.raw_physical_device(), &mut properties) };
    let independence = |found| match found {
        vk::ShaderFloatControlsIndependence::ALL => Independence::All,
        vk::ShaderFloatControlsIndependence::TYPE_32_ONLY => Independence::Only32,
        _ => Independence::None,
    };
    let offered = |words: [vk::Bool32; 3]| words.map(|w| w == vk::TRUE);
    Some(FloatControls {
        special_values: Control {
            offered: offered([
                floats.shader_signed_zero_inf_nan_preserve_float16,
                floats.shader_signed_zero_inf_nan_preserve_float32,
                floats.shader_signed_zero_inf_nan_preserve_float64,
            ]),
            independence: Independence::All,
        },
        subnormals: Control {
            offered: offered([
                floats.shader_denorm_preserve_float16,
                floats.shader_denorm_preserve_float32,
                floats.shader_denorm_preserve_float64,
            ]),
            independence: independence(floats.denorm_behavior_independence),
        },
        rounding: Control {
            offered: offered([
                floats.shader_rounding_mode_rte_float16,
                floats.shader_rounding_mode_rte_float32,
                floats.shader_rounding_mode_rte_float64,
            ]),
            independence: independence(floats.rounding_mode_independence),
        },
        spirv: if api >= vk::API_VERSION_1_3 { (1, 6) } else { (1, 5) },
    })
}

/// The controls of an adapter; `None` where it is not reached through Vulkan.
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
pub(super) fn read(_: &wgpu::Adapter) -> Option<FloatControls> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_that_must_agree_are_set_together_or_not_at_all() {
        let control = |independence| Control { offered: [false, true, true], independence };
        let all = [true; 3];
        assert_eq!(control(Independence::All).settable(all), [false, true, true]);
        assert_eq!(control(Independence::Only32).settable(all), [false, true, false]);
        assert_eq!(control(Independence::None).settable(all), [false; 3]);
        assert_eq!(control(Independence::None).settable([false, true, true]), [false, true, true]);
        assert_eq!(control(Independence::All).settable([false; 3]), [false; 3]);
    }
}
