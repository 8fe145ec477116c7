//! How many rounds of loops a thread of a kernel takes at most, all loops together.
//!
//! A finished text comes in, with what its loops are bounded by; a count comes out. Some drivers end loops after a number of rounds
//! (`Limits::max_rounds`) without a word, so a loop may not stand in a text without its bound: its line ends in a comment,
//! `// at most 32 rounds`, or `// at most LINE rounds` for a number that depends on extents and is known under that name. This module
//! reads the layout that the templates and the writer keep: a function's head, a loop's head and every closing brace are on lines of
//! their own.

use hashbrown::{HashMap, HashSet};

use super::kernel::Lowered;
use super::template::identifiers;
use crate::error::{Error, Result};
use crate::types::Limits;

/// The bounds that have names.
pub(super) type Bounds = HashMap<String, u64>;

/// What stands on the line of a loop behind its head.
pub(super) fn comment(bound: &str) -> String {
    format!("// at most {bound} rounds")
}

/// Lowers in parts enough for every loop to stay within what the driver allows. `lower` takes the least number of parts, and gives
/// the number that it made along with the kernels. What no number of parts brings within the bound is refused later.
pub(super) fn in_parts(limits: &Limits, mut lower: impl FnMut(usize) -> Result<(Lowered, usize)>) -> Result<Lowered> {
    let mut least = 1;
    loop {
        let (lowered, parts) = lower(least)?;
        let rounds = lowered.kernels.iter().map(|k| k.rounds).max().unwrap_or(0);
        let wanted = parts.saturating_mul(rounds.div_ceil(limits.max_rounds.max(1)) as usize);
        if rounds <= limits.max_rounds || wanted <= least {
            return Ok(lowered);
        }
        least = wanted;
    }
}

/// What a function does.
#[derive(Default)]
struct Function<'t> {
    /// Rounds of its own loops.
    own: u64,
    /// The names it calls, each with the times that it does so.
    calls: Vec<(&'t str, u64)>,
}

/// Rounds of all loops that a call of `main` takes at most; the round in which a loop ends counts.
///
/// # Errors
/// Internal for a loop without a bound.
pub(super) fn rounds(text: &str, bounds: &Bounds) -> Result<u64> {
    let functions = functions(text, bounds)?;
    Ok(total("main", &functions, &mut HashMap::new()))
}

fn total<'t>(name: &'t str, functions: &HashMap<&'t str, Function<'t>>, known: &mut HashMap<&'t str, u64>) -> u64 {
    if let Some(&rounds) = known.get(name) {
        return rounds;
    }
    let Some(function) = functions.get(name) else { return 0 };
    // WGSL has no recursion; text that had some would end here.
    known.insert(name, 0);
    let called = |sum: u64, &(callee, times): &(&'t str, u64)| {
        sum.saturating_add(total(callee, functions, known).saturating_mul(times))
    };
    let rounds = function.calls.iter().fold(function.own, called);
    known.insert(name, rounds);
    rounds
}

fn functions<'t>(text: &'t str, bounds: &Bounds) -> Result<HashMap<&'t str, Function<'t>>> {
    let heads = text.lines().filter_map(head);
    let names: HashSet<&str> = heads.collect();
    let mut functions: HashMap<&str, Function<'_>> = HashMap::new();
    let mut current = "";
    let mut depth = 0usize;
    // The depth at which each open loop stands, and how often what is in it runs.
    let mut open: Vec<(usize, u64)> = Vec::new();
    for line in text.lines() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        current = head(code).unwrap_or(current);
        let function = functions.entry(current).or_default();
        let outer = open.last().map_or(1, |l| l.1);
        if identifiers(code).any(|w| matches!(w, "for" | "while" | "loop")) {
            let trips = bound(comment, bounds)
                .ok_or_else(|| Error::internal(format!("a loop of a kernel has no bound: {}", line.trim())))?;
            function.own = function.own.saturating_add(outer.saturating_mul(trips.saturating_add(1)));
            open.push((depth, outer.saturating_mul(trips)));
        }
        let times = open.last().map_or(1, |l| l.1);
        let called = identifiers(code).filter(|w| *w != current && names.contains(w));
        function.calls.extend(called.map(|name| (name, times)));
        for c in code.chars() {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth = depth.saturating_sub(1);
                    open.pop_if(|l| l.0 >= depth);
                }
                _ => {}
            }
        }
    }
    Ok(functions)
}

/// The function whose head stands on a line.
fn head(line: &str) -> Option<&str> {
    identifiers(line.strip_prefix("fn ")?).next()
}

/// The number in the comment of a loop's line.
fn bound(comment: &str, bounds: &Bounds) -> Option<u64> {
    let word = comment.trim().strip_prefix("at most ")?.strip_suffix(" rounds")?;
    word.parse().ok().or_else(|| bounds.get(word).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_multiply_and_calls_count() {
        let text = "
fn steps(n: u32) -> u32 {
    while (n > 0u) { // at most 32 rounds
        n -= 1u;
    }
    return n;
}
fn twice(n: u32) -> u32 { return steps(n) + steps(n); }
fn main() {
    let a = twice(1u);
    for (var i = 0u; i < params[1]; i++) { // at most LINE rounds
        for (var k = 0u; k < 4u; k++) { // at most 4 rounds
            if (k > 1u) { b += steps(k); }
        }
        c += 1u;
    }
    d = steps(a);
}
";
        let bounds = Bounds::from_iter([("LINE".to_owned(), 100)]);
        // Before, the outer loop, the inner ones, the calls in them, behind.
        assert_eq!(rounds(text, &bounds).unwrap(), 2 * 33 + 101 + 100 * 5 + 400 * 33 + 33);
        assert!(rounds(text, &Bounds::new()).unwrap_err().is_internal());
        let bare = text.replace(" // at most 32 rounds", "");
        assert!(rounds(&bare, &bounds).unwrap_err().message().contains("while (n > 0u)"));
    }
}
