//! The staircase of modes: when two-layer late fusion learns each singular mode of each modality.
//!
//! Source: Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
//! linear neural networks" (ICLR 2014), for one stack; stacks of uncorrelated modalities do not know each
//! other. From the actual initial weights as in `two_layer.rs`.

use super::two_layer::is_two_layer_late;
use super::two_modes::{Course, TwoModes};
use crate::data::{Modality, Moments};
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use serde::Serialize;

/// The modes of one modality, the fastest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModalityModes {
    /// The modality.
    pub modality: Modality,
    /// Its modes of non-zero singular value.
    pub modes: Vec<SingularMode>,
}

/// One singular mode of S_yxm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SingularMode {
    /// Its place k, from 1: the rank of the modality's map once it is learned too.
    pub rank: usize,
    /// Singular value s_k, its growth rate.
    pub s: f64,
    /// Singular value s_k/lambda_k^{1/2} of its part of W_m S_m^{1/2} in the end, in units of y.
    #[serde(skip)]
    pub level: f64,
    /// When its part of the map is at half of its final value; None where it never is (no hidden unit is
    /// left for it), or is from the start.
    pub t: Option<f64>,
}

impl ModalityModes {
    /// Whether the faster of two modes is the stronger one too, as for white inputs, so that a mode has the
    /// same place in both orders.
    pub fn are_in_order_of_strength(&self) -> bool {
        self.modes.is_sorted_by(|a, b| a.level >= b.level)
    }

    /// When the fastest mode is learned.
    pub fn first_time(&self) -> Option<f64> {
        self.modes.first()?.t
    }
}

/// A singular triple of S_yxm (o x d_m).
struct Triple {
    s: f64,
    /// Of the outputs, o entries.
    u: DVector<f64>,
    /// Of the inputs, d_m entries.
    v: DVector<f64>,
    /// Variance of the inputs along v.
    variance: f64,
}

/// Relative size below which a number is what round-off left of zero.
const ROUND_OFF: f64 = 1e-12;

/// Relative distance within which singular values, or variances, count as equal.
const EQUAL: f64 = 1e-9;

/// When each mode of each modality is learned: two layers, late fusion, uncorrelated modalities.
///
/// Along the singular vectors u_k (outputs) and v_k (inputs) of S_yxm the hidden vectors
/// p_k = W_m^1 v_k and q_k = W_m^2^T u_k (h entries each) grow in their common part at the rate s_k,
/// and W_m = sum_k w_k u_k v_k^T. Where v_k is an eigenvector of S_m, of variance lambda_k (for white inputs
/// of variance 1 it always is, and lambda_k = 1),
///
/// ```text
/// dw_k/dt = 2 w_k (s_k - lambda_k w_k)       t_k = ln(s_k/(lambda_k w_0k) - 1) / (2 s_k)
/// ```
///
/// is the time at half of s_k/lambda_k. The growing mode starts at w_0k = 1/4 |r_k|^2 of what r_k = p_k + q_k has
/// outside the hidden vectors of the faster modes: within them, mode k meets the drive s_k - s_j < 0
/// once mode j is learned, and fades. A stack of h hidden units so learns its h fastest modes at most.
/// Modes of equal s_k share their vectors; w_0k are then the eigenvalues of 1/4 r_j . r_k. The fading mode, p_k - q_k
/// in place of p_k + q_k, is kept beside it as for one input (`two_modes.rs`): it counts for unbalanced layers.
///
/// # Errors
/// Why the times of single modes are not known.
pub fn modes(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> Result<Vec<ModalityModes>, &'static str> {
    if !is_two_layer_late(architecture) {
        return Err("the times of single modes are known for two layers of late fusion only");
    }
    if !architecture.is_linear() {
        return Err("the times of single modes are those of linear networks");
    }
    if !are_uncorrelated(moments) {
        return Err("the times of single modes are known for uncorrelated modalities only");
    }
    let of_modality = |modality: &Modality| {
        let triples = triples(moments, modality.index)?;
        let first = architecture.private[modality.index].start;
        let [inner, outer] = [first, first + 1].map(|layer| architecture.view(weights, layer));
        let hidden = |sign: f64| {
            let sum = |triple: &Triple| inner * &triple.v + outer.transpose() * &triple.u * sign;
            triples.iter().map(sum).collect::<Vec<_>>()
        };
        let starts = starts(&triples, hidden(1.0), hidden(-1.0));
        let modes = triples.iter().zip(starts).enumerate();
        Ok(ModalityModes {
            modality: modality.clone(),
            modes: modes
                .map(|(k, (triple, start))| mode(k, triple, start))
                .collect(),
        })
    };
    moments.modalities.iter().map(of_modality).collect()
}

/// t_k = ln(s_k/(lambda_k w_0k) - 1)/(2 s_k) of the mode of place `k` from 0.
fn mode(k: usize, triple: &Triple, start: TwoModes) -> SingularMode {
    let limit = triple.s / triple.variance;
    let time = start.wait(
        Course {
            rate: triple.s,
            limit,
        },
        0.5 * limit,
    );
    SingularMode {
        rank: k + 1,
        s: triple.s,
        level: triple.s / triple.variance.sqrt(),
        t: (time > 0.0 && time < f64::INFINITY).then_some(time),
    }
}

/// Whether S_mn is zero for every two modalities m, n.
fn are_uncorrelated(moments: &Moments) -> bool {
    let inputs = &moments.inputs;
    let is_zero = |entry: f64, [i, j]: [usize; 2]| {
        let scale = (inputs.entry(i, i) * inputs.entry(j, j)).sqrt();
        entry.abs() <= ROUND_OFF * scale
    };
    let ranges = || moments.modalities.iter().map(|m| m.range.clone());
    ranges().all(|own| {
        let mut others = ranges().filter(|other| *other != own);
        others.all(|other| inputs.all_between(own.clone(), other, is_zero))
    })
}

/// The singular triples of S_yxm of non-zero singular value, the largest first.
fn triples(moments: &Moments, modality: usize) -> Result<Vec<Triple>, &'static str> {
    const SHAPE: &str = "the times of single modes are known where the inputs of each mode are an eigenvector of \
                         their covariance (white inputs, one input) only";
    let range = moments.modalities[modality].range.clone();
    let covariance = moments.inputs.block(range);
    let cross = moments.block(&moments.cross, modality);
    let scale = moments.cross.norm();
    let svd = cross.svd(true, true);
    let (Some(left), Some(right)) = (svd.u, svd.v_t) else {
        return Err(SHAPE);
    };
    let mut triples = Vec::new();
    for (k, &s) in svd.singular_values.iter().enumerate() {
        if s <= ROUND_OFF * scale {
            continue;
        }
        let (u, v) = (left.column(k).into_owned(), right.row(k).transpose());
        let along = covariance.times(&v);
        let variance = v.dot(&along);
        if (along - &v * variance).norm() > EQUAL * variance {
            return Err(SHAPE);
        }
        triples.push(Triple { s, u, v, variance });
    }
    triples.sort_by(|a, b| b.s.total_cmp(&a.s));
    // Modes of equal rate mix freely; of unequal variance as well they have no vectors of their own.
    let mix = |pair: &[Triple]| {
        is_equal(pair[0].s, pair[1].s) && !is_equal(pair[0].variance, pair[1].variance)
    };
    match triples.windows(2).any(mix) {
        true => Err(SHAPE),
        false => Ok(triples),
    }
}

fn is_equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= EQUAL * a.abs()
}

/// w_0k of every mode and the fading one, from r_k = p_k + q_k and p_k - q_k (h entries each), in the order of the
/// triples.
fn starts(
    triples: &[Triple],
    hidden: Vec<DVector<f64>>,
    fading: Vec<DVector<f64>>,
) -> Vec<TwoModes> {
    let mut starts = Vec::new();
    // Orthonormal: the hidden directions that faster modes have taken.
    let mut taken: Vec<DVector<f64>> = Vec::new();
    while starts.len() < triples.len() {
        let from = starts.len();
        let equal = triples[from..]
            .iter()
            .take_while(|t| is_equal(triples[from].s, t.s));
        let group = &hidden[from..from + equal.count()];
        let outside_taken = |group: &[DVector<f64>]| {
            let free = group.iter().map(|r| outside(r, &taken)).collect::<Vec<_>>();
            DMatrix::from_columns(&free)
        };
        let free = outside_taken(group);
        let fades = outside_taken(&fading[from..from + group.len()]);
        let size = group.iter().map(DVector::norm_squared).fold(0.0, f64::max);
        let eigen = SymmetricEigen::new(0.25 * free.tr_mul(&free));
        let mut order: Vec<usize> = (0..group.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        for k in order {
            let start = eigen.eigenvalues[k];
            // Squares of what round-off leaves.
            if start <= ROUND_OFF * ROUND_OFF * size {
                starts.push(TwoModes {
                    grown: 0.0,
                    faded: 0.0,
                });
                continue;
            }
            let mix = eigen.eigenvectors.column(k);
            starts.push(TwoModes {
                grown: start,
                faded: 0.25 * (&fades * mix).norm_squared(),
            });
            let direction = &free * mix;
            taken.push(outside(&direction.normalize(), &taken).normalize());
        }
    }
    starts
}

/// What a vector has outside the orthonormal `taken`; twice, for orthogonality to round-off.
fn outside(vector: &DVector<f64>, taken: &[DVector<f64>]) -> DVector<f64> {
    let mut rest = vector.clone();
    for direction in taken.iter().chain(taken) {
        let along = direction.dot(&rest);
        rest.axpy(-along, direction, 1.0);
    }
    rest
}
