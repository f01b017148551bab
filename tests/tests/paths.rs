//! The corpus of confusing paths, against the canonical path itself.

use doorward_request::{CanonicalPath, PathNormalization};
use doorward_tests::paths::corpus::{self, Outcome};

#[test]
fn every_path_of_the_corpus_has_its_outcome_in_every_mode() {
    let cases = corpus::load().expect("the corpus");
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let Some(path) = case.path().expect("escapes") else {
            continue;
        };
        for mode in PathNormalization::ALL {
            let outcome = match CanonicalPath::normalized(&path, mode) {
                Ok(canonical) => Outcome::Seen(canonical.target().as_bytes().to_vec()),
                Err(error) => Outcome::Refused(error.code().to_owned()),
            };
            let expected = case.outcome(mode).expect("an outcome");
            if outcome != expected {
                let (title, mode) = (case.title(), mode.name());
                wrong.push(format!("{title} in {mode}: {outcome:?}, not {expected:?}"));
            }
            if let Outcome::Seen(seen) = outcome {
                let again = CanonicalPath::normalized(&seen, mode).expect("canonical");
                assert!(!again.is_rewritten(), "{} in {}", case.title(), mode.name());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
