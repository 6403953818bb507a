//! `token`: one token, decoded and, with keys, verified. Claims that name a person stay unseen.

use std::io::Read as _;

use anyhow::{Context as _, bail};
use authtrace_parse::{Secret, SecretStr, Timestamp};
use authtrace_report::token;

use super::start_logging;
use crate::{args::TokenArgs, exit, format::ValueFormat, keys, output::Output};

/// Longest input read: far above any token.
const LIMIT: u64 = 1 << 20;

/// Runs the verb.
pub(super) fn run(args: &TokenArgs) -> anyhow::Result<u8> {
    start_logging(&args.output);
    let format = args.output.format()?.of_value()?;
    let output = Output::new(&args.output);
    let keys = keys::ring(&args.keys)?;
    let raw = match args.token.as_deref() {
        Some(token) if token != "-" => Secret::new(token),
        _ => from_stdin()?,
    };
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).map_or(0, |nanos| nanos);
    let read = token::Reading::new(without_scheme(&raw), &keys, Timestamp::from_nanos(now));
    let text = match format {
        ValueFormat::Text => read.text(&output.layout()?),
        ValueFormat::Json => read.json(),
        ValueFormat::Jsonl => read.jsonl(),
    };
    if text.contains(raw.expose().trim()) && raw.len() >= 12 && !read.is_harmless() {
        bail!("the output would show the token, so nothing was written; this is a defect, report it");
    }
    output.write(&text)?;
    Ok(exit::OK)
}

fn from_stdin() -> anyhow::Result<Secret> {
    let mut text = String::new();
    std::io::stdin().take(LIMIT).read_to_string(&mut text).context("cannot read a token from standard input")?;
    if text.trim().is_empty() {
        bail!("no token: standard input is empty; pipe one in, or `authtrace token JWT`");
    }
    Ok(Secret::new(text.trim()))
}

/// A pasted header value or field becomes its token.
fn without_scheme(raw: &Secret) -> SecretStr<'_> {
    let text = raw.expose().trim();
    let lower = text.get(..14).unwrap_or_default().to_ascii_lowercase();
    let text = if lower == "authorization:" { text[14..].trim_start() } else { text };
    let bearer = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    SecretStr::new(if bearer { text[7..].trim_start() } else { text })
}
