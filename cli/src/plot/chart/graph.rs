//! One panel with two axes: what lines, scatter charts and curves become, free of where it
//! stands, and how it is laid out.

use super::super::axes::{Axis, Ticks};
use super::super::content::Rule;
use super::super::fit::wrapped;
use super::super::geometry::{Point, Rect};
use super::super::legend::{Key, Legend};
use super::super::page::{self, EDGE};
use super::super::panel::{self, Frame};
use super::super::place::Clutter;
use super::super::scene::Scene;
use super::super::style::{LineStyle, TEXT, WIDTH};
use super::super::text::{Fonts, Line};
use super::AxisLabel;
use super::range::shows;
use super::spot::{self, Spot};

/// Height of a panel that is not square.
const HEIGHT: f64 = 360.0;
/// Width of the page of a square panel.
const SQUARE_PAGE: f64 = 560.0;
/// Most entries of a legend; of more series some are named.
const MOST_KEYS: usize = 12;
/// How many are named then.
const NAMED: usize = 8;

/// A curve.
pub(super) struct Path {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) style: LineStyle,
}

/// Everything in one panel.
pub(super) struct Graph<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a AxisLabel,
    pub(super) y: &'a AxisLabel,
    /// Least and greatest value across; none where there is nothing to show.
    pub(super) x_range: Option<(f64, f64)>,
    /// Least and greatest value up.
    pub(super) y_range: Option<(f64, f64)>,
    /// Whether the panel is as high as it is wide.
    pub(super) square: bool,
    pub(super) rules: Vec<Rule>,
    pub(super) paths: Vec<Path>,
    pub(super) spots: Vec<Spot>,
    pub(super) keys: Vec<Key>,
    pub(super) notes: Vec<String>,
}

/// Some of the entries where there are too many, and a note that says so.
pub(super) fn thinned(keys: Vec<Key>) -> (Vec<Key>, Option<String>) {
    let count = keys.len();
    if count <= MOST_KEYS {
        return (keys, None);
    }
    let named: Vec<usize> = (0..NAMED).map(|i| i * (count - 1) / (NAMED - 1)).collect();
    let some = keys
        .into_iter()
        .enumerate()
        .filter_map(|(i, key)| named.contains(&i).then_some(key))
        .collect();
    let note = format!("the legend names {NAMED} of {count} series; colours follow their order");
    (some, Some(note))
}

/// A note about values that a logarithmic axis cannot show, where there are any.
pub(super) fn left_out(log: bool, values: impl Iterator<Item = f64>) -> Option<String> {
    let count = values.filter(|v| log && v.is_finite() && *v <= 0.0).count();
    (count > 0).then(|| format!("not shown: {count} not above zero, on a logarithmic axis"))
}

/// Where the panel stands across the page, and its axes.
struct Layout {
    left: f64,
    right: f64,
    height: f64,
    x: Axis,
    y: (f64, f64),
    x_ticks: Ticks,
    y_ticks: Ticks,
    name: Vec<Line>,
}

/// Lays out the chart.
pub(super) fn compose(graph: &Graph<'_>, fonts: &Fonts) -> Scene {
    let Some((x, y)) = graph.x_range.zip(graph.y_range) else {
        return page::nothing(graph.title, fonts);
    };
    let width = if graph.square { SQUARE_PAGE } else { WIDTH };
    let layout = Layout::new(graph, width, x, y, fonts);
    let mut scene = Scene::new(width, 0.0);
    let middle = (layout.left + layout.right) / 2.0;
    let top = page::draw_title(&mut scene, graph.title, middle, fonts);
    let legend = Legend::new(&graph.keys, fonts);
    let factor = page::factor_room(&layout.y_ticks);
    let frame = legend.with_panel(
        &mut scene,
        top,
        |top| layout.frame(graph, top + factor),
        |scene, frame, legend| draw_panel(scene, frame, graph, legend, fonts),
    );
    let bottom = draw_axes(&mut scene, &frame, graph, &layout, fonts);
    let end = page::draw_notes(&mut scene, &graph.notes, layout.left, bottom, fonts);
    scene.height = end + EDGE;
    scene
}

impl Layout {
    /// Room for tick labels on one side and for the labels of levels on the other.
    fn new(
        graph: &Graph<'_>,
        width: f64,
        (x_low, x_high): (f64, f64),
        y: (f64, f64),
        fonts: &Fonts,
    ) -> Self {
        let right = panel::right_edge(graph.rules.iter(), width, fonts);
        let sketched = if graph.square { 0.8 * width } else { HEIGHT };
        let y_axis = Axis {
            low: y.0,
            high: y.1,
            start: sketched,
            end: 0.0,
            log: graph.y.log,
        };
        let y_ticks = y_axis.ticks((sketched / 40.0) as usize);
        let name = wrapped(fonts, &graph.y.text, TEXT, sketched, 2);
        let left = EDGE + page::left_room(name.len(), page::widest_label(&y_ticks, fonts));
        let x = Axis {
            low: x_low,
            high: x_high,
            start: left,
            end: right,
            log: graph.x.log,
        };
        Self {
            left,
            right,
            height: if graph.square { right - left } else { HEIGHT },
            x_ticks: page::ticks_at(&x, &graph.x.values, fonts)
                .unwrap_or_else(|| page::clear_ticks(&x, fonts)),
            x,
            y,
            y_ticks,
            name,
        }
    }

    /// The panel with its upper edge at `top`.
    fn frame(&self, graph: &Graph<'_>, top: f64) -> Frame {
        let rect = Rect::at(self.left, top, self.right - self.left, self.height);
        Frame {
            rect,
            data: rect,
            x: self.x,
            y: Axis {
                low: self.y.0,
                high: self.y.1,
                start: rect.bottom,
                end: rect.top,
                log: graph.y.log,
            },
        }
    }
}

/// Spines, ticks and names of both axes; answers where they end.
fn draw_axes(
    scene: &mut Scene,
    frame: &Frame,
    graph: &Graph<'_>,
    layout: &Layout,
    fonts: &Fonts,
) -> f64 {
    let Rect { left, bottom, .. } = frame.rect;
    panel::draw_spines(scene, frame);
    page::draw_ticks_left(scene, &frame.y, &layout.y_ticks, left, fonts);
    if let Some(factor) = &layout.y_ticks.factor {
        page::draw_factor_above(scene, factor, &frame.rect, fonts);
    }
    page::draw_name_left(scene, &layout.name, EDGE, &frame.rect);
    page::draw_ticks_below(scene, &frame.x, &layout.x_ticks, (bottom, true), fonts);
    let (name, ticks) = (&graph.x.text, &layout.x_ticks);
    page::draw_name_below(scene, name, &frame.x, ticks, bottom, fonts)
}

/// Draws everything but the axes; the legend only where there is room inside, which is answered.
fn draw_panel(
    scene: &mut Scene,
    frame: &Frame,
    graph: &Graph<'_>,
    legend: Option<&Legend<'_>>,
    fonts: &Fonts,
) -> bool {
    let mut clutter = Clutter::default();
    panel::draw_rules(scene, frame, &graph.rules, fonts, &mut clutter);
    for path in &graph.paths {
        let points = broken(&path.points, graph);
        panel::draw_trace(scene, frame, &points, &path.style, &mut clutter);
    }
    spot::draw(scene, frame, &graph.spots, fonts, &mut clutter);
    legend.is_some_and(|legend| legend.draw_where_free(scene, &frame.data, &clutter, &[]))
}

/// The points, broken where the axes cannot show them.
fn broken(points: &[(f64, f64)], graph: &Graph<'_>) -> Vec<Point> {
    let shown = |p: &(f64, f64)| shows(graph.x.log, p.0) && shows(graph.y.log, p.1);
    let gap = (f64::NAN, f64::NAN);
    let point = |p: &(f64, f64)| if shown(p) { *p } else { gap };
    points.iter().map(point).collect()
}
