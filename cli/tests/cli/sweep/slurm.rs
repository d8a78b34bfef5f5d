//! The job script for Slurm.

use super::*;
use std::collections::BTreeSet;

fn lines_of(script: &str) -> BTreeSet<&str> {
    script.lines().collect()
}

#[test]
fn the_script_has_a_fixed_number_of_shards() {
    let sandbox = Sandbox::with(GRID);
    let before = sandbox.tree(".");
    let script = sandbox.succeed("sweep fast.yaml --out results --set network.width=4 --slurm 6");
    assert!(
        script.starts_with("#!/bin/bash\n#SBATCH --job-name=fast\n"),
        "{script}"
    );
    let lines = lines_of(&script);
    for line in [
        "#SBATCH --array=1-6",
        // As many as a task has cells.
        "#SBATCH --cpus-per-task=4",
        "#   modalflow merge results/fast --out results",
        "exec modalflow sweep fast.yaml --set 'network.width=4' --out results --quiet --jobs \"$SLURM_CPUS_PER_TASK\" \\",
        "    --shard \"$((SLURM_ARRAY_TASK_ID + ${SHARD_OFFSET:-0}))/6\"",
    ] {
        assert!(lines.contains(line), "{line}: {script}");
    }
    assert!(script.contains("MaxArraySize"), "{script}");
    assert!(sandbox.tree(".") == before);
}

/// The cells take milliseconds: one task.
#[test]
fn the_number_is_chosen_by_a_cell() {
    let sandbox = Sandbox::with(GRID);
    let before = sandbox.tree(".");
    let script = sandbox.succeed("sweep fast.yaml --jobs 3 --slurm");
    let lines = lines_of(&script);
    assert!(lines.contains("#SBATCH --array=1-1"), "{script}");
    assert!(lines.contains("#SBATCH --cpus-per-task=3"), "{script}");
    assert!(script.contains("# Cell 12 took "), "{script}");
    assert!(sandbox.tree(".") == before);
}

/// What the shell makes of the script: the tasks, run one after the other without Slurm, are the sweep.
#[cfg(unix)]
#[test]
fn the_tasks_are_the_whole() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "my grid's.yaml",
        &GRID.replace("description", "name: fast\ndescription"),
    );
    let call = |arguments: &[&str]| {
        let mut command = sandbox.command("sweep");
        let output = command
            .args(["my grid's.yaml", "--set", "description=it's $HOME"])
            .args(arguments)
            .output();
        let output = output.expect("runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    sandbox.write("job.sh", &call(&["--out", "parts", "--slurm", "3"]));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_modalflow"));
    let folder = program.parent().expect("a folder").display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    for (offset, task) in [("0", "1"), ("0", "2"), ("2", "1")] {
        let status = Command::new("bash")
            .arg("job.sh")
            .current_dir(sandbox.path(""))
            .env("PATH", &path)
            .env("SLURM_ARRAY_TASK_ID", task)
            .env("SHARD_OFFSET", offset)
            .env("SLURM_CPUS_PER_TASK", "2")
            .status();
        assert!(status.expect("bash").success());
    }
    sandbox.succeed("merge parts/fast --out parts --quiet");
    call(&["--out", "whole", "--quiet"]);
    assert!(results(&sandbox, "parts/fast") == results(&sandbox, "whole/fast"));
}

#[test]
fn what_makes_no_script_is_refused() {
    let sandbox = Sandbox::with(GRID);
    sandbox.write("other.yaml", GRID);
    let refused = |line: &str, words: &str| {
        let assert = sandbox.command(line).assert().code(2).stdout("");
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(
            text.contains(words) && text.matches("error: ").count() == 1,
            "{text}"
        );
    };
    for other in ["--shard 1/2", "--dry-run", "--fail-fast", "--svg", "--json"] {
        refused(
            &format!("sweep fast.yaml --slurm 2 {other}"),
            "cannot be used with",
        );
    }
    refused(
        "sweep fast.yaml --slurm 0",
        "a number of shards from 1 to 1000000",
    );
    refused(
        "sweep --slurm fast.yaml",
        "write the scenario before --slurm",
    );
    refused(
        "sweep fast.yaml --slurm 25",
        "--slurm 25 is more than the 24 cells",
    );
    refused("sweep fast.yaml other.yaml --slurm", "one scenario");
}
