//! Engines as the program builds them: with a folder that keeps what was found out about devices.

use std::env::var_os;
use std::path::PathBuf;

use lazurite::{Engine, EngineBuilder};

/// A builder whose engine keeps certificates of devices between runs, where `LAZURITE_CACHE_DIR` says or in the user's cache folder.
pub(super) fn builder() -> EngineBuilder {
    match cache_folder() {
        Some(folder) => Engine::builder().certificates(folder),
        None => Engine::builder(),
    }
}

/// The folder for what is cheap to find out again; `None` where the system names none.
pub(super) fn cache_folder() -> Option<PathBuf> {
    let set = |name| var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    // The XDG specification has relative paths ignored.
    let absolute = |path: &PathBuf| path.is_absolute();
    if let Some(folder) = set("LAZURITE_CACHE_DIR") {
        return Some(folder);
    }
    let user = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library/Caches"))
    } else {
        set("XDG_CACHE_HOME").filter(absolute).or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    user.map(|folder| folder.join("lazurite"))
}
