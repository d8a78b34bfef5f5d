//! The schema and the reference that is generated from it say what the program does.

use modalflow_cli::scenario::{Loaded, reference, schema};
use serde_json::Value as Json;
use serde_yaml::Value;
use std::path::Path;

#[test]
fn the_reference_in_docs_is_the_programs() {
    let written = std::fs::read_to_string("../docs/scenario.md").expect("shipped");
    let remedy = "run: cargo run --release -- schema --markdown > docs/scenario.md";
    assert!(written == reference(), "{remedy}");
}

#[test]
fn every_example_is_valid() {
    let scenarios = examples();
    assert!(scenarios.len() > 20, "{}", scenarios.len());
    for scenario in scenarios {
        load(&scenario, &[]).unwrap_or_else(|message| panic!("{message}\n{scenario:?}"));
    }
}

/// A number at the end of its range is never called out of range, and one beyond it always is.
#[test]
fn ranges_are_those_of_the_checks() {
    let schema: Json = serde_json::from_str(&schema()).expect("JSON");
    let scenarios = examples();
    let mut ends = Vec::new();
    collect_ends(&schema, &schema, "", &mut ends);
    assert!(ends.len() > 80, "{}", ends.len());
    for End {
        path,
        inside,
        outside,
    } in ends
    {
        let known = |scenario: &&Value| steps_in(scenario, &path);
        let scenario = scenarios.iter().max_by_key(known).expect("an example");
        let refusal = load(scenario, &[format!("{path}={outside}")]).unwrap_err();
        assert!(refusal.contains(&path), "{path} = {outside}: {refusal}");
        let inside = inside.map_or(Ok(()), |number| {
            load(scenario, &[format!("{path}={number}")])
        });
        let message = inside.err().unwrap_or_default();
        assert!(!message.contains("out of range"), "{message}");
    }
}

fn load(scenario: &Value, changes: &[String]) -> Result<(), String> {
    let text = serde_yaml::to_string(scenario).expect("YAML");
    let loaded = Loaded::parse(Path::new("example.yaml"), text, changes);
    loaded.map(|_| ()).map_err(|error| error.to_string())
}

/// The page's examples as whole scenarios: the first one is whole, and each other one takes the place
/// of its sections, or is added to them.
fn examples() -> Vec<Value> {
    let page = reference();
    let blocks = page.split("```yaml\n").skip(1);
    let text = blocks.map(|block| block.split("```").next().unwrap_or_default());
    // Neither is on the page: a type has one section, and figures show the cells of a small grid.
    let aligned = "init: {aligned: {norm: 0.01}}\n";
    let grid = "sweep: {axes: [{path: data.toy.rho, values: [0.0, 0.5]}, \
                {path: network.width, values: [50, 100]}]}\n";
    let mut blocks: Vec<Value> = text.chain([aligned]).map(parsed).collect();
    let whole = blocks[0].clone();
    for block in &mut blocks {
        let mut scenario = whole.clone();
        if block.get("figure").is_some() {
            merge(&mut scenario, &parsed(grid));
        }
        if let Some(descent) = block.get_mut("descent").and_then(Value::as_mapping_mut) {
            descent.entry("learning_rate".into()).or_insert(0.01.into());
        }
        merge(&mut scenario, block);
        *block = scenario;
    }
    blocks
}

fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML")
}

fn merge(scenario: &mut Value, sections: &Value) {
    for (key, section) in sections.as_mapping().expect("sections") {
        scenario[key] = section.clone();
    }
}

/// How many steps of a path a scenario has.
fn steps_in(scenario: &Value, path: &str) -> usize {
    let mut node = Some(scenario);
    let steps = path.split('.').map(|step| {
        node = node.and_then(|node| match step.parse::<usize>() {
            Ok(index) => node.get(index),
            Err(_) => node.get(step),
        });
        node.is_some()
    });
    steps.filter(|is_there| *is_there).count()
}

/// One end of a number's range.
struct End {
    path: String,
    /// The last number in the range, where there is one.
    inside: Option<String>,
    outside: String,
}

fn collect_ends(root: &Json, schema: &Json, path: &str, ends: &mut Vec<End>) {
    // Axes hold axes, and the values of axes lists of such values.
    if path.contains("linked") || path.contains("values.0.0") || path.contains("select.A.0") {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root
            .pointer(reference.trim_start_matches('#'))
            .expect("a type");
        return collect_ends(root, target, path, ends);
    }
    for (key, inclusive, outwards) in [
        ("minimum", true, -1.0),
        ("exclusiveMinimum", false, -1.0),
        ("maximum", true, 1.0),
        ("exclusiveMaximum", false, 1.0),
    ] {
        let is_whole = schema["format"]
            .as_str()
            .is_some_and(|format| format.starts_with("uint"));
        let Some(end) = schema[key].as_f64() else {
            continue;
        };
        let beyond = end
            + outwards
                * if is_whole {
                    1.0
                } else {
                    (end.abs() * 1e-9).max(1e-300)
                };
        let text = |number: f64| match is_whole {
            true => format!("{number:.0}"),
            false => format!("{number:?}"),
        };
        ends.push(End {
            path: path.to_owned(),
            inside: inclusive.then(|| text(end)),
            outside: text(if inclusive { beyond } else { end }),
        });
    }
    let mut below = |step: &str, schema: &Json| {
        let dot = if path.is_empty() { "" } else { "." };
        collect_ends(root, schema, &format!("{path}{dot}{step}"), ends);
    };
    if schema["items"].is_object() {
        below("0", &schema["items"]);
    }
    if schema["additionalProperties"].is_object() {
        below("A", &schema["additionalProperties"]);
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        below(name, schema);
    }
    for alternatives in ["oneOf", "anyOf"] {
        for schema in schema[alternatives].as_array().into_iter().flatten() {
            collect_ends(root, schema, path, ends);
        }
    }
}
