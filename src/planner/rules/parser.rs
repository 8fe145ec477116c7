//! A rule file's text as rules.
//!
//! Recursive descent over the tokens; a rule with an error is skipped to the next `rule` or `phase` at the start of a statement,
//! so one reading finds the errors of a whole file.

use hashbrown::{HashMap, HashSet};

use super::conditions::{Condition, Question, RESULT, required_masks};
use super::expressions::Scope;
use super::lexer::{Spanned, Token};
use super::model::{Class, Pat, Phase, Rule, RuleClasses};
use super::problems::Problem;
use super::reader::{Read, Reader, suggestion};
use super::signature::nearest;
use super::sort::{VarSort, Variable};
use super::variants::variants;

/// The rules of a text; `subject` is the file's name without its ending.
pub(super) fn parse(subject: &str, text: &str, elsewhere: &HashMap<&str, &str>) -> Result<Vec<Rule>, Vec<Problem>> {
    let mut parser =
        Parser { reader: Reader::new(text), subject, phase: Phase::Simplify, elsewhere, names: HashSet::new() };
    let mut rules: Vec<Rule> = Vec::new();
    while parser.reader.peek().token != Token::End {
        match parser.statement() {
            Ok(more) => rules.extend(more),
            Err(()) => parser.reader.recover(),
        }
        parser.reader.rule = None;
    }
    let problems = parser.reader.problems;
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

/// One expression over variables of given sorts.
pub(super) fn expression(text: &str, vars: Vec<Variable>) -> Result<Pat, Vec<Problem>> {
    let mut reader = Reader::new(text);
    let mut scope = Scope::of(vars);
    let read = scope.expression(&mut reader, true);
    if read.is_ok() && reader.peek().token != Token::End {
        let _: Read<()> = reader.fail_here("expected the end of the expression".into(), None);
    }
    match read {
        Ok(pattern) if reader.problems.is_empty() => Ok(pattern),
        _ => Err(reader.problems),
    }
}

struct Parser<'a> {
    reader: Reader,
    subject: &'a str,
    /// The phase of the rules that follow.
    phase: Phase,
    /// Names of rules in other files, and the files.
    elsewhere: &'a HashMap<&'a str, &'a str>,
    /// Names of rules in this file.
    names: HashSet<String>,
}

/// The two sides of a rule.
struct Sides {
    left: Pat,
    right: Pat,
    both_ways: bool,
}

impl Parser<'_> {
    /// A `phase`, which gives no rule, or a `rule`, which gives one for each of its ways.
    fn statement(&mut self) -> Read<Vec<Rule>> {
        if self.reader.take_word("phase") {
            self.phase = self.phase()?;
            return Ok(Vec::new());
        }
        if self.reader.take_word("rule") {
            return self.rule();
        }
        let found = &self.reader.peek().token;
        let near = match found {
            Token::Word(w) => nearest(w, ["rule", "phase"]).map(|n| format!("did you mean '{n}'?")),
            _ => None,
        };
        let message = format!("expected 'rule' or 'phase', found {}", found.shown());
        self.reader.fail_here(message, near)
    }

    fn phase(&mut self) -> Read<Phase> {
        let (at, name) = self.reader.want_word("a phase")?;
        match Phase::ALL.iter().copied().find(|p| p.name() == name) {
            Some(phase) => Ok(phase),
            None => {
                let help = suggestion(&name, &Phase::ALL.iter().copied().map(Phase::name).collect::<Vec<_>>());
                self.reader.fail(&at, format!("there is no phase '{name}'"), Some(help))
            }
        }
    }

    fn rule(&mut self) -> Read<Vec<Rule>> {
        let at = self.reader.next();
        let Token::RuleName(name) = at.token.clone() else {
            let message = format!("expected the rule's name, found {}", at.token.shown());
            return self.reader.fail(&at, message, None);
        };
        self.reader.rule = Some(name.clone());
        (self.reader.depth, self.reader.links) = (0, 0);
        self.reader.want(":", "after the rule's name")?;
        let classes = self.classes()?;
        let mut scope = Scope::default();
        let left = scope.expression(&mut self.reader, false)?;
        let both_ways = self.arrow()?;
        let n_problems = self.reader.problems.len();
        let right = scope.expression(&mut self.reader, true)?;
        let conditions = self.conditions(&scope)?;
        let note = self.note()?;
        if self.reader.problems.len() > n_problems {
            return Err(());
        }
        let sides = Sides { left, right, both_ways };
        self.check_sides(&at, &scope, &sides)?;
        let Some(subject_var) = scope.vars.iter().position(|v| matches!(v.sort, VarSort::Tensor | VarSort::Kernel))
        else {
            return self.reader.fail(&at, "a rule needs an array on its left side".into(), None);
        };
        self.check_name(&name, &at);
        let there = Rule {
            name,
            subject: self.subject.into(),
            phase: self.phase,
            classes,
            note,
            required: required_masks(&scope.vars, &conditions),
            vars: scope.vars,
            ops: scope.ops,
            left: variants(&sides.left),
            right: sides.right.clone(),
            conditions,
            subject_var,
            back: false,
        };
        let back =
            both_ways.then(|| Rule { left: variants(&sides.right), right: sides.left, back: true, ..there.clone() });
        Ok([there].into_iter().chain(back).collect())
    }

    /// Whether the rule goes both ways.
    fn arrow(&mut self) -> Read<bool> {
        let found = self.reader.next();
        match &found.token {
            Token::Sign("=>") => Ok(false),
            Token::Sign("<=>") => Ok(true),
            other => {
                let message = format!("expected '=>' or '<=>' after the left side, found {}", other.shown());
                self.reader.fail(&found, message, None)
            }
        }
    }

    fn conditions(&mut self, scope: &Scope) -> Read<Vec<Condition>> {
        let mut conditions = Vec::new();
        if self.reader.take_word("when") {
            conditions.push(self.condition(scope)?);
            while self.reader.take(",") {
                conditions.push(self.condition(scope)?);
            }
        }
        Ok(conditions)
    }

    fn note(&mut self) -> Read<String> {
        if !self.reader.take_word("note") {
            return Ok(String::new());
        }
        let found = self.reader.next();
        match found.token.clone() {
            Token::Text(text) => Ok(text),
            other => self.reader.fail(&found, format!("expected a text in quotes, found {}", other.shown()), None),
        }
    }

    /// Notes a problem if the name is taken. The rule is read all the same.
    fn check_name(&mut self, name: &str, at: &Spanned) {
        let elsewhere = self.elsewhere.get(name).map(|file| format!("in {file}.rules"));
        let here = (!self.names.insert(name.into())).then(|| "above in this file".to_string());
        if let Some(place) = here.or(elsewhere) {
            let help = format!("it is defined {place}; every rule needs a name of its own");
            let _: Read<()> = self.reader.fail(at, format!("the rule '{name}' is defined twice"), Some(help));
        }
    }

    fn check_sides(&mut self, at: &Spanned, scope: &Scope, sides: &Sides) -> Read<()> {
        let Sides { left, right, both_ways } = sides;
        let bare = |side: &Pat| matches!(side, Pat::Var(_) | Pat::Number(_));
        if bare(left) || *both_ways && bare(right) {
            let message = "a side that is matched must be an operation, not a bare variable or number";
            return self.reader.fail(at, message.into(), None);
        }
        if left == right {
            return self.reader.fail(at, "both sides are the same".into(), None);
        }
        if *both_ways {
            let help = Some("write two rules".into());
            if scope.right_only {
                let message = "a function of the right side stands in a rule of both ways";
                return self.reader.fail(at, message.into(), help);
            }
            let mut counts = vec![0; scope.vars.len()];
            right.count_variables(&mut counts);
            if let Some(v) = counts.iter().position(|&n| n == 0) {
                let message = format!("'{}' does not appear on the right of a rule of both ways", scope.vars[v].name);
                return self.reader.fail(at, message, help);
            }
        }
        Ok(())
    }

    fn classes(&mut self) -> Read<RuleClasses> {
        let mut classes = RuleClasses::default();
        loop {
            let (at, name) = self.reader.want_word("a class")?;
            let Some(class) = Class::ALL.iter().copied().find(|c| c.name() == name) else {
                let help = suggestion(&name, &Class::ALL.iter().copied().map(Class::name).collect::<Vec<_>>());
                return self.reader.fail(&at, format!("there is no class '{name}'"), Some(help));
            };
            if self.reader.take_word("for") {
                self.kinds(class, &mut classes)?;
                while self.reader.take("|") {
                    self.kinds(class, &mut classes)?;
                }
            } else {
                classes.float = Some(class);
            }
            if !self.reader.take(",") {
                return Ok(classes);
            }
        }
    }

    /// Gives the class to the kinds of dtypes that the next word names.
    fn kinds(&mut self, class: Class, classes: &mut RuleClasses) -> Read<()> {
        let (at, name) = self.reader.want_word("a kind of dtype")?;
        match name.as_str() {
            "float" => classes.float = Some(class),
            "int" => classes.int = Some(class),
            "bool" => classes.bool = Some(class),
            "any" => *classes = RuleClasses { float: Some(class), int: Some(class), bool: Some(class) },
            "number" => (classes.float, classes.int) = (Some(class), Some(class)),
            _ => {
                let help = suggestion(&name, &["float", "int", "bool", "number", "any"]);
                return self.reader.fail(&at, format!("there is no kind of dtype '{name}'"), Some(help));
            }
        }
        Ok(())
    }

    fn condition(&mut self, scope: &Scope) -> Read<Condition> {
        let (at, name) = self.reader.want_word("a condition")?;
        let Some(question) = Question::all().find(|q| q.name() == name) else {
            let names: Vec<&str> = Question::all().map(Question::name).collect();
            let help = suggestion(&name, &names);
            return self.reader.fail(&at, format!("there is no condition '{name}'"), Some(help));
        };
        self.reader.want("(", "after a condition")?;
        let mut vars = Vec::new();
        loop {
            vars.push(self.condition_variable(scope, &name, question.args().get(vars.len()))?);
            if !self.reader.take(",") {
                break;
            }
        }
        let close = self.reader.want(")", "after the condition's variables")?;
        if vars.len() != question.args().len() {
            let message = format!("{name} expects {} variables, given {}", question.args().len(), vars.len());
            return self.reader.fail(&close, message, None);
        }
        Ok(Condition { question, vars })
    }

    /// The next variable of the condition of this name, where one of the sort is expected.
    fn condition_variable(&mut self, scope: &Scope, condition: &str, expected: Option<&VarSort>) -> Read<usize> {
        let at = self.reader.next();
        let known = match &at.token {
            Token::Word(v) if v == "result" => Some(RESULT),
            Token::Word(v) => scope.vars.iter().position(|x| x.name == *v),
            _ => None,
        };
        let Some(v) = known else {
            let help = format!("the left side binds: {}", scope.bound());
            return self.reader.fail(&at, format!("expected a variable, found {}", at.token.shown()), Some(help));
        };
        let (given, sort) = scope.vars.get(v).map_or(("result", VarSort::Tensor), |x| (x.name.as_str(), x.sort));
        if expected != Some(&sort) {
            let expected = expected.map_or("nothing more", |s| s.name());
            let message = format!("{condition} expects {expected} here, '{given}' is {}", sort.name());
            return self.reader.fail(&at, message, None);
        }
        Ok(v)
    }
}
