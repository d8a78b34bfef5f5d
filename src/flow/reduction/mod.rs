//! The smaller network whose gradient flow and descent are those of the full one.
//!
//! Let every space of hidden units carry a subspace S (inputs and outputs: the whole space) such
//! that each layer W from u to v has W S_u inside S_v and W^T S_v inside S_u at the *initial*
//! weights. With orthonormal bases Q of the S, neither the flow nor descent ever leaves
//!
//! ```text
//! W(t) = Q_v What(t) Q_u^T + (the part of W(0) between the complements, constant)
//! ```
//!
//! and What(t), with What(0) = Q_v^T W(0) Q_u, obeys the same equations in a network whose widths
//! are the dimensions of the S: by induction on the products in them, no gradient reaches the
//! complements. This is an identity of linear networks.
//!
//! Under weight decay the part between the complements is not constant but fades as e^{-c mu t} (`fading.rs`).
//!
//! The smallest S is a block Krylov space (`krylov.rs`): the images of inputs and outputs under
//! all paths through the layers, forward through W and backward through W^T. For L = 2 the paths
//! of one layer span it, d_m + o directions a modality. For L >= 3 it is the whole space as a
//! rule, but longer paths matter ever less: the coupling of a path of k layers comes with the
//! k-th order of an expansion in the strength of the initial hidden layers. The paths are cut at
//! a length for which the estimated error (`pilot.rs`) is below a tolerance.
//!
//! | file | what it does |
//! |---|---|
//! | `fading.rs` | what is left out, under weight decay |
//! | `krylov.rs` | bases of the paths up to a length, and the layers between them |
//! | `modes.rs` | growing and decaying modes of two layers, which round-off does not mix |
//! | `pilot.rs` | the estimate of the error by a cheap run of two nested reductions |

mod fading;
mod krylov;
mod modes;
mod pilot;

use crate::network::{Architecture, Spaces};
use krylov::Krylov;
use nalgebra::{DMatrix, DMatrixView, DVector};

/// A network of smaller widths whose gradient flow and descent are those of the full one.
#[derive(Debug, Clone)]
pub struct Reduction {
    /// The reduced network: modalities, outputs, stacks and names of the full one, other widths.
    pub architecture: Architecture,
    /// Its initial weights.
    pub weights: DVector<f64>,
    /// Longest path, in layers, whose image the bases hold.
    pub path_length: usize,
    /// Bound of the relative error of times and of the shapes of total maps at these times:
    /// round-off where the bases are complete, and an estimate (no theorem) where they are cut.
    pub error_bound: f64,
    lift: Lift,
    constant_norms_squared: Vec<f64>,
}

/// How a reduced state belongs to a full one.
#[derive(Debug, Clone)]
enum Lift {
    /// Orthonormal basis of each hidden space, width x reduced width.
    Subspaces(Spaces, Vec<DMatrix<f64>>),
    /// Growing and decaying modes of two layers of this network.
    Modes(Box<Architecture>),
}

/// A complete basis leaves the round-off of a product through a few layers.
const ROUND_OFF: f64 = 1e-12;

/// A reduction of at most this share of the weights is worth its while.
const LARGEST_SHARE: f64 = 0.5;

/// Most weights of the larger network of the pilot: finding it takes a few seconds at width 2,000,
/// a small part of an integration at that width. Growing bases towards the whole space would take
/// minutes.
const LARGEST_PILOT: usize = 200_000;

impl Reduction {
    /// The smallest reduction of a network with the given initial weights (flat, of
    /// [`Architecture::len`]) whose error bound is at most `tolerance`. None where it would have
    /// more than half of the weights, as for large initial weights or small widths, or would take
    /// long to find: then the full network is to be used.
    pub fn find(
        architecture: &Architecture,
        weights: &DVector<f64>,
        tolerance: f64,
    ) -> Option<Self> {
        if architecture.weight_decay == 0.0 {
            return Self::find_constant(architecture, weights, tolerance);
        }
        // Under decay the weights rise as without it, in another time.
        let lasting = Architecture {
            weight_decay: 0.0,
            ..architecture.clone()
        };
        let found = Self::find_constant(&lasting, weights, tolerance)?;
        Some(found.fading(architecture.weight_decay))
    }

    /// The same where the part between the complements stays as it is.
    fn find_constant(
        architecture: &Architecture,
        weights: &DVector<f64>,
        tolerance: f64,
    ) -> Option<Self> {
        let most = LARGEST_SHARE * architecture.len() as f64;
        let levels = pilot::levels(architecture, weights);
        let mut krylov = Krylov::new(architecture, weights);
        krylov.extend();
        let mut last = krylov.project();
        loop {
            let (path_length, widths) = (krylov.path_length, krylov.widths());
            if last.0.len() as f64 > most || krylov.next_len() > LARGEST_PILOT {
                return None;
            }
            let found = |krylov: Krylov<'_>, last, error_bound| {
                Self::new(krylov, &widths, last, path_length, error_bound)
            };
            if !krylov.extend() {
                return (!widths.contains(&0)).then(|| found(krylov, last, ROUND_OFF));
            }
            let next = krylov.project();
            if !widths.contains(&0)
                && let Some(error) = pilot::error(&levels, (&last.0, &last.1), (&next.0, &next.1))
                && error <= tolerance
            {
                return Some(found(krylov, last, error.max(ROUND_OFF)));
            }
            last = next;
        }
    }

    /// The growing and decaying modes of a network of two layers, late fusion, scalar inputs and one output
    /// as weights of their own; None for any other. They are exact at any scale, under explicit steps.
    pub fn to_modes(architecture: &Architecture, weights: &DVector<f64>) -> Option<Self> {
        modes::has_modes(architecture).then(|| modes::reduction(architecture, weights))
    }

    /// Whether its weights are growing and decaying modes.
    pub fn has_modes(&self) -> bool {
        matches!(self.lift, Lift::Modes(_))
    }

    fn new(
        krylov: Krylov<'_>,
        widths: &[usize],
        (architecture, weights): (Architecture, DVector<f64>),
        path_length: usize,
        error_bound: f64,
    ) -> Self {
        let full = (krylov.architecture, krylov.weights);
        let constant_norms_squared = (0..architecture.layers.len())
            .map(|l| {
                let whole = full.0.view(full.1, l).norm_squared();
                // What is left of a layer that is reduced as a whole is round-off of either sign.
                (whole - architecture.view(&weights, l).norm_squared()).max(0.0)
            })
            .collect();
        let bases = krylov.bases.iter().zip(widths);
        let bases = bases.map(|(basis, &width)| basis.columns(0, width).into_owned());
        let bases = bases.collect();
        Self {
            lift: Lift::Subspaces(krylov.spaces, bases),
            architecture,
            weights,
            path_length,
            error_bound,
            constant_norms_squared,
        }
    }

    /// The full state that belongs to a reduced one, f W(0) + Q_v (What - f What(0)) Q_u^T, from the initial
    /// weights of the full network; f is what has not faded of the part between the complements, 1 without weight
    /// decay.
    pub fn lift(&self, full_start: &DVector<f64>, reduced: &DVector<f64>) -> DVector<f64> {
        let (spaces, bases) = match &self.lift {
            Lift::Subspaces(spaces, bases) => (spaces, bases),
            Lift::Modes(full) => return modes::lift(full, full_start, (&self.weights, reduced)),
        };
        let mut state = full_start.clone();
        let mut start = 0;
        for l in 0..self.architecture.layers.len() {
            let left = self.left_of_remainder(l, reduced);
            let change = self.core(l, reduced) - self.core(l, &self.weights) * left;
            let right = match spaces.input(l) {
                Some(space) => change * bases[space].transpose(),
                None => change,
            };
            let lifted = match spaces.output(l) {
                Some(space) => &bases[space] * right,
                None => right,
            };
            let mut part = state.rows_mut(start, lifted.len());
            part *= left;
            part += DMatrixView::from_slice(lifted.as_slice(), lifted.len(), 1);
            start += lifted.len();
        }
        state
    }

    /// Of each layer the squared Frobenius norm of its constant part, so that
    /// |W(t)|^2 = |What(t)|^2 + constant.
    pub fn constant_norms_squared(&self) -> &[f64] {
        &self.constant_norms_squared
    }
}
