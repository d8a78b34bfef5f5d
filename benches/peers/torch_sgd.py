"""PyTorch: full-batch gradient descent of an nn.Linear network on drawn samples.

The samples are whitened so that their second moments are those of the population: descent then
obeys the moment equations, and differs from the flow by its learning rate alone.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from moments import Array, Case, Measurement, first_crossing, load_case

WARM_UP_STEPS = 20
# Steps timed together, and how many such chunks decide whether the whole run fits the budget.
CHUNK = 20
PROBE_CHUNKS = 20


class LateFusion(nn.Module):
    """One bias-free linear stack a modality, added at the output."""

    def __init__(self, stacks: list[list[Array]]) -> None:
        super().__init__()
        self.stacks = nn.ModuleList(
            nn.Sequential(*(nn.Linear(w.shape[1], w.shape[0], bias=False) for w in stack))
            for stack in stacks
        )
        for layers, stack in zip(self.stacks, stacks, strict=True):
            for layer, w in zip(layers, stack, strict=True):
                layer.weight.data = torch.tensor(w)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        return sum(stack(x) for stack, x in zip(self.stacks, inputs, strict=True))

    def map_norm(self, modality: int) -> Tensor:
        """|W_m|, the product taken from its small end."""
        total, *rest = reversed([layer.weight for layer in self.stacks[modality]])
        for w in rest:
            total = total @ w
        return total.norm()


def draw_samples(case: Case, samples: int) -> tuple[Array, Array]:
    """Gaussian inputs (samples x d) with exactly the population's moments, and targets."""
    drawn = np.random.default_rng(0).standard_normal((samples, len(case.inputs)))
    empirical = np.linalg.cholesky(drawn.T @ drawn / samples)
    inputs = drawn @ np.linalg.inv(empirical).T @ np.linalg.cholesky(case.inputs).T
    return inputs, inputs @ case.target_map.T


class Descent:
    """Full-batch gradient descent, and the second modality's norm before every step."""

    def __init__(self, case: Case, samples: int, rate: float, dtype: torch.dtype) -> None:
        inputs, targets = draw_samples(case, samples)
        self.inputs = [torch.tensor(inputs[:, c], dtype=dtype) for c in case.columns]
        self.targets = torch.tensor(targets, dtype=dtype)
        self.model = LateFusion(case.stacks).to(dtype)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=rate)
        self.second = case.second

    def steps(self, count: int) -> Array:
        """Does `count` steps; gives back the norms."""
        norms = torch.empty(count, dtype=torch.float64)
        for n in range(count):
            with torch.no_grad():
                norms[n] = self.model.map_norm(self.second)
            self.optimizer.zero_grad()
            # The mean is over samples; there is one output.
            loss = 0.5 * nn.functional.mse_loss(self.model(self.inputs), self.targets)
            loss.backward()
            self.optimizer.step()
        return norms.numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--dtype", choices=["float32", "float64"], required=True)
    parser.add_argument("--samples", type=int, default=8192)
    parser.add_argument("--budget", type=float, help="seconds; a longer run is extrapolated")
    parser.add_argument("--norms", type=Path, help="where the norms at the steps are written")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    case = load_case(arguments.case)

    def make() -> Descent:
        return Descent(case, arguments.samples, arguments.rate, getattr(torch, arguments.dtype))

    make().steps(WARM_UP_STEPS)
    total = round(case.t_end / arguments.rate)
    descent, norms, step_seconds = make(), [], []
    while len(norms) * CHUNK < total:
        start = time.perf_counter()
        norms.append(descent.steps(min(CHUNK, total - len(norms) * CHUNK)))
        step_seconds.append((time.perf_counter() - start) / len(norms[-1]))
        if len(norms) == PROBE_CHUNKS and min(step_seconds) * total > arguments.budget:
            break
    norms = np.concatenate(norms)
    whole = len(norms) == total
    np.save(arguments.norms, norms)
    times = arguments.rate * np.arange(len(norms))
    Measurement(
        setting=arguments.rate,
        t_second=first_crossing(times, norms, case.level) if whole else None,
        # The fastest chunk, so that other load of the machine does not count against PyTorch.
        seconds=min(step_seconds) * total,
        cold_seconds=None,
        evaluations=total,
        timed_evaluations=None if whole else len(norms),
    ).print()


if __name__ == "__main__":
    main()
