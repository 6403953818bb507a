//! Patterns for routes: `GET https://api.x.dev/books/*/pages/**`.

/// Most bytes of a pattern.
const MOST: usize = 512;

/// Which requests are meant: `[METHOD ][ORIGIN]/PATH`. In the path `*` and `{name}` stand for one segment, `**` for any
/// number of them, and `*` within a segment for any text of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    method: Option<Box<str>>,
    origin: Option<Box<str>>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Text(Box<str>),
    /// Text with `*` in it, in pieces.
    Glob(Vec<Box<str>>),
    One,
    Any,
}

/// Why a pattern cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Too long.
    #[error("a pattern has at most {MOST} bytes")]
    Long,
    /// No path.
    #[error("a pattern is `[METHOD ][ORIGIN]/PATH`, and its path begins with /")]
    NoPath,
    /// A query or fragment.
    #[error("a pattern has no query and no fragment: routes are told by path")]
    Query,
    /// Not a method.
    #[error("a method has only letters")]
    Method,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > MOST {
            return Err(PatternError::Long);
        }
        if text.contains(['?', '#']) {
            return Err(PatternError::Query);
        }
        let text = text.trim();
        let (method, rest) = match text.split_once(' ') {
            Some((method, rest)) => (Some(method), rest.trim_start()),
            None => (None, text),
        };
        if method.is_some_and(|method| !method.bytes().all(|b| b.is_ascii_alphabetic())) {
            return Err(PatternError::Method);
        }
        let authority = rest.find("://").map(|at| at + 3);
        let path = match authority {
            Some(from) => from + rest[from..].find('/').ok_or(PatternError::NoPath)?,
            None => 0,
        };
        let (origin, path) = rest.split_at(path);
        let Some(path) = path.strip_prefix('/') else { return Err(PatternError::NoPath) };
        Ok(Self {
            method: method.map(|method| method.to_ascii_uppercase().into()),
            origin: (!origin.is_empty()).then(|| origin.to_ascii_lowercase().into()),
            segments: path.trim_end_matches('/').split('/').map(segment).collect(),
        })
    }

    /// Whether a request is meant. `origin` is scheme, host and port in lower case; a slash at the path's end counts for
    /// nothing.
    pub fn matches(&self, method: &str, origin: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.origin.as_deref().is_none_or(|wanted| wanted == origin)
            && self.matches_path(path)
    }

    /// Greedy with one point to come back to: linear in the product of both lengths, whatever the pattern.
    fn matches_path(&self, path: &str) -> bool {
        let path: Vec<&str> = path.strip_prefix('/').unwrap_or(path).trim_end_matches('/').split('/').collect();
        let (mut at, mut wanted) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        while at < path.len() {
            match self.segments.get(wanted) {
                Some(Segment::Any) => {
                    again = Some((at, wanted + 1));
                    wanted += 1;
                }
                Some(segment) if segment.matches(path[at]) => (at, wanted) = (at + 1, wanted + 1),
                _ => match again {
                    Some((from, after)) => {
                        again = Some((from + 1, after));
                        (at, wanted) = (from + 1, after);
                    }
                    None => return false,
                },
            }
        }
        self.segments[wanted..].iter().all(|segment| *segment == Segment::Any)
    }
}

pub(super) fn segment(text: &str) -> Segment {
    match text {
        "**" => Segment::Any,
        "*" => Segment::One,
        _ if text.starts_with('{') && text.ends_with('}') => Segment::One,
        _ if text.contains('*') => Segment::Glob(text.split('*').map(Into::into).collect()),
        _ => Segment::Text(text.into()),
    }
}

impl Segment {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => **wanted == *text,
            Self::One => !text.is_empty(),
            Self::Any => true,
            Self::Glob(pieces) => glob(pieces, text),
        }
    }
}

/// Whether `text` is the pieces in order with anything between them. The first and the last stand at its ends, and the
/// others may as well stand as early as they can.
fn glob(pieces: &[Box<str>], text: &str) -> bool {
    let [first, between @ .., last] = pieces else { return false };
    let Some(rest) = text.strip_prefix(&**first) else { return false };
    let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
    for piece in between {
        let Some(at) = rest.find(&**piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, request: &str, expected: bool) {
        let mut words = request.split(' ');
        let (method, origin, path) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!(pattern.matches(method, origin, path), expected, "{pattern:?} {request}");
    }

    #[test]
    fn patterns_name_routes() {
        check("/books", "GET http://a /books", true);
        check("/books", "GET http://a /books/", true);
        check("/books", "GET http://a /books/1", false);
        check("GET /books/*", "GET http://a /books/1", true);
        check("get /books/{id}", "GET http://a /books/1", true);
        check("POST /books/*", "GET http://a /books/1", false);
        check("/books/*", "GET http://a /books", false);
        check("/api/**", "GET http://a /api/v1/books/1", true);
        check("/api/**", "GET http://a /api", true);
        check("/api/**", "GET http://a /apis", false);
        check("/**/pages/*", "GET http://a /a/pages/b/pages/1", true);
        check("/**/pages/*", "GET http://a /a/pages/b/pages/1/x", false);
        check("/**", "GET http://a /", true);
        check("/", "GET http://a /", true);
        check("/a*c/x-*-y", "GET http://a /abc/x-1-y", true);
        check("/a*c/x-*-y", "GET http://a /ab/x-1-y", false);
        check("/a*b*c", "GET http://a /abbc", true);
        check("/a*a", "GET http://a /a", false);
        check("https://api.x.dev/books", "GET https://api.x.dev /books", true);
        check("https://API.x.dev:8443/books", "GET https://api.x.dev /books", false);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            ("books", PatternError::NoPath),
            ("", PatternError::NoPath),
            ("https://x.dev", PatternError::NoPath),
            ("/a?b=1", PatternError::Query),
            ("G3T /a", PatternError::Method),
        ] {
            assert_eq!(Pattern::parse(text), Err(error), "{text}");
        }
        assert_eq!(Pattern::parse(&"/a".repeat(600)), Err(PatternError::Long));
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = Pattern::parse(&format!("/{}x", "**/a/".repeat(60))).unwrap();
        let stars = Pattern::parse(&format!("/{}", "*a".repeat(200))).unwrap();
        assert!(!pattern.matches("GET", "http://a", &"/a".repeat(20_000)));
        assert!(!stars.matches("GET", "http://a", &format!("/{}b", "a".repeat(20_000))));
    }
}
