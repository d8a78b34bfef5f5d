//! What becomes active as one.

use crate::network::{Architecture, Spaces};
use nalgebra::DVector;
use std::ops::Range;

/// Weights that become active as one: the stack of a modality in late fusion, a hidden unit of two layers with early
/// fusion, and all of a deeper network with shared layers.
pub(super) struct Group {
    /// The modalities that it takes in.
    pub(super) modalities: Vec<usize>,
    /// The units that send it to the outputs, as [`crate::flow::Flow::with_active`] counts them.
    pub(super) units: Range<usize>,
    /// Its weights, layer by layer, as places in a state.
    layers: Vec<Vec<usize>>,
}

impl Group {
    /// The groups of a network.
    pub(super) fn all_of(architecture: &Architecture) -> Vec<Self> {
        let modalities: Vec<usize> = (0..architecture.modalities.len()).collect();
        let of_layers = |modalities: Vec<usize>, layers: Range<usize>, first: usize| {
            let layers = &architecture.layers[layers];
            Self {
                modalities,
                units: first..first + layers.last().map_or(0, |last| last.cols),
                layers: layers.iter().map(|l| l.range.clone().collect()).collect(),
            }
        };
        if architecture.shared.is_empty() {
            let mut first = 0;
            let stacks = modalities.into_iter().map(|m| {
                let stack = of_layers(vec![m], architecture.private[m].clone(), first);
                first = stack.units.end;
                stack
            });
            return stacks.collect();
        }
        if architecture.deepest() > 2 {
            return vec![of_layers(modalities, 0..architecture.layers.len(), 0)];
        }
        let hidden = Spaces::of(architecture).dims()[0];
        let unit = |unit: usize| Self {
            modalities: modalities.clone(),
            units: unit..unit + 1,
            layers: [false, true]
                .map(|is_shared| of_unit(architecture, unit, is_shared))
                .to_vec(),
        };
        (0..hidden).map(unit).collect()
    }

    /// Its weights, as places in a state.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().flatten().copied()
    }

    /// The product of the norms of its layers, as which its outputs grow.
    pub(super) fn size(&self, state: &DVector<f64>) -> f64 {
        let norm = |places: &Vec<usize>| {
            let squares = places.iter().map(|&place| state[place] * state[place]);
            squares.sum::<f64>().sqrt()
        };
        self.layers.iter().map(norm).product()
    }
}

/// The weights of one hidden unit of two layers: those that lead to it, a row of each first layer, or those from it, a column.
fn of_unit(architecture: &Architecture, unit: usize, is_shared: bool) -> Vec<usize> {
    let layers = architecture.layers.iter().enumerate();
    let layers = layers.filter(|(l, _)| architecture.shared.contains(l) == is_shared);
    let places = layers.flat_map(|(_, layer)| {
        let start = layer.range.start;
        let (rows, cols) = (layer.rows, layer.cols);
        match is_shared {
            true => (start + unit * rows..start + (unit + 1) * rows).step_by(1),
            false => (start + unit..start + cols * rows).step_by(rows),
        }
    });
    places.collect()
}
