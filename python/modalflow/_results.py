"""What results share: records, pictures, keys as attributes."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from ._files import replaced


class Record(dict[str, Any]):
    """A part of the results: a dict whose keys are attributes too, ``run.phase.ratio``."""

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            known = ", ".join(self)
            raise AttributeError(f"no {key!r} here: there are {known}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]


def record(value: Any) -> Any:
    """A value of JSON with its mappings as records."""
    if isinstance(value, dict):
        return Record({key: record(item) for key, item in value.items()})
    if isinstance(value, list):
        return [record(item) for item in value]
    return value


class Results:
    """Results whose keys are attributes."""

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The results as plain data."""
        raise NotImplementedError

    @cached_property
    def _record(self) -> Record:
        whole = record(self.summary)
        assert isinstance(whole, Record)
        return whole

    def _part(self, key: str) -> Record:
        part = self._record[key]
        assert isinstance(part, Record)
        return part

    def _parts(self, key: str) -> list[Record]:
        parts: list[Record] = self._record[key]
        return parts

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        return getattr(self._record, key)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.summary]


class Figure(bytes):
    """A PNG or SVG picture, which notebooks show."""

    def _is_png(self) -> bool:
        return self.startswith(b"\x89PNG")

    def _repr_png_(self) -> bytes | None:
        return bytes(self) if self._is_png() else None

    def _repr_svg_(self) -> str | None:
        return None if self._is_png() else self.decode()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file."""
        with replaced(path) as file:
            file.write(self)

    def __repr__(self) -> str:
        return f"<{'PNG' if self._is_png() else 'SVG'} picture of {len(self):,} bytes>"

    __str__ = __repr__
