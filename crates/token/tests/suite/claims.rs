//! The registered claims, and how verified claims are read.

use doorward_token::{
    JsonFault, Malformed, Part, ProviderSettings, SoftwareVerifier, SubjectMatcher, TokenError,
    Verified,
};
use serde_json::{Value, json};

use crate::mint::{AUDIENCE, ISSUER, NOW, good_claims, provider_with, with_claims, with_header};

const SECONDS: &str = "a number of seconds between the years 1970 and 9999";

fn verify_at(
    payload: impl AsRef<[u8]>,
    now: i64,
    change: impl FnOnce(&mut ProviderSettings),
) -> Result<Verified, TokenError> {
    provider_with(change).verify(with_claims(payload).as_bytes(), now, &SoftwareVerifier)
}

/// Good claims with this JSON text put in for one of them, or the claim left
/// out.
fn payload(claim: &str, text: Option<&str>) -> String {
    let mut claims = good_claims();
    claims.as_object_mut().unwrap().remove(claim);
    let rest = claims.to_string();
    match text {
        Some(text) => format!("{{\"{claim}\":{text},{}", &rest[1..]),
        None => rest,
    }
}

fn judge(claim: &str, text: Option<&str>) -> Result<(), TokenError> {
    verify_at(payload(claim, text), NOW, |_| {}).map(|_| ())
}

fn invalid(claim: &'static str, expected: &'static str) -> Result<(), TokenError> {
    Err(TokenError::ClaimInvalid { claim, expected })
}

#[test]
fn payloads_that_are_not_acceptable_objects() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let cases: &[(&[u8], JsonFault)] = &[
        (b"", JsonFault::Syntax),
        (b"{", JsonFault::Syntax),
        (b"text", JsonFault::Syntax),
        (b"[{}]", JsonFault::NotAnObject),
        (b"\"{}\"", JsonFault::NotAnObject),
        (b"1", JsonFault::NotAnObject),
        (b"null", JsonFault::NotAnObject),
        (b"{\"sub\":\"\xc3\x28\"}", JsonFault::NotUtf8),
        (b"{\"sub\":\"\xed\xa0\x80\"}", JsonFault::NotUtf8),
        (br#"{"sub":"a","sub":"b"}"#, JsonFault::DuplicateMember),
        (br#"{"sub":"a","s\u0075b":"a"}"#, JsonFault::DuplicateMember),
        (
            br#"{"a":{"roles":[],"roles":["x"]}}"#,
            JsonFault::DuplicateMember,
        ),
        (br#"{"exp":1e400}"#, JsonFault::Syntax),
        (br#"{"exp":Infinity}"#, JsonFault::Syntax),
        (deep.as_bytes(), JsonFault::TooDeep),
    ];
    for (bytes, fault) in cases {
        assert_eq!(
            verify_at(bytes, NOW, |_| {}),
            Err(TokenError::Malformed(Malformed::Json(
                Part::Payload,
                *fault
            ))),
            "{}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(60)])
        );
    }
}

#[test]
fn issuers() {
    assert_eq!(
        judge("iss", None),
        Err(TokenError::ClaimMissing { claim: "iss" })
    );
    for text in ["null", "7", "[\"https://issuer.example\"]", "{}"] {
        assert_eq!(
            judge("iss", Some(text)),
            invalid("iss", "a string"),
            "{text}"
        );
    }
    for issuer in [
        "",
        "https://issuer.example/",
        "HTTPS://issuer.example",
        " https://issuer.example",
    ] {
        let text = json!(issuer).to_string();
        assert_eq!(
            judge("iss", Some(&text)),
            Err(TokenError::IssuerUnknown),
            "{issuer:?}"
        );
    }
    assert_eq!(judge("iss", Some("\"https:\\/\\/issuer.example\"")), Ok(()));
}

#[test]
fn audiences() {
    const SHAPE: &str = "a string or an array of strings";
    for (text, expected) in [
        (r#""orders""#, Ok(())),
        (r#""billing""#, Ok(())),
        (r#"["orders"]"#, Ok(())),
        (r#"["other","billing"]"#, Ok(())),
        (r#""Orders""#, Err(TokenError::AudienceMismatch)),
        (r#""orders ""#, Err(TokenError::AudienceMismatch)),
        (r#""orders billing""#, Err(TokenError::AudienceMismatch)),
        (r#""*""#, Err(TokenError::AudienceMismatch)),
        (r#""""#, Err(TokenError::AudienceMismatch)),
        ("[]", Err(TokenError::AudienceMismatch)),
        (r#"["other"]"#, Err(TokenError::AudienceMismatch)),
        (r#"["orders",7]"#, invalid("aud", SHAPE)),
        (r#"[["orders"]]"#, invalid("aud", SHAPE)),
        ("null", invalid("aud", SHAPE)),
        ("true", invalid("aud", SHAPE)),
        (r#"{"orders":true}"#, invalid("aud", SHAPE)),
    ] {
        assert_eq!(judge("aud", Some(text)), expected, "{text}");
    }
    assert_eq!(
        judge("aud", None),
        Err(TokenError::ClaimMissing { claim: "aud" })
    );
}

#[test]
fn without_audiences_only_the_shape_of_aud_counts() {
    let judge = |text| {
        verify_at(payload("aud", text), NOW, |settings| {
            settings.audiences.clear();
        })
        .map(|_| ())
    };
    for text in [None, Some(r#""any""#), Some(r#"["a","b"]"#), Some("[]")] {
        assert_eq!(judge(text), Ok(()), "{text:?}");
    }
    assert_eq!(
        judge(Some("7")),
        invalid("aud", "a string or an array of strings")
    );
}

#[test]
fn subjects_and_identifiers_are_strings() {
    for claim in ["sub", "jti"] {
        assert_eq!(judge(claim, None), Ok(()));
        assert_eq!(judge(claim, Some("\"\"")), Ok(()));
        for text in ["7", "null", "[\"a\"]", "{\"a\":1}", "true"] {
            assert_eq!(
                judge(claim, Some(text)),
                invalid(claim, "a string"),
                "{text}"
            );
        }
    }
}

#[test]
fn times_are_numbers_within_a_sane_range() {
    for claim in ["exp", "nbf", "iat"] {
        for text in [
            "\"1800000100\"",
            "null",
            "true",
            "[1800000100]",
            "{}",
            "-1",
            "-0.5",
            "-9223372036854775808",
            "253402300800",
            "253402300799.5",
            "1800000100000",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "1e308",
        ] {
            assert_eq!(
                judge(claim, Some(text)),
                invalid(claim, SECONDS),
                "{claim} {text}"
            );
        }
    }
    for text in [
        "253402300799",
        "1800000100",
        "1800000100.5",
        "1.8000001e9",
        "18000001E2",
    ] {
        assert_eq!(judge("exp", Some(text)), Ok(()), "{text}");
    }
    for text in ["0", "-0.0", "0.25", "1.8e9"] {
        assert_eq!(judge("nbf", Some(text)), Ok(()), "{text}");
        assert_eq!(judge("iat", Some(text)), Ok(()), "{text}");
    }
    assert_eq!(judge("exp", Some("0")), Err(TokenError::Expired));
}

#[test]
fn the_end_is_exact() {
    for (skew, exp, now, expected) in [
        (0, "1800000000", NOW - 1, Ok(())),
        (0, "1800000000", NOW, Err(TokenError::Expired)),
        (0, "1800000000", NOW + 1, Err(TokenError::Expired)),
        (60, "1800000000", NOW + 59, Ok(())),
        (60, "1800000000", NOW + 60, Err(TokenError::Expired)),
        (0, "1800000000.9", NOW - 1, Ok(())),
        (0, "1800000000.9", NOW, Err(TokenError::Expired)),
        (600, "253402300799", i64::MAX, Err(TokenError::Expired)),
        (600, "253402300799", 253_402_301_398, Ok(())),
        (
            600,
            "253402300799",
            253_402_301_399,
            Err(TokenError::Expired),
        ),
    ] {
        let claims = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{exp}}}"#);
        let judged = verify_at(claims, now, |settings| settings.clock_skew_seconds = skew);
        assert_eq!(
            judged.map(|_| ()),
            expected,
            "exp {exp}, skew {skew}, now {now}"
        );
    }
}

#[test]
fn the_beginning_is_exact() {
    for claim in ["nbf", "iat"] {
        let early = Err(TokenError::NotYetValid { claim });
        for (skew, start, now, expected) in [
            (0, "1800000000", NOW, Ok(())),
            (0, "1800000000", NOW - 1, early),
            (60, "1800000000", NOW - 60, Ok(())),
            (60, "1800000000", NOW - 61, early),
            (0, "1799999999.1", NOW, Ok(())),
            (0, "1799999999.1", NOW - 1, early),
            (600, "253402300799", NOW, early),
            (0, "0", -1, early),
            (600, "0", -600, Ok(())),
            (600, "0", i64::MIN, early),
        ] {
            let claims = format!(
                r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":253402300799,"{claim}":{start}}}"#
            );
            let judged = verify_at(claims, now, |settings| settings.clock_skew_seconds = skew);
            assert_eq!(
                judged.map(|_| ()),
                expected,
                "{claim} {start}, skew {skew}, now {now}"
            );
        }
    }
}

#[test]
fn a_token_without_end_is_refused_unless_allowed() {
    let endless = payload("exp", None);
    let missing = Err(TokenError::ClaimMissing { claim: "exp" });
    assert_eq!(verify_at(&endless, NOW, |_| {}), missing);
    let verified = verify_at(&endless, NOW, |settings| {
        settings.require_expiration = false;
    });
    assert_eq!(verified.unwrap().expires_at(), None);
    let expired = payload("exp", Some("1"));
    assert_eq!(
        verify_at(expired, NOW, |settings| settings.require_expiration = false),
        Err(TokenError::Expired)
    );
}

#[test]
fn claims_are_read_by_name_and_by_path() {
    let mut claims = good_claims();
    claims["https://example/roles.all"] = json!(["a", "b"]);
    claims["realm"] = json!({ "access": { "roles": ["x"], "": 1 }, "n": 2.5 });
    let verified = verify_at(claims.to_string(), NOW, |_| {}).unwrap();
    let read = verified.claims();
    assert_eq!(
        read.get("https://example/roles.all"),
        Some(&json!(["a", "b"]))
    );
    assert_eq!(read.get("realm.access"), None);
    assert_eq!(
        read.get_path(&["realm", "access", "roles"]),
        Some(&json!(["x"]))
    );
    assert_eq!(read.get_path(&["realm", "access", ""]), Some(&json!(1)));
    assert_eq!(read.get_path(&["realm", "n"]), Some(&json!(2.5)));
    assert_eq!(read.get_path(&["realm", "n", "x"]), None);
    assert_eq!(read.get_path(&["realm", "access", "roles", "0"]), None);
    assert_eq!(read.get_path(&["none", "access"]), None);
    assert_eq!(read.get_path::<&str>(&[]), None);
    let names: Vec<_> = read.iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "aud",
            "exp",
            "https://example/roles.all",
            "iat",
            "iss",
            "realm",
            "sub"
        ]
    );
    assert_eq!((read.len(), read.is_empty()), (7, false));
}

#[test]
fn refusals_and_claims_show_nothing_of_the_token() {
    let secret = "s3cret-subject";
    let mut claims = good_claims();
    claims["sub"] = json!(secret);
    let verified = verify_at(claims.to_string(), NOW, |_| {}).unwrap();
    let shown = format!("{:?}", verified.claims());
    assert_eq!(shown, "Claims(5)");
    claims["aud"] = Value::Null;
    let refusal = verify_at(claims.to_string(), NOW, |_| {}).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the token's claim aud is not a string or an array of strings"
    );
    assert!(!format!("{verified:?} {refusal:?}").contains(secret));
}

/// Envoy's `max_lifetime`: what is left from now on, whatever `iat` says and
/// without clock skew, must be less; and `exp` must be there.
#[test]
fn the_lifetime_is_what_is_left() {
    for (exp, expected) in [
        (Some("1800003599"), Ok(())),
        (Some("1800003599.5"), Err(TokenError::LifetimeExceeded)),
        (Some("1800003600"), Err(TokenError::LifetimeExceeded)),
        (Some("253402300799"), Err(TokenError::LifetimeExceeded)),
        (Some("1799999999"), Ok(())),
        (Some("1799999940"), Err(TokenError::Expired)),
        (None, Err(TokenError::ClaimMissing { claim: "exp" })),
    ] {
        let judged = verify_at(payload("exp", exp), NOW, |settings| {
            settings.max_lifetime_seconds = Some(3600);
            settings.require_expiration = false;
        });
        assert_eq!(judged.map(|_| ()), expected, "{exp:?}");
    }
}

#[test]
fn subjects_an_issuer_may_name() {
    let text = |text: &str| text.to_owned();
    for (matcher, subject, expected) in [
        (SubjectMatcher::Exact(text("alice")), Some("alice"), true),
        (SubjectMatcher::Exact(text("alice")), Some("Alice"), false),
        (SubjectMatcher::Exact(text("alice")), Some("alice2"), false),
        (
            SubjectMatcher::Prefix(text("spiffe://a/")),
            Some("spiffe://a/ns"),
            true,
        ),
        (
            SubjectMatcher::Prefix(text("spiffe://a/")),
            Some("spiffe://ab/ns"),
            false,
        ),
        (
            SubjectMatcher::Suffix(text("@a.example")),
            Some("x@a.example"),
            true,
        ),
        (
            SubjectMatcher::Suffix(text("@a.example")),
            Some("x@a.example.org"),
            false,
        ),
        (SubjectMatcher::Contains(text("/ns/")), Some("a/ns/b"), true),
        (
            SubjectMatcher::Contains(text("/ns/")),
            Some("a/sn/b"),
            false,
        ),
        (SubjectMatcher::Prefix(text("")), Some(""), true),
        (SubjectMatcher::Prefix(text("")), None, false),
    ] {
        let refusal = match subject {
            Some(_) => TokenError::SubjectNotAllowed,
            None => TokenError::ClaimMissing { claim: "sub" },
        };
        let quoted = subject.map(|subject| json!(subject).to_string());
        let judged = verify_at(payload("sub", quoted.as_deref()), NOW, |settings| {
            settings.subjects = Some(matcher.clone());
        });
        let expected = if expected { Ok(()) } else { Err(refusal) };
        assert_eq!(judged.map(|_| ()), expected, "{matcher:?} {subject:?}");
    }
}

/// RFC 9068 section 4, RFC 7515 section 4.1.9.
#[test]
fn the_type_of_a_token() {
    let judge = |expected: &str, typ: Option<&str>| {
        let header = match typ {
            Some(typ) => format!(r#"{{"alg":"RS256","kid":"rsa-a","typ":{typ}}}"#),
            None => r#"{"alg":"RS256","kid":"rsa-a"}"#.to_owned(),
        };
        provider_with(|settings| settings.token_type = Some(expected.to_owned()))
            .verify(with_header(header).as_bytes(), NOW, &SoftwareVerifier)
            .map(|_| ())
    };
    for expected in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        for typ in [
            "at+jwt",
            "At+Jwt",
            "application/at+jwt",
            "APPLICATION/AT+JWT",
        ] {
            let typ = json!(typ).to_string();
            assert_eq!(judge(expected, Some(&typ)), Ok(()), "{expected} {typ}");
        }
        for typ in [
            "JWT",
            "",
            "at+jwt ",
            "at+jwtx",
            "application/",
            "application/at+jwt/x",
            "text/at+jwt",
        ] {
            let typ = json!(typ).to_string();
            let refusal = Err(TokenError::TypeMismatch);
            assert_eq!(judge(expected, Some(&typ)), refusal, "{expected} {typ}");
        }
        assert_eq!(judge(expected, None), Err(TokenError::TypeMismatch));
        let malformed = TokenError::Malformed(Malformed::HeaderParameter("typ"));
        assert_eq!(judge(expected, Some("7")), Err(malformed));
    }
}

#[test]
fn every_refusal_has_its_code_and_text() {
    for (error, code, text) in [
        (
            TokenError::TooLarge { limit: 9 },
            "token_too_large",
            "the token is larger than 9 bytes",
        ),
        (
            TokenError::Malformed(Malformed::PartCount),
            "token_malformed",
            "the token is malformed: it does not have three parts joined by dots",
        ),
        (
            TokenError::Malformed(Malformed::Base64(Part::Signature)),
            "token_base64",
            "the token is malformed: the signature is not exact base64url",
        ),
        (
            TokenError::Malformed(Malformed::Json(Part::Header, JsonFault::DuplicateMember)),
            "token_duplicate_member",
            "the token is malformed: the header has a member twice",
        ),
        (
            TokenError::Malformed(Malformed::Json(Part::Payload, JsonFault::TooDeep)),
            "token_json",
            "the token is malformed: the payload is nested deeper than 32 levels",
        ),
        (
            TokenError::Malformed(Malformed::HeaderParameter("kid")),
            "token_header_parameter",
            "the token is malformed: the header parameter kid is not a string",
        ),
        (
            TokenError::AlgorithmNone,
            "token_algorithm_none",
            "the token is not signed",
        ),
        (
            TokenError::AlgorithmNotAllowed,
            "token_algorithm_not_allowed",
            "the token's algorithm is not allowed",
        ),
        (
            TokenError::AlgorithmUnsupported,
            "token_algorithm_unsupported",
            "the token's algorithm cannot be checked here",
        ),
        (
            TokenError::CriticalHeader,
            "token_critical_header",
            "the token's header has a critical parameter that is not understood",
        ),
        (
            TokenError::UnencodedPayload,
            "token_unencoded_payload",
            "the token's header has the parameter b64",
        ),
        (
            TokenError::KeyUnknown,
            "token_key_unknown",
            "the token's key is not known",
        ),
        (
            TokenError::KeyMismatch,
            "token_key_mismatch",
            "the token's algorithm does not fit the key",
        ),
        (
            TokenError::KeyAmbiguous { limit: 8 },
            "token_key_ambiguous",
            "more than 8 keys fit the token: it must name its key",
        ),
        (
            TokenError::SignatureInvalid,
            "token_signature_invalid",
            "the token's signature is not valid",
        ),
        (
            TokenError::Expired,
            "token_expired",
            "the token has expired",
        ),
        (
            TokenError::NotYetValid { claim: "nbf" },
            "token_not_yet_valid",
            "the token is not valid yet: nbf is in the future",
        ),
        (
            TokenError::NotYetValid { claim: "iat" },
            "token_issued_in_future",
            "the token is not valid yet: iat is in the future",
        ),
        (
            TokenError::TypeMismatch,
            "token_type_mismatch",
            "the token is not of the type that is expected",
        ),
        (
            TokenError::LifetimeExceeded,
            "token_lifetime_exceeded",
            "the token is valid for too long",
        ),
        (
            TokenError::SubjectNotAllowed,
            "token_subject_not_allowed",
            "the token's subject is not one that its issuer may name",
        ),
        (
            TokenError::IssuerUnknown,
            "token_issuer_unknown",
            "the token's issuer is not known",
        ),
        (
            TokenError::AudienceMismatch,
            "token_audience_mismatch",
            "the token is meant for another audience",
        ),
        (
            TokenError::ClaimMissing { claim: "exp" },
            "token_claim_missing",
            "the token has no claim exp",
        ),
        (
            TokenError::ClaimInvalid {
                claim: "exp",
                expected: "a number",
            },
            "token_claim_invalid",
            "the token's claim exp is not a number",
        ),
    ] {
        assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    }
}
