//! The routes of two large REST APIs, in Casbin's writing.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A method and a keyMatch2 pattern.
pub(super) type Route = (String, String);

/// The route lists, or routes made up in their place.
pub struct Routes {
    /// The GitHub REST API.
    pub(super) github: Vec<Route>,
    /// The Kubernetes API.
    pub(super) kubernetes: Vec<Route>,
    /// Where they come from, for the report.
    pub origin: String,
}

impl Routes {
    /// Reads the lists from `$DOORWARD_SHARED/data`, or from `shared/data`
    /// beside the repository; makes routes up when neither is there.
    ///
    /// # Errors
    ///
    /// When a list is there and cannot be read.
    pub fn find() -> Result<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("DOORWARD_SHARED").map_or(beside, PathBuf::from);
        let data = shared.join("data");
        if !data.join("github-routes.txt").is_file() {
            return Ok(Self::made_up(&data));
        }
        Ok(Self {
            github: read(&data.join("github-routes.txt"))?,
            kubernetes: read(&data.join("kubernetes-routes.txt"))?,
            origin: format!("the lists in {}", data.display()),
        })
    }

    fn made_up(missing: &Path) -> Self {
        let route = |dot: &str, at: usize| {
            let method = ["GET", "POST", "PUT", "DELETE"][at % 4];
            let pattern = match at % 3 {
                0 => format!("/api{dot}v1/things{at}"),
                1 => format!("/api{dot}v1/things{at}/:id"),
                _ => format!("/api{dot}v1/things{at}/:id/parts/:part"),
            };
            (method.to_owned(), pattern)
        };
        Self {
            github: (0..1_000).map(|at| route("/", at)).collect(),
            kubernetes: (0..1_000).map(|at| route(".", at)).collect(),
            origin: format!(
                "made up, since {} has no route lists (set DOORWARD_SHARED)",
                missing.display()
            ),
        }
    }
}

fn read(file: &Path) -> Result<Vec<Route>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the routes in {} cannot be read", file.display()))?;
    let mut routes: Vec<Route> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(method, path)| (method.to_owned(), path.replace('{', ":").replace('}', "")))
        .collect();
    // A small policy takes the first few: not all of them from one corner.
    fastrand::Rng::with_seed(7).shuffle(&mut routes);
    Ok(routes)
}
