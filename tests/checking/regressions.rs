//! Graphs that once gave wrong results, kept as dumps in `tests/regressions/` and run through every configuration of the checks.
//!
//! A new one is a file: what `lazurite check` or `lazurite replay` left behind, with its first words saying what was wrong. The first
//! ones were found before dumps existed: they are written down here, and `BLESS=1` makes their files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lazurite::check::{Session, SessionOptions, case_of};
use lazurite::inspect::dump::{Dump, Settings, nothing_beside};
use lazurite::{Array, DeviceChoice, Engine, Order};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions")
}

fn numbers(e: &Engine, shape: &[usize]) -> Array {
    let n = shape.iter().product::<usize>();
    let data: Vec<f32> = (0..n).map(|i| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0).collect();
    e.from_slice(&data, shape).unwrap()
}

/// Name, what was wrong, and the graph.
type Known = (&'static str, &'static str, fn(&Engine) -> Vec<Array>);

const KNOWN: [Known; 5] = [
    ("reshape-for-transpose", "The planner took a reshape of [6, 2] to [2, 6] for a transpose.", |e| {
        let x = numbers(e, &[6, 2]);
        vec![x.exp().reshape(&[2, 6], Order::C).matmul(&x) + 0.5]
    }),
    ("fold-of-truths", "A driver folded workgroup arrays of bool to false.", |e| {
        let x = numbers(e, &[7, 300]);
        let above = x.try_gt(numbers(e, &[7, 1])).unwrap();
        vec![above.any(1, true), above.all(0, false), above.select(&x, 0.0).amin(1, false)]
    }),
    (
        "tanh-behind-a-product",
        "A driver gave x/8 for tanh in the epilogue of a product, behind the condition of its tile.",
        |e| {
            let product = numbers(e, &[17, 33]).matmul(&numbers(e, &[33, 18]));
            vec![product.tanh(), (product * 0.25).tanh().sum(1, false)]
        },
    ),
    ("diagonal-of-a-product", "Storing only the diagonal of a product changed its bits in strict mode.", |e| {
        let x = numbers(e, &[33, 33]);
        vec![(x.matmul(&x.exp()) * 1.7).diagonal()]
    }),
    (
        "product-of-nothing-beside-an-infinity",
        "Other brackets took a product of nothing, which is zero, away from an infinity.",
        |e| {
            let (x, y) = (numbers(e, &[64, 0]), numbers(e, &[0, 64]));
            let z = e.from_slice(&[f32::INFINITY; 128], &[64, 2]).unwrap();
            vec![x.matmul(&y).matmul(&z), z.t().matmul(&y.t().matmul(&x.t())), x.matmul(&y.matmul(&z))]
        },
    ),
];

fn made(known: &Known) -> Dump {
    let engine = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    let arrays = known.2(&engine);
    let roots: Vec<&Array> = arrays.iter().collect();
    let case = case_of(&engine, &roots).unwrap().unwrap();
    let mut dump = Dump::of(case, Settings::default()).unwrap();
    dump.about = known.1.into();
    dump
}

/// Every file of the folder.
fn kept() -> BTreeMap<String, Dump> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let dump = Dump::read(&name, &text, &nothing_beside).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, dump)
        })
        .collect()
}

#[test]
fn what_is_written_here_is_what_the_files_hold() {
    // The files may be of any version that is read: they are compared by what they hold and left as they are.
    let kept = kept();
    for known in &KNOWN {
        let text = made(known).write();
        if kept.get(known.0).is_none_or(|dump| dump.write() != text) {
            let path = folder().join(format!("{}.json", known.0));
            assert!(std::env::var_os("BLESS").is_some(), "{} differs; BLESS=1 rewrites it", path.display());
            fs::write(&path, &text).unwrap();
        }
    }
}

fn hold(device: DeviceChoice) {
    let mut session = Session::new(SessionOptions::new(device, 1)).unwrap();
    let kept = kept();
    assert!(kept.len() >= KNOWN.len());
    for (name, dump) in kept {
        assert!(!dump.about.is_empty(), "{name} does not say what was wrong");
        for run in 0..dump.runs.len() {
            let case = dump.case(run).unwrap();
            if let Err(finding) = session.check_given(&case) {
                panic!("{name} is wrong again ({}): {finding}", dump.about);
            }
        }
    }
}

#[test]
fn they_hold_on_the_cpu() {
    hold(DeviceChoice::Cpu);
}

#[test]
fn they_hold_on_the_gpu() {
    if let Err(e) = Engine::builder().device(DeviceChoice::Gpu).build() {
        assert!(std::env::var("LAZURITE_REQUIRE_GPU").as_deref() != Ok("1"), "a GPU is required: {e}");
        eprintln!("no GPU adapter, only the CPU was tested: {e}");
        return;
    }
    hold(DeviceChoice::Gpu);
}
