//! What may be shown of an exchange's names: a token that stands where a name belongs is taken out.

use std::borrow::Cow;

use authtrace_parse::{SecretStr, headers::Headers};

use super::{credential, route};
use crate::{
    text::{Interner, LONGEST, Text, start},
    token::{TokenKind, classify},
};

/// The names of header fields, lower case, with spaces between them; of very many the first.
pub(super) fn write_names(headers: &Headers, out: &mut String) {
    for (name, _) in headers.iter() {
        if out.len() + name.len() > LONGEST {
            return;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(name.chars().map(|letter| letter.to_ascii_lowercase()));
    }
}

/// The path as it may be shown: a segment that is a token reads `{token}`, and of a very long path only the first
/// segments are kept, since half a token can no longer be told as one.
pub(super) fn display_path(path: &str) -> Cow<'_, str> {
    if path.len() > LONGEST {
        let start = start(path, LONGEST);
        let whole = start.rfind('/').map_or("", |end| &start[..end]);
        return format!("{}/…", display_path(whole)).into();
    }
    if !path.split('/').any(is_secret_segment) {
        return path.into();
    }
    let show = |segment: &str| if is_secret_segment(segment) { "{token}".to_owned() } else { segment.to_owned() };
    path.split('/').map(show).collect::<Vec<_>>().join("/").into()
}

/// Long random segments are reset links, magic links and the like; identifiers and hashes are not.
fn is_secret_segment(segment: &str) -> bool {
    if segment.len() < 20 {
        return false;
    }
    let classified = classify(SecretStr::new(segment), None);
    let is_id = segment.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    match classified.kind {
        TokenKind::Opaque => segment.len() >= 32 && !is_id && !segment.contains('.') && route::is_variable(segment),
        TokenKind::ApiKey { publishable: false } => true,
        kind => credential::is_token_kind(kind),
    }
}

/// A parameter name or grant type as it may be shown: names are short words; anything else may be a value out of place.
pub(super) fn safe_name(name: &str, interner: &mut Interner) -> Text {
    // A short word is no token; only what may be one is worth a closer look.
    let plain =
        name.len() <= 64 && (name.len() < 16 || !credential::is_token_kind(classify(SecretStr::new(name), None).kind));
    interner.text(if plain { name } else { "{token}" })
}
