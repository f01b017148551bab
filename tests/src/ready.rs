//! The ready configurations of `envoy/`, as users start them.

use crate::client;
use crate::echo::Echo;
use crate::envoy::process::{Envoy, Started};
use crate::envoy::runner::fresh;
use crate::generate;
use crate::report::Case;
use crate::scenarios::root;
use crate::token::Token;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;
use std::time::SystemTime;

/// Starts Envoy with each of them and asks for an order without and with a
/// token. Only the ports, and the folders of module and watched file, differ
/// from the files.
///
/// # Errors
///
/// When a file cannot be generated or Envoy cannot be run.
pub fn cases(envoy: &Path, module: &Path, folder: &Path) -> Result<Vec<Case>> {
    let files = generate::files()?;
    let text_of = |path: &str| {
        let file = files.iter().find(|(found, _)| *found == path);
        file.map(|(_, text)| text.as_str())
            .with_context(|| format!("{path} is not generated"))
    };
    let echo = Echo::forgetting()?;
    let mut cases = Vec::new();
    for (number, path) in ["envoy/static.yaml", "envoy/ecds/envoy.yaml"]
        .into_iter()
        .enumerate()
    {
        let folder = folder.join(number.to_string());
        let watched = folder.join("ecds");
        fresh(&watched)?;
        let module = module.canonicalize()?.display().to_string();
        let resource = text_of("envoy/ecds/doorward.yaml")?;
        std::fs::write(
            watched.join("doorward.yaml"),
            resource.replace("target/doorward.wasm", &module),
        )?;
        let text = text_of(path)?
            .replace("target/doorward.wasm", &module)
            .replace("envoy/ecds", &watched.display().to_string())
            .replace("port_value: 9901", "port_value: 0")
            .replace("port_value: 10000", "port_value: 0")
            .replace(
                "port_value: 8080",
                &format!("port_value: {}", echo.address().port()),
            );
        let bootstrap: Value = serde_saphyr::from_str(&text).context(path)?;
        let verdict = match Envoy::start(envoy, &bootstrap, &folder)? {
            Started::Refused(log) => Err(format!("Envoy refused it:\n{log}")),
            Started::Ready(envoy) => ask(&envoy)?,
        };
        cases.push(Case::judged(path, verdict));
    }
    Ok(cases)
}

fn ask(envoy: &Envoy) -> Result<Result<(), String>> {
    let token: Token = serde_json::from_value(serde_json::json!({
        "algorithm": "RS256", "key": "orders-rs256.pem", "kid": "orders-rs256",
        "claims": {
            "iss": "https://issuer.example", "aud": "orders", "sub": "alice",
            "scope": "orders:read", "exp": "+3600",
        },
    }))?;
    let token = token.mint(&root().join("tests").join("keys"), SystemTime::now())?;
    let header = ("authorization".to_owned(), format!("Bearer {token}").into());
    let status = |headers: &[_]| {
        let request = client::Request {
            method: "GET",
            path: "/orders/7",
            authority: "orders.example",
            headers,
            ..client::Request::default()
        };
        client::send(envoy.ingress(), &request).map(|response| response.status)
    };
    let found = (status(&[])?, status(&[header])?);
    Ok(if found == (401, 200) {
        Ok(())
    } else {
        Err(format!(
            "{found:?} instead of 401 without and 200 with a token"
        ))
    })
}
