//! The default integration against the explicit method on the full network, in the same run:
//! width 100, L = Lf = 4, rho = 0.5, r = 2, Gaussian layers of norm 0.1, to t = 400 at rtol 1e-6.

use modalflow::experiment::Scenario;
use modalflow::experiment::problem::Problem;
use modalflow::experiment::run::run;
use std::time::Instant;

const SCENARIO: &str = "
data: {toy: {rho: 0.5, sigma: {A: 2, B: 1}, target: {A: 1, B: 1}}}
network: {depth: 4, fusion_layer: 4, width: 100}
init: {gaussian_norm: {norm: 0.1}}
flow: {method: METHOD, reduction: REDUCTION, rtol: 1e-6, until: {time: 400}}
";

fn main() {
    let cases = [
        ("dopri5", "off", 1),
        ("exponential", "off", 3),
        ("dopri5", "auto", 10),
        ("exponential", "auto", 20),
    ];
    let mut slowest = None;
    println!(
        "method        reduction   weights   steps   evaluations   Hessian products   prepared in   run in      ratio"
    );
    for (method, reduction, repeats) in cases {
        let text = SCENARIO
            .replace("METHOD", method)
            .replace("REDUCTION", reduction);
        let scenario: Scenario = serde_yaml::from_str(&text).expect("a valid scenario");
        let times = (0..repeats).map(|_| {
            let clock = Instant::now();
            let problem = Problem::prepare(&scenario).unwrap_or_else(|error| panic!("{error}"));
            let prepared = clock.elapsed().as_secs_f64();
            let clock = Instant::now();
            let result = run(&problem, &mut |_| true);
            (
                clock.elapsed().as_secs_f64(),
                prepared,
                result.flow.end.clone(),
            )
        });
        let Some((time, prepared, end)) = times.min_by(|a, b| a.0.total_cmp(&b.0)) else {
            continue;
        };
        let slowest = *slowest.get_or_insert(time);
        println!(
            "{method:<13} {reduction:<9} {:>9} {:>7} {:>13} {:>18} {:>10.2} ms {:>8.2} ms {:>8.1}",
            end.state.len(),
            end.work.steps,
            end.work.rhs_evaluations,
            end.work.hessian_products,
            1e3 * prepared,
            1e3 * time,
            slowest / time
        );
    }
}
