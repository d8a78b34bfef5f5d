//! Results as figures: what is drawn, not how.

use crate::plot::{
    Band, Crossing, Curve, Figure, Generalisation, Kind, Level, LevelRole, MapCurve, Phase,
    StoppingTime, literal,
};
use crate::report::format::{number, number_to};
use crate::report::fusion_name;
use modalflow::analysis::detector::{self, Detection};
use modalflow::data::Source;
use modalflow::descent::optimiser::Rule;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::results::RunResult;
use modalflow::network::InitSection;
use modalflow::theory::CurveStart;
use modalflow::trajectory::Spacing;
use modalflow::trajectory::{Knot, Track};

/// The figure of a run: loss and maps of flow and descents, saddles, plateaus, the unimodal phase.
pub fn run_figure(name: &str, problem: &Problem, result: &RunResult) -> Figure {
    let detection = &result.flow.detection;
    let t_end = result.flow.track.end().time;
    Figure {
        title: title(name, problem),
        t_end,
        time: time_name(problem).to_owned(),
        log_time: problem.scenario.output.spacing == Spacing::Log,
        loss: loss_curves(problem, result, t_end),
        loss_levels: loss_levels(problem, detection),
        maps: map_curves(problem, result, t_end),
        map_levels: map_levels(problem, detection),
        plateaus: bands(problem, detection, t_end),
        crossings: crossings(problem, &result.flow.track, detection),
        phase: phase(problem, result),
        generalisation: generalisation(problem, result, t_end),
    }
}

/// The name of the time axis: what a step of the descents beside it stands for.
fn time_name(problem: &Problem) -> &'static str {
    match &problem.scenario.descent {
        None => "time t (in units of η × descent steps)",
        Some(section) if section.momentum.is_some() => "time t (= η × descent steps/(1 − μ))",
        Some(_) => "time t (= η × descent steps)",
    }
}

fn title(name: &str, problem: &Problem) -> String {
    let architecture = &problem.architecture;
    let mut parts = vec![format!("{}: {}", literal(name), fusion_name(architecture))];
    if let Some(fusion) = architecture.fusion() {
        parts.push(format!("L = {}", fusion.depth));
    }
    if let Some(width) = problem.scenario.network.width {
        parts.push(format!("width {width}"));
    }
    let network = &problem.scenario.network;
    if !network.activation.is_linear() {
        parts.push(network.activation.name().to_owned());
    }
    if network.biases {
        parts.push("biases".to_owned());
    }
    if let Source::Toy(toy) = &problem.scenario.data {
        parts.push(format!("ρ = {}", number(toy.rho)));
        let named = |symbol: &str, (m, value): (&String, &f64)| {
            format!("{symbol}_{{{m}}} = {}", number(*value))
        };
        parts.extend(toy.sigma.iter().map(|sigma| named("σ", sigma)));
        if toy.target.values().any(|target| *target != 1.0) {
            parts.extend(toy.target.iter().map(|target| named("w", target)));
        }
    }
    let sampled = problem.scenario.data.get().sampling().drawn();
    parts.extend(sampled.map(|samples| format!("P = {samples}")));
    let init = &problem.scenario.init;
    if let InitSection::Gaussian(gaussian) = init {
        parts.push(format!("initial std {}", number(gaussian.std)));
    } else if let Some(norm) = init.norm() {
        parts.push(format!("initial norm {}", number(norm)));
    }
    parts.join(", ")
}

/// Times at which a curve is drawn: the knots with points in between resolve every drop, and
/// equidistant ones every slow stretch.
fn drawn_times(track: &Track, t_end: f64) -> Vec<f64> {
    const POINTS: usize = 2000;
    let knots = track.knots();
    let stride = knots.len().div_ceil(POINTS);
    let even = (0..=POINTS).map(|i| t_end * i as f64 / POINTS as f64);
    let mut times: Vec<f64> = knots
        .iter()
        .step_by(stride.max(1))
        .map(|knot| knot.time)
        .chain(even)
        .filter(|time| *time <= track.end().time && *time <= t_end)
        .chain([track.end().time.min(t_end)])
        .collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}

/// What kind of descent stands beside the flow.
fn descent_name(problem: &Problem) -> String {
    let Some(section) = &problem.scenario.descent else {
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
fn tracks<'a>(
    problem: &Problem,
    result: &'a RunResult,
) -> impl Iterator<Item = (Kind, String, &'a Track)> {
    let flow = (Kind::Flow, "gradient flow".to_string(), &result.flow.track);
    let kind = descent_name(problem);
    let descents = result.descents.iter().enumerate().map(move |(i, run)| {
        let label = format!("{kind}, η = {}", number(run.descent.learning_rate));
        (Kind::Descent(i), label, &run.descent.track)
    });
    let theory = result.theory_curve.as_ref().map(|theory| {
        let label = match theory.curve.start {
            // Said where it explains the distance.
            CurveStart::InitialNorm => "theory (rank one, aligned)",
            CurveStart::AlignedWeights | CurveStart::GrowingModes => "theory (rank one)",
        };
        (Kind::Theory, label.to_string(), &theory.curve.track)
    });
    std::iter::once(flow).chain(theory).chain(descents)
}

fn loss_curves(problem: &Problem, result: &RunResult, t_end: f64) -> Vec<Curve> {
    let lens = problem.lens();
    tracks(problem, result)
        .map(|(kind, label, track)| Curve {
            label,
            kind,
            points: drawn_times(track, t_end)
                .into_iter()
                .map(|time| (time, lens.loss(&track.at(time))))
                .collect(),
        })
        .collect()
}

fn map_curves(problem: &Problem, result: &RunResult, t_end: f64) -> Vec<MapCurve> {
    let lens = problem.lens();
    let mut curves = Vec::new();
    for (kind, label, track) in tracks(problem, result) {
        let times = drawn_times(track, t_end);
        let knots: Vec<Knot> = times.into_iter().map(|time| track.at(time)).collect();
        for (m, modality) in problem.moments.modalities.iter().enumerate() {
            let label = match kind {
                Kind::Flow => format!("‖W_{{{}}}^tot‖", modality.name),
                Kind::Theory | Kind::Descent(_) => label.clone(),
            };
            curves.push(MapCurve {
                label,
                modality: m,
                kind,
                points: knots
                    .iter()
                    .map(|knot| (knot.time, lens.norm(knot, m)))
                    .collect(),
            });
        }
    }
    curves
}

/// Minima of the generalisation error of smaller prominence, over its initial value, are not seen in
/// a picture; the report has them all.
const VISIBLE: f64 = 1e-3;

/// The generalisation error of the flow, where there is one.
fn generalisation(problem: &Problem, result: &RunResult, t_end: f64) -> Option<Generalisation> {
    let found = result.generalisation.as_ref()?;
    let (lens, track) = (problem.lens(), &result.flow.track);
    let times = drawn_times(track, t_end);
    let knots: Vec<Knot> = times.into_iter().map(|time| track.at(time)).collect();
    let visible = VISIBLE * found.initial;
    let visible = found
        .minima
        .iter()
        .filter(|minimum| minimum.prominence > visible);
    let minima = visible.map(|minimum| StoppingTime {
        label: format!(
            "{} at t = {}",
            number_to(3, minimum.at.error),
            number_to(3, minimum.at.time)
        ),
        time: minimum.at.time,
        error: minimum.at.error,
    });
    Some(Generalisation {
        error: knots
            .iter()
            .filter_map(|knot| Some((knot.time, lens.generalisation(knot)?)))
            .collect(),
        loss: knots
            .iter()
            .map(|knot| (knot.time, lens.loss(knot)))
            .collect(),
        levels: vec![Level {
            label: format!("least norm: {}", number_to(3, found.least_norm)),
            value: found.least_norm,
            modality: None,
            role: LevelRole::Plateau,
        }],
        minima: minima.collect(),
    })
}

/// Levels of M_0, of the saddles that were visited or are the predicted first ones, and M_*.
fn loss_levels(problem: &Problem, detection: &Detection) -> Vec<Level> {
    let moments = &problem.moments;
    let architecture = &problem.architecture;
    let all: Vec<usize> = (0..moments.modalities.len()).collect();
    let mut saddles = vec![Vec::new(), all];
    saddles.extend(
        detection
            .plateaus
            .iter()
            .filter_map(|plateau| plateau.learned_places()),
    );
    let first = detection.phase.first.as_ref();
    saddles.extend(first.map(|first| vec![first.index]));
    saddles.retain(|learned| architecture.has_saddle(learned));
    saddles.sort();
    saddles.dedup();
    saddles
        .into_iter()
        .map(|learned| Level {
            label: format!("L({})", saddle_label(problem, &learned)),
            value: moments.loss.loss(moments.critical_map(&learned).as_slice()),
            modality: None,
            role: if learned.len() == moments.modalities.len() {
                LevelRole::Final
            } else {
                LevelRole::Plateau
            },
        })
        .collect()
}

/// The saddle's name in the figures' rich text.
fn saddle_label(problem: &Problem, learned: &[usize]) -> String {
    let name = problem.architecture.saddle_name(Some(learned));
    format!("M_{{{}}}", name.trim_start_matches("M_"))
}

fn map_levels(problem: &Problem, detection: &Detection) -> Vec<Level> {
    let moments = &problem.moments;
    let lens = problem.lens();
    let mut levels = Vec::new();
    let first = detection
        .phase
        .first
        .as_ref()
        .map(|first| first.index)
        .filter(|&first| problem.architecture.has_saddle(&[first]));
    if let Some(first) = first {
        levels.push(Level {
            label: format!("{} alone", literal(&moments.modalities[first].name)),
            role: LevelRole::Plateau,
            value: modalflow::linalg::norm(
                &moments.critical_map(&[first]).as_slice()[lens.block(first)],
            ),
            modality: Some(first),
        });
    }
    let optimum = moments.loss.optimum.as_slice();
    levels.extend((0..moments.modalities.len()).map(|m| Level {
        label: format!("{} final", literal(&moments.modalities[m].name)),
        role: LevelRole::Final,
        value: modalflow::linalg::norm(&optimum[lens.block(m)]),
        modality: Some(m),
    }));
    levels
}

fn bands(problem: &Problem, detection: &Detection, t_end: f64) -> Vec<Band> {
    let architecture = &problem.architecture;
    let band = |plateau: &modalflow::analysis::detector::Plateau| {
        let (saddle, words) = match plateau.learned_places() {
            None => ("other".to_string(), "another saddle".to_string()),
            Some(learned) => {
                let names: Vec<String> = learned
                    .iter()
                    .map(|&m| literal(&architecture.modalities[m].name))
                    .collect();
                let words = match names.len() {
                    0 => "nothing learned".to_string(),
                    // Near the minimum of the loss; slow directions may still move the maps.
                    count if count == architecture.modalities.len() => "minimum".to_string(),
                    _ => format!("only {} learned", names.join(" and ")),
                };
                (saddle_label(problem, &learned), words)
            }
        };
        Band {
            label: format!("{saddle}: {words}"),
            saddle,
            from: plateau.entry,
            to: plateau.exit.unwrap_or(t_end),
            shoulder: plateau.kind == detector::Kind::Shoulder,
        }
    };
    detection.plateaus.iter().map(band).collect()
}

fn crossings(problem: &Problem, track: &Track, detection: &Detection) -> Vec<Crossing> {
    let phase = &detection.phase;
    let lens = problem.lens();
    let first = phase.first.as_ref().map(|first| first.index);
    let later = detection.crossings.iter();
    let later = later.map(|crossing| (Some(crossing.modality.index), crossing.t_half_final));
    let marks = std::iter::once((first, phase.t_first))
        .chain(later.filter(|(modality, _)| *modality != first))
        .map(|(modality, time)| modality.zip(time));
    let mark = |(modality, time): (usize, f64)| {
        let knot = track.at(time);
        Crossing {
            label: format!("t_{{{}}}", problem.moments.modalities[modality].name),
            modality,
            time,
            loss: lens.loss(&knot),
            norm: lens.norm(&knot, modality),
        }
    };
    marks.flatten().map(mark).collect()
}

fn phase(problem: &Problem, result: &RunResult) -> Option<Phase> {
    let phase = &result.flow.detection.phase;
    let (first, second) = (phase.first.as_ref()?, phase.second.as_ref()?);
    if !problem.architecture.has_saddle(&[first.index]) {
        return None;
    }
    let (first, second) = (&first.name, &second.name);
    let (from, to) = (phase.t_first?, phase.t_second?);
    let theory = match result.theory.ratio {
        Some(ratio) => format!(", theory {ratio:.3}"),
        None => String::new(),
    };
    let ratio = phase.ratio.map_or(String::new(), |ratio| {
        format!(" (t_{{{second}}}/t_{{{first}}} = {ratio:.3}{theory})")
    });
    Some(Phase {
        from,
        to,
        text: format!("unimodal phase: {}{ratio}", number_to(4, phase.length?)),
    })
}
