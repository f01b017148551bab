//! Check, called as Envoy calls it, through tonic's client.

use anyhow::{Context, Result};
use doorward_ext_authz::message::{
    Attributes, CHECK, CheckRequest, CheckResponse, HttpRequest, Request,
};
use hyper::http::uri::PathAndQuery;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use tonic::client::Grpc;

use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

/// A running server. It ends with its input, which ends with this.
struct Server {
    process: Child,
    input: Option<ChildStdin>,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.input = None;
        let ended = self.process.wait();
        assert!(ended.is_ok_and(|status| status.success()));
    }
}

impl Server {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_doorward-ext-authz"))
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.context("no address")?.to_owned();
        Ok(Self {
            process,
            input,
            address,
        })
    }

    fn check(&self, method: &str, path: &str, token: &str) -> Result<CheckResponse> {
        let http = HttpRequest {
            method: method.to_owned(),
            headers: HashMap::from([("authorization".to_owned(), format!("Bearer {token}"))]),
            path: path.to_owned(),
        };
        let request = CheckRequest {
            attributes: Some(Attributes {
                request: Some(Request { http: Some(http) }),
            }),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
            let mut client = Grpc::new(endpoint.connect().await?);
            client.ready().await?;
            let codec: ProstCodec<CheckRequest, CheckResponse> = ProstCodec::default();
            let path = PathAndQuery::from_static(CHECK);
            let response = client.unary(tonic::Request::new(request), path, codec);
            Ok(response.await?.into_inner())
        })
    }
}

fn keys() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/keys"))
}

fn token(key: &str, scope: &str) -> Result<String> {
    let pem = std::fs::read(keys().join(key).with_extension("pem"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": "https://issuer.example", "aud": "orders", "sub": "alice",
        "scope": scope, "exp": now + 600,
    });
    let header = Header {
        kid: Some("orders-rs256".to_owned()),
        ..Header::new(Algorithm::RS256)
    };
    let key = EncodingKey::from_rsa_pem(&pem)?;
    Ok(jsonwebtoken::encode(&header, &claims, &key)?)
}

#[test]
fn rules_decide() -> Result<()> {
    let rules = std::env::temp_dir().join(format!("ext-authz-{}.json", std::process::id()));
    let written = json!([
        {"scope": "orders:read", "method": "GET", "prefix": "/service-1/"},
        {"scope": "orders:read", "method": "GET", "prefix": "/service-2/items/"},
        {"scope": "orders:write", "method": "PUT", "prefix": "/serv"},
    ]);
    std::fs::write(&rules, written.to_string())?;
    let (rules_file, jwks) = (rules.display().to_string(), keys().join("jwks.json"));
    let jwks = jwks.display().to_string();
    let server = Server::start(&["--rules", &rules_file, "--jwks", &jwks])?;
    std::fs::remove_file(&rules)?;
    let good = token("orders-rs256", "profile orders:read")?;
    let writer = token("orders-rs256", "orders:write")?;
    let forged = token("stranger-rs256", "orders:read")?;
    let cases = [
        ("GET", "/service-1/7?all=1", &good, true),
        // Once more, by the token that is known now.
        ("GET", "/service-1/7", &good, true),
        ("GET", "/service-2/items/7", &good, true),
        ("GET", "/service-2/other?/items/", &good, false),
        ("GET", "/service-12/7", &good, false),
        ("PUT", "/service-1/7", &good, false),
        ("PUT", "/service-1/7", &writer, true),
        ("GET", "/service-1/7", &writer, false),
        ("GET", "/service-1/7", &forged, false),
        ("GET", "/service-1/7", &String::new(), false),
    ];
    for (method, path, token, allowed) in cases {
        let expected = if allowed {
            CheckResponse::allowed()
        } else {
            CheckResponse::forbidden()
        };
        let found = server.check(method, path, token)?;
        assert_eq!(found, expected, "{method} {path} {token}");
    }
    Ok(())
}

#[test]
fn everything_is_allowed_at_once() -> Result<()> {
    let server = Server::start(&["--answer-at-once"])?;
    assert_eq!(server.check("PUT", "/", "none")?, CheckResponse::allowed());
    Ok(())
}
