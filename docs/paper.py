"""Writes the measured numbers of docs/paper.md from the summaries of the sweeps.

Everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is replaced by what
outputs/paper/NAME/summary.json and sweep.csv say. Run `make figures` first.
"""

import csv
import json
import math
import re
import statistics
from pathlib import Path

from page import fill, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "paper.md"
OUTPUTS = ROOT / "outputs" / "paper"

KEYS = {
    "data.toy.rho": "ρ",
    "data.toy.sigma.A": "σ_A",
    "network.fusion_layer": "Lf",
    "network.depth": "L",
    "init.gaussian.std": "std",
    "init.gaussian_norm.norm": "u0",
    "init.aligned.norm": "u0",
    "init.lambda_balanced.lambda.B": "λ_B",
    "data.wishart.outputs": "outputs",
    "network.private_layers.A": "layers of A",
    "network.private_layers.B": "layers of B",
    "data.isotropic.samples": "P",
    "flow.until.time": "T",
}


def percent(gap):
    return "-" if gap is None else f"{100 * gap:.3g} %"


def number(value):
    return f"{value:.4g}"


def rows_of(name):
    with open(OUTPUTS / name / "sweep.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def place(values):
    values = {path: value for path, value in values.items() if path != "repeat"}
    return ", ".join(f"{KEYS.get(path, path)} = {value}" for path, value in values.items()) or "-"


def gaps(summary):
    """Runs against theory: how far, and where most."""
    rows = [
        [
            f"`{gap['quantity']}`",
            str(gap["compared"]),
            percent(gap["mean"]),
            percent(gap["largest"]),
            place(gap["at"]),
        ]
        for gap in summary["gaps"]
    ]
    return table(["quantity", "runs", "mean gap", "largest gap", "at"], rows)


def grouped(name, keys, columns):
    """Mean, least and greatest of columns over everything but the keys."""
    groups = {}
    for row in rows_of(name):
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    out = []
    for values, rows in groups.items():
        cells = list(values)
        for column in columns:
            found = [float(row[column]) for row in rows if row[column]]
            if not found:
                cells.append("-")
            elif max(found) - min(found) < 5e-5 * abs(max(found)):
                cells.append(number(statistics.fmean(found)))
            else:
                cells.append(f"{number(statistics.fmean(found))} ({number(min(found))} to {number(max(found))})")
        out.append(cells)
    return table([KEYS.get(key, key) for key in keys] + [f"`{column}`" for column in columns], out)


def two_layer():
    """Mean over the repeats, as theory is the mean's leading order."""
    worst = {}
    for row in rows_of("two_layer"):
        if row["ratio"] and row["theory_ratio"] and float(row["data.toy.sigma.A"]) > 1:
            key = (row["data.toy.sigma.A"], row["data.toy.rho"])
            worst.setdefault(key, []).append(float(row["ratio"]) / float(row["theory_ratio"]) - 1)
    means = {key: statistics.fmean(values) for key, values in worst.items()}
    inner = max((abs(mean), key) for key, mean in means.items() if abs(float(key[1])) <= 0.6)
    outer = max((abs(mean), key) for key, mean in means.items())
    text = "Largest gap of the ratio's mean over the repeats: {} for |ρ| ≤ 0.6 (σ_A = {}, ρ = {}), {} over all (σ_A = {}, ρ = {})."
    return text.format(percent(inner[0]), *inner[1], percent(outer[0]), *outer[1])


def boundary():
    """The smallest initial scale from which on half of the ratios are so far off theory."""
    groups = {}
    for row in rows_of("rich_to_lazy"):
        # Where no second modality is learned later, or another one first, there is no gap: off as well.
        gap = abs(float(row["ratio_gap"])) if row["ratio_gap"] else math.inf
        key = (float(row["data.toy.sigma.A"]), float(row["init.gaussian.std"]))
        groups.setdefault(key, []).append(gap)
    out = []
    for sigma in sorted({key[0] for key in groups}):
        scales = sorted(key[1] for key in groups if key[0] == sigma)
        cells = [number(sigma)]
        for limit in (0.05, 0.1, 0.25):
            def is_off(std):
                return statistics.median(groups[sigma, std]) >= limit
            beyond = [std for i, std in enumerate(scales) if all(is_off(later) for later in scales[i:])]
            if beyond:
                gaps = groups[sigma, beyond[0]]
                compared = sum(math.isfinite(gap) for gap in gaps)
                cells.append(f"{beyond[0]:.1e} ({compared} of {len(gaps)})")
            else:
                cells.append("-")
        out.append(cells)
    header = ["σ_A"] + [f"{limit} % off from std (runs with a gap)" for limit in (5, 10, 25)]
    return table(header, out)


def end_of_the_phase():
    """Where A and B are learned at the same time, between the values of λ_B, measured and by the actual weights."""
    rows = rows_of("rich_to_lazy_lambda")
    out = []
    for sigma in dict.fromkeys(row["data.toy.sigma.A"] for row in rows):
        own = [row for row in rows if row["data.toy.sigma.A"] == sigma and row["ratio"]]
        cells = [sigma]
        for first, ratio in (("first", "ratio"), ("weights_first", "weights_ratio")):
            # ln(t_B/t_A) against ln λ_B
            curve = [
                (math.log(float(row["init.lambda_balanced.lambda.B"])), math.log(float(row[ratio])) * (1 if row[first] == "A" else -1))
                for row in own
            ]
            ends = next(pair for pair in zip(curve, curve[1:]) if pair[0][1] > 0 >= pair[1][1])
            (x, y), (later, below) = ends
            cells.append(f"{math.exp(x + (later - x) * y / (y - below)):.3e}")
        gaps = [abs(float(row["weights_ratio_gap"])) for row in own if row["weights_ratio_gap"]]
        cells += [f"{number(float(own[0]['ratio']))}", f"{len(gaps)} of {len(own)}", f"{max(gaps):.1e}"]
        out.append(cells)
    header = ["σ_A", "the phase ends at λ_B", "from the actual weights", "ratio at the least λ_B", "runs with a gap to it", "largest"]
    return table(header, out)


def random_data():
    """Sizes of the gaps for each initial scale, and the runs of another sign."""
    rows = rows_of("random_data")
    out = []
    for std in dict.fromkeys(row["init.gaussian.std"] for row in rows):
        own = [row for row in rows if row["init.gaussian.std"] == std]
        for quantity in ("ratio", "misattribution"):
            gaps = {
                row["seed"]: abs(float(row[quantity]) / float(row[f"theory_{quantity}"]) - 1)
                for row in own
                if row[quantity] and row[f"theory_{quantity}"] and row["first"] == row["theory_first"]
            }
            signs = [
                row["seed"]
                for row in own
                if row["seed"] in gaps and float(row[quantity]) * float(row[f"theory_{quantity}"]) < 0
            ]
            out.append([
                std,
                f"`{quantity}`",
                str(len(gaps)),
                percent(statistics.median(gaps.values())),
                percent(max(gaps.values())),
                str(sum(gap >= 0.1 for gap in gaps.values())),
                ", ".join(signs) or "-",
            ])
    header = ["std", "quantity", "runs", "median gap", "largest gap", "10 % off or more", "of the other sign (seeds)"]
    return table(header, out)


def few_samples():
    rows = rows_of("few_samples")
    late = [row for row in rows if row["data.isotropic.samples"] == "70" and row["network.fusion_layer"] == "2"]
    early = {row["seed"]: row for row in rows if row["data.isotropic.samples"] == "70" and row["network.fusion_layer"] == "1"}
    lower = sum(float(early[row["seed"]]["final_generalisation"]) < float(row["final_generalisation"]) for row in late)
    biased = sum(row["permanent_bias"] == "biased" for row in late)
    early_biased = sum(row["permanent_bias"] == "biased" for row in early.values())
    columns = ["t_first_minimum", "first_minimum", "final_generalisation", "least_norm_generalisation", "bias_ratio"]
    text = grouped("few_samples", ["data.isotropic.samples", "network.fusion_layer"], columns)
    return (
        f"{text}\n\nP = 70: early fusion ends lower than late fusion of the same seed in {lower} of {len(late)} seeds; "
        f"permanent bias in {biased} of {len(late)} runs of late fusion and in {early_biased} of {len(early)} of early fusion."
    )


def scale(name):
    """Over fusion layer and initial norm at 70 samples, and over the samples at one small norm."""
    columns = ["t_first_minimum", "first_minimum", "final_generalisation", "bias_ratio"]
    tables = []
    for keys, fixed in (
        (["network.fusion_layer", "init.gaussian_norm.norm"], ("data.isotropic.samples", "70")),
        (["network.fusion_layer", "data.isotropic.samples"], ("init.gaussian_norm.norm", SMALL_NORM)),
    ):
        rows = [row for row in rows_of(name) if row[fixed[0]] == fixed[1]]
        groups = {}
        for row in rows:
            groups.setdefault(tuple(row[key] for key in keys), []).append(row)
        out = []
        for values, own in groups.items():
            means = [mean(float(row[column]) for row in own if row[column]) for column in columns]
            biased = sum(row["permanent_bias"] == "biased" for row in own)
            out.append(list(values) + means + [f"{biased} of {len(own)}"])
        header = [KEYS[key] for key in keys] + [f"`{column}`" for column in columns] + ["biased for ever"]
        tables.append(f"{KEYS[fixed[0]]} = {fixed[1]}:\n\n" + table(header, out))
    return "\n\n".join(tables)


# A norm that is small for each depth, and that all three sweeps have.
SMALL_NORM = "0.01"


def mean(values):
    values = list(values)
    return number(statistics.fmean(values)) if values else "-"


def few_samples_runs(samples):
    """Runs of all depths with intermediate or late fusion, beside early fusion of the same weights' scale and seed."""
    runs = []
    for depth in (2, 3, 4):
        rows = [row for row in rows_of(f"few_samples_depth{depth}") if row["data.isotropic.samples"] == samples]
        keys = ("init.gaussian_norm.norm", "seed")
        early = {tuple(row[key] for key in keys): row for row in rows if row["network.fusion_layer"] == "1"}
        for row in rows:
            if row["network.fusion_layer"] == "1":
                continue
            beside = early[tuple(row[key] for key in keys)]
            times = [row["weights_t_first"], row["weights_t_second"]]
            runs.append({
                "depth": depth,
                "first": row["first"],
                "gap": float(row["weights_ratio_gap"]) if row["weights_ratio_gap"] else None,
                "is_small": bool(row["weights_neglected"]) and float(row["weights_neglected"]) < 0.1,
                "times": [float(time) for time in times] if all(times) else None,
                "minimum": float(row["t_first_minimum"]) if row["t_first_minimum"] else None,
                "is_least": row["first_minimum"] == row["least_generalisation"],
                "bias": float(row["bias_ratio"]) / float(beside["bias_ratio"]),
                "error": float(row["final_generalisation"]) / float(beside["final_generalisation"]),
            })
    return runs


PHASES = (0, 1, 2, 4, 8, 16, 64, math.inf)


def phase(run):
    """The predicted length of the unimodal phase."""
    return run["times"][1] - run["times"][0]


def is_known(run):
    """Whether theory has times for a run that learned A first, as these times take it."""
    return run["times"] and run["first"] == "A"


def by_phase(runs, cells):
    """A row for each range of the predicted length of the unimodal phase, and one for the other runs."""
    known = [run for run in runs if is_known(run)]
    rows = []
    for low, high in zip(PHASES, PHASES[1:]):
        own = [run for run in known if low <= phase(run) < high]
        rows.append([f"{low} to {high}" if high < math.inf else f"from {low}"] + cells(own))
    others = [run for run in runs if not is_known(run)]
    return rows + [["no times, or B first"] + cells(others)]


def counted(runs, key):
    return f"{mean(run[key] for run in runs)} ({len(runs)})" if runs else "-"


def stopping(runs):
    """Where the first minimum of the generalisation error is."""
    found = [run for run in runs if run["minimum"] is not None and is_known(run)]
    before = [run["minimum"] - run["times"][0] for run in found if run["minimum"] < run["times"][1]]
    after = [run["minimum"] - run["times"][1] for run in found if run["minimum"] >= run["times"][1]]
    least = sum(run["is_least"] for run in found)
    return [f"{len(before)} of {len(found)}", mean(before), mean(after), f"{least} of {len(found)}"] if found else ["-"] * 4


def few_samples_schedule():
    """What the predicted times explain of bias and early stopping."""
    few, enough, many = few_samples_runs("70"), few_samples_runs("140"), few_samples_runs("700")
    depths = [[run for run in few if run["depth"] == depth] for depth in (2, 3, 4)]
    tables = [by_phase(own, lambda runs: [counted(runs, "bias")]) for own in (*depths, enough, many)]
    rows = [[columns[0][0]] + [column[1] for column in columns] for columns in zip(*tables)]
    header = ["t₂ − t₁", "P = 70, L = 2", "P = 70, L = 3", "P = 70, L = 4", "P = 140", "P = 700"]
    bias = table(header, rows)
    header = ["t₂ − t₁", "runs", "minimum before t₂", "its time − t₁", "time − t₂ of the others", "the least of the run"]
    rows = by_phase(few, lambda runs: [str(len(runs)), *stopping(runs), mean(run["error"] for run in runs)])
    times = table(header + ["final error over early fusion's"], rows)
    text = "P = 70, where the first minimum of the generalisation error is:"
    return f"{bias}\n\n{text}\n\n{times}\n\n{schedule_facts(few, enough + many)}"


def schedule_facts(few, more):
    """How far the predicted times hold, and how many runs have none."""
    known = [run for run in few if is_known(run)]
    gaps = [abs(run["gap"]) for run in few if run["gap"] is not None and run["is_small"]]
    as_many = few_samples_runs("50")
    runs = few + more + as_many
    return (
        f"P = 70: rank correlation of predicted length and share {correlation(known):.2f} ({len(known)} runs); gap of "
        f"the ratio from the weights where `weights_neglected` is below 0.1: median {percent(statistics.median(gaps))}, "
        f"largest {percent(max(gaps))} ({len(gaps)} runs). No predicted times in "
        f"{sum(not run['times'] for run in as_many)} of {len(as_many)} runs with P = 50 and in "
        f"{sum(not run['times'] for run in few + more)} of {len(few + more)} with more samples. B is first in "
        f"{sum(run['first'] == 'B' for run in runs)} of all {len(runs)} runs of intermediate and late fusion."
    )


def correlation(runs):
    """Spearman's, of the predicted length of the phase and the share."""

    def ranks(values):
        order = sorted(range(len(values)), key=values.__getitem__)
        return [place for _, place in sorted(zip(order, range(len(order))))]

    return statistics.correlation(ranks([phase(run) for run in runs]), ranks([run["bias"] for run in runs]))


EXTRA = {
    "two_layer": two_layer,
    "initial_scale": lambda: grouped("initial_scale", ["data.toy.rho", "init.gaussian.std"], ["ratio", "ratio_gap"]),
    "rich_to_lazy": boundary,
    "rich_to_lazy_lambda": end_of_the_phase,
    "random_data": random_data,
    "few_samples": few_samples,
    "few_samples_depth2": lambda: scale("few_samples_depth2"),
    "few_samples_depth3": lambda: scale("few_samples_depth3"),
    "few_samples_depth4": lambda: scale("few_samples_depth4"),
    "few_samples_longer": lambda: grouped(
        "few_samples_longer", ["network.fusion_layer", "flow.until.time"], ["bias_ratio", "final_generalisation"]
    ),
    "unequal_depths": lambda: grouped(
        "unequal_depths",
        ["network.private_layers.A", "network.private_layers.B"],
        ["t_first", "t_second", "ratio"],
    ),
    "depth4_aligned": lambda: grouped(
        "depth4_aligned", ["network.fusion_layer", "init.aligned.norm"], ["ratio", "theory_ratio", "ratio_gap"]
    ),
}


# Sections about several sweeps.
ACROSS = {"few_samples_schedule": few_samples_schedule}


def section(name):
    if name in ACROSS:
        return ACROSS[name]()
    summary = json.loads((OUTPUTS / name / "summary.json").read_text(encoding="utf-8"))
    first = summary["first"]
    parts = [f"{summary['cells']} runs."]
    if first["compared"]:
        parts[0] += f" The modality learned first is the predicted one in {first['agree']} of {first['compared']}."
    if summary["gaps"]:
        parts.append(gaps(summary))
    if name in EXTRA:
        parts.append(EXTRA[name]())
    return "\n\n".join(parts)


def main():
    names = re.findall(r"<!-- (\w+):begin -->", PAGE.read_text(encoding="utf-8"))
    fill(PAGE, {name: section(name) for name in names})
    print(f"docs/paper.md: {len(names)} sections")


if __name__ == "__main__":
    main()
