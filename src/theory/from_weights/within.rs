//! Within a step of an integration: integrals over it, and where it crosses.

use crate::integrate::Segment;
use nalgebra::DVector;

/// A function of time and its rate.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) time: f64,
    pub(super) value: DVector<f64>,
    pub(super) rate: DVector<f64>,
}

/// A function of a time and the state then.
pub(super) type Function<'f> = dyn FnMut((f64, &DVector<f64>)) -> Point + 'f;

/// The integral of a function of the state over a segment, from the values f at its ends and middle and the rates at its
/// ends (Hermite's rule of order six),
///
/// ```text
/// h/30 (7 f_0 + 16 f_1 + 7 f_2) + h^2/60 (f_0' - f_2')
/// ```
///
/// over halves of it, until that differs from Simpson's rule by less than `error`. None where the method cannot step
/// into the segment, and where that takes more than the states `left`, from which they are taken.
pub(super) fn integrated(
    segment: &mut dyn Segment,
    function: &mut Function<'_>,
    error: f64,
    left: &mut usize,
) -> Option<DVector<f64>> {
    /// No part is smaller than the segment over two to this power.
    const HALVINGS: u32 = 12;
    let nodes = segment
        .nodes()
        .map(|node| function((node.time, node.state)));
    let mut sum = &nodes[0].value * 0.0;
    let mut parts = vec![(nodes, HALVINGS)];
    while let Some(([start, middle, end], halvings)) = parts.pop() {
        let length = end.time - start.time;
        let ends = &start.value + &end.value;
        let simpson = (&ends + &middle.value * 4.0) * (length / 6.0);
        let rule = (ends * 7.0 + &middle.value * 16.0) * (length / 30.0)
            + (&start.rate - &end.rate) * (length * length / 60.0);
        if halvings == 0 || (simpson - &rule).norm() <= error {
            sum += rule;
            continue;
        }
        *left = left.checked_sub(2)?;
        let mut between = |a: &Point, b: &Point| {
            let time = 0.5 * (a.time + b.time);
            let state = segment.state_at(time)?;
            Some(function((time, &state)))
        };
        let (left, right) = (between(&start, &middle)?, between(&middle, &end)?);
        parts.push(([start, left, middle.clone()], halvings - 1));
        parts.push(([middle, right, end], halvings - 1));
    }
    Some(sum)
}

/// Where in a segment the share passes one half: by false position, the weight of an end that stays halved (the Illinois
/// method).
pub(super) fn crossing(
    segment: &mut dyn Segment,
    share: &mut dyn FnMut(&DVector<f64>) -> f64,
) -> Option<f64> {
    /// A few are enough; bisection alone would leave a millionth of the segment.
    const MOST_STEPS: u32 = 20;
    /// Far below the share that a step's error moves.
    const NEAR: f64 = 1e-7;
    let ends = segment
        .nodes()
        .map(|node| (node.time, share(node.state) - 0.5));
    let [mut before, _, mut after] = ends;
    for _ in 0..MOST_STEPS {
        let time = (before.0 * after.1 - after.0 * before.1) / (after.1 - before.1);
        let excess = share(&segment.state_at(time)?) - 0.5;
        if excess.abs() < NEAR {
            return Some(time);
        }
        if excess < 0.0 {
            before = (time, excess);
            after.1 *= 0.5;
        } else {
            after = (time, excess);
            before.1 *= 0.5;
        }
    }
    Some(after.0)
}
