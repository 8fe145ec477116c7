//! Files that are right come back as written; files that are wrong are named errors, without allocation of what they claim.

use std::path::PathBuf;

use super::*;

/// A file in the temporary folder that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("lazurite-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<Contents, String> {
    let file = Temporary::new(name, bytes);
    read(&file.0)
}

#[test]
fn npy_files_come_back_as_written() {
    let all = [
        Elements::Bool(vec![true, false, true, true, false, false]),
        Elements::U8(vec![0, 1, 2, 3, 254, 255]),
        Elements::I8(vec![0, -1, 2, -3, 127, -128]),
        Elements::U16(vec![0, 1, 2, 3, 4, 65535]),
        Elements::I16(vec![0, 1, 2, 3, 4, -32768]),
        Elements::U32(vec![0, 1, 2, 3, 4, u32::MAX]),
        Elements::I32(vec![0, 1, 2, 3, 4, i32::MIN]),
        Elements::I64(vec![0, 1, 2, 3, 4, i64::MIN]),
        Elements::F32(vec![0.0, -0.5, 1e30, f32::INFINITY, 4.0, 5.0]),
        Elements::F64(vec![0.0, -0.5, 1e300, f64::NEG_INFINITY, 4.0, 5.0]),
    ];
    for elements in all {
        for (dims, columns_first) in [(vec![6], false), (vec![2, 3], false), (vec![3, 2], true), (vec![1, 2, 3], true)]
        {
            let contents = Contents { dims, columns_first, elements: elements.clone() };
            let file = Temporary::new("round.npy", b"");
            write(&file.0, &contents).unwrap();
            let back = read(&file.0).unwrap();
            assert_eq!(back.elements, contents.elements);
            assert_eq!(back.dims, contents.dims);
        }
    }
}

#[test]
fn shipped_data_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    let digits = read(&folder.join("digits.npy")).unwrap();
    assert_eq!(digits.dims, [1797, 64]);
    assert!(matches!(digits.elements, Elements::F32(_)));
    assert_eq!(read(&folder.join("photos_gray_u8.npy")).unwrap().dims, [2, 427, 640]);
}

#[test]
fn broken_npy_files_are_named() {
    let good = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n";
    let data = [0u8; 16];
    assert_eq!(read_bytes("ok.npy", &npy(good, &data)).unwrap().dims, [2]);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "this is not an .npy file"),
        (b"\x93NUMPY\x01".to_vec(), "this is not an .npy file"),
        (b"hello hello hello".to_vec(), "this is not an .npy file"),
        (npy(good, &data[..9]), "only 9 bytes follow"),
        (npy(good, &data)[..30].to_vec(), "the file ends inside its header"),
        (b"\x93NUMPY\x02\x00\x00\x00\x00\x40".to_vec(), "the header claims 1073741824 bytes"),
        (b"\x93NUMPY\x07\x00\x00\x00\x00\x40".to_vec(), "version 7"),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1000000000000), }", &data),
            "only 16 bytes follow",
        ),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (134217728,), }", &data), "only 16 bytes follow"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }", &data), "the extent '-2'"),
        (npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }", &data), "'<c16' are not supported"),
        (npy("{'descr': '|S7', 'fortran_order': False, 'shape': (1,), }", &data), "'|S7' are not supported"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &data), "'|O' are not supported"),
        (npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", &data), "'<u8' are not supported"),
        (npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", &data), "structured"),
        (npy("{'descr': '<f8', 'fortran_order': 7, 'shape': (1,), }", &data), "neither True nor False"),
        (npy("{'descr': '<f8', 'fortran_order': False, }", &data), "no 'shape'"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1", &data), "'shape' without its end"),
        (npy("{'descr': '<f8'", &data), "no closing brace"),
        (npy("", &data), "no opening brace"),
        (npy(&"(".repeat(60000), &data), "no opening brace"),
        (
            npy(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({})}}", "1,".repeat(99)), &data),
            "99 dimensions",
        ),
    ];
    for (bytes, expected) in cases {
        let error = read_bytes("bad.npy", &bytes).unwrap_err();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
    assert!(read(Path::new("/nonexistent/x.npy")).unwrap_err().contains("No such file"));
    assert!(read(Path::new("x.txt")).unwrap_err().contains("only .npy and .csv"));
    assert!(read(&std::env::temp_dir().join("x")).unwrap_err().contains("only .npy and .csv"));
}

#[test]
fn big_endian_and_fortran_order_are_understood() {
    let header = "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 1)}";
    let data: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|x| x.to_be_bytes()).collect();
    let contents = read_bytes("big.npy", &npy(header, &data)).unwrap();
    assert!(contents.columns_first);
    assert_eq!(contents.elements, Elements::F64(vec![1.5, -2.0]));
    let scalar =
        read_bytes("scalar.npy", &npy("{'descr': '<i2', 'fortran_order': False, 'shape': ()}", &[7, 0])).unwrap();
    assert_eq!((scalar.dims.len(), scalar.elements), (0, Elements::I16(vec![7])));
}

#[test]
fn csv_files() {
    let read = |text: &str| read_bytes("t.csv", text.as_bytes());
    let contents = read("1,2\n 3 , 4e1\n\n-5,.5\n").unwrap();
    assert_eq!(contents.dims, [3, 2]);
    assert_eq!(contents.elements, Elements::F64(vec![1.0, 2.0, 3.0, 40.0, -5.0, 0.5]));
    assert_eq!(read("a,b\r\n1,2\r\n").unwrap().dims, [1, 2]);
    assert_eq!(read("").unwrap().dims, [0, 0]);
    let special = read("NaN,inf,-Inf\n").unwrap().elements.to_f64();
    assert!(special[0].is_nan() && special[1] == f64::INFINITY && special[2] == f64::NEG_INFINITY);
    for (text, expected) in [
        ("1,2\n3\n", "line 2 has 1 fields where line 1 has 2"),
        ("a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields where line 1 has 2"),
        ("1,2\n3,x\n", "line 2, field 2: 'x' is not a number"),
        ("1,2\na,b\n", "line 2, field 1: 'a' is not a number"),
        ("1,\n", "line 1, field 2: '' is not a number"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
    assert!(read_bytes("t.csv", &[0xff, 0xfe, 0x00]).unwrap_err().contains("not UTF-8"));
}

#[test]
fn csv_files_come_back_as_written() {
    let contents = Contents {
        dims: vec![2, 3],
        columns_first: true,
        elements: Elements::F64(vec![1.0, 0.1, -2.5, 1e-300, f64::NAN, 6.0]),
    };
    let file = Temporary::new("round.csv", b"");
    write(&file.0, &contents).unwrap();
    let text = std::fs::read_to_string(&file.0).unwrap();
    assert!(text.starts_with("1,-2.5,NaN\n"), "{text}");
    let back = read(&file.0).unwrap();
    assert_eq!(back.dims, [2, 3]);
    assert_eq!(back.elements.to_f64()[1], -2.5);
    let cube = Contents { dims: vec![1, 1, 2], columns_first: true, elements: Elements::F64(vec![1.0, 2.0]) };
    assert!(write(&file.0, &cube).unwrap_err().contains("two dimensions"));
}
