//! The names in a loop, which every evaluation inside it includes.
//!
//! In: a loop's condition and body. Out: the names of all variables that are assigned or read there. Why an evaluation includes
//! them is in `runtime/loops.rs`.

use std::rc::Rc;

use super::super::ast::{Block, Expr, ExprKind, PostfixKind, StatementKind, Target};
use super::super::lexer::Symbol;

/// The names in a loop, its inner loops' included, each once.
pub(super) fn names_in_loop(condition: Option<&Expr>, body: &Block) -> Rc<[Symbol]> {
    let mut names = Vec::new();
    if let Some(condition) = condition {
        expr(condition, &mut names);
    }
    block(body, &mut names);
    names.sort_unstable();
    names.dedup();
    names.into()
}

fn block(block_: &Block, names: &mut Vec<Symbol>) {
    for statement in &block_.statements {
        match &statement.kind {
            StatementKind::Expression { value, .. } => expr(value, names),
            StatementKind::Assign { targets, value, .. } => {
                targets.iter().for_each(|t| target(t, names));
                expr(value, names);
            }
            StatementKind::Update(update) => {
                target(&update.target, names);
                expr(&update.value, names);
            }
            StatementKind::If { arms, otherwise } => {
                for arm in arms {
                    expr(&arm.condition, names);
                    block(&arm.body, names);
                }
                block(otherwise, names);
            }
            StatementKind::While { condition, body } => {
                expr(condition, names);
                block(body, names);
            }
            StatementKind::For { variable, values, body, .. } => {
                names.push(*variable);
                expr(values, names);
                block(body, names);
            }
            StatementKind::Break | StatementKind::Continue => {}
        }
    }
}

fn target(target: &Target, names: &mut Vec<Symbol>) {
    if let Target::Variable { symbol, arguments, .. } = target {
        names.push(*symbol);
        arguments.iter().flatten().for_each(|e| expr(e, names));
    }
}

fn expr(e: &Expr, names: &mut Vec<Symbol>) {
    match &e.kind {
        ExprKind::Number(_) | ExprKind::Text { .. } | ExprKind::Colon | ExprKind::End => {}
        ExprKind::Name { symbol, .. } => names.push(*symbol),
        ExprKind::Matrix(rows) => rows.iter().flatten().for_each(|e| expr(e, names)),
        ExprKind::Prefix { operand, .. } => expr(operand, names),
        ExprKind::Postfix { base, steps } => {
            expr(base, names);
            for step in steps {
                match &step.kind {
                    PostfixKind::Arguments(arguments) => arguments.iter().for_each(|e| expr(e, names)),
                    PostfixKind::Power(_, exponent) => expr(exponent, names),
                    PostfixKind::Transpose => {}
                }
            }
        }
        ExprKind::Chain { first, rest } => {
            expr(first, names);
            rest.iter().for_each(|link| expr(&link.operand, names));
        }
        ExprKind::ShortCircuit { operands, .. } => operands.iter().for_each(|e| expr(e, names)),
        ExprKind::Range { start, step, stop } => {
            expr(start, names);
            step.iter().for_each(|e| expr(e, names));
            expr(stop, names);
        }
    }
}
