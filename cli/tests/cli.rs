//! The program as a process: commands, files, exit codes and streams.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn lazurite(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazurite"));
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lazurite-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("sub")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn results_go_to_stdout_and_errors_to_stderr() {
    let folder = Folder::new("streams");
    folder.write("good.m", "x = 3\nprintf('%d\\n', x + 1);\nfprintf(2, 'note\\n');\n");
    let ran = lazurite(&["run", "--device", "cpu", "good.m"], &folder.0);
    assert_eq!(
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr)),
        (Some(0), "x = 3\n4\n".into(), "note\n".into())
    );

    folder.write("bad.m", "x = 3\ny = x + [1 2 3](4)\n");
    let ran = lazurite(&["run", "--device", "cpu", "bad.m"], &folder.0);
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), "x = 3\n".into()));
    let expected = "error: index (4): out of bound 3 (dimensions are 1x3)\n --> bad.m:2:9\n  |\n2 | y = x + [1 2 3](4)\n  |         ^^^^^^^^^^\n";
    assert_eq!(text(&ran.stderr), expected);
}

#[test]
fn exit_codes() {
    let folder = Folder::new("codes");
    folder.write("good.m", "x = 1;");
    folder.write("latin.m", "");
    std::fs::write(folder.0.join("latin.m"), [b'x', b'=', 0xff]).unwrap();
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
        (&["run", "good.m", "3x=a.npy"], 2, "no name of a variable"),
        (&["run", "good.m", "x=missing.npy"], 2, "missing.npy: No such file"),
        (&["run", "good.m", "y=a.npy"], 2, "the script has no variable 'y'"),
        (&["run", "good.m", "--out", "y=a.npy"], 2, "the script has no variable 'y'"),
        (&["run", "good.m", "--out", "x=/nonexistent/a.npy"], 2, "No such file"),
        (&["run", "good.m", "--out", "x=a.txt"], 2, "only .npy and .csv files can be written"),
        (&["explain", "good.m", "--format", "svg"], 2, "svg"),
        (&["--version"], 0, ""),
        (&["devices"], 0, ""),
    ] {
        let ran = lazurite(arguments, &folder.0);
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}: {}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains(message), "{arguments:?}: {}", text(&ran.stderr));
    }
}

#[test]
fn files_in_and_out() {
    let folder = Folder::new("files");
    folder.write("sub/data.csv", "1,2\n3,4\n");
    folder.write("other.csv", "10,20\n30,40\n");
    folder.write("sub/script.m", "X = load('data.csv');\nY = X';\nZ = sum(X(:))\nsave('kept.csv', 'Y');\n");
    // Data is found beside the script, whatever the current folder is; --out is relative to the current one.
    let ran = lazurite(&["run", "sub/script.m", "--out", "Y=y.npy", "--out", "Z=z.csv"], &folder.0);
    assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(0), "Z = 10\n".into()), "{}", text(&ran.stderr));
    assert_eq!(std::fs::read_to_string(folder.0.join("z.csv")).unwrap(), "10\n");
    assert_eq!(std::fs::read_to_string(folder.0.join("sub/kept.csv")).unwrap(), "1,3\n2,4\n");
    // What was saved can be loaded again, in place of what the script names.
    let ran = lazurite(&["run", "sub/script.m", "X=y.npy", "--out", "Y=back.csv"], &folder.0);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert_eq!(std::fs::read_to_string(folder.0.join("back.csv")).unwrap(), "1,2\n3,4\n");
    let ran = lazurite(&["run", "sub/script.m", "X=other.csv"], &folder.0);
    assert_eq!(text(&ran.stdout), "Z = 100\n");
    // A variable that no load makes is simply there.
    folder.write("uses.m", "s = sum(A(:))\n");
    let ran = lazurite(&["run", "uses.m", "A=other.csv"], &folder.0);
    assert_eq!(text(&ran.stdout), "s = 100\n");
}

#[test]
fn real_single_changes_the_default_class() {
    let folder = Folder::new("real");
    folder.write("class.m", "class(1), class(ones(2)), class(double(1)), class(1:3), class(pi), class(single(1) * 2)\nx = 0.1;\nprintf('%.10f\\n', x);\n");
    let single = text(&lazurite(&["run", "class.m", "--real", "single"], &folder.0).stdout);
    assert_eq!(
        single,
        "ans = single\nans = single\nans = double\nans = single\nans = single\nans = single\n0.1000000015\n"
    );
    let double = text(&lazurite(&["run", "class.m"], &folder.0).stdout);
    assert_eq!(
        double,
        "ans = double\nans = double\nans = double\nans = double\nans = double\nans = single\n0.1000000000\n"
    );
}

#[test]
fn explanations_replace_the_output() {
    let folder = Folder::new("explain");
    folder.write("two.m", "x = rand(4, 4);\ndisp(sum(x(:)) > 0)\ny = x * x;\ndisp(y(1) > 0)\n");
    let ran = lazurite(&["explain", "two.m", "--device", "cpu"], &folder.0);
    let shown = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(shown.matches("=== evaluation ").count(), 2, "{shown}");
    assert!(shown.contains("two.m:1:5") && shown.contains("two.m:3:7"), "origins are missing: {shown}");
    assert!(!shown.lines().any(|line| line == "1"), "the script's output shows: {shown}");

    let json = text(&lazurite(&["explain", "two.m", "--device", "cpu", "--format", "json"], &folder.0).stdout);
    assert!(json.starts_with("{\"format\":\"lazurite-dump\"") && json.trim_end().ends_with("}]}"), "{json}");
    let dot = text(&lazurite(&["explain", "two.m", "--device", "cpu", "--format", "dot"], &folder.0).stdout);
    assert_eq!(dot.matches("digraph").count(), 2, "{dot}");
    assert!(dot.contains("label=\"asked for at two.m:2:1\"") && dot.contains("\\ntwo.m:1:5 x\""), "{dot}");
    assert!(dot.contains("subgraph cluster_g0") && dot.contains(" on the CPU\";"), "{dot}");

    let both = lazurite(&["run", "two.m", "--device", "cpu", "--explain"], &folder.0);
    assert_eq!(text(&both.stdout), "1\n1\n");
    assert_eq!(text(&both.stderr).matches("=== evaluation ").count(), 2);
}

#[test]
fn without_a_driver_only_the_gpu_is_missing() {
    let folder = Folder::new("driver");
    folder.write("good.m", "x = sum([1 2 3])\n");
    let run = |device: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazurite"));
        command.args(["run", "good.m", "--device", device]).current_dir(&folder.0);
        command.env("VK_DRIVER_FILES", "/nonexistent.json").env("VK_ICD_FILENAMES", "/nonexistent.json");
        command.output().expect("the program starts")
    };
    for device in ["auto", "cpu"] {
        let ran = run(device);
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(0), "x = 6\n".into()), "{}", text(&ran.stderr));
    }
    let ran = run("gpu");
    // Other systems may still have an adapter of another kind.
    if cfg!(target_os = "linux") {
        assert_eq!(ran.status.code(), Some(1), "{}", text(&ran.stderr));
        assert!(text(&ran.stderr).starts_with("error: "), "{}", text(&ran.stderr));
    }
}

#[test]
fn rules_are_listed_and_files_of_them_checked() {
    let folder = Folder::new("rules");
    let ran = lazurite(&["rules"], &folder.0);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    let listed = text(&ran.stdout);
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
    std::fs::write(folder.0.join("latin.rules"), [b'#', 0xff]).unwrap();
    let ran = lazurite(&["rules", "good.rules"], &folder.0);
    let said = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(said.starts_with("good ") && said.contains("round-up") && said.contains("whole already"), "{said}");
    assert!(said.contains("sound in "), "{said}");
    for (arguments, message) in [
        (&["rules", "unsound.rules"][..], "error: the rule is not exact: element"),
        (&["rules", "wrong.rules", "good.rules"], "there is no class 'exat'"),
        (&["rules", "good.rules", "good.rules"], "the rule 'round-up' is defined twice"),
        (&["rules", "latin.rules"], "byte 1 is not UTF-8"),
        (&["rules", "missing.rules"], "missing.rules: No such file"),
    ] {
        let ran = lazurite(arguments, &folder.0);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains(message), "{arguments:?}: {}", text(&ran.stderr));
    }
    let ran = lazurite(&["rules", "narrow.rules"], &folder.0);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).starts_with("warning: narrow: nothing was found"), "{}", text(&ran.stderr));
}
