"""Arrays in memory as the data of a scenario."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._files import replaced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Keys of ``data.arrays`` beside the arrays themselves.
OPTIONS = (
    "standardise",
    "constant",
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
    read: arrays, pandas and polars frames, Arrow tables, tensors of the CPU. Rows belong together by
    their order, whatever the index of a frame. Arrays of 64-bit floats by rows are not copied. All other
    keywords are those of ``data.arrays`` in a scenario file, with the same meaning and defaults.

    Args:
        modalities: the modalities by name, for names that cannot be keywords.
        target: the targets; exactly one of target and label.
        label: the class of each row, whole numbers or texts.
        **keys: more modalities, and the options ``standardise``, ``constant``, ``whiten``,
            ``components``, ``holdout``, ``folds``, ``fold``, ``fold_seed``, ``mirror``.

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
        from ._arrays import labels, numbers

        options = {key: keys.pop(key) for key in OPTIONS if key in keys}
        inputs = {str(name): array for name, array in (*(modalities or {}).items(), *keys.items())}
        self._arrays: list[tuple[str, NDArray[np.float64] | list[str]]] = [
            (name, numbers(f"data.arrays.modalities.{name}", array)) for name, array in inputs.items()
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
        from ._arrays import of

        return {name: of(array) for name, array in self._arrays}

    @property
    def section(self) -> dict[str, Any]:
        """The section ``data`` of a scenario file that has these arrays beside it."""
        return self._section

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the arrays as an NPZ file."""
        from ._arrays import save

        with replaced(file) as part:
            save(part, self.arrays)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Data):
            return NotImplemented
        from ._arrays import equal

        return self._section == other._section and equal(self.arrays, other.arrays)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shapes = (f"{name} {array.shape}" for name, array in self.arrays.items())
        return f"Data({', '.join(shapes)})"
