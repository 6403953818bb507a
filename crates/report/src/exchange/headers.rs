//! Header fields of one message, credentials by number, cookies with their attributes.

use authtrace_analyze::{
    Severity,
    facts::{Fact, set_cookie::SetCookie},
};
use authtrace_parse::{HeaderView, headers::Headers};

use super::conceal::{Conceal, hidden};
use crate::{page::Page, style::Ink};

/// Fields that describe one transmission and mean nothing in another.
pub(super) const WIRE_ONLY: [&str; 6] =
    ["host", "content-length", "connection", "transfer-encoding", "accept-encoding", "te"];
/// Identifiers of one request, which people look up in a server's log.
const TRACES: [&str; 6] =
    ["x-request-id", "x-correlation-id", "traceparent", "x-amzn-trace-id", "cf-ray", "x-trace-id"];
/// Fields that hold a URL.
const URLS: [&str; 4] = ["referer", "location", "content-location", ":path"];
/// The most characters of a trace identifier.
const TRACE: usize = 128;

/// Writes the fields of one message under the heading `title`.
pub(super) fn write(page: &mut Page, title: &str, headers: &Headers, view: HeaderView, fact: &Fact, c: &Conceal<'_>) {
    let how = how(headers, view);
    page.blank();
    page.para(0, Ink::Bold, &format!("{title}  {how}"));
    let mut cookies: Vec<&SetCookie> = fact.set_cookies.iter().collect();
    for (name, value) in headers.iter() {
        field(page, name, &shown(name, value.expose(), fact, c));
        if name.eq_ignore_ascii_case("set-cookie")
            && let Some(why) = refusal(value.expose(), fact, &mut cookies)
        {
            page.hanging(4, REFUSED, REFUSED.chars().count() + 1, Ink::Severity(Severity::Medium), &why);
        }
    }
}

/// What stands before the reason why a browser ignores a cookie.
const REFUSED: &str = "a browser refuses it:";

/// Why a browser ignores what the `Set-Cookie` field `value` sets; takes the cookie out of those that are left.
pub(super) fn refusal(value: &str, fact: &Fact, left: &mut Vec<&SetCookie>) -> Option<String> {
    let name = value.split_once('=')?.0.trim();
    let cookie = left.remove(left.iter().position(|cookie| *cookie.name == *name)?);
    fact.cookie_refusal(cookie)
}

/// How much of the fields is known.
fn how(headers: &Headers, view: HeaderView) -> String {
    match view {
        HeaderView::Full => format!("{} fields", headers.len()),
        HeaderView::Provisional => {
            format!("{} fields, provisional: what the network stack added is missing", headers.len())
        }
        HeaderView::Partial => format!("{} fields, some could not be decoded", headers.len()),
        HeaderView::Missing => "not in the capture".to_owned(),
    }
}

/// The value of the field `name`, fit to be shown.
pub(super) fn shown(name: &str, value: &str, fact: &Fact, c: &Conceal<'_>) -> String {
    match name.to_ascii_lowercase().as_str() {
        "cookie" => cookies(value, c),
        "set-cookie" => set_cookie(value, c),
        "authorization" | "proxy-authorization" => authorization(value, fact, c),
        lower if URLS.contains(&lower) => without_values(value, c),
        lower if TRACES.contains(&lower) && c.token(value).is_none() && value.len() <= TRACE => value.to_owned(),
        lower => c.value(lower, value),
    }
}

fn field(page: &mut Page, name: &str, value: &str) {
    let label = format!("{name}:");
    let gutter = label.chars().count() + 1;
    if gutter > 40 {
        page.para(2, Ink::Plain, &format!("{label} {value}"));
    } else {
        page.hanging(2, &label, gutter, Ink::Plain, value);
    }
}

/// Names as sent, each value by its number or length.
fn cookies(value: &str, c: &Conceal<'_>) -> String {
    let shown = value.split(';').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{}={}", c.text(name), c.token(value).map_or_else(|| hidden(value), |id| c.name(id)))
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// Name and attributes as written, the value by its number or length.
fn set_cookie(value: &str, c: &Conceal<'_>) -> String {
    let (pair, attributes) = value.split_once(';').map_or((value, ""), |(pair, rest)| (pair, rest));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let (name, value) = (name.trim(), value.trim());
    let shown = c.token(value).map_or_else(|| hidden(value), |id| c.name(id));
    let attributes = attributes.split(';').map(str::trim).filter(|a| !a.is_empty());
    let attributes: String = attributes.map(|attribute| format!("; {}", c.text(attribute))).collect();
    format!("{}={shown}{attributes}", c.text(name))
}

/// The scheme as written and the credential by its number.
fn authorization(value: &str, fact: &Fact, c: &Conceal<'_>) -> String {
    let Some(credential) = fact.authorization() else { return hidden(value) };
    let scheme = credential.scheme.as_deref().filter(|scheme| value.trim_start().starts_with(scheme));
    let token = c.name(credential.token);
    scheme.map_or_else(|| token.clone(), |scheme| format!("{scheme} {token}"))
}

/// A URL with the names of its parameters and none of their values.
fn without_values(url: &str, c: &Conceal<'_>) -> String {
    let (before, after) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let path: Vec<String> = before.split('/').map(|segment| c.text(segment)).collect();
    let names = after.split(['?', '&', '#']).filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
    let names: Vec<String> = names.map(|name| format!("{}=…", c.text(name))).collect();
    let mark = after.get(..1).unwrap_or_default();
    format!("{}{mark}{}", path.join("/"), names.join("&"))
}
