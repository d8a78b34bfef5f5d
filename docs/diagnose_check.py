"""What `modalflow diagnose` should find in the data sets of docs/diagnose.md, by a calculation of its own.

    python3 docs/diagnose_check.py FOLDER [NAME...]

FOLDER is what docs/diagnose_data.py wrote. Only NumPy's singular values are used; nothing is integrated. Formulas:
Zhang, Latham & Saxe, ICML 2024 (arXiv 2312.00935), late fusion and superficial preference.
"""

import csv
import sys
from pathlib import Path

import numpy as np

SUBSAMPLES, HOLDOUTS, HOLDOUT, SEED = 200, 50, 0.2, 1


def read_csv(path, groups, target, label=False):
    """Modalities and target of a table; `groups` says by a prefix or by names which columns a modality has."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    chosen = {
        name: [i for i, title in enumerate(header) if title in what or (isinstance(what, str) and title.startswith(what))]
        for name, what in groups.items()
    }
    used = sum(chosen.values(), [])
    rows = [row for row in rows if all(row[i] for i in used)]
    y = [row[header.index(target)] for row in rows]
    y = categories(y) if label else np.array(y, dtype=float)[:, None]
    return {name: np.array([[float(row[i]) for i in columns] for row in rows]) for name, columns in chosen.items()}, y


def categories(labels):
    """One column a class, 1 where a row is of it."""
    return np.equal.outer(np.array(labels), np.unique(labels)).astype(float)


def arrays(folder, stem, names, target, label=False):
    y = np.load(folder / f"{stem}_{target}.npy")
    y = categories(y) if label else y[:, None]
    return {name: np.load(folder / f"{stem}_{name}.npy").astype(float) for name in names}, y


SETS = {
    "diabetes": lambda f: read_csv(
        f / "diabetes.csv", {"body": ["age", "sex", "bmi", "bp"], "serum": [f"s{i}" for i in range(1, 7)]}, "progression"
    ),
    "nutrimouse_genotype": lambda f: read_csv(
        f / "nutrimouse.csv", {"genes": "gene_", "lipids": "lipid_"}, "genotype", label=True
    ),
    "nutrimouse_diet": lambda f: read_csv(f / "nutrimouse.csv", {"genes": "gene_", "lipids": "lipid_"}, "diet", label=True),
    "digits": lambda f: arrays(f, "digits", ["fourier", "karhunen"], "label", label=True),
    "digits_pixels": lambda f: arrays(f, "digits", ["pixels", "profile"], "label", label=True),
    "digits_six": lambda f: arrays(
        f, "digits", ["fourier", "profile", "karhunen", "pixels", "zernike", "shape"], "label", label=True
    ),
    "breast_cancer": lambda f: read_csv(
        f / "breast_cancer.csv", {"clinical": ["age", "size", "grade", "er"], "genes": "gene_"}, "metastasis"
    ),
    "films": lambda f: arrays(f, "films", ["text", "facts"], "score"),
}


def standardised(x, rows=slice(None)):
    """Columns of mean 0 and variance 1 over some of the rows; constant columns become 0."""
    mean, scale = x[rows].mean(0), x[rows].std(0)
    scale = np.where(scale > 1e-12 * np.maximum(1, abs(mean)), scale, np.inf)
    return (x - mean) / scale


def largest(matrix):
    return np.linalg.svd(matrix, compute_uv=False)[0]


def moments(modalities, y):
    """Standardised inputs, the target (a number standardised, classes only centred) and S_yx of each modality."""
    y = standardised(y) if y.shape[1] == 1 else y - y.mean(0)
    x = {name: standardised(x) for name, x in modalities.items()}
    return x, y, {name: y.T @ x[name] / len(y) for name in x}


def ridge(x, y):
    """The map to centred targets with the penalty of the least leave-one-out error, in closed form (PRESS)."""
    left, values, right = np.linalg.svd(x, full_matrices=False)
    kept = values > 1e-10 * values[0]
    left, values, right = left[:, kept], values[kept], right[kept]
    along = left.T @ y
    best = (np.inf, None)
    for penalty in (values**2).mean() * 10.0 ** np.arange(-6, 4.1, 0.25):
        shrunk = values**2 / (values**2 + penalty)
        hat = 1 / len(y) + (left**2) @ shrunk
        residual = (y - left @ (shrunk[:, None] * along)) / np.maximum(1 - hat, 1e-9)[:, None]
        best = min(best, ((residual**2).sum(), penalty))
    return right.T @ ((values / (values**2 + best[1]))[:, None] * along)


def explained(x, y, train, test):
    """Fraction of the targets' power on the test rows that a ridge fit to the training rows explains."""
    x = standardised(x, train)
    mean = y[train].mean(0)
    residual = y[test] - mean - x[test] @ ridge(x[train], y[train] - mean)
    return 1 - (residual**2).sum() / ((y[test] - mean) ** 2).sum()


def held_out(modalities, y, train, test):
    """Power alone of each modality, unique power of each, and joint power, on the test rows."""
    join = lambda names: np.hstack([modalities[name] for name in names])
    joint = explained(join(modalities), y, train, test)
    alone = {name: explained(x, y, train, test) for name, x in modalities.items()}
    unique = {}
    for name in modalities:
        others = [other for other in modalities if other != name]
        rest = explained(join(others), y, train, test) if len(others) > 1 else alone[others[0]]
        unique[name] = joint - rest
    return {"alone": alone, "unique": unique, "joint": joint}


def late_fusion(x, y, first, second):
    """Time ratio t_B/t_A = 1 + (|S_yxA| - |S_yxB|)/|S_yxB - S_yxA S_A^+ S_AB|, and the rate of B that makes it 1."""
    yxa, yxb = (y.T @ x[name] / len(y) for name in (first, second))
    left = yxb - yxa @ np.linalg.pinv(x[first].T @ x[first] / len(y), rcond=1e-10) @ (x[first].T @ x[second] / len(y))
    drive = largest(left)
    rate = largest(yxa) / largest(yxb)
    return (1 + (largest(yxa) - largest(yxb)) / drive if drive > 1e-9 else None), rate


def spread(values):
    return f"{np.mean(values):.3f} ({np.quantile(values, 0.1):.3f} to {np.quantile(values, 0.9):.3f})"


def known(modalities, y):
    """All that is known of one data set: of the full sample, of hold-outs, and of half samples."""
    rng = np.random.default_rng(SEED)
    x, unit, correlation = moments(modalities, y)
    growth = {name: largest(s) for name, s in correlation.items()}
    order = sorted(growth, key=growth.get, reverse=True)
    ratio, rate = late_fusion(x, unit, *order[:2])
    found = {
        "rows": len(y),
        "order": order,
        "growth": growth,
        "inputs": {name: x[name].shape[1] for name in x},
        "rank": {name: int(np.linalg.matrix_rank(x[name])) for name in x},
        "fits": {name: fits(x[name], unit) for name in x},
        "ratio": ratio,
        "balance": rate,
    }
    splits = [np.split(rng.permutation(len(y)), [round(HOLDOUT * len(y))]) for _ in range(HOLDOUTS)]
    found["power"] = [held_out(modalities, y, train, test) for test, train in splits]
    halves = [half(modalities, y, rng.permutation(len(y))) for _ in range(SUBSAMPLES)]
    firsts, superficial, ratios = zip(*halves)
    found["first"] = {name: firsts.count(name) / SUBSAMPLES for name in order}
    found["superficial"] = float(np.mean(superficial))
    found["ratios"] = [ratio for ratio in ratios if ratio]
    return found


def fits(x, y):
    """Whether some inputs alone fit the targets exactly."""
    return bool(np.linalg.norm(y - x @ np.linalg.lstsq(x, y, rcond=1e-10)[0]) < 1e-8 * np.linalg.norm(y))


def half(modalities, y, rows):
    """First modality, superficiality and time ratio of half of the rows; the other half tells what is explained."""
    train, test = np.split(rows, [len(y) // 2])
    x, unit, correlation = moments({name: values[train] for name, values in modalities.items()}, y[train])
    rates = {name: largest(s) for name, s in correlation.items()}
    ranked = sorted(rates, key=rates.get, reverse=True)
    alone = {name: explained(values, y, train, test) for name, values in modalities.items()}
    return ranked[0], ranked[0] != max(alone, key=alone.get), late_fusion(x, unit, *ranked[:2])[0]


def page(name, found):
    """Prints what is known of one data set."""
    print(f"\n{name}: {found['rows']} rows; jointly explained {spread([power['joint'] for power in found['power']])}")
    for modality in found["order"]:
        alone, unique = ([power[part][modality] for power in found["power"]] for part in ("alone", "unique"))
        print(
            f"  {modality}: {found['inputs'][modality]} inputs, rank {found['rank'][modality]}, "
            f"fits alone {found['fits'][modality]}, |S_yx| {found['growth'][modality]:.4f}, "
            f"alone {spread(alone)}, unique {spread(unique)}"
        )
    print(f"  first in half samples: {found['first']}; superficial in {found['superficial']:.2f} of them")
    ratio = found["ratio"] and round(found["ratio"], 4)
    print(f"  late fusion, first two: ratio {ratio}, balancing rate of {found['order'][1]} {found['balance']:.4f}")
    print(f"  ratio in half samples: {spread(found['ratios']) if found['ratios'] else 'none'}", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: python3 docs/diagnose_check.py FOLDER [NAME...]")
    for name in sys.argv[2:] or SETS:
        page(name, known(*SETS[name](Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
