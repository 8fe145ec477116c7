//! The graph: what the user recorded, and what the planner hands on.
//!
//! Nodes come into being only through [`infer`](infer::infer), which settles shape and dtype, so every node that exists is
//! well-formed. [`Recorder`] is the mutable, hash-consed DAG behind all arrays of an engine; [`Graph`] is the immutable,
//! topologically ordered snapshot of a demanded cone that planner, schedule and executors read. This room knows no rewriting,
//! no device and no kernel.

mod case;
mod demand;
pub mod infer;
mod key;
mod nodes;
mod op;
mod ops_elementwise;
mod recorder;
mod snapshot;
mod state;
mod verify;

pub use case::Case;
pub use demand::{Demand, GraphLookup};
pub use nodes::{NodeRef, Notes};
pub use op::{ArgOp, CastMode, HostOp, Op, ReduceOp, RngDist, ScanOp};
pub use ops_elementwise::{BinaryOp, UnaryOp};
pub use recorder::{Recorded, Recorder};
pub use snapshot::{Graph, LeafInfo, Node, NodeId, Operands, PlannedKernel};
