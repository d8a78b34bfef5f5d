"""What the Python package costs beside the library's own time.

Prints medians, each pair measured in turns in one run:

    make python && target/python/bin/python python/benches/speed.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import modalflow as mf

FILE = Path(__file__).resolve().parents[2] / "scenarios" / "late_fusion.yaml"
#: A network of the smallest width has next to nothing to compute: the rest of a call is the call.
SMALLEST = {"network.width": 1}
ROUNDS, CALLS = 51, 2000


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(*works: Callable[[], object]) -> list[float]:
    times = [[seconds(work) for work in works] for _ in range(ROUNDS)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def interpreter(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def calls(problem: mf.Problem) -> Callable[[], object]:
    w, out = problem.weights, np.empty(len(problem))

    def work() -> None:
        for _ in range(CALLS):
            problem.rate(w, out)

    return work


def main() -> None:
    works = map(interpreter, ("pass", "import numpy", "import modalflow"))
    empty, *imports = medians(*works)
    for name, whole in zip(("numpy", "modalflow"), imports, strict=True):
        print(f"import {name}: {1e3 * (whole - empty):.0f} ms")
    scenario = mf.Scenario(FILE)
    whole, own = medians(lambda: mf.run(FILE), lambda: scenario._core.run(None))
    print(f"mf.run of late_fusion: {1e3 * whole:.2f} ms, the library {1e3 * own:.2f} ms")
    problems = mf.Problem(FILE), mf.Problem(FILE, set=SMALLEST)
    for width, whole in zip((100, 1), medians(*map(calls, problems)), strict=True):
        print(f"problem.rate at width {width}: {1e6 * whole / CALLS:.2f} us")


if __name__ == "__main__":
    main()
