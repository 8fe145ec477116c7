//! Terms of a proof in the notation of rule files, with the names of the program.

use egg::Id;

use super::Proof;
use crate::graph::{BinaryOp, NodeId, UnaryOp};
use crate::planner::language::{ENode, EOp};

/// Levels of a term that are written out; what is below is called by its node, or left out where it is none. Fewer where the
/// text would be longer than a line of `LONG` characters.
const LEVELS: [usize; 5] = [7, 5, 4, 3, 2];
const LONG: usize = 110;
/// Below so many levels a recorded node is called by its number.
const NAMELESS: usize = 2;
/// What a program calls a node.
pub(super) type Name<'a> = dyn Fn(NodeId) -> Option<String> + 'a;

pub(super) fn symbol(op: &EOp) -> String {
    match op {
        EOp::Unary(UnaryOp::Neg) => "-".into(),
        EOp::Unary(u) => u.name().into(),
        EOp::Powi => "^".into(),
        EOp::Binary(b) => infix(*b).map_or_else(|| b.name(), |(s, _)| s).into(),
        EOp::Select => "select".into(),
        EOp::Cast(_) => "cast".into(),
        EOp::Transpose => "'".into(),
        EOp::Diagonal => "diag".into(),
        EOp::Reshape => "reshape".into(),
        EOp::Broadcast => "bcast".into(),
        EOp::Strided => "view".into(),
        EOp::Reduce(r) => r.name().into(),
        EOp::Contract => "@".into(),
        EOp::Host(h, _) => h.name().into(),
        EOp::Gemm => "gemm".into(),
        EOp::Syrk => "syrk".into(),
        EOp::Run => "run".into(),
        EOp::RunDiag => "run_diag".into(),
        _ => "operation".into(),
    }
}

/// The sign between two operands, and how closely it binds.
fn infix(op: BinaryOp) -> Option<(&'static str, u8)> {
    match op {
        BinaryOp::Add => Some(("+", 1)),
        BinaryOp::Sub => Some(("-", 1)),
        BinaryOp::Mul => Some(("*", 2)),
        BinaryOp::Div => Some(("/", 2)),
        _ => None,
    }
}

/// Writes terms of a proof.
pub(super) struct Pen<'a> {
    pub(super) proof: &'a Proof,
    pub(super) name: &'a Name<'a>,
}

impl Pen<'_> {
    fn node(&self, id: Id) -> &ENode {
        &self.proof.terms[usize::from(id)]
    }

    /// A term with its own operation written out, whatever it is called.
    pub(super) fn whole(&self, id: Id) -> String {
        self.fitted(id, true)
    }

    /// Both sides of a step. A side that is a part of the other is called by its name, if it has one.
    pub(super) fn step(&self, before: Id, after: Id) -> (String, String) {
        let (whole, part) = (self.contains(before, after), self.contains(after, before));
        (self.fitted(before, !part), self.fitted(after, !whole))
    }

    /// A term with as many levels as fit a line.
    fn fitted(&self, id: Id, spelled: bool) -> String {
        let mut text = String::new();
        for levels in LEVELS {
            text = Level { pen: self, most: levels }.write(id, 0, 0, spelled);
            if text.chars().count() <= LONG {
                break;
            }
        }
        text
    }

    /// A node by its name, or else its number.
    pub(super) fn called(&self, node: NodeId) -> String {
        (self.name)(node).unwrap_or_else(|| node.to_string())
    }

    fn contains(&self, whole: Id, part: Id) -> bool {
        let mut edge = vec![whole];
        for _ in 0..LEVELS[0] {
            edge = edge.iter().flat_map(|&id| self.node(id).operands().to_vec()).collect();
            if edge.contains(&part) {
                return true;
            }
            edge.truncate(64);
        }
        false
    }

    fn name(&self, id: Id) -> Option<String> {
        self.proof.recorded.get(&id)?.iter().find_map(|&n| (self.name)(n))
    }

    fn attribute(&self, node: &ENode) -> String {
        let Some(&id) = node.children.get(node.operands().len()) else { return String::new() };
        match &self.node(id).op {
            EOp::Axes(axes) if axes.len() == 1 => axes[0].to_string(),
            EOp::Axes(axes) => format!("{:?}", axes.as_slice()),
            EOp::Extents(s) => s.to_string(),
            EOp::Int(n) => n.to_string(),
            EOp::Type(d) => d.name().into(),
            EOp::ViewOf(v) => self.proof.store.views.get(*v as usize).map_or_else(String::new, ToString::to_string),
            _ => String::new(),
        }
    }
}

/// Terms with so many levels at most.
struct Level<'a> {
    pen: &'a Pen<'a>,
    most: usize,
}

impl Level<'_> {
    /// A term in a place where anything that binds less closely than `bind` stands in parentheses.
    fn write(&self, id: Id, bind: u8, level: usize, spelled: bool) -> String {
        let (pen, proof) = (self.pen, self.pen.proof);
        let node = pen.node(id);
        let number = || proof.recorded.get(&id).and_then(|all| all.first()).map(ToString::to_string);
        if !spelled && let Some(name) = pen.name(id) {
            return name;
        }
        match &node.op {
            EOp::Literal(s) => {
                let text = s.to_string();
                return text.strip_suffix(".0").unwrap_or(&text).to_owned();
            }
            EOp::Slot(i) => return format!("${i}"),
            EOp::Leaf(_) | EOp::Opaque(_) if node.operands().is_empty() => {
                return pen.name(id).or_else(number).unwrap_or_else(|| "…".into());
            }
            _ => {}
        }
        let called = level >= NAMELESS || level > 0 && proof.shared.contains(&id);
        if !spelled
            && called
            && node.op != EOp::Transpose
            && let Some(number) = number()
        {
            return number;
        }
        if level >= self.most {
            return number().unwrap_or_else(|| "…".into());
        }
        let turned = proof.turned.contains(&id);
        let at = |i: usize, bind: u8| {
            let i = if turned { 1 - i } else { i };
            self.write(node.children[i], bind, level + 1, false)
        };
        let all = || (0..node.operands().len()).map(|i| at(i, 0)).collect::<Vec<_>>().join(", ");
        let bound = |own: u8, text: String| if own < bind { format!("({text})") } else { text };
        match &node.op {
            EOp::Binary(op) if let Some((sign, own)) = infix(*op) => {
                bound(own, format!("{} {sign} {}", at(0, own), at(1, own + 1)))
            }
            EOp::Contract => bound(2, format!("{} @ {}", at(0, 2), at(1, 3))),
            EOp::Unary(UnaryOp::Neg) => bound(3, format!("-{}", at(0, 3))),
            EOp::Powi => bound(4, format!("{} ^ {}", at(0, 5), pen.attribute(node))),
            EOp::Transpose => bound(5, format!("{}'", at(0, 5))),
            EOp::Cast(_) | EOp::Reshape | EOp::Broadcast | EOp::Strided | EOp::Reduce(_) => {
                format!("{}({}, {})", symbol(&node.op), at(0, 0), pen.attribute(node))
            }
            EOp::Opaque(i) => {
                format!("{}({})", proof.operation(*i), all())
            }
            op => format!("{}({})", symbol(op), all()),
        }
    }
}
