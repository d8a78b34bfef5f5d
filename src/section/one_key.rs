//! Alternatives as a mapping with one key, for `#[serde(with = "crate::section::one_key")]`.
//!
//! A variant that holds a value is written `{variant: value}`, a variant without one is written as
//! its plain word. Serde's own form is the same in JSON, but YAML takes it for a tag and refuses
//! the mapping. Reading names the alternatives where none or several are given, and an error
//! inside the value keeps its path.
//!
//! Schemars needs the field's own type beside it: `#[schemars(with = "Source")]`.

use serde::de::{
    DeserializeSeed, EnumAccess, Error, IntoDeserializer, MapAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Writes an enum as a word or as a mapping with one key.
pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    // Flattened into a struct without other fields, a variant becomes an entry of a mapping.
    #[derive(Serialize)]
    struct Entry<'a, T> {
        #[serde(flatten)]
        value: &'a T,
    }
    let mut word = String::new();
    match fmt::write(&mut word, format_args!("{}", Word(value))) {
        Ok(()) => serializer.serialize_str(&word),
        Err(fmt::Error) => Entry { value }.serialize(serializer),
    }
}

/// The word of a variant without a value; a formatter refuses all others.
struct Word<'a, T>(&'a T);

impl<T: Serialize> fmt::Display for Word<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

/// Reads an enum from a word or from a mapping with one key.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(OneKey(from))
}

/// The alternative `key` of a mapping that may have other keys, which is at the value of that one.
///
/// # Errors
/// Where there is no such alternative, or its value is none.
pub fn entry<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    key: &str,
    map: &mut A,
) -> Result<T, A::Error> {
    T::deserialize(Entry { key, map })
}

/// Presents an entry of a mapping, which is at its value, as an enum.
struct Entry<'k, A> {
    key: &'k str,
    map: A,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Entry<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Entry<'_, A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<K: DeserializeSeed<'de>>(self, seed: K) -> Result<(K::Value, Self), A::Error> {
        let variant = seed.deserialize(self.key.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Entry<'_, A> {
    type Error = A::Error;

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        mut self,
        seed: T,
    ) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(seed)
    }

    fn unit_variant(self) -> Result<(), A::Error> {
        Err(A::Error::custom(format!("{} takes no value", self.key)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.struct_variant(&[], visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        Err(A::Error::invalid_type(Unexpected::NewtypeVariant, &visitor))
    }
}

/// Presents a word or a mapping as an enum.
struct OneKey<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OneKey<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Alternatives { variants, visitor })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Alternatives<V> {
    variants: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Alternatives<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.variants.join(", "))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<V::Value, E> {
        self.visitor.visit_enum(word.into_deserializer())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let key: Option<String> = map.next_key()?;
        let key = key
            .ok_or_else(|| A::Error::custom(format!("give one of {}", self.variants.join(", "))))?;
        let value = self.visitor.visit_enum(Entry {
            key: &key,
            map: &mut map,
        })?;
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(other) => Err(A::Error::custom(format!(
                "{key} and {other} are given, of which only one can be"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Toy {
        sigma: f64,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Source {
        Toy(#[schemars(with = "f64")] Toy),
        Counts(Vec<u64>),
        Nothing,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
    struct File {
        #[serde(with = "super")]
        #[schemars(with = "Source")]
        data: Source,
    }

    fn from_yaml(text: &str) -> Result<File, String> {
        let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
        serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
    }

    #[test]
    fn variants_are_read_back_as_written() {
        for (data, yaml) in [
            (
                Source::Toy(Toy { sigma: 0.5 }),
                "data:\n  toy:\n    sigma: 0.5\n",
            ),
            (
                Source::Counts(vec![u64::MAX]),
                "data:\n  counts:\n  - 18446744073709551615\n",
            ),
            (Source::Nothing, "data: nothing\n"),
        ] {
            let file = File { data };
            assert_eq!(serde_yaml::to_string(&file).unwrap(), yaml);
            assert_eq!(from_yaml(yaml).as_ref(), Ok(&file));
            let json = serde_json::to_string(&file).unwrap();
            assert_eq!(serde_json::from_str::<File>(&json).unwrap(), file);
            let value = serde_yaml::to_value(&file).unwrap();
            assert_eq!(serde_yaml::from_value::<File>(value).unwrap(), file);
        }
        assert!(schemars::schema_for!(File).get("$defs").is_some());
    }

    #[test]
    fn mistakes_are_named_at_their_place() {
        for (yaml, message) in [
            ("data: {}", "data: give one of toy, counts, nothing"),
            (
                "data: 3",
                "data: invalid type: integer `3`, expected one of toy, counts, nothing",
            ),
            (
                "data: {counts: [], toy: 3}",
                "data: counts and toy are given, of which only one can be",
            ),
            ("data: {nothing: 3}", "data: nothing takes no value"),
            (
                "data: {toi: {}}",
                "data: unknown variant `toi`, expected one of `toy`, `counts`, `nothing`",
            ),
            (
                "data: {toy: {sgima: 1}}",
                "data.toy.sgima: unknown field `sgima`, expected `sigma`",
            ),
            (
                "data: {counts: [1, a]}",
                "data.counts[1]: invalid type: string \"a\", expected u64",
            ),
        ] {
            assert_eq!(from_yaml(yaml).unwrap_err(), message, "{yaml}");
        }
    }
}
