//! `doorward jws verify`: a signature over any payload, by one key.

use std::path::PathBuf;
use std::process::ExitCode;

use doorward_token::{Jwks, JwsAlgorithm, SoftwareVerifier, verify_jws};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::verdict::{self, Invalid, Valid, Verdict};
use crate::{keys, lines};

/// The largest JWS that is read, in bytes.
const MAX_JWS_BYTES: usize = 1024 * 1024;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Verify(Arguments),
}

/// Verify a JWS in compact form by a key
///
/// Prints {"valid":true,"algorithm":"EdDSA","kid":null,"payload":"..."}, or
/// {"valid":false,"error":"...","code":"..."} with exit status 1. A payload
/// that is not UTF-8 is given as "payload_base64url". The payload may be
/// anything: no claim is checked. A key without kid is tried whatever the kid
/// of the JWS says. "b64":true is what holds anyway; other values of it are
/// refused, and so is any "crit".
///
/// With --requests, each line is a JWS with its key:
///   {"jwk":{...} or "jwks":{...},"token":"..."}
/// and, if need be, "allow_weak_rsa_keys" in place of the option; without a
/// key, that of --jwk. Each is answered by one line, in order; the exit status
/// is 1 if any was not valid.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The key: a JWK file. Private and symmetric keys are taken too.
    #[arg(long, value_name = "FILE", required_unless_present = "requests")]
    jwk: Option<PathBuf>,
    /// The kid of an RSA key that may have 1024 to 2047 bits.
    #[arg(long, value_name = "KID")]
    allow_weak_rsa_key: Vec<String>,
    /// JWS to verify, one a line; - is standard input.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "token")]
    requests: Option<PathBuf>,
    /// The JWS in compact form.
    #[arg(
        value_name = "TOKEN",
        required_unless_present = "requests",
        allow_hyphen_values = true
    )]
    token: Option<String>,
}

/// One line of a file of requests. What else a collection of tests has there,
/// an id or a comment, is ignored.
#[derive(Deserialize)]
struct Asked {
    jwk: Option<Value>,
    jwks: Option<Value>,
    token: String,
    allow_weak_rsa_keys: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Text { payload: String },
    Bytes { payload_base64url: String },
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let policy = keys::policy(&arguments.allow_weak_rsa_key);
    let key = arguments
        .jwk
        .as_deref()
        .map(|path| keys::key_of_file(path, &policy))
        .transpose();
    let key = match key {
        Ok(key) => key,
        Err(invalid) => return lines::print_one(&invalid, false),
    };
    if let Some(path) = &arguments.requests {
        return lines::judge(path, |line| {
            Verdict(arguments.answer(line, key.as_ref())).judged()
        });
    }
    let (Some(key), Some(token)) = (&key, &arguments.token) else {
        // clap has asked for both where there is no file of requests.
        return ExitCode::from(2);
    };
    let (verdict, good) = Verdict(verify(token, key)).judged();
    lines::print_one(&verdict, good)
}

impl Arguments {
    fn answer(&self, line: &[u8], given: Option<&Jwks>) -> Result<Valid<Content>, Invalid> {
        let asked: Asked = verdict::request(line)?;
        let weak = asked.allow_weak_rsa_keys.as_ref();
        let policy = keys::policy(weak.unwrap_or(&self.allow_weak_rsa_key));
        let own = keys::of_request(asked.jwk.as_ref(), asked.jwks.as_ref(), &policy)?;
        let keys = own.as_ref().or(given).ok_or_else(|| {
            Invalid::request("has no key: give jwk or jwks, or --jwk for all lines")
        })?;
        verify(&asked.token, keys)
    }
}

fn verify(token: &str, keys: &Jwks) -> Result<Valid<Content>, Invalid> {
    let algorithms: Vec<_> = JwsAlgorithm::all().collect();
    let jws = verify_jws(
        token.as_bytes(),
        keys,
        &algorithms,
        MAX_JWS_BYTES,
        &SoftwareVerifier,
    )?;
    let content = match std::str::from_utf8(jws.payload()) {
        Ok(text) => Content::Text {
            payload: text.to_owned(),
        },
        // The second part of the form that was just verified, as it stands.
        Err(_) => Content::Bytes {
            payload_base64url: token.split('.').nth(1).unwrap_or_default().to_owned(),
        },
    };
    Ok(Valid::new(jws.algorithm(), jws.key_id(), content))
}
