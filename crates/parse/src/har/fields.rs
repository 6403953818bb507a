//! Header fields of an entry: in order, duplicates kept, cookies put back where only their list is left.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::{
    date,
    entry::{Cookie, Field},
    lenient::Listed,
};
use crate::headers::Headers;

/// The fields of a request; a `cookie` field is made from the cookie list where there is none.
pub(super) fn request(fields: &Listed<Field<'_>>, cookies: &[Cookie<'_>]) -> Headers {
    let mut headers = collect(fields.as_slice());
    if !cookies.is_empty() && !headers.contains("cookie") {
        let pairs: Vec<_> = cookies.iter().map(pair).collect();
        headers.push("cookie", &pairs.join("; "));
    }
    headers
}

/// The fields of a response; `set-cookie` fields are made from the cookie list where there are none.
pub(super) fn response(fields: &Listed<Field<'_>>, cookies: &[Cookie<'_>]) -> Headers {
    let mut headers = collect(fields.as_slice());
    if !headers.contains("set-cookie") {
        for cookie in cookies {
            headers.push("set-cookie", &set_cookie(cookie));
        }
    }
    headers
}

/// Recorders join repeated fields with a newline, which no field value can hold (RFC 9110 §5.5).
pub(super) fn collect(fields: &[Field<'_>]) -> Headers {
    let mut headers = Headers::with_capacity(fields.len(), fields.iter().map(Field::size_hint).sum());
    for field in fields {
        let name = field.name.trim();
        for value in field.value.each() {
            let value = value.text().unwrap_or_default();
            if !value.contains('\n') {
                headers.push(name, &value);
                continue;
            }
            for line in value.split('\n').map(str::trim).filter(|line| !line.is_empty()) {
                headers.push(name, line);
            }
        }
    }
    headers
}

fn pair(cookie: &Cookie<'_>) -> String {
    format!("{}={}", cookie.name, cookie.value.text().unwrap_or_default())
}

/// A Set-Cookie value (RFC 6265 §4.1.1) with the attributes that the recorder kept.
fn set_cookie(cookie: &Cookie<'_>) -> String {
    let mut text = pair(cookie);
    for (name, value) in [("Path", &cookie.path), ("Domain", &cookie.domain), ("SameSite", &cookie.same_site)] {
        if let Some(value) = value.filled() {
            let _ = write!(text, "; {name}={value}");
        }
    }
    if let Some(moment) = date::timestamp(&cookie.expires)
        && let Ok(moment) = jiff::Timestamp::from_nanosecond(i128::from(moment.nanos()))
    {
        let _ = write!(text, "; Expires={}", moment.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"));
    }
    for (name, set) in [("HttpOnly", &cookie.http_only), ("Secure", &cookie.secure)] {
        if set.truthy() {
            let _ = write!(text, "; {name}");
        }
    }
    text
}
