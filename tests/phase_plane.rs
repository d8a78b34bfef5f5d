//! The vector field in the plane of the total maps.

use super::common;
use modalflow::theory::map_rate;

/// Aligned weights are balanced and of rank one: their flow *is* the field, at every knot of the
/// trajectory, on both sides of zero and for every fusion layer.
#[test]
fn aligned_weights_follow_the_field() {
    for (depth, fusion) in [(2, 1), (2, 2), (3, 1), (3, 2), (4, 3), (4, 4)] {
        for (rho, target) in [(0.0, 1.0), (0.5, 1.0), (-0.4, -2.0)] {
            let (problem, result) = common::run(&format!(
                "
data: {{toy: {{rho: {rho}, sigma: {{A: 2, B: 1}}, target: {{A: 1, B: {target}}}}}}}
network: {{depth: {depth}, fusion_layer: {fusion}, width: 3}}
init: {{aligned: {{norm: 0.3}}}}
flow: {{rtol: 1.0e-10, until: {{time: 20.0}}}}
"
            ));
            let mut largest = 0.0_f64;
            for knot in result.flow.trajectory.knots() {
                let field = map_rate(&problem.moments, &problem.architecture, &knot.values[..2]);
                let field = field.expect("scalar inputs");
                for (predicted, measured) in field.iter().zip(&knot.rates) {
                    // The weights are balanced to the integrator's tolerance.
                    let gap = (predicted - measured).abs();
                    assert!(
                        gap < 1e-7,
                        "L = {depth}, Lf = {fusion}: {predicted} {measured}"
                    );
                    largest = largest.max(measured.abs());
                }
            }
            assert!(largest > 0.1, "nothing moved");
        }
    }
}

/// The same with learning rates that differ by modality, and weight decay.
#[test]
fn rates_and_decay_are_part_of_the_field() {
    let (problem, result) = common::run(
        "data: {toy: {rho: 0.5, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 3, fusion_layer: 3, width: 3}
init: {aligned: {norm: 0.3}}
flow: {rtol: 1.0e-10, weight_decay: 0.1, until: {time: 20.0}}
remedy: {rate: {B: 3}}",
    );
    for knot in result.flow.trajectory.knots() {
        let field = map_rate(&problem.moments, &problem.architecture, &knot.values[..2]);
        let field = field.expect("scalar inputs");
        for (predicted, measured) in field.iter().zip(&knot.rates) {
            assert!(
                (predicted - measured).abs() < 1e-7,
                "{predicted} {measured}"
            );
        }
    }
}

#[test]
fn the_field_rests_at_critical_points_and_is_for_scalars_only() {
    let moments = common::toy(2.0, 0.3);
    let late = common::network(&moments, 3, 3, 4);
    for learned in [vec![], vec![0], vec![1], vec![0, 1]] {
        let map = moments.critical_map(&learned);
        let rate = map_rate(&moments, &late, map.as_slice()).expect("scalar inputs");
        assert!(
            rate.iter().all(|rate| rate.abs() < 1e-12),
            "{learned:?}: {rate:?}"
        );
    }
    // Early fusion has no unimodal saddle.
    let early = common::network(&moments, 3, 1, 4);
    let alone = moments.critical_map(&[0]);
    let rate = map_rate(&moments, &early, alone.as_slice()).expect("scalar inputs");
    assert!(rate[1].abs() > 1e-3, "{rate:?}");
    let vectors = common::random(1, &[2, 1], 1, &[2, 2], 0, 0.1);
    assert_eq!(
        map_rate(&vectors.moments, &vectors.architecture, &[0.0; 3]),
        None
    );
}
