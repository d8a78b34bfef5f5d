//! What a diagnosis cannot tell: it is null, with the reason.

use super::{assert_near, diagnose, two_layers, written};
use crate::common::{Table, scenario};
use modalflow::experiment::problem::Problem;
use modalflow::remedy::RemedySection;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Two inputs a, and as many c that repeat them, beside two others b of which the target knows as well.
fn repeated() -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(17);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let rows = (0..80).map(|_| {
        let [a1, a2, b1, b2] = [normal(), normal(), normal(), normal()];
        let y = a1 + a2 + 0.5 * b1 + 0.2 * normal();
        vec![a1, a2, b1, b2, a1, a2, y]
    });
    written(&["a1", "a2", "b1", "b2", "c1", "c2", "y"], rows)
}

/// A lies within B: once B is learned nothing drives A, whatever round-off leaves of that.
#[test]
fn a_modality_within_another_is_never_learned_after_it() {
    let table = repeated();
    let found = diagnose(&two_layers(&table, "{A: [a1, a2], B: [b1, b2, c1, c2]}"));
    assert_eq!(found.first.name, "B");
    assert_eq!(found.late_ratio.ratio, None);
    assert_eq!(found.late_ratio.never, Some(1.0));
    let repeats: Vec<_> = found.modalities[1]
        .duplicates
        .iter()
        .map(|d| [&d.input[..], &d.of_modality[..], &d.of[..]])
        .collect();
    let column = |name: &str| format!("column {name}");
    assert_eq!(
        repeats,
        [
            [&column("c1")[..], "A", &column("a1")[..]],
            [&column("c2")[..], "A", &column("a2")[..]]
        ]
    );
    assert!(found.modalities[0].duplicates.is_empty());
    assert_near(
        found.modalities[0].explained_unique.expect("told"),
        0.0,
        1e-3,
    );
}

/// Of A and its copy C the one that is not learned first adds nothing: it is left as it is, and only B is sped up.
#[test]
fn a_modality_that_adds_nothing_is_not_balanced() {
    let table = repeated();
    let found = diagnose(&two_layers(
        &table,
        "{A: [a1, a2], B: [b1, b2], C: [c1, c2]}",
    ));
    let late = found.layers.last().expect("layers");
    let first = late.learned.first.as_deref().expect("a modality");
    assert!(["A", "C"].contains(&first), "{late:?}");
    let idle = if first == "A" { "C" } else { "A" };
    let tried: Vec<_> = found.remedies.iter().map(|remedy| remedy.remedy).collect();
    assert_eq!(tried, ["rate", "auxiliary"]);
    for remedy in &found.remedies {
        let value = serde_json::to_value(&remedy.value).expect("plain data");
        assert_eq!(value.as_object().expect("by modality").len(), 1);
        assert!(value["B"].as_f64().expect("a factor") > 0.0);
        let reason = remedy.reason.as_ref().expect("a reason");
        assert!(
            reason.contains(&format!("{idle} left as it is")),
            "{reason}"
        );
    }
    // Of A and C alone nothing is to be balanced.
    let two = diagnose(&two_layers(&table, "{A: [a1, a2], C: [c1, c2]}"));
    assert!(two.remedies.is_empty());
    assert!(
        two.remedies_reason
            .as_ref()
            .is_some_and(|reason| reason.starts_with("nothing adds to what ")),
        "{:?}",
        two.remedies_reason
    );
    // Each half of the rows knows as little which of them is first.
    assert_eq!(two.superficial.verdict, None);
    assert_eq!(
        (two.superficial.confidence, two.superficial.share),
        (None, None)
    );
    let reason = two.superficial.reason.expect("a reason");
    assert!(
        reason.contains("agree with all rows by 0.50 only"),
        "{reason}"
    );
}

/// Six rows are too few to fit to some and test on others: nothing is told of what is explained.
#[test]
fn of_too_few_rows_nothing_that_is_explained_is_told() {
    let rows = (0..6).map(|k| {
        let x = f64::from(k);
        let waves = [x * x % 5.0, x.sin(), x.cos(), (2.0 * x).sin()];
        [&[x][..], &waves, &[x * 3.0 % 7.0]].concat()
    });
    let table = written(&["a", "b1", "b2", "b3", "b4", "y"], rows);
    let found = diagnose(&two_layers(&table, "{A: [a], B: [b1..b4]}"));
    // Five rows are trained on, and four directions of centred ones fit any target.
    let fits = found.modalities.iter().map(|m| (m.rank, m.fits_any_target));
    assert_eq!(fits.collect::<Vec<_>>(), [(1, false), (4, true)]);
    for modality in &found.modalities {
        assert_eq!(
            (modality.explained_alone, modality.explained_unique),
            (None, None)
        );
    }
    assert_eq!(found.explained_joint, None);
    let reasons = [found.explained_reason, found.late_ratio.reason];
    for reason in reasons {
        assert!(reason.is_some_and(|reason| reason.contains("too few rows")));
    }
    assert_eq!(found.superficial.verdict, None);
    assert!(
        found
            .superficial
            .reason
            .is_some_and(|r| r.contains("too few rows"))
    );
}

/// Of noise the error on rows held out is least where nothing is learned: shares there would be those of the initial weights.
#[test]
fn a_stop_before_anything_is_learned_has_no_bias() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut normal = move || -> f64 { random.sample(rand_distr::StandardNormal) };
    let rows = (0..40).map(|_| (0..7).map(|_| normal()).collect());
    let table = written(&["a1", "a2", "a3", "a4", "b1", "b2", "y"], rows);
    let found = diagnose(&two_layers(&table, "{A: [a1..a4], B: [b1, b2]}"));
    let mut stopped = found.layers.iter();
    let early = stopped.find(|layer| layer.stopping.early_stop == Some(0.0));
    let early = early.expect("a layer whose error only rises");
    assert_eq!(early.stopping.bias, None);
    assert!(
        early
            .stopping
            .shares
            .iter()
            .all(|share| share.early_stop.is_none())
    );
    assert!(
        early
            .stopping
            .shares
            .iter()
            .all(|share| share.end.is_some())
    );
    let reason = |reason: &String| reason.contains("no lower there than at first");
    assert!(early.reasons.iter().any(reason), "{:?}", early.reasons);
}

/// Where no second modality is learned, a stop is neither before nor after it.
#[test]
fn without_a_second_modality_no_stop_is_before_it() {
    let found = diagnose(&two_layers(
        &repeated(),
        "{A: [a1, a2, b1, b2], C: [c1, c2]}",
    ));
    let late = found.layers.last().expect("layers");
    assert_eq!(late.learned.t_second, None);
    assert!(late.stopping.early_stop.is_some());
    assert_eq!(late.stopping.stops_before_second, None);
}

/// Two rows: dropout leaves nothing to the weaker modality beside the other, and the value that balances lets both blow up at
/// once. The one that comes to nothing has no time, and not one that is no number.
#[test]
fn what_comes_to_nothing_in_a_common_drop_has_no_time() {
    let rows = [1.0, -1.0].map(|x| vec![x, x, x, x, x, x, x, x]);
    let names = ["a1", "a2", "a3", "b1", "b2", "b3", "b4", "y"];
    let table = written(&names, rows.into_iter());
    let yaml = two_layers(&table, "{A: [a1..a3], B: [b1..b4]}")
        .replace(
            "depth: 2, fusion_layer: 2, width: 6",
            "depth: 4, fusion_layer: 4, width: 20",
        )
        .replace("gaussian: {std: 1.0e-4}", "gaussian_norm: {norm: 0.1}")
        .replace(", holdout: 0.2", "");
    let mut balanced = 0;
    for seed in 0..12 {
        let mut scenario = scenario(&format!("{{seed: {seed}, {}", &yaml[1..])).expect("valid");
        let plain = Problem::prepare(&scenario).expect("a problem");
        let balance = plain.balance(&plain.theory());
        let Some(own) = balance.and_then(|balance| balance.from_weights) else {
            continue;
        };
        balanced += 1;
        scenario.remedy = RemedySection {
            keep: own.keep,
            ..RemedySection::default()
        };
        let times = Problem::prepare(&scenario).expect("a problem").theory();
        let times = times.from_weights.expect("times").times;
        assert!(
            times.values().flatten().all(|time| time.is_finite()),
            "{seed}: {times:?}"
        );
    }
    assert!(balanced > 3, "{balanced}");
}
