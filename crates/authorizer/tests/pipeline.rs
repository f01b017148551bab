//! The pipeline driven without any host: the example bundle, minted tokens.

use doorward_authorizer::{Authorizer, HeaderEdit, Record, Step, Verdict};
use doorward_bundle::{Bundle, Manifest};
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::SoftwareVerifier;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;

struct NoHost;

impl Facts for NoHost {
    fn property(&self, _path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        Err(ReadError)
    }
}

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn orders() -> Manifest {
    let folder = root().join("policies/orders");
    doorward_bundle::folder::manifest(&|file| std::fs::read_to_string(folder.join(file))).unwrap()
}

fn authorizer(change: impl FnOnce(&mut Manifest)) -> Authorizer {
    let mut manifest = orders();
    change(&mut manifest);
    Authorizer::new(Bundle::load(&manifest).unwrap())
}

fn token(claims: &Value) -> String {
    let mut all = json!({
        "iss": "https://issuer.example", "aud": "orders", "sub": "alice", "exp": NOW + 300,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let pem = std::fs::read(root().join("tests/keys/orders-es256.pem")).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("orders-es256".to_owned());
    encode(&header, &all, &EncodingKey::from_ec_pem(&pem).unwrap()).unwrap()
}

fn ask(authorizer: &Authorizer, method: &str, path: &str, headers: &[(&str, &str)]) -> Step {
    let pseudo = [
        (":method", method),
        (":path", path),
        (":authority", "orders.example"),
    ];
    let all = pseudo
        .iter()
        .chain(headers)
        .map(|(name, value)| (*name, value.as_bytes()));
    let snapshot = HeaderSnapshot::from_headers(all);
    authorizer.begin(snapshot, &NoHost, NOW, &SoftwareVerifier)
}

fn bearer(claims: &Value) -> String {
    format!("Bearer {}", token(claims))
}

fn record(decision: Verdict, reason: &str, rule: Option<&str>) -> Record {
    Record {
        decision,
        reason: reason.to_owned(),
        rule: rule.map(str::to_owned),
        revision: "orders@2026-11-21.1".to_owned(),
        ignored_token: None,
    }
}

#[track_caller]
fn denied(step: &Step, status: u16, reason: &str, challenge: Option<&str>) {
    let Step::Deny(denied) = step else {
        panic!("permitted: {step:?}")
    };
    let answer = denied.answer();
    assert_eq!(
        (answer.status, denied.record().reason.as_str()),
        (status, reason)
    );
    let header = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "www-authenticate");
    assert_eq!(header.map(|(_, value)| value.as_str()), challenge);
}

#[test]
fn a_scope_of_the_token_acts_as_a_role() {
    let authorizer = authorizer(|_| {});
    let reader = bearer(&json!({"scope": "orders:read"}));
    let step = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("authorization", &reader)],
    );
    assert!(matches!(step, Step::Permit(_)));
    assert_eq!(
        *step.record().unwrap(),
        record(
            Verdict::Allow,
            "allow_rule",
            Some("p, scope:orders:read, /orders/*, ^GET$, allow")
        )
    );
    let step = ask(
        &authorizer,
        "POST",
        "/orders/1",
        &[("authorization", &reader)],
    );
    assert_eq!(
        *step.record().unwrap(),
        record(Verdict::Deny, "no_rule", None)
    );
    denied(
        &step,
        403,
        "no_rule",
        Some(
            "Bearer realm=\"orders\", error=\"insufficient_scope\", error_description=\"no rule allows it\"",
        ),
    );
}

#[test]
fn a_deny_rule_wins_and_is_named_to_the_operator_alone() {
    let authorizer = authorizer(|_| {});
    let operator = bearer(&json!({"groups": ["operators"]}));
    let step = ask(
        &authorizer,
        "POST",
        "/admin/users",
        &[("authorization", &operator)],
    );
    assert!(matches!(step, Step::Permit(_)));
    let step = ask(
        &authorizer,
        "POST",
        "/admin/audit/7",
        &[("authorization", &operator)],
    );
    let rule = "p, role:admin, /admin/audit/*, .*, deny";
    assert_eq!(
        *step.record().unwrap(),
        record(Verdict::Deny, "deny_rule", Some(rule))
    );
    assert_eq!(
        step.record().unwrap().details(),
        "doorward_denied[orders@2026-11-21.1_deny_rule_p,_role:admin,_/admin/audit/*,_.*,_deny]"
    );
    let Step::Deny(denied) = step else { panic!() };
    assert_eq!(
        denied.answer().body,
        "access denied: a rule denies it (deny_rule)\n"
    );
}

#[test]
fn tokens_are_required_found_and_challenged() {
    let authorizer = authorizer(|_| {});
    let bare = Some("Bearer realm=\"orders\"");
    denied(
        &ask(&authorizer, "GET", "/orders/1", &[]),
        401,
        "token_missing",
        bare,
    );
    let basic = [("authorization", "Basic YTpi")];
    denied(
        &ask(&authorizer, "GET", "/orders/1", &basic),
        401,
        "token_missing",
        bare,
    );
    let expired = bearer(&json!({"exp": NOW - 60}));
    denied(
        &ask(
            &authorizer,
            "GET",
            "/orders/1",
            &[("authorization", &expired)],
        ),
        401,
        "token_expired",
        Some(
            "Bearer realm=\"orders\", error=\"invalid_token\", error_description=\"the token has expired\"",
        ),
    );
    let lower = format!("bEaReR   {}", token(&json!({"scope": "orders:read"})));
    let step = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("authorization", &lower)],
    );
    assert!(matches!(step, Step::Permit(_)));
    let (one, two) = (bearer(&json!({})), bearer(&json!({"sub": "bob"})));
    let both = [
        ("authorization", one.as_str()),
        ("authorization", two.as_str()),
    ];
    denied(
        &ask(&authorizer, "GET", "/orders/1", &both),
        400,
        "token_ambiguous",
        Some(
            "Bearer realm=\"orders\", error=\"invalid_request\", error_description=\"the request carries more than one token\"",
        ),
    );
}

#[test]
fn nobody_is_named_like_a_role() {
    let authorizer = authorizer(|manifest| manifest.tokens[0].principal = Some("{sub}".to_owned()));
    let forged = bearer(&json!({"sub": "scope:orders:read"}));
    let step = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("authorization", &forged)],
    );
    denied(
        &step,
        401,
        "subject_reserved",
        Some(
            "Bearer realm=\"orders\", error=\"invalid_token\", error_description=\"the token's subject has a form that is reserved for roles\"",
        ),
    );
    // The same subject from a header instead of a token.
    let authorizer = self::authorizer(|manifest| {
        manifest.tokens[0].presence = doorward_bundle::Presence::Optional;
        for (name, text) in &mut manifest.request.0 {
            if name == "sub" {
                *text = "request.headers['x-user'] ?? 'anonymous'".into();
            }
        }
    });
    let step = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("x-user", "scope:orders:read")],
    );
    assert_eq!(step.record().unwrap().reason, "subject_reserved");
    assert!(matches!(step, Step::Deny(_)));
}

#[test]
fn an_optional_token_may_be_absent_but_not_invalid() {
    let authorizer = authorizer(|manifest| {
        manifest.tokens[0].presence = doorward_bundle::Presence::Optional;
        manifest.policy = Some("p, anonymous, /public/*, ^GET$, allow\n".to_owned());
    });
    assert!(matches!(
        ask(&authorizer, "GET", "/public/a", &[]),
        Step::Permit(_)
    ));
    denied(
        &ask(&authorizer, "GET", "/orders/1", &[]),
        403,
        "no_rule",
        Some("Bearer realm=\"orders\""),
    );
    let invalid = [("authorization", "Bearer nonsense")];
    let step = ask(&authorizer, "GET", "/public/a", &invalid);
    assert_eq!(step.record().unwrap().reason, "token_malformed");
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let authorizer = authorizer(|manifest| {
        manifest.request.0[2].1 = "source.address".into();
    });
    let reader = bearer(&json!({"scope": "orders:read"}));
    let step = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("authorization", &reader)],
    );
    assert_eq!(
        *step.record().unwrap(),
        record(Verdict::Error, "attribute_unreadable: source.address", None)
    );
    let Step::Deny(denied) = step else { panic!() };
    assert_eq!(denied.answer().status, 403);
    assert_eq!(
        denied.answer().body,
        "access denied: the policy could not be evaluated (attribute_unreadable)\n"
    );
}

#[test]
fn upstream_sees_the_path_that_was_decided_on_and_no_forged_header() {
    let authorizer = authorizer(|_| {});
    let reader = bearer(&json!({"scope": "orders:read"}));
    let headers = [
        ("authorization", reader.as_str()),
        ("X_Doorward-sub", "root"),
    ];
    let Step::Permit(permitted) = ask(&authorizer, "GET", "/%6frders/1?a=%2f", &headers) else {
        panic!()
    };
    assert_eq!(
        permitted.edits(),
        [
            HeaderEdit::Remove(b"X_Doorward-sub".to_vec()),
            HeaderEdit::Remove(b"authorization".to_vec()),
            HeaderEdit::Replace(":path".to_owned(), b"/orders/1?a=%2f".to_vec()),
        ]
    );
    let Step::Permit(permitted) = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("authorization", &reader)],
    ) else {
        panic!()
    };
    let withheld = HeaderEdit::Remove(b"authorization".to_vec());
    assert_eq!(permitted.edits(), [withheld]);
    let step = ask(
        &authorizer,
        "GET",
        "/orders/../admin",
        &[("authorization", &reader)],
    );
    denied(&step, 400, "path_dot_segment", None);
}

/// Two issuers: the bundle's own, with tokens by ES256, and a partner, with
/// tokens by EdDSA and roles of its own.
fn two_issuers() -> Authorizer {
    authorizer(|manifest| {
        let keys = manifest.tokens[0].jwks.keys.clone().unwrap();
        let only = |kid: &str| {
            keys.iter()
                .filter(|key| key["kid"] == kid)
                .cloned()
                .collect()
        };
        let mut partner = manifest.tokens[0].clone();
        manifest.tokens[0].jwks.keys = Some(only("orders-es256"));
        partner.jwks.keys = Some(only("orders-eddsa"));
        partner.issuer = "https://partner.example".to_owned();
        partner.principal = Some("partner:{sub}".to_owned());
        partner.roles.0[0].1 =
            serde_json::from_value(json!([{"claim": "scope", "prefix": "partner-scope:"}]))
                .unwrap();
        partner.from = serde_json::from_value(
            json!([{"header": "authorization", "prefix": "Bearer "}, {"header": "X-Partner-Token"}]),
        )
        .unwrap();
        manifest.tokens.push(partner);
        manifest.policy = Some(
            "p, scope:orders:read, /orders/*, ^GET$, allow\n\
             p, partner-scope:orders:read, /partner/*, ^GET$, allow\n"
                .to_owned(),
        );
    })
}

fn partner_token(claims: &Value, algorithm: Algorithm, key: &str) -> String {
    let mut all = json!({
        "iss": "https://partner.example", "aud": "orders", "sub": "alice", "exp": NOW + 300,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let pem = std::fs::read(root().join("tests/keys").join(key)).unwrap();
    let key = match algorithm {
        Algorithm::EdDSA => EncodingKey::from_ed_pem(&pem),
        _ => EncodingKey::from_ec_pem(&pem),
    };
    encode(&Header::new(algorithm), &all, &key.unwrap()).unwrap()
}

#[test]
fn each_issuer_speaks_for_itself_alone() {
    let authorizer = two_issuers();
    let scope = json!({"scope": "orders:read"});
    let own = bearer(&scope);
    let partner = partner_token(&scope, Algorithm::EdDSA, "orders-eddsa.pem");
    let partner_bearer = format!("Bearer {partner}");
    let forged = partner_token(&scope, Algorithm::ES256, "orders-es256.pem");
    let unknown = bearer(&json!({"iss": "https://nobody.example"}));
    let forged_bearer = format!("Bearer {forged}");
    for (path, headers, reason) in [
        (
            "/orders/1",
            vec![("authorization", own.as_str())],
            "allow_rule",
        ),
        (
            "/partner/1",
            vec![("authorization", own.as_str())],
            "no_rule",
        ),
        (
            "/partner/1",
            vec![("authorization", partner_bearer.as_str())],
            "allow_rule",
        ),
        (
            "/orders/1",
            vec![("authorization", partner_bearer.as_str())],
            "no_rule",
        ),
        (
            "/partner/1",
            vec![("x-partner-token", partner.as_str())],
            "allow_rule",
        ),
        // The same token in two places is one token, two are too many.
        (
            "/partner/1",
            vec![
                ("authorization", partner_bearer.as_str()),
                ("x-partner-token", partner.as_str()),
            ],
            "allow_rule",
        ),
        (
            "/orders/1",
            vec![
                ("authorization", own.as_str()),
                ("x-partner-token", partner.as_str()),
            ],
            "token_ambiguous",
        ),
        // The one issuer's key does not sign for the other.
        (
            "/partner/1",
            vec![("authorization", forged_bearer.as_str())],
            "token_key_mismatch",
        ),
        (
            "/orders/1",
            vec![("authorization", unknown.as_str())],
            "token_issuer_unknown",
        ),
        // The own issuer's entry does not look in the partner's header.
        (
            "/orders/1",
            vec![("x-partner-token", own.trim_start_matches("Bearer "))],
            "token_key_unknown",
        ),
    ] {
        let step = ask(&authorizer, "GET", path, &headers);
        assert_eq!(step.record().unwrap().reason, reason, "{path} {headers:?}");
        assert_eq!(matches!(step, Step::Permit(_)), reason == "allow_rule");
    }
}

#[test]
fn a_scheme_without_a_token_is_not_an_absent_token() {
    let authorizer = authorizer(|manifest| {
        manifest.tokens[0].presence = doorward_bundle::Presence::Optional;
        manifest.policy = Some("p, anonymous, /*, ^GET$, allow\n".to_owned());
    });
    let token = token(&json!({}));
    for (value, reason) in [
        ("Basic YTpi".to_owned(), "allow_rule"),
        ("Bearerish x".to_owned(), "allow_rule"),
        ("Bearer".to_owned(), "token_malformed"),
        ("Bearer ".to_owned(), "token_malformed"),
        (format!("Bearer\t{token}"), "token_malformed"),
        (format!("Basic YTpi,Bearer {token}"), "token_malformed"),
        (format!("Basic YTpi, bearer {token}"), "token_malformed"),
        (format!("Bearer {token},Bearer {token}"), "token_malformed"),
    ] {
        let step = ask(&authorizer, "GET", "/a", &[("authorization", &value)]);
        assert_eq!(step.record().unwrap().reason, reason, "{value}");
    }
}

#[test]
fn a_policy_that_cannot_be_evaluated_is_no_fault_of_the_token() {
    let authorizer = authorizer(|manifest| manifest.request.0[2].1 = "jwt.department".into());
    let reader = bearer(&json!({"scope": "orders:read"}));
    let step = ask(
        &authorizer,
        "GET",
        "/orders/1",
        &[("authorization", &reader)],
    );
    denied(
        &step,
        403,
        "attribute_absent: jwt.department",
        Some("Bearer realm=\"orders\""),
    );
}
