//! One block of samples forward through the network and back.

use super::dense::{Shape, gather, pull, send};
use crate::data::Block;
use crate::network::{Architecture, Spaces, Stack};
use std::ops::Range;

/// What leads from where to where: fixed by the architecture.
#[derive(Debug, Clone)]
pub(super) struct Wiring<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) spaces: Spaces,
    /// Whether what arrives behind a layer is complete with it.
    completes: Vec<bool>,
    /// Inputs of each layer that has inputs of the network.
    inputs: Vec<Range<usize>>,
}

impl<'a> Wiring<'a> {
    pub(super) fn new(architecture: &'a Architecture) -> Self {
        let spaces = Spaces::of(architecture);
        let layers = 0..architecture.layers.len();
        let inputs = architecture.layers.iter().map(|layer| match layer.stack {
            Stack::Private(m) => architecture.modalities[m].range.clone(),
            Stack::Shared => 0..0,
        });
        Self {
            completes: layers.map(|l| spaces.completes(l)).collect(),
            inputs: inputs.collect(),
            architecture,
            spaces,
        }
    }

    pub(super) fn layers(&self) -> Range<usize> {
        0..self.architecture.layers.len()
    }

    pub(super) fn shape(&self, l: usize, samples: usize) -> Shape {
        let layer = &self.architecture.layers[l];
        let (rows, cols) = (layer.rows, layer.cols);
        Shape {
            rows,
            cols,
            samples,
        }
    }

    /// A layer of a flat state.
    pub(super) fn layer<'w>(&self, state: &'w [f64], l: usize) -> &'w [f64] {
        &state[self.architecture.layers[l].range.clone()]
    }

    /// The biases of a hidden space or of the outputs (None) in a flat state.
    pub(super) fn bias_range(&self, space: Option<usize>) -> Option<Range<usize>> {
        let index = space.unwrap_or(self.spaces.dims().len());
        let bias = self.architecture.biases.get(index)?;
        Some(bias.range.clone())
    }

    /// Columns of the block's inputs that reach a layer.
    pub(super) fn block_inputs<'b>(&self, l: usize, block: &Block<'b>) -> &'b [f64] {
        let Range { start, end } = self.inputs[l].clone();
        &block.inputs[start * block.len..end * block.len]
    }

    /// The space behind layer `l` if it is the last one to end there, and None if it is not.
    pub(super) fn completed(&self, l: usize) -> Option<Option<usize>> {
        self.completes[l].then(|| self.spaces.output(l))
    }
}

/// Panels of every hidden space for the samples of one block.
#[derive(Debug, Clone)]
pub(super) struct Tape {
    /// phi(z), n x width.
    pub(super) hidden: Vec<Vec<f64>>,
    /// phi'(z).
    pub(super) slope: Vec<Vec<f64>>,
    /// phi''(z); empty where it vanishes.
    pub(super) curve: Vec<Vec<f64>>,
    /// What comes back: -dLoss/dh, and once multiplied by the slope -dLoss/dz.
    pub(super) back: Vec<Vec<f64>>,
    /// The prediction y^, n x o.
    pub(super) output: Vec<f64>,
    /// y - y^, n x o.
    pub(super) residual: Vec<f64>,
}

impl Tape {
    /// Storage for blocks of up to `samples` samples.
    pub(super) fn new(wiring: &Wiring<'_>, samples: usize) -> Self {
        let dims = wiring.spaces.dims();
        let panels = || dims.iter().map(|dim| vec![0.0; dim * samples]).collect();
        let architecture = wiring.architecture;
        let bends = architecture.activation.is_smooth() && !architecture.activation.is_linear();
        let output = vec![0.0; architecture.outputs * samples];
        Self {
            hidden: panels(),
            slope: panels(),
            curve: if bends {
                panels()
            } else {
                vec![Vec::new(); dims.len()]
            },
            back: panels(),
            residual: output.clone(),
            output,
        }
    }

    /// Activities of all units; `bend` asks for second derivatives too.
    pub(super) fn forward(
        &mut self,
        wiring: &Wiring<'_>,
        weights: &[f64],
        block: &Block<'_>,
        bend: bool,
    ) {
        let n = block.len;
        let dims = wiring.spaces.dims();
        for (hidden, dim) in self.hidden.iter_mut().zip(dims) {
            hidden[..n * dim].fill(0.0);
        }
        self.output[..n * wiring.architecture.outputs].fill(0.0);
        for l in wiring.layers() {
            let mut hidden = Hidden {
                panels: &mut self.hidden,
                output: &mut self.output,
            };
            let (from, out) = hidden.ends(wiring, l, block);
            send(wiring.layer(weights, l), wiring.shape(l, n), from, out);
            let Some(space) = wiring.completed(l) else {
                continue;
            };
            if let Some(bias) = wiring.bias_range(space) {
                add_bias(&weights[bias], n, out);
            }
            if let Some(s) = space {
                let len = n * dims[s];
                let curve = &mut self.curve[s];
                let bent = if bend { curve.len().min(len) } else { 0 };
                wiring.architecture.activation.apply(
                    &mut self.hidden[s][..len],
                    &mut self.slope[s][..len],
                    &mut curve[..bent],
                );
            }
        }
    }

    /// y - y^; gives back the sum of its squares.
    pub(super) fn compare(&mut self, block: &Block<'_>) -> f64 {
        let mut error = 0.0;
        let pairs = block.targets.iter().zip(&self.output);
        for (residual, (target, output)) in self.residual.iter_mut().zip(pairs) {
            *residual = target - output;
            error += *residual * *residual;
        }
        error
    }

    /// Adds the block's part of -P dLoss/dw to `rate`.
    pub(super) fn backward(
        &mut self,
        wiring: &Wiring<'_>,
        weights: &[f64],
        block: &Block<'_>,
        rate: &mut [f64],
    ) {
        let n = block.len;
        for l in wiring.layers().rev() {
            let shape = wiring.shape(l, n);
            let (input, output) = (wiring.spaces.input(l), wiring.spaces.output(l));
            let (before, delta) = split_back(&mut self.back, &self.residual, (input, output));
            let delta = &delta[..n * shape.rows];
            if wiring.completed(l).is_some()
                && let Some(bias) = wiring.bias_range(output)
            {
                add_sums(delta, n, &mut rate[bias]);
            }
            let range = wiring.architecture.layers[l].range.clone();
            let Some(s) = input else {
                gather(
                    delta,
                    shape,
                    wiring.block_inputs(l, block),
                    &mut rate[range],
                );
                continue;
            };
            gather(delta, shape, &self.hidden[s], &mut rate[range]);
            let Some(before) = before else { continue };
            let before = &mut before[..n * shape.cols];
            before.fill(0.0);
            pull(wiring.layer(weights, l), shape, delta, before);
            for (before, slope) in before.iter_mut().zip(&self.slope[s]) {
                *before *= slope;
            }
        }
    }
}

/// Panels that layers lead between.
pub(super) struct Hidden<'t> {
    pub(super) panels: &'t mut [Vec<f64>],
    pub(super) output: &'t mut [f64],
}

impl<'t> Hidden<'t> {
    /// What layer `l` starts from, and where it ends.
    pub(super) fn ends<'s>(
        &'s mut self,
        wiring: &Wiring<'_>,
        l: usize,
        block: &Block<'s>,
    ) -> (&'s [f64], &'s mut [f64]) {
        let shape = wiring.shape(l, block.len);
        let (from, to) = (shape.samples * shape.cols, shape.samples * shape.rows);
        match (wiring.spaces.input(l), wiring.spaces.output(l)) {
            (None, None) => (wiring.block_inputs(l, block), &mut self.output[..to]),
            (None, Some(o)) => (wiring.block_inputs(l, block), &mut self.panels[o][..to]),
            (Some(i), None) => (&self.panels[i][..from], &mut self.output[..to]),
            (Some(i), Some(o)) => {
                let (input, output) = pair(self.panels, i, o);
                (&input[..from], &mut output[..to])
            }
        }
    }
}

/// Two different panels.
fn pair(panels: &mut [Vec<f64>], shared: usize, mutable: usize) -> (&[f64], &mut [f64]) {
    if shared < mutable {
        let (low, high) = panels.split_at_mut(mutable);
        (&low[shared], &mut high[0])
    } else {
        let (low, high) = panels.split_at_mut(shared);
        (&high[0], &mut low[mutable])
    }
}

/// The panel before a layer, to be written, and the one behind it: that of a hidden space, or
/// `outside` of the outputs.
pub(super) fn split_back<'t>(
    panels: &'t mut [Vec<f64>],
    outside: &'t [f64],
    (input, output): (Option<usize>, Option<usize>),
) -> (Option<&'t mut [f64]>, &'t [f64]) {
    match (input, output) {
        (None, None) => (None, outside),
        (None, Some(o)) => (None, &panels[o]),
        (Some(i), None) => (Some(&mut panels[i]), outside),
        (Some(i), Some(o)) => {
            let (behind, before) = pair(panels, o, i);
            (Some(before), behind)
        }
    }
}

/// Adds a unit's bias to its column.
pub(super) fn add_bias(bias: &[f64], samples: usize, out: &mut [f64]) {
    for (bias, column) in bias.iter().zip(out.chunks_exact_mut(samples)) {
        for z in column {
            *z += bias;
        }
    }
}

/// Adds the sum of each column.
pub(super) fn add_sums(delta: &[f64], samples: usize, out: &mut [f64]) {
    for (column, out) in delta.chunks_exact(samples).zip(out) {
        *out += column.iter().sum::<f64>();
    }
}
