//! Data that are given row by row: their moments, and the samples themselves.

use super::second_moments::ensure_finite;
use super::{Modality, Moments, Quadratic, Reading, Samples};
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
}

impl Rows {
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
        let samples = Samples::new(&self.inputs, &self.targets);
        match &self.parts {
            None => samples,
            Some((names, values)) => samples.with_parts(names, values),
        }
    }
}
