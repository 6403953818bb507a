//! The policy: which values of a message are replaced, and which stay.

use authtrace_analyze::scrub::is_secret_like;
use regex::Regex;

use crate::{
    encoded::Encoding,
    names::{self, Sort},
    receipt::Receipt,
    surrogate::Surrogates,
    sweep::Sweep,
};

/// Takes the secrets out of messages and writes down what it did.
pub struct Redactor {
    pub(crate) surrogates: Surrogates,
    sweep: Sweep,
    patterns: Vec<(String, Regex)>,
    /// What was done.
    pub receipt: Receipt,
    place: String,
}

/// Longer texts are masked letter by letter: they are content, and nothing else is equal to them.
const CONTENT: usize = 256;

impl Redactor {
    /// A redactor whose surrogates are made by `surrogates`, which finds secrets with `sweep` and, beside what it knows
    /// itself, whatever one of `patterns` matches.
    pub fn new(surrogates: Surrogates, sweep: Sweep, patterns: Vec<(String, Regex)>) -> Self {
        Self { surrogates, sweep, patterns, receipt: Receipt::default(), place: String::new() }
    }

    /// Distinct values that have a surrogate.
    pub fn distinct(&self) -> usize {
        self.surrogates.count()
    }

    /// Values whose surrogate is classified otherwise than they are.
    pub fn misshapen(&self) -> u64 {
        self.surrogates.misshapen()
    }

    /// What follows stands in `place`.
    pub(crate) fn at(&mut self, place: &str) {
        self.place.clear();
        self.place.push_str(place);
    }

    /// What follows stands in the field called `name` of `place`; a name that is no ordinary one is not repeated.
    pub(crate) fn at_field(&mut self, place: &str, name: &str) {
        let ordinary = name.len() <= 48 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:$[]".contains(&b));
        let named = ordinary && !self.sweep.finds(name.as_bytes()) && !(name.len() >= 16 && is_secret_like(name));
        self.place = format!("{place}.{}", if named { name } else { "(other)" });
    }

    fn note(&mut self, what: &str, before: &str, after: &str) {
        if before != after {
            self.receipt.replaced(what, &self.place);
        }
    }

    /// What stands for a value of the sort `what`, whatever it is.
    pub(crate) fn value(&mut self, what: &str, text: &str) -> String {
        let made = if text.len() > CONTENT && text.contains(' ') { mask(text) } else { self.surrogates.value(text) };
        self.note(what, text, &made);
        made
    }

    /// A text that stays, but for the secrets that are known and what the user's patterns match.
    pub(crate) fn kept(&mut self, text: &str) -> String {
        self.pieces(text, &mut |_, rest| rest.to_owned())
    }

    /// A text that somebody wrote: words that look like a credential or an address go, too.
    pub(crate) fn free(&mut self, text: &str) -> String {
        self.pieces(text, &mut Self::words)
    }

    /// Replaces known secrets and matches of patterns; `rest` gets what is between them.
    fn pieces(&mut self, text: &str, rest: &mut dyn FnMut(&mut Self, &str) -> String) -> String {
        let parts: Vec<(&str, bool)> = self.sweep.parts(text);
        let mut out = String::with_capacity(text.len());
        for (part, secret) in parts {
            let made = if secret { self.value("quoted credential", part) } else { self.matches(part, 0, rest) };
            out.push_str(&made);
        }
        out
    }

    /// Replaces what pattern number `from` and those behind it match.
    fn matches(&mut self, text: &str, from: usize, rest: &mut dyn FnMut(&mut Self, &str) -> String) -> String {
        let Some((name, pattern)) = self.patterns.get(from) else { return rest(self, text) };
        let (what, pattern) = (format!("pattern {name}"), pattern.clone());
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for found in pattern.find_iter(text).filter(|found| !found.is_empty()) {
            out.push_str(&self.matches(&text[at..found.start()], from + 1, rest));
            out.push_str(&self.value(&what, found.as_str()));
            at = found.end();
        }
        out.push_str(&self.matches(&text[at..], from + 1, rest));
        out
    }

    fn words(&mut self, text: &str) -> String {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '=' | '+' | '/' | '@' | '~' | '%');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let length = rest.find(|c| !part(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            out.push_str(&self.word(word));
            let gap = after.find(part).unwrap_or(after.len());
            out.push_str(&after[..gap]);
            rest = &after[gap..];
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        // `token=…`: the name stays.
        if let Some((name, value)) = word.split_once('=')
            && !value.trim_end_matches('=').is_empty()
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-'))
        {
            let hidden = matches!(names::sort(name), Sort::Private | Sort::Personal);
            let made = if hidden { self.value("credential", value) } else { self.word(value) };
            return format!("{name}={made}");
        }
        let bare = word.trim_end_matches(['.', '/', '=']);
        if bare.len() >= 3 && bare.contains('@') && bare.contains('.') {
            return [&self.value("address", bare), &word[bare.len()..]].concat();
        }
        if bare.len() >= 16 && is_secret_like(bare) {
            return [&self.value("credential", bare), &word[bare.len()..]].concat();
        }
        word.to_owned()
    }

    /// A URL, whole or relative: its parameters are replaced, and what is secret in its path.
    pub(crate) fn url(&mut self, text: &str) -> String {
        if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:")) {
            let head = text.find(',').map_or(text.len(), |comma| comma + 1);
            if head < text.len() {
                self.receipt.left_out("data: URL", text.len() - head);
            }
            return text[..head].to_owned();
        }
        let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, fragment)| (rest, Some(fragment)));
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (authority, path) = match rest.split_once("://") {
            Some((scheme, after)) => rest.split_at(scheme.len() + 3 + after.find('/').unwrap_or(after.len())),
            None => ("", rest),
        };
        let mut out = self.authority(authority);
        out.push_str(&self.path(path));
        if let Some(query) = query {
            out.push('?');
            out.push_str(&self.parameters(query, Encoding::Percent));
        }
        if let Some(fragment) = fragment {
            out.push('#');
            let pairs = fragment.contains('=');
            out.push_str(&if pairs { self.parameters(fragment, Encoding::Percent) } else { self.path(fragment) });
        }
        out
    }

    /// `scheme://user:password@host`
    fn authority(&mut self, authority: &str) -> String {
        let Some((before, host)) = authority.rsplit_once('@') else { return authority.to_owned() };
        let Some((scheme, user)) = before.split_once("://") else { return authority.to_owned() };
        let parts: Vec<String> = user.split(':').map(|part| self.value("credential", part)).collect();
        format!("{scheme}://{}@{host}", parts.join(":"))
    }

    /// Segments that are credentials or addresses go.
    fn path(&mut self, path: &str) -> String {
        let segments: Vec<String> =
            path.split('/').map(|segment| Encoding::Percent.edit(segment, |text| self.segment(text))).collect();
        segments.join("/")
    }

    fn segment(&mut self, segment: &str) -> String {
        use authtrace_analyze::token::TokenKind as K;
        let kind = authtrace_analyze::token::classify(authtrace_parse::SecretStr::new(segment), None).kind;
        let secret = segment.len() >= 16
            && kind.is_credential()
            && !matches!(kind, K::LowEntropy | K::UuidOpaque | K::Redacted | K::Opaque);
        // Ids, file names and words with dashes are no secrets, a random run is.
        let random = kind == K::Opaque && segment.len() >= 20 && is_secret_like(segment) && !segment.contains('.');
        if secret || random { self.value("credential", segment) } else { self.free_segment(segment) }
    }

    fn free_segment(&mut self, segment: &str) -> String {
        if segment.contains('@') { self.free(segment) } else { self.kept(segment) }
    }

    /// `name=value&…` of a query, a fragment or a form.
    pub(crate) fn parameters(&mut self, text: &str, encoding: Encoding) -> String {
        let pairs: Vec<String> = text.split('&').map(|pair| self.pair(pair, encoding)).collect();
        pairs.join("&")
    }

    fn pair(&mut self, pair: &str, encoding: Encoding) -> String {
        let Some((name, value)) = pair.split_once('=') else { return encoding.edit(pair, |text| self.free(text)) };
        let key = encoding.decode(name);
        let value = self.parameter(&key, value, encoding);
        format!("{}={value}", encoding.edit(name, |text| self.kept(text)))
    }

    /// The value of the parameter called `name`, encoded as it stands.
    pub(crate) fn parameter(&mut self, name: &str, value: &str, encoding: Encoding) -> String {
        match names::sort_of_parameter(name) {
            Sort::Shown if name.contains("description") => encoding.edit(value, |text| self.free(text)),
            Sort::Shown => encoding.edit(value, |text| self.kept(text)),
            Sort::Private => encoding.edit(value, |text| self.value("credential", text)),
            Sort::Personal => encoding.edit(value, |text| self.value("personal", text)),
            Sort::Url => encoding.edit(value, |text| self.link(text)),
            Sort::Unknown => encoding.edit(value, |text| self.unknown(text)),
        }
    }

    /// A value that should be a URL.
    pub(crate) fn link(&mut self, text: &str) -> String {
        let is_url = text.contains("://") || text.starts_with('/') || text.starts_with("data:");
        if is_url { self.url(text) } else { self.unknown(text) }
    }

    /// A value of which nothing is known: URLs and times stay readable, anything else goes.
    pub(crate) fn unknown(&mut self, text: &str) -> String {
        if text.starts_with("http://") || text.starts_with("https://") {
            return self.url(text);
        }
        let short = text.len() <= 5 && (text.bytes().all(|b| b.is_ascii_digit()) || matches!(text, "true" | "false"));
        if short || is_time(text) { text.to_owned() } else { self.value("content", text) }
    }

    /// The value of a header field of the request, or of the response.
    pub(crate) fn header(&mut self, response: bool, name: &str, value: &str) -> String {
        let lower = name.trim().to_ascii_lowercase();
        let side = if response { "response.header" } else { "request.header" };
        self.at_field(side, &lower);
        if value.contains('\n') {
            // Recorders join repeated fields with a newline.
            return value.split('\n').map(|line| self.field(&lower, line)).collect::<Vec<_>>().join("\n");
        }
        self.field(&lower, value)
    }

    fn field(&mut self, name: &str, value: &str) -> String {
        match name {
            "authorization" | "proxy-authorization" | "x-serverless-authorization" | "x-authorization" => {
                self.authorization(value)
            }
            "cookie" => self.cookies(value),
            "set-cookie" => self.set_cookie(value),
            "www-authenticate" | "proxy-authenticate" | "authentication-info" => self.challenge(value),
            "location" | "referer" | "content-location" | ":path" | "origin" => self.url(value),
            "refresh" | "link" => self.links(value),
            "sec-websocket-protocol" => self.subprotocols(value),
            _ if names::is_shown_field(name) => self.kept(value),
            _ => match names::sort(name) {
                Sort::Private => self.value("credential", value),
                Sort::Personal => self.value("personal", value),
                _ => self.free(value),
            },
        }
    }

    fn authorization(&mut self, value: &str) -> String {
        let read = authtrace_analyze::token::Authorization::read(authtrace_parse::SecretStr::new(value));
        let credentials = read.credentials.expose();
        if credentials.is_empty() {
            return value.to_owned();
        }
        let made = self.surrogates.credentials(read.scheme, credentials);
        self.note("credential", credentials, &made);
        // What follows the scheme stands last in the field.
        match value.rfind(credentials) {
            Some(at) => [&value[..at], &made, &value[at + credentials.len()..]].concat(),
            None => made,
        }
    }

    /// `name=value; …`
    pub(crate) fn cookies(&mut self, value: &str) -> String {
        value.split(';').map(|pair| self.cookie_pair(pair)).collect::<Vec<_>>().join(";")
    }

    fn cookie_pair(&mut self, pair: &str) -> String {
        let Some((name, value)) = pair.split_once('=') else { return self.cookie(pair) };
        format!("{}={}", self.kept(name), self.cookie(value))
    }

    /// The value of a cookie. `deleted` is what servers write to remove one.
    pub(crate) fn cookie(&mut self, value: &str) -> String {
        if value.trim().trim_matches('"').eq_ignore_ascii_case("deleted") {
            value.to_owned()
        } else {
            self.value("cookie", value)
        }
    }

    fn set_cookie(&mut self, value: &str) -> String {
        let (pair, attributes) = value.split_at(value.find(';').unwrap_or(value.len()));
        format!("{}{}", self.cookie_pair(pair), self.kept(attributes))
    }

    /// A challenge says what is wrong; only what a client must answer with is secret.
    fn challenge(&mut self, value: &str) -> String {
        let secret = ["nonce", "opaque", "nextnonce", "rspauth", "cnonce"];
        let parts: Vec<String> = value
            .split(',')
            .map(|part| {
                let Some((name, rest)) = part.split_once('=') else { return self.free(part) };
                let key = name.trim().rsplit([' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
                let bare = rest.trim().trim_matches('"');
                if bare.is_empty() || !secret.contains(&key.as_str()) {
                    return format!("{name}={}", self.free(rest));
                }
                format!("{name}={}", rest.replace(bare, &self.value("credential", bare)))
            })
            .collect();
        parts.join(",")
    }

    /// Text with URLs between angle brackets, or behind `url=`.
    fn links(&mut self, value: &str) -> String {
        let parts: Vec<String> = value
            .split(',')
            .map(|part| match part.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?))) {
                Some((before, (url, after))) => format!("{before}<{}>{after}", self.url(url)),
                None => match part.split_once("url=") {
                    Some((before, url)) => format!("{before}url={}", self.url(url)),
                    None => self.free(part),
                },
            })
            .collect();
        parts.join(",")
    }

    /// Names of subprotocols stay; tokens among them, also behind a dot, do not.
    fn subprotocols(&mut self, value: &str) -> String {
        let items: Vec<String> = value
            .split(',')
            .map(|item| {
                let bare = item.trim();
                let (name, label) = bare
                    .rsplit_once('.')
                    .filter(|_| !bare.starts_with("ey"))
                    .map_or(("", bare), |(name, label)| (&bare[..=name.len()], label));
                let long = label.len() >= 16 && label.bytes().any(|b| b.is_ascii_digit());
                let made = if long { [name, &self.subprotocol_token(label)].concat() } else { self.kept(bare) };
                item.replace(bare, &made)
            })
            .collect();
        items.join(",")
    }

    /// A label may hold a token in base64url, since names of subprotocols may not hold every character.
    fn subprotocol_token(&mut self, label: &str) -> String {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let inner = URL_SAFE_NO_PAD.decode(label).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let inner =
            inner.filter(|text| text.len() >= 12 && text.bytes().all(|b| b.is_ascii_graphic()) && text.contains('.'));
        match inner {
            Some(text) => URL_SAFE_NO_PAD.encode(self.value("credential", &text)),
            None => self.value("credential", label),
        }
    }
}

/// `2026-11-21`, with or without a time behind it.
fn is_time(text: &str) -> bool {
    let date = text.as_bytes().first_chunk::<10>();
    let digits = |range: &[u8]| range.iter().all(u8::is_ascii_digit);
    date.is_some_and(|d| digits(&d[..4]) && d[4] == b'-' && digits(&d[5..7]) && d[7] == b'-' && digits(&d[8..]))
        && text.len() <= 40
        && text[10..].bytes().all(|b| b.is_ascii_digit() || b"T:.+-Z ".contains(&b))
}

/// Every letter as `x`, every digit as `0`: of as many bytes.
pub(crate) fn mask(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0'..='9' => '0',
            c if c.is_ascii_alphabetic() => 'x',
            c if c.is_alphanumeric() => match c.len_utf8() {
                2 => 'é',
                3 => '一',
                _ => '𠀀',
            },
            c => c,
        })
        .collect()
}
