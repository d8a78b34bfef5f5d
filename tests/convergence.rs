//! Measured orders: of the integrators in their tolerance, of trajectories, of descent in its rate.

use super::common;
use modalflow::analysis::detector::DetectorSection;
use modalflow::analysis::detector::detect;
use modalflow::descent::optimiser::Plain;
use modalflow::descent::{self, Stepping, descend};
use modalflow::experiment::distance::{Distance, orders, with_flow};
use modalflow::flow::Flow;
use modalflow::integrate::{
    End, Method, Node, Outcome, Pair, Segment, Settings, Until, Verdict, Work, integrate,
};
use modalflow::network::Architecture;
use modalflow::trajectory::{Knot, Trajectory};
use modalflow::trajectory::{Observables, Recorder};
use nalgebra::DVector;

const T_END: f64 = 30.0;

fn flow_to(
    moments: &modalflow::data::Moments,
    architecture: &Architecture,
    weights: &DVector<f64>,
    (method, rtol): (Method, f64),
) -> (End, Trajectory) {
    let mut flow = Flow::new(architecture, moments);
    let mut recorder = Recorder::new(flow.clone(), weights.as_slice(), rtol);
    let settings = Settings {
        method,
        rtol,
        atol: rtol * 1e-2,
        t_end: T_END,
        max_steps: 1_000_000,
    };
    let end = integrate(&mut flow, weights.clone(), &settings, &mut |segment| {
        recorder.record(segment);
        Verdict::Continue
    });
    (end, recorder.finish())
}

/// Least-squares slope of log y over log x.
fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let (mx, my) = (
        logs.iter().map(|p| p.0).sum::<f64>() / count,
        logs.iter().map(|p| p.1).sum::<f64>() / count,
    );
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / logs.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

/// The time of half height at a tolerance against that at the finest: proportional to the
/// tolerance. An error per step of the tolerance and steps as tolerance^{-1/order} make the
/// slope lie between 1 - 1/order and 1, and the controller's discreteness scatters it.
#[test]
fn error_is_proportional_to_the_tolerance() {
    let moments = common::toy(2.0, 0.5);
    let architecture = common::network(&moments, 3, 2, 5);
    let weights = common::aligned(&architecture, 0.05);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    let pairs = [Pair::Dopri5, Pair::Dop853].map(Method::RungeKutta);
    for method in pairs.into_iter().chain([Method::Exponential]) {
        let t_second = |rtol: f64| {
            let (_, trajectory) = flow_to(&moments, &architecture, &weights, (method, rtol));
            detect(&trajectory, &observables, &DetectorSection::default())
                .phase
                .t_second
                .expect("both are learned")
        };
        let exact = t_second(1e-13);
        let errors: Vec<(f64, f64)> = (4..=10)
            .map(|k| 10f64.powi(-k))
            .map(|rtol| (rtol, (t_second(rtol) - exact).abs()))
            .collect();
        let order = slope(&errors);
        println!("{method:?}: {errors:?}, slope {order:.3}");
        assert!(
            (0.8..1.25).contains(&order),
            "{method:?}: slope {order}, {errors:?}"
        );
    }
}

/// A stretch of the exact solution of two-layer late fusion without correlation, aligned weights:
/// u_m^2 = 1/(1 + (1/u0^2 - 1) e^{-2 sigma_m^2 t}).
struct Exact([(f64, DVector<f64>); 3]);

const EXACT_NORM: f64 = 1e-4;

fn exact_state(time: f64) -> DVector<f64> {
    let layer = |variance: f64| {
        (1.0 + (EXACT_NORM.powi(-2) - 1.0) * (-2.0 * variance * time).exp()).powf(-0.5)
    };
    let (a, b) = (layer(4.0), layer(1.0));
    DVector::from_vec(vec![a, a, b, b])
}

impl Segment for Exact {
    fn nodes(&self) -> [Node<'_>; 3] {
        [0, 1, 2].map(|k| Node {
            time: self.0[k].0,
            state: &self.0[k].1,
        })
    }

    fn state_at(&mut self, time: f64) -> Option<DVector<f64>> {
        Some(exact_state(time))
    }

    fn work(&self) -> Work {
        Work::default()
    }
}

/// Between its knots a trajectory keeps to its tolerance, whatever the steps: too long for a
/// polynomial, or so short that most are joined.
#[test]
fn tracks_keep_to_their_tolerance() {
    let moments = common::toy(2.0, 0.0);
    let architecture = common::network(&moments, 2, 2, 1);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    for (tolerance, steps) in [(1e-6, 4), (1e-6, 4000), (1e-9, 40), (1e-9, 4000)] {
        let flow = Flow::new(&architecture, &moments);
        let mut recorder = Recorder::new(flow, exact_state(0.0).as_slice(), tolerance);
        let length = T_END / f64::from(steps);
        for i in 0..steps {
            let nodes = [0.0, 0.5, 1.0].map(|share| (f64::from(i) + share) * length);
            recorder.record(&mut Exact(nodes.map(|time| (time, exact_state(time)))));
        }
        let trajectory = recorder.finish();
        let error = |time: f64| {
            let (knot, exact) = (trajectory.at(time), exact_state(time));
            let gaps =
                [0, 1].map(|m| (observables.norm(&knot, m) / exact[2 * m].powi(2) - 1.0).abs());
            gaps[0].max(gaps[1])
        };
        let worst = (0..20_000)
            .map(|i| error(T_END * f64::from(i) / 19_999.0))
            .fold(0.0, f64::max);
        let knots = trajectory.knots().len();
        println!("tolerance {tolerance:e}, {steps} steps: error {worst:e}, {knots} knots");
        // The error is an estimate, relative to the largest value on a piece.
        assert!(worst <= 10.0 * tolerance, "{tolerance} {steps}: {worst}");
        assert!(knots < 1000, "{knots} knots");
    }
}

/// Euler's method is of order 1 in the learning rate.
#[test]
fn descent_converges_to_the_flow_with_order_one() {
    let moments = common::toy(2.0, 0.0);
    let architecture = common::network(&moments, 2, 2, 3);
    let weights = common::aligned(&architecture, 1e-4);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    let thresholds = DetectorSection::default();
    let (_, trajectory) = flow_to(
        &moments,
        &architecture,
        &weights,
        (Method::RungeKutta(Pair::Dopri5), 1e-10),
    );
    let phase = detect(&trajectory, &observables, &thresholds).phase;
    let comparisons: Vec<_> = [4e-3, 2e-3, 1e-3, 5e-4]
        .map(|learning_rate| {
            let settings = descent::Settings {
                learning_rate,
                t_end: T_END,
                until: Until::default(),
                max_steps: u64::MAX,
            };
            let mut distance = Distance::new(observables, &trajectory);
            let mut flow = Flow::new(&architecture, &moments);
            let descent = descend(
                &mut flow,
                weights.as_slice(),
                &settings,
                Stepping::on_all(Plain),
                &mut |_, knot: &Knot, _| {
                    distance.add(knot);
                    None
                },
            );
            assert_eq!(descent.steps, (T_END / learning_rate).round() as u64);
            with_flow(
                learning_rate,
                &distance,
                &detect(&descent.trajectory, &observables, &thresholds).phase,
                &phase,
            )
        })
        .to_vec();
    let orders = orders(&comparisons).expect("four rates");
    println!("{orders:?} {comparisons:?}");
    for order in [
        orders.t_first,
        orders.t_second,
        orders.max_loss_gap,
        orders.max_map_gap,
    ] {
        let order = order.expect("measured");
        assert!((0.9..=1.1).contains(&order), "{orders:?}");
    }
}

/// A knot that the joint polynomial of its neighbours misses is kept, on either side.
#[test]
fn tracks_keep_what_does_not_fit() {
    let knot = |time: f64, value: f64| Knot {
        time,
        values: vec![value],
        rates: vec![0.0],
    };
    for bump in [1.0, 3.0] {
        let value = |time: f64| if time == bump { 1.001 } else { 1.0 };
        let mut trajectory = Trajectory::new(knot(0.0, 1.0), std::iter::once(0..1).collect(), 1e-6);
        trajectory.push(knot(1.0, value(1.0)), knot(2.0, 1.0));
        trajectory.push(knot(3.0, value(3.0)), knot(4.0, 1.0));
        assert_eq!(trajectory.at(bump).values[0], 1.001);
        trajectory.push(knot(5.0, 1.0), knot(6.0, 1.0));
        trajectory.push(knot(7.0, 1.0), knot(8.0, 1.0));
        assert_eq!(trajectory.at(bump).values[0], 1.001);
        assert!(trajectory.knots().len() < 9, "what is flat is joined");
    }
}

/// A descent's trajectory passes through its steps, and between them is the smooth curve through the
/// neighbouring ones: the cubic through four steps, to its own error of fourth order in eta.
#[test]
fn descent_tracks_are_smooth_through_their_steps() {
    let moments = common::toy(2.0, 0.5);
    let architecture = common::network(&moments, 2, 2, 2);
    let weights = common::aligned(&architecture, 0.3);
    for steps in [40, 41, 42, 43] {
        let learning_rate = 0.01;
        let settings = descent::Settings {
            learning_rate,
            t_end: learning_rate * f64::from(steps),
            until: Until::default(),
            max_steps: u64::MAX,
        };
        let mut seen = Vec::new();
        let mut flow = Flow::new(&architecture, &moments);
        let descent = descend(
            &mut flow,
            weights.as_slice(),
            &settings,
            Stepping::on_all(Plain),
            &mut |_, knot: &Knot, _| {
                seen.push(knot.clone());
                None
            },
        );
        assert_eq!(descent.steps, u64::from(steps as u32));
        for knot in &seen {
            let value = descent.trajectory.at(knot.time).values[0];
            assert!((value - knot.values[0]).abs() <= 1e-7 * knot.values[0]);
        }
        for four in seen.windows(4) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| four[k].values[0]);
            // The curve between the first two and the last two steps of the run included.
            for (share, cubic) in [
                (0.5, (5.0 * a + 15.0 * b - 5.0 * c + d) / 16.0),
                (1.5, (9.0 * (b + c) - a - d) / 16.0),
                (2.5, (a - 5.0 * b + 15.0 * c + 5.0 * d) / 16.0),
            ] {
                let time = four[0].time + share * learning_rate;
                let gap = (descent.trajectory.at(time).values[0] - cubic).abs();
                // Central differences are off by a sixth of the squared growth in a step, 0.1, and the
                // gradient, which serves at the start, by half of it; the curve by a tenth of that.
                let first = four[0].time == 0.0 && share == 0.5;
                let allowed = if first { 1e-3 } else { 1.5e-4 };
                assert!(
                    gap <= allowed * c,
                    "{steps} steps, t = {time}: {gap:e} of {c}"
                );
            }
        }
    }
}

/// The distance of the flow from itself is zero; that of a known detour is what its definition says.
#[test]
fn distances_are_what_their_definitions_say() {
    let moments = common::toy(2.0, 0.0);
    let architecture = common::network(&moments, 2, 2, 2);
    let weights = common::aligned(&architecture, 0.1);
    let observables = Observables {
        architecture: &architecture,
        moments: &moments,
    };
    let (_, trajectory) = flow_to(
        &moments,
        &architecture,
        &weights,
        (Method::RungeKutta(Pair::Dopri5), 1e-8),
    );
    let mut distance = Distance::new(observables, &trajectory);
    for i in 0..=30 {
        distance.add(&trajectory.at(f64::from(i)));
    }
    assert_eq!(
        (distance.max_loss_gap, distance.max_map_gap),
        (0.0, Some(0.0))
    );
    // At the end both maps are 1 and the loss is 0: a map of A of 1.5 has the loss 1/2 4 0.5^2.
    let mut detour = trajectory.at(T_END);
    detour.values[0] += 0.5;
    distance.add(&detour);
    assert!((distance.max_loss_gap - 0.5 / 2.5).abs() < 1e-6);
    assert!((distance.max_map_gap.expect("a map to learn") - 0.5 / 2f64.sqrt()).abs() < 1e-12);
    assert_eq!(distance.max_loss_gap_time, T_END);
    // Beyond the flow's end there is nothing to compare with.
    detour.time += 1.0;
    detour.values[0] += 9.0;
    distance.add(&detour);
    assert!((distance.max_map_gap.expect("a map to learn") - 0.5 / 2f64.sqrt()).abs() < 1e-12);
}

/// Chebyshev steps: on two-layer late fusion with aligned weights, whose solution is known, halving the step tolerance eight times
/// over makes the error of order 2 in the steps, and a flow that is stiff takes the square root of the steps' work.
#[test]
fn chebyshev_steps_are_of_order_2_and_long_where_the_flow_is_stiff() {
    let moments = common::toy(2.0, 0.0);
    let architecture = common::network(&moments, 2, 2, 1);
    let end = |moments: &modalflow::data::Moments, method, rtol: f64, t_end: f64| {
        let mut flow = Flow::new(&architecture, moments);
        let settings = Settings {
            method,
            rtol,
            atol: rtol * EXACT_NORM,
            t_end,
            max_steps: 1_000_000,
        };
        let start = exact_state(0.0);
        integrate(&mut flow, start, &settings, &mut |_| Verdict::Continue)
    };
    let time = 3.0;
    let errors = (3..=7).map(|k| {
        let end = end(&moments, Method::Chebyshev, 10f64.powi(-k), time);
        assert_eq!(end.outcome, Outcome::TimeReached);
        let error = (&end.state - exact_state(time)).amax();
        (1.0 / end.work.steps as f64, error)
    });
    let errors: Vec<(f64, f64)> = errors.collect();
    let order = slope(&errors);
    assert!((1.8..2.3).contains(&order), "order {order}, {errors:?}");
    // A hundred times the variance of A: all is learned soon, and then the curvature alone bounds explicit steps.
    let stiff = common::toy(20.0, 0.0);
    let work = |method| end(&stiff, method, 1e-2, 40.0).work.rhs_evaluations;
    let [chebyshev, dopri5] = [Method::Chebyshev, Method::RungeKutta(Pair::Dopri5)].map(work);
    assert!(10 * chebyshev < dopri5, "{chebyshev} {dopri5}");
}
