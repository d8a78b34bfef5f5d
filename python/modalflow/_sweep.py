"""Sweeps: grids of runs, at once or cell by cell."""

from __future__ import annotations

import csv
import io
import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ._errors import ScenarioError, shown
from ._progress import Bar
from ._run import _scenario
from ._scenario import Keys, Scenario
from ._table import Table

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._run import Source

    #: Values by dotted path; a tuple of paths moves its keys together, with a tuple for each value. A
    #: narrower type for the keys would refuse mappings of texts alone, or of tuples.
    Over = Mapping[Any, Iterable[Any]]


class Sweep:
    """A grid of runs over a scenario.

    Args:
        source: a path to a scenario file, a mapping with the keys of one, or a scenario; the axes of its
            own section ``sweep`` count where ``over`` is not given, its repeats where ``repeats`` is not.
        over: values by dotted path, ``{"data.toy.rho": [-0.5, 0, 0.5]}``; the last one varies fastest. A
            tuple of paths has tuples of values, and its keys vary together.
        repeats: runs of every combination, each with a seed of its own.
        set: values by dotted path.
        **keys: keys of a scenario file.

    Raises:
        ScenarioError: where the scenario, an axis or the first cell cannot be used.
    """

    def __init__(
        self,
        source: Source = None,
        /,
        over: Over | None = None,
        repeats: int | None = None,
        *,
        set: Mapping[str, Any] | None = None,
        **keys: Unpack[Keys],
    ) -> None:
        changes: dict[str, Any] = {}
        if over is not None and not isinstance(over, Mapping):
            help = 'give a mapping, {"data.toy.rho": [0.0, 0.5]}'
            raise ScenarioError(f"over: {shown(over)} is no mapping\n  help: {help}", "over", help)
        if over is not None:
            changes["sweep.axes"] = [_axis(path, values) for path, values in over.items()]
            if "figure" not in keys:
                # Figures are of the file's own axes.
                changes["figure"] = None
        if repeats is not None:
            changes["sweep.repeats"] = repeats
        self._take(_scenario(source, {**changes, **(set or {})}, keys))

    def _take(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._grid = scenario._core.grid()

    @property
    def scenario(self) -> Scenario:
        """The scenario with its section ``sweep``."""
        return self._scenario

    def __len__(self) -> int:
        return len(self._grid)

    def cells(self) -> list[Cell]:
        """Give the cells, each of which :func:`run_cell` runs, on this machine or another."""
        return [Cell(self, index) for index in range(len(self))]

    def run(self, *, jobs: int | None = None, progress: bool = False) -> Table:
        """Run all cells on this machine.

        Args:
            jobs: cells that run at a time; all cores by default.
            progress: whether to show a bar, where tqdm is installed.

        Returns:
            The table of the command's ``sweep.csv``, with the same bytes.
        """
        with Bar(progress, total=len(self), unit="cell") as bar:
            listener = bar.show if bar.is_shown else None
            lines = self._lines(range(len(self)), _cores() if jobs is None else jobs, listener)
        return Table((self._grid.header() + "".join(lines)).encode())

    def _lines(self, indices: Sequence[int], jobs: int, listener: Any = None) -> list[str]:
        return self._scenario._core.run_cells(self._grid, indices, jobs, listener)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        state = self._scenario.__getstate__()
        if state["data"] is not None:
            return _sweep_of, (self._scenario,)
        known = (state["path"], state["is_in_file"], state["text"], tuple(state["changes"]))
        return _known_sweep, known

    def __repr__(self) -> str:
        return f"Sweep of {len(self)} cells over {self._scenario!r}"


class Cell:
    """One run of a sweep.

    Attributes:
        sweep: the sweep.
        index: its number in it.
    """

    __slots__ = ("index", "sweep")

    def __init__(self, sweep: Sweep, index: int) -> None:
        self.sweep = sweep
        self.index = operator.index(index)
        if not 0 <= self.index < len(sweep):
            raise IndexError(f"cell {index} of a sweep of {len(sweep)}")

    @property
    def values(self) -> dict[str, str]:
        """What it changes, as texts by dotted path."""
        return dict(self.sweep._grid.cell(self.index))

    def __repr__(self) -> str:
        values = ", ".join(f"{path} = {value}" for path, value in self.values.items())
        return f"Cell {self.index}: {values}"


class Row(Mapping[str, str]):
    """The results of a cell: its fields of ``sweep.csv`` as texts, by column."""

    __slots__ = ("count", "header", "identity", "index", "line")

    def __init__(self, identity: str, index: int, count: int, header: str, line: str) -> None:
        self.identity = identity
        self.index = index
        self.count = count
        self.header = header
        self.line = line

    def _fields(self) -> dict[str, str]:
        names, fields = csv.reader(io.StringIO(self.header + self.line))
        return dict(zip(names, fields, strict=True))

    def __getitem__(self, column: str) -> str:
        return self._fields()[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def __reduce__(self) -> tuple[type[Row], tuple[str, int, int, str, str]]:
        return type(self), (self.identity, self.index, self.count, self.header, self.line)

    def __repr__(self) -> str:
        return f"Row {self.index} of {self.count}: {self['outcome']}"


def run_cell(cell: Cell) -> Row:
    """Run a cell of a sweep, which depends on nothing but the scenario and the cell's number.

    A cell whose values make no scenario has a row that says so.
    """
    sweep = cell.sweep
    # Of the data as they are now: files and arrays may change between two cells.
    identity = sweep._scenario._core.identity()
    (line,) = sweep._lines([cell.index], 1)
    return Row(identity, cell.index, len(sweep), sweep._grid.header(), line)


def collect(rows: Iterable[Row]) -> Table:
    """Join the rows of a sweep, in any order, to its table: the bytes of the command's ``sweep.csv``.

    Raises:
        ValueError: where rows are missing, are of several sweeps, or contradict each other.
    """
    found: dict[int, Row] = {}
    first: Row | None = None
    for row in rows:
        first = first or row
        if row.identity != first.identity:
            raise ValueError("the rows are of more than one sweep")
        if found.setdefault(row.index, row).line != row.line:
            raise ValueError(f"cell {row.index} has two results")
    if first is None:
        raise ValueError("there are no rows")
    missing = [index for index in range(first.count) if index not in found]
    if missing:
        raise ValueError(f"{len(missing)} of {first.count} cells are missing, the first is {missing[0]}")
    lines = (found[index].line for index in range(first.count))
    return Table((first.header + "".join(lines)).encode())


def sweep(
    source: Source = None,
    /,
    over: Over | None = None,
    repeats: int | None = None,
    *,
    jobs: int | None = None,
    progress: bool = False,
    set: Mapping[str, Any] | None = None,
    **keys: Unpack[Keys],
) -> Table:
    """Run a grid of runs on this machine; see :class:`Sweep` for the arguments.

    Returns:
        The table of the command's ``sweep.csv``, with the same bytes.
    """
    return Sweep(source, over, repeats, set=set, **keys).run(jobs=jobs, progress=progress)


def _axis(path: str | tuple[str, ...], values: Iterable[Any]) -> dict[str, Any]:
    if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
        raise _no_axis(path, f"{shown(values)} is no list of values", "give a list, [0.0, 0.5]")
    values = list(values)
    if isinstance(path, str):
        return {"path": path, "values": values}
    if not isinstance(path, tuple):
        raise _no_axis(path, "this is no path", "write a dotted path, or a tuple of several")
    for value in values:
        if not isinstance(value, (tuple, list)) or len(value) != len(path):
            problem = f"{shown(value)} where a tuple of {len(path)} values is wanted"
            raise _no_axis(path, problem, "give one value for each of the paths")
    return {"linked": [_axis(p, [value[k] for value in values]) for k, p in enumerate(path)]}


def _no_axis(path: str | tuple[str, ...], problem: str, help: str) -> ScenarioError:
    return ScenarioError(f"over[{shown(path)}]: {problem}\n  help: {help}", "over", help)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _sweep_of(scenario: Scenario) -> Sweep:
    sweep = Sweep.__new__(Sweep)
    sweep._take(scenario)
    return sweep


@lru_cache(maxsize=8)
def _known_sweep(
    path: str, is_in_file: bool, text: str, changes: tuple[tuple[str, str], ...]
) -> Sweep:
    """The sweep of a pickled cell: read once for all cells that come to a process."""
    scenario = Scenario.__new__(Scenario)
    scenario.__setstate__(
        {"path": path, "is_in_file": is_in_file, "text": text, "changes": [*changes], "data": None}
    )
    return _sweep_of(scenario)
