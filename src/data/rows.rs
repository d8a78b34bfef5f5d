//! Data that are given row by row: their moments, and the samples themselves.

use super::{Modality, Moments, Reading, Samples};
use crate::error::Result;
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
        let count = self.inputs.nrows() as f64;
        // General products are much faster than nalgebra's tr_mul on thousands of rows.
        let mut covariance = self.inputs.transpose() * &self.inputs / count;
        // Symmetric to the last digit, which the product is not.
        covariance.fill_upper_triangle_with_lower_triangle();
        let cross = self.targets.transpose() * &self.inputs / count;
        let power = self.targets.norm_squared() / count;
        let mut moments = Moments::checked(self.modalities.clone(), covariance, cross, power)?;
        moments.reading = self.reading.clone();
        Ok(moments)
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
