//! How the program ends: its exit code, what it says on which stream, and what it leaves behind.

use super::support::{ALWAYS, FAST, Sandbox, last_saddle, number};
use predicates::prelude::*;

#[test]
fn bad_usage_is_refused() {
    let sandbox = Sandbox::with(FAST);
    sandbox.refuse("run", "SCENARIO");
    sandbox.refuse("integrate fast.yaml", "integrate");
    sandbox.refuse("run fast.yaml --fast", "--fast");
    sandbox.refuse("completions basic", "basic");
    sandbox.refuse("run fast.yaml --set seed", "--set seed");
    sandbox.refuse("run fast.yaml --set data.toy.roh=0", "rho");
    // Without a command there is no error to speak of: the help is what is wanted.
    let help = predicate::str::contains("Usage: modalflow");
    sandbox.command("").assert().code(2).stdout("").stderr(help);
}

#[test]
fn bad_scenarios_are_refused() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write("unknown.yaml", &format!("{FAST}sead: 1\n"));
    sandbox.write(
        "table.yaml",
        &FAST.replace(
            "  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}",
            "  table: {path: none.csv, modalities: {A: [a], B: [b]}, targets: [y]}",
        ),
    );
    for command in ["run", "check", "theory"] {
        let refused = |file: &str, message: &str| {
            sandbox.refuse(&format!("{command} {file}"), message);
        };
        refused("unknown.yaml", "unknown.yaml:7: sead: unknown key");
        refused("missing.yaml", "missing.yaml: there is no such file");
        refused("table.yaml", "none.csv");
        refused("fast.yaml unknown.yaml", "unknown.yaml:7");
        refused("unknown.yaml fast.yaml", "unknown.yaml:7");
        refused("fast.yaml fast.yaml", "two scenarios are named fast");
    }
}

/// Equal names may come from different places: a key, a file's stem, an override.
#[test]
fn scenarios_of_one_name_are_refused() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write("other.yaml", &format!("name: fast\n{FAST}"));
    sandbox.write("folder/fast.yaml", FAST);
    sandbox.refuse("run fast.yaml other.yaml", "named fast");
    sandbox.refuse("run fast.yaml folder/fast.yaml", "named fast");
    sandbox.write("third.yaml", FAST);
    sandbox.refuse("run fast.yaml third.yaml --set name=x", "named x");
}

#[test]
fn folders_that_cannot_be_written_to_are_refused() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write("occupied", "a file");
    let message = "cannot write to the folder occupied";
    sandbox.refuse("run fast.yaml --out occupied", message);
    sandbox.write("partly/fast", "a file");
    sandbox.refuse("run fast.yaml --out partly", "partly");
}

/// The first scenario's folder could be made, the second one's could not.
#[test]
fn no_folder_is_left_when_another_is_refused() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write("second.yaml", FAST);
    sandbox.write("out/second", "a file");
    sandbox.refuse("run fast.yaml second.yaml --out out", "second");
}

#[cfg(unix)]
#[test]
fn read_only_folders_are_refused() {
    use std::fs::{File, Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(FAST);
    let folder = sandbox.path("locked");
    create_dir(&folder).expect("a folder");
    set_permissions(&folder, Permissions::from_mode(0o555)).expect("an own folder");
    // Permissions do not keep root out.
    if File::create(folder.join("probe")).is_err() {
        sandbox.refuse("run fast.yaml --out locked", "cannot write");
    }
    set_permissions(&folder, Permissions::from_mode(0o755)).expect("an own folder");
}

#[test]
fn a_step_limit_is_a_failure_with_its_files() {
    let sandbox = Sandbox::with(FAST);
    let said = predicate::str::starts_with("warning: fast: the flow stopped at the limit of steps");
    let line = "run fast.yaml --set flow.max_steps=20";
    let assert = sandbox.command(line).assert().code(3).stderr(said);
    let report = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert!(
        report.contains("limit of steps") || report.contains("step_limit"),
        "{report}"
    );
    assert_eq!(sandbox.names("outputs/fast"), ALWAYS);
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["flow"]["outcome"], "step_limit");
    let done = number(&summary, "flow.steps") + number(&summary, "flow.rejected_steps");
    assert_eq!(done, 20.0);
    let t_end = number(&summary, "flow.t_end");
    assert!(0.0 < t_end && t_end < 20.0, "{t_end}");
}

/// Units with a kink take another way through the detector; the loss rises from the first step here,
/// or from the tenth.
#[test]
fn a_diverging_descent_of_kinked_units_is_a_failure() {
    let scenario = "data: {xor: {sigma: 0.5, samples: 64}}
network: {depth: 2, fusion_layer: 2, width: 20, activation: relu}
init: {gaussian: {std: 0.5}}
flow: {until: {time: 200.0}, max_steps: 20}
descent: {learning_rate: 20.0}
";
    let sandbox = Sandbox::with(scenario);
    for rate in [10.0, 20.0] {
        let line = format!("run fast.yaml --set descent.learning_rate={rate:?}");
        sandbox.command(&line).assert().code(3);
        let summary = sandbox.json("outputs/fast/summary.json");
        assert_eq!(summary["descent"][0]["outcome"], "diverged", "{rate}");
    }
}

#[test]
fn a_diverging_descent_is_a_failure_with_its_step() {
    let sandbox = Sandbox::with(FAST);
    let line = "run fast.yaml --set descent.learning_rate=5 --set flow.until.time=500";
    let said = predicate::str::contains("diverged");
    sandbox.command(line).assert().code(3).stderr(said);
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["flow"]["outcome"], "time_reached");
    let descent = &summary["descent"][0];
    assert_eq!(descent["outcome"], "diverged");
    // Far from the hundred steps that the time has.
    let steps = number(descent, "steps");
    assert!((2.0..50.0).contains(&steps), "{steps}");
    let assert = sandbox.command(line).assert();
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.contains(&format!("at step {steps}")), "{stderr}");
    assert!(
        sandbox
            .names("outputs/fast")
            .contains(&"descent.csv".into())
    );
}

/// One failure does not keep the other scenarios from being run, nor from being reported.
#[test]
fn a_failure_does_not_stop_the_next_scenario() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write(
        "limited.yaml",
        &FAST.replace("time: 20.0}", "time: 20.0}, max_steps: 9"),
    );
    let line = "run limited.yaml fast.yaml --quiet";
    sandbox.command(line).assert().code(3).stdout("");
    let outcome = |name: &str| {
        sandbox.json(&format!("outputs/{name}/summary.json"))["flow"]["outcome"].clone()
    };
    assert_eq!(outcome("limited"), "step_limit");
    assert_eq!(outcome("fast"), "time_reached");
}

#[test]
fn time_reached_on_a_saddle_is_no_failure_but_shows() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --set flow.until.time=7");
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["flow"]["outcome"], "time_reached");
    assert_eq!(last_saddle(&summary), "M_A");
}

/// The tolerance trap: an absolute tolerance above the initial weights. Both runs come to their end, and
/// the results are written, with the judgement.
#[test]
fn a_run_that_its_check_contradicts_ends_with_5() {
    let sandbox = Sandbox::with(FAST);
    sandbox.command("run fast.yaml --verify").assert().code(0);
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["verification"]["agrees"], true);
    let line = "run fast.yaml --verify --set flow.atol=1e-4 --set flow.method=dopri5";
    let assert = sandbox.command(line).assert().code(5);
    let output = assert.get_output();
    let told =
        |stream: &[u8]| String::from_utf8_lossy(stream).contains("the two runs disagree: in ");
    assert!(told(&output.stdout) && told(&output.stderr));
    assert_eq!(sandbox.names("outputs/fast"), ALWAYS);
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["flow"]["outcome"], "time_reached");
    assert_eq!(summary["verification"]["agrees"], false);
    let largest = &summary["verification"]["largest"];
    let size = |key: &str| largest[key].as_f64().expect("a number");
    assert!(size("gap") > size("allowed"), "{largest}");
}

/// B is never learned from these weights: the run rests, says why, and has failed only if it was asked for
/// nothing but a loss gap.
#[test]
fn a_run_that_rests_says_so() {
    const NEVER: &str = "data:\n  toy: {rho: -0.9, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}\n\
                         network: {depth: 2, fusion_layer: 2, width: 10}\ninit: {aligned: {norm: 1.0e-3}}\n";
    for (until, code) in [
        ("{loss_gap: 1.0e-6}", 3),
        ("{time: 100.0}", 0),
        ("{time: 100.0, loss_gap: 1.0e-6}", 0),
    ] {
        let sandbox = Sandbox::with(FAST);
        sandbox.write("never.yaml", &format!("{NEVER}flow: {{until: {until}}}\n"));
        let assert = sandbox.command("run never.yaml").assert().code(code);
        let report = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
        let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("it rests: gradient"), "{report}");
        assert!(
            words.contains("B is never learned from these weights"),
            "{report}"
        );
        let summary = sandbox.json("outputs/never/summary.json");
        assert_eq!(summary["flow"]["outcome"], "stalled");
        assert_eq!(summary["flow"]["stalled"]["opposed"][0], "B");
        assert_eq!(summary["flow"]["stalled"]["never_learned"][0], "B");
        assert!(number(&summary, "flow.stalled.least_eigenvalue") < 0.0);
        assert!(number(&summary, "flow.t_end") < 50.0);
        assert_eq!(last_saddle(&summary), "M_A");
    }
}
