//! What goes to standard output, for people and for other programs.

use super::support::{DESCENT, FAST, Sandbox, at, number};
use predicates::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn json_is_one_line_a_scenario_and_equals_the_summary() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    sandbox.write("second.yaml", FAST);
    let printed = sandbox.succeed("run fast.yaml second.yaml --json");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(printed.ends_with('\n'));
    assert_eq!(lines.len(), 2, "{printed}");
    for (line, name) in lines.into_iter().zip(["fast", "second"]) {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(line, sandbox.json(&format!("outputs/{name}/summary.json")));
        assert_eq!(line["name"], name);
    }
}

#[test]
fn quiet_prints_nothing() {
    let sandbox = Sandbox::with(FAST);
    for command in ["run", "check", "theory"] {
        for flag in ["--quiet", "-q"] {
            assert_eq!(sandbox.succeed(&format!("{command} fast.yaml {flag}")), "");
        }
    }
}

/// s_A = 4, s_B = 1 without correlation.
#[test]
fn theory_names_what_would_balance_the_modalities() {
    let sandbox = Sandbox::with(
        "data: {toy: {sigma: {A: 2, B: 1}, rho: 0, target: {A: 1, B: 1}}}\n\
         network: {depth: 2, fusion_layer: 2, width: 4}\ninit: {aligned: {norm: 1.0e-6}}\n\
         flow: {until: {time: 1}}\n",
    );
    let report = sandbox.succeed("theory fast.yaml");
    for words in [
        "time ratio 1 by  theory  from weights",
        "rate B           4 ",
        "auxiliary B      3 ",
        "keep A           0.25 ",
        "modulation: the first modality stays ahead in score for alpha below 0.972955",
        "leave the time ratio at",
        "weight decay above 1 keeps the second modality out for ever, above 4 both",
    ] {
        assert!(report.contains(words), "{words} is missing:\n{report}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.succeed("theory fast.yaml --json")).expect("JSON");
    let balance = &json["theory"]["balance"];
    assert_eq!(balance["rate"]["B"], 4.0);
    assert_eq!(balance["auxiliary"]["B"], 3.0);
    assert_eq!(balance["equal"], "leaves");
}

#[test]
fn the_report_names_what_was_found() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + DESCENT));
    let report = sandbox.succeed("run fast.yaml");
    for word in [
        "fast",
        "late fusion",
        "M_0",
        "M_A",
        "M_*",
        "ratio",
        "0.05",
        "0.025",
    ] {
        assert!(report.contains(word), "{word} is missing:\n{report}");
    }
}

/// Warnings are for people even where the results are for programs.
#[test]
fn warnings_go_to_standard_error() {
    let sandbox = Sandbox::with(FAST);
    let line = "run fast.yaml --json --set flow.atol=1e-3";
    let warning = predicate::str::starts_with("warning: fast: flow.atol");
    let assert = sandbox.command(line).assert().code(0).stderr(warning);
    let printed: Value = serde_json::from_slice(&assert.get_output().stdout).expect("JSON");
    let kept = at(&printed, "warnings.0").as_str().unwrap_or_default();
    assert!(kept.starts_with("flow.atol"), "{kept}");
}

#[test]
fn check_prints_a_scenario_that_loads_again() {
    let sandbox = Sandbox::with(FAST);
    let before = sandbox.tree(".");
    let printed = sandbox.succeed("check fast.yaml");
    assert!(printed.starts_with("# fast is valid"), "{printed}");
    for default in ["seed: 0", "rtol: 1e-8", "method: auto", "share: 0.05"] {
        assert!(
            printed.contains(default),
            "{default} is missing:\n{printed}"
        );
    }
    assert!(sandbox.tree(".") == before);
    sandbox.write("again.yaml", &printed);
    assert_eq!(sandbox.succeed("check again.yaml"), printed);
    let size: Value =
        serde_json::from_str(&sandbox.succeed("check fast.yaml --json")).expect("JSON");
    // Two stacks of (1 x 6) and (6 x 1).
    assert_eq!(number(&size, "size.weights"), 24.0);
    assert_eq!(at(&size, "scenario.name"), "fast");
}

#[test]
fn theory_predicts_and_writes_nothing() {
    let sandbox = Sandbox::with(FAST);
    let before = sandbox.tree(".");
    let printed = sandbox.succeed("theory fast.yaml");
    assert!(
        printed.contains("ratio") && printed.contains('4'),
        "{printed}"
    );
    let json: Value =
        serde_json::from_str(&sandbox.succeed("theory fast.yaml --json")).expect("JSON");
    assert_eq!(number(&json, "theory.ratio"), 4.0);
    assert_eq!(at(&json, "theory.first"), "A");
    // 1 + (r^2 - 1)/(1 - rho^2) = 5 with correlated inputs.
    let set = "theory fast.yaml --json --set data.toy.rho=0.5";
    let json: Value = serde_json::from_str(&sandbox.succeed(set)).expect("JSON");
    assert!((number(&json, "theory.ratio") - 5.0).abs() < 1e-9);
    assert!(sandbox.tree(".") == before);
}

#[test]
fn the_committed_schema_is_the_current_one() {
    let printed = Sandbox::new().succeed("schema");
    let committed =
        fs::read_to_string("../docs/scenario.schema.json").expect("the committed schema");
    assert!(
        printed == committed.replace("\r\n", "\n"),
        "run `modalflow schema > docs/scenario.schema.json`"
    );
    let schema: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(at(&schema, "properties").get("network").is_some());
}

#[test]
fn completions_are_for_each_shell() {
    let sandbox = Sandbox::new();
    for (shell, sign) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef modalflow"),
        ("fish", "complete -c modalflow"),
    ] {
        let script = sandbox.succeed(&format!("completions {shell}"));
        assert!(
            script.contains(sign) && script.contains("theory"),
            "{shell}: {script}"
        );
    }
}

#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::new();
    let general = sandbox.succeed("--help");
    for command in ["run", "check", "theory", "schema", "completions"] {
        assert!(general.contains(command), "{general}");
        let help = sandbox.succeed(&format!("{command} --help"));
        assert!(
            help.contains(&format!("Usage: modalflow {command}")),
            "{help}"
        );
        assert!(help.contains("--out") && help.contains("--quiet"), "{help}");
        // The first line says what the command does.
        assert!(
            help.lines().next().is_some_and(|line| line.len() > 15),
            "{help}"
        );
    }
    for code in [
        "0 done",
        "2 bad usage",
        "3 the integration",
        "130 interrupted",
    ] {
        assert!(general.contains(code), "{code} is missing:\n{general}");
    }
    assert!(sandbox.succeed("--version").starts_with("modalflow "));
}

fn resolved(sandbox: &Sandbox, line: &str) -> Value {
    let json: Value = serde_json::from_str(&sandbox.succeed(line)).expect("JSON");
    at(&json, "scenario").clone()
}

#[test]
fn changes_may_stand_before_and_after_the_command() {
    let sandbox = Sandbox::with(FAST);
    for line in [
        "--json --set data.toy.rho=0.25 check fast.yaml",
        "--json check --set data.toy.rho=0.25 fast.yaml",
        "--json check fast.yaml --set data.toy.rho=0.25",
        "--json check fast.yaml --set data.toy.rho=0.5 --set data.toy.rho=0.25",
    ] {
        assert_eq!(
            number(&resolved(&sandbox, line), "data.toy.rho"),
            0.25,
            "{line}"
        );
    }
}

/// None of them may be lost without a word.
#[test]
fn changes_on_both_sides_of_the_command_all_count() {
    let sandbox = Sandbox::with(FAST);
    let line = "--json --set data.toy.rho=0.25 check fast.yaml --set seed=9";
    let scenario = resolved(&sandbox, line);
    assert_eq!(number(&scenario, "seed"), 9.0);
    assert_eq!(number(&scenario, "data.toy.rho"), 0.25);
}

#[test]
fn every_shipped_scenario_is_valid() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("check --json");
    let mut count = 0;
    for entry in fs::read_dir("../scenarios").expect("the shipped scenarios") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            command.arg(std::path::absolute(path).expect("a path"));
            count += 1;
        }
    }
    assert!(count >= 10, "{count} scenarios");
    let assert = command.assert().code(0);
    let printed = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert_eq!(printed.lines().count(), count);
    // Fewer samples than inputs are that scenario's subject.
    let expected = "warning: few_samples: the inputs are linearly dependent (70 of 100 are";
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(
        said.starts_with(expected) && said.lines().count() == 1,
        "{said}"
    );
}

#[cfg(unix)]
mod closed {
    use super::*;
    use std::process::{Command, Stdio};

    /// Runs a shell line in a sandbox with the program as `$0`; gives back its exit code, which
    /// the line has saved in the file `code`.
    fn code(sandbox: &Sandbox, line: &str) -> String {
        let status = Command::new("sh")
            .args(["-c", line, env!("CARGO_BIN_EXE_modalflow")])
            .current_dir(sandbox.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok());
        sandbox.read("code").trim().to_owned()
    }

    /// The reader is gone before the program starts to write: `wait` would be a matter of luck.
    fn without_reader(arguments: &str, stream: &str) -> String {
        format!(
            "mkfifo gate; {{ read line < gate; \"$0\" {arguments} {stream}; echo $? > code; }} \
             | {{ exec 0<&-; echo go > gate; }}"
        )
    }

    #[test]
    fn standard_output_without_a_reader_is_no_error() {
        for arguments in [
            "schema",
            "completions bash",
            "--help",
            "run fast.yaml",
            "run fast.yaml --json",
            "check fast.yaml",
            "theory fast.yaml",
        ] {
            let sandbox = Sandbox::with(FAST);
            assert_eq!(
                code(&sandbox, &without_reader(arguments, "")),
                "0",
                "{arguments}"
            );
            if arguments.starts_with("run") {
                assert!(Path::exists(&sandbox.path("outputs/fast/summary.json")));
            }
        }
    }

    #[test]
    fn a_reader_of_one_line_is_enough() {
        let sandbox = Sandbox::new();
        let line = "{ \"$0\" schema; echo $? > code; } | head -n 1";
        assert_eq!(code(&sandbox, line), "0");
    }

    /// `modalflow run ... 2>&1 | head`: warnings and errors are not worth a panic either.
    #[test]
    fn standard_error_without_a_reader_changes_nothing() {
        for (arguments, expected) in [
            ("run fast.yaml --set flow.atol=1e-3", "0"),
            ("run fast.yaml --set flow.max_steps=20", "3"),
            ("run missing.yaml", "2"),
        ] {
            let sandbox = Sandbox::with(FAST);
            let line = without_reader(arguments, "2>&1");
            assert_eq!(code(&sandbox, &line), expected, "{arguments}");
        }
    }

    /// Other than a reader that has gone, a full disk loses what was asked for.
    #[cfg(target_os = "linux")]
    #[test]
    fn standard_output_on_a_full_disk_is_an_error() {
        let sandbox = Sandbox::with(FAST);
        let line = "\"$0\" check fast.yaml > /dev/full; echo $? > code";
        assert_eq!(code(&sandbox, line), "1");
    }
}
