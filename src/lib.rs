//! A lazy array engine: operations on arrays record a graph, and asking for a result plans, fuses and runs it.
//!
//! A planner rewrites the recorded graph with an e-graph, a scheduler forms fused groups, and the groups run as WGSL kernels on a
//! GPU or as tiled loops on the CPU. There is no global state: an [`Engine`] is built explicitly and shared freely between threads.
//!
#![cfg_attr(feature = "blocking", doc = "```")]
#![cfg_attr(not(feature = "blocking"), doc = "```text")]
//! use lazurite::Engine;
//!
//! let engine = Engine::new()?;
//! let x = engine.from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 9.0], &[3, 2])?;
//!
//! // Nothing is computed yet: these lines record a graph.
//! let centred = &x - &x.mean(0, true);
//! let covariance = centred.t().matmul(&centred) / 2.0;
//!
//! // One evaluation, planned, fused and run as a whole.
//! assert_eq!(covariance.to_vec::<f64>()?, [4.0, 7.0, 7.0, 13.0]);
//!
//! // What ran, and what it was made from.
//! let evaluation = engine.last_evaluation().expect("something was evaluated");
//! println!("{evaluation}");
//! # Ok::<(), lazurite::Error>(())
//! ```
//!
//! # Where to look
//!
//! * To **embed** lazurite as an array back end: this page. [`Engine::builder`] chooses device, numerics and limits,
//!   [`Array`] has the operations, [`Error`] says what was expected and what was given. [`prelude`] imports the usual names.
//! * To **check fusion**: [`Engine::run_graph`] runs one graph with and without planner and fusion
//!   ([`RunOptions`](inspect::RunOptions)); the `check` module (feature `check`) has an oracle, random graphs, a comparison
//!   that knows rounding, and sessions that shrink and blame what they find.
//! * To **read what was planned**: an [`Evaluation`] prints itself; [`inspect`] holds the graphs, plans, schedules, proofs
//!   and dump files behind it.
//!
//! # Features
//!
//! `gpu` (wgpu), `blocking` (wrappers over the async forms), `threads` and `linalg` are on by default; `ndarray` adds conversions,
//! `check` the checking tools. Without `gpu` everything runs on the CPU.

// Whatever a public signature speaks of can be imported.
#![warn(unnameable_types)]

mod algorithms;
mod npy;

mod error;
mod types;

mod graph;

mod planner;
mod schedule;

mod kernels;

mod cpu;

mod soundness;

#[cfg(feature = "gpu")]
mod probe;

mod buffers;
#[cfg(feature = "gpu")]
mod device;

mod engine;

mod array;

mod dump;

#[cfg(feature = "check")]
pub mod check;

#[cfg(feature = "blocking")]
pub use array::calibrate;
pub use array::{Array, Axes, Operand, SliceSpec, Value};
#[cfg(feature = "gpu")]
pub use device::DeviceStats;
pub use engine::{Engine, EngineBuilder, Evaluation, Stats, Verify};
pub use error::{Error, ErrorKind, Result};
pub use planner::Rules;
#[cfg(feature = "gpu")]
pub use probe::{Certificate, Outcome, Stage, Subject};
pub use types::{
    CostTable, DType, DTypeKind, DeviceChoice, Element, HostBuffer, Numerics, Order, Origin, Scalar, Shape,
};

/// The names that most programs need, to be imported as a whole: `use lazurite::prelude::*`.
///
/// [`Error`] and [`Result`] are not among them, because a glob would hide the standard `Result`.
pub mod prelude {
    pub use crate::{Array, Axes, DType, DeviceChoice, Engine, Numerics, Order, Scalar, Shape, SliceSpec};
}

/// Looking into an evaluation: what was recorded, planned, scheduled and run, why, and as files.
///
/// An [`Evaluation`] holds the recorded [`Graph`](inspect::graph::Graph) and a [`Prepared`](inspect::Prepared), the product of
/// planner, scheduler and kernel writer. [`Evaluation::why`] proves a step of the plan. [`dump`](inspect::dump) writes programs, their
/// data and what was planned for them to files, reads them back, and searches a wrong result for the rule or group at fault.
pub mod inspect {
    pub use crate::engine::{Given, KernelTime, PrepareTimes, Prepared, RunOptions, Span, Times, Without};
    pub use crate::kernels::{Arithmetic, Binding, BindingSource, Choice, Kernel, Lowered, Param, Rejected};
    pub use crate::planner::{Class, Fired, Phase, Plan, PlanOptions, Proof, ProofStep, Prover, RuleClasses, RuleInfo};
    pub use crate::schedule::{
        Block, Core, Group, Lifetime, Place, Refusal, Schedule, Step, Value, ValueId, ValueKind,
    };
    pub use crate::types::Dims;

    /// Recorded and planned graphs: nodes, operations, views.
    pub mod graph {
        pub use crate::graph::infer::OperandType;
        pub use crate::graph::{
            ArgOp, BinaryOp, Case, CastMode, Graph, HostOp, LeafInfo, Node, NodeId, Op, PlannedKernel, ReduceOp,
            RngDist, ScanOp, UnaryOp,
        };
        pub use crate::types::View;
    }

    /// The scalar programs of groups: what each element goes through, and what is stored of it.
    pub mod program {
        pub use crate::schedule::{Coord, Inst, Level, Load, Program, Reg, Store, StoreShape, Window};
    }

    /// Rewrite rules as data: what each was checked to be, its two sides, and what it asks of its operands.
    pub mod rules {
        pub use crate::planner::{
            Properties, Property, Requirements, RuleCheck, RuleInput, RuleInstance, RuleOperator, RuleSides,
            VariableSort,
        };
    }

    /// Dumps: programs, their data, their runs and what was planned for them, as JSON files and as pages to read.
    ///
    /// `docs/dump-format.md` describes the format.
    pub mod dump {
        pub use crate::dump::{
            Beside, Data, Dump, Elements, FiredRecord, GroupRecord, KernelRecord, Note, PlanRecord, Record,
            RecordedGraph, Rule, RuleFile, Run, Script, Settings, StepKind, StepRecord, VERSION, WhyRecord, WhyStep,
            Work, nothing_beside, page, trace,
        };
        #[cfg(feature = "blocking")]
        pub use crate::dump::{Bisection, Judge, Outcome, UnfusedGroup, bisect};
    }
}

/// What lazurite's own tests, benchmarks, fuzz targets and command line need of the rooms beyond the public interface.
///
/// Nothing here is stable: names change and go without notice in any version. A name is listed here only while one of those uses
/// it, or a signature of one that is used, so that the compiler reports what nothing uses.
#[doc(hidden)]
pub mod unstable {
    /// Seeded random numbers.
    pub mod algorithms {
        pub use crate::algorithms::{Lcg, Random, SplitMix, Xorshift};
    }

    /// The headers of `.npy` files.
    pub mod npy {
        pub use crate::npy::{ElementKind, ElementType, Header, HeaderError, Opened};
    }

    /// The CPU executor and the reference.
    pub mod cpu {
        pub use crate::cpu::{run_group, run_host};

        /// The living definition of every operation.
        pub mod reference {
            pub use crate::cpu::reference::{binary, cast, eval, eval_graph, select, unary};

            /// Reductions, scans and products.
            pub mod fold {
                pub use crate::cpu::reference::fold::{
                    arg_reduce, arg_reduce_array, contract, reduce, reduce_array, scan_array,
                };
            }
            /// Random numbers.
            pub mod random {
                pub use crate::cpu::reference::random::element;
            }
            /// Single scalars.
            pub mod scalar {
                pub use crate::cpu::reference::scalar::{binary, cast, from_f64, select, unary};
            }
        }
    }

    /// The GPU below the engine.
    #[cfg(feature = "gpu")]
    pub mod device {
        pub use crate::device::{AdapterKind, AdapterSummary, DeviceBuffer, Dispatch, Gpu, GpuOptions};
    }

    /// Inference without recording.
    pub mod graph {
        pub use crate::graph::infer::infer;
    }

    /// Groups as WGSL.
    pub mod kernels {
        pub use crate::kernels::lower;
    }

    /// Planning without an engine, and rules as expressions to try.
    pub mod planner {
        pub use crate::planner::{expressions, plan, why};
    }

    /// Scheduling without an engine.
    pub mod schedule {
        pub use crate::schedule::{ScheduleOptions, schedule};
    }

    /// Rules held against the reference.
    pub mod soundness {
        pub use crate::soundness::{
            Candidates, CaseData, Filling, Trial, Values, admit, each_assignment, fill, operator_choices, try_case,
            try_rule,
        };
    }

    /// Limits, what is known of a device's arithmetic, and the faults that tests seed.
    pub mod types {
        pub use crate::types::{Conformance, Exception, Fault, Limits, OperationKind, Tuning, Workaround};
    }
}
