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
use super::tape::{Hidden, Tape, Wiring, add_bias, add_sums, split_back};
use crate::data::Block;

/// Differentials of the panels of a [`Tape`].
#[derive(Debug, Clone)]
pub(super) struct Tangent {
    /// dz, then dh.
    hidden: Vec<Vec<f64>>,
    /// phi''(z) dz; empty where phi'' vanishes.
    bent: Vec<Vec<f64>>,
    /// du, then ddelta.
    back: Vec<Vec<f64>>,
    /// dy^, n x o.
    pub(super) output: Vec<f64>,
    /// -dy^.
    residual: Vec<f64>,
}

impl Tangent {
    /// Storage beside a tape.
    pub(super) fn new(tape: &Tape) -> Self {
        Self {
            hidden: tape.hidden.clone(),
            bent: tape.curve.clone(),
            back: tape.back.clone(),
            output: tape.output.clone(),
            residual: tape.residual.clone(),
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
        let n = block.len;
        let dims = wiring.spaces.dims();
        for (hidden, dim) in self.hidden.iter_mut().zip(dims) {
            hidden[..n * dim].fill(0.0);
        }
        self.output[..n * wiring.architecture.outputs].fill(0.0);
        for l in wiring.layers() {
            let shape = wiring.shape(l, n);
            let input = wiring.spaces.input(l);
            let mut hidden = Hidden {
                panels: &mut self.hidden,
                output: &mut self.output,
            };
            let (change, out) = hidden.ends(wiring, l, block);
            let activity = match input {
                None => wiring.block_inputs(l, block),
                Some(s) => {
                    send(wiring.layer(weights, l), shape, change, out);
                    &tape.hidden[s]
                }
            };
            send(wiring.layer(direction, l), shape, activity, out);
            let Some(space) = wiring.completed(l) else {
                continue;
            };
            if let Some(bias) = wiring.bias_range(space) {
                add_bias(&direction[bias], n, out);
            }
            if let Some(s) = space {
                self.activate(tape, s, n * dims[s]);
            }
        }
    }

    /// dh and phi'' dz from dz.
    fn activate(&mut self, tape: &Tape, space: usize, len: usize) {
        let changes = &mut self.hidden[space][..len];
        let curves = tape.curve[space].iter().zip(&mut self.bent[space]);
        for (change, (curve, bent)) in changes.iter().zip(curves) {
            *bent = curve * change;
        }
        for (change, slope) in changes.iter_mut().zip(&tape.slope[space]) {
            *change *= slope;
        }
    }

    /// Adds the block's part of P J V to `product`, after the forward passes of both.
    pub(super) fn backward(
        &mut self,
        wiring: &Wiring<'_>,
        tape: &mut Tape,
        (weights, direction): (&[f64], &[f64]),
        block: &Block<'_>,
        product: &mut [f64],
    ) {
        let n = block.len;
        for (residual, output) in self.residual.iter_mut().zip(&self.output) {
            *residual = -output;
        }
        for l in wiring.layers().rev() {
            let shape = wiring.shape(l, n);
            let ends = (wiring.spaces.input(l), wiring.spaces.output(l));
            let (before, delta) = split_back(&mut tape.back, &tape.residual, ends);
            let (d_before, d_delta) = split_back(&mut self.back, &self.residual, ends);
            let (delta, d_delta) = (&delta[..n * shape.rows], &d_delta[..n * shape.rows]);
            if wiring.completed(l).is_some()
                && let Some(bias) = wiring.bias_range(ends.1)
            {
                add_sums(d_delta, n, &mut product[bias]);
            }
            let out = &mut product[wiring.architecture.layers[l].range.clone()];
            let Some(s) = ends.0 else {
                gather(d_delta, shape, wiring.block_inputs(l, block), out);
                continue;
            };
            gather(d_delta, shape, &tape.hidden[s], out);
            gather(delta, shape, &self.hidden[s], out);
            let (Some(before), Some(d_before)) = (before, d_before) else {
                continue;
            };
            let len = n * shape.cols;
            let (before, d_before) = (&mut before[..len], &mut d_before[..len]);
            let (w, v) = (wiring.layer(weights, l), wiring.layer(direction, l));
            before.fill(0.0);
            pull(w, shape, delta, before);
            d_before.fill(0.0);
            pull(w, shape, d_delta, d_before);
            pull(v, shape, delta, d_before);
            turn(&tape.slope[s], &self.bent[s], before, d_before);
        }
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
