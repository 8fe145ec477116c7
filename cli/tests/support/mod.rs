//! What the test executables share: folders with the program run in them, scripts run in this process, Octave's records.
#![allow(dead_code, reason = "each executable uses its part of these helpers")]

pub mod folder;
pub mod recorded;
pub mod scripts;
