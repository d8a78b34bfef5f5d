//! What is known of a quantity: an entry of the table.

use super::findings::Findings;
use super::row::Value;
use modalflow::experiment::problem::Problem;
use modalflow::theory::Theory;

/// What is known of a quantity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Its column of `sweep.csv`.
    pub(super) key: &'static str,
    /// How it is measured.
    pub(super) measured: fn(&Findings<'_>) -> Option<Value>,
    /// Theory's word on it, in the column `theory_` and its key.
    pub(super) predicted: Option<fn(&Problem, &Theory) -> Option<Value>>,
    /// The quantity that is theory's word by the actual initial weights.
    pub(super) by_weights: Option<&'static str>,
    /// What figures call it, with its unit, empty where the label says it; None where they cannot
    /// show it.
    pub(super) shown: Option<(&'static str, &'static str)>,
    /// Whether it is theory's word itself, by the actual initial weights, and not measured.
    pub(super) is_theory: bool,
    /// Whether it is a relative gap of theory, of either sign.
    pub(super) is_gap: bool,
    /// For the schema of scenarios.
    pub(super) meaning: &'static str,
    pub(super) needs: &'static [Need],
}

/// What a quantity depends on, and not every cell has or shares with others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Need {
    /// Its prediction: which modality is learned second.
    Second,
    /// Its prediction: the initial weights, which are drawn at random.
    Weights,
    /// Itself: a generalisation error.
    Generalisation,
}

impl Entry {
    pub(super) const fn new(
        key: &'static str,
        measured: fn(&Findings<'_>) -> Option<Value>,
    ) -> Self {
        Self {
            key,
            measured,
            predicted: None,
            by_weights: None,
            is_theory: false,
            is_gap: false,
            shown: None,
            meaning: "",
            needs: &[],
        }
    }

    pub(super) const fn predicted(mut self, by: fn(&Problem, &Theory) -> Option<Value>) -> Self {
        self.predicted = Some(by);
        self
    }

    pub(super) const fn by_weights(mut self, key: &'static str) -> Self {
        self.by_weights = Some(key);
        self
    }

    pub(super) const fn theory(mut self) -> Self {
        self.is_theory = true;
        self
    }

    pub(super) const fn gap(mut self) -> Self {
        self.is_gap = true;
        self
    }

    pub(super) const fn shown(mut self, label: &'static str, unit: &'static str) -> Self {
        self.shown = Some((label, unit));
        self
    }

    pub(super) const fn meaning(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    pub(super) const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }
}
