//! Left-hand sides: `x = v`, `x(i) = v`, `[a, b] = v`, `x += v`.

use super::super::ast::{Expr, ExprKind, Target, Update};
use super::super::diagnostic::{Diagnostic, Span};
use super::super::index::{read, remove, write};
use super::super::lexer::Symbol;
use super::super::operators;
use super::super::value::Value;
use super::Interpreter;

impl Interpreter<'_, '_> {
    pub(super) fn assign(
        &mut self,
        targets: &[Target],
        bracketed: bool,
        expr: &Expr,
        show: bool,
    ) -> Result<(), Diagnostic> {
        if let [Target::Variable { symbol, arguments: None, .. }] = targets {
            let name = self.rt.names.name(*symbol);
            let input = self.rt.settings.inputs.iter().find(|input| input.name == name);
            self.rt.load.file = input.map(|input| input.path.clone());
        }
        let values = self.values(expr, targets.len());
        self.rt.load.file = None;
        let values = values?;
        if values.is_empty() {
            return Err(Diagnostic::at(expr.span, "value on the right hand side of the assignment not defined"));
        }
        if values.len() < targets.len() && !bracketed {
            return Err(Diagnostic::at(expr.span, "some elements undefined in argument list"));
        }
        let mut values = values.into_iter();
        for (at, target) in targets.iter().enumerate() {
            let Some(value) = values.next() else {
                if matches!(target, Target::Ignored(_)) {
                    continue;
                }
                return Err(Diagnostic::at(expr.span, format!("element number {} undefined in return list", at + 1)));
            };
            self.assign_one(target, value, expr, show)?;
        }
        Ok(())
    }

    fn assign_one(&mut self, target: &Target, value: Value, expr: &Expr, show: bool) -> Result<(), Diagnostic> {
        let Target::Variable { symbol, span, arguments } = target else { return Ok(()) };
        match arguments {
            None => {
                self.rt.name(*symbol, *span, &value);
                self.rt.variables.set(*symbol, value);
            }
            Some(arguments) => {
                let dims = self.rt.variables.get(*symbol).map_or_else(|| vec![0, 0], Value::dims);
                let subscripts = self.subscripts(&dims, arguments)?;
                let deletes = matches!(&expr.kind, ExprKind::Matrix(rows) if rows.is_empty());
                let old = self.rt.variables.take(*symbol);
                let names = self.rt.names;
                let name = names.name(*symbol);
                let new = self.rt.at(*span, |rt| match (&old, deletes) {
                    (Some(old), true) => remove::remove(rt, name, old, &subscripts),
                    _ => write::write(rt, name, old, &subscripts, &value),
                })?;
                self.rt.name(*symbol, *span, &new);
                self.rt.variables.set(*symbol, new);
            }
        }
        self.show_target(*symbol, show)
    }

    fn show_target(&mut self, symbol: Symbol, show: bool) -> Result<(), Diagnostic> {
        match self.rt.variables.get(symbol).cloned() {
            Some(value) if show => self.show(symbol, &value),
            _ => Ok(()),
        }
    }

    pub(super) fn update(&mut self, update: &Update) -> Result<(), Diagnostic> {
        let Target::Variable { symbol, span, arguments } = &update.target else {
            return Err(Diagnostic::at(update.op_span, "'~' cannot be updated"));
        };
        if self.rt.variables.get(*symbol).is_none() {
            let text = update.op.text();
            return Err(Diagnostic::at(*span, format!("in computed assignment A {text}= X, A must be defined first")));
        }
        let new = match arguments {
            None => self.updated(update, *symbol, *span)?,
            Some(arguments) => self.updated_part(update, *symbol, *span, arguments)?,
        };
        self.rt.name(*symbol, *span, &new);
        self.rt.variables.set(*symbol, new);
        self.show_target(*symbol, update.show)
    }

    /// The new value of `x` in `x += v`.
    fn updated(&mut self, update: &Update, symbol: Symbol, span: Span) -> Result<Value, Diagnostic> {
        let old = self.read_variable(symbol, update.read);
        let value = self.value(&update.value)?;
        // It was there before, and evaluating an expression cannot drop what it does not own.
        let old = old.ok_or_else(|| Diagnostic::at(span, "the variable is gone"))?;
        self.rt.at(update.op_span, |rt| operators::binary(rt, update.op, &old, &value))
    }

    /// The new value of `x` in `x(i) += v`.
    fn updated_part(
        &mut self,
        update: &Update,
        symbol: Symbol,
        span: Span,
        arguments: &[Expr],
    ) -> Result<Value, Diagnostic> {
        let dims = self.rt.variables.get(symbol).map_or_else(|| vec![0, 0], Value::dims);
        let subscripts = self.subscripts(&dims, arguments)?;
        let value = self.value(&update.value)?;
        let old = self.rt.variables.take(symbol).ok_or_else(|| Diagnostic::at(span, "the variable is gone"))?;
        let names = self.rt.names;
        let name = names.name(symbol);
        let part = self.rt.at(span, |rt| read::read(rt, Some(name), &old, &subscripts))?;
        let part = self.rt.at(update.op_span, |rt| operators::binary(rt, update.op, &part, &value))?;
        self.rt.at(span, |rt| write::write(rt, name, Some(old), &subscripts, &part))
    }
}
