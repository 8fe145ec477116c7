//! What each node is to the schedule: its role, whether it is one value everywhere, and what computing it in place would cost.
//!
//! A graph comes in; plain tables indexed by node come out. Groups, devices and memory are unknown here.

use crate::graph::{Graph, NodeId, Op, ReduceOp, RngDist};
use crate::types::{DType, Dims, Scalar, Shape, View};

/// What a node is to the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Data from outside.
    Leaf,
    /// A 0-d value the host knows at the start of a run.
    Scalar,
    /// One value that is known when scheduling: a fold of nothing, a product of no terms.
    Constant,
    /// No elements, so no work.
    Empty,
    /// Its operand, read through a view.
    View,
    /// Elementwise.
    Elementwise,
    /// Made of coordinates: iota and random elements.
    Generated,
    /// Made of windows: concat, pad, slice update.
    Windows,
    /// Picked along an axis.
    Gather,
    /// A reduction or arg-reduction.
    Fold,
    /// A running fold.
    Scan,
    /// A matrix product.
    Product,
    /// Runs as a host step.
    Host,
}

/// What computing an element from stored values costs when nothing between is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Inline {
    /// Cheap operations.
    pub ops: f64,
    /// Transcendental operations.
    pub heavy: f64,
    /// Bytes of everything read.
    pub bytes: f64,
}

/// Tables over the nodes of a graph.
pub(super) struct Analysis {
    pub role: Vec<Role>,
    /// The value of constants.
    pub constant: Vec<Option<Scalar>>,
    /// Whether all elements are the same, so that all views of the node read the same.
    pub uniform: Vec<bool>,
    pub inline: Vec<Inline>,
    /// The fold of the same size that an elementwise node follows: computing the node together with it costs no further step.
    pub anchor: Vec<Option<NodeId>>,
    /// Whether a root needs the node.
    pub demanded: Vec<bool>,
}

impl Analysis {
    pub fn of(graph: &Graph) -> Self {
        let n = graph.nodes.len();
        let host = graph.host_scalars();
        let mut analysis = Self {
            role: Vec::with_capacity(n),
            constant: Vec::with_capacity(n),
            uniform: Vec::with_capacity(n),
            inline: Vec::with_capacity(n),
            anchor: Vec::with_capacity(n),
            demanded: demanded(graph),
        };
        for id in graph.ids() {
            let constant = constant(graph, id);
            let role = if host[id.index()] {
                Role::Scalar
            } else if constant.is_some() {
                Role::Constant
            } else {
                role(graph, id)
            };
            analysis.role.push(role);
            analysis.constant.push(constant);
            let operands = &graph.node(id).operands;
            let uniform = match role {
                Role::Scalar | Role::Constant => true,
                Role::View | Role::Elementwise => operands.iter().all(|o| analysis.uniform[o.index()]),
                _ => false,
            };
            analysis.uniform.push(uniform);
            let inline = analysis.cost(graph, id);
            analysis.inline.push(inline);
            let len = graph.node(id).shape.len();
            let anchor = match role {
                Role::Fold => Some(id),
                Role::View | Role::Elementwise => operands
                    .iter()
                    .filter(|o| graph.node(**o).shape.len() == len)
                    .find_map(|o| analysis.anchor[o.index()]),
                _ => None,
            };
            analysis.anchor.push(anchor);
        }
        analysis
    }

    pub fn role(&self, id: NodeId) -> Role {
        self.role[id.index()]
    }

    pub fn uniform(&self, id: NodeId) -> bool {
        self.uniform[id.index()]
    }

    /// Whether the node takes no memory unless it is asked for, because it is written into every program that reads it.
    pub fn inlined(&self, id: NodeId) -> bool {
        matches!(self.role(id), Role::Scalar | Role::Constant)
    }

    fn cost(&self, graph: &Graph, id: NodeId) -> Inline {
        let node = graph.node(id);
        let bytes = |n: usize| n as f64 * node.dtype.size() as f64;
        let sum = |own: Inline| {
            node.operands.iter().fold(own, |sum, o| {
                let of = self.inline[o.index()];
                Inline { ops: sum.ops + of.ops, heavy: sum.heavy + of.heavy, bytes: sum.bytes + of.bytes }
            })
        };
        match self.role(id) {
            Role::Scalar | Role::Constant | Role::Empty => Inline::default(),
            Role::Elementwise => {
                let heavy = match node.op {
                    Op::Unary(u) => u.is_transcendental(),
                    Op::Binary(b) => b.is_transcendental(),
                    _ => false,
                };
                sum(if heavy {
                    Inline { ops: 0.0, heavy: 1.0, bytes: 0.0 }
                } else {
                    Inline { ops: 1.0, ..Inline::default() }
                })
            }
            Role::View => {
                let of = self.inline[node.operands[0].index()];
                Inline { bytes: of.bytes.min(bytes(node.shape.len()).max(of.bytes * 0.01)), ..of }
            }
            Role::Generated => match node.op {
                Op::Rng { dist: RngDist::Normal, .. } => Inline { ops: 60.0, heavy: 3.0, bytes: 0.0 },
                Op::Rng { .. } => Inline { ops: 40.0, ..Inline::default() },
                _ => Inline { ops: 1.0, ..Inline::default() },
            },
            _ => Inline { bytes: bytes(node.shape.len()), ..Inline::default() },
        }
    }
}

/// The view that a node is of its operand: a view, or a fold over axes of extent 1, which changes nothing.
pub(super) fn view_of(graph: &Graph, id: NodeId) -> Option<View> {
    match &graph.node(id).op {
        Op::View(v) => Some(v.clone()),
        Op::Reduce { .. } => Some(View::dense(&graph.node(id).shape)),
        _ => None,
    }
}

/// The axes of a fold.
pub(super) fn fold_axes(op: &Op) -> Option<Dims> {
    match op {
        Op::Reduce { axes, .. } => Some(axes.clone()),
        Op::ArgReduce { axis, .. } => Some(Dims::from_slice(&[*axis])),
        _ => None,
    }
}

/// A view with stride 0 along axes of extent 1, so that equal reads compare equal.
pub(super) fn canonical(view: &View) -> View {
    let shape = view.shape();
    let strides: Vec<i64> = shape.iter().zip(view.strides()).map(|(&d, &s)| if d == 1 { 0 } else { s }).collect();
    View::from_parts(shape.clone(), &strides, view.offset()).unwrap_or_else(|_| view.clone())
}

/// The view of a domain in which every element reads the first of a value.
pub(super) fn constant_view(domain: &Shape) -> View {
    let strides = vec![0; domain.rank()];
    View::from_parts(domain.clone(), &strides, 0).unwrap_or_else(|_| View::dense(domain))
}

fn demanded(graph: &Graph) -> Vec<bool> {
    let mut demanded = vec![false; graph.nodes.len()];
    for r in &graph.roots {
        demanded[r.index()] = true;
    }
    for id in graph.ids().rev() {
        if demanded[id.index()] {
            for o in &graph.node(id).operands {
                demanded[o.index()] = true;
            }
        }
    }
    demanded
}

fn role(graph: &Graph, id: NodeId) -> Role {
    let node = graph.node(id);
    if let Op::Leaf(_) = node.op {
        return Role::Leaf;
    }
    if node.shape.is_empty() {
        return Role::Empty;
    }
    match &node.op {
        Op::Leaf(_) => Role::Leaf,
        Op::Literal(_) | Op::Slot(_) => Role::Scalar,
        Op::Iota { .. } | Op::Rng { .. } => Role::Generated,
        Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Cast { .. } => Role::Elementwise,
        Op::View(_) => Role::View,
        Op::Reduce { axes, .. } => {
            let shape = &graph.node(node.operands[0]).shape;
            // A fold of one element is that element.
            if axes.iter().all(|&a| shape[a] == 1) { Role::View } else { Role::Fold }
        }
        Op::ArgReduce { .. } => Role::Fold,
        Op::Scan { .. } => Role::Scan,
        Op::Contract { .. } => Role::Product,
        Op::Gather { .. } => Role::Gather,
        Op::SliceUpdate { .. } | Op::Concat { .. } | Op::Pad { .. } => Role::Windows,
        Op::Scatter { .. } | Op::Sort { .. } | Op::Host { .. } => Role::Host,
    }
}

/// The value of every element of a node that folds nothing or, for positions, one element.
fn constant(graph: &Graph, id: NodeId) -> Option<Scalar> {
    let node = graph.node(id);
    if node.shape.is_empty() {
        return None;
    }
    let operand = |i: usize| graph.node(node.operands[i]);
    match &node.op {
        Op::Reduce { op, .. } if operand(0).shape.is_empty() => Some(neutral(*op, node.dtype)),
        Op::ArgReduce { axis, .. } if operand(0).shape[*axis] == 1 => Some(Scalar::from_i64(DType::I32, 0)),
        Op::Contract { .. } if operand(0).shape.is_empty() => Some(Scalar::from_i64(node.dtype, 0)),
        _ => None,
    }
}

/// What a fold of nothing gives.
fn neutral(op: ReduceOp, dtype: DType) -> Scalar {
    let extreme = |sign: f64| match dtype {
        DType::I64 => Scalar::from_i64(dtype, if sign < 0.0 { i64::MIN } else { i64::MAX }),
        // Conversion saturates at the ends of integer dtypes; for bool an end is false or true.
        DType::Bool => Scalar::from_f64(dtype, f64::from(sign > 0.0)),
        _ => Scalar::from_f64(dtype, sign * f64::INFINITY),
    };
    match op {
        ReduceOp::Sum | ReduceOp::Any => Scalar::from_f64(dtype, 0.0),
        ReduceOp::Prod | ReduceOp::All => Scalar::from_f64(dtype, 1.0),
        ReduceOp::Max | ReduceOp::Fmax => extreme(-1.0),
        ReduceOp::Min | ReduceOp::Fmin => extreme(1.0),
    }
}
