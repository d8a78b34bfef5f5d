"""Runs and predictions."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from . import _core
from ._errors import ScenarioWarning
from ._progress import Bar
from ._results import Figure, Record, Results, record
from ._scenario import Keys, Scenario
from ._table import Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    Source = str | os.PathLike[str] | Mapping[str, Any] | Scenario | None


class Run(Results):
    """A run that has ended: what was measured, what theory predicts, and the trajectory.

    Every key of ``summary.json`` is an attribute (docs/report.md lists them): ``run.phase.ratio``,
    ``run.theory.ratio``, ``run.plateaus``, ``run.descent``. A run can be pickled; it keeps all numbers
    and its overview.
    """

    def __init__(self, scenario: Scenario, core: _core.Run) -> None:
        self._scenario = scenario
        self._core: _core.Run | None = core

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self._scenario

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of ``summary.json`` without its provenance."""
        summary: dict[str, Any] = json.loads(self._live("summary").summary_json())
        del summary["provenance"]
        return summary

    @property
    def phase(self) -> Record:
        """The unimodal phase of the flow."""
        return self._part("phase")

    @property
    def theory(self) -> Record:
        """Predictions, and their gaps to the measurements."""
        return self._part("theory")

    @property
    def plateaus(self) -> list[Record]:
        """Plateaus of the loss."""
        return self._parts("plateaus")

    @cached_property
    def trajectory(self) -> Table:
        """The flow at ``output.samples`` times: the columns of ``trajectory.csv``."""
        return Table(bytes(self._live("trajectory").trajectory_csv()))

    @cached_property
    def descents(self) -> Table:
        """Every descent at up to ``output.samples`` of its steps: the columns of ``descent.csv``."""
        return Table(bytes(self._live("descents").descent_csv()))

    @cached_property
    def failure(self) -> str | None:
        """In what the run failed, in one line; None where it did not."""
        return self._live("failure").failure()

    @cached_property
    def report(self) -> str:
        """The report that the command prints."""
        return self._live("report").report()

    @cached_property
    def _weights(self) -> dict[str, dict[str, NDArray[np.float64]]]:
        core = self._live("weights")
        weights = {which: dict(core.weights(which)) for which in ("initial", "final")}
        for array in (array for arrays in weights.values() for array in arrays.values()):
            array.setflags(write=False)
        return weights

    def weights(self, which: str = "final") -> dict[str, NDArray[np.float64]]:
        """Weights by the names of layers, (outputs, inputs) each, and of biases; read-only.

        Args:
            which: ``"initial"`` or ``"final"``.
        """
        if which not in ("initial", "final"):
            raise KeyError(f"{which!r}: weights are initial or final")
        return self._weights[which]

    def plot(self, name: str = "overview", format: str = "png") -> Figure:
        """Draw the program's own figure, with the same bytes.

        Args:
            name: ``overview``, ``loss``, ``maps``, or ``generalisation`` where there is one.
            format: ``png`` or ``svg``.
        """
        if (name, format) == ("overview", "png"):
            return self._overview
        return Figure(self._live(f"figure {name}.{format}").figure(name, format))

    @cached_property
    def _overview(self) -> Figure:
        return Figure(self._live("overview").figure("overview", "png"))

    def _live(self, what: str) -> _core.Run:
        if self._core is None:
            raise RuntimeError(
                f"the {what} was not kept when this run was pickled: run run.scenario again"
            )
        return self._core

    def __copy__(self) -> Run:
        # Nothing of it changes.
        return self

    def __getstate__(self) -> dict[str, Any]:
        kept = ("summary", "trajectory", "descents", "failure", "report", "_weights", "_overview")
        return {"_scenario": self._scenario} | {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _core=None)

    def __repr__(self) -> str:
        lines = (f"  {label:<15} {m:>12} {t:>12}" for label, m, t in self._rows())
        head = f"  {'':<15} {'measured':>12} {'theory':>12}"
        return "\n".join([f"Run {self._headline()}", head, *lines])

    def _headline(self) -> str:
        return f"{self.summary['name']}: {self.failure or self.summary['flow']['outcome']}"

    def _rows(self) -> list[tuple[str, str, str]]:
        phase, theory = self.summary["phase"], self.summary["theory"]
        keys = ("first", "second", "t_first", "t_second", "ratio")
        return [(key, _short(phase.get(key)), _short(theory.get(key))) for key in keys]

    def _repr_html_(self) -> str:
        rows = ((key, escape(m), escape(t)) for key, m, t in self._rows())
        cells = (f"<tr><th>{k}</th><td>{m}</td><td>{t}</td></tr>" for k, m, t in rows)
        head = "<tr><th></th><th>measured</th><th>theory</th></tr>"
        name = escape(self._headline())
        return f"<table><caption>{name}</caption>{head}{''.join(cells)}</table>"


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def run(
    source: Source = None,
    /,
    *,
    set: Mapping[str, Any] | None = None,
    progress: bool = False,
    **keys: Unpack[Keys],
) -> Run:
    """Integrate a scenario, find what happens in it, and set theory beside it.

    Args:
        source: a path to a scenario file, a mapping with the keys of one, or a scenario.
        set: values by dotted path, ``{"data.toy.rho": 0.5}``, as ``--set`` of the command.
        progress: whether to show a bar, where tqdm is installed.
        **keys: keys of a scenario file.

    Raises:
        ScenarioError: where the scenario cannot be run as it is.
        KeyboardInterrupt: within a second of Ctrl-C.

    Warns:
        ScenarioWarning: of what to know before trusting it, and where the run failed.
    """
    scenario = _scenario(source, set, keys)
    with Bar(progress, unit="step", desc="flow") as bar:

        def listen(stage: str, time: float, steps: int, loss: float) -> None:
            bar.show(steps, f"{stage}, t = {time:.4g}, loss = {loss:.3g}")

        core = scenario._core.run(listen if bar.is_shown else None)
    run = Run(scenario, core)
    for warning in (*core.warnings(), *filter(None, [run.failure])):
        warnings.warn(warning, ScenarioWarning, stacklevel=2)
    return run


def theory(
    source: Source = None,
    /,
    *,
    set: Mapping[str, Any] | None = None,
    **keys: Unpack[Keys],
) -> Record:
    """Predict without integration: ``mf.theory(...).theory.ratio``.

    Args:
        source: a path to a scenario file, a mapping with the keys of one, or a scenario.
        set: values by dotted path.
        **keys: keys of a scenario file.

    Returns:
        What ``modalflow theory --json`` prints: ``name``, ``data`` and ``theory``.

    Raises:
        ScenarioError: where the scenario cannot be run as it is.
    """
    text, told = _scenario(source, set, keys)._core.theory()
    for warning in told:
        warnings.warn(warning, ScenarioWarning, stacklevel=2)
    whole = record(json.loads(text))
    assert isinstance(whole, Record)
    return whole


def _scenario(source: Source, set: Mapping[str, Any] | None, keys: Keys) -> Scenario:
    if isinstance(source, Scenario) and not set and not keys:
        return source
    return Scenario(source, set=set, **keys)
