//! `explain`: one rule's page.

use anyhow::{Context as _, bail};
use authtrace_analyze::catalogue;
use authtrace_report::rules;

use crate::{args::ExplainArgs, exit, format::Format, output::Output};

/// Runs the verb.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<u8> {
    if args.output.format()? != Format::Text {
        bail!("explain prints a page of text; `authtrace rules -T json` lists the rules for programs");
    }
    let name = args.rule.trim();
    let rule =
        catalogue::find(name).with_context(|| format!("no rule is called {name}; `authtrace rules` lists them"))?;
    let output = Output::new(&args.output);
    output.write(&rules::page(rule, output.style()?))?;
    Ok(exit::OK)
}
