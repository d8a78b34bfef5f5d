//! Curvature of the loss: eigenvalues of its Hessian H at states of the flow.
//!
//! Products H v come from [`Flow::jacobian_product`] (J = -H); no matrix is formed. The Lanczos
//! process with full reorthogonalisation finds the ends of the spectrum first. For a Ritz value
//! theta with residual norm r there is an eigenvalue within r of theta; its error is about
//! r^2 over the distance to the next one. Source: G. H. Golub & C. F. Van Loan, "Matrix
//! Computations", sections on the Lanczos process and on error bounds of Ritz values.
//!
//! Started from one vector, Lanczos finds each *distinct* eigenvalue once, however often it occurs:
//! hidden units make most eigenvalues of a saddle multiple, about as often as the network is wide.
//!
//! | file | what it computes |
//! |---|---|
//! | `mod.rs` | the ends of the spectrum at one state |
//! | `snapshots.rs` | states to look at: where the loss falls most slowly |
//! | `sharpness.rs` | the largest eigenvalue along a run: how large a learning rate may be |
//! | `monitor.rs` | both for one run |

mod monitor;
mod sharpness;
mod snapshots;

pub use monitor::{Curvature, CurvatureAlongRun, CurvatureMonitor, Slowest};
pub use sharpness::Sharpness;

use crate::flow::Flow;
use crate::linalg::Lanczos;
use crate::linalg::random::{Purpose, stream};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Most vectors of a basis. Networks of no more weights are solved exactly.
const LARGEST_DIMENSION: usize = 120;

/// Bytes that a basis may take: 1 GiB.
const LARGEST_MEMORY: usize = 1 << 30;

/// Vectors after which only the ends of the spectrum are waited for. The second and third least
/// eigenvalues of a deep network may belong to a cluster, about as many as the network is wide,
/// which takes far longer than the run it is to explain.
const ENOUGH: usize = 32;

/// An eigenvalue counts as converged once its residual is below this share of itself; apart from
/// clusters its error is the square of that...
const TOLERANCE: f64 = 1e-4;

/// ... or below this share of the largest |eigenvalue|: what is smaller counts as flat.
const FLAT: f64 = 1e-10;

/// Eigenvalues this close, as a share of themselves, count as one.
const SAME: f64 = 1e-6;

/// What is below this share of the largest |eigenvalue| is round-off.
const ROUND_OFF: f64 = 1e-12;

/// An approximate eigenvalue of the Hessian, in units of loss over weight squared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eigenvalue {
    /// The Ritz value.
    pub value: f64,
    /// Norm of the residual H v - value v: an eigenvalue is no further away than this.
    pub residual: f64,
    /// Whether the residual is below 1e-4 of the value, or 1e-10 of the largest |value|.
    pub is_converged: bool,
}

impl Eigenvalue {
    /// The value, where it is converged.
    pub fn converged(&self) -> Option<f64> {
        self.is_converged.then_some(self.value)
    }
}

/// The ends of the Hessian's spectrum at one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The least distinct eigenvalues, rising; fewer than asked for where H has no more.
    pub least: Vec<Eigenvalue>,
    /// The largest eigenvalue.
    pub largest: Eigenvalue,
    /// Euclidean norm of the gradient.
    pub gradient_norm: f64,
    /// Products of the Hessian with a vector that it took.
    pub products: u64,
}

impl Spectrum {
    /// Learning rate 2/lambda_max below which descent is stable at this state; None where no
    /// direction curves upwards, or the eigenvalue is not converged.
    pub fn stable_learning_rate(&self) -> Option<f64> {
        let largest = self.largest.converged()?;
        (largest > 0.0).then(|| 2.0 / largest)
    }
}

/// The `count` least distinct eigenvalues of the Hessian at `state` and the largest one. None
/// where gradient or Hessian are not finite. What did not converge says so.
///
/// The process starts from the gradient, which points along the escape from a plateau, mixed with
/// a pseudo-random vector, because the gradient alone has no share in modes of other symmetry.
pub fn spectrum(flow: &mut Flow<'_>, state: &[f64], count: usize) -> Option<Spectrum> {
    let mut lanczos = Lanczos::new(state.len(), most_products(state.len()));
    let mut gradient = vec![0.0; state.len()];
    flow.gradient_rate(state, &mut gradient);
    if !flow.is_finite() {
        return None;
    }
    flow.linearise();
    let gradient_norm = lanczos.start(&gradient);
    let mut start = noise(state.len());
    if gradient_norm > 0.0 {
        for (start, gradient) in start.iter_mut().zip(&gradient) {
            *start += gradient / gradient_norm;
        }
    }
    lanczos.start(&start);
    let mut next_check = 1;
    loop {
        if !lanczos.extend(&mut |v, product| flow.jacobian_product(state, v, product)) {
            return None;
        }
        let m = lanczos.dimension();
        if m < next_check && !lanczos.is_full() {
            continue;
        }
        // Often enough to stop early, seldom enough for its cost of m^3 not to matter.
        next_check = m + 1 + m / 4;
        let ritz = ritz(&mut lanczos);
        let least = &ritz[..count.min(ritz.len())];
        let mut ends = ritz.first().into_iter().chain(ritz.last());
        let enough = match m < ENOUGH {
            true => ritz.len() > count && least.iter().chain(ends).all(|e| e.is_converged),
            false => ends.all(|end| end.is_converged),
        };
        // A space that H does not leave: all its Ritz values are eigenvalues.
        let closed = ritz.iter().all(|e| e.is_converged);
        if enough || closed || lanczos.is_full() {
            return Some(Spectrum {
                least: least.to_vec(),
                largest: *ritz.last()?,
                gradient_norm,
                products: m as u64,
            });
        }
    }
}

/// Most Hessian products of a spectrum of so many weights.
pub fn most_products(weights: usize) -> usize {
    let affordable = LARGEST_MEMORY / (size_of::<f64>() * weights.max(1));
    affordable.clamp(8, LARGEST_DIMENSION)
}

/// A pseudo-random vector of norm 1, the same at each call.
fn noise(len: usize) -> Vec<f64> {
    let mut random = stream(0, Purpose::EigenvalueStart);
    let mut noise: Vec<f64> = (0..len).map(|_| random.sample(StandardNormal)).collect();
    let norm = crate::linalg::dot(&noise, &noise).sqrt();
    for entry in &mut noise {
        *entry /= norm;
    }
    noise
}

/// Distinct eigenvalues of H in the space of a basis of J = -H, rising.
fn ritz(lanczos: &mut Lanczos) -> Vec<Eigenvalue> {
    lanczos.diagonalise();
    let leak = match lanczos.is_whole() {
        true => 0.0,
        false => lanczos.leak().unwrap_or(0.0),
    };
    let values = lanczos.values();
    let size = values.iter().fold(0.0, |m: f64, value| m.max(value.abs()));
    let mut ritz: Vec<Eigenvalue> = values
        .iter()
        .enumerate()
        .map(|(k, value)| {
            let residual = leak * lanczos.eigenvector(values.len() - 1, k).abs();
            Eigenvalue {
                value: -value,
                residual,
                is_converged: residual <= (TOLERANCE * value.abs()).max(FLAT * size),
            }
        })
        .collect();
    ritz.sort_by(|a, b| a.value.total_cmp(&b.value));
    ritz.dedup_by(|next, kept| {
        let width = (SAME * kept.value.abs()).max(ROUND_OFF * size);
        let is_same = next.value - kept.value <= width;
        if is_same && next.residual < kept.residual {
            *kept = *next;
        }
        is_same
    });
    for eigenvalue in &mut ritz {
        // Products with H are exact to the round-off of its size.
        if eigenvalue.value.abs() <= ROUND_OFF * size {
            eigenvalue.value = 0.0;
        }
    }
    ritz
}
