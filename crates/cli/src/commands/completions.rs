//! `completions`: a script for the shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{
    args::{Cli, OutputArgs},
    exit,
    output::Output,
};

/// Runs the verb.
pub(super) fn run(shell: Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "authtrace", &mut script);
    Output::new(&OutputArgs::default()).write(&String::from_utf8_lossy(&script))?;
    Ok(exit::OK)
}
