//! Products of a map with second moments, kept beside it where they are dear.
//!
//! The gradient at a map W takes its product with S_xx. With that and its like, loss, speed, powers and errors
//! cost no more than the map has entries:
//!
//! ```text
//! G   = (W* - W) S_xx     Loss = Loss_min + 1/2 tr[(W* - W) G^T]     dLoss/dt = -tr[G (dW/dt)^T]
//! H_m = W_m S_m           tr[W_m S_m W_m^T] = tr[W_m H_m^T]
//! E   = (V - W) S         E_g  = floor    + 1/2 tr[(V - W) E^T]      of the generalisation error
//! ```
//!
//! They are linear in W: polynomials through products at some times are the products of the polynomials through
//! the maps. A trajectory that keeps them at its knots needs none in between.

use super::{Moments, Quadratic};
use crate::linalg::{SemiDefinite, Size};
use std::ops::Range;

/// Writes the by-products of maps. Each is a matrix d x o by columns, the transposed product; those that are kept
/// stand in the order G, H, E.
#[derive(Debug, Clone)]
pub struct ByProducts<'a> {
    moments: &'a Moments,
    places: Places,
    /// Workspace of a product.
    inner: Vec<f64>,
}

/// Where the by-products stand among those that are kept; None where they are cheap enough to be computed whenever
/// they are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// G of the loss.
    pub residual: Option<Range<usize>>,
    /// H of all modalities, side by side: H_m is d_m x o by columns.
    pub own: Option<Range<usize>>,
    /// E of the generalisation error.
    pub error: Option<Range<usize>>,
    /// Number of entries of all of them.
    pub len: usize,
}

impl Places {
    /// Those that are worth keeping beside a map of so many entries, by the sizes of S_xx and of the second moment of
    /// the generalisation error.
    pub fn of(entries: usize, inputs: Size, error: Option<Size>) -> Self {
        let mut places = Self::default();
        let mut next = |is_dear: bool| {
            let start = places.len;
            places.len += if is_dear { entries } else { 0 };
            is_dear.then_some(start..places.len)
        };
        let residual = next(inputs.is_dear());
        let own = next(inputs.is_dear());
        let error = next(error.is_some_and(Size::is_dear));
        Self {
            residual,
            own,
            error,
            ..places
        }
    }
}

impl Moments {
    /// The by-products that are worth keeping beside a map.
    pub fn by_products(&self) -> Places {
        let error = self.generalisation.as_ref();
        let error = error.map(|generalisation| generalisation.error().covariance.size());
        let entries = self.outputs_len() * self.inputs_len();
        Places::of(entries, self.inputs.size(), error)
    }
}

impl<'a> ByProducts<'a> {
    /// Workspace for maps of these moments.
    pub fn new(moments: &'a Moments) -> Self {
        let error = moments
            .generalisation
            .as_ref()
            .map(|g| &g.error().covariance);
        let inner = [Some(&moments.loss.covariance), Some(&moments.inputs), error]
            .into_iter()
            .flatten()
            .map(SemiDefinite::inner_len);
        let places = moments.by_products();
        let inner = if places.len > 0 { inner.max() } else { None };
        Self {
            inner: vec![0.0; moments.outputs_len() * inner.unwrap_or(0)],
            places,
            moments,
        }
    }

    /// Number of entries that are kept beside a map.
    pub fn len(&self) -> usize {
        self.places.len
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.places.len == 0
    }

    /// Writes those of a joined map (o x d, by columns), and takes over its G (d x o, by columns) where that is known.
    /// Nothing is allocated.
    pub fn write(&mut self, map: &[f64], residual: Option<&[f64]>, out: &mut [f64]) {
        let outputs = self.moments.outputs_len();
        match (self.places.residual.clone(), residual) {
            (Some(place), Some(residual)) => out[place].copy_from_slice(residual),
            (Some(place), None) => {
                let optimum = &self.moments.loss.optimum;
                let left = |i: usize, k: usize| optimum[(k, i)] - map[k + i * outputs];
                self.apply_covariance(left, &mut out[place]);
            }
            (None, _) => {}
        }
        self.write_own(map, out);
        self.write_error(out, |error, i, k| {
            error.optimum[(k, i)] - map[k + i * outputs]
        });
    }

    /// Writes their time derivatives where the map has the derivative `rate`. Nothing is allocated.
    pub fn write_rates(&mut self, rate: &[f64], out: &mut [f64]) {
        let outputs = self.moments.outputs_len();
        let falls = |i: usize, k: usize| -rate[k + i * outputs];
        if let Some(place) = self.places.residual.clone() {
            self.apply_covariance(falls, &mut out[place]);
        }
        self.write_own(rate, out);
        self.write_error(out, |_, i, k| falls(i, k));
    }

    /// The product of a map, by its entries, with S_xx.
    fn apply_covariance(&mut self, entry: impl Fn(usize, usize) -> f64, out: &mut [f64]) {
        let covariance = &self.moments.loss.covariance;
        let inner = self.moments.outputs_len() * covariance.inner_len();
        covariance.apply(entry, &mut self.inner[..inner], out);
    }

    /// H of a joined map.
    fn write_own(&mut self, map: &[f64], out: &mut [f64]) {
        let Some(place) = self.places.own.clone() else {
            return;
        };
        let (inputs, outputs) = (&self.moments.inputs, self.moments.outputs_len());
        let inner = &mut self.inner[..outputs * inputs.inner_len()];
        let mut out = &mut out[place];
        for modality in &self.moments.modalities {
            let range = modality.range.clone();
            let (own, rest) = out.split_at_mut(range.len() * outputs);
            let entry = |i: usize, k: usize| map[k + (range.start + i) * outputs];
            inputs.apply_block(range.clone(), entry, inner, own);
            out = rest;
        }
    }

    /// The product of a map, by its entries, with the second moment of the generalisation error.
    fn write_error(&mut self, out: &mut [f64], entry: impl Fn(&Quadratic, usize, usize) -> f64) {
        let (Some(place), Some(generalisation)) =
            (self.places.error.clone(), &self.moments.generalisation)
        else {
            return;
        };
        let error = generalisation.error();
        let inner = self.moments.outputs_len() * error.covariance.inner_len();
        let inner = &mut self.inner[..inner];
        let entry = |i: usize, k: usize| entry(error, i, k);
        error.covariance.apply(entry, inner, &mut out[place]);
    }
}
