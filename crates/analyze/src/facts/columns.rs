//! How the parts of a fact that serde cannot write by itself become columns of a table, and come back.
//!
//! Columns are of types that every engine knows: 64-bit integers, floating point, text, truth values, lists and structures of
//! them. A cell that cannot be understood comes back as unknown, never as something else.

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What many facts share, written with each of them.
pub(crate) mod shared {
    use std::sync::Arc;

    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, to: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, to)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}

/// The same where there may be none.
pub(crate) mod maybe_shared {
    use std::sync::Arc;

    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Option<Arc<T>>, to: S) -> Result<S::Ok, S::Error> {
        value.as_deref().serialize(to)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Arc<T>>, D::Error> {
        Ok(Option::<T>::deserialize(from)?.map(Arc::new))
    }
}

/// A value as its text, which parses to it again: an address.
pub(crate) mod as_text {
    use std::{fmt::Display, str::FromStr};

    use super::*;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.and_then(|text| text.parse().ok()))
    }
}

/// A number that is never 0, or none.
pub(crate) mod non_zero {
    use super::*;

    pub(crate) fn serialize<T: Bits, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Bits::bits).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: Bits, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.and_then(T::from_bits))
    }
}

/// A number as the bits of a signed one: engines outside have no unsigned 64-bit integers.
pub(crate) trait Bits: Copy {
    fn bits(self) -> i64;
    fn from_bits(bits: i64) -> Option<Self>;
}

impl Bits for NonZeroU16 {
    fn bits(self) -> i64 {
        self.get().into()
    }

    fn from_bits(bits: i64) -> Option<Self> {
        u16::try_from(bits).ok().and_then(Self::new)
    }
}

impl Bits for NonZeroU32 {
    fn bits(self) -> i64 {
        self.get().into()
    }

    fn from_bits(bits: i64) -> Option<Self> {
        u32::try_from(bits).ok().and_then(Self::new)
    }
}

impl Bits for NonZeroU64 {
    fn bits(self) -> i64 {
        self.get().cast_signed()
    }

    fn from_bits(bits: i64) -> Option<Self> {
        Self::new(bits.cast_unsigned())
    }
}

/// Departures from a grammar, each as one word with its numbers: `segment-count:2`.
pub(crate) mod defects {
    use super::*;
    use crate::token::Defect;

    pub(crate) fn serialize<S: Serializer>(defects: &[Defect], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(defects.iter().map(|defect| defect.to_column()))
    }

    pub(crate) fn deserialize<'de, L: FromIterator<Defect>, D: Deserializer<'de>>(from: D) -> Result<L, D::Error> {
        let words = Vec::<String>::deserialize(from)?;
        Ok(words.iter().filter_map(|word| Defect::from_column(word)).collect())
    }
}
