//! What is right loads, and reads back as written; nothing panics.

use super::support::{
    BASE, ISOTROPIC, MOMENTS, PRIVATE, TABLE, WISHART, load, replaced, with_data, with_network,
};
use modalflow::network::{GaussianInit, InitScheme};
use modalflow_cli::scenario::{schema, to_yaml};
use proptest::prelude::*;

#[test]
fn every_alternative_loads_and_reads_back_as_written() {
    let gaussian = "  gaussian:\n    std: 1.0e-9\n";
    let init = |scheme| replaced(BASE, gaussian, scheme);
    let texts = [
        BASE.to_owned(),
        with_data(MOMENTS),
        with_data(ISOTROPIC),
        with_data(WISHART),
        with_data(&TABLE.replace("data/x.csv", "/abs/x.csv")),
        with_network(PRIVATE),
        with_network("  depth: 1\n  fusion_layer: 1\n"),
        with_network("  depth: 3\n  fusion_layer: 1\n  widths: [4, 5]\n"),
        init("  gaussian_norm: {norm: 0.1}\n"),
        init("  aligned: {norm: 0.30000000000000004}\n"),
        init("  file: {path: /abs/w.npz}\n"),
        replaced(
            BASE,
            "seed: 1",
            "seed: 18446744073709551615\ndescription: 'yes: 1e-9'",
        ),
        replaced(BASE, "[0.08, 0.04]", "1"),
        replaced(BASE, "method: dopri5", "method: dop853"),
        replaced(BASE, "spacing: linear", "spacing: log"),
        replaced(BASE, "rho: 0.5", "rho: !!float 1"),
        replaced(
            &replaced(BASE, "A: 2.0", "A: &s 2.0"),
            "{A: 1.0, B",
            "{A: *s, B",
        ),
        with_network(
            "  depth: 2\n  fusion_layer: 1\n  width: 3\n  activation: relu\n  biases: true\n",
        ),
        with_network(
            "  depth: 2\n  fusion_layer: 1\n  width: 3\n  activation: {leaky_relu: 0.1}\n",
        ),
        with_data("  xor: {sigma: 2.0, samples: 8192}\n"),
        replaced(BASE, "[0.08, 0.04]", "1\n  batch: 64\n  momentum: 0.9"),
        replaced(BASE, "[0.08, 0.04]", "1\n  adam: {beta2: 0.99}"),
    ];
    for text in &texts {
        let scenario = load(text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let written = to_yaml(&scenario);
        let again = load(&written, &[]).unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(scenario, again, "{written}");
        assert_eq!(written, to_yaml(&again));
    }
    let seed = load(&texts[11], &[]).unwrap().scenario.seed;
    assert_eq!(seed, u64::MAX);
}

/// The ranges end where they say they do.
#[test]
fn values_at_the_ends_of_ranges_load() {
    let ends: &[(&str, &[&str])] = &[
        ("data.toy.rho", &["-1", "1"]),
        ("data.toy.noise", &["0", "1e50"]),
        ("data.toy.samples", &["1", "1000000000"]),
        ("data.toy.sigma.A", &["1e-300", "1e50"]),
        ("data.toy.target.A", &["-1e50", "0"]),
        ("network.depth", &["3", "64"]),
        ("network.fusion_layer", &["1", "4"]),
        ("network.width", &["1", "10000000"]),
        ("init.gaussian.std", &["5e-324", "1e50"]),
        ("flow.rtol", &["1e-13", "0.1"]),
        ("flow.max_steps", &["1", "18446744073709551615"]),
        ("flow.until.loss_gap", &["1e-300", "0.9999999999999999"]),
        ("descent.learning_rate", &["1e-300", "[0.1]"]),
        ("detector.share", &["1e-9", "0.4999"]),
        ("detector.dip", &["1e-9", "0.9999"]),
        ("output.samples", &["2", "1000000"]),
    ];
    for (key, values) in ends {
        for value in *values {
            let set = format!("{key}={value}");
            assert!(
                load(BASE, &[&set]).is_ok(),
                "{set}: {:?}",
                load(BASE, &[&set])
            );
        }
    }
    let private = with_network("  private_layers: {A: 1, B: 64}\n  shared_layers: 0\n  width: 1\n");
    assert!(load(&private, &[]).is_ok());
    let table = with_data(TABLE);
    assert!(load(&table, &["data.table.holdout=0.9"]).is_ok());
    assert!(load(&table, &["data.table.holdout=0"]).is_ok());
}

#[test]
fn schema_is_pretty_json_with_a_title() {
    let text = schema();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["title"], "modalflow scenario");
    assert!(json["properties"]["flow"]["description"].is_string());
    assert!(text.ends_with("}\n") && text.lines().count() > 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = load(&text, &[]);
    }

    #[test]
    fn random_yaml_like_text_never_panics(text in "[ \\-\\[\\]{}:,&*!|>?'\"#%@~<ab1.\n\t]{0,80}") {
        let _ = load(&text, &[]);
        let _ = load(BASE, &[&format!("data.toy={text}"), &format!("{text}=1")]);
    }

    /// Whatever loads is checked: only finite numbers, and it reads back as written.
    #[test]
    fn mutated_scenarios_never_panic(
        base in prop::sample::select(vec![BASE.to_owned(), with_data(MOMENTS), with_data(ISOTROPIC), with_data(WISHART), with_data(&TABLE.replace("data/", "/")), with_network(PRIVATE)]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[ \\-\\[\\]{}:,&*!|>?'\"#0-9.ae\n]{0,3}"), 1..4),
    ) {
        let mut text: Vec<char> = base.chars().collect();
        for (place, removed, inserted) in edits {
            let at = place.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(scenario) = load(&text, &[]) {
            let again = load(&to_yaml(&scenario), &[]);
            prop_assert_eq!(Ok(scenario), again);
        }
    }

    #[test]
    fn numbers_read_back_exactly(std in 1e-300..1e50f64, seed in any::<u64>()) {
        let set = [format!("init.gaussian.std={std:e}"), format!("seed={seed}")];
        let scenario = load(BASE, &[&set[0], &set[1]]).unwrap();
        prop_assert_eq!(scenario.scenario.seed, seed);
        let init = InitScheme::Gaussian(GaussianInit { std });
        prop_assert_eq!(&scenario.scenario.init.scheme, &init);
        prop_assert_eq!(load(&to_yaml(&scenario), &[]), Ok(scenario));
    }
}
