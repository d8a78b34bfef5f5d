//! The detector on trajectories made for it.

use super::common;
use modalflow::analysis::detector::DetectorSection;
use modalflow::analysis::detector::{Detection, Kind, detect};
use modalflow::data::Moments;
use modalflow::network::Architecture;
use modalflow::trajectory::Observables;
use modalflow::trajectory::{Knot, Trajectory};

/// Maps of A and B as logistic steps 1/(1 + e^{-rate (t - time)}), with their exact rates.
struct Steps {
    a: (f64, f64),
    b: (f64, f64),
}

fn logistic((time, rate): (f64, f64), t: f64) -> (f64, f64) {
    let value = 1.0 / (1.0 + (-rate * (t - time)).exp());
    (value, rate * value * (1.0 - value))
}

impl Steps {
    fn knot(&self, t: f64, layers: usize) -> Knot {
        let (a, b) = (logistic(self.a, t), logistic(self.b, t));
        let mut values = vec![a.0, b.0];
        let mut rates = vec![a.1, b.1];
        values.resize(2 + layers, 1.0);
        rates.resize(2 + layers, 0.0);
        Knot {
            time: t,
            values,
            rates,
        }
    }

    fn detect(&self, moments: &Moments, architecture: &Architecture, t_end: f64) -> Detection {
        let observables = Observables {
            architecture,
            moments,
        };
        let layers = architecture.layers.len();
        let mut trajectory = Trajectory::new(self.knot(0.0, layers), observables.groups(), 1e-10);
        let pieces = 4000;
        for i in 0..pieces {
            let time = |half: usize| t_end * (2 * i + half) as f64 / (2 * pieces) as f64;
            trajectory.push(self.knot(time(1), layers), self.knot(time(2), layers));
        }
        detect(&trajectory, &observables, &DetectorSection::default())
    }
}

fn problem(fusion: usize) -> (Moments, Architecture) {
    let moments = common::toy(2.0, 0.0);
    let architecture = common::network(&moments, 3, fusion, 1);
    (moments, architecture)
}

/// Without correlation the loss is 2 (1 - a)^2 + 1/2 (1 - b)^2, so that entries, exits and
/// crossings follow from the logistic function.
#[test]
fn a_staircase_is_read_exactly() {
    let (moments, architecture) = problem(3);
    let steps = Steps {
        a: (10.0, 8.0),
        b: (30.0, 3.0),
    };
    let detection = steps.detect(&moments, &architecture, 50.0);
    let saddles: Vec<_> = detection
        .plateaus
        .iter()
        .map(|p| (p.kind, p.learned_places()))
        .collect();
    let expected = [vec![], vec![0], vec![0, 1]].map(|learned| (Kind::Plateau, Some(learned)));
    assert_eq!(saddles, expected);
    // When a step from 0 to 1 leaves the share 1 - x of its drop of (1 - value)^2: the logistic
    // function has reached 1 - sqrt(1 - x) there.
    let done = |(time, rate): (f64, f64), x: f64| {
        let value = 1.0 - (1.0 - x).sqrt();
        time + (value / (1.0 - value)).ln() / rate
    };
    // The levels are those at the slowest point, a tail e^{-rate dt} beside the saddle's: 1e-9.
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
    let [first, second, last] = &detection.plateaus[..] else {
        panic!("three")
    };
    assert_eq!(first.entry, 0.0);
    close(first.exit.expect("left"), done(steps.a, 0.05));
    close(second.entry, done(steps.a, 0.95));
    close(second.exit.expect("left"), done(steps.b, 0.05));
    close(last.entry, done(steps.b, 0.95));
    assert_eq!(last.exit, None);
    close(second.loss, 0.5);
    close(detection.phase.t_first.expect("learned"), 10.0);
    close(detection.phase.t_second.expect("learned"), 30.0);
    close(detection.phase.ratio.expect("both"), 3.0);
    close(detection.phase.misattribution.expect("a plateau"), 0.0);
    assert_eq!(
        [&detection.phase.first, &detection.phase.second].map(common::place),
        [Some(0), Some(1)]
    );
}

/// Two drops that overlap leave a shallow minimum of the speed: a shoulder.
#[test]
fn a_shallow_minimum_is_a_shoulder() {
    let (moments, architecture) = problem(3);
    let steps = Steps {
        a: (10.0, 3.0),
        b: (12.0, 3.0),
    };
    let kinds: Vec<Kind> = steps
        .detect(&moments, &architecture, 30.0)
        .plateaus
        .iter()
        .map(|p| p.kind)
        .collect();
    assert_eq!(kinds, [Kind::Plateau, Kind::Shoulder, Kind::Plateau]);
}

/// One drop: no plateau in between, whatever the architecture.
#[test]
fn a_single_drop_has_no_plateau_inside() {
    let (moments, architecture) = problem(1);
    let steps = Steps {
        a: (10.0, 3.0),
        b: (10.0, 3.0),
    };
    let detection = steps.detect(&moments, &architecture, 30.0);
    let learned: Vec<_> = detection
        .plateaus
        .iter()
        .map(|p| p.learned_places())
        .collect();
    assert_eq!(learned, [Some(vec![]), Some(vec![0, 1])]);
    assert_eq!(detection.phase.misattribution, None);
    assert!(
        detection
            .phase
            .reason
            .expect("early fusion says so")
            .contains("no unimodal saddle")
    );
}

/// A run that ends on a saddle says which, and does not know the second crossing.
#[test]
fn a_run_that_ends_on_a_saddle_stays_there() {
    let (moments, architecture) = problem(3);
    let steps = Steps {
        a: (10.0, 8.0),
        b: (80.0, 3.0),
    };
    let detection = steps.detect(&moments, &architecture, 40.0);
    let last = detection.plateaus.last().expect("a plateau");
    assert!(last.is_of(&[0]) && last.exit.is_none(), "{last:?}");
    assert_eq!(detection.phase.t_second, None);
    assert_eq!(detection.phase.ratio, None);
    assert!(
        detection
            .phase
            .reason
            .expect("says why")
            .contains("no second modality")
    );
    let stuck = Steps {
        a: (80.0, 8.0),
        b: (90.0, 3.0),
    }
    .detect(&moments, &architecture, 40.0);
    assert_eq!(stuck.plateaus.len(), 1);
    assert_eq!(
        (stuck.plateaus[0].learned.clone(), stuck.plateaus[0].exit),
        (Some(vec![]), None)
    );
    assert_eq!(stuck.phase.first, None);
}

/// A run cut off in the middle of a drop is on no plateau.
#[test]
fn a_run_cut_off_in_a_drop_is_on_no_plateau() {
    let (moments, architecture) = problem(3);
    let steps = Steps {
        a: (10.0, 3.0),
        b: (80.0, 3.0),
    };
    let detection = steps.detect(&moments, &architecture, 10.1);
    assert_eq!(detection.plateaus.len(), 1);
    assert!(detection.plateaus[0].exit.is_some());
}

/// A plateau that lies at none of the critical points is called so.
#[test]
fn a_plateau_elsewhere_is_named_other() {
    let moments = common::toy(2.0, 0.0);
    let architecture = common::network(&moments, 3, 1, 1);
    // Early fusion has no M_A; a staircase that stops there is at no saddle of this network.
    let steps = Steps {
        a: (10.0, 8.0),
        b: (30.0, 3.0),
    };
    let detection = steps.detect(&moments, &architecture, 50.0);
    assert_eq!(detection.plateaus[1].learned, None);
}
