"""SciPy's DOP853 on the moment equations, half-height time by its event location."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

from moments import Case, Measurement, MomentFlow, load_case


def integrate(case: Case, rtol: float) -> tuple[float | None, int]:
    """Half-height time and evaluations."""
    flow = MomentFlow(case)

    def crossing(_time: float, state: object) -> float:
        return flow.second_norm(state) - case.level

    crossing.direction = 1.0
    solution = solve_ivp(
        flow.rate,
        (0.0, case.t_end),
        case.state,
        method="DOP853",
        # Only the end: by default SciPy keeps the state of every step.
        t_eval=[case.t_end],
        events=crossing,
        rtol=rtol,
        atol=case.absolute_tolerance(rtol),
    )
    if not solution.success:
        return None, solution.nfev
    times = solution.t_events[0]
    return (float(times[0]) if len(times) else None), solution.nfev


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    parser.add_argument("--rtol", type=float, required=True)
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    case = load_case(arguments.case)
    # A trial step that is then rejected may overflow.
    np.seterr(over="ignore", invalid="ignore")
    seconds = []
    for _ in range(arguments.repeats):
        start = time.perf_counter()
        t_second, evaluations = integrate(case, arguments.rtol)
        seconds.append(time.perf_counter() - start)
    Measurement(arguments.rtol, t_second, min(seconds), None, evaluations).print()


if __name__ == "__main__":
    main()
