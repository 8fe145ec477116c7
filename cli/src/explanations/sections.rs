//! Text about evaluations, one section for each.

use lazurite::Origin;

use crate::script::diagnostic::SourceText;

/// What is said of one evaluation.
pub(super) struct Section {
    /// Where the script asked for it.
    pub asked_at: Option<Origin>,
    /// Empty for an evaluation without an explanation.
    pub text: String,
}

/// The sections, each titled with the line that asked for its evaluation. A repeated text is replaced by a reference to the first.
pub(super) fn titled(sections: &[Section], source: Option<&SourceText>) -> String {
    let mut out = String::new();
    for (i, section) in sections.iter().enumerate().filter(|(_, section)| !section.text.is_empty()) {
        out.push_str(&format!("=== evaluation {}", i + 1));
        if let Some(at) = &section.asked_at {
            out.push_str(&format!(", asked for at {}:{}", at.file, at.line));
            if let Some(line) = source.filter(|s| *s.name() == *at.file).map(|s| s.line(at.line)) {
                out.push_str(&format!(": {}", line.trim()));
            }
        }
        out.push('\n');
        match sections[..i].iter().position(|earlier| earlier.text == section.text) {
            Some(same) => out.push_str(&format!("as evaluation {}\n", same + 1)),
            None => out.push_str(&section.text),
        }
    }
    out
}
