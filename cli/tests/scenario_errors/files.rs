//! Files and texts that are no scenario at all.

use super::support::{BASE, TABLE, load, replaced, with_data};
use modalflow::data::Source;
use modalflow::network::{FileInit, InitScheme};
use modalflow_cli::scenario::Loaded;
use std::path::Path;

#[test]
fn text_that_is_no_scenario() {
    let cases: &[(&str, &str)] = &[
        ("", "base.yaml: the file is empty"),
        ("# only a comment\n", "base.yaml: the file is empty"),
        ("- a\n- b\n", "base.yaml: the file is not a mapping"),
        ("hello", "base.yaml: the file is not a mapping"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("a: 1\nb: [1, 2\nc: 3\n", "base.yaml:3: not valid YAML: "),
        ("a: 1\n\tb: 2\n", "base.yaml:2: not valid YAML: "),
        (
            "a: *nowhere\n",
            "base.yaml:1: a: no anchor &nowhere stands above",
        ),
        (&"[".repeat(200), "nested too deeply"),
        // At once: a parser whose time grows with the square of the depth would need minutes.
        (&"[".repeat(2_000_000), "nested too deeply"),
        (&"- ".repeat(500_000), "nested too deeply"),
        (
            &format!("a: {}{}", "[".repeat(300), "]".repeat(300)),
            "nested too deeply",
        ),
    ];
    for (text, words) in cases {
        let message = load(text, &[]).unwrap_err();
        assert!(message.contains(words), "{text:.60}: {message}");
        assert!(message.contains("\n  help: "), "{message}");
    }
}

/// One error each, with the line and the key of what cannot be merged or repeated.
#[test]
fn merge_keys_and_aliases_that_cannot_be_used() {
    let cases = [
        ("x-a: &a 3\ndata:\n  <<: *a\n", "3: data.<<: only a mapping"),
        (
            "data:\n  toy:\n    <<:\n    rho: 1\n",
            "3: data.toy.<<: only a mapping",
        ),
        ("data: {<<: 1}\n", "1: data.<<: only a mapping"),
        (
            "x-a: &a [1, 2]\ndata:\n  <<: *a\n",
            "3: data.<<: only mappings can be merged",
        ),
        (
            "x-a: &a {b: 1}\ndata:\n  <<: [*a, 4]\n",
            "3: data.<<: only mappings can be",
        ),
        (
            "x-a: &a {b: 1}\ndata:\n  <<: [[*a]]\n",
            "3: data.<<: only mappings can be",
        ),
        (
            "a: 1\ndata:\n  <<: !tag {b: 1}\n",
            "3: data.<<: only a mapping",
        ),
        (
            "a: 1\ndata:\n  <<: *none, \n",
            "3: data.<<: no anchor &none stands above",
        ),
        (
            "data:\n  toy: {rho: [1, *no]}\n",
            "2: data.toy.rho: no anchor &no stands",
        ),
        (
            "data: &d\n  toy:\n    <<: *d\n",
            "3: data.toy.<<: the alias stands inside",
        ),
        (
            "x-a: &a\n  - b: *a\n",
            "2: x-a.0.b: the alias stands inside",
        ),
        (
            "x-a: &a {b: 1}\ndata:\n  <<: *a\n  \"<<\": *a\n",
            "4: data.<<: this key stands twice",
        ),
    ];
    for (text, words) in cases {
        let message = load(text, &[]).unwrap_err();
        let start = format!("base.yaml:{words}");
        assert!(message.starts_with(&start), "{text}: {message}");
        let (_, help) = message.split_once("\n  help: ").unwrap();
        assert!(
            help.contains('&') || help.contains("<<: [*one"),
            "{message}"
        );
    }
}

#[test]
fn signs_and_equals_signs_have_remedies_that_work() {
    let remedy = |line: &str| {
        let table = TABLE.replace("    standardise: true\n", &format!("    {line}\n"));
        let message = load(&with_data(&table), &[]).unwrap_err();
        let (_, help) = message.split_once("\n  help: ").unwrap();
        help.to_owned()
    };
    let colon = "a colon and a blank stand between key and value: `separator: \";\"`";
    assert_eq!(remedy("separator= ;"), colon);
    assert_eq!(remedy("separator=;: 1"), colon);
    assert!(remedy("separator=\",\"").ends_with("`separator: \",\"`"));
    assert!(remedy("separator: ,").contains("in quotes: \",\" or \"|\""));
    assert!(remedy("separator: semicolon").contains("auto, \",\", \";\", \"|\", tab, blank"));
    let message = load(&with_data(TABLE), &["data.table.separator=,"]).unwrap_err();
    assert!(
        message.contains("--set 'data.table.separator=\",\"'"),
        "{message}"
    );
    let works = load(&with_data(TABLE), &["data.table.separator=\",\""]);
    assert!(works.is_ok(), "{works:?}");
}

#[test]
fn what_is_merged_may_merge_itself() {
    let net = "  depth: 4
  fusion_layer: 3
  width: 100
";
    let merging = replaced(BASE, net, "  <<: [*deep, *other]\n");
    let anchors = "x-one: &one {depth: 2, fusion_layer: 3}
x-deep: &deep {<<: *one, depth: 4}
x-other: &other {width: 100, depth: 1}
";
    let merged = load(&format!("{anchors}{merging}"), &[]);
    assert_eq!(merged, load(BASE, &[]));
}

#[test]
fn files_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let loaded = Loaded::read(&path, &[]).map(|loaded| loaded.file.scenario);
        loaded.map_err(|error| error.to_string())
    };
    let fails = |name: &str, bytes: Option<&[u8]>, words: &str| {
        let message = read(name, bytes).unwrap_err();
        assert!(
            message.contains(words) && message.contains(name),
            "{message}"
        );
    };
    fails("none.yaml", None, "no such file");
    fails("", None, "a folder");
    fails("png.yaml", Some(b"\x89PNG\r\n\x1a\n\xff\xfe"), "not UTF-8");
    fails("nul.yaml", Some(b"a: 1\0b"), "not UTF-8");
    fails("empty.yaml", Some(b""), "empty");
    let nameless = BASE.replace("name: base\n", "");
    fails(
        "my run.yaml",
        Some(nameless.as_bytes()),
        "add `name: my_run`",
    );
    let named = read("late_fusion.yaml", Some(nameless.as_bytes())).unwrap();
    assert_eq!(named.name.as_deref(), Some("late_fusion"));
    let table = read("table.yaml", Some(with_data(TABLE).as_bytes())).unwrap();
    let Source::Table(table) = table.data else {
        panic!("{table:?}");
    };
    assert_eq!(table.path, folder.path().join("data/x.csv"));
    let file = replaced(
        BASE,
        "  gaussian:\n    std: 1.0e-9\n",
        "  file: {path: /abs/w.npz}\n",
    );
    let file = read("file.yaml", Some(file.as_bytes())).unwrap();
    let path = Path::new("/abs/w.npz").into();
    assert_eq!(file.init.scheme, InitScheme::File(FileInit { path }));
    let marked = format!("\u{feff}{BASE}");
    assert!(read("bom.yaml", Some(marked.as_bytes())).is_ok());
}
