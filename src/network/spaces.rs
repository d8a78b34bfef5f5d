//! Hidden spaces of a network: which layer joins which.

use super::Architecture;

/// Hidden spaces and which layer joins which; inputs and outputs are none.
#[derive(Debug, Clone)]
pub struct Spaces {
    /// Number of hidden units of each hidden space.
    dims: Vec<usize>,
    /// Input and output space of each layer.
    ends: Vec<[Option<usize>; 2]>,
}

impl Spaces {
    /// The spaces between the layers of an architecture: that of the fusion first, then those
    /// inside the stacks.
    pub fn of(architecture: &Architecture) -> Self {
        let layers = &architecture.layers;
        let fusion = architecture.shared.clone().next();
        let is_inside = |&l: &usize| !architecture.is_first(l) && Some(l) != fusion;
        let mut dims = Vec::new();
        let mut starts = vec![None; layers.len()];
        for l in fusion
            .into_iter()
            .chain((0..layers.len()).filter(is_inside))
        {
            starts[l] = Some(dims.len());
            dims.push(layers[l].cols);
        }
        let end = |l| architecture.next_layer(l).and_then(|next| starts[next]);
        let ends = (0..layers.len()).map(|l| [starts[l], end(l)]).collect();
        Self { dims, ends }
    }

    /// Number of hidden units of each hidden space.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The hidden space that layer `l` starts from; None for inputs.
    pub fn input(&self, l: usize) -> Option<usize> {
        self.ends[l][0]
    }

    /// The hidden space that layer `l` ends in; None for outputs.
    pub fn output(&self, l: usize) -> Option<usize> {
        self.ends[l][1]
    }

    /// The layers that end in a hidden space, or in the outputs (None), in order.
    pub fn ending_in(&self, space: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        (0..self.ends.len()).filter(move |&l| self.output(l) == space)
    }

    /// Whether no later layer ends where layer `l` does: what arrives there is complete.
    pub fn completes(&self, l: usize) -> bool {
        self.ending_in(self.output(l)).last() == Some(l)
    }
}
