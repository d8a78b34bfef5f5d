//! `modalflow explore` as a command: what it starts with, and what it hands to the browser.

use super::{answer, request};
use modalflow_cli::explore::LESSONS;
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running command, ended with the test.
struct Explored {
    process: Child,
    port: u16,
    page: String,
}

impl Explored {
    fn new(arguments: &[&str], input: &str, folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_modalflow"))
            .args(["explore", "--quiet"])
            .args(arguments)
            .env("PATH", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdin = process.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("written");
        drop(stdin);
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("http://127.0.0.1:");
        let (port, page) = address.and_then(|a| a.split_once('/')).expect("an address");
        Self {
            port: port.parse().expect("a port"),
            page: format!("/{page}"),
            process,
        }
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.page)
    }

    /// What the page starts with.
    fn start(&self) -> Json {
        let line = format!("GET {}start", self.page);
        let (status, body) = answer(self.port, &request(self.port, &line, "", ""));
        assert_eq!(status, 200);
        serde_json::from_str(&body).expect("JSON")
    }
}

impl Drop for Explored {
    fn drop(&mut self) {
        self.process.kill().expect("it runs until it is ended");
        self.process.wait().expect("ended");
    }
}

#[test]
fn a_scenario_comes_from_a_lesson_a_file_or_standard_input_with_its_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let lesson = LESSONS[1].text;
    let file = folder.path().join("mine.yaml");
    std::fs::write(&file, lesson).expect("written");
    let path = file.to_str().expect("UTF-8");
    for (arguments, input, name) in [
        (vec![], "", Json::Null),
        (vec![path], "", Json::from("mine.yaml")),
        (vec!["-"], lesson, Json::Null),
    ] {
        let changed = [&arguments[..], &["--set", "data.toy.rho=0.125"]].concat();
        let start = Explored::new(&changed, input, folder.path()).start();
        assert!(start["text"].as_str().expect("text").contains("rho: 0.125"));
        assert_eq!(start["file"], name, "{arguments:?}");
        let start = Explored::new(&arguments, input, folder.path()).start();
        let text = if arguments.is_empty() {
            LESSONS[0].text
        } else {
            lesson
        };
        assert_eq!(start["text"], text, "{arguments:?}");
    }
}

/// The command that desktops open addresses with gets the whole address.
#[cfg(target_os = "linux")]
#[test]
fn the_browser_is_handed_the_address() {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};
    let folder = tempfile::tempdir().expect("a folder");
    let browser = folder.path().join("xdg-open");
    let told = folder.path().join("told");
    let script = format!(
        "#!/bin/sh\necho \"$1\" > {0}.new; /bin/mv {0}.new {0}\n",
        told.display()
    );
    std::fs::write(&browser, script).expect("written");
    std::fs::set_permissions(&browser, PermissionsExt::from_mode(0o755)).expect("executable");
    let explored = Explored::new(&["--open"], "", folder.path());
    let begun = Instant::now();
    while !told.exists() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = std::fs::read_to_string(told).expect("the browser is called");
    assert_eq!(told.trim_end(), explored.address());
}
