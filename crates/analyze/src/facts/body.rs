//! Facts of a message body: its keys, a few named strings, never its values at large.

use std::{collections::BTreeMap, sync::LazyLock};

use aho_corasick::packed::Searcher;
use authtrace_parse::{Body, SecretStr};
use serde_json::Value;

/// A body reduced to what facts are drawn from: top-level keys and strings, one level of nesting looked through.
#[derive(Default)]
pub(crate) struct BodyView {
    form: BTreeMap<String, String>,
    json: Option<Value>,
    names: Names,
}

/// Which names may stand where a value is looked for. Facts ask each body for dozens of names, and hardly any is there.
#[derive(Clone, Copy, Default)]
struct Names(u64);

impl Names {
    fn of<'k>(keys: impl Iterator<Item = &'k str>) -> Self {
        Self(keys.fold(0, |all, key| all | Self::bit(key)))
    }

    /// Whether `key` may be among them.
    fn may_have(self, key: &str) -> bool {
        self.0 & Self::bit(key) != 0
    }

    fn bit(key: &str) -> u64 {
        let ends = key.as_bytes().first().zip(key.as_bytes().last());
        let sum = ends.map_or(0, |(first, last)| usize::from(*first) * 7 + usize::from(*last) * 3 + key.len());
        1 << (sum % 64)
    }
}

/// Objects that wrap the interesting keys of a response one level down.
const WRAPPERS: &[&str] = &[
    "data",
    "result",
    "response",
    "tokens",
    "token",
    "session",
    "auth",
    "payload",
    "error",
    "AuthenticationResult",
    "AuthParameters",
    "client",
];

impl BodyView {
    /// Reads the body of a response. Of a success even a short document is only read where it holds one of the marks: what
    /// a server says in it is data, unless it hands out a token or is a document of the provider.
    pub(crate) fn of_response(body: &Body, status: u16) -> Self {
        let text = body.text().map_or("", |text| text.expose());
        let data =
            (200..400).contains(&status) && looks_like_json(text) && !has_mark(text) && !text.contains("\"active\"");
        if data { Self::default() } else { Self::of(body) }
    }

    /// Reads a body by its media type; a body that is neither JSON nor a form has no facts.
    pub(crate) fn of(body: &Body) -> Self {
        let Some(text) = body.text() else { return Self::default() };
        let text = text.expose();
        match body.essence().as_deref() {
            Some("application/x-www-form-urlencoded") => Self::form(text),
            _ if looks_like_json(text) && may_matter(text) => Self::json(text),
            _ if looks_like_json(text) => Self::default(),
            Some("text/plain") | None if text.contains('=') && !text.contains(['\n', ' ', '<']) => Self::form(text),
            _ => Self::default(),
        }
    }

    /// Reads JSON; anything else yields an empty view.
    pub(crate) fn json(text: &str) -> Self {
        let json: Option<Value> = serde_json::from_str(text).ok();
        let names = json.as_ref().and_then(Value::as_object).map(|top| {
            let wrapped = WRAPPERS.iter().filter_map(|wrapper| top.get(*wrapper)?.as_object());
            let fields = top.get("data").and_then(Value::as_object).into_iter();
            let fields = fields.flat_map(|fields| fields.values().filter_map(Value::as_object));
            Names::of(
                [top].into_iter().chain(wrapped).chain(fields).flat_map(|object| object.keys().map(String::as_str)),
            )
        });
        Self { json, names: names.unwrap_or_default(), ..Self::default() }
    }

    fn form(text: &str) -> Self {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(text.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        let names = Names::of(form.keys().map(String::as_str));
        Self { form, json: None, names }
    }

    /// The string under `key`, at the top or inside one of the usual wrappers; `{"access": {"token": "…"}}` has it under
    /// `access`.
    pub(crate) fn string(&self, key: &str) -> Option<SecretStr<'_>> {
        if !self.names.may_have(key) {
            return None;
        }
        if let Some(value) = self.form.get(key) {
            return Some(SecretStr::new(value));
        }
        let value = self.value(key)?;
        value.as_str().or_else(|| value.get("token")?.as_str()).map(SecretStr::new)
    }

    /// The JSON value under `key`, at the top, one level down, or in what a GraphQL field returned.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        let top = self.json.as_ref().filter(|_| self.names.may_have(key))?;
        let direct = top.get(key).filter(|v| !v.is_object() || !WRAPPERS.contains(&key));
        direct
            .or_else(|| WRAPPERS.iter().find_map(|wrapper| top.get(wrapper)?.get(key)))
            .or_else(|| top.get("data")?.as_object()?.values().find_map(|field| field.get(key)))
    }

    /// What a GraphQL request asks for: its `operationName`, else its first field (gate G16). An identifier, no secret.
    pub(crate) fn graphql_operation(&self) -> Option<&str> {
        let document = self.json.as_ref()?;
        let query = document.get("query")?.as_str()?;
        let named = document.get("operationName").and_then(Value::as_str);
        let first_field = || query.split_once('{')?.1.split(|c: char| !is_name(c)).find(|word| !word.is_empty());
        named.or_else(first_field).filter(|name| name.len() <= 64 && name.chars().all(is_name))
    }

    /// The JSON document, where there is one.
    pub(crate) fn document(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// Whether `key` is present at the top level.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.names.may_have(key)
            && (self.form.contains_key(key) || self.json.as_ref().is_some_and(|v| v.get(key).is_some()))
    }

    /// Whether one of `keys` is present at the top level or among the variables of a GraphQL request, without case.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        self.keys().chain(self.variables()).any(|key| keys.iter().any(|k| k.eq_ignore_ascii_case(key)))
    }

    /// Names of GraphQL variables, and of what their input objects hold.
    fn variables(&self) -> impl Iterator<Item = &str> {
        let document = self.json.as_ref().filter(|document| document.get("query").is_some_and(Value::is_string));
        let variables = document.and_then(|document| document.get("variables")?.as_object());
        let inner = variables.into_iter().flat_map(|all| all.values().filter_map(Value::as_object));
        variables.into_iter().chain(inner).flat_map(|object| object.keys().map(String::as_str))
    }

    /// Top-level keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let json = self.json.as_ref().and_then(Value::as_object);
        self.form
            .keys()
            .map(String::as_str)
            .chain(json.into_iter().flat_map(|object| object.keys().map(String::as_str)))
    }
}

/// Shorter documents are read whatever they hold: errors and token responses are short.
const SHORT: usize = 1024;

/// What a longer document holds somewhere if a fact can be drawn from it: credentials, keys, provider metadata, GraphQL.
const MARKS: &[&str] = &[
    "oken",
    "jwt",
    "\"access\"",
    "efresh",
    "\"errors\"",
    "\"kty\"",
    "ssuer",
    "pass",
    "otp",
    "grant_type",
    "AuthFlow",
    "SAML",
    "\"query\"",
    "\"error",
    "\"detail",
    "\"ok\":false",
];

/// A vectorised searcher for few short patterns; `None` on machines without the instructions, where everything is read.
static MARK: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(MARKS));

/// Whether a document is worth reading: most answers are data, and building them up costs more than everything else.
fn may_matter(text: &str) -> bool {
    text.len() <= SHORT || has_mark(text)
}

fn has_mark(text: &str) -> bool {
    MARK.as_ref().is_none_or(|marks| marks.find(text).is_some())
}

/// A character of a GraphQL name.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

#[cfg(test)]
mod tests {
    use authtrace_parse::{Content, Secret};

    use super::*;

    fn view(mime: &str, text: &str) -> BodyView {
        BodyView::of(&Body {
            mime: Some(mime.into()),
            size: None,
            content: Content::Text { text: Secret::new(text), cut: false },
        })
    }

    #[test]
    fn strings_are_found_in_forms_json_and_wrappers() {
        let get = |v: &BodyView, key: &str| v.string(key).map(|s| s.expose().to_owned());
        assert_eq!(get(&view("application/x-www-form-urlencoded", "a=1&b=x%20y"), "b").as_deref(), Some("x y"));
        assert_eq!(get(&view("application/json", r#"{"a":"b"}"#), "a").as_deref(), Some("b"));
        assert_eq!(get(&view("application/json", r#"{"data":{"token":"t"}}"#), "token").as_deref(), Some("t"));
        assert_eq!(
            get(&view("application/json", r#"{"token":{"access_token":"t"}}"#), "access_token").as_deref(),
            Some("t")
        );
        let nested = view("application/json", r#"{"tokens":{"access":{"token":"a"},"refresh":{"token":"r"}}}"#);
        assert_eq!(get(&nested, "access").as_deref(), Some("a"));
        assert_eq!(get(&nested, "refresh").as_deref(), Some("r"));
        let graphql = view("application/json", r#"{"data":{"login":{"token":"t"}}}"#);
        assert_eq!(get(&graphql, "token").as_deref(), Some("t"));
        assert_eq!(get(&view("text/html", "<a href=x>"), "a href"), None);
        assert_eq!(get(&view("application/json", "not json"), "a"), None);
    }

    #[test]
    fn graphql_requests_name_what_they_ask_for() {
        let body = |text: &str| view("application/json", text);
        let check = |text: &str, name: Option<&str>| assert_eq!(body(text).graphql_operation(), name, "{text}");
        check(r#"{"operationName":"Me","query":"query Me { viewer { id } }"}"#, Some("Me"));
        check(r#"{"operationName":null,"query":"{ me { id } }"}"#, Some("me"));
        check(r#"{"query":"mutation($i: In!) { login(input: $i) { token } }"}"#, Some("login"));
        check(r#"{"operationName":"a b","query":"{ me }"}"#, None);
        check(r#"{"operationName":"Me"}"#, None);
        let login = body(r#"{"query":"mutation { login }","variables":{"input":{"email":"a","password":"b"}}}"#);
        assert!(login.has_any(&["password"]) && !login.has_any(&["otp"]));
    }
}
