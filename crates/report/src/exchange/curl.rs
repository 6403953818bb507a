//! An exchange as a curl command that can be shared: every credential is a variable.

use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_parse::Exchange;

use super::{conceal::Conceal, headers::WIRE_ONLY, url};

/// The command, on one line a header.
pub fn curl(analysis: &Analysis, fact: &Fact, exchange: &Exchange) -> String {
    let conceal = Conceal::new(&analysis.capture, fact);
    let mut parts = vec![format!("curl -X {} {}", word(&fact.method), word(&url(fact, Some(exchange), &conceal)))];
    for (name, value) in exchange.request.headers.iter() {
        let lower = name.to_ascii_lowercase();
        if WIRE_ONLY.contains(&lower.as_str()) || lower.starts_with(':') || lower.starts_with("sec-") {
            continue;
        }
        let value = match lower.as_str() {
            "authorization" | "proxy-authorization" => authorization(fact, value.expose()),
            "cookie" => "$COOKIE".to_owned(),
            _ => conceal.value(name, value.expose()),
        };
        // Double quotes, so that the shell puts the variables in.
        parts.push(format!("-H \"{}\"", in_double_quotes(&format!("{name}: {value}"))));
    }
    if exchange.request.body.text().is_some_and(|text| !text.is_empty()) {
        parts.push("--data-binary @body".to_owned());
    }
    crate::hidden::visible(&parts.join(" "), usize::MAX)
        .replace(" -H ", " \\\n  -H ")
        .replace(" --data", " \\\n  --data")
}

/// `Bearer $T3`
fn authorization(fact: &Fact, value: &str) -> String {
    let Some(credential) = fact.authorization() else { return "$AUTHORIZATION".to_owned() };
    let scheme = credential.scheme.as_deref().filter(|scheme| value.starts_with(scheme));
    scheme.map_or_else(|| format!("${}", credential.token), |scheme| format!("{scheme} ${}", credential.token))
}

/// A shell word in single quotes, where it needs them.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '=' | ':' | ',');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Text between double quotes of a shell: only `$` followed by a name of ours stays a variable.
fn in_double_quotes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let variable = c == '$' && ["$T", "$COOKIE", "$AUTHORIZATION"].iter().any(|name| rest.starts_with(name));
        if matches!(c, '"' | '\\' | '`') || (c == '$' && !variable) {
            out.push('\\');
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_safe_for_a_shell() {
        assert_eq!(word("GET"), "GET");
        assert_eq!(word("http://x.dev/a?b=c'd"), "'http://x.dev/a?b=c'\\''d'");
        assert_eq!(in_double_quotes("a: \"$(id)` \\ Bearer $T3"), "a: \\\"\\$(id)\\` \\\\ Bearer $T3");
    }
}
