//! Output: `disp`, `printf`, `fprintf`, `error`, `tic` and `toc`.

use std::time::Instant;

use super::super::cnumber;
use super::super::diagnostic::Diagnostic;
use super::super::display;
use super::super::printf;
use super::super::runtime::Runtime;
use super::super::value::Value;
use super::function::{Call, Function, MANY, run};

pub(super) const TABLE: &[Function] = &[
    run("disp", 1..=1, 0, |rt, call| {
        let host = rt.host(&call.arguments[0])?;
        rt.print(&display::disp(&host))?;
        Ok(vec![])
    }),
    run("printf", 1..=MANY, 0, |rt, call| {
        let text = format(rt, call, 0)?;
        rt.print(&text)?;
        Ok(vec![])
    }),
    run("fprintf", 1..=MANY, 0, fprintf),
    run("error", 1..=MANY, 0, error),
    run("tic", 0..=0, 0, |rt, _| {
        rt.timer = Some(Instant::now());
        Ok(vec![])
    }),
    run("toc", 0..=0, 1, toc),
];

/// The template in argument `at` filled with those after it.
fn format(rt: &mut Runtime, call: &Call, at: usize) -> Result<Vec<u8>, Diagnostic> {
    let Some(template) = call.arguments[at].as_text().map(<[u8]>::to_vec) else {
        return Err(call.bad(at, "format TEMPLATE must be a string"));
    };
    let escaped = matches!(&call.arguments[at], Value::Host(host) if host.double_quoted);
    let template = if escaped { template } else { printf::unescape(&template) };
    let values = rt.hosts(&call.arguments[at + 1..])?;
    printf::format(&template, &values).map_err(|what| rt.error(format!("{}: {what}", call.name)))
}

/// A first argument of 1 or 2 names a stream.
fn fprintf(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    if call.arguments[0].as_text().is_some() {
        let text = format(rt, call, 0)?;
        rt.print(&text)?;
        return Ok(vec![]);
    }
    let stream = call.number(rt, 0, "the stream")?;
    if call.arguments.len() < 2 {
        return Err(rt.error("Invalid call to fprintf").help("it takes a template, or a stream and a template"));
    }
    let text = format(rt, call, 1)?;
    if stream == 1.0 {
        rt.print(&text)?;
    } else if stream == 2.0 {
        rt.print_message(&text);
    } else {
        return Err(call.bad(0, "invalid stream number; 1 is the output and 2 the error stream"));
    }
    Ok(vec![])
}

/// Ends the script. A single text is taken as it is; with more arguments it is a template, which an identifier such as
/// 'pkg:topic' may precede.
fn error(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let identifies = |text: &[u8]| text.contains(&b':') && !text.iter().any(|b| b.is_ascii_whitespace() || *b == b'%');
    let first = usize::from(call.arguments.len() > 1 && call.arguments[0].as_text().is_some_and(identifies));
    let text = match (call.arguments.len(), call.arguments[0].as_text()) {
        (1, Some(text)) => text.to_vec(),
        _ => format(rt, call, first)?,
    };
    // Warnings about what was computed before come first.
    rt.evaluate(&[])?;
    Err(rt.error(String::from_utf8_lossy(&text).trim_end_matches('\n')))
}

/// The seconds since `tic`, after all variables have been evaluated.
fn toc(rt: &mut Runtime, call: &Call) -> Result<Vec<Value>, Diagnostic> {
    let Some(start) = rt.timer else {
        return Err(rt.error("toc: function called before timer initialization()"));
    };
    rt.evaluate_variables()?;
    let seconds = start.elapsed().as_secs_f64();
    if call.wanted == 0 {
        let text = format!("Elapsed time is {} seconds\n", cnumber::general(seconds, 6, false));
        rt.print(text.as_bytes())?;
        return Ok(vec![]);
    }
    Ok(vec![Value::number(seconds)])
}
