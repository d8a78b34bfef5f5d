//! Integration of the flow in time: what every method promises.
//!
//! A method takes adaptive steps from the initial weights and shows its caller one [`Segment`]
//! after the other. It never stores states; whoever looks at a segment takes from it what is
//! needed and says whether to go on.
//!
//! | file | method |
//! |---|---|
//! | `runge_kutta.rs` | explicit Runge-Kutta pairs, through ode_solvers |

mod runge_kutta;

pub use runge_kutta::integrate;

use nalgebra::DVector;
use serde::Serialize;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The loss gap asked for was met.
    Converged,
    /// The time asked for was reached.
    TimeReached,
    /// The limit of steps was reached first.
    StepLimit,
    /// The step became too small to move the time.
    StepUnderflow,
    /// The right-hand side was not finite.
    NotFinite,
    /// The loss of discrete descent grew beyond bounds.
    Diverged,
    /// The user interrupted the run.
    Interrupted,
}

impl Outcome {
    /// Whether the run ended as it was asked to.
    pub fn is_success(self) -> bool {
        matches!(self, Outcome::Converged | Outcome::TimeReached)
    }

    /// One sentence for the report.
    pub fn sentence(self) -> &'static str {
        match self {
            Outcome::Converged => "converged: the loss gap asked for is met",
            Outcome::TimeReached => "the time asked for is reached",
            Outcome::StepLimit => "stopped at the limit of steps (flow.max_steps)",
            Outcome::StepUnderflow => "failed: the step became too small to move the time",
            Outcome::NotFinite => "failed: the gradient is not finite",
            Outcome::Diverged => "diverged: the learning rate is too large",
            Outcome::Interrupted => "was interrupted by the user",
        }
    }
}

/// Work done by an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Work {
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps; of a run that failed, those before its last few hundred steps.
    pub rejected_steps: u64,
    /// Evaluations of the right-hand side by the method, those for points inside steps included.
    /// Reading the observables off a state, once or twice a step, is not one.
    pub rhs_evaluations: u64,
}

/// A state at a time.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// Time.
    pub time: f64,
    /// Flat weights.
    pub state: &'a DVector<f64>,
}

/// A stretch of the trajectory: two accepted steps, or what a method takes for them.
pub trait Segment {
    /// Its start, a point in between and its end, each accurate to the method's tolerance.
    fn nodes(&self) -> [Node<'_>; 3];

    /// The state at any time of the segment, as accurate as its nodes. A polynomial through the
    /// nodes would not be; the method steps there anew. None where that step fails.
    fn state_at(&mut self, time: f64) -> Option<DVector<f64>>;

    /// Work done since the start of the integration.
    fn work(&self) -> Work;
}

/// Whether to go on after a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Integrate on.
    Continue,
    /// Stop here, for this reason.
    Stop(Outcome),
}

/// Tolerances and limits of an integration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Explicit pair to use.
    pub method: crate::scenario::Method,
    /// Relative tolerance of a step.
    pub rtol: f64,
    /// Absolute tolerance of a step, in the units of the weights.
    pub atol: f64,
    /// Time to stop at, counted from 0; infinite where only the loss gap ends the run.
    pub t_end: f64,
    /// Most steps, accepted and rejected.
    pub max_steps: u64,
}

/// How an integration ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// Reason.
    pub outcome: Outcome,
    /// Time reached.
    pub time: f64,
    /// State reached.
    pub state: DVector<f64>,
    /// Work done.
    pub work: Work,
}
