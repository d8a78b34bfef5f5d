//! Grids by index, and the engine on work made for it.

mod cells;
mod store;

use modalflow_cli::scenario::{Grid, Loaded};

fn grid(sweep: &str) -> Grid {
    let text = format!(
        "\
seed: 11
data: {{toy: {{sigma: {{A: 2, B: 1}}, target: {{A: 1, B: 1}}}}}}
network: {{depth: 4, fusion_layer: 2, width: 3}}
init: {{aligned: {{norm: 0.1}}}}
flow: {{until: {{time: 1.0}}}}
sweep: {sweep}
"
    );
    let loaded = Loaded::parse("grid.yaml".as_ref(), text, &[]);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    Grid::of(&loaded).unwrap_or_else(|error| panic!("{error}"))
}
