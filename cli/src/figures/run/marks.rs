//! What is marked among the curves of a run: levels, plateaus, crossings, the unimodal phase.

use super::Run;
use crate::figures::labels::saddle_label;
use crate::plot::{
    BAND, Band, Colour, Dot, GREY, INK, Key, LEVEL, Level, LineStyle, Marker, Panel, RULE,
    SHOULDER, Sample, Shape, Span, literal, modality_colour,
};
use crate::report::format::number_to;
use modalflow::analysis::detector::{self, ModeCrossing, Plateau};
use modalflow::trajectory::Knot;
use modalflow::trajectory::Observables;
use std::cmp::Ordering;

impl Run<'_> {
    /// Levels of M_0, of the saddles that were visited or are the predicted first ones, and M_*; none under cross-entropy, of
    /// which the losses there are not known.
    pub(super) fn loss_levels(&self) -> Vec<Level> {
        if self.observables.has_classes() {
            return Vec::new();
        }
        let moments = self.observables.moments;
        let detection = &self.result.flow.detection;
        let count = moments.modalities.len();
        let mut saddles = vec![Vec::new(), (0..count).collect()];
        let visited = detection.plateaus.iter();
        saddles.extend(visited.filter_map(|plateau| plateau.learned_places()));
        let first = detection.phase.first.as_ref();
        saddles.extend(first.map(|first| vec![first.index]));
        saddles.retain(|learned| self.observables.architecture.has_saddle(learned));
        saddles.sort();
        saddles.dedup();
        let of_saddle = |learned: Vec<usize>| {
            let map = self.observables.critical_map(&learned);
            let value = moments.loss.loss(map.as_slice());
            let architecture = self.observables.architecture;
            let label = format!("L({})", saddle_label(architecture, &learned));
            level(label, value, None, learned.len() == count)
        };
        let levels = saddles.into_iter().map(of_saddle);
        levels.filter(|level| level.value.is_finite()).collect()
    }

    /// The root power of the first modality's outputs on the unimodal saddle, and those of all at the end.
    pub(super) fn map_levels(&self) -> Vec<Level> {
        let Observables {
            moments,
            architecture,
        } = self.observables;
        let size = |map: &[f64], m| self.observables.map_power(map, m).sqrt();
        let name =
            |m: usize, when: &str| format!("{} {when}", literal(&moments.modalities[m].name));
        let first = self.result.flow.detection.phase.first.as_ref();
        let first = first
            .map(|first| first.index)
            .filter(|&first| architecture.has_saddle(&[first]));
        let alone = first.map(|m| {
            let value = size(self.observables.critical_map(&[m]).as_slice(), m);
            level(name(m, "alone"), value, Some(m), false)
        });
        let optimum = self.observables.final_map().as_slice();
        // Of dependent inputs a run may end at another map that fits as well.
        let when = match moments.rank() == moments.inputs_len() {
            true => "final",
            false => "least norm",
        };
        let last = (0..moments.modalities.len())
            .map(|m| level(name(m, when), size(optimum, m), Some(m), true));
        let levels = alone.into_iter().chain(last);
        levels.filter(|level| level.value.is_finite()).collect()
    }

    pub(super) fn bands(&self) -> Vec<Band> {
        let plateaus = self.result.flow.detection.plateaus.iter();
        plateaus.map(|plateau| self.band(plateau)).collect()
    }

    fn band(&self, plateau: &Plateau) -> Band {
        let architecture = self.observables.architecture;
        let modalities = &architecture.modalities;
        let (short, words) = match (plateau.learned_places(), &plateau.learned) {
            (None, None) => ("other".to_owned(), "another saddle".to_owned()),
            (None, Some(_)) => {
                let name = plateau.saddle.trim_start_matches("M_{");
                let label = format!("M_{{{}}}", literal(name.trim_end_matches('}')));
                (label, "some modes learned".to_owned())
            }
            (Some(learned), _) => {
                let names: Vec<String> = learned
                    .iter()
                    .map(|&m| literal(&modalities[m].name))
                    .collect();
                let words = match names.len() {
                    0 => "nothing learned".to_owned(),
                    // Near the minimum of the loss; slow directions may still move the maps.
                    count if count == modalities.len() => "minimum".to_owned(),
                    _ => format!("only {} learned", names.join(" and ")),
                };
                (saddle_label(architecture, &learned), words)
            }
        };
        Band {
            label: format!("{short}: {words}"),
            short,
            from: plateau.entry,
            to: plateau.exit.unwrap_or(self.t_end),
            colour: match plateau.kind {
                detector::Kind::Shoulder => SHOULDER,
                detector::Kind::Plateau => BAND,
            },
        }
    }

    /// When each modality was learned, at the height of a value then.
    pub(super) fn crossings(&self, value: impl Fn(&Knot, usize) -> f64, dropped: bool) -> Vec<Dot> {
        let crossings = self.result.flow.detection.crossings.iter();
        let marks = crossings.map(|crossing| Some((crossing.modality.index, crossing.t_learned?)));
        let mark = |(m, time): (usize, f64)| {
            let label = format!("t_{{{}}}", self.observables.moments.modalities[m].name);
            let at = (time, value(&self.result.flow.trajectory.at(time), m));
            Dot {
                dropped,
                ..Dot::new(at, dot(modality_colour(m)), label)
            }
        };
        marks.flatten().map(mark).collect()
    }

    /// When each mode of a modality that has several was learned, and theory's times of them, at the height of a
    /// value then.
    pub(super) fn mode_times(&self, value: impl Fn(&Knot, usize) -> f64) -> Vec<Dot> {
        let flow = &self.result.flow;
        let modes = &flow.detection.modes;
        let siblings = |m: usize| modes.iter().filter(|mode| mode.modality.index == m).count();
        let mut shown: Vec<&ModeCrossing> = modes
            .iter()
            .filter(|mode| mode.t_learned.is_some() && siblings(mode.modality.index) > 1)
            .collect();
        shown.sort_by(|a, b| {
            a.t_learned
                .partial_cmp(&b.t_learned)
                .unwrap_or(Ordering::Equal)
        });
        shown.truncate(MOST_MODES);
        let mark = |time: Option<f64>,
                    mode: &ModeCrossing,
                    marker: fn(Colour) -> Marker,
                    label: String| {
            let (time, m) = (
                time.filter(|time| *time <= self.t_end)?,
                mode.modality.index,
            );
            let at = (time, value(&flow.trajectory.at(time), m));
            Some(Dot::new(at, marker(modality_colour(m)), label))
        };
        let marks = shown.into_iter().flat_map(|mode| {
            let theory = self.result.theory.mode_time(mode.modality.index, mode.mode);
            let label = format!("t_{{{}}}", mode.name());
            // The hollow diamond below, so that it rings the dot where both agree.
            [
                mark(theory, mode, theory_mode, String::new()),
                mark(mode.t_learned, mode, mode_dot, label),
            ]
        });
        marks.flatten().collect()
    }

    pub(super) fn phase(&self, needed: bool) -> Option<Span> {
        let phase = &self.result.flow.detection.phase;
        let (first, second) = (phase.first.as_ref()?, phase.second.as_ref()?);
        if !self.observables.architecture.has_saddle(&[first.index]) {
            return None;
        }
        let (first, second) = (&first.name, &second.name);
        let gap = &self.result.theory_gap;
        let formula = self.result.theory.ratio.filter(|_| gap.same_order);
        let weights = self.result.theory.from_weights.as_ref();
        let weights = weights
            .and_then(|found| found.ratio)
            .filter(|_| gap.weights.ratio.is_some());
        let predicted = |name: &str, ratio: Option<f64>| {
            ratio.map_or(String::new(), |ratio| format!(", {name} {ratio:.3}"))
        };
        let theory = predicted("theory", formula) + &predicted("from weights", weights);
        let ratio = phase.ratio.map_or(String::new(), |ratio| {
            format!(" (t_{{{second}}}/t_{{{first}}} = {ratio:.3}{theory})")
        });
        Some(Span {
            from: phase.t_first?,
            to: phase.t_second?,
            text: format!("unimodal phase: {}{ratio}", number_to(4, phase.length?)),
            needed,
        })
    }
}

/// A picture with more modes than these would be nothing but their marks; the report has the others.
const MOST_MODES: usize = 8;

/// The marker of the time of one mode.
fn mode_dot(colour: Colour) -> Marker {
    Marker::disc(colour, 2.6)
}

/// The marker of theory's time of one mode.
fn theory_mode(colour: Colour) -> Marker {
    Marker {
        shape: Shape::DIAMOND,
        hollow: true,
        ..Marker::disc(colour, 4.6)
    }
}

/// Adds the times of single modes to a panel, and says in its legend what they are.
pub(super) fn mark_modes(panel: &mut Panel, dots: Vec<Dot>) {
    let keys = [
        (mode_dot(INK), "one mode learned"),
        (theory_mode(INK), "theory's time of the mode"),
    ];
    for (marker, label) in keys {
        if dots.iter().any(|dot| dot.marker.shape == marker.shape) {
            panel.legend.push(Key::new(label, Sample::Marker(marker)));
        }
    }
    panel.dots.extend(dots);
}

/// The marker of a time.
pub(super) fn dot(colour: Colour) -> Marker {
    Marker::disc(colour, 4.2)
}

/// A plateau is dashed, a final value thinner and dotted; grey without a modality.
pub(super) fn level(label: String, value: f64, modality: Option<usize>, is_final: bool) -> Level {
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
