//! Dumps: what is written is read back to the bit, and what is no dump is refused with its place.

mod bisect;
mod hostile;
mod round_trip;
mod versions;
