//! Certificates of devices: those that ship are what the probe finds, what was kept is obeyed, and what stays on the GPU in Strict.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lazurite::check::{Session, SessionOptions};
use lazurite::inspect::Place;
use lazurite::unstable::device::Gpu;
use lazurite::unstable::schedule::{ScheduleOptions, schedule};
use lazurite::unstable::types::{Conformance, Limits};
use lazurite::{Certificate, DeviceChoice, Engine, EngineBuilder, Numerics};

/// The least share of nodes that stays on the device in Strict, of those that it could run if it computed everything as the CPU does.
const FLOOR: f64 = 0.95;

fn on_gpu() -> EngineBuilder {
    Engine::builder().device(DeviceChoice::Gpu)
}

/// The certificate of this device; `None` without one.
fn certificate() -> Option<&'static Certificate> {
    static CERTIFICATE: OnceLock<Option<Certificate>> = OnceLock::new();
    let probe = || match on_gpu().build() {
        Ok(engine) => Some(engine.certify().unwrap()),
        Err(e) => {
            let required = std::env::var("LAZURITE_REQUIRE_GPU").is_ok_and(|v| v == "1");
            assert!(!required && e.is_no_device(), "{e}");
            eprintln!("note: no adapter, so this test shows nothing: {e}");
            None
        }
    };
    CERTIFICATE.get_or_init(probe).as_ref()
}

/// The pages that ship, with what they say.
fn shipped() -> Vec<(PathBuf, Certificate)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/certificates");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = paths.filter(|path| path.extension().is_some_and(|e| e == "txt"));
    let read = |path: PathBuf| {
        let page = std::fs::read_to_string(&path).unwrap();
        let read = Certificate::read(&page);
        (path.clone(), read.unwrap_or_else(|| panic!("{}: not a certificate of this probe", path.display())))
    };
    pages.map(read).collect()
}

#[test]
fn the_certificate_that_ships_is_what_the_probe_finds() {
    let Some(found) = certificate() else { return };
    let Some((path, known)) = shipped().into_iter().find(|(_, c)| c.subject() == found.subject()) else {
        eprintln!("note: no certificate of this device ships:\n{found}");
        return;
    };
    if std::env::var("BLESS").is_ok_and(|v| v == "1") {
        return std::fs::write(&path, found.to_string()).unwrap();
    }
    assert!(known == *found, "{} differs (BLESS=1 writes it anew); found:\n{found}", path.display());
}

#[test]
fn strict_stays_on_the_device() {
    let Some(found) = certificate() else { return };
    let limits = pollster::block_on(Gpu::new()).unwrap().limits().clone();
    let session = Session::new(SessionOptions::new(DeviceChoice::Cpu, 11)).unwrap();
    let mut there = 0;
    let mut possible = 0;
    for index in 0..150 {
        let graph = session.case(index).graph;
        let on_gpu = |limits: Limits| {
            let options = ScheduleOptions {
                device: DeviceChoice::Gpu,
                limits: Some(limits),
                numerics: Numerics::Strict,
                fuse: false,
                ..ScheduleOptions::default()
            };
            let schedule = schedule(&graph, &options).unwrap();
            schedule.groups().filter(|g| g.place == Place::Gpu).count()
        };
        there += on_gpu(limits.clone().certified(found.conformance()));
        possible += on_gpu(limits.clone().certified(Conformance::faultless()));
    }
    let share = there as f64 / possible as f64;
    println!("{there} of {possible} nodes stay on {} in Strict", found.subject().adapter);
    assert!(possible > 500 && share >= FLOOR, "{there} of {possible}: {share:.3}\n{found}");
}

#[test]
fn what_was_kept_is_obeyed_and_explained() {
    let Some(found) = certificate() else { return };
    let folder = std::env::temp_dir().join(format!("lazurite-certificates-{}", std::process::id()));
    let with_folder = || on_gpu().numerics(Numerics::Strict).certificates(&folder).build().unwrap();
    with_folder().certify().unwrap();
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(Certificate::read(&kept).as_ref(), Some(found));
    // The same page with another outcome: from then on negation is not this device's.
    let floats = kept.find("\nf32 ").unwrap();
    let row = floats + kept[floats..].find("\n  -x ").unwrap() + 1;
    let end = row + kept[row..].find('\n').unwrap();
    let words = "  -x                           ok         ok         -          ok         wrong";
    let doctored = format!("{}{words}{}", &kept[..row], &kept[end..]);
    let doctored = doctored.replacen(
        "\nexamples\n",
        "\nexamples\n  f32, strict, -x: x = 1.0 gives 2.0, not -1.0 (1 of 3072)\n",
        1,
    );
    std::fs::write(&file, doctored).unwrap();
    let engine = with_folder();
    let x = engine.from_slice(&[1.0f32; 64], &[64]).unwrap();
    assert_eq!((-&x).to_vec::<f32>().unwrap(), [-1.0; 64]);
    let ran = engine.last_evaluation().unwrap().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(ran.contains("does not keep what strict promises of neg of f32: -x: x = 1.0 gives 2.0"), "{ran}");
}
