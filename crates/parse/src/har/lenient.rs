//! JSON values that are read whatever their type is: HAR writers disagree on types more than on names.
//!
//! A field of the wrong type never fails its entry. It is read where it has an obvious meaning (`"200"` as 200) and
//! counts as odd, so that the exchange can say so.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A string, number, boolean or null; containers are skipped.
#[derive(Clone, Default)]
pub(super) enum Scalar<'a> {
    /// The key is not there.
    #[default]
    Absent,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(Cow<'a, str>),
    /// An object or array.
    Container,
}

impl<'a> Scalar<'a> {
    /// As text; numbers and booleans as JSON writes them.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(value) => Some(Cow::Owned(value.to_string())),
            _ => None,
        }
    }

    /// As text, and not empty.
    pub(super) fn filled(&self) -> Option<Cow<'_, str>> {
        self.text().filter(|text| !text.trim().is_empty())
    }

    /// As a number; numeric strings count.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// As a size in bytes: HAR writes −1 (and worse) for "not known".
    pub(super) fn size(&self) -> Option<u64> {
        self.number().filter(|size| *size >= 0.0).map(|size| size as u64)
    }

    /// Whether it says yes: `true`, or any text but an empty one, `"false"` and `"0"`.
    pub(super) fn truthy(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !matches!(text.as_ref(), "" | "0" | "false"),
            _ => false,
        }
    }

    /// Whether it stands where HAR 1.2 wants a string and is something else.
    pub(super) fn odd_text(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Number(_) | Self::Container)
    }

    /// Whether it stands where HAR 1.2 wants a number and is something else.
    pub(super) fn odd_number(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Text(_) | Self::Container)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value as f64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq)?;
        Ok(Scalar::Container)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map)?;
        Ok(Scalar::Container)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Reads an array to its end without keeping it.
pub(super) fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Reads an object to its end without keeping it.
pub(super) fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// An object's key; borrowed unless it holds an escape.
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ScalarVisitor)? {
            Scalar::Text(text) => Ok(Self(text)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

/// One value or several: a header's `value` is an array in some recordings.
#[derive(Clone)]
pub(super) enum Values<'a> {
    /// The usual case.
    One(Scalar<'a>),
    /// An array.
    Many(Vec<Scalar<'a>>),
}

impl Default for Values<'_> {
    fn default() -> Self {
        Self::One(Scalar::Absent)
    }
}

impl<'a> Values<'a> {
    /// Each value in order.
    pub(super) fn each(&self) -> &[Scalar<'a>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// The first value.
    pub(super) fn first(self) -> Scalar<'a> {
        match self {
            Self::One(value) => value,
            Self::Many(values) => values.into_iter().next().unwrap_or_default(),
        }
    }

    /// Whether it is not one string.
    pub(super) fn odd(&self) -> bool {
        match self {
            Self::One(value) => value.odd_text(),
            Self::Many(_) => true,
        }
    }
}

impl<'de> Deserialize<'de> for Values<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Bool(value)))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Number(value as f64)))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Number(value as f64)))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Number(value)))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Null))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Text(Cow::Borrowed(text))))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Values::One(Scalar::Text(Cow::Owned(text.to_owned()))))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Values::Many(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        skip_map(map)?;
        Ok(Values::One(Scalar::Container))
    }
}

/// An element of a list of named values: a header, a cookie, a form parameter.
pub(super) trait Named<'a>: Default {
    /// Elements that a list has room for at first.
    const USUAL: usize;
    /// Takes one member of its object.
    fn set(&mut self, key: &str, value: Values<'a>);
    /// The element that a bare `name: value` member of a map stands for.
    fn pair(name: Cow<'a, str>, value: Values<'a>) -> Self;
    /// Whether a `name` was set.
    fn is_named(&self) -> bool;
}

/// A list of named values, in whatever shape it was written: an array of objects, one object, or a map.
#[derive(Clone)]
pub(super) struct Listed<T> {
    /// The elements; `None` where there is no list at all.
    pub(super) items: Option<Vec<T>>,
    /// Whether its shape is not HAR's.
    pub(super) odd: bool,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: None, odd: false }
    }
}

impl<T> Listed<T> {
    /// The elements, none where there is no list.
    pub(super) fn as_slice(&self) -> &[T] {
        self.items.as_deref().unwrap_or_default()
    }
}

struct ListedVisitor<T>(PhantomData<T>);

impl<'de, T: Named<'de>> Visitor<'de> for ListedVisitor<T> {
    type Value = Listed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of named values")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Listed::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut odd) = (Vec::new(), false);
        while let Some(Element(element)) = seq.next_element::<Element<T>>()? {
            odd |= element.is_none();
            if items.is_empty() {
                // Most lists of cookies are empty; lists of headers are not.
                items.reserve(T::USUAL);
            }
            items.extend(element);
        }
        Ok(Listed { items: Some(items), odd })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Key<'de>, Values<'de>)> = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        let single = members.iter().any(|(key, _)| key.0 == "name") && members.iter().any(|(key, _)| key.0 == "value");
        let items = if single {
            let mut item = T::default();
            members.into_iter().for_each(|(key, value)| item.set(&key.0, value));
            vec![item]
        } else {
            members.into_iter().map(|(key, value)| T::pair(key.0, value)).collect()
        };
        Ok(Listed { items: Some(items), odd: true })
    }
    odd_scalars!(Listed { items: None, odd: true });
}

impl<'de, T: Named<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListedVisitor(PhantomData))
    }
}

/// One element of a list; `None` where it is not an object with a name.
struct Element<T>(Option<T>);

struct ElementVisitor<T>(PhantomData<T>);

impl<'de, T: Named<'de>> Visitor<'de> for ElementVisitor<T> {
    type Value = Element<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a named value")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut item = T::default();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            item.set(&key.0, map.next_value()?);
        }
        Ok(Element(item.is_named().then_some(item)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip_seq(seq)?;
        Ok(Element(None))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Element(None))
    }
    odd_scalars!(Element(None));
}

impl<'de, T: Named<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor(PhantomData))
    }
}
