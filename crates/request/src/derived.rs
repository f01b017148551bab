//! The facts that Doorward derives itself: `peer.*`, `client.address` and
//! `time.*`.

use std::cell::OnceCell;
use std::fmt;

use crate::client_address::client_address;
use crate::peer::{Failure, PeerPart, PeerSettings};
use crate::read::Scope;
use crate::spiffe::SpiffeId;
use crate::time::{TimePart, TimeZone};
use crate::value::{ResolveError, Resolved};

/// A fact that Doorward derives from what the host gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DerivedFact {
    /// `peer.*`.
    Peer(PeerPart),
    /// `client.address`.
    ClientAddress,
    /// `time.*`.
    Time(TimePart),
}

/// The names of the derived facts.
pub(crate) const DERIVED_NAMES: &[(&str, DerivedFact)] = &[
    ("peer.id", DerivedFact::Peer(PeerPart::Id)),
    (
        "peer.trust_domain",
        DerivedFact::Peer(PeerPart::TrustDomain),
    ),
    ("peer.path", DerivedFact::Peer(PeerPart::Path)),
    ("peer.namespace", DerivedFact::Peer(PeerPart::Namespace)),
    (
        "peer.service_account",
        DerivedFact::Peer(PeerPart::ServiceAccount),
    ),
    ("client.address", DerivedFact::ClientAddress),
    ("time.hour", DerivedFact::Time(TimePart::Hour)),
    ("time.minute", DerivedFact::Time(TimePart::Minute)),
    ("time.weekday", DerivedFact::Time(TimePart::Weekday)),
    ("time.date", DerivedFact::Time(TimePart::Date)),
    ("time.unix", DerivedFact::Time(TimePart::Unix)),
];

impl DerivedFact {
    /// The fact of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (_, fact) = DERIVED_NAMES.iter().find(|(known, _)| *known == name)?;
        Some(*fact)
    }

    /// Its value; `None` where it is absent.
    pub(crate) fn value<'a>(self, scope: &Scope<'a>) -> Result<Option<Resolved<'a>>, ResolveError> {
        let Derived { settings, now, .. } = scope.derived;
        let value = match self {
            Self::Peer(part) => scope.derived.peer(scope).map(|id| {
                let part = id.and_then(|id| part.of(id));
                part.map(|part| Resolved::Text(part.into()))
            }),
            Self::ClientAddress => client_address(settings, scope.headers, scope.facts)
                .map(|address| address.map(|address| Resolved::Text(address.into()))),
            Self::Time(part) => part
                .of(*now, &settings.time_zone)
                .map(Some)
                .ok_or(Failure::Invalid),
        };
        value.map_err(|failure| match failure {
            Failure::Unreadable => ResolveError::Unreadable(self.to_string()),
            Failure::Invalid => ResolveError::Invalid(self.to_string()),
        })
    }
}

impl fmt::Display for DerivedFact {
    /// The fact as a mapping writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = DERIVED_NAMES.iter().find(|(_, fact)| fact == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

/// What a bundle says about the derived facts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DerivedSettings {
    /// How the peer is known. Without it, `peer.*` is invalid.
    pub peer: Option<PeerSettings>,
    /// How many trusted proxies have appended to x-forwarded-for before this
    /// one.
    pub trusted_hops: u32,
    /// Whether this one has not: its listener says `use_remote_address: false`.
    pub peer_not_appended: bool,
    /// The time zone of `time.*`.
    pub time_zone: TimeZone,
}

/// What the derived facts of one request are derived from.
#[derive(Debug)]
pub struct Derived<'a> {
    settings: &'a DerivedSettings,
    now: i64,
    /// Read once, however many of its parts are.
    peer: OnceCell<Result<Option<SpiffeId>, Failure>>,
}

impl<'a> Derived<'a> {
    /// The derived facts of a request that came at `now`, in seconds since
    /// 1970-01-01 UTC.
    #[must_use]
    pub fn new(settings: &'a DerivedSettings, now: i64) -> Self {
        Self {
            settings,
            now,
            peer: OnceCell::new(),
        }
    }

    fn peer(&self, scope: &Scope<'_>) -> Result<Option<&SpiffeId>, Failure> {
        let read = || {
            let settings = self.settings.peer.as_ref().ok_or(Failure::Invalid)?;
            settings.read(scope.headers, scope.facts)
        };
        match self.peer.get_or_init(read) {
            Ok(peer) => Ok(peer.as_ref()),
            Err(failure) => Err(*failure),
        }
    }
}
