//! A quantity of a sweep's cells: an entry of the table in `quantities.rs`, as figures name it.

use super::entry::{Entry, Need};
use super::quantities;
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
    pub fn all() -> impl Iterator<Item = Quantity> {
        let is_ratio = |entry: &&Entry| entry.key == "ratio";
        let ratio = quantities::all().filter(is_ratio);
        let all = ratio.chain(quantities::all().filter(move |entry| !is_ratio(entry)));
        all.filter(|entry| entry.shown.is_some()).map(Quantity)
    }

    /// The quantity of a key.
    pub fn named(key: &str) -> Option<Quantity> {
        Self::all().find(|quantity| quantity.key() == key)
    }

    /// Its name in the scenario and in the header of sweep.csv.
    pub fn key(self) -> &'static str {
        self.0.key
    }

    /// What it is called in figures, with its unit.
    pub fn label(self) -> String {
        match self.0.shown {
            Some((label, "")) => label.to_owned(),
            Some((label, unit)) => format!("{label} ({unit})"),
            None => self.key().to_owned(),
        }
    }

    /// Whether theory predicts it.
    pub fn is_predicted(self) -> bool {
        self.0.predicted.is_some()
    }

    /// The quantity that is theory's word on it by the actual initial weights.
    pub fn by_weights(self) -> Option<Quantity> {
        Self::named(self.0.by_weights?)
    }

    /// What its values are called where theory's stand beside them.
    pub fn origin(self) -> &'static str {
        match (self.0.is_theory, self.0.is_gap) {
            (true, _) => "theory",
            (false, true) => "gap",
            (false, false) => "measured",
        }
    }

    /// Whether it is a relative gap of theory, of either sign.
    pub fn is_gap(self) -> bool {
        self.0.is_gap
    }

    /// What theory predicts of it for a problem.
    pub fn predicted(self, problem: &Problem, theory: &Theory) -> Option<f64> {
        (self.0.predicted?)(problem, theory)?.number()
    }

    /// Whether it depends on something.
    pub fn needs(self, need: Need) -> bool {
        self.0.needs.contains(&need)
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
        let word = |Quantity(entry)| json_schema!({"type": "string", "const": entry.key, "description": entry.meaning});
        json_schema!({
            "description": "A column of sweep.csv that a figure can show.",
            "oneOf": Self::all().map(word).collect::<Vec<_>>(),
        })
    }
}
