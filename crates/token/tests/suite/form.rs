//! Tokens that are refused for their form or their header, each with its own
//! reason.

use doorward_token::{
    Algorithm, JsonFault, Malformed, Part, SoftwareVerifier, TokenError, peek_issuer,
};
use serde_json::json;

use crate::mint::{
    ISSUER, NOW, check, decode, encode, good_claims, jwk, malformed, parts, provider,
    provider_with, refusal, sign_encoded, with_claims, with_header,
};

#[test]
fn header_parameters_that_are_not_known_are_ignored() {
    let header = r#"{"alg":"RS256","kid":"rsa-a","typ":7,"jku":"https://evil.example","x5c":["AA"],
        "jwk":{"kty":"oct","k":"AA"},"x5u":{},"x5t":null,"zip":"DEF","nonce":[1]}"#;
    let token = with_header(header);
    assert!(
        provider()
            .verify(token.as_bytes(), NOW, &SoftwareVerifier)
            .is_ok()
    );
}

#[test]
fn forms_that_are_not_compact() {
    let [header, payload, signature] = parts(&with_claims(good_claims().to_string()));
    let token = format!("{header}.{payload}.{signature}");
    let cases: Vec<_> = [
        ("empty", String::new()),
        ("a word", "token".into()),
        ("one dot", "a.b".into()),
        ("no signature part", format!("{header}.{payload}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts, as encryption has", format!("{token}..")),
        ("leading dot", format!(".{token}")),
        ("trailing dot", format!("{token}.")),
        ("two tokens", format!("{token},{token}")),
        (
            "JSON serialization",
            json!({ "payload": payload }).to_string(),
        ),
    ]
    .map(|(name, token)| (name, token, malformed(Malformed::PartCount)))
    .into();
    check(&cases);
}

#[test]
fn encodings_that_are_not_exact() {
    let [header, payload, signature] = parts(&with_claims(good_claims().to_string()));
    // The last of 342 characters holds two bits of 256 bytes; four are unused.
    let stray = format!("{}B", &signature[..341]);
    let bad = |part| malformed(Malformed::Base64(part));
    let all = [
        (
            "two tokens joined",
            format!("{header}.{payload}.{signature},x"),
            Part::Signature,
        ),
        (
            "padding",
            format!("{header}.{payload}.{signature}=="),
            Part::Signature,
        ),
        (
            "stray bits",
            format!("{header}.{payload}.{stray}"),
            Part::Signature,
        ),
        (
            "newline at the end",
            format!("{header}.{payload}.{signature}\n"),
            Part::Signature,
        ),
        (
            "space at the end",
            format!("{header}.{payload}.{signature} "),
            Part::Signature,
        ),
        (
            "NUL at the end",
            format!("{header}.{payload}.{signature}\0"),
            Part::Signature,
        ),
        (
            "not ASCII",
            format!("{header}.{payload}.{signature}é"),
            Part::Signature,
        ),
        (
            "one character",
            format!("{header}.{payload}.A"),
            Part::Signature,
        ),
        (
            "space in front",
            format!(" {header}.{payload}.{signature}"),
            Part::Header,
        ),
        (
            "scheme in front",
            format!("Bearer {header}.{payload}.{signature}"),
            Part::Header,
        ),
        (
            "space before a dot",
            format!("{header} .{payload}.{signature}"),
            Part::Header,
        ),
        (
            "padded header",
            format!("{header}=.{payload}.{signature}"),
            Part::Header,
        ),
        (
            "padded payload",
            format!("{header}.{payload}=.{signature}"),
            Part::Payload,
        ),
        (
            "tab in the payload",
            format!("{header}.\t{payload}.{signature}"),
            Part::Payload,
        ),
        (
            "base64 alphabet",
            format!("{header}.{payload}+/.{signature}"),
            Part::Payload,
        ),
        (
            "percent",
            format!("{header}.{payload}.{signature}%20"),
            Part::Signature,
        ),
    ];
    for (name, token, part) in all {
        assert_eq!(refusal(token), bad(part), "{name}");
    }
}

/// The signer itself may write what is not base64url: the signature is right,
/// and the token is refused nonetheless.
#[test]
fn encodings_that_are_signed_but_not_exact() {
    let header = encode(r#"{"alg":"RS256","kid":"rsa-a"}"#);
    let payload = encode(good_claims().to_string());
    let cases = [
        (format!("{header}="), payload.clone(), Part::Header),
        (header.clone(), format!("{payload}="), Part::Payload),
        (header.clone(), format!("{payload}\n"), Part::Payload),
        (
            header.clone(),
            r#"{"sub":"alice"}"#.to_owned(),
            Part::Payload,
        ),
    ];
    for (header, payload, part) in cases {
        let token = sign_encoded(&header, &payload, "rsa-a", Algorithm::RS256);
        assert_eq!(
            refusal(&token),
            malformed(Malformed::Base64(part)),
            "{token}"
        );
    }
}

#[test]
fn headers_that_are_not_acceptable_objects() {
    let json = |fault| malformed(Malformed::Json(Part::Header, fault));
    let deep = format!(
        r#"{{"alg":"RS256","x":{}{}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    let cases: &[(&str, &[u8], TokenError)] = &[
        ("empty", b"", json(JsonFault::Syntax)),
        ("text", b"RS256", json(JsonFault::Syntax)),
        ("array", br#"["RS256"]"#, json(JsonFault::NotAnObject)),
        ("null", b"null", json(JsonFault::NotAnObject)),
        (
            "trailing text",
            br#"{"alg":"RS256"}x"#,
            json(JsonFault::Syntax),
        ),
        (
            "second object",
            br#"{"alg":"RS256"}{}"#,
            json(JsonFault::Syntax),
        ),
        (
            "byte order mark",
            b"\xef\xbb\xbf{\"alg\":\"RS256\"}",
            json(JsonFault::Syntax),
        ),
        (
            "not UTF-8",
            b"{\"alg\":\"RS256\",\"x\":\"\xff\"}",
            json(JsonFault::NotUtf8),
        ),
        (
            "alg twice",
            br#"{"alg":"RS256","alg":"RS256"}"#,
            json(JsonFault::DuplicateMember),
        ),
        (
            "alg twice, escaped",
            br#"{"alg":"none","\u0061lg":"RS256"}"#,
            json(JsonFault::DuplicateMember),
        ),
        (
            "inner member twice",
            br#"{"alg":"RS256","x":[{"a":1,"a":2}]}"#,
            json(JsonFault::DuplicateMember),
        ),
        ("deep", deep.as_bytes(), json(JsonFault::TooDeep)),
        (
            "no alg",
            br#"{"kid":"rsa-a"}"#,
            malformed(Malformed::HeaderParameter("alg")),
        ),
        (
            "alg null",
            br#"{"alg":null}"#,
            malformed(Malformed::HeaderParameter("alg")),
        ),
        (
            "alg array",
            br#"{"alg":["RS256"]}"#,
            malformed(Malformed::HeaderParameter("alg")),
        ),
        (
            "kid number",
            br#"{"alg":"RS256","kid":1}"#,
            malformed(Malformed::HeaderParameter("kid")),
        ),
        (
            "kid null",
            br#"{"alg":"RS256","kid":null}"#,
            malformed(Malformed::HeaderParameter("kid")),
        ),
    ];
    for (name, header, expected) in cases {
        assert_eq!(refusal(with_header(header)), *expected, "{name}");
    }
}

#[test]
fn algorithms_that_are_not_to_be_had() {
    let claims = encode(good_claims().to_string());
    for name in ["none", "None", "NONE", "nOnE"] {
        let header = encode(json!({ "alg": name }).to_string());
        assert_eq!(
            refusal(format!("{header}.{claims}.")),
            TokenError::AlgorithmNone
        );
        assert_eq!(
            refusal(format!("{header}.{claims}.AAAA")),
            TokenError::AlgorithmNone
        );
        let signed = sign_encoded(&header, &claims, "rsa-a", Algorithm::RS256);
        assert_eq!(refusal(signed), TokenError::AlgorithmNone);
    }
    for name in [
        "", " none", "none\0", "HS256", "HS384", "HS512", "rs256", "RS256 ", "Rs256", "RS1",
        "RS384", "PS256", "ES384", "ES512", "ES256K", "Ed25519", "EDDSA", "RSA-OAEP", "dir",
        "unknown",
    ] {
        let token = with_header(json!({ "alg": name, "kid": "rsa-a" }).to_string());
        assert_eq!(refusal(token), TokenError::AlgorithmNotAllowed, "{name:?}");
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let rsa = jwk("rsa-a");
    let secrets = [
        rsa["n"].as_str().unwrap().as_bytes().to_vec(),
        decode(rsa["n"].as_str().unwrap()),
        rsa.to_string().into_bytes(),
        decode(jwk("ed25519-a")["x"].as_str().unwrap()),
        Vec::new(),
    ];
    for name in ["HS256", "HS384", "HS512"] {
        for secret in &secrets {
            let message = format!(
                "{}.{}",
                encode(json!({ "alg": name, "kid": "rsa-a" }).to_string()),
                encode(good_claims().to_string())
            );
            let signature = jsonwebtoken::crypto::sign(
                message.as_bytes(),
                &jsonwebtoken::EncodingKey::from_secret(secret),
                name.parse().unwrap(),
            )
            .unwrap();
            assert_eq!(
                refusal(format!("{message}.{signature}")),
                TokenError::AlgorithmNotAllowed
            );
        }
    }
}

#[test]
fn extensions_are_not_understood() {
    for (extra, expected) in [
        (r#""crit":["exp"],"exp":1"#, TokenError::CriticalHeader),
        (r#""crit":[]"#, TokenError::CriticalHeader),
        (r#""crit":null"#, TokenError::CriticalHeader),
        (r#""crit":["b64"],"b64":false"#, TokenError::CriticalHeader),
        (r#""crit":["b64"],"b64":true"#, TokenError::CriticalHeader),
        (r#""b64":false"#, TokenError::UnencodedPayload),
        (r#""b64":true"#, TokenError::UnencodedPayload),
    ] {
        let token = with_header(format!(r#"{{"alg":"RS256","kid":"rsa-a",{extra}}}"#));
        assert_eq!(refusal(token), expected, "{extra}");
    }
}

#[test]
fn size_is_bounded_exactly() {
    let token = with_claims(good_claims().to_string());
    let bounded = |bytes| {
        provider_with(|settings| settings.max_token_bytes = bytes)
            .verify(token.as_bytes(), NOW, &SoftwareVerifier)
            .map(|_| ())
    };
    assert_eq!(bounded(token.len()), Ok(()));
    let limit = token.len() - 1;
    assert_eq!(bounded(limit), Err(TokenError::TooLarge { limit }));
    for huge in [vec![b'.'; 16_385], vec![b'A'; 10_000_000]] {
        assert_eq!(refusal(&huge), TokenError::TooLarge { limit: 16_384 });
    }
}

#[test]
fn an_issuer_is_peeked_at_strictly() {
    let claims = encode(good_claims().to_string());
    assert_eq!(
        peek_issuer(format!("x.{claims}.y").as_bytes()),
        Ok(ISSUER.to_owned())
    );
    let peek = |payload: &str| peek_issuer(format!("x.{}.y", encode(payload)).as_bytes());
    let payload = |fault| malformed(Malformed::Json(Part::Payload, fault));
    assert_eq!(peek("{}"), Err(TokenError::ClaimMissing { claim: "iss" }));
    assert_eq!(
        peek(r#"{"iss":["a"]}"#),
        Err(TokenError::ClaimInvalid {
            claim: "iss",
            expected: "a string"
        })
    );
    assert_eq!(
        peek(r#"{"iss":"a","iss":"b"}"#),
        Err(payload(JsonFault::DuplicateMember))
    );
    assert_eq!(peek("[]"), Err(payload(JsonFault::NotAnObject)));
    assert_eq!(
        peek_issuer(b"x.e30=.y"),
        Err(malformed(Malformed::Base64(Part::Payload)))
    );
    assert_eq!(peek_issuer(b"x.e30"), Err(malformed(Malformed::PartCount)));
    assert_eq!(
        peek_issuer(&[b'A'; 65_537]),
        Err(TokenError::TooLarge { limit: 65_536 })
    );
}
