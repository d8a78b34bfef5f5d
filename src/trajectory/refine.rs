//! Adding a stretch of a trajectory with as many pieces as it needs.

use super::{Knot, Trajectory, interpolation_error};

/// What halving a stretch has brought so far. A resolved trajectory's error falls 64 times with
/// each; that of one with a sharp turn somewhere starts to fall after a few; the noise of large
/// weights that cancel in the map never falls, and must not be halved for ever.
#[derive(Debug, Clone, Copy)]
struct Halving {
    count: u32,
    in_vain: u32,
    error: f64,
}

impl Default for Halving {
    fn default() -> Self {
        Self {
            count: 0,
            in_vain: 0,
            error: f64::INFINITY,
        }
    }
}

impl Halving {
    fn after(self, error: f64) -> Self {
        Self {
            count: self.count + 1,
            in_vain: self.in_vain + u32::from(error > 0.1 * self.error),
            error,
        }
    }

    fn is_worth_it(self) -> bool {
        self.count <= 10 && self.in_vain <= 3
    }
}

impl Trajectory {
    /// Appends the stretch from the last knot over `middle` to `end`. Pieces whose interpolation
    /// error is above the tolerance are halved at the knots that `look` takes at a time; None
    /// where it cannot.
    pub fn push_resolved(
        &mut self,
        middle: Knot,
        end: Knot,
        look: &mut dyn FnMut(f64) -> Option<Knot>,
    ) {
        self.refine(middle, end, Halving::default(), look);
    }

    fn refine(
        &mut self,
        middle: Knot,
        end: Knot,
        halving: Halving,
        look: &mut dyn FnMut(f64) -> Option<Knot>,
    ) {
        let start = self.end();
        let error = interpolation_error([start, &middle, &end], self.groups());
        let next = halving.after(error);
        if error > self.tolerance() && next.is_worth_it() {
            let first = 0.5 * (start.time + middle.time);
            let second = 0.5 * (middle.time + end.time);
            if let (Some(first), Some(second)) = (look(first), look(second)) {
                self.refine(first, middle, next, look);
                self.refine(second, end, next, look);
                return;
            }
        }
        self.push(middle, end);
    }
}
