//! `record!`: an object of a HAR whose unknown members are skipped and whose known ones may have any type.

/// Visitor methods that turn a scalar, where a container belongs, into `$odd`.
macro_rules! odd_scalars {
    ($odd:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($odd)
        }
    };
}

/// How a record stood in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// Its key is missing, or it is `null`.
    #[default]
    Absent,
    /// An object, as it should be.
    Object,
    /// Something else.
    Odd,
}

/// Declares a record: `field: Type = "key" | "other key"`. A repeated key's last value counts, as in every browser.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal $(| $alias:literal)*,)* }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $name<'de> {
            /// How it stood in the text.
            #[allow(dead_code, reason = "most records are read the same, whether they are there or not")]
            pub(super) shape: $crate::har::record::Shape,
            $($(#[$field_doc])* pub(super) $field: $type,)*
            lifetime: std::marker::PhantomData<&'de ()>,
        }

        impl<'de> serde::Deserialize<'de> for $name<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(stringify!($name))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut record = $name { shape: $crate::har::record::Shape::Object, ..Default::default() };
                        while let Some(key) = map.next_key::<$crate::har::lenient::Key<'de>>()? {
                            match key.0.as_ref() {
                                $($key $(| $alias)* => record.$field = map.next_value()?,)*
                                _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                            }
                        }
                        Ok(record)
                    }
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                        $crate::har::lenient::skip_seq(seq)?;
                        Ok($name { shape: $crate::har::record::Shape::Odd, ..Default::default() })
                    }
                    fn visit_unit<E>(self) -> Result<Self::Value, E> {
                        Ok($name::default())
                    }
                    odd_scalars!($name { shape: $crate::har::record::Shape::Odd, ..Default::default() });
                }
                deserializer.deserialize_any(Fields)
            }
        }
    };
}
