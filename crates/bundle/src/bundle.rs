//! A manifest that was found whole and consistent, ready to decide.

use std::rc::Rc;

use doorward_engine::{CompileError, Context, Engine, Model, Policy, ReservedPrefix, Settings};
use doorward_request::{DerivedSettings, Mapping, PathNormalization, same_header};
use doorward_token::DEFAULT_VERIFICATION_BUDGET_PERCENT;

use crate::answers::Answers;
use crate::error::BundleError;
use crate::identity_headers::IdentityHeaders;
use crate::manifest::{Manifest, Presence, whole_number};
use crate::provider::Provider;
use crate::route;
use crate::secrets::Secrets;
use crate::source::TokenSource;
use crate::{client_address, peer, time_zone};

/// What decides: the engine or, in one benchmark, the casbin crate.
#[cfg(not(feature = "casbin-engine"))]
type Decider = Engine;
#[cfg(feature = "casbin-engine")]
type Decider = crate::casbin_engine::CasbinEngine;

/// The longest name and revision, in bytes: both go into every refusal.
const MAX_LABEL_BYTES: usize = 64;

/// A loaded bundle. Immutable: a push replaces it whole.
#[derive(Debug)]
pub struct Bundle {
    name: String,
    revision: String,
    engine: Decider,
    mapping: Mapping,
    providers: Vec<Provider>,
    identity_headers: Rc<IdentityHeaders>,
    accept_json_request: bool,
    path_normalization: PathNormalization,
    derived_settings: DerivedSettings,
    verification_budget_percent: u8,
    records_allowed_requests: bool,
    answers: Answers,
}

impl Bundle {
    /// Checks a manifest that names no secret; see [`Self::load_with`].
    ///
    /// # Errors
    /// Anything that is wrong with the bundle; see [`BundleError`].
    pub fn load(manifest: &Manifest) -> Result<Self, BundleError> {
        Self::load_with(manifest, &Secrets::default())
    }

    /// Checks a manifest and compiles its policy. What is decided here
    /// depends on the manifest and the secrets that it names alone, never on
    /// the clock or on what was loaded before, so that all of a proxy's
    /// workers agree.
    ///
    /// # Errors
    /// Anything that is wrong with the bundle; see [`BundleError`].
    pub fn load_with(manifest: &Manifest, secrets: &Secrets) -> Result<Self, BundleError> {
        check_name(&manifest.name)?;
        check_revision(&manifest.revision)?;
        let providers = manifest
            .tokens
            .iter()
            .enumerate()
            .map(|(index, entry)| Provider::load(index, entry, secrets))
            .collect::<Result<Vec<_>, _>>()?;
        check_issuers(&providers)?;
        let answers = manifest.answers.as_ref().map(Answers::load);
        let answers = answers.transpose()?.unwrap_or_default();
        let engine = compile(manifest, &providers, &answers)?;
        #[cfg(feature = "casbin-engine")]
        let engine = Decider::beside(engine, manifest)?;
        let mapping = map(manifest, &engine)?;
        if mapping.reads_route() {
            route::check(&manifest.tokens)?;
        }
        check_subject(&mapping, &engine, &providers)?;
        if mapping.reads_token() && providers.is_empty() {
            return Err(BundleError::field(
                "request",
                "reads jwt, but tokens names no issuer: add one, or do not read jwt",
            ));
        }
        let (trusted_hops, peer_not_appended) =
            client_address::load(manifest.client_address.as_ref())?;
        let derived_settings = DerivedSettings {
            peer: peer::load(manifest.peer.as_ref(), mapping.reads_peer())?,
            trusted_hops,
            peer_not_appended,
            time_zone: time_zone::load(manifest.time_zone.as_ref())?,
        };
        Ok(Self {
            name: manifest.name.clone(),
            revision: manifest.revision.clone(),
            engine,
            mapping,
            identity_headers: Rc::new(IdentityHeaders::new(&providers)),
            providers,
            accept_json_request: manifest.accept_json_request,
            path_normalization: path_normalization(manifest)?,
            derived_settings,
            verification_budget_percent: verification_budget(manifest)?,
            records_allowed_requests: records_allowed_requests(manifest)?,
            answers,
        })
    }

    /// The bundle's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bundle's revision.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The compiled policy.
    #[must_use]
    pub fn engine(&self) -> &Decider {
        &self.engine
    }

    /// How a request becomes the engine's request.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether a text value that starts with `{` or `[` is read as JSON before
    /// the engine gets it.
    #[must_use]
    pub fn accept_json_request(&self) -> bool {
        self.accept_json_request
    }

    /// How the path of a request is brought to its canonical form.
    #[must_use]
    pub fn path_normalization(&self) -> PathNormalization {
        self.path_normalization
    }

    /// What the facts that Doorward derives itself are derived by.
    #[must_use]
    pub fn derived_settings(&self) -> &DerivedSettings {
        &self.derived_settings
    }

    /// How much of a worker's time may go to slow checks of signatures, in
    /// percent.
    #[must_use]
    pub fn verification_budget_percent(&self) -> u8 {
        self.verification_budget_percent
    }

    /// Whether allowed requests leave a decision record; refused ones do.
    #[must_use]
    pub fn records_allowed_requests(&self) -> bool {
        self.records_allowed_requests
    }

    /// How refused requests are answered.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The issuers whose tokens are accepted.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The headers that a request may not bring.
    #[must_use]
    pub fn identity_headers(&self) -> &Rc<IdentityHeaders> {
        &self.identity_headers
    }

    /// Whether a request without a token is refused: as soon as one issuer's
    /// entry says `required`.
    #[must_use]
    pub fn requires_token(&self) -> bool {
        self.providers
            .iter()
            .any(|provider| provider.presence() == Presence::Required)
    }

    /// Whether a subject of this name is refused, since only token claims may
    /// name what starts so.
    #[must_use]
    pub fn is_reserved(&self, subject: &str) -> bool {
        self.providers
            .iter()
            .flat_map(Provider::roles)
            .any(|role| subject.starts_with(role.prefix()))
    }
}

fn path_normalization(manifest: &Manifest) -> Result<PathNormalization, BundleError> {
    let Some(name) = &manifest.path_normalization else {
        return Ok(PathNormalization::default());
    };
    PathNormalization::named(name).ok_or_else(|| {
        let known = PathNormalization::ALL.map(PathNormalization::name);
        BundleError::field(
            "path_normalization",
            format!("{name:?} is none of {}", known.join(", ")),
        )
    })
}

fn verification_budget(manifest: &Manifest) -> Result<u8, BundleError> {
    let Some(percent) = manifest.verification_budget_percent else {
        return Ok(DEFAULT_VERIFICATION_BUDGET_PERCENT);
    };
    whole_number(percent)
        .and_then(|percent| u8::try_from(percent).ok())
        .filter(|percent| *percent <= 100)
        .ok_or_else(|| {
            BundleError::field(
                "verification_budget_percent",
                format!("{percent} is not a whole number from 0 to 100"),
            )
        })
}

fn records_allowed_requests(manifest: &Manifest) -> Result<bool, BundleError> {
    match manifest.decision_record.as_deref() {
        None | Some("all") => Ok(true),
        Some("refused") => Ok(false),
        Some(other) => Err(BundleError::field(
            "decision_record",
            format!("{other:?} is neither all nor refused"),
        )),
    }
}

fn check_name(name: &str) -> Result<(), BundleError> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > MAX_LABEL_BYTES || !name.bytes().all(fits) {
        return Err(BundleError::field(
            "name",
            format!(
                "{name:?} is not 1 to {MAX_LABEL_BYTES} lower-case letters, digits, '-', '_' and '.'"
            ),
        ));
    }
    Ok(())
}

fn check_revision(revision: &str) -> Result<(), BundleError> {
    if revision.is_empty()
        || revision.len() > MAX_LABEL_BYTES
        || !revision.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(BundleError::field(
            "revision",
            format!(
                "{revision:?} is not 1 to {MAX_LABEL_BYTES} printable characters without spaces"
            ),
        ));
    }
    Ok(())
}

/// No issuer may speak for another: issuers differ, principals of different
/// issuers cannot be equal, and no role prefix reaches into another issuer's.
fn check_issuers(providers: &[Provider]) -> Result<(), BundleError> {
    for (index, provider) in providers.iter().enumerate() {
        for (earlier, other) in providers.iter().enumerate().take(index) {
            if provider.tokens().issuer() == other.tokens().issuer() {
                return Err(BundleError::field(
                    format!("tokens[{index}].issuer"),
                    format!("is also the issuer of tokens[{earlier}]: keep one entry"),
                ));
            }
            check_principals(index, provider, earlier, other)?;
            check_mixed((index, provider), (earlier, other))?;
            check_mixed((earlier, other), (index, provider))?;
            check_role_prefixes(index, provider, earlier, other)?;
        }
    }
    check_sources(providers)?;
    check_reserved(providers)
}

/// A prefix that starts another one of the same header would find another
/// token in the same value, and two different tokens are refused. A header that
/// is written is none that a client's token is read from.
fn check_sources(providers: &[Provider]) -> Result<(), BundleError> {
    let all = providers.iter().flat_map(Provider::sources);
    for (index, provider) in providers.iter().enumerate() {
        for (position, source) in provider.sources().iter().enumerate() {
            let TokenSource::Header { name, prefix } = source else {
                continue;
            };
            let field = |member: &str| format!("tokens[{index}].from[{position}].{member}");
            let overlap = all.clone().find_map(|other| match other {
                TokenSource::Header {
                    name: other_name,
                    prefix: other,
                } if other_name == name && other != prefix => {
                    let start = other.as_bytes().get(..prefix.len())?;
                    start
                        .eq_ignore_ascii_case(prefix.as_bytes())
                        .then_some(other)
                }
                _ => None,
            });
            if let Some(other) = overlap {
                return Err(BundleError::field(
                    field("prefix"),
                    format!(
                        "{prefix:?} is the start of {other:?}, which is looked for in the same header: write one of the two"
                    ),
                ));
            }
            let mut written = providers
                .iter()
                .flat_map(|other| other.forwarding().headers());
            if written.any(|written| same_header(written.as_bytes(), name.as_bytes())) {
                return Err(BundleError::field(
                    field("header"),
                    format!(
                        "{name:?} is also written, by claim_to_headers or forward_payload_header: name another there"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Two issuers may use one `sub` for two subjects (RFC 7519 section 4.1.2), so
/// it is told apart by the principal's form, or by the issuer beside it, if the
/// matcher looks at that. What a
/// function makes of a principal has its issuer's form no more.
fn check_subject(
    mapping: &Mapping,
    engine: &Engine,
    providers: &[Provider],
) -> Result<(), BundleError> {
    let mut issuers = mapping.places_of_claim("iss").into_iter();
    if providers.len() < 2 || issuers.any(|(entry, members)| engine.reads(entry, &members)) {
        return Ok(());
    }
    let problem = if mapping.reads_claim("sub") {
        "reads jwt.sub, which two issuers may give to different subjects: read jwt.principal, or jwt.iss as well, and have the matcher look at it"
    } else if mapping.computes_principal() {
        "gives jwt.principal to a function, which may make one of the principals of two issuers: read jwt.principal as it is, or jwt.iss as well, and have the matcher look at it"
    } else {
        return Ok(());
    };
    Err(BundleError::field("request", problem))
}

/// A principal's form that starts with a role prefix would have every token
/// of its issuer refused.
fn check_reserved(providers: &[Provider]) -> Result<(), BundleError> {
    for (index, provider) in providers.iter().enumerate() {
        let Some(form) = provider.principal() else {
            continue;
        };
        let role = providers
            .iter()
            .flat_map(Provider::roles)
            .find(|role| form.prefix().starts_with(role.prefix()));
        if let Some(role) = role {
            return Err(BundleError::field(
                format!("tokens[{index}].principal"),
                format!(
                    "starts with the role prefix {:?}, which no subject may",
                    role.prefix()
                ),
            ));
        }
    }
    Ok(())
}

fn check_principals(
    index: usize,
    provider: &Provider,
    earlier: usize,
    other: &Provider,
) -> Result<(), BundleError> {
    let (Some(form), Some(other_form)) = (provider.principal(), other.principal()) else {
        let missing = if provider.principal().is_none() {
            index
        } else {
            earlier
        };
        return Err(BundleError::field(
            format!("tokens[{missing}].principal"),
            "is needed where there are several issuers, such as \"partner:{sub}\": without it, two issuers could name the same subject",
        ));
    };
    if form.prefix().starts_with(other_form.prefix())
        || other_form.prefix().starts_with(form.prefix())
    {
        return Err(BundleError::field(
            format!("tokens[{index}].principal"),
            format!(
                "starts with {:?}, and that of tokens[{earlier}] with {:?}: neither may be the start of the other, so that two issuers never name the same subject",
                form.prefix(),
                other_form.prefix()
            ),
        ));
    }
    Ok(())
}

/// No role of one issuer may be the name of another's principal: a role link
/// would give its bearer what the policy gives to that principal. The roles
/// have any ending, so the prefixes alone decide; that a principal's form may
/// not start with a role prefix is [`check_reserved`]'s.
fn check_mixed(
    (index, provider): (usize, &Provider),
    (other_index, other): (usize, &Provider),
) -> Result<(), BundleError> {
    let Some(form) = other.principal() else {
        return Ok(());
    };
    for role in provider.roles() {
        if role.prefix().starts_with(form.prefix()) {
            return Err(BundleError::field(
                format!("tokens[{index}].roles.{}", role.graph()),
                format!(
                    "the prefix {:?} starts with {:?}, as the principals of tokens[{other_index}] do: one issuer could name the other's subjects",
                    role.prefix(),
                    form.prefix()
                ),
            ));
        }
    }
    Ok(())
}

fn check_role_prefixes(
    index: usize,
    provider: &Provider,
    earlier: usize,
    other: &Provider,
) -> Result<(), BundleError> {
    for role in provider.roles() {
        for other_role in other.roles() {
            let (prefix, other_prefix) = (role.prefix(), other_role.prefix());
            let overlap = prefix.starts_with(other_prefix) || other_prefix.starts_with(prefix);
            if role.graph() == other_role.graph() && overlap {
                return Err(BundleError::field(
                    format!("tokens[{index}].roles.{}", role.graph()),
                    format!(
                        "the prefix {prefix:?} overlaps with {other_prefix:?} of tokens[{earlier}]: one issuer could name the other's roles"
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn compile(
    manifest: &Manifest,
    providers: &[Provider],
    answers: &Answers,
) -> Result<Engine, BundleError> {
    let Some(model) = &manifest.model else {
        return Err(BundleError::field(
            "model",
            "is missing: give the text of the Casbin model",
        ));
    };
    let model = Model::parse(model).map_err(BundleError::Model)?;
    let policy = Policy::parse_csv(manifest.policy.as_deref().unwrap_or_default())
        .map_err(BundleError::Policy)?;
    let reserved = providers
        .iter()
        .flat_map(Provider::roles)
        .map(|role| ReservedPrefix {
            graph: role.graph().to_owned(),
            prefix: role.prefix().to_owned(),
        })
        .collect();
    let settings = Settings {
        reserved,
        near_misses: if answers.name_missing_scope() {
            let roles = providers.iter().flat_map(Provider::roles);
            let of_scopes = roles.filter(|role| role.is_scope());
            of_scopes.map(|role| role.graph().to_owned()).collect()
        } else {
            Vec::new()
        },
        ..manifest.casbin_settings().settings()?
    };
    let engine = Engine::compile(&model, &policy, &settings).map_err(|error| match error {
        // The reserved prefixes are those of the issuers' roles.
        CompileError::Settings {
            field: "reserved",
            message,
        } => BundleError::field("tokens[].roles", message),
        CompileError::Settings { field, message } => BundleError::field(field, message),
        error => BundleError::Compile(error),
    })?;
    if engine.reads_policy() && engine.row_count_of("p") == 0 {
        return Err(BundleError::EmptyPolicy);
    }
    Ok(engine)
}

fn map(manifest: &Manifest, engine: &Engine) -> Result<Mapping, BundleError> {
    let definition: Vec<&str> = engine
        .request_definition(Context::default())
        .unwrap_or_default()
        .iter()
        .map(AsRef::as_ref)
        .collect();
    let entries = manifest
        .request
        .iter()
        .map(|(name, entry)| (name, entry.source()));
    let mapping = Mapping::parse(&definition, entries).map_err(BundleError::Mapping)?;
    let types = mapping.types(manifest.accept_json_request);
    engine.check_types(&types).map_err(BundleError::Types)?;
    Ok(mapping)
}
