//! JSON as a token wrote it: member order and duplicate names kept, depth bounded.
//!
//! `serde_json::Value` keeps the last of two members with one name and says nothing; verifiers disagree on which one
//! they read (RFC 8259 §4, RFC 7519 §4), so an analyser has to see both.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Nesting beyond which a document is refused: real claims nest two or three levels.
pub(super) const MAX_DEPTH: usize = 32;

/// A JSON value. It may hold a credential or a person's data, so it has no `Debug`.
#[derive(Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Any number, as the nearest double.
    Number(f64),
    /// A string, unescaped.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// Members in document order, duplicates kept.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one JSON document; `None` where the bytes are no JSON, or nest deeper than `MAX_DEPTH`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = Depth(MAX_DEPTH).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(value)
    }

    /// The members, where this is an object.
    pub fn members(&self) -> Option<&[(String, Json)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The first member called `name`.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.members()?.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The text, where this is a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The strings of a string or of an array of strings: the two ways to write `aud` (RFC 7519 §4.1.3).
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Array(items) => items.iter().filter_map(Json::text).collect(),
            _ => Vec::new(),
        }
    }

    /// Names that occur more than once in this object, each once, in order of first repetition.
    pub fn duplicates(&self) -> Vec<&str> {
        let mut seen = std::collections::BTreeSet::new();
        let mut twice: Vec<&str> = Vec::new();
        for (name, _) in self.members().unwrap_or_default() {
            if !seen.insert(name.as_str()) && !twice.contains(&name.as_str()) {
                twice.push(name);
            }
        }
        twice
    }
}

/// Deserialises a [`Json`] that may nest this many more levels.
struct Depth(usize);

impl Depth {
    fn inner<E: Error>(&self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.inner()?)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value_seed(self.inner()?)?));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, parses: bool, duplicates: &[&str]) {
        let json = Json::parse(text.as_bytes());
        assert_eq!(json.is_some(), parses, "{text}");
        assert_eq!(json.as_ref().map(Json::duplicates).unwrap_or_default(), duplicates, "{text}");
    }

    #[test]
    fn keeps_duplicates_and_bounds_depth() {
        check(r#"{"a":1,"b":[null,true,"x"],"a":2}"#, true, &["a"]);
        check(r#"{"a":1} trailing"#, false, &[]);
        check("not json", false, &[]);
        check(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH)), true, &[]);
        check(&format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1)), false, &[]);
    }
}
