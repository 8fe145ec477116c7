//! The certificate of a device: a table of outcomes, which says what work-arounds are on and which operations a mode leaves to the CPU.

use super::outcome::{Outcome, Stage};
use super::suite::{Answer, Question, find, operations};
use super::texts::TextQuestion;
use crate::error::Error;
use crate::types::{Conformance, DType, Exception, HostBuffer, Workaround};

/// What a certificate is about: its adapter, its driver, and the features that kernels use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The adapter's name.
    pub adapter: String,
    /// The interface it is reached through.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// The features in use, by name.
    pub features: String,
}

/// What a case came to in every stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub dtype: DType,
    pub case: &'static str,
    /// In the order of [`Stage::ALL`].
    pub outcomes: [Outcome; Stage::ALL.len()],
}

/// What a device was found to compute. It prints as a page for people, which [`Certificate::read`] reads back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    pub(super) subject: Subject,
    pub(super) rows: Vec<Row>,
}

impl Certificate {
    /// A certificate without answers.
    #[must_use]
    pub fn new(subject: Subject) -> Self {
        Self { subject, rows: Vec::new() }
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Adds what the answers to a question come to in a stage.
    pub(crate) fn record(&mut self, stage: Stage, question: &Question, answers: &[Answer]) {
        for (case, outcome) in question.judge(answers) {
            self.set(question.dtype, case, stage, outcome);
        }
    }

    /// Adds that a question could not be answered in a stage.
    pub(crate) fn record_failure(&mut self, stage: Stage, question: &Question, error: &Error) {
        for (case, _) in question.judge(&[]) {
            self.set(question.dtype, case, stage, failed(error));
        }
    }

    /// Adds what the answer to a text comes to in a stage.
    pub(crate) fn record_text(&mut self, stage: Stage, question: &TextQuestion, answer: &HostBuffer) {
        self.set(question.dtype, question.name, stage, question.judge(answer));
    }

    /// Adds that a text could not be answered in a stage.
    pub(crate) fn record_text_failure(&mut self, stage: Stage, question: &TextQuestion, error: &Error) {
        self.set(question.dtype, question.name, stage, failed(error));
    }

    pub(super) fn set(&mut self, dtype: DType, case: &'static str, stage: Stage, outcome: Outcome) {
        let known = self.rows.iter().position(|r| r.dtype == dtype && r.case == case);
        let at = known.unwrap_or_else(|| {
            let behind = self.rows.iter().rposition(|r| r.dtype == dtype).map_or(self.rows.len(), |i| i + 1);
            self.rows.insert(behind, Row { dtype, case, outcomes: Default::default() });
            behind
        });
        self.rows[at].outcomes[stage as usize] = outcome;
    }

    /// The outcomes of a stage that differ beyond subnormals: dtype, case and outcome.
    pub(super) fn failed(&self, stage: Stage) -> impl Iterator<Item = (&Row, &Outcome)> {
        self.rows.iter().map(move |r| (r, &r.outcomes[stage as usize])).filter(|(_, o)| o.example().is_some())
    }

    /// The work-arounds that the stages without any show to be needed.
    pub(crate) fn workarounds(&self) -> Vec<Workaround> {
        let cures = |(row, _): (&Row, &Outcome)| find(row.dtype, row.case).map_or(&[][..], |c| c.cures);
        let bare: Vec<Workaround> = self.failed(Stage::Bare).flat_map(cures).copied().collect();
        let plain: Vec<Workaround> = self.failed(Stage::Plain).flat_map(cures).copied().collect();
        let needed = |w: &Workaround| bare.contains(w) || (!w.is_strict_only() && plain.contains(w));
        Workaround::ALL.into_iter().filter(needed).collect()
    }

    /// The cases that show a work-around to be needed.
    pub(super) fn shown_by(&self, workaround: Workaround) -> Vec<String> {
        let stages: &[Stage] = if workaround.is_strict_only() { &[Stage::Bare] } else { &[Stage::Plain, Stage::Bare] };
        let mut cases = Vec::new();
        for (row, _) in stages.iter().flat_map(|s| self.failed(*s)) {
            let name = format!("{} of {}", row.case, row.dtype);
            if find(row.dtype, row.case).is_some_and(|c| c.cures.contains(&workaround)) && !cases.contains(&name) {
                cases.push(name);
            }
        }
        cases
    }

    /// What kernels and placement go by.
    #[must_use]
    pub fn conformance(&self) -> Conformance {
        Conformance::new(self.workarounds(), self.exceptions())
    }

    /// The operations that a mode promises and this device computes otherwise.
    fn exceptions(&self) -> Vec<Exception> {
        let mut exceptions: Vec<Exception> = Vec::new();
        for stage in [Stage::Fast, Stage::Standard, Stage::Strict] {
            for (row, outcome) in self.failed(stage) {
                let Some(case) = find(row.dtype, row.case).filter(|c| stage.numerics() <= c.promised) else { continue };
                let why = format!("{}: {}", row.case, outcome.example().unwrap_or_default());
                for operation in operations(row.dtype, case) {
                    let known = |e: &Exception| e.operation == operation && stage.numerics() <= e.mode;
                    if !exceptions.iter().any(known) {
                        exceptions.push(Exception { operation, mode: stage.numerics(), why: why.as_str().into() });
                    }
                }
            }
        }
        exceptions
    }
}

fn failed(error: &Error) -> Outcome {
    Outcome::Failed(error.message().lines().next().unwrap_or_default().to_owned())
}
