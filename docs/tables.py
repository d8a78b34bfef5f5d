"""Measures the tables of docs/method.md and writes them between their markers.

    cargo build --release && python3 docs/tables.py

Needs Python 3.10 or later and nothing else. Counts are the same everywhere but for round-off;
times are those of the machine, the least of three runs.
"""

import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "modalflow"
DOCUMENT = ROOT / "docs" / "method.md"

TOY = {"rho": 0.0, "sigma": {"A": 2.0, "B": 1.0}, "target": {"A": 1.0, "B": 1.0}}


def scenario(depth, fusion, width, init, until, rho=0.0, **flow):
    """A scenario as JSON, which is YAML."""
    return {
        "data": {"toy": TOY | {"rho": rho}},
        "network": {"depth": depth, "fusion_layer": fusion, "width": width},
        "init": init,
        "flow": flow | {"until": until},
        "output": {"samples": 2},
    }


def run(what, repeats=1):
    """Runs a scenario (a dict, or a file's name with --set options); gives back its summary."""
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(what, dict):
            file = Path(folder) / "scenario.yaml"
            file.write_text(json.dumps(what))
            arguments = [str(file)]
        else:
            arguments = what
        command = [str(PROGRAM), "run", "--json", "--out", folder, *arguments]
        summaries = []
        for _ in range(repeats):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
            summaries.append(json.loads(done.stdout))
    return min(summaries, key=lambda summary: summary["provenance"]["wall_seconds"])


def evaluations(flow):
    """Work in evaluations of the right-hand side; a Hessian product costs about two."""
    return flow["rhs_evaluations"] + 2 * flow["hessian_products"]


def half_height(u0):
    """Exact s t at which a stack of four aligned layers and variance s reaches half of its map.

    du/dt = s u^3 (1 - u^4): s t = f(2^(-1/4)) - f(u0), f(u) = -1/(2 u^2) + artanh(u^2)/2.
    """

    def f(u):
        return -0.5 / u**2 + 0.5 * math.atanh(u**2)

    return f(0.5**0.25) - f(u0)


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def orders():
    """Error of t_B against the tolerance."""
    rows = []
    for exponent in range(4, 11):
        cells = [f"1e-{exponent}"]
        for method in ("exponential", "dopri5", "dop853"):
            summary = run(
                scenario(4, 4, 4, {"aligned": {"norm": 0.1}}, {"time": 60.0}, method=method, rtol=10.0**-exponent)
            )
            exact = half_height(0.1)
            error = abs(summary["phase"]["t_second"] / exact - 1)
            cells += [f"{error:.1e}", evaluations(summary["flow"])]
        rows.append(cells)
    header = ["rtol", "exponential: error of t_B", "work", "dopri5: error", "work", "dop853: error", "work"]
    return table(header, rows)


def plateaus():
    """Steps against the length of the plateau."""
    rows = []
    for exponent in range(1, 6):
        u0 = 10.0**-exponent
        summary = run(
            scenario(4, 4, 4, {"aligned": {"norm": u0}}, {"loss_gap": 1e-6}, method="exponential", rtol=1e-6), 3
        )
        flow, phase = summary["flow"], summary["phase"]
        rows.append(
            [
                f"1e-{exponent}",
                f"{phase['length']:.4g}",
                flow["steps"],
                flow["rhs_evaluations"],
                flow["hessian_products"],
                f"{abs(phase['t_second'] / half_height(u0) - 1):.1e}",
                f"{1e3 * summary['provenance']['wall_seconds']:.1f} ms",
            ]
        )
    header = ["u0", "unimodal phase", "steps", "evaluations", "Hessian products", "error of t_B", "wall time"]
    return table(header, rows)


def standard():
    """The standard deep case, explicit on the full network against the default."""
    rows, times = [], []
    for method, reduction in (("dopri5", "off"), ("exponential", "off"), ("dopri5", "auto"), ("exponential", "auto")):
        case = scenario(
            4,
            4,
            100,
            {"gaussian_norm": {"norm": 0.1}},
            {"time": 400.0},
            rho=0.5,
            method=method,
            rtol=1e-6,
            reduction=reduction,
        )
        summary = run(case, 3)
        flow = summary["flow"]
        times.append(summary["provenance"]["wall_seconds"])
        rows.append(
            [
                method,
                flow["reduction"]["reduced_weights"] or flow["weights"],
                flow["steps"],
                evaluations(flow),
                f"{summary['phase']['t_first']:.7g}",
                f"{summary['phase']['t_second']:.7g}",
                f"{1e3 * times[-1]:.1f} ms",
                f"{times[0] / times[-1]:.0f}",
            ]
        )
    return table(["method", "weights", "steps", "work", "t_A", "t_B", "wall time", "times faster"], rows)


def choice():
    """What each method costs on the shipped scenarios, and what auto takes."""
    rows = []
    for file in sorted((ROOT / "scenarios").glob("*.yaml")):
        for rtol in ("1e-6", "1e-8", "1e-10"):
            def work(method, file=file, rtol=rtol):
                changes = [f"flow.method={method}", f"flow.rtol={rtol}", "descent=null"]
                options = [option for change in changes for option in ("--set", change)]
                flow = run([str(file), *options])["flow"]
                return flow["method"], evaluations(flow)

            costs = [work(method)[1] for method in ("dopri5", "dop853", "exponential")]
            rows.append([file.stem, rtol, *costs, work("auto")[0]])
    return table(["scenario", "rtol", "dopri5", "dop853", "exponential", "auto takes"], rows)


def reductions():
    """Reduced sizes, their bounds, and the errors against the full network."""
    rows = []
    cases = [
        (2, 2, {"gaussian": {"std": 1e-6}}, 40.0, "1e-8"),
        (3, 3, {"gaussian_norm": {"norm": 0.05}}, 120.0, "1e-6"),
        (4, 4, {"gaussian_norm": {"norm": 0.1}}, 400.0, "1e-4"),
        (4, 4, {"gaussian_norm": {"norm": 0.1}}, 400.0, "1e-6"),
        (4, 4, {"gaussian_norm": {"norm": 0.1}}, 400.0, "1e-8"),
        (4, 3, {"gaussian_norm": {"norm": 0.1}}, 120.0, "1e-6"),
        (4, 2, {"gaussian_norm": {"norm": 0.1}}, 80.0, "1e-6"),
    ]
    for depth, fusion, init, time, rtol in cases:
        def phase(tolerance, reduction, of=(depth, fusion, init, time)):
            depth, fusion, init, time = of
            flow = {"rtol": tolerance, "reduction": reduction}
            summary = run(scenario(depth, fusion, 100, init, {"time": time}, rho=0.5, **flow))
            return summary["flow"]["reduction"], summary["phase"]

        reduction, reduced = phase(float(rtol), "auto")
        rows.append([depth, fusion, next(iter(next(iter(init.values())).values())), rtol])
        rows[-1] += [reduction["full_weights"], reduction["reduced_weights"] or "full"]
        rows[-1] += [f"{reduction['error_bound']:.0e}" if reduction["used"] else "-"]
        full = phase(float(rtol) / 10, "off")[1]
        gaps = [abs(reduced[key] / full[key] - 1) for key in ("t_first", "t_second")]
        rows[-1] += [f"{max(gaps):.0e}"]
    header = ["L", "Lf", "u0", "rtol", "full weights", "reduced", "bound", "difference of t_A, t_B"]
    return table(header, rows)


def widths():
    """Wide networks: preparation against the run."""
    rows = []
    for depth, width, init, time in (
        (2, 100, {"gaussian": {"std": 1e-6}}, 20.0),
        (2, 10_000, {"gaussian": {"std": 1e-6}}, 20.0),
        (4, 100, {"gaussian_norm": {"norm": 0.1}}, 400.0),
        (4, 2_000, {"gaussian_norm": {"norm": 0.1}}, 400.0),
    ):
        summary = run(scenario(depth, depth, width, init, {"time": time}, rtol=1e-6), 3)
        flow, provenance = summary["flow"], summary["provenance"]
        rows.append(
            [
                depth,
                width,
                flow["weights"],
                flow["reduction"]["reduced_weights"],
                f"{1e3 * provenance['prepare_seconds']:.1f} ms",
                f"{1e3 * provenance['wall_seconds']:.1f} ms",
            ]
        )
    header = ["L", "width", "weights", "reduced", "drawing and reducing", "integration and detection"]
    return table(header, rows)


def main():
    text = DOCUMENT.read_text()
    for measure in (orders, plateaus, standard, choice, reductions, widths):
        name = measure.__name__
        print(f"measuring {name}", file=sys.stderr)
        between = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
        if not between.search(text):
            sys.exit(f"{DOCUMENT} has no place for {name}")
        new = measure()
        text = between.sub(lambda match, new=new: match[1] + new + "\n" + match[2], text)
    DOCUMENT.write_text(text)


if __name__ == "__main__":
    main()
