//! `--set`, and errors that come later than the loader.

use super::support::{BASE, TABLE, load, replaced, with_data};
use modalflow::data::Source;
use modalflow::network::{Activation, InitScheme, NormInit};
use modalflow_cli::scenario::Loaded;
use std::path::Path;

#[test]
fn overrides_that_work() {
    let changed = |set: &[&str]| load(BASE, set).unwrap().scenario;
    let leaky = changed(&["network.activation.leaky_relu=0.25"]).network;
    assert_eq!(leaky.activation, Activation::LeakyRelu(0.25));
    let toy = |set: &[&str]| match changed(set).data {
        Source::Toy(toy) => toy,
        other => panic!("{other:?}"),
    };
    assert_eq!(toy(&["data.toy.rho=-0.25"]).rho, -0.25);
    assert_eq!(toy(&["data.toy.rho=0.1", "data.toy.rho=0.2"]).rho, 0.2);
    assert_eq!(toy(&["data.toy.sigma={A: 3, B: 4}"]).sigma["B"], 4.0);
    assert_eq!(toy(&["data.toy.samples=null"]).samples, None);
    let rates = changed(&["descent.learning_rate.1=0.01"]).descent.unwrap();
    assert_eq!(rates.learning_rate.as_slice(), [0.08, 0.01]);
    let init = changed(&["init.gaussian=null", "init.aligned.norm=0.1"]).init;
    assert_eq!(init.scheme, InitScheme::Aligned(NormInit { norm: 0.1 }));
    assert_eq!(
        changed(&["name=a=b", "name=other"]).name.as_deref(),
        Some("other")
    );
    assert!(changed(&["descent=null"]).descent.is_none());
    assert!(!changed(&["init.aligned.norm=null"]).init.is_aligned());
    let bare = replaced(
        BASE,
        "detector:\n  share: 0.05\n  dip: 0.1\n  drop: 1.0e-3\n",
        "detector:\n",
    );
    assert_eq!(
        load(&bare, &["detector.dip=0.3"])
            .unwrap()
            .scenario
            .detector
            .dip,
        0.3
    );
}

#[test]
fn overrides_that_do_not() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["data.toy.rho"],
            &[
                "--set data.toy.rho",
                "no '='",
                "help: write --set path=value",
            ],
        ),
        (&["=3"], &["empty", "dotted path"]),
        (&["data..rho=3"], &["empty part", "dotted path"]),
        (&["network.width="], &["no value", "network.width=null"]),
        (&["network.width=[1,"], &["cannot be read", "quotes"]),
        (&["data.toy.sigma={A: 1, A: 2}"], &["twice", "quotes"]),
        (
            &["seed.more=1"],
            &["seed is a single value", "check the path"],
        ),
        (
            &["descent.learning_rate.2=1"],
            &["a list of 2", "no element 2", "from 0"],
        ),
        (&["descent.learning_rate.x=1"], &["no element x", "from 0"]),
        (&["init.gausian=null"], &["no such key", "spelling"]),
        (
            &["data.toy.rho=7"],
            &[
                "data.toy.rho: from --set data.toy.rho=7: 7.0 is out of range",
                "from -1.0 to 1.0",
            ],
        ),
        (
            &["network.width=wide"],
            &["network.width: from --set network.width=wide: expected a whole number"],
        ),
        (
            &["network.widht=3"],
            &[
                "from --set network.widht=3: unknown key",
                "did you mean width?",
            ],
        ),
        (
            &["init.gaussian={}"],
            &["init.gaussian.std: from --set init.gaussian={}: this key is missing"],
        ),
        (
            &["init.aligned.norm=0.1"],
            &[
                "base.yaml:16: init: gaussian and aligned are given",
                "(with --set init.aligned.norm=0.1)",
                "=null",
            ],
        ),
        (
            &["network.depth=2"],
            &[
                "base.yaml:14: network.fusion_layer: 3 is more than the depth, 2 (with --set network.depth=2)",
            ],
        ),
        (
            &["data.toy.sigma.C=1"],
            &[
                "base.yaml:9: data.toy.target.C: modality C",
                "(with --set data.toy.sigma.C=1)",
            ],
        ),
        (
            &["network.width=null"],
            &["from --set network.width=null: width is missing"],
        ),
        (
            &["data.toy.rho=0.1", "network.width=0"],
            &["from --set network.width=0", "from 1"],
        ),
    ];
    for (set, words) in cases {
        let message = load(BASE, set).expect_err(set[0]);
        for word in *words {
            assert!(
                message.contains(word),
                "{set:?}: {word:?} is not in\n{message}"
            );
        }
        let from_file = words[0].starts_with("base.yaml");
        assert_eq!(message.contains("base.yaml"), from_file, "{message}");
    }
}

/// Every key of a path would be a level of calls: one of 100,000 would end the program.
#[test]
fn endless_paths_are_refused() {
    let set = |keys: usize| format!("{}=1", vec!["a"; keys].join("."));
    for keys in [129, 100_000] {
        let message = load(BASE, &[&set(keys)]).expect_err("no such key");
        assert!(
            message.contains("a path of more than 128 keys") && message.contains("help: "),
            "{message}"
        );
    }
    let message = load(BASE, &[&set(128)]).expect_err("no such key");
    assert!(message.contains("unknown key"), "{message}");
}

/// The error that advises a null must be mended by it.
#[test]
fn advised_null_mends_two_schemes() {
    let two = ["init.aligned.norm=0.1", "init.gaussian=null"];
    assert!(load(BASE, &two[..1]).is_err());
    assert!(load(BASE, &two).is_ok());
}

#[test]
fn keys_of_later_errors_get_their_line() {
    let loaded = Loaded::parse(Path::new("base.yaml"), with_data(TABLE), &[]).unwrap();
    let at = |key: &str| {
        let error = modalflow::error::InputError::at(key, "problem", "remedy");
        loaded.source.locate(error.into()).to_string()
    };
    assert_eq!(
        at("data.table.targets.0"),
        "base.yaml:9: data.table.targets.0: problem\n  help: remedy"
    );
    assert!(at("data.table.nothing.here").starts_with("base.yaml:4: "));
    assert!(at("").starts_with("base.yaml: problem"));
    let elsewhere = modalflow::error::InputError::in_file("x.csv", Some(3), "p", "r");
    let message = loaded.source.locate(elsewhere.into()).to_string();
    assert!(message.starts_with("x.csv:3: p"), "{message}");
}
