//! A decision on text allocates nothing, for the families that the budget
//! names, whatever the size of the policy.

mod budget;

use allocation_counter::measure;
use std::hint::black_box;

#[test]
fn decisions_on_text_do_not_allocate() {
    let mut allocating = Vec::new();
    for rows in [10, 1_000, 10_000] {
        for family in budget::families(rows) {
            // What is made once in a thread is no cost of a decision.
            budget::for_each_request(&family, |request, expected| {
                let allow = family.engine.decide(request).outcome.is_allow();
                assert_eq!(allow, expected.allow, "{}, {rows} rows", family.name);
            });
            let mut most = 0;
            budget::for_each_request(&family, |request, _| {
                let counted = measure(|| {
                    black_box(family.engine.decide(request));
                });
                most = most.max(counted.count_total);
            });
            if most > 0 {
                allocating.push(format!("{}: {most} at {rows} rows", family.name));
            }
        }
    }
    assert_eq!(allocating, [""; 0], "allocations in one decision");
}
