//! The key sources of one VM.

use std::cell::RefCell;
use std::rc::Rc;

use super::keys::RemoteKeys;
use super::settings::RemoteKeySettings;
use super::{Millis, SECOND};

/// How long a source is kept after the last user let go of it.
pub const UNUSED_KEPT: Millis = 600 * SECOND;

/// How many sources without a user are kept, so that memory does not grow with
/// the number of pushes.
pub const MAX_UNUSED_SOURCES: usize = 16;

/// A source as its users hold it.
pub type SharedKeys = Rc<RefCell<RemoteKeys>>;

/// The key sources of one VM, found by their settings. Whoever holds a
/// [`SharedKeys`] is a user; a source without users stays for a while, so that
/// a push goes on with the keys that are there.
#[derive(Debug, Default)]
pub struct KeyStore {
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    keys: SharedKeys,
    unused_since: Option<Millis>,
}

impl KeyStore {
    /// The source with these settings, which is made if it is not there.
    pub fn source(&mut self, settings: &RemoteKeySettings) -> SharedKeys {
        let known = self.sources.iter().find(|source| {
            let keys = source.keys.try_borrow();
            keys.is_ok_and(|keys| keys.settings() == settings)
        });
        if let Some(known) = known {
            return Rc::clone(&known.keys);
        }
        let keys = Rc::new(RefCell::new(RemoteKeys::new(settings.clone())));
        self.sources.push(Source {
            keys: Rc::clone(&keys),
            unused_since: None,
        });
        keys
    }

    /// Forgets sources that have had no user for [`UNUSED_KEPT`], and of more
    /// than [`MAX_UNUSED_SOURCES`] the oldest.
    pub fn sweep(&mut self, now: Millis) {
        for source in &mut self.sources {
            source.unused_since = match source.unused_since {
                _ if Rc::strong_count(&source.keys) > 1 => None,
                // A clock that was set back starts the time again.
                Some(since) if since <= now => Some(since),
                _ => Some(now),
            };
        }
        self.sources.retain(|source| {
            source
                .unused_since
                .is_none_or(|since| now.saturating_sub(since) < UNUSED_KEPT)
        });
        let mut unused = self
            .sources
            .iter()
            .filter(|source| source.unused_since.is_some())
            .count();
        self.sources.retain(|source| {
            let forgotten = source.unused_since.is_some() && unused > MAX_UNUSED_SOURCES;
            if forgotten {
                unused = unused.saturating_sub(1);
            }
            !forgotten
        });
    }

    /// How many sources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}
