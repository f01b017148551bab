//! Answers: one JSON object a line, in the order of what was asked.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

/// What stands in an answer's place where there is none.
#[derive(Serialize)]
pub(crate) struct Failure {
    pub(crate) error: String,
    /// Which part of the input does not load; none for a single request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<&'static str>,
}

impl Failure {
    /// The failure of one request.
    pub(crate) fn new(error: String) -> Self {
        Self { error, stage: None }
    }
}

/// An answer, or what stands in its place.
#[derive(Serialize)]
#[serde(untagged)]
enum Either<'a, T> {
    Answer(&'a T),
    Failure(&'a Failure),
}

impl<'a, T> Either<'a, T> {
    fn new(answer: &'a Result<T, Failure>) -> Self {
        match answer {
            Ok(answer) => Self::Answer(answer),
            Err(failure) => Self::Failure(failure),
        }
    }
}

/// Prints one answer. The exit status is 1 where it is a failure, or where it
/// could not be printed.
pub(crate) fn print<T: Serialize>(answer: &Result<T, Failure>) -> ExitCode {
    print_one(&Either::new(answer), answer.is_ok())
}

/// Prints one answer. The exit status is 1 where it is not good, or where it
/// could not be printed.
pub(crate) fn print_one(answer: &impl Serialize, good: bool) -> ExitCode {
    match write(&mut io::stdout(), answer) {
        Ok(()) if good => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => broken("standard output", &error),
    }
}

/// Answers every line of a file, or of standard input where it is `-`. The
/// exit status is 1 where any answer is a failure.
pub(crate) fn answer<T: Serialize>(
    path: &Path,
    mut ask: impl FnMut(&[u8]) -> Result<T, String>,
) -> ExitCode {
    each(path, |line, output| {
        let answer = ask(line).map_err(Failure::new);
        write(output, &Either::new(&answer)).map(|()| answer.is_ok())
    })
}

/// The same with answers that say themselves whether they are good.
pub(crate) fn judge<T: Serialize>(
    path: &Path,
    mut ask: impl FnMut(&[u8]) -> (T, bool),
) -> ExitCode {
    each(path, |line, output| {
        let (answer, good) = ask(line);
        write(output, &answer).map(|()| good)
    })
}

/// Has every line answered to the output; the answer says whether it was good.
fn each(
    path: &Path,
    mut answer: impl FnMut(&[u8], &mut dyn Write) -> io::Result<bool>,
) -> ExitCode {
    let interactive = path.as_os_str() == "-";
    let input: Box<dyn BufRead> = if interactive {
        Box::new(io::stdin().lock())
    } else {
        match File::open(path) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => return broken(&path.display().to_string(), &error),
        }
    };
    let mut output = BufWriter::new(io::stdout().lock());
    let mut all = true;
    for line in input.split(b'\n') {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                // What was answered so far is still the answer to its lines.
                let _ = output.flush();
                return broken(&path.display().to_string(), &error);
            }
        };
        // Whoever writes to standard input may wait for the answer.
        let written = answer(&line, &mut output).and_then(|good| {
            if interactive {
                output.flush()?;
            }
            Ok(good)
        });
        match written {
            Ok(good) => all &= good,
            Err(error) => return broken("standard output", &error),
        }
    }
    match output.flush() {
        Ok(()) if all => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => broken("standard output", &error),
    }
}

/// Writes one line.
fn write(output: &mut (impl Write + ?Sized), answer: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, answer)?;
    output.write_all(b"\n")
}

/// Says what could not be read or written, and why.
pub(crate) fn broken(what: &str, error: &io::Error) -> ExitCode {
    eprintln!("doorward: {what}: {error}");
    ExitCode::FAILURE
}
