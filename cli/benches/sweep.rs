//! What a sweep costs beside its runs: counting, resolving, scheduling, keeping and writing
//! 100,000 cells whose work is nothing, in time a cell and in memory.

use modalflow_cli::error::Result;
use modalflow_cli::output;
use modalflow_cli::scenario::{Cell, Grid, Loaded};
use modalflow_cli::sweep::{
    CellOutcome, CellStore, Finished, Header, Plan, Row, Shard, Table, run_cell, run_cells,
};
use std::time::Instant;

const SCENARIO: &str = "
data: {toy: {rho: 0.0, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 2, fusion_layer: 2, width: 10}
init: {gaussian: {std: 1.0e-6}}
flow: {rtol: 1e-5, until: {time: 20}}
sweep:
  repeats: 100
  axes:
    - {path: data.toy.rho, from: -0.8, to: 0.8, count: 100}
    - {path: data.toy.sigma.A, from: 1.5, to: 3, count: 10}
";

/// Highest memory use of this process so far, in MB, where the system tells.
fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1e3)
}

fn sweep(repeats: u64, jobs: usize, runs: bool) -> Result<(u64, f64)> {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let change = format!("sweep.repeats={repeats}");
    let loaded = Loaded::parse("benchmark.yaml".as_ref(), SCENARIO.into(), &[change])?;
    let grid = Grid::of(&loaded)?;
    let header = Header {
        sweep: "benchmark".into(),
        cells: grid.len(),
        shard: Shard::WHOLE,
    };
    let work = |cell: &Cell, go_on: &dyn Fn() -> bool| {
        let scenario = grid
            .scenario(cell)
            .unwrap_or_else(|error| panic!("{error}"));
        if runs {
            return run_cell(&scenario, false, go_on);
        }
        std::hint::black_box(scenario);
        let row = Row::failed(CellOutcome::Invalid, "nothing was run");
        let trajectory = None;
        Some(Finished { row, trajectory })
    };
    let plan = Plan {
        jobs,
        fail_fast: false,
    };
    let clock = Instant::now();
    let mut store = CellStore::open(folder.path(), header)?;
    run_cells(&grid, &mut store, &plan, &work, &|| true, &mut |_| {})?;
    let mut table = Table {
        grid: &grid,
        store: &mut store,
    };
    let csv = output::stage(folder.path(), "sweep.csv", &mut |append| {
        table.write_csv(append, &mut |_| {})
    })?;
    output::publish(folder.path(), vec![csv], &[])?;
    Ok((grid.len(), clock.elapsed().as_secs_f64()))
}

fn main() -> Result<()> {
    println!("cells      threads   work      microseconds a cell   peak memory");
    for (repeats, jobs, runs) in [
        (1, 1, false),
        (100, 1, false),
        (100, 2, false),
        (10, 2, true),
    ] {
        let (cells, seconds) = sweep(repeats, jobs, runs)?;
        let work = if runs { "a run" } else { "nothing" };
        let memory = peak_megabytes().map_or("unknown".into(), |mb| format!("{mb:.1} MB"));
        println!(
            "{cells:<10} {jobs:<9} {work:<9} {:>19.1}   {memory:>11}",
            1e6 * seconds / cells as f64
        );
    }
    Ok(())
}
