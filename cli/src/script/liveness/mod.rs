//! Finds the last read of each variable.
//!
//! In: a script and the names that are wanted at its end. Out: the variables that die at each statement and block, written into
//! the script, and for each read whether it is the last on every path. The interpreter moves the value out at such a read,
//! so that a handle lives only as long as the script can still use it. A loop counts as a read of everything that is live in
//! it. It knows nothing about values; a name that turns out to be a function does no harm.

mod set;

use super::ast::{Arm, Block, Expr, ExprKind, PostfixKind, Script, Statement, StatementKind, Target, Update};
use super::lexer::{Names, Symbol};
use set::Set;

/// For every read in a program, whether it is the variable's last.
#[derive(Debug, Clone, Default)]
pub struct LastReads {
    bits: Vec<bool>,
}

impl LastReads {
    /// Whether the read with this number is the last.
    pub fn is_last(&self, read: u32) -> bool {
        self.bits.get(read as usize).copied().unwrap_or(false)
    }
}

/// Annotates `program`; `wanted` are the variables that are saved when it ends.
///
/// Every statement is visited once, and once more for each enclosing loop.
pub fn analyse(program: &mut Script, wanted: &[Symbol]) -> LastReads {
    let mut live = Set::new(program.names.len());
    wanted.iter().for_each(|symbol| live.insert(*symbol));
    let mut pass = Pass {
        last: vec![false; program.reads as usize],
        live,
        marking: true,
        loops: Vec::new(),
        ans: program.names.find("ans"),
        save: program.names.find("save"),
        names: program.names.clone(),
    };
    pass.block(&mut program.body);
    LastReads { bits: pass.last }
}

/// A walk in the reverse order of execution.
struct Pass {
    last: Vec<bool>,
    /// What is live at the current point.
    live: Set,
    /// Whether the walk annotates the script, or only finds what a loop's body reads.
    marking: bool,
    /// The enclosing loops, the innermost last.
    loops: Vec<LoopEnds>,
    /// Written by every expression that stands alone.
    ans: Option<Symbol>,
    /// The function that reads variables by their names.
    save: Option<Symbol>,
    names: Names,
}

/// What is live where a loop continues or ends.
struct LoopEnds {
    /// After the loop, where `break` leads.
    exit: Set,
    /// Before its next round, where `continue` leads.
    head: Set,
}

/// What is live at an arm of an `if`.
struct ArmEntry {
    /// When its body is entered.
    into_body: Set,
    /// Before that, and what its condition reads.
    before: Set,
}

/// What an expression reads, in no order.
type Touched = Vec<Symbol>;

impl Pass {
    fn block(&mut self, block: &mut Block) {
        for statement in block.statements.iter_mut().rev() {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &mut Statement) {
        let after = self.live.clone();
        let mut touched = Touched::new();
        match &mut statement.kind {
            StatementKind::Expression { value, .. } => {
                touched.extend(self.ans);
                self.expr(value, true, &mut touched);
            }
            StatementKind::Assign { targets, value, .. } => {
                for target in targets.iter().rev() {
                    self.write(target, &mut touched);
                }
                self.expr(value, true, &mut touched);
            }
            StatementKind::Update(update) => self.update(update, &mut touched),
            StatementKind::If { arms, otherwise } => self.if_statement(arms, otherwise),
            StatementKind::While { condition, body } => self.while_loop(condition, body, &mut touched),
            StatementKind::For { variable, values, body, .. } => self.for_loop(*variable, values, body, &mut touched),
            StatementKind::Break => self.live = self.loops.last().map_or(after.clone(), |ends| ends.exit.clone()),
            StatementKind::Continue => self.live = self.loops.last().map_or(after.clone(), |ends| ends.head.clone()),
        }
        if self.marking {
            touched.sort_unstable();
            touched.dedup();
            touched.retain(|symbol| !after.contains(*symbol));
            statement.dead_after = touched;
        }
    }

    fn if_statement(&mut self, arms: &mut [Arm], otherwise: &mut Block) {
        let after = self.live.clone();
        self.block(otherwise);
        let into_otherwise = self.live.clone();
        // The last arm first.
        let mut entries = Vec::new();
        for arm in arms.iter_mut().rev() {
            let if_false = std::mem::replace(&mut self.live, after.clone());
            self.block(&mut arm.body);
            let into_body = self.live.clone();
            self.live.union(&if_false);
            let mut before = self.live.clone();
            let mut touched = Touched::new();
            self.expr(&arm.condition, true, &mut touched);
            touched.into_iter().for_each(|symbol| before.insert(symbol));
            entries.push(ArmEntry { into_body, before });
        }
        if !self.marking {
            return;
        }
        // An arm is entered after the conditions of those before it, and drops what only they needed.
        let mut before_all = after.empty();
        for (arm, entry) in arms.iter_mut().zip(entries.iter().rev()) {
            before_all.union(&entry.before);
            arm.body.dead_on_entry = before_all.minus(&entry.into_body);
        }
        otherwise.dead_on_entry = before_all.minus(&into_otherwise);
    }

    /// The variables that `body` reads before it writes them, on some path.
    fn reads_of(&mut self, body: &mut Block) -> Set {
        let nothing = self.live.empty();
        let live = std::mem::replace(&mut self.live, nothing.clone());
        let marking = std::mem::replace(&mut self.marking, false);
        self.loops.push(LoopEnds { exit: nothing.clone(), head: nothing });
        self.block(body);
        self.loops.pop();
        self.marking = marking;
        std::mem::replace(&mut self.live, live)
    }

    /// Sets `self.live` to what is live when the body is entered.
    fn loop_body(&mut self, body: &mut Block, exit: &Set, head: &Set) {
        self.live = head.clone();
        // A walk that does not annotate needs no second pass: `head` already has what the body reads.
        if self.marking {
            self.loops.push(LoopEnds { exit: exit.clone(), head: head.clone() });
            self.block(body);
            self.loops.pop();
        }
    }

    fn while_loop(&mut self, condition: &Expr, body: &mut Block, touched: &mut Touched) {
        let exit = self.live.clone();
        let mut head = exit.clone();
        head.union(&self.reads_of(body));
        let mut reads = Touched::new();
        let marking = std::mem::replace(&mut self.marking, false);
        self.expr(condition, false, &mut reads);
        self.marking = marking;
        reads.iter().for_each(|symbol| head.insert(*symbol));

        self.loop_body(body, &exit, &head);
        let into_body = self.live.clone();
        self.live.union(&exit);
        if self.marking {
            let mut before = self.live.clone();
            reads.iter().for_each(|symbol| before.insert(*symbol));
            body.dead_on_entry = before.minus(&into_body);
            *touched = head.minus(&exit);
        }
        self.expr(condition, true, &mut Touched::new());
    }

    fn for_loop(&mut self, variable: Symbol, values: &Expr, body: &mut Block, touched: &mut Touched) {
        let exit = self.live.clone();
        let mut head = self.reads_of(body);
        // Every iteration assigns the variable first; only code after the loop can read the last value.
        head.remove(variable);
        head.union(&exit);

        self.loop_body(body, &exit, &head);
        let into_body = std::mem::replace(&mut self.live, head.clone());
        // A loop without iterations still assigns its variable, so the old value is dead here.
        self.live.remove(variable);
        let mut reads = Touched::new();
        self.expr(values, true, &mut reads);
        if self.marking {
            let mut before = head;
            before.insert(variable);
            reads.into_iter().for_each(|symbol| before.insert(symbol));
            body.dead_on_entry = before.minus(&into_body);
            *touched = before.minus(&exit);
        }
    }

    /// The target of an assignment, which dies unless only a part of it is written. It is written after the right-hand side is read, so
    /// the walk visits it first.
    fn write(&mut self, target: &Target, touched: &mut Touched) {
        let Target::Variable { symbol, arguments, .. } = target else {
            return;
        };
        touched.push(*symbol);
        match arguments {
            None => self.live.remove(*symbol),
            Some(arguments) => {
                // The rest of the old value becomes part of the new one, so it is needed even if nothing else reads it.
                self.live.insert(*symbol);
                for argument in arguments.iter().rev() {
                    self.expr(argument, true, touched);
                }
            }
        }
    }

    /// `x += v` reads `x`, then `v`; `x(i) += v` evaluates `i`, then `v`, and takes `x` when it writes.
    fn update(&mut self, update: &Update, touched: &mut Touched) {
        let Target::Variable { symbol, arguments, .. } = &update.target else {
            return;
        };
        touched.push(*symbol);
        match arguments {
            None => {
                self.live.remove(*symbol);
                self.expr(&update.value, true, touched);
                self.read(*symbol, update.read, true);
            }
            Some(arguments) => {
                self.live.insert(*symbol);
                self.expr(&update.value, true, touched);
                for argument in arguments.iter().rev() {
                    self.expr(argument, true, touched);
                }
            }
        }
    }

    /// `save('file', 'x')` reads `x`.
    fn reads_by_name(&mut self, base: &Expr, arguments: &[Expr], touched: &mut Touched) {
        if !matches!(&base.kind, ExprKind::Name { symbol, .. } if Some(*symbol) == self.save) {
            return;
        }
        for argument in arguments {
            let ExprKind::Text { text, .. } = &argument.kind else { continue };
            if let Some(symbol) = std::str::from_utf8(text).ok().and_then(|name| self.names.find(name)) {
                touched.push(symbol);
                self.live.insert(symbol);
            }
        }
    }

    fn read(&mut self, symbol: Symbol, read: u32, certain: bool) {
        if self.marking {
            // A read that may be skipped must not move the value out; the value is dropped at the end of the statement instead.
            self.last[read as usize] = certain && !self.live.contains(symbol);
        }
        self.live.insert(symbol);
    }

    /// `certain` is false where short-circuit evaluation may skip the expression.
    fn expr(&mut self, expr: &Expr, certain: bool, touched: &mut Touched) {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::Text { .. } | ExprKind::Colon | ExprKind::End => {}
            ExprKind::Name { symbol, read } => {
                touched.push(*symbol);
                self.read(*symbol, *read, certain);
            }
            ExprKind::Matrix(rows) => {
                for element in rows.iter().rev().flat_map(|row| row.iter().rev()) {
                    self.expr(element, certain, touched);
                }
            }
            ExprKind::Prefix { operand, .. } => self.expr(operand, certain, touched),
            ExprKind::Postfix { base, steps } => {
                for step in steps.iter().rev() {
                    match &step.kind {
                        PostfixKind::Arguments(arguments) => {
                            self.reads_by_name(base, arguments, touched);
                            for argument in arguments.iter().rev() {
                                self.expr(argument, certain, touched);
                            }
                        }
                        PostfixKind::Power(_, exponent) => self.expr(exponent, certain, touched),
                        PostfixKind::Transpose => {}
                    }
                }
                self.expr(base, certain, touched);
            }
            ExprKind::Chain { first, rest } => {
                for link in rest.iter().rev() {
                    self.expr(&link.operand, certain, touched);
                }
                self.expr(first, certain, touched);
            }
            ExprKind::ShortCircuit { operands, .. } => {
                for (at, operand) in operands.iter().enumerate().rev() {
                    self.expr(operand, certain && at == 0, touched);
                }
            }
            ExprKind::Range { start, step, stop } => {
                self.expr(stop, certain, touched);
                if let Some(step) = step {
                    self.expr(step, certain, touched);
                }
                self.expr(start, certain, touched);
            }
        }
    }
}

#[cfg(test)]
mod tests;
