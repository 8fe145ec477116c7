//! The whole recorded table of class mixing is replayed.

use crate::support::recorded::record;
use lazurite_cli::script::classes::{Class, Operand, assign, binary, concat, to_int32, to_int64, to_uint8, unary};

fn operand(class: Class, shape: &str) -> Operand {
    Operand { class, is_scalar: shape == "scalar" }
}

/// Shapes that do not fit fail in Octave whatever the classes, and say nothing about them.
fn shapes_fail(op: &str, a: &str, b: &str) -> bool {
    matches!((op, a, b), ("/", "scalar", "matrix") | ("\\", "matrix", "scalar") | ("^", "matrix", "matrix"))
}

#[test]
fn recorded_table_of_classes_holds() {
    let text = record("classes.txt");
    let mut n_checked = 0;
    let mut wrong = Vec::new();
    for line in text.lines().skip(1) {
        let (head, results) = line.split_once(": ").expect("a colon");
        let words: Vec<&str> = head.split(' ').collect();
        if words[0] == "convert" {
            let x: f64 = words[2].parse().expect("a number");
            let got = match words[1] {
                "int32" => to_int32(x).to_string(),
                "int64" => to_int64(x).to_string(),
                "uint8" => to_uint8(x).to_string(),
                other => panic!("no conversion to {other}"),
            };
            n_checked += 1;
            if got != results {
                wrong.push(format!("{line}: got {got}"));
            }
            continue;
        }
        let results: Vec<Option<Class>> = results.split(' ').map(Class::from_name).collect();
        assert_eq!(results.len(), Class::ALL.len(), "{line}");
        for (class, want) in Class::ALL.iter().copied().zip(results) {
            let got = match words[..] {
                [op, shape] => unary(op, operand(class, shape)).ok(),
                [op, shape_a, shape_b, class_a] => {
                    if shapes_fail(op, shape_a, shape_b) {
                        assert_eq!(want, None, "{line}");
                        continue;
                    }
                    let a = operand(Class::from_name(class_a).expect("a class"), shape_a);
                    match op {
                        "horzcat" | "vertcat" => Some(concat(a.class, class)),
                        "assign" | "fill" => assign(a, class).ok(),
                        _ => binary(op, a, operand(class, shape_b)).ok(),
                    }
                }
                _ => panic!("{line}"),
            };
            n_checked += 1;
            if got != want {
                wrong.push(format!("{head} with {class}: want {want:?}, got {got:?}"));
            }
        }
    }
    assert!(n_checked > 5000, "only {n_checked} entries");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_operator_that_refuses_names_both_operands() {
    let a = Operand { class: Class::Int32, is_scalar: false };
    let b = Operand { class: Class::Int64, is_scalar: true };
    let message = binary("+", a, b).expect_err("no sum of different integers").to_string();
    assert_eq!(message, "binary operator '+' not implemented for 'int32 matrix' by 'int64 scalar' operations");
}
