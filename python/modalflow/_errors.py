"""What goes wrong."""

from __future__ import annotations

import reprlib


class ScenarioError(ValueError):
    """A scenario that cannot be run as it is.

    Attributes:
        key: dotted path of the key that is wrong, ``data.toy.rho``, where there is one.
        help: what to write instead.
        file: the file that the mistake stands in, where it stands in one.
        line: the line of that file, counted from 1, where it is known.
    """

    def __init__(
        self,
        message: str,
        key: str | None = None,
        help: str | None = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.key = key
        self.help = help
        self.file = file
        self.line = line

    def __reduce__(
        self,
    ) -> tuple[
        type[ScenarioError], tuple[str, str | None, str | None, str | None, int | None]
    ]:
        return type(self), (str(self), self.key, self.help, self.file, self.line)


def shown(value: object) -> str:
    """A value as messages show it: of a long one the beginning and the end."""
    return reprlib.repr(value)


class ScenarioWarning(UserWarning):
    """What to know before trusting a run."""
