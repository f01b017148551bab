//! One step: a child process whose output is shown as it comes.
//!
//! A child that is silent for a while gets a line that says it still runs, so
//! no step looks stuck.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// After this long without output a line says that the step still runs.
const SILENCE: Duration = Duration::from_secs(10);

/// What a child left behind.
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// All lines that it wrote, standard output and error as they came.
    pub(crate) lines: Vec<String>,
}

/// Says what is done next.
pub(crate) fn say(text: &str) {
    println!("==> {text}");
    let _ = std::io::stdout().flush();
}

/// The command as a user would type it.
fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| {
            let value = value?;
            let name = name.to_string_lossy();
            (name != "PATH" && name != "CARGO_TERM_COLOR").then(|| {
                let value = value.to_string_lossy();
                format!("{name}={}", quoted(&value))
            })
        })
        .collect();
    words.push(quoted(&command.get_program().to_string_lossy()));
    words.extend(
        command
            .get_args()
            .map(OsStr::to_string_lossy)
            .map(|word| quoted(&word)),
    );
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Runs the command to its end and shows its output.
///
/// # Errors
///
/// When it cannot be started or waited for. How it ended is in the outcome.
pub(crate) fn run(command: &mut Command) -> Result<Outcome> {
    run_within(command, None)?.context("a command without a limit ran into one")
}

/// Runs the command and fails unless it exits with 0.
///
/// # Errors
///
/// When it cannot be started, or fails.
pub(crate) fn must(command: &mut Command) -> Result<Outcome> {
    let outcome = run(command)?;
    if !outcome.status.success() {
        bail!("`{}` failed: {}", shown(command), outcome.status);
    }
    Ok(outcome)
}

/// Runs the command and shows its output; ends it after `limit`.
///
/// `None` when the limit was reached.
///
/// # Errors
///
/// When it cannot be started or waited for.
pub(crate) fn run_within(
    command: &mut Command,
    limit: Option<Duration>,
) -> Result<Option<Outcome>> {
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let text = shown(command);
    println!("    $ {text}");
    let _ = std::io::stdout().flush();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{text}` cannot be started"))?;
    let (sender, receiver) = channel();
    forward(child.stdout.take(), sender.clone());
    forward(child.stderr.take(), sender);
    let started = Instant::now();
    let (lines, in_time) = show(&receiver, started, limit);
    if !in_time {
        end(&mut child);
        return Ok(None);
    }
    let status = child
        .wait()
        .with_context(|| format!("`{text}` cannot be waited for"))?;
    Ok(Some(Outcome { status, lines }))
}

/// Prints lines until the child closes its output or the limit is reached.
fn show(
    receiver: &Receiver<String>,
    started: Instant,
    limit: Option<Duration>,
) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    loop {
        let left = limit.map(|limit| limit.saturating_sub(started.elapsed()));
        if left == Some(Duration::ZERO) {
            return (lines, false);
        }
        match receiver.recv_timeout(left.map_or(SILENCE, |left| left.min(SILENCE))) {
            Ok(line) => {
                println!("    {line}");
                lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {
                println!("    ... still running, {} s", started.elapsed().as_secs());
            }
            Err(RecvTimeoutError::Disconnected) => return (lines, true),
        }
        let _ = std::io::stdout().flush();
    }
}

fn end(child: &mut Child) {
    // Both fail only for a child that has ended by itself meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}

/// Sends each line of a child's stream, whatever bytes it has.
fn forward(stream: Option<impl Read + Send + 'static>, to: Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line);
            // A progress bar redraws its line; its last state is enough.
            let line = line.trim_end_matches('\r');
            let line = line.rsplit('\r').next().unwrap_or(line);
            if to.send(line.to_owned()).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_collected_and_the_status_is_kept() {
        let outcome = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]))
            .expect("sh starts");
        let mut lines = outcome.lines.clone();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert_eq!(outcome.status.code(), Some(3));
    }

    #[test]
    fn a_limit_ends_the_child() {
        let outcome = run_within(
            Command::new("sleep").arg("60"),
            Some(Duration::from_millis(50)),
        )
        .expect("sleep starts");
        assert!(outcome.is_none());
    }

    #[test]
    fn a_failed_command_is_named_as_typed() {
        let error = must(Command::new("sh").args(["-c", "exit 1"])).err();
        assert_eq!(
            error.map(|error| error.to_string()),
            Some("`sh -c 'exit 1'` failed: exit status: 1".to_owned())
        );
    }
}
