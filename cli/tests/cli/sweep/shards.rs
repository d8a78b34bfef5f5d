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
        "merge 1of3/fast 1of2/fast --out merged",
        "overlaps with shard",
    );
    refused("merge nowhere --out merged", "no finished shard in nowhere");
    refused("merge 1of3 --out merged", "did you mean 1of3/fast?");
    // A shard that was cut short.
    let path = journal(&sandbox, "1of2/fast/cells");
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
