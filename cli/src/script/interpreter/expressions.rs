//! Values of expressions, from left to right.

use super::super::ast::{Expr, ExprKind, Postfix, PostfixKind};
use super::super::classes::Class;
use super::super::diagnostic::{Diagnostic, Span};
use super::super::functions::{self, Call};
use super::super::index::{Subscript, end_of, read};
use super::super::lexer::Symbol;
use super::super::operators::range::range;
use super::super::operators::{self, compare};
use super::super::value::Value;
use super::{Interpreter, OpenSubscript};

impl Interpreter<'_, '_> {
    /// The one value of an expression.
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value, Diagnostic> {
        let value = self.values(expr, 1)?.into_iter().next();
        value.ok_or_else(|| Diagnostic::at(expr.span, "value on the right hand side of the assignment not defined"))
    }

    /// Up to `wanted` values of an expression. Only calls can have more than one, or none.
    pub(super) fn values(&mut self, expr: &Expr, wanted: usize) -> Result<Vec<Value>, Diagnostic> {
        match &expr.kind {
            ExprKind::Name { symbol, read } => match self.read_variable(*symbol, *read) {
                Some(value) => Ok(vec![value]),
                None => self.call(*symbol, expr.span, &[], expr.span, wanted),
            },
            ExprKind::Postfix { base, steps } => self.postfix(base, steps, wanted),
            _ => Ok(vec![self.single(expr)?]),
        }
        .map_err(|error| error.or_at(expr.span))
    }

    fn single(&mut self, expr: &Expr) -> Result<Value, Diagnostic> {
        match &expr.kind {
            ExprKind::Number(value) => Ok(Value::scalar(self.rt.settings.real, *value)),
            ExprKind::Text { text, double_quoted } => Ok(Value::text(text.clone(), *double_quoted)),
            ExprKind::Matrix(rows) => self.matrix(rows, expr.span),
            ExprKind::Prefix { op, operand } => {
                let operand = self.value(operand)?;
                self.rt.at(expr.span, |rt| operators::prefix(rt, *op, &operand))
            }
            ExprKind::Chain { first, rest } => {
                let mut left = self.value(first)?;
                for link in rest {
                    let right = self.value(&link.operand)?;
                    left = self.rt.at(link.span, |rt| operators::binary(rt, link.op, &left, &right))?;
                }
                Ok(left)
            }
            ExprKind::ShortCircuit { and, operands } => {
                for operand in operands {
                    let value = self.value(operand)?;
                    if self.rt.at(operand.span, |rt| compare::condition(rt, &value))? != *and {
                        return Ok(Value::truth(!*and));
                    }
                }
                Ok(Value::truth(*and))
            }
            ExprKind::Range { start, step, stop } => {
                let start = self.value(start)?;
                let step = step.as_ref().map(|step| self.value(step)).transpose()?;
                let stop = self.value(stop)?;
                self.rt.at(expr.span, |rt| range(rt, &start, step.as_ref(), &stop))
            }
            ExprKind::End => match self.subscripts.last() {
                Some(open) => {
                    let end = end_of(&open.dims, open.position, open.total);
                    Ok(Value::scalar(self.rt.settings.real, end as f64))
                }
                None => Err(Diagnostic::at(expr.span, "'end': nothing is being indexed here")),
            },
            ExprKind::Colon => Err(Diagnostic::at(expr.span, "':' is a value only as an index")),
            ExprKind::Name { .. } | ExprKind::Postfix { .. } => self.value(expr),
        }
    }

    /// The value of a variable, moved out if this is its last read.
    pub(super) fn read_variable(&mut self, symbol: Symbol, read: u32) -> Option<Value> {
        if self.last.is_last(read) { self.rt.variables.take(symbol) } else { self.rt.variables.get(symbol).cloned() }
    }

    /// The variable that an expression consists of, if it is one.
    pub(super) fn bare_variable(&mut self, expr: &Expr) -> Option<(Symbol, Value)> {
        match &expr.kind {
            ExprKind::Name { symbol, read } => Some((*symbol, self.read_variable(*symbol, *read)?)),
            _ => None,
        }
    }

    fn postfix(&mut self, base: &Expr, steps: &[Postfix], wanted: usize) -> Result<Vec<Value>, Diagnostic> {
        let mut steps = steps.iter().peekable();
        let mut name = None;
        let mut current = match &base.kind {
            ExprKind::Name { symbol, read } => {
                if let Some(value) = self.read_variable(*symbol, *read) {
                    name = Some(*symbol);
                    value
                } else {
                    let mut arguments: &[Expr] = &[];
                    let mut span = base.span;
                    if let Some(Postfix { kind: PostfixKind::Arguments(given), span: list }) = steps.peek() {
                        arguments = given;
                        span = base.span.to(*list);
                        steps.next();
                    }
                    let last = steps.peek().is_none();
                    let values = self.call(*symbol, base.span, arguments, span, if last { wanted } else { 1 })?;
                    if last {
                        return Ok(values);
                    }
                    let first = values.into_iter().next();
                    first.ok_or_else(|| Diagnostic::at(span, "this call has no value to go on with"))?
                }
            }
            _ => self.value(base)?,
        };
        for step in steps {
            current = self.step(name, current, step, base.span)?;
            // Messages name the variable only in its own index, not in the index of a part of it.
            name = None;
        }
        Ok(vec![current])
    }

    fn step(&mut self, name: Option<Symbol>, current: Value, step: &Postfix, base: Span) -> Result<Value, Diagnostic> {
        match &step.kind {
            PostfixKind::Transpose => self.rt.at(step.span, |rt| operators::transpose(rt, &current)),
            PostfixKind::Power(op, exponent) => {
                let exponent = self.value(exponent)?;
                self.rt.at(step.span, |rt| operators::binary(rt, *op, &current, &exponent))
            }
            PostfixKind::Arguments(arguments) => {
                let subscripts = self.subscripts(&current.dims(), arguments)?;
                self.rt.at(base.to(step.span), |rt| {
                    let names = rt.names;
                    read::read(rt, name.map(|symbol| names.name(symbol)), &current, &subscripts)
                })
            }
        }
    }

    /// The subscripts of a value of `dims`.
    pub(super) fn subscripts(&mut self, dims: &[usize], arguments: &[Expr]) -> Result<Vec<Subscript>, Diagnostic> {
        let mut subscripts = Vec::with_capacity(arguments.len());
        for (position, argument) in arguments.iter().enumerate() {
            if matches!(argument.kind, ExprKind::Colon) {
                subscripts.push(Subscript::All);
                continue;
            }
            self.subscripts.push(OpenSubscript { dims: dims.to_vec(), position, total: arguments.len() });
            let value = self.value(argument);
            self.subscripts.pop();
            subscripts.push(match value? {
                // x(':') is x(:).
                text if text.as_text() == Some(b":") => Subscript::All,
                value => Subscript::Value(value),
            });
        }
        Ok(subscripts)
    }

    fn call(
        &mut self,
        symbol: Symbol,
        name_span: Span,
        arguments: &[Expr],
        span: Span,
        wanted: usize,
    ) -> Result<Vec<Value>, Diagnostic> {
        let names = self.rt.names;
        let name = names.name(symbol);
        let Some(function) = functions::find(name) else {
            return Err(functions::unknown(name, name_span));
        };
        // `single(load(…))` reads integers and bytes directly as single.
        let widens = name == "single" && matches!(arguments, [argument] if self.is_load(argument));
        if widens {
            self.rt.load.class = Some(Class::Single);
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        if widens {
            self.rt.load.class = None;
        }
        let spans = arguments.iter().map(|argument| argument.span).collect();
        self.rt.at(span, |rt| {
            functions::call(rt, function, Call { name: function.name, arguments: values, spans, wanted })
        })
    }

    fn is_load(&self, expr: &Expr) -> bool {
        let ExprKind::Postfix { base, steps } = &expr.kind else { return false };
        matches!(&base.kind, ExprKind::Name { symbol, .. }
            if steps.len() == 1 && self.rt.names.name(*symbol) == "load" && self.rt.variables.get(*symbol).is_none())
    }

    fn matrix(&mut self, rows: &[Vec<Expr>], span: Span) -> Result<Value, Diagnostic> {
        let mut parts = Vec::with_capacity(rows.len());
        for row in rows {
            let mut elements = Vec::with_capacity(row.len());
            for element in row {
                elements.push(self.value(element)?);
            }
            parts.push(elements);
        }
        self.rt.at(span, |rt| super::super::concat::matrix(rt, &parts))
    }
}
