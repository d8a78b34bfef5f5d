//! Gradient descent: w += eta g.

use super::{Optimiser, Rule};

/// Gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plain;

impl Rule for Plain {
    fn label(&self) -> String {
        "descent".to_owned()
    }

    fn stability(&self) -> Option<f64> {
        Some(1.0)
    }

    fn heavy_ball(&self) -> Option<f64> {
        Some(0.0)
    }

    fn start(&self, eta: f64, _len: usize) -> Box<dyn Optimiser> {
        Box::new(Steps { eta })
    }
}

#[derive(Debug)]
struct Steps {
    eta: f64,
}

impl Optimiser for Steps {
    fn step(&mut self, rate: &[f64], weights: &mut [f64]) {
        for (weight, rate) in weights.iter_mut().zip(rate) {
            *weight += self.eta * rate;
        }
    }
}
