//! Known faults of the casbin crate: where it departs from the reference.
//!
//! Each is asked of Go (`go`, which shows what the reference gives) and of the
//! crate and our engine (`tests/casbin_crate`, which shows that the crate gives
//! something else).

use crate::generate::{ALLOW_AND_DENY, ALLOW_OVERRIDE, PRIORITY, SUBJECT_PRIORITY};
use crate::known::Example;
use crate::known::Expect::{self, Allow, Deny, Error, Refused};

/// What the crate makes of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrateAnswer {
    /// The request is allowed.
    Allow,
    /// The request is denied.
    Deny,
    /// Loading or deciding is an error.
    Error,
    /// It panics.
    Panic,
}

/// A fault of the crate.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The model, policy and request, with what Go and our engine give.
    pub example: Example,
    /// What the crate gives.
    pub theirs: CrateAnswer,
}

const fn fault(
    name: &'static str,
    m: &'static str,
    policy: &'static str,
    args: &'static str,
    reference: Expect,
    theirs: CrateAnswer,
) -> Fault {
    Fault {
        example: Example {
            name,
            r: "x",
            p: "y",
            g: "",
            matching: "",
            e: ALLOW_OVERRIDE,
            m,
            policy,
            args,
            go: reference,
            ours: reference,
        },
        theirs,
    }
}

impl Fault {
    const fn with(self, r: &'static str, p: &'static str, e: &'static str) -> Self {
        Self {
            example: Example {
                r,
                p,
                e,
                ..self.example
            },
            ..self
        }
    }

    const fn roles(self, g: &'static str) -> Self {
        Self {
            example: Example { g, ..self.example },
            ..self
        }
    }

    /// Where Go fails when the policy is used, our engine refuses to load it.
    const fn refused(self) -> Self {
        Self {
            example: Example {
                ours: Refused,
                ..self.example
            },
            ..self
        }
    }
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Fault> {
    [
        allowed_wrongly(),
        decided_wrongly(),
        not_understood(),
        panics(),
    ]
    .concat()
}

/// The reference denies or fails, the crate allows.
fn allowed_wrongly() -> Vec<Fault> {
    use CrateAnswer as Theirs;
    vec![
        fault(
            "all role definitions share one graph: a g2 link satisfies g",
            "g(r.x, p.y)",
            "p, admin\ng2, alice, admin\n",
            r#"["alice"]"#,
            Deny,
            Theirs::Allow,
        )
        .roles("_, _\ng2 = _, _"),
        fault(
            "explicit priorities are not sorted",
            "r.x == p.y",
            "p, 10, alice, allow\np, 1, alice, deny\n",
            r#"["alice"]"#,
            Deny,
            Theirs::Allow,
        )
        .with("x", "priority, y, eft", PRIORITY),
        fault(
            r"\d of a pattern takes digits of all alphabets",
            "regexMatch(r.x, p.y)",
            "p, ^\\d$\n",
            r#"["٣"]"#,
            Deny,
            Theirs::Allow,
        ),
        fault(
            "a lone colon of a keyMatch2 pattern stands for a segment",
            "keyMatch2(r.x, p.y)",
            "p, /foo/:\n",
            r#"["/foo/x"]"#,
            Deny,
            Theirs::Allow,
        ),
        fault(
            "empty braces of a keyMatch3 pattern stand for a segment",
            "keyMatch3(r.x, p.y)",
            "p, /foo/{}\n",
            r#"["/foo/x"]"#,
            Deny,
            Theirs::Allow,
        ),
        fault(
            "a field that is missing is unequal to everything",
            "r.x.Blocked != true",
            "p, alice\n",
            r#"[{"Name": "alice"}]"#,
            Error,
            Theirs::Allow,
        ),
        fault(
            "a number and a text can be ordered",
            "!(r.x < p.y)",
            "p, a\n",
            r#"[5]"#,
            Error,
            Theirs::Allow,
        ),
        fault(
            "numbers are 32 bits and wrap",
            "r.x * 1000000 < 0 && r.x != p.y",
            "p, a\n",
            r#"[3000]"#,
            Deny,
            Theirs::Allow,
        ),
        fault(
            "space after a field of the policy is dropped",
            "r.x == p.y",
            "p, alice , \n",
            r#"["alice", ""]"#,
            Deny,
            Theirs::Allow,
        )
        .with("x, z", "y, z", ALLOW_OVERRIDE),
    ]
}

/// The reference allows, the crate denies.
fn decided_wrongly() -> Vec<Fault> {
    use CrateAnswer as Theirs;
    vec![
        fault(
            "a matcher without p sees the effects of the rows",
            "r.x == \"root\"",
            "p, alice, deny\n",
            r#"["root"]"#,
            Allow,
            Theirs::Deny,
        )
        .with("x", "y, eft", ALLOW_AND_DENY),
        fault(
            "division drops the fraction",
            "r.x / 2 > 3 && p.y != \"\"",
            "p, a\n",
            r#"[7]"#,
            Allow,
            Theirs::Deny,
        ),
        fault(
            "a doubled quote in a field of the policy",
            "r.x == p.y",
            "p, \"say \"\"x\"\"\"\n",
            r#"["say \"x\""]"#,
            Allow,
            Theirs::Error,
        ),
    ]
}

/// The reference decides, the crate has an error.
fn not_understood() -> Vec<Fault> {
    use CrateAnswer as Theirs;
    vec![
        fault(
            "literals in single quotes",
            "r.x == 'alice' && p.y != ''",
            "p, a\n",
            r#"["alice"]"#,
            Allow,
            Theirs::Error,
        ),
        fault(
            "in with a list in parentheses",
            "r.x in (\"alice\", \"bob\") && p.y != \"\"",
            "p, a\n",
            r#"["alice"]"#,
            Allow,
            Theirs::Error,
        ),
        fault(
            "numbers with a fraction",
            "r.x.Age > 17.5 && p.y != \"\"",
            "p, a\n",
            r#"[{"Age": 18}]"#,
            Allow,
            Theirs::Error,
        ),
        fault(
            "the operator =~",
            "r.x =~ \"^al\" && p.y != \"\"",
            "p, a\n",
            r#"["alice"]"#,
            Allow,
            Theirs::Error,
        ),
        fault(
            "the operator ?:",
            "(r.x == p.y) ? (true) : (false)",
            "p, alice\n",
            r#"["alice"]"#,
            Allow,
            Theirs::Error,
        ),
    ]
}

/// The crate panics.
fn panics() -> Vec<Fault> {
    use CrateAnswer as Theirs;
    vec![
        fault(
            "subjectPriority",
            "g(r.x, p.y)",
            "p, alice, deny\np, admin, allow\ng, alice, admin\n",
            r#"["alice"]"#,
            Deny,
            Theirs::Panic,
        )
        .with("x", "y, eft", SUBJECT_PRIORITY)
        .roles("_, _"),
        fault(
            "keyMatch of a text whose letters do not end where the pattern does",
            "keyMatch(r.x, p.y)",
            "p, a*\n",
            r#"["é"]"#,
            Deny,
            Theirs::Panic,
        ),
        fault(
            "keyMatch2 with braces, which stand for themselves",
            "keyMatch2(r.x, p.y)",
            "p, /a/{id}\n",
            r#"["/a/{id}"]"#,
            Allow,
            Theirs::Panic,
        ),
        fault(
            "regexMatch with a malformed pattern",
            "regexMatch(r.x, p.y)",
            "p, [\n",
            r#"["alice"]"#,
            Error,
            Theirs::Panic,
        )
        .refused(),
        fault(
            "keyMatch2 with a malformed pattern",
            "keyMatch2(r.x, p.y)",
            "p, /(\n",
            r#"["alice"]"#,
            Error,
            Theirs::Panic,
        )
        .refused(),
        fault(
            "ipMatch with a malformed block",
            "ipMatch(r.x, p.y)",
            "p, 10.0.0.0/33\n",
            r#"["10.0.0.1"]"#,
            Error,
            Theirs::Panic,
        )
        .refused(),
        fault(
            "ipMatch of a text that is no address",
            "ipMatch(r.x, p.y)",
            "p, 10.0.0.0/8\n",
            r#"["alice"]"#,
            Error,
            Theirs::Panic,
        ),
    ]
}
