//! Late fusion whose loss changes in time (`remedy.schedule`), or whose weights decay.
//!
//! **Stages in time.** A stack of late fusion knows of the rest of the network only its drive, so that it follows the
//! homogeneous flow of c_m D_m from stage to stage, with the learning rate c_m and
//!
//! ```text
//! D_m = S_yxm' - W_S S_Sm'        W_S: the learned modalities S at rest under the moments of the stage
//! ```
//!
//! A learned modality that is absent or frozen keeps the map that it had.
//!
//! **Weight decay.** The gradient of L layers is homogeneous of degree L - 1, so that dW/dt = g(W) - mu W has the solution of
//! dV/dt = g(V) in another time:
//!
//! ```text
//! W(t) = e^{-mu t} V(tau)        tau = (1 - e^{-(L-2) mu t})/((L-2) mu),   tau = t for L = 2
//! ```
//!
//! What needs longer than tau = 1/((L-2) mu) is never learned.
//!
//! Source: derived here, to leading order in small weights, as the rest of this folder.

use super::super::growth::part;
use super::super::homogeneous::{Ended, SmallNetwork};
use super::RTOL;
use super::result::{Event, FromWeights};
use crate::data::{Moments, Penalty};
use crate::linalg::spectral_norm;
use crate::network::Architecture;
use nalgebra::{DMatrix, DVector};

/// A time in which the loss and the learning rates stay as they are.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'p> {
    /// When it ends.
    pub until: f64,
    /// The moments that drive it.
    pub moments: &'p Moments,
    /// The network with its learning rates, which may be a reduction.
    pub architecture: &'p Architecture,
}

/// The times of all modalities of late fusion through earlier stages in time and a last one without an end, or under weight decay, from
/// the initial `weights` of the stages' network.
///
/// # Errors
/// Why the times are not known.
pub fn late_from_weights<'p>(
    earlier: impl ExactSizeIterator<Item = Stage<'p>>,
    (moments, architecture): (&'p Moments, &'p Architecture),
    weights: &DVector<f64>,
) -> Result<FromWeights, &'static str> {
    if !architecture.shared.is_empty() {
        return Err(
            "times under weight decay, or through stages in time, are known for late fusion only",
        );
    }
    let decays = architecture.weight_decay > 0.0;
    if decays && (moments.outputs_len() > 1 || earlier.len() > 0) {
        return Err("times under weight decay are known for one output and one stage only");
    }
    let stack = |m: usize| {
        let layers = architecture.private[m].clone();
        let layers = layers.map(|l| architecture.view(weights, l).into_owned());
        SmallNetwork::of_stack(&layers.collect::<Vec<_>>())
    };
    let count = moments.modalities.len();
    let mut course = Course {
        stacks: (0..count).map(stack).collect(),
        learned: Vec::new(),
        map: DMatrix::zeros(moments.outputs_len(), moments.inputs_len()),
        events: vec![None; count],
        shares: Vec::new(),
        now: 0.0,
    };
    let last = Stage {
        until: f64::INFINITY,
        moments,
        architecture,
    };
    for stage in earlier.chain([last]) {
        course.go_through(&stage);
    }
    let mut found = FromWeights::of((moments, architecture), &course.events, None);
    let shares = course.shares.iter().take(2).copied();
    found.neglected = shares.reduce(f64::max);
    Ok(found)
}

/// The times of early fusion under weight decay, from those without it: all layers flow together, in another time. None where
/// the network is another one.
pub fn early_decaying(architecture: &Architecture, plain: FromWeights) -> Option<FromWeights> {
    let fusion = architecture.fusion()?;
    let is_known = fusion.is_early() && fusion.depth > 2 && architecture.has_one_rate();
    let pace = Pace {
        layers: fusion.depth,
        rate: 1.0,
        decay: architecture.weight_decay,
    };
    let later = |time: Option<f64>| time.and_then(|time| pace.time(time));
    is_known.then(|| FromWeights {
        t_first: later(plain.t_first),
        t_second: later(plain.t_second),
        ratio: plain.ratio.filter(|_| later(plain.t_second).is_some()),
        times: plain
            .times
            .iter()
            .map(|(name, time)| (name.clone(), later(*time)))
            .collect(),
        ..plain
    })
}

/// The stacks on their way; None for those that are learned.
struct Course {
    stacks: Vec<Option<SmallNetwork>>,
    learned: Vec<usize>,
    /// The map of the learned modalities at rest, o x d.
    map: DMatrix<f64>,
    events: Vec<Option<Event>>,
    /// What an instant in place of a drop neglects, for each modality that is learned: 1/(L |D_m| t_m).
    shares: Vec<f64>,
    now: f64,
}

impl Course {
    /// Follows a stage to its end, or until nothing more is ever learned in it.
    fn go_through(&mut self, stage: &Stage<'_>) {
        loop {
            self.map = at_rest(stage, &self.learned, &self.map);
            let limit = stage.until - self.now;
            let residual = &stage.moments.cross - stage.moments.inputs.after(&self.map);
            let drives: Vec<_> = (0..self.stacks.len())
                .map(|m| part(stage.moments, &residual, m))
                .collect();
            let mut next: Option<(f64, usize)> = None;
            for (m, drive) in drives.iter().enumerate() {
                let end = next.map_or(limit, |(wait, _)| wait);
                let wait = self.wait(stage, drive, m, end).filter(|wait| *wait < end);
                next = wait.map(|wait| (wait, m)).or(next);
            }
            let duration = next.map_or(limit, |(wait, _)| wait);
            if duration.is_infinite() {
                return;
            }
            self.now += duration;
            if let Some((_, m)) = next {
                self.learn(stage, &drives[m], m);
            }
            self.advance(stage, &drives, duration);
            if next.is_none() {
                return;
            }
        }
    }

    /// How long a stack takes from now on; None where it takes longer than `limit` for sure, or for ever.
    fn wait(&self, stage: &Stage<'_>, drive: &DMatrix<f64>, m: usize, limit: f64) -> Option<f64> {
        let stack = self.stacks[m].as_ref()?;
        let pace = Pace::of(stage, m);
        let drive = drive * pace.rate;
        if drive.norm() == 0.0 {
            return None;
        }
        let limit = pace.homogeneous_time(limit);
        if pace.layers > 2 {
            let Ended::Learned(reached) = stack.blow_up(&drive, (limit, RTOL)) else {
                return None;
            };
            return pace.time(reached.time + reached.rest);
        }
        let level = self.height(stage, m);
        if level == 0.0 {
            return None;
        }
        let Ended::Learned(reached) = stack.flow_until(&drive, &[(0, level)], (limit, RTOL)) else {
            return None;
        };
        // By then the map grows as e^{2 |D| t}, of which decay leaves e^{2 (|D| - mu) t}.
        let growth = spectral_norm(&drive);
        let left = growth - pace.decay;
        (left > 0.0).then(|| reached.time * growth / left)
    }

    /// The norm of the map that a modality comes to where it is learned now.
    fn height(&self, stage: &Stage<'_>, m: usize) -> f64 {
        let mut with = self.learned.clone();
        with.push(m);
        with.sort_unstable();
        let rest = at_rest(stage, &with, &self.map);
        stage.moments.block(&rest, m).norm()
    }

    /// Writes down that a modality is learned now, unless weight decay keeps it at zero.
    fn learn(&mut self, stage: &Stage<'_>, drive: &DMatrix<f64>, m: usize) {
        let pace = Pace::of(stage, m);
        if self.height(stage, m) > 0.0 {
            self.events[m] = Some(Event {
                time: self.now,
                half: 0.0,
                delay: 0.0,
            });
        }
        let drop = pace.rate * spectral_norm(drive) * pace.layers as f64;
        self.shares.push(1.0 / (drop * self.now));
        self.stacks[m] = None;
        self.learned.push(m);
        self.learned.sort_unstable();
    }

    /// Takes the stacks that are not learned on by a time. What blows up in it is learned at its end.
    fn advance(&mut self, stage: &Stage<'_>, drives: &[DMatrix<f64>], duration: f64) {
        for (m, drive) in drives.iter().enumerate() {
            let Some(stack) = &self.stacks[m] else {
                continue;
            };
            let pace = Pace::of(stage, m);
            let time = pace.homogeneous_time(duration);
            match stack.flow_for(&(drive * pace.rate), time, RTOL) {
                Some(mut moved) => {
                    moved.weights *= (-pace.decay * duration).exp();
                    self.stacks[m] = Some(moved);
                }
                None => self.learn(stage, drive, m),
            }
        }
    }
}

/// The map of the learned modalities at rest in a stage: those that are there and move at their least loss, beside
/// the maps that the others have.
fn at_rest(stage: &Stage<'_>, learned: &[usize], before: &DMatrix<f64>) -> DMatrix<f64> {
    let moments = stage.moments;
    let moves = |m: &usize| {
        let is_there = moments.inputs.trace(moments.modalities[*m].range.clone()) > 0.0;
        is_there && stage.architecture.stack_rate_factor(*m) > 0.0
    };
    let moving: Vec<usize> = learned.iter().copied().filter(moves).collect();
    if let Some(rest) = at_rest_under_decay(stage, &moving) {
        return rest;
    }
    let columns: Vec<usize> = moving
        .iter()
        .flat_map(|&m| moments.modalities[m].range.clone())
        .collect();
    let mut map = before.clone();
    for &column in &columns {
        map.column_mut(column).fill(0.0);
    }
    let residual = &moments.cross - moments.inputs.after(&map);
    let inverse = moments.inputs.select(&columns).pseudo_inverse().matrix;
    let solution = inverse.after(&residual.select_columns(&columns));
    for (k, &column) in columns.iter().enumerate() {
        map.set_column(column, &solution.column(k));
    }
    map
}

/// The same where weights decay, of late fusion and one output. Inputs too many to decompose are left where they are without decay.
fn at_rest_under_decay(stage: &Stage<'_>, moving: &[usize]) -> Option<DMatrix<f64>> {
    let architecture = stage.architecture;
    let penalty = Penalty {
        decay: architecture.weight_decay,
        private: architecture
            .private
            .iter()
            .map(ExactSizeIterator::len)
            .collect(),
        shared: 0,
    };
    (penalty.decay > 0.0).then_some(())?;
    penalty.resting_map(stage.moments, moving)
}

/// How fast a stack moves in a stage.
struct Pace {
    layers: usize,
    /// c_m.
    rate: f64,
    /// c_m mu.
    decay: f64,
}

impl Pace {
    fn of(stage: &Stage<'_>, m: usize) -> Self {
        let rate = stage.architecture.stack_rate_factor(m);
        Self {
            layers: stage.architecture.depth(m),
            rate,
            decay: rate * stage.architecture.weight_decay,
        }
    }

    /// (L - 2) mu.
    fn fading(&self) -> f64 {
        (self.layers as f64 - 2.0) * self.decay
    }

    /// tau of a time t.
    fn homogeneous_time(&self, time: f64) -> f64 {
        match self.fading() {
            0.0 => time,
            fading => -(-fading * time).exp_m1() / fading,
        }
    }

    /// The time t of a tau; None for those that are never reached.
    fn time(&self, homogeneous: f64) -> Option<f64> {
        match self.fading() {
            0.0 => Some(homogeneous),
            fading if fading * homogeneous < 1.0 => Some(-(-fading * homogeneous).ln_1p() / fading),
            _ => None,
        }
    }
}
