//! The rows of a source, and their divisions into those fitted to and those tested on.

use crate::data::{Content, Loss, Modality, Rows, Source, centre, standardise};
use nalgebra::{DMatrix, DVectorView, DVectorViewMut, Dyn, U1};
use rand::Rng;
use rand::seq::SliceRandom;
use std::sync::Arc;

/// Most numbers that are drawn from a population to be resampled.
const MOST_DRAWN: u64 = 100_000_000;

/// All rows of a source, those held out included, as they were prepared for training.
pub(super) struct Pool {
    /// The input streams.
    pub(super) modalities: Vec<Modality>,
    /// Names of the inputs; none where their source has none.
    pub(super) names: Vec<String>,
    /// P x d.
    pub(super) inputs: DMatrix<f64>,
    /// P x o.
    pub(super) targets: DMatrix<f64>,
    scaling: [Vec<Scaling>; 2],
}

/// What was done to a column, and is done again to every part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scaling {
    /// Nothing.
    AsIs,
    /// Its mean was taken away.
    Centred,
    /// It was also scaled to variance 1.
    Standard,
}

/// Inputs and targets of some rows.
pub(super) struct Part {
    /// n x d.
    pub(super) inputs: DMatrix<f64>,
    /// n x o.
    pub(super) targets: DMatrix<f64>,
}

/// Rows fitted to, and rows tested on, which are scaled as the former are.
pub(super) struct Split {
    /// Fitted to.
    pub(super) training: Part,
    /// Tested on.
    pub(super) test: Part,
}

impl Pool {
    /// The rows of a source; None where it has none: a population, or more draws than can be kept.
    pub(super) fn of(source: &Source, content: &Content, seed: u64) -> Option<Self> {
        // The negatives come after the rows themselves.
        let own = |rows: &Rows| match source.is_mirrored() {
            true => rows.inputs.nrows() / 2,
            false => rows.inputs.nrows(),
        };
        match content {
            Content::Population(population) => {
                let drawn = source.get().about().sampling.drawn()?;
                let columns = population.inputs.dim() + population.map.nrows();
                let is_small = drawn.saturating_mul(columns as u64) <= MOST_DRAWN;
                let rows = is_small.then(|| population.rows(drawn, seed))?;
                Some(Self::new(&rows, None, own(&rows)))
            }
            Content::Rows { training, holdout } => {
                Some(Self::new(training, holdout.as_deref(), own(training)))
            }
        }
    }

    fn new(training: &Rows, holdout: Option<&Rows>, own: usize) -> Self {
        let joined = |part: fn(&Rows) -> &DMatrix<f64>| {
            let mut all = part(training).rows(0, own).into_owned();
            if let Some(holdout) = holdout {
                let held = part(holdout);
                all = all.insert_rows(own, held.nrows(), 0.0);
                all.rows_mut(own, held.nrows()).copy_from(held);
            }
            all
        };
        let scaling = |part: &DMatrix<f64>| scalings(&part.rows(0, own).into_owned());
        let reading = training.reading.as_ref();
        let mut pool = Self {
            modalities: training.modalities.clone(),
            names: reading.map_or(Vec::new(), |reading| reading.inputs.clone()),
            scaling: [scaling(&training.inputs), scaling(&training.targets)],
            inputs: joined(|rows| &rows.inputs),
            targets: joined(|rows| &rows.targets),
        };
        let whole = pool.part(&(0..pool.len()).collect::<Vec<_>>());
        (pool.inputs, pool.targets) = (whole.inputs, whole.targets);
        pool
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.inputs.nrows()
    }

    /// These rows alone.
    pub(super) fn part(&self, rows: &[usize]) -> Part {
        self.split(rows, &[]).training
    }

    /// Rows of these numbers, scaled by the former.
    pub(super) fn split(&self, training: &[usize], test: &[usize]) -> Split {
        let [inputs, targets] = [
            scaled((&self.inputs, &self.scaling[0]), training, test),
            scaled((&self.targets, &self.scaling[1]), training, test),
        ];
        Split {
            training: Part {
                inputs: inputs.0,
                targets: targets.0,
            },
            test: Part {
                inputs: inputs.1,
                targets: targets.1,
            },
        }
    }

    /// A division at random: a fraction of the rows for the test, the others to fit to.
    pub(super) fn random_split(&self, test: f64, random: &mut impl Rng) -> Split {
        let [training, test] = self.random_rows(test, random);
        self.split(&training, &test)
    }

    /// The numbers of the rows of such a division, those fitted to first.
    pub(super) fn random_rows(&self, test: f64, random: &mut impl Rng) -> [Vec<usize>; 2] {
        let held = (test * self.len() as f64).round() as usize;
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(random);
        let mut training = order.split_off(held.clamp(1, self.len() - 1));
        training.sort_unstable();
        order.sort_unstable();
        [training, order]
    }

    /// Other targets of the same rows, scaled as those of a division are.
    pub(super) fn scaled_targets(
        &self,
        targets: &DMatrix<f64>,
        [training, test]: &[Vec<usize>; 2],
    ) -> (DMatrix<f64>, DMatrix<f64>) {
        scaled((targets, &self.scaling[1]), training, test)
    }

    /// A division as the content of a source.
    pub(super) fn content(&self, split: Split) -> Arc<Content> {
        let rows = |part: Part| {
            Box::new(Rows {
                modalities: self.modalities.clone(),
                inputs: part.inputs,
                targets: part.targets,
                parts: None,
                reading: None,
                loss: Loss::Squared,
            })
        };
        Arc::new(Content::Rows {
            training: rows(split.training),
            holdout: Some(rows(split.test)),
        })
    }
}

impl Part {
    /// The mean of y x^T over the rows, o x the columns of a range.
    pub(super) fn cross(&self, modality: &Modality) -> DMatrix<f64> {
        cross(&self.targets, &self.inputs, modality)
    }

    /// Whether the mean of every column was taken away, which leaves one direction of the rows fewer to fit.
    pub(super) fn is_centred(&self) -> bool {
        let mut columns = self.inputs.column_iter().chain(self.targets.column_iter());
        columns.all(|column| is_centred(&column))
    }

    /// The fraction of a row that its mean among the rows has: 1/n where means were taken away.
    pub(super) fn of_mean(&self) -> f64 {
        match self.is_centred() {
            true => 1.0 / self.inputs.nrows() as f64,
            false => 0.0,
        }
    }
}

/// The mean of y x_m^T over rows, o x d_m.
pub(super) fn cross(
    targets: &DMatrix<f64>,
    inputs: &DMatrix<f64>,
    modality: &Modality,
) -> DMatrix<f64> {
    let own = inputs.columns_range(modality.range.clone());
    targets.transpose() * own / inputs.nrows() as f64
}

/// Round-off of a mean and of a variance.
const ROUND_OFF: f64 = 1e-9;

fn size(column: &DVectorView<'_, f64>) -> f64 {
    column.norm() / (column.len() as f64).sqrt()
}

fn is_centred(column: &DVectorView<'_, f64>) -> bool {
    column.mean().abs() <= ROUND_OFF * size(column)
}

/// What was done to each column of rows.
fn scalings(rows: &DMatrix<f64>) -> Vec<Scaling> {
    let columns = rows.column_iter().map(|column| {
        if !is_centred(&column) {
            Scaling::AsIs
        } else if (size(&column) - 1.0).abs() > ROUND_OFF {
            Scaling::Centred
        } else {
            Scaling::Standard
        }
    });
    columns.collect()
}

fn scaled(
    (all, scalings): (&DMatrix<f64>, &[Scaling]),
    training: &[usize],
    test: &[usize],
) -> (DMatrix<f64>, DMatrix<f64>) {
    let (mut training, mut test) = (all.select_rows(training), all.select_rows(test));
    for (k, scaling) in scalings.iter().enumerate() {
        scale(training.column_mut(k), test.column_mut(k), *scaling);
    }
    (training, test)
}

type Column<'c> = DVectorViewMut<'c, f64, U1, Dyn>;

/// Does to a column what was done to it, by the rows fitted to. What is to be scaled and does not vary among these becomes 0.
fn scale(mut training: Column<'_>, mut test: Column<'_>, scaling: Scaling) {
    match scaling {
        Scaling::AsIs => {}
        Scaling::Centred => centre(training, test),
        Scaling::Standard => {
            if standardise(training.as_view_mut(), test.as_view_mut()).is_err() {
                training.fill(0.0);
                test.fill(0.0);
            }
        }
    }
}

/// All columns at mean 0 and variance 1; what does not vary is 0.
pub(super) fn standardised(columns: &DMatrix<f64>) -> DMatrix<f64> {
    let mut columns = columns.clone();
    let mut none = DMatrix::zeros(0, columns.ncols());
    for k in 0..columns.ncols() {
        scale(columns.column_mut(k), none.column_mut(k), Scaling::Standard);
    }
    columns
}
