"""diffrax's Tsit5 on the moment equations, compiled by JAX for the CPU in double precision."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from moments import Case, Measurement, first_crossing, load_case

jax.config.update("jax_enable_x64", True)

Stacks = list[list[jax.Array]]

# Room for the norms at the steps, several times what a useful run takes.
MAX_STEPS = 10_000


def products(stack: list[jax.Array]) -> list[jax.Array]:
    """W^l ... W^1 for every l of one stack, from the small end."""
    result = [stack[0]]
    for w in stack[1:]:
        result.append(w @ result[-1])
    return result


def rate(_time: jax.Array, stacks: Stacks, moments: tuple[jax.Array, jax.Array]) -> Stacks:
    """dW/dt, every product from its small end."""
    inputs, correlation = moments
    forward = [products(stack) for stack in stacks]
    residual = correlation - jnp.concatenate([p[-1] for p in forward], axis=1) @ inputs
    rates = []
    for m, stack in enumerate(stacks):
        back = residual[:, m : m + 1]  # scalar inputs: one column a modality
        reversed_rates = []
        for layer in range(len(stack) - 1, 0, -1):
            reversed_rates.append(back * forward[m][layer - 1].T)
            back = stack[layer].T @ back
        rates.append([back, *reversed(reversed_rates)])
    return rates


def make_integrate(case: Case, layout: str) -> Callable[[float], diffrax.Solution]:
    """A compiled function from the tolerance to the solution: times and norms at the steps.

    The state is a tree of layers or one vector: which is faster depends on the widths.
    """
    moments = (jnp.asarray(case.inputs), jnp.asarray(case.correlation))
    initial = [[jnp.asarray(w) for w in stack] for stack in case.stacks]
    flat, unravel = ravel_pytree(initial)
    as_vector = layout == "vector"

    def unpack(state: Any) -> Stacks:
        return unravel(state) if as_vector else state

    def packed_rate(time: jax.Array, state: Any, moments: tuple[jax.Array, jax.Array]) -> Any:
        rates = rate(time, unpack(state), moments)
        return ravel_pytree(rates)[0] if as_vector else rates

    def second_norm(_time: jax.Array, state: Any, _moments: object) -> jax.Array:
        return jnp.linalg.norm(products(unpack(state)[case.second])[-1])

    @jax.jit
    def integrate(state: Any, rtol: float, atol: float) -> diffrax.Solution:
        return diffrax.diffeqsolve(
            diffrax.ODETerm(packed_rate),
            diffrax.Tsit5(),
            t0=0.0,
            t1=case.t_end,
            dt0=None,
            y0=state,
            args=moments,
            # One number a step, not the state.
            saveat=diffrax.SaveAt(steps=True, fn=second_norm),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
            max_steps=MAX_STEPS,
            throw=False,
        )

    state = flat if as_vector else initial
    return lambda rtol: integrate(state, rtol, case.absolute_tolerance(rtol))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    parser.add_argument("--rtol", type=float, required=True)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--layout", choices=["layers", "vector"], default="layers")
    arguments = parser.parse_args()
    case = load_case(arguments.case)
    integrate = make_integrate(case, arguments.layout)
    seconds = []
    for _ in range(1 + arguments.repeats):  # the first call compiles
        start = time.perf_counter()
        solution = jax.block_until_ready(integrate(arguments.rtol))
        seconds.append(time.perf_counter() - start)
        finished = bool(solution.result == diffrax.RESULTS.successful)
        if not finished:
            break
    steps = int(solution.stats["num_accepted_steps"])
    times, norms = np.asarray(solution.ts)[:steps], np.asarray(solution.ys)[:steps]
    # Six stages a step, the first of which is the last of the step before.
    evaluations = 6 * int(solution.stats["num_steps"]) + 1
    Measurement(
        setting=arguments.rtol,
        t_second=first_crossing(times, norms, case.level) if finished else None,
        seconds=min(seconds[1:], default=seconds[0]),
        cold_seconds=seconds[0],
        evaluations=evaluations,
    ).print()


if __name__ == "__main__":
    main()
