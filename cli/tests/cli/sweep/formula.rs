//! A shipped sweep against theory's formula.

use super::*;

/// The mean ratio over the seeds, from weights of 1e-9, is within 2 % of the formula up to
/// |rho| = 0.6, the bound that the growing modes' scatter of 1/sqrt(width) leaves it; what is off at
/// rho = 0.9 goes away as log(1/std) grows.
#[test]
fn the_two_layer_sweep_meets_the_formula() {
    let scenario = fs::read_to_string("../scenarios/paper/two_layer.yaml").expect("shipped");
    let sandbox = Sandbox::with(&scenario);
    sandbox.succeed("sweep fast.yaml --quiet");
    let gap = |out: &str, sigma: f64, rho: f64| {
        let path = sandbox.path(&format!("{out}/fast/sweep.csv"));
        let mut reader = csv::Reader::from_path(path).expect("a table");
        let header = reader.headers().expect("a header").clone();
        let place = header.iter().position(|name| name == "ratio");
        let place = place.expect("a column");
        let rows = reader.records().map(|row| row.expect("a row"));
        let rows = rows.filter(|row| row[0].parse() == Ok(sigma) && row[1].parse() == Ok(rho));
        let ratios: Vec<f64> = rows
            .map(|row| row[place].parse().expect("a ratio"))
            .collect();
        assert_eq!(ratios.len(), 5, "{sigma} {rho}");
        let formula = 1.0 + (sigma * sigma - 1.0) / (1.0 - rho * rho);
        ratios.iter().sum::<f64>() / 5.0 / formula - 1.0
    };
    for sigma in [1.5, 2.0, 3.0] {
        for rho in [-0.45, -0.225, 0.0, 0.225, 0.45] {
            let gap = gap("outputs", sigma, rho);
            assert!(gap.abs() < 0.02, "{sigma} {rho}: {gap}");
        }
    }
    let mut gaps = Vec::new();
    for std in ["1e-4", "1e-9", "1e-18"] {
        let line = format!(
            "sweep fast.yaml --quiet --out {std} --set init.gaussian.std={std} --set flow.until.time=1e5 --set figure=[]"
        );
        let axes = "sweep.axes=[{path: data.toy.sigma.A, values: [2]}, {path: data.toy.rho, values: [-0.9, 0.9]}]";
        sandbox
            .command(&line)
            .args(["--set", axes])
            .assert()
            .code(0);
        gaps.push([-0.9, 0.9].map(|rho| gap(std, 2.0, rho).abs()));
    }
    for side in 0..2 {
        assert!(gaps[1][side] < 0.6 * gaps[0][side], "{gaps:?}");
        assert!(gaps[2][side] < 0.6 * gaps[1][side], "{gaps:?}");
    }
}
