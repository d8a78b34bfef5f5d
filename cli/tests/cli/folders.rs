//! Where results go, and where scenarios come from: links, the umask, standard input, `~`.

use super::support::{ALWAYS, FAST, Sandbox};
use std::fs;

/// Runs a line of the shell, in which MODALFLOW is the program.
#[cfg(unix)]
fn shell(sandbox: &Sandbox, line: &str) -> (Option<i32>, String) {
    let output = std::process::Command::new("sh")
        .current_dir(sandbox.path(""))
        .env("MODALFLOW", env!("CARGO_BIN_EXE_modalflow"))
        .env("HOME", sandbox.path("home"))
        .args(["-c", line])
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[cfg(unix)]
#[test]
fn files_follow_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(&(FAST.to_owned() + "sweep: {repeats: 2}\n"));
    for (umask, file, folder) in [
        ("077", 0o600, 0o700),
        ("022", 0o644, 0o755),
        ("002", 0o664, 0o775),
    ] {
        let line = format!(
            "umask {umask}; $MODALFLOW run fast.yaml --quiet --out {umask}/run && \
             $MODALFLOW sweep fast.yaml --quiet --out {umask}/sweep"
        );
        assert_eq!(shell(&sandbox, &line), (Some(0), String::new()));
        for name in sandbox.names(umask) {
            let path = sandbox.path(&format!("{umask}/{name}"));
            let data = fs::metadata(path).expect("an entry");
            let expected = if data.is_dir() { folder } else { file };
            let mode = data.permissions().mode() & 0o777;
            assert_eq!(mode, expected, "{umask}: {name} has mode {mode:o}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_is_named() {
    use std::os::unix::fs::symlink;
    let sandbox = Sandbox::with(FAST);
    let said = "cannot write to outputs/fast: it is a link to nowhere, which does not exist";
    fs::create_dir(sandbox.path("outputs")).expect("a folder");
    symlink("nowhere", sandbox.path("outputs/fast")).expect("a link");
    let refused = || {
        let assert = sandbox.command("run fast.yaml").assert().code(2).stdout("");
        String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
    };
    let text = refused();
    assert!(text.contains(said) && text.contains("help: "), "{text}");
    fs::remove_file(sandbox.path("outputs/fast")).expect("the link");
    fs::remove_dir(sandbox.path("outputs")).expect("an empty folder");
    symlink("disk/results", sandbox.path("outputs")).expect("a link");
    let text = refused();
    assert!(
        text.contains("cannot write to outputs: it is a link to disk/results"),
        "{text}"
    );
    // A link that leads somewhere is a folder.
    fs::create_dir_all(sandbox.path("disk/results")).expect("folders");
    sandbox.succeed("run fast.yaml --quiet");
    assert_eq!(sandbox.names("disk/results/fast"), ALWAYS);
}

#[test]
fn a_run_says_that_it_does_not_sweep_and_keeps_off_its_folder() {
    let sandbox = Sandbox::with(&(FAST.to_owned() + "sweep: {repeats: 2}\n"));
    let note = "note: fast: run does not use the section sweep; modalflow sweep does\n";
    sandbox
        .command("run fast.yaml")
        .assert()
        .code(0)
        .stderr(note);
    sandbox.succeed("run fast.yaml --quiet");
    let refused = |line: &str, words: &str| {
        let before = sandbox.tree(".");
        let assert = sandbox.command(line).assert().code(2).stdout("");
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(text.contains(words) && text.contains("help: "), "{text}");
        assert!(sandbox.tree(".") == before);
    };
    refused(
        "sweep fast.yaml",
        "the folder outputs/fast holds the results of a run: trajectory.csv",
    );
    sandbox.succeed("sweep fast.yaml --quiet --set name=swept");
    refused(
        "run fast.yaml --quiet --set name=swept",
        "the folder outputs/swept holds the results of a sweep: cells",
    );
    fs::remove_dir_all(sandbox.path("outputs/swept/cells")).expect("cells");
    refused(
        "run fast.yaml --quiet --set name=swept",
        "of a sweep: sweep.csv",
    );
}

#[test]
fn a_scenario_is_read_from_standard_input() {
    let sandbox = Sandbox::new();
    let run = |line: &str, text: &str| {
        let mut command = sandbox.command(line);
        command.write_stdin(text.to_owned()).assert()
    };
    run("run - --quiet", FAST).code(0).stderr("");
    assert_eq!(sandbox.names("outputs/stdin"), ALWAYS);
    run("run - --quiet", &format!("name: piped\n{FAST}")).code(0);
    assert_eq!(sandbox.names("outputs/piped"), ALWAYS);
    let assert = run("check -", &format!("{FAST}sead: 1\n")).code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("<stdin>:7: sead: unknown key"), "{said}");
    // Paths are relative to the folder at hand.
    sandbox.write("t.csv", "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n");
    let table = FAST.replace(
        "  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}",
        "  table: {path: t.csv, modalities: {A: [a], B: [b]}, targets: [y]}",
    );
    run("check - --quiet", &table).code(0);
    let assert = run("check -", &table.replace("t.csv", "none.csv")).code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(
        said.contains("from standard input to the current folder"),
        "{said}"
    );
    let assert = run("run - --quiet -", FAST).code(2);
    let said = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(said.contains("- stands more than once"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_tilde_is_the_home_folder() {
    let sandbox = Sandbox::with(&FAST.replace(
        "  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}",
        "  table: {path: ~/t.csv, modalities: {A: [a], B: [b]}, targets: [y]}",
    ));
    sandbox.write(
        "home/t.csv",
        "a,b,y\n1,2,3\n2,1,2.5\n-1,0.5,0\n0.3,-1,0.2\n",
    );
    let (code, said) = shell(&sandbox, "$MODALFLOW run fast.yaml --quiet --out=~/results");
    assert_eq!((code, said.contains("error")), (Some(0), false), "{said}");
    assert_eq!(sandbox.names("home/results/fast"), ALWAYS);
    assert!(!sandbox.path("~").exists());
}
