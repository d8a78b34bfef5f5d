//! Activations of hidden units, with their first and second derivatives.

use crate::scenario::Activation;
use std::f64::consts::FRAC_2_SQRT_PI;

/// Replaces every z by phi(z) and writes phi'(z) to `slope`, and phi''(z) to `curve` unless that is
/// empty. Where phi has a kink, phi' is the limit from below (of relu: 0) and phi'' is zero.
pub(super) fn activate(
    activation: Activation,
    z: &mut [f64],
    slope: &mut [f64],
    curve: &mut [f64],
) {
    match activation {
        Activation::Linear => {
            slope.fill(1.0);
            curve.fill(0.0);
        }
        Activation::Relu => rectify(0.0, z, slope, curve),
        Activation::LeakyRelu(leak) => rectify(leak, z, slope, curve),
        Activation::Tanh => smooth(z, slope, curve, |z| {
            let phi = z.tanh();
            let slope = 1.0 - phi * phi;
            (phi, slope, -2.0 * phi * slope)
        }),
        Activation::Erf => smooth(z, slope, curve, |z| {
            let slope = FRAC_2_SQRT_PI * (-z * z).exp();
            (libm::erf(z), slope, -2.0 * z * slope)
        }),
    }
}

fn rectify(leak: f64, z: &mut [f64], slope: &mut [f64], curve: &mut [f64]) {
    for (z, slope) in z.iter_mut().zip(slope) {
        // What is no number stays none.
        *slope = if *z > 0.0 { 1.0 } else { leak };
        *z = if *z > 0.0 { *z } else { leak * *z };
    }
    curve.fill(0.0);
}

fn smooth(
    z: &mut [f64],
    slope: &mut [f64],
    curve: &mut [f64],
    phi: impl Fn(f64) -> (f64, f64, f64),
) {
    if curve.is_empty() {
        for (z, slope) in z.iter_mut().zip(slope) {
            (*z, *slope, _) = phi(*z);
        }
        return;
    }
    for ((z, slope), curve) in z.iter_mut().zip(slope).zip(curve) {
        (*z, *slope, *curve) = phi(*z);
    }
}
