//! Gradient modulation: the stack of the modality that is ahead is slowed.
//!
//! With the losses of each modality's own output, L_m = 1/2 E|y - W_m x_m|^2, and the lead h = L_B - L_A,
//!
//! ```text
//! score_m = exp(-L_m)      rho_A = score_A/score_B = e^h = 1/rho_B      c_m = 1 - tanh(alpha rho_m) where rho_m > 1, else 1
//! ```
//!
//! c_m is a factor on the gradient of modality m's stack. Source: X. Peng, Y. Wei, A. Deng, D. Wang & D. Hu, "Balanced
//! multimodal learning via on-the-fly gradient modulation" (CVPR 2022), whose scores are probabilities of the right
//! class; exp(-L_m) is that of a unit Gaussian.
//!
//! c jumps where h = 0, so the flow consists of smooth *branches*: A is ahead, B is ahead, or it slides along h = 0. With
//! the rates a and b at which L_A and L_B fall at c = 1, and tau = tanh(alpha), the lead changes at
//!
//! ```text
//! dh/dt = a (1 - tau) - b    at h = 0+        dh/dt = a - b (1 - tau)    at h = 0-
//! ```
//!
//! Where the first is negative and the second positive, both push back to h = 0, and the flow slides: its rate is the convex
//! combination of both that keeps h = 0,
//!
//! ```text
//! c_A = 1 - theta tau      c_B = 1 - (1 - theta) tau      theta = (a - b (1 - tau)) / (tau (a + b))
//! ```
//!
//! A. F. Filippov, "Differential equations with discontinuous righthand sides" (1988), section 4.

/// A stretch of the flow on which its rate is smooth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// The modality of this index is ahead, and slowed.
    Ahead(usize),
    /// Both are level and stay so.
    Level,
}

/// The rule with its strength, and the branch that is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Modulation {
    alpha: f64,
    /// None: whatever holds at a state.
    pub(super) branch: Option<Branch>,
    /// The lead of the modality ahead below which its branch ends: 0, or a little less where it started with less.
    least_lead: f64,
}

/// What the rule depends on at a state: how far A is ahead, h = L_B - L_A, and the scale of its round-off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub(super) lead: f64,
    pub(super) scale: f64,
}

/// Share of a lead, or of the rates of the losses, that is taken for round-off where a branch ends.
const ROUND_OFF: f64 = 1e-12;

impl Standing {
    /// From L_m - L_m(0) of both modalities, which keep their digits where the weights are small.
    pub(super) fn of([a, b]: [f64; 2]) -> Self {
        Self {
            lead: b - a,
            scale: a.abs() + b.abs(),
        }
    }
}

impl Modulation {
    /// The rule of strength alpha.
    pub fn new(alpha: f64) -> Self {
        Self {
            alpha,
            branch: None,
            least_lead: 0.0,
        }
    }

    /// The factors c_A and c_B by their definition, where A leads by h.
    pub fn factors(&self, lead: f64) -> [f64; 2] {
        if lead > 0.0 {
            [self.slowed(lead), 1.0]
        } else if lead < 0.0 {
            [1.0, self.slowed(-lead)]
        } else {
            [1.0; 2]
        }
    }

    /// The factors of a branch, held on beyond its end; `falls` gives a and b.
    pub(super) fn factors_on(
        &self,
        branch: Branch,
        lead: f64,
        falls: impl FnOnce() -> [f64; 2],
    ) -> [f64; 2] {
        match branch {
            Branch::Ahead(0) => [self.slowed(lead), 1.0],
            Branch::Ahead(_) => [1.0, self.slowed(-lead)],
            Branch::Level => {
                let [above, below] = self.pushes(falls());
                let theta = below / (below - above);
                // Nothing moves where nothing falls.
                let theta = if theta.is_nan() {
                    0.5
                } else {
                    theta.clamp(0.0, 1.0)
                };
                let tau = self.alpha.tanh();
                [1.0 - theta * tau, 1.0 - (1.0 - theta) * tau]
            }
        }
    }

    /// 1 - tanh(alpha e^lead), which keeps its digits where it is small.
    fn slowed(&self, lead: f64) -> f64 {
        2.0 / (1.0 + (2.0 * self.alpha * lead.exp()).exp())
    }

    /// dh/dt just above and just below h = 0.
    fn pushes(&self, [a, b]: [f64; 2]) -> [f64; 2] {
        let slowed = self.slowed(0.0);
        [a * slowed - b, a - b * slowed]
    }

    /// Whether the branch has ended at a state.
    pub(super) fn has_ended(&self, standing: Standing, falls: impl FnOnce() -> [f64; 2]) -> bool {
        match self.branch {
            None => false,
            Some(Branch::Ahead(0)) => standing.lead < self.least_lead,
            Some(Branch::Ahead(_)) => -standing.lead < self.least_lead,
            Some(Branch::Level) => {
                let [a, b] = falls();
                let slack = ROUND_OFF * (a.abs() + b.abs());
                let [above, below] = self.pushes([a, b]);
                above > slack || below < -slack
            }
        }
    }

    /// Takes the branch that holds from a state on, where the one before it has ended.
    pub(super) fn take_branch(&mut self, standing: Standing, falls: [f64; 2]) {
        let Standing { lead, scale } = standing;
        let [above, below] = self.pushes(falls);
        let next = match self.branch {
            None if lead > 0.0 => Branch::Ahead(0),
            None if lead < 0.0 => Branch::Ahead(1),
            Some(Branch::Ahead(1)) if below <= 0.0 => Branch::Ahead(1),
            _ if above >= 0.0 => Branch::Ahead(0),
            _ if below <= 0.0 => Branch::Ahead(1),
            _ => Branch::Level,
        };
        let own_lead = match next {
            Branch::Ahead(1) => -lead,
            _ => lead,
        };
        self.branch = Some(next);
        // The integrator's error may leave it a little behind where it starts.
        self.least_lead = if own_lead > 0.0 {
            0.0
        } else {
            own_lead - ROUND_OFF * scale
        };
    }
}
