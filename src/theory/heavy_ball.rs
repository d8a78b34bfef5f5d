//! What steps of descent, plain or with momentum, do to the times of the flow.
//!
//! The steps v = mu v + g, w += eta v stand for the time h = eta/(1 - mu) each. In that time they follow, to first
//! order in eta,
//!
//! ```text
//! dw/dt = g - lag dg/dt        lag = h/2 (1 + mu)/(1 - mu)
//! ```
//!
//! (modified equation: Hairer, Lubich & Wanner, "Geometric Numerical Integration", chapter IX; with momentum: Kovachki &
//! Stuart, "Continuous time analysis of momentum methods", JMLR 22 (2021)), and the velocity, which begins at zero, costs them
//! h mu/(1 - mu) at the start.

/// Descent of learning rate eta and momentum mu; zero momentum for plain steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeavyBall {
    /// Learning rate eta.
    pub learning_rate: f64,
    /// Momentum mu, from 0 to below 1.
    pub momentum: f64,
}

impl HeavyBall {
    /// The time h that a step stands for.
    fn step(self) -> f64 {
        self.learning_rate / (1.0 - self.momentum)
    }

    /// The lag of the modified equation.
    pub(super) fn lag(self) -> f64 {
        0.5 * self.step() * (1.0 + self.momentum) / (1.0 - self.momentum)
    }

    /// What the velocity's start costs, over the lag.
    pub(super) fn start_over_lag(self) -> f64 {
        2.0 * self.momentum / (1.0 + self.momentum)
    }

    /// How a mode that the flow multiplies by e^{rate t} grows: the rate per time, and the share of its start that
    /// the growing solution has. By the recursion a(n+1) = (1 + mu + eta rate) a(n) - mu a(n-1), whose roots z have the product mu:
    /// the rate is ln(z)/h with the larger one.
    pub(super) fn growth(self, rate: f64) -> (f64, f64) {
        let (mu, gain) = (self.momentum, self.learning_rate * rate);
        // z - 1 of the larger root solves x^2 + (1 - mu - gain) x = gain; no cancellation where the gain is small.
        let slope = 1.0 - mu - gain;
        let root = (slope * slope + 4.0 * gain).sqrt();
        let above_one = 2.0 * gain / (slope + root);
        let other = mu / (1.0 + above_one);
        let share = (1.0 + gain - other) / root;
        (above_one.ln_1p() / self.step(), share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// The recursion itself, after so many steps that the other root has died out; the error is round-off, 1e-14 over a
    /// time of order one.
    #[test]
    fn growth_is_that_of_the_recursion() {
        for (learning_rate, momentum, rate) in [(0.1, 0.0, 2.0), (0.05, 0.9, 1.0), (0.3, 0.5, 0.1)]
        {
            let steps = HeavyBall {
                learning_rate,
                momentum,
            };
            let (mut a, mut velocity) = (1.0, 0.0);
            for _ in 0..400 {
                velocity = momentum * velocity + rate * a;
                a += learning_rate * velocity;
            }
            let (rate, share) = steps.growth(rate);
            let expected = share.ln() + 400.0 * rate * steps.step();
            assert_relative_eq!(f64::ln(a), expected, max_relative = 1e-11);
        }
    }

    /// Where eta -> 0 a mode of rate s is behind by lag s t, and by the start: to second order in eta.
    #[test]
    fn small_steps_lag_as_the_modified_equation_says() {
        let (rate, time) = (2.0, 3.0);
        for momentum in [0.0, 0.5, 0.9] {
            let error = |learning_rate| {
                let steps = HeavyBall {
                    learning_rate,
                    momentum,
                };
                let (growth, share) = steps.growth(rate);
                let behind = rate * time - (growth * time + share.ln());
                let lag = steps.lag() * rate;
                (behind - lag * (rate * time + steps.start_over_lag())).abs()
            };
            // Halving eta quarters what is left; the next order changes that by some per cent.
            let ratio = error(1e-4) / error(5e-5);
            assert!((ratio - 4.0).abs() < 0.1, "{momentum}: {ratio}");
        }
    }
}
