//! Waiting for what another process does.

use anyhow::{Result, bail};
use std::thread;
use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until there is something to see.
///
/// # Errors
///
/// When looking fails, or `limit` passes with nothing to see.
pub fn until<T>(limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if started.elapsed() > limit {
            bail!("nothing happened for {} s", limit.as_secs());
        }
        thread::sleep(PAUSE);
    }
}
