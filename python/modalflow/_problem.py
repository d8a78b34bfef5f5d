"""Rate, loss and Hessian products, for other solvers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ._errors import ScenarioWarning
from ._run import _scenario
from ._scenario import Keys, Scenario

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from ._run import Source


class Problem:
    """A scenario made ready, as functions of a flat weight vector.

    All vectors are arrays of 64-bit floats, ``len(problem)`` entries each, layer after layer and each
    layer by columns. ``out`` takes the result where it is given, and is returned.

    Attributes:
        rate: ``rate(w, out=None)``, the right-hand side dW/dt of the flow at the weights w. With
            factors c on learning rates and a weight decay mu it is -c (dLoss/dW + mu W); of a schedule
            it is that of the last stage.
        loss: ``loss(w)``, the loss without weight decay.
        hessian_product: ``hessian_product(w, v, out=None)``, the product H v with the Hessian of the
            loss, weight decay included, at the weights w.

    Args:
        source: a path to a scenario file, a mapping with the keys of one, or a scenario.
        set: values by dotted path.
        **keys: keys of a scenario file.

    Raises:
        ScenarioError: where the scenario cannot be run as it is.
    """

    # Bound methods of the core: a call costs no Python around it.
    rate: Callable[..., NDArray[np.float64]]
    loss: Callable[[NDArray[np.float64]], float]
    hessian_product: Callable[..., NDArray[np.float64]]

    def __init__(
        self,
        source: Source = None,
        /,
        *,
        set: Mapping[str, Any] | None = None,
        **keys: Unpack[Keys],
    ) -> None:
        self._scenario = _scenario(source, set, keys)
        self._core = self._scenario._core.problem()
        for warning in self._core.warnings():
            warnings.warn(warning, ScenarioWarning, stacklevel=2)
        self.rate = self._core.rate
        self.loss = self._core.loss
        self.hessian_product = self._core.hessian_product

    @property
    def scenario(self) -> Scenario:
        """The scenario that it was made of."""
        return self._scenario

    @property
    def weights(self) -> NDArray[np.float64]:
        """The initial weights, flat; a new array at every call."""
        return self._core.weights

    def layers(self, w: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Give the matrices of the layers and the vectors of the biases in a flat vector, by name."""
        return dict(self._core.layers(w))

    def __len__(self) -> int:
        return len(self._core)

    def __reduce__(self) -> tuple[type[Problem], tuple[Scenario]]:
        return type(self), (self._scenario,)

    def __repr__(self) -> str:
        shapes = self.layers(self.weights).items()
        return f"Problem of {len(self)} weights: " + ", ".join(
            f"{name} {array.shape}" for name, array in shapes
        )
