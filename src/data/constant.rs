//! Input columns that do not vary.

use super::Modality;
use super::modality::layout;
use super::standardise::standardise;
use crate::error::{InputError, Result};
use crate::section::ByModality;
use nalgebra::{DMatrix, DVector, DVectorView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A spread below this part of the largest one of the modality is round-off: far below that of quantities in units of
/// their own, and above what is left of dead units in single precision.
const DEAD: f64 = 1e-24;

/// What happens to an input that does not vary over the rows that are trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    /// It is an error that names the column where columns are standardised, and kept elsewhere.
    #[default]
    Refuse,
    /// The column is left out and named, as is one whose spread is round-off beside those of its modality.
    Drop,
}

impl Constant {
    /// Whether it is the default.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The columns of inputs that vary.
pub(super) struct Varying {
    /// Their places.
    pub(super) places: Vec<usize>,
    /// The modalities that they make up.
    pub(super) modalities: Vec<Modality>,
    /// The names of the others, by modality.
    pub(super) others: ByModality<Vec<String>>,
}

impl Varying {
    /// Those that vary over these rows; `names` are those of all columns.
    ///
    /// # Errors
    /// An input error where no column of a modality varies.
    pub(super) fn of(
        rows: &DMatrix<f64>,
        modalities: &[Modality],
        names: &[&str],
        key: &str,
    ) -> Result<Self> {
        let (mut places, mut dims) = (Vec::new(), Vec::new());
        let mut others = ByModality::new();
        for modality in modalities {
            let spreads: Vec<f64> = modality
                .range
                .clone()
                .map(|k| spread(rows.column(k)))
                .collect();
            let largest = spreads.iter().copied().fold(0.0, f64::max);
            if largest == 0.0 {
                let problem = format!(
                    "no input of {} varies over the rows trained on",
                    modality.name
                );
                let remedy = "give other columns, or leave the modality out";
                return Err(InputError::at(
                    format!("{key}.modalities.{}", modality.name),
                    problem,
                    remedy,
                ));
            }
            let is_kept = |place: &usize| spreads[place - modality.range.start] > DEAD * largest;
            let (kept, flat): (Vec<usize>, Vec<usize>) = modality.range.clone().partition(is_kept);
            dims.push((modality.name.clone(), kept.len()));
            places.extend(kept);
            if !flat.is_empty() {
                let flat = flat.iter().map(|&place| names[place].to_owned());
                others.insert(modality.name.clone(), flat.collect());
            }
        }
        Ok(Self {
            places,
            modalities: layout(dims),
            others,
        })
    }
}

/// The range of a column; 0 where it is constant but for rounding.
fn spread(column: DVectorView<'_, f64>) -> f64 {
    let (mut scaled, mut none) = (column.into_owned(), DVector::zeros(0));
    match standardise(scaled.column_mut(0), none.column_mut(0)) {
        // Half of it, which cannot overflow.
        Ok(()) => 0.5 * column.max() - 0.5 * column.min(),
        Err(_) => 0.0,
    }
}
