//! The examples.

use super::Example;
use super::Expect::{self, Allow, Deny, Error, Refused};
use crate::generate::{ALLOW_AND_DENY, ALLOW_OVERRIDE, DENY_OVERRIDE, PRIORITY};

/// One value, one column.
const BASE: Example = Example {
    name: "",
    r: "x",
    p: "y",
    g: "",
    matching: "",
    e: ALLOW_OVERRIDE,
    m: "",
    policy: "",
    args: "",
    go: Allow,
    ours: Allow,
};

/// An example of one value and one column, without policy.
const fn literal(
    name: &'static str,
    m: &'static str,
    args: &'static str,
    go: Expect,
    ours: Expect,
) -> Example {
    Example {
        name,
        m,
        args,
        go,
        ours,
        ..BASE
    }
}

/// The same with a policy, followed.
const fn followed(
    name: &'static str,
    m: &'static str,
    policy: &'static str,
    args: &'static str,
    both: Expect,
) -> Example {
    Example {
        policy,
        ..literal(name, m, args, both, both)
    }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Example> {
    [literals(), rows(), older(), surprises()]
        .into_iter()
        .flatten()
}

fn literals() -> Vec<Example> {
    vec![
        literal(
            "brackets in literals stay, whatever else the matcher says",
            "regexMatch(r.x, '^[a-z]$') && r.x != 'admin'",
            r#"["b"]"#,
            Deny,
            Allow,
        ),
        literal(
            "and match nothing else",
            "regexMatch(r.x, '^[a-z]$') && r.x != 'admin'",
            r#"["a-z"]"#,
            Allow,
            Deny,
        ),
        literal(
            "p. and r. in literals stay",
            "r.x == '/p.html'",
            r#"["/p.html"]"#,
            Deny,
            Allow,
        ),
        literal(
            "and match nothing else",
            "r.x == '/p.html'",
            r#"["/p_html"]"#,
            Allow,
            Deny,
        ),
        literal(
            "dates under != are text",
            "r.x != '2026-12-25'",
            r#"["2026-12-25"]"#,
            Allow,
            Deny,
        ),
        literal(
            "dates under == are text",
            "r.x == '2026-12-25'",
            r#"["2026-12-25"]"#,
            Deny,
            Allow,
        ),
        literal(
            "only the quote that opens a literal closes it",
            "r.x == \"it's\"",
            r#"["it's"]"#,
            Error,
            Allow,
        ),
        literal(
            "a backslash in a literal is a backslash",
            r"r.x == 'a\b'",
            r#"["a\\b"]"#,
            Deny,
            Allow,
        ),
        literal(
            "# in a literal is no comment",
            "r.x == 'a#b'",
            r#"["a#b"]"#,
            Error,
            Allow,
        ),
        literal(
            "nothing after an expression is dropped",
            "(r.x == 'a') r.x == 'b'",
            r#"["a"]"#,
            Allow,
            Refused,
        ),
        literal(
            "bit operators take whole numbers only",
            "(5 % 0) & 1 == 0",
            r#"["a"]"#,
            Allow,
            Error,
        ),
        literal(
            "(?i) beyond ASCII is refused, for want of Unicode tables",
            "regexMatch(r.x, '(?i)é')",
            r#"["É"]"#,
            Allow,
            Refused,
        ),
    ]
}

fn rows() -> Vec<Example> {
    vec![
        Example {
            name: "a list is one argument, of the wrong type",
            r: "x, dom",
            g: "_, _, _",
            m: "g(r.x, p.y, r.dom)",
            policy: "p, one\ng, bob, root, one\n",
            args: r#"[["bob", "root"], "two"]"#,
            go: Allow,
            ours: Error,
            ..BASE
        },
        Example {
            name: "circles of roles are seen in domains too",
            r: "x, dom",
            g: "_, _, _",
            m: "g(r.x, p.y, r.dom)",
            policy: "p, b\ng, a, b, one\ng, b, a, one\n",
            args: r#"["a", "one"]"#,
            go: Allow,
            ours: Refused,
            ..BASE
        },
        Example {
            name: "rows are told apart by their fields",
            r: "x, y",
            p: "x, y",
            m: "r.x == p.x && r.y == p.y",
            policy: "p, \"a,b\", c\np, a, \"b,c\"\n",
            args: r#"["a", "b,c"]"#,
            go: Deny,
            ours: Allow,
            ..BASE
        },
        Example {
            name: "effects of rows are checked",
            p: "y, eft",
            e: ALLOW_AND_DENY,
            m: "r.x == p.y",
            policy: "p, a, allow\np, a, Deny\n",
            args: r#"["a"]"#,
            go: Allow,
            ours: Refused,
            ..BASE
        },
        Example {
            name: "priorities are whole numbers",
            p: "priority, y, eft",
            e: PRIORITY,
            m: "r.x == p.y",
            policy: "p, 2.5, a, allow\np, 1, a, deny\n",
            args: r#"["a"]"#,
            go: Deny,
            ours: Refused,
            ..BASE
        },
        Example {
            name: "an unknown effect is refused when loaded",
            e: "some(where (p.eft==allow))",
            m: "r.x == p.y",
            policy: "p, a\n",
            args: r#"["a"]"#,
            go: Error,
            ours: Refused,
            ..BASE
        },
        Example {
            name: "a malformed pattern is refused when loaded",
            m: "regexMatch(r.x, p.y)",
            policy: "p, [\n",
            args: r#"["a"]"#,
            go: Error,
            ours: Refused,
            ..BASE
        },
        Example {
            name: "so is a keyMatch4 pattern with a group",
            m: "keyMatch4(r.x, p.y)",
            policy: "p, (a)\n",
            args: r#"["a"]"#,
            go: Error,
            ours: Refused,
            ..BASE
        },
        Example {
            name: "under role matching, a name of the request that is no pattern matches nothing",
            g: "_, _",
            matching: "keyMatch2",
            e: DENY_OVERRIDE,
            p: "y, eft",
            m: "g(r.x, p.y)",
            policy: "p, root, deny\ng, bob, root\n",
            args: r#"["/a("]"#,
            go: Error,
            ours: Allow,
            ..BASE
        },
        Example {
            name: "another object's malformed rule is no error",
            r: "x, o",
            p: "y, o",
            m: "eval(p.y) && r.o == p.o",
            policy: "p, r.x >, one\np, r.x > 1, two\n",
            args: r#"[2, "two"]"#,
            go: Error,
            ours: Allow,
            ..BASE
        },
    ]
}

/// What newer versions of the Go library do, and Debian's does not yet.
fn older() -> Vec<Example> {
    vec![
        literal(
            "globMatch takes **, as newer versions do",
            "globMatch(r.x, '/a/**')",
            r#"["/a/b/c"]"#,
            Deny,
            Allow,
        ),
        literal(
            "keyMatch5 takes patterns, as newer versions do",
            "keyMatch5(r.x, '/a/{id}')",
            r#"["/a/1?x=2"]"#,
            Deny,
            Allow,
        ),
        Example {
            name: "the words keyMatch(r.dom, p.dom) match domains, as in newer versions",
            r: "sub, dom",
            p: "sub, dom",
            g: "_, _, _",
            m: "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom)",
            policy: "p, admin, *\ng, alice, admin, *\n",
            args: r#"["alice", "one"]"#,
            go: Deny,
            ours: Allow,
            ..BASE
        },
    ]
}

fn surprises() -> Vec<Example> {
    let patterns = "p, /public|/admin\np, /api.v1/users\n";
    vec![
        followed(
            "keyMatch2 of * matches everything",
            "keyMatch2(r.x, p.y)",
            "p, *\n",
            r#"["anything"]"#,
            Allow,
        ),
        followed(
            "| in a keyMatch2 pattern",
            "keyMatch2(r.x, p.y)",
            patterns,
            r#"["/public-stuff/anything"]"#,
            Allow,
        ),
        followed(
            ". in a keyMatch2 pattern",
            "keyMatch2(r.x, p.y)",
            patterns,
            r#"["/apiXv1/users"]"#,
            Allow,
        ),
        followed(
            "/foo* in a keyMatch2 pattern repeats the o",
            "keyMatch2(r.x, p.y)",
            "p, /foo*\n",
            r#"["/fooo"]"#,
            Allow,
        ),
        followed(
            "and is no prefix",
            "keyMatch2(r.x, p.y)",
            "p, /foo*\n",
            r#"["/foobar"]"#,
            Deny,
        ),
        followed(
            "classes of patterns are ASCII",
            "regexMatch(r.x, p.y)",
            "p, ^\\d\\w$\n",
            r#"["٣é"]"#,
            Deny,
        ),
        followed(
            "without rows every column is empty",
            "r.x == p.y",
            "",
            r#"[""]"#,
            Allow,
        ),
        Example {
            e: DENY_OVERRIDE,
            ..followed(
                "without rows nothing denies",
                "r.x == p.y",
                "",
                r#"["a"]"#,
                Allow,
            )
        },
        Example {
            e: ALLOW_AND_DENY,
            p: "y, eft",
            ..followed(
                "a matcher without p does not see the rows",
                "r.x == 'a'",
                "p, a, deny\n",
                r#"["a"]"#,
                Allow,
            )
        },
        Example {
            g: "_, _",
            ..followed(
                "a name has the role named like it",
                "g(r.x, p.y)",
                "p, admin\n",
                r#"["admin"]"#,
                Allow,
            )
        },
        Example {
            g: "_, _",
            matching: "keyMatch2",
            ..followed(
                "under role matching a pattern in a row matches names directly",
                "g(r.x, p.y)",
                "p, /team/:id\n",
                r#"["/team/9"]"#,
                Allow,
            )
        },
        followed(
            "an unused malformed rule for eval is no error",
            "r.x == p.y || eval(p.y)",
            "p, a\np, (\n",
            r#"["a"]"#,
            Allow,
        ),
        followed(
            "a used one is",
            "r.x == p.y || eval(p.y)",
            "p, (\np, a\n",
            r#"["a"]"#,
            Error,
        ),
    ]
}
