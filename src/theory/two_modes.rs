//! Two layers and one input: the exact solution from any initial weights, balanced or not.
//!
//! With p = W_m^1 and q = W_m^2^T (h-vectors) and the residual g that drives the modality, dp/dt = g q and
//! dq/dt = g p. So p + q grows like e^G and p - q fades like e^-G, dG/dt = g, and
//!
//! ```text
//! W_m = q.p = u - f        u = |p + q|^2/4,  f = |p - q|^2/4,  k = u f constant
//! ```
//!
//! Under a drive s and a variance lambda, g = s - lambda W_m, the growing part obeys a Riccati equation
//!
//! ```text
//! du/dt = 2 (s u - lambda u^2 + lambda k)        (u + e)/(u+ - u) = (u + e)/(u+ - u)|_0 exp(2 omega t)
//! omega = sqrt(s^2 + 4 k lambda^2),   u+ = (omega + s)/(2 lambda),   e = (omega - s)/(2 lambda)
//! ```
//!
//! k = 0 is the logistic function of balanced, aligned layers. Aligned layers with |q|^2 - |p|^2 = lambda_m have
//! 16 k = lambda_m^2, and dW_m/dt = (s - lambda W_m) sqrt(lambda_m^2 + 4 W_m^2). Source: A. M. Saxe, J. L. McClelland &
//! S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (ICLR 2014),
//! hyperbolic coordinates of two layers; the integral is ours.

use nalgebra::DVector;

/// What drives a modality along one direction of its inputs, and how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    /// s, negative where the drive is opposed to the direction.
    pub(super) rate: f64,
    /// w_inf = |s|/lambda of the drive that the modality is learned with; infinite where nothing stops it.
    pub(super) limit: f64,
}

/// The growing and the fading part of a map along one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TwoModes {
    /// u.
    pub(super) grown: f64,
    /// f.
    pub(super) faded: f64,
}

/// omega, u+ and e.
struct Roots {
    omega: f64,
    upper: f64,
    lower: f64,
}

impl TwoModes {
    /// From p and q (h entries each).
    pub(super) fn of(p: &DVector<f64>, q: &DVector<f64>) -> Self {
        /// Aligned weights have one of the two only, but for the square of round-off.
        const ROUND_OFF: f64 = 1e-24;
        let [grown, faded] = [p + q, p - q].map(|sum| 0.25 * sum.norm_squared());
        let cleared = |part: f64, other: f64| match part <= ROUND_OFF * other {
            true => 0.0,
            false => part,
        };
        Self {
            grown: cleared(grown, faded),
            faded: cleared(faded, grown),
        }
    }

    /// W_m.
    pub(super) fn map(self) -> f64 {
        self.grown - self.faded
    }

    /// k.
    fn product(self) -> f64 {
        self.grown * self.faded
    }

    /// Whether the course is that of balanced layers from the growing part, but for 1e-4 of its times.
    pub(super) fn are_balanced(self, course: Course) -> bool {
        4.0 * self.product() <= 1e-4 * course.limit.powi(2)
    }

    fn roots(self, Course { rate, limit }: Course) -> Roots {
        let product = self.product();
        let root = limit.hypot(2.0 * product.sqrt());
        let omega = rate.abs() * (root / limit);
        let larger = 0.5 * (limit + root);
        // Their product is k: no difference of nearly equal numbers.
        let (upper, lower) = match rate >= 0.0 {
            true => (larger, product / larger),
            false => (product / larger, larger),
        };
        Roots {
            omega,
            upper,
            lower,
        }
    }

    /// The parts after a time of a course.
    pub(super) fn after(self, course: Course, time: f64) -> Self {
        if course.limit <= 0.0 || !course.limit.is_finite() {
            let growth = (2.0 * course.rate * time).exp();
            return Self {
                grown: self.grown * growth,
                faded: self.faded / growth,
            };
        }
        let Roots {
            omega,
            upper,
            lower,
        } = self.roots(course);
        let (left, gone) = ((-2.0 * omega * time).exp(), -(-2.0 * omega * time).exp_m1());
        let grown = (self.grown * (upper + lower * left) + lower * upper * gone)
            / (self.grown * gone + lower + upper * left);
        Self {
            grown,
            faded: if grown > 0.0 {
                self.product() / grown
            } else {
                self.faded
            },
        }
    }

    /// How long the map takes to a level > 0 under a drive along the direction, zero where it is there:
    ///
    /// ```text
    /// t = ln[(u1 + e)(u+ - u0) / ((u+ - u1)(u0 + e))] / (2 omega)        u1 - k/u1 = level
    /// ```
    ///
    /// Infinite where it never gets there.
    pub(super) fn wait(self, course: Course, level: f64) -> f64 {
        let limit = course.limit;
        if self.map() >= level {
            return 0.0;
        }
        if self.grown == 0.0 || course.rate <= 0.0 || limit <= level {
            return f64::INFINITY;
        }
        let Roots {
            omega,
            upper,
            lower,
        } = self.roots(course);
        let twice = 2.0 * self.product().sqrt();
        let at_level = 0.5 * (level + level.hypot(twice));
        let sums = limit.hypot(twice) + level.hypot(twice);
        // u+ - u1, of which unbalanced layers would leave few digits.
        let left = 0.5 * (limit - level) * (1.0 + (limit + level) / sums);
        let to_go = (upper / (self.grown + lower)).ln() + (-self.grown / upper).ln_1p();
        let at_end = (left / (at_level + lower)).ln();
        (to_go - at_end) / (2.0 * omega)
    }
}
