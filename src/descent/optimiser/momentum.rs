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

    fn start(&self, len: usize) -> Box<dyn Optimiser> {
        Box::new(Moving {
            momentum: self.0,
            velocity: vec![0.0; len],
        })
    }
}

#[derive(Debug)]
struct Moving {
    momentum: f64,
    velocity: Vec<f64>,
}

impl Optimiser for Moving {
    fn step(&mut self, start: usize, eta: f64, g: &[f64], weights: &mut [f64]) {
        let velocity = &mut self.velocity[start..];
        for ((weight, velocity), g) in weights.iter_mut().zip(velocity).zip(g) {
            *velocity = self.momentum * *velocity + g;
            *weight += eta * *velocity;
        }
    }
}
