//! Sweeps in parts, and joined again.

use super::*;

#[test]
fn merged_shards_are_the_whole() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    for i in 1..=3 {
        let said = sandbox.succeed(&format!("sweep fast.yaml --out part{i} --shard {i}/3"));
        assert!(
            said.contains(&format!("shard {i}/3 is finished, 8 of 24 cells")),
            "{said}"
        );
        assert!(!sandbox.path(&format!("part{i}/fast/sweep.csv")).exists());
    }
    sandbox.succeed("merge part1/fast part2/fast part3/fast --out merged --quiet");
    assert!(results(&sandbox, "merged/fast") == results(&sandbox, "whole/fast"));
    // All shards in one folder, as on a shared disk, and that folder named twice.
    for i in [2, 1, 3] {
        sandbox.succeed(&format!(
            "sweep fast.yaml --out shared --shard {i}/3 --quiet"
        ));
    }
    sandbox.succeed("merge shared/fast shared/fast --out shared --quiet");
    assert!(results(&sandbox, "shared/fast") == results(&sandbox, "whole/fast"));
}

#[test]
fn missing_and_overlapping_shards_are_named() {
    let sandbox = Sandbox::with(GRID);
    for shard in ["1/3", "3/3", "1/2"] {
        let out = shard.replace('/', "of");
        sandbox.succeed(&format!(
            "sweep fast.yaml --out {out} --shard {shard} --quiet"
        ));
    }
    let refused = |line: &str, words: &str| {
        let assert = sandbox.command(line).assert().code(2).stdout("");
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(text.contains(words) && text.contains("help: "), "{text}");
        assert!(!sandbox.path("merged").exists());
    };
    refused(
        "merge 1of3/fast 3of3/fast --out merged",
        "shards are missing: 2/3",
    );
    refused(
        "merge 1of3/fast 3of3/fast --out merged",
        "sbatch --array=2 JOB",
    );
    // Of the division of which the least is missing.
    refused(
        "merge 1of3/fast 1of2/fast --out merged",
        "shards are missing: 2/2",
    );
    refused("merge nowhere --out merged", "no finished shard in nowhere");
    refused("merge 1of3 --out merged", "did you mean 1of3/fast?");
    // A shard that was cut short.
    let path = store(&sandbox, "1of2/fast/cells");
    let text = sandbox.read(&path);
    let cut = text.trim_end().rfind('\n').expect("lines") + 1;
    sandbox.write(&path, &text[..cut]);
    sandbox.succeed("sweep fast.yaml --out 2of2 --shard 2/2 --quiet");
    refused(
        "merge 1of2/fast 2of2/fast --out merged",
        "not finished: 1/2",
    );
    // Of another scenario.
    sandbox.succeed("sweep fast.yaml --out other --shard 2/2 --quiet --set seed=9");
    refused(
        "merge 2of2/fast other/fast --out merged",
        "another scenario or program",
    );
}

/// What another division left does not stand in the way of a complete one.
#[test]
fn a_complete_division_is_merged_beside_others() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    for shard in ["1/3", "1/2", "4/5", "2/2"] {
        sandbox.succeed(&format!("sweep fast.yaml --shard {shard} --quiet"));
    }
    sandbox.succeed("merge outputs/fast --out merged --quiet");
    assert!(results(&sandbox, "merged/fast") == results(&sandbox, "whole/fast"));
}

/// Cells that cost next to nothing.
const TRIVIAL: &str = "\
data: {toy: {sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}}
network: {depth: 2, fusion_layer: 1, width: 2}
init: {aligned: {norm: 0.1}}
flow: {rtol: 1.0e-3, until: {time: 0.1}}
sweep: {repeats: 140}
";

/// Runs a line of the shell, in which MODALFLOW is the program; gives back what it said.
#[cfg(unix)]
fn shell(sandbox: &Sandbox, line: &str) -> (Option<i32>, String) {
    let output = Command::new("sh")
        .current_dir(sandbox.path(""))
        .env("MODALFLOW", env!("CARGO_BIN_EXE_modalflow"))
        .args(["-c", line])
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// A merge opens one store at a time.
#[cfg(unix)]
#[test]
fn more_shards_than_files_that_may_be_open_are_merged() {
    let sandbox = Sandbox::with(TRIVIAL);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    let line = "for i in $(seq 70); do \
                $MODALFLOW sweep fast.yaml --out parts --shard $i/70 --quiet || exit 1; done; \
                ulimit -n 64; exec $MODALFLOW merge parts/fast --out merged --quiet";
    assert_eq!(shell(&sandbox, line), (Some(0), String::new()));
    assert!(results(&sandbox, "merged/fast") == results(&sandbox, "whole/fast"));
    // The store that they were joined in is gone with the merge.
    assert!(sandbox.names("merged/fast/cells").is_empty());
}

/// However few files may be open, nobody is told to move or delete anything.
#[cfg(unix)]
#[test]
fn too_many_open_files_are_no_damage() {
    let sandbox = Sandbox::with(TRIVIAL);
    for shard in ["1/2", "2/2"] {
        sandbox.succeed(&format!("sweep fast.yaml --quiet --shard {shard}"));
    }
    let path = "outputs/fast/cells";
    let before = sandbox.tree(path);
    let mut refused = 0;
    for files in 4..14 {
        for call in ["sweep fast.yaml --shard 1/2", "merge outputs/fast"] {
            let line = format!("ulimit -n {files}; exec $MODALFLOW {call} --quiet");
            let (_, said) = shell(&sandbox, &line);
            refused += usize::from(said.contains(".jsonl") && said.contains("os error 24"));
            let rash = ["move", "delete", "cut "];
            assert!(
                !rash.iter().any(|word| said.contains(word)),
                "{files}: {said}"
            );
        }
    }
    assert!(refused > 0);
    assert!(sandbox.tree(path) == before);
}

/// Each shard leaves a file that says what processor it ran on; here one of another is put beside them.
#[test]
fn unlike_processors_are_noted() {
    let sandbox = Sandbox::with(GRID);
    for i in 1..=2 {
        sandbox.succeed(&format!("sweep fast.yaml --shard {i}/2 --quiet"));
    }
    let merge = || {
        let assert = sandbox
            .command("merge outputs/fast --quiet")
            .assert()
            .code(0);
        String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
    };
    assert_eq!(merge(), "");
    let summary = sandbox.json("outputs/fast/summary.json");
    let processor = at(&summary, "provenance.processor")
        .as_str()
        .expect("a word")
        .to_owned();
    let names = sandbox.names("outputs/fast/cells");
    let own: Vec<&String> = names
        .iter()
        .filter(|name| name.ends_with(&format!(".{processor}.processor")))
        .collect();
    assert_eq!(own.len(), 2, "{names:?}");
    let other = own[1].replace(&format!(".{processor}."), ".z80.");
    sandbox.write(&format!("outputs/fast/cells/{other}"), "");
    let said = merge();
    assert!(
        said.contains(&format!("unlike processors ({processor}, z80)")),
        "{said}"
    );
}
