//! One issuer's entry, checked: its tokens, where they stand, what they give.

use doorward_token::remote::RemoteKeySettings;
use doorward_token::{Jwks, KeyPolicy, ProviderSettings};

use crate::error::BundleError;
use crate::forwarding::Forwarding;
use crate::manifest::{Presence, TokenProvider, whole_number};
use crate::principal::PrincipalForm;
use crate::remote;
use crate::roles::RoleClaim;
use crate::secrets::{self, Secrets};
use crate::source::TokenSource;
use crate::strictness;

/// An issuer whose tokens are accepted, and what a token of it gives.
#[derive(Debug, Clone)]
pub struct Provider {
    pub(crate) tokens: doorward_token::Provider,
    pub(crate) remote_keys: Option<RemoteKeySettings>,
    pub(crate) sources: Vec<TokenSource>,
    pub(crate) forwarding: Forwarding,
    pub(crate) presence: Presence,
    pub(crate) principal: Option<PrincipalForm>,
    pub(crate) roles: Vec<RoleClaim>,
}

impl Provider {
    /// Verification of this issuer's tokens. Where its keys are fetched, it has
    /// none of its own.
    #[must_use]
    pub fn tokens(&self) -> &doorward_token::Provider {
        &self.tokens
    }

    /// How its keys are fetched; `None` where the bundle holds them.
    #[must_use]
    pub fn remote_keys(&self) -> Option<&RemoteKeySettings> {
        self.remote_keys.as_ref()
    }

    /// Where its tokens stand.
    #[must_use]
    pub fn sources(&self) -> &[TokenSource] {
        &self.sources
    }

    /// What the upstream gets of its tokens.
    #[must_use]
    pub fn forwarding(&self) -> &Forwarding {
        &self.forwarding
    }

    /// Whether a request must carry a token.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.presence
    }

    /// How its principals are made; `None`: of `sub`, where there is one.
    #[must_use]
    pub fn principal(&self) -> Option<&PrincipalForm> {
        self.principal.as_ref()
    }

    /// The claims that act as roles.
    #[must_use]
    pub fn roles(&self) -> &[RoleClaim] {
        &self.roles
    }

    /// Checks one entry of `tokens`, the one at `index`.
    pub(crate) fn load(
        index: usize,
        entry: &TokenProvider,
        secrets: &Secrets,
    ) -> Result<Self, BundleError> {
        let at = |field: &str| format!("tokens[{index}].{field}");
        if entry.audiences.is_empty() {
            return Err(BundleError::field(
                at("audiences"),
                "is empty: name the audiences that this issuer's tokens must be for",
            ));
        }
        let algorithms = strictness::algorithms(index, entry)?;
        let named = algorithms.as_deref().unwrap_or_default();
        let keys = match secrets::load(index, entry, named, secrets)? {
            Some(secret) => secret,
            None => keys(index, entry)?,
        };
        let mut settings = ProviderSettings::new(entry.issuer.clone(), keys);
        if let Some(algorithms) = algorithms {
            settings.algorithms = algorithms;
        }
        settings.audiences.clone_from(&entry.audiences);
        strictness::apply(index, entry, &mut settings)?;
        if let Some(seconds) = entry.clock_skew_seconds {
            settings.clock_skew_seconds = whole_number(seconds).ok_or_else(|| {
                BundleError::field(
                    at("clock_skew_seconds"),
                    "is not a whole number of seconds from 0",
                )
            })?;
        }
        let remote_keys = remote::load(index, entry, &settings.algorithms)?;
        let principal = entry
            .principal
            .as_deref()
            .map(PrincipalForm::parse)
            .transpose()
            .map_err(|problem| BundleError::field(at("principal"), problem))?;
        Ok(Self {
            tokens: doorward_token::Provider::new(settings).map_err(|error| {
                BundleError::Provider {
                    issuer: entry.issuer.clone(),
                    error,
                }
            })?,
            remote_keys,
            sources: TokenSource::load_all(index, entry.from.as_deref())?,
            forwarding: Forwarding::load(index, entry)?,
            presence: entry.presence,
            principal,
            roles: roles(index, entry)?,
        })
    }
}

fn keys(index: usize, entry: &TokenProvider) -> Result<Jwks, BundleError> {
    if entry.jwks.remote_field().is_some() {
        if entry.allow_weak_rsa_keys.is_some() {
            return Err(BundleError::field(
                format!("tokens[{index}].allow_weak_rsa_keys"),
                "names keys of a set that is fetched: list such keys under jwks.keys",
            ));
        }
        return Ok(Jwks::awaited());
    }
    let Some(keys) = &entry.jwks.keys else {
        let problem = match &entry.jwks.file {
            Some(file) => format!(
                "names the file {file:?}, which only a bundle's folder can hold: write {{\"keys\": [...]}} here"
            ),
            None => "has neither keys nor a file nor a cluster to fetch them from".to_owned(),
        };
        return Err(BundleError::field(format!("tokens[{index}].jwks"), problem));
    };
    if entry.jwks.file.is_some() {
        return Err(BundleError::field(
            format!("tokens[{index}].jwks"),
            "has both keys and a file: leave one out",
        ));
    }
    let text = serde_json::json!({ "keys": keys }).to_string();
    let policy = KeyPolicy {
        allow_weak_rsa_keys: entry.allow_weak_rsa_keys.clone().unwrap_or_default(),
        ..KeyPolicy::default()
    };
    let keys = Jwks::parse_with(text.as_bytes(), &policy).map_err(|error| BundleError::Jwks {
        issuer: entry.issuer.clone(),
        error,
    })?;
    for (position, name) in policy.allow_weak_rsa_keys.iter().enumerate() {
        if !keys.keys().iter().any(|key| key.key_id() == Some(name)) {
            return Err(BundleError::field(
                format!("tokens[{index}].allow_weak_rsa_keys[{position}]"),
                format!("{name:?} is the kid of no key: take it out"),
            ));
        }
    }
    Ok(keys)
}

fn roles(index: usize, entry: &TokenProvider) -> Result<Vec<RoleClaim>, BundleError> {
    let mut roles = Vec::new();
    for (graph, claims) in entry.roles.iter() {
        for (position, role) in claims.iter().enumerate() {
            let claim = RoleClaim::new(graph, &role.claim, &role.prefix).map_err(|problem| {
                BundleError::field(
                    format!("tokens[{index}].roles.{graph}[{position}]"),
                    problem,
                )
            })?;
            roles.push(claim);
        }
    }
    Ok(roles)
}
