"""Compares modalflow with PyTorch, SciPy and diffrax at equal achieved error.

`make peers` runs this; see README.md beside this file.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from functools import cache, partial

from moments import Measurement
from table import Row, case_section, conditions, write_between_markers
from tools import (
    MODALFLOW,
    ROOT,
    Failure,
    Problem,
    descent_time,
    modalflow_methods,
    output,
    prepare,
    run_diffrax,
    run_modalflow,
    run_scipy,
    run_torch,
)

CASES = ["late_fusion", "deep_late_fusion"]
PAGE = ROOT / "docs" / "performance.md"

# Relative errors of the half-height time that are asked for. Gradient descent is Euler's method:
# of first order, it gets no further than the first in reasonable time.
DESCENT_ERROR = 1e-3
SOLVER_ERROR = 1e-5
# The two references must agree far better than what they judge.
REFERENCE_ERROR = 1e-8
REFERENCE_TOLERANCE = 1e-12
# The learning rate leaves the rest of the error to the round-off of single precision.
RATE_MARGIN = 0.95

TOLERANCES = [10.0**-k for k in range(2, 12)]
RATES = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005]

# From a relative tolerance and a number of repeats.
Solver = Callable[[float, int], Measurement]


def relative_error(t_second: float | None, reference: float) -> float:
    """Infinite where the time was not reached."""
    return math.inf if t_second is None else abs(t_second / reference - 1.0)


def best_setting(solve: Solver, target: float, reference: float) -> Measurement | None:
    """The loosest tolerance that meets the target together with the next tighter one.

    A lucky error at a single tolerance is not taken. Of the two the faster is given back: near the
    limit of stability the looser one may be slower.
    """
    before = None
    for tolerance in TOLERANCES:
        measurement = solve(tolerance, 1)
        meets = relative_error(measurement.t_second, reference) <= target
        if meets and before is not None:
            return min(before, measurement, key=lambda m: m.seconds)
        before = measurement if meets else None
    return None


def measure_solver(tool: str, solvers: list[Solver], target: float, reference: float) -> Row:
    """A tool at its best setting, timed over repeats; of its variants the fastest."""
    found = best_setting(solvers[0], target, reference)
    if found is None:
        raise Failure(f"{tool} does not reach a relative error of {target:g}")
    repeats = 20 if found.seconds < 0.1 else 3
    best = min((solve(found.setting, repeats) for solve in solvers), key=lambda m: m.seconds)
    error = relative_error(best.t_second, reference)
    if error > target:
        raise Failure(f"{tool} is off by {error:.1e} at its best setting")
    return Row(tool, target, error, best)


def largest_rate(problem: Problem, reference: float) -> float:
    """The largest learning rate that meets DESCENT_ERROR, by descent on the moments."""

    def meets(rate: float) -> bool:
        error = relative_error(descent_time(problem, rate), reference)
        return error <= RATE_MARGIN * DESCENT_ERROR

    passing = next((i for i, rate in enumerate(RATES) if meets(rate)), None)
    if passing is None:
        raise Failure(f"no learning rate meets a relative error of {DESCENT_ERROR:g}")
    rate, above = RATES[passing], RATES[max(passing - 1, 0)]
    for _ in range(5):
        middle = math.sqrt(rate * above)
        rate, above = (middle, above) if meets(middle) else (rate, middle)
    return rate


def measure_torch(problem: Problem, reference: float) -> list[Row]:
    """Single precision, the practice, and double precision."""
    rate = largest_rate(problem, reference)
    rows = []
    for dtype in ["float32", "float64"]:
        measurement = run_torch(problem, rate, dtype)
        t_second = measurement.t_second
        if measurement.timed_evaluations is not None:
            # The steps that were done were checked to be those of descent on the moments.
            t_second = descent_time(problem, rate)
        error = relative_error(t_second, reference)
        if error > DESCENT_ERROR:
            raise Failure(f"PyTorch {dtype} is off by {error:.1e}")
        rows.append(Row(f"PyTorch SGD, {dtype}", DESCENT_ERROR, error, measurement))
    return rows


def references(problem: Problem, modalflow: float | None) -> float:
    """SciPy's time at a tight tolerance, which modalflow's must agree with."""
    scipy = run_scipy(problem, REFERENCE_TOLERANCE, 1).t_second
    if scipy is None or relative_error(modalflow, scipy) > REFERENCE_ERROR:
        raise Failure(f"references differ: SciPy {scipy}, modalflow {modalflow}")
    return scipy


def measure_case(name: str) -> list[str]:
    """All tools on one case; gives back its section of the page."""
    problem, modalflow = prepare(name, REFERENCE_TOLERANCE)
    reference = references(problem, modalflow)
    rows: list[Row] = []

    def add(*measured: Row) -> None:
        for row in measured:
            seconds = row.measurement.seconds
            print(f"  {row.tool}: {seconds:.3g} s at {row.error:.1e}", file=sys.stderr)
            rows.append(row)

    print(name, file=sys.stderr)
    for method in modalflow_methods(problem.scenario):
        solve = cache(partial(run_modalflow, problem, method=method))
        for target in [DESCENT_ERROR, SOLVER_ERROR]:
            add(measure_solver(f"modalflow, {method}", [solve], target, reference))
    scipy = partial(run_scipy, problem)
    add(measure_solver("SciPy DOP853", [scipy], SOLVER_ERROR, reference))
    diffrax = [partial(run_diffrax, problem, layout=layout) for layout in ["layers", "vector"]]
    add(measure_solver("diffrax Tsit5", diffrax, SOLVER_ERROR, reference))
    add(*measure_torch(problem, reference))
    return case_section(name, problem.description, reference, rows)


def main() -> None:
    start = time.perf_counter()
    if os.getloadavg()[0] > 0.5:
        print("warning: the machine is busy; wait for it to be idle", file=sys.stderr)
    lines = [conditions(output([str(MODALFLOW), "--version"]).strip()), ""]
    for name in CASES:
        try:
            lines += measure_case(name)
        except Failure as failure:
            sys.exit(f"error: {name}: {failure}")
    text = "\n".join(lines)
    print(text)
    write_between_markers(PAGE, text)
    minutes = (time.perf_counter() - start) / 60.0
    print(f"{minutes:.1f} minutes; written to {PAGE.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
