//! Any text as an expression of a mapping: it is refused with a place and a
//! reason, or what is written out of it parses to the same, and what it reads
//! is told.

#![no_main]

use doorward_request::{EntrySource, Expression, Mapping};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let sources = [(
        "sub",
        EntrySource::Object(vec![("id", EntrySource::Text(text))]),
    )];
    let mapping = Mapping::parse(&["sub"], sources);
    let parsed = match Expression::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.column <= text.chars().count() + 1);
            let refused = mapping.expect_err("the expression is refused").to_string();
            assert_eq!(refused, format!("request.sub.id: {error}"));
            return;
        }
    };
    let mapping = mapping.expect("the expression is accepted");
    let written = parsed.to_string();
    for attribute in mapping.attributes() {
        assert!(written.contains(&attribute.to_string()), "{written}");
    }
    assert_eq!(mapping.types(false).len(), 1);
    // What is written out has more spaces, which may make it too long.
    if let Err(error) = Expression::parse(&written) {
        assert!(written.len() > text.len(), "{written}: {error}");
    } else {
        assert_eq!(Expression::parse(&written), Ok(parsed));
    }
});
