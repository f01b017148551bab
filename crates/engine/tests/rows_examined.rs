//! The number of rows that a decision looks at does not depend on the number
//! of rows in the policy, for the families that the budget names.

mod budget;

use doorward_engine::Outcome;

/// Fewer rows than this may be left to one lookup; it is the same at all sizes.
const MOST: u32 = 32;

#[test]
fn rows_examined_do_not_grow_with_the_policy() {
    let mut grown = Vec::new();
    for rows in [10, 1_000, 100_000] {
        for family in budget::families(rows) {
            let mut most = 0;
            budget::for_each_request(&family, |request, expected| {
                let decision = family.engine.decide(request);
                let outcome = if expected.allow {
                    Outcome::Allow
                } else {
                    Outcome::Deny
                };
                assert_eq!(
                    decision.outcome, outcome,
                    "{}, {rows} rows: {:?}",
                    family.name, expected.values
                );
                most = most.max(decision.rows_examined);
            });
            if most > MOST {
                grown.push(format!("{}: {most} of {rows} rows", family.name));
            }
        }
    }
    assert_eq!(grown, [""; 0], "more than {MOST} rows examined");
}
