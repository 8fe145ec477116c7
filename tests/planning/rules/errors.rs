//! Wrong rule files and what is said of them, kept as golden text beside each: `BLESS=1` rewrites it. Files that are no rule
//! files at all are refused in words, and quickly.

use std::fs;
use std::path::{Path, PathBuf};

use lazurite::{DeviceChoice, Engine, Rules};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planning/rules/errors")
}

#[test]
fn wrong_files_are_explained() {
    let mut files: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "rules"));
    files.sort();
    assert!(files.len() >= 25, "{}", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Err(error) = Rules::builtin().with(&name, &text) else { panic!("{name} is accepted") };
        assert!(error.is_rules(), "{name}: {error}");
        let said = format!("{}\n", error.message());
        let golden = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &said).unwrap();
        } else {
            let known = fs::read_to_string(&golden).unwrap_or_default();
            assert!(known == said, "{} differs; BLESS=1 rewrites it. Now:\n{said}", golden.display());
        }
    }
}

/// A file for one test, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("lazurite-{}-{name}.rules", std::process::id()));
        fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn refusal(&self) -> String {
        let built = Engine::builder().device(DeviceChoice::Cpu).rules_file(&self.0).build();
        let error = built.err().expect("the file is refused");
        assert!(error.is_rules(), "{error}");
        error.message().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn what_is_no_rule_file_is_refused() {
    let line = b"rule a : exact x * 1 => x\n";
    let large: Vec<u8> = line.iter().copied().cycle().take(10 << 20).collect();
    assert!(Scratch::new("large", &large).refusal().contains("a rule file may hold 1048576 bytes, given 10485760"));
    assert!(Rules::none().with("large", &String::from_utf8(large).unwrap()).is_err());
    assert!(
        Scratch::new("latin", b"rule a : exact x * 1 => x note \"gr\xf6\xdfer\"")
            .refusal()
            .contains("byte 34 is not UTF-8")
    );
    assert!(Scratch::new("folder", b"").0.parent().is_some_and(|p| Rules::none().with_file(p).is_err()));
    let missing = Engine::builder().device(DeviceChoice::Cpu).rules_file("/nonexistent/a.rules").build();
    assert!(missing.err().expect("a missing file").message().contains("/nonexistent/a.rules"));
    // As long as a file may be, and nothing in it right: all of it is read, and not all of it is shown.
    for text in ["x ".repeat(500_000), "(".repeat(1_000_000), "rule ".repeat(200_000), "\u{1F600}".repeat(200_000)] {
        let error = Rules::none().with("noise", &text).unwrap_err();
        assert!(error.message().len() < 3 * text.len() && error.message().contains("error: "));
    }
}

#[test]
fn an_unsound_rule_is_refused_with_the_reason() {
    let build = |text: &str| Engine::builder().device(DeviceChoice::Cpu).rules("mine.rules", text).build();
    let error =
        build("rule good : exact floor(ceil(x)) => ceil(x)\nrule bad : exact sqrt(square(x)) => x\n").err().unwrap();
    assert!(error.is_rules());
    let said = error.message();
    for part in ["error: the rule is not exact: element", "x = f32", "--> mine.rules   (rule bad)"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("good"), "{said}");
    assert!(build("rule good : exact floor(ceil(x)) => ceil(x)").is_ok());
    // Refused by the shape guard more often than not: a warning, no error.
    assert!(build("rule narrow : exact for int x * 0 + y => y").is_ok());
    assert!(
        Engine::builder()
            .device(DeviceChoice::Cpu)
            .rules_on_trust("mine", "rule bad : exact sqrt(square(x)) => x")
            .build()
            .is_ok()
    );
}
