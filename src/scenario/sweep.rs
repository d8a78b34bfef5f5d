//! The sweep section: a grid of scenarios.

use super::Spacing;
use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A grid over the scenario: every combination of the axes' values, each repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepSection {
    /// The axes of the grid; the last one varies fastest. Without any, the scenario itself is
    /// repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<Axis>,
    /// Runs of every combination, 1 or more, each with a seed of its own.
    #[serde(default = "default_repeats")]
    pub repeats: u64,
}

fn default_repeats() -> u64 {
    1
}

/// One axis: a path with a range or a list, or several of them linked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Dotted path of the scenario key that varies, data.toy.rho for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its values one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<AxisValue>>,
    /// Instead of values: the first one of a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// The last one of the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    /// Number of values in the range, both ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Spacing of the range: equal differences, or equal ratios.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Spacing>,
    /// Instead of path: axes of equal length that move together and count as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<Vec<Axis>>,
}

/// A path and the values it takes along an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Dotted path of the scenario key.
    pub path: String,
    /// Its values, in order.
    pub values: Vec<AxisValue>,
}

impl SweepSection {
    /// The columns of each axis: one, or those of its linked axes, all of one length.
    pub fn columns(&self) -> Vec<Vec<Column>> {
        self.axes.iter().map(Axis::columns).collect()
    }
}

impl Axis {
    /// The parts of the axis with its place below it: itself, or the linked ones.
    pub(super) fn parts(&self) -> Vec<(String, &Axis)> {
        match &self.linked {
            None => vec![(String::new(), self)],
            Some(linked) => linked
                .iter()
                .enumerate()
                .map(|(i, axis)| (format!(".linked.{i}"), axis))
                .collect(),
        }
    }

    fn columns(&self) -> Vec<Column> {
        self.parts()
            .into_iter()
            .map(|(_, axis)| Column {
                path: axis.path.clone().unwrap_or_default(),
                values: axis.values(),
            })
            .collect()
    }

    /// The values of an axis without linked ones. Among numbers of which one has a fraction none
    /// is whole: readers of the table tell a column's type by its first rows.
    pub(super) fn values(&self) -> Vec<AxisValue> {
        let mut values = self.given();
        if values
            .iter()
            .any(|value| matches!(value, AxisValue::Real(_)))
        {
            for value in &mut values {
                if let AxisValue::Whole(whole) = *value {
                    *value = AxisValue::Real(whole as f64);
                }
            }
        }
        values
    }

    fn given(&self) -> Vec<AxisValue> {
        if let Some(values) = &self.values {
            return values.clone();
        }
        let (from, to) = (self.from.unwrap_or_default(), self.to.unwrap_or_default());
        let count = self.count.unwrap_or_default();
        let log = self.spacing == Some(Spacing::Log);
        (0..count)
            .map(|i| AxisValue::number(step((from, to), (i, count), log)))
            .collect()
    }
}

/// Value `i` of `count` between the ends. The ends are met exactly; values between them are
/// rounded to 14 digits, so that 0.1 + 0.2 reads 0.3.
fn step((from, to): (f64, f64), (i, count): (u64, u64), log: bool) -> f64 {
    if i == 0 {
        return from;
    }
    if i + 1 == count {
        return to;
    }
    let share = i as f64 / (count - 1) as f64;
    let value = if log {
        from * (to / from).powf(share)
    } else {
        from + (to - from) * share
    };
    // What is left of a difference that should be zero is none.
    if !log && value.abs() < 1e-14 * from.abs().max(to.abs()) {
        return 0.0;
    }
    format!("{value:.13e}").parse().unwrap_or(value)
}

/// A value that a key takes in a sweep: a number, a word, true or false, or null, which takes the
/// key away.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum AxisValue {
    /// Null: the key is absent.
    Absent,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Real(f64),
    /// A word.
    Word(String),
}

impl AxisValue {
    /// A number, whole where it has no fraction: keys that count take no other.
    pub fn number(value: f64) -> Self {
        /// Whole numbers up to here are exact.
        const EXACT: f64 = 9.0e15;
        if value.fract() == 0.0 && value.abs() < EXACT {
            AxisValue::Whole(value as i64)
        } else {
            AxisValue::Real(value)
        }
    }

    /// Its number, where it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            AxisValue::Whole(value) => Some(*value as f64),
            AxisValue::Real(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether two values are the same one: 2 and 2.0 are.
    pub fn is(&self, other: &AxisValue) -> bool {
        match (self.as_number(), other.as_number()) {
            (Some(one), Some(other)) => one == other,
            _ => self == other,
        }
    }
}

/// As in a CSV file: numbers shortest, words as they are, nothing for null.
impl fmt::Display for AxisValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisValue::Absent => Ok(()),
            AxisValue::Flag(flag) => write!(f, "{flag}"),
            AxisValue::Whole(value) => write!(f, "{value}"),
            AxisValue::Real(value) => write!(f, "{value:?}"),
            AxisValue::Word(word) => f.write_str(word),
        }
    }
}

impl Serialize for AxisValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AxisValue::Absent => serializer.serialize_none(),
            AxisValue::Flag(flag) => serializer.serialize_bool(*flag),
            AxisValue::Whole(value) => serializer.serialize_i64(*value),
            AxisValue::Real(value) => serializer.serialize_f64(*value),
            AxisValue::Word(word) => serializer.serialize_str(word),
        }
    }
}

/// By hand: the derived one for untagged enums loses what was wrong and where.
impl<'de> Deserialize<'de> for AxisValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AxisValueVisitor)
    }
}

struct AxisValueVisitor;

impl Visitor<'_> for AxisValueVisitor {
    type Value = AxisValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a word, true or false, or null")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<AxisValue, E> {
        Ok(AxisValue::Flag(flag))
    }

    fn visit_i64<E>(self, value: i64) -> Result<AxisValue, E> {
        Ok(AxisValue::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<AxisValue, E> {
        Ok(i64::try_from(value).map_or(AxisValue::Real(value as f64), AxisValue::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<AxisValue, E> {
        Ok(AxisValue::Real(value))
    }

    fn visit_str<E>(self, word: &str) -> Result<AxisValue, E> {
        Ok(AxisValue::Word(word.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<AxisValue, E> {
        Ok(AxisValue::Absent)
    }

    fn visit_none<E>(self) -> Result<AxisValue, E> {
        Ok(AxisValue::Absent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: f64, to: f64, count: u64, log: bool) -> Vec<f64> {
        let axis = Axis {
            from: Some(from),
            to: Some(to),
            count: Some(count),
            spacing: log.then_some(Spacing::Log),
            ..Axis::default()
        };
        axis.values()
            .iter()
            .filter_map(AxisValue::as_number)
            .collect()
    }

    #[test]
    fn ranges_read_as_one_would_write_them() {
        assert_eq!(
            range(-0.9, 0.9, 9, false),
            [-0.9, -0.675, -0.45, -0.225, 0.0, 0.225, 0.45, 0.675, 0.9]
        );
        assert_eq!(range(1e-9, 1e-1, 5, true), [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]);
        assert_eq!(range(1e-50, 1e-2, 3, true), [1e-50, 1e-26, 1e-2]);
        assert_eq!(range(0.1, 0.3, 3, false), [0.1, 0.2, 0.3]);
        assert_eq!(range(2.5, 9.0, 1, false), [2.5]);
    }

    #[test]
    fn a_column_of_numbers_has_one_type() {
        let axis = |values: &[f64]| Axis {
            values: Some(values.iter().copied().map(AxisValue::number).collect()),
            ..Axis::default()
        };
        let shown = |axis: Axis| {
            axis.values()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(axis(&[1.0, 1.5, 2.0])), ["1.0", "1.5", "2.0"]);
        assert_eq!(shown(axis(&[1.0, 2.0])), ["1", "2"]);
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(AxisValue::number(4.0), AxisValue::Whole(4));
        assert!(AxisValue::Whole(2).is(&AxisValue::Real(2.0)));
        assert!(!AxisValue::Whole(2).is(&AxisValue::Word("2".into())));
    }
}
