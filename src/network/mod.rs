//! Shape of a multimodal network, and its weights in one flat vector.
//!
//! The only place that knows offsets. Every layer is a matrix (rows = outputs, columns =
//! inputs) stored by columns; layers follow each other in the state: the private stack of each
//! modality in order, then the shared layers.
//!
//! ```text
//! private layers   W_m^1 (h x d_m), ..., W_m^Lf        one stack a modality, to the fusion
//! shared layers    W^{Lf+1}, ..., W^L (o x h)          after the fusion sum
//! total map        W_m^tot = W^L ... W^{Lf+1} W_m^Lf ... W_m^1        (o x d_m)
//! ```
//!
//! Source: Zhang, Latham & Saxe (ICML 2024), section on multimodal deep linear networks.
//!
//! Hidden units may have an activation, and every unit a bias. What arrives at a unit is summed
//! first, at the fusion over all modalities; then the bias is added, and the activation acts once.
//! The outputs have no activation, so that late fusion adds the private outputs. Biases follow the
//! layers in the state: one vector for each hidden space, and one for the outputs.

mod activation;
mod init;
mod initial_weights;
mod learning_rates;
pub mod npz;
mod saddles;
mod section;
mod spaces;

pub use activation::Activation;
pub use init::{FileInit, GaussianInit, InitScheme, InitSection, LambdaInit, NormInit, StackScale};
pub use initial_weights::{initial_weights, smallest_layer_rms};
pub use section::{Layout, NetworkSection};
pub use spaces::Spaces;

use crate::data::{Modality, RankBounds};
use crate::error::{InputError, Result};
use crate::linalg::ByColumns;
use nalgebra::{DMatrixView, DVector};
use std::ops::Range;

/// Where a layer belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// The private stack of the modality with this index.
    Private(usize),
    /// The layers after the fusion.
    Shared,
}

/// One weight matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `A.1`, `shared.3`: stack and depth, counted from the input; shared layers go on from the
    /// deepest private stack.
    pub name: String,
    /// Where it belongs.
    pub stack: Stack,
    /// Number of its outputs.
    pub rows: usize,
    /// Number of its inputs.
    pub cols: usize,
    /// Its entries in the state, by columns.
    pub range: Range<usize>,
    /// Factor c on its learning rate: dW/dt = -c dLoss/dW. 0 freezes it.
    pub rate_factor: f64,
}

impl Layer {
    /// The layer of a flat state, rows x cols.
    pub fn of<'s>(&self, state: &'s [f64]) -> ByColumns<'s> {
        ByColumns::new(&state[self.range.clone()], self.rows, self.cols)
    }
}

/// The biases of the units of one hidden space, or of the outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Bias {
    /// `A.1.bias` behind the layer A.1; `fusion.bias` where several stacks end.
    pub name: String,
    /// Its entries in the state.
    pub range: Range<usize>,
    /// Factor on its learning rate, as of a layer.
    pub rate_factor: f64,
}

/// Layers of a network, with their shapes and places in the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// Input streams.
    pub modalities: Vec<Modality>,
    /// Number of outputs o.
    pub outputs: usize,
    /// All layers in the order of the state.
    pub layers: Vec<Layer>,
    /// Indices into `layers` of each modality's private stack, from the input on.
    pub private: Vec<Range<usize>>,
    /// Indices into `layers` of the shared layers, from the fusion on; may be empty.
    pub shared: Range<usize>,
    /// What every hidden unit does to the sum that arrives at it.
    pub activation: Activation,
    /// Biases of each of the [`Spaces`] and then of the outputs; empty where there are none.
    pub biases: Vec<Bias>,
    /// Weight decay mu: the loss has mu/2 |w|^2 beside that of the outputs.
    pub weight_decay: f64,
}

/// Where the modalities of a network are fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fusion {
    /// Depth L.
    pub depth: usize,
    /// Fusion layer Lf, from 1 to L.
    pub layer: usize,
}

impl Fusion {
    /// Number of layers after the fusion, L - Lf.
    pub fn shared_layers(self) -> usize {
        self.depth - self.layer
    }

    /// Whether one first layer joins all inputs, Lf = 1 < L.
    pub fn is_early(self) -> bool {
        self.layer == 1 && self.depth > 1
    }

    /// Whether the private stacks are added at the outputs, Lf = L.
    pub fn is_late(self) -> bool {
        self.layer == self.depth
    }
}

impl Architecture {
    /// The architecture a scenario's network section asks for.
    ///
    /// # Errors
    /// An input error where the section's keys contradict each other or the data, and where the
    /// number of weights overflows.
    pub fn of(section: &NetworkSection, modalities: &[Modality], outputs: usize) -> Result<Self> {
        let names: Vec<&str> = modalities.iter().map(|m| m.name.as_str()).collect();
        let Layout {
            private,
            shared,
            widths,
        } = section.layout(&names)?;
        let linear = Self::build(modalities, outputs, &private, shared, &widths)?;
        linear.with_units(section.activation, section.biases)
    }

    /// The same layers with another activation, and with or without biases.
    ///
    /// # Errors
    /// An input error where the number of weights overflows.
    pub fn with_units(mut self, activation: Activation, biases: bool) -> Result<Self> {
        self.activation = activation;
        self.biases.clear();
        let mut end = self.len();
        let spaces = Spaces::of(&self);
        let ends = (0..spaces.dims().len()).map(Some).chain([None]);
        for space in ends.filter(|_| biases) {
            let ending: Vec<usize> = spaces.ending_in(space).collect();
            let name = match ending[..] {
                [only] => format!("{}.bias", self.layers[only].name),
                _ => "fusion.bias".to_owned(),
            };
            let len = space.map_or(self.outputs, |space| spaces.dims()[space]);
            let start = end;
            end = start.checked_add(len).ok_or_else(too_many_weights)?;
            let range = start..end;
            self.biases.push(Bias {
                name,
                range,
                rate_factor: 1.0,
            });
        }
        Ok(self)
    }

    /// Whether the outputs are a linear function of the inputs: no activation, no biases. Only then
    /// do second moments say all about the data.
    pub fn is_linear(&self) -> bool {
        self.activation == Activation::Linear && self.biases.is_empty()
    }

    /// An architecture from private depths (one a modality, each at least 1), the number of
    /// shared layers, and the widths of the hidden spaces from input to output (one fewer than
    /// the deepest path has layers; stacks of fewer layers use the last ones).
    ///
    /// # Errors
    /// An input error where the number of weights overflows.
    pub fn build(
        modalities: &[Modality],
        outputs: usize,
        depths: &[usize],
        shared: usize,
        widths: &[usize],
    ) -> Result<Self> {
        let deepest = depths.iter().copied().max().unwrap_or(0);
        let depth = deepest + shared;
        // Width after layer `level` of the deepest path; the output's after the last.
        let width = |level: usize| {
            if level == depth {
                outputs
            } else {
                widths[level - 1]
            }
        };
        let mut layers = Layers::default();
        let mut private = Vec::with_capacity(modalities.len());
        let mut count = 0;
        for (m, modality) in modalities.iter().enumerate() {
            let skipped = deepest - depths[m];
            let mut cols = modality.dim();
            for l in 1..=depths[m] {
                let rows = width(skipped + l);
                let name = format!("{}.{l}", modality.name);
                layers.push(name, Stack::Private(m), rows, cols)?;
                cols = rows;
            }
            private.push(count..count + depths[m]);
            count += depths[m];
        }
        for l in deepest + 1..=depth {
            layers.push(format!("shared.{l}"), Stack::Shared, width(l), width(l - 1))?;
        }
        Ok(Self {
            modalities: modalities.to_vec(),
            outputs,
            shared: count..count + shared,
            private,
            layers: layers.0,
            activation: Activation::Linear,
            biases: Vec::new(),
            weight_decay: 0.0,
        })
    }

    /// Number of weights, biases included.
    pub fn len(&self) -> usize {
        self.ranges().last().map_or(0, |range| range.end)
    }

    /// Entries in the state of each layer, and then of the biases of each space.
    pub fn ranges(&self) -> impl Iterator<Item = &Range<usize>> {
        let biases = self.biases.iter().map(|bias| &bias.range);
        self.layers.iter().map(|layer| &layer.range).chain(biases)
    }

    /// Whether there is no weight at all; never so for a built architecture.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of inputs d of all modalities together.
    pub fn inputs(&self) -> usize {
        self.modalities.last().map_or(0, |m| m.range.end)
    }

    /// Number of entries of the joined total map, o x d.
    pub fn map_len(&self) -> usize {
        self.outputs * self.inputs()
    }

    /// Number of values that are observed of every network: the joined total map and the squared norm of each layer. What else
    /// is observed of some stands behind them.
    pub fn measured_len(&self) -> usize {
        self.map_len() + self.layers.len()
    }

    /// Entries of the joined total map, by columns, that belong to modality `m`.
    pub fn map_block(&self, m: usize) -> Range<usize> {
        let Range { start, end } = self.modalities[m].range;
        start * self.outputs..end * self.outputs
    }

    /// Entries of the joined input that reach a stack.
    pub fn reaching(&self, stack: Stack) -> Range<usize> {
        match stack {
            Stack::Private(m) => self.modalities[m].range.clone(),
            Stack::Shared => 0..self.inputs(),
        }
    }

    /// Whether layer `l` starts from inputs.
    pub fn is_first(&self, l: usize) -> bool {
        matches!(self.layers[l].stack, Stack::Private(m) if self.private[m].start == l)
    }

    /// Whether layer `l` is the last private one of its modality.
    pub fn is_last_private(&self, l: usize) -> bool {
        matches!(self.layers[l].stack, Stack::Private(m) if self.private[m].end == l + 1)
    }

    /// The layer that starts where layer `l` ends; None where the outputs are.
    pub fn next_layer(&self, l: usize) -> Option<usize> {
        let next = if self.is_last_private(l) {
            self.shared.start
        } else {
            l + 1
        };
        (next < self.layers.len()).then_some(next)
    }

    /// Layers from the input of modality `m` to the output, L of that modality.
    pub fn depth(&self, m: usize) -> usize {
        self.private[m].len() + self.shared.len()
    }

    /// The largest depth of a modality.
    pub fn deepest(&self) -> usize {
        let depths = (0..self.modalities.len()).map(|m| self.depth(m));
        depths.max().unwrap_or(0)
    }

    /// Private layers of modality `m`, up to and including the fusion: Lf of that modality.
    pub fn fusion_layer(&self, m: usize) -> usize {
        self.private[m].len()
    }

    /// Depth and fusion layer where all modalities share them.
    pub fn fusion(&self) -> Option<Fusion> {
        let layer = self.fusion_layer(0);
        let is_uniform = (1..self.modalities.len()).all(|m| self.fusion_layer(m) == layer);
        is_uniform.then(|| Fusion {
            depth: self.depth(0),
            layer,
        })
    }

    /// The largest ranks that the widths allow the total maps of a linear network to have: the private
    /// ones each modality's own map, the shared ones the joined map.
    pub fn rank_bounds(&self) -> RankBounds {
        let narrowest = |layers: Range<usize>| {
            let sizes = self.layers[layers].iter().flat_map(|l| [l.rows, l.cols]);
            sizes.min().unwrap_or(usize::MAX)
        };
        let own = self.private.iter().cloned().map(narrowest);
        RankBounds {
            own: own.collect(),
            joint: narrowest(self.shared.clone()),
        }
    }

    /// A layer of the state as a matrix, rows x cols.
    pub fn view<'a>(&self, state: &'a DVector<f64>, layer: usize) -> DMatrixView<'a, f64> {
        let matrix = self.layers[layer].of(state.as_slice());
        DMatrixView::from_slice(matrix.entries, matrix.rows, matrix.cols)
    }
}

/// Layers that follow each other in the state.
#[derive(Default)]
struct Layers(Vec<Layer>);

impl Layers {
    fn push(&mut self, name: String, stack: Stack, rows: usize, cols: usize) -> Result<()> {
        let start = self.0.last().map_or(0, |layer| layer.range.end);
        let size = rows.checked_mul(cols);
        let end = size.and_then(|size| size.checked_add(start));
        self.0.push(Layer {
            name,
            stack,
            rows,
            cols,
            range: start..end.ok_or_else(too_many_weights)?,
            rate_factor: 1.0,
        });
        Ok(())
    }
}

fn too_many_weights() -> InputError {
    InputError::at(
        "network",
        "the number of weights is larger than this machine can count",
        "choose smaller widths",
    )
}
