//! Compiled pipelines kept on disk between runs, in a folder that the user names; without one nothing is read or written.
//!
//! Only Vulkan has such a cache. A file that cannot be read or no longer fits the driver is the same as none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::adapter::Opened;
use super::health::Health;
use super::shared::Shared;
use crate::error::{Error, Result};

/// The driver's cache and its file.
pub(super) struct CacheFile(Option<Open>);

struct Open {
    cache: Shared<wgpu::PipelineCache>,
    path: PathBuf,
    health: Arc<Health>,
}

impl CacheFile {
    /// The cache of this adapter in `folder`, with what an earlier run left there.
    pub fn open(opened: &Opened, folder: Option<&Path>, health: &Arc<Health>) -> Self {
        let (Some(folder), true) = (folder, opened.pipeline_cache) else { return Self(None) };
        let Some(name) = wgpu::util::pipeline_cache_key(&opened.info) else { return Self(None) };
        let path = folder.join(name);
        let data = std::fs::read(&path).ok();
        let create = || {
            let descriptor =
                wgpu::PipelineCacheDescriptor { label: Some("lazurite"), data: data.as_deref(), fallback: true };
            // SAFETY: the file is named after the adapter and written by `save` alone, from `get_data`; wgpu and the driver
            // check its header against their versions. The folder is one that the user chose to trust.
            Shared(unsafe { opened.device.create_pipeline_cache(&descriptor) })
        };
        match health.guard(&opened.device, || "the pipeline cache".into(), create) {
            Ok(cache) => Self(Some(Open { cache, path, health: health.clone() })),
            Err(e) => {
                tracing::warn!("pipelines are not kept between runs: {e}");
                Self(None)
            }
        }
    }

    /// No cache at all.
    #[cfg(test)]
    pub fn none() -> Self {
        Self(None)
    }

    /// The cache to compile with.
    pub fn raw(&self) -> Option<&wgpu::PipelineCache> {
        self.0.as_ref().map(|open| &*open.cache)
    }

    /// Writes the cache beside its file and renames it into place, so that no reader ever sees half of it.
    pub fn save(&self) -> Result<()> {
        let Some(open) = self.0.as_ref().filter(|o| !o.health.is_lost()) else { return Ok(()) };
        let Some(data) = open.cache.get_data() else { return Ok(()) };
        let temporary = open.path.with_extension(format!("{}.part", std::process::id()));
        let write = || {
            if let Some(folder) = open.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&temporary, &data)?;
            std::fs::rename(&temporary, &open.path)
        };
        write().map_err(|e| {
            Error::argument(format!("the pipeline cache could not be written to {}: {e}", open.path.display()))
        })
    }
}
