//! One block of samples forward through the network and back.

use super::dense::{Shape, gather, pull, send};
use crate::data::{Block, Loss};
use crate::network::{Architecture, Layer, Spaces};
use std::ops::Range;

/// What leads from where to where: fixed by the architecture. A panel is a hidden space, or the
/// outputs, which come last.
#[derive(Debug, Clone)]
pub(super) struct Wiring<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) wires: Vec<Wire<'a>>,
    /// Number of units of each panel.
    dims: Vec<usize>,
}

/// A layer between panels.
#[derive(Debug, Clone)]
pub(super) struct Wire<'a> {
    pub(super) layer: &'a Layer,
    /// The panel that it starts from; None for inputs.
    pub(super) input: Option<usize>,
    /// The panel that it ends in.
    output: usize,
    /// Whether that is complete with this layer.
    is_last: bool,
    /// Which of its columns count in what it sends, where not all do: the residual is what the outputs leave that do.
    active: Option<Vec<bool>>,
    /// Biases of that panel in a flat state, where it has some and is complete.
    pub(super) bias: Option<Range<usize>>,
    /// Inputs of the network that reach the layer.
    columns: Range<usize>,
}

impl<'a> Wiring<'a> {
    pub(super) fn new(architecture: &'a Architecture) -> Self {
        let spaces = Spaces::of(architecture);
        let hidden = spaces.dims().len();
        let wires = architecture.layers.iter().enumerate().map(|(l, layer)| {
            let output = spaces.output(l).unwrap_or(hidden);
            let is_last = spaces.completes(l);
            let bias = architecture.biases.get(output).filter(|_| is_last);
            Wire {
                layer,
                input: spaces.input(l),
                output,
                is_last,
                active: None,
                bias: bias.map(|bias| bias.range.clone()),
                columns: architecture.reaching(layer.stack),
            }
        });
        Self {
            wires: wires.collect(),
            dims: [spaces.dims(), &[architecture.outputs]].concat(),
            architecture,
        }
    }

    /// Makes the outputs those of some of the units that send to them, counted through the layers that end there. The others
    /// still see what these leave.
    pub(super) fn activate(&mut self, units: &[bool]) {
        let outputs = self.dims.len() - 1;
        let mut units = units.iter().copied();
        for wire in self.wires.iter_mut().filter(|wire| wire.output == outputs) {
            wire.active = Some(units.by_ref().take(wire.layer.cols).collect());
        }
    }

    /// Sets the sums of `samples` samples to zero.
    pub(super) fn clear(&self, panels: &mut [Vec<f64>], samples: usize) {
        for (panel, dim) in panels.iter_mut().zip(&self.dims) {
            panel[..samples * dim].fill(0.0);
        }
    }

    /// The hidden space that is complete with a layer, if one is.
    pub(super) fn completed(&self, wire: &Wire<'_>) -> Option<usize> {
        (wire.is_last && wire.output + 1 < self.dims.len()).then_some(wire.output)
    }
}

impl Wire<'_> {
    /// The layer with nothing in columns that are not active, in `masked` if there are any; None where nothing is active.
    fn active_entries<'s>(&self, w: &'s [f64], masked: &'s mut Vec<f64>) -> Option<&'s [f64]> {
        let Some(active) = self
            .active
            .as_ref()
            .filter(|active| active.contains(&false))
        else {
            return Some(w);
        };
        if !active.contains(&true) {
            return None;
        }
        masked.clear();
        masked.extend_from_slice(w);
        let columns = masked.chunks_exact_mut(self.layer.rows).zip(active);
        for (column, _) in columns.filter(|(_, active)| !**active) {
            column.fill(0.0);
        }
        Some(masked)
    }

    pub(super) fn shape(&self, samples: usize) -> Shape {
        Shape {
            rows: self.layer.rows,
            cols: self.layer.cols,
            samples,
        }
    }

    /// What the layer starts from: a panel, or inputs of the block.
    pub(super) fn activity<'s>(&self, panels: &'s [Vec<f64>], block: &Block<'s>) -> &'s [f64] {
        let Range { start, end } = self.columns;
        match self.input {
            None => &block.inputs[start * block.len..end * block.len],
            Some(input) => &panels[input],
        }
    }

    /// What the layer starts from, and the panel that it adds to.
    pub(super) fn forward<'s>(
        &self,
        panels: &'s mut [Vec<f64>],
        block: &Block<'s>,
    ) -> (&'s [f64], &'s mut [f64]) {
        let len = block.len * self.layer.rows;
        let Some(input) = self.input else {
            let from = self.activity(&[], block);
            return (from, &mut panels[self.output][..len]);
        };
        let (from, to) = pair(panels, input, self.output);
        (&from[..block.len * self.layer.cols], &mut to[..len])
    }

    /// The panel before the layer, to be written, if there is one, and the panel behind it.
    pub(super) fn backward<'s>(
        &self,
        panels: &'s mut [Vec<f64>],
        samples: usize,
    ) -> (Option<&'s mut [f64]>, &'s [f64]) {
        let len = samples * self.layer.rows;
        let Some(input) = self.input else {
            return (None, &panels[self.output][..len]);
        };
        let (behind, before) = pair(panels, self.output, input);
        let before = &mut before[..samples * self.layer.cols];
        (Some(before), &behind[..len])
    }
}

/// Panels for the samples of one block.
#[derive(Debug, Clone)]
pub(super) struct Tape {
    /// phi(z) of hidden spaces, and the prediction y^; n x units.
    pub(super) panels: Vec<Vec<f64>>,
    /// phi'(z) of hidden spaces.
    pub(super) slope: Vec<Vec<f64>>,
    /// phi''(z); empty where it vanishes.
    pub(super) curve: Vec<Vec<f64>>,
    /// Storage for a layer that is active in part.
    masked: Vec<f64>,
    /// What comes back: -dLoss/dh, and once multiplied by the slope -dLoss/dz; -dLoss/dy^ of outputs.
    pub(super) back: Vec<Vec<f64>>,
}

impl Tape {
    /// Storage for blocks of up to `samples` samples.
    pub(super) fn new(wiring: &Wiring<'_>, samples: usize) -> Self {
        let storage = |dims: &[usize]| -> Vec<Vec<f64>> {
            dims.iter().map(|dim| vec![0.0; dim * samples]).collect()
        };
        let hidden = &wiring.dims[..wiring.dims.len() - 1];
        let activation = wiring.architecture.activation;
        let bends = activation.is_smooth() && !activation.is_linear();
        Self {
            panels: storage(&wiring.dims),
            slope: storage(hidden),
            curve: if bends {
                storage(hidden)
            } else {
                vec![Vec::new(); hidden.len()]
            },
            back: storage(&wiring.dims),
            masked: Vec::new(),
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
        wiring.clear(&mut self.panels, block.len);
        for wire in &wiring.wires {
            let w = wire.layer.of(weights).entries;
            let Some(w) = wire.active_entries(w, &mut self.masked) else {
                continue;
            };
            let (from, out) = wire.forward(&mut self.panels, block);
            send(w, wire.shape(block.len), from, out);
            if let Some(bias) = &wire.bias {
                add_bias(&weights[bias.clone()], block.len, out);
            }
            if let Some(space) = wiring.completed(wire) {
                let curve = &mut self.curve[space];
                let bent = if bend { curve.len().min(out.len()) } else { 0 };
                let slope = &mut self.slope[space][..out.len()];
                let activation = wiring.architecture.activation;
                activation.apply(out, slope, &mut curve[..bent]);
            }
        }
    }

    /// -dLoss/dy^, times the `weight` of the block's losses; gives back their sum, weighted alike.
    pub(super) fn compare(&mut self, block: &Block<'_>, weight: f64, loss: Loss) -> f64 {
        let last = self.panels.len() - 1;
        let outputs = outputs_of(&self.panels, block);
        let residual = &mut self.back[last][..outputs.len()];
        let sum = loss.compare(outputs, block.targets, block.len, residual);
        if weight != 1.0 {
            residual.iter_mut().for_each(|left| *left *= weight);
        }
        weight * sum
    }

    /// The outputs become predictions of the targets.
    pub(super) fn predict(&mut self, block: &Block<'_>, loss: Loss) {
        let last = self.panels.len() - 1;
        let outputs = &mut self.panels[last][..block.targets.len()];
        loss.predict(outputs, block.len);
    }

    /// Adds the block's part of -P dLoss/dw to `rate`.
    pub(super) fn backward(
        &mut self,
        wiring: &Wiring<'_>,
        weights: &[f64],
        block: &Block<'_>,
        rate: &mut [f64],
    ) {
        for wire in wiring.wires.iter().rev() {
            let shape = wire.shape(block.len);
            let (before, delta) = wire.backward(&mut self.back, block.len);
            if let Some(bias) = &wire.bias {
                add_sums(delta, block.len, &mut rate[bias.clone()]);
            }
            let out = &mut rate[wire.layer.range.clone()];
            gather(delta, shape, wire.activity(&self.panels, block), out);
            let (Some(space), Some(before)) = (wire.input, before) else {
                continue;
            };
            before.fill(0.0);
            pull(wire.layer.of(weights).entries, shape, delta, before);
            for (before, slope) in before.iter_mut().zip(&self.slope[space]) {
                *before *= slope;
            }
        }
    }
}

/// The outputs of a block among its panels.
pub(super) fn outputs_of<'p>(panels: &'p [Vec<f64>], block: &Block<'_>) -> &'p [f64] {
    &panels[panels.len() - 1][..block.targets.len()]
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
