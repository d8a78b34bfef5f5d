//! The figure of a diagnosis: loss and error of late fusion along its flow, and when each modality is learned.

use super::marks::dot;
use super::{Run, with_value_axis};
use crate::plot::{CurveKind, Dot, GENERALISATION, Page, Panel, literal, loss_line};
use crate::report::format::{fraction, number_to};
use modalflow::diagnosis::{Diagnosed, Diagnosis, ModalityReading, are_together};
use modalflow::trajectory::Knot;

/// The page of a diagnosis.
pub fn diagnosis_page(name: &str, found: &Diagnosed) -> Page {
    let Diagnosed {
        diagnosis,
        problem,
        result,
        ..
    } = found;
    let run = Run::new(&problem.scenario, problem.observables(), result);
    let mut maps = Panel {
        height: 230.0,
        names_bands: false,
        span: None,
        ..run.maps_panel()
    };
    for (key, modality) in maps.legend.iter_mut().zip(&diagnosis.modalities) {
        key.label = literal(&modality.name);
    }
    maps.y.name = "size of the outputs (units of y)".to_owned();
    let note = |modality: &ModalityReading| {
        format!(
            "{}: growth rate {}, explains {} alone",
            literal(&modality.name),
            number_to(3, modality.growth_rate),
            fraction(modality.explained_alone)
        )
    };
    let notes: Vec<String> = diagnosis.modalities.iter().map(note).collect();
    let draws = diagnosis.layers.last().and_then(|late| late.draws.as_ref());
    let draws = draws.and_then(|draws| {
        let ratio = draws.ratio?;
        Some(format!(
            "from {} draws of the initial weights the second modality is {} to {} times as late (10 to 90 %)",
            draws.draws,
            number_to(3, ratio.low),
            number_to(3, ratio.high)
        ))
    });
    Page {
        title: title(name, diagnosis),
        panels: vec![run.stopping_panel(), maps],
        notes: [notes.join("; ")].into_iter().chain(draws).collect(),
        ..Page::default()
    }
}

/// Who is learned first, and how much later the second.
fn title(name: &str, diagnosis: &Diagnosis) -> String {
    let late = diagnosis.layers.last();
    let pair = late.and_then(|late| {
        Some((
            late.learned.first.as_ref()?,
            late.learned.second.as_ref()?,
            late.learned.ratio?,
        ))
    });
    // The flow that is drawn is that of linear units, whatever the units asked for.
    let units = match diagnosis.by_samples {
        Some(_) => " of linear units",
        None => "",
    };
    let learned = match pair {
        Some((first, second, ratio)) if are_together(ratio) => format!(
            "late fusion{units} learns {} and {} together",
            literal(first),
            literal(second)
        ),
        Some((first, second, ratio)) => format!(
            "late fusion{units} learns {} first, and {} {} times as late",
            literal(first),
            literal(second),
            number_to(3, ratio)
        ),
        None => format!("late fusion{units} learns no second modality"),
    };
    let is_noise = diagnosis
        .noise_floor
        .as_ref()
        .is_some_and(|floor| floor.is_all_noise);
    let noise = if is_noise { " (all of it noise)" } else { "" };
    format!("{}: {learned}{noise}", literal(name))
}

impl Run<'_> {
    /// Loss, and error where there is one, with the times of the modalities and of the early stop.
    fn stopping_panel(&self) -> Panel {
        let mut panel = Panel {
            height: 290.0,
            span: self.phase(true),
            dots: self.crossings(|knot, _| self.observables.loss(knot), false),
            ..self.panel()
        };
        let Some(flow) = self.traces.first() else {
            return panel;
        };
        let losses = flow.points(|knot| self.observables.loss(knot));
        panel.draw(
            "loss on the rows trained on",
            loss_line(CurveKind::Flow),
            losses,
        );
        let found = self.result.generalisation.as_ref();
        if let Some(found) = found {
            let error = |knot: &Knot| self.observables.generalisation(knot).unwrap_or(f64::NAN);
            let label = match found.measured_on {
                "holdout" => "error on the rows held out",
                _ => "error in the population",
            };
            panel.draw(label, GENERALISATION, flow.points(error));
            let label = format!("least error, at t = {}", number_to(3, found.least.time));
            let at = (found.least.time, found.least.error);
            panel.dots.push(Dot {
                dropped: true,
                ..Dot::new(at, dot(GENERALISATION.colour), label)
            });
        }
        with_value_axis("error, loss (units of y²)", 2, panel)
    }
}
