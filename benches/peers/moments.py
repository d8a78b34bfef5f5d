"""The comparison's problem: a late-fusion deep linear network and its moment equations.

With W_m = W_m^L ... W_m^1 the total map of modality m, W = [W_A W_B ...], the input covariance
S_xx, the correlation S_yx of targets and inputs, and the residual G = S_yx - W S_xx:

    dW_m^l/dt = (W_m^L ... W_m^{l+1})^T G_m (W_m^{l-1} ... W_m^1)^T

All tools start from the weights that modalflow drew, and are asked for the same number: the
time at which |W_m| of the modality learned second reaches half of its final value.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One problem for all tools."""

    inputs: Array  # S_xx, d x d
    target_map: Array  # least-squares map W*, o x d; the targets have no noise
    stacks: list[list[Array]]  # initial layers of each modality, (outputs, inputs) each
    second: int  # the modality learned second
    t_end: float

    @property
    def correlation(self) -> Array:
        """S_yx, o x d."""
        return self.target_map @ self.inputs

    @property
    def columns(self) -> list[slice]:
        """Each modality's columns of S_xx and of the maps."""
        ends = np.cumsum([stack[0].shape[1] for stack in self.stacks])
        return [slice(end - s[0].shape[1], end) for end, s in zip(ends, self.stacks, strict=True)]

    @property
    def level(self) -> float:
        """Half of the final norm of the second modality's map."""
        return 0.5 * float(np.linalg.norm(self.target_map[:, self.columns[self.second]]))

    @property
    def state(self) -> Array:
        """The initial layers as one vector."""
        return np.concatenate([w.ravel() for stack in self.stacks for w in stack])

    def absolute_tolerance(self, rtol: float) -> float:
        """Scaled to the initial weights as modalflow does: one above them would hide the start."""
        layers = (w for stack in self.stacks for w in stack)
        return rtol * min(float(np.sqrt(np.mean(w**2))) for w in layers)


@dataclass(frozen=True)
class Measurement:
    """What one tool did at one setting."""

    setting: float  # relative tolerance, or learning rate
    t_second: float | None  # None where only a part of the steps was done
    seconds: float  # integration alone, warm, best of the repeats
    cold_seconds: float | None  # the first call, compilation included
    evaluations: int  # of the right-hand side, or of the gradient
    timed_evaluations: int | None = None  # those done, where the time is extrapolated from them

    def print(self) -> None:
        """Hands the measurement to the driver."""
        print(json.dumps(asdict(self)))


def read_case(summary: dict[str, Any], weights: Path) -> Case:
    """The case of a modalflow run of toy data, from its summary and its initial weights."""
    toy = summary["scenario"]["data"]["toy"]
    names = list(toy["sigma"])
    sigma = np.array([toy["sigma"][name] for name in names])
    correlations = np.full((len(names), len(names)), toy["rho"])
    np.fill_diagonal(correlations, 1.0)
    with np.load(weights) as arrays:
        depth = len(arrays.files) // len(names)
        stacks = [[arrays[f"{name}.{layer + 1}"] for layer in range(depth)] for name in names]
    return Case(
        inputs=correlations * np.outer(sigma, sigma),
        target_map=np.array([[toy["target"][name] for name in names]]),
        stacks=[[np.ascontiguousarray(w) for w in stack] for stack in stacks],
        second=names.index(summary["phase"]["second"]),
        t_end=summary["scenario"]["flow"]["until"]["time"],
    )


def load_case(folder: Path) -> Case:
    """The case that modalflow's run in `folder` wrote."""
    summary = json.loads((folder / "summary.json").read_text())
    return read_case(summary, folder / "initial_weights.npz")


class MomentFlow:
    """The moment equations in NumPy on one state vector.

    Inputs and outputs are few next to the widths: every product is associated from its small
    end, into preallocated memory.
    """

    def __init__(self, case: Case) -> None:
        self.inputs, self.correlation = case.inputs, case.correlation
        self.columns, self.second = case.columns, case.second
        self.layout: list[list[tuple[slice, tuple[int, int]]]] = []
        start = 0
        for stack in case.stacks:
            self.layout.append([])
            for w in stack:
                self.layout[-1].append((slice(start, start + w.size), w.shape))
                start += w.size
        self.forward = [[np.empty((len(w), s[0].shape[1])) for w in s] for s in case.stacks]
        self.backward = [[np.empty_like(p) for p in stack] for stack in self.forward]
        self.map = np.empty_like(self.correlation)

    def layers(self, vector: Array) -> list[list[Array]]:
        """Views of a state vector's layers."""
        return [[vector[part].reshape(shape) for part, shape in s] for s in self.layout]

    def propagate(self, stack: list[Array], products: list[Array]) -> Array:
        """W^l ... W^1 for every l of one stack; gives back the total map."""
        products[0] = stack[0]
        for layer in range(1, len(stack)):
            np.matmul(stack[layer], products[layer - 1], out=products[layer])
        return products[-1]

    def rate(self, _time: float, state: Array) -> Array:
        """dW/dt. The result is new memory: SciPy keeps it across calls."""
        stacks = self.layers(state)
        result = np.empty_like(state)
        rates = self.layers(result)
        for stack, products, columns in zip(stacks, self.forward, self.columns, strict=True):
            self.map[:, columns] = self.propagate(stack, products)
        residual = self.correlation - self.map @ self.inputs
        for m, stack in enumerate(stacks):
            back = residual[:, self.columns[m]]
            for layer in range(len(stack) - 1, 0, -1):
                # Inputs and output are scalar: a product of a column and a row.
                np.multiply(back, self.forward[m][layer - 1].T, out=rates[m][layer])
                back = np.matmul(stack[layer].T, back, out=self.backward[m][layer - 1])
            rates[m][0][...] = back
        return result

    def second_norm(self, state: Array) -> float:
        """|W_m| of the modality learned second."""
        stack = self.layers(state)[self.second]
        return float(np.linalg.norm(self.propagate(stack, self.forward[self.second])))


def descend(case: Case, rate: float) -> Array:
    """Gradient descent on the moments: the second modality's norm before every step."""
    flow, state = MomentFlow(case), case.state
    norms = np.empty(round(case.t_end / rate))
    for n in range(len(norms)):
        norms[n] = flow.second_norm(state)
        state += rate * flow.rate(0.0, state)
    return norms


def first_crossing(times: Array, values: Array, level: float) -> float | None:
    """When values sampled at the steps first reach the level, by a spline through them."""
    above = np.flatnonzero(values >= level)
    if above.size == 0 or above[0] == 0:
        return None
    i = above[0]
    near = slice(max(i - 6, 0), i + 6)
    roots = CubicSpline(times[near], values[near]).solve(level, extrapolate=False)
    inside = roots[(roots >= times[i - 1]) & (roots <= times[i])]
    return float(inside[0]) if inside.size else float(times[i])
