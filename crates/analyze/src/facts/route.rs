//! Path templates: which requests are the same call with other ids (detectors §1).

use std::borrow::Cow;

/// The template of `path`: variable segments become `{id}`, everything else stays.
pub fn template(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        push_segment(segment, &mut out);
    }
    out
}

/// The API group of a template: its first two static segments (`/api/v1`), fewer where there are fewer.
pub fn group(template: &str) -> String {
    let segments: Vec<&str> =
        template.split('/').filter(|s| !s.is_empty()).take_while(|s| !s.contains('{')).take(2).collect();
    format!("/{}", segments.join("/"))
}

/// Whether `segment` varies from call to call: a number, an id, a hash, an address.
pub fn is_variable(segment: &str) -> bool {
    let decoded: Cow<'_, str> = match segment.contains('%') {
        true => segment.replace("%40", "@").replace("%3A", ":").replace("%3a", ":").into(),
        false => segment.into(),
    };
    let s = &*decoded;
    is_number(s) || is_uuid(s) || is_ulid(s) || is_hex(s) || is_email(s) || is_prefixed_id(s) || is_base64url(s)
}

fn push_segment(segment: &str, out: &mut String) {
    if is_variable(segment) {
        out.push_str("{id}");
    } else if let Some((stem, extension)) = segment.rsplit_once('.').filter(|(_, e)| is_extension(e)) {
        // `app.3f9c2b1d.js` and `1234.png`: build hashes and numbers vary, the file's name does not.
        for (index, piece) in stem.split('.').enumerate() {
            if index > 0 {
                out.push('.');
            }
            out.push_str(if is_variable(piece) { "{id}" } else { piece });
        }
        out.push('.');
        out.push_str(extension);
    } else {
        out.push_str(segment);
    }
}

fn is_extension(s: &str) -> bool {
    (1..=5).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()) && !is_number(s)
}

fn is_number(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit())
}

fn is_uuid(s: &str) -> bool {
    s.len() == 36
        && s.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// 26 characters of Crockford's base 32, upper case, as ULIDs are written.
fn is_ulid(s: &str) -> bool {
    s.len() == 26 && has_digit(s) && s.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

fn is_hex(s: &str) -> bool {
    s.len() >= 8 && has_digit(s) && s.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_email(s: &str) -> bool {
    s.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
}

/// `sess_2abc…`, `user_2abc…`: a short word, an underscore, twenty or more alphanumerics.
fn is_prefixed_id(s: &str) -> bool {
    s.rsplit_once('_').is_some_and(|(word, id)| {
        !word.is_empty() && id.len() >= 20 && has_digit(id) && id.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

fn is_base64url(s: &str) -> bool {
    s.len() >= 16
        && has_digit(s)
        && s.bytes().any(|b| b.is_ascii_alphabetic())
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'.'))
        // Words joined by hyphens are names, not ids.
        && s.split(['-', '_', '.']).any(|piece| piece.len() >= 12 && has_digit(piece) && piece.bytes().any(|b| b.is_ascii_alphabetic()))
}

fn has_digit(s: &str) -> bool {
    s.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(template(path), expected);
    }

    #[test]
    fn variable_segments_become_ids() {
        check("/api/v1/books/", "/api/v1/books/");
        check("/api/v1/books/42/export", "/api/v1/books/{id}/export");
        check("/u/3f2b8c1e-9d4a-4b6f-8a1c-2e5d7f9b0a3c", "/u/{id}");
        check("/u/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/u/{id}");
        check("/v1/client/sessions/sess_2WHUTXS7C7NHMOXVK26AIJOR5HA/tokens", "/v1/client/sessions/{id}/tokens");
        check("/c/deadbeef1", "/c/{id}");
        check("/users/ann%40example.com", "/users/{id}");
        check("/assets/app.3f9c2b1d.js", "/assets/app.{id}.js");
        check("/img/1234.png", "/img/{id}.png");
        check("/api/v2/users/me/preferences", "/api/v2/users/me/preferences");
        check("/tokens/orientor-backend", "/tokens/orientor-backend");
        check("/a/very-long-name-of-a-page-2024", "/a/very-long-name-of-a-page-2024");
        check("/", "/");
        check("*", "*");
    }

    #[test]
    fn groups_are_two_static_segments() {
        assert_eq!(group("/api/v1/books/{id}"), "/api/v1");
        assert_eq!(group("/me"), "/me");
        assert_eq!(group("/users/{id}"), "/users");
        assert_eq!(group("/"), "/");
    }
}
