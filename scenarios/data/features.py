"""Writes features.npz, the arrays of scenarios/arrays.yaml (NumPy)."""

import numpy as np

random = np.random.default_rng(1)
animals = np.array(["bird", "cat", "dog"])
kinds = random.integers(0, 3, 300)
is_bird, is_dog = (kinds == 0) - 1 / 3, (kinds == 2) * 1.0 - (kinds == 1)

# A few hidden causes, seen through many features.
seen = np.column_stack([3 * is_bird, 0.3 * is_dog, random.normal(size=(300, 4))])
heard = np.column_stack([0.3 * is_bird, 1.2 * is_dog, random.normal(size=(300, 2))])
video = seen @ random.normal(size=(6, 40)) + 0.3 * random.normal(size=(300, 40))
audio = heard @ random.normal(size=(4, 12)) + 0.3 * random.normal(size=(300, 12))
np.savez_compressed(
    "features.npz", audio=audio.astype("float16"), video=video.astype("float16"), animal=animals[kinds]
)
