//! Wrong rules, each of a kind that has been seen somewhere: the trial must catch every one.

use lazurite::Rules;

use lazurite::unstable::soundness::try_rule;

const WRONG: &[(&str, &str)] = &[
    ("minus zero is lost", "rule w : exact x + 0 => x"),
    ("infinity times zero", "rule w : exact x * 0 => like(0, x)"),
    ("one NaN family for the other", "rule w : exact maximum(x, y) => fmax(x, y)"),
    ("NaN passes a bound that ignores it", "rule w : exact fmax(x, 0) => x when nonneg(x)"),
    ("operands of a difference exchanged", "rule w : reassociates x - y => y - x"),
    ("a division is no product", "rule w : exact x / y => x * recip(y)"),
    ("a transpose does not keep the order", "rule w : reassociates (A @ B)' => A' @ B'"),
    ("a sign lost in a sum", "rule w : reassociates sum(x - y, k) => sum(x, k) + sum(y, k)"),
    ("no sign is known", "rule w : exact abs(x) => x"),
    ("a root is not negative", "rule w : finite sqrt(square(x)) => x"),
    ("one forgotten", "rule w : improves exp(x) - 1 => exp(x)"),
    ("less accurate than what it replaces", "rule w : improves log1p(x) => log(x + 1)"),
    ("both ways of a choice", "rule w : exact for any select(c, x, y) => select(c, y, x)"),
    ("rows against rows", "rule w : reassociates diag(A @ B) => reshape(sum(A * B, last), result)"),
    ("an end of an interval", "rule w : exact for int not(lt(x, y)) => gt(x, y)"),
    ("NaN compares false both ways", "rule w : exact not(lt(x, y)) => ge(x, y)"),
    ("a root rounds otherwise", "rule w : exact pow(x, 0.5) => sqrt(x)"),
    ("square after root rounds", "rule w : exact square(sqrt(x)) => x when nonneg(x)"),
    ("the largest of the negated", "rule w : exact amax(-x, k) => -amax(x, k)"),
    ("the smallest integer has no negative", "rule w : exact for int (-x) / y => -(x / y)"),
    ("a sum begins at plus zero", "rule w : exact sum(x, k) => x when reduced(x, k)"),
    ("factors exchanged", "rule w : reassociates (A @ B) @ C => A @ (C @ B)"),
    ("bias minus product", "rule w : exact map2(f, run(K), t) => run(ep2(f, t, K)) when fills_kernel(K, t)"),
    ("a diagonal taken before a broadcast", "rule w : exact diag(map2(f, X, Y)) => map2(f, diag(X), diag(X))"),
    ("sums over the wrong axis", "rule w : reassociates sum(X', last) => sum(X, last)'"),
    (
        "any divisor taken for the count",
        "rule w : improves sum(square(x), k) / n - square(sum(x, k) / n) => sum(square(x - sum(x, k) / n), k) / n when constant(n)",
    ),
    (
        "a centred operand not checked",
        "rule w : reassociates (A - m)' @ B => (A - m)' @ (B - m) when fills(A, m), fills(B, m)",
    ),
    ("weights squared", "rule w : reassociates A' @ (w * A) => (w * A)' @ (w * A) when column(w), fills(A, w)"),
    ("no columns, and an infinity beside their sum", "rule w : reassociates sum(A @ B, last) => A @ sum(B, last)"),
    ("a divisor that keeps a sum finite", "rule w : reassociates sum(x / s, k) => sum(x, k) / s when constant(s)"),
    ("a factor that keeps a product finite", "rule w : reassociates (A * s) @ B => (A @ B) * s when constant(s)"),
    (
        "a sum of scalars that overflows",
        "rule w : reassociates (x + a) + b => x + (a + b) when constant(a), constant(b)",
    ),
    (
        "a product of scalars that vanishes",
        "rule w : reassociates (x * a) * b => x * (a * b) when constant(a), constant(b)",
    ),
    ("a partial product with a range of its own", "rule w : reassociates (A @ B) @ C => A @ (B @ C)"),
    (
        "halves that were not written alike",
        "rule w : reassociates A' @ (w * A) => run(syrk(A', w * A)) when column(w), fills(A, w)",
    ),
    ("a square that overflows", "rule w : improves abs(x) => sqrt(square(x))"),
    ("a reciprocal that vanishes", "rule w : improves x / y => x * recip(y)"),
    ("a gram that is none", "rule w : reassociates A' @ B => run(syrk(A', A))"),
];

#[test]
fn every_wrong_rule_is_caught() {
    let mut missed = Vec::new();
    for (why, text) in WRONG {
        let rules = Rules::none().with("wrong", text).unwrap_or_else(|e| panic!("{why}: {e}"));
        let caught = rules.checks().any(|r| {
            let trial = try_rule(&r);
            !trial.failures.is_empty() || trial.refused > trial.tried
        });
        if !caught {
            missed.push(*why);
        }
    }
    assert!(missed.is_empty(), "the trial let pass: {missed:?}");
}
