//! `trajectory.csv` and `descent.csv`: observables at the times asked for.

use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::linalg::MOST_WRITTEN;
use modalflow::trajectory::Knot;
use modalflow::trajectory::{Lens, sample_times};

/// The flow at `output.samples` times from 0 to its end.
pub fn trajectory(problem: &Problem, result: &RunResult) -> Vec<u8> {
    let lens = problem.lens();
    let output = &problem.scenario.output;
    let track = &result.flow.track;
    let times = sample_times(track.end().time, output.samples, output.spacing);
    let rows = times.into_iter().map(|time| row(&lens, &track.at(time)));
    bytes(columns(&lens), rows)
}

/// Every descent at up to `output.samples` of its steps, the learning rate in the first column.
pub fn descents(problem: &Problem, result: &RunResult) -> Vec<u8> {
    let lens = problem.lens();
    let output = &problem.scenario.output;
    let mut header = columns(&lens);
    header.insert(0, "learning_rate".into());
    let rows = result.descents.iter().flat_map(|run| {
        let descent = &run.descent;
        let (eta, step) = (descent.learning_rate, descent.time_step);
        let times = sample_times(descent.track.end().time, output.samples, output.spacing);
        let mut steps: Vec<u64> = times
            .iter()
            .map(|time| (time / step).round() as u64)
            .collect();
        steps.dedup();
        steps.into_iter().map(move |number| {
            let mut fields = row(&lens, &descent.track.at(step * number as f64));
            fields.insert(0, field(eta));
            fields
        })
    });
    bytes(header, rows)
}

fn columns(lens: &Lens<'_>) -> Vec<String> {
    let modalities = &lens.architecture.modalities;
    let mut columns = vec!["t".to_string(), "loss".into()];
    columns.extend(modalities.iter().map(|m| format!("norm.{}", m.name)));
    if lens.map_len() <= MOST_WRITTEN {
        for modality in modalities {
            for column in 0..modality.dim() {
                for output in 0..lens.architecture.outputs {
                    columns.push(format!("map.{}[{output},{column}]", modality.name));
                }
            }
        }
    }
    let layers = &lens.architecture.layers;
    columns.extend(layers.iter().map(|layer| format!("layer.{}", layer.name)));
    if lens.moments.generalisation.is_some() {
        columns.push("generalisation".into());
    }
    if !lens.architecture.is_linear() {
        columns.push("linear_share".into());
        let parts = lens.part_names().iter();
        columns.extend(parts.map(|part| format!("part.{part}")));
    }
    columns
}

fn row(lens: &Lens<'_>, knot: &Knot) -> Vec<String> {
    let mut row = vec![field(knot.time), field(lens.loss(knot))];
    row.extend((0..lens.architecture.modalities.len()).map(|m| field(lens.norm(knot, m))));
    if lens.map_len() <= MOST_WRITTEN {
        row.extend(lens.map(knot).iter().map(|&entry| field(entry)));
    }
    row.extend((0..lens.architecture.layers.len()).map(|l| field(lens.layer_norm(knot, l))));
    row.extend(lens.generalisation(knot).map(field));
    if !lens.architecture.is_linear() {
        row.push(lens.linear_share(knot).map_or(String::new(), field));
        row.extend(lens.parts(knot).iter().map(|&part| field(part)));
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
