//! Minima of the generalisation error in time.

use super::Point;
use crate::trajectory::Observables;
use crate::trajectory::{Knot, Trajectory};
use serde::Serialize;

/// A minimum counts when its prominence is at least this many times the trajectory's relative
/// tolerance, of the initial E_g. Values between knots are kept to that tolerance, the steps of the
/// integrator add up to some of them (docs/method.md, the errors against the tolerance), and a
/// plateau's round-off is far below: what is above is of the flow. Whether a minimum is deep enough
/// to matter is not judged here; the prominence is told.
pub const RESOLVED: f64 = 100.0;

/// A minimum of the generalisation error inside a run: an early-stopping time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Minimum {
    /// When, and how large E_g is.
    #[serde(flatten)]
    pub at: Point,
    /// How far E_g rises from here, on the side where that is less, before it falls below this
    /// minimum or the run ends: topographic prominence, as scipy.signal.peak_prominences has it.
    pub prominence: f64,
}

/// Start and end of the trajectory and all points between them at which E_g turns, in order of time: the zeros of
/// dE_g/dt on the trajectory's piecewise polynomials, by bisection to the last digit. None where there is no E_g.
pub(super) fn turns(trajectory: &Trajectory, observables: &Observables<'_>) -> Vec<Point> {
    let falls = |knot: &Knot| {
        observables
            .generalisation_rate(knot)
            .is_some_and(|rate| rate < 0.0)
    };
    let point = |time: f64| {
        let error = observables.generalisation(&trajectory.at(time));
        error.map(|error| Point { time, error })
    };
    let mut turns = Vec::from_iter(point(0.0));
    let mut before: Option<(f64, bool)> = None;
    for time in trajectory.scan() {
        let falling = falls(&trajectory.at(time));
        if let Some((earlier, was_falling)) = before
            && was_falling != falling
        {
            let turned = |knot: &Knot| falls(knot) == falling;
            turns.extend(point(trajectory.first_time(earlier, time, turned)));
        }
        before = Some((time, falling));
    }
    turns.extend(point(trajectory.end().time));
    turns
}

/// The minima among the turns, first and last excluded, that the tolerance resolves.
pub(super) fn minima(turns: &[Point], tolerance: f64) -> Vec<Minimum> {
    let Some(initial) = turns.first() else {
        return Vec::new();
    };
    let least_prominence = RESOLVED * tolerance * initial.error;
    (1..turns.len().saturating_sub(1))
        .map(|i| Minimum {
            at: turns[i],
            prominence: prominence(turns, i),
        })
        .filter(|minimum| minimum.prominence > least_prominence)
        .collect()
}

/// Prominence of the i-th turn as a minimum; 0 for a maximum. Of equal minima the first one has
/// it all.
fn prominence(turns: &[Point], i: usize) -> f64 {
    let level = turns[i].error;
    let highest = |points: &mut dyn Iterator<Item = &Point>| {
        points.map(|point| point.error).fold(level, f64::max)
    };
    let left = highest(&mut turns[..i].iter().rev().take_while(|p| p.error > level));
    let right = highest(&mut turns[i + 1..].iter().take_while(|p| p.error >= level));
    left.min(right) - level
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(errors: &[f64], tolerance: f64) -> Vec<(f64, f64)> {
        let turns: Vec<Point> = (0..errors.len())
            .map(|i| Point {
                time: i as f64,
                error: errors[i],
            })
            .collect();
        minima(&turns, tolerance)
            .iter()
            .map(|minimum| (minimum.at.time, minimum.prominence))
            .collect()
    }

    #[test]
    fn prominence_is_the_lower_of_the_two_climbs() {
        // From 2 the left climb reaches 5, the right one 3; from 1 they reach 8 and 6.
        let errors = [8.0, 4.0, 5.0, 2.0, 3.0, 1.0, 6.0];
        assert_eq!(counted(&errors, 0.0), [(1.0, 1.0), (3.0, 1.0), (5.0, 5.0)]);
    }

    #[test]
    fn what_the_tolerance_does_not_resolve_is_no_minimum() {
        // 100 x 1e-4 x 8 = 0.08 counts no more.
        let errors = [8.0, 1.0, 1.07, 1.0, 6.0];
        assert_eq!(counted(&errors, 1e-4), [(1.0, 5.0)]);
        assert_eq!(counted(&[8.0, 1.0, 1.07], 1e-4), []);
        assert_eq!(counted(&[8.0, 1.0, 1.09], 1e-4).len(), 1);
    }

    #[test]
    fn no_number_is_no_minimum() {
        assert_eq!(counted(&[1.0, f64::NAN, 1.0], 0.0), []);
        assert_eq!(counted(&[], 0.0), []);
    }
}
