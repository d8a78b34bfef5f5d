"""Writes the measured tables of docs/remedies.md from the sweeps of the remedies. Run `make figures` first.

Everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is replaced by what outputs/remedies/NAME/sweep.csv says.
"""

import csv
import statistics
from pathlib import Path

from page import fill, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "remedies.md"
OUTPUTS = ROOT / "outputs" / "remedies"

# The sweep, its axis and what that is called.
LINEAR = {
    "rate": ("remedy.rate.B", "c_B"),
    "auxiliary": ("remedy.auxiliary.B", "λ_B"),
    "keep": ("remedy.keep.A", "q_A"),
    "equal_auxiliary": ("remedy.auxiliary.B", "λ"),
    "equal_keep": ("remedy.keep.B", "q"),
    "weight_decay": ("flow.weight_decay", "μ"),
}
RECTIFIED = {
    "relu_rate": ("remedy.rate.B", "c_B"),
    "relu_auxiliary": ("remedy.auxiliary.B", "λ_B"),
    "relu_keep": ("remedy.keep.A", "q_A"),
    "relu_modulate": ("remedy.modulate.alpha", "α"),
}


def rows_of(name):
    with open(OUTPUTS / name / "sweep.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def grouped(rows, *keys):
    """Rows by the values of some columns, in the order of the file."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def mean(rows, key):
    values = [float(row[key]) for row in rows if row[key]]
    return f"{statistics.mean(values):.3f}" if values else "-"


def first(rows):
    return "/".join(sorted({row["first"] or "-" for row in rows}))


def by_strength(rows, path, header, words):
    """A line for each strength, the first column, and a column for each correlation; `words` are those of its rows."""
    correlations = list(dict.fromkeys(row["data.toy.rho"] for row in rows))
    cells = grouped(rows, path, "data.toy.rho")
    lines = []
    for strength in dict.fromkeys(row[path] for row in rows):
        lines.append([strength, *(words(cells[(strength, rho)]) for rho in correlations)])
    symbol, names = header
    return table([symbol] + [f"ρ = {rho}: {names}" for rho in correlations], lines)


def linear(name):
    path, symbol = LINEAR[name]
    return by_strength(
        rows_of(name),
        path,
        (symbol, "first, ratio, formula"),
        lambda cell: f"{first(cell)}, {mean(cell, 'ratio')}, {mean(cell, 'theory_ratio')}",
    )


def modulate():
    rows = rows_of("modulate")
    for row in rows:
        for of in ("", "weights_"):
            row[f"{of}t_B"] = row[f"{of}t_first"] if row[f"{of}first"] == "B" else row[f"{of}t_second"]
    return by_strength(
        rows,
        "remedy.modulate.alpha",
        ("α", "first, ratio, from weights, t_B, from weights"),
        lambda cell: ", ".join([first(cell)] + [mean(cell, key) for key in ("ratio", "weights_ratio", "t_B", "weights_t_B")]),
    )


def critical_period():
    return by_strength(
        rows_of("critical_period"),
        "remedy.schedule.0.until",
        ("absent until", "t_B, from weights, share of B"),
        lambda cell: f"{mean(cell, 't_second')}, {mean(cell, 'weights_t_second')}, {mean(cell, 'least_share')}",
    )


def staged(name, path, symbol):
    return by_strength(
        rows_of(name),
        path,
        (symbol, "first, t_first, t_second, ratio"),
        lambda cell: f"{first(cell)}, {mean(cell, 't_first')}, {mean(cell, 't_second')}, {mean(cell, 'ratio')}",
    )


def whiten():
    keys = ["first", "ratio", "theory_ratio", "weights_ratio"]
    lines = []
    for (is_whitened,), rows in grouped(rows_of("whiten"), "data.table.whiten").items():
        inputs = "whitened" if is_whitened == "true" else "standardised"
        lines.append([inputs, first(rows)] + [mean(rows, key) for key in keys[1:]])
    return table(["inputs", *(key.replace("_", " ") for key in keys)], lines)


def rectified(name):
    path, symbol = RECTIFIED[name]

    def words(cell):
        units = grouped(cell, "network.activation")
        pair = [units[(kind,)] for kind in ("linear", "relu")]
        return ", ".join(f"{first(rows)} {mean(rows, 'ratio')}" for rows in pair)

    return by_strength(rows_of(name), path, (symbol, "linear, relu"), words)


def main():
    sections = {name: linear(name) for name in LINEAR}
    sections |= {name: rectified(name) for name in RECTIFIED}
    sections["modulate"] = modulate()
    sections["critical_period"] = critical_period()
    sections["pretraining"] = staged("pretraining", "remedy.schedule.0.until", "A frozen until")
    sections["alternating"] = staged("alternating", "init.gaussian.std", "std")
    sections["whiten"] = whiten()
    fill(PAGE, sections)
    print(f"docs/remedies.md: {len(sections)} tables")


if __name__ == "__main__":
    main()
