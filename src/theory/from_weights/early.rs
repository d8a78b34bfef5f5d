//! Early fusion: all modalities are learned when the joint stack blows up.

use super::super::growth::{in_order, late_schedule, learning_order, residual_growth_rate};
use super::super::homogeneous::{Ended, SmallNetwork};
use super::projection::Outside;
use super::{Event, FromWeights, Problem, RTOL};
use crate::linalg::spectral_norm;
use nalgebra::DMatrix;

impl Problem<'_> {
    /// Early fusion: the blow-up of all layers together.
    pub(super) fn early(&self) -> Result<FromWeights, Outside> {
        let shared = self.architecture.shared.clone();
        let first = (0..self.count()).flat_map(|m| self.layers(self.weights, m, None));
        let first: Vec<DMatrix<f64>> = first.collect();
        let columns: Vec<_> = first.iter().flat_map(|layer| layer.column_iter()).collect();
        let mut layers = vec![DMatrix::from_columns(&columns)];
        layers.extend(shared.map(|l| self.architecture.view(self.weights, l).into_owned()));
        let cross = self.cross()?;
        let all: Vec<usize> = (0..self.count()).collect();
        let strongest = learning_order(self.moments)[0];
        let depth = self.architecture.depth(strongest);
        let half = 0.5 * self.map_norm(&all, strongest);
        let stack = SmallNetwork::of_stack(&layers).map(|stack| self.starting(stack, &cross));
        let ended = stack.map(|stack| stack.blow_up(&cross, (f64::INFINITY, RTOL)));
        let event = match ended {
            Some(Ended::Learned(reached)) => Some(Event {
                time: reached.time + reached.rest,
                half: 0.0,
                delay: self.delay(&reached, &cross, half, depth),
            }),
            _ => None,
        };
        let problem = (self.moments, self.architecture);
        let event = |&m: &usize| event.filter(|_| self.map_norm(&all, m) > 0.0);
        let events: Vec<_> = all.iter().map(event).collect();
        let mut found = FromWeights::of(problem, &events, self.steps);
        (found.first, found.second) = (None, None);
        found.is_open = false;
        found.neglected = found.t_first.and_then(|time| {
            let shares = self.early_drives(&cross).into_iter();
            let shares = shares.map(|drive| 1.0 / (depth as f64 * drive * time));
            shares.filter(|share| share.is_finite()).reduce(f64::max)
        });
        Ok(found)
    }

    /// The sizes of the drives of early fusion's drop: of all inputs together up to the blow-up, and of the modality that
    /// late fusion would learn second once the first is learned, which the time ratio waits for.
    fn early_drives(&self, cross: &DMatrix<f64>) -> Vec<f64> {
        let order = in_order(&late_schedule(self.moments, false));
        let mut drives = vec![spectral_norm(cross)];
        if let [(_, first), (_, second), ..] = order[..] {
            drives.push(residual_growth_rate(self.moments, &[first], second));
        }
        drives
    }
}
