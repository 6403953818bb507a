//! JOSE compact forms: the header stays, of the claims those that name no person, and the signature is dead.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use authtrace_analyze::token::is_redacted;

use super::Surrogates;
use crate::json;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true)
    .with_encode_padding(false);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// What stands for a token in compact form; `None` where it has no parts.
pub(super) fn surrogate(surrogates: &mut Surrogates, raw: &str) -> Option<String> {
    let (compact, disclosures) = raw.split_once('~').map_or((raw, None), |(jwt, rest)| (jwt, Some(rest)));
    let parts: Vec<&str> = compact.split('.').collect();
    let (header, rest) = parts.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let signed = rest.len() <= 2;
    let mut out = (*header).to_owned();
    for (index, part) in rest.iter().enumerate() {
        out.push('.');
        match index {
            0 if signed => out.push_str(&payload(surrogates, part)),
            _ => out.push_str(&noise(surrogates, raw, part)),
        }
    }
    for disclosure in disclosures.into_iter().flat_map(|rest| rest.split('~')) {
        out.push('~');
        out.push_str(&noise(surrogates, raw, disclosure));
    }
    Some(out)
}

/// Claims with those that name a person replaced; anything that is no JSON becomes noise.
fn payload(surrogates: &mut Surrogates, part: &str) -> String {
    let decoded = decode(part).and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.filter(|text| text.trim_start().starts_with('{')) {
        Some(text) => encode_like(part, json::claims(surrogates, &text).as_bytes()),
        None => noise(surrogates, part, part),
    }
}

/// Random bytes in the place of `part`, which belongs to `whole`.
fn noise(surrogates: &mut Surrogates, whole: &str, part: &str) -> String {
    if part.is_empty() || is_redacted(part) {
        return part.to_owned();
    }
    let mut stream = surrogates.stream([whole, "\0", part].concat().as_bytes(), 0);
    match decode(part) {
        Some(bytes) => encode_like(part, &stream.bytes(bytes.len())),
        None => {
            let classified = authtrace_analyze::token::classify(authtrace_parse::SecretStr::new(part), None);
            super::shape::draw(&mut stream, part, 0, super::Alphabet::of(part, &classified))
        }
    }
}

pub(super) fn decode(part: &str) -> Option<Vec<u8>> {
    let bare = part.trim_end_matches('=');
    if bare.contains(['+', '/']) { STANDARD.decode(bare).ok() } else { URL_SAFE.decode(bare).ok() }
}

/// `bytes` in the alphabet and with the padding of `part`.
pub(super) fn encode_like(part: &str, bytes: &[u8]) -> String {
    let bare = part.trim_end_matches('=');
    let mut out = if bare.contains(['+', '/']) { STANDARD.encode(bytes) } else { URL_SAFE.encode(bytes) };
    out.push_str(&part[bare.len()..]);
    out
}
