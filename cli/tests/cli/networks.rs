//! Networks at the edge of what the program is for, through its commands.

use super::support::{FAST, Sandbox, last_saddle, number};

/// The classical single network, through every command and figure.
#[test]
fn a_single_modality_is_run_like_any_other() {
    let single = FAST
        .replace("{A: 2.0, B: 1.0}", "{A: 2.0}")
        .replace("{A: 1.0, B: 1.0}", "{A: 1.0}");
    let sandbox = Sandbox::with(&format!("{single}descent: {{learning_rate: 0.01}}\n"));
    for line in [
        "check fast.yaml",
        "theory fast.yaml",
        "run fast.yaml --svg --verify",
    ] {
        for fusion in [1, 2] {
            let line = format!("{line} --set network.fusion_layer={fusion}");
            sandbox.command(&line).assert().code(0);
        }
    }
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["phase"]["first"], "A");
    assert_eq!(last_saddle(&summary), "M_*");
    for key in ["second", "ratio", "misattribution"] {
        assert!(
            summary["phase"][key].is_null() && summary["theory"][key].is_null(),
            "{key}"
        );
    }
    let sweep = format!(
        "{single}sweep: {{axes: [{{path: data.toy.sigma.A, values: [1.0, 2.0]}}]}}
figure:
  - {{name: times, lines: {{x: data.toy.sigma.A, y: t_first}}}}
  - {{name: ratios, lines: {{x: data.toy.sigma.A, y: ratio}}}}
  - {{name: losses, curves: {{value: loss}}}}
"
    );
    sandbox.write("grid.yaml", &sweep);
    sandbox.command("sweep grid.yaml").assert().code(0);
    let table = sandbox.read("outputs/grid/sweep.csv");
    assert_eq!(table.lines().count(), 3);
}

/// The report has both the least-squares loss and what the network can reach.
#[test]
fn a_bottleneck_converges_to_its_reachable_loss() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write(
        "bottleneck.yaml",
        "data:\n  moments:\n    modalities: {A: 2, B: 2}\n    \
         inputs: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]\n    \
         target_map: [[3, 0, 0.5, 0], [0, 2, 0, 1]]\n\
         network: {depth: 2, fusion_layer: 2, width: 1}\ninit: {gaussian: {std: 1.0e-3}}\n\
         flow: {until: {loss_gap: 1.0e-6}}\n",
    );
    let report = sandbox.succeed("run bottleneck.yaml");
    assert!(report.contains("to 0 (least squares)"), "{report}");
    assert!(
        report.contains("that this network can reach is 2.125"),
        "{report}"
    );
    let summary = sandbox.json("outputs/bottleneck/summary.json");
    assert_eq!(number(&summary, "data.minimum_loss"), 0.0);
    assert!((number(&summary, "data.reachable_loss") - 2.125).abs() < 1e-12);
    assert_eq!(summary["flow"]["outcome"], "converged");
}

/// Aligned stacks of three layers and norm 0.1 blow up once their drives, 5 and then 2 and 3/4, have added up to 10:
/// A at t = 2, B at 10 and, since A's drop lasts, some 0.3 later. So B's drop, 1/(3 * 3/4), is the longer one beside its
/// time. Early fusion waits for B as well.
#[test]
fn what_leading_order_neglects_is_a_column_of_sweeps() {
    let deep = FAST
        .replace("rho: 0.0", "rho: 0.5")
        .replace("depth: 2, fusion_layer: 2", "depth: 3, fusion_layer: 3")
        .replace("gaussian: {std: 1.0e-6}", "aligned: {norm: 0.1}");
    let sandbox = Sandbox::with(FAST);
    let axis = "sweep: {axes: [{path: network.fusion_layer, values: [3, 1]}]}\n";
    sandbox.write("grid.yaml", &(deep + axis));
    sandbox.command("sweep grid.yaml").assert().code(0);
    let table = sandbox.path("outputs/grid/sweep.csv");
    let mut reader = csv::Reader::from_path(table).expect("a table");
    let keys = reader.headers().expect("a header").clone();
    let rows: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
    let value = |row: usize, key: &str| -> f64 {
        let place = keys.iter().position(|known| known == key);
        rows[row][place.expect(key)].parse().expect(key)
    };
    let late = value(0, "weights_neglected");
    assert!((late - 1.0 / (3.0 * 0.75 * 10.3)).abs() < 1e-4, "{late}");
    let early = 1.0 / (3.0 * 0.75 * value(1, "weights_t_first"));
    let found = value(1, "weights_neglected");
    assert!((found / early - 1.0).abs() < 1e-12, "{found} {early}");
}
