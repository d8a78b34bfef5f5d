//! A folder to work in, the program started in it, and what there is to see afterwards.

use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Late fusion, small enough to run in no time: time ratio 4.
pub const FAST: &str = "\
data:
  toy: {rho: 0.0, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}}
network: {depth: 2, fusion_layer: 2, width: 6}
init: {gaussian: {std: 1.0e-6}}
flow: {until: {time: 20.0}}
output: {samples: 41}
";

/// Two learning rates that divide the time.
pub const DESCENT: &str = "descent: {learning_rate: [0.05, 0.025]}\n";

/// Files of every run.
pub const ALWAYS: [&str; 6] = [
    "loss.png",
    "maps.png",
    "overview.png",
    "scenario.yaml",
    "summary.json",
    "trajectory.csv",
];

/// A temporary folder that the program is started in.
pub struct Sandbox(TempDir);

impl Sandbox {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// A sandbox with one scenario, `fast.yaml`.
    pub fn with(text: &str) -> Self {
        let sandbox = Self::new();
        sandbox.write("fast.yaml", text);
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("below the sandbox")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// The program with the arguments given as one line, to be run in the sandbox.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modalflow"));
        command
            .current_dir(self.0.path())
            .args(line.split_whitespace());
        command
    }

    /// Runs a command that has to succeed; gives back its standard output.
    pub fn succeed(&self, line: &str) -> String {
        let assert = self.command(line).assert().code(0).stderr("");
        String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
    }

    /// Runs a command that is refused with exit code 2 and one message, and leaves everything as it was.
    pub fn refuse(&self, line: &str, message: &str) {
        let before = self.tree(".");
        let assert = self.command(line).assert().code(2).stdout("");
        let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(stderr.starts_with("error: "), "{line}: {stderr}");
        assert_eq!(stderr.matches("error: ").count(), 1, "{line}: {stderr}");
        assert!(stderr.contains(message), "{line}: {stderr}");
        assert!(self.tree(".") == before, "{line} changed the folder");
    }

    /// Everything below a folder by its path relative to it: files with their bytes, folders
    /// with none.
    pub fn tree(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        let root = self.path(folder);
        collect(&root, &root, &mut tree);
        tree
    }

    /// Names in a folder, in order.
    pub fn names(&self, folder: &str) -> Vec<String> {
        self.tree(folder).into_keys().collect()
    }
}

fn collect(root: &Path, folder: &Path, tree: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(root).expect("below the root");
        let name = name.to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            tree.insert(name, Vec::new());
            collect(root, &path, tree);
        } else {
            tree.insert(name, fs::read(&path).expect("a file"));
        }
    }
}

/// The value at a dotted path, `data.modalities.0.name`.
pub fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    let pointer = format!("/{}", path.replace('.', "/"));
    value
        .pointer(&pointer)
        .unwrap_or_else(|| panic!("{path} is missing in {value:#}"))
}

/// The number at a dotted path.
pub fn number(value: &Value, path: &str) -> f64 {
    let found = at(value, path);
    found
        .as_f64()
        .unwrap_or_else(|| panic!("{path} is {found}, not a number"))
}

/// The last plateau's saddle.
pub fn last_saddle(summary: &Value) -> &str {
    let last = at(summary, "plateaus").as_array().and_then(|p| p.last());
    let saddle = last.and_then(|plateau| plateau["saddle"].as_str());
    saddle.expect("a plateau")
}
