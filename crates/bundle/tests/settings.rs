//! What Casbin sets in code, as fields of a bundle: what they do, and what
//! they are refused for.

use doorward_bundle::{Bundle, Configuration, Manifest};
use doorward_engine::{Context, Outcome, Request, Value};
use serde_json::{Value as Json, json};

const MODEL: &str = "[request_definition]\nr = sub, dom, obj\n\
    [policy_definition]\np = rank, sub, dom, obj, eft\n\
    [role_definition]\ng = _, _, _\ng2 = _, _, (_, _)\n\
    [policy_effect]\ne = priority(p.eft) || deny\n\
    [matchers]\nm = g(r.sub, p.sub, r.dom) && g2(r.obj, p.obj) && r.dom == p.dom\n";

const POLICY: &str = "p, 2, staff, one, things, allow\np, 1, guest, one, things, deny\n\
    g, ann, staff, o*\ng, ben, staff, one\ng, ben, guest, one\n\
    g, cid, crew, one\ng, crew, staff, one\n\
    g2, /things/1, things, 2026-01-01 00:00:00, 2027-01-01 00:00:00\n";

/// 2026-06-01 00:00:00 UTC.
const NOW: i64 = 1_780_272_000;

fn good() -> Json {
    json!({
        "name": "settings", "revision": "1", "model": MODEL, "policy": POLICY,
        "request": {"sub": "request.headers['x-user']", "dom": "'one'", "obj": "request.url_path"},
        "role_matching": {"g": {"domain": "keyMatch"}},
        "link_condition": {"g2": "timeMatch"},
        "field_index": {"p": {"priority": 0}},
        "max_hierarchy_level": 1,
    })
}

fn configuration(bundle: &Json) -> Result<Configuration, String> {
    let text = json!({ "bundle": bundle }).to_string();
    Configuration::parse(text.as_bytes(), true).map_err(|error| error.to_string())
}

fn load(bundle: &Json) -> Result<Bundle, String> {
    configuration(bundle)?
        .load()
        .map_err(|error| error.to_string())
}

fn decide(bundle: &Bundle, subject: &str, now: i64) -> String {
    let values = [
        Value::Text(subject),
        Value::Text("one"),
        Value::Text("/things/1"),
    ];
    let engine = bundle.engine();
    let decision = engine.decide(&Request {
        values: &values,
        roles: &[],
        now,
        context: Context::default(),
    });
    let rule = decision.rule.and_then(|rule| engine.rule(rule));
    match (decision.outcome, rule) {
        (Outcome::Allow, Some(rule)) => format!("allow by {rule}"),
        (Outcome::Deny, Some(rule)) => format!("deny by {rule}"),
        (outcome, _) => format!("{outcome:?}"),
    }
}

#[test]
fn each_setting_reaches_the_engine() {
    let bundle = load(&good()).unwrap();
    let allow = "allow by p, 2, staff, one, things, allow";
    for (subject, now, expected) in [
        ("ann", NOW, allow),
        ("ann", NOW + 366 * 86_400, "Deny"),
        ("ben", NOW, "deny by p, 1, guest, one, things, deny"),
        ("cid", NOW, "Deny"),
        ("staff", NOW, allow),
    ] {
        assert_eq!(decide(&bundle, subject, now), expected, "{subject}");
    }
    assert!(!bundle.accept_json_request());
    // The same bundle with one setting other.
    for (field, value, subject, expected) in [
        ("max_hierarchy_level", json!(2), "cid", allow),
        ("max_hierarchy_level", json!(2.0), "cid", allow),
        ("max_hierarchy_level", json!(null), "cid", allow),
        ("role_matching", json!({}), "ann", "Deny"),
        ("field_index", json!({"p": {"priority": 0.0}}), "ann", allow),
        (
            "field_index",
            json!({}),
            "ben",
            "allow by p, 2, staff, one, things, allow",
        ),
    ] {
        let mut changed = good();
        changed[field] = value.clone();
        let bundle = load(&changed).unwrap();
        assert_eq!(decide(&bundle, subject, NOW), expected, "{field} {value}");
    }
    let mut changed = good();
    changed["accept_json_request"] = json!(true);
    assert!(load(&changed).unwrap().accept_json_request());
}

#[test]
fn a_function_alone_matches_names() {
    let mut bundle = good();
    bundle["role_matching"] = json!({"g": "regexMatch"});
    bundle["policy"] = json!(
        "p, 1, staff, one, things, allow\ng, ^a.*$, staff, one\ng2, /things/1, things, _, _\n"
    );
    let bundle = load(&bundle).unwrap();
    let allow = "allow by p, 1, staff, one, things, allow";
    assert_eq!(decide(&bundle, "amy", NOW), allow);
    assert_eq!(decide(&bundle, "ben", NOW), "Deny");
}

#[test]
fn each_setting_is_checked() {
    for (field, value, expected) in [
        (
            "role_matching",
            json!({"g": "keyMatch9"}),
            "doorward.yaml: role_matching.g: \"keyMatch9\" matches no patterns, write one of keyMatch, keyMatch2, keyMatch3, keyMatch4, keyMatch5, regexMatch, ipMatch, globMatch",
        ),
        (
            "role_matching",
            json!({"g": {"domain": "keyGet"}}),
            "doorward.yaml: role_matching.g: \"keyGet\" matches no patterns, write one of",
        ),
        (
            "role_matching",
            json!({"g": {}}),
            "doorward.yaml: role_matching.g: is empty: give role, domain or both",
        ),
        (
            "role_matching",
            json!({"g": {"name": "keyMatch"}}),
            "unknown field `name`, expected `role` or `domain`",
        ),
        (
            "role_matching",
            json!({"g": 7}),
            "invalid type: integer `7`, expected a function's name, or a map with role, domain or both",
        ),
        (
            "role_matching",
            json!({"g7": "keyMatch"}),
            "doorward.yaml: role_matching: the model has no role definition g7",
        ),
        (
            "role_matching",
            json!({"g2": {"domain": "keyMatch"}}),
            "doorward.yaml: role_matching: g2 has no domain to match",
        ),
        (
            "link_condition",
            json!({"g2": "timematch"}),
            "doorward.yaml: link_condition.g2: \"timematch\" is no condition of links, write timeMatch",
        ),
        (
            "link_condition",
            json!({}),
            "doorward.yaml: link_condition: g2 has parameters but no condition, its links would hold for ever",
        ),
        (
            "link_condition",
            json!({"g2": "timeMatch", "g": "timeMatch"}),
            "doorward.yaml: link_condition: g has no parameters for a condition",
        ),
        (
            "field_index",
            json!({"p": {"priority": 0.5}}),
            "doorward.yaml: field_index.p.priority: 0.5 is not a whole number from 0",
        ),
        (
            "field_index",
            json!({"p": {"priority": -1}}),
            "doorward.yaml: field_index.p.priority: -1 is not a whole number from 0",
        ),
        (
            "field_index",
            json!({"p": {"priority": 5}}),
            "doorward.yaml: field_index: priority of p is at 5, its fields are 0 to 4",
        ),
        (
            "field_index",
            json!({"p": {"priority": 1e300}}),
            "is not a whole number from 0",
        ),
        (
            "field_index",
            json!({"p": {"weight": 0}}),
            "doorward.yaml: field_index: weight has no meaning, the fields are priority",
        ),
        (
            "field_index",
            json!({"p2": {"priority": 0}}),
            "doorward.yaml: field_index: the model has no policy definition p2",
        ),
        (
            "max_hierarchy_level",
            json!(1.5),
            "doorward.yaml: max_hierarchy_level: 1.5 is not a whole number from 0",
        ),
        (
            "max_hierarchy_level",
            json!("1"),
            "invalid type: string \"1\", expected f64",
        ),
        (
            "accept_json_request",
            json!("yes"),
            "invalid type: string \"yes\", expected a boolean",
        ),
        (
            "path_normalization",
            json!("base"),
            "doorward.yaml: path_normalization: \"base\" is none of STRICT, BASE, MERGE_SLASHES, DECODE_AND_MERGE_SLASHES, NONE",
        ),
        ("role_match", json!({}), "unknown field `role_match`"),
    ] {
        let mut bundle = good();
        bundle[field] = value.clone();
        let message = load(&bundle).map_or_else(|error| error, |_| "accepted".to_owned());
        assert!(message.contains(expected), "{field} = {value}: {message}");
    }
}

#[test]
fn a_configuration_carries_what_the_manifest_says() {
    let manifest: Manifest = serde_json::from_value(good()).unwrap();
    let text = Configuration::inline(&manifest).unwrap();
    assert!(
        text.ends_with(
            ",\"role_matching\":{\"g\":{\"domain\":\"keyMatch\"}},\
             \"link_condition\":{\"g2\":\"timeMatch\"},\"field_index\":{\"p\":{\"priority\":0.0}},\
             \"max_hierarchy_level\":1.0}}"
        ),
        "{text}"
    );
    let written: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(
        configuration(&written["bundle"]),
        configuration(&good()),
        "{text}"
    );
}
