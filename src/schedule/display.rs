//! A schedule as text: the dump that people read is the one that tests compare, so everything here is in a fixed order.

use std::fmt;

use super::program::Program;
use super::steps::{Core, Group, Place, Schedule, Step, StoreShape};
use super::value::{ValueId, ValueKind};

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, v) in self.values.iter().enumerate() {
            let id = ValueId(i as u32);
            match v.kind {
                ValueKind::Leaf(leaf) => writeln!(f, "{id} = leaf #{leaf} : {}{}", v.dtype, v.shape)?,
                ValueKind::Root => writeln!(f, "{id} = {} : {}{} kept", v.node, v.dtype, v.shape)?,
                ValueKind::Scratch => writeln!(f, "{id} = {} : {}{}", v.node, v.dtype, v.shape)?,
            }
        }
        for (i, node) in self.scalars.iter().enumerate() {
            writeln!(f, "${i} = {node}")?;
        }
        for (i, step) in self.steps.iter().enumerate() {
            write!(f, "{i}: ")?;
            match step {
                Step::Upload(v) => writeln!(f, "upload {v}")?,
                Step::Readback(v) => writeln!(f, "readback {v}")?,
                Step::Free(v) => writeln!(f, "free {v}")?,
                Step::Empty(v) => writeln!(f, "empty {v}")?,
                Step::Host { nodes, inputs, outputs, reason } => {
                    writeln!(f, "host {} ({}) -> {}{}", list(nodes), list(inputs), list(outputs), because(reason))?;
                }
                Step::Run(group) => write!(f, "{group}")?,
            }
        }
        writeln!(f, "roots {}", list(&self.roots))?;
        for (i, b) in self.blocks.iter().enumerate() {
            write!(f, "block {i} {} {} bytes:", place(b.place), b.bytes)?;
            for v in &b.values {
                let life = self.lifetimes[v.index()];
                write!(f, " {v} {}..{}", life.from, life.to)?;
            }
            writeln!(f)?;
        }
        for r in &self.refusals {
            writeln!(f, "refused {} in {}: {}", r.node, r.user, r.why)?;
        }
        Ok(())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{} {} {} over {}", self.id, place(self.place), self.core.name(), self.domain)?;
        match &self.core {
            Core::Map => {}
            Core::Rows { axes, split } => {
                write!(f, " axes {:?}", axes.as_slice())?;
                if *split > 1 {
                    write!(f, " split {split}")?;
                }
            }
            Core::Contract { k, dtype, .. } => write!(f, " k {k} {dtype}")?,
            Core::Scan { op, axis } => write!(f, " {} axis {axis}", op.name())?,
        }
        writeln!(f, " of {}{}", list(&self.nodes), because(&self.reason))?;
        if let Core::Contract { left, right, .. } = &self.core {
            program(f, "left", left)?;
            program(f, "right", right)?;
            program(f, "epilogue", &self.body)?;
        } else {
            program(f, "body", &self.body)?;
        }
        for s in &self.stores {
            let what = match s.shape {
                StoreShape::Full => "store",
                StoreShape::Row => "store row",
                StoreShape::Diagonal => "store diagonal",
            };
            writeln!(f, "     {what} {} = {}", s.value, s.reg)?;
        }
        Ok(())
    }
}

fn program(f: &mut fmt::Formatter<'_>, name: &str, program: &Program) -> fmt::Result {
    writeln!(f, "   {name}")?;
    for line in program.to_string().lines() {
        writeln!(f, "     {line}")?;
    }
    Ok(())
}

const fn place(place: Place) -> &'static str {
    match place {
        Place::Gpu => "gpu",
        Place::Cpu => "cpu",
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" because {reason}") }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
