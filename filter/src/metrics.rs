//! The module's counters. They are kept in the VM's memory and handed to the
//! proxy together, so that a request that goes on costs no host call for them.
//!
//! A name is made of the words in this file and of reason codes, which are
//! texts of the program; nothing that a client or a policy wrote gets into one,
//! since a proxy never frees a name. Each has its variable part between
//! `component.` or `cache.` and the next dot: Istio's rules make a label of
//! it. Elsewhere it stays in the name.

use std::collections::BTreeMap;

use doorward_token::{CacheCounts, SignatureCounts, SignaturePath};

use crate::host;

/// A counter's family, with its variable part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    /// Requests that were decided: `allowed`, or the refusal's reason code.
    Requests(&'static str),
    /// Tokens that counted as none, by the reason code of their refusal.
    Ignored(&'static str),
    /// Tokens that the cache was asked about: `hit`, `refused`, `miss`.
    Tokens(&'static str),
    /// Signatures that were checked, by whose cryptography.
    Signatures(&'static str),
}

impl Counter {
    fn name(self) -> String {
        match self {
            Self::Requests(code) => format!("doorward.component.{code}.requests_total"),
            Self::Ignored(code) => format!("doorward.component.{code}.ignored_tokens_total"),
            Self::Tokens(state) => format!("doorward_token.cache.{state}.lookups_total"),
            Self::Signatures(path) => format!("doorward.component.{path}.signatures_total"),
        }
    }
}

#[derive(Debug, Default)]
struct Count {
    /// The proxy's number for it, once it was told of it.
    id: Option<u32>,
    /// What the proxy was not told of yet.
    pending: u64,
}

/// All counters of a VM.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counts: BTreeMap<Counter, Count>,
    /// Requests that were allowed since the last flush: nearly all are.
    allowed: u64,
    failed: bool,
}

impl Metrics {
    pub(crate) fn add_allowed(&mut self) {
        self.allowed = self.allowed.saturating_add(1);
    }

    pub(crate) fn add(&mut self, counter: Counter, count: u64) {
        if count > 0 {
            let known = self.counts.entry(counter).or_default();
            known.pending = known.pending.saturating_add(count);
        }
    }

    pub(crate) fn add_tokens(&mut self, counts: CacheCounts) {
        self.add(Counter::Tokens("hit"), counts.hits);
        self.add(Counter::Tokens("refused"), counts.refusals);
        self.add(Counter::Tokens("miss"), counts.misses);
    }

    pub(crate) fn add_signatures(&mut self, counts: SignatureCounts) {
        self.add(Counter::Signatures(SignaturePath::Host.name()), counts.host);
        self.add(
            Counter::Signatures(SignaturePath::Software.name()),
            counts.software,
        );
    }

    /// Tells the proxy what is pending. What it does not take is kept; that a
    /// number is late changes no decision.
    pub(crate) fn flush(&mut self) {
        let allowed = std::mem::take(&mut self.allowed);
        self.add(Counter::Requests("allowed"), allowed);
        for (counter, count) in &mut self.counts {
            if count.pending == 0 {
                continue;
            }
            let told = match count.id {
                Some(id) => Ok(id),
                None => host::define_counter(&counter.name()),
            }
            .and_then(|id| {
                count.id = Some(id);
                host::increment_metric(id, i64::try_from(count.pending).unwrap_or(i64::MAX))
            });
            match told {
                Ok(()) => count.pending = 0,
                Err(error) if !self.failed => {
                    self.failed = true;
                    log::warn!("doorward: metrics are not counted: {error}");
                }
                Err(_) => {}
            }
        }
    }
}
