//! trajectory.csv and descent.csv as another program reads them.

use super::support::{DESCENT, FAST, Sandbox, number};

/// A CSV file: column names, and rows of numbers.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn read(sandbox: &Sandbox, name: &str) -> Self {
        let text = sandbox.read(name);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().expect("a header");
        let columns = columns.iter().map(str::to_owned).collect();
        let rows = reader.records().map(|record| {
            let record = record.expect("a row as long as the header");
            let numbers = record.iter().map(|field| field.parse().expect("a number"));
            numbers.collect()
        });
        Self {
            columns,
            rows: rows.collect(),
        }
    }

    fn column(&self, name: &str) -> Vec<f64> {
        let index = self.columns.iter().position(|column| column == name);
        let index = index.unwrap_or_else(|| panic!("no {name} in {:?}", self.columns));
        self.rows.iter().map(|row| row[index]).collect()
    }
}

fn assert_never_rises(values: &[f64]) {
    for pair in values.windows(2) {
        // Interpolation between the steps is as accurate as the integration, no more.
        assert!(pair[1] <= pair[0] + 1e-7 * values[0], "{pair:?}");
    }
}

#[test]
fn the_trajectory_spans_the_run() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --quiet");
    let table = Table::read(&sandbox, "outputs/fast/trajectory.csv");
    let times = table.column("t");
    assert_eq!(times.len(), 41);
    for (i, time) in times.iter().enumerate() {
        assert!((time - 0.5 * i as f64).abs() < 1e-12, "row {i}: t = {time}");
    }
    assert_eq!((times[0], times[40]), (0.0, 20.0));
    let loss = table.column("loss");
    assert_never_rises(&loss);
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(loss[40], number(&summary, "flow.final_loss"));
    assert!((loss[0] - number(&summary, "data.initial_loss")).abs() < 1e-9);
    assert!(loss[40] < 1e-6 * loss[0]);
    for norm in ["norm.A", "norm.B"] {
        let norm = table.column(norm);
        assert!(norm[0] < 1e-9 && (norm[40] - 1.0).abs() < 1e-3);
    }
}

#[test]
fn a_run_that_ends_early_has_all_its_rows() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --quiet --set flow.until.loss_gap=0.01 --set output.samples=7");
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["flow"]["outcome"], "converged");
    let t_end = number(&summary, "flow.t_end");
    assert!(0.0 < t_end && t_end < 20.0, "{t_end}");
    let times = Table::read(&sandbox, "outputs/fast/trajectory.csv").column("t");
    assert_eq!((times.len(), times[0], times[6]), (7, 0.0, t_end));
}

#[test]
fn logarithmic_rows_have_equal_ratios() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --quiet --set output.spacing=log --set output.samples=14");
    let times = Table::read(&sandbox, "outputs/fast/trajectory.csv").column("t");
    assert_eq!((times.len(), times[0], times[13]), (14, 0.0, 20.0));
    let ratio = times[2] / times[1];
    assert!(ratio > 1.0);
    for pair in times[1..].windows(2) {
        assert!((pair[1] / pair[0] / ratio - 1.0).abs() < 1e-9, "{pair:?}");
    }
}

#[test]
fn columns_are_named_as_documented() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --quiet --set network.depth=3");
    let text = sandbox.read("outputs/fast/trajectory.csv");
    assert_eq!(
        text.lines().next(),
        Some(
            "t,loss,norm.A,norm.B,power.A,power.B,\"map.A[0,0]\",\"map.B[0,0]\",\
             layer.A.1,layer.A.2,layer.B.1,layer.B.2,layer.shared.3"
        )
    );
    let table = Table::read(&sandbox, "outputs/fast/trajectory.csv");
    let (norm, entry) = (table.column("norm.A"), table.column("map.A[0,0]"));
    for (norm, entry) in norm.iter().zip(&entry) {
        assert!((norm - entry.abs()).abs() <= 1e-15 * norm);
    }
    // The variance of A's input is 4.
    for (power, entry) in table.column("power.A").iter().zip(&entry) {
        assert!((power - 4.0 * entry * entry).abs() <= 1e-15 * power);
    }
}

/// Entry [output, input] of a map that is neither symmetric nor square.
#[test]
fn map_columns_count_outputs_before_inputs() {
    let sandbox = Sandbox::with(
        "data:\n  moments:\n    modalities: {A: 2, B: 1}\n    \
         inputs: [[3.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]\n    \
         target_map: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]\n\
         network: {depth: 1, fusion_layer: 1, widths: []}\n\
         init: {gaussian: {std: 1.0e-6}}\n\
         flow: {until: {time: 40.0}}\n",
    );
    sandbox.succeed("run fast.yaml --quiet");
    let table = Table::read(&sandbox, "outputs/fast/trajectory.csv");
    let expected = [
        ("map.A[0,0]", 1.0),
        ("map.A[1,0]", 4.0),
        ("map.A[0,1]", 2.0),
        ("map.A[1,1]", 5.0),
        ("map.B[0,0]", 3.0),
        ("map.B[1,0]", 6.0),
    ];
    assert_eq!(table.columns[6..12], expected.map(|(name, _)| name));
    for (name, value) in expected {
        let last = table.column(name).pop().expect("rows");
        assert!((last - value).abs() < 1e-6, "{name} ends at {last}");
    }
}

#[test]
fn large_maps_have_no_columns_and_populations_have_a_generalisation_error() {
    let sandbox = Sandbox::with(FAST);
    let wishart =
        "data={\"wishart\":{\"modalities\":{\"A\":40,\"B\":40},\"scale\":{\"A\":2.0,\"B\":1.0}}}";
    sandbox
        .command("run fast.yaml --quiet --set flow.until.time=0.01 --set")
        .arg(wishart)
        .assert()
        .code(0);
    let table = Table::read(&sandbox, "outputs/fast/trajectory.csv");
    let layers = ["layer.A.1", "layer.A.2", "layer.B.1", "layer.B.2"];
    let sizes = ["norm.A", "norm.B", "power.A", "power.B"];
    assert_eq!(table.columns[..2], ["t", "loss"]);
    assert_eq!(table.columns[2..6], sizes);
    assert_eq!(table.columns[6..], layers);
    sandbox.succeed("run fast.yaml --quiet --set data.toy.samples=64 --set data.toy.noise=0.1");
    let table = Table::read(&sandbox, "outputs/fast/trajectory.csv");
    assert_eq!(
        table.columns.last().map(String::as_str),
        Some("generalisation")
    );
    assert!(
        table
            .column("generalisation")
            .iter()
            .all(|&error| error >= 0.0)
    );
}

#[test]
fn descent_stands_at_its_steps() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    sandbox.succeed("run fast.yaml --quiet");
    let flow = Table::read(&sandbox, "outputs/fast/trajectory.csv");
    let table = Table::read(&sandbox, "outputs/fast/descent.csv");
    assert_eq!(table.columns[0], "learning_rate");
    assert_eq!(table.columns[1..], flow.columns);
    let (rates, times) = (table.column("learning_rate"), table.column("t"));
    assert_eq!(table.rows.len(), 2 * 41);
    for (rate, time) in rates.iter().zip(&times) {
        let step = (time / rate).round();
        assert!((time - rate * step).abs() < 1e-12, "t = {time} at {rate}");
    }
    for (k, rate) in [0.05, 0.025].into_iter().enumerate() {
        let rows = 41 * k..41 * (k + 1);
        assert!(rates[rows.clone()].iter().all(|&r| r == rate));
        assert_eq!((times[rows.start], times[rows.end - 1]), (0.0, 20.0));
        assert_never_rises(&table.column("loss")[rows]);
    }
    // With fewer steps than samples, each step is there once.
    sandbox
        .succeed("run fast.yaml --quiet --set descent.learning_rate=2.0 --set flow.until.time=8");
    let times = Table::read(&sandbox, "outputs/fast/descent.csv").column("t");
    assert_eq!(times, [0.0, 2.0, 4.0, 6.0, 8.0]);
}
