"""Scenarios: from files, from keywords, from both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from . import _core, _yaml
from ._data import FILE, Data
from ._errors import ScenarioError, shown
from ._files import replaced

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: The path of a scenario that is in no file: its name is ``scenario`` where it has none of its own.
_NO_FILE = "scenario"


class Keys(TypedDict, total=False):
    """The keys of a scenario file; docs/scenario.md has what may stand in each."""

    name: str | None
    description: str | None
    seed: int | None
    data: Data | Mapping[str, Any] | None
    loss: str | None
    network: Mapping[str, Any] | None
    init: Mapping[str, Any] | None
    flow: Mapping[str, Any] | None
    descent: Mapping[str, Any] | None
    remedy: Mapping[str, Any] | None
    detector: Mapping[str, Any] | None
    output: Mapping[str, Any] | None
    sweep: Mapping[str, Any] | None
    figure: list[Mapping[str, Any]] | Mapping[str, Any] | None


class Scenario:
    """A checked scenario: everything that defines a run.

    Keywords are the keys of a scenario file. Beside a file or another scenario they take the place of
    the keys that stand there, and ``set`` changes single keys below them, by their dotted paths, as
    ``--set`` does; None removes a key. A file is read once, here. Paths are relative to its folder, in
    keywords beside it too; without a file they are relative to the current folder.

    Args:
        source: a path to a scenario file, a mapping with the keys of one, or another scenario.
        set: values by dotted path, ``{"data.toy.rho": 0.5}``.
        **keys: keys of a scenario file.

    Raises:
        ScenarioError: where the scenario cannot be run as it is.
    """

    #: Whether what is missing beside the data has the defaults of a diagnosis.
    _to_diagnose = False

    def __init__(
        self,
        source: str | os.PathLike[str] | Mapping[str, Any] | Scenario | None = None,
        /,
        *,
        set: Mapping[str, Any] | None = None,
        **keys: Unpack[Keys],
    ) -> None:
        given: dict[str, Any] = dict(keys)
        # The current folder may be another one when the scenario is used.
        self._path, self._is_in_file = os.path.abspath(_NO_FILE), False
        self._text: str | None = None
        self._changes: list[tuple[str, str]] = []
        self._data: Data | None = None
        if isinstance(source, Scenario):
            self._path, self._text = source._path, source._text
            self._is_in_file = source._is_in_file
            self._changes, self._data = [*source._changes], source._data
        elif isinstance(source, (str, os.PathLike)):
            self._path, self._is_in_file = _path_of(source), True
        elif source is None or isinstance(source, Mapping):
            given = {**(source or {}), **given}
        else:
            raise _no_source(source)
        if "data" in given:
            data = given["data"]
            self._data = data if isinstance(data, Data) else None
            given["data"] = data.section if isinstance(data, Data) else data
        if source is None or isinstance(source, Mapping):
            self._text = _yaml.flow(_without_none(given))
        else:
            given = {key: _without_none(value) for key, value in given.items()}
            self._changes += _changes(given)
        self._changes += _changes(set or {})
        self._check()

    def _check(self) -> None:
        arrays = self._data._arrays if self._data else []
        self._core = _core.Scenario(
            self._path, self._text, self._is_in_file, self._changes, arrays, self._to_diagnose
        )
        self._text = self._core.text()
        if self._core.source() != "arrays":
            self._data = None

    @property
    def data(self) -> Data | None:
        """The arrays in memory, where there are any."""
        return self._data

    def to_yaml(self) -> str:
        """Write the scenario as YAML, with every default filled in; reading it gives the same one.

        Paths are absolute. Arrays in memory are named only:
        ``mf.from_yaml(scenario.to_yaml(), data=scenario.data)``.
        """
        return self._core.to_yaml()

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``scenario.yaml``, and arrays in memory as ``arrays.npz`` beside it.

        Returns:
            The path of the scenario file, which the command takes as it is.
        """
        to = Path(folder)
        to.mkdir(parents=True, exist_ok=True)
        if self._data:
            self._data.save(to / FILE)
        with replaced(to / "scenario.yaml") as file:
            file.write(self.to_yaml().encode())
        return to / "scenario.yaml"

    def __getstate__(self) -> dict[str, Any]:
        return {
            "path": self._path,
            "is_in_file": self._is_in_file,
            "text": self._text,
            "changes": self._changes,
            "data": self._data,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._path, self._is_in_file = state["path"], state["is_in_file"]
        self._text, self._changes = state["text"], state["changes"]
        self._data = state["data"]
        self._check()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenario):
            return NotImplemented
        return self._data == other._data and self.to_yaml() == other.to_yaml()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Scenario:\n{self.to_yaml()}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.to_yaml())}</pre>"


def from_yaml(
    text: str, *, data: Data | None = None, set: Mapping[str, Any] | None = None
) -> Scenario:
    """Read a scenario from the text of a scenario file.

    Args:
        text: YAML. Paths in it are relative to the current folder.
        data: the arrays that the text names, where it was written of arrays in memory.
        set: values by dotted path.

    Raises:
        ScenarioError: where the scenario cannot be run as it is.
    """
    path, changes = os.path.abspath(_NO_FILE), _changes(set or {})
    scenario = Scenario.__new__(Scenario)
    scenario.__setstate__(
        {"path": path, "is_in_file": False, "text": text, "changes": changes, "data": data}
    )
    if scenario.data is not data:
        help = "leave data away, or write data.arrays in the text"
        raise ScenarioError(f"data: the text has data of its own\n  help: {help}", "data", help)
    return scenario


def _path_of(source: str | os.PathLike[str]) -> str:
    path = os.fspath(source)
    if path == "-" or "\n" in path or len(path) > 4096:
        what = "standard input" if path == "-" else "a text"
        help = "mf.from_yaml reads the text of a scenario"
        raise ScenarioError(f"{what} where the path of a file is wanted\n  help: {help}", None, help)
    return os.path.abspath(path)


def _without_none(value: Any) -> Any:
    """A section without the keys that are None, as if they were not there. In lists None counts."""
    if not isinstance(value, Mapping):
        return value
    return {key: _without_none(item) for key, item in value.items() if item is not None}


def _changes(set: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Values by dotted path, as the core reads them."""
    if not isinstance(set, Mapping):
        help = 'give a mapping, {"data.toy.rho": 0.5}'
        raise ScenarioError(f"set: {shown(set)} is no mapping\n  help: {help}", "set", help)
    return [(str(path), _yaml.flow(value, str(path))) for path, value in set.items()]


def _no_source(source: object) -> ScenarioError:
    kind = type(source).__name__
    help = "give a path, a mapping or a Scenario; arrays by the keyword, data=mf.Data(...)"
    return ScenarioError(f"a {kind} is no scenario\n  help: {help}", None, help)
