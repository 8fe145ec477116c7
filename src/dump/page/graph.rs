//! The two graphs of a page, laid out: the one that was written, and the one that ran with its groups as boxes.
//!
//! Constants are written into the nodes that use them, so that what is drawn is what is computed.

use super::layout::{Drawing, Point, draw_either};
use crate::dump::content::{Note, RecordedGraph};
use crate::dump::json::{Object, lines, list, number, quoted};
use crate::dump::record::{Record, StepKind};
use crate::graph::{Graph, NodeId, Op};
use crate::schedule::{Place, ValueKind};
use crate::types::{Origin, View};

/// The height of a node, of a box's title, and the space within a box.
const NODE_HEIGHT: f64 = 34.0;
const TITLE: f64 = 24.0;
const PAD: f64 = 12.0;
/// Width to height of the picture as a whole, and of what is inside a box: a screen is wide, and boxes are side by side.
const WHOLE: f64 = 1.7;
const INSIDE: f64 = 0.8;

/// What a page says of a node wherever it is drawn.
pub(super) fn node(graph: &Graph, id: NodeId, notes: Option<&[Note]>) -> String {
    let n = graph.node(id);
    let elements = n.shape.len() as f64;
    let inner = match (&n.op, n.operands.first()) {
        (Op::Contract { .. }, Some(&a)) => 2.0 * graph.node(a).shape.last().map_or(1.0, |&k| k as f64),
        (Op::Reduce { .. } | Op::ArgReduce { .. }, Some(&a)) => graph.node(a).shape.len() as f64 / elements.max(1.0),
        (op, _) if op.is_elementwise() || matches!(op, Op::Scan { .. } | Op::Rng { .. }) => 1.0,
        _ => 0.0,
    };
    let mut object = Object::new()
        .text("op", &n.op.to_string())
        .text("what", &format!("{}{}", n.dtype, n.shape))
        .field("bytes", (n.shape.len() as u64).saturating_mul(n.dtype.size() as u64))
        .field("flops", number(elements * inner))
        .field("operands", list(n.operands.iter().map(|o| o.0)));
    if let Some(note) = notes.and_then(|n| n.get(id.index())) {
        let place = |o: &Origin| {
            let label = o.label.as_deref().map_or_else(|| String::from("null"), quoted);
            list([quoted(&o.file), o.line.to_string(), o.col.to_string(), label])
        };
        object = object.field("at", list(note.origins.iter().map(place))).maybe("tag", note.tag.as_deref());
    }
    object.finish()
}

/// Whether a node is written into its users: a constant or a scalar of the run.
fn inlined(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(id).op, Op::Literal(_) | Op::Slot(_)) && !graph.roots.contains(&id)
}

/// The name a program gave the node's value, the latest one.
fn name(notes: &[Note], id: NodeId) -> Option<&str> {
    notes.get(id.index())?.origins.iter().rev().find_map(|o| o.label.as_deref())
}

/// Colours go by this.
fn family(op: &Op) -> &'static str {
    match op {
        Op::Leaf(_) => "leaf",
        Op::Literal(_) | Op::Slot(_) | Op::Iota { .. } | Op::Rng { .. } => "source",
        Op::View(_) => "view",
        Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Scan { .. } => "fold",
        Op::Contract { .. } => "product",
        Op::Host { .. } | Op::Sort { .. } => "host",
        op if op.is_elementwise() => "each",
        _ => "move",
    }
}

/// A node's two lines of text and how wide they are.
struct Label {
    name: Option<String>,
    head: String,
    sub: String,
}

impl Label {
    fn of(graph: &Graph, id: NodeId, name: Option<&str>) -> Self {
        let n = graph.node(id);
        let constants = n.operands.iter().map(|&o| match &graph.node(o).op {
            Op::Literal(s) => Some(s.to_string()),
            Op::Slot(i) => Some(format!("${i}")),
            _ => None,
        });
        let constants: Vec<Option<String>> = constants.collect();
        let mut head = match &n.op {
            Op::Leaf(i) => format!("leaf {i}"),
            Op::Literal(s) => s.to_string(),
            Op::View(v) => view_name(v, graph, n.operands.first().copied()),
            Op::Reduce { op, axes } => format!("{} {:?}", op.name(), axes.as_slice()),
            other => other.name().to_owned(),
        };
        if constants.iter().any(Option::is_some) {
            let shown: Vec<&str> = constants.iter().map(|c| c.as_deref().unwrap_or("·")).collect();
            head = format!("{head}({})", shown.join(", "));
        }
        let sub = format!("{}{}", n.dtype, n.shape);
        Self { name: name.map(str::to_owned), head, sub }
    }

    fn size(&self) -> Point {
        let head = self.head.chars().count() + self.name.as_ref().map_or(0, |n| n.chars().count() + 3);
        let width = (head as f64 * 7.3).max(self.sub.chars().count() as f64 * 6.2) + 18.0;
        (width.max(52.0), NODE_HEIGHT)
    }
}

/// What a view does, where that has a word.
fn view_name(view: &View, graph: &Graph, of: Option<NodeId>) -> String {
    let Some(of) = of else { return String::from("view") };
    let from = &graph.node(of).shape;
    if view.is_dense() && view.shape().len() == from.len() {
        return String::from("reshape");
    }
    if view.strides().iter().zip(view.shape().iter()).any(|(s, d)| *s == 0 && *d > 1) {
        return String::from("broadcast");
    }
    let sorted = |dims: &[usize]| {
        let mut dims: Vec<usize> = dims.iter().copied().filter(|d| *d > 1).collect();
        dims.sort_unstable();
        dims
    };
    let backwards = view.strides().iter().any(|s| *s < 0);
    match (view.shape().len() == from.len(), backwards) {
        (true, true) => String::from("flip"),
        (true, false) if sorted(view.shape()) == sorted(from) && view.offset() == 0 => String::from("transpose"),
        (true, false) => String::from("rearrange"),
        (false, _) if view.shape().rank() < from.rank() && view.strides().len() == 1 => {
            String::from("slice or diagonal")
        }
        (false, _) => String::from("slice"),
    }
}

fn points(path: &[Point], by: Point) -> String {
    list(path.iter().flat_map(|p| [rounded(p.0 + by.0), rounded(p.1 + by.1)]))
}

/// Half a pixel is as exact as a picture needs to be.
fn rounded(x: f64) -> String {
    format!("{}", (x * 2.0).round() / 2.0)
}

/// A node at its place.
fn placed(id: NodeId, graph: &Graph, label: &Label, at: Point) -> String {
    let size = label.size();
    Object::new()
        .field("id", id.0)
        .field("box", list([at.0, at.1, size.0, size.1].map(rounded)))
        .text("family", family(&graph.node(id).op))
        .text("head", &label.head)
        .text("sub", &label.sub)
        .maybe("name", label.name.as_deref())
        .field("root", graph.roots.contains(&id))
        .finish()
}

/// Nodes of a graph laid out among themselves.
struct Part {
    ids: Vec<NodeId>,
    labels: Vec<Label>,
    edges: Vec<(usize, usize)>,
    drawing: Drawing,
}

impl Part {
    fn new(graph: &Graph, ids: Vec<NodeId>, ratio: f64, name: impl Fn(NodeId) -> Option<String>) -> Self {
        let labels: Vec<Label> = ids.iter().map(|&id| Label::of(graph, id, name(id).as_deref())).collect();
        let place = |id: NodeId| ids.binary_search(&id).ok();
        let mut edges = Vec::new();
        for (b, &id) in ids.iter().enumerate() {
            edges.extend(graph.node(id).operands.iter().filter_map(|&o| place(o)).map(|a| (a, b)));
        }
        edges.dedup();
        let sizes: Vec<Point> = labels.iter().map(Label::size).collect();
        let drawing = draw_either(&sizes, &edges, ratio);
        Self { ids, labels, edges, drawing }
    }

    fn nodes(&self, graph: &Graph, by: Point) -> Vec<String> {
        let all = self.ids.iter().zip(&self.labels).zip(&self.drawing.places);
        all.map(|((&id, label), at)| placed(id, graph, label, (at.0 + by.0, at.1 + by.1))).collect()
    }

    fn paths(&self, by: Point) -> Vec<String> {
        let all = self.edges.iter().zip(&self.drawing.paths);
        all.map(|((a, b), path)| {
            let ends = list([self.ids[*a].0, self.ids[*b].0]);
            let object = Object::new().field("ends", ends).field("path", points(path, by));
            if self.drawing.sideways { object.field("side", true) } else { object }.finish()
        })
        .collect()
    }
}

/// The graph as it was written.
pub(super) fn before(program: &RecordedGraph) -> String {
    let graph = &program.graph;
    let ids = graph.ids().filter(|&id| !inlined(graph, id)).collect();
    let part = Part::new(graph, ids, WHOLE, |id| name(&program.notes, id).map(str::to_owned));
    drawn(part.drawing.size, part.nodes(graph, (0.0, 0.0)), part.paths((0.0, 0.0)), Vec::new())
}

fn drawn(size: Point, nodes: Vec<String>, paths: Vec<String>, boxes: Vec<String>) -> String {
    Object::new()
        .field("size", list([rounded(size.0), rounded(size.1)]))
        .field("boxes", lines(boxes))
        .field("nodes", lines(nodes))
        .field("edges", lines(paths))
        .finish()
}

/// The graph that ran, its groups as boxes. A node that several groups compute is drawn in each of them.
pub(super) fn after(record: &Record, program: &RecordedGraph) -> String {
    let Units { units, edges } = Units::of(record, program);
    let sizes: Vec<Point> = units.iter().map(|u| u.size).collect();
    let ends: Vec<(usize, usize)> = edges.iter().map(|e| (e.from, e.to)).collect();
    let outer = draw_either(&sizes, &ends, WHOLE);
    let (mut nodes, mut paths, mut boxes) = (Vec::new(), Vec::new(), Vec::new());
    for (unit, &at) in units.iter().zip(&outer.places) {
        let by = unit.inside_of(at);
        nodes.extend(unit.part.nodes(&record.graph, by));
        if let Some(step) = unit.step {
            paths.extend(unit.part.paths(by));
            boxes.push(unit.boxed(step, record, at));
        }
    }
    for (edge, path) in edges.iter().zip(&outer.paths) {
        let object = Object::new().field("value", edge.value).field("path", points(path, (0.0, 0.0)));
        paths.push(if outer.sideways { object.field("side", true) } else { object }.finish());
    }
    drawn(outer.size, nodes, paths, boxes)
}

/// What is drawn as one in the picture of a run: a group, a host step, or a leaf, which has no step and no box.
struct Unit {
    title: String,
    step: Option<usize>,
    part: Part,
    size: Point,
}

impl Unit {
    /// The origin of the nodes of a unit at a place.
    fn inside_of(&self, at: Point) -> Point {
        match self.step {
            Some(_) => (at.0 + (self.size.0 - self.part.drawing.size.0) / 2.0, at.1 + TITLE + PAD),
            None => at,
        }
    }

    /// The box of a step.
    fn boxed(&self, step: usize, record: &Record, at: Point) -> String {
        let place = match &record.steps[step].group {
            Some(g) if g.place == Place::Gpu => "gpu",
            Some(_) => "cpu",
            None => "host",
        };
        Object::new()
            .field("step", step)
            .text("title", &self.title)
            .text("place", place)
            .field("box", list([at.0, at.1, self.size.0, self.size.1].map(rounded)))
            .finish()
    }
}

/// A stored value that one unit gives and another reads.
struct Edge {
    from: usize,
    to: usize,
    value: usize,
}

/// The units of a run and what leads from one to another.
struct Units {
    units: Vec<Unit>,
    edges: Vec<Edge>,
}

impl Units {
    fn of(record: &Record, program: &RecordedGraph) -> Self {
        let sources = record.sources(&program.graph);
        let named = |id: NodeId| {
            let recorded = sources.get(id.index())?;
            recorded.iter().find_map(|&r| name(&program.notes, r)).map(str::to_owned)
        };
        let mut all = Self { units: Vec::new(), edges: Vec::new() };
        // The unit that gives each value.
        let mut giver = vec![usize::MAX; record.values.len()];
        for (v, value) in record.values.iter().enumerate() {
            if matches!(value.kind, ValueKind::Leaf(_)) {
                giver[v] = all.units.len();
                let part = Part::new(&record.graph, vec![value.node], INSIDE, named);
                all.units.push(Unit { title: String::new(), step: None, size: part.drawing.size, part });
            }
        }
        for (i, step) in record.steps.iter().enumerate() {
            if !matches!(step.kind, StepKind::Group | StepKind::Host | StepKind::Empty) {
                continue;
            }
            let to = all.units.len();
            let reads = step.reads.iter().map(|v| Edge { from: giver[v.index()], to, value: v.index() });
            all.edges.extend(reads.filter(|e| e.from < to));
            for v in &step.writes {
                giver[v.index()] = to;
            }
            all.units.push(of_step(record, i, named));
        }
        all
    }
}

/// The unit of a step that computes something.
fn of_step(record: &Record, i: usize, named: impl Fn(NodeId) -> Option<String>) -> Unit {
    let (graph, step) = (&record.graph, &record.steps[i]);
    let mut ids: Vec<NodeId> = step.nodes.iter().copied().filter(|&id| !inlined(graph, id)).collect();
    if ids.is_empty() {
        ids = step.writes.iter().map(|v| record.values[v.index()].node).collect();
    }
    ids.sort_unstable();
    ids.dedup();
    let name = record.step_name(i);
    let title = step.group.as_ref().map_or_else(|| name.clone(), |g| format!("{name} over {}", g.domain));
    let part = Part::new(graph, ids, INSIDE, named);
    let inside = part.drawing.size;
    let width = inside.0.max(title.chars().count() as f64 * 7.8) + 2.0 * PAD;
    Unit { title, step: Some(i), part, size: (width, inside.1 + TITLE + 2.0 * PAD) }
}
