//! A rule file's text as rules.
//!
//! Recursive descent over the words; a rule with an error is skipped to the next `rule` or `phase` at the start of a statement,
//! so one reading finds the errors of a whole file.

use hashbrown::{HashMap, HashSet};

use super::conditions::{Condition, Question, RESULT};
use super::expressions::Sides;
use super::lexer::{Spanned, Token, words};
use super::model::{Class, Pat, Phase, Rule, VarSort, Variable};
use super::problems::Problem;
use super::signature::nearest;
use super::variants::variants;
use crate::planner::index::asked;

/// The rules of a text; `subject` is the file's name without its ending.
pub(super) fn parse(subject: &str, text: &str, known: &HashMap<&str, &str>) -> Result<Vec<Rule>, Vec<Problem>> {
    let mut p = Parser { words: words(text), at: 0, problems: Vec::new(), rule: None, depth: 0, links: 0 };
    let mut rules: Vec<Rule> = Vec::new();
    let mut names: HashSet<String> = HashSet::new();
    let mut phase = Phase::Simplify;
    loop {
        match p.peek().token.clone() {
            Token::End => break,
            Token::Word(w) if w == "phase" => {
                p.at += 1;
                if let Ok(found) = p.phase() {
                    phase = found;
                } else {
                    p.recover();
                }
            }
            Token::Word(w) if w == "rule" => {
                p.at += 1;
                match p.rule(subject, phase) {
                    Ok((at, parsed)) => {
                        p.unique(&parsed[0].name, at, &mut names, known);
                        rules.extend(parsed);
                    }
                    Err(()) => p.recover(),
                }
                p.rule = None;
            }
            other => {
                let near = match &other {
                    Token::Word(w) => nearest(w, ["rule", "phase"]).map(|n| format!("did you mean '{n}'?")),
                    _ => None,
                };
                p.fail_here(format!("expected 'rule' or 'phase', found {}", other.shown()), near);
                p.recover();
            }
        }
    }
    if p.problems.is_empty() { Ok(rules) } else { Err(p.problems) }
}

/// One expression over variables of given sorts.
pub(super) fn expression(text: &str, vars: &[(String, VarSort)]) -> Result<Pat, Vec<Problem>> {
    let mut p = Parser { words: words(text), at: 0, problems: Vec::new(), rule: None, depth: 0, links: 0 };
    let vars = vars.iter().map(|(name, sort)| Variable { name: name.clone(), sort: *sort }).collect();
    let mut sides = Sides { vars, ..Sides::default() };
    let read = sides.expression(&mut p, true);
    if read.is_ok() && p.peek().token != Token::End {
        p.fail_here("expected the end of the expression".into(), None);
    }
    match read {
        Ok(pattern) if p.problems.is_empty() => Ok(pattern),
        _ => Err(p.problems),
    }
}

/// The reading position and what went wrong so far.
pub(super) struct Parser {
    words: Vec<Spanned>,
    at: usize,
    pub(super) problems: Vec<Problem>,
    rule: Option<String>,
    /// How deep the expression being read is nested.
    pub(super) depth: usize,
    /// Operations of the rule so far.
    pub(super) links: usize,
}

/// A step that failed has noted its problem.
pub(super) type Step<T> = Result<T, ()>;

impl Parser {
    pub(super) fn peek(&self) -> &Spanned {
        &self.words[self.at.min(self.words.len() - 1)]
    }

    /// Whether a name stands alone as an argument.
    pub(super) fn bare_word(&self) -> bool {
        let after = self.words.get(self.at + 1).map(|w| &w.token);
        matches!(self.peek().token, Token::Word(_)) && matches!(after, Some(Token::Sign("," | ")")))
    }

    pub(super) fn next(&mut self) -> Spanned {
        let word = self.peek().clone();
        self.at = (self.at + 1).min(self.words.len() - 1);
        word
    }

    pub(super) fn fail<T>(&mut self, at: &Spanned, message: String, help: Option<String>) -> Step<T> {
        self.problems.push(Problem { message, at: at.at, len: at.len, rule: self.rule.clone(), help });
        Err(())
    }

    pub(super) fn fail_here(&mut self, message: String, help: Option<String>) {
        let here = self.peek().clone();
        let _: Step<()> = self.fail(&here, message, help);
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        matches!(self.peek().token, Token::Sign(s) if s == sign)
    }

    pub(super) fn want(&mut self, sign: &'static str, why: &str) -> Step<Spanned> {
        if self.is(sign) {
            return Ok(self.next());
        }
        let found = self.peek().clone();
        self.fail(&found, format!("expected '{sign}' {why}, found {}", found.token.shown()), None)
    }

    fn recover(&mut self) {
        while !matches!(&self.peek().token, Token::End)
            && !matches!(&self.peek().token, Token::Word(w) if w == "rule" || w == "phase")
        {
            self.at += 1;
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().token, Token::Word(w) if w == word)
    }

    fn phase(&mut self) -> Step<Phase> {
        let word = self.next();
        let Token::Word(name) = &word.token else {
            return self.fail(&word, format!("expected a phase, found {}", word.token.shown()), None);
        };
        match Phase::ALL.into_iter().find(|p| p.name() == name) {
            Some(phase) => Ok(phase),
            None => {
                let all = Phase::ALL.map(Phase::name);
                let help = suggestion(name, &all);
                self.fail(&word, format!("there is no phase '{name}'"), Some(help))
            }
        }
    }

    fn unique(&mut self, name: &str, at: Spanned, here: &mut HashSet<String>, known: &HashMap<&str, &str>) {
        let elsewhere = known.get(name).map(|file| format!("in {file}.rules"));
        let here = (!here.insert(name.into())).then(|| "above in this file".to_string());
        if let Some(place) = here.or(elsewhere) {
            self.rule = Some(name.into());
            let help = format!("it is defined {place}; every rule needs a name of its own");
            let _: Step<()> = self.fail(&at, format!("the rule '{name}' is defined twice"), Some(help));
        }
    }

    fn rule(&mut self, subject: &str, phase: Phase) -> Step<(Spanned, Vec<Rule>)> {
        let name_word = self.next();
        let Token::RuleName(name) = name_word.token.clone() else {
            return self.fail(&name_word, format!("expected the rule's name, found {}", name_word.token.shown()), None);
        };
        self.rule = Some(name.clone());
        (self.depth, self.links) = (0, 0);
        self.want(":", "after the rule's name")?;
        let classes = self.classes()?;
        let mut sides = Sides::default();
        let left = sides.expression(self, false)?;
        let both_ways = match self.next() {
            Spanned { token: Token::Sign("=>"), .. } => false,
            Spanned { token: Token::Sign("<=>"), .. } => true,
            other => {
                let message = format!("expected '=>' or '<=>' after the left side, found {}", other.token.shown());
                return self.fail(&other, message, None);
            }
        };
        let n_problems = self.problems.len();
        let right = sides.expression(self, true)?;
        let mut conditions = Vec::new();
        if self.is_word("when") {
            self.next();
            loop {
                conditions.push(self.condition(&sides)?);
                if !self.is(",") {
                    break;
                }
                self.next();
            }
        }
        let mut note = String::new();
        if self.is_word("note") {
            self.next();
            let word = self.next();
            let Token::Text(text) = word.token else {
                return self.fail(&word, format!("expected a text in quotes, found {}", word.token.shown()), None);
            };
            note = text;
        }
        if self.problems.len() > n_problems {
            return Err(());
        }
        self.check_sides(&name_word, &sides, &left, &right, both_ways)?;
        let make = |left: &Pat, right: &Pat, back: bool, first: usize| Rule {
            name: name.clone(),
            subject: subject.into(),
            phase,
            classes,
            note: note.clone(),
            vars: sides.vars.clone(),
            asks: asked(&sides.vars, &conditions),
            ops: sides.ops.clone(),
            left: variants(left),
            right: right.clone(),
            conditions: conditions.clone(),
            subject_var: first,
            back,
        };
        let Some(first) = sides.vars.iter().position(|v| matches!(v.sort, VarSort::Tensor | VarSort::Kernel)) else {
            return self.fail(&name_word, "a rule needs an array on its left side".into(), None);
        };
        let mut rules = vec![make(&left, &right, false, first)];
        if both_ways {
            rules.push(make(&right, &left, true, first));
        }
        Ok((name_word, rules))
    }

    fn check_sides(&mut self, at: &Spanned, sides: &Sides, left: &Pat, right: &Pat, both_ways: bool) -> Step<()> {
        if matches!(left, Pat::Var(_) | Pat::Number(_)) || both_ways && matches!(right, Pat::Var(_) | Pat::Number(_)) {
            return self.fail(
                at,
                "a side that is matched must be an operation, not a bare variable or number".into(),
                None,
            );
        }
        if left == right {
            return self.fail(at, "both sides are the same".into(), None);
        }
        if both_ways {
            let help = "write two rules";
            if sides.right_only {
                return self.fail(
                    at,
                    "a function of the right side stands in a rule of both ways".into(),
                    Some(help.into()),
                );
            }
            if let Some(v) = (0..sides.vars.len()).find(|&v| !mentions(right, v)) {
                let message = format!("'{}' does not appear on the right of a rule of both ways", sides.vars[v].name);
                return self.fail(at, message, Some(help.into()));
            }
        }
        Ok(())
    }

    fn classes(&mut self) -> Step<[Option<Class>; 3]> {
        let mut classes = [None; 3];
        loop {
            let word = self.next();
            let Token::Word(name) = &word.token else {
                return self.fail(&word, format!("expected a class, found {}", word.token.shown()), None);
            };
            let Some(class) = Class::ALL.into_iter().find(|c| c.name() == name) else {
                let help = suggestion(name, &Class::ALL.map(Class::name));
                return self.fail(&word, format!("there is no class '{name}'"), Some(help));
            };
            if self.is_word("for") {
                self.next();
                loop {
                    let kind = self.next();
                    let Token::Word(k) = &kind.token else {
                        return self.fail(
                            &kind,
                            format!("expected a kind of dtype, found {}", kind.token.shown()),
                            None,
                        );
                    };
                    match k.as_str() {
                        "float" => classes[0] = Some(class),
                        "int" => classes[1] = Some(class),
                        "bool" => classes[2] = Some(class),
                        "any" => classes = [Some(class); 3],
                        "number" => (classes[0], classes[1]) = (Some(class), Some(class)),
                        _ => {
                            let help = suggestion(k, &["float", "int", "bool", "number", "any"]);
                            return self.fail(&kind, format!("there is no kind of dtype '{k}'"), Some(help));
                        }
                    }
                    if !self.is("|") {
                        break;
                    }
                    self.next();
                }
            } else {
                classes[0] = Some(class);
            }
            if !self.is(",") {
                return Ok(classes);
            }
            self.next();
        }
    }

    fn condition(&mut self, sides: &Sides) -> Step<Condition> {
        let word = self.next();
        let Token::Word(name) = &word.token else {
            return self.fail(&word, format!("expected a condition, found {}", word.token.shown()), None);
        };
        let all = Question::ALL;
        let Some(&question) = all.iter().find(|q| q.name() == name) else {
            let names: Vec<&str> = all.iter().map(|q| q.name()).collect();
            let help = suggestion(name, &names);
            return self.fail(&word, format!("there is no condition '{name}'"), Some(help));
        };
        self.want("(", "after a condition")?;
        let mut vars = Vec::new();
        loop {
            let arg = self.next();
            let known = match &arg.token {
                Token::Word(v) if v == "result" => Some(RESULT),
                Token::Word(v) => sides.vars.iter().position(|x| x.name == *v),
                _ => None,
            };
            let Some(v) = known else {
                let help = format!("the left side binds: {}", sides.bound());
                return self.fail(&arg, format!("expected a variable, found {}", arg.token.shown()), Some(help));
            };
            let wanted = question.args().get(vars.len());
            let (given, sort) = sides.vars.get(v).map_or(("result", VarSort::Tensor), |x| (x.name.as_str(), x.sort));
            if wanted != Some(&sort) {
                let wanted = wanted.map_or("nothing more", |s| s.name());
                let message = format!("{name} expects {wanted} here, '{given}' is {}", sort.name());
                return self.fail(&arg, message, None);
            }
            vars.push(v);
            if !self.is(",") {
                break;
            }
            self.next();
        }
        let close = self.want(")", "after the condition's variables")?;
        if vars.len() != question.args().len() {
            let message = format!("{name} expects {} variables, given {}", question.args().len(), vars.len());
            return self.fail(&close, message, None);
        }
        Ok(Condition { question, vars })
    }
}

fn mentions(pat: &Pat, v: usize) -> bool {
    match pat {
        Pat::Var(x) => *x == v,
        Pat::Node(_, args) => args.iter().any(|a| mentions(a, v)),
        Pat::Number(_) | Pat::Attr(_) => false,
    }
}

/// "did you mean", or the list.
pub(super) fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("known are: {}", known.join(", ")),
    }
}
