"""Tables: columns as NumPy arrays."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ._files import replaced

if TYPE_CHECKING:
    import pandas
    from numpy.typing import NDArray


class Table(Mapping[str, "NDArray[Any]"]):
    """The columns of a CSV file of the program, by name.

    Whole numbers are ``int64``, other numbers ``float64`` with NaN where a value is missing, and texts
    objects, empty where one is missing. The arrays are read-only.
    """

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._columns: dict[str, NDArray[Any]] | None = None

    def _read(self) -> dict[str, NDArray[Any]]:
        if self._columns is None:
            from ._arrays import column

            rows = csv.reader(io.StringIO(self._text.decode()))
            names = next(rows, [])
            columns = list(zip(*rows, strict=True)) or [()] * len(names)
            self._columns = {n: column(n, c) for n, c in zip(names, columns, strict=True)}
        return self._columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    @property
    def rows(self) -> int:
        """Number of rows."""
        return max((len(column) for column in self.values()), default=0)

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> bytes:
        """Give the bytes of the program's CSV file, and write them to ``path`` where one is given."""
        if path is not None:
            with replaced(path) as file:
                file.write(self._text)
        return self._text

    def to_pandas(self) -> pandas.DataFrame:
        """Make a pandas table of it."""
        import pandas

        return pandas.DataFrame(dict(self))

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Table) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type[Table], tuple[bytes]]:
        return type(self), (self._text,)

    def __repr__(self) -> str:
        return f"Table of {self.rows} rows: {', '.join(self)}"

    def _repr_html_(self) -> str:
        from html import escape

        shown = [[f"{value}" for value in column[:10]] for column in self.values()]
        head = "".join(f"<th>{escape(name)}</th>" for name in self)
        lines = ("".join(f"<td>{escape(v)}</td>" for v in row) for row in zip(*shown, strict=True))
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        more = f"<p>{self.rows} rows</p>" if self.rows > 10 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
