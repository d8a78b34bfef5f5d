//! A walk over YAML text that can be stopped at any key or list element.
//!
//! It stops by failing: serde_yaml then puts the line on the error.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use std::collections::HashSet;
use std::fmt;

/// What the walk comes past.
pub(super) enum Sight<'a> {
    Key { path: &'a str, repeated: bool },
    Element { path: &'a str },
    OddKey { path: &'a str, shown: String },
    Huge { path: &'a str, shown: String },
}

/// What to do there.
#[derive(PartialEq)]
pub(super) enum Answer {
    Enter,
    Skip,
    Stop,
}

/// Sees every key and list element in order, and every fault.
type Watch<'w> = dyn FnMut(Sight<'_>) -> Answer + 'w;

/// Walks over the text; the error of a stopped walk has the line it was stopped at.
pub(super) fn walk(text: &str, watch: &mut Watch<'_>) -> Result<(), serde_yaml::Error> {
    let node = Node {
        path: String::new(),
        element: false,
        watch,
    };
    node.deserialize(serde_yaml::Deserializer::from_str(text))
}

/// A value and everything below it.
struct Node<'n, 'w> {
    path: String,
    /// Whether it stands in a list; a mapping's values were announced with their keys.
    element: bool,
    watch: &'n mut Watch<'w>,
}

impl Node<'_, '_> {
    /// Announces a list element; true where the walk is to go on below it.
    fn enters<E: serde::de::Error>(&mut self) -> Result<bool, E> {
        if !self.element {
            return Ok(true);
        }
        match (self.watch)(Sight::Element { path: &self.path }) {
            Answer::Enter => Ok(true),
            Answer::Skip => Ok(false),
            Answer::Stop => Err(stop()),
        }
    }

    fn scalar<E: serde::de::Error>(mut self) -> Result<(), E> {
        self.enters().map(|_| ())
    }

    fn huge<E: serde::de::Error>(self, shown: String) -> Result<(), E> {
        let path = &self.path;
        match (self.watch)(Sight::Huge { path, shown }) {
            Answer::Stop => Err(stop()),
            _ => Ok(()),
        }
    }
}

/// The error that ends a walk; nobody reads its words.
fn stop<E: serde::de::Error>() -> E {
    E::custom("found")
}

fn below(path: &str, step: impl fmt::Display) -> String {
    if path.is_empty() {
        step.to_string()
    } else {
        format!("{path}.{step}")
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<(), E> {
        self.huge(value.to_string())
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<(), E> {
        self.huge(value.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<(), A::Error> {
        // A tagged value, `!name value`: the tag has no meaning here, the value counts.
        let (_, value) = data.variant::<String>()?;
        value.newtype_variant_seed(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let enters = self.enters()?;
        let mut index = 0usize;
        loop {
            let node = Node {
                path: below(&self.path, index),
                element: true,
                watch: &mut *self.watch,
            };
            let next = if enters {
                list.next_element_seed(node)?.is_some()
            } else {
                list.next_element::<serde::de::IgnoredAny>()?.is_some()
            };
            if !next {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        let enters = self.enters()?;
        loop {
            let key = Key {
                parent: &self.path,
                seen: &mut seen,
                watch: &mut *self.watch,
            };
            let Some((path, answer)) = map.next_key_seed(key)? else {
                return Ok(());
            };
            if enters && answer == Answer::Enter {
                map.next_value_seed(Node {
                    path,
                    element: false,
                    watch: &mut *self.watch,
                })?;
            } else {
                map.next_value::<serde::de::IgnoredAny>()?;
            }
        }
    }
}

/// A key of a mapping: fails while it is being read, so that the error has the key's own line
/// even where the value starts on the next.
struct Key<'n, 'w> {
    parent: &'n str,
    seen: &'n mut HashSet<String>,
    watch: &'n mut Watch<'w>,
}

impl Key<'_, '_> {
    fn odd<E: serde::de::Error>(self, shown: String) -> Result<(String, Answer), E> {
        let path = self.parent;
        let answer = (self.watch)(Sight::OddKey { path, shown });
        match answer {
            Answer::Stop => Err(stop()),
            _ => Ok((path.to_owned(), Answer::Skip)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = (String, Answer);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, '_> {
    type Value = (String, Answer);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name as the key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        let path = below(self.parent, key);
        let repeated = !self.seen.insert(key.to_owned());
        match (self.watch)(Sight::Key {
            path: &path,
            repeated,
        }) {
            Answer::Stop => Err(stop()),
            answer => Ok((path, answer)),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, key: bool) -> Result<Self::Value, E> {
        self.odd(key.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, key: i64) -> Result<Self::Value, E> {
        self.odd(key.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, key: u64) -> Result<Self::Value, E> {
        self.odd(key.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, key: f64) -> Result<Self::Value, E> {
        self.odd(key.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        self.odd("null".to_owned())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        // Its inside is unread; the walk ends here in any case.
        self.odd("[...]".to_owned())
            .and_then(|_: Self::Value| Err(A::Error::custom("a list as a key")))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        self.odd("{...}".to_owned())
            .and_then(|_: Self::Value| Err(A::Error::custom("a mapping as a key")))
    }
}
