//! Executes the statements of a script.
//!
//! In: a script with its liveness, and a runtime. Out: the script's effects, or the first error with its place. Expressions are in
//! `expressions`, left-hand sides in `assignment`. Variables are dropped where liveness says that nothing reads them any
//! more, so that the engine keeps no result that the script cannot use.

mod assignment;
mod expressions;
mod loops;

use super::ast::{Block, Expr, Script, Statement, StatementKind};
use super::diagnostic::Diagnostic;
use super::display::display;
use super::index::{Subscript, read};
use super::lexer::Symbol;
use super::liveness::LastReads;
use super::operators::compare;
use super::runtime::Runtime;
use super::value::Value;
use loops::names_in_loop;

/// A running script.
pub struct Interpreter<'r, 'a> {
    rt: &'r mut Runtime<'a>,
    last: &'r LastReads,
    /// The variable of unassigned results, if the script has that name.
    ans: Option<Symbol>,
    /// The subscripts that are being evaluated, the innermost last.
    subscripts: Vec<OpenSubscript>,
}

/// A subscript that is being evaluated: what `end` means in it.
struct OpenSubscript {
    /// The dimensions of the value that is indexed.
    dims: Vec<usize>,
    /// Which subscript it is, from 0.
    position: usize,
    /// How many subscripts there are.
    total: usize,
}

/// How execution continues after a statement.
enum Flow {
    Next,
    Break,
    Continue,
}

/// Runs a script to its end, and evaluates what its last warnings wait for.
///
/// # Errors
/// The first error, placed.
pub fn run(rt: &mut Runtime, program: &Script, last: &LastReads) -> Result<(), Diagnostic> {
    let ans = program.names.find("ans");
    let mut interpreter = Interpreter { rt, last, ans, subscripts: Vec::new() };
    interpreter.block(&program.body)?;
    interpreter.rt.evaluate(&[])
}

impl Interpreter<'_, '_> {
    fn block(&mut self, block: &Block) -> Result<Flow, Diagnostic> {
        self.rt.variables.drop_all(&block.dead_on_entry);
        for statement in &block.statements {
            let flow = self.statement(statement).map_err(|error| error.or_at(statement.span))?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
            self.rt.variables.drop_all(&statement.dead_after);
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow, Diagnostic> {
        self.rt.location.span = statement.span;
        self.rt.budget.count_statement(&self.rt.location)?;
        match &statement.kind {
            StatementKind::Expression { value, show } => self.expression_statement(value, *show)?,
            StatementKind::Assign { targets, bracketed, value, show } => {
                self.assign(targets, *bracketed, value, *show)?;
            }
            StatementKind::Update(update) => self.update(update)?,
            StatementKind::If { arms, otherwise } => {
                for arm in arms {
                    if self.condition(&arm.condition)? {
                        return self.block(&arm.body);
                    }
                }
                return self.block(otherwise);
            }
            StatementKind::While { condition, body } => self.while_loop(condition, body)?,
            StatementKind::For { variable, values, body, .. } => self.for_loop(*variable, values, body)?,
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn expression_statement(&mut self, expr: &Expr, show: bool) -> Result<(), Diagnostic> {
        if let Some((symbol, value)) = self.bare_variable(expr) {
            return if show { self.show(symbol, &value) } else { Ok(()) };
        }
        // Functions such as `printf` have no value.
        let Some(value) = self.values(expr, 0)?.into_iter().next() else { return Ok(()) };
        if show {
            self.show_as("ans", &value, expr)?;
        }
        if let Some(ans) = self.ans {
            self.rt.variables.set(ans, value);
        }
        Ok(())
    }

    fn condition(&mut self, condition: &Expr) -> Result<bool, Diagnostic> {
        let value = self.value(condition)?;
        self.rt.at(condition.span, |rt| compare::condition(rt, &value))
    }

    fn while_loop(&mut self, condition: &Expr, body: &Block) -> Result<(), Diagnostic> {
        self.rt.loops.enter(names_in_loop(Some(condition), body));
        let result = self.while_rounds(condition, body);
        self.rt.loops.leave();
        result
    }

    fn while_rounds(&mut self, condition: &Expr, body: &Block) -> Result<(), Diagnostic> {
        while self.condition(condition)? {
            if matches!(self.block(body)?, Flow::Break) {
                break;
            }
            self.rt.end_of_round()?;
        }
        Ok(())
    }

    fn for_loop(&mut self, variable: Symbol, values: &Expr, body: &Block) -> Result<(), Diagnostic> {
        let value = self.value(values)?;
        self.rt.loops.enter(names_in_loop(None, body));
        let result = self.for_rounds(variable, &value, values, body);
        self.rt.loops.leave();
        result
    }

    /// An iteration for each column; all axes after the first count as columns, as in Octave.
    fn for_rounds(&mut self, variable: Symbol, value: &Value, values: &Expr, body: &Block) -> Result<(), Diagnostic> {
        let dims = value.dims();
        let columns = if value.numel() == 0 { 0 } else { dims[1..].iter().product() };
        if columns == 0 {
            self.rt.variables.set(variable, value.clone());
        }
        for column in 0..columns {
            let item = match value {
                Value::Range(range) => Value::scalar(range.class, range.get(column)),
                _ if dims == [1, 1] => value.clone(),
                _ => {
                    let at = Value::number(column as f64 + 1.0);
                    let subscripts = if dims[0] == 1 && dims.len() == 2 {
                        vec![Subscript::Value(at)]
                    } else {
                        vec![Subscript::All, Subscript::Value(at)]
                    };
                    self.rt.at(values.span, |rt| read::read(rt, None, value, &subscripts))?
                }
            };
            self.rt.variables.set(variable, item);
            if matches!(self.block(body)?, Flow::Break) {
                break;
            }
            self.rt.end_of_round()?;
        }
        Ok(())
    }

    /// Displays a variable.
    fn show(&mut self, symbol: Symbol, value: &Value) -> Result<(), Diagnostic> {
        let host = self.rt.host(value)?;
        let text = display(self.rt.names.name(symbol), &host);
        self.rt.print(&text)
    }

    fn show_as(&mut self, name: &str, value: &Value, expr: &Expr) -> Result<(), Diagnostic> {
        self.rt.at(expr.span, |rt| {
            let host = rt.host(value)?;
            rt.print(&display(name, &host))
        })
    }
}
