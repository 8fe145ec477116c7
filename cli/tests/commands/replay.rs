//! `explain` writes a dump and `replay` runs it: results, check, bisection, exit codes, and errors about files that are not dumps.

use crate::support::folder::{Folder, Ran};

const SCRIPT: &str = "x = reshape(sin(1:200), 20, 10);\ny = exp(x - mean(x, 1)) - 1;\nz = y' * y / 19;\ndisp(z)\n";
/// Wrong where it fires, beside a dozen rules that are right.
const WRONG: &str = "# Forgets to take one away.\nrule lost-one : improves exp(x) - 1 => exp(x)\n";

#[test]
fn a_dump_runs_again_as_it_ran() {
    let folder = Folder::new("again");
    folder.write("s.m", SCRIPT);
    let Ran { code, out, errors } =
        folder.run(&["explain", "s.m", "--device", "cpu", "--format", "json", "--out", "s.json"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{errors}");
    let Ran { code, out, errors } = folder.run(&["replay", "s.json", "--check", "--bisect"]);
    assert_eq!(code, Some(0), "{errors}");
    for said in [
        "=== run 0, asked for at s.m:4:1",
        "f64[10, 10]",
        "ran cpu ",
        "plan and groups: as recorded",
        "check: right, 100 elements",
    ] {
        assert!(out.contains(said), "{said} is missing in\n{out}");
    }
    assert!(out.contains("bisect: the results are right as they are"), "{out}");
    // What it recorded is explained without a run.
    let Ran { code, out: page, errors } = folder.run(&["explain", "s.json", "--format", "html"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("disp(z)"));
    let Ran { code, out: again, .. } = folder.run(&["explain", "s.json", "--format", "json"]);
    assert_eq!((code, again), (Some(0), folder.read("s.json")));
    assert_eq!(folder.run(&["explain", "s.json"]).code, Some(2));
    // Another mode has another plan, and says so.
    let Ran { code, out, .. } = folder.run(&["replay", "s.json", "--numerics", "strict", "--check"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("plan: another than the recorded one") && out.contains("check: right"), "{out}");
}

#[test]
fn a_wrong_rule_is_found_from_its_dump() {
    let folder = Folder::new("wrong");
    folder.write("s.m", SCRIPT);
    folder.write("wrong.rules", WRONG);
    // A wrong rule is refused where it could give wrong results; a dump of an engine that trusted it brings it along.
    let Ran { code, errors, .. } = folder.run(&["explain", "s.m", "--device", "cpu", "--rules", "wrong.rules"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("lost-one"), "{errors}");
    std::fs::remove_file(folder.path().join("wrong.rules")).unwrap();
    assert_eq!(folder.run(&["explain", "s.m", "--device", "cpu", "--format", "json", "--out", "s.json"]).code, Some(0));
    let plain = folder.read("s.json");
    let text = WRONG.replace('\n', "\\n");
    let rules = format!(r#""fuse":true,"rules":[{{"name":"wrong.rules","text":"{text}"}}]"#);
    let trusting = plain.replacen(r#""fuse":true"#, &rules, 1);
    assert_ne!(plain, trusting);
    folder.write("s.json", &trusting);
    let Ran { code, out, errors } = folder.run(&["replay", "s.json", "--check", "--bisect"]);
    assert_eq!(code, Some(1), "{errors}");
    assert!(out.contains("check: WRONG") && out.contains("by rule lost-one (improves)"), "{out}");
    let found = out.split("bisect: ").nth(1).unwrap();
    let rules: Vec<_> = found.lines().skip(1).collect();
    assert_eq!(rules, ["  rule lost-one (improves, wrong.rules)"], "{out}");
    // The same from a rule file on the command line, over a dump that has none.
    folder.write("wrong.rules", WRONG);
    folder.run(&["explain", "s.m", "--device", "cpu", "--format", "json", "--out", "plain.json"]);
    let Ran { code, out, .. } = folder.run(&["replay", "plain.json", "--rules", "wrong.rules", "--bisect"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("  rule lost-one (improves, wrong.rules)"), "{out}");
}

#[test]
fn large_arrays_may_lie_beside() {
    let folder = Folder::new("beside");
    folder.write("s.m", "x = [3 1 4 1 5 9 2 6 5 3; 5 8 9 7 9 3 2 3 8 4];\ny = x * 2;\ndisp(sum(y(:)) >= 0)\n");
    let given = ["explain", "s.m", "--device", "cpu", "--format", "json", "--out", "s.json", "--beside", "64"];
    assert_eq!(folder.run(&given).code, Some(0));
    let beside: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|e| e == "npy"))
        .collect();
    let Ran { code, out, errors } = folder.run(&["replay", "s.json"]);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(!beside.is_empty(), "no array lies beside the dump");
    for entry in &beside {
        std::fs::write(entry.as_ref().unwrap().path(), b"no array").unwrap();
        let Ran { code, errors, .. } = folder.run(&["replay", "s.json"]);
        assert_eq!(code, Some(2));
        assert!(errors.contains("expected an .npy file"), "{errors}");
    }
}

#[test]
fn what_is_no_dump_is_refused() {
    let folder = Folder::new("refused");
    folder.write("a.json", "{\"format\":\"lazurite-dump\",\"version\":1}");
    folder.write("b.json", "{\n  \"format\": nope\n}");
    folder.write("c.json", [b'{', 0xff]);
    folder.write("s.m", "disp(sum((1:3) .* rand(1, 3)) > 0)\n");
    folder.run(&["explain", "s.m", "--device", "cpu", "--format", "json", "--out", "d.json"]);
    folder.write(
        "e.json",
        folder.read("d.json").replace("\"plan\":true", "\"plan\":true,\"rules\":[{\"name\":\"r\",\"text\":\"rule\"}]"),
    );
    for (arguments, code, says) in [
        (&["replay", "missing.json"][..], 2, "missing.json: No such file"),
        (&["replay", "a.json"], 2, "a.json:1:37: version: expected version 3 or 2 of the schema, given 1"),
        (&["replay", "b.json"], 2, "b.json:2:13: expected a value, found 'n'"),
        (&["replay", "c.json"], 2, "byte 1 is not UTF-8"),
        (&["replay", "d.json", "--run", "7"], 2, "expected a run below"),
        (&["replay", "d.json", "--rules", "missing.rules"], 2, "missing.rules: No such file"),
        (&["replay", "e.json"], 2, "r.rules"),
        (&["replay"], 2, "FILE.json"),
        (&["explain", "s.m", "--out", "no/folder/x.txt"], 2, "No such file"),
        (&["explain", "s.m", "--beside", "10"], 2, "--out"),
    ] {
        let Ran { code: found, errors, .. } = folder.run(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?}: {errors}");
    }
}

#[test]
fn text_to_a_pipe_is_plain() {
    let folder = Folder::new("pipe");
    folder.write("s.m", SCRIPT);
    let Ran { out, .. } = folder.run(&["explain", "s.m", "--device", "cpu"]);
    assert!(!out.contains('\x1b'), "colours in a pipe");
    assert!(
        out.starts_with("=== evaluation 1, asked for at s.m:4: disp(z)\n== graph, asked for at s.m:4:1\n"),
        "{out}"
    );
    assert!(out.contains(" # s.m:1:5 x\n") || out.contains(" x\n"), "names are missing\n{out}");
}
