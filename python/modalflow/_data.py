"""Arrays in memory as the data of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import ScenarioError

#: Keys of ``data.arrays`` beside the arrays themselves.
OPTIONS = (
    "standardise",
    "whiten",
    "components",
    "holdout",
    "folds",
    "fold",
    "fold_seed",
    "mirror",
)

#: The file that arrays in memory are said to stand in; ``Scenario.save`` writes it.
FILE = "arrays.npz"


class Data:
    """Arrays in memory, one for each modality, a row each a sample.

    ``mf.Data(audio=a, video=v, target=y, holdout=0.2)``. An array is anything that NumPy or Arrow can
    read: arrays, pandas and polars frames, Arrow tables, tensors of the CPU. Arrays of 64-bit floats by
    rows are not copied. All other keywords are those of ``data.arrays`` in a scenario file, with the
    same meaning and defaults.

    Args:
        modalities: the modalities by name, for names that cannot be keywords.
        target: the targets; exactly one of target and label.
        label: the class of each row, whole numbers or texts.
        **keys: more modalities, and the options ``standardise``, ``whiten``, ``components``,
            ``holdout``, ``folds``, ``fold``, ``fold_seed``, ``mirror``.

    Raises:
        ScenarioError: where an array cannot be used.
    """

    def __init__(
        self,
        modalities: Mapping[str, Any] | None = None,
        /,
        *,
        target: Any = None,
        label: Any = None,
        **keys: Any,
    ) -> None:
        options = {key: keys.pop(key) for key in OPTIONS if key in keys}
        inputs = {**(modalities or {}), **keys}
        self._arrays: list[tuple[str, NDArray[np.float64] | list[str]]] = [
            (name, numbers(f"data.arrays.modalities.{name}", array))
            for name, array in inputs.items()
        ]
        section: dict[str, Any] = {"modalities": {name: f"{FILE}#{name}" for name in inputs}}
        for key, array in (("target", target), ("label", label)):
            if array is None:
                continue
            name = key if key not in inputs else key + "_of_rows"
            read = labels if key == "label" else numbers
            self._arrays.append((name, read(f"data.arrays.{key}", array)))
            section[key] = f"{FILE}#{name}"
        self._section = {"arrays": section | options}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by the names that they have in a scenario."""
        return {name: np.asarray(array) for name, array in self._arrays}

    @property
    def section(self) -> dict[str, Any]:
        """The section ``data`` of a scenario file that has these arrays beside it."""
        return self._section

    def save(self, file: Any) -> None:
        """Write the arrays as an NPZ file."""
        np.savez(file, **self.arrays)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        shapes = (f"{name} {np.shape(array)}" for name, array in self._arrays)
        return f"Data({', '.join(shapes)})"


def numbers(key: str, array: Any) -> NDArray[np.float64]:
    """An array as 64-bit floats by rows, one column for a vector; not copied where it is that already.

    Raises:
        ScenarioError: where it is no array of numbers with one or two dimensions.
    """
    values = _array(array)
    if values.ndim == 0:
        hint = ", ".join(OPTIONS)
        raise _refuse(
            key,
            f"{array!r} is no array of samples",
            f"give an array with a row for each sample; the options are {hint}",
        )
    if values.dtype.kind not in "biuf":
        raise _refuse(
            key,
            f"elements of type {values.dtype}",
            'give numbers, such as array.astype("float64")',
        )
    if values.ndim > 2:
        raise _refuse(
            key,
            f"shape {values.shape} where one or two dimensions are wanted",
            "give samples as rows: x.reshape(len(x), -1)",
        )
    if values.size == 0:
        raise _refuse(
            key, f"shape {values.shape}: there are no numbers", "give at least one row"
        )
    columns = values.reshape(len(values), -1)
    return np.ascontiguousarray(columns, dtype=np.float64)


def labels(key: str, array: Any) -> list[str]:
    """The class of each row as a text.

    Raises:
        ScenarioError: where it is no vector of whole numbers or texts.
    """
    values = _array(array)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise _refuse(
            key,
            f"shape {values.shape} where one label a row is wanted",
            "give one number or text for each row: labels.argmax(axis=1) where they are one-hot",
        )
    if values.dtype.kind == "b":
        values = values.astype(np.int64)
    if values.dtype.kind in "fO" and any(map(_is_missing, values.tolist())):
        raise _refuse(key, "a label is missing", "leave such rows out in every array")
    if values.dtype.kind == "f":
        if not np.all(values == np.floor(values)):
            raise _refuse(key, "a label with a fraction", "give whole numbers or texts")
        values = values.astype(np.int64)
    if values.dtype.kind == "S":
        return [value.decode(errors="replace") for value in values.tolist()]
    if values.dtype.kind not in "iuUO":
        raise _refuse(key, f"labels of type {values.dtype}", "give whole numbers or texts")
    return [str(value) for value in values.tolist()]


def _is_missing(label: Any) -> bool:
    """Whether it is one of the signs of NumPy, pandas and Python for a missing value."""
    return not isinstance(label, str) and str(label) in ("None", "nan", "<NA>", "NaT")


def _array(array: Any) -> NDArray[Any]:
    if not hasattr(array, "__array__"):
        if hasattr(array, "__arrow_c_stream__"):
            import pyarrow

            return _of_arrow(pyarrow.chunked_array(array))
        if hasattr(array, "__arrow_c_array__"):
            import pyarrow

            return _of_arrow(pyarrow.array(array))
    return np.asarray(array)


def _of_arrow(array: Any) -> NDArray[Any]:
    """An Arrow array; one of structs, as tables are handed over, by columns."""
    import pyarrow

    if not pyarrow.types.is_struct(array.type):
        return np.asarray(array)
    return np.column_stack([np.asarray(column) for column in array.flatten()])


def _refuse(key: str, problem: str, help: str) -> ScenarioError:
    return ScenarioError(f"{key}: {problem}\n  help: {help}", key, help)
