//! Data that are given row by row: their moments, and the samples themselves.

use super::second_moments::ensure_finite;
use super::{Loss, Modality, Moments, Quadratic, Reading, Samples};
use crate::error::Result;
use crate::linalg::SemiDefinite;
use nalgebra::DMatrix;

/// Inputs and targets, a row each a sample.
pub struct Rows {
    /// The input streams.
    pub modalities: Vec<Modality>,
    /// P x d.
    pub inputs: DMatrix<f64>,
    /// P x o.
    pub targets: DMatrix<f64>,
    /// Names and values (P x K) of the parts of the target, where it is known to have some.
    pub parts: Option<(&'static [&'static str], DMatrix<f64>)>,
    /// What reading them told, where they come from a file.
    pub reading: Option<Reading>,
    /// What compares outputs with the targets.
    pub loss: Loss,
}

impl Rows {
    /// The same for cross-entropy, of targets that are one in the column of the class and zero in the others, centred or
    /// not: one less 1/K there, -1/K elsewhere.
    pub(super) fn of_classes(mut self) -> Self {
        let share = 1.0 / self.targets.ncols() as f64;
        for mut row in self.targets.row_iter_mut() {
            let class = row.transpose().imax();
            row.fill(-share);
            row[class] = 1.0 - share;
        }
        self.loss = Loss::CrossEntropy;
        self
    }

    /// Their empirical second moments.
    ///
    /// # Errors
    /// An input error where the moments overflow.
    pub fn moments(&self) -> Result<Moments> {
        let (inputs, cross, power) = self.sums();
        let mut moments = Moments::checked(self.modalities.clone(), inputs, cross, power)?;
        moments.reading = self.reading.clone();
        Ok(moments)
    }

    /// Their mean squared error as a function of the total map.
    ///
    /// # Errors
    /// An input error where the moments overflow.
    pub(super) fn loss(&self) -> Result<Quadratic> {
        let (inputs, cross, power) = self.sums();
        ensure_finite(&inputs, cross.iter().chain([&power]))?;
        let inverse = inputs.pseudo_inverse().matrix;
        let loss = Quadratic::of_moments(&inputs, &inverse, &cross, power);
        ensure_finite(&inputs, &loss.optimum)?;
        Ok(loss)
    }

    /// S_xx (d x d), S_yx (o x d) and tr S_yy.
    fn sums(&self) -> (SemiDefinite, DMatrix<f64>, f64) {
        let count = self.inputs.nrows() as f64;
        let cross = self.targets.transpose() * &self.inputs / count;
        let power = self.targets.norm_squared() / count;
        (SemiDefinite::of_samples(&self.inputs), cross, power)
    }

    /// The samples one by one.
    pub fn samples(&self) -> Samples {
        let samples = Samples::new(&self.inputs, &self.targets).compared_by(self.loss);
        match &self.parts {
            None => samples,
            Some((names, values)) => samples.with_parts(names, values),
        }
    }
}
