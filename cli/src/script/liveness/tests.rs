//! Liveness against an oracle that executes programs: abstract runs in which every value's later reads are known.

use std::collections::HashMap;

use super::super::diagnostic::SourceText;
use super::super::parser::parse;
use super::*;

fn script(text: &str) -> Script {
    parse(&SourceText::new("t.m", text).unwrap()).unwrap()
}

/// Runs a program as the interpreter would, on values that are only names, and checks two things: a variable that is read
/// is there, and at every statement's end each variable that is there may still be read on some way onward.
struct Walk<'a> {
    last: &'a LastReads,
    names: &'a super::super::lexer::Names,
    slots: HashMap<Symbol, u32>,
    /// Decisions at branches, taken from here.
    choices: Vec<bool>,
    steps: usize,
    /// The reads that happened, for the test of the last ones: (time, symbol, value's number, moved).
    log: Vec<(Symbol, u32, bool)>,
    made: u32,
    /// Values that are there at each statement's end: (statement's place, symbol, position in `log`, value's number).
    kept: Vec<(u32, Symbol, usize, u32)>,
}

enum Flow {
    Next,
    Break,
    Continue,
    Stop,
}

impl Walk<'_> {
    fn choose(&mut self) -> bool {
        self.choices.pop().unwrap_or(false)
    }

    fn read(&mut self, symbol: Symbol, read: u32) {
        let Some(value) = self.slots.get(&symbol).copied() else {
            // Names that start with f stand for functions.
            assert!(self.names.name(symbol).starts_with('f'), "'{}' was dropped too early", self.names.name(symbol));
            return;
        };
        let moved = self.last.is_last(read);
        if moved {
            self.slots.remove(&symbol);
        }
        self.log.push((symbol, value, moved));
    }

    fn set(&mut self, symbol: Symbol) {
        self.made += 1;
        self.slots.insert(symbol, self.made);
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Name { symbol, read } => self.read(*symbol, *read),
            ExprKind::Matrix(rows) => rows.iter().flatten().for_each(|e| self.expr(e)),
            ExprKind::Prefix { operand, .. } => self.expr(operand),
            ExprKind::Postfix { base, steps } => {
                self.expr(base);
                for step in steps {
                    match &step.kind {
                        PostfixKind::Arguments(a) => a.iter().for_each(|e| self.expr(e)),
                        PostfixKind::Power(_, e) => self.expr(e),
                        PostfixKind::Transpose => {}
                    }
                }
            }
            ExprKind::Chain { first, rest } => {
                self.expr(first);
                rest.iter().for_each(|l| self.expr(&l.operand));
            }
            ExprKind::ShortCircuit { operands, .. } => {
                for (at, operand) in operands.iter().enumerate() {
                    if at > 0 && self.choose() {
                        break;
                    }
                    self.expr(operand);
                }
            }
            _ => {}
        }
    }

    fn target(&mut self, target: &Target) {
        if let Target::Variable { symbol, arguments, .. } = target {
            if let Some(arguments) = arguments {
                arguments.iter().for_each(|e| self.expr(e));
                if let Some(value) = self.slots.get(symbol) {
                    self.log.push((*symbol, *value, true));
                }
            }
            self.set(*symbol);
        }
    }

    fn block(&mut self, block: &Block) -> Flow {
        block.dead_on_entry.iter().for_each(|s| {
            self.slots.remove(s);
        });
        for s in &block.statements {
            if self.steps == 0 {
                return Flow::Stop;
            }
            self.steps -= 1;
            let flow = self.statement(s);
            if !matches!(flow, Flow::Next) {
                return flow;
            }
            s.dead_after.iter().for_each(|s| {
                self.slots.remove(s);
            });
            let at = self.log.len();
            for (symbol, value) in &self.slots {
                self.kept.push((s.span.start, *symbol, at, *value));
            }
        }
        Flow::Next
    }

    fn statement(&mut self, s: &Statement) -> Flow {
        match &s.kind {
            StatementKind::Expression { value, .. } => self.expr(value),
            StatementKind::Assign { targets, value, .. } => {
                self.expr(value);
                targets.iter().for_each(|t| self.target(t));
            }
            StatementKind::Update(Update { target, read, value, .. }) => {
                let Target::Variable { symbol, arguments, .. } = target else { unreachable!() };
                match arguments {
                    None => {
                        self.read(*symbol, *read);
                        self.expr(value);
                    }
                    Some(arguments) => {
                        arguments.iter().for_each(|e| self.expr(e));
                        self.expr(value);
                        let old = self.slots[symbol];
                        self.log.push((*symbol, old, true));
                    }
                }
                self.set(*symbol);
            }
            StatementKind::If { arms, otherwise } => {
                for arm in arms {
                    self.expr(&arm.condition);
                    if self.choose() {
                        return self.block(&arm.body);
                    }
                }
                return self.block(otherwise);
            }
            StatementKind::While { condition, body } => loop {
                self.expr(condition);
                if !self.choose() {
                    break;
                }
                match self.block(body) {
                    Flow::Break => break,
                    Flow::Stop => return Flow::Stop,
                    _ => {}
                }
            },
            StatementKind::For { variable, values, body, .. } => {
                self.expr(values);
                self.set(*variable);
                while self.choose() {
                    self.set(*variable);
                    match self.block(body) {
                        Flow::Break => break,
                        Flow::Stop => return Flow::Stop,
                        _ => {}
                    }
                }
            }
            StatementKind::Break => return Flow::Break,
            StatementKind::Continue => return Flow::Continue,
        }
        Flow::Next
    }
}

const PROGRAMS: &[&str] = &[
    "a=1; b=a; c=a+b; d=c; f(d);",
    "a=1; a=a+1; a=a+1; f(a);",
    "a=1; a+=a; a(2)+=a(1); a(1)=a(2); f(a);",
    "a=1; b=2; if f, c=a; else c=b; end, f(c);",
    "a=1; b=2; d=3; if f(d), c=a; elseif f(b), c=b; else, c=0; end, f(c);",
    "a=1; if f, b=a; end, f(1);",
    "a=1; while f(a), a=a+1; end, f(a);",
    "a=1; b=2; while a, t=a+b; a=t; end, f(b);",
    "a=1; b=2; while f, t=a; b=t; if b, break; end, a=b; end",
    "a=1; b=2; while f, if a, continue; end, a=b; c=a; b=c; end, f(b);",
    "a=1; for k=f(a), b=k; f(b); end, f(k);",
    "a=1; k=7; for k=a, a=k; end",
    "a=1; b=0; c=0; for i=1:3, for j=1:3, a=a+i*j; b=a; end, c=b; end, f(c);",
    "a=1; b=2; c=3; if a && b || c, f(a); else f(b); end",
    "a=1; b=2; while a && b, a=2; b=3; end",
    "x=1; r=x; p=r; while f(r), q=x*p; s=r/q; x=x+s*p; r2=r-s*q; p=r2+p; r=r2; end, f(x);",
    "a=1; while f, while f(a), a=2; break; end, b=a; while b, b=b-1; end, end",
    "[a,b]=f(1); [b(2),~]=f(a); f(b);",
    "a=1; x=2; x(a(1))(1); y=x(a)'^a; f(y);",
    "a=1; for i=1:3, if f, a=i; else, break; end, end, f(a);",
    "a=1; b=1; for i=1:3, if f, b=a; continue; end, b=i; end, f(b);",
];

#[test]
fn values_live_as_long_as_they_are_needed_and_no_longer() {
    for text in PROGRAMS {
        let mut program = script(text);
        let last = analyse(&mut program, &[]);
        // For each program point and variable that is kept there: does some run read that value afterwards?
        let mut kept_and_read: HashMap<(u32, Symbol), bool> = HashMap::new();
        for bits in 0u32..1 << 12 {
            let choices: Vec<bool> = (0..12).map(|i| bits >> i & 1 == 1).collect();
            let mut walk = Walk {
                last: &last,
                names: &program.names,
                slots: HashMap::new(),
                choices,
                steps: 60,
                log: Vec::new(),
                made: 0,
                kept: Vec::new(),
            };
            walk.block(&program.body);
            for at in 0..walk.log.len() {
                let (_, value, moved) = walk.log[at];
                if moved {
                    assert!(walk.log[at + 1..].iter().all(|(_, v, _)| *v != value), "{text}: read after a last read");
                }
            }
            // With no choice left every condition fails, so the program ran to its end: nothing may be left over.
            if walk.steps > 0 {
                assert!(walk.slots.is_empty(), "{text}: left over {:?} with {bits:b}", walk.slots);
            }
            for (place, symbol, at, value) in &walk.kept {
                let read = walk.log[*at..].iter().any(|(_, v, _)| v == value);
                *kept_and_read.entry((*place, *symbol)).or_insert(false) |= read;
            }
        }
        for ((place, symbol), read) in kept_and_read {
            assert!(read, "{text}: '{}' is kept in vain after byte {place}", program.names.name(symbol));
        }
    }
}

fn last_reads(text: &str, wanted: &[&str]) -> String {
    let mut program = script(text);
    let wanted: Vec<_> = wanted.iter().filter_map(|n| program.names.find(n)).collect();
    let last = analyse(&mut program, &wanted);
    (0..program.reads).map(|r| if last.is_last(r) { '1' } else { '0' }).collect()
}

#[test]
fn the_last_read_moves() {
    assert_eq!(last_reads("a=1; b=a+a;", &[]), "01");
    assert_eq!(last_reads("a=1; b=a+a;", &["a"]), "00");
    assert_eq!(last_reads("a=1; a=a*2; a=a*3;", &["a"]), "11");
    // x(x > 0): the base is taken before its index is evaluated, so the read inside the index is the last.
    assert_eq!(last_reads("x=1; y=x(x>0);", &[]), "01");
    // A loop reads its variables again.
    assert_eq!(last_reads("a=1; b=1; while b, b=b-a; end", &[]), "010");
    // A temporary of a round dies in it.
    assert_eq!(last_reads("a=1; for k=1:3, t=a; a=t+1; end", &["a"]), "11");
    // save reads by name.
    assert_eq!(last_reads("x=1; y=x; save('f.npy', 'x');", &[]), "01");
    // A skippable read never moves.
    assert_eq!(last_reads("a=1; b=1; c = a && b;", &[]), "10");
}

#[test]
fn deep_and_long_programs_are_analysed_quickly() {
    super::super::on_deep_stack(deep_and_long).unwrap();
}

fn deep_and_long() {
    let mut nested = script(&format!("x=1;\n{}x=x+1;\n{}", "while x\n".repeat(250), "end\n".repeat(250)));
    analyse(&mut nested, &[]);
    let mut long = script(&"x=1; y=x; z=y+x;\n".repeat(20_000));
    analyse(&mut long, &[]);
}
