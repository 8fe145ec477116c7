//! Rules on random shapes beyond the small ones, by proptest: what the exhaustive trial cannot reach.

use lazurite::unstable::soundness::{Candidates, Trial, each_assignment, operator_choices, try_case};
use lazurite::{DType, Rules, Shape};
use proptest::prelude::*;

/// Shapes over three random extents, so that many of them fit each other.
fn candidates() -> impl Strategy<Value = Candidates> {
    let extents = prop::collection::vec(prop_oneof![1 => Just(1usize), 6 => 1usize..8], 3);
    extents.prop_map(|e| {
        let (m, n, b) = (e[0], e[1], e[2]);
        let dims: [&[usize]; 8] = [&[], &[m, n], &[n, m], &[m, m], &[m, 1], &[1, n], &[b, m, n], &[b, n, m]];
        Candidates {
            arrays: dims.map(Shape::new).into(),
            products: vec![(Shape::new(&[m, n]), Shape::new(&[n, m]))],
            extents: [&[m, n][..], &[m * n], &[n, m], &[b, m, n], &[b, m, m]].map(Shape::new).into(),
            axes: vec![vec![0], vec![1], vec![2], vec![0, 1], vec![1, 2]],
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_hold_on_random_shapes_and_values(candidates in candidates(), seed in 0u64..1_000_000, start in 0usize..1000) {
        let mut failures = Vec::new();
        for (r, rule) in Rules::builtin().checks().enumerate() {
            let dtypes: Vec<DType> = DType::ALL.iter().copied().filter(|d| rule.class(*d).is_some()).collect();
            let dtype = dtypes[(start + r) % dtypes.len()];
            let operators = operator_choices(&rule, dtype);
            let operators = &operators[(start + r) % operators.len()];
            let mut trial = Trial::default();
            let mut looked = 0;
            each_assignment(&rule, dtype, &candidates, &mut |inputs| {
                looked += 1;
                // A part of what could be built, another one in every case.
                if (looked + start) % 3 == 0 {
                    try_case(&rule, dtype, inputs, operators, seed + looked as u64, &mut trial);
                }
                trial.failures.is_empty() && trial.tried < 12 && looked < 600
            });
            failures.extend(trial.failures.into_iter().map(|f| format!("{}: {f}", rule.name())));
        }
        prop_assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
