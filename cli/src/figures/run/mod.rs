//! The figures of a run: loss and maps of flow, theory and descents, saddles, plateaus, the unimodal phase.

mod marks;
mod traces;

use crate::plot::{
    Axis, Curve, CurveKind, Dot, GENERALISATION, Key, Page, Panel, Sample, literal, loss_line,
    map_key, map_line,
};
use crate::report::format::{number, number_to};
use crate::report::network::fusion_name;
use marks::{dot, level};
use modalflow::data::Source;
use modalflow::experiment::Scenario;
use modalflow::experiment::results::RunResult;
use modalflow::network::InitSection;
use modalflow::trajectory::Observables;
use modalflow::trajectory::Spacing;
use traces::{Trace, drawn_times, knots};

/// The pages of a run by the stems of their files: loss, maps, overview, and the generalisation error where
/// there is one.
pub fn run_pages(
    name: &str,
    scenario: &Scenario,
    observables: Observables<'_>,
    result: &RunResult,
) -> Vec<(String, Page)> {
    const ALONE: f64 = 340.0;
    let run = Run {
        scenario,
        observables,
        result,
        t_end: result.flow.trajectory.end().time,
    };
    let traces = run.traces();
    let title = run.title(name);
    let page = |stem: &str, panels| {
        let title = title.clone();
        let page = Page {
            title,
            panels,
            ..Page::default()
        };
        (stem.to_owned(), page)
    };
    let overview = vec![
        run.loss_panel(&traces, 290.0),
        run.maps_panel(&traces, 240.0, false),
    ];
    let mut pages = vec![
        page("loss", vec![run.loss_panel(&traces, ALONE)]),
        page("maps", vec![run.maps_panel(&traces, ALONE, true)]),
        page("overview", overview),
    ];
    let generalisation = run.generalisation_panel(ALONE);
    pages.extend(generalisation.map(|panel| page("generalisation", vec![panel])));
    pages
}

/// A finished run.
struct Run<'a> {
    scenario: &'a Scenario,
    observables: Observables<'a>,
    result: &'a RunResult,
    t_end: f64,
}

impl Run<'_> {
    fn loss_panel(&self, traces: &[Trace], height: f64) -> Panel {
        let curve = |trace: &Trace| Curve {
            points: trace.loss.clone(),
            style: loss_line(trace.kind),
        };
        let key = |trace: &Trace| Key::new(&trace.label, Sample::Line(loss_line(trace.kind)));
        let panel = Panel {
            height,
            levels: self.loss_levels(),
            curves: traces.iter().map(curve).collect(),
            dots: self.crossings(|knot, _| self.observables.loss(knot), false),
            span: self.phase(true),
            legend: traces.iter().map(key).collect(),
            ..self.panel(true)
        };
        with_value_axis("loss (units of y²)", 1, panel)
    }

    /// The panel of the total maps; alone it also names the plateaus and shows the phase.
    fn maps_panel(&self, traces: &[Trace], height: f64, alone: bool) -> Panel {
        let curves = traces.iter().flat_map(|trace| {
            let norms = trace.norms.iter().enumerate();
            norms.map(|(m, points)| Curve {
                points: points.clone(),
                style: map_line(trace.kind, m),
            })
        });
        let panel = Panel {
            height,
            levels: self.map_levels(),
            curves: curves.collect(),
            dots: self.crossings(|knot, m| self.observables.norm(knot, m), true),
            span: self.phase(false).filter(|_| alone),
            legend: self.map_keys(traces),
            ..self.panel(alone)
        };
        let flow = self.observables.moments.modalities.len();
        with_value_axis("norm of the total map (units of y/x)", flow, panel)
    }

    /// An entry for each modality, then one for theory and for each learning rate.
    fn map_keys(&self, traces: &[Trace]) -> Vec<Key> {
        let mut keys = Vec::new();
        for trace in traces {
            let key = |label: String, m| Key::new(label, Sample::Line(map_key(trace.kind, m)));
            if trace.kind == CurveKind::Flow {
                let names = self.observables.moments.modalities.iter().enumerate();
                keys.extend(
                    names.map(|(m, modality)| key(format!("‖W_{{{}}}^tot‖", modality.name), m)),
                );
            } else {
                keys.push(key(trace.label.clone(), 0));
            }
        }
        keys
    }

    /// The generalisation error over its own minima, and the loss; None where there is none.
    fn generalisation_panel(&self, height: f64) -> Option<Panel> {
        let found = self.result.generalisation.as_ref()?;
        let knots = knots(&self.result.flow.trajectory, self.t_end);
        let loss = knots
            .iter()
            .map(|knot| (knot.time, self.observables.loss(knot)));
        let error = knots
            .iter()
            .filter_map(|knot| Some((knot.time, self.observables.generalisation(knot)?)));
        let curves = [
            (
                "loss trained on",
                loss_line(CurveKind::Flow),
                loss.collect(),
            ),
            ("generalisation error", GENERALISATION, error.collect()),
        ];
        // Smaller minima are not seen in a picture; the report has them all.
        let visible = VISIBLE * found.initial;
        let minima = found
            .minima
            .iter()
            .filter(|minimum| minimum.prominence > visible);
        let minima = minima.map(|minimum| {
            let (error, time) = (minimum.at.error, minimum.at.time);
            let label = format!("{} at t = {}", number_to(3, error), number_to(3, time));
            Dot::new((time, error), dot(GENERALISATION.colour), label)
        });
        let least_norm = format!("least norm: {}", number_to(3, found.least_norm));
        let panel = Panel {
            height,
            levels: vec![level(least_norm, found.least_norm, None, false)],
            legend: curves
                .iter()
                .map(|(label, style, _)| Key::new(*label, Sample::Line(*style)))
                .collect(),
            curves: curves
                .into_iter()
                .map(|(_, style, points)| Curve { points, style })
                .collect(),
            dots: minima.collect(),
            ..self.panel(true)
        };
        Some(with_value_axis("error, loss (units of y²)", 2, panel))
    }

    /// What all panels share: time, and the plateaus.
    fn panel(&self, names_bands: bool) -> Panel {
        Panel {
            x: self.time_axis(),
            bands: self.bands(),
            names_bands,
            ..Panel::default()
        }
    }

    fn time_axis(&self) -> Axis {
        // What a step of the descents beside the flow stands for.
        let name = match &self.scenario.descent {
            None => "time t (in units of η × descent steps)",
            Some(section) if section.momentum.is_some() => "time t (= η × descent steps/(1 − μ))",
            Some(_) => "time t (= η × descent steps)",
        };
        let end = match self.t_end {
            end if end.is_finite() && end > SMALLEST => end.min(LARGEST),
            _ => 1.0,
        };
        let log = self.scenario.output.spacing == Spacing::Log;
        let start = if log { self.log_start(end) } else { 0.0 };
        Axis::new(name, (start, end), log)
    }

    fn log_start(&self, end: f64) -> f64 {
        let detection = &self.result.flow.detection;
        let learned = detection.crossings.iter().filter_map(|c| c.t_half_final);
        let edges = detection.plateaus.iter();
        let edges = edges.flat_map(|plateau| [plateau.entry, plateau.exit.unwrap_or(end)]);
        let first = detection.phase.t_first.into_iter();
        let samples = drawn_times(&self.result.flow.trajectory, self.t_end);
        log_start(learned.chain(edges).chain(first), samples.into_iter(), end)
    }

    fn title(&self, name: &str) -> String {
        let architecture = self.observables.architecture;
        let network = &self.scenario.network;
        let mut parts = vec![format!("{}: {}", literal(name), fusion_name(architecture))];
        if let Some(fusion) = architecture.fusion() {
            parts.push(format!("L = {}", fusion.depth));
        }
        if let Some(width) = network.width {
            parts.push(format!("width {width}"));
        }
        if !network.activation.is_linear() {
            parts.push(network.activation.name().to_owned());
        }
        if network.biases {
            parts.push("biases".to_owned());
        }
        if let Source::Toy(toy) = &self.scenario.data {
            parts.push(format!("ρ = {}", number(toy.rho)));
            let named = |symbol: &str, (m, value): (&String, &f64)| {
                format!("{symbol}_{{{m}}} = {}", number(*value))
            };
            parts.extend(toy.sigma.iter().map(|sigma| named("σ", sigma)));
            if toy.target.values().any(|target| *target != 1.0) {
                parts.extend(toy.target.iter().map(|target| named("w", target)));
            }
        }
        let sampled = self.scenario.data.get().sampling().drawn();
        parts.extend(sampled.map(|samples| format!("P = {samples}")));
        let init = &self.scenario.init;
        if let InitSection::Gaussian(gaussian) = init {
            parts.push(format!("initial std {}", number(gaussian.std)));
        } else if let Some(norm) = init.norm() {
            parts.push(format!("initial norm {}", number(norm)));
        }
        parts.join(", ")
    }
}

/// Minima of the generalisation error of smaller prominence, over its initial value, are not drawn.
const VISIBLE: f64 = 1e-3;
/// How far beyond flow and levels a descent may stretch the axis; what runs away further is cut.
const STRETCH: f64 = 1.25;
/// Values are held below this, so that spans stay finite.
const LARGEST: f64 = 1e300;
/// Spans below this are none: the steps between ticks would lose their digits.
const SMALLEST: f64 = 1e-290;

/// Where a logarithmic time axis starts: a decade before the first event, a plateau left or a modality
/// learned, or else before the first sample.
fn log_start(
    events: impl Iterator<Item = f64>,
    samples: impl Iterator<Item = f64>,
    end: f64,
) -> f64 {
    fn first(times: impl Iterator<Item = f64>) -> Option<f64> {
        let times = times.filter(|time| time.is_finite() && *time > 0.0);
        times.min_by(f64::total_cmp)
    }
    let event = first(events).map(|event| event / 10.0);
    let start = event.or_else(|| first(samples)).unwrap_or(f64::INFINITY);
    start.clamp(end * 1e-12, end / 10.0)
}

/// The panel with its axis up: a little more than the levels and the first curves, those of the flow, show.
fn with_value_axis(name: &str, flow: usize, panel: Panel) -> Panel {
    let values = |curve: &Curve| -> Vec<f64> {
        let points = curve.points.iter();
        let points = points.filter(|point| point.0.is_finite() && point.1.is_finite());
        points.map(|point| point.1).collect()
    };
    let (flow, others) = panel.curves.split_at(flow.min(panel.curves.len()));
    let levels = panel.levels.iter().map(|level| level.value);
    let known = flow.iter().flat_map(values).chain(levels);
    let range = value_range(known, others.iter().flat_map(values));
    Panel {
        y: Axis::new(name, range, false),
        ..panel
    }
}

/// The range of what is known and of the others, as far as they do not run away.
fn value_range(known: impl Iterator<Item = f64>, others: impl Iterator<Item = f64>) -> (f64, f64) {
    let held = |value: f64| value.clamp(-LARGEST, LARGEST);
    let (least, most) = known
        .map(held)
        .fold((0.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let near = |value: &f64| most <= 0.0 || *value <= STRETCH * most;
    let most = others.map(held).filter(near).fold(most, f64::max);
    let span = most - least;
    if span > SMALLEST {
        (least - 0.03 * span, most + 0.03 * span)
    } else {
        (-0.03, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_descent_does_not_set_the_range() {
        let range = value_range([2.0, 0.0].into_iter(), [2.0, 2.2, 1e300].into_iter());
        assert!((range.0 + 0.066).abs() < 1e-9, "{range:?}");
        assert!((range.1 - 2.266).abs() < 1e-9, "{range:?}");
    }

    #[test]
    fn nothing_and_zeros_still_make_an_axis() {
        let nothing = || std::iter::empty();
        assert_eq!(value_range(nothing(), nothing()), (-0.03, 1.0));
        assert_eq!(value_range([0.0].into_iter(), nothing()), (-0.03, 1.0));
    }

    #[test]
    fn the_log_axis_starts_before_the_first_event() {
        let start = |events: &[f64], samples: &[f64], end| {
            log_start(events.iter().copied(), samples.iter().copied(), end)
        };
        assert!((start(&[0.0, 2.0], &[], 1e3) - 0.2).abs() < 1e-12);
        assert!((start(&[0.0, 2.0], &[], 1.0) - 0.1).abs() < 1e-12);
        assert_eq!(start(&[], &[0.0, 0.5], 10.0), 0.5);
        assert_eq!(start(&[], &[], 1.0), 0.1);
    }
}
