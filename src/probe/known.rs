//! What is known without a probe: the certificates of known drivers, as `lazurite devices --certify` printed them, and what this process
//! has found out already.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::certificate::{Certificate, Subject};
use crate::types::Conformance;

const PAGES: &[&str] = &[
    include_str!("../../docs/certificates/llvmpipe-22.3.6-256.txt"),
    include_str!("../../docs/certificates/llvmpipe-22.3.6-512.txt"),
    include_str!("../../docs/certificates/nvidia-h200-580.159.04.txt"),
    include_str!("../../docs/certificates/swiftshader.txt"),
];

/// Devices with what was found of them. It is about drivers, which do not change while a process runs, and holds for every engine.
type Findings = Vec<(Subject, Conformance)>;

fn findings() -> &'static Mutex<Findings> {
    static FINDINGS: OnceLock<Mutex<Findings>> = OnceLock::new();
    let of = |certificate: Certificate| (certificate.subject().clone(), certificate.conformance());
    FINDINGS.get_or_init(|| Mutex::new(PAGES.iter().filter_map(|page| Certificate::read(page)).map(of).collect()))
}

/// What is known of a device, if anything.
pub(crate) fn known(subject: &Subject) -> Option<Conformance> {
    let findings = findings().lock().unwrap_or_else(PoisonError::into_inner);
    findings.iter().find(|(s, _)| s == subject).map(|(_, conformance)| conformance.clone())
}

/// Remembers what was found of a device.
pub(crate) fn remember(subject: &Subject, conformance: &Conformance) {
    let mut findings = findings().lock().unwrap_or_else(PoisonError::into_inner);
    if findings.iter().all(|(s, _)| s != subject) {
        findings.push((subject.clone(), conformance.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_of_this_probe() {
        for page in PAGES {
            let read = Certificate::read(page).expect("a page of another version: print it again on its device");
            assert_eq!(known(read.subject()), Some(read.conformance()));
            assert_eq!(read.to_string(), *page);
        }
    }
}
