//! Losses that see some modalities alone: what modality dropout and auxiliary losses make of the data.
//!
//! A *view* of a sample leaves some modalities at zero, and the loss is a sum of views with weights p:
//!
//! ```text
//! Loss = sum_v p_v 1/2 E|y - f(v x)|^2
//! ```
//!
//! With the probability q_m that modality m is kept, and the weight lambda_m of an auxiliary loss on its own output,
//! that is the expectation over what is dropped plus sum_m lambda_m 1/2 E|y - f(x_m alone)|^2, modality m dropped there too.
//! A linear map sees only the moments of all views together,
//!
//! ```text
//! S_yxm' = (1 + lambda_m) q_m S_yxm      S_m' = (1 + lambda_m) q_m S_m      S_mn' = q_m q_n S_mn
//! ```
//!
//! and the power of the targets counts 1 + sum_m lambda_m times.

use super::{Modality, Moments, Quadratic};
use crate::linalg::SemiDefinite;
use std::ops::Range;

/// What each modality's part in the loss is: by place, one entry a modality.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposure {
    /// Probability q_m that modality m is kept.
    pub keep: Vec<f64>,
    /// Weight lambda_m of the loss on its own output.
    pub auxiliary: Vec<f64>,
}

/// An exposure, with what the data are as they stand: all that is seen of outputs whose modalities are all there.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposed {
    /// The exposure.
    pub exposure: Exposure,
    /// The loss of linear maps without it.
    pub plain_loss: Quadratic,
    /// S_xx^+ without it, d x d.
    pub plain_inverse: SemiDefinite,
}

/// Samples with some inputs at zero.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its weight p in the loss.
    pub weight: f64,
    /// The inputs at zero.
    pub dropped: Vec<Range<usize>>,
}

impl View {
    /// One modality alone.
    pub fn alone(modality: &Modality, modalities: &[Modality]) -> Self {
        let others = modalities.iter().filter(|m| m.index != modality.index);
        Self {
            weight: 1.0,
            dropped: others.map(|m| m.range.clone()).collect(),
        }
    }
}

impl Exposure {
    /// All modalities always kept, no auxiliary loss.
    pub fn full(modalities: usize) -> Self {
        Self {
            keep: vec![1.0; modalities],
            auxiliary: vec![0.0; modalities],
        }
    }

    /// Whether it changes nothing.
    pub fn is_full(&self) -> bool {
        self.keep.iter().all(|q| *q == 1.0) && self.auxiliary.iter().all(|w| *w == 0.0)
    }

    /// The modalities that are dropped at random.
    pub fn dropped(&self) -> impl Iterator<Item = usize> {
        (0..self.keep.len()).filter(|&m| self.keep[m] < 1.0)
    }

    /// The auxiliary losses alone, where what is dropped is drawn sample by sample.
    pub fn without_dropping(&self) -> Self {
        Self {
            keep: vec![1.0; self.keep.len()],
            auxiliary: self.auxiliary.clone(),
        }
    }

    /// The factor on S_m and S_yxm, (1 + lambda_m) q_m.
    pub fn own_factor(&self, m: usize) -> f64 {
        (1.0 + self.auxiliary[m]) * self.keep[m]
    }

    /// The factor on the power of the targets.
    pub fn target_factor(&self) -> f64 {
        1.0 + self.auxiliary.iter().sum::<f64>()
    }

    /// The views of the samples whose losses add up: 2^n where n modalities are dropped at random.
    pub fn views(&self, modalities: &[Modality]) -> Vec<View> {
        let view = |weight, kept: &dyn Fn(usize) -> bool| {
            let dropped = modalities.iter().filter(|m| !kept(m.index));
            View {
                weight,
                dropped: dropped.map(|m| m.range.clone()).collect(),
            }
        };
        let random: Vec<usize> = self.dropped().collect();
        let mut views = Vec::new();
        for mask in 0..1u64 << random.len() {
            let is_dropped = |place: usize| mask >> place & 1 == 1;
            let kept = |m: usize| {
                let place = random.iter().position(|other| *other == m);
                !place.is_some_and(is_dropped)
            };
            let chances = random.iter().map(|&m| match kept(m) {
                true => self.keep[m],
                false => 1.0 - self.keep[m],
            });
            views.push(view(chances.product(), &kept));
        }
        for (m, &weight) in self.auxiliary.iter().enumerate() {
            views.push(view(weight * self.keep[m], &|other| other == m));
            views.push(view(weight * (1.0 - self.keep[m]), &|_| false));
        }
        views.retain(|view| view.weight > 0.0);
        views
    }
}

impl Moments {
    /// The moments of the views of the same data. What the data generalise to stays as it is.
    pub fn exposed(self, exposure: &Exposure) -> Moments {
        if exposure.is_full() {
            return self;
        }
        let mut cross = self.cross.clone();
        let mut blocks = Vec::new();
        for modality in &self.modalities {
            let factor = exposure.own_factor(modality.index);
            cross
                .columns_range_mut(modality.range.clone())
                .scale_mut(factor);
            blocks.push((
                modality.range.clone(),
                factor,
                exposure.keep[modality.index],
            ));
        }
        let inputs = self.inputs.reweighted(&blocks);
        let plain_inverse = self.inverse().clone();
        let power = 2.0 * self.initial_loss * exposure.target_factor();
        let mut moments = Moments::new(self.modalities, inputs, cross, power);
        moments.generalisation = self.generalisation;
        moments.samples = self.samples;
        moments.held_out = self.held_out;
        moments.reading = self.reading;
        moments.exposed = Some(Exposed {
            exposure: exposure.clone(),
            plain_loss: self.loss,
            plain_inverse,
        });
        moments
    }

    /// The exposure of modalities; None where the data are taken as they are.
    pub fn exposure(&self) -> Option<&Exposure> {
        self.exposed.as_ref().map(|exposed| &exposed.exposure)
    }

    /// The loss of linear maps whose modalities are all there and count once.
    pub fn plain_loss(&self) -> &Quadratic {
        let exposed = self.exposed.as_ref();
        exposed.map_or(&self.loss, |exposed| &exposed.plain_loss)
    }

    /// S_xx^+ of inputs that are all there and count once, d x d.
    pub fn plain_inverse(&self) -> &SemiDefinite {
        let exposed = self.exposed.as_ref();
        exposed.map_or(self.inverse(), |exposed| &exposed.plain_inverse)
    }

    /// The moments of the inputs of each modality times its factor, with the same bounds of ranks. What the data
    /// generalise to, and the samples behind them, are left out.
    pub fn rescaled(&self, factors: &[f64]) -> Moments {
        let mut cross = self.cross.clone();
        let mut blocks = Vec::new();
        for (modality, &factor) in self.modalities.iter().zip(factors) {
            let range = modality.range.clone();
            cross.columns_range_mut(range.clone()).scale_mut(factor);
            blocks.push((range, factor * factor, factor));
        }
        let inputs = self.inputs.reweighted(&blocks);
        let power = 2.0 * self.initial_loss;
        let mut moments = Moments::new(self.modalities.clone(), inputs, cross, power);
        if let Some(bounds) = &self.bounds {
            moments.bound_ranks(bounds);
        }
        moments
    }
}
