//! What a run leaves in its folder: which files, and what stands in summary and pictures.

use super::support::{ALWAYS, DESCENT, FAST, Sandbox, at, last_saddle, number};
use serde_json::Value;
use std::fs;

/// Every key of the documented summary. A change of this list breaks what users have built on it.
const KEYS: &[&str] = &[
    "name",
    "scenario.data.toy.rho",
    "scenario.flow.atol",
    "scenario.detector.share",
    "data.modalities.1.name",
    "data.modalities.1.dim",
    "data.modalities.1.correlation_norm",
    "data.modalities.1.unimodal_norm",
    "data.modalities.1.unimodal_loss",
    "data.modalities.1.final_norm",
    "data.initial_loss",
    "data.minimum_loss",
    "data.reachable_loss",
    "data.is_reachable_loss_proven",
    "flow.method",
    "flow.outcome",
    "flow.t_end",
    "flow.final_loss",
    "flow.steps",
    "flow.rejected_steps",
    "flow.rhs_evaluations",
    "flow.balancedness_drift",
    "flow.balancedness_drift_own",
    "flow.stalled",
    "phase.first",
    "phase.second",
    "phase.t_first",
    "phase.t_second",
    "phase.length",
    "phase.ratio",
    "phase.misattribution",
    "phase.reason",
    "plateaus.1.kind",
    "plateaus.1.saddle",
    "plateaus.1.learned.0",
    "plateaus.1.entry",
    "plateaus.1.exit",
    "plateaus.1.length",
    "plateaus.1.loss",
    "theory.first",
    "theory.ratio",
    "theory.misattribution",
    "theory.superficial_preference",
    "theory.assumptions.0",
    "theory.t_first",
    "theory.t_second",
    "theory.gap.t_second",
    "theory.curve.start",
    "theory.curve.t_first",
    "theory.curve.t_second",
    "theory.curve.t_first_gap",
    "theory.curve.t_second_gap",
    "theory.curve.max_loss_gap",
    "descent.1.learning_rate",
    "descent.1.steps",
    "descent.1.outcome",
    "descent.1.final_loss",
    "descent.1.phase.ratio",
    "descent.1.theory_t_first_gap",
    "descent.1.theory_ratio_gap",
    "comparison.1.learning_rate",
    "comparison.1.max_loss_gap",
    "comparison.1.max_loss_gap_time",
    "comparison.1.max_map_gap",
    "comparison.1.t_first_gap",
    "comparison.1.t_second_gap",
    "comparison.1.ratio_gap",
    "provenance.version",
    "provenance.git",
    "provenance.rustc",
    "provenance.processor",
    "provenance.started",
    "provenance.wall_seconds",
];

/// Every key of the summary's section on generalisation.
const GENERALISATION: &[&str] = &[
    "measured_on",
    "initial",
    "minima.0.time",
    "minima.0.error",
    "minima.0.prominence",
    "least.time",
    "least.error",
    "final.time",
    "final.error",
    "least_norm",
    "early_stopping_gain",
    "over_least_norm",
    "shares.1.modality",
    "shares.1.final",
    "shares.1.least_norm",
    "shares.1.truth",
    "permanent_bias.verdict",
    "permanent_bias.modality",
    "permanent_bias.share",
    "permanent_bias.true_share",
    "permanent_bias.ratio",
    "permanent_bias.by_samples",
    "permanent_bias.by_flow",
    "permanent_bias.threshold",
    "permanent_bias.cause",
    "permanent_bias.reason",
];

/// Few samples of noisy inputs, late fusion.
const SAMPLED: &str = "\
data:
  isotropic: {modalities: {A: 6, B: 6}, variance: {A: 3.0, B: 1.0}, weight: {A: 0.3, B: 0.3}, noise: 0.5, samples: 8}
network: {depth: 2, fusion_layer: 2, width: 12}
init: {gaussian: {std: 1.0e-6}}
flow: {until: {time: 1000.0, loss_gap: 1.0e-6}}
output: {samples: 41}
";

/// Keys that say nothing where everything went as it should.
const MAY_BE_NULL: &[&str] = &[
    "flow.stalled",
    "phase.reason",
    "provenance.git",
    "provenance.rustc",
];

#[test]
fn a_run_writes_the_documented_files_and_leaves_no_others() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    let report = sandbox.succeed("run fast.yaml");
    let mut expected: Vec<&str> = ALWAYS.to_vec();
    expected.push("descent.csv");
    expected.sort_unstable();
    assert_eq!(sandbox.names("outputs/fast"), expected);
    assert_eq!(sandbox.names(".").len(), 3 + expected.len());
    for name in expected {
        assert!(report.contains(name), "{name} is not reported:\n{report}");
    }
}

#[test]
fn the_summary_has_every_documented_key() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    sandbox.succeed("run fast.yaml --quiet");
    let summary = sandbox.json("outputs/fast/summary.json");
    for key in KEYS {
        let value = at(&summary, key);
        assert!(!value.is_null() || MAY_BE_NULL.contains(key), "{key}");
    }
    assert_eq!(summary["name"], "fast");
    assert_eq!(summary["flow"]["outcome"], "time_reached");
    assert_eq!(number(&summary, "flow.t_end"), 20.0);
    let first_plateaus: Vec<&str> = ["plateaus.0.saddle", "plateaus.1.saddle"]
        .map(|key| at(&summary, key).as_str().expect("text"))
        .to_vec();
    assert_eq!(first_plateaus, ["M_0", "M_A"]);
    assert_eq!(last_saddle(&summary), "M_*");
    assert_eq!(summary["plateaus"][1]["learned"], serde_json::json!(["A"]));
}

#[test]
fn generalisation_is_told_where_there_is_a_population_or_a_hold_out() {
    let sandbox = Sandbox::with(SAMPLED);
    sandbox.write("toy.yaml", FAST);
    let run = |line: &str| {
        let assert = sandbox.command(line).assert().code(0);
        String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
    };
    let report = run("run fast.yaml --svg");
    let summary = sandbox.json("outputs/fast/summary.json");
    let found = &summary["generalisation"];
    for key in GENERALISATION {
        let value = at(found, key);
        let may_be_null = ["permanent_bias.reason", "permanent_bias.cause"].contains(key);
        assert!(!value.is_null() || may_be_null, "{key}");
    }
    assert_eq!(found["measured_on"], "population");
    assert_eq!(number(found, "final.time"), number(&summary, "flow.t_end"));
    let last = number(&summary, "flow.final_generalisation");
    assert_eq!(number(found, "final.error"), last);
    assert_eq!(found["permanent_bias"]["modality"], "B");
    for words in [
        "generalisation error ",
        "minimum ",
        "share of the map",
        "permanent bias: ",
    ] {
        assert!(report.contains(words), "{words} is missing:\n{report}");
    }
    let svg = sandbox.read("outputs/fast/generalisation.svg");
    assert!(roxmltree::Document::parse(&svg).is_ok() && svg.contains("least\u{a0}norm:"));
    assert!(
        sandbox
            .names("outputs/fast")
            .contains(&"generalisation.png".to_owned())
    );
    // A run of the population's own moments has nothing to tell, and removes the picture.
    run("run fast.yaml --quiet --set data.isotropic.samples=null");
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["generalisation"], Value::Null);
    assert_eq!(sandbox.names("outputs/fast"), ALWAYS);
    let report = run("run toy.yaml");
    assert!(!report.contains("permanent bias"), "{report}");
}

#[test]
fn a_hold_out_knows_of_no_true_map() {
    let sandbox = Sandbox::with(
        "\
data: {table: {path: t.csv, modalities: {A: [a], B: [b]}, targets: [y], holdout: 0.5}}
network: {depth: 2, fusion_layer: 2, width: 4}
init: {gaussian: {std: 1.0e-3}}
flow: {until: {time: 20.0}}
",
    );
    let rows = (0..20).map(|i| format!("{},{},{}\n", i, (i * i) % 7, 2 * i + (i * i) % 7));
    sandbox.write("t.csv", &format!("a,b,y\n{}", rows.collect::<String>()));
    sandbox.succeed("run fast.yaml --quiet");
    let summary = sandbox.json("outputs/fast/summary.json");
    let found = &summary["generalisation"];
    assert_eq!(found["measured_on"], "holdout");
    assert_eq!(found["shares"][0]["truth"], Value::Null);
    assert!(number(found, "shares.0.final") > 0.0);
    let bias = &found["permanent_bias"];
    assert_eq!(bias["verdict"], "open");
    assert_eq!(
        (&bias["ratio"], &bias["true_share"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        bias["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("hold-out"))
    );
}

#[test]
fn the_phase_is_what_theory_says() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    sandbox.succeed("run fast.yaml --quiet");
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["phase"]["first"], "A");
    assert_eq!(summary["phase"]["second"], "B");
    let ratio = number(&summary, "phase.ratio");
    assert!((ratio / 4.0 - 1.0).abs() < 0.1, "ratio {ratio}");
    let (first, second) = (
        number(&summary, "phase.t_first"),
        number(&summary, "phase.t_second"),
    );
    assert!((second / first - ratio).abs() < 1e-12 * ratio);
    assert!((number(&summary, "phase.length") - (second - first)).abs() < 1e-12 * second);
    assert!(number(&summary, "flow.final_loss") < 1e-6);
    // Euler's method, at rates this far from its bound, is near the flow.
    for k in 0..2 {
        let gap = number(&summary, &format!("comparison.{k}.t_first_gap"));
        assert!(gap.abs() < 0.2, "{gap}");
    }
}

/// What was not reached is null, and a reason stands beside it.
#[test]
fn what_was_not_reached_is_null_with_a_reason() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --quiet --set flow.until.time=1.0");
    let summary = sandbox.json("outputs/fast/summary.json");
    for key in ["t_first", "t_second", "length", "ratio"] {
        assert_eq!(at(&summary, &format!("phase.{key}")), &Value::Null, "{key}");
    }
    let reason = summary["phase"]["reason"].as_str().unwrap_or_default();
    assert!(!reason.is_empty());
    assert_eq!(summary["plateaus"][0]["exit"], Value::Null);
}

#[test]
fn pictures_are_png_files_of_one_width() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    sandbox.succeed("run fast.yaml --quiet");
    for stem in ["loss", "maps", "overview"] {
        let bytes = fs::read(sandbox.path(&format!("outputs/fast/{stem}.png"))).expect("a file");
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n", "{stem}");
        assert_eq!(bytes[12..16], *b"IHDR", "{stem}");
        assert_eq!(bytes[bytes.len() - 8..][..4], *b"IEND", "{stem}");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let (width, height) = (number(16), number(20));
        assert!((600..=4000).contains(&width), "{stem} is {width} wide");
        assert!((300..=4000).contains(&height), "{stem} is {height} high");
        assert!(bytes.len() > 5_000, "{stem} has {} bytes", bytes.len());
    }
}

#[test]
fn svg_pictures_come_on_demand_and_are_well_formed() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --svg");
    for stem in ["loss", "maps", "overview"] {
        let text = sandbox.read(&format!("outputs/fast/{stem}.svg"));
        let document =
            roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{stem}.svg: {error}"));
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "svg");
        assert!(root.attribute("width").is_some() && root.attribute("height").is_some());
        assert!(root.descendants().count() > 20, "{stem}.svg is empty");
    }
}

/// A learns two modes, B its only one, which has no mark beside that of the modality.
#[test]
fn pictures_mark_the_single_modes_of_several_outputs() {
    let sandbox = Sandbox::with(
        "data: {moments: {modalities: {A: 2, B: 1}, inputs: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  target_map: [[3, 0, 0], [0, 1.5, 0], [0, 0, 2]]}}
network: {depth: 2, fusion_layer: 2, width: 20}
init: {gaussian: {std: 1e-5}}
flow: {until: {time: 20}}
",
    );
    sandbox.succeed("run fast.yaml --svg");
    for stem in ["loss", "maps"] {
        let text = sandbox.read(&format!("outputs/fast/{stem}.svg"));
        for label in ["A1", "A2", "one mode learned", "time of the mode"] {
            let label = label.replace(' ', "\u{a0}");
            assert!(text.contains(&label), "{stem}.svg lacks {label}");
        }
        assert!(!text.contains("B1\n"), "{stem}.svg has B1");
    }
}

/// A file of an earlier run beside those of this one would pass for its result.
#[test]
fn files_that_a_later_run_does_not_write_are_removed() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    sandbox.succeed("run fast.yaml --quiet --svg --set output.weights=true");
    sandbox.write("outputs/fast/notes.txt", "mine");
    let extra = [
        "descent.csv",
        "final_weights.npz",
        "initial_weights.npz",
        "loss.svg",
        "maps.svg",
        "overview.svg",
    ];
    let names = sandbox.names("outputs/fast");
    for name in extra {
        assert!(
            names.iter().any(|n| n == name),
            "{name} is not in {names:?}"
        );
    }
    assert_eq!(names.len(), ALWAYS.len() + extra.len() + 1);
    sandbox.succeed("run fast.yaml --quiet --set descent=null");
    let mut expected: Vec<&str> = ALWAYS.to_vec();
    expected.push("notes.txt");
    expected.sort_unstable();
    assert_eq!(sandbox.names("outputs/fast"), expected);
}
