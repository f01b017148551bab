//! Mutual TLS between two Envoys, with SPIFFE certificates that are made here:
//! who the peer is comes from its certificate, and from nothing that it says.

pub mod certificates;
mod server;
pub mod tls;

use crate::bundle::inline_configuration;
use crate::report::{Case, Report};
use crate::scenarios::{root, version};
use anyhow::{Context, Result};
use certificates::{Authority, Identity, self_signed};
use serde_json::{Value, json};
use server::{Forwarding, Server, Verdict};
use std::path::Path;
use std::time::Instant;
use tls::{Chains, Client, ClientSide, Version};

/// Whom the policy of `policies/mesh-zero-trust` lets read orders.
const WEB: &str = "spiffe://west.example/ns/shop/sa/web";
/// Of the same namespace, and named by no row.
const BATCH: &str = "spiffe://west.example/ns/shop/sa/batch";
/// Named like the first one, in a trust domain that nobody accepts.
const FOREIGN: &str = "spiffe://elsewhere.example/ns/shop/sa/web";

/// The proxy whose word on its clients one bundle takes.
const GATEWAY: &str = "spiffe://edge.example/ns/istio-system/sa/gateway";

/// What every side of the tests is made with.
struct Setting<'a> {
    envoy: &'a Path,
    module: &'a Path,
    folder: std::path::PathBuf,
    authority: Authority,
}

/// Some of the cases.
type Part = fn(&Setting<'_>) -> Result<Vec<Case>>;

/// Runs the cases; whether all passed.
///
/// # Errors
///
/// When an Envoy cannot be started at all.
pub fn run(envoy: &Path, module: &Path) -> Result<bool> {
    let mut report = Report::new(&format!("mutual TLS, envoy {}", version(envoy)?));
    let setting = Setting {
        envoy,
        module,
        folder: root().join("target").join("envoy-runs").join("mtls"),
        authority: Authority::new()?,
    };
    let parts: [(&str, Part); 5] = [
        ("identities", identities),
        ("a forged x-forwarded-client-cert", forged_header),
        ("trusted proxies", trusted_proxies),
        ("a bundle that does not state verification", unstated),
        ("untrusted chains", untrusted_chains),
    ];
    for (title, part) in parts {
        let started = Instant::now();
        let cases =
            part(&setting).unwrap_or_else(|error| vec![Case::failed("run", format!("{error:#}"))]);
        report.add(title, started, &cases);
    }
    Ok(report.close())
}

/// The example bundle as a plugin configuration.
fn mesh() -> Result<Value> {
    let folder = root().join("policies").join("mesh-zero-trust");
    Ok(serde_json::from_str(&inline_configuration(&folder, None)?)?)
}

/// A bundle that reads the certificate as the host gives it.
fn raw() -> Value {
    json!({"bundle": {
        "name": "raw",
        "revision": "1",
        "request": {"id": "connection.uri_san_peer_certificate ?? 'none'"},
        "model": "[request_definition]\nr = id\n[policy_definition]\np = id\n\
                  [policy_effect]\ne = some(where (p.eft == allow))\n\
                  [matchers]\nm = r.id == p.id\n",
        "policy": format!("p, {WEB}\n"),
    }})
}

impl Setting<'_> {
    fn client_side(
        &self,
        part: &str,
        server: &Server,
        clients: &[(&str, &Identity, Version)],
    ) -> Result<ClientSide> {
        let clients: Vec<Client<'_>> = clients
            .iter()
            .map(|(name, identity, version)| Client {
                name,
                identity,
                version: *version,
            })
            .collect();
        let folder = self.folder.join(part).join("client");
        let root = self.authority.root();
        ClientSide::start(self.envoy, &folder, server.address(), root, &clients)
    }

    fn server(
        &self,
        part: &str,
        configuration: &Value,
        chains: Chains,
        forwarding: Forwarding,
    ) -> Result<Server> {
        let folder = self.folder.join(part).join("server");
        let text = configuration.to_string();
        Server::start(self, &folder, &text, chains, forwarding)?
            .map_err(|log| anyhow::anyhow!("the configuration was refused:\n{log}"))
    }
}

/// Who a peer is decides, and a peer that cannot show it does not come in.
fn identities(setting: &Setting<'_>) -> Result<Vec<Case>> {
    let mut server = setting.server(
        "identities",
        &mesh()?,
        Chains::Verified,
        Forwarding::Sanitize,
    )?;
    let authority = &setting.authority;
    let web = authority.issue(WEB)?;
    let batch = authority.issue(BATCH)?;
    let foreign = authority.issue(FOREIGN)?;
    let nameless = authority.issue("https://west.example/ns/shop/sa/web")?;
    let copied = self_signed(WEB)?;
    let side = setting.client_side(
        "identities",
        &server,
        &[
            ("web", &web, Version::Tls13),
            ("batch", &batch, Version::Tls13),
            ("foreign", &foreign, Version::Tls13),
            ("nameless", &nameless, Version::Tls13),
            ("old", &web, Version::Tls12),
            ("copied", &copied, Version::Tls13),
        ],
    )?;
    let allowed = Verdict::new(200, "allow", "allow_rule");
    let no_rule = Verdict::new(403, "deny", "no_rule");
    let invalid = Verdict::new(403, "error", "attribute_invalid");
    let mut cases = Vec::new();
    for (title, client, path, expected) in [
        ("who the policy names", "web", "/orders/7", &allowed),
        ("where it is not named", "web", "/payments/7", &no_rule),
        ("another account", "batch", "/orders/7", &no_rule),
        ("another trust domain", "foreign", "/orders/7", &invalid),
        (
            "a URI that is no SPIFFE ID",
            "nameless",
            "/orders/7",
            &invalid,
        ),
        (
            "the right identity over TLS 1.2",
            "old",
            "/orders/7",
            &no_rule,
        ),
    ] {
        let found = server.ask(side.address(client)?, path, &[])?;
        cases.push(Case::judged(title, expected.judge(&found)));
    }
    for (title, address) in [
        ("a copied identity is not let in", side.address("copied")?),
        ("nor is who does not speak TLS", server.address()),
    ] {
        cases.push(Case::judged(title, server.must_not_answer(address)));
    }
    Ok(cases)
}

/// What a client writes of its certificate changes nothing, whether the proxy
/// takes it away or lets it through.
fn forged_header(setting: &Setting<'_>) -> Result<Vec<Case>> {
    let batch = setting.authority.issue(BATCH)?;
    let mut cases = Vec::new();
    for (part, forwarding) in [
        ("forged-sanitized", Forwarding::Sanitize),
        ("forged-forwarded", Forwarding::AlwaysForwardOnly),
    ] {
        let mut server = setting.server(part, &mesh()?, Chains::Verified, forwarding)?;
        let side = setting.client_side(part, &server, &[("batch", &batch, Version::Tls13)])?;
        let address = side.address("batch")?;
        let no_rule = Verdict::new(403, "deny", "no_rule");
        for value in [
            format!("URI={WEB}"),
            format!("By=spiffe://west.example/ns/shop/sa/orders;Hash=00;URI={WEB}"),
            format!("URI={BATCH},URI={WEB}"),
        ] {
            let headers = [("x-forwarded-client-cert", value.as_str())];
            let found = server.ask(address, "/orders/7", &headers)?;
            let title = format!("{forwarding:?}: {value}");
            cases.push(Case::judged(&title, no_rule.judge(&found)));
        }
    }
    Ok(cases)
}

/// Where the bundle takes a proxy's word on its clients, it takes nobody else's.
fn trusted_proxies(setting: &Setting<'_>) -> Result<Vec<Case>> {
    let mut configuration = mesh()?;
    let peer = configuration
        .pointer_mut("/bundle/peer")
        .context("no peer")?;
    peer["from"] = json!("forwarded_client_cert");
    peer["trusted_proxies"] = json!([GATEWAY]);
    let part = "trusted-proxies";
    let mut server = setting.server(
        part,
        &configuration,
        Chains::Verified,
        Forwarding::AlwaysForwardOnly,
    )?;
    let gateway = setting.authority.issue(GATEWAY)?;
    let batch = setting.authority.issue(BATCH)?;
    let clients = [
        ("gateway", &gateway, Version::Tls13),
        ("batch", &batch, Version::Tls13),
    ];
    let side = setting.client_side(part, &server, &clients)?;
    let allowed = Verdict::new(200, "allow", "allow_rule");
    let no_rule = Verdict::new(403, "deny", "no_rule");
    let invalid = Verdict::new(403, "error", "attribute_invalid");
    let absent = Verdict::new(403, "error", "attribute_absent");
    let mut cases = Vec::new();
    for (client, value, expected) in [
        ("gateway", format!("URI={WEB}"), &allowed),
        ("gateway", format!("URI={BATCH}"), &no_rule),
        ("gateway", format!("URI={WEB},URI={BATCH}"), &no_rule),
        ("gateway", format!("URI={FOREIGN}"), &invalid),
        ("gateway", format!("URI=\"{WEB}"), &invalid),
        ("gateway", format!("URI={GATEWAY}"), &absent),
        ("batch", format!("URI={WEB}"), &invalid),
        ("batch", format!("URI={WEB},URI={GATEWAY}"), &invalid),
    ] {
        let headers = [("x-forwarded-client-cert", value.as_str())];
        let found = server.ask(side.address(client)?, "/orders/7", &headers)?;
        let title = format!("{client}: {value}");
        cases.push(Case::judged(&title, expected.judge(&found)));
    }
    let found = server.ask(side.address("gateway")?, "/orders/7", &[])?;
    cases.push(Case::judged(
        "gateway: without the header",
        absent.judge(&found),
    ));
    Ok(cases)
}

/// A bundle that reads `peer.*` has to state that certificates are verified, or
/// it does not load.
fn unstated(setting: &Setting<'_>) -> Result<Vec<Case>> {
    let mut configuration = mesh()?;
    let peer = configuration.pointer_mut("/bundle/peer");
    let peer = peer.and_then(Value::as_object_mut).context("no peer")?;
    peer.remove("client_certificates_verified");
    let folder = setting.folder.join("unstated");
    let started = Server::start(
        setting,
        &folder,
        &configuration.to_string(),
        Chains::AcceptUntrusted,
        Forwarding::Sanitize,
    )?;
    const PART: &str = "peer.client_certificates_verified";
    let verdict = match started {
        Ok(_) => Err("the configuration was accepted".to_owned()),
        Err(log) if log.contains(PART) => Ok(()),
        Err(log) => Err(format!("{PART} is not in the log:\n{log}")),
    };
    Ok(vec![Case::judged("it does not load", verdict)])
}

/// Where a listener accepts untrusted chains, a certificate says what its maker
/// wants. A bundle that reads `peer.*` does not come there without a false
/// statement; one that reads `connection.*` believes what it reads, which
/// docs/attributes.md says of these attributes.
fn untrusted_chains(setting: &Setting<'_>) -> Result<Vec<Case>> {
    let copied = self_signed(WEB)?;
    let other = self_signed(BATCH)?;
    let mut cases = Vec::new();
    let allowed = Verdict::new(200, "allow", "allow_rule");
    let no_rule = Verdict::new(403, "deny", "no_rule");
    let part = "untrusted";
    let mut server = setting.server(part, &raw(), Chains::AcceptUntrusted, Forwarding::Sanitize)?;
    let side = setting.client_side(
        part,
        &server,
        &[
            ("copied", &copied, Version::Tls13),
            ("other", &other, Version::Tls13),
        ],
    )?;
    for (title, client, expected) in [
        (
            "raw attributes believe a copied identity",
            "copied",
            &allowed,
        ),
        ("and any other", "other", &no_rule),
    ] {
        let found = server.ask(side.address(client)?, "/orders/7", &[])?;
        cases.push(Case::judged(title, expected.judge(&found)));
    }
    let part = "raw-verified";
    let mut server = setting.server(part, &raw(), Chains::Verified, Forwarding::Sanitize)?;
    let web = setting.authority.issue(WEB)?;
    let clients = [
        ("web", &web, Version::Tls13),
        ("copied", &copied, Version::Tls13),
    ];
    let side = setting.client_side(part, &server, &clients)?;
    let found = server.ask(side.address("web")?, "/orders/7", &[])?;
    cases.push(Case::judged(
        "where chains are verified they are right",
        allowed.judge(&found),
    ));
    cases.push(Case::judged(
        "and a copied identity is not let in",
        server.must_not_answer(side.address("copied")?),
    ));
    Ok(cases)
}
