//! The manifest as its author writes it: plain data, nothing checked but its shape.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::entry::MappingEntry;
use crate::settings::{CasbinSettings, Matching};

/// `doorward.yaml`, or the object under `bundle` in the plugin configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The bundle's name: lower-case letters, digits, `-`, `_` and `.`, at most 64.
    pub name: String,
    /// The revision, printed with every decision: printable ASCII without
    /// spaces, at most 64.
    pub revision: String,
    /// Whose tokens are accepted. Empty: no token is looked for.
    #[serde(default)]
    pub tokens: Vec<TokenProvider>,
    /// Which attributes fill which name of the model's request definition: an
    /// expression each, or an object of such.
    pub request: Entries<MappingEntry>,
    /// The Casbin model. In a folder this is `model.conf`.
    pub model: Option<String>,
    /// The Casbin policy as CSV. In a folder this is `policy.csv`.
    pub policy: Option<String>,
    /// See [`CasbinSettings::role_matching`].
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub role_matching: Entries<Matching>,
    /// See [`CasbinSettings::link_condition`].
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub link_condition: Entries<String>,
    /// See [`CasbinSettings::field_index`].
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub field_index: Entries<Entries<f64>>,
    /// See [`CasbinSettings::max_hierarchy_level`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hierarchy_level: Option<f64>,
    /// See [`CasbinSettings::accept_json_request`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_json_request: bool,
    /// How the path of a request is brought to the one form that the policy
    /// and the upstream both see: `STRICT`, or one of Istio's `NONE`, `BASE`,
    /// `MERGE_SLASHES` and `DECODE_AND_MERGE_SLASHES` (the values of its
    /// `MeshConfig.pathNormalization`). Absent: `STRICT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_normalization: Option<String>,
    /// How much of a worker's time may go to signatures that only the module
    /// can check, in percent: PS*, EdDSA, and all of them in a proxy that
    /// offers no cryptography. Absent: 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_budget_percent: Option<f64>,
    /// Which requests leave a decision record: `all`, or `refused`, which spares
    /// those that are allowed the time of writing it. Absent: `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_record: Option<String>,
    /// How refused requests are answered: `problem_json`, `reason_header`,
    /// `name_missing_scope`, `allow_cors_preflight` and `texts`. The values are
    /// checked when the bundle loads, so that an error names its field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<serde_json::Value>,
    /// How `peer.*` is known. Required where it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// How `client.address` is known: `trusted_hops`, how many trusted proxies
    /// in front append to x-forwarded-for, and `use_remote_address`, as the
    /// listener has it: whether this proxy does (true unless it says otherwise).
    /// Absent: it is the connection's peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<serde_json::Value>,
    /// The time zone of `time.*`. In a folder this is its name in the IANA
    /// database, such as `Europe/Berlin`; in the built form `name` and
    /// `offsets`, pairs of the moment from which an offset holds and the
    /// offset in seconds. Absent: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<serde_json::Value>,
}

impl Manifest {
    /// What Casbin sets in code, as one value.
    #[must_use]
    pub fn casbin_settings(&self) -> CasbinSettings {
        CasbinSettings {
            role_matching: self.role_matching.clone(),
            link_condition: self.link_condition.clone(),
            field_index: self.field_index.clone(),
            max_hierarchy_level: self.max_hierarchy_level,
            accept_json_request: self.accept_json_request,
        }
    }
}

/// How the peer of a connection is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub struct Peer {
    /// The trust domains whose peers are accepted, compared exactly.
    pub trust_domains: Vec<String>,
    /// Where the SPIFFE ID is read: `certificate`, `filter_state` (Istio's
    /// `io.istio.peer_principal` in a waypoint) or `forwarded_client_cert`.
    /// Absent: `certificate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The author's statement that the listener verifies the certificates of
    /// its clients, which no attribute tells. Needed for `certificate` and
    /// `forwarded_client_cert`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_certificates_verified: bool,
    /// The SPIFFE IDs of the proxies whose x-forwarded-client-cert is
    /// believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxies: Vec<String>,
}

/// One issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenProvider {
    /// The `iss` of its tokens, compared exactly.
    pub issuer: String,
    /// The audiences of which a token must name at least one.
    pub audiences: Vec<String>,
    /// Its keys. Absent where `hmac_secret` is there.
    #[serde(default, skip_serializing_if = "Jwks::is_absent")]
    pub jwks: Jwks,
    /// The secret of an issuer that signs with HMAC: `env`, the variable of
    /// the VM's environment that holds it, and `encoding`, `text` (the value's
    /// bytes are the secret, the default) or `base64url`.
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub hmac_secret: Entries<String>,
    /// The algorithms that are accepted. Absent: RS256 and ES256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<String>>,
    /// The `kid`s of the RSA keys that may have 1024 to 2047 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_weak_rsa_keys: Option<Vec<String>>,
    /// What `sub` must be: one of `exact`, `prefix`, `suffix` and `contains`,
    /// as in Envoy's jwt_authn. Absent: anything.
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub subjects: Entries<String>,
    /// What the header's `typ` must be, such as `at+jwt` (RFC 9068). Absent:
    /// it is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// Whether a token without `exp` is refused. Absent: it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_expiration: Option<bool>,
    /// How far `exp` may be away, such as `24h`: as Envoy's jwt_authn, what is
    /// left must be less, and `exp` must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<String>,
    /// The greatest size of a token in bytes. Absent: 16384.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_token_bytes: Option<f64>,
    /// Where a token is looked for: each entry has a `header`, in any case and
    /// with a `prefix` such as `Bearer ` if there is one, or a `cookie`, or a
    /// query's `param`. Absent: `authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<Entries<String>>>,
    /// Whether a request must carry a token.
    #[serde(default)]
    pub presence: Presence,
    /// Whether the upstream gets the token. Absent: it is taken out of the
    /// request, as Envoy's jwt_authn does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// The header in which the upstream gets the claims as they are in the
    /// token: base64url without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_payload_header: Option<String>,
    /// Whether `forward_payload_header` is padded with `=`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pad_forward_payload_header: bool,
    /// The claims that the upstream gets in headers: each entry has a `claim`, a
    /// name or names joined by dots, and a `header`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim_to_headers: Vec<Entries<String>>,
    /// How `jwt.principal` is made of the claims, such as `user:{sub}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Which claims act as roles, by the role definition they act in.
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub roles: Entries<Vec<ClaimRole>>,
    /// How far this proxy's clock and the issuer's may differ, in seconds.
    /// Absent: 60, as Envoy's jwt_authn has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_skew_seconds: Option<f64>,
}

/// Where a provider's keys come from: a file beside the manifest, here, or a
/// server that they are fetched from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwks {
    /// A JWKS file in the bundle's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The keys themselves: the `keys` member of a JWKS (RFC 7517 section 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<serde_json::Value>>,
    /// The proxy's cluster that the keys are fetched from. It has to verify the
    /// server's certificate and the name in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The URL of the key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Finds the URL by the issuer (OpenID Connect Discovery 1.0 section 4), in
    /// place of `uri`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discovery: bool,
    /// The greatest time between two fetches, such as `10m`, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// The longest that an answer may take, and that a request waits for keys.
    /// Absent: `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How long keys are used beyond `refresh` when they cannot be fetched
    /// (the name is RFC 5861's). Absent: `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<String>,
}

impl Jwks {
    /// Whether nothing was written.
    pub(crate) fn is_absent(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a request must carry a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// A request without a token is refused with 401.
    #[default]
    Required,
    /// A request without a token is decided by the policy; one with an
    /// invalid token is refused all the same (Envoy's `allow_missing`).
    Optional,
    /// A token that cannot be accepted, for whatever reason, is as none
    /// (Envoy's `allow_missing_or_failed`).
    OptionalOrInvalid,
}

/// A claim whose values act as roles of the principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRole {
    /// The claim: a name, or names joined by dots for a nested one.
    pub claim: String,
    /// What stands before each value, so that no token can name a role that
    /// the policy means for somebody else.
    pub prefix: String,
}

/// A map whose names must differ, in the order in which they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<T>(pub Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Entries<T> {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.iter()
            .find_map(|(known, value)| (known == name).then_some(value))
    }

    /// A name that is none of these.
    pub(crate) fn unknown(&self, known: &[&str]) -> Option<&str> {
        let mut names = self.iter().map(|(name, _)| name);
        names.find(|name| !known.contains(name))
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<T: Serialize> Serialize for Entries<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if entries.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom(format!(
                            "duplicate entry {name:?}"
                        )));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

/// Istio passes the configuration through a protobuf Struct, which turns
/// integers into doubles; a double that is no whole number is refused.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked on the line before"
)]
pub(crate) fn whole_number(number: f64) -> Option<u32> {
    let whole = (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    whole.then_some(number as u32)
}
