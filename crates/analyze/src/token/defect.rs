//! Ways in which a credential departs from its grammar, and the cleaning that undoes them.

use std::borrow::Cow;

use super::placeholder::{is_placeholder, is_redacted};

/// One departure from the credentials grammar (RFC 9110 §11.4, RFC 6750 §2.1, RFC 7515 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// Nothing after the scheme.
    Empty,
    /// No scheme in front of the credentials.
    MissingScheme,
    /// The scheme twice: `Bearer Bearer x`.
    DoubledScheme,
    /// Another scheme inside the value: `Bearer Token x`, or `Bearer x` in a field that takes no scheme.
    SchemeInsideValue,
    /// `Bearer:` or `Bearer=`.
    SchemePunctuation,
    /// Quotation marks around the value.
    Quoted,
    /// A percent-encoded space.
    PercentSpace,
    /// A backslash followed by `n` or `r`: an escape that was never interpreted.
    EscapedNewline,
    /// A carriage return or line feed at the end.
    TrailingNewline,
    /// A byte order mark or another invisible character.
    Invisible,
    /// White space within the value.
    InnerWhitespace,
    /// A comma: two values joined, or a list's rest.
    Comma,
    /// A character outside `b64token`.
    NotB64Token,
    /// Neither three segments (JWS) nor five (JWE).
    SegmentCount(u16),
    /// This segment (zero-based) is not base64url.
    SegmentNotBase64(u16),
    /// The first segment decodes to something other than a JSON object.
    HeaderNotJson,
    /// The header names no algorithm.
    AlgMissing,
    /// The payload starts like a JSON object and is none.
    PayloadNotJson,
    /// The signature is shorter or longer than its algorithm makes it, in base64url characters.
    SignatureLength {
        /// Characters found.
        found: u32,
        /// Characters that the algorithm makes.
        expected: u32,
    },
    /// Padding or `+` and `/` where JOSE wants base64url without padding.
    NonconformantBase64,
    /// The value ends at a length where a field or buffer is commonly cut: 4096 or 8192 bytes.
    CutAtLimit,
}

impl Defect {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::MissingScheme => "missing-scheme",
            Self::DoubledScheme => "doubled-scheme",
            Self::SchemeInsideValue => "scheme-inside-value",
            Self::SchemePunctuation => "scheme-punctuation",
            Self::Quoted => "quoted",
            Self::PercentSpace => "percent-space",
            Self::EscapedNewline => "escaped-newline",
            Self::TrailingNewline => "trailing-newline",
            Self::Invisible => "invisible-character",
            Self::InnerWhitespace => "inner-whitespace",
            Self::Comma => "comma",
            Self::NotB64Token => "not-b64token",
            Self::SegmentCount(_) => "segment-count",
            Self::SegmentNotBase64(_) => "segment-not-base64url",
            Self::HeaderNotJson => "header-not-json",
            Self::AlgMissing => "alg-missing",
            Self::PayloadNotJson => "payload-not-json",
            Self::SignatureLength { .. } => "signature-length",
            Self::NonconformantBase64 => "nonconformant-base64",
            Self::CutAtLimit => "cut-at-limit",
        }
    }

    /// Those that have no number.
    const PLAIN: [Self; 18] = [
        Self::Empty,
        Self::MissingScheme,
        Self::DoubledScheme,
        Self::SchemeInsideValue,
        Self::SchemePunctuation,
        Self::Quoted,
        Self::PercentSpace,
        Self::EscapedNewline,
        Self::TrailingNewline,
        Self::Invisible,
        Self::InnerWhitespace,
        Self::Comma,
        Self::NotB64Token,
        Self::HeaderNotJson,
        Self::AlgMissing,
        Self::PayloadNotJson,
        Self::NonconformantBase64,
        Self::CutAtLimit,
    ];

    /// As a table holds it: the name with its numbers behind it (`signature-length:40:43`).
    pub(crate) fn to_column(self) -> String {
        let name = self.name();
        match self {
            Self::SegmentCount(number) | Self::SegmentNotBase64(number) => format!("{name}:{number}"),
            Self::SignatureLength { found, expected } => format!("{name}:{found}:{expected}"),
            _ => name.to_owned(),
        }
    }

    /// The defect that a table holds; `None` where it is not known.
    pub(crate) fn from_column(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        match parts.next()? {
            "segment-count" => Some(Self::SegmentCount(parts.next()?.parse().ok()?)),
            "segment-not-base64url" => Some(Self::SegmentNotBase64(parts.next()?.parse().ok()?)),
            "signature-length" => Some(Self::SignatureLength {
                found: parts.next()?.parse().ok()?,
                expected: parts.next()?.parse().ok()?,
            }),
            name => Self::PLAIN.into_iter().find(|defect| defect.name() == name),
        }
    }

    /// Whether the value has lost characters, so that its signature cannot verify with any key.
    pub const fn is_truncation(self) -> bool {
        match self {
            Self::SignatureLength { found, expected } => found < expected,
            Self::CutAtLimit => true,
            _ => false,
        }
    }
}

/// What is left of a value once its wrapping is taken off, and what was taken off.
pub(super) struct Cleaned<'a> {
    pub(super) value: Cow<'a, str>,
    pub(super) defects: Vec<Defect>,
}

/// Layers that are taken off at most: real accidents stack two or three (`"Bearer x\n"`).
const MAX_LAYERS: usize = 8;

/// Takes off quotes, stray schemes, encoded or escaped white space and invisible characters.
///
/// `outer` is the scheme that already stood in front of the value, so that the same word again counts as doubled.
pub(super) fn clean<'a>(raw: &'a str, outer: Option<&str>) -> Cleaned<'a> {
    let mut defects = Vec::new();
    if raw.ends_with(['\r', '\n']) {
        defects.push(Defect::TrailingNewline);
    }
    let mut value = remove_invisible(raw, &mut defects);
    for _ in 0..MAX_LAYERS {
        let trimmed = value.trim();
        if is_placeholder(trimmed) || is_redacted(trimmed) {
            break;
        }
        let Some((rest, defect)) = peel(trimmed, outer) else { break };
        let rest = rest.to_owned();
        note(&mut defects, defect);
        value = Cow::Owned(rest);
    }
    let value = match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    Cleaned { value, defects }
}

/// Adds `defect` once.
pub(super) fn note(defects: &mut Vec<Defect>, defect: Defect) {
    if !defects.contains(&defect) {
        defects.push(defect);
    }
}

/// Zero-width space, non-joiner, joiner, word joiner, byte order mark, soft hyphen.
const INVISIBLE: [char; 6] = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}'];

fn remove_invisible<'a>(raw: &'a str, defects: &mut Vec<Defect>) -> Cow<'a, str> {
    if raw.is_ascii() || !raw.contains(INVISIBLE) {
        return Cow::Borrowed(raw);
    }
    defects.push(Defect::Invisible);
    Cow::Owned(raw.chars().filter(|c| !INVISIBLE.contains(c)).collect())
}

/// Takes one layer off, from the outside in.
fn peel<'a>(value: &'a str, outer: Option<&str>) -> Option<(&'a str, Defect)> {
    peel_quotes(value)
        .map(|rest| (rest, Defect::Quoted))
        .or_else(|| peel_ends(value, &["\\r\\n", "\\n", "\\r"]).map(|rest| (rest, Defect::EscapedNewline)))
        .or_else(|| peel_ends(value, &["%20"]).map(|rest| (rest, Defect::PercentSpace)))
        .or_else(|| peel_ends(value, &["%0D%0A", "%0A", "%0d%0a", "%0a"]).map(|rest| (rest, Defect::TrailingNewline)))
        .or_else(|| value.strip_suffix([',', ';']).map(|rest| (rest, Defect::Comma)))
        .or_else(|| peel_scheme(value, outer))
}

fn peel_quotes(value: &str) -> Option<&str> {
    const PAIRS: [(&str, &str); 4] = [("\\\"", "\\\""), ("\"", "\""), ("'", "'"), ("`", "`")];
    PAIRS.iter().find_map(|(open, close)| match (value.strip_prefix(open), value.strip_suffix(close)) {
        (Some(rest), _) => Some(rest.strip_suffix(close).unwrap_or(rest)),
        (None, Some(rest)) => Some(rest),
        (None, None) => None,
    })
}

fn peel_ends<'a>(value: &'a str, marks: &[&str]) -> Option<&'a str> {
    marks.iter().find_map(|mark| value.strip_prefix(mark).or_else(|| value.strip_suffix(mark)))
}

/// Words that stand in front of bearer-like credentials.
const SCHEMES: [&str; 6] = ["bearer", "token", "jwt", "basic", "dpop", "authorization"];

fn peel_scheme<'a>(value: &'a str, outer: Option<&str>) -> Option<(&'a str, Defect)> {
    let word = SCHEMES.iter().find(|s| value.get(..s.len()).is_some_and(|start| start.eq_ignore_ascii_case(s)))?;
    let rest = &value[word.len()..];
    let after = rest.strip_prefix("%20").unwrap_or_else(|| rest.trim_start_matches([' ', '\t', ':', '=']));
    if after.len() == rest.len() || after.is_empty() {
        return None;
    }
    let doubled = outer.is_some_and(|outer| outer.eq_ignore_ascii_case(word));
    Some((after, if doubled { Defect::DoubledScheme } else { Defect::SchemeInsideValue }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, value: &str, defects: &[Defect]) {
        let cleaned = clean(raw, Some("Bearer"));
        assert_eq!((cleaned.value.as_ref(), cleaned.defects.as_slice()), (value, defects), "{raw:?}");
    }

    #[test]
    fn takes_the_wrapping_off() {
        check("abc", "abc", &[]);
        check("Bearer abc", "abc", &[Defect::DoubledScheme]);
        check("bearer: abc", "abc", &[Defect::DoubledScheme]);
        check("Token abc", "abc", &[Defect::SchemeInsideValue]);
        check("Bearer%20abc", "abc", &[Defect::DoubledScheme]);
        check("\"abc\"", "abc", &[Defect::Quoted]);
        check("'abc'", "abc", &[Defect::Quoted]);
        check("\"Bearer abc\\n\"", "abc", &[Defect::Quoted, Defect::EscapedNewline, Defect::DoubledScheme]);
        check("abc\r\n", "abc", &[Defect::TrailingNewline]);
        check("\u{feff}abc", "abc", &[Defect::Invisible]);
        check("abc,", "abc", &[Defect::Comma]);
        check("%20abc", "abc", &[Defect::PercentSpace]);
        check("tokenish", "tokenish", &[]);
        check("\"null\"", "null", &[Defect::Quoted]);
    }

    #[test]
    fn every_defect_comes_back_from_its_name() {
        let numbered =
            [Defect::SegmentCount(2), Defect::SegmentNotBase64(1), Defect::SignatureLength { found: 40, expected: 43 }];
        for defect in Defect::PLAIN.into_iter().chain(numbered) {
            assert_eq!(Defect::from_column(&defect.to_column()), Some(defect));
        }
        assert_eq!(Defect::from_column("of-tomorrow"), None);
    }
}
