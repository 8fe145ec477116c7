//! Certificates kept between runs, in a folder that somebody named: a file for each device.
//!
//! A file that cannot be read, or is of another version of the probe or another device, is the same as none.

use std::path::{Path, PathBuf};

use super::certificate::{Certificate, Subject};
use crate::algorithms::FixedHasher;

/// The file of a device.
fn path(folder: &Path, subject: &Subject) -> PathBuf {
    let Subject { adapter, backend, driver, features } = subject;
    let mut hasher = FixedHasher::default();
    [adapter, backend, driver, features].into_iter().for_each(|text| hasher.mix_text(text));
    folder.join(format!("conformance-{:016x}.txt", hasher.value()))
}

/// The certificate that was kept of a device.
pub(crate) fn kept(folder: &Path, subject: &Subject) -> Option<Certificate> {
    let page = std::fs::read_to_string(path(folder, subject)).ok()?;
    Certificate::read(&page).filter(|c| c.subject() == subject)
}

/// Keeps a certificate: written beside its file and renamed into place, so that no reader ever sees half of it.
///
/// # Errors
/// What the system says.
pub(crate) fn keep(folder: &Path, certificate: &Certificate) -> std::io::Result<()> {
    let path = path(folder, certificate.subject());
    let temporary = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::create_dir_all(folder)?;
    std::fs::write(&temporary, certificate.to_string())?;
    std::fs::rename(&temporary, &path)
}
