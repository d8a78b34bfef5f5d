//! `trajectory.csv` and `descent.csv`: observation at the times asked for.

use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::linalg::MOST_WRITTEN;
use modalflow::trajectory::Knot;
use modalflow::trajectory::{Observables, sample_times};

/// The flow at `output.samples` times from 0 to its end.
pub fn trajectory(problem: &Problem, result: &RunResult) -> Vec<u8> {
    let observables = problem.observables();
    let output = &problem.scenario.output;
    let trajectory = &result.flow.trajectory;
    let times = sample_times(trajectory.end().time, output.samples, output.spacing);
    let rows = times
        .into_iter()
        .map(|time| row(&observables, &trajectory.at(time)));
    bytes(columns(&observables), rows)
}

/// Every descent at up to `output.samples` of its steps, the learning rate in the first column.
pub fn descents(problem: &Problem, result: &RunResult) -> Vec<u8> {
    let observables = problem.observables();
    let output = &problem.scenario.output;
    let mut header = columns(&observables);
    header.insert(0, "learning_rate".into());
    let rows = result.descents.iter().flat_map(|run| {
        let descent = &run.descent;
        let (eta, step) = (descent.learning_rate, descent.time_step);
        let times = sample_times(
            descent.trajectory.end().time,
            output.samples,
            output.spacing,
        );
        let mut steps: Vec<u64> = times
            .iter()
            .map(|time| (time / step).round() as u64)
            .collect();
        steps.dedup();
        steps.into_iter().map(move |number| {
            let mut fields = row(&observables, &descent.trajectory.at(step * number as f64));
            fields.insert(0, field(eta));
            fields
        })
    });
    bytes(header, rows)
}

fn columns(observables: &Observables<'_>) -> Vec<String> {
    let has_classes = observables.has_classes();
    let modalities = &observables.architecture.modalities;
    let mut columns = vec!["t".to_string(), "loss".into()];
    for quantity in ["norm", "power"] {
        columns.extend(modalities.iter().map(|m| format!("{quantity}.{}", m.name)));
    }
    if observables.map_len() <= MOST_WRITTEN {
        for modality in modalities {
            for column in 0..modality.dim() {
                for output in 0..observables.architecture.outputs {
                    columns.push(format!("map.{}[{output},{column}]", modality.name));
                }
            }
        }
    }
    let layers = &observables.architecture.layers;
    columns.extend(layers.iter().map(|layer| format!("layer.{}", layer.name)));
    if observables.moments.generalisation.is_some() {
        columns.push("generalisation".into());
    }
    if !observables.moments_suffice() {
        columns.push("linear_share".into());
        let parts = observables.part_names().iter();
        columns.extend(parts.map(|part| format!("part.{part}")));
        columns.extend(has_classes.then(|| "accuracy".to_owned()));
    }
    columns
}

fn row(observables: &Observables<'_>, knot: &Knot) -> Vec<String> {
    let mut row = vec![field(knot.time), field(observables.loss(knot))];
    let modalities = 0..observables.architecture.modalities.len();
    row.extend(modalities.clone().map(|m| field(observables.norm(knot, m))));
    row.extend(modalities.map(|m| field(observables.power(knot, m))));
    if observables.map_len() <= MOST_WRITTEN {
        row.extend(observables.map(knot).iter().map(|&entry| field(entry)));
    }
    row.extend(
        (0..observables.architecture.layers.len()).map(|l| field(observables.layer_norm(knot, l))),
    );
    row.extend(observables.generalisation(knot).map(field));
    if !observables.moments_suffice() {
        row.push(observables.linear_share(knot).map_or(String::new(), field));
        row.extend(observables.parts(knot).iter().map(|&part| field(part)));
        row.extend(observables.accuracy(knot).map(field));
    }
    row
}

/// The shortest decimal that reads back as the same number; empty where it is not finite.
fn field(value: f64) -> String {
    if value.is_finite() {
        format!("{value:?}")
    } else {
        String::new()
    }
}

fn bytes(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in std::iter::once(header).chain(rows) {
        // Neither memory nor the number of fields, equal for every row, can fail here.
        let _ = writer.write_record(record);
    }
    writer.into_inner().unwrap_or_default()
}
