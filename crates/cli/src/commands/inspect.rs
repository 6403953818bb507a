//! `tokens`, `sessions`: what was read, without judgement.

use authtrace_report::{Focus, View, sessions, terminal, tokens};

use super::{focus, start_logging, write_checked};
use crate::{
    args::InspectArgs,
    exit::{self, Verdict},
    format::ListFormat,
    load::{self, Loaded},
    output::Output,
};

/// What to list.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// Credentials.
    Tokens,
    /// Sessions.
    Sessions,
}

/// Runs the verb.
pub(super) fn run(args: &InspectArgs, what: What) -> anyhow::Result<u8> {
    start_logging(&args.output);
    let format = args.output.format()?.of_list()?;
    let output = Output::new(&args.output);
    let layout = terminal::Layout { clock: focus::clock(args)?, ..output.layout()? };
    let Loaded { analysis, failed, nothing, interrupted, .. } = load::load(args)?;
    if nothing {
        return Ok(if interrupted { exit::INTERRUPTED } else { exit::USAGE });
    }
    let exchanges = focus::exchanges(args, &analysis)?;
    let view = View::new(&analysis, Focus { exchanges, ..Focus::default() });
    let text = match (what, format) {
        (What::Tokens, ListFormat::Text) => tokens::text(&view, &layout, output.columns()),
        (What::Tokens, ListFormat::Json) => tokens::json(&view),
        (What::Tokens, ListFormat::Jsonl) => tokens::jsonl(&view),
        (What::Tokens, ListFormat::Csv) => tokens::csv(&view),
        (What::Sessions, ListFormat::Text) => sessions::text(&view, &layout, output.columns()),
        (What::Sessions, ListFormat::Json) => sessions::json(&view),
        (What::Sessions, ListFormat::Jsonl) => sessions::jsonl(&view),
        (What::Sessions, ListFormat::Csv) => sessions::csv(&view),
    };
    write_checked(&output, &text, &analysis)?;
    let no_judgement = analysis.is_empty();
    Ok(Verdict { no_judgement, usage: failed, interrupted, ..Verdict::default() }.code())
}
