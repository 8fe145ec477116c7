//! A certificate as a page for people: the tables, an example of each difference, and in words the work-arounds that are on, what is
//! left to the CPU and what each mode promises. The page is read back from its tables and examples; the rest follows from them.

use std::fmt::{self, Write as _};

use super::certificate::{Certificate, Subject};
use super::outcome::{Outcome, Stage};
use super::suite::find;
use crate::types::{DType, Numerics, Workaround};

/// The version of the probe: certificates of another one are not read. It counts changes of the cases, and of kernels that change
/// what cases come to.
const VERSION: u32 = 2;

/// The words before the version, at the top of every certificate.
const TITLE: &str = "lazurite conformance probe";
/// The line above the examples.
const EXAMPLES: &str = "examples";

impl Certificate {
    /// Reads a page that [`Display`](fmt::Display) wrote; `None` for one of another version of the probe, or that is not whole.
    #[must_use]
    pub fn read(page: &str) -> Option<Self> {
        let mut lines = page.lines();
        if lines.next()? != format!("{TITLE} {VERSION}") {
            return None;
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name).map(|v| v.trim().to_owned());
        let (adapter, backend) = (field("adapter")?, field("backend")?);
        let (driver, features) = (field("driver")?, field("features")?);
        let mut certificate = Self::new(Subject { adapter, backend, driver, features });
        let examples = examples(page);
        let mut dtype = None;
        for line in lines.take_while(|l| *l != EXAMPLES) {
            if let Some(row) = line.strip_prefix("  ") {
                certificate.read_row(dtype?, row, &examples)?;
            } else if !line.is_empty() {
                dtype = Some(DType::from_name(line.split_whitespace().next()?)?);
            }
        }
        Some(certificate)
    }

    fn read_row(&mut self, dtype: DType, row: &str, examples: &[(&str, &str)]) -> Option<()> {
        let mut rest = row.trim();
        let mut words = [""; Stage::ALL.len()];
        for word in words.iter_mut().rev() {
            let (before, last) = rest.rsplit_once(' ')?;
            (*word, rest) = (last, before.trim_end());
        }
        let case = find(dtype, rest)?.name;
        let mut last = "";
        for (stage, word) in Stage::ALL.into_iter().zip(words) {
            let label = label(dtype, stage, case);
            // An example stands where it is first met.
            if let Some((_, example)) = examples.iter().find(|(of, _)| *of == label) {
                last = *example;
            }
            self.set(dtype, case, stage, Outcome::from_word(word, last.to_owned())?);
        }
        Some(())
    }
}

/// How an example is labelled.
fn label(dtype: DType, stage: Stage, case: &str) -> String {
    format!("{dtype}, {}, {case}", stage.name())
}

/// The examples of a page by their labels.
fn examples(page: &str) -> Vec<(&str, &str)> {
    let lines = page.lines().skip_while(|l| *l != EXAMPLES).skip(1);
    lines.map_while(|l| l.strip_prefix("  ")?.split_once(": ")).collect()
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Subject { adapter, backend, driver, features } = &self.subject;
        writeln!(
            f,
            "{TITLE} {VERSION}\nadapter   {adapter}\nbackend   {backend}\ndriver    {driver}\nfeatures  {features}"
        )?;
        let mut dtype = None;
        for row in &self.rows {
            if dtype != Some(row.dtype) {
                dtype = Some(row.dtype);
                let heads: String = Stage::ALL.iter().map(|s| format!(" {:<10}", s.name())).collect();
                writeln!(f, "\n{:<30}{}", row.dtype.name(), heads.trim_end())?;
            }
            let words: String = row.outcomes.iter().map(|o| format!(" {:<10}", o.word())).collect();
            writeln!(f, "  {:<28}{}", row.case, words.trim_end())?;
        }
        writeln!(f, "\n{EXAMPLES}")?;
        for row in &self.rows {
            let mut last = "";
            for (stage, outcome) in Stage::ALL.into_iter().zip(&row.outcomes) {
                if let Some(example) = outcome.example().filter(|e| *e != last) {
                    writeln!(f, "  {}: {example}", label(row.dtype, stage, row.case))?;
                    last = example;
                }
            }
        }
        f.write_str(&text(self))
    }
}

/// The sections below the tables.
fn text(certificate: &Certificate) -> String {
    let mut text = String::from("\nwork-arounds\n");
    let on = certificate.workarounds();
    for w in Workaround::ALL {
        let shown = certificate.shown_by(w);
        let why = if on.contains(&w) { format!("on: {}", some(&shown)) } else { "off".to_owned() };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "  {:<20} {why}", w.name());
    }
    for (name, dtype, case) in ALWAYS {
        let row = certificate.rows.iter().find(|r| r.dtype == *dtype && r.case == *case);
        let plain = row.map_or(Outcome::Unknown.word(), |r| r.outcomes[Stage::Plain as usize].word());
        let _ = writeln!(text, "  {name:<20} always on; {case} of {dtype} in plain text: {plain}");
    }
    text.push_str("\nleft to the CPU\n");
    let known = certificate.conformance();
    for e in known.exceptions() {
        let modes = if e.mode == Numerics::Strict { "strict" } else { "every mode" };
        let _ = writeln!(text, "  {} of {} in {modes}: {}", e.operation.name, e.operation.from, e.why);
    }
    if known.exceptions().is_empty() {
        text.push_str("  nothing\n");
    }
    let _ = write!(
        text,
        "\npromises\n  strict    {}\n  standard  {}\n  fast      {}\n",
        strict(certificate),
        standard(certificate),
        FAST
    );
    text
}

/// The work-arounds that are never off, because they cost nothing that could be measured: their names, and a case that shows whether
/// the driver needs them.
const ALWAYS: &[(&str, DType, &str)] =
    &[("hidden divisors", DType::F64, "text x / 0"), ("scaled quotients", DType::F32, "text x / y")];

const FAST: &str = "integers, truth values and moves as on the CPU; floats as the driver computes them";

fn strict(certificate: &Certificate) -> String {
    let flushed: Vec<String> = certificate
        .rows
        .iter()
        .filter(|r| r.outcomes[Stage::Strict as usize] == Outcome::Subnormals)
        .map(|r| format!("{} of {}", r.case, r.dtype))
        .collect();
    let promise = "the bits of the CPU in every case above";
    if flushed.is_empty() {
        promise.to_owned()
    } else {
        format!("{promise}, but for subnormal numbers in {}", some(&flushed))
    }
}

fn standard(certificate: &Certificate) -> String {
    let lost: Vec<String> = certificate
        .failed(Stage::Standard)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Wrong(_) | Outcome::Failed(_)))
        .map(|(row, _)| format!("{} of {}", row.case, row.dtype))
        .collect();
    let promise = "NaN, infinities and signs of zeros as on the CPU";
    if lost.is_empty() { promise.to_owned() } else { format!("{promise}, except in {}", some(&lost)) }
}

/// The first few of a list, and how many more there are.
fn some(all: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown = all[..all.len().min(SHOWN)].join("; ");
    if all.len() > SHOWN { format!("{shown}; and {} more", all.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::OperationKind;

    /// A certificate with some of everything.
    fn made() -> Certificate {
        let subject = Subject {
            adapter: "An adapter (16 bits)".into(),
            backend: "vulkan".into(),
            driver: "driver 1.2".into(),
            features: "f64, i64".into(),
        };
        let mut made = Certificate::new(subject);
        let wrong = || Outcome::Wrong("x = NaN gives 0.0, not NaN (1 of 2)".into());
        made.set(DType::F32, "x - x", Stage::Plain, wrong());
        made.set(DType::F32, "x - x", Stage::Bare, Outcome::Same);
        made.set(DType::F32, "x - x", Stage::Strict, Outcome::Subnormals);
        made.set(DType::F32, "x * 0", Stage::Bare, wrong());
        made.set(DType::F32, "sqrt(x)", Stage::Strict, Outcome::Rounding("x = 2.0 gives 1.5, not 1.4 (1 of 2)".into()));
        made.set(DType::I32, "x / y", Stage::Fast, Outcome::Wrong("x = 1, y = 0 gives 1, not 0 (1 of 2)".into()));
        made
    }

    #[test]
    fn a_page_is_read_back() {
        let made = made();
        let page = made.to_string();
        assert_eq!(Certificate::read(&page), Some(made), "{page}");
        assert_eq!(Certificate::read(&page.replacen(&VERSION.to_string(), "0", 1)), None);
        assert_eq!(Certificate::read(&page.replace("x - x", "x ~ x")), None, "an unknown case");
        assert_eq!(Certificate::read(&page.replace("subnormals", "whatever")), None, "an unknown word");
        assert_eq!(Certificate::read(""), None);
        assert_eq!(Certificate::read(&page[..40]), None);
    }

    #[test]
    fn outcomes_decide() {
        let known = made().conformance();
        assert_eq!(known.workarounds().collect::<Vec<_>>(), [Workaround::HiddenZeros]);
        let kind = |name, dtype| OperationKind { name, from: dtype, to: dtype };
        let why = known.refusal(kind("sqrt", DType::F32), Numerics::Strict).unwrap();
        assert_eq!(why, "sqrt(x): x = 2.0 gives 1.5, not 1.4 (1 of 2)");
        assert_eq!(known.refusal(kind("sqrt", DType::F32), Numerics::Standard), None);
        assert!(known.refusal(kind("div", DType::I32), Numerics::Fast).is_some(), "integers are exact in every mode");
        assert_eq!(known.refusal(kind("sub", DType::F32), Numerics::Strict), None);
    }
}
