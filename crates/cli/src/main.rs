//! The program `authtrace`: reads captures of authentication traffic and says why a request was refused.
//!
//! This crate alone reads the command line, environment, clock and terminal, and alone prints.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "this crate is where files, environment and clock are read; the others take values"
)]

mod accept;
mod args;
mod commands;
mod config;
mod details;
mod exit;
mod expectations;
mod format;
mod interrupt;
mod keylog;
mod keys;
mod load;
mod output;
mod progress;
mod rounds;
mod watch;

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Exchanges are made on one thread and freed on another, which this allocator is built for (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let code = match args::parse(std::env::args_os()) {
        Ok(cli) => commands::run(cli),
        Err(stop) => output::stop(&stop),
    };
    ExitCode::from(code)
}
