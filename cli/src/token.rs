//! `doorward token verify`: a JWT, by a key set and the registered claims.

use std::path::PathBuf;
use std::process::ExitCode;

use doorward_token::{
    Expectations, Jwks, JwsAlgorithm, MAX_CLOCK_SKEW_SECONDS, MAX_MAX_TOKEN_BYTES,
    SoftwareVerifier, verify_jws,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::verdict::{self, Invalid, Valid, Verdict};
use crate::{clock, keys, lines};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Verify(Arguments),
}

/// Verify a JWT by a key set
///
/// Prints {"valid":true,"algorithm":"ES256","kid":"a","claims":{...}}, or
/// {"valid":false,"error":"...","code":"..."} with exit status 1. Where they
/// are there, sub, exp, nbf and iat are checked; iss and aud only against what
/// is given. All supported algorithms are accepted: what fits the key decides.
///
/// With --requests, each line is a token with its keys:
///   {"jwk":{...} or "jwks":{...},"token":"..."}
/// and, if need be, "issuer", "audience" (a text or an array of texts), "now"
/// and "allow_weak_rsa_keys" in place of the options; without keys, those of
/// --jwks. Each is answered by one line, in order; the exit status is 1 if any
/// was not valid.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The keys: a JWKS file. Private and symmetric keys are taken too.
    #[arg(long, value_name = "FILE", required_unless_present = "requests")]
    jwks: Option<PathBuf>,
    /// The exact value of iss. Without it, iss is not checked.
    #[arg(long)]
    issuer: Option<String>,
    /// What aud must name; of several, one. Without it, aud is not checked.
    #[arg(long)]
    audience: Vec<String>,
    /// The time in seconds since 1970-01-01 UTC. Default: the system clock.
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    now: Option<i64>,
    /// By how many seconds the issuer's clock may differ; a bundle has 60
    /// unless it says otherwise.
    #[arg(long, value_name = "SECONDS", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_CLOCK_SKEW_SECONDS)))]
    clock_skew: u32,
    /// The kid of an RSA key that may have 1024 to 2047 bits.
    #[arg(long, value_name = "KID")]
    allow_weak_rsa_key: Vec<String>,
    /// Tokens to verify, one a line; - is standard input.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "token")]
    requests: Option<PathBuf>,
    /// The token in compact form.
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
    issuer: Option<String>,
    audience: Option<Audience>,
    now: Option<i64>,
    allow_weak_rsa_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn into_list(self) -> Vec<String> {
        match self {
            Self::One(audience) => vec![audience],
            Self::Several(audiences) => audiences,
        }
    }
}

#[derive(Serialize)]
struct Content {
    claims: Map<String, Value>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let policy = keys::policy(&arguments.allow_weak_rsa_key);
    let keys = arguments
        .jwks
        .as_deref()
        .map(|path| keys::set_of_file(path, &policy))
        .transpose();
    let keys = match keys {
        Ok(keys) => keys,
        Err(invalid) => return lines::print_one(&invalid, false),
    };
    if let Some(path) = &arguments.requests {
        return lines::judge(path, |line| {
            Verdict(arguments.answer(line, keys.as_ref())).judged()
        });
    }
    let (Some(keys), Some(token)) = (&keys, &arguments.token) else {
        // clap has asked for both where there is no file of requests.
        return ExitCode::from(2);
    };
    let issuer = arguments.issuer.as_deref();
    let now = clock::now(arguments.now);
    let (verdict, good) =
        Verdict(arguments.verify(token, keys, issuer, &arguments.audience, now)).judged();
    lines::print_one(&verdict, good)
}

impl Arguments {
    fn answer(&self, line: &[u8], given: Option<&Jwks>) -> Result<Valid<Content>, Invalid> {
        let asked: Asked = verdict::request(line)?;
        let weak = asked.allow_weak_rsa_keys.as_ref();
        let policy = keys::policy(weak.unwrap_or(&self.allow_weak_rsa_key));
        let own = keys::of_request(asked.jwk.as_ref(), asked.jwks.as_ref(), &policy)?;
        let keys = own.as_ref().or(given).ok_or_else(|| {
            Invalid::request("has no keys: give jwk or jwks, or --jwks for all lines")
        })?;
        let audiences = asked.audience.map(Audience::into_list);
        if audiences.as_ref().is_some_and(Vec::is_empty) {
            return Err(Invalid::request(
                "audience is empty: name one, or leave it out",
            ));
        }
        self.verify(
            &asked.token,
            keys,
            asked.issuer.as_deref().or(self.issuer.as_deref()),
            audiences.as_ref().unwrap_or(&self.audience),
            clock::now(asked.now.or(self.now)),
        )
    }

    fn verify(
        &self,
        token: &str,
        keys: &Jwks,
        issuer: Option<&str>,
        audiences: &[String],
        now: i64,
    ) -> Result<Valid<Content>, Invalid> {
        let algorithms: Vec<_> = JwsAlgorithm::all().collect();
        let jws = verify_jws(
            token.as_bytes(),
            keys,
            &algorithms,
            MAX_MAX_TOKEN_BYTES,
            &SoftwareVerifier,
        )?;
        let expected = Expectations {
            issuer,
            audiences,
            clock_skew_seconds: self.clock_skew,
            ..Expectations::default()
        };
        let verified = jws.claims(&expected, now)?;
        let claims = verified.claims().members().clone();
        let (algorithm, kid) = (verified.algorithm(), verified.key_id());
        Ok(Valid::new(algorithm, kid, Content { claims }))
    }
}
