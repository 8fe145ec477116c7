//! The two sides of a rule: infix expressions over variables whose sorts follow from where they stand.

use super::lexer::{Spanned, Token};
use super::model::{AttrPat, Head, Pat, VarSort, Variable};
use super::parser::{Parser, Step, suggestion};
use super::signature::{Arg, Function, function, names};
use crate::graph::{BinaryOp, UnaryOp};
use crate::planner::language::EOp;
use crate::types::{DType, Scalar};

/// How deep expressions may be nested.
const DEEPEST: usize = 32;
/// How many infix and postfix operations a rule may hold.
const MOST_LINKS: usize = 100;

fn arguments(n: usize, optional: usize) -> String {
    match (n, optional) {
        (1, _) => "1 argument".into(),
        (_, 0) => format!("{n} arguments"),
        _ => format!("{} to {n} arguments", n - optional),
    }
}

fn link(p: &mut Parser) -> Step<()> {
    p.links += 1;
    if p.links > MOST_LINKS {
        let here = p.peek().clone();
        return p.fail(&here, format!("a rule may hold {MOST_LINKS} operations"), None);
    }
    Ok(())
}

/// What the left side bound so far.
#[derive(Default)]
pub(super) struct Sides {
    pub(super) vars: Vec<Variable>,
    pub(super) ops: Vec<String>,
    /// Whether a function of the right side was used.
    pub(super) right_only: bool,
    pub(super) right: bool,
}

impl Sides {
    /// The names the left side binds, for messages.
    pub(super) fn bound(&self) -> String {
        self.vars
            .iter()
            .map(|v| v.name.as_str())
            .chain(self.ops.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// One side.
    pub(super) fn expression(&mut self, p: &mut Parser, right: bool) -> Step<Pat> {
        self.right = right;
        self.sum(p, Arg::Of(VarSort::Tensor))
    }

    fn sum(&mut self, p: &mut Parser, arg: Arg) -> Step<Pat> {
        let mut left = self.product(p, arg)?;
        loop {
            let op = if p.is("+") {
                BinaryOp::Add
            } else if p.is("-") {
                BinaryOp::Sub
            } else {
                return Ok(left);
            };
            link(p)?;
            p.next();
            let right = self.product(p, arg)?;
            left = Pat::Node(Head::Is(EOp::Binary(op)), vec![left, right]);
        }
    }

    fn product(&mut self, p: &mut Parser, arg: Arg) -> Step<Pat> {
        let mut left = self.prefix(p, arg)?;
        loop {
            let op = if p.is("*") {
                EOp::Binary(BinaryOp::Mul)
            } else if p.is("/") {
                EOp::Binary(BinaryOp::Div)
            } else if p.is("@") {
                EOp::Contract
            } else {
                return Ok(left);
            };
            link(p)?;
            p.next();
            let right = self.prefix(p, arg)?;
            left = Pat::Node(Head::Is(op), vec![left, right]);
        }
    }

    fn prefix(&mut self, p: &mut Parser, arg: Arg) -> Step<Pat> {
        if p.depth >= DEEPEST {
            let here = p.peek().clone();
            return p.fail(&here, format!("expressions may be nested {DEEPEST} deep"), None);
        }
        p.depth += 1;
        let found = if p.is("-") {
            p.next();
            self.prefix(p, arg).map(|inner| match inner {
                Pat::Number(x) => Pat::Number(-x),
                other => Pat::Node(Head::Is(EOp::Unary(UnaryOp::Neg)), vec![other]),
            })
        } else {
            self.power(p, arg)
        };
        p.depth -= 1;
        found
    }

    fn power(&mut self, p: &mut Parser, arg: Arg) -> Step<Pat> {
        let base = self.postfix(p, arg)?;
        if !p.is("^") {
            return Ok(base);
        }
        p.next();
        let exponent = self.attribute(p, VarSort::Int)?;
        Ok(Pat::Node(Head::Is(EOp::Powi), vec![base, exponent]))
    }

    fn postfix(&mut self, p: &mut Parser, arg: Arg) -> Step<Pat> {
        let mut inner = self.primary(p, arg)?;
        while p.is("'") {
            link(p)?;
            p.next();
            inner = Pat::Node(Head::Is(EOp::Transpose), vec![inner]);
        }
        Ok(inner)
    }

    fn primary(&mut self, p: &mut Parser, arg: Arg) -> Step<Pat> {
        let word = p.next();
        match &word.token {
            Token::Sign("(") => {
                let inner = self.sum(p, arg)?;
                p.want(")", "after the expression")?;
                Ok(inner)
            }
            Token::Number(x) => {
                if !self.right && !Scalar::from_f64(DType::F64, *x).is_structural() {
                    let help = "rules may test 0, 0.5, 1, 2, 3 and 4 of either sign; other values are not part of a plan's key";
                    return p.fail(&word, format!("the value {x} cannot be tested"), Some(help.into()));
                }
                Ok(Pat::Number(*x))
            }
            Token::Word(name) if p.is("(") => self.call(p, name.clone(), &word),
            Token::Word(name) if !["when", "note", "rule", "phase"].contains(&name.as_str()) => {
                let sort = match arg {
                    Arg::Of(sort) => Some(sort),
                    _ => None,
                };
                self.variable(p, name.clone(), &word, sort)
            }
            other => p.fail(&word, format!("expected an expression, found {}", other.shown()), None),
        }
    }

    /// A variable where `sort` (or, without one, an array or a kernel) is expected.
    fn variable(&mut self, p: &mut Parser, name: String, word: &Spanned, sort: Option<VarSort>) -> Step<Pat> {
        if let Some(v) = self.vars.iter().position(|v| v.name == name) {
            let found = self.vars[v].sort;
            let fits = match sort {
                Some(sort) => sort == found,
                None => matches!(found, VarSort::Tensor | VarSort::Kernel),
            };
            if !fits {
                let wanted = sort.map_or("an array", VarSort::name);
                return p.fail(word, format!("expected {wanted}, but '{name}' is {}", found.name()), None);
            }
            return Ok(Pat::Var(v));
        }
        if self.right {
            let help = format!("the left side binds: {}", self.bound());
            // The rest of the rule is read on: more may be wrong with it.
            let _: Step<()> = p.fail(word, format!("'{name}' appears on the right but not on the left"), Some(help));
            return Ok(Pat::Number(0.0));
        }
        self.vars.push(Variable { name, sort: sort.unwrap_or(VarSort::Tensor) });
        Ok(Pat::Var(self.vars.len() - 1))
    }

    fn call(&mut self, p: &mut Parser, name: String, word: &Spanned) -> Step<Pat> {
        let Some(Function { mut head, args, optional, right_only }) = function(&name) else {
            let all = names();
            let near = suggestion(&name, &all);
            let help =
                if near.starts_with("known") { "planner-rules/README.md lists the functions".into() } else { near };
            return p.fail(word, format!("there is no function '{name}'"), Some(help));
        };
        if right_only && !self.right {
            return p.fail(
                word,
                format!("'{name}' builds something and cannot be matched: it may stand on the right only"),
                None,
            );
        }
        self.right_only |= right_only;
        p.want("(", "after a function")?;
        let mut given = Vec::new();
        for (i, &arg) in args.iter().enumerate() {
            if i > 0 && !p.is(",") {
                if i + optional >= args.len() {
                    break;
                }
                let at = p.peek().clone();
                return p.fail(&at, format!("{name} takes {}, given {i}", arguments(args.len(), optional)), None);
            }
            if i > 0 {
                p.next();
            }
            match arg {
                Arg::Of(sort @ (VarSort::Axes | VarSort::Extents | VarSort::Int)) => {
                    given.push(self.attribute(p, sort)?)
                }
                // A kernel may stand for a value by its bare name only: operations between kernels are stages.
                Arg::Value if p.bare_word() => {
                    let word = p.next();
                    let Token::Word(name) = &word.token else { continue };
                    given.push(self.variable(p, name.clone(), &word, None)?);
                }
                Arg::Value => given.push(self.sum(p, Arg::Of(VarSort::Tensor))?),
                Arg::Of(_) => given.push(self.sum(p, arg)?),
                Arg::Op1 | Arg::Op2 => {
                    let v = self.operator(p)?;
                    head = if arg == Arg::Op1 { Head::AnyUnary(v) } else { Head::AnyBinary(v) };
                }
            }
        }
        if p.is(",") {
            let at = p.peek().clone();
            return p.fail(&at, format!("{name} takes {}, given more", arguments(args.len(), optional)), None);
        }
        p.want(")", "after the arguments")?;
        if head == Head::Cheapest && given.iter().any(|g| !matches!(g, Pat::Var(_))) {
            let help = "name on the left side what the chain is made of".into();
            return p.fail(word, format!("'{name}' takes variables"), Some(help));
        }
        Ok(Pat::Node(head, given))
    }

    fn operator(&mut self, p: &mut Parser) -> Step<usize> {
        let word = p.next();
        let Token::Word(name) = &word.token else {
            return p.fail(
                &word,
                format!("expected the name of an operation's variable, found {}", word.token.shown()),
                None,
            );
        };
        if let Some(v) = self.ops.iter().position(|o| o == name) {
            return Ok(v);
        }
        if self.right {
            let help = format!("the left side binds: {}", self.bound());
            return p.fail(&word, format!("'{name}' appears on the right but not on the left"), Some(help));
        }
        self.ops.push(name.clone());
        Ok(self.ops.len() - 1)
    }

    fn attribute(&mut self, p: &mut Parser, sort: VarSort) -> Step<Pat> {
        let negative = sort == VarSort::Int && p.is("-");
        if negative {
            p.next();
        }
        let word = p.next();
        let attr = match (&word.token, sort) {
            (Token::Number(x), VarSort::Int) if x.fract() == 0.0 && x.abs() < 1e9 => {
                AttrPat::Int(if negative { -(*x as i32) } else { *x as i32 })
            }
            (Token::Word(name), VarSort::Axes) if p.is("(") => return self.axes_function(p, name.clone(), &word),
            (Token::Word(name), VarSort::Axes) if name == "last" => AttrPat::Last,
            (Token::Word(name), VarSort::Axes) if name == "rows" => AttrPat::Rows,
            (Token::Word(name), VarSort::Axes) if name == "both" => AttrPat::Both,
            (Token::Word(name), VarSort::Axes) if name == "every" => AttrPat::Every,
            (Token::Word(name), VarSort::Extents) if name == "result" => {
                self.right_only |= !self.right;
                AttrPat::Result
            }
            (Token::Word(name), _) if !negative => return self.variable(p, name.clone(), &word, Some(sort)),
            (other, _) => return p.fail(&word, format!("expected {}, found {}", sort.name(), other.shown()), None),
        };
        Ok(Pat::Attr(attr))
    }

    fn axes_function(&mut self, p: &mut Parser, name: String, word: &Spanned) -> Step<Pat> {
        if !self.right {
            return p.fail(word, format!("'{name}' builds axes and may stand on the right only"), None);
        }
        self.right_only = true;
        let n_args = match name.as_str() {
            "union" => 2,
            "turned" => 1,
            _ => {
                let help = suggestion(&name, &["union", "turned", "last", "rows", "both", "every"]);
                return p.fail(word, format!("there is no function of axes '{name}'"), Some(help));
            }
        };
        p.want("(", "after a function")?;
        let mut vars = Vec::new();
        for i in 0..n_args {
            if i > 0 {
                p.want(",", "between axes")?;
            }
            let Pat::Var(v) = self.attribute(p, VarSort::Axes)? else {
                return p.fail(word, format!("'{name}' takes variables"), None);
            };
            vars.push(v);
        }
        p.want(")", "after the axes")?;
        Ok(Pat::Attr(if n_args == 2 { AttrPat::Union(vars[0], vars[1]) } else { AttrPat::Turned(vars[0]) }))
    }
}
