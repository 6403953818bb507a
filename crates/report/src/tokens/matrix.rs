//! Which key signed which token: those that were given and those that the capture publishes, each against each token.

use std::collections::BTreeMap;

use authtrace_analyze::{
    capture::Capture,
    key::KeyResult,
    tokens::{Token, TokenId},
};

use crate::{
    columns::{Column, table},
    json::document as doc,
    style::Style,
    words::count,
};

/// Most tokens that a line names; the JSON has all.
const LISTED: usize = 12;

/// Where a key comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// The user gave it.
    Given,
    /// A response of the capture published it.
    Published,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Published => "published",
        }
    }
}

/// What every key says of a token.
pub(super) fn results(capture: &Capture, id: TokenId) -> impl Iterator<Item = (&KeyResult, Origin)> {
    let given = capture.key_results.get(&id).into_iter().flatten().map(|result| (result, Origin::Given));
    let published = capture.published_results.get(&id).into_iter().flatten();
    given.chain(published.map(|result| (result, Origin::Published)))
}

/// The row of a token, for programs.
pub(super) fn documents(capture: &Capture, id: TokenId) -> Vec<doc::KeyVerdict> {
    let one = |(result, origin): (&KeyResult, Origin)| doc::KeyVerdict {
        name: result.name.to_string(),
        source: origin.name(),
        verified: result.verified,
        form: result.form.name(),
        length: result.key_len_bytes,
        short: result.short,
        kid: result.kid.as_deref().map(str::to_owned),
        kid_known: result.kid_known,
    };
    results(capture, id).map(one).collect()
}

/// The matrix, a line a key; `None` where no key says anything.
pub(super) fn text(
    capture: &Capture,
    tokens: &[(TokenId, &Token)],
    width: Option<usize>,
    style: Style,
) -> Option<String> {
    let mut rows: BTreeMap<(Origin, &str), [Vec<TokenId>; 2]> = BTreeMap::new();
    let mut lengths: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, _) in tokens {
        for (result, origin) in results(capture, *id) {
            rows.entry((origin, &result.name)).or_default()[usize::from(!result.verified)].push(*id);
            lengths.insert(&result.name, result.key_len_bytes);
        }
    }
    if rows.is_empty() {
        return None;
    }
    let columns = [
        Column::flexible("key", 20),
        Column::left("from").dispensable(2),
        Column::right("bytes").dispensable(1),
        Column::flexible("signed", 10),
        Column::flexible("did not sign", 10),
    ];
    let row = |((origin, name), [signed, not]): (&(Origin, &str), &[Vec<TokenId>; 2])| {
        let length = lengths.get(name).copied().unwrap_or_default();
        vec![(*name).to_owned(), origin.name().to_owned(), length.to_string(), listed(signed), listed(not)]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    Some(table(&columns, &rows, width, style))
}

fn listed(ids: &[TokenId]) -> String {
    let mut names: Vec<String> = ids.iter().take(LISTED).map(ToString::to_string).collect();
    if ids.len() > LISTED {
        names.push(format!("and {}", count(ids.len() - LISTED, "other")));
    }
    if names.is_empty() { "-".to_owned() } else { names.join(" ") }
}
