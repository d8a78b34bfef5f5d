//! Sweeps that were cut short: killed, interrupted, stopped at a failure, robbed of their files.

use super::*;

/// However a store is cut, by a kill at any moment, the same call ends with the same bytes.
#[test]
fn a_sweep_goes_on_from_any_cut_of_its_store() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    let whole = results(&sandbox, "whole/fast");
    let path = store(&sandbox, "whole/fast/cells");
    let text = sandbox.read(&path);
    let name = path.rsplit('/').next().expect("a name");
    let header = text.find('\n').expect("a header") + 1;
    let cuts = [
        0,
        5,
        header - 1,
        header,
        header + 7,
        text.len() / 2,
        text.len() - 1,
        text.len(),
    ];
    for cut in cuts {
        let out = format!("cut{cut}");
        sandbox.write(&format!("{out}/fast/cells/{name}"), &text[..cut]);
        let line = format!("sweep fast.yaml --out {out} --quiet");
        sandbox.command(&line).assert().code(0);
        assert!(results(&sandbox, &format!("{out}/fast")) == whole, "{cut}");
        // Cells that were kept were not run again: theirs are the first lines.
        let again = sandbox.read(&format!("{out}/fast/cells/{name}"));
        let kept = text[..cut].rfind('\n').map_or(0, |end| end + 1);
        assert!(again.starts_with(&text[..kept]), "{cut}");
        assert_eq!(again.lines().count(), text.lines().count());
    }
}

/// The real thing: SIGKILL while cells are being written, again and again.
#[test]
fn a_killed_sweep_goes_on() {
    let grid = GRID.replace("repeats: 2", "repeats: 40");
    let sandbox = Sandbox::with(&grid);
    sandbox.succeed("sweep fast.yaml --out whole --quiet");
    let line = "sweep fast.yaml --out killed --quiet --jobs 1";
    let lines = |out: &str| {
        let path = store(&sandbox, &format!("{out}/fast/cells"));
        sandbox.read(&path).matches('\n').count()
    };
    let mut kept = 0;
    for kill in 0..5 {
        drop(Running::start(&sandbox, line, "killed/fast/cells"));
        // What was kept stays so.
        assert!(
            (kept + 1..lines("whole")).contains(&lines("killed")),
            "{kill}"
        );
        kept = lines("killed");
    }
    sandbox
        .command("sweep fast.yaml --out killed --quiet")
        .assert()
        .code(0);
    assert!(results(&sandbox, "killed/fast") == results(&sandbox, "whole/fast"));
}

#[test]
fn fail_fast_stops_at_the_first_failed_cell() {
    let sandbox = Sandbox::with(TRIANGLE);
    let stopped = predicate::str::contains("a cell failed")
        .and(predicate::str::contains("the same call goes on"));
    sandbox
        .command("sweep fast.yaml --fail-fast --jobs 1")
        .assert()
        .code(4)
        .stdout("")
        .stderr(stopped);
    assert!(!sandbox.path("outputs/fast/sweep.csv").exists());
    let lines = sandbox.read(&store(&sandbox, "outputs/fast/cells"));
    assert_eq!(lines.lines().count(), 1 + 3, "{lines}");
    // As it says, the same call goes on: no other cell fails.
    sandbox
        .command("sweep fast.yaml --fail-fast --jobs 1 --quiet")
        .assert()
        .code(4)
        .stderr(predicate::str::contains("1 of 6 cells failed"));
    assert!(sandbox.path("outputs/fast/sweep.csv").exists());
}

/// An interrupt keeps what is finished, says so, and ends with 130.
#[cfg(unix)]
#[test]
fn an_interrupted_sweep_keeps_its_cells() {
    let grid = GRID.replace("repeats: 2", "repeats: 2000");
    let sandbox = Sandbox::with(&grid);
    let mut running = Running::start(&sandbox, "sweep fast.yaml --quiet", "outputs/fast/cells");
    let id = running.0.id().to_string();
    Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let end = running.0.wait().expect("an end");
    assert_eq!(end.code(), Some(130));
    let mut text = String::new();
    let said = running.0.stderr.as_mut().expect("standard error");
    said.read_to_string(&mut text).expect("UTF-8");
    assert!(
        text.contains("interrupted") && text.contains("the same call goes on"),
        "{text}"
    );
    let lines = sandbox.read(&store(&sandbox, "outputs/fast/cells"));
    assert!(lines.ends_with('\n') && lines.lines().count() > 1);
    assert!(!sandbox.path("outputs/fast/sweep.csv").exists());
}

/// A store whose header was torn holds no cells, for whoever reads it.
#[test]
fn a_torn_header_is_an_empty_store() {
    let sandbox = Sandbox::with(GRID);
    for shard in ["1/2", "2/2"] {
        sandbox.succeed(&format!("sweep fast.yaml --quiet --shard {shard}"));
    }
    let names = stores(&sandbox, "outputs/fast/cells");
    let path = format!("outputs/fast/cells/{}", names[0]);
    let text = sandbox.read(&path);
    sandbox.write(&path, &text[..9]);
    let said = sandbox.succeed("sweep fast.yaml --dry-run --shard 1/2");
    assert!(said.contains(", 0 done\n"), "{said}");
    let missing = predicate::str::contains("shards are missing: 1/2");
    sandbox
        .command("merge outputs/fast")
        .assert()
        .code(2)
        .stderr(missing);
    // Zeros at the end, as after a loss of power, are a torn line.
    let half = text[..text.len() / 2].rfind('\n').expect("lines") + 1;
    sandbox.write(&path, &format!("{}\0\0\0", &text[..half]));
    sandbox.succeed("sweep fast.yaml --quiet --shard 1/2");
    assert!(sandbox.read(&path).starts_with(&text[..half]));
    sandbox.succeed("merge outputs/fast --quiet");
}

/// Cells of two contents of a file are never mixed, nor is a file that cannot be read for a while
/// taken for one that is wrong.
#[cfg(unix)]
#[test]
fn a_table_that_changes_during_the_sweep_ends_it() {
    let sandbox = Sandbox::with(&over_table("t.csv", "sweep: {repeats: 40000}"));
    sandbox.write("t.csv", TABLE);
    let mut running = Running::start(&sandbox, "sweep fast.yaml --quiet", "outputs/fast/cells");
    fs::remove_file(sandbox.path("t.csv")).expect("the table");
    let end = running.0.wait().expect("an end");
    assert_eq!(end.code(), Some(1));
    let mut text = String::new();
    let said = running.0.stderr.as_mut().expect("standard error");
    said.read_to_string(&mut text).expect("UTF-8");
    assert!(text.contains("t.csv changed while the sweep ran"), "{text}");
    let kept = sandbox.read(&store(&sandbox, "outputs/fast/cells"));
    assert!(!kept.contains("invalid"), "{kept}");
}

/// A table that the system cannot read is no reason to remove the cells that are kept.
#[cfg(unix)]
#[test]
fn a_table_that_cannot_be_read_ends_the_sweep() {
    let sandbox = Sandbox::with(&over_table("t.csv", "sweep: {repeats: 40000}"));
    sandbox.write("t.csv", TABLE);
    let mut running = Running::start(&sandbox, "sweep fast.yaml --quiet", "outputs/fast/cells");
    let table = sandbox.path("t.csv");
    fs::remove_file(&table).expect("the table");
    fs::create_dir(&table).expect("a folder in its place");
    let end = running.0.wait().expect("an end");
    assert_eq!(end.code(), Some(1));
    let mut text = String::new();
    let said = running.0.stderr.as_mut().expect("standard error");
    said.read_to_string(&mut text).expect("UTF-8");
    assert!(
        text.contains("t.csv could not be read for a while"),
        "{text}"
    );
    assert!(!text.contains("remove"), "{text}");
}

/// What is no finished cell is named, and left as it is, by whoever reads it.
#[test]
fn a_damaged_store_is_named_and_left_alone() {
    let sandbox = Sandbox::with(GRID);
    sandbox.succeed("sweep fast.yaml --quiet --shard 1/1");
    let path = store(&sandbox, "outputs/fast/cells");
    let text = sandbox.read(&path);
    let end = text.match_indices('\n').nth(3).expect("lines").0 + 1;
    let damaged = format!("{}no cell\n{}", &text[..end], &text[end..]);
    sandbox.write(&path, &damaged);
    let name = path.rsplit('/').next().expect("a name");
    let named = format!("{name}:5: this line is not a finished cell");
    let remedy = "help: cut the file off before this line";
    for line in [
        "sweep fast.yaml",
        "sweep fast.yaml --dry-run",
        "merge outputs/fast",
    ] {
        let said = predicate::str::contains(&named).and(predicate::str::contains(remedy));
        sandbox.command(line).assert().code(2).stderr(said);
        assert_eq!(sandbox.read(&path), damaged);
    }
    // As it says.
    sandbox.write(&path, &text[..end]);
    let done = predicate::str::contains("3 cells are done, 21 are left");
    sandbox
        .command("sweep fast.yaml")
        .assert()
        .code(0)
        .stderr(done);
}
