//! What is seen of a trajectory: loss, speed, total maps and layer norms, read off a [`Knot`].

use super::Knot;
use crate::data::{Loss, Moments, Places, Quadratic, along_product};
use crate::flow::moments_suffice;
use crate::integrate::Until;
use crate::linalg::norm;
use crate::network::Architecture;
use nalgebra::{DMatrix, DMatrixView};
use std::ops::Range;

/// Names the entries of a knot and computes what follows from them.
#[derive(Debug, Clone, Copy)]
pub struct Observables<'a> {
    /// The network observed.
    pub architecture: &'a Architecture,
    /// The data it learns.
    pub moments: &'a Moments,
}

impl Observables<'_> {
    /// Whether the second moments of the data tell all of the flow: a linear network under squared loss.
    pub fn moments_suffice(&self) -> bool {
        moments_suffice(self.architecture, self.moments)
    }

    /// Number of entries of the joined total map, o x d.
    pub fn map_len(&self) -> usize {
        self.architecture.map_len()
    }

    /// The joined total map W, o x d by columns.
    pub fn map<'k>(&self, knot: &'k Knot) -> &'k [f64] {
        &knot.values[..self.map_len()]
    }

    /// The total map's time derivative dW/dt, o x d by columns.
    pub fn map_rate<'k>(&self, knot: &'k Knot) -> &'k [f64] {
        &knot.rates[..self.map_len()]
    }

    /// Entries of the joined total map that belong to one modality.
    pub fn block(&self, modality: usize) -> Range<usize> {
        self.architecture.map_block(modality)
    }

    /// Frobenius norm of one modality's total map.
    pub fn norm(&self, knot: &Knot, modality: usize) -> f64 {
        norm(&knot.values[self.block(modality)])
    }

    /// Power tr[W_m S_m W_m^T] of one modality's outputs, in units of y^2.
    pub fn power(&self, knot: &Knot, modality: usize) -> f64 {
        let Some(own) = self.own_product(knot, modality) else {
            return self.map_power(self.map(knot), modality);
        };
        let map = &knot.values[self.block(modality)];
        along_product(self.architecture.outputs, |p| map[p], own).max(0.0)
    }

    /// The same of a joined map, o x d by columns.
    pub fn map_power(&self, map: &[f64], modality: usize) -> f64 {
        self.moments.map_power(map, modality)
    }

    /// Sum of the powers of all modalities' outputs of a joined map.
    pub fn total_power(&self, map: &[f64]) -> f64 {
        let count = self.architecture.modalities.len();
        (0..count).map(|m| self.map_power(map, m)).sum()
    }

    /// Second moment W S W^T of the outputs of these modalities together, o x o, of a joined map.
    pub fn output_moment(&self, map: &[f64], modalities: Range<usize>) -> DMatrix<f64> {
        let (block, inputs) = self.columns(map, modalities);
        self.moments.inputs.moment(block, inputs)
    }

    /// The columns of these modalities, which stand side by side, of a joined map, and their inputs.
    fn columns<'m>(
        &self,
        map: &'m [f64],
        modalities: Range<usize>,
    ) -> (DMatrixView<'m, f64>, Range<usize>) {
        let modalities = &self.architecture.modalities[modalities];
        let inputs = match modalities {
            [] => 0..0,
            [first, ..] => first.range.start..modalities[modalities.len() - 1].range.end,
        };
        let outputs = self.architecture.outputs;
        let block = &map[inputs.start * outputs..inputs.end * outputs];
        (
            DMatrixView::from_slice(block, outputs, inputs.len()),
            inputs,
        )
    }

    /// Second moment W_m S_m W_m^T of one modality's outputs, o x o.
    pub fn own_moment(&self, knot: &Knot, modality: usize) -> DMatrix<f64> {
        let modalities = modality..modality + 1;
        let Some(own) = self.own_product(knot, modality) else {
            return self.output_moment(self.map(knot), modalities);
        };
        let (block, inputs) = self.columns(self.map(knot), modalities);
        block * DMatrixView::from_slice(own, inputs.len(), self.architecture.outputs)
    }

    /// The by-product at these places of a knot; None where none is kept.
    fn by_product<'k>(
        &self,
        knot: &'k Knot,
        place: impl Fn(Places) -> Option<Range<usize>>,
    ) -> Option<&'k [f64]> {
        if !self.moments_suffice() {
            return None;
        }
        let places = self.moments.by_products();
        let start = knot.values.len() - places.len;
        Some(&knot.values[start..][place(places)?])
    }

    /// G = (W* - W) S_xx of a knot, d x o by columns, where it is kept.
    fn residual<'k>(&self, knot: &'k Knot) -> Option<&'k [f64]> {
        self.by_product(knot, |places| places.residual)
    }

    /// H_m = W_m S_m of a modality, d_m x o by columns, where it is kept.
    fn own_product<'k>(&self, knot: &'k Knot, modality: usize) -> Option<&'k [f64]> {
        let own = self.by_product(knot, |places| places.own)?;
        Some(&own[self.block(modality)])
    }

    /// Frobenius norm of a layer.
    pub fn layer_norm(&self, knot: &Knot, layer: usize) -> f64 {
        without_round_off(knot.values[self.map_len() + layer]).sqrt()
    }

    /// The loss: that of the total map where moments suffice, else the true one.
    pub fn loss(&self, knot: &Knot) -> f64 {
        match self.beyond_moments() {
            None => self.value(&self.moments.loss, self.residual(knot), knot),
            Some([loss, _]) => knot.values[loss],
        }
    }

    /// A loss of the map of a knot, by its product where that is kept.
    fn value(&self, loss: &Quadratic, product: Option<&[f64]>, knot: &Knot) -> f64 {
        let map = self.map(knot);
        loss.floor + product.map_or_else(|| loss.excess(map), |kept| loss.excess_by(map, kept))
    }

    /// Its time derivative.
    fn rate(&self, loss: &Quadratic, product: Option<&[f64]>, knot: &Knot) -> f64 {
        let (map, rate) = (self.map(knot), self.map_rate(knot));
        product.map_or_else(|| loss.rate(map, rate), |kept| loss.rate_by(rate, kept))
    }

    /// Where loss and mean power of the predictions stand in a knot where moments do not suffice.
    fn beyond_moments(&self) -> Option<[usize; 2]> {
        let next = self.architecture.measured_len();
        (!self.moments_suffice()).then_some([next, next + 1])
    }

    /// Whether targets are classes, and outputs the logarithms of their probabilities.
    pub fn has_classes(&self) -> bool {
        self.moments.compared_by() == Loss::CrossEntropy
    }

    /// The fraction of the samples whose class has the largest output; None where targets are no classes. It jumps in
    /// time: known at the ends of steps, it is drawn smoothly between them.
    pub fn accuracy(&self, knot: &Knot) -> Option<f64> {
        knot.values.last().copied().filter(|_| self.has_classes())
    }

    /// Names of the parts that the target is known to have; none for linear networks, whose
    /// outputs are told by their total map.
    pub fn part_names(&self) -> &'static [&'static str] {
        let samples = self.moments.samples.as_ref();
        let parts = samples.and_then(|samples| samples.parts.as_ref());
        parts
            .filter(|_| !self.moments_suffice())
            .map_or(&[], |parts| parts.names)
    }

    /// How much of each part of the target is in the outputs, by regression: 0 for nothing, 1 where
    /// it is learned. For one output.
    pub fn parts<'k>(&self, knot: &'k Knot) -> &'k [f64] {
        match self.beyond_moments() {
            Some([_, power]) => &knot.values[power + 1..][..self.part_names().len()],
            None => &[],
        }
    }

    /// Power E|y^|^2 of the predictions that their best linear fit leaves out.
    fn nonlinear_power(&self, knot: &Knot) -> f64 {
        let Some([_, power]) = self.beyond_moments() else {
            return 0.0;
        };
        without_round_off(
            knot.values[power] - 2.0 * self.moments.plain_loss().output_power(self.map(knot)),
        )
    }

    /// Share of the power of the predictions that the total map explains; None for linear networks under squared loss,
    /// which it explains in full, and where there are no predictions yet.
    pub fn linear_share(&self, knot: &Knot) -> Option<f64> {
        let [_, power] = self.beyond_moments()?;
        let power = knot.values[power];
        (power > 0.0).then(|| 2.0 * self.moments.plain_loss().output_power(self.map(knot)) / power)
    }

    /// Half the mean square of the difference between the outputs and those of a linear map: how
    /// far the network is from it, in the metric of the loss. What the best linear fit leaves out is
    /// uncorrelated with the inputs, and adds to the distance of the fit.
    ///
    /// Under cross-entropy the fits alone are compared, since probabilities at a critical point have the fit of least
    /// squares and are not linear themselves; the metric is that of the loss near equal probabilities,
    /// -E ln p ~ 1/2 K |dp|^2.
    pub fn distance(&self, knot: &Knot, map: &[f64]) -> f64 {
        let metric = match self.beyond_moments() {
            None => &self.moments.loss,
            Some(_) => self.moments.plain_loss(),
        };
        let fit = metric.excess_between(self.map(knot), map);
        match self.has_classes() {
            true => self.architecture.outputs as f64 * fit,
            false => fit + 0.5 * self.nonlinear_power(knot),
        }
    }

    /// The generalisation error, where there is a population or a hold-out: that of the total map where moments suffice, else
    /// the loss of the samples held out.
    pub fn generalisation(&self, knot: &Knot) -> Option<f64> {
        let error = self.moments.generalisation.as_ref()?.error();
        match self.error_place() {
            Some(place) => Some(knot.values[place]),
            None => Some(self.value(error, self.by_product(knot, |places| places.error), knot)),
        }
    }

    /// Its time derivative.
    pub fn generalisation_rate(&self, knot: &Knot) -> Option<f64> {
        let error = self.moments.generalisation.as_ref()?.error();
        match self.error_place() {
            Some(place) => Some(knot.rates[place]),
            None => Some(self.rate(error, self.by_product(knot, |places| places.error), knot)),
        }
    }

    /// Where a knot has the loss of the samples held out; None where moments suffice, and where none are.
    fn error_place(&self) -> Option<usize> {
        let [_, power] = self.beyond_moments()?;
        self.moments.held_out.as_ref()?;
        Some(power + 1 + self.part_names().len())
    }

    /// What there is to learn, Loss_0 less the least loss that the network can reach. What a network that is not linear can
    /// reach, and any under cross-entropy, is not known beforehand: all of Loss_0 counts.
    pub fn learnable_loss(&self) -> f64 {
        match self.beyond_moments() {
            None => self.moments.learnable_loss(),
            Some(_) => self.moments.zero_loss(),
        }
    }

    /// The joined map (o x d) of the critical point where the modalities `learned` are learned: under weight decay, and where that
    /// is known, the maps at which it lets them rest, else the least-squares solution.
    pub fn critical_map(&self, learned: &[usize]) -> DMatrix<f64> {
        let resting = self.moments.resting_map(learned);
        resting.unwrap_or_else(|| self.moments.critical_map(learned))
    }

    /// The joined map (o x d) of the minimum, likewise.
    pub fn final_map(&self) -> &DMatrix<f64> {
        let resting = self.moments.decayed_minimum();
        resting.unwrap_or(&self.moments.least.map)
    }

    /// The share of the learnable loss that is left, (Loss - Loss_least)/(Loss_0 - Loss_least). Under weight decay, where its
    /// minimum is known, what the flow descends is left: loss and mu/2 |w|^2 together, above the minimum of their sum.
    pub fn loss_gap(&self, knot: &Knot) -> f64 {
        if let Some(least) = self.moments.least_objective() {
            return (self.objective(knot) - least).abs() / self.learnable_loss();
        }
        let left = match self.beyond_moments() {
            None => match self.residual(knot) {
                None => self.moments.excess(self.map(knot)),
                Some(g) => self.moments.excess_by(self.map(knot), g),
            },
            Some(_) => self.loss(knot),
        };
        left / self.learnable_loss()
    }

    /// Whether a run that ends so has come to what it asks for, its time apart.
    pub fn reaches(&self, knot: &Knot, until: &Until) -> bool {
        let is_accurate = |asked| self.accuracy(knot).is_some_and(|now| now >= asked);
        until.loss_gap.is_some_and(|gap| self.loss_gap(knot) <= gap)
            || until.loss.is_some_and(|loss| self.loss(knot) <= loss)
            || until.accuracy.is_some_and(is_accurate)
    }

    /// The loss gap at a loss, weight decay apart.
    pub fn gap_of(&self, loss: f64) -> f64 {
        let least = match self.beyond_moments() {
            None => self.moments.least.loss,
            Some(_) => 0.0,
        };
        (loss - least) / self.learnable_loss()
    }

    /// Loss above Loss_min and mu/2 |w|^2.
    fn objective(&self, knot: &Knot) -> f64 {
        let layers = &knot.values[self.map_len()..][..self.architecture.layers.len()];
        let excess = match self.residual(knot) {
            None => self.moments.loss.excess(self.map(knot)),
            Some(g) => self.moments.loss.excess_by(self.map(knot), g),
        };
        excess + 0.5 * self.architecture.weight_decay * layers.iter().sum::<f64>()
    }

    /// The speed -dLoss/dt = |grad|^2, for linear networks tr[G (dW/dt)^T] with G = (W* - W) S_xx.
    pub fn speed(&self, knot: &Knot) -> f64 {
        if let Some([loss, _]) = self.beyond_moments() {
            return -knot.rates[loss];
        }
        -self.rate(&self.moments.loss, self.residual(knot), knot)
    }

    /// What an error of the trajectory is measured against: each modality's map by its norm,
    /// each layer by its norm. Maps that are fits know each other to round-off and are measured
    /// together, as are loss and power of the outputs, and the parts of the target. By-products follow from the maps.
    pub fn groups(&self) -> Vec<Range<usize>> {
        if let Some([loss, power]) = self.beyond_moments() {
            let layers = (self.map_len()..loss).map(|l| l..l + 1);
            let ends = [0..self.map_len(), loss..power + 1];
            let parts = power + 1..power + 1 + self.part_names().len();
            let error = self.error_place().map(|place| place..place + 1);
            let known = ends.into_iter().chain(layers).chain([parts]);
            return known.chain(error).collect();
        }
        let maps = (0..self.architecture.modalities.len()).map(|m| self.block(m));
        let first_layer = self.map_len();
        let layers =
            (0..self.architecture.layers.len()).map(|l| first_layer + l..first_layer + l + 1);
        maps.chain(layers).collect()
    }
}

/// A square that round-off must not make negative; what is no number stays none.
fn without_round_off(square: f64) -> f64 {
    if square < 0.0 { 0.0 } else { square }
}
