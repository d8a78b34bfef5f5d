//! Signals: what is answered, what is written, what stays.

use super::support::{ALWAYS, FAST, Sandbox, number};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Far longer than anything here takes: what is reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program, ended with the test whatever happens.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.0.id().to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()));
    }

    fn wait(&mut self) -> ExitStatus {
        until(|| self.0.try_wait().expect("a child"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until<T>(mut sign: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = sign() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "nothing happened");
        sleep(Duration::from_millis(10));
    }
}

fn spawn(sandbox: &Sandbox, line: &str) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_modalflow"))
        .current_dir(sandbox.path(""))
        .args(line.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.expect("the program"))
}

/// Starts a run that would take hours, and comes back when it has begun.
fn start(sandbox: &Sandbox, line: &str, folder: &str) -> Running {
    let running = spawn(sandbox, line);
    let folder = sandbox.path(folder);
    until(|| Path::exists(&folder).then_some(()));
    // Some steps of it.
    sleep(Duration::from_millis(300));
    running
}

const LONG: &str = "--set flow.until.time=1e9 --set network.width=50 --set network.depth=4 \
                    --set network.fusion_layer=4 --set flow.method=dopri5 --set flow.reduction=off \
                    --set flow.max_steps=1000000000000 --set init={\"gaussian_norm\":{\"norm\":0.1}}";

#[test]
fn an_interrupted_run_keeps_what_it_has() {
    for signal in ["INT", "TERM", "HUP"] {
        let sandbox = Sandbox::with(FAST);
        sandbox.write("next.yaml", FAST);
        let line = format!("run fast.yaml next.yaml {LONG}");
        let mut running = start(&sandbox, &line, "outputs/next");
        running.signal(signal);
        assert_eq!(running.wait().code(), Some(130), "{signal}");
        assert_eq!(sandbox.names("outputs/fast"), ALWAYS);
        let summary = sandbox.json("outputs/fast/summary.json");
        assert_eq!(summary["flow"]["outcome"], "interrupted");
        assert_eq!(summary["interrupted"], true);
        assert!(number(&summary, "flow.t_end") < 1e9);
        assert!(sandbox.names("outputs/next").is_empty());
    }
}

/// A descent of a billion steps behind a flow of some hundred.
const ENDLESS: &str =
    "--set descent={\"learning_rate\":[0.05,1e-9]} --set flow.max_steps=1000000000000";

#[test]
fn what_is_complete_is_written_and_marked() {
    let sandbox = Sandbox::with(FAST);
    let mut running = start(
        &sandbox,
        &format!("run fast.yaml {ENDLESS}"),
        "outputs/fast",
    );
    running.signal("TERM");
    assert_eq!(running.wait().code(), Some(130));
    let summary = sandbox.json("outputs/fast/summary.json");
    assert_eq!(summary["interrupted"], true);
    assert_eq!(summary["flow"]["outcome"], "time_reached");
    assert_eq!(summary["descent"][0]["outcome"], "time_reached");
    assert_eq!(summary["descent"][1]["outcome"], "interrupted");
    let warnings = summary["warnings"].to_string();
    assert!(warnings.contains("the run was interrupted"), "{warnings}");
}

/// Results of the same scenario that were complete when it began; those of another one, or partial
/// ones, are replaced.
#[test]
fn partial_results_replace_no_complete_ones() {
    let sandbox = Sandbox::with(FAST);
    sandbox.write("endless.yaml", FAST);
    let interrupt = || {
        let line = format!("run endless.yaml {ENDLESS}");
        let mut running = start(&sandbox, &line, "outputs/endless");
        running.signal("TERM");
        assert_eq!(running.wait().code(), Some(130));
    };
    sandbox.succeed("run endless.yaml --quiet");
    interrupt();
    let mut summary = sandbox.json("outputs/endless/summary.json");
    assert_eq!(summary["interrupted"], true);
    // As if it had come to its end.
    summary["interrupted"] = false.into();
    sandbox.write("outputs/endless/summary.json", &summary.to_string());
    let before = sandbox.tree("outputs");
    interrupt();
    assert!(sandbox.tree("outputs") == before);
}

/// The table is a pipe that nobody writes to: reading it never ends.
#[test]
fn reading_is_interrupted_and_writes_nothing() {
    for signal in ["INT", "TERM", "HUP"] {
        let sandbox = Sandbox::with(&FAST.replace(
            "  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}",
            "  table: {path: pipe.csv, modalities: {A: [a], B: [b]}, targets: [y]}",
        ));
        let made = Command::new("mkfifo")
            .arg(sandbox.path("pipe.csv"))
            .status();
        assert!(made.is_ok_and(|status| status.success()));
        for command in ["run", "check", "theory"] {
            let mut running = spawn(&sandbox, &format!("{command} fast.yaml"));
            // Once somebody writes, it has opened the table; the handler is older.
            let pipe = fs::OpenOptions::new()
                .write(true)
                .open(sandbox.path("pipe.csv"));
            running.signal(signal);
            assert_eq!(running.wait().code(), Some(130), "{command}");
            drop(pipe);
        }
        assert!(!sandbox.path("outputs").exists());
    }
}

/// A diagnosis keeps nothing: it ends, and no file is there.
#[test]
fn an_interrupted_diagnosis_writes_nothing() {
    for signal in ["INT", "TERM", "HUP"] {
        let sandbox = Sandbox::with(FAST);
        let mut child = Command::new(env!("CARGO_BIN_EXE_modalflow"))
            .current_dir(sandbox.path(""))
            .args(["diagnose", "fast.yaml"])
            .args(LONG.split_whitespace())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut said = child.stderr.take().expect("a pipe");
        let mut running = Running(child);
        // Into its first flow, which would take hours.
        sleep(Duration::from_millis(500));
        running.signal(signal);
        assert_eq!(running.wait().code(), Some(130));
        let mut words = String::new();
        said.read_to_string(&mut words).expect("text");
        assert_eq!(words, "warning: fast: interrupted: nothing is written\n");
        assert!(!sandbox.path("outputs").exists());
    }
}

/// Whoever starts the program by nohup wants it to outlive the terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_is_ignored_stays_so() {
    let sandbox = Sandbox::with(FAST);
    let child = Command::new("sh")
        .current_dir(sandbox.path(""))
        .args([
            "-c",
            "trap '' HUP; exec $0 run fast.yaml --quiet --set 'descent={learning_rate: 1e-5}'",
        ])
        .arg(env!("CARGO_BIN_EXE_modalflow"))
        .spawn();
    let mut running = Running(child.expect("a shell"));
    until(|| Path::exists(&sandbox.path("outputs/fast")).then_some(()));
    running.signal("HUP");
    assert_eq!(running.wait().code(), Some(0));
}

/// What a killed process left under a temporary name is removed; what a living one has is not.
#[test]
fn temporary_files_of_a_killed_run_are_cleared() {
    let sandbox = Sandbox::with(FAST);
    for name in [
        ".modalflow-dead.tmp",
        ".modalflow-alive.tmp",
        ".tmpother",
        "notes.tmp",
    ] {
        sandbox.write(&format!("outputs/fast/{name}"), "half a file");
    }
    let alive = fs::File::open(sandbox.path("outputs/fast/.modalflow-alive.tmp"));
    let alive = alive.expect("a file");
    alive.lock().expect("a lock");
    sandbox.succeed("run fast.yaml --quiet");
    let mut expected = vec![".modalflow-alive.tmp", ".tmpother"];
    expected.extend(ALWAYS);
    expected.push("notes.tmp");
    expected.sort_unstable();
    assert_eq!(sandbox.names("outputs/fast"), expected);
    drop(alive);
    sandbox.succeed("run fast.yaml --quiet");
    assert!(!sandbox.path("outputs/fast/.modalflow-alive.tmp").exists());
}

/// The results of an earlier run stay whole and in place until there are others.
#[test]
fn a_killed_run_leaves_the_earlier_results() {
    let sandbox = Sandbox::with(FAST);
    sandbox.succeed("run fast.yaml --quiet");
    let before = sandbox.tree("outputs");
    sandbox.write("next.yaml", FAST);
    let line = format!("run fast.yaml next.yaml {LONG}");
    let mut running = start(&sandbox, &line, "outputs/next");
    running.signal("KILL");
    assert_eq!(running.wait().code(), None);
    fs::remove_dir(sandbox.path("outputs/next")).expect("an empty folder");
    assert!(sandbox.tree("outputs") == before);
}
