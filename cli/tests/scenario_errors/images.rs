//! Mistakes in images.

use modalflow_cli::scenario::Loaded;

/// Errors of the section itself, with their lines.
#[test]
fn unusable_sections_say_where_and_why() {
    let cases = [
        (
            "halves: true",
            "",
            "x.yaml:2: data.images: the way to make two views is missing",
        ),
        (
            "halves: true",
            "halves: true\n    noise: {both: 1}",
            "halves and noise are given",
        ),
        (
            "halves: true",
            "noise: {both: 0.5, only_A: 0.4}",
            "x.yaml:4: data.images.noise: both, only_A and only_B add up to 0.9",
        ),
        (
            "halves: true",
            "noise: {both: 1.5}",
            "x.yaml:4: data.images.noise.both: 1.5 is out of range",
        ),
        (
            "halves: true",
            "noise: {both: 1, std: -1}",
            "x.yaml:4: data.images.noise.std: -1.0 is out of range",
        ),
        (
            "halves: true",
            "noise: {only_a: 1}",
            "x.yaml:4: data.images.noise.only_a: unknown key",
        ),
        (
            "halves: true",
            "halves: true\n    limit: 0",
            "x.yaml:5: data.images.limit: 0 is out of range",
        ),
        (
            "idx: {images: i, labels: l}",
            "",
            "x.yaml:2: data.images: a source of images is missing",
        ),
        (
            "idx: {images: i, labels: l}",
            "idx: {images: i}",
            "data.images.idx.labels: this key is missing",
        ),
        (
            "idx: {images: i, labels: l}",
            "idx: {images: '', labels: l}",
            "data.images.idx.images: the path is empty",
        ),
        (
            "idx: {images: i, labels: l}",
            "csv: {path: p, width: 0}",
            "x.yaml:3: data.images.csv.width: 0 is out of range",
        ),
        (
            "idx: {images: i, labels: l}",
            "idx: {images: i, labels: l}\n    csv: {path: p}",
            "idx and csv are given",
        ),
    ];
    let text = "data:\n  images:\n    idx: {images: i, labels: l}\n    halves: true\n\
                network: {depth: 2, fusion_layer: 2, width: 4}\n\
                init: {gaussian: {std: 0.1}}\nflow: {until: {time: 1.0}}\n";
    for (from, to, expected) in cases {
        let changed = text.replace(from, to);
        let error = Loaded::parse("x.yaml".as_ref(), changed, &[])
            .err()
            .map(|error| error.to_string())
            .expect(expected);
        assert!(
            error.contains(expected) && error.contains("help: "),
            "{expected}: {error}"
        );
    }
}
