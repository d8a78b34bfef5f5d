//! The reduced equations: gradient flow of balanced rank-one weights, one output.
//!
//! From small initial weights every layer is of rank one and all layers of a stack have the same
//! norm: u_m in the private stack of modality m, v in the shared layers, v^2 = sum_m u_m^2
//! (section on the reduction of intermediate and late fusion; balancedness keeps it so). With
//! L_m private and S shared layers and a row vector z_m of norm u_m for the first layer,
//!
//! ```text
//! W_m       = v^S u_m^{L_m-1} z_m                    G = (W* - W) S_xx
//! dz_m / dt = v^S u_m^{L_m-1} G_m
//! du_m / dt = v^S u_m^{L_m-2} G_m z_m^T
//! dv   / dt = v^{S-1} sum_m u_m^{L_m-1} G_m z_m^T
//! ```
//!
//! A single input has no direction to turn to: then z_m = ±u_m, and du_m/dt is ±v^S u_m^{L_m-1} G_m. Such
//! a stack of two layers or more keeps its sign for ever; where its drive is opposed it goes
//! to zero and stays there.
//!
//! With a factor c_m on the learning rate of private layers all of this holds in the coordinates of
//! `coordinates.rs`: W_m is then larger by the gain c_m^{L_m/2}, and G_m acts that much stronger.
//!
//! n layers of norm u are the one coordinate y = sqrt(n) u, whose square is theirs: in z, y the
//! equations are a gradient flow, and their Jacobian is symmetric. The right-hand side shares no
//! code with that of the full network.

use super::coordinates::gain;
use crate::data::{ByProducts, Moments};
use crate::integrate::{RightHandSide, System};
use crate::network::Architecture;
use crate::trajectory::Knot;
use nalgebra::DVector;
use std::ops::Range;

/// A balanced rank-one state, from which the equations start.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Start {
    /// Unit vectors z_m/u_m, one a modality.
    pub(super) directions: Vec<DVector<f64>>,
    /// Norms u_m of the private layers.
    pub(super) norms: Vec<f64>,
    /// Norm v of the shared layers.
    pub(super) shared: f64,
}

/// The first layer of a private stack.
#[derive(Debug, Clone, PartialEq)]
enum First {
    /// z_m is this sign times u_m.
    Sign(f64),
    /// z_m stands in these entries of the state.
    Entries(Range<usize>),
}

/// The private stack of one modality.
#[derive(Debug, Clone, PartialEq)]
struct Stack {
    /// Columns of the joined map W.
    inputs: Range<usize>,
    first: First,
    /// c_m^{L_m/2}.
    gain: f64,
    /// Layers of the norm u_m, apart from z_m where that stands for itself.
    layers: usize,
    /// Where their coordinate stands, if there are any.
    place: usize,
}

impl Stack {
    /// Entry `i` of z_m, or of its direction where u_m carries its norm.
    fn first(&self, state: &[f64], i: usize) -> f64 {
        match &self.first {
            First::Sign(sign) => *sign,
            First::Entries(range) => state[range.start + i],
        }
    }

    /// Its change: a sign never changes.
    fn first_change(&self, change: &[f64], i: usize) -> f64 {
        match &self.first {
            First::Sign(_) => 0.0,
            First::Entries(range) => change[range.start + i],
        }
    }
}

/// P = u^n of `layers` = n layers of norm u = y/sqrt(n), with P' and P'' by their coordinate y.
fn power(state: &[f64], place: usize, layers: usize) -> [f64; 3] {
    let root = (layers as f64).sqrt();
    match layers {
        0 => [1.0, 0.0, 0.0],
        1 => [state[place], 1.0, 0.0],
        _ => {
            let norm = state[place] / root;
            let low = norm.powi(layers as i32 - 2);
            [
                low * norm * norm,
                root * low * norm,
                (layers as f64 - 1.0) * low,
            ]
        }
    }
}

/// The right-hand side and its Jacobian.
#[derive(Debug, Clone)]
pub(super) struct Balanced<'a> {
    moments: &'a Moments,
    stacks: Vec<Stack>,
    shared_layers: usize,
    shared_place: usize,
    /// W and G at the state, and their changes along a direction: 1 x d each.
    map: Vec<f64>,
    residual: Vec<f64>,
    map_change: Vec<f64>,
    residual_change: Vec<f64>,
    /// G at the point of the Jacobian.
    residual_at_point: Vec<f64>,
    /// Workspace of a product with S_xx.
    inner: Vec<f64>,
    by_products: ByProducts<'a>,
}

impl<'a> Balanced<'a> {
    /// The equations for an architecture and its data, and the state that `start` stands for.
    pub(super) fn new(
        moments: &'a Moments,
        architecture: &Architecture,
        start: &Start,
    ) -> (Self, DVector<f64>) {
        let mut state = Vec::new();
        let mut stacks = Vec::new();
        for (m, modality) in moments.modalities.iter().enumerate() {
            let (direction, norm) = (&start.directions[m], start.norms[m]);
            let private = architecture.fusion_layer(m);
            let (first, layers) = if modality.dim() == 1 && private > 1 {
                (First::Sign(direction[0]), private)
            } else {
                let from = state.len();
                state.extend(direction.iter().map(|entry| entry * norm));
                (First::Entries(from..state.len()), private - 1)
            };
            stacks.push(Stack {
                inputs: modality.range.clone(),
                gain: gain(architecture, m),
                first,
                layers,
                place: state.len(),
            });
            if layers > 0 {
                state.push(norm * (layers as f64).sqrt());
            }
        }
        let (shared_layers, shared_place) = (architecture.shared.len(), state.len());
        if shared_layers > 0 {
            state.push(start.shared * (shared_layers as f64).sqrt());
        }
        let row = || vec![0.0; moments.inputs_len()];
        let system = Self {
            moments,
            stacks,
            shared_layers,
            shared_place,
            map: row(),
            residual: row(),
            map_change: row(),
            residual_change: row(),
            residual_at_point: row(),
            inner: vec![0.0; moments.loss.covariance.inner_len()],
            by_products: ByProducts::new(moments),
        };
        (system, DVector::from_vec(state))
    }

    /// The map W at a state, with the by-products that are worth keeping, and the time derivatives along the flow.
    pub(super) fn knot(&mut self, time: f64, state: &[f64]) -> Knot {
        let mut rate = vec![0.0; state.len()];
        self.rate(state, &mut rate);
        self.change_map(state, &rate);
        let (mut values, mut rates) = (self.map.clone(), self.map_change.clone());
        let len = values.len() + self.by_products.len();
        values.resize(len, 0.0);
        rates.resize(len, 0.0);
        let map = self.map.len();
        self.by_products
            .write(&self.map, Some(&self.residual), &mut values[map..]);
        self.by_products
            .write_rates(&self.map_change, &mut rates[map..]);
        Knot {
            time,
            values,
            rates,
        }
    }

    /// The residual correlation G at a state and its rate along the flow, 1 x d each.
    pub(super) fn residual(&mut self, state: &[f64]) -> (&[f64], &[f64]) {
        let mut rate = vec![0.0; state.len()];
        self.rate(state, &mut rate);
        self.change_map(state, &rate);
        self.change_residual();
        (&self.residual, &self.residual_change)
    }

    /// The map W at a state, 1 x d.
    pub(super) fn map(&mut self, state: &[f64]) -> &[f64] {
        self.write_map(state);
        &self.map
    }

    /// Writes W at `state`.
    fn write_map(&mut self, state: &[f64]) {
        let [shared, ..] = power(state, self.shared_place, self.shared_layers);
        for stack in &self.stacks {
            let [upper, ..] = power(state, stack.place, stack.layers);
            for (i, input) in stack.inputs.clone().enumerate() {
                self.map[input] = stack.gain * shared * upper * stack.first(state, i);
            }
        }
    }

    /// Writes W and G at `state`.
    fn evaluate(&mut self, state: &[f64]) {
        self.write_map(state);
        let optimum = self.moments.loss.optimum.as_slice();
        let left = |i: usize, _| optimum[i] - self.map[i];
        let covariance = &self.moments.loss.covariance;
        covariance.apply(left, &mut self.inner, &mut self.residual);
    }

    /// Writes the change of W along `change`.
    fn change_map(&mut self, state: &[f64], change: &[f64]) {
        let [shared, shared_1, _] = power(state, self.shared_place, self.shared_layers);
        let shared_change = shared_1 * entry(change, self.shared_place, self.shared_layers);
        for stack in &self.stacks {
            let [upper, upper_1, _] = power(state, stack.place, stack.layers);
            let upper_change = upper_1 * entry(change, stack.place, stack.layers);
            let factor = shared_change * upper + shared * upper_change;
            for (i, input) in stack.inputs.clone().enumerate() {
                let first_change = shared * upper * stack.first_change(change, i);
                self.map_change[input] =
                    stack.gain * (factor * stack.first(state, i) + first_change);
            }
        }
    }

    /// Writes the change of G that belongs to that of W.
    fn change_residual(&mut self) {
        let left = |i: usize, _| -self.map_change[i];
        let covariance = &self.moments.loss.covariance;
        covariance.apply(left, &mut self.inner, &mut self.residual_change);
    }
}

/// The coordinate of a stack of `layers`, 0 where it has none.
fn entry(state: &[f64], place: usize, layers: usize) -> f64 {
    if layers > 0 { state[place] } else { 0.0 }
}

impl RightHandSide for Balanced<'_> {
    fn rate(&mut self, state: &[f64], rate: &mut [f64]) {
        self.evaluate(state);
        let [shared, shared_1, _] = power(state, self.shared_place, self.shared_layers);
        let mut shared_rate = 0.0;
        for stack in &self.stacks {
            let [upper, upper_1, _] = power(state, stack.place, stack.layers);
            let residual = self.residual[stack.inputs.clone()].iter();
            let residual = residual.map(|left| stack.gain * left);
            let mut drive = 0.0;
            for (i, left) in residual.clone().enumerate() {
                drive += left * stack.first(state, i);
            }
            if let First::Entries(range) = &stack.first {
                for (entry, left) in rate[range.clone()].iter_mut().zip(residual) {
                    *entry = shared * upper * left;
                }
            }
            if stack.layers > 0 {
                rate[stack.place] = shared * upper_1 * drive;
            }
            shared_rate += shared_1 * upper * drive;
        }
        if self.shared_layers > 0 {
            rate[self.shared_place] = shared_rate;
        }
    }

    fn is_finite(&self) -> bool {
        self.residual.iter().all(|entry| entry.is_finite())
    }
}

impl System for Balanced<'_> {
    fn linearise(&mut self) {
        self.residual_at_point.copy_from_slice(&self.residual);
    }

    fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        self.change_map(point, direction);
        self.change_residual();
        let [shared, shared_1, shared_2] = power(point, self.shared_place, self.shared_layers);
        let step = entry(direction, self.shared_place, self.shared_layers);
        let (shared_change, shared_1_change) = (shared_1 * step, shared_2 * step);
        let mut shared_product = 0.0;
        for stack in &self.stacks {
            let [upper, upper_1, upper_2] = power(point, stack.place, stack.layers);
            let step = entry(direction, stack.place, stack.layers);
            let (upper_change, upper_1_change) = (upper_1 * step, upper_2 * step);
            let residual = self.residual_at_point[stack.inputs.clone()].iter();
            let changes = self.residual_change[stack.inputs.clone()].iter();
            let changes = residual
                .zip(changes)
                .map(|(left, change)| (stack.gain * left, stack.gain * change));
            let (mut drive, mut drive_change) = (0.0, 0.0);
            for (i, (left, change)) in changes.clone().enumerate() {
                let first = stack.first(point, i);
                drive += left * first;
                drive_change += change * first + left * stack.first_change(direction, i);
            }
            let factor = shared_change * upper + shared * upper_change;
            if let First::Entries(range) = &stack.first {
                for (entry, (left, change)) in product[range.clone()].iter_mut().zip(changes) {
                    *entry = factor * left + shared * upper * change;
                }
            }
            if stack.layers > 0 {
                product[stack.place] = (shared_change * upper_1 + shared * upper_1_change) * drive
                    + shared * upper_1 * drive_change;
            }
            shared_product += (shared_1_change * upper + shared_1 * upper_change) * drive
                + shared_1 * upper * drive_change;
        }
        if self.shared_layers > 0 {
            product[self.shared_place] = shared_product;
        }
    }

    fn groups(&self) -> Vec<Range<usize>> {
        let mut groups = Vec::new();
        for stack in &self.stacks {
            if let First::Entries(range) = &stack.first {
                groups.push(range.clone());
            }
            groups.push(stack.place..stack.place + stack.layers.min(1));
        }
        groups.push(self.shared_place..self.shared_place + self.shared_layers.min(1));
        groups.retain(|group| !group.is_empty());
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Modality;
    use crate::integrate::{Method, Settings, Verdict, integrate};
    use nalgebra::DMatrix;

    /// Three modalities of two, one and one inputs, correlated.
    fn moments() -> Moments {
        let ends = [0, 2, 3, 4];
        let modalities = (0..3)
            .map(|m| Modality {
                index: m,
                name: m.to_string(),
                range: ends[m]..ends[m + 1],
            })
            .collect();
        let root = DMatrix::from_row_slice(
            4,
            4,
            &[
                2.0, 0.0, 0.0, 0.0, 0.3, 1.0, 0.0, 0.0, -0.4, 0.2, 1.2, 0.0, 0.5, 0.1, 0.3, 0.7,
            ],
        );
        let inputs = &root * root.transpose();
        let map = DMatrix::from_row_slice(1, 4, &[0.8, -1.0, 0.6, -0.9]);
        let power = (&map * &inputs * map.transpose()).trace();
        Moments::new(modalities, inputs.clone(), map * inputs, power)
    }

    /// Private depths that meet every case: with and without shared layers, u_m of no, one and
    /// more layers beside z_m, single inputs of a sign.
    const DEPTHS: [([usize; 3], usize); 5] = [
        ([2, 2, 2], 0),
        ([1, 1, 1], 1),
        ([3, 2, 4], 2),
        ([1, 2, 3], 1),
        ([4, 3, 3], 0),
    ];

    /// The equations and a balanced state of moderate size.
    fn problem<'a>(
        moments: &'a Moments,
        (depths, shared): ([usize; 3], usize),
    ) -> (Balanced<'a>, DVector<f64>) {
        let deepest = depths.iter().max().expect("a depth") + shared;
        let widths = vec![1; deepest - 1];
        let architecture = Architecture::build(&moments.modalities, 1, &depths, shared, &widths)
            .expect("a small network");
        let norms = vec![0.5, 0.7, 0.3];
        let start = Start {
            directions: vec![
                DVector::from_vec(vec![0.6, 0.8]),
                DVector::from_vec(vec![-1.0]),
                DVector::from_vec(vec![1.0]),
            ],
            shared: DVector::from_vec(norms.clone()).norm(),
            norms,
        };
        Balanced::new(moments, &architecture, &start)
    }

    /// The central difference of a function along a direction. Steps of 1e-5 leave a truncation error of
    /// 1e-10 and a round-off of 1e-11 for values of order 1.
    fn slope(state: &DVector<f64>, i: usize, mut f: impl FnMut(&DVector<f64>) -> f64) -> f64 {
        let mut at = |step: f64| {
            let mut moved = state.clone();
            moved[i] += step;
            f(&moved)
        };
        (at(1e-5) - at(-1e-5)) / 2e-5
    }

    #[test]
    fn the_rate_is_the_loss_gradient() {
        let moments = moments();
        for depths in DEPTHS {
            let (mut system, state) = problem(&moments, depths);
            let mut rate = vec![0.0; state.len()];
            system.rate(state.as_slice(), &mut rate);
            for (i, rate) in rate.iter().enumerate() {
                let gradient = slope(&state, i, |state| {
                    system.evaluate(state.as_slice());
                    moments.loss.loss(&system.map)
                });
                assert!((rate + gradient).abs() < 1e-8, "{depths:?} {i}");
            }
        }
    }

    #[test]
    fn the_jacobian_is_the_rates_slope_and_symmetric() {
        let moments = moments();
        for depths in DEPTHS {
            let (mut system, state) = problem(&moments, depths);
            let n = state.len();
            let mut jacobian = DMatrix::zeros(n, n);
            let mut product = vec![0.0; n];
            system.evaluate(state.as_slice());
            system.linearise();
            for i in 0..n {
                let mut direction = vec![0.0; n];
                direction[i] = 1.0;
                system.jacobian_product(state.as_slice(), &direction, &mut product);
                jacobian.column_mut(i).copy_from_slice(&product);
            }
            let scale = jacobian.norm();
            // Sums of a few products in another order.
            assert!((&jacobian - jacobian.transpose()).norm() < 1e-14 * scale);
            let mut rate = vec![0.0; n];
            for i in 0..n {
                for k in 0..n {
                    let expected = slope(&state, i, |state| {
                        system.rate(state.as_slice(), &mut rate);
                        rate[k]
                    });
                    assert!(
                        (jacobian[(k, i)] - expected).abs() < 1e-8 * scale,
                        "{depths:?} {k} {i}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_knot_moves_as_its_rates_say() {
        let moments = moments();
        let (mut system, state) = problem(&moments, DEPTHS[2]);
        let knot = system.knot(0.0, state.as_slice());
        let mut rate = vec![0.0; state.len()];
        system.rate(state.as_slice(), &mut rate);
        let moved = |step: f64| state.clone() + DVector::from_vec(rate.clone()) * step;
        let (before, after) = (moved(-1e-5), moved(1e-5));
        let before = system.knot(0.0, before.as_slice());
        let after = system.knot(0.0, after.as_slice());
        for i in 0..4 {
            let slope = (after.values[i] - before.values[i]) / 2e-5;
            assert!((knot.rates[i] - slope).abs() < 1e-8, "{i}");
        }
    }

    /// v^2 = sum_m u_m^2 and |z_m| = u_m stay as they are. They are quadratic, so that the
    /// integrator's local errors of 1e-10, over a hundred steps, are all that moves them.
    #[test]
    fn balance_is_conserved() {
        let moments = moments();
        for depths in DEPTHS {
            let (mut system, state) = problem(&moments, depths);
            let settings = Settings {
                method: Method::Exponential,
                rtol: 1e-10,
                atol: 1e-12,
                t_end: 5.0,
                max_steps: 100_000,
            };
            let end = integrate(&mut system, state.clone(), &settings, &mut |_| {
                Verdict::Continue
            });
            let moved = (&end.state - &state).norm();
            assert!(moved > 0.1, "{depths:?}: nothing happened");
            let size = |range: Range<usize>| end.state.rows_range(range).norm_squared();
            let mut sum = 0.0;
            for stack in &system.stacks {
                let own = end.state.get(stack.place).map_or(0.0, |y| y * y);
                let upper = own / stack.layers.max(1) as f64;
                sum += match &stack.first {
                    First::Entries(range) => {
                        let first = size(range.clone());
                        assert!(stack.layers == 0 || (first - upper).abs() < 1e-8);
                        first
                    }
                    First::Sign(_) => upper,
                };
            }
            if system.shared_layers > 0 {
                let shared = end.state[system.shared_place].powi(2) / system.shared_layers as f64;
                assert!((shared - sum).abs() < 1e-8, "{depths:?}: {shared} {sum}");
            }
        }
    }
}
