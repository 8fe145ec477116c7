//! Left-hand sides: `x = v`, `x(i) = v`, `[a, b] = v`, `x += v`.

use super::super::ast::{BinaryOp, Expr, ExprKind, Target};
use super::super::diagnostic::{Diagnostic, Span};
use super::super::index::{read, write};
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
            let input = self.rt.settings.inputs.iter().find(|(input, _)| input == name);
            self.rt.load_instead = input.map(|(_, path)| path.clone());
        }
        let values = self.values(expr, targets.len());
        self.rt.load_instead = None;
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
                self.rt.set(*symbol, value);
            }
            Some(arguments) => {
                let dims = self.rt.variable(*symbol).map_or_else(|| vec![0, 0], Value::dims);
                let subscripts = self.subscripts(&dims, arguments)?;
                let deletes = matches!(&expr.kind, ExprKind::Matrix(rows) if rows.is_empty());
                let old = self.rt.take(*symbol);
                let names = self.rt.names;
                let name = names.name(*symbol);
                let new = self.rt.at(*span, |rt| match (&old, deletes) {
                    (Some(old), true) => write::remove(rt, name, old, &subscripts),
                    _ => write::write(rt, name, old, &subscripts, &value),
                })?;
                self.rt.name(*symbol, *span, &new);
                self.rt.set(*symbol, new);
            }
        }
        self.show_target(*symbol, show)
    }

    fn show_target(&mut self, symbol: Symbol, show: bool) -> Result<(), Diagnostic> {
        match self.rt.variable(symbol).cloned() {
            Some(value) if show => self.show(symbol, &value),
            _ => Ok(()),
        }
    }

    pub(super) fn update(
        &mut self,
        target: &Target,
        read_number: u32,
        op: BinaryOp,
        op_span: Span,
        expr: &Expr,
        show: bool,
    ) -> Result<(), Diagnostic> {
        let Target::Variable { symbol, span, arguments } = target else {
            return Err(Diagnostic::at(op_span, "'~' cannot be updated"));
        };
        if self.rt.variable(*symbol).is_none() {
            let text = op.text();
            return Err(Diagnostic::at(*span, format!("in computed assignment A {text}= X, A must be defined first")));
        }
        let new = match arguments {
            None => {
                let old = if self.last.is_last(read_number) {
                    self.rt.take(*symbol)
                } else {
                    self.rt.variable(*symbol).cloned()
                };
                let value = self.value(expr)?;
                // It was there above, and evaluating `expr` cannot have dropped what it does not own.
                let old = old.ok_or_else(|| Diagnostic::at(*span, "the variable is gone"))?;
                self.rt.at(op_span, |rt| operators::binary(rt, op, &old, &value))?
            }
            Some(arguments) => {
                let dims = self.rt.variable(*symbol).map_or_else(|| vec![0, 0], Value::dims);
                let subscripts = self.subscripts(&dims, arguments)?;
                let value = self.value(expr)?;
                let Some(old) = self.rt.take(*symbol) else {
                    return Err(Diagnostic::at(*span, "the variable is gone"));
                };
                let names = self.rt.names;
                let name = names.name(*symbol);
                let part = self.rt.at(*span, |rt| read::read(rt, Some(name), &old, &subscripts))?;
                let part = self.rt.at(op_span, |rt| operators::binary(rt, op, &part, &value))?;
                self.rt.at(*span, |rt| write::write(rt, name, Some(old), &subscripts, &part))?
            }
        };
        self.rt.name(*symbol, *span, &new);
        self.rt.set(*symbol, new);
        self.show_target(*symbol, show)
    }
}
