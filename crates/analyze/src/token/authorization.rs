//! Splits the value of an Authorization field into scheme and credentials, whatever was written there.
//!
//! RFC 9110 §11.4: `credentials = auth-scheme [ 1*SP ( token68 / #auth-param ) ]`. Real fields also hold a bare token,
//! `Bearer:`, an encoded space or the scheme twice; each is read as it was meant, and the defect is kept.

use authtrace_parse::SecretStr;

use super::{Classified, Defect, classify, defect::note, parameters};
use crate::challenge;

/// How the credentials are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing follows the scheme.
    Empty,
    /// One run of `token68` characters.
    Token68,
    /// A list of `name=value` parameters.
    Parameters,
    /// Neither.
    Other,
}

/// The parts of one Authorization (or Proxy-Authorization) field value.
pub struct Authorization<'a> {
    /// Scheme as sent; `None` where there is none.
    pub scheme: Option<&'a str>,
    /// What follows the scheme, outer white space taken off.
    pub credentials: SecretStr<'a>,
    /// What is wrong with the field, outermost first; the credentials' own defects are [`Classified::defects`].
    pub defects: Vec<Defect>,
}

impl<'a> Authorization<'a> {
    /// Splits a field value. Never fails: a value without a scheme is all credentials.
    pub fn read(value: SecretStr<'a>) -> Self {
        let text = value.expose();
        let mut defects = Vec::new();
        if text.ends_with(['\r', '\n']) {
            defects.push(Defect::TrailingNewline);
        }
        let (scheme, rest) = split(text.trim(), &mut defects);
        let rest = rest.trim();
        Self { scheme, credentials: SecretStr::new(rest), defects }
    }

    /// How the credentials are written.
    pub fn form(&self) -> Form {
        form(self.credentials.expose())
    }

    /// Classifies the credentials; the field's own defects come first in the result.
    pub fn classify(&self) -> Classified {
        let mut classified = classify(self.credentials, self.scheme);
        let mut defects = self.defects.clone();
        for defect in &classified.defects {
            note(&mut defects, *defect);
        }
        classified.defects = defects;
        classified
    }

    /// Names of the parameters, where the credentials are a list of them (Digest, SigV4, OAuth 1.0).
    pub fn parameter_names(&self) -> Vec<&'a str> {
        match self.form() {
            Form::Parameters => challenge::parameters(self.credentials.expose()).map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }

    /// For Basic: the length of the user name, `None` where the credentials do not decode to `user:password`.
    pub fn basic_user_length(&self) -> Option<usize> {
        let basic = self.scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"));
        basic.then(|| parameters::basic_user_length(self.credentials.expose())).flatten()
    }
}

/// Schemes that are told apart even where what follows them is not a space.
const KNOWN: [&str; 14] = [
    "bearer",
    "basic",
    "digest",
    "dpop",
    "negotiate",
    "ntlm",
    "token",
    "jwt",
    "apikey",
    "api-key",
    "hawk",
    "gnap",
    "ssws",
    "aws4-hmac-sha256",
];

fn split<'a>(text: &'a str, defects: &mut Vec<Defect>) -> (Option<&'a str>, &'a str) {
    if let Some((scheme, rest)) = split_known(text, defects) {
        return (Some(scheme), rest);
    }
    match text.split_once([' ', '\t']) {
        Some((word, rest)) if is_scheme_like(word) => (Some(word), rest),
        _ if is_lone_scheme(text) => (Some(text), ""),
        _ => {
            if !text.is_empty() && !super::is_redacted(text) {
                defects.push(Defect::MissingScheme);
            }
            (None, text)
        }
    }
}

fn split_known<'a>(text: &'a str, defects: &mut Vec<Defect>) -> Option<(&'a str, &'a str)> {
    let starts = |name: &&&str| text.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
    let length = KNOWN.iter().filter(starts).map(|name| name.len()).max()?;
    let (scheme, rest) = text.split_at(length);
    if rest.is_empty() || rest.starts_with([' ', '\t']) {
        return Some((scheme, rest));
    }
    // `token="…"` of an unknown scheme's parameter list is no scheme called `token`.
    let punctuated =
        rest.strip_prefix(':').or_else(|| rest.strip_prefix('=').filter(|_| !scheme.eq_ignore_ascii_case("token")));
    if let Some(rest) = punctuated {
        defects.push(Defect::SchemePunctuation);
        return Some((scheme, rest));
    }
    let rest = rest.strip_prefix("%20")?;
    defects.push(Defect::PercentSpace);
    Some((scheme, rest))
}

/// A scheme is a token (RFC 9110 §5.6.2); one with a dot, or as long as a credential, is a credential.
fn is_scheme_like(word: &str) -> bool {
    let tchar = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'!' | b'#' | b'$' | b'&' | b'^');
    (1..=32).contains(&word.len()) && word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.bytes().all(tchar)
}

/// One word that is a scheme without credentials rather than credentials without a scheme.
fn is_lone_scheme(text: &str) -> bool {
    is_scheme_like(text) && text.len() <= 16 && !super::is_placeholder(text) && !super::is_redacted(text)
}

fn form(credentials: &str) -> Form {
    let bare = credentials.trim_end_matches('=');
    let token68 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    if credentials.is_empty() {
        Form::Empty
    } else if !bare.is_empty() && bare.bytes().all(token68) {
        Form::Token68
    } else if challenge::parameters(credentials).next().is_some() {
        Form::Parameters
    } else {
        Form::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.";

    /// Scheme, form, kind and defects of a field value, as one line.
    #[track_caller]
    fn check(value: &str, expected: &str) {
        let field = Authorization::read(SecretStr::new(value));
        let classified = field.classify();
        let defects: Vec<_> = classified.defects.iter().map(|d| d.name()).collect();
        let scheme = field.scheme.unwrap_or("-");
        let line = format!("{scheme} {:?} {} {}", field.form(), classified.kind.name(), defects.join(","));
        assert_eq!(line.trim_end(), expected, "{value:?}");
    }

    #[test]
    fn splits_what_is_written() {
        check(&format!("Bearer {JWT}"), "Bearer Token68 jwt");
        check(&format!("bearer   {JWT}"), "bearer Token68 jwt");
        check(JWT, "- Token68 jwt missing-scheme");
        check(&format!("Bearer: {JWT}"), "Bearer Token68 jwt scheme-punctuation");
        check(&format!("Bearer={JWT}"), "Bearer Token68 jwt scheme-punctuation");
        check(&format!("Bearer%20{JWT}"), "Bearer Token68 jwt percent-space");
        check(&format!("Bearer Bearer {JWT}"), "Bearer Other jwt doubled-scheme");
        check(&format!("Bearer \"{JWT}\""), "Bearer Other jwt quoted");
        check(&format!("Bearer {JWT}\\n"), "Bearer Other jwt escaped-newline");
        check(&format!("Bearer {JWT}\r\n"), "Bearer Token68 jwt trailing-newline");
        check(&format!("Token {JWT}"), "Token Token68 jwt");
        check(&format!("JWT {JWT}"), "JWT Token68 jwt");
        check("Token token=\"9f86d081884c7d659a2feaa0c55ad015\"", "Token Parameters opaque");
        check("Bearer", "Bearer Empty placeholder empty");
        check("Bearer ", "Bearer Empty placeholder empty");
        check("Bearer undefined", "Bearer Token68 placeholder");
        check("Bearer [object Promise]", "Bearer Other placeholder");
        check("undefined", "- Token68 placeholder missing-scheme");
        check("null", "- Token68 placeholder missing-scheme");
        check("[REDACTED]", "- Other redacted");
    }

    #[test]
    fn knows_schemes_with_their_own_grammar() {
        check("Basic dXNlcjpwYXNz", "Basic Token68 basic");
        check("Basic dXNlcg==", "Basic Token68 basic not-b64token");
        check(r#"Digest username="a", realm="b", response="c""#, "Digest Parameters digest");
        check(
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/r/s/aws4_request, Signature=0",
            "AWS4-HMAC-SHA256 Parameters sigv4",
        );
        check("Negotiate TlRMTVNTUAABAAAA", "Negotiate Token68 ntlm");
        let field = Authorization::read(SecretStr::new("Basic dXNlcjpwYXNz"));
        assert_eq!(field.basic_user_length(), Some(4));
    }
}
