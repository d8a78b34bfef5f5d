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
    "modulate": ("remedy.modulate.alpha", "α"),
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


def linear(name):
    """Measured time ratio, formula and first modality over the strength, a group of columns for each correlation."""
    path, symbol = LINEAR[name]
    rows = rows_of(name)
    correlations = list(dict.fromkeys(row["data.toy.rho"] for row in rows))
    cells = grouped(rows, path, "data.toy.rho")
    header = [symbol] + [f"ρ = {rho}: first, ratio, formula" for rho in correlations]
    lines = []
    for strength in dict.fromkeys(row[path] for row in rows):
        line = [strength]
        for rho in correlations:
            cell = cells[(strength, rho)]
            line.append(f"{first(cell)}, {mean(cell, 'ratio')}, {mean(cell, 'theory_ratio')}")
        lines.append(line)
    return table(header, lines)


def rectified(name):
    """Measured time ratios of both kinds of units over the strength."""
    path, symbol = RECTIFIED[name]
    rows = rows_of(name)
    cells = grouped(rows, path, "data.toy.rho", "network.activation")
    correlations = list(dict.fromkeys(row["data.toy.rho"] for row in rows))
    header = [symbol] + [f"ρ = {rho}: linear, relu" for rho in correlations]
    lines = []
    for strength in dict.fromkeys(row[path] for row in rows):
        line = [strength]
        for rho in correlations:
            pair = [cells[(strength, rho, units)] for units in ("linear", "relu")]
            line.append(", ".join(f"{first(cell)} {mean(cell, 'ratio')}" for cell in pair))
        lines.append(line)
    return table(header, lines)


def main():
    sections = {name: linear(name) for name in LINEAR if (OUTPUTS / name).is_dir()}
    sections |= {name: rectified(name) for name in RECTIFIED if (OUTPUTS / name).is_dir()}
    fill(PAGE, sections)
    print(f"docs/remedies.md: {len(sections)} tables")


if __name__ == "__main__":
    main()
