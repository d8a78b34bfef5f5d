//! Against exact solutions and reference numbers.

use super::common;

use modalflow::detect::{Detection, detect};
use modalflow::flow::Flow;
use modalflow::integrate::{Outcome, Settings, Verdict, integrate};
use modalflow::network::Architecture;
use modalflow::observe::{Lens, Recorder};
use modalflow::scenario::{DetectorSection, Method};
use modalflow::track::Track;
use nalgebra::DVector;

/// Integrates to a loss gap of 1e-9 and detects.
fn measure(
    moments: &modalflow::data::Moments,
    architecture: &Architecture,
    weights: DVector<f64>,
    method: Method,
    rtol: f64,
) -> (Track, Detection) {
    let lens = Lens {
        architecture,
        moments,
    };
    let mut flow = Flow::new(architecture, moments);
    let mut recorder = Recorder::new(flow.clone(), weights.as_slice(), rtol);
    let smallest = weights
        .iter()
        .filter(|w| **w != 0.0)
        .fold(f64::MAX, |a, w| a.min(w.abs()));
    let settings = Settings {
        method,
        rtol,
        atol: rtol * smallest,
        t_end: f64::INFINITY,
        max_steps: 10_000_000,
    };
    let end = integrate(&mut flow, weights, &settings, &mut |segment| {
        if lens.loss_gap(recorder.record(segment)) <= 1e-9 {
            Verdict::Stop(Outcome::Converged)
        } else {
            Verdict::Continue
        }
    });
    assert_eq!(end.outcome, Outcome::Converged);
    let track = recorder.finish();
    let detection = detect(&track, &lens, &DetectorSection::default());
    eprintln!(
        "{:?} knots {} t {}",
        end.work,
        track.knots().len(),
        end.time
    );
    (track, detection)
}

/// depth, fusion layer, rho, r, u0, t_A, t_B: aligned weights, implicit solver at relative
/// tolerance 1e-11, confirmed by this project's docs/method notes.
const REFERENCE: [(usize, usize, f64, f64, f64, f64, f64); 13] = [
    (2, 2, 0.0, 2.0, 1e-8, 4.605170186, 18.42068074),
    (2, 2, 0.5, 2.0, 1e-8, 3.706450504, 18.40609656),
    (2, 2, -0.5, 2.0, 1e-8, 6.092279903, 30.68547309),
    (3, 3, 0.0, 2.0, 0.01, 24.78742483, 99.14969931),
    (3, 2, 0.0, 2.0, 0.05, 4.084409149, 6.164184841),
    (4, 1, 0.0, 2.0, 0.1, 6.456242630, 6.725535242),
    (4, 2, 0.0, 2.0, 0.1, 8.146978926, 9.617316542),
    (4, 2, 0.5, 2.0, 0.1, 6.275075706, 7.641935629),
    (4, 3, 0.0, 2.0, 0.1, 10.08166430, 16.62453332),
    (4, 3, -0.5, 2.0, 0.1, 13.70057981, 26.19050075),
    (4, 3, 0.0, 2.0, 0.01, 1014.951417, 1088.958330),
    (4, 4, 0.0, 2.0, 0.1, 12.43214496, 49.72857985),
    (4, 4, 0.0, 2.0, 0.01, 1249.933383, 4999.733530),
];

#[test]
fn crossings_match_the_reference_table() {
    for (depth, fusion, rho, r, norm, t_a, t_b) in REFERENCE {
        let moments = common::toy(r, rho);
        let architecture = common::network(&moments, depth, fusion, 3);
        let weights = common::aligned(&architecture, norm);
        let (_, detection) = measure(&moments, &architecture, weights, Method::Dopri5, 1e-9);
        let phase = &detection.phase;
        let gaps = [(phase.t_first, t_a), (phase.t_second, t_b)]
            .map(|(measured, expected)| (measured.unwrap_or(f64::NAN) - expected).abs() / expected);
        eprintln!("{depth} {fusion} {rho} {norm} {gaps:?}");
        for p in &detection.plateaus {
            eprintln!(
                "    {:?} {:?} {} {:?} {}",
                p.kind, p.learned, p.entry, p.exit, p.loss
            );
        }
        assert!(
            gaps.iter().all(|gap| *gap < 1e-5),
            "L = {depth}, Lf = {fusion}: {gaps:?}"
        );
    }
}
