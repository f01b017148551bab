//! The Go program: built from `go/main.go`, started, and asked.

use crate::wire::{Answer, Call, Question, Reply};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Where Debian's package puts Casbin's sources.
const GOPATH: &str = "/usr/share/gocode";

/// What to install where Go or its Casbin is missing.
const PACKAGES: &str = "golang-go golang-github-casbin-casbin-dev";

/// A running Go program.
#[derive(Debug)]
pub struct Go {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Go {
    /// Builds the program in `folder` and starts it.
    ///
    /// # Errors
    ///
    /// When Go or Debian's package of Casbin is not installed, or the program
    /// does not compile.
    pub fn start(folder: &Path) -> Result<Self> {
        let program = build(folder)?;
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let input = child.stdin.take().context("the Go program has no input")?;
        let output = child
            .stdout
            .take()
            .context("the Go program has no output")?;
        Ok(Self {
            child,
            input: Some(input),
            output: BufReader::new(output),
        })
    }

    /// The replies to questions, in order.
    ///
    /// # Errors
    ///
    /// When the program ends early or its output cannot be read.
    pub fn ask(&mut self, questions: &[Question]) -> Result<Vec<Reply>> {
        let input = self.input.as_mut().context("the Go program has ended")?;
        let output = &mut self.output;
        let child = &mut self.child;
        // Written from a thread of its own: both pipes are finite, and a
        // program that waits to be read does not read.
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || -> Result<()> {
                for question in questions {
                    let mut line = serde_json::to_vec(question)?;
                    line.push(b'\n');
                    input.write_all(&line)?;
                }
                Ok(input.flush()?)
            });
            let mut replies = Vec::with_capacity(questions.len());
            for _ in questions {
                // Ended, so that the writer is not left waiting for it.
                replies.push(read(output).inspect_err(|_| drop(child.kill()))?);
            }
            match writer.join() {
                Ok(written) => written.context("the Go program cannot be asked")?,
                Err(_) => bail!("the thread that asks the Go program panicked"),
            }
            Ok(replies)
        })
    }

    /// The answers to function calls, in order.
    ///
    /// # Errors
    ///
    /// As [`Go::ask`].
    pub fn call(&mut self, calls: &[Call]) -> Result<Vec<Answer>> {
        let question = Question {
            calls: calls.to_vec(),
            ..Question::default()
        };
        let replies = self.ask(&[question])?;
        let reply = replies.first().context("the Go program gave no reply")?;
        ensure!(
            reply.answers.len() == calls.len(),
            "the Go program gave {} answers to {} calls",
            reply.answers.len(),
            calls.len()
        );
        Ok(reply.answers.iter().map(Answer::from).collect())
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // At the end of its input the program ends by itself. If it has ended
        // already there is nothing to wait for.
        self.input = None;
        let _ = self.child.wait();
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Result<Reply> {
    let mut line = String::new();
    let read = output
        .read_line(&mut line)
        .context("the Go program's output cannot be read")?;
    ensure!(read > 0, "the Go program ended before it answered");
    serde_json::from_str(&line).with_context(|| format!("the Go program's reply {line:?}"))
}

fn build(folder: &Path) -> Result<PathBuf> {
    let sources = Path::new(GOPATH).join("src/github.com/casbin/casbin");
    ensure!(
        sources.is_dir(),
        "{} is missing; install Debian's packages {PACKAGES}",
        sources.display()
    );
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be made", folder.display()))?;
    let program = folder.join("casbin-go");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg("main.go")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", GOPATH)
        .env("GOFLAGS", "")
        .status()
        .with_context(|| format!("go cannot be run; install Debian's packages {PACKAGES}"))?;
    ensure!(
        status.success(),
        "the Go program does not compile: {status}"
    );
    Ok(program)
}
