//! The figures of a run: loss and maps of flow, theory and descents, saddles, plateaus, the unimodal phase.

mod diagnosis;
mod marks;
mod time_axis;
mod traces;

use crate::plot::{
    Axis, Curve, CurveKind, Dot, GENERALISATION, INK, Key, LineStyle, Page, Panel, Sample, literal,
    loss_line, map_line, range,
};
use crate::report::format::{number, number_to};
use crate::report::network::fusion_name;
pub use diagnosis::diagnosis_page;
use marks::{dot, level, mark_modes};
use modalflow::data::Source;
use modalflow::experiment::{Scenario, results::RunResult};
use modalflow::network::InitScheme;
use modalflow::trajectory::{Knot, Observables};
use traces::Trace;

/// The pages of a run by the stems of their files: loss, maps, overview, and the generalisation error where
/// there is one.
pub fn run_pages(
    name: &str,
    scenario: &Scenario,
    observables: Observables<'_>,
    result: &RunResult,
) -> Vec<(String, Page)> {
    let run = Run::new(scenario, observables, result);
    let (loss, maps) = (run.loss_panel(), run.maps_panel());
    let overview = vec![
        Panel {
            height: 290.0,
            ..loss.clone()
        },
        // The upper panel names the plateaus and shows the phase.
        Panel {
            height: 240.0,
            names_bands: false,
            span: None,
            ..maps.clone()
        },
    ];
    let panels = [
        ("loss", vec![loss]),
        ("maps", vec![maps]),
        ("overview", overview),
    ];
    let generalisation = run.generalisation_panel();
    let generalisation = generalisation.map(|panel| ("generalisation", vec![panel]));
    let title = run.title(name);
    let page = |(stem, panels): (&str, Vec<Panel>)| {
        let title = title.clone();
        let page = Page {
            title,
            panels,
            ..Page::default()
        };
        (stem.to_owned(), page)
    };
    panels.into_iter().chain(generalisation).map(page).collect()
}

/// A finished run.
struct Run<'a> {
    scenario: &'a Scenario,
    observables: Observables<'a>,
    result: &'a RunResult,
    t_end: f64,
    /// The axis of time.
    x: Axis,
    /// The flow's first.
    traces: Vec<Trace>,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, observables: Observables<'a>, result: &'a RunResult) -> Self {
        let mut run = Run {
            scenario,
            observables,
            result,
            t_end: result.flow.trajectory.end().time,
            x: Axis::default(),
            traces: Vec::new(),
        };
        run.x = run.time_axis();
        run.traces = run.traces(&run.x);
        run
    }
}

impl Run<'_> {
    fn loss_panel(&self) -> Panel {
        let mut panel = Panel {
            levels: self.loss_levels(),
            dots: self.crossings(|knot, _| self.observables.loss(knot), false),
            span: self.phase(true),
            ..self.panel()
        };
        for trace in &self.traces {
            let losses = trace.points(|knot| self.observables.loss(knot));
            panel.draw(&trace.label, loss_line(trace.kind), losses);
        }
        mark_modes(
            &mut panel,
            self.mode_times(|knot, _| self.observables.loss(knot)),
        );
        let label = match self.observables.has_classes() {
            true => "cross-entropy (nats)",
            false => "loss (units of y²)",
        };
        with_value_axis(label, 1, panel)
    }

    /// The total maps. The legend has an entry for each modality, then one for theory and for each learning
    /// rate.
    fn maps_panel(&self) -> Panel {
        let modalities = &self.observables.moments.modalities;
        let mut panel = Panel {
            levels: self.map_levels(),
            dots: self.crossings(|knot, m| self.observables.power(knot, m).sqrt(), true),
            span: self.phase(false),
            ..self.panel()
        };
        for trace in &self.traces {
            for (m, modality) in modalities.iter().enumerate() {
                let style = map_line(trace.kind, m);
                // Theory and a learning rate stand for every modality.
                let (label, colour) = match (trace.kind, m) {
                    (CurveKind::Flow, _) => (
                        format!("‖W_{{{0}}}^tot x_{{{0}}}‖", modality.name),
                        style.colour,
                    ),
                    (_, 0) => (trace.label.clone(), INK),
                    _ => (String::new(), INK),
                };
                let sample = Sample::Line(LineStyle { colour, ..style });
                panel.legend.push(Key::new(label, sample));
                panel.curves.push(Curve {
                    points: trace.points(|knot| self.observables.power(knot, m).sqrt()),
                    style,
                });
            }
        }
        mark_modes(
            &mut panel,
            self.mode_times(|knot, m| self.observables.power(knot, m).sqrt()),
        );
        with_value_axis(
            "root power of the outputs (units of y)",
            modalities.len(),
            panel,
        )
    }

    /// The generalisation error over its own minima, and the loss; None where there is none.
    fn generalisation_panel(&self) -> Option<Panel> {
        let (found, flow) = (self.result.generalisation.as_ref()?, self.traces.first()?);
        let least_norm = format!("least norm: {}", number_to(3, found.least_norm));
        let mut panel = Panel {
            levels: vec![level(least_norm, found.least_norm, None, false)],
            ..self.panel()
        };
        let error = |knot: &Knot| self.observables.generalisation(knot).unwrap_or(f64::NAN);
        let losses = flow.points(|knot| self.observables.loss(knot));
        panel.draw("loss trained on", loss_line(CurveKind::Flow), losses);
        panel.draw("generalisation error", GENERALISATION, flow.points(error));
        // Smaller minima are not seen in a picture; the report has them all.
        let visible = VISIBLE * found.initial;
        let minima = found.minima.iter();
        for minimum in minima.filter(|minimum| minimum.prominence > visible) {
            let (error, time) = (minimum.at.error, minimum.at.time);
            let label = format!("{} at t = {}", number_to(3, error), number_to(3, time));
            let dot = Dot::new((time, error), dot(GENERALISATION.colour), label);
            panel.dots.push(dot);
        }
        Some(with_value_axis("error, loss (units of y²)", 2, panel))
    }

    /// What all panels share: time, and the plateaus.
    fn panel(&self) -> Panel {
        Panel {
            height: 340.0,
            x: self.x.clone(),
            bands: self.bands(),
            names_bands: true,
            ..Panel::default()
        }
    }

    fn title(&self, name: &str) -> String {
        let architecture = self.observables.architecture;
        let (network, init) = (&self.scenario.network, &self.scenario.init);
        let named = |symbol: &str, (m, value): (&String, &f64)| {
            format!("{symbol}_{{{m}}} = {}", number(*value))
        };
        let mut parts = vec![format!("{}: {}", literal(name), fusion_name(architecture))];
        parts.extend(
            architecture
                .fusion()
                .map(|fusion| format!("L = {}", fusion.depth)),
        );
        parts.extend(network.width.map(|width| format!("width {width}")));
        if !network.activation.is_linear() {
            parts.push(network.activation.name().to_owned());
        }
        if network.biases {
            parts.push("biases".to_owned());
        }
        if let Source::Toy(toy) = &self.scenario.data {
            parts.push(format!("ρ = {}", number(toy.rho)));
            parts.extend(toy.sigma.iter().map(|sigma| named("σ", sigma)));
            if toy.target.values().any(|target| *target != 1.0) {
                parts.extend(toy.target.iter().map(|target| named("w", target)));
            }
        }
        let sampled = self.scenario.data.get().about().sampling.drawn();
        parts.extend(sampled.map(|samples| format!("P = {samples}")));
        match &init.scheme {
            InitScheme::Gaussian(gaussian) => {
                parts.push(format!("initial std {}", number(gaussian.std)));
            }
            InitScheme::LambdaBalanced(init) => {
                parts.push(format!("initial norm {}", number(init.norm)));
                parts.extend(init.lambda.iter().map(|lambda| named("λ", lambda)));
            }
            _ => parts.extend(
                init.norm()
                    .map(|norm| format!("initial norm {}", number(norm))),
            ),
        }
        if !init.scale.is_empty() {
            parts.push("scaled".to_owned());
        }
        parts.join(", ")
    }
}

/// Minima of the generalisation error of smaller prominence, over its initial value, are not drawn.
const VISIBLE: f64 = 1e-3;

/// The panel with its axis up: from zero, a little more than the levels and the first curves, those of the
/// flow, show.
fn with_value_axis(name: &str, flow: usize, mut panel: Panel) -> Panel {
    let values = |curve: &Curve| -> Vec<f64> { curve.points.iter().map(|p| p.1).collect() };
    let (flow, others) = panel.curves.split_at(flow.min(panel.curves.len()));
    let levels = panel.levels.iter().map(|level| level.value);
    let known = flow.iter().flat_map(values).chain(levels);
    let range = value_range(known.collect(), others.iter().flat_map(values));
    panel.y = Axis::new(name, range, false);
    panel
}

/// The range of zero, of what is known and of the others, as far as they do not run away.
fn value_range(known: Vec<f64>, others: impl Iterator<Item = f64>) -> (f64, f64) {
    /// How far beyond flow and levels a descent may stretch the axis; what runs away further is cut.
    const STRETCH: f64 = 1.25;
    let most = known
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let near = others.filter(|value| *value >= 0.0 && (most == 0.0 || *value <= STRETCH * most));
    let shown: Vec<f64> = known.into_iter().chain(near).chain([0.0]).collect();
    match shown.iter().all(|value| *value == 0.0) {
        true => (-0.03, 1.0),
        false => range(shown, false, 0.03).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diverged_descent_does_not_set_the_range() {
        let range = value_range(vec![2.0, f64::NAN], [2.0, 2.2, 1e300].into_iter());
        assert!((range.0 + 0.066).abs() < 1e-9, "{range:?}");
        assert!((range.1 - 2.266).abs() < 1e-9, "{range:?}");
        // Nothing and zeros still make an axis.
        for zeros in [vec![], vec![0.0]] {
            assert_eq!(value_range(zeros, [].into_iter()), (-0.03, 1.0));
        }
    }
}
