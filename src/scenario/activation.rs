//! The activation of hidden units: a word, or a word with a number.

use schemars::JsonSchema;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What a hidden unit does to the sum z that arrives at it.
#[derive(Debug, Clone, Copy, PartialEq, Default, JsonSchema)]
#[schemars(
    rename_all = "snake_case",
    title = "linear, relu, tanh, erf or {leaky_relu: 0.1}"
)]
pub enum Activation {
    /// z.
    #[default]
    Linear,
    /// max(z, 0).
    Relu,
    /// z where z > 0, this slope times z elsewhere; from 0 to 1.
    LeakyRelu(f64),
    /// tanh z.
    Tanh,
    /// The error function of z, 2/sqrt(pi) int_0^z exp(-s^2) ds.
    Erf,
}

impl Activation {
    /// Whether it does nothing.
    pub fn is_linear(&self) -> bool {
        *self == Activation::Linear
    }

    /// Whether it can be differentiated everywhere.
    pub fn is_smooth(&self) -> bool {
        !matches!(self, Activation::Relu | Activation::LeakyRelu(_))
    }

    /// Its word in scenarios and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::LeakyRelu(_) => LEAKY,
            Activation::Tanh => "tanh",
            Activation::Erf => "erf",
        }
    }
}

const LEAKY: &str = "leaky_relu";
const WORDS: &[&str] = &["linear", "relu", LEAKY, "tanh", "erf"];

/// By hand, as the reading: serde_yaml writes a word with a number as a tag.
impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Activation::LeakyRelu(slope) = self else {
            return serializer.serialize_str(self.name());
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(LEAKY, slope)?;
        map.end()
    }
}

/// By hand: the derived one loses the place of a mistake.
impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActivationVisitor)
    }
}

struct ActivationVisitor;

impl<'de> Visitor<'de> for ActivationVisitor {
    type Value = Activation;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("linear, relu, tanh, erf or {leaky_relu: 0.1}")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Activation, E> {
        match word {
            "linear" => Ok(Activation::Linear),
            "relu" => Ok(Activation::Relu),
            "tanh" => Ok(Activation::Tanh),
            "erf" => Ok(Activation::Erf),
            LEAKY => Err(E::invalid_value(
                serde::de::Unexpected::Str(word),
                &"its slope as well, {leaky_relu: 0.1}",
            )),
            _ => Err(E::unknown_variant(word, WORDS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Activation, A::Error> {
        let mut slope = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != LEAKY {
                return Err(A::Error::unknown_field(&key, &[LEAKY]));
            }
            slope = Some(map.next_value()?);
        }
        let slope = slope.ok_or_else(|| A::Error::missing_field(LEAKY))?;
        Ok(Activation::LeakyRelu(slope))
    }
}
