//! The files of tokens that requests take in turn, and that what is called
//! cached was, and what is called different was not.

use super::load::{BUSY, Load, Slice, Target};
use super::mint::{self, Algorithm};
use super::variant::{Tokens, Variant};
use crate::client;
use crate::envoy::process::Envoy;
use crate::scenarios::root;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Fewer than any cache holds.
const CACHED: usize = 1_000;

/// The part of requests that may be cached where none is meant to be: by more
/// than this, what is measured is another thing.
const STRAY_HITS: f64 = 0.05;

/// The module tells what it counted with the first request of another second.
const TOLD: Duration = Duration::from_millis(1_100);

/// Files of tokens, one a line.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Mints what these variants need. Of tokens that are used in turn there
    /// are as many as requests, so that hardly one comes a second time.
    pub(super) fn mint(variants: &[Variant], folder: &Path, requests: usize) -> Result<Self> {
        let files = Self {
            folder: folder.to_owned(),
        };
        files.write(Tokens::One, Algorithm::Rs256, 1)?;
        files.write(Tokens::Thousand, Algorithm::Rs256, CACHED)?;
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let tokens = Tokens::Different(algorithm);
            if variants.iter().any(|variant| variant.tokens == tokens) {
                println!("minting {requests} tokens, {algorithm:?}");
                files.write(tokens, algorithm, requests)?;
            }
        }
        Ok(files)
    }

    fn write(&self, tokens: Tokens, algorithm: Algorithm, count: usize) -> Result<()> {
        let keys = root().join("tests").join("keys");
        let minted = mint::tokens(algorithm, count, &keys)?;
        let file = self.path(tokens);
        std::fs::write(&file, minted.join("\n"))
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    /// Where these tokens are.
    pub(super) fn path(&self, tokens: Tokens) -> PathBuf {
        let name = tokens.name().replace(' ', "-");
        self.folder.join(format!("tokens-{name}.txt"))
    }

    /// The token that is always the same.
    pub(super) fn one(&self) -> Result<String> {
        let file = self.path(Tokens::One);
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
    }
}

/// Sends one request; that it is answered as the variant's should be, with the
/// very status.
pub(super) fn ask(target: &Target<'_>, files: &Files) -> Result<()> {
    let token = format!("Bearer {}", files.one()?);
    let request = client::Request {
        method: "GET",
        path: &format!("/{}-0/orders/7", target.variant.path()),
        authority: "localhost",
        headers: &[("authorization".to_owned(), token.into_bytes())],
        ..client::Request::default()
    };
    let answer = client::send(target.proxy.address(target.number)?, &request)?;
    let expected = target.variant.status();
    ensure!(
        answer.status == expected,
        "answered with {} instead of {expected}: {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}

/// Sends slices until each token that is to be cached has come.
pub(super) fn warm(load: &Load, target: &Target<'_>) -> Result<()> {
    let mut sent = 0;
    while target.variant.tokens == Tokens::Thousand && sent < CACHED as u64 {
        let target = Target {
            sent: target.sent + sent,
            ..*target
        };
        sent += load.slice(&target, BUSY)?.requests;
    }
    Ok(())
}

/// Sends a slice as any other and holds Doorward's own counts against what the
/// variant is called.
pub(super) fn checked_slice(load: &Load, target: &Target<'_>, files: &Files) -> Result<Slice> {
    let envoy = &target.proxy.envoy;
    let (hits, software) = counts(envoy)?;
    let slice = load.slice(target, BUSY)?;
    thread::sleep(TOLD);
    ask(target, files)?;
    let (hits, software) = {
        let now = counts(envoy)?;
        (now.0 - hits, now.1 - software)
    };
    ensure!(software == 0, "{software} signatures checked in the module");
    let share = hits as f64 / slice.requests as f64;
    let fits = match target.variant.tokens {
        Tokens::Different(_) => share <= STRAY_HITS,
        Tokens::One | Tokens::Thousand => share > 0.5,
    };
    ensure!(fits, "{hits} of {} tokens were cached", slice.requests);
    Ok(slice)
}

/// Tokens found in the cache, and signatures checked by the module itself, of
/// all VMs: only one of them gets requests at a time.
fn counts(envoy: &Envoy) -> Result<(u64, u64)> {
    let stats = envoy.stats("wasmcustom.doorward")?;
    let value = |name: &str| {
        let stat = stats.iter().find(|(known, _)| known.ends_with(name));
        stat.map_or(0, |(_, value)| *value)
    };
    Ok((
        value("doorward_token.cache.hit.lookups_total"),
        value("software.signatures_total"),
    ))
}
