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

use super::clock::{Ongoing, Tick};
use super::rates::{Rates, fastest};
use super::ridge::{Explained, Squares};
use super::rows::Pool;
use crate::linalg::random::{Purpose, cell_seed, stream};
use rayon::prelude::*;

/// The bounds of the interval of a ratio: 10 and 90 %.
const INTERVAL: [f64; 2] = [0.1, 0.9];

/// What one half of the rows tells, tested on the other half.
#[derive(Debug, Clone)]
pub(super) struct Half {
    /// How fast modalities are learned.
    pub(super) rates: Rates,
    /// What they explain.
    pub(super) explained: Explained,
}

/// So many halves; `tick` is called after each.
pub(super) fn halves(
    pool: &Pool,
    penalties: &[f64],
    (count, seed): (usize, u64),
    tick: &Tick<'_>,
) -> Ongoing<Vec<Half>> {
    let half = |k: u64| {
        let mut random = stream(cell_seed(seed, k), Purpose::Resampling);
        let split = pool.random_split(0.5, &mut random);
        let squares = Squares::of(&split, &pool.modalities, penalties);
        let half = Half {
            rates: Rates::of(&split.training, &pool.modalities),
            explained: squares.explained(pool.modalities.len()),
        };
        tick()?;
        Ok(half)
    };
    (0..count as u64).into_par_iter().map(half).collect()
}

/// How sure a statement is that holds where a statistic is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Confidence {
    /// How often another sample of as many rows would say the same: the share of resamples about the value of all rows,
    /// with half a resample for and half against it, so that it is never certain.
    pub(super) confidence: f64,
    /// The share of resamples that say the same as they are.
    pub(super) share: f64,
}

/// A smaller lead is a tie: of modalities that are copies of one another.
const ROUND_OFF: f64 = 1e-9;

/// That of the sign of `value`, by resamples of it.
pub(super) fn confidence(value: f64, resamples: &[f64]) -> Option<Confidence> {
    let known: Vec<f64> = resamples.iter().copied().filter(|x| !x.is_nan()).collect();
    let middle = quantile(&known, 0.5)?;
    let agreement = |x: f64| match x.abs() <= ROUND_OFF || value.abs() <= ROUND_OFF {
        // A tie speaks for neither.
        true => 0.5,
        false => f64::from(u8::from((x > 0.0) == (value > 0.0))),
    };
    let agree = |shift: f64| known.iter().map(|x| agreement(x + shift)).sum::<f64>();
    let shift = if value.is_finite() && middle.is_finite() {
        value - middle
    } else {
        0.0
    };
    let count = known.len() as f64;
    Some(Confidence {
        confidence: (agree(shift) + 0.5) / (count + 1.0),
        share: agree(0.0) / count,
    })
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

    /// About the value 1 the resamples are -0.5, 1, 2 and 1: three of four say the same.
    #[test]
    fn confidence_is_told_about_the_value_of_all_rows() {
        let resamples = [-1.0, 0.5, 1.5, 0.5];
        let found = confidence(1.0, &resamples).expect("resamples");
        assert_eq!((found.confidence, found.share), (3.5 / 5.0, 0.75));
        // Noise that moves all halves one way does not count: about the value 1 they are -0.5, 1 and 2 as before.
        let moved = confidence(1.0, &resamples.map(|x| x - 2.0)).expect("resamples");
        assert_eq!((moved.confidence, moved.share), (3.5 / 5.0, 0.0));
        assert_eq!(confidence(1.0, &[]), None);
        // Of copies of one modality each half says that neither is ahead.
        let tied = confidence(0.0, &[1e-16, -1e-16, 0.0]).expect("resamples");
        assert_eq!((tied.confidence, tied.share), (0.5, 0.5));
    }

    #[test]
    fn intervals_stand_about_the_value_of_all_rows() {
        let ratios: Vec<f64> = (0..=10).map(|k| f64::from(k).exp()).collect();
        let [low, high] = interval(1.0, &ratios).expect("resamples");
        assert!((low.ln() + 4.0).abs() < 1e-12 && (high.ln() - 4.0).abs() < 1e-12);
        assert_eq!(interval(1.0, &[]), None);
    }
}
