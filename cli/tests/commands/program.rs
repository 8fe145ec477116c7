//! The program as a process: commands, files, exit codes and streams.

use crate::support::folder::{Folder, lazurite};

#[test]
fn results_go_to_stdout_and_errors_to_stderr() {
    let folder = Folder::new("streams");
    folder.write("good.m", "x = 3\nprintf('%d\\n', x + 1);\nfprintf(2, 'note\\n');\n");
    let ran = folder.run(&["run", "--device", "cpu", "good.m"]);
    assert_eq!((ran.code, ran.out, ran.errors), (Some(0), "x = 3\n4\n".into(), "note\n".into()));

    folder.write("bad.m", "x = 3\ny = x + [1 2 3](4)\n");
    let ran = folder.run(&["run", "--device", "cpu", "bad.m"]);
    assert_eq!((ran.code, ran.out), (Some(2), "x = 3\n".into()));
    let expected = "error: index (4): out of bound 3 (dimensions are 1x3)\n --> bad.m:2:9\n  |\n2 | y = x + [1 2 3](4)\n  |         ^^^^^^^^^^\n";
    assert_eq!(ran.errors, expected);
}

#[test]
fn exit_codes() {
    let folder = Folder::new("codes");
    folder.write("good.m", "x = 1;");
    folder.write("latin.m", [b'x', b'=', 0xff]);
    folder.write("sub/empty.m", "");
    for (arguments, code, message) in [
        (&["run", "good.m"][..], 0, ""),
        (&["run", "missing.m"], 2, "missing.m: No such file"),
        (&["run", "latin.m"], 2, "byte 2 is not UTF-8"),
        (&["run", "sub"], 2, "sub"),
        (&["run"], 2, "SCRIPT.m"),
        (&["frobnicate"], 2, "frobnicate"),
        (&["run", "good.m", "--device", "tpu"], 2, "tpu"),
        (&["run", "good.m", "--numerics", "exact"], 2, "exact"),
        (&["run", "good.m", "x"], 2, "expected NAME=FILE"),
        (&["run", "good.m", "3x=a.npy"], 2, "not a variable name"),
        (&["run", "good.m", "x=missing.npy"], 2, "missing.npy: No such file"),
        (&["run", "good.m", "y=a.npy"], 2, "the script has no variable 'y'"),
        (&["run", "good.m", "--out", "y=a.npy"], 2, "the script has no variable 'y'"),
        (&["run", "good.m", "--out", "x=/nonexistent/a.npy"], 2, "No such file"),
        (&["run", "good.m", "--out", "x=a.txt"], 2, "only .npy and .csv files can be written"),
        (&["explain", "good.m", "--format", "svg"], 2, "svg"),
        (&["--version"], 0, ""),
        (&["devices"], 0, ""),
    ] {
        let ran = folder.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.errors);
        assert!(ran.errors.contains(message), "{arguments:?}: {}", ran.errors);
    }
}

#[test]
fn files_in_and_out() {
    let folder = Folder::new("files");
    folder.write("sub/data.csv", "1,2\n3,4\n");
    folder.write("other.csv", "10,20\n30,40\n");
    folder.write("sub/script.m", "X = load('data.csv');\nY = X';\nZ = sum(X(:))\nsave('kept.csv', 'Y');\n");
    // Data is found beside the script, whatever the current folder is; --out is relative to the current one.
    let ran = folder.run(&["run", "sub/script.m", "--out", "Y=y.npy", "--out", "Z=z.csv"]);
    assert_eq!((ran.code, ran.out), (Some(0), "Z = 10\n".into()), "{}", ran.errors);
    assert_eq!(folder.read("z.csv"), "10\n");
    assert_eq!(folder.read("sub/kept.csv"), "1,3\n2,4\n");
    // What was saved can be loaded again, in place of what the script names.
    let ran = folder.run(&["run", "sub/script.m", "X=y.npy", "--out", "Y=back.csv"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert_eq!(folder.read("back.csv"), "1,2\n3,4\n");
    let ran = folder.run(&["run", "sub/script.m", "X=other.csv"]);
    assert_eq!(ran.out, "Z = 100\n");
    // A variable that no load makes is simply there.
    folder.write("uses.m", "s = sum(A(:))\n");
    let ran = folder.run(&["run", "uses.m", "A=other.csv"]);
    assert_eq!(ran.out, "s = 100\n");
}

#[test]
fn real_single_changes_the_default_class() {
    let folder = Folder::new("real");
    folder.write("class.m", "class(1), class(ones(2)), class(double(1)), class(1:3), class(pi), class(single(1) * 2)\nx = 0.1;\nprintf('%.10f\\n', x);\n");
    let single = folder.run(&["run", "class.m", "--real", "single"]).out;
    assert_eq!(
        single,
        "ans = single\nans = single\nans = double\nans = single\nans = single\nans = single\n0.1000000015\n"
    );
    let double = folder.run(&["run", "class.m"]).out;
    assert_eq!(
        double,
        "ans = double\nans = double\nans = double\nans = double\nans = double\nans = single\n0.1000000000\n"
    );
}

#[test]
fn explanations_replace_the_output() {
    let folder = Folder::new("explain");
    folder.write("two.m", "x = rand(4, 4);\ndisp(sum(x(:)) > 0)\ny = x * x;\ndisp(y(1) > 0)\n");
    let ran = folder.run(&["explain", "two.m", "--device", "cpu"]);
    let shown = ran.out;
    assert_eq!(ran.code, Some(0));
    assert_eq!(shown.matches("=== evaluation ").count(), 2, "{shown}");
    assert!(shown.contains("two.m:1:5") && shown.contains("two.m:3:7"), "origins are missing: {shown}");
    assert!(!shown.lines().any(|line| line == "1"), "the script's output shows: {shown}");

    let json = folder.run(&["explain", "two.m", "--device", "cpu", "--format", "json"]).out;
    assert!(json.starts_with("{\"format\":\"lazurite-dump\"") && json.trim_end().ends_with("}]}"), "{json}");
    let dot = folder.run(&["explain", "two.m", "--device", "cpu", "--format", "dot"]).out;
    assert_eq!(dot.matches("digraph").count(), 2, "{dot}");
    assert!(dot.contains("label=\"asked for at two.m:2:1\"") && dot.contains("\\ntwo.m:1:5 x\""), "{dot}");
    assert!(dot.contains("subgraph cluster_g0") && dot.contains(" on the CPU\";"), "{dot}");

    let both = folder.run(&["run", "two.m", "--device", "cpu", "--explain"]);
    assert_eq!(both.out, "1\n1\n");
    assert_eq!(both.errors.matches("=== evaluation ").count(), 2);
}

#[test]
fn without_a_driver_only_the_gpu_is_missing() {
    let folder = Folder::new("driver");
    folder.write("good.m", "x = sum([1 2 3])\n");
    let no_driver = [("VK_DRIVER_FILES", "/nonexistent.json"), ("VK_ICD_FILENAMES", "/nonexistent.json")];
    let run = |device: &str| lazurite(&["run", "good.m", "--device", device], folder.path(), &no_driver);
    for device in ["auto", "cpu"] {
        let ran = run(device);
        assert_eq!((ran.code, ran.out), (Some(0), "x = 6\n".into()), "{}", ran.errors);
    }
    let ran = run("gpu");
    // Other systems may still have an adapter of another kind.
    if cfg!(target_os = "linux") {
        assert_eq!(ran.code, Some(1), "{}", ran.errors);
        assert!(ran.errors.starts_with("error: "), "{}", ran.errors);
    }
}

#[test]
fn rules_are_listed_and_files_of_them_checked() {
    let folder = Folder::new("rules");
    let ran = folder.run(&["rules"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let listed = ran.out;
    let line = |name: &str| listed.lines().find(|l| l.trim_start().starts_with(name)).unwrap_or_default().to_string();
    let words: Vec<String> = line("add-zero ").split_whitespace().take(5).map(str::to_string).collect();
    assert_eq!(words, ["add-zero", "finite", "exact", "-", "simplify"], "{listed}");
    assert!(line("add-zero ").ends_with("-0 + 0 is +0"));
    for subject in [
        "algebra",
        "power",
        "exp",
        "bounds",
        "transpose",
        "product",
        "diag",
        "gram",
        "statistics",
        "normalise",
        "shape",
        "epilogue",
    ] {
        assert!(listed.lines().any(|l| l.starts_with(subject)), "{subject}");
    }
    let count: usize = listed.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(count >= 150 && listed.lines().filter(|l| l.starts_with("  ")).count() == count, "{count}");

    folder.write("good.rules", "rule round-up : exact floor(ceil(x)) => ceil(x) note \"whole already\"\n");
    folder.write("unsound.rules", "rule root : exact sqrt(square(x)) => x\n");
    folder.write("wrong.rules", "rule a : exat x => y\n");
    folder.write(
        "narrow.rules",
        "rule narrow : exact x + y => x + (y + like(0, x)) when constant(x), nonneg(x), symmetric(x)\n",
    );
    folder.write("latin.rules", [b'#', 0xff]);
    let ran = folder.run(&["rules", "good.rules"]);
    let said = ran.out;
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(said.starts_with("good ") && said.contains("round-up") && said.contains("whole already"), "{said}");
    assert!(said.contains("sound in "), "{said}");
    for (arguments, message) in [
        (&["rules", "unsound.rules"][..], "error: the rule is not exact: element"),
        (&["rules", "wrong.rules", "good.rules"], "there is no class 'exat'"),
        (&["rules", "good.rules", "good.rules"], "the rule 'round-up' is defined twice"),
        (&["rules", "latin.rules"], "byte 1 is not UTF-8"),
        (&["rules", "missing.rules"], "missing.rules: No such file"),
    ] {
        let ran = folder.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.errors);
        assert!(ran.errors.contains(message), "{arguments:?}: {}", ran.errors);
    }
    let ran = folder.run(&["rules", "narrow.rules"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(ran.errors.starts_with("warning: narrow: nothing was found"), "{}", ran.errors);
}
