//! Every recorded program prints what Octave printed, byte for byte, and fails where and as Octave failed.

use crate::support::recorded::{programs, record};
use crate::support::scripts::{cpu, gpu, run};
use lazurite::Engine;

/// Programs whose result differs on purpose: name and reason.
const DIFFERENT: &[(&str, &str)] = &[];

/// Octave's message as this language words it: positions are told by the place, not by the text.
fn expected_message(octave: &str) -> String {
    let message = octave.strip_prefix("error: ").unwrap_or(octave);
    message.split(" near line ").next().unwrap_or(message).to_owned()
}

fn replay(engine: &Engine) -> Vec<String> {
    let text = record("language.txt");
    let mut wrong = Vec::new();
    for program in programs(&text) {
        if DIFFERENT.iter().any(|(name, _)| *name == program.name) {
            continue;
        }
        let ran = run(engine, program.text);
        let message = ran.result.err().map(|error| error.message().to_owned());
        let expected = program.error.map(expected_message);
        if ran.output != program.output || message != expected {
            wrong.push(format!(
                "=== {}\n{}--- expected\n{}{}\n--- found\n{}{}\n",
                program.name,
                program.text,
                program.output,
                expected.unwrap_or_default(),
                ran.output,
                message.unwrap_or_default(),
            ));
        }
    }
    wrong
}

#[test]
fn recorded_programs_on_the_cpu() {
    let wrong = replay(&cpu());
    assert!(wrong.is_empty(), "{} programs differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn recorded_programs_on_the_gpu() {
    let Some(engine) = gpu() else { return };
    let wrong = replay(&engine);
    assert!(wrong.is_empty(), "{} programs differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn exceptions_are_still_recorded() {
    let text = record("language.txt");
    let all = programs(&text);
    for (name, _) in DIFFERENT {
        assert!(all.iter().any(|program| program.name == *name), "no program is called '{name}'");
    }
}
