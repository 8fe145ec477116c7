//! Faults seeded one at a time: the checks must catch every one within its number of cases.
//!
//! `LAZURITE_FAULT=name` seeds only that one. The table in docs/reliability.md is held against the list of faults.

use lazurite::DeviceChoice;

use super::alone;
use lazurite::check::{Session, SessionOptions};
use lazurite::inspect::PlanOptions;
use lazurite::inspect::rules::RuleInput;
use lazurite::unstable::planner::{expressions, plan, why};
use lazurite::unstable::types::Fault;
use lazurite::{CostTable, DType, Shape};

/// The cases of this seed are what every limit speaks of.
const SEED: u64 = 7;

fn session(device: DeviceChoice) -> Session {
    Session::new(SessionOptions::new(device, SEED)).unwrap()
}

/// The first case that shows the fault, counted from 1.
fn caught(fault: Fault, device: DeviceChoice) -> Option<u64> {
    let mut session = session(device);
    let _seeded = fault.seed();
    (0..fault.limit()).find(|&index| !session.holds(index)).map(|index| index + 1)
}

fn asked(fault: &Fault) -> bool {
    std::env::var("LAZURITE_FAULT").map_or(true, |name| name == fault.name())
}

/// To be called while [`alone`]: the faults and the hook for panics are those of every test of the process.
fn hold(faults: impl Iterator<Item = Fault>, device: DeviceChoice) {
    // Panics under a fault are caught and count as findings; their messages are not wanted, those of this test are.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for fault in faults.filter(asked) {
        let started = std::time::Instant::now();
        match caught(fault, device) {
            Some(n) => println!("{:20} caught by case {n} of {}, {:?}", fault.name(), fault.limit(), started.elapsed()),
            None => missed.push(fault.name()),
        }
    }
    std::panic::set_hook(hook);
    assert!(missed.is_empty(), "not caught within their numbers of cases: {missed:?}");
}

/// The rows of the table in docs/reliability.md.
fn table() -> String {
    let mut text = String::from("| fault | room | what goes wrong | caught within | on |\n|---|---|---|---|---|\n");
    for f in Fault::ALL {
        let on = if f.on_gpu() { "GPU" } else { "CPU" };
        text += &format!("| {} | {} | {} | {} cases | {on} |\n", f.name(), f.room(), f.what(), f.limit());
    }
    text
}

#[test]
fn the_table_of_faults_is_the_list_of_faults() {
    let _alone = alone();
    assert!(Fault::ALL.len() >= 30);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- faults -->\n").expect("the table has its place");
    let (_, after) = rest.split_once("<!-- end of faults -->\n").expect("the table has its end");
    let wanted = format!("{before}<!-- faults -->\n{}<!-- end of faults -->\n{after}", table());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    } else {
        assert!(text == wanted, "docs/reliability.md differs; BLESS=1 rewrites its table");
    }
}

#[test]
fn a_proof_of_exchanged_factors_is_refused() {
    let _alone = alone();
    let inputs: Vec<(&str, RuleInput)> = [("A", 64), ("B", 64), ("C", 64), ("v", 1)]
        .map(|(name, columns)| (name, RuleInput::Array(Shape::new(&[64, columns]), DType::F32)))
        .into();
    let graph = expressions(&["((A @ B) @ C) @ v"], &inputs).unwrap();
    let options = PlanOptions::new(CostTable::cpu());
    let _seeded = Fault::FactorsExchanged.seed();
    let planned = plan(&graph, &options);
    let proof = why(&graph, &options, graph.roots[0]).unwrap();
    let refusal = proof.check(&graph, &planned.graph, &options).unwrap_err().to_string();
    assert!(refusal.contains("other factors"), "{refusal}");
}

#[test]
fn every_fault_of_the_cpu_line_is_caught() {
    let _alone = alone();
    hold(Fault::ALL.iter().copied().filter(|f| !f.on_gpu()), DeviceChoice::Cpu);
}

#[test]
fn every_fault_of_kernels_is_caught() {
    let _alone = alone();
    if let Err(e) = lazurite::Engine::builder().device(DeviceChoice::Gpu).build() {
        assert!(std::env::var("LAZURITE_REQUIRE_GPU").as_deref() != Ok("1"), "a GPU is required: {e}");
        eprintln!("no GPU adapter, the faults of kernels were not seeded: {e}");
        return;
    }
    hold(Fault::ALL.iter().copied().filter(|f| f.on_gpu()), DeviceChoice::Gpu);
}
