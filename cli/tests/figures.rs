//! What the figures of a sweep show, on tables made by hand: runs that failed, have no value or
//! another order than theory's are never taken for others, and are counted.

use modalflow::integrate::Outcome;
use modalflow_cli::figures::sweep_page;
use modalflow_cli::plot::{Page, Panel, Sample, Shape};
use modalflow_cli::scenario::{Cell, Grid, Loaded};
use modalflow_cli::sweep::{
    CellOutcome, CellStore, DrawnTrajectory, Finished, Header, Row, Shard, Table, Value, Values,
    number,
};

const BASE: &str = "\
data: {toy: {sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 2, fusion_layer: 2, width: 3}
init: {gaussian: {std: 1.0e-3}}
flow: {until: {time: 1.0}}
";

/// The first figure of a sweep whose cells' results are made by `result`.
fn page(sweep: &str, figure: &str, result: impl Fn(&Cell) -> Finished) -> Page {
    page_of(BASE, sweep, figure, result)
}

/// The same of another scenario than the base.
fn page_of(base: &str, sweep: &str, figure: &str, result: impl Fn(&Cell) -> Finished) -> Page {
    let text = format!("{base}sweep: {sweep}\nfigure: [{figure}]\n");
    let loaded = Loaded::parse("made.yaml".as_ref(), text, &[]);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let grid = Grid::of(&loaded).unwrap_or_else(|error| panic!("{error}"));
    let folder = tempfile::tempdir().expect("a folder");
    let header = Header {
        sweep: "made".into(),
        cells: grid.len(),
        shard: Shard::WHOLE,
    };
    let mut store =
        CellStore::open(folder.path(), header).unwrap_or_else(|error| panic!("{error}"));
    for index in 0..grid.len() {
        let cell = grid.cell(index);
        let kept = store.keep(index, &result(&cell));
        kept.unwrap_or_else(|error| panic!("{error}"));
    }
    let mut table = Table {
        grid: &grid,
        store: &mut store,
    };
    let page = sweep_page(&loaded.file.scenario, &loaded.file.figure[0], &mut table);
    page.unwrap_or_else(|error| panic!("{error}"))
}

/// A run that learned A first, as predicted, with a measured and a predicted ratio.
fn run(measured: Option<f64>, predicted: f64) -> Finished {
    let values = |ratio: Option<f64>, gap: Option<f64>| -> Values {
        let first = ("first", Some(Value::Text("A".into())));
        let all = [first, ("ratio", number(ratio)), ("ratio_gap", number(gap))];
        all.into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    };
    let gap = measured.map(|measured| measured / predicted - 1.0);
    Finished {
        row: Row {
            outcome: CellOutcome::Run(Outcome::Converged),
            reason: None,
            measured: values(measured, gap),
            theory: values(Some(predicted), None),
        },
        trajectory: None,
    }
}

/// The same run with B learned first.
fn reordered(mut run: Finished) -> Finished {
    let measured = &mut run.row.measured;
    measured.insert("first".into(), Value::Text("B".into()));
    measured.remove("ratio_gap");
    run
}

/// The same run, out of steps.
fn failed(run: Finished) -> Finished {
    Finished {
        row: Row {
            outcome: CellOutcome::Run(Outcome::StepLimit),
            ..run.row
        },
        ..run
    }
}

/// The values of a panel's cells.
fn cells(panel: &Panel) -> &[Option<f64>] {
    &panel.cells.as_ref().expect("cells").values
}

/// Where the dots of a series stand: those of one colour are one.
fn series(panel: &Panel, which: usize) -> Vec<(f64, f64)> {
    let mut colours: Vec<_> = panel.dots.iter().map(|dot| dot.marker.colour).collect();
    colours.dedup();
    let dots = panel.dots.iter();
    let dots = dots.filter(|dot| colours.get(which) == Some(&dot.marker.colour));
    dots.map(|dot| dot.at).collect()
}

const SQUARE: &str = "{repeats: 2, axes: [{path: data.toy.sigma.B, values: [1, 0.5]}, {path: data.toy.rho, values: [0, 0.5]}]}";
const MAP: &str = "{heat: {x: data.toy.rho, y: data.toy.sigma.B, value: ratio}}";

/// A run that reached no second modality has a prediction, and no part in the gap.
#[test]
fn the_gap_compares_runs_that_have_both() {
    let maps = page(SQUARE, MAP, |cell| match cell.repeat {
        0 => run(Some(2.2), 2.0),
        _ => run(None, 8.0),
    });
    let [measured, theory, gap] = &maps.panels[..] else {
        panic!("{maps:?}");
    };
    assert_eq!(cells(measured), [Some(2.2); 4]);
    assert_eq!(cells(theory), [Some(5.0); 4]);
    for gap in cells(gap) {
        assert!(gap.is_some_and(|gap| (gap - 10.0).abs() < 1e-9), "{gap:?}");
    }
    assert_eq!(maps.notes, ["shown: 4 of 8 runs; 4 without a value"]);
}

/// Ratios of another order are other quantities: measured ones are shown, gaps are not. The rows stand in the order of
/// their values, not in that of the sweep.
#[test]
fn the_gap_leaves_out_another_order() {
    let maps = page(SQUARE, MAP, |cell| match cell.index {
        0 => reordered(run(Some(9.0), 2.0)),
        2 | 3 => reordered(run(Some(3.0), 2.0)),
        4 => failed(run(Some(70.0), 2.0)),
        _ => run(Some(2.0), 2.0),
    });
    assert_eq!(
        cells(&maps.panels[0]),
        [Some(2.0), Some(2.0), Some(5.5), Some(3.0)]
    );
    assert_eq!(
        cells(&maps.panels[2]),
        [Some(0.0), Some(0.0), Some(0.0), None]
    );
    assert_eq!(maps.notes[0], "shown: 7 of 8 runs; 1 failed");
    assert!(maps.notes[1].starts_with("gap: mean over 4 of 7 runs"));
}

/// Where samples are drawn, theory's values are those of the cells themselves; beside them a
/// population has a line.
#[test]
fn theory_of_drawn_samples_is_the_runs_own() {
    let sweep = "{repeats: 2, axes: [{path: data.toy.samples, values: [null, 10]}, {path: data.toy.rho, values: [0, 0.5]}]}";
    let figure = "{lines: {x: data.toy.rho, y: ratio, series: data.toy.samples}}";
    let own = |cell: &Cell| {
        let rho = cell.values[1].as_number().expect("rho");
        10.0 + rho + cell.repeat as f64
    };
    let page = page(sweep, figure, |cell| run(Some(5.0), own(cell)));
    let [population, drawn] = &page.panels[0].curves[..] else {
        panic!("{page:?}");
    };
    assert!(population.points.len() > 10);
    // 1 + (r^2 - 1)/(1 - rho^2) of the scenario, whatever stands in the table.
    let ends = [population.points.first(), population.points.last()];
    assert_eq!(ends, [Some(&(0.0, 4.0)), Some(&(0.5, 5.0))]);
    assert_eq!(drawn.points, [(0.0, 10.5), (0.5, 11.0)]);
    // The first dense, the second joined.
    assert_eq!(
        page.notes,
        [
            "points: measured; lines: theory, for the runs' own data joined where those are drawn",
            "points that would cover each other stand side by side, by at most a marker's width"
        ]
    );
}

/// Times depend on the drawn weights, and have a line of their own only where nothing that counts is drawn: aligned
/// weights, whose time is ln(1/norm^2 - 1)/8 here.
#[test]
fn times_of_aligned_weights_have_a_line() {
    let points = |scheme: &str, key: &str| {
        let base = BASE.replace("gaussian: {std", &format!("{scheme}: {{{key}"));
        let path = format!("init.{scheme}.{key}");
        let sweep = format!("{{axes: [{{path: {path}, values: [1.0e-3, 1.0e-2]}}]}}");
        let figure = format!("{{lines: {{x: {path}, y: t_first, log_x: true}}}}");
        let page = page_of(&base, &sweep, &figure, |_| {
            let mut finished = run(Some(4.0), 4.0);
            let time = number(Some(1.0)).expect("finite");
            finished.row.measured.insert("t_first".into(), time);
            finished
        });
        page.panels[0]
            .curves
            .first()
            .map_or(Vec::new(), |curve| curve.points.clone())
    };
    let line = points("aligned", "norm");
    assert!(line.len() > 10);
    for (norm, time) in line {
        let exact = ((norm * norm).recip() - 1.0).ln() / 8.0;
        assert!((time - exact).abs() < 1e-12 * exact, "{norm}: {time}");
    }
    assert!(points("gaussian", "std").len() < 3);
}

/// The mean of predictions is over the runs that the mean of measurements is over.
#[test]
fn joined_theory_is_of_the_measured_runs() {
    let sweep = "{repeats: 3, axes: [{path: data.toy.samples, values: [10, 20]}]}";
    let figure = "{lines: {x: data.toy.samples, y: ratio}}";
    let page = page(sweep, figure, |cell| match cell.repeat {
        0 => run(Some(4.0), 4.0),
        1 => run(None, 100.0),
        _ => reordered(run(Some(2.0), 50.0)),
    });
    let panel = &page.panels[0];
    assert_eq!(panel.curves[0].points, [(10.0, 4.0), (20.0, 4.0)]);
    assert_eq!(series(panel, 0), [(10.0, 3.0), (20.0, 3.0)]);
    assert_eq!(
        page.notes[1..],
        [
            "theory joined over 2 of 4 runs, those in the predicted order",
            "shown: 4 of 6 runs; 2 without a value"
        ]
    );
}

/// Theory by the actual initial weights is a black stroke at the mean of the measured runs' predictions.
#[test]
fn theory_from_the_weights_is_a_stroke_on_each_point() {
    let sweep = "{repeats: 3, axes: [{path: data.toy.rho, values: [0, 0.5]}]}";
    let figure = "{lines: {x: data.toy.rho, y: ratio}}";
    let page = page(sweep, figure, |cell| {
        let mut finished = run(Some(4.0).filter(|_| cell.repeat < 2), 4.0);
        let predicted = if cell.repeat == 0 { 3.0 } else { 5.0 };
        let row = &mut finished.row.measured;
        for (key, value) in [("weights_ratio", predicted), ("weights_ratio_gap", 0.0)] {
            row.insert(key.into(), number(Some(value)).expect("finite"));
        }
        finished
    });
    let panel = &page.panels[0];
    let strokes = panel
        .dots
        .iter()
        .filter(|dot| dot.marker.shape == Shape::TICK);
    let strokes: Vec<(f64, f64)> = strokes.map(|dot| dot.at).collect();
    assert_eq!(strokes, [(0.0, 4.0), (0.5, 4.0)]);
    assert!(page.notes[0].contains("black strokes: theory from the actual"));
}

/// What theory says by the actual weights is not called measured.
#[test]
fn maps_are_called_by_where_their_values_come_from() {
    for (value, title) in [
        ("weights_ratio", "theory"),
        ("steps", "measured"),
        ("weights_ratio_gap", "gap"),
    ] {
        let figure = format!("{{heat: {{x: data.toy.rho, y: data.toy.sigma.B, value: {value}}}}}");
        let page = page(SQUARE, &figure, |_| {
            let mut finished = run(Some(4.0), 4.0);
            let measured = &mut finished.row.measured;
            measured.insert(value.into(), number(Some(3.0)).expect("finite"));
            finished
        });
        assert_eq!(page.panels[0].title, title);
        // Gaps are in percent, whosever they are.
        let shown = cells(&page.panels[0])[0];
        assert_eq!(shown, Some(if title == "gap" { 300.0 } else { 3.0 }));
    }
}

/// Where no formula has a word, the prediction of the weights is across.
#[test]
fn runs_without_a_formula_stand_at_the_prediction_of_their_weights() {
    let sweep = "{repeats: 2, axes: [{path: data.toy.rho, values: [0, 0.5]}]}";
    let page = page(sweep, "{scatter: {value: t_first}}", |_| {
        let mut finished = run(Some(4.0), 4.0);
        let row = &mut finished.row.measured;
        row.insert("t_first".into(), number(Some(7.0)).expect("finite"));
        row.insert("weights_t_first".into(), number(Some(6.5)).expect("finite"));
        finished
    });
    let dots: Vec<(f64, f64)> = page.panels[0].dots.iter().map(|dot| dot.at).collect();
    assert_eq!(dots, [(6.5, 7.0); 4]);
    assert!(
        page.notes
            .iter()
            .any(|note| note.starts_with("theory of 4 runs: from their actual"))
    );
}

/// Theory that has a word at one value only is a mark there.
#[test]
fn a_single_prediction_is_kept() {
    let sweep =
        "{axes: [{path: network.depth, values: [2]}, {path: data.toy.rho, values: [0, 0.5]}]}";
    let figure = "{lines: {x: network.depth, y: ratio, series: data.toy.rho}}";
    let panel = &page(sweep, figure, |_| run(Some(4.0), 4.0)).panels[0];
    assert!(panel.curves.iter().all(|curve| curve.points.len() == 1));
    assert_eq!(panel.curves.len(), 2);
    assert!((0..2).all(|which| series(panel, which).len() == 1));
}

/// Where theory has no word on one of the measured values, its line is broken there, and not drawn across.
#[test]
fn theory_is_broken_where_it_has_no_word() {
    let sweep = "{axes: [{path: network.depth, values: [4]}, \
                 {path: network.fusion_layer, values: [1, 2, 4]}]}";
    let figure = "{lines: {x: network.fusion_layer, y: ratio}}";
    let drawn = page(sweep, figure, |_| run(Some(4.0), 4.0));
    let theory = &drawn.panels[0].curves[0].points;
    let at = |x: f64| {
        let mut points = theory.iter();
        points.find(|point| point.0 == x).map(|point| point.1)
    };
    // Intermediate fusion has a formula for layers of equal norm only.
    assert!(at(2.0).is_some_and(f64::is_nan), "{theory:?}");
    let others = [1.0, 4.0].map(|x| at(x).is_some_and(f64::is_finite));
    assert_eq!(others, [true; 2], "{theory:?}");

    // Where nothing was measured theory still has its word; where another order was, it has none on that.
    let sweep = "{axes: [{path: data.toy.samples, values: [10, 20, 30, 40]}]}";
    let figure = "{lines: {x: data.toy.samples, y: ratio}}";
    let drawn = page(sweep, figure, |cell| match cell.index {
        1 => run(None, 4.0),
        2 => reordered(run(Some(7.0), 4.0)),
        _ => run(Some(4.0), 4.0),
    });
    let finite: Vec<bool> = drawn.panels[0].curves[0]
        .points
        .iter()
        .map(|point| point.1.is_finite())
        .collect();
    assert_eq!(finite, [true, true, false, true]);
}

#[test]
fn scatter_leaves_out_what_cannot_be_compared() {
    let sweep = "{repeats: 2, axes: [{path: data.toy.rho, values: [0, 0.5]}]}";
    let figure = "{scatter: {value: ratio, series: data.toy.rho}}";
    let page = page(sweep, figure, |cell| match cell.index {
        0 => failed(run(Some(9.0), 2.0)),
        1 => run(None, 2.0),
        2 => reordered(run(Some(7.0), 2.0)),
        _ => run(Some(3.0), 2.0),
    });
    // The only one is of the second series, which has the only entry beside the identity.
    assert_eq!(series(&page.panels[0], 0), [(2.0, 3.0)]);
    let second = match &page.panels[0].legend[..] {
        [key, identity] if key.label == "ρ = 0.5" && identity.label == "measured = theory" => {
            match &key.samples[..] {
                [Sample::Marker(marker)] => marker.colour,
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(page.panels[0].dots[0].marker.colour, second);
    assert_eq!(
        page.notes,
        ["shown: 1 of 4 runs; 1 failed, 1 without a value, 1 in another order than theory's"]
    );
}

/// With a trajectory of two points.
fn moving(run: Finished) -> Finished {
    Finished {
        trajectory: Some(DrawnTrajectory {
            times: vec![0.0, 1.0],
            losses: vec![2.0, 1.0],
            generalisation: Vec::new(),
            maps: vec![vec![0.0, 0.0], vec![1.0, 1.0]],
        }),
        ..run
    }
}

#[test]
fn failed_runs_are_neither_curves_nor_portraits() {
    let sweep = "{axes: [{path: data.toy.rho, values: [0, 0.25, 0.5]}]}";
    let result = |cell: &Cell| match cell.index {
        1 => failed(moving(run(None, 4.0))),
        _ => moving(run(None, 4.0)),
    };
    let note = ["shown: 2 of 3 runs; 1 failed"];
    let family = page(sweep, "{curves: {}}", result);
    let legend = family.panels[0].legend.iter();
    let labels: Vec<&str> = legend.map(|key| key.label.as_str()).collect();
    assert_eq!(labels, ["ρ = 0", "ρ = 0.5"]);
    assert_eq!(family.notes, note);
    let plane = page(sweep, "{portrait: {arrows: 3}}", result);
    let titles: Vec<&str> = plane.panels.iter().map(|p| p.title.as_str()).collect();
    assert_eq!(titles, ["late fusion, ρ = 0", "late fusion, ρ = 0.5"]);
    assert_eq!(plane.panels[1].arrows.len(), 9);
    assert_eq!(plane.notes[1..], note);
}

/// The saddle M_A of correlated inputs is where A is mis-attributed: the vector field and the
/// points are of each panel's own problem.
#[test]
fn portraits_are_of_their_own_cells() {
    let sweep = "{axes: [{path: data.toy.rho, values: [0, 0.5]}]}";
    let plane = page(sweep, "{portrait: {arrows: 3}}", |_| moving(run(None, 4.0)));
    let saddle = |panel: usize| {
        let mut dots = plane.panels[panel].dots.iter();
        let saddle = dots.find(|dot| dot.label == "M_{A}").expect("M_A");
        (saddle.at, saddle.marker.hollow)
    };
    assert_eq!(saddle(0), ((1.0, 0.0), true));
    // w_A + rho sigma_B/sigma_A w_B.
    assert_eq!(saddle(1), ((1.25, 0.0), true));
    assert_ne!(plane.panels[0].arrows, plane.panels[1].arrows);
    let path = &plane.panels[0].curves[0].points;
    assert_eq!(path, &[(0.0, 0.0), (1.0, 1.0)]);
}
