"""Gradient flow of multimodal deep linear networks, and their unimodal bias.

Keywords are the keys of a scenario file, results are NumPy arrays::

    import modalflow as mf

    run = mf.run(
        data=dict(toy=dict(sigma=dict(A=2.0, B=1.0), target=dict(A=1.0, B=1.0))),
        network=dict(depth=2, fusion_layer=2, width=100),
        init=dict(gaussian=dict(std=1e-6)),
        flow=dict(until=dict(time=20.0)),
    )
    run.phase.ratio, run.theory.ratio, run.plot()
"""

from ._core import __version__
from ._data import Data
from ._diagnosis import Diagnosis, diagnose
from ._errors import ScenarioError, ScenarioWarning
from ._problem import Problem
from ._results import Figure, Record
from ._run import Run, run, theory
from ._scenario import Scenario, from_yaml
from ._sweep import Cell, Row, Sweep, collect, run_cell, sweep
from ._table import Table

__all__ = [
    "Cell",
    "Data",
    "Diagnosis",
    "Figure",
    "Problem",
    "Record",
    "Row",
    "Run",
    "Scenario",
    "ScenarioError",
    "ScenarioWarning",
    "Sweep",
    "Table",
    "__version__",
    "collect",
    "diagnose",
    "from_yaml",
    "run",
    "run_cell",
    "sweep",
    "theory",
]
