//! The sweep and figure sections.

use super::support::{BASE, Case, cases, check, load, replaced};
use modalflow_cli::scenario::{Grid, Loaded};
use std::path::Path;

/// The base text with a sweep and figures; sweep starts on line 35.
fn text() -> String {
    format!("{BASE}{SWEEP}")
}

const SWEEP: &str = "\
sweep:
  repeats: 3
  axes:
    - {path: data.toy.rho, from: -0.9, to: 0.9, count: 7}
    - path: network.width
      values: [10, 20]
    - linked:
        - {path: network.depth, values: [3, 4]}
        - {path: network.fusion_layer, values: [2, 3]}
figure:
  - lines: {x: data.toy.rho, y: ratio, series: network.width}
  - name: map
    heat: {x: data.toy.rho, y: network.width, value: ratio}
  - scatter: {value: t_first, series: network.width}
    select: {network.depth: 3}
  - curves: {value: loss, log_x: true}
    select: {data.toy.rho: 0}
  - portrait: {arrows: 9}
    select: {data.toy.rho: 0, network.width: 10}
";

#[test]
fn the_whole_loads_and_reads_back_as_written() {
    let scenario = load(&text(), &[]).unwrap_or_else(|error| panic!("{error}"));
    let written = modalflow_cli::scenario::to_yaml(&scenario);
    let again = load(&written, &[]).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(scenario, again);
}

#[test]
fn axes_that_cannot_be() {
    check(
        &text(),
        cases! {
            "repeats: 3" => "repeats: 0", 36, "sweep.repeats", ["out of range", "1"];
            "repeats: 3" => "repeat: 3", 36, "sweep.repeat", ["unknown key", "repeats"];
            "path: data.toy.rho, " => "", 38, "sweep.axes.0", ["what varies is missing", "path, linked"];
            "count: 7" => "count: 0", 38, "sweep.axes.0.count", ["out of range"];
            "count: 7" => "count: 1", 38, "sweep.axes.0.count", ["cannot have 1"];
            ", count: 7" => "", 38, "sweep.axes.0", ["incomplete", "count"];
            "count: 7" => "count: 7, values: [1]", 38, "sweep.axes.0.values", ["both"];
            "count: 7" => "count: 7, spacing: log", 38, "sweep.axes.0.spacing", ["above 0"];
            "count: 7" => "count: 7, spacing: even", 38, "sweep.axes.0.spacing", ["even", "linear, log"];
            "from: -0.9" => "from: .nan", 38, "sweep.axes.0.from", ["not a finite number"];
            "[10, 20]" => "[]", 40, "sweep.axes.1.values", ["empty"];
            "[10, 20]" => "[10, 20, 10.0]", 40, "sweep.axes.1.values.2", ["10.0 stands twice"];
            "[10, 20]" => "[10, {a: 20}]", 40, "sweep.axes.1.values.1", ["a number, a word"];
            "[10, 20]" => "[10, [20, .inf]]", 40, "sweep.axes.1.values.1.1", ["not a finite number"];
            "[10, 20]" => "[10, [20]]", 47, "figure.1.heat.y", ["not all numbers"];
            "[10, 20]" => "[10, .inf]", 40, "sweep.axes.1.values.1", ["not a finite number"];
            "      values: [10, 20]\n" => "", 39, "sweep.axes.1.values", ["neither"];
            "path: network.width" => "path: name", 39, "sweep.axes.1.path", ["cannot vary"];
            "path: network.width" => "path: data.toy.rho", 39, "sweep.axes.1.path", ["overlap"];
            "path: network.width" => "path: data.toy", 39, "sweep.axes.1.path", ["overlap"];
            "path: network.width" => "path: ''", 39, "sweep.axes.1.path", ["no path of a key"];
            "{path: network.depth, values: [3, 4]}" => "{path: network.depth, values: [3, 4], linked: []}", 42, "sweep.axes.2.linked.0", ["cannot have linked ones"];
            "path: network.width" => "path: seed", 39, "sweep.axes.1.path", ["nothing to repeat"];
            "values: [3, 4]" => "values: [3, 4, 5]", 41, "sweep.axes.2.linked", ["3 and 2 values", "same number"];
            "path: network.depth, " => "", 42, "sweep.axes.2.linked.0", ["no path"];
            "repeats: 3" => "repeats: 1000000", 35, "sweep", ["28000000 cells", "10000000"];
        },
    );
}

#[test]
fn figures_that_cannot_be() {
    check(
        &text(),
        cases! {
            "lines: {x: data.toy.rho" => "lines: {x: data.toy.noise", 45, "figure.0.lines.x", ["not an axis", "data.toy.rho, network.width"];
            "y: ratio, series" => "y: ration, series", 45, "figure.0.lines.y", ["ration", "did you mean ratio"];
            "series: network.width}\n  - name" => "series: data.toy.rho}\n  - name", 45, "figure.0.lines.series", ["moves with x"];
            "y: ratio, series" => "log_x: true, y: ratio, series", 45, "figure.0.lines.x", ["above 0", "log_x"];
            "name: map" => "name: lines", 46, "figure.1.name", ["named lines"];
            "name: map" => "name: a/b", 46, "figure.1.name", ["cannot be a name"];
            "value: ratio}" => "value: ratio}\n    curves: {}", 46, "figure.1", ["heat and curves", "only one"];
            "value: t_first" => "value: steps", 48, "figure.2.scatter.value", ["theory has no word", "ratio"];
            "network.depth: 3}" => "network.depth: 5}", 49, "figure.2.select.network.depth", ["5 is not a value", "3, 4"];
            "network.depth: 3}" => "network.deep: 3}", 49, "figure.2.select.network.deep", ["not an axis"];
            "    select: {data.toy.rho: 0}\n" => "", 50, "figure.3.curves", ["28 curves", "at most 24"];
            "arrows: 9" => "arrows: 1000", 52, "figure.4.portrait.arrows", ["out of range"];
            "  width: 100" => "  width: 100\n  activation: relu", 53, "figure.4.portrait", ["linear networks only"];
        },
    );
}

#[test]
fn figures_need_a_sweep() {
    let (_, figures) = SWEEP.split_once("figure:").expect("figures");
    let message = load(&format!("{BASE}figure:{figures}"), &[]).expect_err("no sweep");
    assert!(
        message.starts_with("base.yaml:35: figure: there is no sweep to draw"),
        "{message}"
    );
    let text = replaced(&text(), "{A: 1.0, B: 1.0}", "{A: 1.0, B: 1.0, C: 1.0}");
    let text = replaced(&text, "      B: 1.0\n", "      B: 1.0\n      C: 1.0\n");
    let text = replaced(&text, "from: -0.9", "from: -0.4");
    let text = text.replace("data.toy.rho: 0", "data.toy.rho: 0.9");
    let message = load(&text, &[]).expect_err("three inputs");
    assert!(
        message.contains("figure.4.portrait: a phase portrait is of the total maps of two scalar"),
        "{message}"
    );
}

/// The base text with its end replaced by a sweep and one figure.
fn with_sweep(sweep: &str, figure: &str) -> String {
    format!("{BASE}sweep: {sweep}\nfigure: [{figure}]\n")
}

/// Portraits are drawn of linear networks with private stacks of one depth, whatever else the
/// sweep holds.
#[test]
fn portraits_of_other_networks_are_refused() {
    let units = "{axes: [{path: network.activation, values: [linear, relu]}]}";
    let message = load(&with_sweep(units, "{portrait: {}}"), &[]).expect_err("relu");
    assert!(
        message.starts_with("base.yaml:36: figure.0.portrait: ")
            && message.contains("linear networks only"),
        "{message}"
    );
    let selected = "{portrait: {}, select: {network.activation: linear}}";
    load(&with_sweep(units, selected), &[]).unwrap_or_else(|error| panic!("{error}"));
    let depths = |b: &str| {
        let private = "  private_layers: {A: 2, B: 2}\n  shared_layers: 1\n";
        let text = with_sweep(
            &format!("{{axes: [{{path: network.private_layers.B, values: {b}}}]}}"),
            "{portrait: {}}",
        );
        replaced(&text, "  depth: 4\n  fusion_layer: 3\n", private)
    };
    let message = load(&depths("[2, 3]"), &[]).expect_err("unequal stacks");
    assert!(message.contains("private stacks of one depth"), "{message}");
    load(&depths("[2]"), &[]).unwrap_or_else(|error| panic!("{error}"));
}

/// A figure of the generalisation error needs a population behind samples.
#[test]
fn generalisation_needs_samples() {
    let exact = |sweep: &str, figure: &str| {
        let text = replaced(&with_sweep(sweep, figure), "    samples: 100\n", "");
        replaced(&text, "  noise: 0.0\n", "  noise: 0.1\n")
    };
    let rho = "{axes: [{path: data.toy.rho, values: [0, 0.5]}]}";
    let samples = "{axes: [{path: data.toy.samples, values: [null, 50]}, {path: data.toy.rho, values: [0, 0.5]}]}";
    for (figure, key) in [
        ("{lines: {x: data.toy.rho, y: bias_ratio}}", "lines.y"),
        ("{curves: {value: generalisation}}", "curves.value"),
    ] {
        let message = load(&exact(rho, figure), &[]).expect_err("no samples");
        let start = format!("base.yaml:35: figure.0.{key}: there is no generalisation error");
        assert!(message.starts_with(&start), "{message}");
        load(&with_sweep(rho, figure), &[]).unwrap_or_else(|error| panic!("{error}"));
        load(&exact(samples, figure), &[]).unwrap_or_else(|error| panic!("{error}"));
    }
    let message = load(
        &with_sweep("{repeats: 2}", "{lines: {x: data.toy.rho, y: ratio}}"),
        &[],
    );
    let message = message.expect_err("no axes");
    assert!(message.contains("the sweep has no axes"), "{message}");
}

/// Long lists are checked in one pass.
#[test]
fn a_long_list_of_seeds_loads() {
    let seeds: Vec<String> = (0..150_000).map(|seed| seed.to_string()).collect();
    let sweep = format!("{{axes: [{{path: seed, values: [{}]}}]}}", seeds.join(","));
    let text = format!("{BASE}sweep: {sweep}\n");
    load(&text, &[]).unwrap_or_else(|error| panic!("{error}"));
}

/// Every value is in memory, those of linked axes too, which add no cells.
#[test]
fn too_many_values_are_refused() {
    let with_count = |count: u64| {
        let axes: Vec<String> = ["A", "B"]
            .map(|name| format!("{{path: data.toy.sigma.{name}, from: 1, to: 2, count: {count}}}"))
            .to_vec();
        let sweep = format!("{{axes: [{{linked: [{}]}}]}}", axes.join(", "));
        load(&format!("{BASE}sweep: {sweep}\n"), &[])
    };
    let message = with_count(9_999_999).expect_err("too many");
    assert!(
        message.starts_with("base.yaml:35: sweep: the axes have 19999998 values together"),
        "{message}"
    );
    assert!(with_count(500_001).is_err());
    with_count(1000).unwrap_or_else(|error| panic!("{error}"));
}

/// Every key of a path would be a level of calls: one of 100,000 would end the program.
#[test]
fn endless_paths_of_axes_are_refused() {
    let path = vec!["a"; 100_000].join(".");
    let sweep = format!("{{axes: [{{path: {path}, values: [1]}}]}}");
    let text = format!("{BASE}sweep: {sweep}\n");
    let loaded = Loaded::parse(Path::new("base.yaml"), text, &[]).expect("an axis");
    let message = Grid::of(&loaded).expect_err("no such key").to_string();
    assert!(
        message.contains("a path of more than 128 keys"),
        "{message}"
    );
}
