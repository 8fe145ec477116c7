//! Engines that come and go: what a dropped one held goes at once, device and threads included, unless arrays keep it alive.

use super::alone;
use crate::support::{each_engine, gpu};
use lazurite::{Array, DType, DeviceChoice, Engine};

/// Engines opened and dropped on each device.
const MANY: usize = 200;

/// Kilobytes of resident memory, threads, and open files of this process, where the system says.
fn held() -> Option<[u64; 3]> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some([of("VmRSS:")?, of("Threads:")?, std::fs::read_dir("/proc/self/fd").ok()?.count() as u64])
}

fn use_it(engine: &Engine, with: usize) -> Array {
    let x = engine.from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4]).unwrap();
    let y = &x * with as f32 + 1.0;
    let expected: Vec<f32> = (1..5).map(|i| (i * with) as f32 + 1.0).collect();
    assert_eq!(y.to_vec::<f32>().unwrap(), expected);
    y
}

fn come_and_go(device: DeviceChoice) {
    let mut early = None;
    for i in 0..MANY {
        let engine = Engine::builder().device(device).build().unwrap_or_else(|e| panic!("engine {i}: {e}"));
        // Pending and evaluated arrays, and a clone of the handle, go after the engine itself.
        let evaluated = use_it(&engine, i);
        let pending = &evaluated - engine.ones(&[4], DType::F32);
        let clone = engine.clone();
        drop(engine);
        drop(evaluated);
        drop(clone);
        drop(pending);
        if i == MANY / 4 {
            early = held();
        }
    }
    let (Some(early), Some(late)) = (early, held()) else { return };
    println!("memory in KiB, threads, files: {early:?} after {}, {late:?} after {MANY}", MANY / 4);
    // An engine with a GPU holds megabytes, threads and files; what an allocator keeps of it does not grow.
    assert!(late[0] <= early[0] + (32 << 10), "memory grows: {early:?} became {late:?}");
    assert!(late[1] <= early[1] + 8, "threads are left behind: {early:?} became {late:?}");
    assert!(late[2] <= early[2] + 8, "files are left open: {early:?} became {late:?}");
}

#[test]
fn engines_come_and_go_on_the_cpu() {
    let _alone = alone();
    come_and_go(DeviceChoice::Cpu);
}

#[test]
fn engines_come_and_go_on_the_gpu() {
    let _alone = alone();
    if gpu().is_some() {
        come_and_go(DeviceChoice::Gpu);
    }
}

/// Arrays keep what they need: they are read, computed with and dropped, in any order, long after the engine's last handle.
#[test]
fn arrays_outlive_their_engine() {
    let _alone = alone();
    each_engine(|_, engine| {
        let device = if engine.device_name().is_some() { DeviceChoice::Gpu } else { DeviceChoice::Cpu };
        let own = Engine::builder().device(device).build().unwrap();
        let evaluated = use_it(&own, 3);
        let pending = &evaluated * 2.0;
        let never = pending.exp();
        drop(own);
        drop(never);
        assert_eq!(pending.to_vec::<f32>().unwrap(), [8.0, 14.0, 20.0, 26.0]);
        let further = pending.engine().from_slice(&[1.0f32; 4], &[4]).unwrap() + &evaluated;
        drop((evaluated, pending));
        assert_eq!(further.to_vec::<f32>().unwrap(), [5.0, 8.0, 11.0, 14.0]);
        // The handle of another engine is no way in.
        assert!(engine.eval(&[&further]).is_err());
        // Keeps the count of what ran on this engine's GPU.
        use_it(engine, 5);
    });
}
