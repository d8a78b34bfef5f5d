//! Tests that every page passes.

use super::geometry::Rect;
use super::scene::text_boxes;
use super::*;

/// A label of many words.
fn long(name: &str) -> String {
    format!("{name}, a label of many words that does not fit anywhere (units of y²/x²) ").repeat(2)
}

/// What the numbers of a page are.
type Number<'a> = &'a dyn Fn(usize) -> f64;

/// An axis that shows the numbers, where it can.
fn axis(name: &str, log: bool, number: Number<'_>) -> Option<Axis> {
    let range = range((0..200).map(number), log, 0.04)?;
    Some(Axis::new(long(name), range, log))
}

/// A panel with `count` of everything but cells and arrows.
fn panel(count: usize, log: bool, number: Number<'_>) -> Option<Panel> {
    let mut panel = Panel {
        title: long("panel"),
        height: 300.0,
        x: axis("x", log, number)?,
        y: axis("y", log, number)?,
        names_bands: true,
        span: Some(Span {
            from: number(1),
            to: number(4),
            text: "unimodal phase: 1.00  (t_B/t_A = 2.00, theory 2.00)".to_owned(),
            needed: true,
        }),
        ..Panel::default()
    };
    for k in 0..count {
        let colour = series_colour(k, count);
        let points = (0..12).map(|i| (number(i), number(i * i + 3 * k + 1)));
        let style = LineStyle::dashed(colour, 2.0, series_dash(k));
        panel.draw(
            &format!("series_number_{k} with a long name"),
            style,
            points.collect(),
        );
        panel.dots.push(Dot {
            bar: Some((number(k), number(k + 3))),
            dropped: k.is_multiple_of(2),
            label: format!("t_{k}"),
            ..Dot::new((number(k), number(k + 1)), Marker::of_series(k, colour), "")
        });
        panel.levels.push(Level {
            label: if k == 0 {
                long("level")
            } else {
                format!("L(M_{{{k}}})")
            },
            value: number(k),
            style: LEVEL,
            ink: GREY,
        });
        panel.bands.push(Band {
            label: long("band"),
            short: format!("M_{k}"),
            from: number(2 * k),
            to: number(2 * k + 1),
            colour: BAND,
        });
    }
    Some(panel)
}

/// Cells of which some are missing.
fn cells(k: usize, number: Number<'_>) -> Panel {
    let ramp = [Ramp::SequentialLog, Ramp::Sequential, Ramp::Diverging][k % 3];
    let values: Vec<Option<f64>> = (0..144)
        .map(|i| (i % 7 != 0).then(|| number(i + k)))
        .collect();
    let mut at: Vec<f64> = (0..12)
        .map(number)
        .filter(|value| value.is_finite())
        .collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    let axis = || Axis::of_cells(long("cells"), at.clone());
    Panel {
        title: long("panel"),
        x: axis(),
        y: axis(),
        cells: Some(Cells {
            colours: ColourScale::of(ramp, values.iter().flatten().copied()),
            values,
            unit: long("unit"),
        }),
        ..Panel::default()
    }
}

/// A field of arrows under curves and dots.
fn portrait(count: usize, number: Number<'_>) -> Option<Panel> {
    let arrow = |i: usize| Arrow {
        at: (number(i % 10), number(i / 10)),
        velocity: (number(i), -number(i)),
        colour: GREY,
    };
    let Panel {
        x, y, curves, dots, ..
    } = panel(count, false, number)?;
    let arrows = (0..100).map(arrow).collect();
    Some(Panel {
        x,
        y,
        curves,
        dots,
        arrows,
        ..Panel::default()
    })
}

/// A page of every arrangement with `count` series or panels.
fn pages(count: usize, log: bool, number: Number<'_>) -> Vec<Page> {
    let one: Vec<Panel> = panel(count, log, number).into_iter().collect();
    let page = |arrangement, panels: Vec<Panel>| Page {
        title: long("title"),
        arrangement,
        legend: one.iter().flat_map(|panel| panel.legend.clone()).collect(),
        panels,
        notes: vec![long("note")],
        is_narrow: count % 2 == 1,
    };
    let grid = Arrangement::Grid { tall: 0.8 };
    let fields = (0..count).filter_map(|_| portrait(count.min(12), number));
    vec![
        page(Arrangement::Stacked, one.clone()),
        page(Arrangement::Stacked, [one.clone(), one.clone()].concat()),
        page(grid, one.clone()),
        page(grid, (0..count).map(|k| cells(k, number)).collect()),
        page(grid, fields.collect()),
    ]
}

#[test]
fn text_stays_on_the_page_and_never_overlaps() {
    let numbers: [Number<'_>; 4] = [
        &|i| 0.25 * i as f64,
        &|i| 1e-7 * (i + 1) as f64,
        &|i| 10_f64.powi(i as i32 % 9 - 4),
        &|i| 123_456.5 + i as f64,
    ];
    for (which, number) in numbers.into_iter().enumerate() {
        for (count, log) in [(1, false), (2, true), (3, false), (7, true), (40, false)] {
            for (kind, page) in pages(count, log, number).iter().enumerate() {
                let scene = layout::compose(page);
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
}

fn svg(page: Page) -> String {
    let drawn = render(&[("page".to_owned(), page)], &[Format::Svg]);
    let text = drawn.map(|drawn| String::from_utf8_lossy(&drawn.files[0].1).into_owned());
    text.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn odd_numbers_still_make_a_page() {
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
                for page in pages(count, log, number) {
                    let svg = svg(page);
                    assert!(
                        svg.ends_with("</svg>\n") && !svg.contains("NaN"),
                        "{odd}, {log}: {svg}"
                    );
                }
            }
        }
    }
}

#[test]
fn empty_pages_say_so() {
    assert!(svg(Page::default()).contains("nothing\u{a0}to\u{a0}show"));
}

#[test]
fn the_same_page_gives_the_same_bytes() -> Result<(), Error> {
    for page in pages(2, false, &|i| i as f64) {
        // A lone panel of a grid stands on a narrower page.
        let is_lone = page.arrangement != Arrangement::Stacked && page.panels.len() == 1;
        let width = if is_lone { 1120 } else { 1600 };
        let pages = [("page".to_owned(), page)];
        let drawn = || render(&pages, &[Format::Png, Format::Svg]);
        let first = drawn()?;
        assert_eq!(first, drawn()?);
        assert_eq!(first.files[0].1[16..20], u32::to_be_bytes(width));
    }
    Ok(())
}

#[test]
fn literal_names_keep_their_underscores() {
    let pieces = text::parse(&literal("a_b"));
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0].text, "a_b");
}
