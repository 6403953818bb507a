//! What a credential is, told by its bytes: kind, defects, and what it says of itself. Nothing here verifies anything.

pub mod authorization;
mod base64;
mod claims;
mod cookies;
mod defect;
pub mod entropy;
mod fingerprint;
mod jose;
mod json;
mod kind;
mod parameters;
mod placeholder;
mod shapes;
mod value;

use authtrace_parse::{Secret, SecretStr, Timestamp};
use serde::{Deserialize, Serialize};

pub use authorization::Authorization;
pub use claims::{Claims, NumericDate, TokenUse};
pub use defect::Defect;
pub use fingerprint::{Fingerprinter, is_guessable};
pub use jose::{Jose, JoseForm, JoseHeader, MAX_TOKEN, Signature};
pub use json::Json;
pub use kind::{Framework, TokenKind};
pub use placeholder::{is_placeholder, is_redacted};
pub use value::{Identifier, Told, Value, VendorKey};

use crate::{dictionary, facts::columns, text::Text};

/// What one credential turned out to be.
#[derive(Clone, Serialize, Deserialize)]
pub struct Classified {
    /// Kind of the value once its wrapping (quotes, stray scheme…) is taken off.
    pub kind: TokenKind,
    /// Kind of the bytes as sent; differs from `kind` only where a defect hides it.
    pub as_sent: TokenKind,
    /// Who issues values of this shape, where the shape says so.
    pub vendor: Option<Text>,
    /// What is wrong with it, outermost first.
    #[serde(with = "columns::defects")]
    pub defects: Vec<Defect>,
    /// Header and claims, where the value is in JOSE compact form.
    pub jose: Option<Jose>,
    /// The value without its wrapping, where it has any: what a verifier would have been meant to see.
    #[serde(skip)]
    pub cleaned: Option<Secret>,
    /// Estimated bits of the value as sent; `None` where it holds no secret (placeholder, redacted).
    pub entropy_bits: Option<f32>,
    /// Bytes as sent.
    pub length: usize,
    /// When it was made, where its form says so outside of JOSE (Fernet).
    pub issued_at: Option<Timestamp>,
}

impl Classified {
    /// The value to compare, verify and fingerprint: `raw` without its wrapping.
    pub fn value<'a>(&'a self, raw: SecretStr<'a>) -> SecretStr<'a> {
        self.cleaned.as_ref().map_or_else(|| SecretStr::new(raw.expose().trim()), Secret::as_secret_str)
    }
}

/// Classifies the credentials that follow `scheme` (as sent, any letter case), or a bare value where it is `None`.
///
/// Percent-encoding is not undone, except to recognise framework cookies. Linear in the length of `raw`.
pub fn classify(raw: SecretStr<'_>, scheme: Option<&str>) -> Classified {
    match scheme.and_then(parameters::kind_of_scheme) {
        Some(kind) => parameters::classify(raw, kind),
        None if is_token_parameter(raw, scheme) => {
            let mut classified = classify_with(raw, scheme, recognise);
            classified.defects.retain(|d| !matches!(d, Defect::DoubledScheme | Defect::Quoted | Defect::NotB64Token));
            classified
        }
        None => classify_with(raw, scheme, recognise),
    }
}

/// Rails writes `Token token="…"`: the scheme's own parameter list, not a scheme said twice.
fn is_token_parameter(raw: SecretStr<'_>, scheme: Option<&str>) -> bool {
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("token")) && raw.expose().starts_with("token=")
}

/// Classifies the value of the cookie called `name`.
pub fn classify_cookie(name: &str, raw: SecretStr<'_>) -> Classified {
    let mut classified = classify_with(raw, None, recognise);
    // A cookie may be quoted and hold what an Authorization field may not (RFC 6265 §4.1.1).
    let allowed =
        |defect: &Defect| matches!(defect, Defect::NotB64Token | Defect::Comma | Defect::Empty | Defect::Quoted);
    classified.defects.retain(|defect| !allowed(defect));
    if matches!(classified.kind, TokenKind::Opaque | TokenKind::LowEntropy)
        && let Some(framework) = cookies::by_name(name, raw.expose())
    {
        classified.kind = TokenKind::FrameworkCookie(framework);
        classified.as_sent = classified.kind;
        classified.vendor = Some(framework.name().into());
    }
    classified
}

/// What a value is, once clean.
struct Recognised {
    kind: TokenKind,
    vendor: Option<Text>,
    jose: Option<Jose>,
}

impl From<TokenKind> for Recognised {
    fn from(kind: TokenKind) -> Self {
        Self { kind, vendor: None, jose: None }
    }
}

fn classify_with(
    raw: SecretStr<'_>,
    scheme: Option<&str>,
    recognise: fn(&str, Option<&str>) -> Recognised,
) -> Classified {
    let text = raw.expose();
    let cleaned = defect::clean(text, scheme);
    let mut defects = cleaned.defects;
    let mut value = cleaned.value.into_owned();
    let mut found = recognise(&value, scheme);
    if let Some(joined) = without_inner_whitespace(&value) {
        defect::note(&mut defects, Defect::InnerWhitespace);
        // A wrapped JWT is a JWT; two words are two words.
        let again = recognise(&joined, scheme);
        if again.jose.is_some() {
            (found, value) = (again, joined);
        }
    }
    let as_sent = if value == text.trim() { found.kind } else { recognise(text.trim(), scheme).kind };
    note_grammar(&value, text, &found, &mut defects);
    let known = matches!(found.kind, TokenKind::Placeholder | TokenKind::Redacted);
    Classified {
        kind: found.kind,
        as_sent,
        vendor: found.vendor,
        defects,
        entropy_bits: (!known).then(|| entropy::bits(text)),
        length: text.len(),
        cleaned: (value != text.trim()).then(|| Secret::new(value.as_str())),
        issued_at: (found.kind == TokenKind::Fernet).then(|| shapes::fernet_issued_at(&value)).flatten(),
        jose: found.jose,
    }
}

/// `value` without the white space inside it; `None` where there is none, or where it is prose of known meaning.
fn without_inner_whitespace(value: &str) -> Option<String> {
    let inner = value.contains(|c: char| c.is_ascii_whitespace());
    (inner && !is_placeholder(value) && !is_redacted(value))
        .then(|| value.chars().filter(|c| !c.is_ascii_whitespace()).collect())
}

/// Adds what the cleaned value itself does wrong: empty, outside `b64token`, broken JOSE, cut.
fn note_grammar(value: &str, raw: &str, found: &Recognised, defects: &mut Vec<Defect>) {
    if value.is_empty() {
        defect::note(defects, Defect::Empty);
    }
    for defect in found.jose.iter().flat_map(|jose| &jose.defects) {
        defect::note(defects, *defect);
    }
    let bearer_like = matches!(found.kind, TokenKind::Opaque | TokenKind::LowEntropy) || found.kind.is_jose();
    if bearer_like && found.kind != TokenKind::SdJwt && !is_b64token(value) {
        let comma = value.contains(',');
        defect::note(defects, if comma { Defect::Comma } else { Defect::NotB64Token });
    }
    if bearer_like && matches!(raw.len(), 4096 | 8192) {
        defect::note(defects, Defect::CutAtLimit);
    }
}

/// `b64token` of RFC 6750 §2.1, empty allowed; white space is another defect. Salesforce's session ids have a `!` in them.
fn is_b64token(value: &str) -> bool {
    let bare = value.trim_end_matches('=');
    let salesforce = bare.starts_with("00D");
    bare.bytes().all(|b| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
            || b.is_ascii_whitespace()
            || (b == b'!' && salesforce)
    })
}

/// The ordered list: the first that fits wins.
fn recognise(value: &str, scheme: Option<&str>) -> Recognised {
    if is_redacted(value) {
        return TokenKind::Redacted.into();
    }
    if is_placeholder(value) {
        return TokenKind::Placeholder.into();
    }
    if let Some(found) = recognise_jose(value) {
        return found;
    }
    if let Some(framework) = cookies::by_value(value) {
        return Recognised { vendor: Some(framework.name().into()), ..TokenKind::FrameworkCookie(framework).into() };
    }
    if let Some(kind) = shapes::recognise(value) {
        return Recognised {
            vendor: dictionary::prefixes().find(value, scheme).map(|p| p.vendor().into()),
            ..kind.into()
        };
    }
    if let Some(prefix) = dictionary::prefixes().find(value, scheme) {
        let kind = TokenKind::ApiKey { publishable: prefix.is_publishable() };
        return Recognised { vendor: Some(prefix.vendor().into()), ..kind.into() };
    }
    if let Some(identifier) = dictionary::identifiers().find(value) {
        let kind = if identifier.is_uuid() { TokenKind::UuidOpaque } else { TokenKind::Identifier };
        return Recognised { vendor: identifier.vendor().map(Text::from), ..kind.into() };
    }
    parameters::kind_without_scheme(value).unwrap_or_else(|| by_entropy(value)).into()
}

fn recognise_jose(value: &str) -> Option<Recognised> {
    // SD-JWT: the issuer's JWT is what stands before the first `~`.
    let (compact, disclosures) = value.split_once('~').map_or((value, false), |(jwt, _)| (jwt, true));
    let jose = Jose::read(SecretStr::new(compact))?;
    let kind = match jose.form {
        JoseForm::Jwe => TokenKind::Jwe,
        JoseForm::Jws if disclosures => TokenKind::SdJwt,
        JoseForm::Jws if jose.is_jwt() || jose.broken_segment().is_some() || jose.segments.len() < 3 => TokenKind::Jwt,
        JoseForm::Jws => TokenKind::Jws,
    };
    let vendor = dictionary::providers().by_token(&jose).map(|provider| provider.name().into());
    Some(Recognised { kind, vendor, jose: Some(jose) })
}

/// Characters from which a random value can be a token.
const OPAQUE_LENGTH: usize = 20;
/// Bits per character from which a value is random rather than written: hexadecimal text reaches 4.
const OPAQUE_BITS: f32 = 3.5;
/// Hexadecimal text of a digest's length is a token at less: forty hex digits reach 3.2 by chance.
const HEX_LENGTHS: [usize; 3] = [32, 40, 64];
const HEX_BITS: f32 = 2.8;

fn by_entropy(value: &str) -> TokenKind {
    let bits = entropy::bits_per_byte(value);
    let hex = HEX_LENGTHS.contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit());
    if value.len() >= OPAQUE_LENGTH && bits >= OPAQUE_BITS || hex && bits >= HEX_BITS {
        TokenKind::Opaque
    } else {
        TokenKind::LowEntropy
    }
}

#[cfg(test)]
mod tests;
