//! When deep networks learn each modality, from their actual initial weights, whatever their alignment.
//!
//! Three layers and more: each stack follows the homogeneous flow (`homogeneous.rs`) of its drive until it blows up,
//! and the drives change from saddle to saddle,
//!
//! ```text
//! D_m = S_yxm - W_S S_Sm        with the learned modalities S at their least-squares solution W_S
//! ```
//!
//! **Late fusion.** The stacks do not know each other but for their drives. The one that blows up first is learned
//! first, the others go on from their state at that time under their new drives. A stack of two layers beside deeper
//! ones is learned when its map, which grows exponentially, has the norm of its least-squares solution.
//!
//! **Intermediate fusion.** (1) All layers flow together under S_yxA, S_yxB, ... until the map of one modality, A, has
//! the norm p of its least-squares solution (half of it where each modality has two private layers). (2) The shared
//! layers are then of rank one, along a direction v of the fused units, with a product q that the learned maps set.
//! Every other stack, its last layer read out along v, follows the homogeneous flow of its private layers under the
//! drive q D_m until its map has half the norm of its least-squares solution; and so from saddle to saddle.
//!
//! **Early fusion.** All layers flow together, and all modalities are learned when they blow up.
//!
//! **Descent** of a small learning rate comes to the same places later: by its lag times the logarithm of how much the
//! rate has grown (`heavy_ball.rs`, `homogeneous.rs`), up to where the drop is half way down.
//!
//! Source: derived here to leading order in small weights; Zhang, Latham & Saxe (ICML 2024), sections on late and
//! intermediate fusion, have it for aligned layers of equal norm. Two layers: `order.rs`, `two_layer.rs`.

mod intermediate;
mod result;

pub use result::FromWeights;

use super::growth::{drives, learning_order};
use super::heavy_ball::HeavyBall;
use super::homogeneous::{Reached, SmallNetwork};
use super::order::two_layer_schedule;
use crate::data::Moments;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};
use result::Event;

/// Relative tolerance of the homogeneous flows: far below the terms that leading order neglects.
const RTOL: f64 = 1e-5;

/// The times of all modalities from the initial weights of a network, which may be those of a reduction: of three
/// layers and more by their blow-up, of two layers of late fusion by their modes ([`two_layer_schedule`]).
///
/// # Errors
/// Why the times are not known.
pub fn from_weights(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
) -> Result<FromWeights, &'static str> {
    times(moments, architecture, weights, None)
}

/// The same by the steps of a descent, to first order in its learning rate. Three layers and more only.
///
/// # Errors
/// Why the times are not known.
pub fn descent_from_weights(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    steps: HeavyBall,
) -> Result<FromWeights, &'static str> {
    times(moments, architecture, weights, Some(steps))
}

fn times(
    moments: &Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    steps: Option<HeavyBall>,
) -> Result<FromWeights, &'static str> {
    let modalities = 0..moments.modalities.len();
    if !architecture.is_linear() {
        return Err("times from the actual weights are those of linear networks");
    }
    let is_two_layer = architecture
        .fusion()
        .is_some_and(|fusion| fusion.depth == 2);
    if is_two_layer {
        let times = match steps {
            None => two_layer_schedule(moments, architecture, weights),
            Some(_) => None,
        };
        let times =
            times.ok_or("times from the actual weights of two layers are not known here")?;
        let event = |time| Event { time, delay: 0.0 };
        let times: Vec<_> = times.into_iter().map(|time| time.map(event)).collect();
        return Ok(FromWeights::of((moments, architecture), &times, None));
    }
    let is_late = architecture.shared.is_empty();
    if !is_late && modalities.clone().any(|m| architecture.depth(m) < 3) {
        return Err("times from the actual weights by their blow-up need three layers or more");
    }
    let problem = Problem {
        moments,
        architecture,
        weights,
        steps,
    };
    if is_late {
        let times = problem.late();
        return above_zero(FromWeights::of((moments, architecture), &times, steps));
    }
    if modalities
        .clone()
        .all(|m| architecture.fusion_layer(m) == 1)
    {
        return Ok(problem.early());
    }
    if moments.outputs_len() > 1 {
        return Err(
            "times from the actual weights of intermediate fusion are known for one output only",
        );
    }
    if modalities
        .clone()
        .any(|m| architecture.fusion_layer(m) == 1)
    {
        return Err(
            "times from the actual weights are not known where some modalities are fused first",
        );
    }
    let times = problem.intermediate();
    let mut found = FromWeights::of((moments, architecture), &times, steps);
    found.shared_share = problem.shared_share();
    above_zero(found)
}

/// The times, unless one is zero.
fn above_zero(found: FromWeights) -> Result<FromWeights, &'static str> {
    match found.times.values().any(|time| *time == Some(0.0)) {
        false => Ok(found),
        true => Err("times from the actual weights are not known: a map starts above its level"),
    }
}

/// How long a stack under its drive takes until it is learned, its modality one of those that are given with it.
type Wait<'w> = dyn Fn(&SmallNetwork, &DMatrix<f64>, (usize, &[usize])) -> Option<Event> + 'w;

/// What the times depend on.
struct Problem<'p> {
    moments: &'p Moments,
    architecture: &'p Architecture,
    weights: &'p DVector<f64>,
    steps: Option<HeavyBall>,
}

impl Problem<'_> {
    fn count(&self) -> usize {
        self.moments.modalities.len()
    }

    /// The private layers of a modality in a state of the network, the last one multiplied from the left by
    /// `read_out` (rows of its fused units) where there is one.
    fn layers(
        &self,
        state: &DVector<f64>,
        m: usize,
        read_out: Option<&DVector<f64>>,
    ) -> Vec<DMatrix<f64>> {
        let own = self.architecture.private[m].clone();
        let layer = |l: usize| {
            let layer = self.architecture.view(state, l).into_owned();
            match read_out.filter(|_| l + 1 == own.end) {
                Some(direction) => row_of(direction) * layer,
                None => layer,
            }
        };
        own.clone().map(layer).collect()
    }

    /// A network at the start, which descent leaves with the velocity zero.
    fn starting(&self, mut network: SmallNetwork, drive: &DMatrix<f64>) -> SmallNetwork {
        let start = |steps: HeavyBall| network.rate(drive) * -steps.start_over_lag();
        network.behind = self.steps.map(start);
        network
    }

    /// How much later than the flow descent comes to the middle of a drop, over its lag: up to where the flow got to in
    /// `layers` layers, and from there by ln(g/g0), g being the rate where the map has the norm `half` of the middle and
    /// the drive half of its size.
    fn delay(&self, reached: &Reached, drive: &DMatrix<f64>, half: f64, layers: usize) -> f64 {
        if self.steps.is_none() {
            return 0.0;
        }
        let layers = layers as f64;
        let growth = (half / reached.norm).powf((layers - 1.0) / layers);
        reached.network.delay(drive) + (0.5 * growth).ln()
    }

    /// Late fusion: from blow-up to blow-up.
    fn late(&self) -> Vec<Option<Event>> {
        let at_start = drives(self.moments, &[]);
        let stack = |m: usize| {
            let stack = SmallNetwork::of_stack(&self.layers(self.weights, m, None))?;
            Some(self.starting(stack, &at_start[m]))
        };
        let stacks = (0..self.count()).map(stack).collect();
        let start = Event {
            time: 0.0,
            delay: 0.0,
        };
        self.one_by_one(
            stacks,
            (Vec::new(), start),
            &|learned| drives(self.moments, learned),
            &|stack, drive, (m, all)| {
                let layers = self.architecture.depth(m);
                // Two layers never blow up: their map grows exponentially, and saturates as a logistic function
                // that is half way up where the exponential is all the way.
                let (time, reached) = if layers > 2 {
                    stack.blow_up(drive, RTOL)?
                } else {
                    let (_, reached) =
                        stack.flow_until(drive, &[(0, self.map_norm(all, m))], RTOL)?;
                    (reached.time, reached)
                };
                let delay = self.delay(&reached, drive, 0.5 * self.map_norm(all, m), layers);
                Some(Event { time, delay })
            },
        )
    }

    /// Stacks that do not know each other but for their drives, from `start` on, at which the modalities in
    /// `learned` are: `drives` are those of all stacks while some are learned, `wait` how long one takes until it
    /// is learned, too, and then is one of the modalities that it is given.
    fn one_by_one(
        &self,
        mut stacks: Vec<Option<SmallNetwork>>,
        (mut learned, start): (Vec<usize>, Event),
        drives: &dyn Fn(&[usize]) -> Vec<DMatrix<f64>>,
        wait: &Wait<'_>,
    ) -> Vec<Option<Event>> {
        let mut times = vec![None; self.count()];
        for &m in &learned {
            times[m] = Some(start);
        }
        let mut now = start;
        let mut drive = drives(&learned);
        loop {
            let with = |m: usize| {
                let is_in = |other: &usize| *other == m || learned.contains(other);
                (0..self.count()).filter(is_in).collect::<Vec<usize>>()
            };
            let waits = stacks.iter().enumerate().filter_map(|(m, stack)| {
                let (stack, drive, all) = (stack.as_ref()?, &drive[m], with(m));
                // Nothing is left to learn.
                if drive.norm() == 0.0 || self.map_norm(&all, m) == 0.0 {
                    return None;
                }
                let wait = wait(stack, drive, (m, &all))?;
                Some((m, wait))
            });
            let next = waits.min_by(|a, b| a.1.time.total_cmp(&b.1.time));
            let Some((next, wait)) = next else {
                return times;
            };
            now = now.then(wait);
            let (due, rates) = advance(&mut stacks, next, wait.time, &drive);
            for m in due {
                times[m] = Some(now);
                learned.push(m);
            }
            learned.sort_unstable();
            drive = drives(&learned);
            for (m, (stack, rate)) in stacks.iter_mut().zip(rates).enumerate() {
                if let Some((stack, rate)) = stack.as_mut().zip(rate) {
                    stack.switch(&rate, &drive[m], wait.delay);
                }
            }
        }
    }

    /// Early fusion: the blow-up of all layers together.
    fn early(&self) -> FromWeights {
        let shared = self.architecture.shared.clone();
        let first = (0..self.count()).flat_map(|m| self.layers(self.weights, m, None));
        let first: Vec<DMatrix<f64>> = first.collect();
        let columns: Vec<_> = first.iter().flat_map(|layer| layer.column_iter()).collect();
        let mut layers = vec![DMatrix::from_columns(&columns)];
        layers.extend(shared.map(|l| self.architecture.view(self.weights, l).into_owned()));
        let cross = &self.moments.cross;
        let stack = SmallNetwork::of_stack(&layers);
        let event = stack.and_then(|stack| {
            let (time, reached) = self.starting(stack, cross).blow_up(cross, RTOL)?;
            let all: Vec<usize> = (0..self.count()).collect();
            let strongest = learning_order(self.moments)[0];
            let layers = self.architecture.depth(strongest);
            let half = 0.5 * self.map_norm(&all, strongest);
            let delay = self.delay(&reached, cross, half, layers);
            Some(Event { time, delay })
        });
        let problem = (self.moments, self.architecture);
        let mut found = FromWeights::of(problem, &vec![event; self.count()], self.steps);
        (found.first, found.second) = (None, None);
        found
    }

    /// Frobenius norm of modality m's map where the modalities `learned` are at their joint least-squares solution.
    fn map_norm(&self, learned: &[usize], m: usize) -> f64 {
        let map = self.moments.critical_map(learned);
        self.moments.block(&map, m).norm()
    }
}

/// Takes out the stack `next`, which is learned after `wait`, and moves the others on under their drives. Gives back what
/// is learned then, `next` and those that are equally fast to within the tolerance, and where descent is followed the rates
/// of the others.
fn advance(
    stacks: &mut [Option<SmallNetwork>],
    next: usize,
    wait: f64,
    drives: &[DMatrix<f64>],
) -> (Vec<usize>, Vec<Option<DVector<f64>>>) {
    let mut due = vec![next];
    let mut rates = vec![None; stacks.len()];
    stacks[next] = None;
    for (m, stack) in stacks.iter_mut().enumerate() {
        let Some(small) = stack else { continue };
        *stack = small.flow_for(&drives[m], wait, RTOL);
        match stack {
            Some(small) if small.behind.is_some() => rates[m] = Some(small.rate(&drives[m])),
            Some(_) => {}
            None => due.push(m),
        }
    }
    (due, rates)
}

/// A direction as a matrix of one row.
fn row_of(direction: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_row_slice(1, direction.len(), direction.as_slice())
}
