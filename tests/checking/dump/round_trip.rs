//! Graph to text to graph: nothing is lost, the text is the same again, and the program that was read gives the same bits.

use std::collections::{BTreeSet, HashMap};

use lazurite::check::{operation_names, runs, strategies};
use lazurite::inspect::RunOptions;
use lazurite::inspect::dump::{Dump, Elements, Rule, RuleFile, Settings, nothing_beside};
use lazurite::inspect::graph::{Case, Graph, LeafInfo, Op};
use lazurite::{DType, DeviceChoice, Engine, HostBuffer, Numerics, Scalar, Shape};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

fn again(dump: &Dump) -> Dump {
    let text = dump.write();
    let read = Dump::read("a.json", &text, &nothing_beside).unwrap_or_else(|e| panic!("{e}\n{text}"));
    // NaN is not equal to itself, and so data is compared by what is written.
    assert_eq!(read.write(), text);
    read
}

#[test]
fn random_programs_come_back_to_the_bit() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let engine = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    let mut seen = BTreeSet::new();
    for i in 0..120 {
        let case = strategies::cases().new_tree(&mut runner).unwrap().current();
        seen.extend(case.graph.nodes.iter().map(|n| n.op.name()));
        let dump = Dump::of(case.clone(), Settings::default()).unwrap();
        let read = again(&dump).case(0).unwrap();
        assert_eq!(read.graph, case.graph);
        assert_eq!(read.slots, case.slots);
        for (a, b) in read.leaves.iter().zip(&case.leaves) {
            assert_eq!((a.dtype(), a.bytes()), (b.dtype(), b.bytes()));
        }
        // Running every one of them would repeat other tests; some show that what was read runs as well.
        if i % 10 == 0 {
            let options = RunOptions::default();
            let replayed = engine.run_graph(read.graph, read.leaves, &read.slots, options).unwrap();
            for (a, b) in replayed.iter().zip(&runs::run(&engine, &case, options).unwrap()) {
                assert_eq!(a.first_difference(b), None, "{case:?}");
            }
        }
    }
    let missing: Vec<_> = operation_names().into_iter().filter(|n| !seen.contains(n)).collect();
    assert!(missing.len() < 12, "too few operations were tried, missing {missing:?}");
}

#[test]
fn planned_graphs_come_back_with_their_kernels() {
    let mut graph =
        Graph { leaves: vec![LeafInfo { shape: Shape::new(&[6, 4]), dtype: DType::F32 }], ..Graph::default() };
    let x = graph.add(Op::Leaf(0), &[]).unwrap();
    let two = graph.add(Op::Literal(Scalar::from_f64(DType::F32, 2.0)), &[]).unwrap();
    let turned = lazurite::inspect::graph::View::dense(&Shape::new(&[6, 4])).permute(&[1, 0]).unwrap();
    let t = graph.add(Op::View(turned), &[x]).unwrap();
    let c = graph.add(Op::Contract { symmetric: false }, &[t, x]).unwrap();
    let s = graph.add(Op::Binary(lazurite::inspect::graph::BinaryOp::Mul), &[c, two]).unwrap();
    graph.roots = vec![s, s];
    let options = lazurite::inspect::PlanOptions::new(lazurite::CostTable::cpu());
    let planned = lazurite::unstable::planner::plan(&graph, &options).graph;
    assert!(!planned.kernels.is_empty(), "{planned}");
    let leaf = HostBuffer::from_slice(&[1.5f32; 24]).unwrap();
    let dump =
        Dump::of(Case { graph: planned.clone(), leaves: vec![leaf], slots: vec![] }, Settings::default()).unwrap();
    assert_eq!(again(&dump).case(0).unwrap().graph, planned);
}

#[test]
fn settings_notes_and_texts_come_back() {
    let mut graph = Graph { slots: vec![DType::I64, DType::F16], ..Graph::default() };
    let a = graph.add(Op::Slot(0), &[]).unwrap();
    let b = graph.add(Op::Slot(1), &[]).unwrap();
    graph.roots = vec![b, a];
    let slots = vec![Scalar::from_i64(DType::I64, i64::MIN), Scalar::from_bits(DType::F16, 0x7e01)];
    let settings = Settings {
        device: DeviceChoice::Gpu,
        numerics: Numerics::Fast,
        plan: false,
        fuse: true,
        rules: vec![RuleFile { name: "own.rules".into(), text: "rule w : exact x + 0 => x\n".into() }],
        ran_on: Some("a \"card\"".into()),
    };
    let mut dump = Dump::of(Case { graph, leaves: vec![], slots }, settings).unwrap();
    dump.about = "two\nlines".into();
    dump.source = Some(lazurite::inspect::dump::Script { name: "é.m".into(), text: "a = 1;\n</script>".into() });
    let origin =
        |label: Option<&str>| lazurite::Origin { file: "é.m".into(), line: 3, col: 9, label: label.map(Into::into) };
    dump.programs[0].notes = vec![
        lazurite::inspect::dump::Note { origins: vec![origin(None), origin(Some("a"))], tag: None },
        lazurite::inspect::dump::Note { origins: vec![], tag: Some("mean".into()) },
    ];
    dump.runs[0].asked_at = Some(origin(None));
    assert_eq!(again(&dump), dump);
}

#[test]
fn regular_data_is_a_rule_and_large_data_lies_beside() {
    let ramp: Vec<f64> = (0..500).map(|i| 0.5 + f64::from(i) * 0.25).collect();
    let odd: Vec<f32> = (0..500).map(|i| (i as f32).sin()).collect();
    let ints: Vec<i32> = (0..100).map(|i| 7 - 3 * i).collect();
    let buffers = [
        HostBuffer::from_slice(&ramp).unwrap(),
        HostBuffer::from_slice(&odd).unwrap(),
        HostBuffer::from_slice(&ints).unwrap(),
        HostBuffer::from_slice(&[f32::NAN; 64]).unwrap(),
        HostBuffer::from_slice(&odd).unwrap(),
    ];
    let mut graph = Graph::default();
    for (i, b) in buffers.iter().enumerate() {
        graph.leaves.push(LeafInfo { shape: Shape::new(&[b.len()]), dtype: b.dtype() });
        let leaf = graph.add(Op::Leaf(i as u32), &[]).unwrap();
        graph.roots.push(leaf);
    }
    let mut dump = Dump::of(Case { graph, leaves: buffers.to_vec(), slots: vec![] }, Settings::default()).unwrap();
    assert_eq!(dump.runs[0].leaves, [0, 1, 2, 3, 1], "equal arrays are stored once");
    assert!(matches!(dump.data[0].elements, Elements::Rule(Rule::Linear { .. })));
    assert!(matches!(dump.data[1].elements, Elements::Inline(_)));
    assert!(matches!(dump.data[2].elements, Elements::Rule(Rule::Linear { .. })));
    assert!(matches!(dump.data[3].elements, Elements::Rule(Rule::Constant(_))));
    again(&dump);
    dump.set_beside("a", 1024);
    let files: HashMap<String, Vec<u8>> = dump.files().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a.1.npy"]);
    let beside = |name: &str| Ok(files[name].clone());
    let read = Dump::read("a.json", &dump.write(), &beside).unwrap();
    for (a, b) in read.case(0).unwrap().leaves.iter().zip(&buffers) {
        assert_eq!(a.bytes(), b.bytes());
    }
    let e = Dump::read("a.json", &dump.write(), &nothing_beside).unwrap_err().to_string();
    assert!(e.contains("a.1.npy"), "{e}");
}

#[test]
fn rooflines_go_by_the_engine_s_own_table_and_say_so() {
    let table = |byte_ns: f64| lazurite::CostTable {
        of: "a card with <slow> memory".into(),
        byte_ns,
        ..lazurite::CostTable::cpu()
    };
    let dump = |byte_ns: f64| {
        let e = Engine::builder().device(DeviceChoice::Cpu).cpu_costs(table(byte_ns)).inspect(true).build().unwrap();
        let x = e.from_slice(&[1.0f32; 1000], &[1000]).unwrap();
        e.eval(&[&x.neg()]).unwrap();
        let mut dump = Dump::default();
        dump.add(&e.last_evaluation().unwrap()).unwrap();
        again(&dump)
    };
    let least = |d: &Dump| d.programs[0].record.as_ref().unwrap().groups().next().unwrap().2.work.least_ns;
    let (slow, slower) = (dump(10.0), dump(20.0));
    // A thousand elements of four bytes are read and written.
    assert_eq!((least(&slow), least(&slower)), (80_000.0, 160_000.0));
    let costs = &slow.programs[0].record.as_ref().unwrap().costs;
    assert_eq!(costs.len(), 1, "only the CPU ran anything");
    assert!(costs[0].starts_with("a card with <slow> memory: 0.1 GB/s"), "{costs:?}");
    assert!(lazurite::inspect::dump::page(&slow).contains("0.1 GB/s"), "the page names the rates");
}
