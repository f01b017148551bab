//! Runs scenario files on one host.

use crate::envoy::runner::Runner;
use crate::report::{Case, Report};
use anyhow::{Context, Result, ensure};
use host_sim::scenario::{Host, Scenario};
use host_sim::{Options, ProxyModule};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().map(PathBuf::from).unwrap_or(package)
}

/// The scenario files in `tests/scenarios`, and those of the example bundles in
/// `policies/NAME/tests`, sorted by name.
///
/// # Errors
///
/// When a folder cannot be read, is empty, or a bundle has no tests.
pub fn files() -> Result<Vec<PathBuf>> {
    let mut folders = vec![root().join("tests").join("scenarios")];
    for bundle in entries(&root().join("policies"))? {
        if bundle.is_dir() {
            folders.push(bundle.join("tests"));
        }
    }
    let mut files = Vec::new();
    for folder in folders {
        let before = files.len();
        files.extend(entries(&folder)?.into_iter().filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        }));
        ensure!(files.len() > before, "{} has no scenario", folder.display());
    }
    Ok(files)
}

/// What is in a folder, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// What reports call a file: its name, behind the bundle's where it is one of a
/// bundle's tests.
fn title(file: &Path) -> String {
    let name = |path: Option<&Path>| {
        let name = path.and_then(Path::file_stem).unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let folder = file.parent();
    if name(folder) == "tests" {
        format!(
            "{}/{}",
            name(folder.and_then(Path::parent)),
            name(Some(file))
        )
    } else {
        name(Some(file))
    }
}

/// Runs the files on Envoy, and the ready configurations; whether all passed.
///
/// # Errors
///
/// When Envoy does not run at all. A scenario that cannot be run is a failed
/// case.
pub fn on_envoy(envoy: &Path, module: &Path, files: &[PathBuf]) -> Result<bool> {
    let runs = root().join("target").join("envoy-runs");
    let folder = runs.join("scenarios");
    let runner = Runner {
        envoy,
        module,
        folder: &folder,
    };
    let mut number = 0;
    let mut report = Report::new(&format!("envoy {}", version(envoy)?));
    run(&mut report, Host::Envoy, files, |scenario| {
        number += 1;
        runner.run(scenario, number)
    });
    let started = Instant::now();
    let cases = crate::ready::cases(envoy, module, &runs.join("ready"))
        .unwrap_or_else(|error| vec![Case::failed("run", format!("{error:#}"))]);
    report.add("ready configurations", started, &cases);
    Ok(report.close())
}

/// Runs the files on host-sim; whether all passed.
///
/// # Errors
///
/// When the module cannot be loaded. A scenario that cannot be run is a failed
/// case.
pub fn on_host_sim(module: &Path, files: &[PathBuf]) -> Result<bool> {
    let module = ProxyModule::from_file(module)?;
    let mut report = Report::new("host-sim");
    run(&mut report, Host::HostSim, files, |scenario| {
        let report = host_sim::runner::run(&module, scenario, &host_sim_options())?;
        Ok(report
            .steps
            .into_iter()
            .map(|step| Case::new(&step.title, step.differences))
            .collect())
    });
    Ok(report.close())
}

/// Runs the files without a proxy; whether all passed.
#[must_use]
pub fn natively(files: &[PathBuf]) -> bool {
    let mut report = Report::new("native");
    run(&mut report, Host::Native, files, crate::native::run);
    report.close()
}

/// Host-sim's options under which it names the plugin as the Envoy of the
/// tests does.
#[must_use]
pub fn host_sim_options() -> Options {
    let name = crate::envoy::config::NAME;
    Options {
        plugin_name: name.to_owned(),
        root_id: name.to_owned(),
        vm_id: name.to_owned(),
        ..Options::default()
    }
}

fn run(
    report: &mut Report,
    host: Host,
    files: &[PathBuf],
    mut run: impl FnMut(&Scenario) -> Result<Vec<Case>>,
) {
    for file in files {
        let started = Instant::now();
        let title = title(file);
        let scenarios = match crate::given::load(file) {
            Ok(scenarios) => scenarios,
            Err(error) => {
                report.add(
                    &title,
                    started,
                    &[Case::failed("load", format!("{error:#}"))],
                );
                continue;
            }
        };
        for scenario in scenarios.iter().filter(|scenario| scenario.is_for(host)) {
            let started = Instant::now();
            let cases = run(scenario)
                .unwrap_or_else(|error| vec![Case::failed("run", format!("{error:#}"))]);
            report.add(&format!("{title}: {}", scenario.name), started, &cases);
        }
    }
}

/// Envoy's version number.
///
/// # Errors
///
/// When the program does not run or is no Envoy.
pub fn version(envoy: &Path) -> Result<String> {
    let output = Command::new(envoy)
        .arg("--version")
        .output()
        .with_context(|| format!("Envoy ({}) cannot be started", envoy.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split('/')
        .rev()
        .nth(3)
        .map(str::to_owned)
        .with_context(|| {
            format!(
                "{} --version does not answer as Envoy does",
                envoy.display()
            )
        })
}
