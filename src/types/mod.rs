//! Plain data that every room may name: dtypes, scalars, shapes, views, host buffers, limits, costs and origins.
//!
//! Nothing here knows a graph, a device or an array.

mod buffer;
mod conformance;
mod cost;
mod dtype;
mod faults;
mod limits;
mod options;
mod scalar;
mod shape;
mod tuning;
mod view;

pub use buffer::{Element, HostBuffer};
pub use conformance::{Conformance, Exception, OperationKind, Workaround};
pub use cost::CostTable;
pub use dtype::{DType, DTypeKind};
pub use faults::Fault;
pub(crate) use faults::seeded;
pub use limits::Limits;
pub use options::{DeviceChoice, Numerics, Order, Origin};
pub use scalar::Scalar;
pub use shape::{Dims, Shape};
pub use tuning::Tuning;
pub use view::View;
