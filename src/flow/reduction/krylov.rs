//! Block Krylov spaces of a network: what paths through its layers reach from inputs and outputs.

use crate::linalg::{multiply, multiply_transposed};
use crate::network::{Architecture, Spaces};
use nalgebra::{DMatrix, DVector};

/// Growing bases of the images of inputs and outputs under all paths of at most `path_length`
/// layers, forward through W and backward through W^T.
pub(super) struct Krylov<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) weights: &'a DVector<f64>,
    pub(super) spaces: Spaces,
    /// Orthonormal basis Q of each hidden space; a longer path only appends columns.
    pub(super) bases: Vec<DMatrix<f64>>,
    pub(super) path_length: usize,
    /// W Q_u of each layer (rows x basis of its input space), W itself behind the inputs.
    images: Vec<DMatrix<f64>>,
    /// What one more layer reaches of each hidden space, each column over its layer's norm.
    candidates: Vec<Vec<DMatrix<f64>>>,
}

/// A direction that a layer reaches with less than this share of its norm is the round-off of the
/// products. Couplings enter the total map squared, so a true one that small says nothing either.
const RANK_CUTOFF: f64 = 1e-13;

impl<'a> Krylov<'a> {
    /// The empty bases of paths of no layers.
    pub(super) fn new(architecture: &'a Architecture, weights: &'a DVector<f64>) -> Self {
        let spaces = Spaces::of(architecture);
        let empty = |&dim: &usize| DMatrix::zeros(dim, 0);
        let mut krylov = Self {
            bases: spaces.dims().iter().map(empty).collect(),
            candidates: vec![Vec::new(); spaces.dims().len()],
            images: architecture
                .layers
                .iter()
                .map(|layer| DMatrix::zeros(layer.rows, 0))
                .collect(),
            path_length: 0,
            architecture,
            weights,
            spaces,
        };
        for l in 0..architecture.layers.len() {
            let layer = architecture.view(weights, l);
            if krylov.spaces.input(l).is_none() {
                krylov.images[l] = layer.into_owned();
                krylov.propose(krylov.spaces.output(l), l, layer.into_owned());
            }
            if krylov.spaces.output(l).is_none() {
                krylov.propose(krylov.spaces.input(l), l, layer.transpose());
            }
        }
        krylov
    }

    /// Takes images under layer `l` into the candidates of a space.
    fn propose(&mut self, space: Option<usize>, l: usize, mut columns: DMatrix<f64>) {
        let norm = self.architecture.view(self.weights, l).norm();
        if let (Some(space), true) = (space, norm > 0.0) {
            columns /= norm;
            self.candidates[space].push(columns);
        }
    }

    /// Takes paths of one more layer into the bases. False where they reach nothing new: then the
    /// spaces are invariant.
    pub(super) fn extend(&mut self) -> bool {
        let candidates = self.candidates.iter_mut().map(std::mem::take);
        let fresh: Vec<DMatrix<f64>> = candidates
            .zip(&mut self.bases)
            .map(|(candidates, basis)| append(basis, &candidates))
            .collect();
        for l in 0..self.architecture.layers.len() {
            let layer = self.architecture.layers[l].of(self.weights.as_slice());
            let Some(input) = self.spaces.input(l) else {
                continue;
            };
            let mut image = DMatrix::zeros(layer.rows, fresh[input].ncols());
            multiply(layer, fresh[input].as_slice(), image.as_mut_slice());
            self.images[l] = join(layer.rows, [&self.images[l], &image]);
            let output = self.spaces.output(l);
            self.propose(output, l, image);
            if let Some(output) = output {
                let mut image = DMatrix::zeros(layer.cols, fresh[output].ncols());
                multiply_transposed(layer, fresh[output].as_slice(), image.as_mut_slice());
                self.propose(Some(input), l, image);
            }
        }
        self.path_length += 1;
        fresh.iter().any(|columns| columns.ncols() > 0)
    }

    /// Reduced width of each hidden space.
    pub(super) fn widths(&self) -> Vec<usize> {
        self.bases.iter().map(DMatrix::ncols).collect()
    }

    /// Most weights that the network may have after paths of one more layer.
    pub(super) fn next_len(&self) -> usize {
        let width = |space: usize| {
            let candidates = self.candidates[space].iter().map(DMatrix::ncols);
            let width = self.bases[space].ncols() + candidates.sum::<usize>();
            width.min(self.spaces.dims()[space])
        };
        let layers = self.architecture.layers.iter().enumerate();
        layers
            .map(|(l, layer)| {
                let rows = self.spaces.output(l).map_or(layer.rows, width);
                rows * self.spaces.input(l).map_or(layer.cols, width)
            })
            .sum()
    }

    /// The network between the present bases, and its initial weights What = Q_v^T W Q_u.
    pub(super) fn project(&self) -> (Architecture, DVector<f64>) {
        let mut architecture = self.architecture.clone();
        let mut weights = Vec::new();
        for (l, layer) in architecture.layers.iter_mut().enumerate() {
            let start = weights.len();
            let image = &self.images[l];
            (layer.rows, layer.cols) = image.shape();
            match self.spaces.output(l) {
                Some(space) => {
                    // Transposed first: the product with a transposed factor is several times
                    // slower.
                    let reduced = self.bases[space].transpose() * image;
                    layer.rows = reduced.nrows();
                    weights.extend_from_slice(reduced.as_slice());
                }
                None => weights.extend_from_slice(image.as_slice()),
            }
            layer.range = start..weights.len();
        }
        (architecture, DVector::from_vec(weights))
    }
}

/// The columns of several matrices of `rows` rows, side by side.
fn join<'m>(rows: usize, parts: impl IntoIterator<Item = &'m DMatrix<f64>>) -> DMatrix<f64> {
    let entries: Vec<f64> = parts.into_iter().flatten().copied().collect();
    DMatrix::from_vec(rows, entries.len() / rows, entries)
}

/// Extends an orthonormal basis by what the candidates have outside of it, the largest first, and
/// gives the new columns back: modified Gram-Schmidt with column pivoting, each column
/// orthogonalised twice (L. Giraud, J. Langou & M. Rozloznik, "The loss of orthogonality in the
/// Gram-Schmidt orthogonalization process", Comput. Math. Appl. 50 (2005)).
fn append(basis: &mut DMatrix<f64>, candidates: &[DMatrix<f64>]) -> DMatrix<f64> {
    let (dim, known) = basis.shape();
    let mut rest = join(dim, candidates);
    for _ in 0..2 {
        let inside = basis.transpose() * &rest;
        rest -= &*basis * inside;
    }
    let mut fresh: Vec<DVector<f64>> = Vec::new();
    while known + fresh.len() < dim {
        let norms = rest.column_iter().map(|column| column.norm());
        let largest = norms.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((pivot, norm)) = largest.filter(|(_, norm)| *norm > RANK_CUTOFF) else {
            break;
        };
        let mut direction = rest.column(pivot) / norm;
        let inside = basis.tr_mul(&direction);
        direction -= &*basis * inside;
        for other in &fresh {
            direction.axpy(-other.dot(&direction), other, 1.0);
        }
        direction.normalize_mut();
        let along = rest.tr_mul(&direction);
        rest.ger(-1.0, &direction, &along, 1.0);
        fresh.push(direction);
    }
    let entries: Vec<f64> = fresh.iter().flatten().copied().collect();
    let columns = DMatrix::from_vec(dim, fresh.len(), entries);
    *basis = join(dim, [&*basis, &columns]);
    columns
}
