//! Products phi_k(tau J) b of a symmetric J, from a Lanczos basis of J and b.
//!
//! ```text
//! phi_k(tau J) b  ~  |b| V phi_k(tau T) e_1        phi_0(z) = e^z,  phi_{k+1}(z) = (phi_k(z) - 1/k!) / z
//! J V             =  V T + beta v_{m+1} e_m^T
//! ```
//!
//! One basis serves every k and every tau; T is diagonalised once. Source: M. Hochbruck & A.
//! Ostermann, "Exponential integrators", Acta Numerica 19 (2010), section 4.2; Y. Saad, "Analysis
//! of some Krylov subspace approximations to the matrix exponential operator", SIAM J. Numer.
//! Anal. 29 (1992), for the estimate of the error.

use crate::linalg::{Lanczos, add_scaled};

/// Most vectors of a basis. Toy data need 2 to 4, several inputs and outputs up to 40.
pub(super) const LARGEST_DIMENSION: usize = 64;

/// Exponents above this are growth that no step may contain: e^z would soon overflow.
pub(super) const LARGEST_EXPONENT: f64 = 30.0;

/// A Krylov basis of one vector b.
#[derive(Debug)]
pub(super) struct Krylov {
    lanczos: Lanczos,
    /// |b|.
    size: f64,
}

/// Why no basis was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Failure {
    /// The residual was still too large at the largest dimension.
    Capacity,
    /// A mode grows by e^z within the step, z being too large.
    Growth(f64),
    /// A product was not finite.
    NotFinite,
}

impl Krylov {
    /// Storage for vectors of length `len` and bases of up to `capacity` of them.
    pub(super) fn new(len: usize, capacity: usize) -> Self {
        Self {
            lanczos: Lanczos::new(len, capacity),
            size: 0.0,
        }
    }

    /// Number of vectors of the basis.
    pub(super) fn dimension(&self) -> usize {
        self.lanczos.dimension()
    }

    /// Starts anew from the vector b.
    pub(super) fn start(&mut self, b: &[f64]) {
        self.size = self.lanczos.start(b);
    }

    /// Extends the basis until it serves steps up to `step`: until the residual of the differential
    /// equation that phi_1 solves, integrated over the step, is below `share`. `product` writes
    /// J v, and `weighted_norm` measures a vector in units of the step's tolerance.
    pub(super) fn converge(
        &mut self,
        step: f64,
        share: f64,
        product: &mut dyn FnMut(&[f64], &mut [f64]),
        weighted_norm: &dyn Fn(&[f64]) -> f64,
    ) -> Result<(), Failure> {
        if self.size == 0.0 {
            return Ok(());
        }
        let mut next_check = self.dimension();
        loop {
            let m = self.dimension();
            // The whole space, or one that J does not leave.
            let closed = self.lanczos.is_whole() || self.lanczos.leak() == Some(0.0);
            if m > 0 && (m >= next_check || self.lanczos.is_full() || closed) {
                self.lanczos.diagonalise();
                let values = self.lanczos.values().iter();
                let fastest = values.copied().fold(f64::MIN, f64::max);
                if step * fastest > LARGEST_EXPONENT {
                    return Err(Failure::Growth(step * fastest));
                }
                if closed || self.residual(step, weighted_norm) <= share {
                    return Ok(());
                }
                if self.lanczos.is_full() {
                    return Err(Failure::Capacity);
                }
                // Often enough to stop early, seldom enough for its cost of m^3 not to matter.
                next_check = m + 1 + m / 4;
            }
            if !self.lanczos.extend(product) {
                return Err(Failure::NotFinite);
            }
        }
    }

    /// The approximation y(s) = s |b| V phi_1(sT) e_1 of the solution of y' = J y + b misses
    /// s |b| beta_m [phi_1(sT)]_{m1} v_{m+1} in its equation; that at s = step, times the step.
    fn residual(&self, step: f64, weighted_norm: &dyn Fn(&[f64]) -> f64) -> f64 {
        let m = self.dimension();
        let leak = self.lanczos.leak().unwrap_or(0.0);
        let phi1 = self.at_eigenvalues(|z| phi(z)[1], step);
        let leak = leak * self.entry(m - 1, &phi1[..m]).abs();
        step * step * self.size * leak * weighted_norm(self.lanczos.outside())
    }

    /// Entry `i` of f(tau T) e_1, from f at the eigenvalues of tau T.
    fn entry(&self, i: usize, values: &[f64]) -> f64 {
        let modes = values.iter().enumerate();
        modes
            .map(|(k, f)| f * self.lanczos.eigenvector(i, k) * self.lanczos.eigenvector(0, k))
            .sum()
    }

    /// f at the eigenvalues of tau T.
    fn at_eigenvalues(&self, f: impl Fn(f64) -> f64, tau: f64) -> [f64; LARGEST_DIMENSION] {
        let mut values = [0.0; LARGEST_DIMENSION];
        for (out, value) in values.iter_mut().zip(self.lanczos.values()) {
            *out = f(tau * value);
        }
        values
    }

    /// out += factor f(tau J) b for a combination f of phi functions.
    pub(super) fn add(&self, factor: f64, f: impl Fn(f64) -> f64, tau: f64, out: &mut [f64]) {
        let values = self.at_eigenvalues(f, tau);
        let values = &values[..self.dimension()];
        for (i, v) in self.lanczos.basis().enumerate() {
            let coefficient = factor * self.size * self.entry(i, values);
            add_scaled(coefficient, v, out);
        }
    }

    /// out += factor J f(tau J) b, for the vector that [`Krylov::add`] adds and without a product:
    /// J V = V T + beta v_{m+1} e_m^T holds exactly.
    pub(super) fn add_product(
        &self,
        factor: f64,
        f: impl Fn(f64) -> f64,
        tau: f64,
        out: &mut [f64],
    ) {
        let m = self.dimension();
        if m == 0 {
            return;
        }
        self.add(factor, |z| z / tau * f(z), tau, out);
        let leak = self.lanczos.leak().unwrap_or(0.0);
        let outside = self.entry(m - 1, &self.at_eigenvalues(f, tau)[..m]);
        let coefficient = factor * self.size * leak * outside;
        add_scaled(coefficient, self.lanczos.outside(), out);
    }
}

/// phi_0 ... phi_4 at z, z being at most [`LARGEST_EXPONENT`].
///
/// For small |z| the recursion loses all digits, and the Taylor series
/// phi_k(z) = sum_j z^j / (j + k)! of phi_4 is used with the recursion upwards.
pub(super) fn phi(z: f64) -> [f64; 5] {
    const INVERSE_FACTORIALS: [f64; 4] = [1.0, 1.0, 0.5, 1.0 / 6.0];
    let mut phi = [z.exp(), 0.0, 0.0, 0.0, 0.0];
    if z.abs() < 0.5 {
        // The 16th term is below 0.5^16 / 20! < 1e-22.
        let mut term = 1.0 / 24.0;
        for j in 0..16 {
            phi[4] += term;
            term *= z / (j + 5) as f64;
        }
        for k in (1..4).rev() {
            phi[k] = z * phi[k + 1] + INVERSE_FACTORIALS[k];
        }
    } else {
        phi[1] = z.exp_m1() / z;
        for k in 1..4 {
            phi[k + 1] = (phi[k] - INVERSE_FACTORIALS[k]) / z;
        }
    }
    phi
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phi_functions_match_their_integrals() {
        // phi_k(z) = int_0^1 e^{(1-s) z} s^{k-1}/(k-1)! ds, by 64-point Gauss-Legendre panels.
        let rule = gauss_quad::GaussLegendre::new(64).expect("rule");
        for z in [
            -40.0, -3.0, -0.5, -0.49, -1e-3, 0.0, 1e-9, 0.3, 0.5, 2.0, 20.0,
        ] {
            let mut factorial = 1.0;
            for k in 1..5 {
                let exact: f64 = (0..8)
                    .map(|panel| {
                        let from = f64::from(panel) / 8.0;
                        rule.integrate(from, from + 0.125, |s: f64| {
                            ((1.0 - s) * z).exp() * s.powi(k - 1) / factorial
                        })
                    })
                    .sum();
                factorial *= f64::from(k);
                // The upward recursion at |z| = 1/2 divides round-off by z four times.
                let error = phi(z)[k as usize] / exact - 1.0;
                assert!(error.abs() < 5e-13, "phi_{k}({z}): {error:e}");
            }
        }
    }
}
