//! Stages in time: against the same equations stepped by hand, and what is said of them.

use crate::common;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::integrate::Outcome;
use nalgebra::DVector;

const SIGMA: f64 = 2.0;
const RHO: f64 = 0.3;
const WIDTH: usize = 6;

/// Late fusion, two scalar modalities; `more` are further lines.
fn scenario(schedule: &str, flow: &str, more: &str) -> String {
    format!(
        "data: {{toy: {{sigma: {{A: {SIGMA}, B: 1.0}}, rho: {RHO}, target: {{A: 1.0, B: 1.0}}}}}}\n\
         network: {{depth: 2, fusion_layer: 2, width: {WIDTH}}}\n\
         init: {{gaussian: {{std: 0.05}}}}\n\
         flow: {{{flow}}}\n\
         remedy: {{{schedule}}}\n{more}\n"
    )
}

fn run(schedule: &str, flow: &str) -> (Problem, RunResult) {
    common::run(&scenario(schedule, flow, ""))
}

/// What a stage is made of, by modality: rates, probabilities to be kept, auxiliary weights.
struct ByHand {
    until: f64,
    rate: [f64; 2],
    keep: [f64; 2],
    auxiliary: [f64; 2],
}

const PLAIN: ByHand = ByHand {
    until: f64::INFINITY,
    rate: [1.0; 2],
    keep: [1.0; 2],
    auxiliary: [0.0; 2],
};

/// The classical Runge-Kutta method of order 4 on dp_m/dt = c_m g_m q_m, dq_m/dt = c_m g_m p_m: no code of the
/// library. The state is that of the network: both layers of A, then those of B.
fn by_hand(mut state: DVector<f64>, stages: &[ByHand], end: f64) -> DVector<f64> {
    const STEPS: usize = 4000;
    let cross = [SIGMA * SIGMA + RHO * SIGMA, 1.0 + RHO * SIGMA];
    let own = [SIGMA * SIGMA, 1.0];
    let mut time = 0.0;
    for stage in stages {
        let until = stage.until.min(end);
        let rate = |w: &DVector<f64>| {
            let layer = |k: usize| w.rows(k * WIDTH, WIDTH).into_owned();
            let map = [layer(0).dot(&layer(1)), layer(2).dot(&layer(3))];
            let [a, b] = stage.keep;
            let drive = |m: usize| {
                let seen = (1.0 + stage.auxiliary[m]) * stage.keep[m];
                let joint = a * b * RHO * SIGMA;
                stage.rate[m] * (seen * (cross[m] - own[m] * map[m]) - joint * map[1 - m])
            };
            let parts = [(0, 1), (0, 0), (1, 3), (1, 2)].map(|(m, other)| layer(other) * drive(m));
            DVector::from_iterator(
                4 * WIDTH,
                parts.iter().flat_map(|part| part.iter().copied()),
            )
        };
        let h = (until - time) / STEPS as f64;
        for _ in 0..STEPS {
            let k1 = rate(&state);
            let k2 = rate(&(&state + &k1 * (0.5 * h)));
            let k3 = rate(&(&state + &k2 * (0.5 * h)));
            let k4 = rate(&(&state + &k3 * h));
            state += (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0);
        }
        time = until;
    }
    state
}

fn gap(a: &DVector<f64>, b: &DVector<f64>) -> f64 {
    (a - b).norm() / b.norm()
}

fn final_weights((problem, result): &(Problem, RunResult)) -> DVector<f64> {
    result.flow.final_weights(problem)
}

#[test]
fn a_single_empty_stage_is_none() {
    let flow = "until: {time: 6.0}";
    let more = "descent: {learning_rate: 0.01}";
    let runs = ["schedule: [{}]", ""].map(|s| common::run(&scenario(s, flow, more)));
    let [(with, found), (without, plain)] = &runs;
    assert_eq!(with.scenario, without.scenario);
    assert_eq!(found.flow.trajectory.knots(), plain.flow.trajectory.knots());
    assert_eq!(found.flow.end, plain.flow.end);
    assert_eq!(found.theory, plain.theory);
    // One stage with values is a section with values.
    let kept = ["schedule: [{keep: {A: 0.5}}]", "keep: {A: 0.5}"].map(|s| run(s, flow));
    assert_eq!(kept[0].1.flow.end, kept[1].1.flow.end);
    assert_ne!(kept[0].1.flow.end, plain.flow.end);
}

/// Absent, frozen, dropped and auxiliary modalities, by every method, reduced and in full.
#[test]
fn stages_are_those_stepped_by_hand() {
    let schedule = "keep: {B: 0.8}, schedule: [{until: 1.3, absent: [B], rate: {A: 0.5}}, \
                    {until: 2.0, rate: {A: 0.0}, auxiliary: {B: 2.0}, keep: {B: 1.0}}, \
                    {until: 2.5, absent: [A]}, {keep: {A: 0.9}}]";
    let stages = [
        ByHand {
            until: 1.3,
            rate: [0.5, 1.0],
            keep: [1.0, 0.0],
            ..PLAIN
        },
        ByHand {
            until: 2.0,
            rate: [0.0, 1.0],
            auxiliary: [0.0, 2.0],
            ..PLAIN
        },
        ByHand {
            until: 2.5,
            keep: [0.0, 0.8],
            ..PLAIN
        },
        ByHand {
            keep: [0.9, 0.8],
            ..PLAIN
        },
    ];
    let end = 3.1;
    for method in ["dopri5", "dop853", "exponential"] {
        for reduction in ["auto", "off"] {
            let flow = format!(
                "until: {{time: {end}}}, method: {method}, rtol: 1.0e-10, reduction: {reduction}"
            );
            let found = run(schedule, &flow);
            assert_eq!(found.1.flow.is_reduced, reduction == "auto");
            let exact = by_hand(found.0.weights.clone(), &stages, end);
            let off = gap(&final_weights(&found), &exact);
            assert!(off < 3e-9, "{method}, reduction {reduction}: {off:e}");
            let drift = found.1.flow.balancedness_drift.expect("measured");
            assert!(drift < 1e-9, "{method}: {drift:e}");
            assert_eq!(found.1.flow.end.outcome, Outcome::TimeReached);
            assert_eq!(found.1.flow.end.time, end);
        }
    }
}

#[test]
fn two_stages_alike_are_one() {
    let flow = "until: {loss_gap: 1.0e-6}, rtol: 1.0e-9";
    let (_, one) = run("", flow);
    let (_, two) = run("schedule: [{until: 0.9}, {}]", flow);
    assert_eq!(one.flow.end, two.flow.end);
    assert_eq!(one.theory, two.theory);
    // Of three stages, the two that are alike.
    let [three, two] = [
        "schedule: [{until: 0.4, absent: [B]}, {until: 0.9, absent: [B]}, {}]",
        "schedule: [{until: 0.9, absent: [B]}, {}]",
    ]
    .map(|schedule| run(schedule, flow).1);
    assert_eq!(three.flow.end, two.flow.end);
}

/// Frozen weights keep every bit, and so do those of an absent modality.
#[test]
fn what_is_frozen_stays() {
    for method in ["dopri5", "dop853", "exponential"] {
        for reduction in ["auto", "off"] {
            let flow = format!("until: {{time: 2.0}}, method: {method}, reduction: {reduction}");
            let schedule = "schedule: [{until: 1.0, rate: {A: 0.0}}, {until: 1.5, absent: [A]}, {rate: {A: 0.0}}]";
            let found = run(schedule, &flow);
            let (start, end) = (&found.0.weights, final_weights(&found));
            let of_a = 0..2 * WIDTH;
            assert_eq!(
                start.as_slice()[of_a.clone()],
                end.as_slice()[of_a],
                "{method}"
            );
            assert!(start.rows(2 * WIDTH, WIDTH) != end.rows(2 * WIDTH, WIDTH));
        }
    }
}

/// Rates jump at a joint, and the trajectory has both sides of it.
#[test]
fn joints_have_two_sides() {
    let joint = 0.7_f64;
    let flow = "until: {time: 1.5}, rtol: 1.0e-10";
    let (problem, result) = run(
        &format!("schedule: [{{until: {joint}, rate: {{A: 0.0}}}}, {{}}]"),
        flow,
    );
    let observables = problem.observables();
    let trajectory = &result.flow.trajectory;
    let rate = |time: f64| observables.map_rate(&trajectory.at(time))[0];
    assert_eq!(rate(joint.next_down()), 0.0);
    // dW_A/dt = (|p|^2 + |q|^2) g.
    let knot = trajectory.at(joint);
    let [a, b] = [0, 1].map(|m| observables.map(&knot)[m]);
    let drive = SIGMA * SIGMA * (1.0 - a) + RHO * SIGMA * (1.0 - b);
    let squares = knot.values[2] + knot.values[3];
    assert!((rate(joint) / (squares * drive) - 1.0).abs() < 1e-8);
    let before = trajectory.scan().filter(|time| *time < joint).last();
    assert_eq!(before, Some(joint.next_down()));
    let times: Vec<f64> = trajectory.scan().collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
}

/// While B is absent A is learned, which is a plateau of the last loss too. It ends some time after B is there.
#[test]
fn a_plateau_lasts_until_its_modality_is_there() {
    let flow = "until: {loss_gap: 1.0e-6}, rtol: 1.0e-9";
    let until = 20.0;
    let (problem, found) = run(
        &format!("schedule: [{{until: {until}, absent: [B]}}, {{}}]"),
        flow,
    );
    let phase = &found.flow.detection.phase;
    let first = phase.first.as_ref().map(|m| m.name.as_str());
    assert_eq!(first, Some("A"));
    // Beside B from its start, A is learned about then too.
    let (_, plain) = run("", flow);
    let both = [phase, &plain.flow.detection.phase].map(|phase| phase.t_first.expect("learned"));
    assert!((both[0] / both[1] - 1.0).abs() < 0.1, "{both:?}");
    let plateaus = &found.flow.detection.plateaus;
    let plateau = plateaus
        .iter()
        .find(|p| p.saddle == "M_A")
        .expect("A alone");
    let exit = plateau.exit.expect("left");
    let second = phase.t_second.expect("learned");
    assert!(
        until < exit && exit < second && second < until + 4.0,
        "{exit} {second}"
    );
    // The exit is where the loss has begun to fall by its share of the drop.
    let loss = |time: f64| problem.observables().loss(&found.flow.trajectory.at(time));
    let least = loss(found.flow.trajectory.end().time);
    let share = (plateau.loss - loss(exit)) / (plateau.loss - least);
    assert!(
        (share - problem.scenario.detector.share).abs() < 1e-3,
        "{share}"
    );
    // Growth in a stage before the last one is not what the last one's drives predict.
    assert!(found.escapes.iter().flatten().all(|e| e.time >= until));
}

/// A plateau that only a frozen rate makes ends where the stage ends.
#[test]
fn a_plateau_of_a_frozen_stage_ends_with_it() {
    let flow = "until: {loss_gap: 1.0e-6}, rtol: 1.0e-9";
    let more = "";
    let text = scenario("schedule: [{until: 9.0, rate: {B: 0.0}}, {}]", flow, more)
        .replace("std: 0.05", "std: 0.4");
    let (problem, found) = common::run(&text);
    let plateaus = &found.flow.detection.plateaus;
    let plateau = plateaus
        .iter()
        .find(|p| p.exit.is_some() && p.entry < 9.0 && p.entry > 0.0);
    let exit = plateau.and_then(|p| p.exit).expect("left");
    assert!((9.0..9.2).contains(&exit), "{exit}: {plateaus:?}");
    assert!(problem.observables().loss_gap(found.flow.trajectory.end()) < 1.01e-6);
}

/// A stage that trains B without A takes it too far for both: on the way the last loss falls and rises again, and
/// rests higher than it was least. That is one plateau, and where the loss turns is none.
#[test]
fn a_loss_that_rises_has_its_plateaus() {
    let flow = "until: {loss_gap: 1.0e-6}, rtol: 1.0e-9";
    let schedule = "schedule: [{until: 20.0, absent: [B]}, {until: 40.0, absent: [A]}, {}]";
    let (_, found) = run(schedule, flow);
    let plateaus = &found.flow.detection.plateaus;
    let names: Vec<&str> = plateaus.iter().map(|p| p.saddle.as_str()).collect();
    assert_eq!(names, ["M_0", "M_A", "other", "M_*"]);
    // Alone each is learned as far as it explains what it shares with the other one.
    let off = [RHO / SIGMA, RHO * SIGMA];
    let power = SIGMA * SIGMA * off[0] * off[0] + off[1] * off[1];
    let rest = 0.5 * (power + 2.0 * RHO * SIGMA * off[0] * off[1]);
    let plateau = &plateaus[2];
    assert!(
        (plateau.loss / rest - 1.0).abs() < 1e-6,
        "{} {rest}",
        plateau.loss
    );
    assert!(
        plateau.entry > 21.0 && plateau.entry < 25.0,
        "{}",
        plateau.entry
    );
    let exit = plateau.exit.expect("left");
    assert!((40.0..40.1).contains(&exit), "{exit}");
}

/// Steps of descent follow the stages, to first order in the learning rate; a batch of all samples is no batch.
#[test]
fn descents_follow_the_stages() {
    let flow = "until: {time: 3.0}, rtol: 1.0e-9";
    let schedule =
        "schedule: [{until: 0.5, absent: [B]}, {until: 1.0, rate: {A: 0.0}}, {keep: {A: 0.8}}]";
    let more = "descent: {learning_rate: [0.004, 0.002, 0.001]}";
    let text = scenario(schedule, flow, more).replace("std: 0.05", "std: 0.3");
    let (_, result) = common::run(&text);
    let orders = result.orders.expect("three rates");
    for order in [orders.max_loss_gap, orders.max_map_gap] {
        let order = order.expect("measured");
        assert!((0.9..=1.1).contains(&order), "{orders:?}");
    }
    let schedule = "schedule: [{until: 0.5, absent: [B]}, {until: 1.0, rate: {A: 0.0}}, {auxiliary: {B: 1.0}}]";
    let losses = ["", ", batch: 40"].map(|batch| {
        let more = format!("descent: {{learning_rate: 0.01{batch}}}");
        let text = scenario(schedule, flow, &more)
            .replace("rho: 0.3", "rho: 0.3, samples: 40")
            .replace("std: 0.05", "std: 0.3");
        let (_, result) = common::run(&text);
        result.descents[0].descent.final_loss
    });
    assert!((losses[0] / losses[1] - 1.0).abs() < 1e-9, "{losses:?}");
}

/// Linear networks learn B however late it comes; in a given time they learn less of it the later it comes.
#[test]
fn a_critical_period_is_one_of_time() {
    let norm_of_b = |until: f64, end: &str| {
        let schedule = format!("schedule: [{{until: {until}, absent: [B]}}, {{}}]");
        let (problem, result) = run(&schedule, end);
        problem.observables().norm(result.flow.trajectory.end(), 1)
    };
    let shares = [0.5, 2.0, 4.0].map(|until| norm_of_b(until, "until: {time: 6.0}"));
    assert!(
        shares[0] > shares[1] && shares[1] > 2.0 * shares[2],
        "{shares:?}"
    );
    let later = norm_of_b(4.0, "until: {loss_gap: 1.0e-8}");
    assert!((later - 1.0).abs() < 1e-3, "{later}");
}

#[test]
fn stages_out_of_order_are_refused() {
    let cases = [
        ("schedule: [{}, {}]", "remedy.schedule.0.until"),
        (
            "schedule: [{until: 3.0}, {until: 2.0}, {}]",
            "remedy.schedule.1.until",
        ),
        (
            "schedule: [{until: 3.0}, {until: 3.0}, {}]",
            "remedy.schedule.1.until",
        ),
        (
            "schedule: [{until: 3.0}, {until: 4.0}]",
            "remedy.schedule.1.until",
        ),
        ("schedule: [{until: 6.0}, {}]", "remedy.schedule.0.until"),
        ("schedule: [{until: -1.0}, {}]", "remedy.schedule.0.until"),
        (
            "schedule: [{until: 1.0, absent: [A, C]}, {}]",
            "remedy.schedule.0.absent.1",
        ),
        (
            "schedule: [{until: 1.0, absent: [B, B]}, {}]",
            "remedy.schedule.0.absent.1",
        ),
        (
            "schedule: [{until: 1.0, absent: [A, B]}, {}]",
            "remedy.schedule.0.absent",
        ),
        (
            "schedule: [{until: 1.0}, {absent: [B]}]",
            "remedy.schedule.1.absent",
        ),
        (
            "schedule: [{until: 1.0}, {rate: {C: 2.0}}]",
            "remedy.schedule.1.rate.C",
        ),
        (
            "schedule: [{until: 1.0}, {keep: {A: 0.0}}]",
            "remedy.schedule.1.keep.A",
        ),
    ];
    for (schedule, key) in cases {
        let text = scenario(schedule, "until: {time: 6.0}", "");
        let error = common::scenario(&text).expect_err(schedule);
        let line = error.to_string();
        assert!(
            line.contains(&format!("{key}:")) || line.contains(&format!("{key} ")),
            "{line}"
        );
    }
    let relu = scenario("schedule: [{until: 1.0}, {}]", "until: {time: 6.0}", "")
        .replace("rho: 0.3", "rho: 0.3, samples: 50")
        .replace("width: 6", "width: 6, activation: relu");
    let error = common::scenario(&relu).expect_err("not linear").to_string();
    assert!(
        error.contains("remedy.schedule") && error.contains("relu"),
        "{error}"
    );
}

/// Where products with the moments are kept beside the map, they are those of the last stage.
#[test]
fn what_is_kept_beside_the_map_is_of_the_last_stage() {
    let text = "seed: 3\n\
         data: {wishart: {modalities: {A: 80, B: 60}, scale: {A: 2.0, B: 1.0}}}\n\
         network: {depth: 2, fusion_layer: 2, width: 4}\n\
         init: {gaussian: {std: 0.05}}\n\
         flow: {until: {time: 0.4}}\n\
         remedy: {schedule: [{until: 0.2, absent: [B]}, {keep: {A: 0.7}}]}\n";
    let (problem, result) = common::run(text);
    let observables = problem.observables();
    assert!(problem.moments.by_products().residual.is_some());
    for knot in result.flow.trajectory.knots() {
        let by_map = problem.moments.loss.loss(observables.map(knot));
        assert!((observables.loss(knot) / by_map - 1.0).abs() < 1e-9);
    }
}

/// Late fusion with every modality frozen learns nothing, whatever the stages before.
#[test]
fn everything_frozen_at_the_end_is_refused() {
    for (remedy, key) in [
        ("rate: {A: 0, B: 0}", "remedy.rate"),
        (
            "schedule: [{until: 1.0}, {rate: {A: 0, B: 0}}]",
            "remedy.schedule.1.rate",
        ),
    ] {
        let yaml = scenario(remedy, "until: {time: 6.0}", "");
        let scenario: modalflow::experiment::Scenario =
            serde_yaml::from_str(&yaml).expect("a scenario");
        let error = scenario.check().expect_err("nothing learns").to_string();
        assert!(error.contains(key) && error.contains("frozen"), "{error}");
    }
}

/// B alone is learned on the other side of zero, and aligned weights cannot turn: beside A they shrink for ever. The phase stays what
/// it was, and says that the run ends without B.
#[test]
fn what_a_later_stage_takes_back_is_said_to_be_lost() {
    let yaml = |schedule: &str| {
        format!(
            "data: {{toy: {{rho: -0.9, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 10}}\ninit: {{aligned: {{norm: 1.0e-3}}}}\n\
             flow: {{until: {{time: 300}}}}\nremedy: {{schedule: {schedule}}}"
        )
    };
    let (_, lost) = common::run(&yaml("[{until: 30, absent: [A]}, {}]"));
    let phase = &lost.flow.detection.phase;
    assert_eq!(phase.first.as_ref().map(|m| m.name.as_str()), Some("B"));
    let reason = phase.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("B is lost again"), "{reason}");
    let (_, kept) = common::run(&yaml("[{until: 30, absent: [B]}, {}]"));
    let reason = kept
        .flow
        .detection
        .phase
        .reason
        .as_deref()
        .unwrap_or_default();
    assert!(!reason.contains("lost"), "{reason}");
}
