//! From the numbers of a file to the samples of a run: hold-out, standardisation, whitening.

use super::classes::Classes;
use super::components::Transformation;
use super::constant::{Constant, Varying};
use super::doubtful::{codes, ensure_few, ensure_squares};
use super::files::reading::Reading;
use super::modality::layout;
use super::origin::Origin;
use super::rows::Rows;
use super::standardise::{Flat, centre, standardise};
use super::{Content, Loss, Modality};
use crate::error::{InputError, Result, listed};
use crate::linalg::random::{Purpose, stream};
use crate::section::check;
use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use std::ops::{Bound, RangeFrom, RangeInclusive};

/// What is done with samples after they were read; the keys of the sources that read files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Preparation {
    /// The source's key, such as data.table.
    pub key: &'static str,
    /// Whether columns are scaled to mean 0 and variance 1.
    pub standardise: bool,
    /// Whether the inputs of each modality are scaled to unit covariance.
    pub whiten: bool,
    /// What happens to inputs that do not vary.
    pub constant: Constant,
    /// Fraction of each modality's variance that its principal components explain.
    pub components: Option<f64>,
    /// Fraction of the rows kept out of training.
    pub holdout: f64,
    /// The division of the rows into folds, of which one is kept out of training.
    pub folds: Folds,
    /// Whether each sample comes with its negative.
    pub mirror: bool,
}

/// A division of the rows into folds; the keys of the sources that read files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folds {
    /// How many there are; none where the rows are not divided.
    pub count: Option<u64>,
    /// The one kept out of training, from 1; the first one where it is not given.
    pub fold: Option<u64>,
    /// What the division is drawn from.
    pub seed: Option<u64>,
}

/// Samples as they were read.
pub(super) struct Raw {
    /// The input streams.
    pub modalities: Vec<Modality>,
    /// P x d.
    pub inputs: DMatrix<f64>,
    /// What the inputs are to tell.
    pub targets: Targets,
    /// Where each column of inputs and of numbers as targets comes from.
    pub origins: Vec<Origin>,
    /// What reading told.
    pub reading: Reading,
}

/// What the inputs are to tell.
pub(super) enum Targets {
    /// P x o.
    Numbers(DMatrix<f64>),
    /// One class for each row.
    Classes(Classes),
}

/// The rows trained on, and those held out.
struct Parts {
    training: DMatrix<f64>,
    holdout: DMatrix<f64>,
}

impl Preparation {
    /// Checks the fractions.
    ///
    /// # Errors
    /// An input error at the key that is out of range.
    pub fn check(&self) -> Result<()> {
        check::number(&format!("{}.holdout", self.key), self.holdout, HOLDOUT)?;
        check::number(
            &format!("{}.components", self.key),
            self.components,
            COMPONENTS,
        )?;
        self.check_folds()
    }

    fn check_folds(&self) -> Result<()> {
        let Folds { count, fold, seed } = self.folds;
        let key = |name: &str| format!("{}.{name}", self.key);
        let Some(count) = count else {
            let given = [("fold", fold), ("fold_seed", seed)];
            return match given.into_iter().find(|(_, value)| value.is_some()) {
                None => Ok(()),
                Some((name, _)) => Err(InputError::at(
                    key(name),
                    "the rows are not divided into folds",
                    "give folds: 5, or take this key away",
                )),
            };
        };
        check::count(&key("folds"), count, FOLDS)?;
        check::count(&key("fold"), fold, 1..=count)?;
        if self.holdout > 0.0 {
            return Err(InputError::at(
                key("holdout"),
                "folds keep rows out of training too",
                "keep one of holdout and folds",
            ));
        }
        Ok(())
    }

    /// The samples trained on, and those held out.
    ///
    /// # Errors
    /// An input error where the hold-out, the standardisation or the whitening is impossible, where
    /// numbers are too large, and where there are too many inputs.
    pub fn content(&self, raw: Raw, seed: u64) -> Result<Content> {
        let mut reading = raw.reading;
        let split = self.split(raw.inputs.nrows(), seed)?;
        let (of_inputs, of_targets) = raw.origins.split_at(raw.inputs.ncols());
        reading.warnings.extend(codes(&raw.inputs, of_inputs));
        let mut inputs = Parts::of(raw.inputs, &split);
        let mut modalities = raw.modalities;
        let mut of_inputs = of_inputs.to_vec();
        if self.constant == Constant::Drop {
            let names: Vec<&str> = of_inputs.iter().map(|o| o.column.as_str()).collect();
            let varying = Varying::of(&inputs.training, &modalities, &names, self.key)?;
            inputs.keep(&varying.places);
            of_inputs = varying
                .places
                .iter()
                .map(|&k| of_inputs[k].clone())
                .collect();
            (modalities, reading.constant) = (varying.modalities, varying.others);
        }
        let flat = format!(
            "a constant cannot be scaled to variance 1: leave the column out, or set {0}.constant: drop or \
             {0}.standardise: false",
            self.key
        );
        self.scale(&mut inputs, &of_inputs, &flat)?;
        let mut targets = match raw.targets {
            Targets::Numbers(numbers) => {
                reading.warnings.extend(codes(&numbers, of_targets));
                let mut parts = Parts::of(numbers, &split);
                self.scale(&mut parts, of_targets, FLAT_TARGET)?;
                parts
            }
            Targets::Classes(classes) => {
                let key = format!("{}.label", self.key);
                let one_hot = classes.one_hot(&key)?;
                reading.warnings.extend(classes.warnings(&key, &split[0]));
                let Parts {
                    mut training,
                    mut holdout,
                } = Parts::of(one_hot, &split);
                for (training, holdout) in training.column_iter_mut().zip(holdout.column_iter_mut())
                {
                    centre(training, holdout);
                }
                Parts { training, holdout }
            }
        };
        if self.whiten || self.components.is_some() {
            modalities = self.transform(&modalities, &mut inputs)?;
        } else {
            reading.inputs = of_inputs.into_iter().map(|o| o.column).collect();
        }
        let rows = inputs.training.nrows().max(inputs.holdout.nrows());
        ensure_few(&modalities, rows, self.key)?;
        if self.mirror {
            inputs.mirror();
            targets.mirror();
        }
        Ok(content(modalities, inputs, targets, reading))
    }

    /// Row numbers trained on and held out, each in the order of the file.
    fn split(&self, rows: usize, seed: u64) -> Result<[Vec<usize>; 2]> {
        if let Some(count) = self.folds.count {
            return self.split_by_fold(rows, count as usize);
        }
        let held = (self.holdout * rows as f64).round() as usize;
        if held >= rows || (held == 0 && self.holdout > 0.0) {
            return Err(InputError::at(
                format!("{}.holdout", self.key),
                format!(
                    "a share of {} holds out {held} of {rows} rows",
                    self.holdout
                ),
                "choose a share that leaves at least one row on either side, or 0 for no hold-out",
            ));
        }
        let mut shuffled: Vec<usize> = (0..rows).collect();
        shuffled.shuffle(&mut stream(seed, Purpose::HoldOut));
        let mut train = shuffled.split_off(held);
        train.sort_unstable();
        shuffled.sort_unstable();
        Ok([train, shuffled])
    }

    /// The same where one of `count` folds is held out. The folds are drawn from a seed of their own, so that all
    /// cells of a sweep divide the rows alike; they differ by one row at most.
    fn split_by_fold(&self, rows: usize, count: usize) -> Result<[Vec<usize>; 2]> {
        if count > rows {
            return Err(InputError::at(
                format!("{}.folds", self.key),
                format!("{rows} rows cannot make {count} folds"),
                "give as many folds as there are rows, or fewer",
            ));
        }
        let mut shuffled: Vec<usize> = (0..rows).collect();
        let seed = self.folds.seed.unwrap_or_default();
        shuffled.shuffle(&mut stream(seed, Purpose::Folds));
        let fold = self.folds.fold.map_or(0, |fold| fold as usize - 1);
        let mut split = [Vec::new(), Vec::new()];
        for (place, row) in shuffled.into_iter().enumerate() {
            split[usize::from(place % count == fold)].push(row);
        }
        split.iter_mut().for_each(|rows| rows.sort_unstable());
        Ok(split)
    }

    /// Standardises every column, or makes sure that its squares are finite; `remedy` is for those that do not vary.
    fn scale(&self, parts: &mut Parts, origins: &[Origin], remedy: &str) -> Result<()> {
        if !self.standardise {
            return ensure_squares(&parts.training, origins, self.key);
        }
        let columns = parts
            .training
            .column_iter_mut()
            .zip(parts.holdout.column_iter_mut());
        let flat: Vec<(&Origin, Flat)> = columns
            .zip(origins)
            .filter_map(|((training, holdout), origin)| {
                let flat = standardise(training, holdout).err()?;
                Some((origin, flat))
            })
            .collect();
        match flat.split_first() {
            None => Ok(()),
            Some((first, others)) => Err(refused(parts.training.nrows(), first, others, remedy)),
        }
    }

    /// The inputs in each modality's principal components, and the modalities that these make up.
    fn transform(&self, modalities: &[Modality], inputs: &mut Parts) -> Result<Vec<Modality>> {
        let (mut training, mut holdout) = (Vec::new(), Vec::new());
        let mut dims = Vec::new();
        for modality in modalities {
            let key = format!("{}.modalities.{}", self.key, modality.name);
            let block =
                |rows: &DMatrix<f64>| rows.columns_range(modality.range.clone()).into_owned();
            let own = block(&inputs.training);
            let transformation = Transformation::of(&own, self.components, self.whiten, &key)?;
            let own = transformation.apply(&own);
            dims.push((&modality.name, own.ncols()));
            training.extend_from_slice(own.as_slice());
            holdout.extend_from_slice(transformation.apply(&block(&inputs.holdout)).as_slice());
        }
        let modalities = layout(dims);
        let columns = training.len() / inputs.training.nrows();
        inputs.training = DMatrix::from_vec(inputs.training.nrows(), columns, training);
        inputs.holdout = DMatrix::from_vec(inputs.holdout.nrows(), columns, holdout);
        Ok(modalities)
    }
}

/// What to do about a target that does not vary: it is not left out as an input may be.
const FLAT_TARGET: &str = "a target that does not vary leaves nothing to learn: give another one, or rows on which it varies";

/// Columns that cannot be scaled to variance 1.
fn refused(
    rows: usize,
    first: &(&Origin, Flat),
    others: &[(&Origin, Flat)],
    remedy: &str,
) -> InputError {
    let (origin, why) = first;
    let mut problem = match why {
        Flat::Constant(value) => format!("all {rows} rows trained on have the value {value}"),
        Flat::Rounding(least, largest) => {
            format!("the {rows} rows trained on differ only by rounding, from {least} to {largest}")
        }
    };
    if !others.is_empty() {
        let names = others.iter().map(|(origin, _)| origin.column.as_str());
        problem += &format!("; as flat are {}", listed(names));
    }
    origin.refuse(problem, remedy)
}

/// Range of `folds`.
pub(super) const FOLDS: RangeInclusive<u64> = 2..=1_000_000;

/// Range of `fold`, whatever `folds` is: folds are counted from 1.
pub(super) const FOLD: RangeFrom<u64> = 1..;

/// Range of `holdout`.
pub(super) const HOLDOUT: (Bound<f64>, Bound<f64>) = (Bound::Included(0.0), Bound::Included(0.9));

/// Range of `components`.
pub(super) const COMPONENTS: (Bound<f64>, Bound<f64>) =
    (Bound::Excluded(0.0), Bound::Included(1.0));

impl Parts {
    fn of(values: DMatrix<f64>, [train, held_out]: &[Vec<usize>; 2]) -> Self {
        if held_out.is_empty() {
            // No copy: tables have millions of rows.
            let holdout = DMatrix::zeros(0, values.ncols());
            return Self {
                training: values,
                holdout,
            };
        }
        Self {
            training: values.select_rows(train),
            holdout: values.select_rows(held_out),
        }
    }

    /// Keeps the columns at these places.
    fn keep(&mut self, places: &[usize]) {
        if places.len() == self.training.ncols() {
            return;
        }
        self.training = self.training.select_columns(places);
        self.holdout = self.holdout.select_columns(places);
    }

    /// Adds the negative of every row trained on. Those held out are there to measure, and the error of a
    /// linear map is the same on both.
    fn mirror(&mut self) {
        let rows = self.training.nrows();
        let mut mirrored = std::mem::take(&mut self.training).insert_rows(rows, rows, 0.0);
        for mut column in mirrored.column_iter_mut() {
            for row in 0..rows {
                column[rows + row] = -column[row];
            }
        }
        self.training = mirrored;
    }
}

fn content(modalities: Vec<Modality>, inputs: Parts, targets: Parts, reading: Reading) -> Content {
    let rows = |inputs, targets| Rows {
        modalities: modalities.clone(),
        inputs,
        targets,
        parts: None,
        reading: Some(reading.clone()),
        loss: Loss::Squared,
    };
    let holdout = (inputs.holdout.nrows() > 0).then(|| rows(inputs.holdout, targets.holdout));
    Content::of_rows(rows(inputs.training, targets.training), holdout)
}
