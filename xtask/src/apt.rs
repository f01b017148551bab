//! Debian packages: installed only when missing, and only as root.

use crate::{place, step};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// Installs the packages for the purpose that `what_for` names.
///
/// # Errors
///
/// When this is no Debian machine, not run as root, or apt-get fails; each
/// says what to do instead.
pub(crate) fn install(packages: &[&str], what_for: &str) -> Result<()> {
    let list = packages.join(" ");
    if let Some(obstacle) = obstacle(packages, what_for)? {
        bail!("{obstacle}");
    }
    step::say(&format!(
        "Installing {what_for} from Debian's packages: {list}"
    ));
    // A mirror of some third party that is down must not stop the others.
    let update = step::run(apt_get().args(["-q", "update"]))?;
    if !update.status.success() {
        println!("    apt-get update failed in part; going on with the lists that there are");
    }
    step::must(
        apt_get()
            .args(["-q", "install", "-y", "--no-install-recommends"])
            .args(packages),
    )
    .with_context(|| {
        format!("{what_for} cannot be installed; install the packages `{list}` by hand")
    })?;
    Ok(())
}

/// Why nothing can be installed on this machine, by whatever means, and what to
/// do instead; none where it can.
///
/// # Errors
///
/// When it cannot be found out who runs this program.
pub(crate) fn obstacle(packages: &[&str], what_for: &str) -> Result<Option<String>> {
    let list = packages.join(" ");
    if place::in_path("apt-get").is_none() {
        return Ok(Some(format!(
            "{what_for} is missing, and this is no Debian machine (there is no apt-get); install \
             what Debian calls `{list}` by your system's own means"
        )));
    }
    if !is_root()? {
        return Ok(Some(format!(
            "{what_for} is missing, and only root can install it; run as root: apt-get update && \
             apt-get install -y --no-install-recommends {list}"
        )));
    }
    Ok(None)
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // A machine that has just started may be updating itself.
    command.args(["-o", "DPkg::Lock::Timeout=300"]);
    command
}

fn is_root() -> Result<bool> {
    let output = Command::new("id")
        .arg("-u")
        .output()
        .context("`id -u` cannot be run")?;
    Ok(output.stdout.trim_ascii() == b"0")
}
