//! What some modalities fit, found by integrating their stacks alone.

use crate::data::{Loss, Moments};
use crate::flow::Flow;
use crate::integrate::{Method, Outcome, Pair, Segment, Settings, Verdict, integrate_explicit};
use crate::linalg::{dot, norm};
use crate::network::{Architecture, smallest_layer_rms};
use nalgebra::DVector;

/// Share of the loss gained so far that the last third of the time may have gained where a fit is at rest: its outputs are
/// then within the root of that. The rate does not tell, since units that rest at a kink go on jumping to and fro.
const LEFT: f64 = 1e-6;

/// The same under cross-entropy. Classes that can be told apart have no minimum at finite weights: the loss falls like 1/t,
/// and probabilities are within about this share of where they tend to.
const LEFT_OF_CLASSES: f64 = 1e-3;

/// Relative tolerance of a step.
const RTOL: f64 = 1e-4;

/// Most steps of an integration.
const MOST_STEPS: u64 = 20_000;

/// Most numbers kept of the outputs along the way: 64 MB.
const MOST_KEPT: usize = 8_000_000;

/// What a stack comes to beside others.
pub(super) struct Fitted {
    /// The weights of all of them at rest.
    pub(super) weights: DVector<f64>,
    /// When the stack's outputs hold half of its part of the target, where that is known, and else half of what they come to.
    pub(super) half: Option<f64>,
    /// When a jump from nothing to what they come to would have the same integral over time.
    pub(super) instant: f64,
    /// The integral over time of how much the outputs of all stacks are below those of that jump, for each sample.
    pub(super) excess: Vec<f64>,
    /// How long they take from a quarter to three quarters of it, over ln 9: one over the rate of a logistic function.
    pub(super) duration: f64,
}

/// The weights that a flow comes to in a time.
///
/// # Errors
/// How the integration ended, where it ended before that: interrupted, where `go_on` says so.
pub(super) fn flow_for(
    mut flow: Flow<'_>,
    start: DVector<f64>,
    duration: f64,
    go_on: &dyn Fn() -> bool,
) -> Result<DVector<f64>, Outcome> {
    if duration <= 0.0 {
        return Ok(start);
    }
    let settings = settings(flow.architecture(), &start, duration);
    let end = integrate_explicit(
        &mut flow,
        start,
        &settings,
        &mut |_: &mut dyn Segment| match go_on() {
            true => Verdict::Continue,
            false => Verdict::Stop(Outcome::Interrupted),
        },
    );
    match end.outcome {
        Outcome::TimeReached => Ok(end.state),
        outcome => Err(outcome),
    }
}

/// The settings of an integration of this folder.
pub(super) fn settings(architecture: &Architecture, start: &DVector<f64>, t_end: f64) -> Settings {
    Settings {
        method: Method::RungeKutta(Pair::Dopri5),
        rtol: RTOL,
        atol: RTOL * smallest_layer_rms(architecture, start),
        t_end,
        max_steps: MOST_STEPS,
    }
}

/// Follows stacks from `start`, all others being zero, of which that of modality `m` is small, to where they rest.
///
/// # Errors
/// How the integration ended, where it ended before that: interrupted, where `go_on` says so.
pub(super) fn fit(
    (moments, architecture): (&Moments, &Architecture),
    start: DVector<f64>,
    m: usize,
    go_on: &dyn Fn() -> bool,
) -> Result<Fitted, Outcome> {
    let mut flow = Flow::on_samples(architecture, moments);
    let mut reader = flow.clone();
    let mut losses = vec![(0.0, reader.loss(start.as_slice()))];
    let targets = moments.samples.as_ref().map_or(0.0, |s| norm(s.targets()));
    let mut course = Course::new(reader.outputs(Some(m), start.as_slice()), targets);
    let mut all = Area::new(reader.outputs(None, start.as_slice()));
    let settings = settings(architecture, &start, f64::INFINITY);
    let most_left = match moments.compared_by() {
        Loss::Squared => LEFT,
        Loss::CrossEntropy => LEFT_OF_CLASSES,
    };
    let end = integrate_explicit(
        &mut flow,
        start,
        &settings,
        &mut |segment: &mut dyn Segment| {
            let [start, _, end] = segment.nodes();
            let (start, time) = (start.time, end.time);
            losses.push((time, reader.loss(end.state.as_slice())));
            let last = reader.outputs(Some(m), end.state.as_slice());
            let parts = course.parts(&last);
            for k in 1..parts {
                if !go_on() {
                    return Verdict::Stop(Outcome::Interrupted);
                }
                let between = start + (time - start) * k as f64 / parts as f64;
                if let Some(state) = segment.state_at(between) {
                    course.push(between, reader.outputs(Some(m), state.as_slice()));
                    all.push(between, reader.outputs(None, state.as_slice()));
                }
            }
            course.push(time, last);
            all.push(
                time,
                reader.outputs(None, segment.nodes()[2].state.as_slice()),
            );
            match (is_at_rest(&losses, most_left), go_on()) {
                (true, _) => Verdict::Stop(Outcome::Converged),
                (false, true) => Verdict::Continue,
                (false, false) => Verdict::Stop(Outcome::Interrupted),
            }
        },
    );
    if end.outcome != Outcome::Converged {
        return Err(end.outcome);
    }
    let last = reader.outputs(Some(m), end.state.as_slice());
    course.outputs.push((end.time, last));
    let samples = moments.samples.as_ref();
    let probe = samples.and_then(|samples| samples.probe(m));
    Ok(Fitted::of(end.state, &course, &all, probe.as_deref()))
}

/// Whether the last third of the time gained next to nothing.
fn is_at_rest(losses: &[(f64, f64)], most_left: f64) -> bool {
    let (Some(first), Some(last)) = (losses.first(), losses.last()) else {
        return false;
    };
    let before = losses.partition_point(|(time, _)| *time <= last.0 * 2.0 / 3.0);
    let before = &losses[before.saturating_sub(1)];
    before.1 - last.1 <= most_left * (first.1 - last.1)
}

/// Outputs along the way, in parts of steps in which they change by little: between them they are taken for straight lines.
struct Course {
    /// Norm of the targets.
    targets: f64,
    outputs: Vec<(f64, Vec<f64>)>,
    steps: usize,
    stride: usize,
    most: usize,
}

impl Course {
    fn new(start: Vec<f64>, targets: f64) -> Self {
        /// Enough for a logistic curve by straight lines.
        const FEWEST: usize = 64;
        Self {
            targets,
            most: (MOST_KEPT / start.len().max(1)).max(FEWEST),
            outputs: vec![(0.0, start)],
            steps: 0,
            stride: 1,
        }
    }

    /// In how many parts to take a step that ends in some outputs.
    fn parts(&self, outputs: &[f64]) -> usize {
        /// Change of a part over the targets: a straight line then misses less than a thousandth of them.
        const CHANGE: f64 = 0.02;
        const MOST: f64 = 50.0;
        let before = self.outputs.last().map_or(&[][..], |(_, outputs)| outputs);
        let change = before.iter().zip(outputs).map(|(a, b)| (a - b) * (a - b));
        let change = change.sum::<f64>().sqrt();
        (change / (CHANGE * self.targets)).ceil().clamp(1.0, MOST) as usize
    }

    /// Keeps outputs, unless it is not their turn. Where there are too many, every other one goes.
    fn push(&mut self, time: f64, outputs: Vec<f64>) {
        self.steps += 1;
        if !self.steps.is_multiple_of(self.stride) {
            return;
        }
        self.outputs.push((time, outputs));
        if self.outputs.len() > self.most {
            let mut place = 0;
            self.outputs.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride *= 2;
        }
    }
}

/// The integral of outputs over time, by trapezoids.
struct Area {
    first: Vec<f64>,
    last: (f64, Vec<f64>),
    sum: Vec<f64>,
}

impl Area {
    fn new(start: Vec<f64>) -> Self {
        Self {
            sum: vec![0.0; start.len()],
            first: start.clone(),
            last: (0.0, start),
        }
    }

    fn push(&mut self, time: f64, outputs: Vec<f64>) {
        let half = 0.5 * (time - self.last.0);
        for (sum, (before, after)) in self.sum.iter_mut().zip(self.last.1.iter().zip(&outputs)) {
            *sum += half * (before + after);
        }
        self.last = (time, outputs);
    }

    /// By how much it is below that of a jump from the first to the last outputs.
    fn below_jump(&self, instant: f64) -> Vec<f64> {
        let (end, last) = &self.last;
        let ends = self.first.iter().zip(last);
        let jump = ends.map(|(first, last)| first * instant + last * (end - instant));
        jump.zip(&self.sum).map(|(jump, sum)| jump - sum).collect()
    }
}

impl Fitted {
    /// From the outputs of the stack and of all along the way, and what tells its part of the target in them.
    fn of(weights: DVector<f64>, course: &Course, all: &Area, probe: Option<&[f64]>) -> Self {
        let course = &course.outputs[..];
        let last = course.last().map_or(&[][..], |(_, outputs)| outputs);
        let size = dot(last, last).max(f64::MIN_POSITIVE);
        let along = |probe: &[f64], size: f64| -> Vec<(f64, f64)> {
            let shares = course
                .iter()
                .map(|(time, outputs)| (*time, dot(outputs, probe) / size));
            shares.collect()
        };
        let shares = along(last, size);
        let area: f64 = shares
            .windows(2)
            .map(|pair| 0.5 * (pair[0].1 + pair[1].1) * (pair[1].0 - pair[0].0))
            .sum();
        let crossing = |level: f64| crossing(&shares, level);
        let end = shares.last().map_or(0.0, |(time, _)| *time);
        let lasts = crossing(0.75)
            .zip(crossing(0.25))
            .map(|(to, from)| to - from);
        // Outputs that start above what they come to are there at once.
        let instant = (end - area).max(0.0);
        Self {
            weights,
            half: match probe {
                Some(probe) => self::crossing(&along(probe, 1.0), 0.5),
                None => crossing(0.5),
            },
            excess: all.below_jump(instant),
            instant,
            duration: lasts.unwrap_or(0.0) / 9.0_f64.ln(),
        }
    }
}

/// When shares in time first come to a level.
fn crossing(shares: &[(f64, f64)], level: f64) -> Option<f64> {
    let pair = shares.windows(2).find(|pair| pair[1].1 >= level)?;
    let [(before, low), (after, high)] = [pair[0], pair[1]];
    // It may start above.
    let part = (level - low).max(0.0) / (high - low).abs().max(f64::MIN_POSITIVE);
    Some(before + part * (after - before))
}
