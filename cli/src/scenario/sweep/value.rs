//! The values of an axis: what a key of a scenario can be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that a key takes in a sweep: a number, a word, true or false, a list of these, or null, which takes
/// the key away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "a number, a word, true or false, a list, or null")]
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
    /// A list, for keys that take one: the columns of a modality, the widths of the layers.
    List(Vec<AxisValue>),
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
        self.key() == other.key()
    }

    /// What it has in common with the values that are the same one, and with no other.
    pub(crate) fn key(&self) -> Key<'_> {
        /// 2^63, above which no real number is an i64.
        const END: f64 = 9_223_372_036_854_775_808.0;
        match self {
            AxisValue::Absent => Key::Absent,
            AxisValue::Flag(flag) => Key::Flag(*flag),
            AxisValue::Whole(whole) => Key::Whole(*whole),
            AxisValue::Real(real) if real.fract() == 0.0 && (-END..END).contains(real) => {
                Key::Whole(*real as i64)
            }
            AxisValue::Real(real) => Key::Real(real.to_bits()),
            AxisValue::Word(word) => Key::Word(word),
            AxisValue::List(all) => Key::List(all.iter().map(AxisValue::key).collect()),
        }
    }
}

/// What equal values of an axis have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key<'a> {
    Absent,
    Flag(bool),
    Whole(i64),
    Real(u64),
    Word(&'a str),
    List(Vec<Key<'a>>),
}

/// As in a CSV file: numbers shortest, words as they are, nothing for null; what a list holds, one after the
/// other.
impl fmt::Display for AxisValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AxisValue::Absent => Ok(()),
            AxisValue::Flag(flag) => write!(f, "{flag}"),
            AxisValue::Whole(value) => write!(f, "{value}"),
            AxisValue::Real(value) => write!(f, "{value:?}"),
            AxisValue::Word(word) => f.write_str(word),
            AxisValue::List(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_whole_numbers_are_told_apart() {
        let large = (1_i64 << 53) + 1;
        assert!(!AxisValue::Whole(large).is(&AxisValue::Whole(large - 1)));
        assert!(!AxisValue::Whole(large).is(&AxisValue::Real((large - 1) as f64)));
        assert!(AxisValue::Whole(large - 1).is(&AxisValue::Real((large - 1) as f64)));
        assert!(!AxisValue::Whole(i64::MAX).is(&AxisValue::Real(i64::MAX as f64)));
        assert!(AxisValue::Real(0.0).is(&AxisValue::Real(-0.0)));
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(AxisValue::number(4.0), AxisValue::Whole(4));
        assert!(AxisValue::Whole(2).is(&AxisValue::Real(2.0)));
        assert!(!AxisValue::Whole(2).is(&AxisValue::Word("2".into())));
    }

    #[test]
    fn lists_are_compared_and_shown_by_what_they_hold() {
        let list =
            |values: &[f64]| AxisValue::List(values.iter().map(|v| AxisValue::Real(*v)).collect());
        let whole = AxisValue::List(vec![AxisValue::Whole(2), AxisValue::Whole(3)]);
        assert!(whole.is(&list(&[2.0, 3.0])) && !whole.is(&list(&[3.0, 2.0])));
        assert!(!AxisValue::Whole(2).is(&list(&[2.0])));
        assert_eq!(whole.to_string(), "2 3");
    }
}
