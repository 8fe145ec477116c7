//! Terms of a proof as text, in the notation of rule files and with the names of the program.

use egg::Id;

use super::lemma::Proof;
use crate::graph::{BinaryOp, NodeId, Op, UnaryOp};
use crate::planner::language::{ENode, EOp};

/// How many levels of a term are written out, at most and where the text would otherwise be longer than `LINE` characters. A term
/// below is written as the number of its node, or as … where it is none.
const LEVELS: [usize; 5] = [7, 5, 4, 3, 2];
const LINE: usize = 110;
/// Below so many levels a recorded node is written as its number.
const NUMBERED_BELOW: usize = 2;
/// What a program calls a node.
pub(super) type NodeNames<'a> = dyn Fn(NodeId) -> Option<String> + 'a;

/// How an operation is called in the path to a term.
pub(super) fn symbol(op: &EOp) -> String {
    match op {
        EOp::Unary(UnaryOp::Neg) => "-".into(),
        EOp::Unary(u) => u.name().into(),
        EOp::Powi => "^".into(),
        EOp::Binary(b) => infix(*b).map_or_else(|| b.name(), |infix| infix.sign).into(),
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

/// An operation that is written between its operands.
struct Infix {
    sign: &'static str,
    precedence: u8,
}

fn infix(op: BinaryOp) -> Option<Infix> {
    let (sign, precedence) = match op {
        BinaryOp::Add => ("+", 1),
        BinaryOp::Sub => ("-", 1),
        BinaryOp::Mul => ("*", 2),
        BinaryOp::Div => ("/", 2),
        _ => return None,
    };
    Some(Infix { sign, precedence })
}

/// Writes terms of a proof.
pub(super) struct TermWriter<'a> {
    pub(super) proof: &'a Proof,
    pub(super) name: &'a NodeNames<'a>,
}

impl TermWriter<'_> {
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

    /// A term with as many levels as fit a line; `spelled` even where it has a name.
    fn fitted(&self, id: Id, spelled: bool) -> String {
        let mut text = String::new();
        for max_level in LEVELS {
            text = LevelWriter { writer: self, max_level }.write(id, Surroundings { level: 0, binds: 0 }, spelled);
            if text.chars().count() <= LINE {
                break;
            }
        }
        text
    }

    /// A node by its name, or else its number.
    pub(super) fn called(&self, node: NodeId) -> String {
        (self.name)(node).unwrap_or_else(|| node.to_string())
    }

    /// Whether a term has another as a part, within the levels that are written.
    fn contains(&self, whole: Id, part: Id) -> bool {
        let mut level = vec![whole];
        for _ in 0..LEVELS[0] {
            level = level.iter().flat_map(|&id| self.node(id).operands().to_vec()).collect();
            if level.contains(&part) {
                return true;
            }
            level.truncate(64);
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

impl Proof {
    /// The name of an operation that no rule looks into.
    pub(super) fn opaque_name(&self, number: u32) -> &'static str {
        self.store.opaques.get(number as usize).map_or("operation", Op::name)
    }
}

/// Writes terms with so many levels at most.
struct LevelWriter<'a> {
    writer: &'a TermWriter<'a>,
    max_level: usize,
}

/// What a term is written inside of.
#[derive(Clone, Copy)]
struct Surroundings {
    /// How many operations are around it.
    level: usize,
    /// An operation of lower precedence is put in parentheses.
    binds: u8,
}

impl LevelWriter<'_> {
    /// A term in its surroundings; `spelled` even where it has a name or a number.
    fn write(&self, id: Id, around: Surroundings, spelled: bool) -> String {
        let proof = self.writer.proof;
        let node = self.writer.node(id);
        let number = || proof.recorded.get(&id).and_then(|all| all.first()).map(ToString::to_string);
        if !spelled && let Some(name) = self.writer.name(id) {
            return name;
        }
        match &node.op {
            EOp::Literal(s) => {
                let text = s.to_string();
                return text.strip_suffix(".0").unwrap_or(&text).to_owned();
            }
            EOp::Slot(i) => return format!("${i}"),
            EOp::Leaf(_) | EOp::Opaque(_) if node.operands().is_empty() => {
                return self.writer.name(id).or_else(number).unwrap_or_else(|| "…".into());
            }
            _ => {}
        }
        let numbered = around.level >= NUMBERED_BELOW || around.level > 0 && proof.multi_use.contains(&id);
        if !spelled
            && numbered
            && node.op != EOp::Transpose
            && let Some(number) = number()
        {
            return number;
        }
        if around.level >= self.max_level {
            return number().unwrap_or_else(|| "…".into());
        }
        self.operation(id, node, around)
    }

    /// A term as its operation with the operands.
    fn operation(&self, id: Id, node: &ENode, around: Surroundings) -> String {
        let proof = self.writer.proof;
        let swapped = proof.swapped.contains(&id);
        let at = |i: usize, binds: u8| {
            let i = if swapped { 1 - i } else { i };
            self.write(node.children[i], Surroundings { level: around.level + 1, binds }, false)
        };
        let all = || (0..node.operands().len()).map(|i| at(i, 0)).collect::<Vec<_>>().join(", ");
        let bound = |own: u8, text: String| if own < around.binds { format!("({text})") } else { text };
        match &node.op {
            EOp::Binary(op) if let Some(Infix { sign, precedence: own }) = infix(*op) => {
                bound(own, format!("{} {sign} {}", at(0, own), at(1, own + 1)))
            }
            EOp::Contract => bound(2, format!("{} @ {}", at(0, 2), at(1, 3))),
            EOp::Unary(UnaryOp::Neg) => bound(3, format!("-{}", at(0, 3))),
            EOp::Powi => bound(4, format!("{} ^ {}", at(0, 5), self.writer.attribute(node))),
            EOp::Transpose => bound(5, format!("{}'", at(0, 5))),
            EOp::Cast(_) | EOp::Reshape | EOp::Broadcast | EOp::Strided | EOp::Reduce(_) => {
                format!("{}({}, {})", symbol(&node.op), at(0, 0), self.writer.attribute(node))
            }
            EOp::Opaque(i) => {
                format!("{}({})", proof.opaque_name(*i), all())
            }
            op => format!("{}({})", symbol(op), all()),
        }
    }
}
