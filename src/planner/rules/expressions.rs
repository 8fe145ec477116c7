//! The two sides of a rule: infix expressions over variables whose sorts follow from their positions.

use super::lexer::{Spanned, Token};
use super::model::{AttrPat, Head, Pat};
use super::reader::{Read, Reader, suggestion};
use super::signature::{Function, Parameter, function, names};
use super::sort::{VarSort, Variable};
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

fn link(reader: &mut Reader) -> Read<()> {
    reader.links += 1;
    if reader.links > MOST_LINKS {
        return reader.fail_here(format!("a rule may hold {MOST_LINKS} operations"), None);
    }
    Ok(())
}

/// A function and what it is applied to.
struct Call {
    head: Head,
    args: Vec<Pat>,
}

/// The variables of a rule: those that its left side has bound so far.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) vars: Vec<Variable>,
    pub(super) ops: Vec<String>,
    /// Whether a function of the right side was used.
    pub(super) right_only: bool,
    /// Whether the side being read is the right one, which binds nothing.
    right: bool,
}

impl Scope {
    /// A rule whose left side has bound these variables.
    pub(super) fn of(vars: Vec<Variable>) -> Self {
        Self { vars, ..Self::default() }
    }

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
    pub(super) fn expression(&mut self, reader: &mut Reader, right: bool) -> Read<Pat> {
        self.right = right;
        self.sum(reader, Parameter::Of(VarSort::Tensor))
    }

    fn sum(&mut self, reader: &mut Reader, expected: Parameter) -> Read<Pat> {
        let mut left = self.product(reader, expected)?;
        loop {
            let op = match reader.peek().token {
                Token::Sign("+") => BinaryOp::Add,
                Token::Sign("-") => BinaryOp::Sub,
                _ => return Ok(left),
            };
            link(reader)?;
            reader.next();
            let right = self.product(reader, expected)?;
            left = Pat::Node(Head::Is(EOp::Binary(op)), vec![left, right]);
        }
    }

    fn product(&mut self, reader: &mut Reader, expected: Parameter) -> Read<Pat> {
        let mut left = self.prefix(reader, expected)?;
        loop {
            let op = match reader.peek().token {
                Token::Sign("*") => EOp::Binary(BinaryOp::Mul),
                Token::Sign("/") => EOp::Binary(BinaryOp::Div),
                Token::Sign("@") => EOp::Contract,
                _ => return Ok(left),
            };
            link(reader)?;
            reader.next();
            let right = self.prefix(reader, expected)?;
            left = Pat::Node(Head::Is(op), vec![left, right]);
        }
    }

    fn prefix(&mut self, reader: &mut Reader, expected: Parameter) -> Read<Pat> {
        if reader.depth >= DEEPEST {
            return reader.fail_here(format!("expressions may be nested {DEEPEST} deep"), None);
        }
        reader.depth += 1;
        let found = if reader.is("-") {
            reader.next();
            self.prefix(reader, expected).map(|inner| match inner {
                Pat::Number(x) => Pat::Number(-x),
                other => Pat::Node(Head::Is(EOp::Unary(UnaryOp::Neg)), vec![other]),
            })
        } else {
            self.power(reader, expected)
        };
        reader.depth -= 1;
        found
    }

    fn power(&mut self, reader: &mut Reader, expected: Parameter) -> Read<Pat> {
        let base = self.postfix(reader, expected)?;
        if !reader.is("^") {
            return Ok(base);
        }
        reader.next();
        let exponent = self.attribute(reader, VarSort::Int)?;
        Ok(Pat::Node(Head::Is(EOp::Powi), vec![base, exponent]))
    }

    fn postfix(&mut self, reader: &mut Reader, expected: Parameter) -> Read<Pat> {
        let mut inner = self.primary(reader, expected)?;
        while reader.is("'") {
            link(reader)?;
            reader.next();
            inner = Pat::Node(Head::Is(EOp::Transpose), vec![inner]);
        }
        Ok(inner)
    }

    fn primary(&mut self, reader: &mut Reader, expected: Parameter) -> Read<Pat> {
        let word = reader.next();
        match &word.token {
            Token::Sign("(") => {
                let inner = self.sum(reader, expected)?;
                reader.want(")", "after the expression")?;
                Ok(inner)
            }
            Token::Number(x) => {
                if !self.right && !Scalar::from_f64(DType::F64, *x).is_structural() {
                    let help = "rules may test 0, 0.5, 1, 2, 3 and 4 of either sign; other values are not part of a plan's key";
                    return reader.fail(&word, format!("the value {x} cannot be tested"), Some(help.into()));
                }
                Ok(Pat::Number(*x))
            }
            Token::Word(name) if reader.is("(") => self.call(reader, name.clone(), &word),
            Token::Word(name) if !["when", "note", "rule", "phase"].contains(&name.as_str()) => {
                let sort = match expected {
                    Parameter::Of(sort) => Some(sort),
                    _ => None,
                };
                self.variable(reader, name.clone(), &word, sort)
            }
            other => reader.fail(&word, format!("expected an expression, found {}", other.shown()), None),
        }
    }

    /// A variable where `sort` (or, without one, an array or a kernel) is expected.
    fn variable(&mut self, reader: &mut Reader, name: String, word: &Spanned, sort: Option<VarSort>) -> Read<Pat> {
        if let Some(v) = self.vars.iter().position(|v| v.name == name) {
            let found = self.vars[v].sort;
            let fits = match sort {
                Some(sort) => sort == found,
                None => matches!(found, VarSort::Tensor | VarSort::Kernel),
            };
            if !fits {
                let wanted = sort.map_or("an array", VarSort::name);
                return reader.fail(word, format!("expected {wanted}, but '{name}' is {}", found.name()), None);
            }
            return Ok(Pat::Var(v));
        }
        if self.right {
            let help = format!("the left side binds: {}", self.bound());
            // The rest of the rule is read on: more may be wrong with it.
            let _: Read<()> =
                reader.fail(word, format!("'{name}' appears on the right but not on the left"), Some(help));
            return Ok(Pat::Number(0.0));
        }
        self.vars.push(Variable { name, sort: sort.unwrap_or(VarSort::Tensor) });
        Ok(Pat::Var(self.vars.len() - 1))
    }

    fn call(&mut self, reader: &mut Reader, name: String, word: &Spanned) -> Read<Pat> {
        let Some(function) = function(&name) else {
            let near = suggestion(&name, &names());
            let help =
                if near.starts_with("known") { "planner-rules/README.md lists the functions".into() } else { near };
            return reader.fail(word, format!("there is no function '{name}'"), Some(help));
        };
        if function.right_only && !self.right {
            let message = format!("'{name}' builds something and cannot be matched: it may stand on the right only");
            return reader.fail(word, message, None);
        }
        self.right_only |= function.right_only;
        reader.want("(", "after a function")?;
        let Call { head, args } = self.arguments(reader, &name, function)?;
        if head == Head::Cheapest && args.iter().any(|a| !matches!(a, Pat::Var(_))) {
            let help = "name on the left side what the chain is made of".into();
            return reader.fail(word, format!("'{name}' takes variables"), Some(help));
        }
        Ok(Pat::Node(head, args))
    }

    /// The arguments of a function, up to the closing bracket.
    fn arguments(&mut self, reader: &mut Reader, name: &str, function: Function) -> Read<Call> {
        let Function { mut head, parameters, optional, .. } = function;
        let takes = arguments(parameters.len(), optional);
        let mut args = Vec::new();
        for (i, &parameter) in parameters.iter().enumerate() {
            if i > 0 && !reader.take(",") {
                if i + optional >= parameters.len() {
                    break;
                }
                return reader.fail_here(format!("{name} takes {takes}, given {i}"), None);
            }
            match parameter {
                Parameter::Of(sort @ (VarSort::Axes | VarSort::Extents | VarSort::Int)) => {
                    args.push(self.attribute(reader, sort)?);
                }
                Parameter::Of(_) => args.push(self.sum(reader, parameter)?),
                Parameter::Value => args.push(self.value(reader)?),
                Parameter::Op1 => head = Head::AnyUnary(self.operator(reader)?),
                Parameter::Op2 => head = Head::AnyBinary(self.operator(reader)?),
            }
        }
        if reader.is(",") {
            return reader.fail_here(format!("{name} takes {takes}, given more"), None);
        }
        reader.want(")", "after the arguments")?;
        Ok(Call { head, args })
    }

    /// An array or a kernel. A kernel is given by its bare name: operations between kernels are stages, and have functions.
    fn value(&mut self, reader: &mut Reader) -> Read<Pat> {
        if !reader.bare_word() {
            return self.sum(reader, Parameter::Of(VarSort::Tensor));
        }
        let (at, name) = reader.want_word("an expression")?;
        self.variable(reader, name, &at, None)
    }

    fn operator(&mut self, reader: &mut Reader) -> Read<usize> {
        let (word, name) = reader.want_word("the name of an operation's variable")?;
        if let Some(v) = self.ops.iter().position(|o| *o == name) {
            return Ok(v);
        }
        if self.right {
            let help = format!("the left side binds: {}", self.bound());
            return reader.fail(&word, format!("'{name}' appears on the right but not on the left"), Some(help));
        }
        self.ops.push(name);
        Ok(self.ops.len() - 1)
    }

    fn attribute(&mut self, reader: &mut Reader, sort: VarSort) -> Read<Pat> {
        let negative = sort == VarSort::Int && reader.is("-");
        if negative {
            reader.next();
        }
        let word = reader.next();
        let attr = match (&word.token, sort) {
            (Token::Number(x), VarSort::Int) if x.fract() == 0.0 && x.abs() < 1e9 => {
                AttrPat::Int(if negative { -(*x as i32) } else { *x as i32 })
            }
            (Token::Word(name), VarSort::Axes) if reader.is("(") => {
                return self.axes_function(reader, name.clone(), &word);
            }
            (Token::Word(name), VarSort::Axes) if name == "last" => AttrPat::Last,
            (Token::Word(name), VarSort::Axes) if name == "rows" => AttrPat::Rows,
            (Token::Word(name), VarSort::Axes) if name == "both" => AttrPat::Both,
            (Token::Word(name), VarSort::Axes) if name == "every" => AttrPat::Every,
            (Token::Word(name), VarSort::Extents) if name == "result" => {
                self.right_only |= !self.right;
                AttrPat::Result
            }
            (Token::Word(name), _) if !negative => return self.variable(reader, name.clone(), &word, Some(sort)),
            (other, _) => {
                return reader.fail(&word, format!("expected {}, found {}", sort.name(), other.shown()), None);
            }
        };
        Ok(Pat::Attr(attr))
    }

    fn axes_function(&mut self, reader: &mut Reader, name: String, word: &Spanned) -> Read<Pat> {
        if !self.right {
            return reader.fail(word, format!("'{name}' builds axes and may stand on the right only"), None);
        }
        self.right_only = true;
        let n_args = match name.as_str() {
            "union" => 2,
            "turned" => 1,
            _ => {
                let help = suggestion(&name, &["union", "turned", "last", "rows", "both", "every"]);
                return reader.fail(word, format!("there is no function of axes '{name}'"), Some(help));
            }
        };
        reader.want("(", "after a function")?;
        let mut vars = Vec::new();
        for i in 0..n_args {
            if i > 0 {
                reader.want(",", "between axes")?;
            }
            let Pat::Var(v) = self.attribute(reader, VarSort::Axes)? else {
                return reader.fail(word, format!("'{name}' takes variables"), None);
            };
            vars.push(v);
        }
        reader.want(")", "after the axes")?;
        Ok(Pat::Attr(if n_args == 2 { AttrPat::Union(vars[0], vars[1]) } else { AttrPat::Turned(vars[0]) }))
    }
}
