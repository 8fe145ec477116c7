//! Arrays in a dump: inline, in a file beside it, or by a rule that generates them.
//!
//! A rule is used where it gives every bit of the array; it costs a line instead of a megabyte.

use std::sync::Arc;

use super::json::{At, Object, quoted};
use super::npy;
use super::scalar::{self, base64_len, dtype, from_base64, to_base64};
use crate::cpu::reference::random;
use crate::error::{Error, Result};
use crate::graph::RngDist;
use crate::types::{DType, HostBuffer, Scalar};

/// An array without a shape: leaves are dense and row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The dtype of its elements.
    pub dtype: DType,
    /// How many.
    pub len: usize,
    /// Where they come from.
    pub elements: Elements,
}

/// Where elements come from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Elements {
    /// The text itself.
    Inline(Arc<HostBuffer>),
    /// A file beside the text.
    Beside {
        /// Its name, without a folder.
        file: String,
        /// What it holds.
        buffer: Arc<HostBuffer>,
    },
    /// A rule.
    Rule(Rule),
}

/// How elements follow from their numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// All alike.
    Constant(Scalar),
    /// Element i is `start + step·i`, in 64-bit floats rounded once for floating dtypes, wrapping in 64 bits for integers.
    Linear {
        /// Element 0.
        start: Scalar,
        /// The difference between neighbours.
        step: Scalar,
    },
    /// Random elements, as the graph's operation of that name gives them: a function of key, stream and number.
    Random {
        /// Their distribution.
        dist: RngDist,
        /// The key.
        key: u32,
        /// The stream.
        stream: u32,
    },
}

/// Arrays shorter than this are always written out: people want to see them.
const MIN_RULE: usize = 16;
/// The bytes that all data of one dump may have together.
pub(super) const MAX_BYTES: u64 = 1 << 30;

impl Rule {
    fn element(&self, dtype: DType, i: usize) -> Scalar {
        match *self {
            Self::Constant(value) => value,
            Self::Linear { start, step } if dtype.is_float() => {
                Scalar::from_f64(dtype, start.to_f64() + step.to_f64() * i as f64)
            }
            Self::Linear { start, step } => {
                Scalar::from_i64(dtype, start.to_i64().wrapping_add(step.to_i64().wrapping_mul(i as i64)))
            }
            Self::Random { dist, key, stream } => random::element(dist, dtype, key, stream, i as u64),
        }
    }

    /// The rule that gives every bit of a buffer, if a simple one does.
    fn of(buffer: &HostBuffer) -> Option<Self> {
        let dtype = buffer.dtype();
        if buffer.len() < MIN_RULE {
            return None;
        }
        let (first, second) = (buffer.get(0), buffer.get(1));
        let rule = if first == second {
            Self::Constant(first)
        } else if dtype == DType::Bool {
            return None;
        } else if dtype.is_float() {
            Self::Linear { start: first, step: Scalar::from_f64(dtype, second.to_f64() - first.to_f64()) }
        } else {
            let step = second.to_i64().wrapping_sub(first.to_i64());
            Self::Linear { start: first, step: Scalar::from_i64(dtype, step) }
        };
        (0..buffer.len()).all(|i| rule.element(dtype, i) == buffer.get(i)).then_some(rule)
    }
}

impl Data {
    /// An array, by a rule where one gives it.
    #[must_use]
    pub fn of(buffer: Arc<HostBuffer>) -> Self {
        let (dtype, len) = (buffer.dtype(), buffer.len());
        let elements = Rule::of(&buffer).map_or(Elements::Inline(buffer), Elements::Rule);
        Self { dtype, len, elements }
    }

    /// The array.
    ///
    /// # Errors
    /// Out of memory.
    pub fn buffer(&self) -> Result<HostBuffer> {
        match &self.elements {
            Elements::Inline(buffer) | Elements::Beside { buffer, .. } => Ok((**buffer).clone()),
            Elements::Rule(rule) => {
                let mut buffer = HostBuffer::zeros(self.dtype, self.len)?;
                for i in 0..self.len {
                    buffer.set(i, rule.element(self.dtype, i));
                }
                Ok(buffer)
            }
        }
    }

    /// Whether these are the elements of a buffer of the same dtype and length.
    pub(super) fn holds(&self, buffer: &Arc<HostBuffer>) -> bool {
        match &self.elements {
            Elements::Inline(own) | Elements::Beside { buffer: own, .. } => {
                Arc::ptr_eq(own, buffer) || own.bytes() == buffer.bytes()
            }
            Elements::Rule(rule) => (0..self.len).all(|i| rule.element(self.dtype, i) == buffer.get(i)),
        }
    }

    pub(super) fn write(&self) -> String {
        let object = Object::new().text("dtype", self.dtype.name()).field("len", self.len);
        match &self.elements {
            Elements::Inline(buffer) => object.text("base64", &to_base64(buffer.bytes())),
            Elements::Beside { file, .. } => object.text("npy", file),
            Elements::Rule(rule) => object.field("rule", rule.write()),
        }
        .finish()
    }

    /// Reads one array; `room` is how many bytes all further data may have.
    pub(super) fn read(at: &At<'_>, beside: &Beside<'_>, room: &mut u64) -> Result<Self> {
        let dtype = dtype(&at.field("dtype")?)?;
        let len: usize = at.field("len")?.int()?;
        let bytes = (len as u64).saturating_mul(dtype.size() as u64);
        *room = room.checked_sub(bytes).ok_or_else(|| {
            at.error(format!(
                "{len} elements of {dtype}: expected at most {MAX_BYTES} bytes of data in a dump, of which {room} are left"
            ))
        })?;
        let elements = if let Some(text) = at.maybe("base64")? {
            let digits = text.text()?;
            // Checked before anything is allocated, so that a short text cannot claim a gigabyte.
            if digits.len() as u64 != base64_len(bytes as usize) {
                return Err(text.error(format!(
                    "expected {} characters of base64 for {len} elements of {dtype}, given {}",
                    base64_len(bytes as usize),
                    digits.len()
                )));
            }
            let mut buffer = HostBuffer::zeros(dtype, len)?;
            from_base64(digits, buffer.bytes_mut()).map_err(|e| text.error(e))?;
            if dtype == DType::Bool && buffer.bytes().iter().any(|&b| b > 1) {
                return Err(text.error("expected truth values to be bytes 0 and 1"));
            }
            Elements::Inline(Arc::new(buffer))
        } else if let Some(name) = at.maybe("npy")? {
            let file = name.text()?;
            if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', ':', '\0']) {
                return Err(name.error(format!("expected the name of a file without a folder, given {}", quoted(file))));
            }
            let bytes = beside(file).map_err(|e| name.error(e.message()))?;
            let buffer = npy::read(&bytes, dtype, len).map_err(|e| name.error(format!("{file}: {e}")))?;
            Elements::Beside { file: file.to_owned(), buffer: Arc::new(buffer) }
        } else if let Some(rule) = at.maybe("rule")? {
            Elements::Rule(Rule::read(&rule, dtype)?)
        } else {
            return Err(at.error("expected one of the fields \"base64\", \"npy\" and \"rule\""));
        };
        Ok(Self { dtype, len, elements })
    }

    /// The name and the bytes of the file beside the dump, if the array is in one.
    pub(super) fn file(&self) -> Option<(&str, Vec<u8>)> {
        match &self.elements {
            Elements::Beside { file, buffer } => Some((file, npy::write(buffer))),
            _ => None,
        }
    }
}

const DISTS: [(&str, RngDist); 3] =
    [("bits", RngDist::Bits), ("uniform", RngDist::Uniform), ("normal", RngDist::Normal)];

impl Rule {
    fn write(&self) -> String {
        match *self {
            Self::Constant(value) => Object::new().field("constant", scalar::write(value)).finish(),
            Self::Linear { start, step } => {
                Object::new().field("start", scalar::write(start)).field("step", scalar::write(step)).finish()
            }
            Self::Random { dist, key, stream } => {
                let name = DISTS.iter().find(|(_, d)| *d == dist).map_or("bits", |(name, _)| name);
                Object::new().text("random", name).field("key", key).field("stream", stream).finish()
            }
        }
    }

    fn read(at: &At<'_>, dtype: DType) -> Result<Self> {
        if let Some(value) = at.maybe("constant")? {
            return Ok(Self::Constant(scalar::read(&value, dtype)?));
        }
        if let Some(name) = at.maybe("random")? {
            let dist = name.word(&DISTS)?;
            let fits = match dist {
                RngDist::Bits => dtype == DType::U32,
                RngDist::Uniform | RngDist::Normal => matches!(dtype, DType::F32 | DType::F64),
            };
            if !fits {
                return Err(name.error(format!("there are no such random elements of {dtype}")));
            }
            return Ok(Self::Random { dist, key: at.field("key")?.int()?, stream: at.field("stream")?.int()? });
        }
        if dtype == DType::Bool {
            return Err(at.error("truth values have no \"start\" and \"step\""));
        }
        let of = |name| at.field(name).and_then(|at| scalar::read(&at, dtype));
        Ok(Self::Linear { start: of("start")?, step: of("step")? })
    }
}

/// Gives the bytes of a file that lies beside a dump, by its name.
pub type Beside<'a> = dyn Fn(&str) -> Result<Vec<u8>> + 'a;

/// What a reader finds beside a dump when there are no files.
///
/// # Errors
/// Always an argument error.
pub fn nothing_beside(file: &str) -> Result<Vec<u8>> {
    Err(Error::argument(format!("there is no file {file} beside this dump")))
}
