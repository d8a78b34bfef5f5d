//! Moments whose residual correlation never changes: the homogeneous flow of small weights.

use super::{Least, Modality, Moments, Quadratic, Solutions};
use crate::linalg::SemiDefinite;
use nalgebra::{DMatrix, DVector};

impl Moments {
    /// Moments whose optimum is so far away that the residual correlation G = (W* - W) S_xx is `drive` (o x d)
    /// at every map W that weights can make: the flow of a linear network becomes
    /// dW^l/dt = (W^L ... W^{l+1})^T D (W^{l-1} ... W^1)^T.
    pub fn of_constant_drive(modalities: &[Modality], drive: &DMatrix<f64>) -> Self {
        const FAR: f64 = 1e200;
        let inputs = drive.ncols();
        let covariance = SemiDefinite::diagonal(DVector::from_element(inputs, 1.0 / FAR));
        let loss = Quadratic {
            optimum: drive * FAR,
            covariance: covariance.clone(),
            floor: 0.0,
        };
        Self {
            bounds: None,
            resting: None,
            modalities: modalities.to_vec(),
            inputs: covariance,
            initial_loss: 0.0,
            least: Least::unbounded(&loss),
            loss,
            cross: drive.clone(),
            generalisation: None,
            solutions: Solutions::default(),
            samples: None,
            held_out: None,
            reading: None,
            exposed: None,
        }
    }
}
