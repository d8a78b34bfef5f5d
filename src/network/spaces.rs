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
        let mut dims: Vec<usize> = Vec::new();
        let mut ends = vec![[None; 2]; architecture.layers.len()];
        let fusion = architecture.shared.clone().next().map(|first| {
            dims.push(architecture.layers[first].cols);
            dims.len() - 1
        });
        let private = architecture
            .private
            .iter()
            .map(|stack| (stack, None, fusion));
        for (stack, first, last) in private.chain([(&architecture.shared, fusion, None)]) {
            let mut input = first;
            for l in stack.clone() {
                let output = if l + 1 == stack.end {
                    last
                } else {
                    dims.push(architecture.layers[l].rows);
                    Some(dims.len() - 1)
                };
                ends[l] = [input, output];
                input = output;
            }
        }
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
