//! What is said of runs on data that are not the textbook's: which modality was learned, and when.
//!
//! Each kind of data once with numbers whose right values are known, and with others. The right values
//! are told by an independent reading of the same trajectory: powers of the outputs by hand, at half of
//! their values on the plateaus.

use super::common;
use modalflow::analysis::detector::{Crossing, Detection};
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;

/// Ways to integrate one flow.
const WAYS: [&str; 4] = [
    "method: exponential",
    "method: exponential, reduction: off",
    "method: dopri5",
    "method: dop853, reduction: off",
];

fn crossing<'d>(detection: &'d Detection, name: &str) -> &'d Crossing {
    let mut crossings = detection.crossings.iter();
    crossings
        .find(|crossing| crossing.modality.name == name)
        .expect("a modality")
}

fn learned_at(result: &RunResult, name: &str) -> f64 {
    let crossing = crossing(&result.flow.detection, name);
    crossing
        .t_learned
        .unwrap_or_else(|| panic!("{name} is learned"))
}

fn saddles(result: &RunResult) -> Vec<&str> {
    let plateaus = result.flow.detection.plateaus.iter();
    plateaus.map(|plateau| plateau.saddle.as_str()).collect()
}

/// The phase is what the crossings say, and no crossing contradicts the table of plateaus: a modality
/// is learned after each plateau on which it is not, as far as the plateaus before it is.
fn ensure_consistent(problem: &Problem, result: &RunResult) {
    let detection = &result.flow.detection;
    let mut times: Vec<(f64, &str)> = detection
        .crossings
        .iter()
        .filter_map(|c| Some((c.t_learned?, c.modality.name.as_str())))
        .collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let phase = &detection.phase;
    let named = [&phase.first, &phase.second].map(|m| m.as_ref().map(|m| m.name.as_str()));
    assert_eq!(named[0], times.first().map(|t| t.1));
    assert_eq!(named[1], times.get(1).map(|t| t.1));
    assert_eq!(phase.t_first, times.first().map(|t| t.0));
    assert_eq!(phase.t_second, times.get(1).map(|t| t.0));
    for modality in &problem.architecture.modalities {
        let Some(time) = crossing(detection, &modality.name).t_learned else {
            continue;
        };
        // `other` plateaus tell of powers, not of names.
        let named = detection.plateaus.iter().filter_map(|plateau| {
            let learned = plateau.learned.as_ref()?;
            Some((plateau.time, learned.contains(modality)))
        });
        let named: Vec<(f64, bool)> = named.collect();
        let first = named.iter().position(|(_, has)| *has);
        for (at, _) in &named[..first.unwrap_or(0)] {
            assert!(*at <= time, "{}: {at} {time}", modality.name);
        }
        if let Some(first) = first {
            assert!(time <= named[first].0);
        }
    }
}

fn run(data: &str, network: &str, init: &str, flow: &str, way: &str) -> (Problem, RunResult) {
    let yaml = format!(
        "data: {{moments: {data}}}\nnetwork: {network}\ninit: {init}\nflow: {{{way}, {flow}}}"
    );
    let (problem, result) = common::run(&yaml);
    ensure_consistent(&problem, &result);
    (problem, result)
}

/// Two nearly equal columns: A is learned along their mean at once, and along their difference, which
/// hardly moves the outputs, a hundred times later. Half of the norm of its map comes after B.
#[test]
fn correlated_columns_are_learned_by_what_they_do() {
    for (rho, target, variance) in [
        (0.999, "[[3, -2, 0.2]]", 0.3),
        (0.99, "[[3, -2, 0.2]]", 0.3),
        (0.999, "[[4, -3, 0.3]]", 0.2),
        (0.9995, "[[2, -1, 0.25]]", 0.25),
    ] {
        let data = format!(
            "{{modalities: {{A: 2, B: 1}}, inputs: [[1, {rho}, 0], [{rho}, 1, 0], [0, 0, {variance}]], \
             target_map: {target}}}"
        );
        for way in WAYS {
            let (_, result) = run(
                &data,
                "{depth: 2, fusion_layer: 2, width: 50}",
                "{gaussian: {std: 1.0e-4}}",
                "until: {time: 20000.0}",
                way,
            );
            let [a, b] = ["A", "B"].map(|name| learned_at(&result, name));
            assert!(
                (3.0..7.0).contains(&a) && b > 10.0 * a,
                "{rho} {way}: {a} {b}"
            );
        }
    }
}

/// Columns of very different variances: A's large column removes half of the loss at once, its small
/// one, which holds nearly all of the norm of A's map, last.
#[test]
fn columns_of_small_variance_do_not_decide() {
    for (large, small, drop) in [
        (1e4, 0.01, 0.0725),
        (1e4, 0.02, 0.0725),
        (2500.0, 0.01, 0.2),
    ] {
        let map = 1.0 / f64::sqrt(large);
        let data = format!(
            "{{modalities: {{A: 2, B: 1}}, inputs: [[{large}, 0, 0], [0, {small}, 0], [0, 0, 1]], \
             target_map: [[{map}, 3, 1]]}}"
        );
        // Explicit steps are as short as the inverse of the largest variance.
        let ways = match large < 1e4 {
            true => &WAYS[..],
            false => &WAYS[..2],
        };
        for rtol in ["1e-8", "1e-6"] {
            for way in ways {
                let (_, result) = run(
                    &data,
                    "{depth: 2, fusion_layer: 2, width: 8}",
                    "{gaussian: {std: 1.0e-4}}",
                    &format!("rtol: {rtol}, until: {{time: 200}}"),
                    way,
                );
                let [a, b] = ["A", "B"].map(|name| learned_at(&result, name));
                assert!(
                    a < drop && (8.0..9.0).contains(&b),
                    "{large} {small} {way}: {a} {b}"
                );
                // M_0, after A's large column, after B, M_*; nothing invented on the last drop.
                assert_eq!(result.flow.detection.plateaus.len(), 4, "{rtol} {way}");
                let last = &result.flow.detection.plateaus[3];
                assert_eq!(last.saddle, "M_*");
            }
        }
    }
}

/// A plateau of 1e11 time units, beside which a step is below a millionth of the last digit of time.
#[test]
fn long_plateaus_are_three() {
    for (depth, norm, rho) in [
        (4, 1e-6, 0.0),
        (4, 1e-7, 0.0),
        (4, 1e-6, 0.4),
        (3, 1e-9, 0.0),
    ] {
        let yaml = format!(
            "data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}\n\
             network: {{depth: {depth}, fusion_layer: {depth}, width: 10}}\n\
             init: {{aligned: {{norm: {norm:e}}}}}\n\
             flow: {{rtol: 1.0e-8, until: {{loss_gap: 1.0e-6}}}}"
        );
        let (_, result) = common::run(&yaml);
        assert_eq!(saddles(&result), ["M_0", "M_A", "M_*"], "{yaml}");
    }
}

/// Modes 2 and 1 (many) of A, 1.5 of B, white inputs: mode k of modality m is half grown at
/// ln(s/w0 - 1)/(2 s), w0 its growing mode, exactly where modes do not act on each other.
#[test]
fn a_staircase_of_modes_is_named_and_timed() {
    for (strong, middle, many) in [(2.0, 1.5, 14), (3.0, 2.0, 5), (2.0, 1.6, 8)] {
        let size = many + 2;
        let diagonal = |i: usize| match i {
            0 => strong,
            _ if i == size - 1 => middle,
            _ => 1.0,
        };
        let matrix = |entry: &dyn Fn(usize) -> f64| {
            let row = |i: usize| {
                let entries = (0..size).map(|j| if i == j { entry(i) } else { 0.0 });
                format!("{:?}", entries.collect::<Vec<f64>>())
            };
            format!("[{}]", (0..size).map(row).collect::<Vec<_>>().join(", "))
        };
        let data = format!(
            "{{modalities: {{A: {}, B: 1}}, inputs: {}, target_map: {}}}",
            many + 1,
            matrix(&|_| 1.0),
            matrix(&diagonal)
        );
        let (problem, result) = run(
            &data,
            "{depth: 2, fusion_layer: 2, width: 40}",
            "{gaussian: {std: 1.0e-6}}",
            "until: {time: 40}",
            "method: auto",
        );
        assert_eq!(
            saddles(&result),
            ["M_0", "M_{A1}", "M_{A1 B1}", "M_*"],
            "{strong} {middle}"
        );
        // p = W^1 e, q = W^2^T e for the mode's direction e.
        let predicted = |first: usize, column: usize, output: usize, s: f64| {
            let p = problem.architecture.view(&problem.weights, first);
            let q = problem.architecture.view(&problem.weights, first + 1);
            let sum = p.column(column) + q.row(output).transpose();
            let start = 0.25 * sum.norm_squared();
            (s / start - 1.0).ln() / (2.0 * s)
        };
        let modes = &result.flow.detection.modes;
        let time = |m: usize, mode: usize| {
            let mut modes = modes.iter();
            let mode = modes.find(|c| c.modality.index == m && c.mode == mode);
            mode.and_then(|c| c.t_learned).expect("learned")
        };
        // Their plateaus are short: the modes are at up to 7 % less than their final values there, and so is
        // half of it, which is reached 0.15/(2 s) sooner. The last modes are timed by their final values.
        let a = predicted(0, 0, 0, strong);
        let b = predicted(2, 0, size - 1, middle);
        assert!(
            (-0.01..1e-6).contains(&(time(0, 1) / a - 1.0)),
            "{} {a}",
            time(0, 1)
        );
        assert!(
            (-0.01..1e-6).contains(&(time(1, 1) / b - 1.0)),
            "{} {b}",
            time(1, 1)
        );
        let theory = result
            .theory
            .modes
            .as_ref()
            .expect("white and uncorrelated");
        for mode in &theory[0].modes[1..] {
            let predicted = mode.t.expect("enough hidden units");
            assert!(
                (time(0, mode.rank) / predicted - 1.0).abs() < 1e-6,
                "{mode:?}"
            );
        }
        assert!((learned_at(&result, "A") - time(0, 1)).abs() < 1e-6);
    }
}

/// M_0, M_A, M_AB, M_*: B is learned at half of its value on M_AB, a tenth of its final value.
#[test]
fn three_modalities_are_timed_by_their_plateaus() {
    for (covariance, variance, target, time) in [
        (-0.45, 0.25, 2.0, Some(118.498)),
        (-0.4, 0.25, 2.0, None),
        (-0.4, 0.22, 2.1, None),
        (-0.42, 0.2, 2.0, None),
    ] {
        let data = format!(
            "{{modalities: {{A: 1, B: 1, C: 1}}, inputs: [[9, 0, 0], [0, 1, {covariance}], \
             [0, {covariance}, {variance}]], target_map: [[1, 1, {target}]]}}"
        );
        for way in WAYS {
            let (problem, result) = run(
                &data,
                "{depth: 2, fusion_layer: 2, width: 10}",
                "{gaussian: {std: 1.0e-6}}",
                "until: {time: 3000}",
                way,
            );
            assert_eq!(saddles(&result), ["M_0", "M_A", "M_AB", "M_*"], "{way}");
            let level = crossing(&result.flow.detection, "B")
                .level
                .expect("learned");
            let alone = problem.moments.critical_map(&[0, 1])[(0, 1)];
            assert!((level - alone.abs()).abs() < 1e-12, "{level} {alone}");
            if let Some(time) = time {
                assert!((learned_at(&result, "B") / time - 1.0).abs() < 1e-5);
            }
        }
    }
}

/// Ten samples of 8 and 30 inputs: B alone fits them, so that the saddle of B is the minimum. Neither the run nor
/// the theory curve has a second modality, whichever of two critical points is nearer by round-off.
#[test]
fn one_modality_that_fits_everything_leaves_no_second() {
    let mut columns: Vec<String> = (0..38).map(|j| format!("x{j}")).collect();
    columns.push("y".to_owned());
    let mut text = columns.join(",") + "\n";
    for i in 0..10 {
        let value =
            |j: usize| (f64::from(i) * 12.9898 + j as f64 * 78.233 + 2.0).sin() * 43_758.545;
        let row: Vec<f64> = (0..38).map(|j| value(j) - value(j).floor() - 0.5).collect();
        let y = row[..3].iter().chain(&row[8..11]).sum();
        let cells = row.iter().copied().chain([y]).map(|x: f64| x.to_string());
        text += &(cells.collect::<Vec<_>>().join(",") + "\n");
    }
    let file = common::table(text.as_bytes());
    for norm in ["1.0e-3", "1.0e-2", "1.0e-1"] {
        let (_, result) = common::run(&format!(
            "data: {{table: {{path: {:?}, modalities: {{A: [x0..x7], B: rest}}, targets: [y]}}}}
network: {{depth: 2, fusion_layer: 2, width: 10}}
init: {{gaussian_norm: {{norm: {norm}}}}}
flow: {{until: {{time: 100.0}}}}",
            file.path.display()
        ));
        let phase = &result.flow.detection.phase;
        let curve = result.theory_curve.expect("a theory curve").comparison;
        assert_eq!((phase.t_second, curve.t_second), (None, None), "{norm}");
        let gap = curve.t_first_gap.expect("the same modality is first");
        assert!(gap.abs() < 0.05, "{norm}: {gap}");
        let reason = phase.reason.as_deref().unwrap_or_default();
        assert!(
            reason.contains("B alone fits the outputs as well as all"),
            "{reason}"
        );
    }
}

/// No plateau at the saddle of the first modality, since what the second one adds is below `detector.drop`, or
/// since both are learned together.
#[test]
fn the_reason_for_a_missing_plateau_is_the_one_that_holds() {
    let reason = |inputs: &str, map: &str| {
        let data = format!("{{modalities: {{A: 1, B: 1}}, inputs: {inputs}, target_map: [{map}]}}");
        let (_, result) = run(
            &data,
            "{depth: 2, fusion_layer: 2, width: 4}",
            "{gaussian_norm: {norm: 1.0e-3}}",
            "until: {time: 20000.0}",
            WAYS[0],
        );
        result
            .flow
            .detection
            .phase
            .reason
            .clone()
            .unwrap_or_default()
    };
    // 1/2 of 1 and 1/2 of 2.5e-4: B adds 2.5e-4 of what can be learned.
    let small = reason("[[1, 0], [0, 1.0e-2]]", "[1, 0.158]");
    assert!(
        small.contains("the drop of the loss after it is 2.5e-4 of what can be learned"),
        "{small}"
    );
    assert!(small.contains("below detector.drop = 1e-3"), "{small}");
    let together = reason("[[1, 0], [0, 1]]", "[1, 1]");
    assert!(
        together.contains("the loss does not slow down near it"),
        "{together}"
    );
}

/// A run that ends at once in weights far larger than what they learn: powers that are no fraction of the final
/// ones have no value.
#[test]
fn powers_far_above_the_final_ones_are_no_fractions() {
    let powers = |norm: &str| {
        let (_, result) = run(
            "{modalities: {A: 1, B: 1}, inputs: [[4, 1], [1, 1]], target_map: [[1, 1]]}",
            "{depth: 2, fusion_layer: 2, width: 6}",
            &format!("{{gaussian_norm: {{norm: {norm}}}}}"),
            "until: {time: 1.0e-12}",
            WAYS[2],
        );
        let plateaus = &result.flow.detection.plateaus;
        let powers = plateaus.iter().flat_map(|plateau| plateau.power.values());
        powers.copied().collect::<Vec<Option<f64>>>()
    };
    let [a, b] = powers("5.0")[..] else {
        panic!("one plateau")
    };
    assert!(a.is_some_and(|a| (1.0..100.0).contains(&a)) && b.is_none());
    assert_eq!(powers("7.0"), [None, None]);
}
