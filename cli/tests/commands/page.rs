//! Pages, traces and dumps made from scripts: they hold every record, need no network and are reproducible; where there is a Chromium,
//! the browser draws what they describe.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use crate::support::folder::Folder;
use crate::support::scripts::{run_with, settings};
use lazurite::inspect::dump::{self, Dump, nothing_beside, page, trace};
use lazurite::{DeviceChoice, Engine};

const SCRIPT: &str = "X = reshape(linspace(0, 1, 60), 12, 5) .^ 2;\nXc = X - mean(X, 1);\nC = Xc' * Xc / 11; % </script><b>\ny = max(tanh(C .* 2), 0.1);\ndisp(y)\n[Q, R] = qr(C);\ndisp(R(1))\n";

/// The dump of a script's evaluations on the CPU.
fn dump_of(name: &str, script: &str) -> Dump {
    let seen: Arc<Mutex<Dump>> = Arc::default();
    let engine = Engine::builder().device(DeviceChoice::Cpu).inspect(true).observe({
        let seen = seen.clone();
        move |evaluation| seen.lock().unwrap().add(evaluation).unwrap()
    });
    let ran = run_with(&engine.build().unwrap(), name, script, &settings(Path::new("")), &[]);
    if let Err(error) = ran.result {
        panic!("{error}");
    }
    let mut dump = seen.lock().unwrap().clone();
    dump.source = Some(dump::Script { name: name.into(), text: script.into() });
    dump
}

#[test]
fn kernels_on_a_gpu_have_their_text_and_their_time() {
    let seen: Arc<Mutex<Dump>> = Arc::default();
    let engine = Engine::builder().device(DeviceChoice::Gpu).inspect(true).observe({
        let seen = seen.clone();
        move |evaluation| seen.lock().unwrap().add(evaluation).unwrap()
    });
    let engine = match engine.build() {
        Ok(engine) => engine,
        Err(error) if std::env::var("LAZURITE_REQUIRE_GPU").as_deref() == Ok("1") => panic!("{error}"),
        Err(_) => return println!("skipped: there is no GPU"),
    };
    let script = "x = single(reshape(linspace(0, 1, 600), 30, 20));\ndisp(sum(x' * x, 1))\n";
    let ran = run_with(&engine, "g.m", script, &settings(Path::new("")), &[]);
    assert!(ran.result.is_ok());
    let dump = seen.lock().unwrap().clone();
    let record = dump.programs[0].record.as_ref().unwrap();
    let kernels: Vec<_> = record.groups().flat_map(|(i, _, g)| g.kernels.iter().map(move |k| (i, k))).collect();
    assert!(!kernels.is_empty() && kernels.iter().all(|(_, k)| k.wgsl.contains("@compute")));
    let times = dump.runs[0].times.as_ref().unwrap();
    // Where the device has timestamps, every kernel has a time of its own.
    if !times.kernels.is_empty() {
        let timed: Vec<usize> = times.kernels.iter().map(|k| k.step as usize).collect();
        assert_eq!(timed, kernels.iter().map(|(i, _)| *i).collect::<Vec<_>>());
    }
    assert!(page(&dump).contains("@compute"));
}

/// A script whose last evaluation records some `n` operations.
fn long_script(n: usize) -> String {
    let mut script = String::from("x = reshape(linspace(0, 1, 120), 20, 6);\na0 = x + 1;\na1 = x .* 2;\n");
    for i in 2..n {
        let (p, q) = (i - 1, i - 2);
        script += &match i % 5 {
            0 => format!("a{i} = a{p} - mean(a{q}, 1);\n"),
            1 => format!("a{i} = exp(-abs(a{p})) + a{q};\n"),
            2 => format!("a{i} = a{p} ./ (1 + sum(a{q} .^ 2, 2));\n"),
            3 => format!("a{i} = tanh(a{p}) .* a{q};\n"),
            _ => format!("a{i} = sqrt(abs(a{p} - a{q}));\n"),
        };
    }
    script + &format!("disp(sum(sum(a{})))\n", n - 1)
}

/// The dump of a long script, planned once for all tests.
fn long() -> &'static Dump {
    static LONG: OnceLock<Dump> = OnceLock::new();
    LONG.get_or_init(|| dump_of("long.m", &long_script(900)))
}

#[test]
fn a_dump_of_a_script_comes_back_with_its_record() {
    let dump = dump_of("s.m", SCRIPT);
    assert!(dump.programs.iter().all(|p| p.record.is_some()) && dump.runs.len() >= 2);
    let text = dump.write();
    let read = Dump::read("s.json", &text, &nothing_beside).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read, dump);
    assert_eq!(read.write(), text);
    let record = read.programs[0].record.as_ref().unwrap();
    assert!(record.groups().any(|(_, _, g)| g.core == "syrk" && g.work.flops > 0.0 && g.work.least_ns > 0.0));
    let plan = record.plan.as_ref().unwrap();
    assert!(plan.fired.iter().any(|f| f.rule == "gram"));
    // Proofs come back too, and speak of the script's names.
    let gram = plan.why.iter().find(|w| w.steps.iter().any(|s| s.rule == "gram")).unwrap();
    assert!(gram.written.contains("Xc'") && gram.runs.contains("syrk(") && gram.weakest == "reassociates", "{gram:?}");
    assert!(plan.unproved.is_none());
    let large = long().programs.iter().find(|p| p.graph.nodes.len() > 600).unwrap();
    let plan = large.record.as_ref().unwrap().plan.as_ref().unwrap();
    assert!(plan.why.is_empty() && plan.unproved.as_ref().unwrap().contains("at most 600"));
    assert_eq!(read.runs[0].times.as_ref().unwrap().steps.len(), record.steps.len());
    // Names and lines of the script are on its nodes.
    let labels: Vec<_> =
        read.programs[0].notes.iter().flat_map(|n| &n.origins).filter_map(|o| o.label.clone()).collect();
    for name in ["X", "Xc", "C", "y"] {
        assert!(labels.iter().any(|l| &**l == name), "{name} is missing among {labels:?}");
    }
}

#[test]
fn a_record_is_held_against_its_graph() {
    let good = dump_of("s.m", "x = (1:20)' * 0.5;\ndisp(sum(x .* x) / 20)\n").write();
    for (from, to, says) in [
        ("\"reads\":[", "\"reads\":[99", "there is no value 99"),
        ("\"writes\":[", "\"writes\":[-1,", "out of the field's range"),
        ("\"step\":\"group\"", "\"step\":\"grope\"", "expected \"upload\""),
        ("\"kept\":true", "\"kept\":1", "expected true or false"),
        ("\"image\":[", "\"image\":[0,", "expected one for each of"),
        ("\"lifetimes\":[", "\"lifetimes\":[[0,1],", "expected one for each of"),
        ("\"whole\":[", "\"whole\":[1,", "expected 2 entries, given 3"),
        ("\"place\":\"cpu\"", "\"place\":\"tpu\"", "expected \"gpu\", \"cpu\", given \"tpu\""),
        ("\"bytes\":[", "\"bytes\":[1,", "expected 2 entries"),
    ] {
        assert_refused(&good, from, to, says);
    }
}

/// A dump in which one text stands in place of another is refused, and the error says this.
fn assert_refused(good: &str, from: &str, to: &str, says: &str) {
    assert!(good.contains(from), "{from}\n{good}");
    let error = Dump::read("x.json", &good.replacen(from, to, 1), &nothing_beside).unwrap_err().to_string();
    assert!(error.contains(says), "{from} -> {to}: {error}");
}

#[test]
fn proofs_are_held_against_their_graphs() {
    let good = dump_of("s.m", SCRIPT).write();
    for (from, to, says) in [
        ("\"why\":[\n{\"node\":", "\"why\":[\n{\"node\":99", "there is no node 99"),
        ("\"weakest\":\"", "\"weakest\":1,\"x\":\"", "expected a string"),
        ("\"why\":[", "\"why\":7,\"x\":[", "expected a list"),
    ] {
        assert_refused(&good, from, to, says);
    }
}

/// A dump without times, so that what is made of it is the same in every run.
fn timeless(mut dump: Dump) -> Dump {
    for program in &mut dump.programs {
        if let Some(record) = &mut program.record {
            record.times = Default::default();
        }
    }
    dump.runs.iter_mut().for_each(|r| r.times = None);
    dump
}

#[test]
fn pages_are_whole_and_the_same_each_time() {
    let once = page(&timeless(dump_of("s.m", SCRIPT)));
    assert_eq!(once, page(&timeless(dump_of("s.m", SCRIPT))));
    for network in ["http:", "https:", "src=", "@import", "url(\"", "<link"] {
        assert!(!once.contains(network), "the page asks for {network}");
    }
    assert_eq!(once.matches("</script>").count(), 1, "a text of the script ends the page's own");
    assert!(
        once.contains("\"title\":\"g1 syrk over [5, 5]\"") || once.contains(" syrk over [5, 5]\""),
        "no group has a box"
    );
    assert!(once.len() < 200_000, "{} bytes for a small script", once.len());
}

#[test]
fn pages_of_thousands_of_nodes_stay_small() {
    let dump = long();
    let nodes = dump.programs.iter().map(|p| p.graph.nodes.len()).max().unwrap();
    assert!(nodes >= 2000, "{nodes}");
    let page = page(dump);
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
}

#[test]
fn traces_have_an_event_for_every_step() {
    let dump = dump_of("s.m", SCRIPT);
    let steps: usize = dump.runs.iter().map(|r| r.times.as_ref().unwrap().steps.len()).sum();
    let trace = trace(&dump);
    assert!(trace.starts_with("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[") && trace.trim_end().ends_with("]}"));
    assert_eq!(trace.lines().filter(|l| l.contains("\"ph\":\"X\"") && l.contains("\"tid\":3")).count(), steps);
    assert!(trace.contains("\"ph\":\"C\"") && trace.contains("\"name\":\"plan\""));
}

fn chromium() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|n| folders.iter().map(move |f| f.join(n))).find(|p| p.is_file())
}

/// The page as a browser has it once its script has run.
fn drawn(browser: &Path, file: &Path, place: &str) -> String {
    let url = format!("file://{}{place}", file.display());
    let profile = file.with_extension("profile");
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1000", "--dump-dom"]);
    let output = command.arg(format!("--user-data-dir={}", profile.display())).arg(&url).output().unwrap();
    let _ = std::fs::remove_dir_all(&profile);
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(dom.contains("data-ready=\"yes\""), "{url}: the script stopped\n{errors}");
    // What the script was made from stands behind what it made.
    dom.split("<script>").next().unwrap_or_default().to_owned()
}

/// The page once the pointer was moved over a node and pressed there.
fn touched(browser: &Path, folder: &Path, page: &str, node: u32) -> String {
    let file = folder.join("touched.html");
    let events = format!(
        "<script>{{ const e = document.querySelector('[data-node=\"{node}\"] rect'), b = e.getBoundingClientRect(); \
         const at = {{ bubbles: true, clientX: b.x + b.width / 2, clientY: b.y + b.height / 2 }}; \
         const hit = document.elementFromPoint(at.clientX, at.clientY); \
         hit.dispatchEvent(new PointerEvent('pointermove', at)); hit.dispatchEvent(new PointerEvent('pointerdown', at)); \
         hit.dispatchEvent(new PointerEvent('pointerup', at)); hit.dispatchEvent(new MouseEvent('click', at)); }}</script></body>"
    );
    std::fs::write(&file, page.replace("</body>", &events)).unwrap();
    // The tip stands behind the rest of the page and before its script.
    drawn(browser, &file, &format!("#1after:n{node}"))
}

#[test]
fn a_browser_draws_the_pages() {
    let Some(browser) = chromium() else {
        println!("skipped: there is no Chromium on the path");
        return;
    };
    let folder = Folder::new("page");
    let folder = folder.path();
    let (small, large) = (folder.join("small.html"), folder.join("large.html"));
    let dump = dump_of("s.m", SCRIPT);
    std::fs::write(&small, page(&dump)).unwrap();
    let first = &dump.programs[0];
    let record = first.record.as_ref().unwrap();
    let (group, _, of_group) = record.groups().last().unwrap();

    let run = drawn(&browser, &small, "#1after");
    let boxes = record.steps.iter().filter(|s| !s.nodes.is_empty()).count();
    assert_eq!(run.matches("class=\"box ").count(), boxes);
    assert_eq!(
        run.matches("class=\"bar\"").count(),
        record.steps.iter().filter(|s| s.kind != dump::StepKind::Free).count()
    );
    assert!(run.contains("gram</a>") && run.contains("class=\"value\""), "rules or memory are missing");
    let written = drawn(&browser, &small, "#1before:n3");
    assert!(written.contains("<h3>%3 = ") && written.contains("written at"), "no details of a node");
    let constants = first.graph.nodes.iter().filter(|n| matches!(n.op.name(), "literal" | "slot")).count();
    assert_eq!(written.matches("data-node=\"").count(), first.graph.nodes.len() - constants);
    let step = drawn(&browser, &small, &format!("#1after:s{group}"));
    assert!(
        step.contains("<h4>program</h4>") && step.contains(&of_group.program.lines().next().unwrap().trim().to_owned())
    );
    let plan = record.plan.as_ref().unwrap();
    let gram = plan.why.iter().find(|w| w.steps.iter().any(|s| s.rule == "gram")).unwrap();
    // A pointer that is moved over a node and pressed there.
    let touched = touched(&browser, folder, &page(&dump), gram.image);
    let tip = touched.split("id=\"tip\"").nth(1).unwrap_or_default();
    let node = record.graph.node(lazurite::inspect::graph::NodeId(gram.image));
    for part in [
        format!("%{} = ", gram.image),
        node.shape.to_string(),
        node.dtype.to_string(),
        " B".into(),
        "flop".into(),
        "rules: ".into(),
        "gram".into(),
    ] {
        assert!(tip.contains(&part), "{part} is missing under the pointer: {tip}");
    }
    let detail = touched.split("id=\"detail\"").nth(1).unwrap_or_default();
    for part in ["proof of ", "<b>gram</b>", "reassociates", "syrk(", "<b>runs</b>", "· program</h4>"] {
        assert!(detail.contains(part), "{part} is missing after a click: {detail}");
    }
    let script = drawn(&browser, &small, "#1script");
    assert!(script.contains("&lt;/script&gt;&lt;b&gt;") && script.contains("data-line=\"5\""), "no script");

    std::fs::write(&large, page(long())).unwrap();
    let all = drawn(&browser, &large, "#before");
    assert!(all.matches("data-node=\"").count() >= 1500);
    drawn(&browser, &large, "#after");
}
