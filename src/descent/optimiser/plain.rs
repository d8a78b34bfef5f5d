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

    fn start(&self, _len: usize) -> Box<dyn Optimiser> {
        Box::new(Steps)
    }
}

#[derive(Debug)]
struct Steps;

impl Optimiser for Steps {
    fn step(&mut self, _start: usize, eta: f64, g: &[f64], weights: &mut [f64]) {
        for (weight, g) in weights.iter_mut().zip(g) {
            *weight += eta * g;
        }
    }
}
