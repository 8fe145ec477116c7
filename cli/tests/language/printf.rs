//! Every template recorded from Octave gives its text again, byte for byte.

use crate::support::recorded::{parse_value, record_bytes, sections};
use lazurite_cli::script::host::HostData;
use lazurite_cli::script::printf::format;

#[test]
fn recorded_templates_print_as_in_octave() {
    // Bytes are kept one to a character, since the texts need not be UTF-8.
    let text: String = record_bytes("printf.txt").into_iter().map(char::from).collect();
    let cases = sections(&text);
    assert!(cases.len() >= 200, "the record holds {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (n_args, mut rest) = case.body.split_once('\n').expect("a count of arguments");
        let mut args = Vec::new();
        for _ in 0..n_args.parse().expect("a count") {
            let (value, after) = parse_value(rest).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            args.push(value);
            rest = after;
        }
        let template = args.remove(0);
        let HostData::Char(template) = template.data else { panic!("{}: no template", case.name) };
        let got = format(&template, &args);
        if let Some(want) = rest.strip_prefix("--- output\n") {
            let want = want.strip_suffix("\n--- end\n").expect("an end");
            let want: Vec<u8> = want.chars().map(|c| c as u8).collect();
            if got.as_ref() != Ok(&want) {
                let got = got.map(|g| String::from_utf8_lossy(&g).into_owned());
                wrong.push(format!("{}\n  want {:?}\n  got  {got:?}", case.name, String::from_utf8_lossy(&want)));
            }
        } else if let Ok(got) = got {
            wrong.push(format!("{}\n  want an error\n  got  {:?}", case.name, String::from_utf8_lossy(&got)));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
