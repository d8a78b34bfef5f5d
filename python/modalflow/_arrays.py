"""What needs NumPy, which takes longer to import than all else: imported by what uses it first."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ._data import OPTIONS
from ._errors import ScenarioError, shown


def numbers(key: str, array: Any) -> NDArray[np.float64]:
    """An array as 64-bit floats by rows, one column for a vector; not copied where it is that already.

    Raises:
        ScenarioError: where it is no array of numbers with one or two dimensions.
    """
    values = _read(key, array)
    if values.ndim == 0:
        hint = ", ".join(OPTIONS)
        raise _refuse(
            key,
            f"{shown(array)} is no array of samples",
            f"give an array with a row for each sample; the options are {hint}",
        )
    if values.dtype.kind == "O":
        values = _of_objects(values)
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
        raise _refuse(key, f"shape {values.shape}: there are no numbers", "give at least one row")
    if np.ma.is_masked(values):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    columns = values.reshape(len(values), -1)
    return np.require(columns, np.float64, ["C_CONTIGUOUS", "ALIGNED"])


def _of_objects(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers of several types, as columns of a frame are; anything else as it is."""
    elements = [np.nan if _is_missing(value) else value for value in values.flat]
    if any(isinstance(value, (str, bytes, complex)) for value in elements):
        return values
    try:
        return np.array([float(value) for value in elements]).reshape(values.shape)
    except (TypeError, ValueError):
        return values


def labels(key: str, array: Any) -> list[str]:
    """The class of each row as a text.

    Raises:
        ScenarioError: where it is no vector of whole numbers or texts.
    """
    if isinstance(array, (list, tuple)) and any(map(_is_missing, array)):
        # NumPy would write it as a text.
        raise _refuse(key, *_MISSING)
    values = _read(key, array)
    if np.ma.is_masked(values):
        raise _refuse(key, *_MISSING)
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
        raise _refuse(key, *_MISSING)
    if values.dtype.kind not in "iufUSO":
        raise _refuse(key, f"labels of type {values.dtype}", "give whole numbers or texts")
    return [_label(key, value) for value in values.tolist()]


def _label(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        # From there on not every whole number is one of these.
        if not (value.is_integer() and abs(value) < 2**53):
            raise _refuse(key, f"{value} as a label", "give whole numbers or texts")
        return str(int(value))
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise _refuse(key, f"{shown(value)} is no UTF-8", "decode the labels first") from None
    return str(value)


_MISSING = ("a label is missing", "leave such rows out in every array")


def _is_missing(label: Any) -> bool:
    """Whether it is one of the signs of NumPy, pandas and Python for a missing value."""
    return not isinstance(label, str) and str(label) in ("None", "nan", "<NA>", "NaT")


def of(array: Any) -> NDArray[Any]:
    """Anything that NumPy or Arrow can read as an array."""
    if not hasattr(array, "__array__"):
        if hasattr(array, "__arrow_c_stream__"):
            import pyarrow

            return _of_arrow(pyarrow.chunked_array(array))
        if hasattr(array, "__arrow_c_array__"):
            import pyarrow

            return _of_arrow(pyarrow.array(array))
    return np.asanyarray(array) if isinstance(array, np.ma.MaskedArray) else np.asarray(array)


def _read(key: str, array: Any) -> NDArray[Any]:
    """The same; what cannot be read is refused by its key."""
    try:
        return of(array)
    except ScenarioError:
        raise
    except Exception as error:
        problem = f"a {type(array).__name__} that NumPy cannot read: {error}"
        raise _refuse(key, problem, "give an array with a row for each sample") from error


def _of_arrow(array: Any) -> NDArray[Any]:
    """An Arrow array; one of structs, as tables are handed over, by columns."""
    import pyarrow

    if not pyarrow.types.is_struct(array.type):
        return np.asarray(array)
    return np.column_stack([np.asarray(column) for column in array.flatten()])


def save(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as an NPZ file, whatever their names."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def equal(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> bool:
    """Whether arrays of the same names have the same elements."""
    return all(array is other[name] or np.array_equal(array, other[name]) for name, array in one.items())


#: Columns of sweep.csv that hold texts, be it in no row.
_TEXTS = {"outcome", "reason", "first", "second", "weights_first", "weak", "permanent_bias", "learned",
          "drive_first", "utility_first"}


def column(name: str, cells: tuple[str, ...]) -> NDArray[Any]:
    """A column of a table: of whole numbers, of numbers, or of texts."""
    array = _column(cells, is_text=name.removeprefix("theory_") in _TEXTS)
    array.setflags(write=False)
    return array


def _column(cells: tuple[str, ...], is_text: bool) -> NDArray[Any]:
    if not is_text:
        try:
            return np.array([int(cell) for cell in cells], dtype=np.int64)
        except (ValueError, OverflowError):
            pass
        try:
            return np.array([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            pass
    return np.array(cells, dtype=object)


def _refuse(key: str, problem: str, help: str) -> ScenarioError:
    return ScenarioError(f"{key}: {problem}\n  help: {help}", key, help)
