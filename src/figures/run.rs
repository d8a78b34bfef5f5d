//! The figures of a run: loss and maps of flow, theory and descents, saddles, plateaus, the unimodal phase.

use crate::detect::{self, Plateau};
use crate::observe::{self, Lens};
use crate::optimiser::Rule;
use crate::plot::{
    Axis, BAND, Band, Curve, CurveKind, Dot, GENERALISATION, GREY, Key, LEVEL, Level, LineStyle,
    Marker, Page, Panel, RULE, SHOULDER, Sample, Span, literal, loss_line, map_key, map_line,
    modality_colour,
};
use crate::report::format::{number, number_to};
use crate::report::{fusion_name, saddle_name};
use crate::run::RunResult;
use crate::scenario::{Scenario, Spacing};
use crate::theory::CurveStart;
use crate::track::{Knot, Track};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// The pages of a run by the stems of their files: loss, maps, overview, and the generalisation error where
/// there is one.
pub fn run_pages(
    name: &str,
    scenario: &Scenario,
    lens: Lens<'_>,
    result: &RunResult,
) -> Vec<(String, Page)> {
    const ALONE: f64 = 340.0;
    let run = Run {
        scenario,
        lens,
        result,
        t_end: result.flow.track.end().time,
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
    lens: Lens<'a>,
    result: &'a RunResult,
    t_end: f64,
}

/// Loss and norms along one track.
struct Trace {
    kind: CurveKind,
    label: String,
    loss: Vec<(f64, f64)>,
    /// For each modality.
    norms: Vec<Vec<(f64, f64)>>,
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
            dots: self.crossings(|knot, _| self.lens.loss(knot), false),
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
            dots: self.crossings(|knot, m| self.lens.norm(knot, m), true),
            span: self.phase(false).filter(|_| alone),
            legend: self.map_keys(traces),
            ..self.panel(alone)
        };
        let flow = self.lens.moments.modalities.len();
        with_value_axis("norm of the total map (units of y/x)", flow, panel)
    }

    /// An entry for each modality, then one for theory and for each learning rate.
    fn map_keys(&self, traces: &[Trace]) -> Vec<Key> {
        let mut keys = Vec::new();
        for trace in traces {
            let key = |label: String, m| Key::new(label, Sample::Line(map_key(trace.kind, m)));
            if trace.kind == CurveKind::Flow {
                let names = self.lens.moments.modalities.iter().enumerate();
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
        let knots = knots(&self.result.flow.track, self.t_end);
        let loss = knots.iter().map(|knot| (knot.time, self.lens.loss(knot)));
        let error = knots
            .iter()
            .filter_map(|knot| Some((knot.time, self.lens.generalisation(knot)?)));
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
        let learned = detection.crossings.iter().filter_map(|c| c.last.time);
        let edges = detection.plateaus.iter();
        let edges = edges.flat_map(|plateau| [plateau.entry, plateau.exit.unwrap_or(end)]);
        let first = detection.phase.t_first.into_iter();
        let samples = drawn_times(&self.result.flow.track, self.t_end);
        log_start(learned.chain(edges).chain(first), samples.into_iter(), end)
    }

    fn title(&self, name: &str) -> String {
        let architecture = self.lens.architecture;
        let network = &self.scenario.network;
        let mut parts = vec![format!("{}: {}", literal(name), fusion_name(architecture))];
        if let Some((depth, _)) = architecture.uniform_depth() {
            parts.push(format!("L = {depth}"));
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
        if let Some(toy) = &self.scenario.data.toy {
            parts.push(format!("ρ = {}", number(toy.rho)));
            let named = |symbol: &str, (m, value): (&String, &f64)| {
                format!("{symbol}_{{{m}}} = {}", number(*value))
            };
            parts.extend(toy.sigma.iter().map(|sigma| named("σ", sigma)));
            if toy.target.values().any(|target| *target != 1.0) {
                parts.extend(toy.target.iter().map(|target| named("w", target)));
            }
        }
        let sampled = self.scenario.data.samples();
        parts.extend(sampled.map(|samples| format!("P = {samples}")));
        let init = &self.scenario.init;
        if let Some(gaussian) = &init.gaussian {
            parts.push(format!("initial std {}", number(gaussian.std)));
        } else if let Some(norm) = init.gaussian_norm.as_ref().or(init.aligned.as_ref()) {
            parts.push(format!("initial norm {}", number(norm.norm)));
        }
        parts.join(", ")
    }

    /// What kind of descent stands beside the flow.
    fn descent_name(&self) -> String {
        let Some(section) = &self.scenario.descent else {
            return String::new();
        };
        let rule = match Rule::of(section) {
            Rule::Plain => "descent".to_owned(),
            Rule::Momentum(momentum) => format!("momentum μ = {}", number(momentum)),
            Rule::Adam(_) => "Adam".to_owned(),
        };
        match section.batch {
            None => rule,
            Some(batch) => format!("{rule}, batches of {batch}"),
        }
    }

    /// The flow's track, then theory's and those of the descents, with their labels.
    fn tracks(&self) -> Vec<(CurveKind, String, &Track)> {
        let flow = &self.result.flow.track;
        let mut tracks = vec![(CurveKind::Flow, "gradient flow".to_owned(), flow)];
        tracks.extend(self.result.theory_curve.as_ref().map(|theory| {
            let label = match theory.curve.start {
                // Said where it explains the distance.
                CurveStart::InitialNorm => "theory (rank one, aligned)",
                CurveStart::AlignedWeights | CurveStart::GrowingModes => "theory (rank one)",
            };
            (CurveKind::Theory, label.to_owned(), &theory.curve.track)
        }));
        let kind = self.descent_name();
        tracks.extend(self.result.descents.iter().enumerate().map(|(i, run)| {
            let label = format!("{kind}, η = {}", number(run.descent.learning_rate));
            (CurveKind::Descent(i), label, &run.descent.track)
        }));
        tracks
    }

    /// Loss and norms along every track.
    fn traces(&self) -> Vec<Trace> {
        let trace = |(kind, label, track): &(CurveKind, String, &Track)| {
            let knots = knots(track, self.t_end);
            let along = |value: &dyn Fn(&Knot) -> f64| -> Vec<(f64, f64)> {
                knots.iter().map(|knot| (knot.time, value(knot))).collect()
            };
            let modalities = 0..self.lens.moments.modalities.len();
            Trace {
                kind: *kind,
                label: label.clone(),
                loss: along(&|knot| self.lens.loss(knot)),
                norms: modalities
                    .map(|m| along(&|knot| self.lens.norm(knot, m)))
                    .collect(),
            }
        };
        self.tracks().par_iter().map(trace).collect()
    }

    /// Levels of M_0, of the saddles that were visited or are the predicted first ones, and M_*.
    fn loss_levels(&self) -> Vec<Level> {
        let moments = self.lens.moments;
        let detection = &self.result.flow.detection;
        let count = moments.modalities.len();
        let mut saddles = vec![Vec::new(), (0..count).collect()];
        let visited = detection.plateaus.iter();
        saddles.extend(visited.filter_map(|plateau| plateau.learned.clone()));
        saddles.extend(detection.phase.first.map(|first| vec![first]));
        saddles.retain(|learned| self.lens.architecture.has_saddle(learned));
        saddles.sort();
        saddles.dedup();
        let of_saddle = |learned: Vec<usize>| {
            let value = moments.loss.loss(moments.critical_map(&learned).as_slice());
            let label = format!("L({})", self.saddle_label(&learned));
            level(label, value, None, learned.len() == count)
        };
        let levels = saddles.into_iter().map(of_saddle);
        levels.filter(|level| level.value.is_finite()).collect()
    }

    /// The saddle's name in the figures' rich text.
    fn saddle_label(&self, learned: &[usize]) -> String {
        let name = saddle_name(self.lens.architecture, Some(learned));
        format!("M_{{{}}}", name.trim_start_matches("M_"))
    }

    /// The first modality's norm on the unimodal saddle, and the norms at the end.
    fn map_levels(&self) -> Vec<Level> {
        let Lens {
            moments,
            architecture,
        } = self.lens;
        let norm = |map: &[f64], m| observe::norm(&map[self.lens.block(m)]);
        let name =
            |m: usize, when: &str| format!("{} {when}", literal(&moments.modalities[m].name));
        let first = self.result.flow.detection.phase.first;
        let first = first.filter(|&first| architecture.has_saddle(&[first]));
        let alone = first.map(|m| {
            let value = norm(moments.critical_map(&[m]).as_slice(), m);
            level(name(m, "alone"), value, Some(m), false)
        });
        let optimum = moments.loss.optimum.as_slice();
        let last = (0..moments.modalities.len())
            .map(|m| level(name(m, "final"), norm(optimum, m), Some(m), true));
        let levels = alone.into_iter().chain(last);
        levels.filter(|level| level.value.is_finite()).collect()
    }

    fn bands(&self) -> Vec<Band> {
        let plateaus = self.result.flow.detection.plateaus.iter();
        plateaus.map(|plateau| self.band(plateau)).collect()
    }

    fn band(&self, plateau: &Plateau) -> Band {
        let modalities = &self.lens.architecture.modalities;
        let (short, words) = match &plateau.learned {
            None => ("other".to_owned(), "another saddle".to_owned()),
            Some(learned) => {
                let names = learned.iter().map(|&m| literal(&modalities[m].name));
                let names: Vec<String> = names.collect();
                let words = match names.len() {
                    0 => "nothing learned".to_owned(),
                    // Near the minimum of the loss; slow directions may still move the maps.
                    count if count == modalities.len() => "minimum".to_owned(),
                    _ => format!("only {} learned", names.join(" and ")),
                };
                (self.saddle_label(learned), words)
            }
        };
        Band {
            label: format!("{short}: {words}"),
            short,
            from: plateau.entry,
            to: plateau.exit.unwrap_or(self.t_end),
            colour: match plateau.kind {
                detect::Kind::Shoulder => SHOULDER,
                detect::Kind::Plateau => BAND,
            },
        }
    }

    /// When each modality was learned, at the height of a value then.
    fn crossings(&self, value: impl Fn(&Knot, usize) -> f64, dropped: bool) -> Vec<Dot> {
        let detection = &self.result.flow.detection;
        let phase = &detection.phase;
        let later = detection.crossings.iter().enumerate();
        let later = later.filter(|(m, _)| Some(*m) != phase.first);
        let marks = std::iter::once(phase.first.zip(phase.t_first))
            .chain(later.map(|(m, crossing)| Some(m).zip(crossing.last.time)));
        let mark = |(m, time): (usize, f64)| {
            let label = format!("t_{{{}}}", self.lens.moments.modalities[m].name);
            let at = (time, value(&self.result.flow.track.at(time), m));
            Dot {
                dropped,
                ..Dot::new(at, dot(modality_colour(m)), label)
            }
        };
        marks.flatten().map(mark).collect()
    }

    fn phase(&self, needed: bool) -> Option<Span> {
        let phase = &self.result.flow.detection.phase;
        let name = |m: usize| self.lens.moments.modalities[m].name.as_str();
        let first = phase.first?;
        if !self.lens.architecture.has_saddle(&[first]) {
            return None;
        }
        let (first, second) = (name(first), name(phase.second?));
        let theory = match self.result.theory.ratio {
            Some(ratio) => format!(", theory {ratio:.3}"),
            None => String::new(),
        };
        let ratio = phase.ratio().map_or(String::new(), |ratio| {
            format!(" (t_{{{second}}}/t_{{{first}}} = {ratio:.3}{theory})")
        });
        Some(Span {
            from: phase.t_first?,
            to: phase.t_second?,
            text: format!("unimodal phase: {}{ratio}", number_to(4, phase.length()?)),
            needed,
        })
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

/// The marker of a time.
fn dot(colour: crate::plot::Colour) -> Marker {
    Marker::disc(colour, 4.2)
}

/// A plateau is dashed, a final value thinner and dotted; grey without a modality.
fn level(label: String, value: f64, modality: Option<usize>, is_final: bool) -> Level {
    let colour = modality.map_or(RULE, modality_colour);
    Level {
        label,
        value,
        style: match is_final {
            false => LineStyle { colour, ..LEVEL },
            true => LineStyle::dashed(colour, 0.8, &[1.2, 2.2]),
        },
        ink: modality.map_or(GREY, modality_colour),
    }
}

/// The states at which a curve is drawn: the knots with points in between resolve every drop, and
/// equidistant ones every slow stretch.
fn knots(track: &Track, t_end: f64) -> Vec<Knot> {
    let times = drawn_times(track, t_end).into_iter();
    times.map(|time| track.at(time)).collect()
}

fn drawn_times(track: &Track, t_end: f64) -> Vec<f64> {
    const POINTS: usize = 1000;
    let knots = track.knots();
    let stride = knots.len().div_ceil(2 * POINTS).max(1);
    let end = track.end().time.min(t_end);
    let even = (0..=POINTS).map(|i| t_end * i as f64 / POINTS as f64);
    let knots = knots.iter().step_by(stride).map(|knot| knot.time);
    let times = knots.chain(even).filter(|time| *time <= end);
    let mut times: Vec<f64> = times.chain([end]).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}

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
