//! A quantity of a sweep's cells: an entry of the table in `quantities.rs`, as figures name it.

use super::quantities::{self, Entry};
use modalflow::experiment::problem::Problem;
use modalflow::theory::Theory;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::borrow::Cow;

/// A column of sweep.csv that a figure can show.
#[derive(Debug, Clone, Copy)]
pub struct Quantity(&'static Entry);

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Quantity {
    /// All of them, the time ratio first: it is what theory is most about.
    fn all() -> Vec<Quantity> {
        let shown = quantities::all().filter(|entry| entry.shown.is_some());
        let mut all: Vec<Quantity> = shown.map(Quantity).collect();
        all.sort_by_key(|quantity| quantity.key() != "ratio");
        all
    }

    /// All that theory predicts.
    pub fn all_predicted() -> Vec<Quantity> {
        let mut all = Self::all();
        all.retain(|quantity| quantity.is_predicted());
        all
    }

    /// The quantity of a key.
    pub fn named(key: &str) -> Option<Quantity> {
        Self::all()
            .into_iter()
            .find(|quantity| quantity.key() == key)
    }

    /// Its name in the scenario and in the header of sweep.csv.
    pub fn key(self) -> &'static str {
        self.0.key
    }

    /// What it is called in figures, with its unit.
    pub fn label(self) -> String {
        match self.0.shown {
            Some(shown) if shown.unit.is_empty() => shown.label.to_owned(),
            Some(shown) => format!("{} ({})", shown.label, shown.unit),
            None => self.key().to_owned(),
        }
    }

    /// Whether theory predicts it.
    pub fn is_predicted(self) -> bool {
        self.0.predicted.is_some()
    }

    /// What theory predicts of it for a problem.
    pub fn predicted(self, problem: &Problem, theory: &Theory) -> Option<f64> {
        (self.0.predicted?)(problem, theory)?.number()
    }

    /// Whether its prediction depends on which modality is learned second.
    pub fn is_of_second(self) -> bool {
        self.0.of_second
    }

    /// Whether its prediction depends on the initial weights, which are drawn at random.
    pub fn is_of_weights(self) -> bool {
        self.0.of_weights
    }

    /// Whether it is of the generalisation error, which not all data have.
    pub fn is_of_generalisation(self) -> bool {
        self.0.of_generalisation
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::named(&key).ok_or_else(|| D::Error::custom(format!("no quantity {key}")))
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = |quantity: Quantity| {
            let description = quantity.0.shown.map(|shown| shown.description);
            json_schema!({"type": "string", "const": quantity.key(), "description": description})
        };
        json_schema!({
            "description": "A column of sweep.csv that a figure can show.",
            "oneOf": Self::all().into_iter().map(word).collect::<Vec<_>>(),
        })
    }
}
