//! A dump of version 2, which left the dtype of an operation to its node, is still read, runs, and is written as version 3.

use lazurite::inspect::RunOptions;
use lazurite::inspect::dump::{Dump, nothing_beside};
use lazurite::inspect::graph::{CastMode, Op, RngDist};
use lazurite::{DType, DeviceChoice, Engine, Shape};

const VERSION_2: &str = include_str!("version-2.json");

fn read(text: &str) -> Dump {
    Dump::read("version-2.json", text, &nothing_beside).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn version_2_takes_dtypes_from_nodes() {
    let dump = read(VERSION_2);
    let shape = Shape::new(&[3]);
    let rng = |dist, dtype| Op::Rng { dist, shape: shape.clone(), dtype };
    let expected = [
        (1, Op::Cast { to: DType::I32, mode: CastMode::Wrap }),
        (2, Op::Cast { to: DType::U8, mode: CastMode::RoundSaturate }),
        (3, Op::Iota { shape: shape.clone(), axis: 0, dtype: DType::F64 }),
        (5, rng(RngDist::Bits, DType::U32)),
        (6, rng(RngDist::Uniform, DType::F32)),
        (7, rng(RngDist::Normal, DType::F64)),
    ];
    for (i, op) in expected {
        assert_eq!(dump.programs[0].graph.nodes[i].op, op);
    }
    let case = dump.case(0).unwrap();
    let engine = Engine::builder().device(DeviceChoice::Cpu).build().unwrap();
    let results = engine.run_graph(case.graph, case.leaves, &case.slots, RunOptions::default()).unwrap();
    assert_eq!(results[0].as_slice::<i32>().unwrap(), [0, 1, 5]);
    assert_eq!(results[1].as_slice::<u8>().unwrap(), [0, 2, 5]);
    assert_eq!(results[2].as_slice::<f64>().unwrap(), [0.0, 1.0, 2.0]);
}

#[test]
fn version_2_is_written_as_version_3() {
    let old = read(VERSION_2);
    let text = old.write();
    assert!(text.starts_with("{\"format\":\"lazurite-dump\",\"version\":3,"), "{text}");
    assert!(text.contains("\"op\":\"cast\",\"to\":\"i32\","), "{text}");
    let new = read(&text);
    assert_eq!(new, old);
    assert_eq!(new.write(), text);
}

#[test]
fn each_version_is_read_by_its_own_rules() {
    let as_three = VERSION_2.replacen("\"version\":2", "\"version\":3", 1);
    let error = Dump::read("x.json", &as_three, &nothing_beside).unwrap_err().to_string();
    assert!(error.contains("programs[0].graph.nodes[1]: the field \"to\" is missing"), "{error}");
    for unknown in [0, 1, 4] {
        let text = VERSION_2.replacen("\"version\":2", &format!("\"version\":{unknown}"), 1);
        let error = Dump::read("x.json", &text, &nothing_beside).unwrap_err();
        let expected = format!("version: expected version 3 or 2 of the schema, given {unknown}");
        assert!(error.is_argument() && error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn scalars_that_a_plan_once_watched_are_read_over() {
    let text = read(VERSION_2).write();
    let old = text.replacen("\"roots\":", "\"guards\":[0],\"roots\":", 1);
    assert_ne!(old, text);
    assert_eq!(read(&old), read(&text));
}
