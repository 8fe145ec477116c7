//! Every rule that comes with the engine is sound in the class it claims, for every dtype it admits.

use std::collections::BTreeMap;

use lazurite::Rules;
use lazurite::unstable::soundness::try_rule;

#[test]
fn every_rule_is_sound_in_its_class() {
    let mut failures = Vec::new();
    let mut warnings = Vec::new();
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for rule in Rules::builtin().checks() {
        let trial = try_rule(&rule);
        *tried.entry(rule.name().into()).or_default() += trial.tried;
        warnings.extend(trial.warning().map(|w| format!("{}: {w}", rule.name())));
        failures.extend(trial.failures.into_iter().take(1).map(|f| format!("{}: {f}", rule.name())));
    }
    assert!(failures.is_empty(), "{} rules are unsound:\n{}", failures.len(), failures.join("\n"));
    assert!(warnings.is_empty(), "{}", warnings.join("\n"));
    let total: usize = tried.values().sum();
    assert!(total > 20_000, "only {total} cases");
}
