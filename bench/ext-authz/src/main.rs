//! `doorward-ext-authz --listen 127.0.0.1:0 --answer-at-once`, or with
//! `--rules FILE --jwks FILE`. It says where it listens, and ends when its
//! standard input does, so that it never outlives who started it.

use anyhow::{Context, Result};
use clap::Parser;
use doorward_ext_authz::policy::{Policy, Rule};
use doorward_ext_authz::server::{Form, Rules, serve};
use doorward_ext_authz::token::{self, Tokens};
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{self, ExitCode};
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(about = "Answers Envoy's ext_authz over gRPC, on one thread")]
struct Arguments {
    /// Where to listen; port 0 is any that is free
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Allows everything without a look at it
    #[arg(long, conflicts_with_all = ["rules", "jwks"])]
    answer_at_once: bool,
    /// Decides by these rules: [{"scope": "orders:read", "method": "GET", "prefix": "/orders/"}]
    #[arg(
        long,
        value_name = "FILE",
        requires = "jwks",
        required_unless_present = "answer_at_once"
    )]
    rules: Option<PathBuf>,
    /// The keys that tokens are verified by
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let form = match (&arguments.rules, &arguments.jwks) {
        (Some(rules), Some(jwks)) => {
            token::use_fast_signatures();
            let rules: Vec<Rule> = serde_json::from_str(&read(rules)?)
                .context("the rules are not as they should be")?;
            Form::Rules(Arc::new(Mutex::new(Rules {
                policy: Policy::load(&rules)?,
                tokens: Tokens::load(&read(jwks)?)?,
            })))
        }
        _ => Form::AtOnce,
    };
    end_with_input()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("the runtime cannot be made")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen)
            .await
            .with_context(|| format!("nothing can listen on {}", arguments.listen))?;
        let address = listener.local_addr().context("no address to listen on")?;
        let mut output = io::stdout();
        writeln!(output, "listening on {address}")
            .and_then(|()| output.flush())
            .context("the address cannot be written")?;
        serve(listener, form).await
    })
}

fn read(path: &PathBuf) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Ends the process when its standard input ends.
fn end_with_input() -> Result<()> {
    thread::Builder::new()
        .name("standard input".to_owned())
        .spawn(|| {
            let read = io::copy(&mut io::stdin(), &mut io::sink());
            process::exit(i32::from(read.is_err()));
        })
        .context("standard input cannot be watched")?;
    Ok(())
}
