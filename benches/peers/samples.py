"""PyTorch's forward and backward passes beside modalflow's right-hand side, on samples.

Two layers of 100 rectified units a modality, 8,192 samples, 64-bit numbers, all cores, in the same
run: of one scalar input each under squared loss, and of 1, 8 and 32 each under cross-entropy of ten
classes.
Prints the least time of a call of each, over rounds of the one and the other in turn.

    cargo bench --no-run --bench sampled && target/peers/bin/python benches/peers/samples.py
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

SAMPLES, WIDTH, CALLS, ROUNDS = 8192, 100, 100, 5
INPUTS, CLASSES = (1, 8, 32), 10
ROOT = Path(__file__).resolve().parent.parent.parent


class Late(nn.Module):
    """One stack a modality, added at the output."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.stacks = nn.ModuleList(
            nn.Sequential(nn.Linear(inputs, WIDTH, bias=False), nn.ReLU(), nn.Linear(WIDTH, outputs, bias=False))
            for _ in range(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stacks[0](x[:, : self.inputs]) + self.stacks[1](x[:, self.inputs :])


def early() -> nn.Module:
    return nn.Sequential(nn.Linear(2, WIDTH, bias=False), nn.ReLU(), nn.Linear(WIDTH, 1, bias=False))


def least_milliseconds(network: nn.Module, loss: Callable[[], torch.Tensor]) -> float:
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        network.zero_grad()
        loss().backward()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def of_numbers(network: nn.Module) -> float:
    x = torch.randn(SAMPLES, 2)
    y = x.sum(dim=1, keepdim=True)
    return least_milliseconds(network, lambda: 0.5 * (network(x) - y).square().sum(dim=1).mean())


def of_classes(inputs: int) -> float:
    network = Late(inputs, CLASSES)
    x = torch.randn(SAMPLES, 2 * inputs)
    kinds = torch.arange(SAMPLES) % CLASSES
    return least_milliseconds(network, lambda: nn.functional.cross_entropy(network(x), kinds))


def modalflow() -> dict[str, str]:
    command = ["cargo", "bench", "--quiet", "--bench", "sampled"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return dict(line.split(" ", 1) for line in printed.splitlines() if line)


def least(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    return {name: min(value, b.get(name, value)) for name, value in a.items()}


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    own: dict[str, float] = {}
    theirs: dict[str, float] = {}
    memory = ""
    for _ in range(ROUNDS):
        ours = modalflow()
        memory = ours.pop("memory")
        own = least({name: float(text.split()[0]) for name, text in ours.items()}, own)
        times = {
            "early": of_numbers(early()),
            "late": of_numbers(Late(1, 1)),
        } | {f"classes_{inputs}": of_classes(inputs) for inputs in INPUTS}
        theirs = least(times, theirs)
    print(f"{torch.get_num_threads()} threads of PyTorch {torch.__version__}")
    for name, value in theirs.items():
        print(f"{name}: modalflow {own[name]:.3f} ms, PyTorch {value:.3f} ms, ratio {value / own[name]:.2f}")
    print(f"modalflow's peak memory: {memory}")


if __name__ == "__main__":
    main()
