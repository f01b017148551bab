//! Functions and objects of the mapping in a bundle: what it reads through
//! them, and which types its matcher may not have.

use doorward_bundle::{Bundle, Manifest};
use serde_json::{Value, json};

/// A bundle with this matcher and these entries for `sub` and `obj`.
fn bundle(matcher: &str, sub: Value, obj: Value) -> Value {
    let keys: Value = serde_json::from_str(include_str!("../../../tests/keys/jwks.json")).unwrap();
    let model = format!(
        "[request_definition]\nr = sub, obj\n[policy_definition]\np = sub, obj\n\
         [role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n\
         [matchers]\nm = {matcher}\n"
    );
    json!({
        "name": "mapping",
        "revision": "1",
        "tokens": [{
            "issuer": "https://issuer.example",
            "audiences": ["orders"],
            "jwks": keys,
            "principal": "user:{sub}",
        }],
        "request": {"sub": sub, "obj": obj},
        "model": model,
        "policy": "p, alice, /a\n",
    })
}

fn outcome(bundle: &Value) -> String {
    let manifest: Result<Manifest, _> = serde_json::from_value(bundle.clone());
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(error) => return error.to_string(),
    };
    // What is written is read again: tools pass manifests on.
    let written = serde_json::to_value(&manifest).unwrap();
    assert_eq!(written["request"], bundle["request"]);
    match Bundle::load(&manifest) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

const PLAIN: &str = "true";

/// Objects inside one another, so many.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("jwt.a"), |inner, _| json!({ "x": inner }))
}

#[test]
fn entries_are_texts_or_maps_of_such() {
    for (sub, expected) in [
        (
            json!({"id": "jwt.sub", "team": {"name": "jwt.team ?? 'none'"}}),
            "accepted",
        ),
        (json!("jwt"), "accepted"),
        (json!({"token": "jwt ?? 'none'"}), "accepted"),
        (nested(8), "accepted"),
        (
            nested(9),
            "doorward.yaml: request.sub.x.x.x.x.x.x.x.x is inside 8 objects, which is the most",
        ),
        (
            json!({}),
            "doorward.yaml: request.sub is an object without members",
        ),
        (
            json!({"team": {"a b": "jwt.a"}}),
            "doorward.yaml: request.sub.team has the member \"a b\": use letters, digits and _, so that the matcher can name it",
        ),
        (
            json!({"team": {"name": "lower(jwt.team"}}),
            "doorward.yaml: request.sub.team.name: column 15: expected ??, a comma or ), found the end",
        ),
        (
            json!({"id": 7}),
            "expected the text of an expression, or a map of such",
        ),
        (
            json!(["jwt.sub"]),
            "expected the text of an expression, or a map of such",
        ),
    ] {
        let found = outcome(&bundle(PLAIN, sub.clone(), json!("request.url_path")));
        assert!(
            found.contains(expected) && (expected != "accepted" || found == expected),
            "{sub}: {found}"
        );
    }
}

fn add_issuer(bundle: &mut Value) {
    let mut second = bundle["tokens"][0].clone();
    second["issuer"] = json!("https://partner.example");
    second["principal"] = json!("partner:{sub}");
    bundle["tokens"].as_array_mut().unwrap().push(second);
}

#[test]
fn an_issuer_beside_a_subject_counts_where_the_matcher_looks_at_it() {
    const SUB: &str = "reads jwt.sub, which two issuers may give to different subjects";
    let pair = json!({"id": "jwt.sub", "iss": "jwt.iss"});
    let deep = json!({"who": {"id": "jwt.sub", "iss": "jwt.iss"}});
    for (matcher, sub, obj, expected) in [
        (
            "r.obj == 'https://a'",
            json!("lower(jwt.sub)"),
            json!("jwt.iss"),
            "accepted",
        ),
        (
            "r.obj == 'https://a'",
            json!("jwt"),
            json!("jwt.iss ?? 'none'"),
            "accepted",
        ),
        ("r.sub == p.sub", json!("jwt.sub"), json!("jwt.iss"), SUB),
        (
            "r.sub.iss == p.obj",
            pair.clone(),
            json!("request.path"),
            "accepted",
        ),
        (
            "r.sub.id == p.sub",
            pair.clone(),
            json!("request.path"),
            SUB,
        ),
        ("r.obj == p.obj", pair, json!("request.path"), SUB),
        (
            "r.sub.who.iss == p.obj",
            deep.clone(),
            json!("request.path"),
            "accepted",
        ),
        ("r.sub.who.id == p.sub", deep, json!("request.path"), SUB),
        // What a rule looks at, nobody knows when the bundle loads.
        (
            "eval(p.sub)",
            json!("jwt.sub"),
            json!("jwt.iss"),
            "accepted",
        ),
    ] {
        let mut two = bundle(matcher, sub, obj);
        add_issuer(&mut two);
        let found = outcome(&two);
        assert!(found.contains(expected), "{matcher}: {found}");
    }
}

#[test]
fn what_is_read_is_seen_through_functions_and_objects() {
    const SUB: &str = "request: reads jwt.sub, which two issuers may give to different subjects";
    const PRINCIPAL: &str = "request: gives jwt.principal to a function, which may make one of";
    for (sub, obj, expected) in [
        (json!("jwt.principal"), json!("request.path"), "accepted"),
        (
            json!({"id": "jwt.principal"}),
            json!("request.path"),
            "accepted",
        ),
        (json!("lower(jwt.sub)"), json!("request.path"), SUB),
        (
            json!("'a'"),
            json!("segment(jwt.email ?? jwt.sub, 0, '@') ?? 'x'"),
            SUB,
        ),
        (json!({"id": "jwt.sub"}), json!("request.path"), SUB),
        (
            json!({"a": {"b": "upper(lower(jwt['sub']))"}}),
            json!("request.path"),
            SUB,
        ),
        (json!("jwt"), json!("request.path"), SUB),
        (json!({"all": "jwt"}), json!("request.path"), SUB),
        (
            json!("lower(jwt.principal)"),
            json!("request.path"),
            PRINCIPAL,
        ),
        (
            json!("strip_prefix(jwt.principal, 'user:') ?? jwt.principal"),
            json!("request.path"),
            PRINCIPAL,
        ),
        (
            json!({"name": "segment(lower(jwt.principal), 1, ':')"}),
            json!("request.path"),
            PRINCIPAL,
        ),
        // A function may make two issuers equal, and nobody need look at a member.
        (json!("jwt.sub"), json!("lower(jwt.iss)"), SUB),
        (json!("jwt.sub"), json!("jwt.tenant ?? jwt.iss"), SUB),
        (json!("jwt.sub"), json!("jwt"), SUB),
        (
            json!("lower(jwt.principal)"),
            json!("segment(jwt.iss, 1) ?? 'x'"),
            PRINCIPAL,
        ),
    ] {
        let mut two = bundle(PLAIN, sub.clone(), obj.clone());
        assert_eq!(outcome(&two), "accepted", "one issuer: {sub} {obj}");
        add_issuer(&mut two);
        let found = outcome(&two);
        assert!(found.contains(expected), "{sub} {obj}: {found}");
        let mut none = two;
        none["tokens"] = json!([]);
        assert_eq!(
            outcome(&none),
            "doorward.yaml: request: reads jwt, but tokens names no issuer: add one, or do not read jwt",
            "{sub} {obj}"
        );
    }
}

/// What the types of `sub` and `obj` make of a matcher, where `sub` is a number,
/// a truth value, a text, an object with known members, and unknown.
#[test]
fn matchers_that_can_never_hold_are_refused() {
    let number = || json!("source.port");
    let truth = || json!("connection.mtls");
    let text = || json!("request.method ?? 'none'");
    let either = || json!("source.port ?? 'none'");
    let claim = || json!("jwt.dept");
    let object =
        || json!({"id": "jwt.sub", "age": "source.port", "team": {"name": "request.host"}});
    let all = || json!("jwt");
    let mut wrong = Vec::new();
    for (matcher, sub, expected) in [
        // Equality.
        (
            "r.sub == p.sub && r.obj == p.obj",
            number(),
            "model.conf: m: in r.sub == p.sub, r.sub is a number and p.sub is a text, which are never equal: change the matcher, or what fills r.sub of the request",
        ),
        (
            "r.sub != p.sub",
            number(),
            "r.sub is a number and p.sub is a text, which are never equal",
        ),
        (
            "!(p.sub == r.sub)",
            truth(),
            "p.sub is a text and r.sub is true or false, which are never equal",
        ),
        (
            "r.sub == p.sub || r.obj == p.obj",
            number(),
            "m: in r.sub == p.sub, ",
        ),
        (
            "r.sub == 'true'",
            truth(),
            "r.sub is true or false and 'true' is a text",
        ),
        ("r.sub == true", truth(), "accepted"),
        ("r.sub == 443", number(), "accepted"),
        (
            "r.sub == 443",
            text(),
            "r.sub is a text and 443 is a number, which are never equal",
        ),
        (
            "r.sub == r.obj",
            number(),
            "r.sub is a number and r.obj is a text",
        ),
        ("r.sub + '' == p.sub", number(), "accepted"),
        (
            "(r.sub == p.sub) == false",
            number(),
            "m: in r.sub == p.sub, ",
        ),
        (
            "r.sub == p.sub",
            object(),
            "r.sub is an object and p.sub is a text",
        ),
        (
            "r.sub == p.sub",
            all(),
            "r.sub is an object and p.sub is a text",
        ),
        ("r.sub == p.sub", either(), "accepted"),
        ("r.sub == p.sub", claim(), "accepted"),
        ("r.sub == 7 || r.sub == true", claim(), "accepted"),
        // A date in quotes is a number to the reference.
        ("r.sub == '2026-12-25'", number(), "accepted"),
        ("r.sub in ('a', '2026-12-25')", number(), "accepted"),
        ("r.sub == '2026-12-25'", text(), "accepted"),
        ("r.sub < '2026-12-25'", number(), "accepted"),
        (
            "r.sub < '2026-12-25'",
            text(),
            "r.sub is a text and '2026-12-25' is a number, which cannot be ordered",
        ),
        // Order.
        (
            "r.sub > p.sub",
            number(),
            "r.sub is a number and p.sub is a text, which cannot be ordered",
        ),
        ("r.sub > 1023", number(), "accepted"),
        ("r.sub >= true", truth(), "which cannot be ordered"),
        ("r.sub > p.sub", text(), "accepted"),
        // Lists.
        (
            "r.sub in ('80', '443')",
            number(),
            "r.sub is a number and ('80', '443') is a text, which are never equal",
        ),
        ("r.sub in ('80', 443)", number(), "accepted"),
        ("p.sub in (r.sub, r.obj)", number(), "accepted"),
        (
            "'a' in r.sub",
            text(),
            "r.sub is a text, and in takes a list",
        ),
        ("'a' in r.sub", claim(), "accepted"),
        (
            "r.sub in ('a', 'b')",
            object(),
            "r.sub is an object, and in takes ",
        ),
        // Functions of text.
        (
            "keyMatch(r.sub, p.sub)",
            number(),
            "m: in keyMatch(r.sub, p.sub), r.sub is a number, and keyMatch takes a text",
        ),
        (
            "r.obj == p.obj || regexMatch(r.sub, p.sub)",
            truth(),
            "r.sub is true or false, and regexMatch takes a text",
        ),
        (
            "g(r.sub, p.sub)",
            number(),
            "m: in g(r.sub, p.sub), r.sub is a number, and g takes a text",
        ),
        (
            "g(r.sub, p.sub)",
            object(),
            "r.sub is an object, and g takes a text",
        ),
        ("g(r.sub.id, p.sub)", object(), "accepted"),
        ("ipMatch(r.sub, '10.0.0.0/8')", either(), "accepted"),
        (
            "r.sub =~ p.sub",
            number(),
            "r.sub is a number, and =~ takes a text",
        ),
        (
            "keyGet(r.sub, p.sub) == 'a'",
            number(),
            "keyGet takes a text",
        ),
        (
            "keyGet(r.obj, p.obj) == r.sub",
            number(),
            "which are never equal",
        ),
        // Arithmetic and truth.
        (
            "r.sub - 1 > 7",
            text(),
            "m: in r.sub - 1, r.sub is a text, and - takes a number",
        ),
        ("r.sub - 1 > 7", number(), "accepted"),
        (
            "-r.sub < 7",
            text(),
            "r.sub is a text, and - takes a number",
        ),
        ("r.sub + 1 > 7", number(), "accepted"),
        ("r.sub + 1 == 'GET1'", text(), "accepted"),
        (
            "r.sub + 1 > 7",
            text(),
            "r.sub + 1 is a text and 7 is a number, which cannot be ordered",
        ),
        ("r.sub && r.obj == p.obj", truth(), "accepted"),
        (
            "r.sub && r.obj == p.obj",
            text(),
            "r.sub is a text, and && takes true or false",
        ),
        (
            "!r.sub",
            number(),
            "r.sub is a number, and ! takes true or false",
        ),
        (
            "r.sub",
            text(),
            "r.sub is a text, and a matcher is a number or true or false",
        ),
        ("r.sub", number(), "accepted"),
        ("r.sub ? r.obj == p.obj : false", truth(), "accepted"),
        (
            "r.sub ? r.obj == p.obj : false",
            text(),
            "r.sub is a text, and ? takes true or false",
        ),
        ("(r.sub == 1 ? 'a' : 2) == 'a'", number(), "accepted"),
        (
            "(r.sub == 1 ? 'a' : 'b') == r.sub",
            number(),
            "which are never equal",
        ),
        // Members.
        (
            "r.sub.name == p.sub",
            text(),
            "m: in r.sub.name, r.sub is a text, which has no member name",
        ),
        (
            "r.sub.team.name == p.sub && r.sub.age > 18",
            object(),
            "accepted",
        ),
        (
            "r.sub.age == p.sub",
            object(),
            "m: in r.sub.age == p.sub, r.sub.age is a number and p.sub is a text, which are never equal",
        ),
        (
            "r.sub.team == p.sub",
            object(),
            "r.sub.team is an object and p.sub is a text",
        ),
        (
            "r.sub.dept == p.sub",
            object(),
            "m: in r.sub.dept, r.sub has no member dept, its members are age, id, team",
        ),
        (
            "r.sub.team.id == p.sub",
            object(),
            "r.sub.team has no member id, its members are name",
        ),
        (
            "r.sub.team.name.x == p.sub",
            object(),
            "r.sub.team.name is a text, which has no member x",
        ),
        ("r.sub.id.x == p.sub", object(), "accepted"),
        ("r.sub.dept == p.sub && r.sub.exp > 7", all(), "accepted"),
        ("r.sub.x == p.sub", claim(), "accepted"),
        // What the policy's rows say is looked at when they are used.
        ("eval(p.sub)", number(), "accepted"),
    ] {
        let found = outcome(&bundle(matcher, sub.clone(), json!("request.url_path")));
        let refused = found.starts_with("model.conf: m: in ") && found.contains(expected);
        if found != expected && !refused {
            wrong.push(format!("{matcher} with {sub}: {found}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_text_that_may_be_json_may_be_an_object() {
    for (json, matcher, expected) in [
        (
            false,
            "r.sub.name == p.sub",
            "r.sub is a text, which has no member name",
        ),
        (true, "r.sub.name == p.sub", "accepted"),
        (true, "'a' in r.sub", "accepted"),
        (
            true,
            "r.sub - 1 == 0",
            "r.sub is a text or an object or a list, and - takes a number",
        ),
    ] {
        let mut bundle = bundle(matcher, json!("request.query"), json!("request.path"));
        bundle["accept_json_request"] = json!(json);
        let found = outcome(&bundle);
        assert!(found.contains(expected), "{json} {matcher}: {found}");
    }
}
