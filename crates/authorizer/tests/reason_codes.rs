//! Every reason code that the code can give is one that `answers.texts` knows.

use std::collections::BTreeSet;

use doorward_bundle::Answers;

/// Where reason codes are made: in functions called `code`.
const SOURCES: &[&str] = &[
    include_str!("../src/denial.rs"),
    include_str!("../../token/src/error.rs"),
    include_str!("../../request/src/path/error.rs"),
    include_str!("../../request/src/value.rs"),
];

#[test]
fn texts_are_for_the_codes_that_there_are() {
    let functions = SOURCES.iter().flat_map(|source| {
        let functions = source.split("fn code(").skip(1);
        functions.map(|rest| rest.split("\n    }\n").next().unwrap_or_default())
    });
    // What stands before an arrow is a pattern.
    let codes = functions.flat_map(|body| {
        body.lines().flat_map(|line| {
            let code = line.rsplit_once("=> ").map_or(line, |(_, code)| code);
            code.split('"').skip(1).step_by(2)
        })
    });
    let made: BTreeSet<&str> = codes.collect();
    let known: BTreeSet<&str> = Answers::reason_codes().iter().copied().collect();
    assert_eq!(made, known);
}
