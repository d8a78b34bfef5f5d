//! The panel of the generalisation error, with the loss trained on beside it.

use super::content::{Content, Dot, Trace, rules};
use super::legend::Key;
use super::style::{GENERALISATION, loss_line};
use super::{Figure, Generalisation, Kind};

/// The generalisation error over its own minima, and the loss; nothing where there is none.
pub(super) fn content(figure: &Figure) -> Content<'_> {
    let nothing = Generalisation::default();
    let shown = figure.generalisation.as_ref().unwrap_or(&nothing);
    let curves = [
        (
            "loss trained on",
            loss_line(Kind::Flow),
            shown.loss.as_slice(),
        ),
        (
            "generalisation error",
            GENERALISATION,
            shown.error.as_slice(),
        ),
    ];
    Content {
        axis: "error, loss (units of y²)",
        traces: curves
            .iter()
            .map(|(_, style, points)| Trace {
                points: points.to_vec(),
                style: *style,
                kind: Kind::Flow,
            })
            .collect(),
        rules: rules(&shown.levels),
        dots: shown
            .minima
            .iter()
            .map(|minimum| Dot {
                label: minimum.label.clone(),
                at: (minimum.time, minimum.error),
                colour: GENERALISATION.colour,
            })
            .collect(),
        dropped: false,
        keys: curves
            .iter()
            .map(|(label, style, _)| Key::line(label, *style))
            .collect(),
        bands: &figure.plateaus,
        named: true,
        phase: None,
        phase_needed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Level, LevelRole, Panels, StoppingTime, render};
    use super::*;

    #[test]
    fn minima_levels_and_curves_are_written_into_the_picture() {
        let figure = Figure {
            t_end: 2.0,
            generalisation: Some(Generalisation {
                error: vec![(0.0, 1.0), (1.0, 0.4), (2.0, 0.7)],
                loss: vec![(0.0, 0.9), (2.0, 0.0)],
                levels: vec![Level {
                    label: "least norm 0.5".to_owned(),
                    value: 0.5,
                    modality: None,
                    role: LevelRole::Plateau,
                }],
                minima: vec![StoppingTime {
                    label: "0.4 at t = 1".to_owned(),
                    time: 1.0,
                    error: 0.4,
                }],
            }),
            ..Figure::default()
        };
        let drawn = render(&figure, Panels::Generalisation, Format::Svg);
        let svg = drawn.map(|bytes| String::from_utf8_lossy(&bytes).replace('\u{a0}', " "));
        // Spaces are non-breaking ones; italics and the text around them are pieces of their own.
        let texts = [
            "0.4 at",
            "least norm 0.5",
            "generalisation error",
            "loss trained on",
        ];
        for text in texts {
            let is_there = svg.as_ref().is_ok_and(|svg| svg.contains(text));
            assert!(is_there, "{text} is not in {svg:?}");
        }
        let (low, high) = content(&figure).range();
        assert!(low < 0.0 && high > 1.0, "{low} {high}");
    }
}
