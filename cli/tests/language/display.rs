//! Every value recorded from Octave is shown again, byte for byte, as a result and by `disp`.

use crate::support::recorded::{parse_value, record, sections};
use lazurite_cli::script::display::{disp, display};

#[test]
fn recorded_values_look_as_in_octave() {
    let text = record("display.txt");
    let cases = sections(&text);
    assert!(cases.len() >= 200, "the record holds {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (value, rest) = parse_value(case.body).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let (_, rest) = rest.split_once("--- display\n").expect("a display part");
        let (shown, bare) = rest.split_once("--- disp\n").expect("a disp part");
        for (kind, want, got) in [("display", shown, display("x", &value)), ("disp", bare, disp(&value))] {
            if want.as_bytes() != got {
                wrong.push(format!("{kind} of {}\nwant:\n{want}\ngot:\n{}", case.name, String::from_utf8_lossy(&got)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
