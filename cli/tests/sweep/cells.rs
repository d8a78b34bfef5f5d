//! The cells of a grid, by their index.

use super::grid;
use modalflow::data::{Source, ToyData};
use modalflow::experiment::Scenario;
use modalflow_cli::scenario::{AxisValue, Cell, Grid};

fn toy(scenario: &Scenario) -> &ToyData {
    match &scenario.data {
        Source::Toy(toy) => toy,
        other => panic!("{other:?}"),
    }
}

fn cells(grid: &Grid) -> Vec<Cell> {
    (0..grid.len()).map(|index| grid.cell(index)).collect()
}

/// The last axis varies fastest, linked axes move together, repeats follow each other.
#[test]
fn cells_are_counted_like_digits() {
    let grid = grid(
        "{repeats: 2, axes: [{path: data.toy.rho, values: [0, 0.5]}, \
         {linked: [{path: network.depth, values: [2, 3, 4]}, {path: network.fusion_layer, values: [2, 3, 1]}]}]}",
    );
    let paths: Vec<&str> = grid.columns().map(|column| column.path.as_str()).collect();
    assert_eq!(
        paths,
        ["data.toy.rho", "network.depth", "network.fusion_layer"]
    );
    let numbers = |cell: &Cell| -> Vec<f64> {
        cell.values
            .iter()
            .filter_map(AxisValue::as_number)
            .collect()
    };
    let shown: Vec<(u64, Vec<f64>)> = cells(&grid)
        .iter()
        .map(|cell| (cell.repeat, numbers(cell)))
        .collect();
    let pairs = [[2.0, 2.0], [3.0, 3.0], [4.0, 1.0]];
    let mut expected = Vec::new();
    for rho in [0.0, 0.5] {
        for [depth, fusion] in pairs {
            for repeat in 0..2 {
                expected.push((repeat, vec![rho, depth, fusion]));
            }
        }
    }
    assert_eq!(shown, expected);
    let scenario = grid
        .scenario(&grid.cell(10))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (scenario.network.depth, scenario.network.fusion_layer),
        (Some(4), Some(1))
    );
    assert_eq!(toy(&scenario).rho, 0.5);
}

/// Every cell has a seed of its own, which depends on its number and the sweep's seed alone.
#[test]
fn seeds_are_the_cells_own() {
    let long = grid("{repeats: 50, axes: [{path: data.toy.rho, values: [0, 0.5]}]}");
    let seeds: Vec<u64> = cells(&long).iter().map(|cell| cell.seed).collect();
    let mut distinct = seeds.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), seeds.len());
    assert!(seeds.iter().all(|seed| *seed < 1 << 53));
    let other = grid("{repeats: 100}");
    let same: Vec<u64> = cells(&other).iter().map(|cell| cell.seed).collect();
    assert_eq!(seeds, same);
    for (cell, seed) in cells(&long).iter().zip(&seeds) {
        let scenario = long
            .scenario(cell)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.seed, *seed);
    }
    let given = grid("{axes: [{path: seed, from: 5, to: 7, count: 3}]}");
    let given: Vec<u64> = cells(&given).iter().map(|cell| cell.seed).collect();
    assert_eq!(given, [5, 6, 7]);
    // Beyond what a real number holds exactly.
    let large = (1_u64 << 53) + 1;
    let axis = format!(
        "{{axes: [{{path: seed, values: [{}, {large}]}}]}}",
        large - 1
    );
    let given: Vec<u64> = cells(&self::grid(&axis))
        .iter()
        .map(|cell| cell.seed)
        .collect();
    assert_eq!(given, [large - 1, large]);
}

/// A null on an axis takes the key away.
#[test]
fn null_is_the_absent_key() {
    let grid = grid("{axes: [{path: data.toy.samples, values: [null, 50]}]}");
    let samples: Vec<Option<u64>> = cells(&grid)
        .iter()
        .map(|cell| {
            grid.scenario(cell)
                .unwrap_or_else(|error| panic!("{error}"))
        })
        .map(|scenario| toy(&scenario).samples)
        .collect();
    assert_eq!(samples, [None, Some(50)]);
}
