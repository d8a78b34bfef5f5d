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


def modulate():
    """First modality, time ratio and the time of B over the strength, for each correlation."""
    rows = rows_of("modulate")
    for row in rows:
        row["t_B"] = row["t_first"] if row["first"] == "B" else row["t_second"]
    correlations = list(dict.fromkeys(row["data.toy.rho"] for row in rows))
    cells = grouped(rows, "remedy.modulate.alpha", "data.toy.rho")
    lines = []
    for alpha in dict.fromkeys(row["remedy.modulate.alpha"] for row in rows):
        line = [cells[(alpha, rho)] for rho in correlations]
        line = [f"{first(cell)}, {mean(cell, 'ratio')}, {mean(cell, 't_B')}" for cell in line]
        lines.append([alpha, *line])
    return table(["α"] + [f"ρ = {rho}: first, ratio, t_B" for rho in correlations], lines)


def critical_period():
    """Time of the second modality and final loss over the end of its absence, for each correlation."""
    rows = rows_of("critical_period")
    correlations = list(dict.fromkeys(row["data.toy.rho"] for row in rows))
    cells = grouped(rows, "remedy.schedule.0.until", "data.toy.rho")
    lines = []
    for end in dict.fromkeys(row["remedy.schedule.0.until"] for row in rows):
        pairs = [cells[(end, rho)] for rho in correlations]
        pairs = [f"{mean(cell, 't_second')}, {mean(cell, 'final_loss')}" for cell in pairs]
        lines.append([end, *pairs])
    return table(["absent until"] + [f"ρ = {rho}: t_B, loss" for rho in correlations], lines)


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
    sections = {name: linear(name) for name in LINEAR}
    sections |= {name: rectified(name) for name in RECTIFIED}
    sections["modulate"] = modulate()
    sections["critical_period"] = critical_period()
    fill(PAGE, sections)
    print(f"docs/remedies.md: {len(sections)} tables")


if __name__ == "__main__":
    main()
