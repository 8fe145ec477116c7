//! Faults seeded one at a time: the checks must catch every one within its number of cases.
//!
//! `LAZURITE_FAULT=name` seeds only that one. The table in docs/reliability.md is held against the list of faults.

use lazurite::DeviceChoice;
use lazurite::check::{Session, SessionOptions};
use lazurite::types::Fault;

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

fn hold(faults: impl Iterator<Item = Fault>, device: DeviceChoice) {
    let mut missed = Vec::new();
    for fault in faults.filter(asked) {
        let started = std::time::Instant::now();
        match caught(fault, device) {
            Some(n) => println!("{:20} caught by case {n} of {}, {:?}", fault.name(), fault.limit(), started.elapsed()),
            None => missed.push(fault.name()),
        }
    }
    assert!(missed.is_empty(), "not caught within their numbers of cases: {missed:?}");
}

#[test]
fn every_fault_of_the_cpu_line_is_caught() {
    // Panics are caught and count as findings; their messages are not wanted here.
    hold(Fault::ALL.iter().copied().filter(|f| !f.on_gpu()), DeviceChoice::Cpu);
}
