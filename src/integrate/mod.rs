//! Integration of the flow in time: what every method promises.
//!
//! A method takes adaptive steps from the initial weights and shows its caller one [`Segment`]
//! after the other. It never stores states; whoever looks at a segment takes from it what is
//! needed and says whether to go on.
//!
//! | file | method |
//! |---|---|
//! | `runge_kutta.rs` | explicit Runge-Kutta pairs, through ode_solvers |
//! | `chebyshev.rs` | the Runge-Kutta-Chebyshev method, explicit with long steps |
//! | `exponential.rs` | the exponential Rosenbrock method exprb43 |
//! | `coordinates.rs` | the same where layers learn at different rates |
//! | `krylov.rs` | its products of matrix functions with vectors |
//! | `segment.rs` | a stretch of the trajectory, as it is shown |
//! | `section.rs`, `tolerances.rs` | the flow section, its tolerances |
//! | `branches.rs` | what is told of a right-hand side that is smooth by parts |
//! | `auto_method.rs` | which method `auto` stands for |

pub mod auto_method;
mod branches;
mod chebyshev;
mod coordinates;
mod exponential;
mod krylov;
mod runge_kutta;
mod section;
mod segment;
mod tolerances;

pub use branches::Branches;
pub use section::{FlowSection, MethodChoice, ReductionChoice, Until};
pub use segment::{Node, Segment, TruncatedSegment};
pub use tolerances::{Tolerances, step_tolerance};

use crate::flow::{Branch, Flow};
use nalgebra::DVector;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Range};

/// dw/dt = F(w).
pub trait RightHandSide {
    /// Writes F(w).
    fn rate(&mut self, state: &[f64], rate: &mut [f64]);

    /// Whether the last rate was finite.
    fn is_finite(&self) -> bool;

    /// The branch of F that is held, where F is smooth by parts.
    fn branch(&self) -> Option<Branch> {
        None
    }

    /// Whether it has ended at a state. F is smooth a step beyond that.
    fn has_branch_ended(&mut self, _state: &[f64]) -> bool {
        false
    }

    /// Holds the branch that leads on from a state.
    fn take_branch(&mut self, _state: &[f64]) {}
}

/// One with a symmetric Jacobian J: a gradient flow, in the coordinates w/sqrt(c) where learning rates have factors c.
pub trait System: RightHandSide {
    /// Writes F in these coordinates, F(w)/sqrt(c).
    fn gradient_rate(&mut self, state: &[f64], rate: &mut [f64]) {
        self.rate(state, rate);
    }
    /// The factors c by entries of the state; where none is given, c = 1.
    fn rate_factors(&self) -> Vec<(Range<usize>, f64)> {
        Vec::new()
    }
    /// Makes the state whose rate was last written the point at which J is taken.
    fn linearise(&mut self);

    /// Writes J v in these coordinates; `point` is the state w that was linearised at.
    fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]);

    /// Entries whose errors are measured together, by their Euclidean norm: the layers, and the
    /// biases of a space. Unlike a measure by entries it is the same after a rotation of hidden
    /// units.
    fn groups(&self) -> Vec<Range<usize>>;
}

impl RightHandSide for Flow<'_> {
    fn rate(&mut self, state: &[f64], rate: &mut [f64]) {
        Flow::rate(self, state, rate);
    }

    fn is_finite(&self) -> bool {
        Flow::is_finite(self)
    }

    fn branch(&self) -> Option<Branch> {
        Flow::branch(self)
    }

    fn has_branch_ended(&mut self, state: &[f64]) -> bool {
        Flow::has_branch_ended(self, state)
    }

    fn take_branch(&mut self, state: &[f64]) {
        Flow::take_branch(self, state);
    }
}

impl System for Flow<'_> {
    fn gradient_rate(&mut self, state: &[f64], rate: &mut [f64]) {
        Flow::gradient_rate(self, state, rate);
    }

    fn rate_factors(&self) -> Vec<(Range<usize>, f64)> {
        let factors = self.architecture().rate_factors();
        factors.map(|(range, c)| (range.clone(), c)).collect()
    }

    fn linearise(&mut self) {
        Flow::linearise(self);
    }

    fn jacobian_product(&mut self, point: &[f64], direction: &[f64], product: &mut [f64]) {
        Flow::jacobian_product(self, point, direction, product);
    }

    fn groups(&self) -> Vec<Range<usize>> {
        self.architecture().ranges().cloned().collect()
    }
}

/// Integrates `system` from `start` at t = 0 until the time, the step limit or `observe` ends it.
///
/// `observe` sees every segment in order.
pub fn integrate<S: System>(
    system: &mut S,
    start: DVector<f64>,
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    integrate_from(system, (0.0, start), settings, observe)
}

/// The same from a state at a later time on.
pub fn integrate_from<S: System>(
    system: &mut S,
    start: (f64, DVector<f64>),
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    match settings.method {
        Method::RungeKutta(pair) => runge_kutta::integrate(system, pair, start, settings, observe),
        Method::Exponential => coordinates::integrate(system, start, settings, observe),
        Method::Chebyshev => chebyshev::integrate(system, start, settings, observe),
    }
}

/// The same by Dormand and Prince's pair of order 5(4), whatever method `settings` name: it asks for no Jacobian.
pub fn integrate_explicit<S: RightHandSide>(
    system: &mut S,
    start: DVector<f64>,
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    runge_kutta::integrate(system, Pair::Dopri5, (0.0, start), settings, observe)
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The loss gap, loss or accuracy asked for was met.
    Converged,
    /// The time asked for was reached.
    TimeReached,
    /// The flow rests at a critical point that is not what was asked for.
    Stalled,
    /// The limit of steps was reached first.
    StepLimit,
    /// The step became too small to move the time.
    StepUnderflow,
    /// The trajectory has more detail than fits into memory.
    TrajectoryLimit,
    /// The right-hand side was not finite.
    NotFinite,
    /// The loss of discrete descent grew beyond bounds.
    Diverged,
    /// The user interrupted the run.
    Interrupted,
}

impl Outcome {
    /// Whether the run came to an end that says all there is to say: what it was asked for, or a rest that
    /// it never leaves.
    pub fn is_success(self) -> bool {
        matches!(
            self,
            Outcome::Converged | Outcome::TimeReached | Outcome::Stalled
        )
    }

    /// Its name in reports and tables.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Converged => "converged",
            Outcome::TimeReached => "time_reached",
            Outcome::Stalled => "stalled",
            Outcome::StepLimit => "step_limit",
            Outcome::TrajectoryLimit => "trajectory_limit",
            Outcome::StepUnderflow => "step_underflow",
            Outcome::NotFinite => "not_finite",
            Outcome::Diverged => "diverged",
            Outcome::Interrupted => "interrupted",
        }
    }

    /// One sentence for the report.
    pub fn sentence(self) -> &'static str {
        match self {
            Outcome::Converged => "converged: the loss gap, loss or accuracy asked for is met",
            Outcome::TimeReached => "the time asked for is reached",
            Outcome::Stalled => "stalled: it rests, and nothing measurable drives it on",
            Outcome::TrajectoryLimit => {
                "stopped: its trajectory has more detail than can be kept to the tolerance"
            }
            Outcome::StepLimit => "stopped at the limit of steps (flow.max_steps)",
            Outcome::StepUnderflow => {
                "failed: the step became too small to move the time, which has sixteen digits"
            }
            Outcome::NotFinite => "failed: the gradient is not finite",
            Outcome::Diverged => "diverged: the learning rate is too large",
            Outcome::Interrupted => "was interrupted by the user",
        }
    }
}

/// Work done by an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Work {
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps; of a run that failed, those before its last few hundred steps.
    pub rejected_steps: u64,
    /// Evaluations of the right-hand side by the method, those for points inside steps included.
    /// Reading the observation off a state, once or twice a step, is not one.
    pub rhs_evaluations: u64,
    /// Products of the Hessian with a vector; each extends a Krylov basis.
    pub hessian_products: u64,
    /// Krylov bases built.
    pub krylov_bases: u64,
    /// Vectors of the largest of them.
    pub krylov_max: u64,
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            rejected_steps: self.rejected_steps + other.rejected_steps,
            rhs_evaluations: self.rhs_evaluations + other.rhs_evaluations,
            hessian_products: self.hessian_products + other.hessian_products,
            krylov_bases: self.krylov_bases + other.krylov_bases,
            krylov_max: self.krylov_max.max(other.krylov_max),
        }
    }
}

impl Work {
    /// Mean number of vectors of a Krylov basis; None where the method builds none.
    pub fn krylov_mean(&self) -> Option<f64> {
        let bases = self.krylov_bases;
        (bases > 0).then(|| self.hessian_products as f64 / bases as f64)
    }
}

/// Whether to go on after a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Integrate on.
    Continue,
    /// Stop here, for this reason.
    Stop(Outcome),
}

/// A method of integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Exponential Rosenbrock, order 4(3): its cost does not grow with stiffness.
    Exponential,
    /// An explicit Runge-Kutta pair.
    RungeKutta(Pair),
    /// Runge-Kutta-Chebyshev, order 2: the length of a step grows with the square of its stages.
    Chebyshev,
}

impl Method {
    /// Its name in scenarios and reports.
    pub fn name(self) -> &'static str {
        match self {
            Method::Exponential => "exponential",
            Method::RungeKutta(Pair::Dopri5) => "dopri5",
            Method::RungeKutta(Pair::Dop853) => "dop853",
            Method::Chebyshev => "chebyshev",
        }
    }
}

/// An explicit Runge-Kutta pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// Dormand and Prince, order 5(4).
    Dopri5,
    /// Dormand and Prince, order 8(5,3).
    Dop853,
}

/// Tolerances and limits of an integration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Method to use.
    pub method: Method,
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
