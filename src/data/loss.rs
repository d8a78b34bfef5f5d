//! How outputs are compared with targets: the loss of a sample, its gradient and its second derivative.
//!
//! With y^ the o outputs of a sample and y its targets:
//!
//! | loss | of a sample | residual -dLoss/dy^ | prediction |
//! |---|---|---|---|
//! | squared | 1/2 \|y - y^\|^2 | y - y^ | y^ |
//! | cross-entropy, of a class c | -ln p_c, p = softmax(y^) | e_c - p | p - 1/K |
//!
//! Under cross-entropy the targets are y = e_c - 1/K, K classes, so that either residual is that of targets and
//! predictions, y - prediction. At zero outputs p = 1/K: the residual is y under both losses, and small networks follow
//! the same flow. At every critical point of a linear network E[(e_c - p) x^T] = 0, so that the best linear fit of the
//! predictions is there the least-squares map of the targets.

use super::Moments;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the outputs are compared with the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Half of the squared error, 1/2 |y - y^|^2 of a sample.
    #[default]
    Squared,
    /// Minus the logarithm of the probability of the sample's class, the softmax of the outputs. The target is a class:
    /// data.images, or label of data.table or data.arrays.
    CrossEntropy,
}

/// The place of the outputs of sample `row` among n x o, by columns.
fn of_row(row: usize, samples: usize, len: usize) -> impl Iterator<Item = usize> + Clone {
    (row..len).step_by(samples)
}

/// Softmax of one sample in place, for the outputs at these places; gives back the logarithm of sum_k e^{y^_k}.
fn soften(values: &mut [f64], places: impl Iterator<Item = usize> + Clone) -> f64 {
    let largest = places.clone().map(|k| values[k]).fold(f64::MIN, f64::max);
    let mut total = 0.0;
    for k in places.clone() {
        values[k] = (values[k] - largest).exp();
        total += values[k];
    }
    for k in places {
        values[k] /= total;
    }
    largest + total.ln()
}

impl Loss {
    /// Whether it is the one that is left out of files.
    pub fn is_squared(&self) -> bool {
        *self == Loss::Squared
    }

    /// The sum of the losses of `samples` samples with these outputs and targets (n x o each, by columns), whose
    /// residuals are written to `residual`.
    pub fn compare(
        self,
        outputs: &[f64],
        targets: &[f64],
        samples: usize,
        residual: &mut [f64],
    ) -> f64 {
        match self {
            Loss::Squared => {
                let mut error = 0.0;
                let pairs = targets.iter().zip(outputs);
                for (residual, (target, output)) in residual.iter_mut().zip(pairs) {
                    *residual = target - output;
                    error += *residual * *residual;
                }
                0.5 * error
            }
            Loss::CrossEntropy => {
                residual.copy_from_slice(outputs);
                let rows = (0..samples).map(|row| {
                    let places = of_row(row, samples, targets.len());
                    surprise(targets, residual, places)
                });
                rows.sum()
            }
        }
    }

    /// The predictions that these outputs make, in the units of the targets.
    pub fn predict(self, outputs: &mut [f64], samples: usize) {
        if self == Loss::CrossEntropy {
            let each = samples as f64 / outputs.len() as f64;
            for row in 0..samples {
                soften(outputs, of_row(row, samples, outputs.len()));
            }
            outputs.iter_mut().for_each(|p| *p -= each);
        }
    }

    /// Turns changes of these outputs into the changes of the predictions, which are minus those of the residuals:
    /// dp = p (dy^ - sum_k p_k dy^_k). `predictions` are those of [`Loss::predict`].
    pub fn predict_changes(self, predictions: &[f64], changes: &mut [f64], samples: usize) {
        if self == Loss::CrossEntropy {
            let each = samples as f64 / predictions.len() as f64;
            for row in 0..samples {
                let places = of_row(row, samples, predictions.len());
                let mean = places.clone().map(|k| (predictions[k] + each) * changes[k]);
                let mean: f64 = mean.sum();
                for k in places {
                    changes[k] = (predictions[k] + each) * (changes[k] - mean);
                }
            }
        }
    }

    /// The loss of a sample whose outputs are all zero, of so many outputs, where half of E|y|^2 is `half_power`.
    pub fn at_zero(self, outputs: usize, half_power: f64) -> f64 {
        match self {
            Loss::Squared => half_power,
            Loss::CrossEntropy => (outputs as f64).ln(),
        }
    }

    /// How many of these samples have the largest output at their class; None where the targets are no classes.
    pub fn count_right(self, outputs: &[f64], targets: &[f64], samples: usize) -> Option<usize> {
        if self == Loss::Squared {
            return None;
        }
        let is_right = |row: &usize| {
            let mut places = of_row(*row, samples, targets.len());
            let class = places.clone().find(|&k| targets[k] > 0.0);
            class.is_some_and(|c| places.all(|k| k == c || outputs[k] < outputs[c]))
        };
        Some((0..samples).filter(is_right).count())
    }
}

impl Moments {
    /// What compares outputs with the targets. Cross-entropy is one of samples, never of moments alone.
    pub fn compared_by(&self) -> Loss {
        let samples = self.samples.as_ref();
        samples.map_or(Loss::Squared, |samples| samples.loss)
    }

    /// Loss_0, of outputs that are all zero.
    pub fn zero_loss(&self) -> f64 {
        let loss = self.compared_by();
        loss.at_zero(self.outputs_len(), self.initial_loss)
    }
}

/// -ln p_c of the sample at these places, and e_c - p in place of its outputs. The class c is where its target is above
/// 0. Both keep their digits where p_c is near 1: 1 - p_c is the sum of the other probabilities.
fn surprise(
    targets: &[f64],
    outputs: &mut [f64],
    places: impl Iterator<Item = usize> + Clone,
) -> f64 {
    let class = places.clone().find(|&k| targets[k] > 0.0);
    let before = class.map_or(f64::NAN, |c| outputs[c]);
    let log_total = soften(outputs, places.clone());
    let mut others = 0.0;
    for k in places {
        if Some(k) != class {
            others += outputs[k];
            outputs[k] = -outputs[k];
        }
    }
    if let Some(c) = class {
        outputs[c] = others;
    }
    if others < 0.5 {
        -(-others).ln_1p()
    } else {
        log_total - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two samples of three classes, by columns: classes 0 and 2.
    const TARGETS: [f64; 6] = [
        2.0 / 3.0,
        -1.0 / 3.0,
        -1.0 / 3.0,
        -1.0 / 3.0,
        -1.0 / 3.0,
        2.0 / 3.0,
    ];

    #[test]
    fn cross_entropy_is_that_of_its_formula() {
        let outputs = [0.3, -0.2, 0.1, 0.5, -0.7, 0.4];
        let mut residual = [0.0; 6];
        let loss = Loss::CrossEntropy.compare(&outputs, &TARGETS, 2, &mut residual);
        let total = |row: usize| (0..3).map(|k| f64::exp(outputs[row + 2 * k])).sum::<f64>();
        let expected = -(0.3 - total(0).ln()) - (0.4 - total(1).ln());
        // A few roundings of numbers of size 1.
        assert!((loss - expected).abs() < 1e-14);
        let mut predictions = outputs;
        Loss::CrossEntropy.predict(&mut predictions, 2);
        for k in 0..6 {
            let p = outputs[k].exp() / total(k % 2);
            assert!((predictions[k] - (p - 1.0 / 3.0)).abs() < 1e-15);
            assert!((residual[k] - (TARGETS[k] - predictions[k])).abs() < 1e-15);
        }
    }

    #[test]
    fn digits_remain_where_a_class_is_almost_sure() {
        let mut residual = [0.0; 3];
        let loss = Loss::CrossEntropy.compare(
            &[40.0, 0.0, -1.0],
            &[2.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0],
            1,
            &mut residual,
        );
        let others = f64::exp(-40.0) + f64::exp(-41.0);
        assert!((loss / others - 1.0).abs() < 1e-14);
        assert!((residual[0] / others - 1.0).abs() < 1e-14);
    }

    #[test]
    fn outputs_beyond_the_range_of_exponentials_have_a_loss() {
        let mut residual = [0.0; 3];
        let targets = [-1.0 / 3.0, 2.0 / 3.0, -1.0 / 3.0];
        let loss = Loss::CrossEntropy.compare(&[2000.0, -100.0, 0.0], &targets, 1, &mut residual);
        assert_eq!(loss, 2100.0);
        assert_eq!(residual, [-1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_sample_is_right_where_its_class_has_the_largest_output() {
        let right = |outputs: [f64; 6]| Loss::CrossEntropy.count_right(&outputs, &TARGETS, 2);
        assert_eq!(right([1.0, 0.0, 0.0, 0.0, 0.0, 1.0]), Some(2));
        assert_eq!(right([1.0, 1.0, 0.0, 0.0, 0.0, 0.5]), Some(1));
        assert_eq!(right([0.0; 6]), Some(0));
        assert_eq!(Loss::Squared.count_right(&[0.0; 6], &TARGETS, 2), None);
    }
}
