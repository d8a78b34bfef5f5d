"""Writes the measured tables of docs/nonlinear.md from sweeps of scenarios/nonlinear/sweeps. Run `make nonlinear`.

Everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is replaced by what outputs/nonlinear/*/sweep.csv say;
docs/random_nonlinear.py writes the section of the random problems.
"""

import csv
import statistics
from pathlib import Path

from page import fill, number, share, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "nonlinear.md"
OUTPUTS = ROOT / "outputs" / "nonlinear"
SIGMAS = (1, 2, 3)
SCALES = (1e-2, 1e-3, 1e-5)
DEPTHS = (2, 3, 4)


def rows_of(name):
    with open(OUTPUTS / name / "sweep.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def percent(value):
    return f"{100 * value:.2f} %"


def at(rows, **values):
    """Rows by the values of some axes, the last part of whose path names them."""
    def is_there(row):
        found = {key.rsplit(".", 1)[-1]: value for key, value in row.items() if "." in key or key == "seed"}
        return all(str(found[key]).lower() == str(value).lower() or matches(found[key], value) for key, value in values.items())
    return [row for row in rows if is_there(row)]


def matches(text, value):
    try:
        return float(text) == float(value)
    except ValueError:
        return False


def gaps(rows, part):
    """|measured - predicted|/predicted, largest of the seeds, and how many of them have learned the part."""
    pairs = [(number(row, f"t_{part}_part"), number(row, f"weights_t_{part}_part")) for row in rows]
    known = [abs(measured / predicted - 1) for measured, predicted in pairs if None not in (measured, predicted)]
    missing = len(rows) - len(known)
    return (percent(max(known)) if known else "-") + (f" ({len(known)} of {len(rows)})" if missing else "")


def spacing(rows, sigma, mirror):
    """Largest gap of t_XOR(1e-3) - t_XOR(1e-2) to its prediction."""
    found = []
    for seed in range(1, 6):
        pair = [at(rows, mirror=mirror, sigma=sigma, std=std, seed=seed)[0] for std in (1e-3, 1e-2)]
        measured = number(pair[0], "t_xor_part") - number(pair[1], "t_xor_part")
        predicted = number(pair[0], "weights_t_xor_part") - number(pair[1], "weights_t_xor_part")
        found.append((measured, abs(measured / predicted - 1)))
    return f"{min(f[0] for f in found):.3f} to {max(f[0] for f in found):.3f}, {percent(max(f[1] for f in found))}"


def xor():
    rows, early = rows_of("xor_scale"), rows_of("xor_early_scale")
    kinds = [(f"late, {word}", std, [at(rows, mirror=mirror, std=std, sigma=s) for s in SIGMAS])
             for mirror, word in (("false", "as drawn"), ("true", "mirrored")) for std in SCALES]
    kinds += [("early, as drawn", std, [at(early, std=std, sigma=s) for s in SIGMAS]) for std in SCALES[:2]]
    lines = [[kind, f"{std:.0e}", *(gaps(c, "linear") for c in chosen), *(gaps(c, "xor") for c in chosen)] for kind, std, chosen in kinds]
    header = ["fusion, samples", "std", *(f"linear, σ_A = {s}" for s in SIGMAS), *(f"XOR, σ_A = {s}" for s in SIGMAS)]
    decades = [[word, *(spacing(rows, s, mirror) for s in SIGMAS)] for mirror, word in (("false", "as drawn"), ("true", "mirrored"))]
    return (
        f"{table(header, lines)}\n\nHalf of XOR comes so much later at 1e-3 than at 1e-2 with late fusion (five seeds, and the largest gap to the"
        f" predicted difference):\n\n{table(['samples', *(f'σ_A = {s}' for s in SIGMAS)], decades)}"
    )


def names(rows):
    firsts = [row["first"] or "-" for row in rows]
    return "/".join(sorted(set(firsts)))


def mean_ratio(rows):
    ratios = [number(row, "ratio") for row in rows if row["ratio"]]
    return f"{statistics.mean(ratios):.2f}" if ratios else "-"


def clear_of(rows):
    """Runs whose times differ by more than 5 %, or that learn one modality only."""
    return [row for row in rows if row["first"] and (number(row, "ratio") or 2) > 1.05]


def ratio_gaps(rows):
    return [abs(number(row, "weights_ratio_gap")) for row in rows if row["weights_ratio_gap"]]


def shares_map():
    rows = rows_of("map_shares")
    values = sorted({float(row["data.additive.A.linear"]) for row in rows})
    at_cell = lambda a, b: [r for r in rows if float(r["data.additive.A.linear"]) == a and float(r["data.additive.B.linear"]) == b]
    lines = [[f"{a:g}", *(f"{names(at_cell(a, b))} {mean_ratio(at_cell(a, b))}" for b in values)] for a in values]
    header = ["share of A \\ of B", *(f"{b:g}" for b in values)]
    clear, gap = clear_of(rows), ratio_gaps(rows)
    hidden = [row for row in clear if number(row, "utility_hidden") < 0.5]
    linear = [row for row in clear if row["first"] == row["drive_first"] and row["theory_ratio"] and row["ratio"]]
    near = [row for row in linear if abs(number(row, "ratio") / number(row, "theory_ratio") - 1) <= 0.1]
    most = max((number(row, "utility_hidden") for row in near), default=0)
    below = [row for row in linear if number(row, "utility_hidden") < 0.1]
    return (
        f"{table(header, lines)}\n\n"
        f"The modality of the larger |S_yxm| is first in {share(r['first'] == r['drive_first'] for r in clear)} of the runs whose"
        f" times differ by more than 5 %, the one of the larger utility in {share(r['first'] == r['utility_first'] for r in clear)},"
        f" the one that the weights predict in {share(r['first'] == r['weights_first'] for r in clear)}. Where less than half of a"
        f" utility is hidden, |S_yxm| is right in {share(r['first'] == r['drive_first'] for r in hidden)}. Ratios are within 5 % of"
        f" those from the weights in {share(g <= 0.05 for g in gap)}. They are within 10 % of those of linear theory in {len(near)} of the"
        f" {len(linear)} runs in its order, and in {sum(row in near for row in below)} of the {len(below)} where less than a tenth of any utility is"
        f" hidden (the largest hidden share among the former is {most:.2f})."
    )


def depth_map():
    lines, late, shared = [], [], []
    for depth in DEPTHS:
        rows = rows_of(f"map_depth{depth}")
        values = sorted({float(row["data.additive.B.linear"]) for row in rows})
        for fusion in range(1, depth + 1):
            own = [row for row in rows if int(row["network.fusion_layer"]) == fusion]
            cells = [[r for r in own if float(r["data.additive.B.linear"]) == b] for b in values]
            lines.append([depth, fusion, *(f"{names(cell)} {mean_ratio(cell)}" for cell in cells)])
            (late if fusion == depth else shared).extend(own)
    gap = ratio_gaps(late)
    ratio = f"{len(gap)} of {len(late)} runs of late fusion have a ratio and a prediction of it, which is within {percent(max(gap))}"
    first = [abs(number(row, "t_first") / number(row, "weights_t_first") - 1) for row in shared if row["t_first"] and row["weights_t_first"]]
    return (
        f"{table(['layers', 'fusion layer', *(f'share {b:g}' for b in values)], lines)}\n\n{ratio} (median {percent(statistics.median(gap))})."
        f" Of shared layers {len(first)} of {len(shared)} runs have a first time that is predicted, within {percent(max(first))} (median"
        f" {percent(statistics.median(first))})."
    )


def cells_of(rows, key):
    """The values of an axis in their order, each with its rows."""
    values = sorted({float(row[key]) for row in rows})
    return {value: [row for row in rows if float(row[key]) == value] for value in values}


def bits_map():
    rows = rows_of("map_bits")
    bits, size, linear = (f"data.additive.B.{key}" for key in ("bits", "size", "linear"))
    shares = list(cells_of(rows, linear))
    lines = []
    for count, own in cells_of(rows, bits).items():
        for power, same in cells_of(own, size).items():
            cells = cells_of(same, linear).values()
            lines.append([f"{count:g}", f"{power:g}", *(f"{names(cell)} {mean_ratio(cell)}" for cell in cells)])
    clear = clear_of(rows)
    judged = [
        f"{count:g} bits: |S_yxm| {share(r['first'] == r['drive_first'] for r in own)}, utilities"
        f" {share(r['first'] == r['utility_first'] for r in own)}, weights {share(r['first'] == r['weights_first'] for r in own)}"
        for count, own in cells_of(clear, bits).items()
    ]
    gap = ratio_gaps(rows)
    return (
        f"{table(['bits', 'size of B', *(f'share {value:g}' for value in shares)], lines)}\n\n"
        f"First modality right: {'; '.join(judged)}. {len(gap)} ratios are within {percent(max(gap))} of those from the weights (median"
        f" {percent(statistics.median(gap))})."
    )


def product_map():
    rows = rows_of("map_product")
    fusion, weight, rho = "network.fusion_layer", "data.additive.product", "data.additive.rho"
    lines = []
    for layer, own in cells_of(rows, fusion).items():
        for p, same in cells_of(own, weight).items():
            left = [number(row, "final_loss") / (0.5 * p * p) for row in same if p > 0]
            cells = cells_of(same, rho).values()
            lines.append([
                "early" if layer == 1 else "late", f"{p:g}", *(f"{names(cell)} {mean_ratio(cell)}" for cell in cells),
                f"{min(left):.2f} to {max(left):.2f}" if left else "-",
            ])
    clear, gap = clear_of(rows), ratio_gaps(rows)
    header = ["fusion", "p", *(f"ρ = {value:g}" for value in cells_of(rows, rho)), "loss at the end over p²/2"]
    return (
        f"{table(header, lines)}\n\nThe modality that the weights predict is first in {share(r['first'] == r['weights_first'] for r in clear)}"
        f" of the runs whose times differ by more than 5 %, and {share(g <= 0.05 for g in gap)} of the ratios are within 5 %."
    )


if __name__ == "__main__":
    fill(PAGE, {"xor": xor(), "shares": shares_map(), "depths": depth_map(), "bits": bits_map(), "products": product_map()})
