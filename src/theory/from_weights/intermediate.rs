//! Intermediate fusion: the rise of the first modality through all layers, and what the shared ones are then.

use super::super::homogeneous::{Ended, Reached, SmallNetwork, joined};
use super::projection::Outside;
use super::race::Waited;
use super::result::Event;
use super::{Problem, RTOL};
use nalgebra::{DMatrix, DVector};

impl Problem<'_> {
    /// Intermediate fusion of one output: the joint flow up to the first modality, then stack by stack.
    pub(super) fn intermediate(&self) -> Result<Vec<Option<Event>>, Outside> {
        let none = vec![None; self.count()];
        let cross = &self.cross()?;
        let Some((together, reached)) = self.joint_rise(cross) else {
            return Ok(none);
        };
        let first = together[0];
        let layers = self.architecture.depth(first);
        let start = Event {
            time: reached.time,
            half: 0.0,
            delay: self.delay(
                &reached,
                cross,
                0.5 * self.map_norm(&[first], first),
                layers,
            ),
        };
        let joint = reached.network;
        let Some(direction) = self.shared_direction(&joint.weights) else {
            return Ok(none);
        };
        let drives = |learned: &[usize]| {
            let shared = self.shared_product(learned);
            let drives = self.drives(learned)?.into_iter();
            Ok(drives.map(|drive| drive * shared).collect::<Vec<_>>())
        };
        let after_first = drives(&together)?;
        let rate = joint.rate(cross);
        let stack = |m: usize| {
            let read = |state: &DVector<f64>| self.layers(state, m, Some(&direction));
            let is_learned = together.contains(&m);
            let mut stack =
                SmallNetwork::of_stack(&read(&joint.weights)).filter(|_| !is_learned)?;
            stack.behind = joint.behind.as_ref().map(|behind| joined(&read(behind)));
            stack.switch(&joined(&read(&rate)), &after_first[m], start.delay);
            Some(stack)
        };
        self.one_by_one(
            (0..self.count()).map(stack).collect(),
            (together.clone(), start),
            &drives,
            &|stack, drive, (m, all), limit| {
                let others: Vec<usize> = all.iter().copied().filter(|other| *other != m).collect();
                let level = 0.5 * self.map_norm(all, m) / self.shared_product(&others);
                let ended = stack.flow_until(drive, &[(0, level)], (limit, RTOL));
                let layers = self.architecture.fusion_layer(m);
                Waited::of(ended, |reached| Event {
                    time: reached.time,
                    half: 0.0,
                    delay: self.delay(reached, drive, level, layers),
                })
            },
        )
    }

    /// The joint homogeneous flow of all layers until a modality is at its level, and those that are then, in their
    /// order: more than one where they tie.
    fn joint_rise(&self, cross: &DMatrix<f64>) -> Option<(Vec<usize>, Reached)> {
        let all = SmallNetwork {
            architecture: self.architecture.clone(),
            weights: self.weights.clone(),
            behind: None,
        };
        let level = |m: usize| {
            let share = if self.architecture.fusion_layer(m) == 2 {
                0.5
            } else {
                1.0
            };
            (m, share * self.map_norm(&[m], m))
        };
        let levels: Vec<(usize, f64)> = (0..self.count())
            .map(level)
            .filter(|(_, level)| *level > 0.0)
            .collect();
        let ended = self
            .starting(all, cross)
            .flow_until(cross, &levels, (f64::INFINITY, RTOL));
        let Ended::Learned(reached) = ended else {
            return None;
        };
        let read_out = self.read_out(&reached.network.weights)?;
        let share = |&(m, level): &(usize, f64)| {
            let layers = self.layers(&reached.network.weights, m, Some(&read_out));
            let map = SmallNetwork::of_stack(&layers).map_or(0.0, |stack| stack.map_norm());
            (m, map / level)
        };
        let shares: Vec<(usize, f64)> = levels.iter().map(share).collect();
        let most = shares.iter().map(|(_, share)| *share).fold(0.0, f64::max);
        let ties = shares
            .iter()
            .filter(|(_, share)| *share >= most * (1.0 - RTOL));
        Some((ties.map(|(m, _)| *m).collect(), reached))
    }

    /// The row by which the shared layers read out the fused units.
    fn read_out(&self, weights: &DVector<f64>) -> Option<DVector<f64>> {
        let layers = self.architecture.shared.clone();
        let product = layers
            .map(|l| self.architecture.view(weights, l).into_owned())
            .reduce(|product, layer| layer * product)?;
        Some(product.row(0).transpose())
    }

    /// The unit direction of that row.
    fn shared_direction(&self, weights: &DVector<f64>) -> Option<DVector<f64>> {
        let row = self.read_out(weights)?;
        (row.norm() > 0.0).then(|| row.normalize())
    }

    /// The square of what the shared layers start with over what they end with, by their mean Frobenius norm.
    pub(super) fn shared_share(&self) -> Option<f64> {
        let is_learnable = |&m: &usize| self.map_norm(&[m], m) > 0.0;
        let all: Vec<usize> = (0..self.count()).filter(is_learnable).collect();
        let shared = self.architecture.shared.clone();
        let count = shared.len() as f64;
        let end = self.shared_product(&all).powf(1.0 / count);
        let start: f64 = shared
            .map(|l| self.architecture.view(self.weights, l).norm())
            .sum();
        let share = (start / count / end).powi(2);
        share.is_finite().then_some(share)
    }

    /// The product q of the balanced shared layers while the modalities `learned` are at their joint solution. With
    /// the norm u of each shared layer, w_m of each private layer of modality m, and s shared layers,
    ///
    /// ```text
    /// u^2 = sum_m w_m^2        w_m^{n_m} u^s = p_m        q = u^s
    /// ```
    ///
    /// (balancedness; n_m private layers, p_m the norms of the maps), solved by bisection: for one modality
    /// q = p^{s/L}.
    fn shared_product(&self, learned: &[usize]) -> f64 {
        /// Halvings of the logarithm's interval, to round-off.
        const HALVINGS: u32 = 80;
        let shared = self.architecture.shared.len() as f64;
        let norms: Vec<(f64, f64)> = learned
            .iter()
            .map(|&m| {
                let private = self.architecture.fusion_layer(m) as f64;
                (self.map_norm(learned, m), private)
            })
            .collect();
        let excess = |log_u: f64| {
            let layers = norms.iter().map(|&(norm, private)| {
                let log_w = (norm.ln() - shared * log_u) / private;
                (2.0 * (log_w - log_u)).exp()
            });
            1.0 - layers.sum::<f64>()
        };
        let (mut low, mut high) = (-500.0, 500.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if excess(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        (shared * low).exp()
    }
}
