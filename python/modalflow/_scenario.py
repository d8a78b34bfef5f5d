"""Scenarios: from files, from keywords, from both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from . import _core, _yaml
from ._data import FILE, Data

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: The path of a scenario that is in no file: its name is ``scenario`` where it has none of its own.
_NO_FILE = "scenario"


class Keys(TypedDict, total=False):
    """The keys of a scenario file; docs/scenario.md has what may stand in each."""

    name: str
    description: str
    seed: int
    data: Data | Mapping[str, Any]
    loss: str
    network: Mapping[str, Any]
    init: Mapping[str, Any]
    flow: Mapping[str, Any]
    descent: Mapping[str, Any]
    remedy: Mapping[str, Any]
    detector: Mapping[str, Any]
    output: Mapping[str, Any]
    sweep: Mapping[str, Any]
    figure: list[Mapping[str, Any]] | Mapping[str, Any]


class Scenario:
    """A checked scenario: everything that defines a run.

    Keywords are the keys of a scenario file. Beside a file or another scenario they take the place of
    the keys that stand there, and ``set`` changes single keys below them, by their dotted paths, as
    ``--set`` does; None removes a key. Paths in a file are relative to its folder, those in keywords
    to the current one.

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
        given: dict[str, Any] = {k: v for k, v in keys.items() if v is not None}
        self._path, self._text = _NO_FILE, None
        self._changes: list[str] = []
        self._data: Data | None = None
        if isinstance(source, Scenario):
            self._path, self._text = source._path, source._text
            self._changes, self._data = [*source._changes], source._data
        elif isinstance(source, (str, os.PathLike)):
            self._path = os.fspath(source)
        else:
            given = {**(source or {}), **given}
        if isinstance(data := given.get("data"), Data):
            self._data, given["data"] = data, data.section
        elif data is not None:
            self._data = None
        if source is None or isinstance(source, Mapping):
            self._text = _yaml.flow(given)
        else:
            self._changes += [f"{key}={_yaml.flow(value, key)}" for key, value in given.items()]
        for path, value in (set or {}).items():
            self._changes.append(f"{path}={_yaml.flow(value, path)}")
        self._core = self._checked()

    def _checked(self) -> _core.Scenario:
        arrays = self._data._arrays if self._data else []
        return _core.Scenario(self._path, self._text, self._changes, arrays, self._to_diagnose)

    def to_yaml(self) -> str:
        """Write the scenario as YAML, with every default filled in; reading it gives the same one."""
        return self._core.to_yaml()

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``scenario.yaml``, and arrays in memory as ``arrays.npz`` beside it.

        Returns:
            The path of the scenario file, which the command takes as it is.
        """
        to = Path(folder)
        to.mkdir(parents=True, exist_ok=True)
        text = self.to_yaml()
        if self._data:
            self._data.save(to / FILE)
            text = text.replace(os.path.join(os.path.dirname(self._path), FILE), FILE)
        file = to / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    def __getstate__(self) -> dict[str, Any]:
        path, text = self._path, self._text
        if text is None:
            text = Path(path).read_text(encoding="utf-8-sig")
        if not self._data:
            # Where it is read again, the current folder may be another one.
            path = os.path.abspath(path)
        return {"path": path, "text": text, "changes": self._changes, "data": self._data}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._path, self._text = state["path"], state["text"]
        self._changes, self._data = state["changes"], state["data"]
        self._core = self._checked()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenario):
            return NotImplemented
        return self._data is other._data and self.to_yaml() == other.to_yaml()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Scenario:\n{self.to_yaml()}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self.to_yaml())}</pre>"


def from_yaml(text: str, *, set: Mapping[str, Any] | None = None) -> Scenario:
    """Read a scenario from the text of a scenario file.

    Args:
        text: YAML. Paths in it are relative to the current folder.
        set: values by dotted path.

    Raises:
        ScenarioError: where the scenario cannot be run as it is.
    """
    state: dict[str, Any] = {"path": _NO_FILE, "text": text, "changes": [], "data": None}
    scenario = Scenario.__new__(Scenario)
    scenario.__setstate__(state)
    return Scenario(scenario, set=set) if set else scenario
