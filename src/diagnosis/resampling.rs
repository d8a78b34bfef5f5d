//! How sure the order, superficiality and time ratio are: halves of the rows.
//!
//! A statistic of m of n rows, drawn without replacement, spreads about that of all rows with the variance
//! sigma^2 (1/m - 1/n). With m = n/2 that is sigma^2/n, the variance of the statistic of all rows itself: no scale is left
//! to correct, and no row occurs twice, as it does in the bootstrap, where repeated rows make dependent inputs. This is the
//! delete-d jackknife with d = n/2. Source: J. Shao & C. F. J. Wu, "A general theory for jackknife variance
//! estimation" (Annals of Statistics 17, 1989).
//!
//! Half of the rows also have more noise than all of them, which moves a statistic one way. So the spread is taken about the
//! median of the halves, and put at the value of all rows.
//!
//! Everything that is told of a half is told of its own rows alone: a modality that grows fast in it by chance explains much
//! there by the same chance.

use super::clock::{Ongoing, Tick};
use super::rates::{Rates, fastest};
use super::ridge::Ridge;
use super::rows::Pool;
use crate::linalg::random::{Purpose, cell_seed, stream};
use rayon::prelude::*;

/// The bounds of the interval of a ratio: 10 and 90 %.
const INTERVAL: [f64; 2] = [0.1, 0.9];

/// What one half of the rows tells.
#[derive(Debug, Clone)]
pub(super) struct Half {
    /// How fast modalities are learned.
    pub(super) rates: Rates,
    /// What each explains alone.
    pub(super) alone: Vec<f64>,
}

/// So many halves; `tick` is called after each.
pub(super) fn halves(
    pool: &Pool,
    ridge: &Ridge<'_>,
    (count, seed): (usize, u64),
    tick: &Tick<'_>,
) -> Ongoing<Vec<Half>> {
    let half = |k: u64| {
        let mut random = stream(cell_seed(seed, k), Purpose::Resampling);
        let [rows, _] = pool.random_rows(0.5, &mut random);
        let part = pool.part(&rows);
        let half = Half {
            rates: Rates::of(&part, &pool.modalities),
            alone: ridge.alone(&part),
        };
        tick()?;
        Ok(half)
    };
    (0..count as u64).into_par_iter().map(half).collect()
}

/// How sure a statement is that holds where a statistic is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Confidence {
    /// The share of resamples about the value of all rows that say the same, with half a resample for and half against it,
    /// so that it is never certain.
    pub(super) confidence: f64,
    /// The share of resamples that say the same as they are.
    pub(super) share: f64,
}

/// A smaller lead is a tie: of modalities that are copies of one another.
const ROUND_OFF: f64 = 1e-9;

impl Confidence {
    /// That of the sign of `value`, by resamples of it about that value, and by them as they are.
    pub(super) fn of(value: f64, about: &[f64], as_they_are: &[f64]) -> Option<Self> {
        let agreement = |x: &f64| match x.abs() <= ROUND_OFF || value.abs() <= ROUND_OFF {
            // A tie speaks for neither.
            true => 0.5,
            false => f64::from(u8::from((*x > 0.0) == (value > 0.0))),
        };
        let agree = |resamples: &[f64]| {
            let known = resamples.iter().filter(|x| !x.is_nan());
            let (agree, count) = known.fold((0.0, 0.0), |(sum, count), x| {
                (sum + agreement(x), count + 1.0)
            });
            (count > 0.0).then_some((agree, count))
        };
        let ((about, count), (own, own_count)) = agree(about).zip(agree(as_they_are))?;
        Some(Self {
            confidence: (about + 0.5) / (count + 1.0),
            share: own / own_count,
        })
    }
}

/// Resamples of a statistic with their median put at its value of all rows.
pub(super) fn about(value: f64, resamples: &[f64]) -> Vec<f64> {
    let known: Vec<f64> = resamples.iter().copied().filter(|x| !x.is_nan()).collect();
    let middle = quantile(&known, 0.5).filter(|middle| middle.is_finite() && value.is_finite());
    let shift = middle.map_or(0.0, |middle| value - middle);
    resamples.iter().map(|x| x + shift).collect()
}

/// The interval of a ratio: quantiles of its logarithm in the resamples about their median, put at the value of all rows.
pub(super) fn interval(value: f64, resamples: &[f64]) -> Option<[f64; 2]> {
    let logs: Vec<f64> = resamples.iter().map(|ratio| ratio.ln()).collect();
    let middle = quantile(&logs, 0.5)?;
    let end = |at: f64| Some(value * (quantile(&logs, at)? - middle).exp());
    Some([end(INTERVAL[0])?, end(INTERVAL[1])?])
}

/// Ratios of the halves that have one, of the modality `first`.
pub(super) fn ratios(halves: &[Half], first: usize) -> Vec<f64> {
    let same = halves
        .iter()
        .filter(|half| fastest(&half.rates.growth) == first);
    same.filter_map(|half| half.rates.late_ratio).collect()
}

/// A quantile, by linear interpolation; None where there is nothing.
pub(super) fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = at * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    Some(match low == high {
        true => low,
        false => low + (high - low) * place.fract(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: f64, resamples: &[f64]) -> Option<Confidence> {
        Confidence::of(value, &about(value, resamples), resamples)
    }

    /// About the value 1 the resamples are -0.5, 1, 2 and 1: three of four say the same.
    #[test]
    fn confidence_is_told_about_the_value_of_all_rows() {
        let resamples = [-1.0, 0.5, 1.5, 0.5];
        let found = told(1.0, &resamples).expect("resamples");
        assert_eq!((found.confidence, found.share), (3.5 / 5.0, 0.75));
        // Noise that moves all halves one way does not count: about the value 1 they are -0.5, 1 and 2 as before.
        let moved = told(1.0, &resamples.map(|x| x - 2.0)).expect("resamples");
        assert_eq!((moved.confidence, moved.share), (3.5 / 5.0, 0.0));
        assert_eq!(told(1.0, &[]), None);
        // Of copies of one modality each half says that neither is ahead.
        let tied = told(0.0, &[1e-16, -1e-16, 0.0]).expect("resamples");
        assert_eq!((tied.confidence, tied.share), (0.5, 0.5));
        // A half that does not know says nothing.
        let unknown = told(1.0, &[f64::NAN, -1.0, 0.5, 1.5, 0.5]).expect("resamples");
        assert_eq!(unknown, found);
    }

    #[test]
    fn intervals_stand_about_the_value_of_all_rows() {
        let ratios: Vec<f64> = (0..=10).map(|k| f64::from(k).exp()).collect();
        let [low, high] = interval(1.0, &ratios).expect("resamples");
        assert!((low.ln() + 4.0).abs() < 1e-12 && (high.ln() - 4.0).abs() < 1e-12);
        assert_eq!(interval(1.0, &[]), None);
    }
}
