//! OpenAPI documents (3.0 and 3.1, JSON or YAML), read for what they say of security and for nothing else.
//!
//! An operation's own `security` replaces that of the document; an empty list, or an empty requirement among others, lets
//! everybody in (OpenAPI 3.1 §4.8.10). A document that names no security at all declares nothing about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    pattern::{Segment, segment},
    scheme::{Alternative, Required, Scheme},
};

/// What a document says of one operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) path: Box<str>,
    pub(crate) protected: bool,
    pub(crate) alternatives: Vec<Alternative>,
}

/// A document, ready to be asked.
#[derive(Debug)]
pub struct ApiDocument {
    name: Box<str>,
    /// Origins that its servers name.
    named: BTreeSet<Box<str>>,
    paths: Node,
    operations: usize,
}

/// A document that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct DocumentError {
    place: String,
    reason: String,
}

/// Path templates by segment: what is written out goes before what is not (OpenAPI 3.1 §4.8.8.2).
#[derive(Debug, Default)]
struct Node {
    written: BTreeMap<Box<str>, Node>,
    partly: Vec<(Segment, Node)>,
    any: Option<Box<Node>>,
    operations: BTreeMap<&'static str, Operation>,
}

#[derive(Deserialize)]
struct Document {
    openapi: Option<String>,
    swagger: Option<Value>,
    #[serde(default)]
    servers: Vec<Server>,
    security: Option<Vec<BTreeMap<String, Vec<String>>>>,
    #[serde(default)]
    paths: BTreeMap<String, PathItem>,
    #[serde(default)]
    components: Components,
}

#[derive(Deserialize)]
struct Server {
    url: String,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
}

#[derive(Deserialize)]
struct Variable {
    default: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Components {
    security_schemes: BTreeMap<String, SchemeObject>,
    path_items: BTreeMap<String, PathItem>,
}

#[derive(Deserialize)]
struct SchemeObject {
    #[serde(rename = "type")]
    kind: Option<String>,
    scheme: Option<String>,
    name: Option<String>,
    #[serde(rename = "in")]
    place: Option<String>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PathItem {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    get: Option<OperationObject>,
    put: Option<OperationObject>,
    post: Option<OperationObject>,
    delete: Option<OperationObject>,
    options: Option<OperationObject>,
    head: Option<OperationObject>,
    patch: Option<OperationObject>,
    trace: Option<OperationObject>,
}

#[derive(Deserialize)]
struct OperationObject {
    security: Option<Vec<BTreeMap<String, Vec<String>>>>,
}

impl PathItem {
    fn operations(&self) -> impl Iterator<Item = (&'static str, &OperationObject)> {
        let all = [
            ("GET", &self.get),
            ("PUT", &self.put),
            ("POST", &self.post),
            ("DELETE", &self.delete),
            ("OPTIONS", &self.options),
            ("HEAD", &self.head),
            ("PATCH", &self.patch),
            ("TRACE", &self.trace),
        ];
        all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    }
}

impl ApiDocument {
    /// Reads the document `text`, which messages call `name`: JSON where it begins with a brace, YAML otherwise.
    ///
    /// # Errors
    /// Where it is neither, or no OpenAPI 3; with line and column where the text is at fault.
    pub fn parse(name: &str, text: &str) -> Result<Self, DocumentError> {
        let fail = |place: String, reason: String| DocumentError { place, reason };
        let at = |line: u64, column: u64| format!("{name}:{line}:{column}");
        let document: Document = if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            serde_json::from_str(text.trim_start_matches('\u{feff}'))
                .map_err(|e| fail(at(e.line() as u64, e.column() as u64), reason(&e.to_string())))?
        } else {
            let options = serde_saphyr::options! { with_snippet: false };
            serde_saphyr::from_str_with_options(text, options).map_err(|e| {
                let place = e.location().map_or_else(|| name.to_owned(), |l| at(l.line(), l.column()));
                fail(place, reason(&e.to_string()))
            })?
        };
        match document.openapi.as_deref() {
            Some(version) if version.starts_with("3.") => Ok(Self::new(name, &document)),
            Some(version) => Err(fail(name.to_owned(), format!("openapi {version}: only 3.0 and 3.1 can be read"))),
            None if document.swagger.is_some() => {
                Err(fail(name.to_owned(), "this is Swagger 2; convert it to OpenAPI 3".to_owned()))
            }
            None => Err(fail(name.to_owned(), "no OpenAPI document: it has no key `openapi`".to_owned())),
        }
    }

    fn new(name: &str, document: &Document) -> Self {
        let (mut named, mut bases) = (BTreeSet::new(), BTreeSet::new());
        for server in &document.servers {
            let (origin, base) = server.place();
            named.extend(origin);
            bases.insert(base);
        }
        if bases.is_empty() {
            bases.insert(String::new());
        }
        let mut this = Self { name: name.into(), named, paths: Node::default(), operations: 0 };
        // A document without a word on security does not say that everything is public.
        let says_anything = document.security.is_some() || !document.components.security_schemes.is_empty();
        for (path, item) in document.paths.iter().filter(|_| says_anything) {
            let item = document.resolved(item);
            for (method, operation) in item.operations() {
                let wanted = operation.security.as_ref().or(document.security.as_ref());
                let (protected, alternatives) = wanted.map(|w| document.security(w)).unwrap_or_default();
                for base in &bases {
                    let operation =
                        Operation { path: path.as_str().into(), protected, alternatives: alternatives.clone() };
                    this.paths.insert(&format!("{base}{path}"), method, operation);
                }
                this.operations += 1;
            }
        }
        this
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many operations it says something of.
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// Whether its servers name this origin.
    pub(super) fn names(&self, origin: &str) -> bool {
        self.named.contains(origin)
    }

    /// Whether such a request is one of its operations, wherever it goes.
    pub(super) fn describes(&self, method: &str, path: &str) -> bool {
        self.operation(method, path).is_some()
    }

    /// The operation of such a request.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let mut segments: Vec<&str> = segments(path).collect();
        // Two paths that a slash tells apart are two; where only one of them is described, both mean it.
        let exact = self.paths.knows(&segments);
        match segments.last() {
            Some(&"") if !exact => {
                segments.pop();
            }
            Some(_) if !exact => segments.push(""),
            _ => {}
        }
        let find = |method| self.paths.find(&segments, method);
        // What answers GET answers HEAD (RFC 9110 §9.3.2).
        find(method).or_else(|| (method == "HEAD").then(|| find("GET")).flatten())
    }
}

impl Document {
    fn resolved<'a>(&'a self, item: &'a PathItem) -> &'a PathItem {
        let name = item.reference.as_deref().and_then(|r| r.strip_prefix("#/components/pathItems/"));
        name.and_then(|name| self.components.path_items.get(name)).unwrap_or(item)
    }

    /// Whether a credential is needed, and which ones will do.
    fn security(&self, wanted: &[BTreeMap<String, Vec<String>>]) -> (bool, Vec<Alternative>) {
        let protected = !wanted.is_empty() && wanted.iter().all(|requirement| !requirement.is_empty());
        let named = wanted.iter().filter(|requirement| !requirement.is_empty());
        // A scheme that the document does not define, or defines elsewhere, leaves open what is accepted.
        let alternatives: Option<Vec<Alternative>> = named.map(|requirement| self.alternative(requirement)).collect();
        (protected, alternatives.unwrap_or_default())
    }

    fn alternative(&self, requirement: &BTreeMap<String, Vec<String>>) -> Option<Alternative> {
        let required = requirement.iter().map(|(name, scopes)| {
            let scopes = scopes.iter().map(|scope| scope.as_str().into()).collect();
            Some(Required { name: name.as_str().into(), scheme: self.scheme(name)?, scopes })
        });
        Some(Alternative { required: required.collect::<Option<_>>()? })
    }

    fn scheme(&self, name: &str) -> Option<Scheme> {
        let schemes = &self.components.security_schemes;
        let direct = schemes.get(name)?;
        let referred = direct.reference.as_deref().and_then(|r| r.strip_prefix("#/components/securitySchemes/"));
        let scheme = referred.map_or(Some(direct), |name| schemes.get(name))?;
        let named = || scheme.name.as_deref();
        match (scheme.kind.as_deref()?, scheme.place.as_deref()) {
            ("http", _) => Some(Scheme::Http(scheme.scheme.as_deref()?.to_ascii_lowercase().into())),
            ("apiKey", Some("header")) if named()?.eq_ignore_ascii_case("authorization") => None,
            ("apiKey", Some("header")) => Some(Scheme::Header(named()?.to_ascii_lowercase().into())),
            ("apiKey", Some("cookie")) => Some(Scheme::Cookie(named()?.into())),
            ("apiKey", Some("query")) => Some(Scheme::Query(named()?.into())),
            ("oauth2" | "openIdConnect", _) => Some(Scheme::OAuth),
            ("mutualTLS", _) => Some(Scheme::MutualTls),
            _ => None,
        }
    }
}

impl Server {
    /// The origin that the URL names, where it is absolute, and the path that all operations begin with.
    fn place(&self) -> (Option<Box<str>>, String) {
        let mut url = self.url.clone();
        for (name, variable) in &self.variables {
            url = url.replace(&format!("{{{name}}}"), &variable.default);
        }
        let bare = |path: &str| path.trim_end_matches('/').to_owned();
        match Url::parse(&url) {
            Ok(url) => (Some(url.origin().ascii_serialization().into()), bare(url.path())),
            Err(_) if url.starts_with('/') => (None, bare(&url)),
            Err(_) => (None, String::new()),
        }
    }
}

impl Node {
    fn insert(&mut self, template: &str, method: &'static str, operation: Operation) {
        let mut node = self;
        for text in segments(template) {
            node = match template_segment(text) {
                Segment::Text(text) => node.written.entry(text).or_default(),
                Segment::One | Segment::Any => node.any.get_or_insert_default(),
                glob @ Segment::Glob(_) => {
                    let at = node.partly.iter().position(|(known, _)| *known == glob).unwrap_or(node.partly.len());
                    if at == node.partly.len() {
                        node.partly.push((glob, Self::default()));
                    }
                    &mut node.partly[at].1
                }
            };
        }
        node.operations.entry(method).or_insert(operation);
    }

    /// Whether the path has any operation.
    fn knows(&self, path: &[&str]) -> bool {
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
            .iter()
            .any(|m| self.find(path, m).is_some())
    }

    /// Every node is visited once at most: it is reached in one way only.
    fn find(&self, path: &[&str], method: &str) -> Option<&Operation> {
        let Some((first, rest)) = path.split_first() else { return self.operations.get(method) };
        let written = self.written.get(*first).and_then(|node| node.find(rest, method));
        let partly = || self.partly.iter().filter(|(s, _)| s.matches(first)).find_map(|(_, n)| n.find(rest, method));
        let any = || self.any.as_ref().filter(|_| !first.is_empty()).and_then(|node| node.find(rest, method));
        written.or_else(partly).or_else(any)
    }
}

/// Deepest path that is looked at; no API is deeper, and looking goes as deep.
const DEEPEST: usize = 64;

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/').take(DEEPEST)
}

/// `{id}` is one segment, `{name}.json` a part of one, and a star means itself.
fn template_segment(text: &str) -> Segment {
    match text.split_once('{') {
        None => Segment::Text(text.into()),
        Some(_) => {
            let mut out = String::new();
            let mut inside = false;
            for letter in text.chars() {
                match letter {
                    '{' => (inside, _) = (true, out.push('*')),
                    '}' => inside = false,
                    _ if inside => {}
                    _ => out.push(letter),
                }
            }
            segment(if out == "**" { "*" } else { &out })
        }
    }
}

/// The parser's words, on one line and without its own place.
fn reason(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKS: &str = r#"
openapi: 3.1.0
info: { title: Books, version: "1" }
servers:
  - url: https://{env}.x.dev/api/
    variables: { env: { default: api } }
security:
  - bearer: []
paths:
  /books:
    get:
      responses: { 200: { description: ok } }
  /shelves: { get: { security: [] } }
  /shelves/: { get: {} }
  /books/mine:
    get: { security: [] }
  /books/{id}:
    get: { security: [ { key: [], session: [] }, { oauth: [books:read] } ] }
  /files/{name}.pdf:
    get: { security: [ {}, { bearer: [] } ] }
  /later:
    post: { security: [ { elsewhere: [] } ] }
components:
  securitySchemes:
    bearer: { type: http, scheme: Bearer }
    key: { type: apiKey, in: header, name: X-Key }
    session: { type: apiKey, in: cookie, name: sid }
    oauth: { type: oauth2, flows: {} }
"#;

    fn books() -> ApiDocument {
        ApiDocument::parse("books.yaml", BOOKS).unwrap()
    }

    #[track_caller]
    fn check(request: &str, expected: Option<(bool, &str)>) {
        let document = books();
        let (method, path) = request.split_once(' ').unwrap();
        let found = document.operation(method, path).map(|operation| {
            let words: Vec<String> = operation.alternatives.iter().map(Alternative::in_words).collect();
            (operation.protected, words.join(" or "))
        });
        assert_eq!(found, expected.map(|(protected, words)| (protected, words.to_owned())), "{request}");
    }

    #[test]
    fn security_is_the_operations_else_the_documents() {
        check("GET /api/books", Some((true, "bearer (bearer)")));
        check("GET /api/books/", Some((true, "bearer (bearer)")));
        check("GET /api/shelves/", Some((true, "bearer (bearer)")));
        check("GET /api/shelves", Some((false, "")));
        check("HEAD /api/books", Some((true, "bearer (bearer)")));
        check("POST /api/books", None);
        check("GET /books", None);
        check("GET /api/books/mine", Some((false, "")));
        check(
            "GET /api/books/7",
            Some((true, "header x-key (key) and cookie sid (session) or a bearer token (oauth) with books:read")),
        );
        check("GET /api/files/a.pdf", Some((false, "bearer (bearer)")));
        check("GET /api/files/a.txt", None);
        check("POST /api/later", Some((true, "")));
        assert!(books().names("https://api.x.dev"));
        assert_eq!(books().operations(), 7);
    }

    #[test]
    fn json_is_read_as_well_as_yaml() {
        let text = r#"{"openapi":"3.0.3","paths":{"/a":{"get":{}}},"components":{"securitySchemes":{"b":{"type":"http","scheme":"basic"}}}}"#;
        let document = ApiDocument::parse("a.json", text).unwrap();
        assert!(document.describes("GET", "/a"));
        let silent = ApiDocument::parse("a.json", r#"{"openapi":"3.0.3","paths":{"/a":{"get":{}}}}"#).unwrap();
        assert!(!silent.describes("GET", "/a"), "a document without security declares nothing");
    }

    #[test]
    fn errors_name_the_place() {
        let error = |text: &str| ApiDocument::parse("x", text).unwrap_err().to_string();
        assert_eq!(error("{}"), "x: no OpenAPI document: it has no key `openapi`");
        assert!(error("swagger: '2.0'").contains("convert it to OpenAPI 3"));
        assert!(error("openapi: '4.0'").contains("only 3.0 and 3.1"));
        let wrong = error("{\"openapi\":\"3.1.0\",\n \"paths\": 7}");
        assert!(wrong.starts_with("x:2:"), "{wrong}");
        let wrong = error("openapi: 3.1.0\npaths:\n  /a:\n    get: 7\n");
        assert!(wrong.starts_with("x:4:"), "{wrong}");
    }

    #[test]
    fn bombs_are_refused() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..30 {
            laughs.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
        }
        laughs.push_str("openapi: 3.1.0\n");
        let _ = ApiDocument::parse("bomb", &laughs);
        assert!(ApiDocument::parse("deep", &"[".repeat(100_000)).is_err());
        assert!(ApiDocument::parse("deep", &format!("{{\"a\":{}", "[".repeat(100_000))).is_err());
        let long = format!("/{}", "a/".repeat(100_000));
        assert!(!books().describes("GET", &long));
    }
}
