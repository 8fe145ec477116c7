//! Texts that are no dumps. Each error names what is wrong and where; none takes long, and none takes memory.

use lazurite::inspect::dump::{Dump, nothing_beside};

const GRAPH: &str = r#"{"nodes":[
{"id":0,"op":"leaf","leaf":0,"operands":[],"dtype":"f32","shape":[2,3]},
{"id":1,"op":"slot","slot":0,"operands":[],"dtype":"f32","shape":[]},
{"id":2,"op":"mul","operands":[0,1],"dtype":"f32","shape":[2,3]},
{"id":3,"op":"view","strides":[1,3],"offset":0,"operands":[2],"dtype":"f32","shape":[3,2]},
{"id":4,"op":"contract","operands":[3,2],"dtype":"f32","shape":[3,3]},
{"id":5,"op":"sum","axes":[0],"operands":[4],"dtype":"f32","shape":[1,3]},
{"id":6,"op":"cast","to":"i32","operands":[5],"dtype":"i32","shape":[1,3]}],
"roots":[5],"leaves":[{"dtype":"f32","shape":[2,3]}],"slots":["f32"]}"#;

fn good() -> String {
    format!(
        r#"{{"format":"lazurite-dump","version":3,"settings":{{"device":"cpu","numerics":"strict"}},
"data":[{{"dtype":"f32","len":6,"base64":"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/"}}],
"programs":[{{"graph":{GRAPH}}}],
"runs":[{{"program":0,"leaves":[0],"slots":[1.5]}}]}}"#
    )
}

/// A change to the good dump, and what its error must say. The line and column of the place are checked too.
const WRONG: &[(&str, &str, &str)] = &[
    // What the text is.
    ("\"lazurite-dump\"", "\"other\"", "format: expected \"lazurite-dump\""),
    ("\"version\":3", "\"version\":99", "expected version 3 or 2 of the schema, given 99"),
    ("\"version\":3", "\"version\":\"2\"", "version: expected an integer, given a string"),
    ("\"version\":3", "\"version\":3.0", "version: expected an integer, given a number"),
    ("\"version\":3,", "", "the field \"version\" is missing"),
    ("\"version\":3", "\"version\":3,\"version\":3", "given twice"),
    ("\"runs\":[", "\"runs\":[,", "expected a value, found ','"),
    ("\"runs\"", "\"r\nuns\"", "control character"),
    ("\"runs\"", "\"\\ud800uns\"", "surrogate"),
    ("\"runs\"", "runs", "expected the name of a field in quotes"),
    // Graphs.
    ("\"operands\":[0,1]", "\"operands\":[0,4]", "programs[0].graph.nodes[2].operands[1]: node 2 uses node 4"),
    ("\"operands\":[0,1]", "\"operands\":[2,1]", "a graph has no cycles"),
    ("\"operands\":[0,1]", "\"operands\":[0,77]", "there is no node 77: the graph has 7"),
    ("\"operands\":[0,1]", "\"operands\":[-1,1]", "-1 is out of the field's range"),
    ("\"operands\":[0,1]", "\"operands\":[0]", "mul: expected 2 operands, given 1"),
    ("\"operands\":[0,1]", "\"operands\":[0,1e0]", "expected an integer, given a number"),
    ("\"roots\":[5]", "\"roots\":[7]", "there is no node 7"),
    ("\"roots\":[5]", "\"roots\":[]", "expected at least one root"),
    ("\"id\":3", "\"id\":4", "expected 3: nodes are numbered in order"),
    ("\"op\":\"mul\"", "\"op\":\"mull\"", "there is no operation \"mull\""),
    ("\"op\":\"mul\"", "\"op\":\"and\"", "nodes[2]: and: not defined for f32"),
    ("\"axes\":[0]", "\"axes\":[2]", "expected an axis below 2"),
    ("\"axes\":[0]", "\"axes\":[0,0]", "expected ascending axes"),
    ("\"axes\":[0]", "\"axis\":0", "the field \"axes\" is missing"),
    ("\"leaf\":0", "\"leaf\":1", "there is no such leaf or slot"),
    ("\"leaf\":0", "\"leaf\":4294967296", "4294967296 is out of the field's range"),
    ("\"slot\":0", "\"slot\":9", "there is no such leaf or slot"),
    ("\"to\":\"i32\",", "", "nodes[6]: the field \"to\" is missing"),
    ("\"to\":\"i32\"", "\"to\":\"i31\"", "nodes[6].to: expected \"bool\""),
    ("\"to\":\"i32\"", "\"to\":\"u8\"", "cast gives u8[1, 3], but the dump says i32[1, 3]"),
    // Shapes.
    (
        "\"operands\":[4],\"dtype\":\"f32\",\"shape\":[1,3]",
        "\"operands\":[4],\"dtype\":\"f32\",\"shape\":[3]",
        "gives f32[1, 3], but the dump says f32[3]",
    ),
    (
        "\"operands\":[0,1],\"dtype\":\"f32\"",
        "\"operands\":[0,1],\"dtype\":\"f64\"",
        "gives f32[2, 3], but the dump says f64[2, 3]",
    ),
    ("\"dtype\":\"f32\",\"shape\":[2,3]}]", "\"dtype\":\"f31\",\"shape\":[2,3]}]", "expected \"bool\""),
    ("\"strides\":[1,3]", "\"strides\":[1,4]", "reaches outside its operand"),
    ("\"strides\":[1,3]", "\"strides\":[1]", "expected 2 strides"),
    ("\"strides\":[1,3]", "\"strides\":[1,9223372036854775807]", "expected a number within"),
    ("\"offset\":0", "\"offset\":-1", "reaches outside its operand"),
    ("\"shape\":[3,3]", "\"shape\":[3,-3]", "-3 is out of the field's range"),
    ("\"shape\":[3,3]", "\"shape\":[3,18446744073709551615]", "expected at most"),
    ("\"shape\":[3,3]", "\"shape\":[16777216,16777217]", "programs[0].graph.nodes[4].shape: expected at most"),
    ("\"shape\":[3,3]", "\"shape\":[3,1e400]", "beyond 64-bit floats"),
    ("\"shape\":[3,3]", "\"shape\":[3,999999999999999999999999999999999999999999]", "too large for any field"),
    (
        "\"shape\":[3,3]",
        "\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
        "at most 32 entries",
    ),
    // Data.
    ("\"base64\":\"AACAP", "\"base64\":\"AACA", "expected 32 characters of base64 for 6 elements of f32, given 31"),
    ("\"base64\":\"AACAP", "\"base64\":\"AAC!P", "character 4 is no digit of base64"),
    ("\"len\":6", "\"len\":268435456", "expected 1431655768 characters of base64"),
    ("\"len\":6", "\"len\":268435457", "expected at most 1073741824 bytes"),
    ("\"len\":6", "\"len\":18446744073709551615", "expected at most 1073741824 bytes"),
    ("\"len\":6", "\"len\":7", "expected 40 characters"),
    ("\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"", "\"rule\":{\"constant\":1e39}", "is beyond f32"),
    ("\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"", "\"rule\":{\"start\":1}", "the field \"step\" is missing"),
    (
        "\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"",
        "\"rule\":{\"random\":\"bits\",\"key\":1,\"stream\":1}",
        "no such random elements of f32",
    ),
    ("\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"", "\"npy\":\"../secret.npy\"", "without a folder"),
    ("\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"", "\"npy\":\"gone.npy\"", "there is no file gone.npy"),
    (
        "\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"",
        "\"other\":1",
        "expected one of the fields \"base64\", \"npy\" and \"rule\"",
    ),
    // Runs.
    ("\"program\":0", "\"program\":1", "there is no program 1: the dump has 1"),
    ("\"leaves\":[0]", "\"leaves\":[]", "expected data for 1 leaves, given 0"),
    ("\"leaves\":[0]", "\"leaves\":[3]", "there is no data 3"),
    ("\"slots\":[1.5]", "\"slots\":[]", "expected values for 1 slots"),
    ("\"slots\":[1.5]", "\"slots\":[\"0x100000000\"]", "runs[0].slots[0]: expected the bits of a f32"),
    ("\"slots\":[1.5]", "\"slots\":[true]", "expected a number, given a truth value"),
    (
        "\"numerics\":\"strict\"",
        "\"numerics\":\"loose\"",
        "expected \"strict\", \"standard\", \"fast\", given \"loose\"",
    ),
];

fn refused(text: &str) -> String {
    match Dump::read("x.json", text, &nothing_beside) {
        Ok(_) => panic!("was read: {}", &text[..text.len().min(400)]),
        Err(e) => {
            assert!(e.is_argument(), "{e:?}");
            e.to_string()
        }
    }
}

#[test]
fn the_good_one_is_read() {
    let dump = Dump::read("x.json", &good(), &nothing_beside).unwrap();
    assert_eq!(dump.case(0).unwrap().leaves[0].as_slice::<f32>().unwrap(), [1.0; 6]);
}

#[test]
fn every_wrong_one_is_refused_where_it_is_wrong() {
    let good = good();
    for (from, to, says) in WRONG {
        assert!(good.contains(from), "{from} is not in the good dump");
        let error = refused(&good.replacen(from, to, 1));
        assert!(error.contains(says), "{from} -> {to}\n  expected: {says}\n  found:    {error}");
        let mut place = error.split(':');
        assert_eq!(place.next(), Some("x.json"), "{error}");
        let line: usize = place.next().unwrap().parse().unwrap();
        // The line on which the change was made, or the one of the object it is in.
        let changed = good[..good.find(from).unwrap()].matches('\n').count() + 1;
        assert!(line == changed || line == changed + 1 || line == 1, "{error}: the change is on line {changed}");
    }
}

#[test]
fn every_cut_is_refused() {
    let good = good();
    for end in 0..good.len() {
        refused(&good[..end]);
    }
    refused(&format!("{good}x"));
    refused("");
    refused("\u{feff}{}");
}

#[test]
fn every_byte_may_be_wrong() {
    // Most changes are refused, some give another dump; none may panic.
    let good = good();
    for at in 0..good.len() {
        for byte in [b'0', b'9', b'"', b'[', b'}', b'-', b' '] {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = byte;
            let text = String::from_utf8(bytes).unwrap();
            if let Ok(dump) = Dump::read("x.json", &text, &nothing_beside) {
                let again = dump.write();
                assert_eq!(Dump::read("x.json", &again, &nothing_beside).unwrap().write(), again);
            }
        }
    }
}

#[test]
fn depth_and_breadth_have_ends() {
    let deep = "[".repeat(1 << 20);
    assert!(refused(&deep).contains("at most 64 levels"));
    let deep = "{\"a\":".repeat(1 << 18);
    assert!(refused(&deep).contains("at most 64 levels"));
    let many: Vec<String> = (0..1000).map(|i| format!("\"f{i}\":0")).collect();
    assert!(refused(&format!("{{{}}}", many.join(","))).contains("at most 256 fields"));
    let many = vec!["0"; (1 << 20) + 1].join(",");
    let text = good().replacen("\"roots\":[5]", &format!("\"roots\":[{many}]"), 1);
    assert!(refused(&text).contains("at most 1048576 entries"));
}

#[test]
fn files_beside_are_held_against_their_claims() {
    let base64 = "\"base64\":\"AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/\"";
    let text = good().replacen(base64, "\"npy\":\"a.npy\"", 1);
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }\n";
    let file = |header: &str, n: usize| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; n]);
        bytes
    };
    let wrong: &[(Vec<u8>, &str)] = &[
        (vec![], "expected an .npy file"),
        (b"\x93NUMPY\x01\x00\xff\xff".to_vec(), "the header is cut off"),
        (file(header, 23), "given 23 bytes"),
        (file(&header.replace("<f4", "<f8"), 24), "expected 'descr':'<f4'"),
        (file(&header.replace("False", "True"), 24), "expected C order"),
    ];
    for (bytes, says) in wrong {
        let error = Dump::read("x.json", &text, &|_| Ok(bytes.clone())).unwrap_err().to_string();
        assert!(error.contains("data[0].npy: a.npy: ") && error.contains(says), "{error}");
    }
    assert!(Dump::read("x.json", &text, &|_| Ok(file(header, 24))).is_ok());
}
