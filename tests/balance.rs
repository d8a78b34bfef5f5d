//! What would balance the modalities, by hand and by integration.

use super::common;
use super::remedy_theory::{close, toy, two_layers};
use modalflow::theory::{Balance, Effect};

fn balance(yaml: &str) -> Option<Balance> {
    let problem = common::prepare(yaml);
    problem.balance(&problem.theory())
}

const LATE: &str = "network: {depth: 2, fusion_layer: 2, width: 4}\ninit: {aligned: {norm: 1.0e-9}}\n\
                    flow: {until: {loss_gap: 1.0e-6}}\n";

/// s_A = 5, s_B = 2: all values by hand, and 1 from integration with each.
#[test]
fn what_balances_two_modalities() {
    let found = balance(&toy(0.5, LATE)).expect("an order");
    let formula = &found.formula;
    assert!(close(formula.rate.get("B").copied(), 2.5, 1e-12));
    assert!(close(formula.auxiliary.get("B").copied(), 1.5, 1e-12));
    assert!(close(formula.keep.get("A").copied(), 0.4, 1e-12));
    assert_eq!((formula.rate.len(), formula.keep.len()), (1, 1));
    assert!(close(found.modulate, 0.6f64.atanh(), 1e-12));
    assert_eq!(found.equal, Some(Effect::Shortens));
    assert!(close(found.equal_limit, 2.5, 1e-12));
    // W_A = (5 - mu)/4, so that 2 - (5 - mu)/4 = mu at 1.
    let decay = found.weight_decay.expect("two layers");
    assert!(close(Some(decay.keeps_second), 1.0, 1e-12));
    assert!(close(Some(decay.keeps_any), 5.0, 1e-12));
    let weights = found.from_weights.expect("times");
    for (remedy, value) in [
        ("rate: {B", weights.rate["B"]),
        ("auxiliary: {B", weights.auxiliary["B"]),
        ("keep: {A", weights.keep["A"]),
    ] {
        let (_, result) = two_layers(0.5, &format!("{{{remedy}: {value}}}}}"));
        let phase = &result.flow.detection.phase;
        assert!(
            close(phase.ratio, 1.0, 0.02),
            "{remedy} {value}: {:?}",
            phase.ratio
        );
    }
}

/// The values take the place of those that a scenario has.
#[test]
fn balance_beside_remedies_in_force() {
    let remedy = "remedy: {rate: {A: 0.8}, auxiliary: {B: 0.25}, keep: {A: 0.9}}";
    let found = balance(&toy(0.5, &format!("{LATE}{remedy}"))).expect("an order");
    // Speeds 0.8 0.9 5 = 3.6 and 1.25 2 = 2.5.
    let formula = &found.formula;
    assert!(close(formula.rate.get("B").copied(), 1.44, 1e-12));
    assert!(close(formula.auxiliary.get("B").copied(), 0.8, 1e-12));
    assert!(close(formula.keep.get("A").copied(), 0.625, 1e-12));
}

/// The sign of the correlation decides what remedies that act on both alike do, and integration agrees.
#[test]
fn equal_remedies_lengthen_the_phase_of_negative_correlation() {
    for (rho, effect) in [
        (0.5, Effect::Shortens),
        (0.0, Effect::Leaves),
        (-0.3, Effect::Lengthens),
    ] {
        let found = balance(&toy(rho, LATE)).expect("an order");
        assert_eq!(found.equal, Some(effect), "{rho}");
        let ratio = |remedy: &str| {
            let (_, result) = two_layers(rho, remedy);
            result.flow.detection.phase.ratio.expect("both")
        };
        let change = ratio("{auxiliary: {A: 2, B: 2}}") / ratio("{}") - 1.0;
        let measured = match change {
            change if change.abs() < 1e-6 => Effect::Leaves,
            change if change < 0.0 => Effect::Shortens,
            _ => Effect::Lengthens,
        };
        assert_eq!(measured, effect, "{rho}: {change}");
    }
}

/// B starts in the wrong direction: no rate and no weight makes it right.
#[test]
fn no_balance_where_a_drive_turns_round() {
    let found = balance(&toy(-0.6, LATE)).expect("an order");
    assert!(found.formula.rate.is_empty() && found.formula.keep.is_empty());
    assert_eq!((found.from_weights, found.modulate), (None, None));
    let early = "network: {depth: 3, fusion_layer: 1, width: 4}\ninit: {aligned: {norm: 1.0e-3}}\n\
                 flow: {until: {loss_gap: 1.0e-6}}";
    assert_eq!(balance(&toy(0.5, early)), None);
}

/// Real data, two layers from 1e-12: at the rate that theory names both are learned at once.
#[test]
fn the_balancing_rate_of_the_diabetes_data() {
    let yaml = std::fs::read_to_string("scenarios/diabetes.yaml").expect("shipped");
    let yaml = yaml
        .replace("path: data/", "path: scenarios/data/")
        .replace("descent:", "# descent:");
    let found = balance(&yaml).expect("an order");
    for found in [found.formula, found.from_weights.expect("times")] {
        let rate = found.rate["body"];
        let (_, result) = common::run(&format!("{yaml}\nremedy: {{rate: {{body: {rate}}}}}\n"));
        let ratio = result.flow.detection.phase.ratio;
        assert!(close(ratio, 1.0, 0.02), "{rate}: {ratio:?}");
    }
}

/// Vector inputs: just above the limit of weight decay the flow loses B, just below it keeps it.
#[test]
fn weight_decay_loses_the_second_modality_at_its_limit() {
    let yaml = |decay: f64| {
        format!(
            "data: {{moments: {{modalities: {{A: 2, B: 2}}, inputs: [[4, 1, 0.5, 0.3], [1, 2, 0.2, 0.4], [0.5, 0.2, 1, 0.1], \
             [0.3, 0.4, 0.1, 0.6]], target_map: [[1, 0.4, 0.5, -0.4]]}}}}\n\
             network: {{depth: 2, fusion_layer: 2, width: 4}}\ninit: {{gaussian: {{std: 0.1}}}}\n\
             flow: {{weight_decay: {decay}, until: {{time: 1000}}}}"
        )
    };
    let limits = balance(&yaml(0.0))
        .expect("an order")
        .weight_decay
        .expect("two layers");
    let sizes = |decay: f64| {
        let (problem, result) = common::run(&yaml(decay));
        let is_lost = decay > limits.keeps_second;
        assert_eq!(result.theory.ratio.is_none(), is_lost);
        let found = result.theory.from_weights.as_ref().expect("times");
        assert_eq!(found.t_second.is_none(), is_lost);
        assert!(result.theory_curve.is_none());
        // The limits stay.
        let found = problem.balance(&result.theory).expect("limits");
        assert_eq!(found.weight_decay, Some(limits));
        assert!(found.formula.keep.is_empty() && found.modulate.is_none());
        let end = result.flow.trajectory.end();
        [0, 1].map(|m| problem.observables().norm(end, m))
    };
    let [a, b] = sizes(0.95 * limits.keeps_second);
    assert!(a > 0.1 && b > 1e-3, "{a} {b}");
    let [a, b] = sizes(1.05 * limits.keeps_second);
    assert!(a > 0.1 && b < 1e-6, "{a} {b}");
    let [a, b] = sizes(1.05 * limits.keeps_any);
    assert!(a < 1e-6 && b < 1e-6, "{a} {b}");
}

/// Intermediate fusion, aligned weights: s_A/s_B = 4 without correlation and 2.5 at rho = 0.5. Equal speeds make equal maps at
/// all times, to the tolerance of the integration; a fifth less or a quarter more leaves one of the two ahead.
#[test]
fn intermediate_fusion_is_balanced_by_equal_speeds() {
    for (depth, fusion, rho, balance) in [(3, 2, 0.0, 4.0), (4, 3, 0.5, 2.5)] {
        let run = |factor: f64| {
            common::run(&format!(
                "data: {{toy: {{sigma: {{A: 2.0, B: 1.0}}, rho: {rho}, target: {{A: 1.0, B: 1.0}}}}}}\n\
                 network: {{depth: {depth}, fusion_layer: {fusion}, width: 10}}\n\
                 init: {{aligned: {{norm: 1.0e-3}}}}\n\
                 flow: {{until: {{loss_gap: 1.0e-4}}}}\n\
                 remedy: {{rate: {{B: {}}}}}\n",
                factor * balance
            ))
        };
        let (problem, _) = run(1.0 / balance);
        let named = problem
            .balance(&problem.theory())
            .expect("an order")
            .formula;
        assert!((named.rate["B"] / balance - 1.0).abs() < 1e-12, "{named:?}");
        let (_, result) = run(1.0);
        let ratio = result.flow.detection.phase.ratio.expect("both are learned");
        assert!((ratio - 1.0).abs() < 1e-6, "{depth}, {fusion}: {ratio}");
        for (factor, first) in [(0.8, 0), (1.25, 1)] {
            let (_, result) = run(factor);
            let phase = &result.flow.detection.phase;
            assert_eq!(common::place(&phase.first), Some(first), "{factor}");
            assert!(phase.ratio.expect("both are learned") > 1.0 + 1e-4);
        }
    }
}

/// rho = -0.6: S_yxB = -0.2, and A that is learned takes 2.8 (-0.3) of it, so that with equal weights lambda the drive of B is
/// (1 + lambda) (-0.2) + 0.84. It is zero at 3.2, and the ratio infinite there: nothing bounds it.
#[test]
fn equal_remedies_have_no_limit_where_a_drive_turns_round() {
    // Aligned weights would never come back from a drive that turns round.
    let random = LATE.replace("aligned: {norm", "gaussian: {std");
    let found = balance(&toy(-0.6, &random)).expect("an order");
    assert_eq!(
        (found.equal, found.equal_limit),
        (Some(Effect::Diverges), None)
    );
    let ratio = |lambda: f64| {
        let remedy = format!("remedy: {{auxiliary: {{A: {lambda}, B: {lambda}}}}}");
        let problem = common::prepare(&toy(-0.6, &format!("{random}{remedy}")));
        problem.theory().ratio.expect("a ratio")
    };
    // It is zero at lambda = 3.2.
    assert!(ratio(3.1) > 5.0 * ratio(0.0) && ratio(3.3) > 5.0 * ratio(40.0));
}

/// Under weight decay modes grow at c_m (s_m - mu), and integration agrees but for the drops, of order one in times of 12.
#[test]
fn rates_balance_under_weight_decay() {
    let decaying = LATE.replace("{loss_gap: 1.0e-6}}", "{time: 100}, weight_decay: 0.5}");
    let found = balance(&toy(0.5, &decaying)).expect("limits");
    let rate = found.formula.rate.get("B").copied();
    assert!(close(rate, 4.5 / 1.5, 1e-12), "{rate:?}");
    let remedy = format!("remedy: {{rate: {{B: {}}}}}", rate.expect("a rate"));
    let (problem, result) = common::run(&toy(0.5, &format!("{decaying}{remedy}")));
    let phase = &result.flow.detection.phase;
    assert!(close(phase.ratio, 1.0, 0.05), "{:?}", phase.ratio);
    // What is balanced is told so.
    let found = problem.balance(&problem.theory()).expect("limits");
    assert!(close(
        found.formula.rate.values().next().copied(),
        3.0,
        1e-9
    ));
}

/// The modality that explains more drives less here, S_yxA = 1.5 of variance 4 and S_yxB = 1 of variance 1 with rho = 0.9: from
/// mu = 1/6 to 3/8 the minimum has B alone.
#[test]
fn weight_decay_may_lose_the_first_modality() {
    let data = "data: {toy: {rho: 0.9, sigma: {A: 2, B: 1}, target: {A: -0.394736842105, B: 1.710526315789}}}";
    let found = balance(&format!("{data}\n{LATE}")).expect("limits");
    let limits = found.weight_decay.expect("two layers");
    // |1.5 - 1.8 (1 - mu)| = mu where 0.3 - 1.8 mu = mu, and where 1.8 mu - 0.3 = mu.
    let [from, to] = limits.loses_first.expect("a range");
    assert!(
        (from - 0.3 / 2.8).abs() < 1e-9 && (to - 0.375).abs() < 1e-9,
        "{from} {to}"
    );
    for (decay, is_there) in [(0.3, false), (0.45, true)] {
        let flow = format!("{{time: 100}}, weight_decay: {decay}}}");
        let text = LATE.replace("{loss_gap: 1.0e-6}}", &flow);
        let problem = common::prepare(&format!("{data}\n{text}"));
        let minimum = problem.moments.decayed_minimum().expect("known");
        assert_eq!(minimum[(0, 0)].abs() > 1e-9, is_there, "{decay}");
    }
}
