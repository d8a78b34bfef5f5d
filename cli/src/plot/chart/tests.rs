//! Tests that every kind of chart passes.

use super::super::geometry::Rect;
use super::super::scene::text_boxes;
use super::*;

/// A label of many words.
fn long(name: &str) -> String {
    format!("{name}, a label of many words that does not fit anywhere (units of y²/x²) ").repeat(2)
}

/// An axis with a long name.
fn axis(log: bool) -> AxisLabel {
    AxisLabel::new(&long("axis"), log)
}

/// What the numbers of a chart are.
type Number<'a> = &'a dyn Fn(usize) -> f64;

/// The label of a series.
fn label(k: usize) -> String {
    format!("series_number_{k} with a long name")
}

/// The points of a series.
fn pairs(k: usize, number: Number<'_>) -> Vec<(f64, f64)> {
    (0..12)
        .map(|i| (number(i), number(i * i + 3 * k + 1)))
        .collect()
}

/// Lines with bars and theory.
fn lines(count: usize, log: bool, number: Number<'_>) -> LineChart {
    let spread = |(x, middle): (f64, f64)| Spread {
        x,
        middle,
        low: middle - 0.1 * middle.abs(),
        high: middle + 0.1 * middle.abs(),
    };
    let series = |k: usize| Series {
        label: label(k),
        points: pairs(k, number).into_iter().map(spread).collect(),
        theory: pairs(k, number),
        joined: log,
    };
    LineChart {
        title: long("title"),
        x: axis(log),
        y: axis(log),
        series: (0..count).map(series).collect(),
        notes: vec![long("note")],
    }
}

/// Heat maps with missing cells and too few values.
fn heat(count: usize, number: Number<'_>) -> HeatMaps {
    let scales = [
        HeatScale::SequentialLog,
        HeatScale::Sequential,
        HeatScale::Diverging,
    ];
    let axis = || HeatAxis {
        label: long("cells"),
        values: (0..12).map(number).collect(),
    };
    let panel = |k: usize| HeatPanel {
        title: long("panel"),
        values: (0..140)
            .map(|i| (i % 7 != 0).then(|| number(i + k)))
            .collect(),
        scale: scales[k % 3],
        range_group: k,
        unit: long("unit"),
    };
    HeatMaps {
        title: long("title"),
        x: axis(),
        y: axis(),
        panels: (0..count).map(panel).collect(),
        notes: vec![long("note")],
    }
}

/// A scatter chart with one logarithmic axis, if any.
fn scatter(count: usize, log: bool, number: Number<'_>) -> ScatterChart {
    let series = |k: usize| ScatterSeries {
        label: label(k),
        points: pairs(k, number),
    };
    ScatterChart {
        title: long("title"),
        x: axis(log),
        y: axis(false),
        series: (0..count).map(series).collect(),
        notes: vec![long("note")],
    }
}

/// Curves with levels and marks.
fn curves(count: usize, log: bool, number: Number<'_>) -> CurvesChart {
    let curve = |k: usize| FamilyCurve {
        label: label(k),
        points: pairs(k, number),
    };
    let mark = |k: usize| CurveMark {
        curve: k,
        x: number(k),
        y: number(k + 1),
        label: format!("minimum {k}"),
    };
    let level = |k: usize| match k {
        0 => (long("level"), number(0)),
        _ => (format!("level {k}"), number(k)),
    };
    CurvesChart {
        title: long("title"),
        x: axis(log),
        y: axis(log),
        curves: (0..count).map(curve).collect(),
        levels: (0..count).map(level).collect(),
        marks: (0..count).map(mark).collect(),
        notes: vec![long("note")],
    }
}

/// Portraits with everything in them.
fn portraits(count: usize, number: Number<'_>) -> Portraits {
    let point = |i: usize| CriticalPoint {
        label: format!("M_{{{i}}}"),
        x: number(i),
        y: number(i + 1),
        minimum: i < 6,
    };
    let arrow = |i: usize| (number(i % 10), number(i / 10), number(i), -number(i));
    let panel = |k: usize| Portrait {
        title: long("portrait"),
        field: (0..100).map(arrow).collect(),
        trajectories: vec![pairs(k, number)],
        points: (0..12).map(point).collect(),
    };
    Portraits {
        title: long("title"),
        x: long("x"),
        y: long("y"),
        x_range: (number(0), number(11)),
        y_range: (number(0), number(11)),
        panels: (0..count).map(panel).collect(),
        notes: vec![long("note")],
    }
}

/// Every kind of chart with `count` series or panels, of which every number is `number(i)`.
fn charts(count: usize, log: bool, number: Number<'_>) -> [Chart; 5] {
    [
        Chart::Lines(lines(count, log, number)),
        Chart::Heat(heat(count, number)),
        Chart::Scatter(scatter(count, log, number)),
        Chart::Curves(curves(count, log, number)),
        Chart::Portrait(portraits(count, number)),
    ]
}

#[test]
fn text_stays_on_the_page_and_never_overlaps() -> Result<(), String> {
    let fonts = Fonts::load()?;
    let numbers: [Number<'_>; 4] = [
        &|i| 0.25 * i as f64,
        &|i| 1e-7 * (i + 1) as f64,
        &|i| 10_f64.powi(i as i32 % 9 - 4),
        &|i| 123_456.5 + i as f64,
    ];
    for (which, number) in numbers.into_iter().enumerate() {
        for (count, log) in [(1, false), (2, true), (3, false), (7, true), (40, false)] {
            for (kind, chart) in charts(count, log, number).iter().enumerate() {
                let scene = compose(chart, &fonts);
                let page = Rect::at(0.0, 0.0, scene.width, scene.height);
                let boxes = text_boxes(&scene);
                assert!(boxes.len() > 5);
                for (i, rect) in boxes.iter().enumerate() {
                    let case = format!("{which} {count} {log} {kind}");
                    assert!(page.contains(rect), "{case}: {rect:?} in {page:?}");
                    for other in &boxes[..i] {
                        assert!(!rect.overlaps(other), "{case}: {rect:?} {other:?}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn odd_numbers_still_make_a_chart() {
    let extremes = [
        f64::NAN,
        f64::INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
    ];
    let plain = [0.0, -1.0, 1e-320, 1e-9, 1.0, 1e9, 1e300];
    for odd in extremes.into_iter().chain(plain) {
        let numbers: [Number<'_>; 3] = [
            &|_| odd,
            &|i| if i % 3 == 0 { odd } else { i as f64 },
            &|i| if i % 3 == 0 { odd } else { -odd },
        ];
        for number in numbers {
            for (count, log) in [(0, false), (2, false), (2, true)] {
                for chart in charts(count, log, number) {
                    let drawn = render_chart("odd.svg", &chart, Format::Svg);
                    let text = drawn.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                    assert!(
                        text.as_ref()
                            .is_ok_and(|svg| svg.ends_with("</svg>\n") && !svg.contains("NaN")),
                        "{odd}, {log}: {text:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn empty_charts_say_so() {
    for chart in charts(0, false, &|i| i as f64) {
        let drawn = render_chart("empty.svg", &chart, Format::Svg);
        let text = drawn.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(text.is_ok_and(|svg| svg.contains("nothing\u{a0}to\u{a0}show")));
    }
}

#[test]
fn the_same_chart_gives_the_same_bytes() {
    for chart in charts(2, false, &|i| i as f64) {
        for format in [Format::Png, Format::Svg] {
            let drawn = || render_chart("twice", &chart, format).ok();
            let first = drawn();
            assert!(first.is_some());
            assert_eq!(first, drawn());
        }
    }
}
