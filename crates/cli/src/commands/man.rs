//! `man`: the manual page of the program or of one verb, or all of them as files for a package.

use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::{
    args::{Cli, OutputArgs},
    exit,
    output::Output,
};

/// Runs the verb.
pub(super) fn run(verb: Option<&str>, output: Option<&Path>) -> anyhow::Result<u8> {
    let mut program = Cli::command();
    if let Some(folder) = output {
        clap_mangen::generate_to(program, folder)
            .with_context(|| format!("cannot write manual pages into {}; check -o", folder.display()))?;
        return Ok(exit::OK);
    }
    program.build();
    let command = match verb {
        None => program,
        Some(verb) => {
            let found = program.find_subcommand(verb);
            found.with_context(|| format!("man {verb}: no such verb; `authtrace --help` lists them"))?.clone()
        }
    };
    let mut page = Vec::new();
    let source = concat!("authtrace ", env!("CARGO_PKG_VERSION"));
    Man::new(command)
        .source(source)
        .manual("authtrace manual")
        .render(&mut page)
        .context("cannot write the manual page")?;
    Output::new(&OutputArgs::default()).write(&String::from_utf8_lossy(&page))?;
    Ok(exit::OK)
}
