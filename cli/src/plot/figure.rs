//! A whole figure: title, panels below each other, axes, margins.

use super::axes::{Axis, Ticks};
use super::content::{self, Content};
use super::generalisation;
use super::geometry::Rect;
use super::legend::Legend;
use super::page::{self, EDGE};
use super::panel::{self, Frame, STRIP};
use super::scene::Scene;
use super::style::{TEXT, WIDTH};
use super::text::Fonts;
use super::time::time_axis;
use super::{Figure, Panels};

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
    let ticks = page::clear_ticks(&time, fonts);
    let mut scene = Scene::new(WIDTH, 0.0);
    let mut y = page::draw_title(&mut scene, &figure.title, (left + right) / 2.0, fonts);
    let last = plans.len().saturating_sub(1);
    for (index, plan) in plans.iter().enumerate() {
        y = draw_panel(&mut scene, plan, time, y, fonts);
        let edge = (y, index == last);
        page::draw_ticks_below(&mut scene, &time, &ticks, edge, fonts);
        y += if index == last { 0.0 } else { PANEL_GAP };
    }
    let name = &figure.time;
    scene.height = page::draw_name_below(&mut scene, name, &time, &ticks, y, fonts) + EDGE;
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
    let ticks = plans
        .iter()
        .map(|plan| page::widest_label(&plan.ticks, fonts));
    let tick = ticks.fold(0.0, f64::max);
    let rules = plans.iter().flat_map(|plan| &plan.content.rules);
    let right = panel::right_edge(rules, WIDTH, fonts);
    let left = EDGE + page::left_room(1, tick);
    (left, right)
}

/// Draws a panel whose surroundings start at `top`; answers where it ends.
fn draw_panel(scene: &mut Scene, plan: &Plan<'_>, time: Axis, top: f64, fonts: &Fonts) -> f64 {
    let legend = Legend::new(&plan.content.keys, fonts);
    let factor = page::factor_room(&plan.ticks);
    let frame = legend.with_panel(
        scene,
        top,
        |top| frame(plan, time, top + factor),
        |scene, frame, legend| panel::draw(scene, frame, &plan.content, legend, fonts),
    );
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
        x: time,
        y: value,
    }
}

/// Spines, ticks, tick labels and name of the value axis.
fn draw_value_axis(scene: &mut Scene, frame: &Frame, plan: &Plan<'_>, fonts: &Fonts) {
    panel::draw_spines(scene, frame);
    page::draw_ticks_left(scene, &frame.y, &plan.ticks, frame.rect.left, fonts);
    if let Some(factor) = &plan.ticks.factor {
        page::draw_factor_above(scene, factor, &frame.rect, fonts);
    }
    let name = [fonts.line(plan.content.axis, TEXT)];
    page::draw_name_left(scene, &name, EDGE, &frame.rect);
}

#[cfg(test)]
mod tests {
    use super::super::scene::text_boxes;
    use super::super::{Band, Crossing, Curve, Kind, Level, LevelRole, Phase};
    use super::*;

    /// A staircase with `steps` modalities of long names.
    fn staircase(steps: usize) -> Figure {
        let name = |i: usize| format!("a_modality_with_a_long_name_{i}");
        let loss = |t: f64| (steps as f64 - t.floor()).max(0.0);
        let samples = (0..=1000).map(|i| f64::from(i) / 1000.0 * (steps + 1) as f64);
        Figure {
            time: "time t (= η × descent steps)".into(),
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
            let boxes = text_boxes(&scene);
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
