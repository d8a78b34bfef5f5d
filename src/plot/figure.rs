//! A whole figure: title, panels below each other, axes, margins.

use super::axes::{Axis, Ticks};
use super::content::{self, Content};
use super::fit::{shortened, wrapped};
use super::generalisation;
use super::geometry::Rect;
use super::legend::Legend;
use super::panel::{self, Frame, LABEL_GAP, LABEL_WIDEST, STRIP};
use super::scene::{Anchor, Scene, centred};
use super::style::{HAIRLINE, INK, TEXT, TICK, TITLE, WIDTH};
use super::text::Fonts;
use super::time::{time_axis, time_ticks};
use super::{Figure, Panels};

/// Blank edge of the page.
const EDGE: f64 = 12.0;
/// Length of a labelled tick.
const TICK_LENGTH: f64 = 5.0;
/// From the spine to its tick labels.
const TICK_GAP: f64 = 9.0;
/// Between two panels.
const PANEL_GAP: f64 = 22.0;

/// A panel before it has a place.
struct Plan<'a> {
    content: Content<'a>,
    height: f64,
    low: f64,
    high: f64,
    ticks: Ticks,
}

/// Lays out the figure.
pub(super) fn compose(figure: &Figure, panels: Panels, fonts: &Fonts) -> Scene {
    let plans: Vec<Plan<'_>> = match panels {
        Panels::Loss => vec![plan(content::loss(figure), 340.0)],
        Panels::Generalisation => vec![plan(generalisation::content(figure), 340.0)],
        Panels::Maps => vec![plan(content::maps(figure, true), 340.0)],
        Panels::Both => vec![
            plan(content::loss(figure), 290.0),
            plan(content::maps(figure, false), 240.0),
        ],
    };
    let (left, right) = margins(&plans, fonts);
    let time = time_axis(figure, left, right);
    let ticks = time_ticks(&time, fonts);
    let mut scene = Scene::new(WIDTH, 0.0);
    let mut y = draw_title(&mut scene, &figure.title, (left + right) / 2.0, fonts);
    let last = plans.len().saturating_sub(1);
    for (index, plan) in plans.iter().enumerate() {
        y = draw_panel(&mut scene, plan, time, y, fonts);
        draw_time_ticks(&mut scene, &time, &ticks, y, index == last, fonts);
        y += if index == last { 0.0 } else { PANEL_GAP };
    }
    scene.height = draw_time_label(&mut scene, &time, figure.steps, &ticks, y, fonts);
    scene
}

/// Range and ticks of a panel.
fn plan(content: Content<'_>, height: f64) -> Plan<'_> {
    let (low, high) = content.range();
    let axis = Axis {
        low,
        high,
        start: 0.0,
        end: height,
        log: false,
    };
    Plan {
        content,
        height,
        low,
        high,
        ticks: axis.ticks((height / 40.0) as usize),
    }
}

/// Left and right edge of the panels: room for tick labels on one side, level labels on the other.
fn margins(plans: &[Plan<'_>], fonts: &Fonts) -> (f64, f64) {
    let widest = |lines: &mut dyn Iterator<Item = f64>| lines.fold(0.0, f64::max);
    let ticks = plans.iter().flat_map(|plan| &plan.ticks.major);
    let tick = widest(&mut ticks.map(|(_, label)| fonts.line(label, TICK).width));
    let rules = plans.iter().flat_map(|plan| &plan.content.rules);
    let level =
        widest(&mut rules.map(|rule| shortened(fonts, &rule.label, TEXT, LABEL_WIDEST).width));
    let left = EDGE + 1.2 * TEXT + 8.0 + tick + TICK_GAP;
    let right = WIDTH - EDGE - (LABEL_GAP + level).max(24.0);
    (left, right)
}

/// Draws the title and answers where the panels may start.
fn draw_title(scene: &mut Scene, title: &str, middle: f64, fonts: &Fonts) -> f64 {
    // Centred over the panels as far as the page's edges allow.
    let room = 2.0 * (middle.min(WIDTH - middle) - EDGE);
    let mut y = EDGE;
    for line in wrapped(fonts, title, TITLE, room, 2) {
        let at = (middle, y + line.ascent() + 2.0);
        y += 1.35 * line.size;
        scene.text(line, at, Anchor::Middle, INK);
    }
    y + 10.0
}

/// Draws a panel whose surroundings start at `top`; answers where it ends.
fn draw_panel(scene: &mut Scene, plan: &Plan<'_>, time: Axis, top: f64, fonts: &Fonts) -> f64 {
    let legend = Legend::new(&plan.content.keys, fonts);
    let factor = if plan.ticks.factor.is_some() {
        1.5 * TICK
    } else {
        0.0
    };
    let inside = frame(plan, time, top + factor);
    let mut trial = scene.clone();
    let frame = if panel::draw(&mut trial, &inside, &plan.content, Some(&legend), fonts) {
        *scene = trial;
        inside
    } else {
        let width = inside.rect.width();
        legend.draw_above(scene, inside.rect.left, top, width);
        let lower = frame(plan, time, top + legend.height_above(width) + factor);
        panel::draw(scene, &lower, &plan.content, None, fonts);
        lower
    };
    draw_value_axis(scene, &frame, plan, fonts);
    frame.rect.bottom
}

/// The panel with its upper edge at `top`.
fn frame(plan: &Plan<'_>, time: Axis, top: f64) -> Frame {
    let rect = Rect::at(time.start, top, time.end - time.start, plan.height);
    let named = plan.content.named && !plan.content.bands.is_empty();
    let strip = if named { STRIP } else { 4.0 };
    let data = Rect {
        top: rect.top + strip,
        ..rect
    };
    let value = Axis {
        low: plan.low,
        high: plan.high,
        start: data.bottom,
        end: data.top,
        log: false,
    };
    Frame {
        rect,
        data,
        time,
        value,
    }
}

/// Spines, ticks, tick labels and name of the value axis.
fn draw_value_axis(scene: &mut Scene, frame: &Frame, plan: &Plan<'_>, fonts: &Fonts) {
    panel::draw_spines(scene, frame);
    let left = frame.rect.left;
    for (value, label) in &plan.ticks.major {
        let y = frame.value.place(*value);
        scene.stroke(&[(left - TICK_LENGTH, y), (left, y)], &HAIRLINE);
        let at = (left - TICK_GAP, centred(y, TICK));
        scene.text(fonts.line(label, TICK), at, Anchor::End, INK);
    }
    if let Some(factor) = &plan.ticks.factor {
        let at = (left - TICK_LENGTH, frame.rect.top - 0.5 * TICK);
        scene.text(fonts.line(factor, TICK), at, Anchor::Start, INK);
    }
    let middle = (frame.rect.top + frame.rect.bottom) / 2.0;
    let name = fonts.line(plan.content.axis, TEXT);
    scene.upward(name, EDGE + TEXT, middle, INK);
}

/// Ticks of the time axis below a panel; labels below the last one only.
fn draw_time_ticks(
    scene: &mut Scene,
    time: &Axis,
    ticks: &Ticks,
    bottom: f64,
    labelled: bool,
    fonts: &Fonts,
) {
    for value in &ticks.minor {
        let x = time.place(*value);
        scene.stroke(&[(x, bottom), (x, bottom + 0.5 * TICK_LENGTH)], &HAIRLINE);
    }
    for (value, label) in &ticks.major {
        let x = time.place(*value);
        scene.stroke(&[(x, bottom), (x, bottom + TICK_LENGTH)], &HAIRLINE);
        if labelled {
            let line = fonts.line(label, TICK);
            let at = (x, bottom + TICK_GAP + line.ascent());
            scene.text(line, at, Anchor::Middle, INK);
        }
    }
}

/// The name of the time axis and the factor of its labels; answers the figure's height.
fn draw_time_label(
    scene: &mut Scene,
    time: &Axis,
    steps: bool,
    ticks: &Ticks,
    bottom: f64,
    fonts: &Fonts,
) -> f64 {
    let baseline = bottom + TICK_GAP + TICK + 8.0 + 0.9 * TEXT;
    let name = match steps {
        true => "time t (= η × descent steps)",
        false => "time t (in units of η × descent steps)",
    };
    let name = fonts.line(name, TEXT);
    let middle = (time.start + time.end) / 2.0;
    scene.text(name, (middle, baseline), Anchor::Middle, INK);
    if let Some(factor) = &ticks.factor {
        let at = (time.end, baseline);
        scene.text(fonts.line(factor, TICK), at, Anchor::End, INK);
    }
    baseline + 0.4 * TEXT + EDGE
}

#[cfg(test)]
mod tests {
    use super::super::scene::{Mark, text_box};
    use super::super::{Band, Crossing, Curve, Kind, Level, LevelRole, Phase};
    use super::*;

    /// A staircase with `steps` modalities of long names.
    fn staircase(steps: usize) -> Figure {
        let name = |i: usize| format!("a_modality_with_a_long_name_{i}");
        let loss = |t: f64| (steps as f64 - t.floor()).max(0.0);
        let samples = (0..=1000).map(|i| f64::from(i) / 1000.0 * (steps + 1) as f64);
        Figure {
            steps: true,
            title: "a title of many words ".repeat(20),
            t_end: (steps + 1) as f64,
            loss: vec![
                Curve {
                    label: "gradient flow".to_owned(),
                    kind: Kind::Flow,
                    points: samples.map(|t| (t, loss(t))).collect(),
                },
                // Ahead of the flow, where the labels of the dots would stand.
                Curve {
                    label: "theory (rank one, aligned)".to_owned(),
                    kind: Kind::Theory,
                    points: vec![(0.0, steps as f64), (steps as f64 + 1.0, 0.0)],
                },
            ],
            loss_levels: (0..=2 * steps)
                .map(|i| Level {
                    label: format!("L(M_{{{}}})", name(i)),
                    value: 0.5 * i as f64,
                    modality: None,
                    role: LevelRole::Plateau,
                })
                .collect(),
            plateaus: (0..steps)
                .map(|i| Band {
                    label: format!("M_{{{}}}", name(i)),
                    saddle: format!("M_{i}"),
                    from: i as f64 + 0.1,
                    to: i as f64 + 0.9,
                    shoulder: false,
                })
                .collect(),
            crossings: (0..steps)
                .map(|i| Crossing {
                    label: format!("t_{i}"),
                    modality: i,
                    time: i as f64 + 1.0,
                    loss: loss(i as f64) - 0.5,
                    norm: 0.5,
                })
                .collect(),
            phase: Some(Phase {
                from: 1.0,
                to: 2.0,
                text: "unimodal phase: 1.00  (t_B/t_A = 2.00, theory 2.00)".to_owned(),
            }),
            ..Figure::default()
        }
    }

    #[test]
    fn text_stays_on_the_page_and_never_overlaps() -> Result<(), String> {
        let fonts = Fonts::load()?;
        for (steps, log_time) in [(1, false), (3, false), (3, true), (8, false), (8, true)] {
            let mut figure = staircase(steps);
            figure.log_time = log_time;
            let scene = compose(&figure, Panels::Both, &fonts);
            let page = Rect::at(0.0, 0.0, scene.width, scene.height);
            let boxes: Vec<Rect> = scene
                .marks
                .iter()
                .filter_map(|mark| match mark {
                    Mark::Text {
                        line,
                        at,
                        upward: false,
                        ..
                    } => Some(text_box(line, *at, Anchor::Start)),
                    _ => None,
                })
                .collect();
            for (i, rect) in boxes.iter().enumerate() {
                assert!(page.contains(rect), "{steps}, {log_time}: {rect:?}");
                for other in &boxes[..i] {
                    assert!(!rect.overlaps(other), "{steps}: {rect:?} {other:?}");
                }
            }
        }
        Ok(())
    }
}
