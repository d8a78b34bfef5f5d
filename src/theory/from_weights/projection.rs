//! The network with only those directions of the inputs that drive it.
//!
//! The layers of a homogeneous flow see their drive D_m (o x d_m) alone: a first layer changes along the row space of
//! D_m, and counts in the others' rates by W_m^1 D_m^T. With the columns of Q_m an orthonormal basis of the row spaces
//! of all drives that the modality meets from saddle to saddle, W_m^1 Q_m under the drive D_m Q_m is the same flow,
//! exactly; what is left of W_m^1 stays as it is. These are at most as many directions as there are saddles on the way,
//! times the outputs: far fewer than inputs, and so are the directions of hidden units that the reduction of the
//! flow then keeps.

use super::super::growth::{drives, in_order, late_schedule};
use crate::data::{Moments, layout};
use crate::flow::reduction::Reduction;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// A learned set whose drives point out of the projected inputs.
pub(super) struct Outside(pub(super) Vec<usize>);

/// A network between its driven inputs and its outputs.
pub(super) struct Projection {
    pub(super) architecture: Architecture,
    pub(super) weights: DVector<f64>,
    /// Orthonormal basis Q_m of each modality's driven inputs, d_m x k_m.
    bases: Vec<DMatrix<f64>>,
}

impl Projection {
    /// The network on the drives while the modalities of each of the sets `learned` are; None where that leaves out no
    /// input.
    pub(super) fn new(
        moments: &Moments,
        (architecture, weights): (&Architecture, &DVector<f64>),
        learned: &[Vec<usize>],
    ) -> Option<Self> {
        if architecture.modalities.iter().all(|m| m.dim() == 1) {
            return None;
        }
        let drives: Vec<_> = learned.iter().map(|set| drives(moments, set)).collect();
        let basis = |m: usize| {
            let rows: Vec<_> = drives.iter().flat_map(|of| of[m].row_iter()).collect();
            span(&DMatrix::from_rows(&rows))
        };
        let bases: Vec<_> = (0..moments.modalities.len()).map(basis).collect();
        if bases.iter().all(|basis| basis.is_square()) {
            return None;
        }
        let (architecture, weights) = project(architecture, weights, &bases);
        let (architecture, weights) = match Reduction::find(&architecture, &weights, CUT) {
            Some(found) => (found.architecture, found.weights),
            None => (architecture, weights),
        };
        Some(Self {
            architecture,
            weights,
            bases,
        })
    }

    /// The part of a row (n x d_m) of modality m that the projected inputs have, in their coordinates.
    pub(super) fn inside(&self, m: usize, row: &DMatrix<f64>) -> DMatrix<f64> {
        row * &self.bases[m]
    }

    /// The drives (o x d_m) while the modalities `learned` are, in the coordinates of the projected inputs.
    pub(super) fn of_drives(
        &self,
        drives: Vec<DMatrix<f64>>,
        learned: &[usize],
    ) -> Result<Vec<DMatrix<f64>>, Outside> {
        let inside = drives.iter().zip(&self.bases).enumerate();
        let inside = inside.map(|(m, (drive, basis))| {
            let inside = drive * basis;
            let is_whole = (&inside * basis.transpose() - drive).norm() <= CUTOFF * drive.norm();
            match is_whole || learned.contains(&m) {
                true => Ok(inside),
                false => Err(Outside(learned.to_vec())),
            }
        });
        inside.collect()
    }
}

/// The learned sets of late fusion's formula, from none to all but one: a guess at those that the weights pass.
pub(super) fn likely_sets(moments: &Moments) -> Vec<Vec<usize>> {
    let order = in_order(&late_schedule(moments, false));
    let order: Vec<usize> = order.into_iter().map(|(_, m)| m).collect();
    (0..order.len().max(1))
        .map(|n| {
            let mut learned = order[..n].to_vec();
            learned.sort_unstable();
            learned
        })
        .collect()
}

/// Bound of the relative error of times by the cut of the reduction. Measured errors are a hundredth of it as a rule, and
/// it is below what leading order neglects.
const CUT: f64 = 1e-4;

/// Share of a drive's norm that is the round-off of the moments behind it.
const CUTOFF: f64 = 1e-10;

/// An orthonormal basis of the row space of a matrix (n x d), d x k with k >= 1: each row over its own norm, since a
/// weak drive counts as much as a strong one where its time has come.
fn span(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let dim = rows.ncols();
    let mut basis: Vec<DVector<f64>> = Vec::new();
    for row in rows.row_iter().filter(|row| row.norm() > 0.0) {
        let mut direction = row.transpose().normalize();
        for _ in 0..2 {
            for known in &basis {
                direction.axpy(-known.dot(&direction), known, 1.0);
            }
        }
        if direction.norm() > CUTOFF && basis.len() < dim {
            basis.push(direction.normalize());
        }
    }
    match basis.is_empty() {
        true => DMatrix::identity(dim, 1),
        false => DMatrix::from_columns(&basis),
    }
}

/// The network whose first layers are W_m^1 Q_m.
fn project(
    architecture: &Architecture,
    weights: &DVector<f64>,
    bases: &[DMatrix<f64>],
) -> (Architecture, DVector<f64>) {
    let mut projected = architecture.clone();
    let dims = architecture.modalities.iter().zip(bases);
    projected.modalities = layout(dims.map(|(m, basis)| (&m.name, basis.ncols())));
    let mut entries = Vec::new();
    for (l, layer) in projected.layers.iter_mut().enumerate() {
        let start = entries.len();
        let own = architecture.view(weights, l);
        let first = architecture
            .private
            .iter()
            .position(|stack| stack.start == l);
        match first {
            Some(m) => {
                layer.cols = bases[m].ncols();
                entries.extend_from_slice((own * &bases[m]).as_slice());
            }
            None => entries.extend(own.iter()),
        }
        layer.range = start..entries.len();
    }
    (projected, DVector::from_vec(entries))
}

#[cfg(test)]
mod tests {
    use super::super::{Order, Problem};
    use super::*;
    use approx::assert_relative_eq;

    const WIDTH: usize = 12;

    /// Numbers between -1 and 1 that look random (an additive recurrence).
    fn numbers(rows: usize, cols: usize, step: f64) -> DMatrix<f64> {
        let mut x = step;
        DMatrix::from_fn(rows, cols, |_, _| {
            x = (x + step) % 1.0;
            (57.0 * x).sin()
        })
    }

    /// Three modalities of six correlated inputs each, one output, four layers.
    fn problem() -> (Moments, Architecture, DVector<f64>) {
        let modalities = layout([("A", 6), ("B", 6), ("C", 6)]);
        let root = numbers(18, 30, 0.618_033_988_7) / 4.0;
        // Far from singular, so that a learned modality has no drive left.
        let inputs = &root * root.transpose() + DMatrix::identity(18, 18);
        let map = numbers(1, 18, 0.414_213_562_4);
        let power = (&map * &inputs * map.transpose()).trace();
        let moments = Moments::new(modalities, inputs.clone(), map * inputs, power);
        let architecture =
            Architecture::build(&moments.modalities, 1, &[4, 4, 4], 0, &[WIDTH; 3]).expect("fits");
        let weights = numbers(architecture.len(), 1, 0.732_050_807_6) * 0.05;
        (moments, architecture, weights.column(0).into())
    }

    /// The projection is exact: times with and without it are those of two integrations at their tolerance. Each modality
    /// has one direction for each set of others that may be learned, whatever their order.
    #[test]
    fn the_driven_inputs_are_enough() {
        let (moments, architecture, weights) = problem();
        let sets =
            [0, 1, 2, 3, 4, 5, 6].map(|bits| (0..3).filter(|m| bits >> m & 1 == 1).collect());
        let projection =
            Projection::new(&moments, (&architecture, &weights), &sets).expect("fewer inputs");
        let dims = |of: &Architecture| -> Vec<usize> {
            let mut dims: Vec<usize> = of.modalities.iter().map(|m| m.dim()).collect();
            dims.sort_unstable();
            dims
        };
        assert_eq!(dims(&projection.architecture), [4, 4, 4]);
        let times = |projection: Option<&Projection>| {
            let (architecture, weights) = match projection {
                Some(small) => (&small.architecture, &small.weights),
                None => (&architecture, &weights),
            };
            let problem = Problem {
                moments: &moments,
                architecture,
                weights,
                never_turns: false,
                projection,
                steps: None,
                order: Order::Leading,
            };
            let found = problem.times().ok().expect("in that order");
            found
                .times
                .values()
                .map(|time| time.expect("learned"))
                .collect::<Vec<f64>>()
        };
        for (small, full) in times(Some(&projection)).into_iter().zip(times(None)) {
            assert_relative_eq!(small, full, max_relative = 1e-4);
        }
    }

    /// A drive that was not thought of is no drive of the projected network.
    #[test]
    fn other_drives_are_seen() {
        let (moments, architecture, weights) = problem();
        let none = [Vec::new()];
        let projection =
            Projection::new(&moments, (&architecture, &weights), &none).expect("fewer inputs");
        assert!(projection.of_drives(drives(&moments, &[]), &[]).is_ok());
        let Err(Outside(learned)) = projection.of_drives(drives(&moments, &[0]), &[0]) else {
            panic!("the drives of B and C have turned");
        };
        assert_eq!(learned, [0]);
    }
}
