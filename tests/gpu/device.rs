//! The device room on a real driver (a software one will do): bytes go round unchanged, hand-written kernels compute,
//! failures become errors and leave the device usable, and repeated runs create nothing.
//!
//! Without an adapter the tests pass with a note, unless `LAZURITE_REQUIRE_GPU=1` forbids that.

#![cfg(all(feature = "gpu", feature = "blocking"))]

use std::sync::{Arc, OnceLock};

use lazurite::inspect::{Arithmetic, Binding, BindingSource, Kernel, Param, ValueId};
use lazurite::unstable::device::{DeviceBuffer, Dispatch, Gpu, GpuOptions};
use lazurite::{DType, HostBuffer, Scalar};
use pollster::block_on;

/// A device of its own, because counters and losses of other tests must not show; `None` when there is no adapter.
fn open(options: GpuOptions) -> Option<Gpu> {
    match block_on(Gpu::with_options(options)) {
        Ok(gpu) => Some(gpu),
        Err(e) => {
            let required = std::env::var("LAZURITE_REQUIRE_GPU").is_ok_and(|v| v == "1");
            assert!(!required, "LAZURITE_REQUIRE_GPU=1, but {e}");
            assert!(e.is_no_device(), "{e:?}");
            eprintln!("note: no adapter, so this test shows nothing: {e}");
            None
        }
    }
}

/// The device that most tests share.
fn shared() -> Option<&'static Gpu> {
    static GPU: OnceLock<Option<Gpu>> = OnceLock::new();
    GPU.get_or_init(|| open(GpuOptions::from_env())).as_ref()
}

fn binding(writable: bool) -> Binding {
    Binding { source: BindingSource::Value(ValueId(0)), writable }
}

/// `y[i] = x[i] * a + b` over n elements; parameters n, a, b.
fn axpb() -> Kernel {
    Kernel {
        label: "axpb".into(),
        wgsl: "
            @group(0) @binding(0) var<storage, read> params: array<u32>;
            @group(0) @binding(1) var<storage, read> x: array<f32>;
            @group(0) @binding(2) var<storage, read_write> y: array<f32>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                if (id.x < params[0]) { y[id.x] = x[id.x] * bitcast<f32>(params[1]) + bitcast<f32>(params[2]); }
            }"
        .into(),
        arithmetic: Arithmetic::Ieee,
        bindings: vec![binding(false), binding(true)],
        params: vec![Param::Word(0); 3],
        workgroups: [1, 1, 1],
        rounds: 0,
    }
}

fn sized(mut kernel: Kernel, n: u32) -> Kernel {
    kernel.workgroups[0] = n.div_ceil(64);
    kernel
}

fn axpb_on<'a>(
    kernel: &'a Kernel,
    x: &Arc<DeviceBuffer>,
    y: &Arc<DeviceBuffer>,
    n: u32,
    a: f32,
    b: f32,
) -> Dispatch<'a> {
    Dispatch {
        kernel,
        buffers: [x.clone(), y.clone()].into_iter().collect(),
        params: vec![n, a.to_bits(), b.to_bits()],
    }
}

fn read_f32(gpu: &Gpu, buffer: &DeviceBuffer, n: usize) -> Vec<f32> {
    block_on(gpu.read(buffer, DType::F32, n)).unwrap().as_slice().unwrap().to_vec()
}

#[test]
fn bytes_of_every_dtype_go_round() {
    let Some(gpu) = shared() else { return };
    // Odd counts of narrow dtypes end inside a word; the last sizes pass the bounds of a chunk on the way up and down.
    for dtype in DType::ALL.iter().copied() {
        for len in [1, 2, 3, 5, 255, 1000, 300_001] {
            let mut data = HostBuffer::zeros(dtype, len).unwrap();
            for i in 0..len {
                data.set(i, Scalar::from_f64(dtype, ((i * 7919) % 101) as f64));
            }
            let on_device = gpu.upload(&data).unwrap();
            let back = block_on(gpu.read(&on_device, dtype, len)).unwrap();
            assert!(back == data, "{len} elements of {dtype} changed on the way");
        }
    }
    for (dtype, len) in [(DType::F64, (5 << 20) + 3), (DType::Bool, (10 << 20) + 1), (DType::U8, (33 << 20) + 7)] {
        let mut data = HostBuffer::zeros(dtype, len).unwrap();
        for (i, byte) in data.bytes_mut().iter_mut().enumerate() {
            *byte = if dtype == DType::Bool { (i % 3 == 1).into() } else { (i % 251) as u8 };
        }
        let on_device = gpu.upload(&data).unwrap();
        let back = block_on(gpu.read(&on_device, dtype, len)).unwrap();
        assert!(back == data, "{len} elements of {dtype} changed on the way");
    }
}

#[test]
fn special_floats_go_round_by_bits() {
    let Some(gpu) = shared() else { return };
    let bits = [0x7fc0_1234u32, 0xff80_0000, 0x8000_0000, 1, 0x7f80_0001];
    let data = HostBuffer::from_slice(&bits.map(f32::from_bits)).unwrap();
    let back = block_on(gpu.read(&gpu.upload(&data).unwrap(), DType::F32, bits.len())).unwrap();
    assert_eq!(back.bytes(), data.bytes());
}

#[test]
fn dependent_dispatches_see_each_other() {
    let Some(gpu) = shared() else { return };
    let n = 1000u32;
    let kernel = sized(axpb(), n);
    let start: Vec<f32> = (0..n).map(|i| i as f32).collect();
    let x = gpu.upload(&HostBuffer::from_slice(&start).unwrap()).unwrap();
    let y = gpu.alloc(u64::from(n) * 4).unwrap();
    // 1000 steps of x ← x + 1 or + 2, each in another buffer than the one before.
    let work: Vec<_> = (0..1000)
        .map(|i| {
            let (from, to) = if i % 2 == 0 { (&x, &y) } else { (&y, &x) };
            axpb_on(&kernel, from, to, n, 1.0, if i < 500 { 1.0 } else { 2.0 })
        })
        .collect();
    gpu.submit(&work).unwrap();
    let out = read_f32(gpu, &x, n as usize);
    assert!(out.iter().enumerate().all(|(i, &v)| v == i as f32 + 1500.0), "{:?}", &out[..4]);
}

#[test]
fn repeated_runs_create_nothing() {
    let Some(gpu) = open(GpuOptions::default()) else { return };
    let kernel = sized(axpb(), 5000);
    let data = HostBuffer::from_slice(&vec![2.0f32; 5000]).unwrap();
    let run = || {
        let x = gpu.upload(&data).unwrap();
        let y = gpu.alloc(5000 * 4).unwrap();
        gpu.submit(&[axpb_on(&kernel, &x, &y, 5000, 3.0, 0.5)]).unwrap();
        assert_eq!(read_f32(&gpu, &y, 5000)[4999], 6.5);
    };
    run();
    let first = gpu.stats();
    assert!(first.buffers_created == 3 && first.pipelines_created == 1 && first.staging_created == 1, "{first:?}");
    for _ in 0..10 {
        run();
    }
    let last = gpu.stats();
    assert_eq!(
        (last.buffers_created, last.pipelines_created, last.staging_created),
        (first.buffers_created, first.pipelines_created, first.staging_created)
    );
    assert_eq!((last.submits, last.dispatches, last.uploads, last.readbacks), (11, 11, 11, 11));
    assert_eq!((last.upload_bytes, last.readback_bytes), (11 * 20_000, 11 * 20_000));
    assert_eq!(last.live_bytes, 0, "every handle is gone");
    gpu.trim();
    assert_eq!(gpu.stats().pooled_bytes, 0);
}

#[test]
fn a_new_size_reuses_the_pipeline() {
    let Some(gpu) = open(GpuOptions::default()) else { return };
    for n in [3u32, 64, 70_000] {
        let kernel = sized(axpb(), n);
        let x = gpu.upload(&HostBuffer::from_slice(&vec![1.0f32; n as usize]).unwrap()).unwrap();
        let y = gpu.alloc(u64::from(n) * 4).unwrap();
        gpu.submit(&[axpb_on(&kernel, &x, &y, n, 2.0, n as f32)]).unwrap();
        assert_eq!(*read_f32(&gpu, &y, n as usize).last().unwrap(), 2.0 + n as f32);
    }
    assert_eq!(gpu.stats().pipelines_created, 1);
}

#[test]
fn more_than_there_is_is_an_error_and_no_end() {
    let Some(gpu) = open(GpuOptions { memory_limit: Some(1 << 20), ..GpuOptions::default() }) else { return };
    let held = gpu.alloc(700 << 10).unwrap();
    let e = gpu.alloc(700 << 10).unwrap_err();
    assert!(e.is_out_of_memory() && e.message().contains("limit is 1048576"), "{e}");
    drop(held);
    // The pooled buffer makes room for one of another size.
    let other = gpu.alloc(900 << 10).unwrap();
    assert!(gpu.stats().live_bytes + gpu.stats().pooled_bytes <= 1 << 20);
    drop(other);

    let e = gpu.alloc(gpu.limits().max_buffer_bytes + 4).unwrap_err();
    assert!(e.is_out_of_memory(), "{e}");
    assert!(gpu.alloc(u64::MAX).unwrap_err().is_out_of_memory());
    let small = gpu.upload(&HostBuffer::from_slice(&[1.0f32, 2.0]).unwrap()).unwrap();
    assert_eq!(read_f32(&gpu, &small, 2), [1.0, 2.0]);
}

#[test]
fn nothing_is_also_an_amount() {
    let Some(gpu) = shared() else { return };
    let none = gpu.alloc(0).unwrap();
    assert_eq!(none.bytes(), 0);
    assert!(block_on(gpu.read(&none, DType::F64, 0)).unwrap().is_empty());
    assert!(gpu.upload(&HostBuffer::zeros(DType::F32, 0).unwrap()).is_ok());
    gpu.submit(&[]).unwrap();
}

#[test]
fn bad_kernels_are_errors_with_their_place() {
    let Some(gpu) = shared() else { return };
    let x = gpu.alloc(256).unwrap();
    let y = gpu.alloc(256).unwrap();
    let good = axpb();
    let fails = |kernel: &Kernel, buffers: &[&Arc<DeviceBuffer>], words: usize| {
        let work = Dispatch { kernel, buffers: buffers.iter().map(|b| (*b).clone()).collect(), params: vec![0; words] };
        let e = gpu.submit(&[work]).unwrap_err();
        assert!(e.is_internal(), "{e:?}");
        assert!(e.message().contains("axpb"), "the kernel is not named: {e}");
        e.message().to_owned()
    };

    let unparsable = Kernel { wgsl: good.wgsl.replace("x[id.x] *", "x[id.x] ** nonsense").into(), ..good.clone() };
    let message = fails(&unparsable, &[&x, &y], 3);
    assert!(message.contains("nonsense"), "no excerpt in: {message}");
    let mistyped = Kernel { wgsl: good.wgsl.replace("array<f32>", "array<i32>").into(), ..good.clone() };
    assert!(fails(&mistyped, &[&x, &y], 3).contains("WGSL:"));
    let no_main = Kernel { wgsl: good.wgsl.replace("fn main", "fn other").into(), ..good.clone() };
    fails(&no_main, &[&x, &y], 3);
    let read_only = Kernel { bindings: vec![binding(false), binding(false)], ..good.clone() };
    fails(&read_only, &[&x, &y], 3);
    let greedy = Kernel {
        wgsl: format!("var<workgroup> much: array<vec4<f32>, 1000000>;\n{}", good.wgsl)
            .replace("if (id.x", "much[id.x].x = 1.0; if (id.x")
            .into(),
        ..good.clone()
    };
    assert!(fails(&greedy, &[&x, &y], 3).contains("16000000 bytes of workgroup memory"));
    assert!(fails(&good, &[&x], 3).contains("expected 2 buffers, given 1"));
    assert!(fails(&good, &[&x, &y], 2).contains("expected 3 parameter words"));
    assert!(fails(&good, &[&x, &x], 3).contains("bindings 0 and 1 show the same buffer"));
    let endless = Kernel { workgroups: [u32::MAX, 1, 1], ..good.clone() };
    assert!(fails(&endless, &[&x, &y], 3).contains("workgroups along one dimension"));

    // A submission with one bad kernel runs none of the others, and the device goes on.
    let one = gpu.upload(&HostBuffer::from_slice(&[1.0f32]).unwrap()).unwrap();
    let two = gpu.upload(&HostBuffer::from_slice(&[2.0f32]).unwrap()).unwrap();
    let bad = Dispatch { kernel: &unparsable, ..axpb_on(&good, &one, &two, 1, 5.0, 0.0) };
    assert!(gpu.submit(&[axpb_on(&good, &one, &two, 1, 5.0, 0.0), bad]).is_err());
    assert_eq!(read_f32(gpu, &two, 1), [2.0]);
    gpu.submit(&[axpb_on(&good, &one, &two, 1, 5.0, 0.0)]).unwrap();
    assert_eq!(read_f32(gpu, &two, 1), [5.0]);
}

#[test]
fn trusted_shaders_compute_the_same_and_still_divide_safely() {
    let Some(gpu) = open(GpuOptions { checked_shaders: Some(false), ..GpuOptions::default() }) else { return };
    let n = 10_000u32;
    let kernel = sized(axpb(), n);
    let x = gpu.upload(&HostBuffer::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<_>>()).unwrap()).unwrap();
    let y = gpu.alloc(u64::from(n) * 4).unwrap();
    gpu.submit(&[axpb_on(&kernel, &x, &y, n, 0.5, 3.0)]).unwrap();
    assert!(read_f32(&gpu, &y, n as usize).iter().enumerate().all(|(i, &v)| v == i as f32 * 0.5 + 3.0));

    let divide = Kernel {
        label: "divide".into(),
        wgsl: "
            @group(0) @binding(1) var<storage, read> a: array<vec2<i32>>;
            @group(0) @binding(2) var<storage, read_write> b: array<vec2<i32>>;
            @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                let pair = a[id.x];
                b[id.x] = vec2(pair.x / pair.y, pair.x % pair.y);
            }"
        .into(),
        arithmetic: Arithmetic::Ieee,
        bindings: vec![binding(false), binding(true)],
        params: vec![],
        workgroups: [4, 1, 1],
        rounds: 0,
    };
    let pairs = [7, 2, -7, 2, 5, 0, i32::MIN, -1];
    let a = gpu.upload(&HostBuffer::from_slice(&pairs).unwrap()).unwrap();
    let b = gpu.alloc(32).unwrap();
    gpu.submit(&[Dispatch { kernel: &divide, buffers: [a, b.clone()].into_iter().collect(), params: vec![] }]).unwrap();
    let out = block_on(gpu.read(&b, DType::I32, 8)).unwrap();
    assert_eq!(out.as_slice::<i32>().unwrap(), [3, 1, -3, -1, 5, 0, i32::MIN, 0]);
}

#[test]
fn a_buffer_may_be_read_twice_in_one_kernel() {
    let Some(gpu) = shared() else { return };
    let kernel = Kernel {
        label: "square".into(),
        wgsl: "
            @group(0) @binding(1) var<storage, read> a: array<f32>;
            @group(0) @binding(2) var<storage, read> b: array<f32>;
            @group(0) @binding(3) var<storage, read_write> c: array<f32>;
            @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) { c[id.x] = a[id.x] * b[id.x]; }"
            .into(),
        arithmetic: Arithmetic::Ieee,
        bindings: vec![binding(false), binding(false), binding(true)],
        params: vec![],
        workgroups: [1, 1, 1],
        rounds: 0,
    };
    let x = gpu.upload(&HostBuffer::from_slice(&[1.0f32, 2.0, 3.0, 4.0]).unwrap()).unwrap();
    let y = gpu.alloc(16).unwrap();
    let work = Dispatch { kernel: &kernel, buffers: [x.clone(), x, y.clone()].into_iter().collect(), params: vec![] };
    gpu.submit(&[work]).unwrap();
    assert_eq!(read_f32(gpu, &y, 4), [1.0, 4.0, 9.0, 16.0]);
}

#[test]
fn a_lost_device_says_so_everywhere() {
    let Some(gpu) = open(GpuOptions::default()) else { return };
    let x = gpu.upload(&HostBuffer::from_slice(&[1.0f32; 64]).unwrap()).unwrap();
    let y = gpu.alloc(256).unwrap();
    let kernel = axpb();
    assert!(!gpu.is_lost());
    gpu.destroy_for_tests();
    assert!(gpu.is_lost() && gpu.stats().lost);
    assert!(gpu.alloc(4).unwrap_err().is_device_lost());
    assert!(gpu.upload(&HostBuffer::from_slice(&[1.0f32]).unwrap()).unwrap_err().is_device_lost());
    assert!(gpu.submit(&[axpb_on(&kernel, &x, &y, 64, 1.0, 1.0)]).unwrap_err().is_device_lost());
    assert!(block_on(gpu.read(&x, DType::F32, 64)).unwrap_err().is_device_lost());
    drop((x, y));
    assert_eq!(gpu.stats().live_bytes, 0);
    // Another device of the same machine is none the worse.
    let Some(other) = open(GpuOptions::default()) else { return };
    let x = other.upload(&HostBuffer::from_slice(&[7.0f32]).unwrap()).unwrap();
    assert_eq!(read_f32(&other, &x, 1), [7.0]);
}

#[test]
fn a_device_lost_under_work_in_other_threads_ends_that_work() {
    let Some(gpu) = open(GpuOptions::default()) else { return };
    let kernel = sized(axpb(), 1 << 16);
    // Ends with the first error, which must come and must be the loss.
    let step = || -> lazurite::Result<()> {
        let x = gpu.upload(&HostBuffer::zeros(DType::F32, 1 << 16)?)?;
        let y = gpu.alloc(4 << 16)?;
        gpu.submit(&[axpb_on(&kernel, &x, &y, 1 << 16, 1.0, 1.0)])?;
        block_on(gpu.read(&y, DType::F32, 1 << 16)).map(|_| ())
    };
    std::thread::scope(|scope| {
        let until_error = || std::iter::repeat_with(step).find_map(lazurite::Result::err);
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(until_error)).collect();
        while gpu.stats().readbacks < 8 {
            std::thread::yield_now();
        }
        gpu.destroy_for_tests();
        for worker in workers {
            let e = worker.join().expect("no panic in a thread that lost its device").unwrap();
            assert!(e.is_device_lost(), "{e:?}");
        }
    });
}

#[test]
fn eight_threads_share_a_device() {
    let Some(gpu) = shared() else { return };
    let work = |t: u32| {
        for round in 0..20u32 {
            let n = 1000 + 37 * t;
            let kernel = sized(axpb(), n);
            let start: Vec<f32> = (0..n).map(|i| (i + t) as f32).collect();
            let x = gpu.upload(&HostBuffer::from_slice(&start).unwrap()).unwrap();
            let y = gpu.alloc(u64::from(n) * 4).unwrap();
            let first = axpb_on(&kernel, &x, &y, n, 2.0, t as f32);
            let second = axpb_on(&kernel, &y, &x, n, 1.0, round as f32);
            gpu.submit(&[first, second]).unwrap();
            // An error in one thread is that thread's alone.
            if t == 3 {
                assert!(gpu.submit(&[axpb_on(&kernel, &x, &x, n, 1.0, 0.0)]).unwrap_err().is_internal());
            }
            for (i, &v) in read_f32(gpu, &x, n as usize).iter().enumerate() {
                assert_eq!(v, 2.0 * (i as f32 + t as f32) + (t + round) as f32, "thread {t} round {round} at {i}");
            }
        }
    };
    std::thread::scope(|scope| (0..8).for_each(|t| drop(scope.spawn(move || work(t)))));
}

#[test]
fn timed_work_gives_the_same_and_its_times() {
    let Some(gpu) = shared() else { return };
    let n = 1u32 << 16;
    let kernel = sized(axpb(), n);
    let x = gpu.upload(&HostBuffer::from_slice(&vec![1.5f32; n as usize]).unwrap()).unwrap();
    let y = gpu.alloc(u64::from(n) * 4).unwrap();
    let work = [axpb_on(&kernel, &x, &y, n, 2.0, 0.0), axpb_on(&kernel, &y, &x, n, 2.0, 1.0)];
    if !gpu.can_time() {
        assert!(block_on(gpu.submit_timed(&work)).unwrap_err().is_unsupported());
        return;
    }
    let times = block_on(gpu.submit_timed(&work)).unwrap();
    assert_eq!(times.len(), 2);
    assert!(times.iter().all(|&t| t > 0.0 && t < 60e9), "{times:?}");
    assert_eq!(read_f32(gpu, &x, n as usize)[n as usize - 1], 7.0);
}

#[test]
fn pipelines_survive_in_a_folder() {
    let folder = std::env::temp_dir().join(format!("lazurite-device-test-{}", std::process::id()));
    let options = GpuOptions { cache_dir: Some(folder.clone()), ..GpuOptions::default() };
    let Some(gpu) = open(options.clone()) else { return };
    if !gpu.summary().features.contains(&"pipeline cache") {
        return;
    }
    let kernel = axpb();
    let run = |gpu: &Gpu| {
        let x = gpu.upload(&HostBuffer::from_slice(&[3.0f32]).unwrap()).unwrap();
        let y = gpu.alloc(4).unwrap();
        gpu.submit(&[axpb_on(&kernel, &x, &y, 1, 1.0, 1.0)]).unwrap();
        assert_eq!(read_f32(gpu, &y, 1), [4.0]);
    };
    run(&gpu);
    drop(gpu);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "one file, and no temporary one: {files:?}");
    run(&open(options.clone()).unwrap());
    // A file that makes no sense is the same as none.
    std::fs::write(&files[0], b"not a pipeline cache at all").unwrap();
    run(&open(options).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn adapters_can_be_listed_and_chosen() {
    let found = block_on(Gpu::list());
    let Some(gpu) = shared() else { return assert!(found.is_empty()) };
    assert!(found.iter().any(|s| s == gpu.summary()), "{found:?}");
    assert!(found.is_sorted_by_key(|s| s.kind), "software adapters come last");
    let text = gpu.summary().to_string();
    assert!(text.contains(gpu.name()) && text.contains("storage buffers"), "{text}");
    let by_name = GpuOptions { adapter: Some(gpu.name().to_uppercase()), ..GpuOptions::default() };
    assert_eq!(open(by_name).unwrap().name(), gpu.name());
    let none = GpuOptions { adapter: Some("no such adapter".into()), ..GpuOptions::default() };
    let e = block_on(Gpu::with_options(none)).unwrap_err();
    assert!(e.is_no_device() && e.message().contains("does not match 'no such adapter'"), "{e}");
}

/// A driver that truly has no memory left is met in a child process whose address space is limited; only a software adapter
/// takes its memory from there, and other GPUs are not emptied for a test.
#[cfg(target_os = "linux")]
#[test]
fn a_driver_out_of_memory_is_an_error_and_no_end() {
    const CHILD: &str = "LAZURITE_TEST_OUT_OF_MEMORY";
    if std::env::var_os(CHILD).is_none() {
        let Some(gpu) = shared() else { return };
        if !gpu.limits().software {
            return;
        }
        let me = std::env::current_exe().unwrap();
        let name = "device::a_driver_out_of_memory_is_an_error_and_no_end";
        let script = format!("ulimit -v 16000000 && exec '{}' --exact {name} --nocapture", me.display());
        let child = std::process::Command::new("sh").args(["-c", &script]).env(CHILD, "1").output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
        assert!(child.status.success() && text.contains("ran out of memory and went on"), "{text}");
        return;
    }
    let gpu = block_on(Gpu::new()).unwrap();
    let mut held = Vec::new();
    let refusal = loop {
        match gpu.alloc(512 << 20) {
            Ok(buffer) if held.len() < 64 => held.push(buffer),
            Ok(_) => panic!("32 GiB were had within 16"),
            Err(e) => break e,
        }
    };
    assert!(refusal.is_out_of_memory(), "{refusal:?}");
    assert!(!held.is_empty() && !gpu.is_lost());
    assert_eq!(gpu.stats().buffers_created, held.len() as u64, "a buffer that was refused does not count");
    let n_held = held.len();
    // What is returned can be had again, in another size too: the pool gives way before the driver refuses.
    held.truncate(n_held - 2);
    let other = gpu.alloc(700 << 20).unwrap();
    drop((other, held));
    let x = gpu.upload(&HostBuffer::from_slice(&[3.0f32]).unwrap()).unwrap();
    let y = gpu.alloc(4).unwrap();
    gpu.submit(&[axpb_on(&axpb(), &x, &y, 1, 2.0, 0.5)]).unwrap();
    assert_eq!(read_f32(&gpu, &y, 1), [6.5]);
    println!("ran out of memory and went on");
}
