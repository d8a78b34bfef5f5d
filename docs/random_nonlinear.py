"""Runs random problems of two modalities with ReLU networks beside their predicted times, for docs/nonlinear.md.

    python3 docs/random_nonlinear.py [--program target/release/modalflow] [--count 300] [--jobs 2]

Each is y = g_A(x_A) + g_B(x_B) (`data.additive`) of one Gaussian input or two or three bits a modality, with random sizes,
standard deviations, correlations and shares that a linear map explains. Odd seeds have three layers, even ones two; the first
200 have late fusion, the others shared layers. Results
go to outputs/nonlinear/random.csv, a line for each; problems that are there are not run again. The part of docs/nonlinear.md
between `<!-- random:begin -->` and `<!-- random:end -->` is replaced by what that file says.
"""

import argparse
import csv
import json
import random
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from page import fill, number, share, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "nonlinear.md"
TABLE = ROOT / "outputs" / "nonlinear" / "random.csv"
WORK = ROOT / "target" / "random_nonlinear"

# Settings by depth: standard deviation of the initial weights, tolerance, end of the run.
DEPTHS = {2: (1e-3, 1e-2, 100.0), 3: (2e-2, 1e-1, 400.0)}
COLUMNS = (
    "seed depth fusion_layer bits_A bits_B outcome first t_first t_second ratio predicted_first predicted_t_first predicted_t_second"
    " predicted_ratio linear_first utility_first utility_hidden"
).split()
TIED = 0.05
LATE = 200


def problem(seed):
    draw = random.Random(seed)
    depth = 3 if seed % 2 else 2

    def part():
        return {
            "size": round(10 ** draw.uniform(-0.3, 0.5), 3),
            "linear": round(draw.random(), 3),
            "sigma": round(10 ** draw.uniform(-0.15, 0.15), 3),
            "bits": draw.choice([0, 2, 3]),
        }

    a, b = part(), part()
    is_gaussian = a["bits"] == b["bits"] == 0
    rho = round(draw.uniform(-0.6, 0.6), 3) if is_gaussian else 0.0
    std, rtol, time = DEPTHS[depth]
    fusion = depth if seed < LATE else draw.randint(1, depth - 1)
    return {
        "seed": seed,
        "data": {"additive": {"A": a, "B": b, "rho": rho, "samples": 256}},
        "network": {"depth": depth, "fusion_layer": fusion, "width": 50, "activation": "relu"},
        "init": {"gaussian": {"std": std}},
        "flow": {"rtol": rtol, "max_steps": 30000, "until": {"time": time, "loss_gap": 0.01}},
    }


def larger(values):
    """The name of the larger of two numbers, which are given by name."""
    return max(values, key=values.get)


def run(program, seed):
    """The line of a problem."""
    scenario = problem(seed)
    file = WORK / f"problem{seed}.yaml"
    file.write_text(json.dumps(scenario), encoding="utf-8")
    done = subprocess.run([program, "run", file, "--out", WORK, "--quiet"], capture_output=True, text=True)
    written = WORK / file.stem / "summary.json"
    if not written.exists():
        raise SystemExit(f"problem {seed}: {done.stderr}")
    summary = json.loads(written.read_text(encoding="utf-8"))
    phase, theory = summary["phase"], summary["theory"]
    weights = theory.get("from_weights") or {}
    drives = {m["name"]: m["correlation_norm"] for m in summary["data"]["modalities"]}
    utilities = {u["modality"]: u["utility"] for u in theory.get("utilities") or []}
    parts = scenario["data"]["additive"]
    return {
        "seed": seed,
        **{key: scenario["network"][key] for key in ("depth", "fusion_layer")},
        "bits_A": parts["A"]["bits"],
        "bits_B": parts["B"]["bits"],
        "outcome": summary["flow"]["outcome"],
        **{key: phase[key] for key in ("first", "t_first", "t_second", "ratio")},
        **{f"predicted_{key}": weights.get(key) for key in ("first", "t_first", "t_second", "ratio")},
        "linear_first": larger(drives),
        "utility_first": larger(utilities) if utilities else None,
        # A rectified unit is half of a linear map and half of an even function.
        "utility_hidden": max(1 - drives[m] / (2 * u) for m, u in utilities.items()) if utilities else None,
    }


def load():
    if not TABLE.exists():
        return {}
    with open(TABLE, newline="", encoding="utf-8") as file:
        return {int(row["seed"]): row for row in csv.DictReader(file)}


def go_on(program, count, jobs):
    """Runs what is missing, and writes each line as soon as it is there."""
    for folder in (WORK, TABLE.parent):
        folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in range(count) if seed not in load()]
    is_new = not TABLE.exists()
    with open(TABLE, "a", newline="", encoding="utf-8") as file, ThreadPoolExecutor(jobs) as pool:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        for row in pool.map(lambda seed: run(program, seed), missing):
            writer.writerow(row)
            file.flush()
    rows = [row for _, row in sorted(load().items())]
    with open(TABLE, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def gap(row, key):
    measured, predicted = number(row, key), number(row, f"predicted_{key}")
    return None if None in (measured, predicted) else abs(measured / predicted - 1)


def exactly(flags):
    return share(flags, digits=1)


def is_clear(row):
    """Whether the predicted times differ, or only one modality has one."""
    ratio = number(row, "predicted_ratio")
    return bool(row["predicted_first"]) and (ratio is None or ratio > 1 + TIED)


def line(name, rows):
    clear = [row for row in rows if is_clear(row)]
    both = [gap(row, "ratio") for row in rows if number(row, "ratio") is not None]
    times = [gap(row, "t_first") for row in rows if number(row, "t_first") is not None]
    known = [value for value in both if value is not None]
    within = [value <= 0.05 for value in known]
    return [
        name,
        len(rows),
        exactly(row["first"] == row["predicted_first"] for row in clear),
        exactly(value is not None and value <= 0.05 for value in times),
        exactly(within),
        f"{100 * statistics.median(known):.2f} %, {100 * max(known):.1f} %" if known else "-",
    ]


def groups(rows):
    """The rows of each kind of network, by name."""
    kinds = {}
    for row in rows:
        is_late = row["fusion_layer"] == row["depth"]
        name = f"{'two' if row['depth'] == '2' else 'three'} layers, {'late fusion' if is_late else 'shared layers'}"
        kinds.setdefault(name, []).append(row)
    return kinds


def summary(rows):
    late = [row for row in rows if row["fusion_layer"] == row["depth"]]
    header = ["", "problems", "order right", "t_first within 5 %", "ratio within 5 %", "gap of the ratio: median, largest"]
    lines = [line(name, group) for name, group in [*groups(rows).items(), ("late fusion, both", late)]]
    alone = sum(number(row, "ratio") is None for row in late)
    missed = [row for row in late if (number(row, "ratio") is None) != (number(row, "predicted_ratio") is None)]
    clear = [row for row in late if is_clear(row)]
    shallow = [row for row in clear if row["utility_first"]]
    linear = exactly(row["first"] == row["linear_first"] for row in clear)
    utility = exactly(row["first"] == row["utility_first"] for row in shallow)
    same = exactly(row["first"] == row["linear_first"] for row in shallow)
    return (
        f"{table(header, lines)}\n\n"
        f"\"Order right\" counts problems whose predicted times differ by more than {100 * TIED:.0f} %. Ratios are those of problems of"
        f" which both modalities are learned. Of late fusion, in {alone} problems one or both are not by the end; in {len(missed)} a ratio is"
        f" measured but not predicted, or predicted but not measured. The larger |S_yxm|, by which linear theory goes, is first in {linear} of"
        f" those whose order counts. Of two layers the larger utility is first in {utility}, the larger |S_yxm| in {same}."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=ROOT / "target" / "release" / "modalflow")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    go_on(given.program, given.count, given.jobs)
    fill(PAGE, {"random": summary(list(load().values()))})


if __name__ == "__main__":
    main()
