//! The Runge-Kutta-Chebyshev method of order 2: explicit steps whose length grows with the square of their stages.
//!
//! Stability bounds an explicit step where the flow is stiff: Dormand and Prince's pair passes 0.55/rho of time in a stage,
//! rho being the largest curvature. s stages of this method pass 0.65 (s^2 - 1)/rho, as long as the eigenvalues of the
//! Jacobian are real, and those of a gradient flow are. It pays where a coarse tolerance is enough. Its error estimate is of
//! the right size where the rate jumps inside a step: 0.8 (1/2 - theta) h times the jump, at the share theta.
//!
//! Source: B. P. Sommeijer, L. F. Shampine & J. G. Verwer, "RKC: an explicit solver for parabolic PDEs", J. Comput. Appl.
//! Math. 88 (1998): the coefficients of (2.3) and (2.4), the estimate (3.1), the stages of section 3.2, and the cubic
//! through both ends of a step of section 3.4.

use super::{End, Node, Outcome, Segment, Settings, System, Verdict, Work};
use nalgebra::DVector;

type State = DVector<f64>;

/// Damping of the stages.
const DAMPING: f64 = 2.0 / 13.0;

/// Length of the stability interval over s^2 - 1, less a safety: 1/1.54 (section 3.2).
const STABILITY: f64 = 1.0 / 1.54;

/// Most stages: more add round-off and see no error on the way.
const MOST_STAGES: usize = 20;

/// What the estimate of the spectral radius is multiplied by.
const SAFETY: f64 = 1.2;

/// Products of the power method at the start, and later one in so many steps and after each that was rejected.
const FIRST_PRODUCTS: usize = 10;
const STEPS_A_PRODUCT: u64 = 5;

/// A step shorter than this many units of round-off of the time does not move it.
const SHORTEST: f64 = 64.0 * f64::EPSILON;

/// Integrates `system` from `start`, a state at a time, until the time, the step limit or `observe` ends it.
pub(super) fn integrate<S: System>(
    system: &mut S,
    start: (f64, State),
    settings: &Settings,
    observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
) -> End {
    let mut path = Path::new(system, start, settings);
    loop {
        if let Some(outcome) = path.advance(observe) {
            return End {
                outcome,
                time: path.time,
                state: path.state,
                work: path.work,
            };
        }
    }
}

/// An integration on its way.
struct Path<'p, S> {
    system: &'p mut S,
    settings: &'p Settings,
    time: f64,
    state: State,
    /// F of the state.
    rate: State,
    /// The length of the next step.
    step: f64,
    /// Storage for the rate of a stage.
    spare: State,
    /// The direction of the largest curvature, as far as it is known, and that curvature.
    direction: State,
    radius: f64,
    work: Work,
}

impl<'p, S: System> Path<'p, S> {
    fn new(system: &'p mut S, (time, state): (f64, State), settings: &'p Settings) -> Self {
        let mut path = Self {
            rate: State::zeros(state.len()),
            spare: State::zeros(state.len()),
            direction: State::from_element(state.len(), 1.0),
            radius: 0.0,
            step: 0.0,
            work: Work::default(),
            system,
            settings,
            time,
            state,
        };
        path.evaluate();
        path.direction += &path.rate / path.rate.amax().max(f64::MIN_POSITIVE);
        path.estimate(FIRST_PRODUCTS);
        // A step in which the state changes by a hundredth of itself (Hairer, Norsett & Wanner, section II.4).
        let [size, speed] =
            [&path.state, &path.rate].map(|vector| path.measure(vector, &path.state));
        path.step = 0.01 * size / speed.max(f64::MIN_POSITIVE);
        path
    }

    /// Takes a step, if it can; says why the integration is over, if it is.
    fn advance(&mut self, observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict) -> Option<Outcome> {
        let &Settings {
            t_end, max_steps, ..
        } = self.settings;
        if self.time >= t_end {
            return Some(Outcome::TimeReached);
        }
        if self.work.steps + self.work.rejected_steps >= max_steps {
            return Some(Outcome::StepLimit);
        }
        let curvature = (SAFETY * self.radius).max(f64::MIN_POSITIVE);
        let longest = STABILITY * ((MOST_STAGES * MOST_STAGES - 1) as f64) / curvature;
        let step = self.step.min(longest).min(t_end - self.time);
        if step <= SHORTEST * self.time {
            return Some(match self.system.is_finite() {
                true => Outcome::StepUnderflow,
                false => Outcome::NotFinite,
            });
        }
        let stages = (1.0 + step * curvature / STABILITY).sqrt().ceil() as usize;
        let state = self.stepped(step, stages.clamp(2, MOST_STAGES));
        let mut rate = State::zeros(state.len());
        write_rate(self.system, &mut self.work, &state, &mut rate);
        let error = match self.system.is_finite() {
            true => self.error(step, &state, &rate),
            false => f64::INFINITY,
        };
        // The estimate is of the third power of the step.
        self.step = step * (0.8 / error.cbrt()).clamp(0.1, 5.0);
        if error > 1.0 {
            self.work.rejected_steps += 1;
            self.evaluate();
            self.estimate(1);
            return None;
        }
        self.accept(step, (state, rate), observe)
    }

    /// Shows a step and goes on from its end.
    fn accept(
        &mut self,
        step: f64,
        (state, rate): (State, State),
        observe: &mut dyn FnMut(&mut dyn Segment) -> Verdict,
    ) -> Option<Outcome> {
        let time = match self.settings.t_end - self.time <= step {
            true => self.settings.t_end,
            false => self.time + step,
        };
        self.work.steps += 1;
        let mut shown = Step {
            times: [self.time, self.time + 0.5 * step, time],
            states: [self.state.clone(), State::zeros(0), state],
            rates: [self.rate.clone(), rate],
            work: self.work,
        };
        shown.states[1] = shown.between(shown.times[1]);
        let verdict = observe(&mut shown);
        let Step {
            states: [.., state],
            rates: [_, rate],
            ..
        } = shown;
        (self.time, self.state, self.rate) = (time, state, rate);
        if let Verdict::Stop(outcome) = verdict {
            return Some(outcome);
        }
        if self.work.steps.is_multiple_of(STEPS_A_PRODUCT) {
            self.estimate(1);
        }
        None
    }

    /// Evaluates the system at the state.
    fn evaluate(&mut self) {
        write_rate(self.system, &mut self.work, &self.state, &mut self.rate);
    }

    /// The end of a step in so many stages, 2 or more.
    ///
    /// ```text
    /// Y_0 = y     Y_1 = Y_0 + mu~_1 h F_0
    /// Y_j = (1 - mu_j - nu_j) Y_0 + mu_j Y_{j-1} + nu_j Y_{j-2} + mu~_j h F_{j-1} + gamma~_j h F_0
    /// mu_j = 2 b_j w_0/b_{j-1}   nu_j = -b_j/b_{j-2}   mu~_j = 2 b_j w_1/b_{j-1}   gamma~_j = -(1 - b_{j-1} T_{j-1}(w_0)) mu~_j
    /// b_j = T_j''(w_0)/T_j'(w_0)^2   b_0 = b_1 = b_2   w_0 = 1 + DAMPING/s^2   w_1 = T_s'(w_0)/T_s''(w_0)   mu~_1 = b_1 w_1
    /// ```
    fn stepped(&mut self, step: f64, stages: usize) -> State {
        let w0 = 1.0 + DAMPING / (stages * stages) as f64;
        let chebyshev = Chebyshev::of(w0, stages);
        let [_, first, second] = chebyshev.at(stages);
        let w1 = first / second;
        let b = |j: usize| {
            let [_, first, second] = chebyshev.at(j.max(2));
            second / (first * first)
        };
        let mut before = self.state.clone();
        let mut last = &self.state + &self.rate * (b(1) * w1 * step);
        for j in 2..=stages {
            let (mu, nu) = (2.0 * b(j) * w0 / b(j - 1), -b(j) / b(j - 2));
            let of_rate = 2.0 * b(j) * w1 / b(j - 1);
            let of_first = -(1.0 - b(j - 1) * chebyshev.at(j - 1)[0]) * of_rate;
            write_rate(self.system, &mut self.work, &last, &mut self.spare);
            let mut next = before * nu;
            next.axpy(mu, &last, 1.0);
            next.axpy(1.0 - mu - nu, &self.state, 1.0);
            next.axpy(of_rate * step, &self.spare, 1.0);
            next.axpy(of_first * step, &self.rate, 1.0);
            before = std::mem::replace(&mut last, next);
        }
        last
    }

    /// 4/5 (y_n - y_{n+1}) + 2/5 h (F_n + F_{n+1}), in units of the tolerance.
    fn error(&self, step: f64, state: &State, rate: &State) -> f64 {
        let estimate = (&self.state - state) * 0.8 + (&self.rate + rate) * (0.4 * step);
        self.measure(&estimate, state)
    }

    /// Root mean square of a vector in units of the tolerance of each entry, by the larger one of the state and another one.
    fn measure(&self, vector: &State, other: &State) -> f64 {
        let &Settings { rtol, atol, .. } = self.settings;
        let entries = vector.iter().zip(self.state.iter().zip(other));
        let squares = entries.map(|(entry, (a, b))| {
            let scale = atol + rtol * a.abs().max(b.abs());
            (entry / scale).powi(2)
        });
        let sum: f64 = squares.sum();
        (sum / vector.len().max(1) as f64).sqrt()
    }

    /// The spectral radius of the Jacobian by the power method, from the direction that is known. The state is the one last
    /// evaluated.
    fn estimate(&mut self, products: usize) {
        self.system.linearise();
        let mut product = State::zeros(self.state.len());
        for _ in 0..products {
            let norm = self.direction.norm();
            if norm == 0.0 || !norm.is_finite() {
                return;
            }
            self.direction /= norm;
            let (point, direction) = (self.state.as_slice(), self.direction.as_slice());
            self.system
                .jacobian_product(point, direction, product.as_mut_slice());
            self.work.hessian_products += 1;
            self.radius = product.norm();
            if self.radius > 0.0 {
                std::mem::swap(&mut self.direction, &mut product);
            }
        }
    }
}

/// F of a state.
fn write_rate<S: System>(system: &mut S, work: &mut Work, state: &State, rate: &mut State) {
    system.rate(state.as_slice(), rate.as_mut_slice());
    work.rhs_evaluations += 1;
}

/// Chebyshev polynomials T_0, T_1, ... with their first two derivatives at a point.
struct Chebyshev(Vec<[f64; 3]>);

impl Chebyshev {
    /// Up to some degree: T_j = 2 x T_{j-1} - T_{j-2}.
    fn of(x: f64, degree: usize) -> Self {
        let mut known = vec![[1.0, 0.0, 0.0], [x, 1.0, 0.0]];
        for j in 2..=degree {
            let ([a, da, dda], [b, db, ddb]) = (known[j - 2], known[j - 1]);
            known.push([
                2.0 * x * b - a,
                2.0 * (b + x * db) - da,
                2.0 * (2.0 * db + x * ddb) - dda,
            ]);
        }
        Self(known)
    }

    fn at(&self, degree: usize) -> [f64; 3] {
        self.0[degree]
    }
}

/// An accepted step, and the cubic through states and rates of both ends.
struct Step {
    times: [f64; 3],
    states: [State; 3],
    rates: [State; 2],
    work: Work,
}

impl Step {
    /// The cubic at a time.
    fn between(&self, time: f64) -> State {
        let ([start, _, end], [y0, _, y1], [f0, f1]) = (&self.times, &self.states, &self.rates);
        let length = end - start;
        let x = (time - start) / length;
        let mut state = y0 * ((1.0 + 2.0 * x) * (1.0 - x).powi(2));
        state.axpy(x * x * (3.0 - 2.0 * x), y1, 1.0);
        state.axpy(length * x * (1.0 - x).powi(2), f0, 1.0);
        state.axpy(-length * x * x * (1.0 - x), f1, 1.0);
        state
    }
}

impl Segment for Step {
    fn nodes(&self) -> [Node<'_>; 3] {
        [0, 1, 2].map(|k| Node {
            time: self.times[k],
            state: &self.states[k],
        })
    }

    fn state_at(&mut self, time: f64) -> Option<State> {
        Some(self.between(time))
    }

    fn work(&self) -> Work {
        self.work
    }
}
