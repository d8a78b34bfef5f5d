//! How discrete descent turns gradients into steps, and the continuous time that a step stands for.
//!
//! With g(n) = -dLoss/dw at step n, of all samples or of a mini-batch, and the learning rate eta:
//!
//! | rule | step | in the limit eta -> 0 |
//! |---|---|---|
//! | plain | w += eta g | the gradient flow at t = eta n |
//! | momentum mu | v = mu v + g, w += eta v | the gradient flow at t = eta n/(1 - mu): v settles on g/(1 - mu) within some 1/(1 - mu) steps |
//! | Adam | m, s = running means of g and g^2, w += eta m^/(sqrt(s^) + epsilon) | no gradient flow: dw/dt = g/(\|g\| + epsilon) at t = eta n, weight by weight, a flow of the gradient's signs wherever \|g\| is above epsilon |
//!
//! A mini-batch adds noise to g whose mean is zero; what it adds to the trajectory is of order
//! sqrt(eta/batch) within an epoch, and less over whole epochs, in which the batches' means add up to g.
//!
//! Sources: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
//! Comput. Math. Math. Phys. 4 (1964); D. P. Kingma & J. Ba, "Adam: a method for stochastic
//! optimization", ICLR 2015; both as PyTorch's SGD and Adam have them.
//!
//! | file | rule |
//! |---|---|
//! | `plain.rs` | gradient descent |
//! | `momentum.rs` | with momentum |
//! | `adam.rs` | Adam |

mod adam;
mod momentum;
mod plain;

pub use adam::AdamSection;
pub use momentum::Momentum;
pub use plain::Plain;

use crate::error::Result;
use std::fmt::Debug;

/// How gradients become steps, and what that means for the trajectory.
pub trait Rule: Debug {
    /// Checks its constants.
    ///
    /// # Errors
    /// An input error at the key that is wrong.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// What it is called in figures.
    fn label(&self) -> String;

    /// The time that a step of learning rate `eta` stands for.
    fn time_step(&self, eta: f64) -> f64 {
        eta
    }

    /// The largest stable learning rate over that of plain descent, 2/lambda_max; None where there
    /// is no such rate.
    fn stability(&self) -> Option<f64>;

    /// Whether theory's formulas of descent are of this rule.
    fn is_plain(&self) -> bool {
        false
    }

    /// Whether it tends to the gradient flow as the learning rate tends to 0.
    fn tends_to_flow(&self) -> bool {
        true
    }

    /// Whether it treats the weights of a rotated network alike, as a reduction asks for.
    fn is_equivariant(&self) -> bool {
        true
    }

    /// The rule before its first step of `len` weights.
    fn start(&self, eta: f64, len: usize) -> Box<dyn Optimiser>;
}

/// A rule at work, with what it remembers.
pub trait Optimiser: Debug {
    /// Moves the weights by one step along `rate`, which is -dLoss/dw.
    fn step(&mut self, rate: &[f64], weights: &mut [f64]);
}
