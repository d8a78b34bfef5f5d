//! One block of samples in a direction V of the weights: how outputs and rates change along it.
//!
//! Forward-mode differentiation of the passes in [`super::tape`], exact wherever phi has the
//! derivatives. With a = the activities that a layer starts from, z = the sums behind it, delta =
//! -dLoss/dz there and u = delta W what comes back through it:
//!
//! ```text
//! dz = da W^T + a V^T           dh = phi'(z) dz
//! du = ddelta W + delta V       ddelta_before = phi'(z) du + phi''(z) dz u
//! (J V)_l = ddelta^T a + delta^T da
//! ```

use super::dense::{gather, pull, send};
use super::tape::{Tape, Wiring, add_bias, add_sums, outputs_of};
use crate::data::{Block, Loss};

/// Differentials of the panels of a [`Tape`].
#[derive(Debug, Clone)]
pub(super) struct Tangent {
    /// dz, then dh, of hidden spaces, and dy^.
    pub(super) panels: Vec<Vec<f64>>,
    /// phi''(z) dz; empty where phi'' vanishes.
    bent: Vec<Vec<f64>>,
    /// du, then ddelta, of hidden spaces, and the change of -dLoss/dy^.
    back: Vec<Vec<f64>>,
}

impl Tangent {
    /// Storage beside a tape.
    pub(super) fn new(tape: &Tape) -> Self {
        Self {
            panels: tape.panels.clone(),
            bent: tape.curve.clone(),
            back: tape.back.clone(),
        }
    }

    /// dh of all units and dy^, after the tape's forward pass (with second derivatives where
    /// [`Tangent::backward`] is to follow).
    pub(super) fn forward(
        &mut self,
        wiring: &Wiring<'_>,
        tape: &Tape,
        (weights, direction): (&[f64], &[f64]),
        block: &Block<'_>,
    ) {
        wiring.clear(&mut self.panels, block.len);
        for wire in &wiring.wires {
            let shape = wire.shape(block.len);
            let (w, v) = (wire.layer.of(weights), wire.layer.of(direction));
            let (change, out) = wire.forward(&mut self.panels, block);
            if wire.input.is_some() {
                send(w.entries, shape, change, out);
            }
            send(v.entries, shape, wire.activity(&tape.panels, block), out);
            if let Some(bias) = &wire.bias {
                add_bias(&direction[bias.clone()], block.len, out);
            }
            if let Some(space) = wiring.completed(wire) {
                bend(&tape.curve[space], out, &mut self.bent[space]);
                for (change, slope) in out.iter_mut().zip(&tape.slope[space]) {
                    *change *= slope;
                }
            }
        }
    }

    /// Changes of the outputs become those of predictions, which the tape has.
    pub(super) fn predict(&mut self, tape: &Tape, block: &Block<'_>, loss: Loss) {
        let last = self.panels.len() - 1;
        let changes = &mut self.panels[last][..block.targets.len()];
        loss.predict_changes(outputs_of(&tape.panels, block), changes, block.len);
    }

    /// Gives the block's errors a weight in [`Tangent::backward`].
    pub(super) fn scale_outputs(&mut self, weight: f64) {
        if let (Some(outputs), true) = (self.panels.last_mut(), weight != 1.0) {
            outputs.iter_mut().for_each(|output| *output *= weight);
        }
    }

    /// Adds the block's part of P J V to `product`, after the forward passes of both, and [`Tangent::predict`]: residuals
    /// change by minus what predictions do.
    pub(super) fn backward(
        &mut self,
        wiring: &Wiring<'_>,
        tape: &mut Tape,
        (weights, direction): (&[f64], &[f64]),
        block: &Block<'_>,
        product: &mut [f64],
    ) {
        let outputs = self.panels.len() - 1;
        for (residual, output) in self.back[outputs].iter_mut().zip(&self.panels[outputs]) {
            *residual = -output;
        }
        for wire in wiring.wires.iter().rev() {
            let shape = wire.shape(block.len);
            let (before, delta) = wire.backward(&mut tape.back, block.len);
            let (d_before, d_delta) = wire.backward(&mut self.back, block.len);
            if let Some(bias) = &wire.bias {
                add_sums(d_delta, block.len, &mut product[bias.clone()]);
            }
            let out = &mut product[wire.layer.range.clone()];
            gather(d_delta, shape, wire.activity(&tape.panels, block), out);
            let (Some(space), Some(before), Some(d_before)) = (wire.input, before, d_before) else {
                continue;
            };
            gather(delta, shape, &self.panels[space], out);
            let (w, v) = (wire.layer.of(weights), wire.layer.of(direction));
            before.fill(0.0);
            pull(w.entries, shape, delta, before);
            d_before.fill(0.0);
            pull(w.entries, shape, d_delta, d_before);
            pull(v.entries, shape, delta, d_before);
            turn(&tape.slope[space], &self.bent[space], before, d_before);
        }
    }
}

/// phi'' dz from phi'' and dz.
fn bend(curve: &[f64], change: &[f64], bent: &mut [f64]) {
    for (bent, (curve, change)) in bent.iter_mut().zip(curve.iter().zip(change)) {
        *bent = curve * change;
    }
}

/// delta and ddelta from u and du.
fn turn(slope: &[f64], bent: &[f64], u: &mut [f64], du: &mut [f64]) {
    for (du, slope) in du.iter_mut().zip(slope) {
        *du *= slope;
    }
    for ((du, u), bent) in du.iter_mut().zip(u.iter()).zip(bent) {
        *du += u * bent;
    }
    for (u, slope) in u.iter_mut().zip(slope) {
        *u *= slope;
    }
}
