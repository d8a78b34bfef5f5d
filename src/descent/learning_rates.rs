//! A key that is a number or a list of numbers.

use crate::section::{check, within};
use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// One learning rate or a list of them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "a number or a list of numbers")]
pub enum LearningRates {
    /// A single number.
    One(#[schemars(transform = within(check::POSITIVE))] f64),
    /// A list.
    Many(#[schemars(transform = within(check::POSITIVE))] Vec<f64>),
}

impl LearningRates {
    /// The rates in the order given.
    pub fn as_slice(&self) -> &[f64] {
        match self {
            LearningRates::One(rate) => std::slice::from_ref(rate),
            LearningRates::Many(rates) => rates,
        }
    }
}

/// By hand: the derived one for untagged enums tries each form in turn and loses both what was
/// wrong and where.
impl<'de> Deserialize<'de> for LearningRates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LearningRatesVisitor)
    }
}

struct LearningRatesVisitor;

impl<'de> Visitor<'de> for LearningRatesVisitor {
    type Value = LearningRates;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list of numbers")
    }

    fn visit_f64<E>(self, rate: f64) -> Result<LearningRates, E> {
        Ok(LearningRates::One(rate))
    }

    fn visit_u64<E>(self, rate: u64) -> Result<LearningRates, E> {
        Ok(LearningRates::One(rate as f64))
    }

    fn visit_i64<E>(self, rate: i64) -> Result<LearningRates, E> {
        Ok(LearningRates::One(rate as f64))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<LearningRates, A::Error> {
        let mut rates = Vec::new();
        while let Some(rate) = list.next_element()? {
            rates.push(rate);
        }
        Ok(LearningRates::Many(rates))
    }
}
