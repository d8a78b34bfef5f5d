//! How discrete descent turns gradients into steps, and the continuous time that a step stands for.
//!
//! With g(n) = -dLoss/dw at step n, of all samples or of a mini-batch, and the learning rate eta:
//!
//! | rule | step | in the limit eta -> 0 |
//! |---|---|---|
//! | plain | w += eta g | the gradient flow at t = eta n |
//! | momentum mu | v = mu v + g, w += eta v | the gradient flow at t = eta n/(1 - mu): v settles on g/(1 - mu) within some 1/(1 - mu) steps |
//! | Adam | m, s = running means of g and g^2, w += eta m^/(sqrt(s^) + epsilon) | no gradient flow: dw/dt = g/(\|g\| + epsilon) at t = eta n, weight by weight, a flow of the gradient's signs wherever \|g\| is above epsilon |
//!
//! A mini-batch adds noise to g whose mean is zero; what it adds to the trajectory is of order
//! sqrt(eta/batch) within an epoch, and less over whole epochs, in which the batches' means add up to g.
//!
//! Sources: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
//! Comput. Math. Math. Phys. 4 (1964); D. P. Kingma & J. Ba, "Adam: a method for stochastic
//! optimization", ICLR 2015; both as PyTorch's SGD and Adam have them.

use super::{AdamSection, DescentSection};

/// How gradients become steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Gradient descent.
    Plain,
    /// With this momentum.
    Momentum(f64),
    /// Adam.
    Adam(AdamSection),
}

impl Rule {
    /// The rule that a scenario asks for.
    pub fn of(section: &DescentSection) -> Self {
        match (section.momentum, section.adam) {
            (_, Some(adam)) => Rule::Adam(adam),
            (Some(momentum), None) => Rule::Momentum(momentum),
            (None, None) => Rule::Plain,
        }
    }

    /// The time that a step of learning rate `eta` stands for.
    pub fn time_step(self, eta: f64) -> f64 {
        match self {
            Rule::Momentum(momentum) => eta / (1.0 - momentum),
            Rule::Plain | Rule::Adam(_) => eta,
        }
    }

    /// The largest stable learning rate over that of plain descent, 2/lambda_max; None where there
    /// is no such rate.
    pub fn stability(self) -> Option<f64> {
        match self {
            Rule::Plain => Some(1.0),
            Rule::Momentum(momentum) => Some(1.0 + momentum),
            Rule::Adam(_) => None,
        }
    }

    /// Whether it tends to the gradient flow as the learning rate tends to 0.
    pub fn tends_to_flow(self) -> bool {
        !matches!(self, Rule::Adam(_))
    }

    /// Whether it treats the weights of a rotated network alike, as a reduction asks for.
    pub fn is_equivariant(self) -> bool {
        !matches!(self, Rule::Adam(_))
    }
}

/// A rule at work, with what it remembers.
#[derive(Debug, Clone)]
pub struct Optimiser {
    rule: Rule,
    eta: f64,
    /// v, or m; and s. Empty where the rule has none.
    first: Vec<f64>,
    second: Vec<f64>,
    /// beta1 and beta2 to the number of steps.
    powers: [f64; 2],
}

impl Optimiser {
    /// A rule before its first step of `len` weights.
    pub fn new(rule: Rule, eta: f64, len: usize) -> Self {
        let (first, second) = match rule {
            Rule::Plain => (0, 0),
            Rule::Momentum(_) => (len, 0),
            Rule::Adam(_) => (len, len),
        };
        Self {
            rule,
            eta,
            first: vec![0.0; first],
            second: vec![0.0; second],
            powers: [1.0; 2],
        }
    }

    /// Moves the weights by one step along `rate`, which is -dLoss/dw.
    pub fn step(&mut self, rate: &[f64], weights: &mut [f64]) {
        let eta = self.eta;
        match self.rule {
            Rule::Plain => {
                for (weight, rate) in weights.iter_mut().zip(rate) {
                    *weight += eta * rate;
                }
            }
            Rule::Momentum(momentum) => {
                let moving = weights.iter_mut().zip(&mut self.first).zip(rate);
                for ((weight, velocity), rate) in moving {
                    *velocity = momentum * *velocity + rate;
                    *weight += eta * *velocity;
                }
            }
            Rule::Adam(adam) => self.adam_step(&adam, rate, weights),
        }
    }

    fn adam_step(&mut self, adam: &AdamSection, rate: &[f64], weights: &mut [f64]) {
        let &AdamSection {
            beta1,
            beta2,
            epsilon,
        } = adam;
        self.powers = [self.powers[0] * beta1, self.powers[1] * beta2];
        let [bias1, bias2] = self.powers.map(|power| 1.0 - power);
        let means = self.first.iter_mut().zip(&mut self.second);
        for ((weight, (m, s)), rate) in weights.iter_mut().zip(means).zip(rate) {
            *m = beta1 * *m + (1.0 - beta1) * rate;
            *s = beta2 * *s + (1.0 - beta2) * rate * rate;
            *weight += self.eta * (*m / bias1) / ((*s / bias2).sqrt() + epsilon);
        }
    }
}
