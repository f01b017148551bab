//! Runs scenarios without a proxy: the pipeline of `crates/authorizer` in this
//! process, with the header map, the facts and the local replies of host-sim
//! around it. What it says differs from what a module says only if the module's
//! shell or the Wasm of it is at fault.

use crate::report::Case;
use crate::scenarios::host_sim_options;
use anyhow::{Context, Result, bail, ensure};
use doorward_authorizer::{Authorizer, Denied, HeaderEdit, Permitted, Step as Pipeline};
use doorward_bundle::{Bundle, Configuration, ConfigurationError, Secrets, UNSIGNED_VARIABLE};
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::{
    CacheLimits, CachedVerifier, HostCallError, HostVerifier, SignatureHost, SignaturePath,
    SignatureState, TokenCache,
};
use host_sim::scenario::{
    Difference, Expect, Observed, ObservedPush, Request, Scenario, Step, check, check_push,
};
use host_sim::{Answer, Exchange, Options, Status, verify_signature};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Takes the scenario's steps, and says for its configuration and each step how
/// it differs from what is expected.
///
/// # Errors
///
/// When the scenario needs what only a proxy has; then it has to say so in
/// `runs_on`.
pub fn run(scenario: &Scenario) -> Result<Vec<Case>> {
    ensure!(
        scenario.clusters.is_empty(),
        "there are no clusters without a proxy; leave `native` out in `runs_on`"
    );
    ensure!(
        scenario.without_foreign_functions.is_empty() && scenario.vm_configuration.is_empty(),
        "there is no VM without a proxy; leave `native` out in `runs_on`"
    );
    let mut run = Run {
        environment: &scenario.environment,
        options: host_sim_options().with_scenario(scenario),
        tokens: RefCell::new(TokenCache::new(CacheLimits::default(), (0, 0))),
        signatures: SignatureState::default(),
        started: Instant::now(),
        authorizer: None,
    };
    let observed = run.configure(&scenario.configuration.text()?);
    let mut cases = vec![Case::new(
        "configuration",
        check_push(&scenario.expect_configuration, &observed),
    )];
    for step in &scenario.steps {
        cases.push(run.take(step)?);
    }
    Ok(cases)
}

/// A scenario that is being run.
struct Run<'s> {
    environment: &'s BTreeMap<String, String>,
    options: Options,
    tokens: RefCell<TokenCache>,
    signatures: SignatureState,
    started: Instant,
    authorizer: Option<Authorizer>,
}

impl Run<'_> {
    fn take(&mut self, step: &Step) -> Result<Case> {
        match step {
            Step::Request { request, expect } => {
                let differences = self.repeat(request, expect);
                let title = request.title();
                Ok(Case::new(
                    &title,
                    differences.with_context(|| title.clone())?,
                ))
            }
            Step::Push { push, expect } => {
                let observed = self.configure(&push.configuration.text()?);
                Ok(Case::new("push", check_push(expect, &observed)))
            }
            Step::Advance(span) => {
                let now = self.options.clock.unwrap_or_else(SystemTime::now);
                self.options.clock = Some(now + span.0);
                Ok(Case::new(&format!("{span} pass"), Vec::new()))
            }
            Step::Together(_) | Step::Cluster(_) | Step::Calls(_) => bail!(
                "requests that are under way at once, clusters and calls need a proxy; leave \
                 `native` out in `runs_on`"
            ),
        }
    }

    /// Loads a configuration as the module's root context does. A refused one
    /// leaves the one before it in force.
    fn configure(&mut self, configuration: &str) -> ObservedPush {
        match load(configuration, self.environment) {
            Ok(bundle) => {
                self.authorizer = Some(Authorizer::new(bundle));
                ObservedPush {
                    accepted: true,
                    ..ObservedPush::default()
                }
            }
            Err(error) => ObservedPush {
                log: vec![format!("doorward: configuration refused: {error}")],
                ..ObservedPush::default()
            },
        }
    }

    /// The differences of the first time that has some.
    fn repeat(&self, request: &Request, expect: &Expect) -> Result<Vec<Difference>> {
        ensure!(
            expect.metrics.is_empty() && expect.log.is_empty(),
            "there are no metrics and no log lines without a proxy; leave `native` out in \
             `runs_on`"
        );
        for _ in 0..request.times {
            let differences = check(expect, &self.request(request)?);
            if !differences.is_empty() {
                return Ok(differences);
            }
        }
        Ok(Vec::new())
    }

    fn request(&self, request: &Request) -> Result<Observed> {
        let exchange = Exchange::new(request, &self.options)?;
        if exchange.is_refused() {
            return Ok(exchange.refused());
        }
        let authorizer = self
            .authorizer
            .as_ref()
            .context("no configuration was accepted, so no request can be decided")?;
        let headers = exchange.headers().iter();
        let headers = HeaderSnapshot::from_headers(
            headers.map(|(name, value)| (name.as_str(), value.as_slice())),
        )
        .with_end_of_stream(exchange.ends_with_headers());
        let now = exchange.now().duration_since(UNIX_EPOCH);
        let now = i64::try_from(now.unwrap_or(Duration::ZERO).as_secs())?;
        let budget = authorizer.bundle().verification_budget_percent();
        let host = Signatures(self.started);
        let signatures = HostVerifier::new(&host, &self.signatures, budget);
        let tokens = CachedVerifier::new(&self.tokens, &signatures);
        match authorizer.begin(headers, &Properties(&exchange), now, &tokens) {
            Pipeline::Permit(permitted) => permit(exchange, authorizer, &permitted),
            Pipeline::Deny(denied) => Ok(deny(exchange, &denied)),
            Pipeline::AwaitKeys(_) => {
                bail!("keys cannot be fetched without a proxy; leave `native` out in `runs_on`")
            }
        }
    }
}

/// The bundle of a plugin configuration, in a VM of this environment.
fn load(
    configuration: &str,
    environment: &BTreeMap<String, String>,
) -> Result<Bundle, ConfigurationError> {
    let unsigned_allowed = environment
        .get(UNSIGNED_VARIABLE)
        .is_some_and(|value| value == "allow");
    let configuration = Configuration::parse(configuration.as_bytes(), unsigned_allowed)?;
    let mut secrets = Secrets::default();
    for variable in configuration.secret_variables() {
        if let Some(value) = environment.get(variable) {
            secrets.add(variable, value.as_bytes().to_vec());
        }
    }
    configuration.load_with(&secrets)
}

/// Host-sim's cryptography, which is what a proxy's is.
struct Signatures(Instant);

impl SignatureHost for Signatures {
    fn verify_signature(&self, arguments: &[u8]) -> Result<Vec<u8>, HostCallError> {
        verify_signature(arguments).map_err(|_| HostCallError::Failed)
    }

    fn monotonic_nanoseconds(&self) -> Option<u64> {
        u64::try_from(self.0.elapsed().as_nanos()).ok()
    }

    fn in_use(&self, _path: SignaturePath) {}
}

/// The facts of an exchange, as a module's host gives them.
struct Properties<'e>(&'e Exchange);

impl Facts for Properties<'_> {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        match self.0.property(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Status::NotFound) => Ok(None),
            Err(_) => Err(ReadError),
        }
    }
}

/// Makes the changes that the decision asks for, as the module's stream does.
fn permit(
    mut exchange: Exchange,
    authorizer: &Authorizer,
    permitted: &Permitted,
) -> Result<Observed> {
    for edit in permitted.edits() {
        match edit {
            HeaderEdit::Remove(name) => exchange.remove_header(std::str::from_utf8(name)?),
            HeaderEdit::Replace(name, value) => exchange.replace_header(name, value),
        }
    }
    let identity = authorizer.bundle().identity_headers();
    let forged: Vec<String> = exchange
        .trailers()
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| identity.is_forged_trailer(name.as_bytes()))
        .collect();
    for name in forged {
        exchange.remove_trailer(&name);
    }
    Ok(Observed {
        decision: permitted.record_json().map(ToOwned::to_owned),
        ..exchange.permit()
    })
}

fn deny(exchange: Exchange, denied: &Denied) -> Observed {
    let answer = denied.answer();
    let headers = answer.headers.iter();
    let headers = headers
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    let observed = exchange.answer(&Answer {
        status: answer.status,
        details: &denied.record().details(),
        headers,
        body: answer.body.as_bytes(),
        grpc_status: Some(answer.grpc_status.into()),
    });
    Observed {
        decision: Some(denied.record().to_json()),
        ..observed
    }
}
