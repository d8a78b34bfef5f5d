//! Lanes: some of the samples each, with a workspace for one block of them, and what they sum up.

use super::dense::{Shape, gather};
use super::tangent::Tangent;
use super::tape::{Tape, Wiring, outputs_of};
use crate::data::{Block, Samples, View};
use crate::linalg::{SemiDefinite, dot};
use crate::network::Architecture;
use nalgebra::{DMatrixView, DMatrixViewMut};
use std::ops::Range;

/// Some of the samples, and the workspace for one block of them.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) blocks: Range<usize>,
    pub(super) tape: Tape,
    pub(super) tangent: Tangent,
    /// Inputs of a block, some of them at zero.
    pub(super) inputs: Vec<f64>,
    /// Sum over the lane's samples of a rate or of a Hessian product.
    pub(super) sum: Vec<f64>,
    /// Sum of the losses of the samples.
    pub(super) losses: f64,
    /// Sum of 1/2 |y - y^|^2 - 1/2 |y|^2 of one modality alone.
    pub(super) excess: f64,
    pub(super) outputs: OutputSums,
}

/// What a pass goes over.
pub(super) struct Data<'s, 'a> {
    pub(super) wiring: &'s Wiring<'a>,
    pub(super) samples: &'s Samples,
    pub(super) views: &'s [View],
}

/// A block as a view has it; `inputs` is storage for one.
fn seen<'s>(view: &View, block: &Block<'s>, inputs: &'s mut Vec<f64>) -> Block<'s> {
    if view.dropped.is_empty() {
        return *block;
    }
    inputs.clear();
    inputs.extend_from_slice(block.inputs);
    for dropped in &view.dropped {
        inputs[dropped.start * block.len..dropped.end * block.len].fill(0.0);
    }
    Block { inputs, ..*block }
}

/// Sums over samples of the predictions y^ and of their derivatives along the flow.
#[derive(Debug, Clone)]
pub(super) struct OutputSums {
    /// |y^|^2 and its derivative.
    pub(super) power: [f64; 2],
    /// y^ x^T (o x d, by columns) and its derivative.
    pub(super) cross: [Vec<f64>; 2],
    /// y^ f^T (o x K) with the parts f of the target, and its derivative.
    pub(super) parts: [Vec<f64>; 2],
    /// Samples whose class has the largest output.
    pub(super) right: usize,
}

/// The sum over all lanes of a matrix (o x n, by columns), times the `inverse` (n x n).
pub(super) fn fit(
    lanes: &mut [Lane],
    matrix: impl Fn(&mut OutputSums) -> &mut Vec<f64>,
    inverse: &SemiDefinite,
    out: &mut [f64],
) {
    let Some((first, others)) = lanes.split_first_mut() else {
        return;
    };
    let sum = matrix(&mut first.outputs);
    for lane in others {
        for (sum, part) in sum.iter_mut().zip(matrix(&mut lane.outputs)) {
            *sum += *part;
        }
    }
    let outputs = sum.len() / inverse.dim();
    let sum = DMatrixView::from_slice(sum, outputs, inverse.dim());
    let out = DMatrixViewMut::from_slice(out, outputs, inverse.dim());
    inverse.write_after(sum, out);
}

/// Mean over all samples of what the lanes summed up.
pub(super) fn sum_lanes(lanes: &[Lane], count: f64, mean: &mut [f64]) {
    mean.fill(0.0);
    for lane in lanes {
        for (mean, part) in mean.iter_mut().zip(&lane.sum) {
            *mean += part;
        }
    }
    for mean in mean {
        *mean /= count;
    }
}

impl Lane {
    pub(super) fn evaluate(&mut self, data: &Data<'_, '_>, weights: &[f64]) {
        self.sum.fill(0.0);
        self.losses = 0.0;
        self.add(data, self.blocks.clone(), weights);
    }

    /// Adds the rates and losses of some blocks.
    pub(super) fn add(&mut self, data: &Data<'_, '_>, blocks: Range<usize>, weights: &[f64]) {
        for k in blocks {
            for view in data.views {
                self.add_of(data, view, k..k + 1, weights);
            }
        }
    }

    /// The same of one view.
    pub(super) fn add_of(
        &mut self,
        data: &Data<'_, '_>,
        view: &View,
        blocks: Range<usize>,
        weights: &[f64],
    ) {
        for k in blocks {
            let block = data.samples.block(k);
            let block = seen(view, &block, &mut self.inputs);
            self.tape.forward(data.wiring, weights, &block, false);
            self.losses += self.tape.compare(&block, view.weight, data.samples.loss);
            self.tape
                .backward(data.wiring, weights, &block, &mut self.sum);
        }
    }

    /// Sums up by how much the losses of a view of some blocks exceed those of no output, without cancellation.
    pub(super) fn add_excess(
        &mut self,
        data: &Data<'_, '_>,
        (view, blocks): (&View, Range<usize>),
        weights: &[f64],
    ) {
        self.excess = 0.0;
        for k in blocks {
            let block = data.samples.block(k);
            let block = seen(view, &block, &mut self.inputs);
            self.tape.forward(data.wiring, weights, &block, false);
            let outputs = outputs_of(&self.tape.panels, &block);
            let pairs = outputs.iter().zip(block.targets);
            self.excess += pairs
                .map(|(output, y)| output * (0.5 * output - y))
                .sum::<f64>();
        }
    }

    pub(super) fn compare(&mut self, data: &Data<'_, '_>, weights: &[f64]) {
        self.losses = 0.0;
        for k in self.blocks.clone() {
            for view in data.views {
                let block = data.samples.block(k);
                let block = seen(view, &block, &mut self.inputs);
                self.tape.forward(data.wiring, weights, &block, false);
                self.losses += self.tape.compare(&block, view.weight, data.samples.loss);
            }
        }
    }

    /// Sums of the predictions and of their derivatives in a direction, nothing dropped.
    pub(super) fn observe(&mut self, data: &Data<'_, '_>, along: (&[f64], &[f64])) {
        let loss = data.samples.loss;
        self.outputs.clear();
        let &Data { wiring, .. } = data;
        for k in self.blocks.clone() {
            let block = data.samples.block(k);
            self.tape.forward(wiring, along.0, &block, false);
            self.tangent.forward(wiring, &self.tape, along, &block);
            let outputs = outputs_of(&self.tape.panels, &block);
            self.outputs.right += loss
                .count_right(outputs, block.targets, block.len)
                .unwrap_or(0);
            self.tape.predict(&block, loss);
            self.tangent.predict(&self.tape, &block, loss);
            let outputs = [&self.tape.panels, &self.tangent.panels];
            let outputs = outputs.map(|panels| outputs_of(panels, &block));
            self.outputs.add(wiring.architecture, outputs, &block);
        }
    }

    /// Sum of the losses of other samples and its derivative in a direction, nothing dropped.
    pub(super) fn error(
        &mut self,
        wiring: &Wiring<'_>,
        samples: &Samples,
        along: (&[f64], &[f64]),
    ) -> [f64; 2] {
        let [mut losses, mut change] = [0.0; 2];
        for k in 0..samples.blocks() {
            let block = samples.block(k);
            self.tape.forward(wiring, along.0, &block, false);
            self.tangent.forward(wiring, &self.tape, along, &block);
            losses += self.tape.compare(&block, 1.0, samples.loss);
            let changes = outputs_of(&self.tangent.panels, &block);
            // What comes back from the outputs is -dLoss/dy^.
            change -= dot(outputs_of(&self.tape.back, &block), changes);
        }
        [losses, change]
    }

    pub(super) fn differentiate(&mut self, data: &Data<'_, '_>, along: (&[f64], &[f64])) {
        self.sum.fill(0.0);
        let &Data { wiring, .. } = data;
        for k in self.blocks.clone() {
            for view in data.views {
                let block = data.samples.block(k);
                let block = seen(view, &block, &mut self.inputs);
                self.tape.forward(wiring, along.0, &block, true);
                self.tape.compare(&block, view.weight, data.samples.loss);
                self.tangent.forward(wiring, &self.tape, along, &block);
                self.tape.predict(&block, data.samples.loss);
                self.tangent.predict(&self.tape, &block, data.samples.loss);
                self.tangent.scale_outputs(view.weight);
                self.tangent
                    .backward(wiring, &mut self.tape, along, &block, &mut self.sum);
            }
        }
    }
}

impl OutputSums {
    fn clear(&mut self) {
        self.power = [0.0; 2];
        self.right = 0;
        for sums in self.cross.iter_mut().chain(&mut self.parts) {
            sums.fill(0.0);
        }
    }

    /// Takes in outputs and their derivatives, n x o each.
    fn add(&mut self, architecture: &Architecture, outputs: [&[f64]; 2], block: &Block<'_>) {
        let [output, change] = outputs;
        self.power[0] += dot(output, output);
        self.power[1] += 2.0 * dot(output, change);
        let shape = Shape {
            rows: architecture.outputs,
            cols: architecture.inputs(),
            samples: block.len,
        };
        for (cross, output) in self.cross.iter_mut().zip(outputs) {
            gather(output, shape, block.inputs, cross);
        }
        let cols = block.parts.len() / block.len;
        for (parts, output) in self.parts.iter_mut().zip(outputs) {
            gather(output, Shape { cols, ..shape }, block.parts, parts);
        }
    }
}
