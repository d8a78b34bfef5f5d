//! What a state of the page is answered with.

use super::{answer, question, raw_answer, request, serve, server, session, state, view};
use modalflow_cli::explore::{LESSONS, Session};
use serde_json::{Value as Json, json};
use std::cell::Cell;
use std::time::Duration;

#[test]
fn an_answer_has_the_state_its_controls_and_its_pictures() {
    let (port, page) = server();
    let ask = |path: &str, body: Json| {
        let line = format!("POST {page}{path}");
        answer(port, &request(port, &line, "", &body.to_string()))
    };
    let changed =
        json!({"text": LESSONS[0].text, "set": {"data.toy.rho": 0.5, "network.width": 5}});
    let (_, body) = ask("run", json!({"page": 1, "state": changed, "narrow": true}));
    let view: Json = serde_json::from_str(&body).expect("JSON");
    assert_eq!(view["fault"], Json::Null);
    assert!(view["text"].as_str().expect("a text").contains("rho: 0.5"));
    let controls = view["controls"].as_array().expect("controls");
    let of = |key: &str| controls.iter().find(|control| control["key"] == key);
    let rho = of("data.toy.rho").expect("a control");
    assert_eq!(rho["value"], 0.5);
    assert!(rho["least"].as_f64() < Some(-0.9) && rho["most"].as_f64() > Some(0.9));
    assert_eq!(of("network.fusion_layer").expect("a control")["most"], 2.0);
    let pictures = view["shown"]["pictures"].as_array().expect("pictures");
    let stems: Vec<_> = pictures
        .iter()
        .map(|picture| picture["stem"].as_str())
        .collect();
    assert_eq!(stems, [Some("overview"), Some("portrait")]);
    for picture in pictures {
        let svg = roxmltree::Document::parse(picture["svg"].as_str().expect("a text"));
        // For a small window.
        assert_eq!(
            svg.expect("XML").root_element().attribute("width"),
            Some("440")
        );
    }
    // Theory's time ratio is 1 + (4 - 1)/(1 - 0.25) = 5.
    let numbers = view["shown"]["numbers"].as_array().expect("numbers");
    let ratio = numbers.iter().find(|row| row[0] == "time ratio");
    assert_eq!(ratio.expect("a row")[2], "5");
    let (status, csv) = ask("csv", changed.clone());
    assert_eq!((status, csv.lines().count()), (200, 501));
    assert!(csv.starts_with("t,loss,"), "{csv:.40}");
    let missing = json!({"state": changed, "stem": "nothing"});
    assert_eq!(ask("png", missing).0, 404);
}

#[test]
fn a_headline_says_who_is_learned_when() {
    let headline = |set: &[(&str, Json)]| {
        let narrow = [&[("network.width", json!(2))], set].concat();
        let view = view(&session(None), state(LESSONS[0].text, &narrow));
        view.shown.expect("a run").headline
    };
    let late = headline(&[("init", json!({"aligned": {"norm": 1e-3}}))]);
    // Two balanced layers of norm u: w = c/(1 + (c/u^2 - 1) e^(-2 s t)) with the drive s = sigma^2 w_*
    // and c = 1 is half way at t = ln(c/u^2 - 1)/(2 s): 1.727 for s = 4, 6.908 for s = 1.
    assert_eq!(
        late,
        "A is learned at 1.73, B is ignored until 6.91; theory 6.91"
    );
    let early = headline(&[("network.fusion_layer", json!(1))]);
    assert!(
        early.starts_with("A is learned at ") && early.contains(", B at "),
        "{early}"
    );
    let soon = headline(&[("flow.until", json!({"time": 0.5}))]);
    assert_eq!(soon, "Nothing is learned by t = 0.5");
    let alone = headline(&[("flow.until", json!({"time": 4.0}))]);
    assert!(alone.ends_with(", and nothing else by 4"), "{alone}");
}

#[test]
fn every_lesson_is_learned_to_its_end() {
    let session = session(None);
    for lesson in LESSONS {
        assert!(lesson.sentence().ends_with('.'), "{}", lesson.name);
        let view = view(&session, state(lesson.text, &[]));
        assert_eq!(view.fault, None, "{}", lesson.name);
        let shown = view.shown.expect("a run");
        assert_eq!(shown.cut, None, "{}", lesson.name);
        assert!(
            shown.report.contains("loss or accuracy asked for is met"),
            "{}",
            lesson.name
        );
    }
}

#[test]
fn a_run_is_cut_short_at_its_budget_and_all_that_shows_it_says_so() {
    let session = Session::new(None, &[], Duration::ZERO).expect("a scenario");
    let late = || state(LESSONS[0].text, &[]);
    let shown = view(&session, late()).shown.expect("as far as it came");
    let cut = shown.cut.expect("cut short");
    assert!(cut.starts_with("Cut short after 0 s, at t = "), "{cut}");
    for picture in shown.pictures {
        let svg = roxmltree::Document::parse(&picture.svg).expect("XML");
        let text = svg.descendants().filter_map(|node| node.text());
        let text: String = text
            .flat_map(str::chars)
            .map(|c| if c == '\u{a0}' { ' ' } else { c })
            .collect();
        assert!(
            text.replace('\n', "").contains("Cut short after 0 s"),
            "{}",
            picture.stem
        );
    }
    let csv = session.csv(late()).expect("a table");
    assert!(csv.bytes.starts_with(b"# Cut short after 0 s, at t = "));
    assert_eq!(csv.cut.as_ref(), Some(&cut));
    let png = session
        .png(late(), "overview")
        .expect("a run")
        .expect("a picture");
    assert_eq!(png.cut.as_ref(), Some(&cut));
    let whole = super::session(None).csv(late()).expect("a table");
    assert!(whole.bytes.starts_with(b"t,loss,") && whole.cut.is_none());
    // What is downloaded comes with the words for the page.
    let (port, page) = serve(session);
    let line = format!("POST {page}csv");
    let body = json!({"text": LESSONS[0].text}).to_string();
    let answer = raw_answer(port, &request(port, &line, "", &body));
    assert!(
        answer.contains(&format!("X-Note: {cut}\r\n")),
        "{answer:.900}"
    );
}

/// Theory of a rectified network follows all samples before the run begins: it is ended where nobody waits, and at half of the budget.
#[test]
fn theory_of_many_samples_is_cut_short_too() {
    let set = [
        ("data.toy.samples", json!(3000)),
        ("network.activation", json!("relu")),
        ("network.width", json!(100)),
        ("init", json!({"gaussian": {"std": 1e-2}})),
    ];
    let many = || state(LESSONS[0].text, &set);
    let none = Session::new(None, &[], Duration::ZERO).expect("a scenario");
    let shown = view(&none, many()).shown.expect("as far as it came");
    let says = |notes: &[String]| {
        notes
            .iter()
            .any(|note| note.contains("longer than was waited for"))
    };
    assert!(says(&shown.notes), "{:?}", shown.notes);
    let calls = Cell::new(0);
    let go_on = || {
        calls.set(calls.get() + 1);
        calls.get() < 10
    };
    assert_eq!(session(None).view(question(many()), &go_on), None);
    assert!((10..20).contains(&calls.get()), "{}", calls.get());
    let mut few = many();
    few.set.insert("data.toy.samples".to_owned(), json!(20));
    few.set
        .insert("flow.until".to_owned(), json!({"time": 1.0}));
    let shown = view(&session(None), few).shown.expect("a run");
    assert!(!says(&shown.notes), "{:?}", shown.notes);
}

#[test]
fn a_run_that_nobody_waits_for_ends() {
    let calls = Cell::new(0);
    let go_on = || {
        calls.set(calls.get() + 1);
        calls.get() < 10
    };
    // It would take far more steps than calls are answered.
    let view = session(None).view(question(state(LESSONS[0].text, &[])), &go_on);
    assert_eq!(view, None);
    assert!((10..15).contains(&calls.get()), "{}", calls.get());
}

#[test]
fn faults_name_line_and_key() {
    let session = session(None);
    let fault = |text: &str, set: &[(&str, Json)]| {
        let view = view(&session, state(text, set));
        assert_eq!(view.shown, None);
        view.fault.expect("a fault")
    };
    let late = LESSONS[0].text;
    let found = fault(&late.replace("rho: 0.0", "rho: 2.0"), &[]);
    assert_eq!(
        (found.line, found.key.as_deref()),
        (Some(5), Some("data.toy.rho"))
    );
    let found = fault(late, &[("network.fusion_layer", json!(3))]);
    assert_eq!(found.key.as_deref(), Some("network.fusion_layer"));
    assert!(found.line.is_some() && found.problem.contains("more than the depth"));
    let found = fault("seed: [", &[]);
    assert!(found.line.is_some(), "{found:?}");
    let found = fault(
        late,
        &[
            ("network.width", json!(100_000)),
            ("network.depth", json!(4)),
        ],
    );
    assert!(found.problem.contains("weights need about"), "{found:?}");
    let wide = [("network.width", json!(2000)), ("network.depth", json!(4))];
    let found = fault(
        late,
        &[
            ("init", json!({"gaussian": {"std": 0.1}})),
            ("network.depth", json!(8)),
            ("network.fusion_layer", json!(8)),
            ("network.width", json!(200)),
        ],
    );
    assert_eq!(found.key, None);
    assert!(found.problem.contains("no smaller network"), "{found:?}");
    let many = [("data.toy.samples", json!(1_000_000_000))];
    for set in [&wide[..], &many] {
        let found = fault(late, set);
        assert!(found.problem.contains("too large"), "{found:?}");
    }
}

#[test]
fn no_file_is_read_but_those_of_the_scenario() {
    let rest = "network: {depth: 2, fusion_layer: 2, width: 3}\ninit: {gaussian: {std: 0.1}}\nflow: {until: {time: 1.0}}\n";
    let table = |path: &str| {
        format!(
            "data: {{table: {{path: {path}, modalities: {{A: [age], B: [bmi]}}, targets: [progression]}}}}\n{rest}"
        )
    };
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "age,bmi,progression\n1,2,3\n2,5,4\n3,1,7\n5,4,4\n";
    for name in ["own.csv", "other.csv"] {
        std::fs::write(folder.path().join(name), rows).expect("written");
    }
    let own = folder.path().join("own.yaml");
    std::fs::write(&own, table("own.csv")).expect("written");
    let session = session(Some(&own));
    let view_of = |text: &str| view(&session, state(text, &[]));
    assert_eq!(view_of(&table("own.csv")).fault, None);
    // Whether a file is there cannot be told from the answer.
    for path in [
        "other.csv",
        "missing.csv",
        "/etc/passwd",
        "~/x.csv",
        "./../own.csv",
        "own.csv/..",
    ] {
        let fault = view_of(&table(path)).fault.expect("refused");
        assert_eq!(fault.key.as_deref(), Some("data.table.path"), "{path}");
        assert!(
            fault.problem.contains("reads no files but"),
            "{path}: {}",
            fault.problem
        );
    }
    let weights = rest.replace("gaussian: {std: 0.1}", "file: {path: weights.npz}");
    let text = table("own.csv").replace(rest, &weights);
    let fault = view_of(&text).fault.expect("refused");
    assert_eq!(fault.key.as_deref(), Some("init.file.path"));
    assert!(session.csv(state(&table("other.csv"), &[])).is_err());
    assert!(
        session
            .png(state(&table("other.csv"), &[]), "overview")
            .is_err()
    );
}

#[test]
fn only_the_scenario_of_the_command_is_saved_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.yaml");
    let read = || std::fs::read_to_string(&file).expect("read");
    std::fs::write(&file, LESSONS[0].text).expect("written");
    let own = session(Some(&file));
    own.save(state(LESSONS[0].text, &[("data.toy.rho", json!(0.25))]))
        .expect("saved");
    assert!(read().contains("rho: 0.25"));
    // Again, because what stands there is its own.
    own.save(state(LESSONS[1].text, &[])).expect("saved");
    assert_eq!(read(), LESSONS[1].text);
    assert!(own.save(state("seed: 1", &[])).is_err());
    assert_eq!(read(), LESSONS[1].text);
    std::fs::write(&file, "seed: 3\n").expect("written");
    let error = own
        .save(state(LESSONS[0].text, &[]))
        .expect_err("another's");
    assert!(
        error.to_string().contains("changed by another program"),
        "{error}"
    );
    assert_eq!(read(), "seed: 3\n");
    let error = session(None)
        .save(state(LESSONS[0].text, &[]))
        .expect_err("no file");
    assert!(
        error.to_string().contains("names no scenario file"),
        "{error}"
    );
    let (port, page) = server();
    let body = json!({"text": LESSONS[0].text}).to_string();
    let (_, body) = answer(port, &request(port, &format!("POST {page}save"), "", &body));
    assert!(body.contains("names no scenario file"), "{body}");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
}

/// Who may read a file is not changed by saving it, and a file that is not to be written to is not.
#[cfg(unix)]
#[test]
fn saving_keeps_the_permissions() {
    use std::fs::{Permissions, metadata, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.yaml");
    write(&path, LESSONS[0].text).expect("written");
    let mode = |mode| set_permissions(&path, Permissions::from_mode(mode)).expect("changed");
    mode(0o600);
    let session = session(Some(&path));
    let changed = |rho: f64| state(LESSONS[0].text, &[("data.toy.rho", json!(rho))]);
    session.save(changed(0.25)).expect("saved");
    let kept = metadata(&path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(kept, 0o600);
    mode(0o444);
    assert!(session.save(changed(0.5)).is_err());
}
