//! `--set`: changes to a valid scenario, one a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modalflow_fuzz::load;

const SCENARIO: &str = "\
name: base
data:
  toy: {rho: 0.5, sigma: {A: 2.0, B: 1.0}, target: {A: 1.0, B: 1.0}, samples: 100}
network: {depth: 4, fusion_layer: 3, width: 10}
init: {gaussian: {std: 1.0e-3}}
flow: {until: {time: 40.0}}
descent: {learning_rate: [0.08, 0.04]}
sweep:
  axes:
    - {path: data.toy.rho, from: -0.5, to: 0.5, count: 5}
    - {path: network.width, values: [5, 10]}
  repeats: 2
figure:
  - {name: ratio, lines: {x: data.toy.rho, y: ratio}}
";

fuzz_target!(|changes: &str| {
    let changes: Vec<String> = changes.lines().map(str::to_owned).collect();
    load(SCENARIO, &changes);
});
