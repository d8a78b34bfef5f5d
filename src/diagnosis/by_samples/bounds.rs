//! How much a diagnosis by samples may do: multiplications, not seconds, so that every machine tells the same.

use crate::flow::sampled_work;

/// Multiplications of all flows together: two and a half minutes on two idle cores.
const ALL: u64 = 1_200_000_000_000;

/// Multiplications in a second on two idle cores.
const PER_SECOND: u64 = 8_000_000_000;

/// Evaluations that a flow should have: those of four layers of ReLU units on the rows of diabetes took 3,000 to 5,000.
const EVALUATIONS: u64 = 15_000;

/// Passes of a step over the rows trained on, each the work of an evaluation, and over the rows held out. By these 5e10
/// multiplications took four seconds on one core.
const PASSES: u64 = 4;
const PASSES_HELD_OUT: u64 = 1;

/// Steps of a flow at the most: one that takes more crawls along kinks, and will not learn what it has not learned.
const MOST_STEPS: u64 = 10_000;

/// Fewest rows.
const FEWEST: usize = 50;

/// How much a flow may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Rows trained on; as many are held out at the most.
    pub(super) rows: usize,
    /// Those that there are.
    pub(super) of: usize,
    /// Steps of a flow.
    pub(super) steps: u64,
    /// Multiplications of a flow, about: a Chebyshev step has as many stages as its length asks for.
    pub(super) multiplications: u64,
    /// Seconds of all flows on two idle cores, at the most, about.
    pub(super) seconds: u64,
}

impl Bounds {
    /// Of so many flows of a network of so many weights, on so many rows trained on and held out; draws of a population are all
    /// taken.
    pub(super) fn of(
        flows: usize,
        weights: usize,
        (rows, held_out): (usize, usize),
        is_drawn: bool,
    ) -> Self {
        let most = ALL / flows.max(1) as u64;
        let affordable = most / EVALUATIONS / sampled_work(weights, 1).max(1);
        let taken = match is_drawn {
            true => rows,
            false => rows.min(FEWEST.max(affordable as usize)),
        };
        let passed = PASSES * taken as u64 + PASSES_HELD_OUT * held_out.min(taken) as u64;
        let step = sampled_work(weights, passed).max(1);
        let steps = (most / step).clamp(1, MOST_STEPS);
        Self {
            rows: taken,
            of: rows,
            steps,
            multiplications: steps * step,
            seconds: (steps * step * flows.max(1) as u64).div_ceil(PER_SECOND),
        }
    }
}
