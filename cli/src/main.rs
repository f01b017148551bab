//! The `doorward` command.
//!
//! Exit status: 0 ok, 1 refused or failed, 2 wrong usage.

mod check;
mod clock;
mod enforce;
mod explain;
mod folder;
mod function;
mod inline;
mod json;
mod jws;
mod keys;
mod lines;
mod load;
mod settings;
mod token;
mod verdict;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Decide requests by a Casbin model and policy, verify tokens, check Doorward
/// bundles, and print the plugin configuration that holds one.
#[derive(Parser)]
#[command(name = "doorward", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Enforce(enforce::Arguments),
    Function(function::Arguments),
    Explain(explain::Arguments),
    /// Check a bundle's folder as the proxy would, and say what it holds.
    Check(check::Arguments),
    /// Print the plugin configuration that holds a folder's bundle, unsigned.
    Inline(inline::Arguments),
    /// Verify JWTs.
    #[command(subcommand)]
    Token(token::Command),
    /// Verify signatures in JWS compact form.
    #[command(subcommand)]
    Jws(jws::Command),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Enforce(arguments) => enforce::run(&arguments),
        Command::Function(arguments) => function::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Inline(arguments) => inline::run(&arguments),
        Command::Token(token::Command::Verify(arguments)) => token::run(&arguments),
        Command::Jws(jws::Command::Verify(arguments)) => jws::run(&arguments),
    }
}
