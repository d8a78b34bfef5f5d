//! Momentum: v = mu v + g, w += eta v.

use super::{Optimiser, Rule};
use crate::error::Result;
use crate::section::check;

/// Descent with this momentum mu.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Momentum(pub f64);

impl Rule for Momentum {
    fn check(&self) -> Result<()> {
        check::number("descent.momentum", self.0, 0.0..1.0)
    }

    fn label(&self) -> String {
        format!("momentum μ = {}", self.0)
    }

    fn time_step(&self, eta: f64) -> f64 {
        eta / (1.0 - self.0)
    }

    fn heavy_ball(&self) -> Option<f64> {
        Some(self.0)
    }

    fn stability(&self) -> Option<f64> {
        Some(1.0 + self.0)
    }

    fn start(&self, eta: f64, len: usize) -> Box<dyn Optimiser> {
        Box::new(Moving {
            momentum: self.0,
            eta,
            velocity: vec![0.0; len],
        })
    }
}

#[derive(Debug)]
struct Moving {
    momentum: f64,
    eta: f64,
    velocity: Vec<f64>,
}

impl Optimiser for Moving {
    fn step(&mut self, rate: &[f64], weights: &mut [f64]) {
        let moving = weights.iter_mut().zip(&mut self.velocity).zip(rate);
        for ((weight, velocity), rate) in moving {
            *velocity = self.momentum * *velocity + rate;
            *weight += self.eta * *velocity;
        }
    }
}
