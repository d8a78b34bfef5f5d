"""Runs each tool once at one setting, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from moments import Case, Measurement, descend, first_crossing, load_case

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODALFLOW = ROOT / "target" / "release" / "modalflow"
SCRATCH = ROOT / "target" / "peers" / "runs"

# modalflow's exit code of a run that ended before its time; its summary says how far it got.
INTEGRATION_FAILED = 3

# Seconds of a PyTorch run above which it is extrapolated from the first steps.
BUDGET = 120.0
# Largest difference of PyTorch's norms from those of descent on the moments, over the half height:
# they are the same recursion, apart by round-off that the escape from the saddles magnifies.
ROUND_OFF = {"float32": 1e-2, "float64": 1e-8}


class Failure(Exception):
    """The comparison cannot be trusted, or cannot be made."""


@dataclass(frozen=True)
class Problem:
    """A case with its scenario file and the folder of its weights."""

    name: str
    description: str
    scenario: Path
    folder: Path
    case: Case


def output(command: list[str], accepted: tuple[int, ...] = (0,), **environment: str) -> str:
    """Standard output of a command, which must end with an exit code that is accepted."""
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if done.returncode not in accepted:
        raise Failure(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return done.stdout


def modalflow_summary(scenario: Path, changes: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The summary of one run."""
    command = [str(MODALFLOW), "run", str(scenario), "--json", "--quiet", "--out", str(folder)]
    for key, value in changes.items():
        command += ["--set", f"{key}={value}"]
    return json.loads(output(command, accepted=(0, INTEGRATION_FAILED)))


def modalflow_methods(scenario: Path) -> list[str]:
    """The integration methods of the schema that this scenario does not refuse."""
    method = json.loads(output([str(MODALFLOW), "schema"]))["$defs"]["Method"]
    names = method.get("enum") or [choice["const"] for choice in method["oneOf"]]
    accepted = []
    for name in names:
        try:
            change = f"flow.method={name}"
            output([str(MODALFLOW), "check", str(scenario), "--quiet", "--set", change])
            accepted.append(name)
        except Failure as failure:
            print(f"  modalflow's method {name} is skipped: {failure}", file=sys.stderr)
    return accepted


def prepare(name: str, rtol: float) -> tuple[Problem, float | None]:
    """Initial weights for all tools, and modalflow's half-height time at a tight tolerance."""
    scenario = HERE / f"{name}.yaml"
    changes = {"flow.method": "dop853", "flow.rtol": rtol, "output.weights": "true"}
    summary = modalflow_summary(scenario, changes, SCRATCH / "reference")
    folder = SCRATCH / "reference" / name
    description = summary["scenario"]["description"]
    problem = Problem(name, description, scenario, folder, load_case(folder))
    return problem, summary["phase"]["t_second"]


def run_modalflow(problem: Problem, rtol: float, repeats: int, method: str) -> Measurement:
    """Drawing, reduction, integration, detection and theory; as cold time the whole process with its files."""
    changes = {"flow.method": method, "flow.rtol": rtol}
    runs = []
    for _ in range(repeats):
        start = time.perf_counter()
        summary = modalflow_summary(problem.scenario, changes, SCRATCH / "modalflow")
        process = time.perf_counter() - start
        provenance = summary["provenance"]
        runs.append((provenance["prepare_seconds"] + provenance["wall_seconds"], process))
    return Measurement(
        setting=rtol,
        t_second=summary["phase"]["t_second"],
        seconds=min(wall for wall, _ in runs),
        cold_seconds=min(process for _, process in runs),
        # A product with the Hessian costs about two gradients.
        evaluations=summary["flow"]["rhs_evaluations"] + 2 * summary["flow"]["hessian_products"],
    )


def run_script(script: str, problem: Problem, *options: object, **environment: str) -> Measurement:
    """One of the scripts beside this file."""
    command = [sys.executable, str(HERE / script), str(problem.folder), *map(str, options)]
    return Measurement(**json.loads(output(command, **environment)))


def run_scipy(problem: Problem, rtol: float, repeats: int) -> Measurement:
    """SciPy's DOP853. Its products are too small to gain from a second thread."""
    options = ("--rtol", rtol, "--repeats", repeats)
    return run_script("scipy_dop853.py", problem, *options, OPENBLAS_NUM_THREADS="1")


def run_diffrax(problem: Problem, rtol: float, repeats: int, layout: str) -> Measurement:
    """diffrax's Tsit5."""
    options = ("--layout", layout, "--rtol", rtol, "--repeats", repeats)
    return run_script("diffrax_tsit5.py", problem, *options)


def run_torch(problem: Problem, rate: float, dtype: str) -> Measurement:
    """PyTorch's SGD, checked against descent on the moments step by step.

    Where only a part of the steps was done, the time t_second is that of descent on the moments.
    """
    file = SCRATCH / "norms.npy"
    options = ("--rate", rate, "--dtype", dtype, "--budget", BUDGET, "--norms", file)
    measurement = run_script("torch_sgd.py", problem, *options)
    norms, expected = np.load(file), descend(problem.case, rate)[: measurement.evaluations]
    gap = np.abs(norms - expected[: len(norms)]).max() / problem.case.level
    if not gap <= ROUND_OFF[dtype]:
        raise Failure(f"PyTorch {dtype} is {gap:.1e} off descent on the moments")
    return measurement


def descent_time(problem: Problem, rate: float) -> float | None:
    """Half-height time of descent on the moments."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms = descend(problem.case, rate)
    times = rate * np.arange(len(norms))
    return first_crossing(times, norms, problem.case.level) if np.isfinite(norms).all() else None
