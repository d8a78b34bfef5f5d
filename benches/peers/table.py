"""The measured table, in Markdown."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from moments import Measurement

MARKERS = ("<!-- peers:begin -->", "<!-- peers:end -->")


@dataclass(frozen=True)
class Row:
    """A tool at its best setting for one error that was asked for."""

    tool: str
    target: float
    error: float
    measurement: Measurement

    @property
    def is_modalflow(self) -> bool:
        """Whether the others are set against this one."""
        return self.tool.startswith("modalflow")


def duration(seconds: float | None) -> str:
    """Three digits, in seconds or milliseconds."""
    if seconds is None:
        return "-"
    return f"{seconds:.3g} s" if seconds >= 1.0 else f"{1e3 * seconds:.3g} ms"


def ratio(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:,.3g}" if value < 1e3 else f"{value:,.0f}"


def table_rows(rows: list[Row]) -> list[str]:
    """One line a tool; ratios are to the fastest of modalflow's methods."""
    fastest = min(r.measurement.seconds for r in rows if r.is_modalflow)
    lines = [
        "| tool | tolerance or learning rate | error | gradients | time | with start-up | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        m = row.measurement
        cells = [
            row.tool,
            f"{m.setting:.2g}",
            f"{row.error:.1e}",
            f"{m.evaluations:,}",
            duration(m.seconds),
            duration(m.cold_seconds),
            ratio(m.seconds / fastest),
        ]
        if m.timed_evaluations is not None:
            cells[4] += f" (extrapolated from {m.timed_evaluations:,} of the steps)"
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def case_section(name: str, description: str, reference: float, rows: list[Row]) -> list[str]:
    """One table for each error asked for."""
    lines = [f"### {name}", "", f"{description}; t_B = {reference:.8g}.", ""]
    for target in sorted({row.target for row in rows}, reverse=True):
        lines += [f"Relative error of t_B at most {target:g}:", ""]
        lines += [*table_rows([row for row in rows if row.target == target]), ""]
    return lines


def conditions(modalflow: str) -> str:
    """What was measured with, and on what kind of machine."""
    names = ["torch", "scipy", "numpy", "diffrax", "jax"]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"Measured on {os.cpu_count()} cores ({platform.machine()}, {platform.system()}) with "
        f"{modalflow}, Python {platform.python_version()}, {versions}."
    )


def write_between_markers(page: Path, text: str) -> None:
    """Replaces what stands between the markers of the page."""
    content = page.read_text()
    before, rest = content.split(MARKERS[0])
    after = rest.split(MARKERS[1])[1]
    page.write_text(f"{before}{MARKERS[0]}\n\n{text}\n{MARKERS[1]}{after}")
