//! What a panel shows, free of where it stands: the loss and the maps become the same few things.

use plotters::style::RGBColor;

use super::legend::Key;
use super::style::{GREY, LineStyle, RULE, loss_line, map_key, map_line, modality_colour};
use super::{Band, Crossing, Figure, Kind, Level, LevelRole, Phase};

/// A curve.
pub(super) struct Trace {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) style: LineStyle,
    pub(super) kind: Kind,
}

/// A level with its label.
pub(super) struct Rule {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) style: LineStyle,
    pub(super) ink: RGBColor,
}

/// A crossing, as a dot on a curve.
pub(super) struct Dot {
    pub(super) label: String,
    /// Its place in the data.
    pub(super) at: (f64, f64),
    pub(super) colour: RGBColor,
}

/// Everything in one panel.
pub(super) struct Content<'a> {
    pub(super) axis: &'static str,
    pub(super) traces: Vec<Trace>,
    pub(super) rules: Vec<Rule>,
    pub(super) dots: Vec<Dot>,
    /// Whether a dotted line runs from each dot to the time axis.
    pub(super) dropped: bool,
    pub(super) keys: Vec<Key>,
    pub(super) bands: &'a [Band],
    /// Whether the bands are named here.
    pub(super) named: bool,
    pub(super) phase: Option<&'a Phase>,
    /// Whether the phase is drawn even where its text covers a curve.
    pub(super) phase_needed: bool,
}

/// The loss panel.
pub(super) fn loss(figure: &Figure) -> Content<'_> {
    let curves = || figure.loss.iter();
    Content {
        axis: "loss (units of y²)",
        traces: curves()
            .map(|curve| Trace {
                points: curve.points.clone(),
                style: loss_line(curve.kind),
                kind: curve.kind,
            })
            .collect(),
        rules: rules(&figure.loss_levels),
        dots: dots(&figure.crossings, |crossing| crossing.loss),
        dropped: false,
        keys: curves()
            .map(|curve| Key::line(&curve.label, loss_line(curve.kind)))
            .collect(),
        bands: &figure.plateaus,
        named: true,
        phase: figure.phase.as_ref(),
        phase_needed: true,
    }
}

/// The panel of the total maps; alone it also carries the names and the phase.
pub(super) fn maps(figure: &Figure, alone: bool) -> Content<'_> {
    Content {
        axis: "norm of the total map (units of y/x)",
        traces: figure
            .maps
            .iter()
            .map(|curve| Trace {
                points: curve.points.clone(),
                style: map_line(curve.kind, curve.modality),
                kind: curve.kind,
            })
            .collect(),
        rules: rules(&figure.map_levels),
        dots: dots(&figure.crossings, |crossing| crossing.norm),
        dropped: true,
        keys: map_keys(figure),
        bands: &figure.plateaus,
        named: alone,
        phase: figure.phase.as_ref().filter(|_| alone),
        phase_needed: false,
    }
}

/// An entry for each modality, then one for theory and for each learning rate.
fn map_keys(figure: &Figure) -> Vec<Key> {
    let mut named: Vec<Kind> = Vec::new();
    let mut keys = Vec::new();
    for curve in &figure.maps {
        if curve.kind != Kind::Flow && named.contains(&curve.kind) {
            continue;
        }
        named.push(curve.kind);
        keys.push(Key::line(&curve.label, map_key(curve.kind, curve.modality)));
    }
    keys
}

/// Level lines, without those that have no place.
pub(super) fn rules(levels: &[Level]) -> Vec<Rule> {
    levels
        .iter()
        .filter(|level| level.value.is_finite())
        .map(|level| {
            let (width, dash): (_, &'static [f64]) = match level.role {
                LevelRole::Plateau => (1.0, &[6.0, 4.0]),
                LevelRole::Final => (0.8, &[1.2, 2.2]),
            };
            Rule {
                label: level.label.clone(),
                value: level.value,
                style: LineStyle {
                    colour: level.modality.map_or(RULE, modality_colour),
                    width,
                    dash,
                },
                ink: level.modality.map_or(GREY, modality_colour),
            }
        })
        .collect()
}

/// Crossings at the height that `value` names.
fn dots(crossings: &[Crossing], value: impl Fn(&Crossing) -> f64) -> Vec<Dot> {
    crossings
        .iter()
        .filter(|crossing| crossing.time.is_finite() && value(crossing).is_finite())
        .map(|crossing| Dot {
            label: crossing.label.clone(),
            at: (crossing.time, value(crossing)),
            colour: modality_colour(crossing.modality),
        })
        .collect()
}

/// How far beyond flow and levels a descent may stretch the axis; what runs away further is cut.
const STRETCH: f64 = 1.25;
/// Values are held below this, so that spans stay finite.
pub(super) const LARGEST: f64 = 1e300;
/// Spans below this are none: the steps between ticks would lose their digits.
pub(super) const SMALLEST: f64 = 1e-290;

impl Content<'_> {
    /// The least and greatest value that the axis shows, a little more than the data.
    pub(super) fn range(&self) -> (f64, f64) {
        let of_kind = |flow: bool| {
            self.traces
                .iter()
                .filter(move |trace| (trace.kind == Kind::Flow) == flow)
                .flat_map(|trace| trace.points.iter())
                .filter(|point| point.0.is_finite() && point.1.is_finite())
                .map(|point| point.1.clamp(-LARGEST, LARGEST))
        };
        let levels = self
            .rules
            .iter()
            .map(|rule| rule.value.clamp(-LARGEST, LARGEST));
        let known = of_kind(true).chain(levels);
        let (least, most) = known.fold((0.0_f64, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let most = of_kind(false)
            .filter(|value| most <= 0.0 || *value <= STRETCH * most)
            .fold(most, f64::max);
        let span = most - least;
        if span > SMALLEST {
            (least - 0.03 * span, most + 0.03 * span)
        } else {
            (-0.03, 1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, MapCurve};
    use super::*;

    fn curve(kind: Kind, points: &[(f64, f64)]) -> Curve {
        Curve {
            label: String::new(),
            kind,
            points: points.to_vec(),
        }
    }

    #[test]
    fn a_diverged_descent_does_not_set_the_range() {
        let figure = Figure {
            loss: vec![
                curve(Kind::Flow, &[(0.0, 2.0), (1.0, f64::NAN)]),
                curve(Kind::Descent(0), &[(0.0, 2.0), (1.0, 2.2), (2.0, 1e300)]),
            ],
            ..Figure::default()
        };
        let (low, high) = loss(&figure).range();
        assert!((low + 0.066).abs() < 1e-9, "{low}");
        assert!((high - 2.266).abs() < 1e-9, "{high}");
    }

    #[test]
    fn nothing_and_zeros_still_make_an_axis() {
        assert_eq!(loss(&Figure::default()).range(), (-0.03, 1.0));
        let figure = Figure {
            loss: vec![curve(Kind::Flow, &[(0.0, 0.0)])],
            ..Figure::default()
        };
        assert_eq!(loss(&figure).range(), (-0.03, 1.0));
    }

    #[test]
    fn the_legend_names_theory_and_a_learning_rate_once() {
        let map = |modality, kind| MapCurve {
            label: String::new(),
            modality,
            kind,
            points: Vec::new(),
        };
        let figure = Figure {
            maps: vec![
                map(0, Kind::Flow),
                map(1, Kind::Flow),
                map(0, Kind::Theory),
                map(1, Kind::Theory),
                map(0, Kind::Descent(0)),
                map(1, Kind::Descent(0)),
            ],
            ..Figure::default()
        };
        assert_eq!(map_keys(&figure).len(), 4);
    }
}
