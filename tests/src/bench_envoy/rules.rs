//! One family of rules, in the words of each variant: rule `i` lets who has
//! the scope read what is below `/service-i/`.

use crate::bundle;
use crate::scenarios::root;
use anyhow::{Context, Result};
use doorward_bundle::Configuration;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The scope of every token that is minted.
const SCOPE: &str = "orders:read";

/// What the first segment of a path begins with that a rule allows, and of one
/// that no rule allows.
pub(crate) const ALLOWED: &str = "service";
pub(crate) const DENIED: &str = "closed";

/// Equality of the method, as rbac compares it, and one effect: a rule that
/// allows is enough, as for rbac.
const MODEL: &str = "\
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act
";

/// Which requests leave a decision record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    /// All, as by default.
    All,
    /// Refused ones.
    Refused,
}

/// A bundle of so many rules as a plugin configuration. Tokens are checked as
/// the example bundle says. The revision is also a path that this revision
/// alone allows, `/REVISION`.
pub(crate) fn configuration(
    count: usize,
    records: Records,
    revision: Option<&str>,
) -> Result<String> {
    let mut manifest = bundle::manifest(&root().join("policies").join("orders"), None)?;
    manifest.name = "bench".to_owned();
    manifest.model = Some(MODEL.to_owned());
    if records == Records::Refused {
        manifest.decision_record = Some("refused".to_owned());
    }
    let mut policy = String::new();
    for number in 0..count {
        writeln!(policy, "p, scope:{SCOPE}, /{ALLOWED}-{number}/*, GET")?;
    }
    if let Some(revision) = revision {
        writeln!(policy, "p, scope:{SCOPE}, /{revision}, GET")?;
        manifest.revision = revision.to_owned();
    }
    manifest.policy = Some(policy);
    Ok(Configuration::inline(&manifest)?)
}

/// Envoy's filter jwt_authn, with the issuer and the keys of the example
/// bundle. With `payload` it hands the claims to the filters behind it.
pub(super) fn jwt_authn(cache: bool, payload: bool) -> Result<Value> {
    let keys = root().join("tests").join("keys").join("jwks.json");
    let keys = std::fs::read_to_string(&keys)
        .with_context(|| format!("{} cannot be read", keys.display()))?;
    let mut provider = json!({
        "issuer": "https://issuer.example",
        "audiences": ["orders"],
        "local_jwks": {"inline_string": keys},
    });
    if cache {
        provider["jwt_cache_config"] = json!({"jwt_cache_size": 4096});
    }
    if payload {
        provider["payload_in_metadata"] = json!("claims");
    }
    Ok(json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.\
                      JwtAuthentication",
            "providers": {"example": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "example"}}],
        },
    }))
}

/// Envoy's filter rbac with a policy for each rule.
pub(super) fn rbac(count: usize) -> Value {
    let policies: serde_json::Map<String, Value> = (0..count)
        .map(|number| {
            let policy = json!({
                "permissions": [{"and_rules": {"rules": [
                    {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                    {"url_path": {"path": {"prefix": format!("/{ALLOWED}-{number}/")}}},
                ]}}],
                "principals": [{"sourced_metadata": {"metadata_matcher": {
                    "filter": "envoy.filters.http.jwt_authn",
                    "path": [{"key": "claims"}, {"key": "scope"}],
                    "value": {"string_match": {"exact": SCOPE}},
                }}}],
            });
            (format!("rule-{number}"), policy)
        })
        .collect();
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"action": "ALLOW", "policies": policies},
        },
    })
}

/// The rules as the data of a Rego policy.
pub(super) fn rego(count: usize) -> Value {
    (0..count)
        .map(|number| {
            json!({"scope": SCOPE, "method": "GET", "prefix": format!("/{ALLOWED}-{number}/")})
        })
        .collect()
}
