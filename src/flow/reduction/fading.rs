//! What a reduction leaves out, under weight decay.
//!
//! The part Z of a layer W(0) between the complements has no gradient, so that it fades as e^{-c mu t} Z, with the factor c
//! on the layer's learning rate. Its size |Z| is a weight of the reduced network: each hidden space gets one more
//! unit, and each layer between two hidden spaces joins those of both by |Z|. Neither inputs nor outputs reach these
//! units, no gradient does, and decay, learning rates, stages and steps treat them as they treat Z. So norms, conserved
//! matrices and the penalty mu/2 |W|^2 of the reduced network are those of the full one at any time.

use super::{Lift, Reduction};
use nalgebra::{DMatrix, DVector};

impl Reduction {
    /// The same network under weight decay.
    pub(super) fn fading(mut self, decay: f64) -> Self {
        self.architecture.weight_decay = decay;
        let Lift::Subspaces(spaces, _) = &self.lift else {
            return self;
        };
        let is_inner = |l: usize| spaces.input(l).is_some() && spaces.output(l).is_some();
        let sizes: Vec<Option<f64>> = self
            .constant_norms_squared
            .iter()
            .enumerate()
            .map(|(l, norm)| is_inner(l).then(|| norm.sqrt()))
            .collect();
        // A layer that starts from the inputs or ends in the outputs is reduced as a whole.
        self.constant_norms_squared.fill(0.0);
        if sizes.iter().all(Option::is_none) {
            return self;
        }
        let mut architecture = self.architecture.clone();
        let mut weights = Vec::new();
        for (l, layer) in architecture.layers.iter_mut().enumerate() {
            let core = self.architecture.view(&self.weights, l);
            layer.rows += usize::from(spaces.output(l).is_some());
            layer.cols += usize::from(spaces.input(l).is_some());
            let mut whole = DMatrix::zeros(layer.rows, layer.cols);
            whole.view_mut((0, 0), core.shape()).copy_from(&core);
            if let Some(size) = sizes[l] {
                whole[(layer.rows - 1, layer.cols - 1)] = size;
            }
            let start = weights.len();
            weights.extend_from_slice(whole.as_slice());
            layer.range = start..weights.len();
        }
        (self.architecture, self.weights) = (architecture, DVector::from_vec(weights));
        self
    }

    /// The part of layer `l` of a reduced state that stands between the bases.
    pub(super) fn core(&self, l: usize, state: &DVector<f64>) -> DMatrix<f64> {
        let Lift::Subspaces(spaces, bases) = &self.lift else {
            return self.architecture.view(state, l).into_owned();
        };
        let layer = self.architecture.view(state, l);
        let width = |space: Option<usize>, all| space.map_or(all, |space| bases[space].ncols());
        let shape = (
            width(spaces.output(l), layer.nrows()),
            width(spaces.input(l), layer.ncols()),
        );
        layer.view((0, 0), shape).into_owned()
    }

    /// What is left at a reduced state of the part of layer `l` between the complements: 1 where nothing fades.
    pub(super) fn left_of_remainder(&self, l: usize, state: &DVector<f64>) -> f64 {
        let is_padded = self.core(l, state).len() < self.architecture.layers[l].range.len();
        let corner = self.architecture.layers[l].range.end - 1;
        match self.weights[corner] {
            start if is_padded && start > 0.0 => state[corner] / start,
            _ => 1.0,
        }
    }
}
